//! A certificate from its issuing to its renewal, day by day. It is valid for nine days, so it is
//! due after six, and a plan is held true for eighteen hours around that moment.

use istiopca_acceptance::cli::Cli;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::planned::Planned;
use crate::world::{World, days};

const INTERMEDIATE: &str = "istiopca_intermediate.mesh";
const SECRET: &str = "istiopca_cacerts_secret.mesh";

const NINE_DAYS: &str = r#"validity = "9d""#;

/// How long after the issuing renewal is due.
const DUE: SignedDuration = SignedDuration::from_hours(6 * 24);

/// A moment at which the hold is on: less than eighteen hours before renewal is due.
const HELD: SignedDuration = SignedDuration::from_hours(6 * 24 - 10);

fn moment(state: &Value, attribute: &str) -> Timestamp {
    let text = state[attribute]
        .as_str()
        .unwrap_or_else(|| panic!("{attribute} is not known"));
    text.parse()
        .unwrap_or_else(|error| panic!("{attribute}: {error}"))
}

/// Moves the clock to so long after the start.
fn at(world: &World, start: Timestamp, after: SignedDuration) {
    world.aws.clock().set(start + after);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_day_is_quiet_until_the_renewal_which_is_in_place() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "cycle").await;
        let start = world.aws.clock().now();
        world.configure(&world.intermediate_and_secret(NINE_DAYS, ""));
        world.apply(&[]).await.succeeds();
        let first = world.state(INTERMEDIATE).await;
        assert_eq!(
            moment(&first, "renew_at").as_second(),
            (start + DUE).as_second()
        );

        for hours in [0, 24, 48, 72, 96, 120, 143] {
            at(&world, start, SignedDuration::from_hours(hours));
            world.plan(&[]).await.exit_code(0).never_says("renewal");
        }

        at(&world, start, DUE);
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).says("renewal is due").says(&format!(
            "Its path ends at {}, and renewal is due since {}.",
            first["path_not_after"].as_str().unwrap_or_default(),
            first["renew_at"].as_str().unwrap_or_default(),
        ));
        let change = plan.in_place(INTERMEDIATE).because("renewal");
        change.opens(&[
            "certificate",
            "certificate_arn",
            "private_key_pem",
            "not_after",
        ]);
        plan.in_place(SECRET)
            .opens(&["certificate_sha256", "files_sha256"])
            .keeps(&["uid"]);
        Planned::apply(&mut world).await.succeeds();

        assert_eq!(world.aws.count("IssueCertificate"), 2);
        world.openssl_accepts_the_live_bundle().await;
        let second = world.state(INTERMEDIATE).await;
        assert_eq!(
            moment(&second, "renew_at").as_second(),
            (start + DUE + DUE).as_second()
        );
        assert_ne!(second["public_key_sha256"], first["public_key_sha256"]);
        assert_eq!(
            second["superseded_certificate_arns"][0],
            first["certificate_arn"]
        );
        let secret = world.state(SECRET).await;
        assert_eq!(secret["certificate_sha256"], second["certificate_sha256"]);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_that_issues_by_itself_renews_in_place_too() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "cycle-issuing").await;
        let start = world.aws.clock().now();
        world.issue("", NINE_DAYS).await.succeeds();
        let uid = world.live().await["metadata"]["uid"].clone();
        at(&world, start, HELD);
        world.plan(&[]).await.exit_code(0);

        at(&world, start, DUE);
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).says("renewal is due");
        let change = plan.in_place(SECRET).because("renewal");
        change
            .opens(&["certificate_arn", "issued_certificate"])
            .keeps(&["uid", "owner_id"]);
        // A plan of a renewal is still good a day later.
        at(&world, start, DUE + days(1));
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 2);
        assert_eq!(world.live().await["metadata"]["uid"], uid);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_needs_no_refresh() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "no-refresh").await;
        let start = world.aws.clock().now();
        world.configure(&world.intermediate_and_secret(NINE_DAYS, ""));
        world.apply(&[]).await.succeeds();
        at(&world, start, DUE - SignedDuration::from_secs(1));
        world.plan(&["-refresh=false"]).await.exit_code(0);
        at(&world, start, DUE);
        world
            .plan(&["-refresh=false"])
            .await
            .exit_code(2)
            .says("renewal is due");
        world.apply(&["-refresh=false"]).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 2);

        // A look within the hold is remembered by the apply, and delays such a plan by as much.
        at(&world, start, DUE + HELD);
        world.apply(&[]).await.succeeds();
        at(&world, start, DUE + DUE);
        world.plan(&["-refresh=false"]).await.exit_code(0);
        at(&world, start, DUE + DUE + SignedDuration::from_hours(18));
        world
            .plan(&["-refresh=false"])
            .await
            .exit_code(2)
            .says("renewal is due");
        assert_eq!(world.aws.count("IssueCertificate"), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_saved_before_the_moment_is_applied_after_it_as_it_stands() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "saved").await;
        let start = world.aws.clock().now();
        world.configure(&world.intermediate_and_secret(NINE_DAYS, ""));
        world.apply(&[]).await.succeeds();

        at(&world, start, HELD);
        let later = world.intermediate_and_secret(
            &format!("{NINE_DAYS}\n  rotate_key = false"),
            r#"labels = { tier = "mesh" }"#,
        );
        world.configure(&later);
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).never_says("renewal is due");
        plan.in_place(INTERMEDIATE)
            .keeps(&["certificate", "issue_reason", "renew_at"]);
        plan.in_place(SECRET).keeps(&["certificate_sha256"]);

        at(&world, start, DUE + SignedDuration::from_hours(2));
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        assert_eq!(world.live().await["metadata"]["labels"]["tier"], "mesh");
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).says("renewal is due");
        plan.in_place(INTERMEDIATE).because("renewal");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_can_be_told_of_without_being_planned() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "warn").await;
        let start = world.aws.clock().now();
        let resources = world.intermediate_and_secret(NINE_DAYS, "");
        world.configure_with(r#"renewals = "warn""#, &resources);
        world.apply(&[]).await.succeeds();
        at(&world, start, HELD);
        world
            .plan(&[])
            .await
            .exit_code(0)
            .never_says("renewal is due");
        at(&world, start, DUE);
        let told = world.plan(&[]).await;
        told.exit_code(0)
            .says("renewal is due and not planned")
            .says("renewals = \"plan\"");
        world
            .apply(&[])
            .await
            .succeeds()
            .says("renewal is due and not planned");
        assert_eq!(world.aws.count("IssueCertificate"), 1);

        world.configure(&resources);
        world.plan(&[]).await.exit_code(2).never_says("not planned");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_alone_changes_nothing_but_at_the_two_moments_of_the_hold() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "look").await;
        let start = world.aws.clock().now();
        world.configure(&world.intermediate_and_secret(NINE_DAYS, ""));
        world.apply(&[]).await.succeeds();
        let mut known = instances(&mut world).await;
        // The hold goes on, stays, and goes off; an apply keeps what a look has changed.
        for (after, changed) in [
            (days(0), false),
            (days(3), false),
            (HELD, true),
            (HELD + SignedDuration::from_hours(5), false),
            (DUE, true),
            (DUE + days(1), false),
        ] {
            at(&world, start, after);
            let look = world.plan(&["-refresh-only"]).await;
            look.says("No changes.").never_says("renewal");
            // Terraform 1.11 says 2 wherever a schema has a sensitive attribute.
            if cli == Cli::OpenTofu {
                look.exit_code(if changed { 2 } else { 0 });
            }
            world.apply(&["-refresh-only"]).await.succeeds();
            let now = instances(&mut world).await;
            let private = |all: &[Value]| {
                all.iter()
                    .map(|one| one["private"].clone())
                    .collect::<Vec<_>>()
            };
            let attributes = |all: &[Value]| {
                all.iter()
                    .map(|one| one["attributes"].clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                private(&now) != private(&known),
                changed,
                "{after:#} after the start"
            );
            assert_eq!(
                attributes(&now),
                attributes(&known),
                "{after:#} after the start"
            );
            known = now;
        }
        assert_eq!(world.aws.count("IssueCertificate"), 1);
    }
}

/// The instances in the stored state.
async fn instances(world: &mut World) -> Vec<Value> {
    let pulled = world.cli(&["state", "pull"]).await.succeeds().json();
    let resources = pulled["resources"].as_array().cloned().unwrap_or_default();
    assert_eq!(resources.len(), 2, "{pulled:#}");
    resources
        .into_iter()
        .map(|mut resource| resource["instances"][0].take())
        .collect()
}
