//! Keys for a run: made in the plan and again in the apply, used for real, and found nowhere
//! afterwards.

use std::fs;
use std::path::{Path, PathBuf};

use istiopca_acceptance::canary::Secret;
use istiopca_acceptance::cli::{Cli, PROVIDER_SOURCE};

use crate::planned::Planned;
use crate::world::{World, openssl};

const TRACE: &str = "traces/all.log";
const P_256: &str = "NIST CURVE: P-256";

/// A key, and something built into every core that takes it: a program writes down what it is
/// given, once for each version. The condition is not the key's own: of one there Terraform 1.11
/// crashes when it shows the plan as JSON.
fn escrow(version: u32, algorithm: &str) -> String {
    format!(
        r#"
resource "terraform_data" "algorithm" {{
  input = "{algorithm}"
}}
ephemeral "istiopca_private_key" "mesh" {{
  key_algorithm = terraform_data.algorithm.output
}}
resource "terraform_data" "escrow" {{
  triggers_replace = ["{version}"]
  lifecycle {{
    precondition {{
      condition     = startswith(ephemeral.istiopca_private_key.mesh.private_key_pem, "-----BEGIN ")
      error_message = "It should be a key."
    }}
  }}
  provisioner "local-exec" {{
    command     = "printf %s \"$KEY\" > key-{version}.pem; printf %s \"$PUBLIC\" > public-{version}.pem; printf %s \"$SHA\" > sha-{version}"
    environment = {{
      KEY    = ephemeral.istiopca_private_key.mesh.private_key_pem
      PUBLIC = ephemeral.istiopca_private_key.mesh.public_key_pem
      SHA    = ephemeral.istiopca_private_key.mesh.public_key_sha256
    }}
  }}
}}
"#
    )
}

/// What the program was given, judged by openssl; returns the key's file.
fn given(world: &World, version: u32, kind: &str) -> PathBuf {
    let file = |name: String| world.dir.path().join(name);
    let key = file(format!("key-{version}.pem"));
    let shown = openssl(&["pkey", "-check", "-noout", "-text", "-in"], &key);
    assert!(
        shown.contains("Key is valid") && shown.contains(kind),
        "not of the kind {kind:?}"
    );
    let public = openssl(&["pkey", "-pubout", "-in"], &key);
    let told = fs::read_to_string(file(format!("public-{version}.pem"))).unwrap();
    assert_eq!(told, public);
    let der = file("public.der".to_owned());
    let out = der.display().to_string();
    openssl(
        &["pkey", "-pubout", "-outform", "DER", "-out", &out, "-in"],
        &key,
    );
    let digest = openssl(&["dgst", "-sha256", "-r"], &der);
    let told = fs::read_to_string(file(format!("sha-{version}"))).unwrap();
    assert_eq!(digest.split_whitespace().next(), Some(told.as_str()));
    key
}

/// How often a key has been made until now, by the core's trace.
fn openings(world: &World) -> usize {
    let trace = String::from_utf8(world.dir.read(TRACE)).unwrap();
    let calls = trace
        .lines()
        .filter(|line| line.contains("called") && line.contains("tf_rpc=OpenEphemeralResource"));
    let about = "tf_ephemeral_resource_type=istiopca_private_key";
    calls.filter(|call| call.contains(about)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_another_one_each_time_and_only_who_takes_it_has_it() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ephemeral-key").await;
        world.dir.write(TRACE, "");
        let trace = world.dir.path().join(TRACE).display().to_string();
        world.dir.set_env("TF_LOG", "trace");
        world.dir.set_env("TF_LOG_PATH", &trace);
        // The program writes down what it is given; nothing else does.
        world.dir.canary().expect_in("/work/key-");

        // The algorithm is not known yet: the plan can do without a key.
        world.configure(&escrow(1, "EC_prime256v1"));
        Planned::make(&mut world, &[]).await.run.exit_code(2);
        assert_eq!(openings(&world), 0);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(openings(&world), 1);
        let first = sought(&world, &given(&world, 1, P_256));

        // It is known now; another key in each run is no change.
        world.plan(&[]).await.exit_code(0);
        assert_eq!(openings(&world), 2);

        // One key for the plan and one for the apply; the program has the latter.
        world.configure(&escrow(2, "EC_prime256v1"));
        Planned::make(&mut world, &[]).await;
        assert_eq!(openings(&world), 3);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(openings(&world), 4);
        let second = sought(&world, &given(&world, 2, P_256));
        assert_ne!(first, second);

        world.configure(&escrow(3, "RSA_2048"));
        world.apply(&[]).await.succeeds();
        sought(
            &world,
            &given(&world, 3, "Private-Key: (2048 bit, 2 primes)"),
        );
        world.cli(&["show", "-json"]).await.succeeds();
        assert_eq!(world.aws.calls().len(), 0, "nobody was asked");
    }
}

/// Has everything that the runs leave behind searched for the key in that file; returns the key.
fn sought(world: &World, key: &Path) -> String {
    let pem = fs::read_to_string(key).unwrap();
    let secret = Secret::private_key("a key for a run", &pem).unwrap();
    world.dir.canary().look_for(secret);
    pem
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_no_known_kind_is_refused_where_it_is_written() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ephemeral-refused").await;
        world.configure(
            r#"
ephemeral "istiopca_private_key" "mesh" {
  key_algorithm = "RSA_1024"
}
"#,
        );
        let told = world.cli(&["validate", "-json"]).await;
        let problem = told.fails().json()["diagnostics"][0].clone();
        assert_eq!(problem["summary"], "Invalid key_algorithm");
        let line = problem["snippet"]["code"].as_str().unwrap_or_default();
        assert!(
            line.contains(r#"key_algorithm = "RSA_1024""#),
            "{problem:#}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_schema_is_told_beside_those_of_the_resources() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ephemeral-schema").await;
        world.configure("");
        let told = world.cli(&["providers", "schema", "-json"]).await;
        let told = told.succeeds().json()["provider_schemas"][PROVIDER_SOURCE].clone();
        let schema = &told["ephemeral_resource_schemas"]["istiopca_private_key"];
        let attributes = &schema["block"]["attributes"];
        assert_eq!(attributes["key_algorithm"]["optional"], true);
        let key = &attributes["private_key_pem"];
        assert_eq!(
            (&key["computed"], &key["sensitive"]),
            (&true.into(), &true.into())
        );
    }
}
