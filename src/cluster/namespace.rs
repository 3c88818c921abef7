//! The namespace around the Secret: looked for, made when asked, never removed.

use std::fmt;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::error::{Action, Error, Kind, Object, Problem, Verb};
use super::secret::{SecretName, is_label};
use super::wire::Call;
use super::{BadName, Cluster, FIELD_MANAGER};

/// Whether a namespace can take a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamespaceState {
    /// There is none of this name.
    Absent,
    /// It is there.
    Active,
    /// It is being deleted: nothing new can be made in it, and what is in it goes.
    Terminating,
}

/// A name that can be a namespace's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceName(String);

impl NamespaceName {
    /// Takes `name` if it is an RFC 1123 label.
    ///
    /// # Errors
    /// When no namespace could have this name.
    pub fn new(name: &str) -> Result<Self, BadName> {
        if is_label(name) {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadName::namespace(name))
        }
    }

    /// The namespace that the Secret is in, which was looked at when the Secret was named.
    pub fn of(secret: &SecretName) -> Self {
        Self(secret.namespace().to_owned())
    }
}

impl fmt::Display for NamespaceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Cluster {
    /// Looks whether the namespace is there; needs `get` on it, which a Role in the namespace cannot give.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn namespace(&self, name: &NamespaceName) -> Result<NamespaceState, Error> {
        let call = Call::new(action(Verb::Read, name), Method::GET, path(name));
        match self.call(&call).await {
            Ok(answer) => Ok(answer.json::<Namespace>()?.state()),
            Err(Error {
                problem:
                    Problem::Gone {
                        what: Kind::Namespace,
                    },
                ..
            }) => Ok(NamespaceState::Absent),
            Err(error) => Err(error),
        }
    }

    /// Makes the namespace unless it was there when it was looked for; says whether it was made.
    ///
    /// # Errors
    /// When it is being deleted, or the API server does not make it.
    pub async fn create_namespace(
        &self,
        name: &NamespaceName,
        seen: NamespaceState,
    ) -> Result<bool, Error> {
        let action = action(Verb::Create, name);
        match seen {
            NamespaceState::Active => return Ok(false),
            NamespaceState::Absent => {}
            NamespaceState::Terminating => {
                let problem = Problem::Terminating {
                    what: Kind::Namespace,
                    finalizers: Vec::new(),
                };
                return Err(action.failed(problem));
            }
        }
        let document =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name.0}});
        let path = format!("{}?fieldManager={FIELD_MANAGER}&force=false", path(name));
        let call = Call::new(action, Method::PATCH, path)
            .with_json("application/apply-patch+yaml", &document);
        // Without a field of ours in it, the apply changes nothing in one that came between.
        Ok(self.call(&call).await?.status == StatusCode::CREATED)
    }
}

fn action(verb: Verb, name: &NamespaceName) -> Action {
    Action {
        verb,
        object: Object::Namespace(name.0.clone()),
    }
}

fn path(name: &NamespaceName) -> String {
    format!("/api/v1/namespaces/{}", name.0)
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    deletion_timestamp: Option<String>,
}

impl Namespace {
    fn state(&self) -> NamespaceState {
        match self.metadata.deletion_timestamp {
            Some(_) => NamespaceState::Terminating,
            None => NamespaceState::Active,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::script::{self, Reply, status};

    fn name() -> NamespaceName {
        NamespaceName::new("istio-system").unwrap()
    }

    fn active() -> Reply {
        (
            200,
            json!({"kind": "Namespace", "metadata": {"name": "istio-system"}, "status": {"phase": "Active"}}),
        )
    }

    fn terminating() -> Reply {
        (
            200,
            json!({"metadata": {"deletionTimestamp": "2026-11-22T11:00:00Z"}}),
        )
    }

    fn absent() -> Reply {
        status(404, "NotFound", "not found", json!({"kind": "namespaces"}))
    }

    #[tokio::test]
    async fn a_namespace_is_there_or_going_or_not_there() {
        for (reply, state) in [
            (active(), NamespaceState::Active),
            (terminating(), NamespaceState::Terminating),
            (absent(), NamespaceState::Absent),
        ] {
            let (cluster, sent) = script::cluster([reply]);
            assert_eq!(cluster.namespace(&name()).await, Ok(state));
            assert_eq!(sent.lines(), ["GET /api/v1/namespaces/istio-system"]);
        }
    }

    #[tokio::test]
    async fn a_namespace_is_made_only_when_there_is_none() {
        let (cluster, sent) = script::cluster([(201, json!({}))]);
        let name = name();
        let made = cluster.create_namespace(&name, NamespaceState::Absent);
        assert_eq!(made.await, Ok(true));
        let made = &sent.all()[0];
        let query = "?fieldManager=terraform-provider-istiopca&force=false";
        assert_eq!(
            made.line,
            format!("PATCH /api/v1/namespaces/istio-system{query}")
        );
        assert_eq!(made.body["metadata"], json!({"name": "istio-system"}));
        let (cluster, sent) = script::cluster([]);
        let there = cluster.create_namespace(&name, NamespaceState::Active);
        assert_eq!(there.await, Ok(false));
        assert!(sent.all().is_empty());
    }

    #[tokio::test]
    async fn a_namespace_on_its_way_out_is_an_error() {
        let (cluster, _) = script::cluster([]);
        let name = name();
        let going = cluster.create_namespace(&name, NamespaceState::Terminating);
        let error = going.await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "creating namespace istio-system: the namespace is being deleted"
        );
    }

    #[test]
    fn a_name_that_no_namespace_can_have_is_refused() {
        assert_eq!(NamespaceName::new("a/b").unwrap_err().part, "namespace");
    }
}
