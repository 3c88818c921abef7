//! KMS says no, says nothing, or cannot make anything of a sealed key: the mesh goes on with what it has.

use istiopca_acceptance::aws::{ACCOUNT, Failure, KeyKind, KeyState, KmsKey};
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::process::Run;
use serde_json::json;

use super::{Custody, Held, INTERMEDIATE, SECRET, kms_key};
use crate::planned::Planned;
use crate::world::{World, days};

const OPERATIONS: [&str; 2] = ["GenerateDataKey", "Decrypt"];

/// What stands at the end of each failure.
const SAFE: &str =
    "the mesh goes on with what it has, and the sealed key stays in the state as it is";

/// A mesh of nine days whose key is sealed, as it stands before something goes wrong.
struct Mesh {
    world: World,
    key: KmsKey,
}

impl Mesh {
    async fn new(cli: Cli, story: &str) -> Self {
        let world = World::under_a_clock(cli, story).await;
        let key = kms_key(&world);
        let mut mesh = Self { world, key };
        mesh.configure("");
        mesh.world.apply(&[]).await.succeeds();
        mesh.world.aws.forget_calls();
        mesh
    }

    fn configure(&self, more: &str) {
        let custody = Custody::kms(&self.key.arn()).with("validity = \"9d\"", "");
        self.world
            .configure(&self.world.mesh(&custody.with(more, "")));
    }

    /// Applies a renewal that fails: nothing is ordered, and neither Secret nor state are touched.
    async fn fails_to_renew(&mut self) -> Run {
        let world = &mut self.world;
        let (live, known) = (world.live().await, world.state(INTERMEDIATE).await);
        world.aws.forget_calls();
        let planned = world.plan(&[]).await;
        planned
            .exit_code(2)
            .says("renewal is due")
            .never_says("KMS");
        world.asked_kms(0, 0);
        let run = world.apply(&[]).await;
        run.fails().says(SAFE);
        world.ordered(0);
        assert!(
            world.live().await["data"] == live["data"],
            "the Secret is as it was"
        );
        assert_eq!(world.state(INTERMEDIATE).await, known);
        run
    }

    async fn renews(&mut self) {
        let world = &mut self.world;
        world.aws.forget_calls();
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        world.state_holds(Held::Sealed).await;
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_used_is_named_with_what_to_do_and_nothing_is_ordered() {
    let states = [
        (
            KeyState::Disabled,
            "the KMS key is disabled",
            "Enable the key",
        ),
        (
            KeyState::PendingDeletion,
            "is about to be deleted",
            "Cancel the deletion",
        ),
        (
            KeyState::PendingImport,
            "has no key material",
            "Import its material again",
        ),
    ];
    for cli in Cli::both() {
        let mut mesh = Mesh::new(cli, "kms-states").await;
        for rotate in [true, false] {
            mesh.configure(&format!("rotate_key = {rotate}"));
            mesh.world.apply(&[]).await.succeeds();
            mesh.world.aws.clock().advance(days(6));
            for (state, what, remedy) in states {
                mesh.key.set_state(state);
                let refused = mesh.fails_to_renew().await;
                let operation = OPERATIONS[usize::from(!rotate)];
                refused
                    .says(what)
                    .says(remedy)
                    .says(operation)
                    .says(&mesh.key.arn());
            }
            mesh.key.set_state(KeyState::Enabled);
            mesh.renews().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_there_or_does_not_seal_is_told_at_the_first_apply() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-unfit").await;
        let gone = kms_key(&world);
        gone.delete();
        let signing = world.aws.kms_key().kind(KeyKind::Signing).create();
        let unfit = [
            (gone.arn(), "there is no such KMS key"),
            (signing.arn(), "the KMS key is none for sealing"),
        ];
        for (arn, told) in unfit {
            world.configure(&world.mesh(&Custody::kms(&arn)));
            world.plan(&[]).await.exit_code(2);
            world.apply(&[]).await.fails().says(told).says(&arn);
            world.ordered(0);
            assert!(world.live().await.is_null());
        }
        world.configure(&world.mesh(&Custody::kms(&kms_key(&world).arn())));
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
    }
}

/// Keys of a user who may do everything in its account but that.
fn may_not(world: &World, name: &str, action: &str) {
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["acm-pca:*", "kms:*"], "Resource": "*" },
        { "Effect": "Deny", "Action": action, "Resource": "*" },
    ]});
    let keys = world.aws.account(ACCOUNT).user_under(name, &policy);
    world.sign_in_as(&keys);
}

/// Keys of a user who may do this in its account and nothing else.
fn may_only(world: &World, name: &str, actions: &[&str]) {
    let keys = world.aws.account(ACCOUNT).limited_user(name, actions);
    world.sign_in_as(&keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_missing_is_named_with_the_key_and_who_lacks_it() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-denied").await;
        let key = kms_key(&world);
        world.configure(&world.mesh(&Custody::kms(&key.arn())));
        let named = |run: &Run, action: &str, name: &str| {
            run.fails()
                .says("AWS denies access to the KMS key")
                .says(&format!(
                    "Allow arn:aws:iam::{ACCOUNT}:user/{name} `{action}` on {}",
                    key.arn()
                ))
                .says(SAFE);
        };
        may_only(&world, "issuer", &["acm-pca:*", "kms:Decrypt"]);
        let refused = world.apply(&[]).await;
        named(&refused, "kms:GenerateDataKey", "issuer");
        world.ordered(0);

        // Who issues need not be able to open; who writes the Secret must be.
        may_only(&world, "sealer", &["acm-pca:*", "kms:GenerateDataKey"]);
        let refused = world.apply(&[]).await;
        named(&refused, "kms:Decrypt", "sealer");
        world.ordered(1);
        assert!(world.live().await.is_null());
        let sealed = world.of_intermediate("private_key_sealed").await;
        let denied = "arn:aws:iam";
        may_not(&world, "banned", "kms:Decrypt");
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("identity-based policy denies `kms:Decrypt`")
            .says(denied);
        assert_eq!(world.of_intermediate("private_key_sealed").await, sealed);

        may_only(&world, "opener", &["acm-pca:*", "kms:Decrypt"]);
        let plan = Planned::make(&mut world, &[]).await;
        plan.untouched(INTERMEDIATE);
        plan.made(SECRET);
        Planned::apply(&mut world).await.succeeds();
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_kms_is_down_a_plan_works_and_an_apply_fails_before_anything_is_issued() {
    for cli in Cli::both() {
        let mut mesh = Mesh::new(cli, "kms-down").await;
        mesh.world.aws.clock().advance(days(6));
        for rotate in [true, false] {
            mesh.configure(&format!("rotate_key = {rotate}"));
            for operation in OPERATIONS {
                mesh.world
                    .aws
                    .break_down(operation, &Failure::kms_internal());
            }
            let refused = mesh.fails_to_renew().await;
            refused
                .says("AWS KMS has a problem")
                .says("KMSInternalException")
                .says("Run it again; nothing is lost by waiting");
        }
        // What needs no KMS is done all the same.
        mesh.world.delete_secret().await;
        mesh.world.plan(&[]).await.exit_code(2).never_says("KMS");
        for operation in OPERATIONS {
            mesh.world.aws.repair(operation);
        }
        mesh.renews().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_kms_does_not_let_be_written_is_written_by_the_next_apply() {
    for cli in Cli::both() {
        let mut mesh = Mesh::new(cli, "kms-half").await;
        mesh.world.aws.clock().advance(days(6));
        let live = mesh.world.live().await["data"].clone();
        mesh.world
            .aws
            .break_down("Decrypt", &Failure::kms_internal());
        let half = mesh.world.apply(&[]).await;
        half.fails().says("AWS KMS has a problem").says("Secret");
        mesh.world.ordered(1);
        assert!(
            mesh.world.live().await["data"] == live,
            "the Secret is as it was"
        );
        mesh.world.openssl_accepts_the_live_bundle().await;

        let planned = mesh.world.plan(&[]).await;
        planned
            .exit_code(2)
            .says("0 to add, 1 to change, 0 to destroy");
        mesh.world.aws.repair("Decrypt");
        mesh.world.apply(&[]).await.succeeds();
        mesh.world.ordered(1);
        assert!(mesh.world.live().await["data"] != live);
        mesh.world.openssl_accepts_the_live_bundle().await;
        mesh.world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kms_that_throttles_is_asked_again() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-throttled").await;
        world.configure(&world.mesh(&Custody::kms(&kms_key(&world).arn())));
        for operation in OPERATIONS {
            world
                .aws
                .fail_next(operation, 2, &Failure::kms_throttling());
        }
        world.apply(&[]).await.succeeds();
        world.asked_kms(3, 3);
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_key_that_is_damaged_is_refused_before_anything_is_written() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-damaged").await;
        let custody = Custody::kms(&kms_key(&world).arn());
        world.configure(&world.mesh(&custody));
        world.apply(&[]).await.succeeds();
        world.delete_secret().await;

        let given = |expression: &str| Custody {
            secret: format!("private_key_sealed = {expression}"),
            ..custody.with("", "")
        };
        let own = "istiopca_intermediate.mesh.private_key_sealed";
        let told_at_plan = [
            (
                format!("replace({own}, \"sealed.v1\", \"sealed.v2\")"),
                "private_key_sealed",
            ),
            (format!("substr({own}, 0, 60)"), "private_key_sealed"),
            ("\"a key\"".to_owned(), "private_key_sealed"),
        ];
        for (expression, told) in told_at_plan {
            world.configure(&world.mesh(&given(&expression)));
            world.plan(&[]).await.exit_code(1).says(told);
        }
        // Only whoever opens it can see that its body is another.
        let damaged = format!("\"${{substr({own}, 0, length({own}) - 8)}}AAAAAAAA\"");
        world.configure(&world.mesh(&given(&damaged)));
        world.plan(&[]).await.exit_code(2);
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("the sealed key is damaged")
            .says("Restore the state from an earlier version");
        assert!(world.live().await.is_null());
        world.configure(&world.mesh(&custody));
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

/// That is seen without opening it, as soon as it is known.
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_key_of_another_certificate_is_refused_before_anybody_is_asked() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-anothers").await;
        let custody = Custody::kms(&kms_key(&world).arn());
        let anothers = "private_key_sealed = istiopca_intermediate.other.private_key_sealed";
        let anothers = Custody {
            secret: anothers.to_owned(),
            ..custody.with("", "")
        };
        let both = |secret: &str| {
            let (own, other) = (
                world.intermediate("mesh", &custody),
                world.intermediate("other", &custody),
            );
            own + &other + secret
        };
        let moved = both(&world.secret("other", &custody));
        world.configure(&both(&world.secret("mesh", &anothers)));
        let told = "the sealed key is not the certificate's";
        world.apply(&[]).await.fails().says(told);
        world.aws.forget_calls();
        world.plan(&[]).await.exit_code(1).says(told);
        world.asked_kms(0, 0);
        assert!(world.live().await.is_null());

        for sound in [moved, world.mesh(&custody)] {
            world.configure(&sound);
            world.apply(&[]).await.succeeds();
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[]).await.exit_code(0);
        }
    }
}

/// Its material is gone, and with it what was sealed: the mesh still has the key, and the way on is another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_kms_key_that_is_lost_is_left_by_a_new_certificate() {
    for cli in Cli::both() {
        let mut mesh = Mesh::new(cli, "kms-lost").await;
        mesh.key.delete();
        let next = kms_key(&mesh.world);
        let world = &mut mesh.world;
        world.plan(&[]).await.exit_code(0);
        let custody = Custody::kms(&next.arn()).with("validity = \"9d\"", "");
        world.configure(&world.mesh(&custody));
        world.plan(&[]).await.exit_code(2);
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("there is no such KMS key")
            .says(&mesh.key.arn());
        world.openssl_accepts_the_live_bundle().await;

        let anew = custody.with("renew_triggers = { kms = \"lost\" }", "");
        world.configure(&world.mesh(&anew));
        mesh.renews().await;
        assert!(
            mesh.world
                .calls_of("Decrypt")
                .iter()
                .all(|call| call.key_arn == Some(next.arn()))
        );
    }
}
