//! The user's own request: the key of the mesh's CA is never here.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istiopca_acceptance::cli::Cli;

use super::{Custody, Held, INTERMEDIATE, SECRET, request_for};
use crate::hands::another_key;
use crate::planned::Planned;
use crate::world::{World, days, openssl};

const NINE_DAYS: &str = r#"validity = "9d""#;

/// A key of openssl's for the Secret of the runs from now on.
fn supplied(world: &mut World) -> String {
    let key = another_key(&world.dir.path());
    world.dir.set_env("TF_VAR_key", &key);
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_certified_again_and_again_and_keeps_its_key() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "requested").await;
        let key = supplied(&mut world);
        let request = request_for(&world, &key, &[]);
        let custody = Custody::requested(&request).with(NINE_DAYS, "");
        world.configure(&world.mesh(&custody));
        let plan = Planned::make(&mut world, &[]).await;
        let nothing = [
            "private_key_pem",
            "private_key_sealed",
            "private_key_pem_wo",
        ];
        plan.made(INTERMEDIATE).lacks(&nothing);
        Planned::apply(&mut world).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.state_holds(Held::Nothing).await;
        world.plan(&[]).await.exit_code(0);
        let asked = world.calls_of("IssueCertificate")[0].clone();
        let sent = asked.request["Csr"].as_str().unwrap();
        let sent = STANDARD.decode(sent).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap().trim(), request.trim());

        world.aws.clock().advance(days(6));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).says("renewal is due");
        let change = plan.in_place(INTERMEDIATE).because("renewal");
        change.opens(&["certificate"]).keeps(&["public_key_sha256"]);
        Planned::apply(&mut world).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);

        // The same request, written otherwise.
        let glued = format!(
            "a request\n{}",
            request.replace("BEGIN CERT", "BEGIN NEW CERT")
        );
        let glued = glued.replace("END CERT", "END NEW CERT");
        let custody = Custody::requested(&glued).with(NINE_DAYS, "");
        world.configure(&world.mesh(&custody));
        let plan = Planned::make(&mut world, &[]).await;
        let change = plan.in_place(INTERMEDIATE);
        change.keeps(&["certificate", "issue_reason", "public_key_sha256"]);
        Planned::apply(&mut world).await.succeeds();
        world.ordered(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_is_certified_in_place() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "requested-next").await;
        let key = supplied(&mut world);
        world.configure(&world.mesh(&Custody::requested(&request_for(&world, &key, &[]))));
        world.apply(&[]).await.succeeds();
        let first = world.state(INTERMEDIATE).await;

        let key = supplied(&mut world);
        let next = request_for(&world, &key, &[]);
        world.configure(&world.mesh(&Custody::requested(&next)));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        let change = plan.in_place(INTERMEDIATE);
        let change = change.because("certificate_signing_request_pem");
        change.opens(&["certificate", "public_key_sha256"]);
        plan.in_place(SECRET).keeps(&["uid"]);
        Planned::apply(&mut world).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        let second = world.state(INTERMEDIATE).await;
        assert_ne!(second["public_key_sha256"], first["public_key_sha256"]);
        world.plan(&[]).await.exit_code(0);
    }
}

/// The request with a name in it that its signature is not over.
fn changed(request: &str) -> String {
    let lines = request.trim().lines();
    let body: String = lines.filter(|line| !line.starts_with('-')).collect();
    let mut der = STANDARD.decode(body).unwrap();
    let mut windows = der.windows(7);
    let place = windows.position(|window| window == b"Example").unwrap();
    der[place] = b'e';
    let body = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_something_else_is_refused_while_validating() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "requested-unfit").await;
        let key = supplied(&mut world);
        let rsa = world.dir.path().join("rsa.key");
        openssl(&["genpkey", "-algorithm", "RSA", "-out"], &rsa);
        let rsa = std::fs::read_to_string(rsa).unwrap();
        let plain = request_for(&world, &key, &[]);
        let unfit = [
            (
                request_for(&world, &key, &["-subj", "/CN=another"]),
                "it is for CN=another, not for `subject`",
            ),
            (
                request_for(&world, &key, &["-addext", "subjectAltName=DNS:ca.example"]),
                "it asks for the alternative names DNS:ca.example, and the settings for others",
            ),
            (
                request_for(&world, &rsa, &[]),
                "its key is RSA_2048, and `key_algorithm` says otherwise",
            ),
            (
                request_for(
                    &world,
                    &key,
                    &["-addext", "nameConstraints=permitted;DNS:example"],
                ),
                "it asks for nameConstraints, which the template drops without a word",
            ),
            (
                changed(&plain),
                "the signature of the request does not hold",
            ),
            (
                "a request".to_owned(),
                "expected exactly one CERTIFICATE REQUEST",
            ),
        ];
        for (request, told) in unfit {
            world.configure(&world.mesh(&Custody::requested(&request)));
            let refused = world.cli(&["validate", "-no-color"]).await;
            refused
                .fails()
                .says(told)
                .says("certificate_signing_request_pem = <<EOT")
                .never_says("panicked");
        }
        world.ordered(0);
        world.configure(&world.mesh(&Custody::requested(&plain)));
        world.cli(&["validate", "-no-color"]).await.succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_another_resource_makes_is_compared_before_anything_is_ordered() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "requested-late").await;
        let key = supplied(&mut world);
        let custody = Custody::requested("");
        let other = request_for(&world, &key, &["-subj", "/CN=another"]);
        let beside = format!(
            "{}\nresource \"terraform_data\" \"request\" {{\n  input = <<EOT\n{}\nEOT\n}}",
            custody.beside,
            other.trim()
        );
        let late = Custody {
            beside,
            intermediate: "certificate_signing_request_pem = terraform_data.request.output"
                .to_owned(),
            ..custody
        };
        world.configure(&world.mesh(&late));
        world.cli(&["init", "-no-color", "-input=false"]).await;
        world
            .apply(&[])
            .await
            .fails()
            .says("it is for CN=another, not for `subject`");
        world.ordered(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_without_the_key_of_the_request_is_not_written() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "requested-other").await;
        let key = supplied(&mut world);
        let request = request_for(&world, &key, &[]);
        world.configure(&world.mesh(&Custody::requested(&request)));
        supplied(&mut world);
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("the supplied key is not the certificate's");
        world.ordered(1);
        assert!(world.live().await.is_null());
        world.dir.set_env("TF_VAR_key", &key);
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}
