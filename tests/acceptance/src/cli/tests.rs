use std::time::Duration;

use super::*;

const SOON: Duration = Duration::from_secs(60);

const CONFIGURATION: &str = r#"
variable "word" { default = "hello" }
resource "terraform_data" "it" { input = var.word }
output "word" { value = terraform_data.it.output }
"#;

/// Runs until it is interrupted, and says when it has begun.
const ENDLESS: &str = r#"
resource "terraform_data" "it" {
  provisioner "local-exec" {
    command     = "trap 'exit 1' INT; echo begun; while :; do sleep 0.1; done"
    interpreter = ["bash", "-c"]
  }
}
"#;

fn workdir(cli: Cli, configuration: &str) -> Workdir {
    let dir = Workdir::new(cli, Provider::None).unwrap();
    dir.write("main.tf", configuration);
    dir
}

#[tokio::test]
async fn each_core_says_its_version() {
    for (cli, words) in [
        (Cli::Terraform, "Terraform v1."),
        (Cli::OpenTofu, "OpenTofu v1.12.6"),
    ] {
        workdir(cli, "")
            .run(&["version"])
            .await
            .succeeds()
            .says(words)
            .never_says("out of date");
    }
}

#[tokio::test]
async fn each_core_plans_applies_shows_and_destroys() {
    for cli in Cli::both() {
        let dir = workdir(cli, CONFIGURATION);
        dir.init(&[]).await.succeeds();
        dir.validate(&[])
            .await
            .succeeds()
            .says("The configuration is valid");
        dir.plan(&["-detailed-exitcode"])
            .await
            .exit_code(2)
            .says("Plan: 1 to add, 0 to change, 0 to destroy.");
        dir.apply(&[])
            .await
            .succeeds()
            .says("1 added, 0 changed, 0 destroyed");
        assert_eq!(
            dir.output_json().await.succeeds().json()["word"]["value"],
            "hello"
        );
        dir.plan(&["-detailed-exitcode"])
            .await
            .exit_code(0)
            .says("No changes.");
        let state = dir.show_json(&[]).await.succeeds().json();
        assert_eq!(
            state["values"]["root_module"]["resources"][0]["address"],
            "terraform_data.it"
        );
        dir.state(&["list"])
            .await
            .succeeds()
            .says("terraform_data.it");
        dir.taint("terraform_data.it").await.succeeds();
        dir.plan(&["-detailed-exitcode"])
            .await
            .exit_code(2)
            .says("terraform_data.it is tainted, so");
        dir.untaint("terraform_data.it").await.succeeds();
        dir.destroy(&[])
            .await
            .succeeds()
            .says("Destroy complete! Resources: 1 destroyed.");
    }
}

#[tokio::test]
async fn a_saved_plan_is_applied_and_read_back() {
    for cli in Cli::both() {
        let dir = workdir(cli, CONFIGURATION);
        dir.init(&[]).await.succeeds();
        dir.plan(&["-out=saved", "-var=word=other"])
            .await
            .succeeds();
        let plan = dir.show_json(&["saved"]).await.succeeds().json();
        assert_eq!(
            plan["resource_changes"][0]["change"]["actions"][0],
            "create"
        );
        assert!(
            dir.read("saved").starts_with(b"PK"),
            "a plan file is a zip archive"
        );
        let lines = dir.apply(&["-json", "saved"]).await.succeeds().json_lines();
        assert!(
            lines.iter().any(|line| line["type"] == "apply_complete"),
            "{lines:?}"
        );
        dir.run(&["output"]).await.says("word = \"other\"");
    }
}

#[tokio::test]
async fn the_words_of_an_error_are_found_in_its_box() {
    for cli in Cli::both() {
        let dir = workdir(
            cli,
            "resource \"terraform_data\" \"it\" {\n  inputs = 1\n}\n",
        );
        // With colours, which is when they draw it.
        let run = dir.run(&["validate"]).await;
        assert!(run.stderr().contains('│'), "{run}");
        run.fails()
            .says("Error: Unsupported argument")
            .says("An argument named \"inputs\" is not expected here. Did you mean \"input\"?");
    }
}

#[tokio::test]
async fn an_interrupted_apply_ends_in_order() {
    for cli in Cli::both() {
        let dir = workdir(cli, ENDLESS);
        dir.init(&[]).await.succeeds();
        let apply = dir.spawn_apply(&[]).unwrap();
        apply.until_it_says("(local-exec): begun", SOON).await;
        apply.interrupt();
        let run = apply.wait(SOON).await;
        run.fails().says("Interrupt received.");
        dir.state(&["list"]).await.says("terraform_data.it");
    }
}

#[tokio::test]
async fn ctrl_c_reaches_what_the_core_started_too() {
    for cli in Cli::both() {
        let dir = workdir(cli, ENDLESS);
        dir.init(&[]).await.succeeds();
        let apply = dir.spawn_apply(&[]).unwrap();
        apply.until_it_says("(local-exec): begun", SOON).await;
        apply.ctrl_c();
        apply.wait(SOON).await.fails().says("Interrupt received.");
    }
}

#[tokio::test]
async fn a_killed_apply_leaves_no_word_and_no_lock() {
    for cli in Cli::both() {
        let dir = workdir(cli, ENDLESS);
        dir.init(&[]).await.succeeds();
        let apply = dir.spawn_apply(&[]).unwrap();
        apply.until_it_says("(local-exec): begun", SOON).await;
        apply.kill();
        let run = apply.wait(SOON).await;
        run.is_killed().never_says("Interrupt received.");
        dir.write("main.tf", CONFIGURATION);
        dir.apply(&[]).await.succeeds();
    }
}

#[tokio::test]
async fn an_unknown_provider_is_not_sought_in_the_network() {
    for cli in Cli::both() {
        let dir = workdir(cli, REQUIRED_PROVIDERS);
        dir.init(&[])
            .await
            .fails()
            .says(PROVIDER_SOURCE)
            .says("was not found in any of the search locations");
    }
}
