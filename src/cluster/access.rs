//! Which rights are missing, asked before anything is done.
//!
//! SelfSubjectAccessReview needs no rights and sends no key; it must name the object, or a rule with `resourceNames`
//! is not seen: <https://kubernetes.io/docs/reference/access-authn-authz/authorization/>.

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;

use super::error::{Action, Error, Object, Verb};
use super::secret::SecretName;
use super::wire::Call;
use super::{Cluster, NamespaceName};

/// One right: a verb on one object. Serialised as the API's `ResourceAttributes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Access {
    /// As a rule names it, such as `patch`.
    pub verb: &'static str,
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// As a rule names it, such as `secrets`.
    pub resource: &'static str,
    /// Empty for the resource itself.
    pub subresource: &'static str,
    /// The namespace; empty for what has none.
    pub namespace: String,
    /// The object's name; empty for all of them.
    pub name: String,
}

/// A right that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The right.
    pub access: Access,
    /// The authorizer's reason; often empty.
    pub reason: String,
}

impl Access {
    /// One right on a Secret.
    pub fn to_secret(verb: &'static str, at: &SecretName) -> Self {
        let (namespace, name) = (at.namespace().to_owned(), at.name().to_owned());
        Self {
            verb,
            group: "",
            resource: "secrets",
            subresource: "",
            namespace,
            name,
        }
    }

    /// One right on a namespace.
    pub fn to_namespace(verb: &'static str, name: &NamespaceName) -> Self {
        // The authorizer of a namespace is asked with its name in both places, as the API server itself asks.
        let (namespace, name) = (name.to_string(), name.to_string());
        Self {
            verb,
            group: "",
            resource: "namespaces",
            subresource: "",
            namespace,
            name,
        }
    }

    /// One right on the Deployments of a namespace: on all of them, or on the one of this name.
    pub fn to_deployments(verb: &'static str, within: &NamespaceName, name: &str) -> Self {
        Self {
            group: "apps",
            resource: "deployments",
            ..Self::to_pods(verb, "", within, name)
        }
    }

    /// One right on the pods of a namespace, or on this subresource of theirs: on all of them, or on the one of this
    /// name.
    pub fn to_pods(
        verb: &'static str,
        subresource: &'static str,
        within: &NamespaceName,
        name: &str,
    ) -> Self {
        Self {
            verb,
            group: "",
            resource: "pods",
            subresource,
            namespace: within.to_string(),
            name: name.to_owned(),
        }
    }

    fn review(&self) -> Call {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": self},
        });
        let action = Action {
            verb: Verb::Review,
            object: Object::Access(self.to_string()),
        };
        Call::new(action, Method::POST, PATH).with_json("application/json", &review)
    }
}

const PATH: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

impl Cluster {
    /// Asks for all rights at once; answers with those that are missing, in the order asked.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn review_access(&self, rights: &[Access]) -> Result<Vec<Denied>, Error> {
        let mut reviews = JoinSet::new();
        for (place, access) in rights.iter().cloned().enumerate() {
            let cluster = self.clone();
            reviews.spawn(async move { (place, cluster.review(access).await) });
        }
        let mut denied = Vec::new();
        while let Some(joined) = reviews.join_next().await {
            let (place, reviewed) =
                joined.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
            denied.extend(reviewed?.map(|missing| (place, missing)));
        }
        denied.sort_by_key(|(place, _)| *place);
        Ok(denied.into_iter().map(|(_, missing)| missing).collect())
    }

    async fn review(&self, access: Access) -> Result<Option<Denied>, Error> {
        let review: Review = self.call(&access.review()).await?.json()?;
        Ok((!review.status.allowed).then_some(Denied {
            access,
            reason: review.status.reason,
        }))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        match (self.namespace.as_str(), self.name.as_str()) {
            (namespace, "") => write!(f, " in {namespace}"),
            ("", name) => write!(f, " {name}"),
            (_, name) if self.resource == "namespaces" => write!(f, " {name}"),
            (namespace, name) => write!(f, " {namespace}/{name}"),
        }
    }
}

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
struct ReviewStatus {
    allowed: bool,
    #[serde(default)]
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::script;

    fn rights() -> Vec<Access> {
        let at = SecretName::new("istio-system", "cacerts").unwrap();
        let namespace = NamespaceName::new("istio-system").unwrap();
        let secret = ["get", "patch"].map(|verb| Access::to_secret(verb, &at));
        secret
            .into_iter()
            .chain([Access::to_namespace("create", &namespace)])
            .collect()
    }

    #[tokio::test]
    async fn each_right_is_asked_for_by_verb_and_name() {
        let allowed = json!({"status": {"allowed": true}});
        let (cluster, sent) = script::cluster((0..3).map(|_| (201, allowed.clone())));
        assert_eq!(cluster.review_access(&rights()).await, Ok(Vec::new()));
        let line = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        assert!(sent.lines().iter().all(|sent| sent == line));
        let asked = (0..3).map(|place| sent.body(place)["spec"]["resourceAttributes"].clone());
        let asked: Vec<_> = asked.filter(|asked| asked["verb"] == "patch").collect();
        assert_eq!(
            asked,
            [
                json!({"verb": "patch", "group": "", "resource": "secrets", "subresource": "",
                "namespace": "istio-system", "name": "cacerts"})
            ]
        );
    }

    #[tokio::test]
    async fn what_is_missing_is_told_in_the_order_asked() {
        let denied = json!({"status": {"allowed": false, "reason": "no rule"}});
        let (cluster, _) = script::cluster((0..3).map(|_| (201, denied.clone())));
        let missing = cluster.review_access(&rights()).await.unwrap();
        let words: Vec<_> = missing
            .iter()
            .map(|denied| denied.access.to_string())
            .collect();
        let secret = "secrets istio-system/cacerts";
        let expected = [
            format!("get {secret}"),
            format!("patch {secret}"),
            "create namespaces istio-system".to_owned(),
        ];
        assert_eq!(words, expected);
        assert_eq!(missing[0].reason, "no rule");
    }

    #[test]
    fn rights_on_istiods_are_named_as_rules_name_them() {
        let within = NamespaceName::new("istio-system").unwrap();
        let listed = Access::to_deployments("list", &within, "");
        assert_eq!(listed.to_string(), "list deployments in istio-system");
        let (group, name) = (listed.group, listed.name.as_str());
        assert_eq!((group, name), ("apps", ""));
        let one = Access::to_deployments("patch", &within, "istiod");
        assert_eq!(one.to_string(), "patch deployments istio-system/istiod");
        let metrics = Access::to_pods("get", "proxy", &within, "istiod-1");
        assert_eq!(metrics.to_string(), "get pods/proxy istio-system/istiod-1");
        assert_eq!((metrics.group, metrics.resource), ("", "pods"));
    }

    #[tokio::test]
    async fn a_server_that_does_not_say_is_an_error() {
        let (cluster, _) =
            script::cluster((0..3).map(|_| script::status(401, "Unauthorized", "no", json!({}))));
        assert!(cluster.review_access(&rights()).await.is_err());
    }
}
