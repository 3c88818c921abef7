//! Meshes that really run: a real istiod in pods that a real controller manager makes, in a network
//! of the story's own.

mod apart;
mod chosen;
mod fought;
mod mixed;
mod named;
mod owed;
mod pods;
mod rights;
mod rolled;
mod shown;
mod taken_up;
mod walked;

use std::fs;
use std::process::Command;

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::judge::Workload;
use istiopca_acceptance::istio::node::{Counts, Istiod, Node};
use serde_json::Value;

use crate::istiod::triggered;
use crate::world::World;

/// The resource that every mesh has.
const SECRET: &str = "istiopca_cacerts_secret.mesh";

/// How a plan begins to tell of a restart.
const ANNOUNCED: &str = "istiod will be restarted";

/// What there is of a Deployment of one pod whose template was so many times another one, the first time included.
fn started(times: usize) -> Counts {
    Counts {
        replica_sets: times,
        pods: times,
    }
}

/// A world with a node for the pods of its namespace.
pub(crate) struct Mesh {
    pub(crate) world: World,
    pub(crate) node: Node,
}

impl Mesh {
    /// No Secret, no istiod, only the place for both.
    pub(crate) async fn new(cli: Cli, story: &str) -> Self {
        let world = World::with_binary(cli, story).await;
        let node = Node::start(world.cluster, &world.namespace).await;
        Self { world, node }
    }

    /// Writes the Secret with these settings and this about its issuance; then an istiod of one pod comes up with it.
    async fn plug_in(&mut self, settings: &str, issuance: &str) {
        self.world.issue(settings, issuance).await.succeeds();
        self.node.deploy(&Istiod::default()).await;
    }

    async fn secret(&mut self) -> Value {
        self.world.state(SECRET).await
    }

    /// What the state says of the restart, and by which means something was verified.
    async fn outcome(&mut self) -> (Option<String>, String) {
        let secret = self.secret().await;
        let by = secret["verified"]["by"].as_str().unwrap_or_default();
        let reason = secret["restart_reason"].as_str();
        (reason.map(str::to_owned), by.to_owned())
    }

    /// Whether openssl finds a way from a new workload's certificate, in either role, to the root in
    /// AWS Private CA.
    pub(crate) async fn chains_to_pca(&self, deployment: &str) -> bool {
        let workload = self.node.sign_workload(deployment).await;
        let root = self.world.root.root_pem();
        let purposes = ["sslserver", "sslclient"];
        let judged = purposes.map(|purpose| self.openssl_finds_a_way(&workload, &root, purpose));
        assert_eq!(judged[0], judged[1], "the roles differ");
        judged[0]
    }

    fn openssl_finds_a_way(&self, workload: &Workload, root: &str, purpose: &str) -> bool {
        let dir = self.world.dir.path();
        let (chain, roots) = (dir.join("workload.pem"), dir.join("pca-root.pem"));
        fs::write(&chain, &workload.chain).unwrap();
        fs::write(&roots, root).unwrap();
        let verify = Command::new("openssl")
            .args(["verify", "-x509_strict", "-purpose", purpose, "-CAfile"])
            .arg(&roots)
            .arg("-untrusted")
            .args([&chain, &chain])
            .output()
            .unwrap();
        verify.status.success()
    }
}
