//! What the data source shows of pods that run, and what the example makes of it.

use std::time::{Duration, Instant};

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::node::{Istiod, Kubelet};
use istiopca_acceptance::network;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Mesh;
use super::rights::{one_warning, rules, without};
use crate::istiod::end_of;
use crate::looks::lay_out;

/// The data source of the example.
const LIVE: &str = "data.istiopca_cacerts.live";

/// What its check says.
const ANOTHER: &str = "These pods use another CA than the Secret's, and must be restarted";

/// An address of the story's network at which nobody listens.
const NOWHERE: &str = "10.77.0.254";

impl Mesh {
    /// What is shown of each pod, after an apply.
    async fn istiods(&mut self) -> Vec<Value> {
        self.world.apply(&[]).await.succeeds();
        let live = self.world.state(LIVE).await;
        live["istiods"].as_array().unwrap().clone()
    }

    /// Renews what the example has, without asking whether anybody takes it up.
    fn renew_unasked(&self) {
        self.world.dir.write(
            "renewed_override.tf",
            r#"resource "istiopca_cacerts_secret" "mesh" {
  restart_istiod = "never"
  verify         = "none"
  intermediate {
    certificate_authority_arn = var.certificate_authority_arn
    renew_triggers            = { incident = "1" }
    subject {
      common_name = "istio-ca.renewed"
    }
  }
}
"#,
        );
    }

    /// Waits until what is shown of every pod is this.
    async fn until_all(&mut self, uses: bool) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let istiods = self.istiods().await;
            if istiods.iter().all(|istiod| istiod["uses_this_ca"] == uses) {
                return;
            }
            assert!(Instant::now() < end, "{istiods:?}\n{:?}", self.node);
        }
    }

    /// Has the API server look for the pod where it is not.
    async fn mislay(&self, pod: &str) {
        let status = json!({"status": {"podIP": NOWHERE, "podIPs": [{"ip": NOWHERE}]}});
        let status = status.to_string();
        let patch = ["patch", "pod", pod, "--subresource=status", "--type=merge"];
        let patch = [&patch[..], &["-p", &status]].concat();
        self.world.kubectl(&patch).await.succeeds();
    }
}

/// A moment of the data source in seconds.
#[track_caller]
fn second(moment: &Value) -> i64 {
    let moment: Timestamp = moment.as_str().unwrap().parse().unwrap();
    moment.as_second()
}

#[test]
fn each_pod_is_shown_with_what_it_uses_and_the_example_warns_while_that_is_another_ca() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "shown").await;
        lay_out(&mesh.world);
        assert_eq!(mesh.istiods().await, [] as [Value; 0]);
        let two = Istiod {
            replicas: 2,
            ..Istiod::default()
        };
        mesh.node.deploy(&two).await;
        let pods = mesh.node.pods("istiod");
        let ends = [
            end_of(&mesh.world, "ca-cert.pem").await,
            end_of(&mesh.world, "root-cert.pem").await,
        ];
        let istiods = mesh.istiods().await;
        assert_eq!(istiods.len(), 2, "{istiods:?}");
        for (istiod, pod) in istiods.iter().zip(&pods) {
            assert_eq!(istiod["pod"], *pod);
            assert_eq!(istiod["revision"], "default");
            assert_eq!(istiod["version"], "1.31.0");
            assert_eq!(istiod["ready"], true);
            let shown = ["chain_not_after", "root_not_after"].map(|end| second(&istiod[end]));
            assert_eq!(shown, ends);
            assert_eq!(istiod["uses_this_ca"], true);
            assert_eq!(istiod["unseen"], Value::Null);
        }
        mesh.world.plan(&[]).await.exit_code(0).never_says(ANOTHER);

        // A renewal that kubelet does not bring.
        mesh.node.mounts(Kubelet::Never);
        mesh.renew_unasked();
        mesh.until_all(false).await;
        let planned = mesh.world.plan(&[]).await;
        planned.exit_code(0).says(ANOTHER);
        pods.iter().for_each(|pod| _ = planned.says(pod));
        let still = &mesh.istiods().await[0];
        assert_eq!(second(&still["chain_not_after"]), ends[0]);
        assert_ne!(end_of(&mesh.world, "ca-cert.pem").await, ends[0]);
        mesh.node.mounts(Kubelet::AtOnce);
        mesh.until_all(true).await;
        mesh.world.plan(&[]).await.exit_code(0).never_says(ANOTHER);
    });
}

#[test]
fn a_pod_that_cannot_be_asked_is_shown_with_the_reason_and_fails_nothing() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "shown-unseen").await;
        lay_out(&mesh.world);
        mesh.world.apply(&[]).await.succeeds();
        let two = Istiod {
            replicas: 2,
            ..Istiod::default()
        };
        mesh.node.deploy(&two).await;
        let pods = mesh.node.pods("istiod");
        mesh.mislay(&pods[1]).await;
        let istiods = mesh.istiods().await;
        assert_eq!(istiods[0]["uses_this_ca"], true, "{istiods:?}");
        assert_eq!(istiods[0]["unseen"], Value::Null);
        assert_eq!(istiods[1]["pod"], pods[1]);
        for unknown in ["uses_this_ca", "chain_not_after", "root_not_after"] {
            assert_eq!(istiods[1][unknown], Value::Null, "{unknown}");
        }
        let why = istiods[1]["unseen"].as_str().unwrap();
        assert!(why.contains("connection refused"), "{why}");
        let planned = mesh.world.plan(&[]).await;
        planned.exit_code(0).never_says(ANOTHER);
        planned.never_says("Warning: Secret ");

        // Nobody may ask any of them.
        let rest = without(&rules(&mesh.world, "pods").await, "get", "pods/proxy");
        mesh.has_rights(&rest, "get", "pods/proxy", false).await;
        let planned = mesh.world.plan(&[]).await;
        let told = ["what the istiods use could not be read", "pods/proxy"];
        one_warning(planned.exit_code(0), &told);
        planned.never_says(ANOTHER);
        for (istiod, pod) in mesh.istiods().await.iter().zip(&pods) {
            assert_eq!(istiod["pod"], *pod);
            assert_eq!(istiod["uses_this_ca"], Value::Null);
            let why = istiod["unseen"].as_str().unwrap();
            assert!(why.contains("pods/proxy"), "{why}");
        }
    });
}
