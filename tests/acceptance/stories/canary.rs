//! Where keys are found, and that they would be: what every story is searched for in its end, shown
//! on stories that leak.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use istiopca_acceptance::canary::Verdict;
use istiopca_acceptance::cli::Cli;

use crate::interruption::{SOON, until_ordered};
use crate::planned::Planned;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_secret_that_issues_by_itself_is_in_the_cluster_alone() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "canary").await;
        world.configure(&world.issuing_secret("", "rotate_key = false"));
        // What an interrupted run leaves is where a key would be kept to go on with it.
        let running = until_ordered(&world, 1).await;
        running.ctrl_c();
        running.wait(SOON).await.fails();
        world.aws.release_deliveries();
        Planned::make(&mut world, &[]).await;
        Planned::apply(&mut world).await.succeeds();
        world.plan(&[]).await.exit_code(0);
        // The key is read from the Secret, and signs and is written again.
        let again = "rotate_key = false\n    renew_triggers = { incident = \"42\" }";
        world.configure(&world.issuing_secret(r#"labels = { tier = "mesh" }"#, again));
        Planned::make(&mut world, &[]).await;
        Planned::apply(&mut world).await.succeeds();
        world.cli(&["show", "-json"]).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 3);
        let verdict = world.dir.canary().verdict();
        assert!(verdict.is_clean(), "{verdict}");
        assert_eq!(verdict.keys, 1);
    }
}

/// Everything that a key may be copied to by a configuration, with the custody that keeps it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_a_configuration_gives_away_is_found_wherever_it_is() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "canary-leaks").await;
        let mesh = world.intermediate_and_secret("", "");
        world.configure(&mesh);
        world.apply(&[]).await.succeeds();
        assert!(world.dir.canary().verdict().is_clean());
        let key = "istiopca_intermediate.mesh.private_key_pem";
        let leaks = format!(
            r#"
output "told" {{ value = nonsensitive({key}) }}
resource "terraform_data" "copied" {{ input = base64encode({key}) }}
resource "terraform_data" "written" {{
  provisioner "local-exec" {{
    command     = "printf %s \"$KEY\" | gzip > copy"
    environment = {{ KEY = nonsensitive({key}) }}
  }}
}}
"#
        );
        world.configure(&format!("{mesh}{leaks}"));
        Planned::make(&mut world, &[]).await;
        Planned::apply(&mut world).await.succeeds();
        let verdict = world.dir.canary().verdict();
        for place in [
            "/work/copy after",
            "/work/terraform.tfstate after",
            "tfplan in ",
            "stdout of `",
        ] {
            the_scalar_is(&verdict, place);
        }
        ends_in_failure(world);
    }
}

/// A version that the next run writes over is searched, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_that_was_there_between_two_runs_only() {
    let cli = Cli::Terraform;
    let mut world = World::with_binary(cli, "canary-passing").await;
    world.issue("", "").await.succeeds();
    let key = world.file("ca-key.pem").await;
    let copied = |command: &str| {
        format!(
            "resource \"terraform_data\" \"copied\" {{\n  provisioner \"local-exec\" {{\n    command = {command:?}\n  }}\n}}\n"
        )
    };
    let mesh = world.issuing_secret("", "");
    let base64 = format!("base64 -w0 {} > passing", key.display());
    world.configure(&format!("{mesh}{}", copied(&base64)));
    world.apply(&[]).await.succeeds();
    fs::remove_file(&key).unwrap();
    world.configure(&format!("{mesh}{}", copied("rm passing")));
    world
        .apply(&["-replace=terraform_data.copied"])
        .await
        .succeeds();
    assert!(!world.dir.path().join("passing").exists());
    the_scalar_is(&world.dir.canary().verdict(), "/work/passing after");
    ends_in_failure(world);
}

#[track_caller]
fn the_scalar_is(verdict: &Verdict, place: &str) {
    let mut findings = verdict.findings.iter();
    let found =
        findings.any(|finding| finding.part == "the scalar" && finding.place.contains(place));
    assert!(found, "the key is not found in {place}:\n{verdict}");
}

/// Nothing has to be asked for that.
#[track_caller]
fn ends_in_failure(world: World) {
    let ended = catch_unwind(AssertUnwindSafe(|| drop(world)));
    assert!(ended.is_err(), "a story that leaks should fail");
}
