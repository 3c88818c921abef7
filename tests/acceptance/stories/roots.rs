//! From one root to another, in steps that no workload's handshake breaks on.

use std::path::{Path, PathBuf};
use std::process::Command;

use istiopca_acceptance::aws::{CaHandle, KeyAlgorithm};
use istiopca_acceptance::cli::Cli;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::planned::Planned;
use crate::world::{World, days};

const SECRET: &str = "istiopca_cacerts_secret.mesh";

/// A second root, and a CA below it. It ends before the first, by which they can be told apart.
pub(crate) fn another_hierarchy(world: &World) -> (CaHandle, CaHandle) {
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

/// The setting of a Secret that trusts these roots as well.
pub(crate) fn trusting(roots: &[&CaHandle]) -> String {
    let pems = roots
        .iter()
        .map(|root| format!("<<EOT\n{}\nEOT\n", root.root_pem().trim()));
    format!(
        "additional_root_pems = [{}]",
        pems.collect::<Vec<_>>().join(",")
    )
}

/// The live bundle, set aside: what workloads have that took their certificate and roots now.
struct Taken {
    certificate: PathBuf,
    roots: PathBuf,
}

impl Taken {
    async fn from(world: &World, step: &str) -> Self {
        let aside = |file: PathBuf| {
            let kept = world.dir.path().join(format!(
                "{step}-{}",
                file.file_name().unwrap().to_str().unwrap()
            ));
            std::fs::copy(&file, &kept).unwrap();
            kept
        };
        Self {
            certificate: aside(world.file("ca-cert.pem").await),
            roots: aside(world.file("root-cert.pem").await),
        }
    }

    /// Whether who has these roots accepts what is under the other's CA, in openssl's eyes.
    fn accepts(&self, other: &Self, chain: &Path, at: Timestamp) -> bool {
        let at = at.as_second().to_string();
        let verify = Command::new("openssl")
            .args(["verify", "-x509_strict", "-attime", &at, "-CAfile"])
            .arg(&self.roots)
            .arg("-untrusted")
            .args([chain, &other.certificate])
            .output()
            .unwrap();
        verify.status.success()
    }
}

/// Every two workloads of which each took what it has at one of these moments.
fn all_accept_each_other(world: &World, taken: &[&Taken], authorities: &[&CaHandle]) {
    let chain = authorities.iter().map(|ca| ca.certificate_pem());
    let chain: Vec<String> = chain.map(|pem| format!("{}\n", pem.trim())).collect();
    let file = world.dir.path().join("authorities.pem");
    std::fs::write(&file, chain.concat()).unwrap();
    for (place, one) in taken.iter().enumerate() {
        for (other_place, other) in taken.iter().enumerate() {
            assert!(
                one.accepts(other, &file, world.aws.clock().now()),
                "state {place} refuses state {other_place}"
            );
        }
    }
}

/// The step is refused while planning and while applying, with the moment from which it is not.
async fn is_too_early(world: &mut World, root: &str, last_step: Timestamp) {
    let from = (last_step + hours(24)).to_string();
    for run in [world.plan(&[]).await, world.apply(&[]).await] {
        run.fails()
            .says("it is too early for this step")
            .says(root)
            .says(&from);
    }
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_another_root_takes_three_steps_each_with_its_time() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "root-walk").await;
        let (next_root, next) = another_hierarchy(&world);
        let (root, ca) = (world.root.clone(), world.ca.clone());
        let clock = world.aws.clock();
        world.issue("", "").await.succeeds();
        let at_a = Taken::from(&world, "a").await;
        clock.advance(days(10));

        world.issue(&trusting(&[&next_root]), "").await.succeeds();
        let added = clock.now();
        let at_ab = Taken::from(&world, "ab").await;
        all_accept_each_other(&world, &[&at_a, &at_ab], &[&ca, &next]);
        world.plan(&[]).await.exit_code(0);

        // Issuing under the next root: not before everybody trusts it.
        clock.advance(hours(23));
        world.ca = next.clone();
        world.configure(&world.issuing_secret(&trusting(&[&root]), ""));
        is_too_early(&mut world, "CN=Next Root CA", added).await;
        world.ordered(1);
        clock.advance(hours(1));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2);
        plan.in_place(SECRET)
            .opens(&["certificate_arn", "trusted_roots"]);
        Planned::apply(&mut world).await.succeeds();
        let moved = clock.now();
        world.ordered(2);
        let at_ab_under_b = Taken::from(&world, "ab-under-b").await;
        all_accept_each_other(&world, &[&at_ab, &at_ab_under_b], &[&ca, &next]);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);

        // Taking the first root out: not before everybody has left it.
        clock.advance(hours(23));
        world.configure(&world.issuing_secret("", ""));
        is_too_early(&mut world, "CN=Example Root CA", moved).await;
        clock.advance(hours(1));
        world.apply(&[]).await.succeeds();
        let at_b = Taken::from(&world, "b").await;
        all_accept_each_other(&world, &[&at_ab_under_b, &at_b], &[&ca, &next]);
        let file = world.file_text("root-cert.pem").await;
        assert_eq!(file.trim(), next_root.root_pem().trim());
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
        world.nothing_to_refresh().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intermediate_of_its_own_goes_to_another_root_when_it_is_named() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "root-named").await;
        let (next_root, next) = another_hierarchy(&world);
        let root = world.root.clone();
        world.configure(&world.intermediate_and_secret("", &trusting(&[&next_root])));
        world.apply(&[]).await.succeeds();
        world.aws.clock().advance(hours(25));

        world.ca = next.clone();
        world.configure(&world.intermediate_and_secret("", &trusting(&[&root])));
        world
            .plan(&[])
            .await
            .fails()
            .says("the CA leads to another root than before")
            .says("expected_root_sha256");
        world.ordered(1);

        let der = crate::world::openssl(&["x509", "-noout", "-fingerprint", "-sha256", "-in"], &{
            let file = world.dir.path().join("next-root.pem");
            std::fs::write(&file, next_root.root_pem()).unwrap();
            file
        });
        let sha256 = der.trim().split_once('=').unwrap().1.to_owned();
        let named = format!("expected_root_sha256 = \"{sha256}\"");
        world.configure(&world.intermediate_and_secret(&named, &trusting(&[&root])));
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

/// An istiod that was not restarted passes over a change of roots, and no workload learns of it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_under_a_root_that_istiod_has_not_taken_up() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "root-not-taken-up").await;
        let (next_root, next) = another_hierarchy(&world);
        let root = world.root.clone();
        let at_once =
            |roots: &[&CaHandle]| format!("{}\n  min_trust_overlap = \"0s\"", trusting(roots));
        world.issue("", "").await.succeeds();
        let taken_up = world.file_text("root-cert.pem").await;
        world.istiod_publishes(&taken_up).await;
        let apply = world.issue(&at_once(&[&next_root]), "").await;
        apply
            .succeeds()
            .says("istiod must be restarted to take this change");

        world.ca = next.clone();
        world.configure(&world.issuing_secret(&at_once(&[&root]), ""));
        for run in [world.plan(&[]).await, world.apply(&[]).await] {
            run.fails()
                .says("istiod has not taken up the root")
                .says("CN=Next Root CA")
                .says("Restart every istiod");
        }
        world.ordered(1);
        let taken_up = world.file_text("root-cert.pem").await;
        world.istiod_publishes(&taken_up).await;
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

/// A self-signed istiod publishes its root; the first certificate from elsewhere changes it.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_certificate_under_a_self_signed_istiod_is_a_change_of_roots() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "first-plug-in").await;
        let certificate = world.istiod_signs_by_itself().await;
        let also = format!("additional_root_pems = [<<EOT\n{certificate}EOT\n]");
        for settings in ["", also.as_str()] {
            world.configure(&world.issuing_secret(settings, ""));
            for run in [world.plan(&[]).await, world.apply(&[]).await] {
                run.fails()
                    .says("the mesh has other roots")
                    .says("restart istiod and then the workloads");
            }
        }
        world.ordered(0);
        assert!(world.live().await.is_null());

        let allowed = format!("{also}\n  allow_root_replacement = true");
        let apply = world.issue(&allowed, "").await;
        apply
            .succeeds()
            .says("istiod must be restarted to take this CA");
        let roots = world.file_text("root-cert.pem").await;
        assert_eq!(roots.matches("BEGIN CERTIFICATE").count(), 2);
        assert!(
            roots.starts_with(&certificate),
            "what is trusted comes first"
        );
        world.openssl_accepts_the_live_bundle().await;
    }
}

/// What was lost is put back under the root that it had, whatever an istiod has made of it since.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_secret_is_put_back_under_its_root_while_istiod_signs_by_itself() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "put-back").await;
        world.issue("", "").await.succeeds();
        world.delete_secret().await;
        world.istiod_signs_by_itself().await;
        let apply = world.apply(&[]).await;
        apply
            .succeeds()
            .says("istiod must be restarted to take this CA");
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_look_at_the_published_roots_there_is_a_warning() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "roots-unseen").await;
        let user = world.cluster.user();
        let rule = json!({"apiGroups": [""], "resources": ["secrets"],
                          "verbs": ["get", "create", "patch"]});
        world
            .cluster
            .grant(&user, Some(&world.namespace), &[rule])
            .await;
        crate::hands::until_allowed(world.cluster, &user, "patch", &world.namespace).await;
        world.user = user;
        world
            .issue("", "")
            .await
            .succeeds()
            .says("the roots of the mesh could not be seen")
            .says("istio-ca-root-cert");
        world.plan(&[]).await.exit_code(0);
    }
}
