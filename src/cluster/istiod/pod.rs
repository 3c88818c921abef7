//! A pod of istiod: which one it is, whether it serves, and what it waits for if it does not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::REVISION;
use super::version::Version;
use crate::cluster::null::null_as_default;

/// A pod of istiod as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name within the namespace.
    pub name: String,
    /// Which object of that name it is.
    pub uid: String,
    /// The revision of the control plane, where a label says.
    pub revision: Option<String>,
    /// The release, by the image's tag.
    pub version: Option<Version>,
    /// The hash of the template that it was made of: pods of one ReplicaSet have the same.
    pub template_hash: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Whether it is to be sent requests.
    pub ready: bool,
    /// When kubelet took it on.
    pub started: Option<Timestamp>,
    /// When the container of istiod was last started: later than the pod, if it has crashed since.
    pub running_since: Option<Timestamp>,
    /// How often its containers were started again.
    pub restarts: u32,
    /// Whether it is on its way out.
    pub deleting: bool,
    /// What keeps it from being ready, as far as anybody says.
    pub waiting: Vec<Waiting>,
    /// By which selectors find it.
    pub(super) labels: BTreeMap<String, String>,
}

/// Something that a pod waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// No node takes it.
    Unscheduled {
        /// One word, such as `Unschedulable`.
        reason: String,
        /// The scheduler's words.
        message: String,
    },
    /// A container does not run.
    Container {
        /// Which one.
        name: String,
        /// One word, such as `ImagePullBackOff`, `CrashLoopBackOff` or, of one that has ended, `Error`.
        reason: String,
        /// For people; often empty.
        message: String,
    },
    /// A container runs and is not ready: its probe fails.
    Unready {
        /// Which one.
        name: String,
    },
    /// The pod as a whole was given up, as by an eviction.
    Failed {
        /// One word, such as `Evicted`.
        reason: String,
        /// For people.
        message: String,
    },
}

#[derive(Deserialize)]
pub(super) struct Object {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    uid: String,
    deletion_timestamp: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize, Default)]
struct Spec {
    #[serde(default, deserialize_with = "null_as_default")]
    containers: Vec<Container>,
}

#[derive(Deserialize)]
struct Container {
    name: String,
    #[serde(default)]
    image: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    reason: String,
    message: String,
    start_time: Option<Timestamp>,
    #[serde(deserialize_with = "null_as_default")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "null_as_default")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "null_as_default")]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default, deserialize_with = "null_as_default")]
    reason: String,
    #[serde(default, deserialize_with = "null_as_default")]
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    restart_count: u32,
    #[serde(default)]
    state: ContainerState,
}

#[derive(Deserialize, Default)]
struct ContainerState {
    waiting: Option<Reason>,
    running: Option<Running>,
    terminated: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
    #[serde(default, rename = "exitCode")]
    exit_code: i32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    started_at: Option<Timestamp>,
}

/// Istio's charts call the container so.
const CONTAINER: &str = "discovery";

impl From<Object> for Pod {
    fn from(object: Object) -> Self {
        let Object {
            metadata,
            spec,
            status,
        } = object;
        let is_ready = |it: &Condition| it.kind == "Ready" && it.status == "True";
        let containers = spec.containers.iter();
        let istiod = containers.clone().find(|it| it.name == CONTAINER);
        let istiod = istiod.or_else(|| spec.containers.first());
        let its_status = istiod.and_then(|container| {
            let mut all = status.container_statuses.iter();
            all.find(|it| it.name == container.name)
        });
        let running = its_status.and_then(|it| it.state.running.as_ref());
        Self {
            revision: metadata.labels.get(REVISION).cloned(),
            template_hash: metadata.labels.get("pod-template-hash").cloned(),
            version: istiod.and_then(|it| Version::of_image(&it.image)),
            ready: status.conditions.iter().any(is_ready),
            running_since: running.and_then(|it| it.started_at),
            restarts: status
                .container_statuses
                .iter()
                .map(|it| it.restart_count)
                .sum(),
            waiting: status.waiting(),
            started: status.start_time,
            phase: status.phase,
            deleting: metadata.deletion_timestamp.is_some(),
            name: metadata.name,
            uid: metadata.uid,
            labels: metadata.labels,
        }
    }
}

impl Status {
    fn waiting(&self) -> Vec<Waiting> {
        let failed = (self.phase == "Failed").then(|| Waiting::Failed {
            reason: self.reason.clone(),
            message: self.message.clone(),
        });
        let unscheduled = self
            .conditions
            .iter()
            .filter(|it| it.kind == "PodScheduled" && it.status != "True");
        let unscheduled = unscheduled.map(|it| Waiting::Unscheduled {
            reason: it.reason.clone(),
            message: it.message.clone(),
        });
        // An init container that has done its work has ended well; one that lasts is judged as any other.
        let init = self.init_container_statuses.iter();
        let init = init.filter_map(|it| it.waiting().filter(|_| !it.is_done()));
        let own = self.container_statuses.iter();
        let own = own.filter_map(ContainerStatus::waiting);
        failed
            .into_iter()
            .chain(unscheduled)
            .chain(init)
            .chain(own)
            .collect()
    }
}

impl ContainerStatus {
    fn waiting(&self) -> Option<Waiting> {
        let name = self.name.clone();
        let ContainerState {
            waiting,
            running,
            terminated,
        } = &self.state;
        match (waiting, terminated, running) {
            (Some(why), ..) | (None, Some(why), _) => Some(Waiting::Container {
                name,
                reason: why.reason.clone(),
                message: why.message.clone(),
            }),
            (None, None, Some(_)) if !self.ready => Some(Waiting::Unready { name }),
            (None, None, _) => None,
        }
    }

    fn is_done(&self) -> bool {
        let ended = self.state.terminated.as_ref();
        ended.is_some_and(|it| it.exit_code == 0)
    }
}
