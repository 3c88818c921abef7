//! What data sources show: of CAs and of Secrets in every condition, and of each what is wrong with it.

use std::collections::BTreeSet;

use istiopca_acceptance::aws::Status;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::istiod::Istiod;
use istiopca_acceptance::sandbox::example;
use serde_json::{Value, json};

use crate::world::{World, openssl};

const CA: &str = r#"
output "ca" {
  value = data.istiopca_certificate_authority.mesh
}
"#;

fn authority(world: &World) -> String {
    let arn = world.ca.arn();
    format!("data \"istiopca_certificate_authority\" \"mesh\" {{\n  arn = \"{arn}\"\n}}\n{CA}")
}

/// What is shown of the Secret in this story's namespace, with more settings.
fn secret(world: &World, more: &str) -> String {
    let namespace = &world.namespace;
    format!(
        r#"
data "istiopca_cacerts" "mesh" {{
  namespace = "{namespace}"
  {more}
}}
output "mesh" {{
  value = data.istiopca_cacerts.mesh
}}
"#
    )
}

/// An output after an apply that changes nothing else.
async fn shown(world: &mut World, output: &str) -> Value {
    world.apply(&[]).await.succeeds();
    let run = world.cli(&["output", "-json", output]).await;
    run.succeeds().json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_is_shown_in_whatever_condition_it_is() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "look-at-ca").await;
        world.configure(&authority(&world));
        let ca = shown(&mut world, "ca").await;
        assert_eq!(
            (&ca["status"], &ca["can_issue"]),
            (&json!("ACTIVE"), &json!(true))
        );
        assert_eq!(ca["type"], "SUBORDINATE");
        assert_eq!(
            (&ca["path_length"], &ca["max_path_length"]),
            (&json!(1), &json!(0))
        );
        world
            .dir
            .write("root.pem", ca["root_certificate"].as_str().unwrap());
        let file = world.dir.path().join("root.pem");
        let told = openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-in"], &file);
        let told = told.trim().replace(':', "").to_lowercase();
        assert!(
            told.ends_with(ca["root_sha256"].as_str().unwrap()),
            "{told}"
        );
        assert_eq!(
            ca["certificate"].as_str().unwrap().trim(),
            world.ca.certificate_pem().trim()
        );
        // Nothing of it changes by itself.
        world.plan(&[]).await.exit_code(0);

        for (status, name) in [
            (Status::Disabled, "DISABLED"),
            (Status::Expired, "EXPIRED"),
            (Status::Deleted, "DELETED"),
            (Status::PendingCertificate, "PENDING_CERTIFICATE"),
        ] {
            world.ca.set_status(status);
            let ca = shown(&mut world, "ca").await;
            assert_eq!(
                (&ca["status"], &ca["can_issue"]),
                (&json!(name), &json!(false))
            );
            let because = ca["cannot_issue_because"].to_string();
            assert!(because.contains(&format!("is {name}.")), "{because}");
        }
        world.ca.purge();
        let run = world.plan(&[]).await;
        run.exit_code(1).says("the CA does not exist");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_may_not_be_looked_at_is_an_error_that_names_the_action() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "look-denied").await;
        let stranger = world.aws.account("444455556666").user("visitor");
        world.sign_in_as(&stranger);
        world.configure(&authority(&world));
        let run = world.plan(&[]).await;
        run.exit_code(1)
            .says("AWS denies access")
            .says("Allow `acm-pca:DescribeCertificateAuthority`");
    }
}

/// Data sources and resources of one run ask AWS once.
#[tokio::test(flavor = "multi_thread")]
async fn looking_at_the_ca_costs_nothing_beside_a_certificate_of_it() {
    let mut world = World::with_binary(Cli::Terraform, "look-shared").await;
    world.configure(&format!(
        "{}{}",
        authority(&world),
        world.issuing_secret("", "")
    ));
    world.apply(&[]).await.succeeds();
    world.aws.forget_calls();
    world.plan(&[]).await.exit_code(0);
    assert_eq!(world.aws.count("DescribeCertificateAuthority"), 1);
    assert_eq!(world.aws.count("GetCertificateAuthorityCertificate"), 1);
}

/// What the resource's state says of its Secret, too.
const FACTS: [&str; 12] = [
    "uid",
    "owner_id",
    "serial_number",
    "not_after",
    "path_not_after",
    "renew_at",
    "certificate_sha256",
    "public_key_sha256",
    "root_sha256",
    "certificate_arn",
    "trusted_roots",
    "cluster_fingerprint",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_shown_absent_foreign_and_ours() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "look-at-secret").await;
        world.configure(&secret(&world, ""));
        let absent = shown(&mut world, "mesh").await;
        assert_eq!(
            (&absent["exists"], &absent["sound"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(
            (&absent["trusted_roots"], &absent["istiods"]),
            (&json!([]), &json!([]))
        );

        world
            .somebody_makes(
                "Opaque",
                &json!({"root-cert.pem": "-", "notes.txt": "mine"}),
            )
            .await;
        let foreign = shown(&mut world, "mesh").await;
        assert_eq!(
            (&foreign["exists"], &foreign["sound"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(foreign["written_by"], json!(["kubectl-create"]));
        assert_eq!(
            (&foreign["owner_id"], &foreign["certificate"]),
            (&Value::Null, &Value::Null)
        );
        assert!(!foreign["findings"].as_array().unwrap().is_empty());

        world.delete_secret().await;
        let both = format!("{}{}", world.issuing_secret("", ""), secret(&world, ""));
        world.configure(&both);
        world.apply(&[]).await.succeeds();
        let ours = shown(&mut world, "mesh").await;
        let state = world.state("istiopca_cacerts_secret.mesh").await;
        assert_eq!(
            (&ours["sound"], &ours["findings"]),
            (&json!(true), &json!([]))
        );
        for fact in FACTS {
            assert_eq!(ours[fact], state[fact], "{fact}");
        }
        assert_eq!(ours["written_by"], json!(["terraform-provider-istiopca"]));
        assert!(!ours.to_string().contains("PRIVATE KEY"));
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_seen_is_an_error_for_the_secret_and_a_warning_beside_it() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "look-rights").await;
        world.issue("", "").await.succeeds();
        let user = world.cluster.user();
        let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]});
        let namespace = world.namespace.clone();
        world.user = user;
        world.configure(&secret(&world, ""));
        let run = world.plan(&["-refresh=false"]).await;
        run.exit_code(1)
            .says("the cluster denies access")
            .says("Allow the verb `get` on `secrets`");

        world
            .cluster
            .grant(&world.user, Some(&namespace), &[rule])
            .await;
        world.may_read_the_secret().await;
        let run = world.plan(&["-refresh=false"]).await;
        run.says("the pods of istiod could not be listed")
            .says("Allow the verb `list` on `pods`")
            .says("the roots of the mesh could not be seen");
        world.configure(&secret(&world, "look_at_istiods = false"));
        let run = world.plan(&["-refresh=false"]).await;
        run.never_says("the pods of istiod could not be listed");
    }
}

/// Lays the example out in this world: its provider and its namespace, and nothing else of it.
pub(crate) fn lay_out(world: &World) {
    world.configure("");
    let provider = String::from_utf8(world.dir.read("main.tf")).unwrap();
    world.dir.write("here_override.tf", &provider);
    world.dir.copy(&example("mesh-check")).unwrap();
    let (arn, namespace) = (world.ca.arn(), &world.namespace);
    let variables = format!("certificate_authority_arn = \"{arn}\"\nnamespace = \"{namespace}\"\n");
    world.dir.write("mesh.auto.tfvars", &variables);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_warns_in_every_plan_when_the_mesh_is_not_what_the_state_says() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "mesh-check").await;
        lay_out(&world);
        let quiet = [
            "does not hold the certificate",
            "Something is wrong",
            "could not renew",
        ];
        let run = world.plan(&[]).await;
        quiet.iter().for_each(|warning| {
            run.never_says(warning);
        });
        let run = world.apply(&[]).await;
        quiet.iter().for_each(|warning| {
            run.succeeds().never_says(warning);
        });
        let run = world.plan(&[]).await;
        quiet.iter().for_each(|warning| {
            run.exit_code(0).never_says(warning);
        });

        world.ca.set_status(Status::Disabled);
        let run = world.plan(&[]).await;
        run.exit_code(0)
            .says("The CA could not renew the mesh's.")
            .says("is DISABLED");
        world.ca.set_status(Status::Active);

        // Of an istiod that was not restarted when its roots changed.
        let stranger = world.root.root_pem().replace("\r", "");
        let other = crate::roots::another_hierarchy(&world).0.root_pem();
        assert_ne!(stranger, other);
        world.istiod_publishes(&other).await;
        let run = world.plan(&[]).await;
        run.exit_code(0)
            .says("Something is wrong with the mesh's CA.")
            .says("istiod does not hand it on");
        world.istiod_publishes(&stranger).await;
        world
            .plan(&[])
            .await
            .exit_code(0)
            .never_says("Something is wrong");

        // What the plan sets right by itself it tells by itself, and the check looks afterwards.
        world
            .patch(&json!({"data": {"root-cert.pem": "LQ=="}}))
            .await;
        let run = world.plan(&[]).await;
        run.exit_code(2)
            .says("it was changed outside of this configuration");
        let run = world.apply(&[]).await;
        run.succeeds().never_says("does not hold the certificate");
    }
}

/// The alarms of the example are about gauges that a real istiod has, and that it sets.
#[tokio::test(flavor = "multi_thread")]
async fn the_alarms_watch_what_istiod_measures() {
    let mut world = World::with_binary(Cli::OpenTofu, "alarms").await;
    world.issue("", "").await.succeeds();
    let istiod = Istiod::start(world.cluster, &world.namespace, &[]).await;
    let measured = istiod.unwrap().metrics().await;
    let rule = std::fs::read_to_string(example("mesh-check").join("prometheus-rule.yaml")).unwrap();
    let words = rule.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let gauges: BTreeSet<&str> = words.filter(|word| word.ends_with("_timestamp")).collect();
    assert_eq!(gauges.len(), 2, "{gauges:?}");
    for gauge in gauges {
        let line = measured.lines().find(|line| line.starts_with(gauge));
        let value = line
            .and_then(|line| line.rsplit(' ').next())
            .unwrap_or_default();
        let ends: f64 = value
            .parse()
            .unwrap_or_else(|_| panic!("{gauge}: {line:?}"));
        assert!(ends > 1.6e9, "{gauge}: {line:?}");
    }
}

impl World {
    /// Waits until the API server acts on a rule that was just written.
    async fn may_read_the_secret(&self) {
        let question = [
            "auth",
            "can-i",
            "get",
            "secrets/cacerts",
            "-n",
            &self.namespace,
        ];
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while self
            .cluster
            .kubectl_as(&self.user, &question)
            .await
            .stdout()
            .trim()
            != "yes"
        {
            assert!(
                std::time::Instant::now() < end,
                "it should be allowed by now"
            );
        }
    }
}
