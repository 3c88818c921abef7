//! A ConfigMap beside the Secret, which istiod writes and we only read.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;

use super::error::{Action, Error, Kind, Object, Problem, Verb};
use super::wire::Call;
use super::{Cluster, SecretName};

impl Cluster {
    /// The texts of the ConfigMap of that name in the Secret's namespace; `None` only when the API
    /// server itself says that there is none.
    ///
    /// `name` is text of ours, fit for a request path.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn config_map_beside(
        &self,
        secret: &SecretName,
        name: &'static str,
    ) -> Result<Option<BTreeMap<String, String>>, Error> {
        let namespace = secret.namespace();
        let action = Action {
            verb: Verb::Read,
            object: Object::ConfigMap(format!("{namespace}/{name}")),
        };
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        match self.call(&Call::new(action, Method::GET, path)).await {
            Ok(answer) => Ok(Some(answer.json::<ConfigMap>()?.data)),
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

#[derive(Deserialize)]
struct ConfigMap {
    #[serde(default)]
    data: BTreeMap<String, String>,
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
        let reply = json!({"kind": "ConfigMap", "data": {"root-cert.pem": "PEM"}});
        let (cluster, sent) = script::cluster([(200, reply), (200, json!({"kind": "ConfigMap"}))]);
        let secret = secret();
        let read = || cluster.config_map_beside(&secret, "istio-ca-root-cert");
        let expected = BTreeMap::from([("root-cert.pem".to_owned(), "PEM".to_owned())]);
        assert_eq!(read().await, Ok(Some(expected)));
        assert_eq!(read().await, Ok(Some(BTreeMap::new())));
        let line = "GET /api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert";
        assert_eq!(sent.lines(), [line, line]);
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
        let secret = secret();
        let read = || cluster.config_map_beside(&secret, "istio-ca-root-cert");
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
            .config_map_beside(&secret(), "istio-ca-root-cert")
            .await
            .unwrap_err();
        assert!(
            matches!(&error.problem, Problem::Forbidden { verb, resource, rbac: true, .. }
            if verb == "get" && resource == "configmaps"),
            "{error}"
        );
    }
}
