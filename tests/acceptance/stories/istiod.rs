//! The real istiod with what the provider writes: what it takes over by itself, what only after a
//! restart, and whether workloads that got their certificates at different times can talk.

use istiopca_acceptance::aws::CaHandle;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::handshake::{Refusal, shake_hands, shake_hands_by_openssl};
use istiopca_acceptance::istio::istiod::{
    Expiry, Istiod, PLUGGED_IN, RELOADED, ROOTS_IGNORED, SELF_SIGNED,
};
use istiopca_acceptance::istio::judge::Workload;
use istiopca_acceptance::istio::witness::{self, Role};
use jiff::Timestamp;

use crate::roots::{another_hierarchy, trusting};
use crate::world::{World, openssl};

const RESTART: &str = "istiod must be restarted to take this change";

/// Steps need not wait, since the story itself sees to it that nobody is behind.
pub(crate) const AT_ONCE: &str = r#"min_trust_overlap = "0s""#;

const TLS_FILES: &str = r#"format = "kubernetes_tls""#;

/// Has the certificate issued anew whenever the number is another.
pub(crate) fn triggered(incident: usize) -> String {
    format!("renew_triggers = {{ incident = \"{incident}\" }}")
}

/// An istiod in the story's namespace.
async fn istiod(world: &World) -> Istiod {
    Istiod::start(world.cluster, &world.namespace, &[])
        .await
        .unwrap()
}

/// When the first certificate in a file of the live Secret ends, in openssl's eyes.
pub(crate) async fn end_of(world: &World, file: &str) -> i64 {
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
    for (of, file) in [
        (Expiry::Authority, "ca-cert.pem"),
        (Expiry::Root, "root-cert.pem"),
    ] {
        istiod.until_it_has(of, end_of(world, file).await).await;
    }
}

/// Whether one may call the other, in the eyes of rustls and of OpenSSL, which agree.
async fn may_call(client: &Workload, server: &Workload) -> Result<(), Refusal> {
    let shaken = shake_hands(client, server);
    let by_openssl = shake_hands_by_openssl(client, server).await;
    assert_eq!(
        shaken.is_ok(),
        by_openssl.is_ok(),
        "{shaken:?}\n{by_openssl:?}"
    );
    shaken
}

/// Each talks to each, itself included, both ways.
pub(crate) async fn all_shake_hands(workloads: &[&Workload]) {
    for (place, one) in workloads.iter().enumerate() {
        for (other_place, other) in workloads.iter().enumerate() {
            let shaken = may_call(one, other).await;
            assert_eq!(shaken, Ok(()), "workload {place} calls {other_place}");
        }
    }
}

/// The client trusts no root above the server: it refuses by itself.
pub(crate) async fn cannot_trust(client: &Workload, server: &Workload) {
    let refused = may_call(client, server).await.unwrap_err();
    assert_eq!(refused.by, Role::Client);
    assert!(refused.why.contains("UnknownIssuer"), "{refused}");
}

/// The server trusts no root above the client, while the client would have trusted it.
async fn is_not_trusted(client: &Workload, server: &Workload) {
    let refused = may_call(client, server).await.unwrap_err();
    assert_eq!(refused.by, Role::Server);
    assert!(refused.why.contains("UnknownIssuer"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_istiod_that_starts_after_the_first_apply_signs_with_our_ca() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-first").await;
        world.issue("", "").await.succeeds();
        let istiod = istiod(&world).await;
        assert!(istiod.has_said(PLUGGED_IN));
        has_the_live_bundle(&istiod, &world).await;

        let workload = istiod.workload().await;
        assert_eq!(workload.roots, world.file_text("root-cert.pem").await);
        let ours = world.root.root_pem();
        for role in [Role::Server, Role::Client] {
            assert_eq!(witness::openssl(&workload, &ours, role, false), Ok(()));
            assert_eq!(witness::webpki(&workload, &ours, role), Ok(()));
        }
        all_shake_hands(&[&workload, &istiod.workload().await]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_is_taken_over_without_a_restart_and_nobody_is_cut_off() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-renewal").await;
        world.issue("", &triggered(1)).await.succeeds();
        let mut istiod = istiod(&world).await;
        let before = istiod.workload().await;
        let first_end = istiod.expiry(Expiry::Authority).await;

        world
            .issue("", &triggered(2))
            .await
            .succeeds()
            .never_says(RESTART);
        world.ordered(2);
        assert_eq!(istiod.expiry(Expiry::Authority).await, first_end);
        istiod.sync_until_it_says(RELOADED).await;
        has_the_live_bundle(&istiod, &world).await;
        assert_ne!(istiod.expiry(Expiry::Authority).await, first_end);

        let after = istiod.workload().await;
        assert_ne!(after.chain, before.chain);
        assert_eq!(after.roots, before.roots);
        all_shake_hands(&[&before, &after]).await;
    }
}

/// The Secret under the CA that the world issues with now, which trusts these roots as well.
pub(crate) fn configure(world: &World, also: &[&CaHandle], more: &str) {
    let secret = format!("{AT_ONCE}\n  {}\n  {more}", trusting(also));
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

/// A workload of an istiod that has the live Secret of the other layout.
async fn newcomer_by_tls_files(istiod: &Istiod, world: &World) -> Workload {
    let live = end_of(world, "tls.crt").await;
    istiod.until_it_has(Expiry::Authority, live).await;
    let workload = istiod.workload().await;
    assert_eq!(workload.roots, world.file_text("ca.crt").await);
    workload
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_tls_secret_are_taken_over_and_renewed_alike() {
    let mut world = World::with_binary(Cli::Terraform, "istiod-tls").await;
    world.issue(TLS_FILES, &triggered(1)).await.succeeds();
    let mut istiod = istiod(&world).await;
    assert!(istiod.has_said("Using kubernetes.io/tls secret type for signing ca files"));
    let before = newcomer_by_tls_files(&istiod, &world).await;

    world
        .issue(TLS_FILES, &triggered(2))
        .await
        .succeeds()
        .never_says(RESTART);
    istiod.sync_until_it_says(RELOADED).await;
    let after = newcomer_by_tls_files(&istiod, &world).await;
    assert_ne!(after.chain, before.chain);
    all_shake_hands(&[&before, &after]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_way_to_another_root_nobody_is_cut_off_at_any_step() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-walk").await;
        let (next_root, next) = another_hierarchy(&world);
        let root = world.root.clone();
        configure(&world, &[], "");
        world.apply(&[]).await.succeeds();
        let mut istiod = istiod(&world).await;
        let at_a = newcomer(&istiod, &world).await;

        configure(&world, &[&next_root], "");
        world.apply(&[]).await.succeeds().says(RESTART);
        only_a_restart_takes_the_roots_over(&mut istiod, &world).await;
        let at_ab = newcomer(&istiod, &world).await;
        all_shake_hands(&[&at_a, &at_ab]).await;

        // The same two roots in the same order: this step is taken over as any renewal is.
        world.ca = next;
        configure(&world, &[&root], "");
        world.apply(&[]).await.succeeds().never_says(RESTART);
        istiod.sync_until_it_says(RELOADED).await;
        has_the_live_bundle(&istiod, &world).await;
        let under_b = newcomer(&istiod, &world).await;
        assert_eq!(under_b.roots, at_ab.roots);
        all_shake_hands(&[&at_ab, &under_b]).await;

        configure(&world, &[], "");
        world.apply(&[]).await.succeeds().says(RESTART);
        only_a_restart_takes_the_roots_over(&mut istiod, &world).await;
        let at_b = newcomer(&istiod, &world).await;
        all_shake_hands(&[&under_b, &at_b]).await;
        world.ordered(2);

        // Why each step waits until everybody has taken the one before.
        cannot_trust(&at_a, &under_b).await;
        is_not_trusted(&under_b, &at_a).await;
        cannot_trust(&at_b, &at_ab).await;
        is_not_trusted(&at_ab, &at_b).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_istiod_for_several_roots_takes_the_steps_over_without_a_restart() {
    let mut world = World::with_binary(Cli::OpenTofu, "istiod-multi-root").await;
    let (next_root, next) = another_hierarchy(&world);
    let root = world.root.clone();
    configure(&world, &[], "");
    world.apply(&[]).await.succeeds();
    let several = [("ISTIO_MULTIROOT_MESH", "true")];
    let mut istiod = Istiod::start(world.cluster, &world.namespace, &several)
        .await
        .unwrap();
    let mut last = newcomer(&istiod, &world).await;
    for (ca, also) in [
        (world.ca.clone(), vec![&next_root]),
        (next.clone(), vec![&root]),
        (next, vec![]),
    ] {
        world.ca = ca;
        configure(&world, &also, "");
        world.apply(&[]).await.succeeds();
        istiod.sync_until_it_says(RELOADED).await;
        has_the_live_bundle(&istiod, &world).await;
        let newest = newcomer(&istiod, &world).await;
        all_shake_hands(&[&last, &newest]).await;
        last = newest;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_replaced_in_one_step_cuts_the_mesh_in_two_which_is_why_it_is_refused() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-replaced").await;
        configure(&world, &[], "");
        world.apply(&[]).await.succeeds();
        let mut istiod = istiod(&world).await;
        let before = newcomer(&istiod, &world).await;

        let (_, next) = another_hierarchy(&world);
        world.ca = next;
        configure(&world, &[], "");
        world.apply(&[]).await.fails();
        world.ordered(1);

        configure(&world, &[], "allow_root_replacement = true");
        world.apply(&[]).await.succeeds().says(RESTART);
        only_a_restart_takes_the_roots_over(&mut istiod, &world).await;
        let after = newcomer(&istiod, &world).await;
        all_shake_hands(&[&after]).await;
        cannot_trust(&before, &after).await;
        cannot_trust(&after, &before).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_secret_makes_the_next_istiod_sign_by_itself_until_it_is_applied_again() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-lost").await;
        configure(&world, &[], "");
        world.apply(&[]).await.succeeds();
        let mut istiod = istiod(&world).await;
        let before = newcomer(&istiod, &world).await;

        // What is in memory lasts as long as the process.
        world.delete_secret().await;
        istiod
            .sync_until_it_says("failed reading root-cert.pem")
            .await;
        all_shake_hands(&[&before, &istiod.workload().await]).await;
        istiod.restart().await.unwrap();
        assert!(istiod.has_said(SELF_SIGNED));
        assert_eq!(istiod.expiry(Expiry::Authority).await, None);
        let stranger = istiod.workload().await;
        cannot_trust(&before, &stranger).await;
        cannot_trust(&stranger, &before).await;

        // It does not even look at the files, until it is started again.
        world.apply(&[]).await.succeeds();
        istiod.sync().await;
        assert_eq!(istiod.workload().await.roots, stranger.roots);
        assert!(!istiod.has_said("Update Istiod cacerts"));
        istiod.restart().await.unwrap();
        assert!(istiod.has_said(PLUGGED_IN));
        has_the_live_bundle(&istiod, &world).await;
        all_shake_hands(&[&before, &newcomer(&istiod, &world).await]).await;
    }
}

/// As the refusal says: those that were restarted still trust those that were not, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_ca_under_a_self_signed_istiod_needs_restarts_and_then_its_root_can_go() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-plug-in").await;
        let mut istiod = istiod(&world).await;
        assert!(istiod.has_said(SELF_SIGNED));
        let old = istiod.workload().await;
        configure(&world, &[], "");
        world
            .apply(&[])
            .await
            .fails()
            .says("the mesh has other roots");
        world.ordered(0);

        let settings = format!(
            "allow_root_replacement = true\n  additional_root_pems = [<<EOT\n{}\nEOT\n]",
            old.roots.trim()
        );
        world.issue(&settings, "").await.succeeds();
        istiod.restart().await.unwrap();
        assert!(istiod.has_said(PLUGGED_IN));
        let restarted = newcomer(&istiod, &world).await;
        all_shake_hands(&[&restarted]).await;
        is_not_trusted(&restarted, &old).await;
        cannot_trust(&old, &restarted).await;

        configure(&world, &[], "");
        world.apply(&[]).await.succeeds().says(RESTART);
        only_a_restart_takes_the_roots_over(&mut istiod, &world).await;
        let last = newcomer(&istiod, &world).await;
        all_shake_hands(&[&restarted, &last]).await;
        world.ordered(1);
    }
}
