//! A ConfigMap beside the Secret, which istiod writes and we only read.

use std::collections::BTreeMap;
use std::fmt;

use http::Method;
use jiff::Timestamp;
use serde::Deserialize;

use super::error::{self, Action, Error, Kind, Problem, Verb};
use super::secret::is_subdomain;
use super::wire::Call;
use super::{Cluster, SecretName};

impl Cluster {
    /// The ConfigMap of that name in the Secret's namespace; `None` only when the API
    /// server itself says that there is none.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn config_map_beside(
        &self,
        secret: &SecretName,
        name: &ConfigMapName,
    ) -> Result<Option<ConfigMap>, Error> {
        let namespace = secret.namespace();
        let action = Action {
            verb: Verb::Read,
            object: error::Object::ConfigMap(format!("{namespace}/{name}")),
        };
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        match self.call(&Call::new(action, Method::GET, path)).await {
            Ok(answer) => Ok(Some(answer.json::<Object>()?.into())),
            Err(Error {
                problem:
                    Problem::Gone {
                        what: Kind::ConfigMap,
                    },
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The name of a ConfigMap, fit for a request path: an RFC 1123 subdomain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigMapName(String);

/// The one in which istiod publishes its roots, unless it is told otherwise.
impl Default for ConfigMapName {
    fn default() -> Self {
        Self("istio-ca-root-cert".to_owned())
    }
}

impl ConfigMapName {
    /// This name; `None` for what no object could have.
    pub fn new(text: &str) -> Option<Self> {
        is_subdomain(text).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ConfigMapName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Texts by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigMap {
    /// The texts.
    pub data: BTreeMap<String, String>,
    /// When it was last changed, as far as the API server knows.
    pub written: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    creation_timestamp: Option<Timestamp>,
    #[serde(default)]
    managed_fields: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    time: Option<Timestamp>,
}

impl From<Object> for ConfigMap {
    fn from(Object { metadata, data }: Object) -> Self {
        let writes = metadata.managed_fields.iter();
        let written = writes.filter_map(|entry| entry.time).max();
        Self {
            data,
            written: written.or(metadata.creation_timestamp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::script::{self, status};
    use serde_json::json;

    fn secret() -> SecretName {
        SecretName::new("istio-system", "cacerts").unwrap()
    }

    #[tokio::test]
    async fn a_config_map_is_read_as_texts() {
        let (made, changed) = ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z");
        let reply = json!({
            "metadata": {
                "creationTimestamp": made,
                "managedFields": [{"manager": "pilot-discovery", "time": changed}, {}],
            },
            "data": {"root-cert.pem": "PEM"},
        });
        let empty = json!({"metadata": {"creationTimestamp": made}});
        let (cluster, sent) = script::cluster([(200, reply), (200, empty)]);
        let (secret, name) = (secret(), ConfigMapName::default());
        let read = || cluster.config_map_beside(&secret, &name);
        let expected = |texts: &[(&str, &str)], written: &str| ConfigMap {
            data: texts
                .iter()
                .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
                .collect(),
            written: written.parse().ok(),
        };
        let full = expected(&[("root-cert.pem", "PEM")], changed);
        assert_eq!(read().await, Ok(Some(full)));
        assert_eq!(read().await, Ok(Some(expected(&[], made))));
        let line = "GET /api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert";
        assert_eq!(sent.lines(), [line, line]);
    }

    #[test]
    fn what_could_lead_a_request_elsewhere_is_no_name() {
        for text in ["", "../secrets/cacerts", "a/b", "Roots", "a?b", ".."] {
            assert_eq!(ConfigMapName::new(text), None, "{text:?}");
        }
        let name = ConfigMapName::new("mesh-roots.v2").unwrap();
        assert_eq!(name.to_string(), "mesh-roots.v2");
    }

    #[tokio::test]
    async fn a_config_map_is_absent_only_when_the_server_says_so() {
        let absent = status(
            404,
            "NotFound",
            "not found",
            json!({"kind": "configmaps", "name": "istio-ca-root-cert"}),
        );
        let elsewhere = (404, json!({"error": "no such route"}));
        let (cluster, _) = script::cluster([absent, elsewhere]);
        let (secret, name) = (secret(), ConfigMapName::default());
        let read = || cluster.config_map_beside(&secret, &name);
        assert_eq!(read().await, Ok(None));
        assert!(read().await.is_err());
    }

    #[tokio::test]
    async fn a_denial_names_the_right_that_is_missing() {
        let message = "configmaps \"istio-ca-root-cert\" is forbidden: User \"ci\" cannot get resource \"configmaps\" \
                       in API group \"\" in the namespace \"istio-system\"";
        let reply = status(403, "Forbidden", message, json!({"kind": "configmaps"}));
        let (cluster, _) = script::cluster([reply]);
        let error = cluster
            .config_map_beside(&secret(), &ConfigMapName::default())
            .await
            .unwrap_err();
        assert!(
            matches!(&error.problem, Problem::Forbidden { verb, resource, rbac: true, .. }
            if verb == "get" && resource == "configmaps"),
            "{error}"
        );
    }
}
