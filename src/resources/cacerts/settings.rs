//! Which Secret is looked at.

use serde::Deserialize;

use crate::cluster::{NamespaceName, SecretName};
use crate::eks::ClusterArn;
use crate::terraform::schema::{Attribute, Check, Fallback, flag, text};

/// Where to look.
#[derive(Deserialize)]
pub(in crate::resources) struct Settings {
    pub(super) eks_cluster_arn: Option<ClusterArn>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) look_at_istiods: bool,
}

pub(super) const ATTRIBUTES: [Attribute; 4] = [
    text("eks_cluster_arn").optional().parses::<ClusterArn>().says(
        "The EKS cluster to look at, instead of the provider's: one provider serves a whole fleet by \
         `for_each`.",
    ),
    text("namespace")
        .or(Fallback::Text("istio-system"))
        .check(Check::Format(namespace_name))
        .says("Namespace of the istiod that loads the Secret."),
    text("name")
        .or(Fallback::Text("cacerts"))
        .check(Check::Format(secret_name))
        .says("Name of the Secret."),
    flag("look_at_istiods").or(Fallback::Bool(true)).says(
        "Whether each istiod is asked what it uses. It needs the verb `list` on `pods` and `get` on \
         `pods/proxy`; without them a warning says so, and `istiods` shows what could be seen.",
    ),
];

fn namespace_name(text: &str) -> Result<(), String> {
    let checked = NamespaceName::new(text).map(drop);
    checked.map_err(|error| format!("Must be a namespace's name: {error}."))
}

fn secret_name(text: &str) -> Result<(), String> {
    let checked = SecretName::new("default", text).map(drop);
    checked.map_err(|error| format!("Must be a Secret's name: {error}."))
}
