//! A Kubernetes API **for the sandbox only**: as much of one as the provider and `kubectl` need
//! around a Secret.
//!
//! The stories do not use it. They run against a real kube-apiserver, because this one was written
//! from the same understanding of Kubernetes as the provider and would agree with its mistakes.
//! What it is for: `cargo sandbox` shows the provider at work within seconds, on a machine where
//! nothing but Rust and a Terraform or OpenTofu CLI is installed.
//!
//! Served over HTTPS with a CA of its own, to whoever has the token: Secrets and namespaces (read,
//! list, create, replace, patch, server-side apply; Secrets can be deleted), reviews of one's own
//! access (all is allowed), discovery, `/version`, `/readyz`. ConfigMaps, pods and Deployments are
//! known, and there are none. Ownership of fields, resourceVersions, preconditions, and the rules
//! for types, sizes and immutability are those of kube-apiserver 1.34, to which its tests were held
//! once. Not here: RBAC, admission, watches, selection by labels, validation of names and labels,
//! tables (kubectl draws its own), YAML that is not JSON, and protobuf, in which
//! `kubectl create secret` and `kubectl auth can-i` write; `kubectl create -f` does not. Nothing
//! outlives the process.

mod api;
mod chance;
mod claims;
mod discovery;
mod facts;
mod fields;
mod form;
mod json_patch;
mod managed;
mod openapi;
mod ownership;
mod request;
mod rules;
mod shape;
mod status;
mod store;
mod target;
mod tls;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::oneshot;

pub use self::facts::{KeyFacts, SecretFacts};

use self::api::Api;
use self::target::Kind;
use self::tls::Identity;

/// A running cluster with nothing in it. It stops when it is dropped.
pub struct SandboxCluster {
    url: String,
    ca_pem: String,
    token: String,
    api: Api,
    /// Dropped with the cluster, which is what the server waits for.
    _stop: oneshot::Sender<()>,
}

/// Why the sandbox's cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its CA or its certificate could not be made.
    #[error("could not make the cluster's certificates")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be served.
    #[error("could not set up TLS for the cluster")]
    Tls(#[from] rustls::Error),
    /// No port on 127.0.0.1 can be listened on.
    #[error("could not listen on a free port of 127.0.0.1")]
    Listen(#[from] std::io::Error),
}

impl SandboxCluster {
    /// Starts a cluster on a free port of 127.0.0.1, in the tokio runtime that this is called from.
    ///
    /// `now` is asked at every write: it dates objects and managers, so a sandbox can let days
    /// pass.
    pub async fn start(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let identity = Identity::generate()?;
        let listener = identity.listen().await?;
        let url = format!("https://{}", axum::serve::Listener::local_addr(&listener)?);
        let token = chance::token();
        let api = Api::new(&token, now);
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, api.router()).with_graceful_shutdown(async {
            // Either way the cluster is gone: nobody ever sends.
            stopped.await.ok();
        });
        tokio::spawn(server.into_future());
        Ok(Self {
            url,
            ca_pem: identity.ca_pem,
            token,
            api,
            _stop: stop,
        })
    }

    /// Where it is served, as in `https://127.0.0.1:40123`: the provider's `host`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate of the CA that vouches for the server, in PEM: the provider's
    /// `cluster_ca_certificate`.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// What has to be sent as bearer token: the provider's `token`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A kubeconfig for `kubectl`, with the token in it. It is JSON, and so it is YAML.
    pub fn kubeconfig(&self) -> String {
        let ca = STANDARD.encode(&self.ca_pem);
        let cluster = json!({"server": self.url, "certificate-authority-data": ca});
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": "sandbox", "user": {"token": self.token}}],
            "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
            "current-context": "sandbox",
        });
        format!("{config:#}\n")
    }

    /// All Secrets, as they can be printed: no bytes of a key are in there.
    pub fn secrets(&self) -> Vec<SecretFacts> {
        let store = self.api.store();
        let secrets = store.objects().filter(|(at, _)| at.kind == Kind::Secret);
        secrets
            .map(|(at, secret)| SecretFacts::of(at, secret))
            .collect()
    }
}

impl fmt::Debug for SandboxCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxCluster")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
