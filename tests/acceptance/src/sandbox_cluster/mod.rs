//! A Kubernetes API **for the sandbox and for fleets**: as much of one as the provider and `kubectl`
//! need around a Secret.
//!
//! What happens in a cluster the stories see in a real kube-apiserver, because this one was written
//! from the same understanding of Kubernetes as the provider and would agree with its mistakes.
//! What it is for: `cargo sandbox` shows the provider at work within seconds, on a machine where
//! nothing but Rust and a Terraform or OpenTofu CLI is installed; and a story about many clusters
//! has hundreds of them, each with a CA, a port and tokens of its own, some of them down.
//!
//! Served over HTTPS with a CA of its own, to whoever has the token or one of EKS: Secrets and namespaces (read,
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
mod door;
mod facts;
mod fields;
mod form;
mod json_patch;
mod managed;
mod openapi;
mod ownership;
mod request;
mod requests;
mod rules;
mod shape;
mod status;
mod store;
mod target;
mod tls;

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;

use crate::apiserver::texts;
use crate::aws::Authenticator;

pub use self::facts::{KeyFacts, SecretFacts};
pub use self::requests::Answered;

use self::api::Api;
use self::door::Door;
use self::target::Kind;
use self::tls::Identity;

/// A running cluster with nothing in it. It stops when it is dropped.
pub struct SandboxCluster {
    url: String,
    ca_pem: String,
    token: String,
    api: Api,
    door: Door,
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
    Listen(#[from] io::Error),
}

impl SandboxCluster {
    /// Starts a cluster on a free port of 127.0.0.1.
    ///
    /// `now` is asked at every write: it dates objects and managers, so a sandbox can let days
    /// pass.
    pub fn start(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<Self, StartError> {
        let identity = Identity::generate()?;
        let token = chance::token();
        let api = Api::new(&token, now);
        let door = Door::open(identity.acceptor, api.router())?;
        Ok(Self {
            url: format!("https://{}", door.address()),
            ca_pem: identity.ca_pem,
            token,
            api,
            door,
        })
    }

    /// Takes tokens of EKS too from now on, those that the authenticator takes; nothing that was
    /// let in before is remembered. Whoever is let in may do everything.
    pub fn set_authenticator(&self, authenticator: Authenticator) {
        self.api.set_authenticator(authenticator);
    }

    /// Takes the cluster down: open connections are cut and new ones refused. What is in it stays.
    ///
    /// # Errors
    ///
    /// When the port cannot be kept.
    pub async fn take_down(&self) -> io::Result<()> {
        self.door.shut().await
    }

    /// Brings it back, on the same port and with the same certificate.
    ///
    /// # Errors
    ///
    /// When the port cannot be listened on.
    pub async fn bring_back(&self) -> io::Result<()> {
        self.door.reopen().await
    }

    /// Every request that was answered so far, in the order of the answers.
    pub fn requests(&self) -> Vec<Answered> {
        self.api.requests().all()
    }

    /// Begins a new book of requests.
    pub fn forget_requests(&self) {
        self.api.requests().forget();
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

    /// Tells, whenever it is asked, the name of each Secret with each text that is in it, also while
    /// the cluster is down.
    pub fn secret_texts(&self) -> impl Fn() -> Vec<(String, String)> + Send + 'static {
        let api = self.api.clone();
        move || {
            let store = api.store();
            let secrets = store.objects().filter(|(at, _)| at.kind == Kind::Secret);
            secrets.flat_map(|(_, secret)| texts(secret)).collect()
        }
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
