//! The pipeline of the documentation: renewals are applied unattended, everything else is held.

use std::path::Path;

use istiopca_acceptance::cli::{Cli, Provider};
use istiopca_acceptance::process::{Run, clean, guarded, run};
use istiopca_acceptance::sandbox::example;

use crate::interruption::SOON;
use crate::world::{World, days};

const NINE_DAYS: &str = "validity = \"9d\"";

/// Runs the script as a pipeline does, with a shell and the core and nothing else on the path.
async fn nightly(world: &mut World, arguments: &[&str]) -> Run {
    let host = world.attach().await.expect("it is under a clock");
    let provider = Provider::Reattach(host.reattach());
    world.dir.set_provider(provider).unwrap();
    let mut command = guarded(Path::new("env"), None);
    clean(&mut command, &world.dir.place().join("home"));
    command
        .args([&format!("PATH={}", bare(world).display()), "/bin/sh"])
        .arg(example("renewal-pipeline").join("nightly.sh"))
        .args(arguments)
        .current_dir(world.dir.path())
        .envs(world.dir.environment())
        .env("TF", world.dir.program())
        .env("TF_CLI_ARGS_plan", "-no-color");
    run(command, "nightly.sh", SOON).await
}

/// A directory with what POSIX promises of what the script uses.
fn bare(world: &World) -> std::path::PathBuf {
    let directory = world.dir.place().join("bare");
    std::fs::create_dir_all(&directory).unwrap();
    for tool in ["cp", "dirname", "mktemp", "rm"] {
        let found = ["/bin", "/usr/bin"].map(|place| Path::new(place).join(tool));
        let found = found.iter().find(|file| file.exists()).unwrap();
        let _ = std::os::unix::fs::symlink(found, directory.join(tool));
    }
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn renewals_are_applied_unattended_and_everything_else_is_held() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "pipeline").await;
        let clock = world.aws.clock();
        let outputs = "output \"until\" {\n  value = istiopca_cacerts_secret.mesh.not_after\n}\n";
        let configured = |world: &World, secret: &str| {
            let resources = world.intermediate_and_secret(NINE_DAYS, secret);
            world.configure(&format!("{resources}\n{outputs}"));
        };
        configured(&world, "");
        world.apply(&[]).await.succeeds();
        nightly(&mut world, &[])
            .await
            .exit_code(0)
            .says("nightly: nothing to do");

        clock.advance(days(6));
        nightly(&mut world, &[])
            .await
            .exit_code(0)
            .says("nightly: \"renew: istiopca_intermediate.mesh, istiopca_cacerts_secret.mesh\"");
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        nightly(&mut world, &[])
            .await
            .exit_code(0)
            .says("nightly: nothing to do");

        // The last reason was a renewal, and this is none.
        configured(&world, "labels = { tier = \"mesh\" }");
        let held = nightly(&mut world, &[]).await;
        held.exit_code(2)
            .says("nightly: \"hold: istiopca_cacerts_secret.mesh\"");
        clock.advance(days(6));
        let held = nightly(&mut world, &[]).await;
        held.exit_code(2)
            .says("renewal is due")
            .says("nightly: \"hold: istiopca_cacerts_secret.mesh\"");
        world.ordered(2);
        assert!(world.live().await["metadata"]["labels"]["tier"].is_null());

        world.apply(&[]).await.succeeds();
        nightly(&mut world, &["-destroy"])
            .await
            .exit_code(2)
            .says("nightly: \"hold: ");
        world.configure("resource \"nothing\" \"at all\" {}");
        nightly(&mut world, &[])
            .await
            .exit_code(1)
            .says("nightly: the plan failed");
        world.ordered(3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_issues_by_itself_is_renewed_unattended_unless_something_goes_with_it() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "pipeline-issuing").await;
        let clock = world.aws.clock();
        let beside = "resource \"terraform_data\" \"beside\" {}";
        world.configure(&world.issuing_secret("", NINE_DAYS));
        world.apply(&[]).await.succeeds();
        clock.advance(days(6));

        // Drift that would be put right with it.
        let label = ["annotate", "secret", "cacerts", "istiopca.io/renew-at-"];
        world.kubectl(&label).await.succeeds();
        let held = "nightly: \"hold: istiopca_cacerts_secret.mesh\"";
        nightly(&mut world, &[]).await.exit_code(2).says(held);
        let renew_at = &world.state("istiopca_cacerts_secret.mesh").await["renew_at"];
        let back = format!("istiopca.io/renew-at={}", renew_at.as_str().unwrap());
        world
            .kubectl(&["annotate", "secret", "cacerts", &back])
            .await
            .succeeds();

        // Something of another provider.
        world.configure(&format!(
            "{}\n{beside}",
            world.issuing_secret("", NINE_DAYS)
        ));
        let held = "nightly: \"hold: terraform_data.beside\"";
        nightly(&mut world, &[]).await.exit_code(2).says(held);
        world.ordered(1);

        world.configure(&world.issuing_secret("", NINE_DAYS));
        let renewed = "nightly: \"renew: istiopca_cacerts_secret.mesh\"";
        nightly(&mut world, &[]).await.exit_code(0).says(renewed);
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}
