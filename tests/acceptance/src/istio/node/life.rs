//! A pod's life on the node: it is bound, its istiod started, looked after and ended.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::Kubelet;
use super::known::Shared;
use super::status::{Doing, NODE, status, unschedulable};
use crate::istio::istiod::launch::{Deployment, Pod as Process};
use crate::istio::istiod::mount::Files;
use crate::network;

/// What the API server says of a pod, and of the Secret that it mounts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) deleting: bool,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) files: Files,
}

/// Who lives it.
pub(super) struct Life {
    pub(super) client: Client,
    pub(super) pod: Pod,
    pub(super) program: PathBuf,
    pub(super) kubeconfig: PathBuf,
    pub(super) shared: Arc<Shared>,
    pub(super) seen: watch::Receiver<Seen>,
}

/// What a pod has on its node.
struct Body {
    deployment: Deployment,
    address: Ipv4Addr,
    /// What the volume holds; it outlives the container.
    mounted: Files,
    /// Whether a container goes on seeing what the volume held when it started.
    by_sub_path: bool,
    /// The pod's annotations when the volume was last brought up to date.
    annotations: BTreeMap<String, String>,
    /// Since when the Secret holds something else.
    behind_since: Option<Instant>,
    restarts: usize,
}

/// How often it looks.
const TICK: Duration = Duration::from_millis(50);

/// Kubelet's first back-off is ten seconds; nothing is learned by waiting that long.
const BACK_OFF: Duration = Duration::from_secs(1);

impl Life {
    /// From the moment at which the scheduler sees the pod to its end. One that nobody had bound yet may
    /// go at any moment.
    pub(super) async fn live(mut self) -> kube::Result<()> {
        match self.live_on().await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                self.shared.ended(&self.name());
                Ok(())
            }
            ended => ended,
        }
    }

    async fn live_on(&mut self) -> kube::Result<()> {
        if self.until_scheduled().await? {
            let mut body = self.body();
            self.run(&mut body).await?;
        }
        self.shared.ended(&self.name());
        let now = DeleteParams::default().grace_period(0);
        self.pods().delete(&self.name(), &now).await.map(drop)
    }

    /// Finds the pod a node, once one takes pods; false if it is deleted before.
    async fn until_scheduled(&mut self) -> kube::Result<bool> {
        let mut told = false;
        while !self.shared.schedules() {
            if self.seen.borrow().deleting {
                return Ok(false);
            }
            if !told {
                self.write(&unschedulable(Timestamp::now())).await?;
                told = true;
            }
            sleep(TICK).await;
        }
        let binding = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": self.name()},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
        });
        let (pods, name, create) = (self.pods(), self.name(), PostParams::default());
        let bound = pods.create_subresource::<_, Value>("binding", &name, &create, &binding);
        bound.await.map(|_| true)
    }

    fn body(&self) -> Body {
        let address = network::address();
        self.shared.has_address(&self.name(), address);
        let seen = self.seen.borrow();
        Body {
            deployment: Deployment {
                program: self.program.clone(),
                namespace: self.pod.metadata.namespace.clone().unwrap_or_default(),
                name: self.name(),
                address: Some(address),
                kubeconfig: self.kubeconfig.clone(),
                settings: settings(&self.pod),
            },
            address,
            mounted: seen.files.clone(),
            by_sub_path: by_sub_path(&self.pod),
            annotations: seen.annotations.clone(),
            behind_since: None,
            restarts: 0,
        }
    }

    /// Starts it again and again, until the pod is deleted.
    async fn run(&mut self, body: &mut Body) -> kube::Result<()> {
        loop {
            self.tell(&Doing::Starts, body).await?;
            let deployment = body.deployment.clone();
            let starting = deployment.pod(body.restarts + 1, body.mounted.clone());
            let mut deleted = self.seen.clone();
            let started = tokio::select! {
                started = starting => started,
                _ = deleted.wait_for(|seen| seen.deleting) => return Ok(()),
            };
            let why = match started {
                Ok(process) => match self.look_after(process, body).await? {
                    Some(why) => why,
                    None => return Ok(()),
                },
                Err(error) => error.to_string(),
            };
            body.restarts += 1;
            self.shared.said(&self.name(), &why);
            self.tell(&Doing::Crashed { why }, body).await?;
            let deleted = self.seen.wait_for(|seen| seen.deleting);
            if timeout(BACK_OFF, deleted).await.is_ok() {
                return Ok(());
            }
            self.bring_up_to_date(body, None);
        }
    }

    /// While it runs; in the end its last words, unless it is ended because the pod is deleted.
    async fn look_after(
        &mut self,
        mut process: Process,
        body: &mut Body,
    ) -> kube::Result<Option<String>> {
        self.tell(&Doing::Serves, body).await?;
        loop {
            self.shared.said(&self.name(), &process.words());
            if self.seen.borrow().deleting {
                process.terminate().await;
                return Ok(None);
            }
            if let Some(status) = process.ended() {
                return Ok(Some(format!("{status}:\n{}", process.last_words())));
            }
            self.bring_up_to_date(body, Some(&mut process));
            sleep(TICK).await;
        }
    }

    /// What kubelet does about a Secret that holds something else than the volume, when it gets to
    /// it: that is sooner when the pod itself is changed.
    fn bring_up_to_date(&self, body: &mut Body, process: Option<&mut Process>) {
        let seen = self.seen.borrow();
        if seen.files == body.mounted {
            body.behind_since = None;
            body.annotations.clone_from(&seen.annotations);
            return;
        }
        let since = *body.behind_since.get_or_insert_with(Instant::now);
        let nudged = seen.annotations != body.annotations;
        let due = match self.shared.kubelet() {
            _ if body.by_sub_path && process.is_some() => false,
            Kubelet::AtOnce => true,
            Kubelet::After(delay) => nudged || since.elapsed() >= delay,
            Kubelet::Never => false,
        };
        if due {
            body.mounted.clone_from(&seen.files);
            if let Some(process) = process
                && let Err(error) = process.mount.set(seen.files.clone())
            {
                panic!("the files of istiod cannot be written: {error}");
            }
        }
    }

    async fn tell(&self, doing: &Doing, body: &Body) -> kube::Result<()> {
        let now = Timestamp::now();
        self.write(&status(doing, body.address, body.restarts, now))
            .await
    }

    async fn write(&self, patch: &Value) -> kube::Result<()> {
        let (name, params) = (self.name(), PatchParams::default());
        let patch = Patch::Merge(patch);
        let patched = self.pods().patch_status(&name, &params, &patch).await;
        patched.map(drop)
    }

    fn pods(&self) -> Api<Pod> {
        let namespace = self.pod.metadata.namespace.as_deref();
        Api::namespaced(self.client.clone(), namespace.unwrap_or_default())
    }

    fn name(&self) -> String {
        self.pod.metadata.name.clone().unwrap_or_default()
    }
}

/// Whether the container has single files of its volumes.
fn by_sub_path(pod: &Pod) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut mounts = containers.flat_map(|container| container.volume_mounts.iter().flatten());
    mounts.any(|mount| mount.sub_path.is_some())
}

/// The container's environment, as far as it is written out.
fn settings(pod: &Pod) -> Vec<(String, String)> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let environment = containers.flat_map(|container| container.env.iter().flatten());
    environment
        .filter_map(|variable| Some((variable.name.clone(), variable.value.clone()?)))
        .collect()
}
