//! A run that ends while AWS has the order, under each custody.

use istiopca_acceptance::aws::{Failure, REGION};
use istiopca_acceptance::cli::Cli;
use serde_json::Value;

use super::{Custody, Held, INTERMEDIATE, SECRET, kms_key, request_for};
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

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ordered_for_a_sealed_key_is_fetched_while_kms_is_down() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ctrl-c-down").await;
        let custody = Custody::kms(&kms_key(&world).arn());
        let arn = interrupted(&mut world, &custody).await;
        for operation in ["GenerateDataKey", "Decrypt"] {
            world.aws.break_down(operation, &Failure::kms_internal());
        }
        let half = world.apply(&[]).await;
        half.fails()
            .says("AWS KMS has a problem")
            .says("Secret")
            .never_says("GenerateDataKey");
        world.ordered(1);
        assert!(world.live().await.is_null());
        world.holds(INTERMEDIATE, Held::Sealed).await;
        for operation in ["GenerateDataKey", "Decrypt"] {
            world.aws.repair(operation);
        }
        resumes(&mut world, &arn, Held::Sealed).await;
    }
}

/// Who keeps the key may change while its certificate is under way; the order stays.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_ordered_is_fetched_under_another_custody_that_can_have_its_key() {
    for cli in Cli::both() {
        for sealed in [true, false] {
            let mut world = World::with_binary(cli, "ctrl-c-changed").await;
            let kms = Custody::kms(&kms_key(&world).arn());
            let (from, to, held) = if sealed {
                (Custody::state(), kms, Held::Sealed)
            } else {
                (kms, Custody::state(), Held::InClear)
            };
            let arn = interrupted(&mut world, &from).await;
            world.configure(&world.mesh(&to));
            resumes(&mut world, &arn, held).await;
        }
    }
}

/// The step to a key of the user's is a certificate for it, and until that is there all is as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_to_another_custody_can_be_interrupted_and_goes_on() {
    for cli in Cli::both() {
        for requested in [true, false] {
            let mut world = World::with_binary(cli, "ctrl-c-step").await;
            world.configure(&world.mesh(&Custody::kms(&kms_key(&world).arn())));
            world.apply(&[]).await.succeeds();
            let (before, live) = (world.state(INTERMEDIATE).await, world.live().await);
            let key = another_key(&world.dir.path());
            world.dir.set_env("TF_VAR_key", &key);
            let (custody, reason) = if requested {
                let request = request_for(&world, &key, &[]);
                (
                    Custody::requested(&request),
                    "certificate_signing_request_pem",
                )
            } else {
                (Custody::supplied(1), "private_key_pem_wo")
            };
            world.configure(&world.mesh(&custody));
            world.aws.forget_calls();
            let running = until_ordered(&world, 1).await;
            running.ctrl_c();
            running.wait(SOON).await.fails();
            world.aws.release_deliveries();
            for attribute in ["certificate", "private_key_sealed", "public_key_sha256"] {
                let now = world.of_intermediate(attribute).await;
                assert_eq!(now, before[attribute], "{attribute} is still in use");
            }
            assert!(
                world.live().await["data"] == live["data"],
                "the Secret is as it was"
            );
            world.holds(SECRET, Held::Sealed).await;

            world.apply(&[]).await.succeeds();
            world.ordered(1);
            world.openssl_accepts_the_live_bundle().await;
            let state = world.state(INTERMEDIATE).await;
            assert_eq!(state["issue_reason"], reason);
            assert_eq!(
                state["superseded_certificate_arns"][0],
                before["certificate_arn"]
            );
            world.state_holds(Held::Nothing).await;
            world.plan(&[]).await.exit_code(0);
        }
    }
}

/// What was sealed for a step that is taken back is not left under the seal that nobody wants any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_waits_under_a_seal_that_is_taken_back_is_sealed_anew() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ctrl-c-taken-back").await;
        let old = world.aws.kms_key().alias("old").create();
        let new = world.aws.kms_key().alias("new").create();
        let here = format!("region = \"{REGION}\"");
        let longer = |alias: &str| Custody::kms(alias).with("validity = \"80d\"", "");
        world.configure_with(&here, &world.mesh(&Custody::kms("alias/old")));
        world.apply(&[]).await.succeeds();

        world.configure_with(&here, &world.mesh(&longer("alias/new")));
        world.aws.forget_calls();
        let running = until_ordered(&world, 1).await;
        running.ctrl_c();
        running.wait(SOON).await.fails();
        world.aws.release_deliveries();
        let sealed_by = |world: &World| {
            let calls = world.calls_of("GenerateDataKey").into_iter();
            calls.filter_map(|call| call.key_arn).collect::<Vec<_>>()
        };
        assert_eq!(sealed_by(&world), [new.arn()]);

        world.configure_with(&here, &world.mesh(&longer("alias/old")));
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        assert_eq!(sealed_by(&world), [new.arn(), old.arn()]);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);

        // Nothing is left that needs the other one.
        new.delete();
        world.delete_secret().await;
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
    }
}
