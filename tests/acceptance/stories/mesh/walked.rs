//! From one root to another, and from a self-signed istiod to a CA of AWS, under pods that the provider
//! restarts by itself: nobody is cut off at any step, and no restart is made that is not needed.

use istiopca_acceptance::aws::CaHandle;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::istiod::SELF_SIGNED;
use istiopca_acceptance::istio::judge::Workload;
use istiopca_acceptance::istio::node::Istiod;
use istiopca_acceptance::network;

use super::{ANNOUNCED, Mesh, SECRET, started};
use crate::istiod::{all_shake_hands, cannot_trust, configure};
use crate::roots::another_hierarchy;

impl Mesh {
    /// Applies what is configured, which announces a restart of `istiod` or none, and does what it
    /// announced; returns a workload that has come since, with the roots that are in the Secret.
    async fn step(&mut self, restarts: bool) -> Workload {
        let before = self.node.counts("istiod").await;
        let plan = self.world.plan(&[]).await;
        plan.exit_code(2);
        if restarts {
            plan.says(ANNOUNCED);
        } else {
            plan.never_says(ANNOUNCED);
        }
        assert_eq!(self.node.counts("istiod").await, before);
        self.world.apply(&[]).await.succeeds();
        let after = self.node.counts("istiod").await;
        assert_eq!(after, started(before.pods + usize::from(restarts)));
        let written = self.world.state(SECRET).await;
        // The gauges of a pod do not tell one root in front from the same root alone.
        let by = written["verified"]["by"].as_str().unwrap_or_default();
        assert!(["pods", "root"].contains(&by), "{}", written["verified"]);
        assert_eq!(written["restart_reason"].is_string(), restarts);
        self.world.plan(&[]).await.exit_code(0);
        let newcomer = self.node.sign_workload("istiod").await;
        assert_eq!(newcomer.roots, self.world.file_text("root-cert.pem").await);
        newcomer
    }

    /// Whether the workload's certificate leads to that root, in openssl's eyes.
    pub(super) fn is_under(&self, workload: &Workload, root: &CaHandle) -> bool {
        self.openssl_finds_a_way(workload, &root.root_pem(), "sslserver")
    }
}

/// The whole way, with or without a restart at the two steps at which the trusted roots change.
async fn walk(cli: Cli, istiod: Istiod, restarts: bool) {
    let mut mesh = Mesh::new(cli, "mesh-walk").await;
    let (next_root, next) = another_hierarchy(&mesh.world);
    let root = mesh.world.root.clone();
    configure(&mesh.world, &[], "");
    mesh.world.apply(&[]).await.succeeds();
    mesh.node.deploy(&istiod).await;
    let at_a = mesh.node.sign_workload("istiod").await;

    configure(&mesh.world, &[&next_root], "");
    let at_ab = mesh.step(restarts).await;
    assert!(mesh.is_under(&at_ab, &root) && !mesh.is_under(&at_ab, &next_root));
    all_shake_hands(&[&at_a, &at_ab]).await;

    mesh.world.ca = next;
    configure(&mesh.world, &[&root], "");
    let under_b = mesh.step(false).await;
    assert!(mesh.is_under(&under_b, &next_root) && !mesh.is_under(&under_b, &root));
    all_shake_hands(&[&at_ab, &under_b]).await;

    configure(&mesh.world, &[], "");
    let at_b = mesh.step(restarts).await;
    all_shake_hands(&[&under_b, &at_b]).await;
    cannot_trust(&at_b, &at_a).await;
    mesh.world.ordered(2);
}

#[test]
fn an_istiod_for_one_root_is_restarted_when_the_trusted_roots_change_and_at_no_other_step() {
    network::in_its_own(async {
        for cli in Cli::both() {
            walk(cli, Istiod::default(), true).await;
        }
    });
}

#[test]
fn an_istiod_for_several_roots_walks_without_a_restart() {
    network::in_its_own(async {
        for cli in Cli::both() {
            let several = Istiod::default().with("ISTIO_MULTIROOT_MESH", "true");
            walk(cli, several, false).await;
        }
    });
}

#[test]
fn two_revisions_that_signed_by_themselves_come_under_aws_and_then_leave_their_old_root() {
    network::in_its_own(async {
        for cli in Cli::both() {
            let mut mesh = Mesh::new(cli, "mesh-plug-in").await;
            let canary = Istiod::default().of_revision("canary");
            for istiod in [&Istiod::default(), &canary] {
                mesh.node.deploy(istiod).await;
                assert!(mesh.node.has_said(&istiod.name(), SELF_SIGNED));
                assert!(!mesh.chains_to_pca(&istiod.name()).await);
            }
            let old = mesh.node.sign_workload("istiod").await;
            configure(&mesh.world, &[], "");
            let refused = mesh.world.apply(&[]).await;
            refused.fails().says("the mesh has other roots");
            assert_eq!(mesh.node.counts("istiod").await, started(1));

            let settings = format!(
                "allow_root_replacement = true\n  additional_root_pems = [<<EOT\n{}\nEOT\n]",
                old.roots.trim()
            );
            mesh.world
                .configure(&mesh.world.issuing_secret(&settings, ""));
            let restarted = mesh.step(true).await;
            cannot_trust(&old, &restarted).await;
            for revision in ["istiod", "istiod-canary"] {
                assert!(mesh.chains_to_pca(revision).await);
                assert_eq!(mesh.node.counts(revision).await, started(2));
            }

            configure(&mesh.world, &[], "");
            let last = mesh.step(true).await;
            all_shake_hands(&[&restarted, &last]).await;
            assert_eq!(mesh.node.counts("istiod-canary").await, started(3));
            mesh.world.ordered(1);
        }
    });
}
