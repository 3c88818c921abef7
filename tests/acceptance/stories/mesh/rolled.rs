//! That the node does what a cluster does: pods are plugged in, reload, and roll.

use std::time::Duration;

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::istiod::{PLUGGED_IN, RELOADED, SELF_SIGNED};
use istiopca_acceptance::istio::node::{Istiod, Kubelet};
use istiopca_acceptance::network;

use super::{Mesh, started, triggered};

#[test]
fn a_pod_that_starts_after_the_first_apply_signs_under_the_root_in_private_ca() {
    network::in_its_own(async {
        for cli in Cli::both() {
            let mut mesh = Mesh::new(cli, "mesh-first").await;
            mesh.plug_in("", "").await;
            assert!(mesh.node.has_said("istiod", PLUGGED_IN));
            assert!(mesh.chains_to_pca("istiod").await);
            assert_eq!(mesh.node.counts("istiod").await, started(1));
        }
    });
}

#[test]
fn a_renewal_reaches_a_running_pod_when_kubelet_gets_to_it_and_restarts_nothing() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "mesh-renewal").await;
        mesh.plug_in("", &triggered(1)).await;
        let before = mesh.node.sign_workload("istiod").await;

        mesh.node.mounts(Kubelet::Never);
        mesh.world
            .issue("verify = \"none\"", &triggered(2))
            .await
            .succeeds();
        let meanwhile = mesh.node.sign_workload("istiod").await;
        assert_eq!(issuers(&meanwhile.chain), issuers(&before.chain));
        assert!(!mesh.node.has_said("istiod", RELOADED));

        mesh.node.mounts(Kubelet::After(Duration::from_millis(500)));
        mesh.node.until_it_says("istiod", RELOADED).await;
        let after = mesh.node.sign_workload("istiod").await;
        assert_ne!(issuers(&after.chain), issuers(&before.chain));
        assert!(mesh.chains_to_pca("istiod").await);
        assert_eq!(mesh.node.counts("istiod").await, started(1));
    });
}

#[test]
fn a_rollout_brings_a_new_pod_that_takes_the_ca_which_the_one_before_did_not() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "mesh-rollout").await;
        mesh.node.deploy(&Istiod::default()).await;
        assert!(mesh.node.has_said("istiod", SELF_SIGNED));
        assert!(!mesh.chains_to_pca("istiod").await);
        let old = mesh.node.sign_workload("istiod").await;

        let world = &mut mesh.world;
        let settings = format!(
            "restart_istiod = \"never\"\n  allow_root_replacement = true\n  additional_root_pems = [<<EOT\n{}\nEOT\n]",
            old.roots.trim()
        );
        world.issue(&settings, "").await.succeeds();
        mesh.node.restart("istiod").await;
        assert!(mesh.node.has_said("istiod", PLUGGED_IN));
        assert!(mesh.chains_to_pca("istiod").await);
        assert_eq!(mesh.node.counts("istiod").await, started(2));
    });
}

/// All but the workload's own certificate.
fn issuers(chain: &str) -> &str {
    let end = "-----END CERTIFICATE-----";
    chain.split_once(end).map_or("", |(_, issuers)| issuers)
}
