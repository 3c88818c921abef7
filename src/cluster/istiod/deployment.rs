//! A Deployment of istiod, as far as it tells which CA its pods use and how a rollout fares.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::selector::Selector;
use super::version::Version;
use super::{Pod, REVISION, restart};
use crate::cluster::null::null_as_default;

/// A Deployment of istiod as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its name within the namespace, such as `istiod` or `istiod-1-24`.
    pub name: String,
    /// Which object of that name it is.
    pub uid: String,
    /// Which state of it this is.
    pub resource_version: String,
    /// The revision of the control plane, `default` for one without a name; `None` where no label says.
    pub revision: Option<String>,
    /// The release, by the image's tag or else by labels of the chart.
    pub version: Option<Version>,
    /// How often its specification has changed.
    pub generation: i64,
    /// The last of these that its controller has seen.
    pub observed_generation: i64,
    /// How many pods it is to have.
    pub wanted: u32,
    /// How many it has, old ones among them.
    pub replicas: u32,
    /// How many of them are of the present template.
    pub updated: u32,
    /// How many are ready for long enough.
    pub available: u32,
    /// Whether changes of its template wait until somebody resumes it.
    pub paused: bool,
    /// Whether it is on its way out.
    pub deleting: bool,
    /// What its controller says of it.
    pub conditions: Vec<Condition>,
    /// Annotations of the pod template.
    pub template_annotations: BTreeMap<String, String>,
    /// Those of [`Setting`] that its container names.
    env: BTreeMap<Setting, Env>,
    /// With what the names of those begin that come from ConfigMaps and Secrets as wholes; empty where with anything.
    env_from: Vec<String>,
    mounts: BTreeMap<String, Mount>,
    selector: Selector,
}

/// What a controller says of one aspect of a Deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Condition {
    /// Such as `Progressing`, `Available` or `ReplicaFailure`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word, such as `ProgressDeadlineExceeded`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reason: String,
    /// For people.
    #[serde(default, deserialize_with = "null_as_default")]
    pub message: String,
}

/// A variable of istiod's environment that bears on its CA. No other one is kept: there may be secrets among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// `ISTIO_MULTIROOT_MESH`: changes of the roots are taken over while running.
    MultiRoot,
    /// `USE_CACERTS_FOR_SELF_SIGNED_CA`: istiod takes the Secret for its own.
    CacertsForSelfSigned,
    /// `EXTERNAL_CA`: somebody else signs.
    ExternalCa,
    /// `ENABLE_CA_SERVER`: whether istiod signs at all.
    CaServer,
    /// `PILOT_CERT_PROVIDER`: who signs istiod's own certificate.
    CertProvider,
    /// `ROOT_CA_DIR`: where the Secret's files are looked for.
    RootCaDir,
    /// `USE_REMOTE_CERTS`: the files are fetched from another cluster's Secret.
    RemoteCerts,
    /// `AUTO_RELOAD_PLUGIN_CERTS`: whether changes of the files are taken over at all; no longer read from 1.19 on.
    AutoReload,
    /// `PILOT_CA_CERT_CONFIGMAP`: in which ConfigMap the roots are published.
    CaCertConfigMap,
}

/// What a variable is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Env {
    /// This text.
    Text(String),
    /// What a field, a ConfigMap or a Secret says, which was not looked at.
    FromElsewhere,
}

/// How a Secret comes into a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mount {
    /// As a folder, which kubelet keeps up to date.
    Folder,
    /// Also as single files by `subPath`, which stay as they were when the pod started.
    SubPath,
}

impl Env {
    /// As istiod reads a switch (Go, `strconv.ParseBool`); what is none of these leaves it at its default.
    pub fn flag(&self) -> Option<bool> {
        let Self::Text(text) = self else {
            return None;
        };
        match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
            _ => None,
        }
    }
}

impl Setting {
    pub(super) const ALL: [Self; 9] = [
        Self::MultiRoot,
        Self::CacertsForSelfSigned,
        Self::ExternalCa,
        Self::CaServer,
        Self::CertProvider,
        Self::RootCaDir,
        Self::RemoteCerts,
        Self::AutoReload,
        Self::CaCertConfigMap,
    ];

    /// The variable's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::MultiRoot => "ISTIO_MULTIROOT_MESH",
            Self::CacertsForSelfSigned => "USE_CACERTS_FOR_SELF_SIGNED_CA",
            Self::ExternalCa => "EXTERNAL_CA",
            Self::CaServer => "ENABLE_CA_SERVER",
            Self::CertProvider => "PILOT_CERT_PROVIDER",
            Self::RootCaDir => "ROOT_CA_DIR",
            Self::RemoteCerts => "USE_REMOTE_CERTS",
            Self::AutoReload => "AUTO_RELOAD_PLUGIN_CERTS",
            Self::CaCertConfigMap => "PILOT_CA_CERT_CONFIGMAP",
        }
    }
}

impl Deployment {
    /// Whether it has pods, or is to have some.
    pub fn runs(&self) -> bool {
        self.wanted > 0 || self.replicas > 0
    }

    /// What its container has for this variable; `None` where that is left at istiod's default. One that is not named
    /// may still come with a ConfigMap or a Secret that is taken over as a whole.
    pub fn told(&self, setting: Setting) -> Option<&Env> {
        let could_name = |prefix: &String| setting.name().starts_with(prefix.as_str());
        let named = self.env.get(&setting);
        named.or_else(|| {
            let may_come = self.env_from.iter().any(could_name);
            may_come.then_some(&Env::FromElsewhere)
        })
    }

    /// How the pods get the Secret of this name; `None` if they do not.
    pub fn mount_of(&self, secret: &str) -> Option<Mount> {
        self.mounts.get(secret).copied()
    }

    /// Whether the pod is one of its own, as its selector says. Where selectors of two overlap, which the API advises
    /// against and does not prevent, the pod is taken for either's.
    pub fn has(&self, pod: &Pod) -> bool {
        self.selector.takes(&pod.labels)
    }

    /// When its pods were last restarted by whoever keeps to kubectl's convention, in that one's words.
    pub fn restarted_at(&self) -> Option<&str> {
        let said = self.template_annotations.get(restart::RESTARTED_AT);
        said.map(String::as_str)
    }

    /// For what we restarted it last, and nobody has put its template back since.
    pub fn restarted_for(&self) -> Option<&str> {
        let noted = self.template_annotations.get(restart::RESTARTED_FOR);
        noted.map(String::as_str)
    }

    /// What its controller says of an aspect.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|it| it.kind == kind)
    }
}

#[derive(Deserialize)]
pub(super) struct Object {
    metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    generation: i64,
    deletion_timestamp: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_default")]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Spec {
    replicas: Option<u32>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    selector: Selector,
    template: Template,
}

#[derive(Deserialize)]
struct Template {
    #[serde(default)]
    metadata: Metadata,
    spec: PodSpec,
}

#[derive(Deserialize)]
struct PodSpec {
    #[serde(default, deserialize_with = "null_as_default")]
    containers: Vec<Container>,
    #[serde(default, deserialize_with = "null_as_default")]
    volumes: Vec<Volume>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    #[serde(default)]
    image: String,
    #[serde(default, deserialize_with = "null_as_default")]
    env: Vec<Variable>,
    #[serde(default, deserialize_with = "null_as_default")]
    env_from: Vec<Whole>,
    #[serde(default, deserialize_with = "null_as_default")]
    volume_mounts: Vec<VolumeMount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    name: String,
    #[serde(default)]
    value: String,
    value_from: Option<serde::de::IgnoredAny>,
}

/// A ConfigMap or a Secret all of whose keys become variables.
#[derive(Deserialize)]
struct Whole {
    #[serde(default, deserialize_with = "null_as_default")]
    prefix: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    name: String,
    #[serde(default)]
    sub_path: String,
    #[serde(default)]
    sub_path_expr: String,
}

#[derive(Deserialize)]
struct Volume {
    name: String,
    secret: Option<SecretVolume>,
    projected: Option<Projected>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecretVolume {
    #[serde(default)]
    secret_name: String,
}

#[derive(Deserialize)]
struct Projected {
    #[serde(default, deserialize_with = "null_as_default")]
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    secret: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: i64,
    replicas: u32,
    updated_replicas: u32,
    available_replicas: u32,
    #[serde(deserialize_with = "null_as_default")]
    conditions: Vec<Condition>,
}

impl From<Object> for Deployment {
    fn from(object: Object) -> Self {
        let Object {
            metadata,
            spec,
            status,
        } = object;
        let template = spec.template;
        let container = discovery(&template.spec.containers);
        Self {
            revision: revision(&metadata, &template.metadata),
            version: version(&metadata, &template.metadata, container),
            env: container.map(environment).unwrap_or_default(),
            env_from: container.map(wholes).unwrap_or_default(),
            mounts: mounts(&template.spec.volumes, container),
            selector: spec.selector,
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            generation: metadata.generation,
            deleting: metadata.deletion_timestamp.is_some(),
            wanted: spec.replicas.unwrap_or(1),
            paused: spec.paused,
            template_annotations: template.metadata.annotations,
            observed_generation: status.observed_generation,
            replicas: status.replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            conditions: status.conditions,
        }
    }
}

/// Istio's charts call the container so; beside it there may be a sidecar.
const CONTAINER: &str = "discovery";

fn discovery(containers: &[Container]) -> Option<&Container> {
    let named = containers.iter().find(|it| it.name == CONTAINER);
    named.or_else(|| containers.first())
}

fn revision(own: &Metadata, template: &Metadata) -> Option<String> {
    let labels = [&own.labels, &template.labels];
    labels
        .iter()
        .find_map(|labels| labels.get(REVISION))
        .cloned()
}

/// An image that is named by its digest says nothing; then the chart does.
fn version(own: &Metadata, template: &Metadata, container: Option<&Container>) -> Option<Version> {
    let by_image = container.and_then(|it| Version::of_image(&it.image));
    by_image.or_else(|| {
        let labels = [&template.labels, &own.labels].into_iter();
        labels.map(by_labels).find_map(|version| version)
    })
}

fn by_labels(labels: &BTreeMap<String, String>) -> Option<Version> {
    let application = labels.get("app.kubernetes.io/version");
    let chart = labels.get("helm.sh/chart");
    let chart = chart.and_then(|chart| chart.strip_prefix("istiod-"));
    let named = application.map(String::as_str).into_iter().chain(chart);
    named.filter_map(Version::of_tag).next()
}

/// Where a variable is named twice the last one counts, as in kubelet.
fn environment(container: &Container) -> BTreeMap<Setting, Env> {
    let kept = container.env.iter().filter_map(|variable| {
        let setting = Setting::ALL
            .into_iter()
            .find(|it| it.name() == variable.name)?;
        let value = match variable.value_from {
            Some(_) => Env::FromElsewhere,
            None => Env::Text(variable.value.clone()),
        };
        Some((setting, value))
    });
    kept.collect()
}

fn wholes(container: &Container) -> Vec<String> {
    let wholes = container.env_from.iter();
    wholes.map(|it| it.prefix.clone()).collect()
}

fn mounts(volumes: &[Volume], container: Option<&Container>) -> BTreeMap<String, Mount> {
    let mut found = BTreeMap::new();
    for volume in volumes {
        let places: Vec<&VolumeMount> = container
            .into_iter()
            .flat_map(|it| &it.volume_mounts)
            .filter(|it| it.name == volume.name)
            .collect();
        let by_sub_path =
            |it: &&VolumeMount| !(it.sub_path.is_empty() && it.sub_path_expr.is_empty());
        let how = match places.iter().any(by_sub_path) {
            true => Mount::SubPath,
            false if places.is_empty() => continue,
            false => Mount::Folder,
        };
        found.extend(volume.secrets().into_iter().map(|name| (name, how)));
    }
    found
}

impl Volume {
    fn secrets(&self) -> BTreeSet<String> {
        let whole = self.secret.iter().map(|it| it.secret_name.clone());
        let sources = self.projected.iter().flat_map(|it| &it.sources);
        let parts = sources.filter_map(|it| Some(it.secret.as_ref()?.name.clone()));
        whole.chain(parts).collect()
    }
}
