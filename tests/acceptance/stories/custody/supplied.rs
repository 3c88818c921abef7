//! The user's own key, given to each run and forgotten with it.

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::process::Run;

use super::{Custody, Held, INTERMEDIATE, SECRET};
use crate::hands::another_key;
use crate::planned::Planned;
use crate::world::{World, days, openssl};

const NINE_DAYS: &str = r#"validity = "9d""#;

impl World {
    /// Gives the runs from now on a key of openssl's, and says what its public half is.
    fn supplies_another_key(&mut self) -> String {
        let key = another_key(&self.dir.path());
        self.dir.set_env("TF_VAR_key", &key);
        self.dir.write("supplied.key", &key);
        openssl(
            &["pkey", "-pubout", "-in"],
            &self.dir.path().join("supplied.key"),
        )
    }

    /// The public half of the key that is live.
    async fn live_public_key(&self) -> String {
        openssl(&["pkey", "-pubout", "-in"], &self.file("ca-key.pem").await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplied_key_is_certified_and_written_and_is_in_no_state_and_no_plan() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "supplied").await;
        let public = world.supplies_another_key();
        let custody = Custody::supplied(1).with(NINE_DAYS, "");
        world.configure(&world.mesh(&custody));
        let plan = Planned::make(&mut world, &[]).await;
        let nothing = [
            "private_key_pem",
            "private_key_sealed",
            "private_key_pem_wo",
        ];
        // The Secret has no output for a key, and what is not set is null.
        plan.made(INTERMEDIATE).lacks(&nothing);
        plan.made(SECRET).lacks(&nothing);
        Planned::apply(&mut world).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.live_public_key().await, public);
        world.state_holds(Held::Nothing).await;
        world.plan(&[]).await.exit_code(0);
        let first = world.state(INTERMEDIATE).await;

        // A renewal certifies what is supplied then; here that is the same.
        world.aws.clock().advance(days(6));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).says("renewal is due");
        let change = plan.in_place(INTERMEDIATE).because("renewal");
        change.opens(&["certificate", "public_key_sha256"]);
        change.lacks(&nothing);
        plan.in_place(SECRET).lacks(&nothing);
        Planned::apply(&mut world).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.live_public_key().await, public);
        let second = world.state(INTERMEDIATE).await;
        assert_eq!(second["public_key_sha256"], first["public_key_sha256"]);
        assert_ne!(second["certificate"], first["certificate"]);

        // The source has the key, so that a lost Secret comes back by itself.
        world.delete_secret().await;
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_key_is_certified_when_its_number_says_so() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "supplied-next").await;
        let before = world.supplies_another_key();
        world.configure(&world.mesh(&Custody::supplied(1)));
        world.apply(&[]).await.succeeds();

        // Whatever is supplied: without a number there is no change to be seen.
        let public = world.supplies_another_key();
        assert_ne!(public, before);
        world.plan(&[]).await.exit_code(0);
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        assert_eq!(world.live_public_key().await, before);

        world.configure(&world.mesh(&Custody::supplied(2)));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        let change = plan.in_place(INTERMEDIATE);
        let change = change.because("private_key_pem_wo_version");
        change.opens(&["certificate", "public_key_sha256"]);
        Planned::apply(&mut world).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.live_public_key().await, public);
        world.state_holds(Held::Nothing).await;
        world.plan(&[]).await.exit_code(0);
    }
}

/// The refusal to write a Secret with a key that is not the certificate's, and the way out of it.
fn is_another_key(run: &Run) {
    run.fails()
        .says("the supplied key is not the certificate's")
        .says("change `private_key_pem_wo_version` here and on the `istiopca_intermediate` to the same new number");
}

/// The number stands for the key: where the Secret says that it is to get another one, it is not written with the
/// last one's.
#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_changes_on_the_secret_alone_is_refused() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "supplied-alone").await;
        world.supplies_another_key();
        world.configure(&world.mesh(&Custody::supplied(1)));
        world.apply(&[]).await.succeeds();
        let public = world.supplies_another_key();
        let (one, two) = (Custody::supplied(1), Custody::supplied(2));
        let alone = Custody {
            secret: two.secret.clone(),
            ..one
        };
        world.configure(&world.mesh(&alone));
        world.plan(&[]).await.exit_code(2);
        is_another_key(&world.apply(&[]).await);
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
        world.configure(&world.mesh(&two));
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.live_public_key().await, public);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_made_in_each_run_is_certified_once_and_stays_in_the_secret() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "ephemeral").await;
        let custody = Custody::ephemeral(1).with(NINE_DAYS, "");
        world.configure(&world.mesh(&custody));
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.state_holds(Held::Nothing).await;
        world.plan(&[]).await.exit_code(0);
        let public = world.live_public_key().await;

        let labelled = custody.with("", r#"labels = { tier = "mesh" }"#);
        world.configure(&world.mesh(&labelled));
        let plan = Planned::make(&mut world, &[]).await;
        plan.untouched(INTERMEDIATE);
        plan.in_place(SECRET).keeps(&["files_sha256"]);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.live().await["metadata"]["labels"]["tier"], "mesh");
        assert_eq!(world.live_public_key().await, public);
        world.ordered(1);

        // The renewal certifies the key of its run.
        world.aws.clock().advance(days(6));
        let plan = Planned::make(&mut world, &[]).await;
        plan.in_place(INTERMEDIATE).because("renewal");
        Planned::apply(&mut world).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        let renewed = world.live_public_key().await;
        assert_ne!(renewed, public);
        world.plan(&[]).await.exit_code(0);

        // With the Secret that key is gone for good.
        world.delete_secret().await;
        world.plan(&[]).await.exit_code(2);
        is_another_key(&world.apply(&[]).await);
        assert!(world.live().await.is_null());
        world.ordered(2);
        let next = Custody::ephemeral(2).with(NINE_DAYS, r#"labels = { tier = "mesh" }"#);
        world.configure(&world.mesh(&next));
        world.apply(&[]).await.succeeds();
        world.ordered(3);
        world.openssl_accepts_the_live_bundle().await;
        world.state_holds(Held::Nothing).await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplied_key_that_cannot_be_used_is_refused_and_not_shown() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "supplied-unfit").await;
        world.supplies_another_key();
        let custody = Custody::supplied(1);
        let rsa = custody.with("key_algorithm = \"RSA_2048\"", "");
        world.configure(&world.mesh(&rsa));
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("the private key is of another kind")
            .says("EC_prime256v1")
            .says("RSA_2048");
        world.configure(&world.mesh(&custody));
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nc2VjcmV0\n-----END ENCRYPTED PRIVATE KEY-----\n";
        for unfit in ["a5ecret", encrypted] {
            world.dir.set_env("TF_VAR_key", unfit);
            let refused = world.apply(&[]).await;
            refused
                .fails()
                .says("the private key is of no use")
                .says("private_key_pem_wo")
                .never_says("a5ecret")
                .never_says("c2VjcmV0");
        }
        // An ephemeral source may have nothing.
        let nothing = custody
            .beside
            .replace("ephemeral = true", "ephemeral = true\n  default = null");
        let nothing = Custody {
            beside: nothing,
            ..custody.with("", "")
        };
        world.dir.unset_env("TF_VAR_key");
        world.configure(&world.mesh(&nothing));
        world.apply(&[]).await.fails().says("private_key_pem_wo");
        world.ordered(0);
        assert!(world.live().await.is_null());
        world.supplies_another_key();
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
    }
}
