//! The istiods beside a Secret: what their Deployments and pods say of themselves, what a pod's gauges
//! show of the CA that it has in memory, and the one change that we make to them, a restart.
//!
//! This room only reads and restarts. Which istiod needs a restart, and what the gauges mean, is not its business.

mod bearing;
mod deployment;
mod gauges;
mod pod;
mod restart;
mod selector;
mod version;

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::error::{Action, Error, Object, Verb};
use super::null::null_as_default;
use super::wire::Call;
use super::{Cluster, NamespaceName};

pub use bearing::{Bearing, Istiod, bearings};
pub use deployment::{Condition, Deployment, Env, Mount, Setting};
pub use gauges::{Expiries, NotGauges};
pub use pod::{Pod, Waiting};
pub use version::Version;

/// The label by which every revision of istiod is found: Istio's charts, its operator and Tetrate's set it.
const SELECTOR: &str = "labelSelector=app%3Distiod";

/// The port on which istiod serves its metrics and its debug pages.
const METRICS_PORT: u16 = 15014;

/// The label that names the revision of a control plane.
const REVISION: &str = "istio.io/rev";

impl Cluster {
    /// All Deployments of istiod in the namespace, of every revision, ordered by name; none where the namespace is
    /// absent. Needs `list` on `deployments` in the group `apps`.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn istiods(&self, namespace: &NamespaceName) -> Result<Vec<Deployment>, Error> {
        let path = format!("{}?{SELECTOR}", deployments(namespace));
        let object = Object::Deployments(namespace.to_string());
        let list: List<deployment::Object> = self.listed(object, path).await?;
        let mut found: Vec<Deployment> = list.items.into_iter().map(Into::into).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// All pods of istiod in the namespace, ordered by name, those on their way out among them. Needs `list` on
    /// `pods`.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn istiod_pods(&self, namespace: &NamespaceName) -> Result<Vec<Pod>, Error> {
        let path = format!("{}?{SELECTOR}", pods(namespace));
        let object = Object::Pods(namespace.to_string());
        let list: List<pod::Object> = self.listed(object, path).await?;
        let mut found: Vec<Pod> = list.items.into_iter().map(Into::into).collect();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// What the metrics of one pod say about the ends of its CA, through the API server's proxy. Needs `get` on
    /// `pods/proxy`, which opens istiod's debug pages, too.
    ///
    /// The API server dials the pod by itself: where its network does not lead there, that takes it some 30 s.
    ///
    /// # Errors
    /// When the pod does not answer, or with something else than metrics.
    pub async fn istiod_expiries(
        &self,
        namespace: &NamespaceName,
        pod: &Pod,
    ) -> Result<Expiries, Error> {
        let action = Action {
            verb: Verb::Read,
            object: Object::Metrics(format!("{namespace}/{}", pod.name)),
        };
        let path = format!(
            "{}/{}:{METRICS_PORT}/proxy/metrics",
            pods(namespace),
            pod.name
        );
        let answer = self.call(&Call::new(action, Method::GET, path)).await?;
        Expiries::parse(answer.text()?).map_err(|why| answer.unreadable(why.to_string()))
    }

    async fn listed<T: DeserializeOwned>(
        &self,
        object: Object,
        path: String,
    ) -> Result<List<T>, Error> {
        let action = Action {
            verb: Verb::List,
            object,
        };
        let answer = self.call(&Call::new(action, Method::GET, path)).await?;
        answer.json()
    }
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct List<T> {
    #[serde(default, deserialize_with = "null_as_default")]
    items: Vec<T>,
}

fn deployments(namespace: &NamespaceName) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments")
}

fn pods(namespace: &NamespaceName) -> String {
    format!("/api/v1/namespaces/{namespace}/pods")
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
