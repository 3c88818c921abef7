//! From one custody to another: in place, never without a key, and with a word of what stays behind.

use istiopca_acceptance::cli::Cli;
use serde_json::{Value, json};

use super::{Custody, Held, INTERMEDIATE, SECRET, kms_key, request_for};
use crate::hands::another_key;
use crate::planned::Planned;
use crate::world::{World, days};

/// One way to keep the key, as the walks below go through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    State,
    Kms,
    Supplied,
    Requested,
    /// The block of the Secret, without an intermediate.
    Block,
}

use Place::{Block, Kms, Requested, State, Supplied};

impl Place {
    fn held(self) -> Held {
        match self {
            State => Held::InClear,
            Kms => Held::Sealed,
            Supplied | Requested | Block => Held::Nothing,
        }
    }
}

/// What the plan of a change must say, and what the apply must do.
struct Expected {
    /// `issue_reason` of whoever issues; `None` where the certificate stays.
    reason: Option<&'static str>,
    told: Option<&'static str>,
}

const IN_CLEAR: &str = "its private key is kept in the state, in clear";
const WAS_CLEAR: &str = "its private key is in earlier versions of the state";

/// The whole table.
fn expected(from: Place, to: Place) -> Expected {
    let (reason, told) = match (from, to) {
        (State, Kms) => (None, Some(WAS_CLEAR)),
        (Kms, State) => (None, Some(IN_CLEAR)),
        (_, Block) => (Some("intermediate"), None),
        (Block, State) => (Some("created"), Some(IN_CLEAR)),
        (Block, _) => (Some("created"), None),
        (_, State) => (Some("private_key_storage"), Some(IN_CLEAR)),
        (_, Kms) => (Some("private_key_storage"), None),
        (_, Supplied) => (Some("private_key_pem_wo"), None),
        (_, Requested) => (Some("certificate_signing_request_pem"), None),
    };
    Expected { reason, told }
}

struct Walk {
    world: World,
    kms_key_id: String,
    request: String,
    at: Place,
}

impl Walk {
    /// A mesh whose key is in the first place.
    async fn from(cli: Cli, story: &str, at: Place) -> Self {
        let mut world = World::under_a_clock(cli, story).await;
        let kms_key_id = kms_key(&world).arn();
        let key = another_key(&world.dir.path());
        let request = request_for(&world, &key, &[]);
        world.dir.set_env("TF_VAR_key", &key);
        let mut walk = Self {
            world,
            kms_key_id,
            request,
            at,
        };
        walk.configure(at);
        walk.world.apply(&[]).await.succeeds();
        walk.stands(at).await;
        walk
    }

    fn configure(&self, at: Place) {
        let world = &self.world;
        let resources = match at {
            State => world.mesh(&Custody::state()),
            Kms => world.mesh(&Custody::kms(&self.kms_key_id)),
            Supplied => world.mesh(&Custody::supplied(1)),
            Requested => world.mesh(&Custody::requested(&self.request)),
            Block => world.issuing_secret("", ""),
        };
        world.configure(&resources);
    }

    /// Everything is as the place says, and there is nothing left to do.
    async fn stands(&mut self, at: Place) {
        let world = &mut self.world;
        world.openssl_accepts_the_live_bundle().await;
        if at == Block {
            world.holds(SECRET, Held::Nothing).await;
        } else {
            world.state_holds(at.held()).await;
        }
        world.plan(&[]).await.exit_code(0);
    }

    /// Goes on to the next place.
    async fn to(&mut self, to: Place) {
        let (from, Expected { reason, told }) = (self.at, expected(self.at, to));
        println!("{from:?} to {to:?}");
        let (uid, files) = (
            self.world.uid().await,
            self.world.live().await["data"].clone(),
        );
        self.configure(to);
        self.world.aws.forget_calls();
        let plan = Planned::make(&mut self.world, &[]).await;
        plan.run.exit_code(2);
        for words in [IN_CLEAR, WAS_CLEAR] {
            match told {
                Some(told) if told == words => plan.run.says(words),
                _ => plan.run.never_says(words),
            };
        }
        self.says_what_becomes_of_it(&plan, to);
        self.world.asked_kms(0, 0);
        Planned::apply(&mut self.world).await.succeeds();
        self.world.ordered(usize::from(reason.is_some()));
        assert_eq!(self.world.uid().await, uid, "the Secret stays");
        let same = self.world.live().await["data"] == files;
        assert_eq!(same, reason.is_none(), "whether the Secret's files stay");
        self.stands(to).await;
        self.at = to;
    }

    /// The plan names the reason, and where the key will be.
    fn says_what_becomes_of_it(&self, plan: &Planned, to: Place) {
        let reason = expected(self.at, to).reason;
        let actions = |address: &str| plan.change(address)["actions"].clone();
        assert_eq!(actions(SECRET), json!(["update"]));
        if to == Block {
            assert_eq!(actions(INTERMEDIATE), json!(["delete"]));
            let secret = plan.in_place(SECRET).because("intermediate");
            secret.lacks(&["private_key_pem", "private_key_sealed"]);
            return;
        }
        let change = if self.at == Block {
            plan.made(INTERMEDIATE)
        } else {
            plan.in_place(INTERMEDIATE)
        };
        match reason {
            Some(reason) => _ = change.because(reason).opens(&["certificate"]),
            None => {
                let kept = ["certificate", "public_key_sha256", "issue_reason"];
                change.keeps(&kept);
                plan.in_place(SECRET).keeps(&[
                    "certificate_sha256",
                    "public_key_sha256",
                    "serial_number",
                ]);
            }
        }
        for (attribute, held) in [
            ("private_key_pem", Held::InClear),
            ("private_key_sealed", Held::Sealed),
        ] {
            if to.held() == held {
                change.opens(&[attribute]);
            } else {
                change.lacks(&[attribute]);
            }
        }
        change.lacks(&["private_key_pem_wo"]);
        plan.in_place(SECRET).lacks(&["private_key_pem_wo"]);
    }
}

/// Walks through these places, on each core.
async fn walk(story: &str, places: &[Place]) {
    for cli in Cli::both() {
        let mut walk = Walk::from(cli, story, places[0]).await;
        for place in &places[1..] {
            walk.to(*place).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_state_is_sealed_in_place_and_can_be_taken_out_again() {
    walk("state-kms", &[State, Kms, State]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_here_gives_way_to_one_of_the_users() {
    walk("to-supplied", &[State, Supplied, Kms, Supplied, State]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_here_gives_way_to_a_request() {
    walk("to-requested", &[State, Requested, Kms, Requested, State]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supplied_key_and_a_request_give_way_to_each_other() {
    walk("supplied-requested", &[Supplied, Requested, Supplied]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_takes_the_key_to_itself_and_gives_it_back() {
    walk("block-made-here", &[State, Block, Kms, Block, State]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_takes_the_place_of_a_key_of_the_users_and_gives_it_back() {
    walk(
        "block-users",
        &[Supplied, Block, Requested, Block, Supplied],
    )
    .await;
}

/// What was ordered for another key is of no use: the step to another custody orders anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_key_that_is_to_be_made_anew_takes_the_way_of_renew_triggers() {
    for cli in Cli::both() {
        let mut walk = Walk::from(cli, "sealed-anew", State).await;
        let leaked = walk.world.of_intermediate("public_key_sha256").await;
        walk.to(Kms).await;
        let world = &mut walk.world;
        assert_eq!(world.of_intermediate("public_key_sha256").await, leaked);
        // As the warning says: the key that earlier versions of the state have is of no use from here on.
        let anew = Custody::kms(&walk.kms_key_id);
        let anew = anew.with("renew_triggers = { custody = \"kms\" }", "");
        world.configure(&world.mesh(&anew));
        let plan = Planned::make(world, &[]).await;
        plan.run.exit_code(2).never_says(WAS_CLEAR);
        plan.in_place(INTERMEDIATE).because("triggers");
        Planned::apply(world).await.succeeds();
        let now: Value = world.of_intermediate("public_key_sha256").await;
        assert_ne!(now, leaked);
        walk.stands(Kms).await;
    }
}

/// A Secret goes from one intermediate to another while that one's certificate, or its seal, is still to come: what is
/// not known yet is not taken for what was there before.
#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_handed_from_one_intermediate_to_another_that_is_in_change_itself() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "handed-over").await;
        let kms = Custody::kms(&kms_key(&world).arn()).with("rotate_key = false", "");
        let clear = Custody::state().with("validity = \"30d\"\n  rotate_key = false", "");
        let both = |mesh: &Custody, other: &Custody| {
            world.intermediate("mesh", mesh) + &world.intermediate("other", other)
        };
        let sealed = kms.with("validity = \"30d\"", "");
        let steps = [
            both(&kms, &clear) + &world.secret("mesh", &kms),
            // The certificate is known, the seal is not.
            both(&kms, &sealed) + &world.secret("other", &kms),
            // The seal is known, the certificate is not.
            both(
                &kms.with("renew_triggers = { handed = \"back\" }", ""),
                &sealed,
            ) + &world.secret("mesh", &kms),
        ];
        for step in steps {
            world.configure(&step);
            world.plan(&[]).await.exit_code(2);
            world.apply(&[]).await.succeeds();
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[]).await.exit_code(0);
            world.aws.clock().advance(days(1));
        }
        world.ordered(3);
    }
}
