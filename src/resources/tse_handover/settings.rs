//! What a user says of the plane, and what is known of its object.

use serde::{Deserialize, Serialize};

use super::plane::Plane;
use crate::cluster::{CustomName, NamespaceName, SecretName};
use crate::eks::ClusterArn;
use crate::resources::home::Home;
use crate::terraform::schema::{Attribute, Block, Check, Kind, Timeouts, text};

/// The settings of a handover.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::resources) struct Settings {
    pub(super) plane: Plane,
    pub(super) eks_cluster_arn: Option<ClusterArn>,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

/// The object as it was last seen.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(in crate::resources) struct Outputs {
    pub(super) uid: Option<String>,
    pub(super) cluster_fingerprint: Option<String>,
    pub(super) cluster_arn: Option<ClusterArn>,
    pub(super) drift: Vec<String>,
}

/// Notes about it.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::resources) struct Notes {
    /// The cluster that the provider speaks to now, where it is another one than the object's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elsewhere: Option<String>,
}

const PLANES: &[&str] = &["management", "control"];

pub(super) const ATTRIBUTES: [Attribute; 8] = [
    text("plane").required().replaces().check(Check::OneOf(PLANES)).says(
        "`management`: the management plane issues no intermediate CAs for workload clusters any more. \
         `control`: the control plane of a workload cluster does not write the CA that it is given into `cacerts`.",
    ),
    text("eks_cluster_arn").optional().parses::<ClusterArn>().touches(&[]).says(
        "The EKS cluster that the plane runs in, instead of the provider's: the management plane is in one, each \
         control plane in its own. Another cluster is another handover.",
    ),
    text("namespace").optional().replaces().check(Check::Format(namespace_name))
        .says("Namespace of the plane's object. Defaults to `tse` for `management`, `istio-system` for `control`."),
    text("name").optional().replaces().check(Check::Format(object_name))
        .says("Name of the plane's object. Defaults to `managementplane`, or `controlplane`."),
    text("uid").says("UID of the plane's object in the cluster."),
    text("cluster_fingerprint").says(
        "Which cluster the plane is in: a digest of the API server's CA certificates, or its host where there are none.",
    ),
    text("cluster_arn").says("ARN of the cluster, where EKS led to it."),
    Attribute::new("drift", Kind::List(&Kind::String))
        .says("What keeps the plane writing, in words; empty while it leaves `cacerts` alone."),
];

pub(super) const BLOCKS: [Block; 1] = [Timeouts::BLOCK];

impl Settings {
    /// Where the plane's object is.
    pub(super) fn object(&self) -> CustomName {
        let (namespace, name) = self.place();
        self.plane
            .object(namespace, name)
            .expect("the schema admits names of namespaces and objects only")
    }

    /// Namespace and name.
    pub(super) fn place(&self) -> (&str, &str) {
        let (namespace, name) = self.plane.default_place();
        (
            self.namespace.as_deref().unwrap_or(namespace),
            self.name.as_deref().unwrap_or(name),
        )
    }

    /// The cluster that an object with these outputs is in.
    pub(super) fn home<'a>(&'a self, outputs: &'a Outputs) -> Home<'a> {
        Home {
            named: self.eks_cluster_arn.as_ref(),
            arn: outputs.cluster_arn.as_ref(),
            fingerprint: outputs.cluster_fingerprint.as_ref(),
        }
    }
}

fn namespace_name(text: &str) -> Result<(), String> {
    let checked = NamespaceName::new(text).map(drop);
    checked.map_err(|error| format!("Must be a namespace's name: {error}."))
}

fn object_name(text: &str) -> Result<(), String> {
    let checked = SecretName::new("default", text).map(drop);
    checked.map_err(|error| format!("Must be an object's name: {error}."))
}
