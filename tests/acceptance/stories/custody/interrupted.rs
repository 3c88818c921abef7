//! A run that ends while AWS has the order, under each custody.

use istiopca_acceptance::cli::Cli;
use serde_json::Value;

use super::{Custody, Held, INTERMEDIATE, kms_key, request_for};
use crate::hands::another_key;
use crate::interruption::{SOON, until_ordered};
use crate::world::World;

/// A mesh under that custody whose first apply ended by Ctrl-C while AWS had the order; its certificate's ARN.
async fn interrupted(world: &mut World, custody: &Custody) -> Value {
    world.configure(&world.mesh(custody));
    let running = until_ordered(world, 1).await;
    running.ctrl_c();
    let run = running.wait(SOON).await;
    run.fails()
        .says("the certificate is ordered and not delivered yet");
    assert!(world.live().await.is_null());
    let state = world.state(INTERMEDIATE).await;
    assert!(state["certificate"].is_null(), "{state:#}");
    for key in [
        "private_key_pem",
        "private_key_sealed",
        "private_key_pem_wo",
    ] {
        assert!(state[key].is_null(), "{key} belongs to a certificate");
    }
    world.aws.release_deliveries();
    state["certificate_arn"].clone()
}

/// The next run fetches what was ordered.
async fn resumes(world: &mut World, arn: &Value, held: Held) {
    let run = world.apply(&[]).await;
    run.succeeds()
        .never_says("an earlier certificate was never put to use");
    world.ordered(1);
    world.openssl_accepts_the_live_bundle().await;
    let state = world.state(INTERMEDIATE).await;
    assert_eq!(state["certificate_arn"], *arn);
    assert_eq!(state["issue_reason"], "created");
    world.state_holds(held).await;
    world.plan(&[]).await.exit_code(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_key_waits_for_its_certificate_and_is_not_opened_for_it() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ctrl-c-kms").await;
        let custody = Custody::kms(&kms_key(&world).arn());
        let arn = interrupted(&mut world, &custody).await;
        world.asked_kms(1, 0);
        resumes(&mut world, &arn, Held::Sealed).await;
        // Once, by the Secret.
        world.asked_kms(1, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ordered_for_a_supplied_key_is_fetched_while_that_is_supplied() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ctrl-c-supplied").await;
        let key = another_key(&world.dir.path());
        world.dir.set_env("TF_VAR_key", &key);
        let arn = interrupted(&mut world, &Custody::supplied(1)).await;
        resumes(&mut world, &arn, Held::Nothing).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ordered_for_a_request_is_fetched_for_it() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ctrl-c-requested").await;
        let key = another_key(&world.dir.path());
        world.dir.set_env("TF_VAR_key", &key);
        let request = request_for(&world, &key, &[]);
        let arn = interrupted(&mut world, &Custody::requested(&request)).await;
        resumes(&mut world, &arn, Held::Nothing).await;
    }
}

/// A key that is made in each run, and one that the source has changed meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_ordered_for_a_key_that_is_gone_is_named_and_another_ordered() {
    for cli in Cli::both() {
        for made_anew in [true, false] {
            let mut world = World::with_binary(cli, "ctrl-c-gone").await;
            let key = another_key(&world.dir.path());
            world.dir.set_env("TF_VAR_key", &key);
            let custody = if made_anew {
                Custody::ephemeral(1)
            } else {
                Custody::supplied(1)
            };
            let arn = interrupted(&mut world, &custody).await;
            let other = another_key(&world.dir.path());
            world.dir.set_env("TF_VAR_key", &other);
            let run = world.apply(&[]).await;
            run.succeeds()
                .says("an earlier certificate was never put to use")
                .says(arn.as_str().unwrap());
            world.ordered(2);
            world.openssl_accepts_the_live_bundle().await;
            assert_ne!(world.of_intermediate("certificate_arn").await, arn);
            world.plan(&[]).await.exit_code(0);
        }
    }
}
