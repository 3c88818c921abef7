//! A node on which pods of istiod really run: what scheduler and kubelet would do is done here, for
//! one namespace of an API server that has [`Controllers`] beside it.
//!
//! Whatever makes a Deployment roll (the provider, kubectl) makes new pods; each of them is a real
//! istiod process with an address of its own, with the Secret `cacerts` mounted as it was when the
//! pod started. Ready when istiod is, ended when the pod is deleted. Only in a
//! [network of its own](crate::network).

mod keeper;
mod known;
mod life;
mod manifest;
mod status;

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::istiod::launch::program;
use super::istiod::{ask, make_account};
use super::judge::Workload;
use crate::apiserver::{ApiServer, Controllers};
use keeper::{Keeper, client};
use known::{Shared, locked};
pub use manifest::Istiod;

/// A running node; its pods end with it.
pub struct Node {
    cluster: &'static ApiServer,
    namespace: String,
    shared: Arc<Shared>,
    controllers: &'static Controllers,
    task: tokio::task::AbortHandle,
}

/// When the files of a running pod follow the Secret. A new pod always has what is there when it
/// starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kubelet {
    /// At once.
    AtOnce,
    /// So long after the Secret was written, or when the pod itself is changed after that.
    After(Duration),
    /// Not at all.
    Never,
}

/// What came into being for one Deployment since it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// One more with each change of the template: 1 says that it was never restarted.
    pub replica_sets: usize,
    /// Every pod that was ever there.
    pub pods: usize,
}

/// How often it looks whether what it waits for has come.
const TICK: Duration = Duration::from_millis(100);

/// What a rollout of one pod takes at most, on a machine that has much to do.
const ROLLOUT: Duration = Duration::from_secs(180);

impl Node {
    /// Starts one for the pods of a namespace, with the controllers that make them.
    ///
    /// # Panics
    ///
    /// When a part is missing, or the cluster cannot be asked.
    pub async fn start(cluster: &'static ApiServer, namespace: &str) -> Self {
        make_account(cluster, namespace).await;
        let program = match program().await {
            Ok(program) => program,
            Err(error) => panic!("there is no istiod: {error}"),
        };
        let shared = Arc::new(Shared {
            kubelet: Mutex::new(Kubelet::AtOnce),
            schedules: Mutex::new(true),
            pods: Mutex::default(),
        });
        let keeper = Keeper {
            client: client(cluster),
            namespace: namespace.to_owned(),
            program,
            kubeconfig: cluster.kubeconfig(cluster.admin()),
            shared: Arc::clone(&shared),
        };
        Self {
            cluster,
            namespace: namespace.to_owned(),
            shared,
            controllers: cluster.controllers().await,
            task: tokio::spawn(keeper.keep()).abort_handle(),
        }
    }

    /// When running pods get what is in the Secret, from now on.
    pub fn mounts(&self, kubelet: Kubelet) {
        *locked(&self.shared.kubelet) = kubelet;
    }

    /// Whether there is room for new pods, from now on; where there is none, they stay pending.
    pub fn has_room(&self, room: bool) {
        *locked(&self.shared.schedules) = room;
    }

    /// Applies the Deployment and waits until it is rolled out.
    ///
    /// # Panics
    ///
    /// When it is not within three minutes, with what the pods say.
    pub async fn deploy(&self, istiod: &Istiod) {
        self.cluster
            .apply(&istiod.deployment(&self.namespace))
            .await
            .succeeds();
        self.until_rolled_out(&istiod.name()).await;
    }

    /// Waits until all pods of a Deployment are of its newest template, are ready, and are alone.
    ///
    /// # Panics
    ///
    /// When they are not within three minutes, with what the pods say.
    pub async fn until_rolled_out(&self, deployment: &str) {
        let end = Instant::now() + ROLLOUT;
        loop {
            let live = self.live("deployment", deployment).await;
            if rolled_out(&live) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{deployment} is not rolled out: {}\n{}\n{self:?}",
                live["status"],
                self.controllers.last_words()
            );
            tokio::time::sleep(TICK).await;
        }
    }

    /// Restarts a Deployment as its administrators do, and waits until it is rolled out.
    ///
    /// # Panics
    ///
    /// As [`until_rolled_out`](Self::until_rolled_out).
    pub async fn restart(&self, deployment: &str) {
        let target = format!("deployment/{deployment}");
        let restart = ["rollout", "restart", &target, "-n", &self.namespace];
        self.cluster.kubectl(&restart).await.succeeds();
        self.until_rolled_out(deployment).await;
    }

    /// What came into being for a Deployment so far.
    ///
    /// # Panics
    ///
    /// When the cluster cannot be asked.
    pub async fn counts(&self, deployment: &str) -> Counts {
        let live = self.list("replicasets").await;
        let of_it = |set: &&Value| set["metadata"]["ownerReferences"][0]["name"] == deployment;
        let names: Vec<&str> = live["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(of_it)
            .filter_map(|set| set["metadata"]["name"].as_str())
            .collect();
        let pods = locked(&self.shared.pods);
        let pods = pods.values();
        Counts {
            replica_sets: names.len(),
            pods: pods
                .filter(|pod| names.contains(&pod.replica_set.as_str()))
                .count(),
        }
    }

    /// The certificate of a new workload, signed by a running pod of a Deployment, which is asked
    /// again until it lets the workload in.
    ///
    /// # Panics
    ///
    /// When there is none within half a minute.
    pub async fn sign_workload(&self, deployment: &str) -> Workload {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let why = match self.running(deployment) {
                Some(address) => {
                    let grpc = format!("{address}:15012");
                    match ask(self.cluster, &self.namespace, &grpc).await {
                        Ok(workload) => return workload,
                        Err(error) => error.to_string(),
                    }
                }
                None => "no pod runs".to_owned(),
            };
            assert!(
                Instant::now() < end,
                "no certificate for a workload of {deployment}: {why}\n{self:?}"
            );
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until a running pod of a Deployment has logged these words.
    ///
    /// # Panics
    ///
    /// When it has not within half a minute.
    pub async fn until_it_says(&self, deployment: &str, words: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        while !self.has_said(deployment, words) {
            assert!(
                Instant::now() < end,
                "{deployment} should have said {words:?}\n{self:?}"
            );
            tokio::time::sleep(TICK).await;
        }
    }

    /// Whether a running pod of a Deployment has logged these words.
    #[must_use]
    pub fn has_said(&self, deployment: &str, words: &str) -> bool {
        let pods = locked(&self.shared.pods);
        let mut of_it = pods.values().filter(|pod| pod.runs_for(deployment));
        of_it.any(|pod| pod.words.contains(words))
    }

    /// The names of a Deployment's pods that have not ended.
    #[must_use]
    pub fn pods(&self, deployment: &str) -> Vec<String> {
        let pods = locked(&self.shared.pods);
        let of_it = pods.iter().filter(|(_, pod)| pod.runs_for(deployment));
        of_it.map(|(name, _)| name.clone()).collect()
    }

    fn running(&self, deployment: &str) -> Option<Ipv4Addr> {
        let pods = locked(&self.shared.pods);
        let mut of_it = pods.values().filter(|pod| pod.runs_for(deployment));
        of_it.find_map(|pod| pod.address)
    }

    async fn live(&self, kind: &str, name: &str) -> Value {
        let ask = ["get", kind, name, "-n", &self.namespace, "-o", "json"];
        self.cluster.kubectl(&ask).await.succeeds().json()
    }

    async fn list(&self, kind: &str) -> Value {
        let ask = ["get", kind, "-n", &self.namespace, "-o", "json"];
        self.cluster.kubectl(&ask).await.succeeds().json()
    }
}

/// As kubectl judges it, and no pod of an older template left.
fn rolled_out(deployment: &Value) -> bool {
    let (wanted, status) = (&deployment["spec"]["replicas"], &deployment["status"]);
    let all = ["replicas", "updatedReplicas", "availableReplicas"];
    status["observedGeneration"] == deployment["metadata"]["generation"]
        && all.iter().all(|count| status[count] == *wanted)
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Each pod with the end of its log.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pods = locked(&self.shared.pods);
        for (name, pod) in pods.iter() {
            let lines: Vec<&str> = pod.words.lines().collect();
            let last = &lines[lines.len().saturating_sub(30)..];
            let ended = if pod.ended { " (ended)" } else { "" };
            writeln!(f, "--- {name}{ended}\n{}", last.join("\n"))?;
        }
        Ok(())
    }
}
