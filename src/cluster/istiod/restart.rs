//! The restart of a Deployment, as `kubectl rollout restart` does it, and the touch that makes kubelet look at once.

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::deployment;
use super::{Deployment, Pod, deployments, pods};
use crate::cluster::error::{Action, Error, Object, Verb};
use crate::cluster::wire::Call;
use crate::cluster::{Cluster, FIELD_MANAGER, NamespaceName};

/// kubectl's own annotation on the pod template: whoever looks for restarts looks there.
pub(super) const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Ours beside it: for what it was restarted, so that a restart is not made twice.
pub(super) const RESTARTED_FOR: &str = "istiopca.io/restarted-for";

/// Ours on a pod: any change of a pod makes kubelet bring its volumes up to date, instead of up to 90 s later.
const NUDGED_AT: &str = "istiopca.io/nudged-at";

impl Cluster {
    /// Has all pods of the Deployment replaced, one after the other as its strategy says, and returns it as it is
    /// then. `what` it is restarted for is noted beside the moment: any text of the caller's. The change is bound to the very state that was read. Needs `patch` on it.
    ///
    /// # Errors
    /// When the API server does not do it, also when that state has passed ([`Error::is_stale`]).
    pub async fn restart_istiod(
        &self,
        namespace: &NamespaceName,
        istiod: &Deployment,
        what: &str,
        now: Timestamp,
    ) -> Result<Deployment, Error> {
        let Deployment {
            name,
            uid,
            resource_version,
            ..
        } = istiod;
        let action = Action {
            verb: Verb::Restart,
            object: Object::Deployment(format!("{namespace}/{name}")),
        };
        let annotations = json!({RESTARTED_AT: now.to_string(), RESTARTED_FOR: what});
        let patch = json!({
            "metadata": {"uid": uid, "resourceVersion": resource_version},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        });
        let path = format!("{}/{name}", deployments(namespace));
        let answer = self.call(&merge(action, &path, &patch)).await?;
        answer.json::<deployment::Object>().map(Into::into)
    }

    /// Touches the pod, so that its kubelet brings its volumes up to date at once. Needs `patch` on `pods`.
    ///
    /// # Errors
    /// When the API server does not do it.
    pub async fn nudge_istiod(
        &self,
        namespace: &NamespaceName,
        pod: &Pod,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Pod { name, uid, .. } = pod;
        let action = Action {
            verb: Verb::Nudge,
            object: Object::Pod(format!("{namespace}/{name}")),
        };
        let patch = json!({"metadata": {"uid": uid, "annotations": {NUDGED_AT: now.to_string()}}});
        let path = format!("{}/{name}", pods(namespace));
        self.call(&merge(action, &path, &patch)).await.map(drop)
    }
}

fn merge(action: Action, path: &str, patch: &Value) -> Call {
    let path = format!("{path}?fieldManager={FIELD_MANAGER}");
    Call::new(action, Method::PATCH, path).with_json("application/merge-patch+json", patch)
}
