//! Renewals over months: quiet until there is work, under CAs that end, live for a week, or are
//! not what they were; by clocks that do not agree.

use istiopca_acceptance::aws::{CaHandle, UsageMode};
use istiopca_acceptance::cli::Cli;
use jiff::{SignedDuration, Timestamp};

use crate::planned::Planned;
use crate::world::{World, days};

const INTERMEDIATE: &str = "istiopca_intermediate.mesh";
const SECRET: &str = "istiopca_cacerts_secret.mesh";

const CLAMPED: &str = "validity = \"9d\"\n  clamp_to_issuer = true";

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Both places where a certificate is issued, and the address at which it is.
fn both_kinds(world: &World, intermediate: &str) -> [(String, &'static str); 2] {
    [
        (world.issuing_secret("", intermediate), SECRET),
        (
            world.intermediate_and_secret(intermediate, ""),
            INTERMEDIATE,
        ),
    ]
}

/// A CA under the world's root, for so many days from now on.
fn authority(world: &World, lifetime: i64) -> CaHandle {
    let ca = world.aws.subordinate(&world.root).path_length(1);
    ca.valid_for(days(lifetime)).create()
}

async fn moment(world: &mut World, address: &str, attribute: &str) -> Timestamp {
    let state = world.state(address).await;
    let text = state[attribute].as_str().unwrap();
    text.parse().unwrap()
}

/// The CA ends on the twelfth day. What is issued on the sixth ends with it, so on the tenth, when
/// that is due, there is nothing that a renewal could win.
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_ends_first_is_told_by_name_and_not_renewed_under() {
    for (cli, kind) in Cli::both().into_iter().flat_map(|cli| [(cli, 0), (cli, 1)]) {
        let mut world = World::under_a_clock(cli, "ca-ends").await;
        let clock = world.aws.clock();
        let start = clock.now();
        world.ca = authority(&world, 12);
        let end = world.ca.not_after().to_string();
        let (resources, address) = both_kinds(&world, CLAMPED)[kind].clone();
        world.configure(&resources);
        world.apply(&[]).await.succeeds();
        clock.set(start + days(6));
        world.apply(&[]).await.succeeds().says("renewal is due");
        world.ordered(2);
        let due = moment(&mut world, address, "renew_at").await;
        assert_eq!(due.as_second(), (start + days(10)).as_second());
        clock.set(due - hours(1));
        world.plan(&[]).await.exit_code(0).never_says("Warning");

        let mut known = None;
        for later in [hours(0), hours(1), hours(26)] {
            clock.set(due + later);
            let plan = Planned::make(&mut world, &[]).await;
            plan.run
                .exit_code(0)
                .says("the issuing CA ends before a renewal could help")
                .says("CN=Example Subordinate CA")
                .says(&format!("ends at {end}"))
                .never_says("renewal is due");
            assert_eq!(
                *known.get_or_insert_with(|| plan.timeless()),
                plan.timeless()
            );
            world.apply(&[]).await.succeeds().says("0 changed");
        }
        world.ordered(2);
        world.nothing_to_refresh().await;

        // It clears by itself once the CA was renewed.
        world.ca.renew_certificate(days(365));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run
            .exit_code(2)
            .says("renewal is due")
            .never_says("before a renewal could help");
        plan.in_place(address).because("renewal");
        Planned::apply(&mut world).await.succeeds();
        world.ordered(3);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0).never_says("Warning");
        world.nothing_to_refresh().await;
    }
}

/// Without leave to shorten it, a certificate that would outlive its CA is work that fails, and the
/// plan says so beforehand; who gives leave gets what is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_would_outlive_the_ca_says_what_to_do() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "ca-outlived").await;
        let clock = world.aws.clock();
        let start = clock.now();
        world.ca = authority(&world, 12);
        world.issue("", "validity = \"9d\"").await.succeeds();
        clock.set(start + days(6));
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("the certificate would outlive the CA")
            .says("clamp_to_issuer = true");
        world
            .apply(&[])
            .await
            .fails()
            .says("clamp_to_issuer = true");
        world.ordered(1);
        world.issue("", CLAMPED).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

/// A quarter of nights. A certificate for ninety days is due after sixty.
#[tokio::test(flavor = "multi_thread")]
async fn a_nightly_plan_over_a_quarter_says_two_once() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "quarter").await;
        let clock = world.aws.clock();
        let start = clock.now();
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        let mut known = None;
        for night in 1..=90 {
            clock.set(start + days(night));
            if night == 60 {
                let plan = Planned::make(&mut world, &[]).await;
                plan.run.exit_code(2).says("renewal is due");
                plan.in_place(INTERMEDIATE).because("renewal");
                Planned::apply(&mut world).await.succeeds();
                known = None;
            } else if night % 10 == 9 {
                let plan = Planned::make(&mut world, &[]).await;
                plan.run.exit_code(0).never_says("Warning");
                assert_eq!(
                    *known.get_or_insert_with(|| plan.timeless()),
                    plan.timeless(),
                    "night {night}"
                );
            } else {
                world.plan(&[]).await.exit_code(0).never_says("Warning");
            }
        }
        world.ordered(2);
    }
}

/// AWS lets what it issues begin an hour earlier, and no two clocks agree.
#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_are_minutes_apart_and_the_early_start_move_no_renewal() {
    for cli in Cli::both() {
        for minutes in [-4, 4] {
            let mut world = World::under_a_clock(cli, "skew").await;
            world.skew = SignedDuration::from_mins(minutes);
            let clock = world.aws.clock();
            let start = clock.now() + world.skew;
            world.issue("", "validity = \"9d\"").await.succeeds();
            let begins = moment(&mut world, SECRET, "not_before").await;
            assert_eq!(begins.as_second(), (clock.now() - hours(1)).as_second());
            let due = moment(&mut world, SECRET, "renew_at").await;
            assert_eq!(due.as_second(), (start + days(6)).as_second());

            clock.set(due - world.skew - SignedDuration::from_secs(1));
            world.plan(&[]).await.exit_code(0);
            clock.set(due - world.skew);
            world.plan(&[]).await.exit_code(2).says("renewal is due");
            // The next runner has the other fault.
            world.skew = -world.skew;
            world.apply(&[]).await.succeeds();
            world.plan(&[]).await.exit_code(0);
            world.openssl_accepts_the_live_bundle().await;
            world.ordered(if minutes < 0 { 2 } else { 1 });
        }
    }
}

/// A CA in short-lived mode issues for seven days at most, and half of that is when to renew.
#[tokio::test(flavor = "multi_thread")]
async fn under_a_short_lived_ca_every_half_week_has_one_renewal_and_no_noise() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "short-lived").await;
        let clock = world.aws.clock();
        let start = clock.now();
        let ca = world.aws.subordinate(&world.root).path_length(1);
        world.ca = ca.usage_mode(UsageMode::ShortLivedCertificate).create();
        // More time before the end than there is.
        let settings = "validity = \"90d\"\n  renew_before = \"30d\"\n  clamp_to_issuer = true";
        world.issue("", settings).await.succeeds();
        let mut codes = Vec::new();
        for half_days in 1..=15 {
            clock.set(start + hours(12 * half_days));
            let plan = world.plan(&[]).await;
            if half_days % 7 == 0 {
                plan.exit_code(2).says("renewal is due");
                world.apply(&[]).await.succeeds();
                codes.push(half_days);
            } else {
                plan.exit_code(0).never_says("Warning");
            }
        }
        assert_eq!(codes, [7, 14]);
        world.ordered(3);
        world.openssl_accepts_the_live_bundle().await;
    }
}

/// A CA that is not what it was when it signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_was_renewed_or_got_another_key_or_root_is_told_without_a_change() {
    for (cli, kind) in Cli::both().into_iter().flat_map(|cli| [(cli, 0), (cli, 1)]) {
        let mut world = World::under_a_clock(cli, "ca-anew").await;
        let clock = world.aws.clock();
        let (resources, address) = both_kinds(&world, "")[kind].clone();
        world.configure(&resources);
        world.apply(&[]).await.succeeds();
        let former = world.ca.not_after().to_string();
        let due = moment(&mut world, address, "renew_at").await.to_string();

        clock.advance(days(1));
        world.ca.renew_certificate(days(2000));
        let plan = world.plan(&[]).await;
        plan.exit_code(0)
            .says("the issuing CA has another certificate since")
            .says("What is live still verifies")
            .says(&former)
            .says(&due);
        world.openssl_accepts_the_live_bundle().await;

        world.ca.rekey();
        let plan = world.plan(&[]).await;
        plan.exit_code(0)
            .says("the issuing CA has another key since")
            .says("renew_triggers");
        world.openssl_accepts_the_live_bundle().await;

        world.root.rekey();
        world.ca.renew_certificate(days(2000));
        let plan = world.plan(&[]).await;
        plan.exit_code(0)
            .says("the issuing CA leads to another root since")
            .says("additional_root_pems");
        world.openssl_accepts_the_live_bundle().await;
        world.apply(&[]).await.succeeds().says("0 changed");
        world.ordered(1);
    }
}

/// Nobody applied until it was too late.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_expired_is_told_as_such_and_healed_by_an_apply() {
    for (cli, kind) in Cli::both().into_iter().flat_map(|cli| [(cli, 0), (cli, 1)]) {
        let mut world = World::under_a_clock(cli, "too-late").await;
        let clock = world.aws.clock();
        let start = clock.now();
        let (resources, address) = both_kinds(&world, "validity = \"9d\"")[kind].clone();
        world.configure(&resources);
        world.apply(&[]).await.succeeds();
        let end = moment(&mut world, address, "path_not_after").await;
        clock.set(start + days(30));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run
            .exit_code(2)
            .says("its certificate has expired")
            .says(&format!("Its path ended at {end}"))
            .says("Workloads refuse every certificate under it");
        plan.in_place(address).because("renewal");
        Planned::apply(&mut world).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0).never_says("Warning");
    }
}
