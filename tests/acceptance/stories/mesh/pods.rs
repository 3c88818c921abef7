//! That pods of the node are what pods are elsewhere: reached through the API server, touched, stuck,
//! and broken.

use std::time::Duration;

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::istiod::{PLUGGED_IN, RELOADED};
use istiopca_acceptance::istio::node::{Istiod, Kubelet};
use istiopca_acceptance::network;
use serde_json::{Value, json};

use super::{Mesh, started, triggered};

/// Longer than any story.
const HOURS: Kubelet = Kubelet::After(Duration::from_secs(7200));

async fn metrics(mesh: &Mesh, pod: &str) -> String {
    let namespace = &mesh.world.namespace;
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}:15014/proxy/metrics");
    let cluster = mesh.world.cluster;
    let run = cluster
        .kubectl_as(&mesh.world.user, &["get", "--raw", &path])
        .await;
    run.succeeds().stdout().to_owned()
}

#[test]
fn the_metrics_of_each_pod_are_reached_through_the_api_server_with_our_minimal_rights() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "mesh-proxy").await;
        mesh.world.issue("", "").await.succeeds();
        let two = Istiod {
            replicas: 2,
            ..Istiod::default()
        };
        mesh.node.deploy(&two).await;
        let pods = mesh.node.pods("istiod");
        assert_eq!(pods.len(), 2, "{pods:?}");
        for pod in pods {
            let page = metrics(&mesh, &pod).await;
            assert!(
                page.contains("\ncitadel_server_cert_chain_expiry_timestamp "),
                "{page}"
            );
        }
    });
}

#[test]
fn a_pod_that_is_touched_has_its_files_brought_up_to_date_before_their_time() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "mesh-touched").await;
        mesh.node.mounts(HOURS);
        mesh.plug_in("", &triggered(1)).await;
        mesh.world
            .issue("verify = \"none\"", &triggered(2))
            .await
            .succeeds();
        // Two looks of kubelet's later.
        mesh.node.sign_workload("istiod").await;
        assert!(!mesh.node.has_said("istiod", RELOADED));
        let pods = mesh.node.pods("istiod");
        let touch = [
            "annotate",
            "pod",
            &pods[0],
            "touched=yes",
            "-n",
            &mesh.world.namespace,
        ];
        mesh.world.cluster.kubectl(&touch).await.succeeds();
        mesh.node.until_it_says("istiod", RELOADED).await;
    });
}

#[test]
fn two_revisions_sign_with_the_one_secret_and_are_restarted_each_by_itself() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "mesh-revisions").await;
        mesh.world.issue("", "").await.succeeds();
        let canary = Istiod::default().of_revision("canary");
        for istiod in [&Istiod::default(), &canary] {
            mesh.node.deploy(istiod).await;
            assert!(mesh.node.has_said(&istiod.name(), PLUGGED_IN));
            assert!(mesh.chains_to_pca(&istiod.name()).await);
        }
        mesh.node.restart("istiod-canary").await;
        assert_eq!(mesh.node.counts("istiod").await, started(1));
        assert_eq!(mesh.node.counts("istiod-canary").await, started(2));
    });
}

/// The status of the newest pod of `istiod`, once the condition holds.
async fn newest_until(mesh: &Mesh, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let end = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let sorted = "--sort-by=.metadata.creationTimestamp";
        let get = [
            "get",
            "pods",
            "-n",
            &mesh.world.namespace,
            sorted,
            "-o",
            "json",
        ];
        let pods = mesh.world.cluster.kubectl(&get).await.succeeds().json();
        let last = pods["items"]
            .as_array()
            .and_then(|items| items.last())
            .cloned();
        let status = last.map(|pod| pod["status"].clone()).unwrap_or_default();
        if holds(&status) {
            return status;
        }
        assert!(
            std::time::Instant::now() < end,
            "{what}: {status}\n{:?}",
            mesh.node
        );
    }
}

async fn begin_restart(mesh: &Mesh) {
    let restart = [
        "rollout",
        "restart",
        "deployment/istiod",
        "-n",
        &mesh.world.namespace,
    ];
    mesh.world.cluster.kubectl(&restart).await.succeeds();
}

#[test]
fn a_pod_for_which_there_is_no_room_waits_and_the_one_before_it_goes_on_signing() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "mesh-room").await;
        mesh.plug_in("", "").await;
        mesh.node.has_room(false);
        begin_restart(&mesh).await;
        newest_until(&mesh, "a pod should wait", |status| {
            status["conditions"][0]["reason"] == "Unschedulable"
        })
        .await;
        assert!(mesh.chains_to_pca("istiod").await);
        mesh.node.has_room(true);
        mesh.node.until_rolled_out("istiod").await;
        assert!(mesh.chains_to_pca("istiod").await);
    });
}

#[test]
fn a_pod_that_does_not_start_with_its_files_says_why_and_comes_up_once_they_are_right() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "mesh-broken").await;
        mesh.plug_in("", "").await;
        let namespace = mesh.world.namespace.clone();
        let without_chain = json!({"data": {"cert-chain.pem": null}}).to_string();
        let patch = [
            "patch",
            "secret",
            "cacerts",
            "-n",
            &namespace,
            "-p",
            &without_chain,
        ];
        mesh.world.cluster.kubectl(&patch).await.succeeds();
        begin_restart(&mesh).await;
        let status = newest_until(&mesh, "a pod should crash", |status| {
            status["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        })
        .await;
        let why = &status["containerStatuses"][0]["state"]["waiting"]["message"];
        let why = why.as_str().unwrap_or_default();
        assert!(
            why.contains("incomplete signing CA bundle detected"),
            "{why}"
        );
        mesh.world.apply(&[]).await.succeeds();
        mesh.node.until_rolled_out("istiod").await;
        assert!(mesh.chains_to_pca("istiod").await);
    });
}
