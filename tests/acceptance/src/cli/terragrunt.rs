//! Terragrunt as a user runs it, over the units of a fleet that lie in one working directory.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::Workdir;
use crate::parts::TERRAGRUNT;
use crate::process::{Run, Running};

/// A fleet takes longer than one configuration.
const DEADLINE: Duration = Duration::from_secs(600);

impl Workdir {
    /// Runs a command of Terragrunt, such as `run --all apply`, to its end in this directory, with
    /// its core and its provider. Nothing is asked and nothing is coloured.
    ///
    /// # Panics
    ///
    /// When Terragrunt is not there and cannot be built, with the reason in words.
    pub async fn terragrunt(&self, args: &[&str]) -> Run {
        let command = self.terragrunt_command(args).await;
        self.run_beside(command, &line(args), DEADLINE).await
    }

    /// Starts the same, to be looked at while it runs.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    ///
    /// # Panics
    ///
    /// As [`terragrunt`](Self::terragrunt).
    pub async fn spawn_terragrunt(&self, args: &[&str]) -> io::Result<Running> {
        let command = self.terragrunt_command(args).await;
        self.start(command, &line(args))
    }

    async fn terragrunt_command(&self, args: &[&str]) -> Command {
        // A build takes minutes, which the runtime's own threads must not wait for.
        let program = match tokio::task::spawn_blocking(|| TERRAGRUNT.path()).await {
            Ok(Ok(program)) => program,
            Ok(Err(error)) => panic!("there is no Terragrunt to test with: {error}"),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let mut command = self.command_of(&program, args);
        command
            .env("TG_TF_PATH", self.program())
            .env("TG_NON_INTERACTIVE", "true")
            .env("TG_NO_COLOR", "true");
        command
    }
}

/// A command of Terragrunt as messages show it.
fn line(args: &[&str]) -> String {
    format!("terragrunt {}", args.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Provider};

    const ROOT: &str = r#"
variable "word" { default = "root" }
output "word" { value = var.word }
"#;

    const LEAF: &str = r#"
variable "of" {}
resource "terraform_data" "it" { input = var.of }
output "said" { value = terraform_data.it.output }
"#;

    /// Before the first apply there is nothing to depend on but a mock.
    const UNIT: &str = r#"
terragrunt_version_constraint = ">= 1.0.0, < 2.0.0"
dependency "root" {
  config_path                             = "../root"
  mock_outputs                            = { word = "mock" }
  mock_outputs_allowed_terraform_commands = ["plan"]
}
inputs = { of = "of-${dependency.root.outputs.word}" }
"#;

    #[tokio::test]
    async fn a_fleet_is_planned_with_mocks_and_applied_in_the_order_of_its_dependencies() {
        for cli in Cli::both() {
            let dir = Workdir::new(cli, Provider::None).unwrap();
            dir.write("root/terragrunt.hcl", "");
            dir.write("root/main.tf", ROOT);
            for cluster in ["a", "b"] {
                dir.write(&format!("{cluster}/terragrunt.hcl"), UNIT);
                dir.write(&format!("{cluster}/main.tf"), LEAF);
            }
            dir.terragrunt(&["run", "--all", "plan"])
                .await
                .succeeds()
                .says("\"of-mock\"");
            dir.terragrunt(&["run", "--all", "apply"]).await.succeeds();
            for cluster in ["a", "b"] {
                dir.terragrunt(&["--working-dir", cluster, "output", "-raw", "said"])
                    .await
                    .succeeds()
                    .says("of-root");
            }
        }
    }

    #[tokio::test]
    async fn it_is_the_version_that_is_pinned() {
        let dir = Workdir::new(Cli::Terraform, Provider::None).unwrap();
        dir.terragrunt(&["--version"])
            .await
            .succeeds()
            .says("terragrunt version v1.0.0");
    }
}
