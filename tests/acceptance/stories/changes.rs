//! What becomes of the certificate, and of the Secret, when the configuration changes.

use istiopca_acceptance::aws::KeyAlgorithm;
use istiopca_acceptance::cli::Cli;
use jiff::SignedDuration;

use crate::planned::Planned;
use crate::world::{World, days, openssl};

const INTERMEDIATE: &str = "istiopca_intermediate.mesh";
const SECRET: &str = "istiopca_cacerts_secret.mesh";

/// The names of the live Secret's files.
async fn files(world: &World) -> Vec<String> {
    let live = world.live().await;
    live["data"]
        .as_object()
        .map(|data| data.keys().cloned().collect())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_subject_is_issued_in_place() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "subject").await;
        let resources = world.intermediate_and_secret("", "");
        world.configure(&resources);
        world.apply(&[]).await.succeeds();
        let first = world.state(INTERMEDIATE).await;
        let uid = world.live().await["metadata"]["uid"].clone();

        world.configure(&resources.replace(r#""Mesh"]"#, r#""Mesh", "Third, of its kind"]"#));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        let change = plan.in_place(INTERMEDIATE).because("subject");
        change.opens(&["certificate", "certificate_arn", "renew_at"]);
        plan.in_place(SECRET).keeps(&["uid", "owner_id"]);
        Planned::apply(&mut world).await.succeeds();

        assert_eq!(world.aws.count("IssueCertificate"), 2);
        world.openssl_accepts_the_live_bundle().await;
        let certificate = world.file("ca-cert.pem").await;
        let subject = openssl(
            &["x509", "-noout", "-subject", "-nameopt", "RFC2253", "-in"],
            &certificate,
        );
        assert!(
            subject.contains("O=Third\\, of its kind,O=Mesh,O=Example"),
            "{subject}"
        );
        let second = world.state(INTERMEDIATE).await;
        assert_eq!(
            second["superseded_certificate_arns"][0],
            first["certificate_arn"]
        );
        assert_eq!(world.live().await["metadata"]["uid"], uid);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_label_leaves_the_certificate_known_and_issues_nothing() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "label").await;
        world.issue("", "").await.succeeds();
        let key = std::fs::read(world.file("ca-key.pem").await).expect("it was written");

        world.configure(&world.issuing_secret(r#"labels = { tier = "mesh" }"#, ""));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        plan.in_place(SECRET).keeps(&[
            "certificate_arn",
            "certificate_sha256",
            "files_sha256",
            "issue_reason",
            "issued_certificate",
            "issued_certificate_chain",
            "not_after",
            "public_key_sha256",
            "renew_at",
            "root_certificate",
            "serial_number",
            "uid",
        ]);
        Planned::apply(&mut world).await.succeeds();

        assert_eq!(world.aws.count("IssueCertificate"), 1);
        assert_eq!(world.live().await["metadata"]["labels"]["tier"], "mesh");
        world.openssl_accepts_the_live_bundle().await;
        assert!(std::fs::read(world.file("ca-key.pem").await).expect("it was written") == key);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_the_provider_are_on_the_secret_and_its_own_win() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "default-labels").await;
        let secret = world.issuing_secret(r#"labels = { team = "mesh" }"#, "");
        let bad = r#"default_labels = { team = "the platform" }"#;
        world.configure_with(bad, &secret);
        world
            .plan(&[])
            .await
            .fails()
            .says("the platform")
            .says("63");

        let labels = r#"default_labels = { team = "platform", tier = "1" }"#;
        world.configure_with(labels, &secret);
        world.apply(&[]).await.succeeds();
        let live = world.live().await["metadata"]["labels"].clone();
        assert_eq!(
            (&live["team"], &live["tier"]),
            (&"mesh".into(), &"1".into())
        );
        world.plan(&[]).await.exit_code(0);

        world.configure(&secret);
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        plan.in_place(SECRET)
            .keeps(&["certificate_arn", "files_sha256", "uid"]);
        Planned::apply(&mut world).await.succeeds();
        let live = world.live().await["metadata"]["labels"].clone();
        assert_eq!((&live["team"], live.get("tier")), (&"mesh".into(), None));
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_moment_of_renewal_acts_in_the_same_run() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "moment").await;
        let start = world.aws.clock().now();
        world.configure(&world.intermediate_and_secret(r#"validity = "9d""#, ""));
        world.apply(&[]).await.succeeds();

        let sooner =
            world.intermediate_and_secret("validity = \"9d\"\n  renew_before = \"5d\"", "");
        world.configure(&sooner);
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        let change = plan.in_place(INTERMEDIATE);
        change.keeps(&[
            "certificate",
            "certificate_arn",
            "issue_reason",
            "private_key_pem",
        ]);
        let renew_at: jiff::Timestamp = change.after("renew_at").parse().expect("it is known");
        assert_eq!(renew_at.as_second(), (start + days(4)).as_second());
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        world.plan(&[]).await.exit_code(0);
        world.aws.clock().set(start + days(4));
        world.plan(&[]).await.exit_code(2).says("renewal is due");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moment_of_renewal_that_has_passed_renews_at_once() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "moment-passed").await;
        let start = world.aws.clock().now();
        world.issue("", r#"validity = "9d""#).await.succeeds();
        world
            .aws
            .clock()
            .set(start + days(4) + SignedDuration::from_hours(1));
        world.configure(&world.issuing_secret("", "validity = \"9d\"\n    renew_before = \"5d\""));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).says("renewal is due");
        plan.in_place(SECRET)
            .because("renewal")
            .opens(&["renew_at"]);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 2);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_issues_now_and_the_key_stays_where_it_is_to_stay() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "trigger").await;
        let with = |trigger: &str, rotate: bool| {
            format!("rotate_key = {rotate}\n  renew_triggers = {{ incident = \"{trigger}\" }}")
        };
        world.configure(&world.intermediate_and_secret(&with("none", true), ""));
        world.apply(&[]).await.succeeds();
        let first = world.state(INTERMEDIATE).await;

        world.configure(&world.intermediate_and_secret(&with("42", false), ""));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        let change = plan.in_place(INTERMEDIATE).because("triggers");
        change.opens(&["certificate", "serial_number"]);
        change.keeps(&["public_key_sha256", "private_key_pem"]);
        Planned::apply(&mut world).await.succeeds();
        let second = world.state(INTERMEDIATE).await;
        assert_ne!(second["serial_number"], first["serial_number"]);
        assert_eq!(second["public_key_sha256"], first["public_key_sha256"]);
        world.openssl_accepts_the_live_bundle().await;

        world.configure(&world.intermediate_and_secret(&with("43", true), ""));
        let plan = Planned::make(&mut world, &[]).await;
        let change = plan.in_place(INTERMEDIATE).because("triggers");
        change.opens(&["public_key_sha256", "private_key_pem"]);
        Planned::apply(&mut world).await.succeeds();
        let third = world.state(INTERMEDIATE).await;
        assert_ne!(third["public_key_sha256"], second["public_key_sha256"]);
        assert_eq!(world.aws.count("IssueCertificate"), 3);
        world.openssl_accepts_the_live_bundle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_only_the_cluster_has_can_stay_too() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kept-key").await;
        let with = |trigger: &str| {
            format!("rotate_key = false\n    renew_triggers = {{ incident = \"{trigger}\" }}")
        };
        world.issue("", &with("none")).await.succeeds();
        let key = std::fs::read(world.file("ca-key.pem").await).expect("it was written");
        world.configure(&world.issuing_secret("", &with("42")));
        let plan = Planned::make(&mut world, &[]).await;
        plan.in_place(SECRET)
            .because("triggers")
            .opens(&["certificate_arn", "serial_number"]);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 2);
        assert!(std::fs::read(world.file("ca-key.pem").await).expect("it was written") == key);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_layout_takes_the_place_of_the_first_and_issues_nothing() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "layout").await;
        world.issue("", "").await.succeeds();
        let istio = [
            "ca-cert.pem",
            "ca-key.pem",
            "cert-chain.pem",
            "root-cert.pem",
        ];
        assert_eq!(files(&world).await, istio);
        let certificate = world.state(SECRET).await["issued_certificate"].clone();

        world.configure(&world.issuing_secret(r#"format = "kubernetes_tls""#, ""));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        plan.in_place(SECRET)
            .keeps(&["certificate_arn", "issued_certificate"]);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(files(&world).await, ["ca.crt", "tls.crt", "tls.key"]);
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        let written = world.file_text("tls.crt").await;
        let certificate = certificate.as_str().unwrap_or_default().trim().to_owned();
        assert!(written.starts_with(&certificate), "{written}");
        let (of_certificate, of_key) = (
            openssl(
                &["x509", "-noout", "-pubkey", "-in"],
                &world.file("tls.crt").await,
            ),
            openssl(&["pkey", "-pubout", "-in"], &world.file("tls.key").await),
        );
        assert_eq!(of_certificate, of_key, "the key is not the certificate's");
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_root_comes_after_the_bytes_that_are_there() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "further-root").await;
        let next = world
            .aws
            .root(KeyAlgorithm::Rsa2048)
            .valid_for(days(3650))
            .create();
        world.issue("", "").await.succeeds();
        let before = world.file_text("root-cert.pem").await;

        let pem = next.root_pem();
        world.configure(
            &world.issuing_secret(&format!("additional_root_pems = [<<EOT\n{pem}\nEOT\n]"), ""),
        );
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        plan.in_place(SECRET)
            .opens(&["files_sha256"])
            .keeps(&["certificate_arn", "root_sha256"]);
        Planned::apply(&mut world).await.succeeds();
        let after = world.file_text("root-cert.pem").await;
        let added = after
            .strip_prefix(&before)
            .expect("the bytes that were there come first");
        assert_eq!(added.trim(), pem.trim());
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}
