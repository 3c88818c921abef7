//! The pipeline of the documentation: renewals are applied unattended, everything else is held.

use istiopca_acceptance::cli::{Cli, Provider};
use istiopca_acceptance::process::Run;

use crate::scripts::script;
use crate::world::{World, days};

const NINE_DAYS: &str = "validity = \"9d\"";

/// The nightly run of a provider of its own.
async fn nightly(world: &mut World, arguments: &[&str]) -> Run {
    let host = world.attach().await.expect("it is under a clock");
    let provider = Provider::Reattach(host.reattach());
    world.dir.set_provider(provider).unwrap();
    script(world, "renewal-pipeline/nightly.sh", arguments, &[]).await
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
        world.issue("", NINE_DAYS).await.succeeds();
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
