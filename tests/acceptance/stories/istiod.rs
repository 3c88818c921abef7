//! The real istiod with what the provider writes: what it takes over by itself, what only after a
//! restart, and whether workloads that got their certificates at different times can talk.

use istiopca_acceptance::aws::{CaHandle, KeyAlgorithm};
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::handshake::shake_hands;
use istiopca_acceptance::istio::istiod::{
    Expiry, Istiod, PLUGGED_IN, RELOADED, ROOTS_IGNORED, SELF_SIGNED,
};
use istiopca_acceptance::istio::judge::Workload;
use istiopca_acceptance::istio::witness::{self, Role};
use jiff::Timestamp;

use crate::world::{World, days, openssl};

const RESTART: &str = "istiod must be restarted to take this change";

/// An istiod in the story's namespace.
async fn istiod(world: &World) -> Istiod {
    Istiod::start(world.cluster, &world.namespace, &[])
        .await
        .unwrap()
}

/// When the first certificate in a file of the live Secret ends, in openssl's eyes.
async fn end_of(world: &World, file: &str) -> i64 {
    let file = world.file(file).await;
    let line = openssl(
        &["x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in"],
        &file,
    );
    let moment = line.trim().strip_prefix("notAfter=").unwrap();
    moment.parse::<Timestamp>().unwrap().as_second()
}

/// Istiod has in memory what the Secret holds.
async fn has_the_live_bundle(istiod: &Istiod, world: &World) {
    let live = end_of(world, "ca-cert.pem").await;
    assert_eq!(istiod.expiry(Expiry::Authority).await, Some(live));
    let live = end_of(world, "root-cert.pem").await;
    assert_eq!(istiod.expiry(Expiry::Root).await, Some(live));
}

/// Whether one of the two accepts the other in each role and by each witness; all of them agree.
#[track_caller]
fn accepts(one: &Workload, other: &Workload) -> bool {
    let by_openssl = [Role::Server, Role::Client]
        .map(|role| witness::openssl(other, &one.roots, role, true).is_ok());
    let by_webpki =
        [Role::Server, Role::Client].map(|role| witness::webpki(other, &one.roots, role).is_ok());
    assert_eq!(by_openssl, by_webpki, "openssl and webpki disagree");
    assert_eq!(by_openssl[0], by_openssl[1], "the roles differ");
    by_openssl[0]
}

/// Each talks to each, itself included, both ways.
#[track_caller]
fn all_shake_hands(workloads: &[&Workload]) {
    for (place, one) in workloads.iter().enumerate() {
        for (other_place, other) in workloads.iter().enumerate() {
            let shaken = shake_hands(one, other);
            assert_eq!(shaken, Ok(()), "workload {place} calls {other_place}");
            assert!(accepts(one, other), "{place} refuses {other_place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_istiod_that_starts_after_the_first_apply_signs_with_our_ca() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-first").await;
        world.configure(&world.issuing_secret("", ""));
        world.apply(&[]).await.succeeds();
        let istiod = istiod(&world).await;
        assert!(istiod.has_said(PLUGGED_IN));
        has_the_live_bundle(&istiod, &world).await;

        let workload = istiod.workload().await;
        assert_eq!(workload.roots, world.file_text("root-cert.pem").await);
        let ours = world.root.root_pem();
        for role in [Role::Server, Role::Client] {
            assert_eq!(witness::openssl(&workload, &ours, role, false), Ok(()));
        }
        all_shake_hands(&[&workload, &istiod.workload().await]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_taken_over_without_a_restart_and_nobody_is_cut_off() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-renewal").await;
        let triggered = |incident| format!("renew_triggers = {{ incident = \"{incident}\" }}");
        world.configure(&world.issuing_secret("", &triggered(1)));
        world.apply(&[]).await.succeeds();
        let mut istiod = istiod(&world).await;
        let before = istiod.workload().await;
        let first_end = istiod.expiry(Expiry::Authority).await;

        world.configure(&world.issuing_secret("", &triggered(2)));
        world.apply(&[]).await.succeeds().never_says(RESTART);
        world.ordered(2);
        assert_eq!(istiod.expiry(Expiry::Authority).await, first_end);
        istiod.sync_until_it_says(RELOADED).await;
        has_the_live_bundle(&istiod, &world).await;
        assert_ne!(istiod.expiry(Expiry::Authority).await, first_end);

        let after = istiod.workload().await;
        assert_ne!(after.chain, before.chain);
        assert_eq!(after.roots, before.roots);
        all_shake_hands(&[&before, &after]);
    }
}

/// A second root, and a CA below it.
fn another_hierarchy(world: &World) -> (CaHandle, CaHandle) {
    let root = world
        .aws
        .root(KeyAlgorithm::EcPrime256v1)
        .common_name("Next Root CA")
        .valid_for(days(3000))
        .create();
    let ca = world
        .aws
        .subordinate(&root)
        .path_length(1)
        .valid_for(days(1825))
        .create();
    (root, ca)
}

/// The Secret under the CA that the world issues with now, which trusts this root as well.
fn configure(world: &World, also: Option<&CaHandle>, more: &str) {
    let also = also.map_or_else(String::new, |root| {
        let pem = root.root_pem();
        format!("additional_root_pems = [<<EOT\n{}\nEOT\n]", pem.trim())
    });
    let secret = format!("min_trust_overlap = \"0s\"\n  {also}\n  {more}");
    world.configure(&world.issuing_secret(&secret, ""));
}

/// Istiod does not take these roots over from its files, and goes on as before; a new one does.
async fn only_a_restart_takes_the_roots_over(istiod: &mut Istiod, world: &World) {
    let before = istiod.workload().await;
    let ends = [Expiry::Authority, Expiry::Root];
    let in_memory = [istiod.expiry(ends[0]).await, istiod.expiry(ends[1]).await];
    istiod.sync_until_it_says(ROOTS_IGNORED).await;
    for (of, end) in ends.into_iter().zip(in_memory) {
        assert_eq!(istiod.expiry(of).await, end);
    }
    let meanwhile = istiod.workload().await;
    assert_eq!(meanwhile.roots, before.roots);
    assert_ne!(meanwhile.roots, world.file_text("root-cert.pem").await);
    istiod.restart().await.unwrap();
    has_the_live_bundle(istiod, world).await;
}

/// A workload that starts now, with the roots that the Secret has.
async fn newcomer(istiod: &Istiod, world: &World) -> Workload {
    let workload = istiod.workload().await;
    assert_eq!(workload.roots, world.file_text("root-cert.pem").await);
    workload
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_to_another_root_nobody_is_cut_off_at_any_step() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-walk").await;
        let (next_root, next) = another_hierarchy(&world);
        let root = world.root.clone();
        configure(&world, None, "");
        world.apply(&[]).await.succeeds();
        let mut istiod = istiod(&world).await;
        let at_a = newcomer(&istiod, &world).await;

        configure(&world, Some(&next_root), "");
        world.apply(&[]).await.succeeds().says(RESTART);
        only_a_restart_takes_the_roots_over(&mut istiod, &world).await;
        let at_ab = newcomer(&istiod, &world).await;
        all_shake_hands(&[&at_a, &at_ab]);

        // The same two roots in the same order: this step is taken over as any renewal is.
        world.ca = next;
        configure(&world, Some(&root), "");
        world.apply(&[]).await.succeeds().never_says(RESTART);
        istiod.sync_until_it_says(RELOADED).await;
        has_the_live_bundle(&istiod, &world).await;
        let under_b = newcomer(&istiod, &world).await;
        assert_eq!(under_b.roots, at_ab.roots);
        all_shake_hands(&[&at_ab, &under_b]);

        configure(&world, None, "");
        world.apply(&[]).await.succeeds().says(RESTART);
        only_a_restart_takes_the_roots_over(&mut istiod, &world).await;
        let at_b = newcomer(&istiod, &world).await;
        all_shake_hands(&[&under_b, &at_b]);
        world.ordered(2);

        // Why each step waits until everybody has taken the one before.
        assert!(!accepts(&at_a, &under_b) && !accepts(&at_b, &at_ab));
        shake_hands(&at_a, &under_b).unwrap_err();
        shake_hands(&at_ab, &at_b).unwrap_err();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_istiod_for_several_roots_takes_the_steps_over_without_a_restart() {
    let mut world = World::with_binary(Cli::OpenTofu, "istiod-multi-root").await;
    let (next_root, next) = another_hierarchy(&world);
    let root = world.root.clone();
    configure(&world, None, "");
    world.apply(&[]).await.succeeds();
    let several = [("ISTIO_MULTIROOT_MESH", "true")];
    let mut istiod = Istiod::start(world.cluster, &world.namespace, &several)
        .await
        .unwrap();
    let mut last = newcomer(&istiod, &world).await;
    for (ca, also) in [
        (world.ca.clone(), Some(&next_root)),
        (next.clone(), Some(&root)),
        (next, None),
    ] {
        world.ca = ca;
        configure(&world, also, "");
        world.apply(&[]).await.succeeds();
        istiod.sync_until_it_says(RELOADED).await;
        has_the_live_bundle(&istiod, &world).await;
        let newest = newcomer(&istiod, &world).await;
        all_shake_hands(&[&last, &newest]);
        last = newest;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_replaced_in_one_step_cuts_the_mesh_in_two_which_is_why_it_is_refused() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-replaced").await;
        configure(&world, None, "");
        world.apply(&[]).await.succeeds();
        let mut istiod = istiod(&world).await;
        let before = newcomer(&istiod, &world).await;

        let (_, next) = another_hierarchy(&world);
        world.ca = next;
        configure(&world, None, "");
        world.apply(&[]).await.fails();
        world.ordered(1);

        configure(&world, None, "allow_root_replacement = true");
        world.apply(&[]).await.succeeds().says(RESTART);
        only_a_restart_takes_the_roots_over(&mut istiod, &world).await;
        let after = newcomer(&istiod, &world).await;
        all_shake_hands(&[&after]);
        for (one, other) in [(&before, &after), (&after, &before)] {
            assert!(!accepts(one, other));
            let refused = shake_hands(one, other).unwrap_err();
            assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_secret_makes_the_next_istiod_sign_by_itself_until_it_is_applied_again() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-lost").await;
        configure(&world, None, "");
        world.apply(&[]).await.succeeds();
        let mut istiod = istiod(&world).await;
        let before = newcomer(&istiod, &world).await;

        // What is in memory lasts as long as the process.
        world.delete_secret().await;
        istiod
            .sync_until_it_says("failed reading root-cert.pem")
            .await;
        all_shake_hands(&[&before, &istiod.workload().await]);
        istiod.restart().await.unwrap();
        assert!(istiod.has_said(SELF_SIGNED));
        assert_eq!(istiod.expiry(Expiry::Authority).await, None);
        let stranger = istiod.workload().await;
        assert!(!accepts(&before, &stranger) && !accepts(&stranger, &before));
        shake_hands(&before, &stranger).unwrap_err();

        // It does not even look at the files, until it is started again.
        world.apply(&[]).await.succeeds();
        istiod.sync().await;
        assert_eq!(istiod.workload().await.roots, stranger.roots);
        assert!(!istiod.has_said("Update Istiod cacerts"));
        istiod.restart().await.unwrap();
        assert!(istiod.has_said(PLUGGED_IN));
        has_the_live_bundle(&istiod, &world).await;
        all_shake_hands(&[&before, &newcomer(&istiod, &world).await]);
    }
}
