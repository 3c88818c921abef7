//! The webhook that the API server asks about bearer tokens that it does not know itself, as EKS
//! has one: whoever is a user of AWS is let in by an [`Authenticator`].

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::aws::{Authenticator, Identity};
use crate::loopback::Server;

/// The kubeconfig by which the API server finds the webhook.
pub(super) const WEBHOOK_FILE: &str = "webhook.kubeconfig";

/// A running webhook that asks whoever is admitted.
#[derive(Debug)]
pub(super) struct Webhook {
    admitted: Arc<Admitted>,
    server: Server,
}

/// An authenticator's tokens are let in for as long as this lives, and for the ten seconds after
/// for which an API server remembers whom it has let in.
#[derive(Debug)]
pub struct Admission {
    authenticator: Authenticator,
    admitted: Weak<Admitted>,
}

#[derive(Debug, Default)]
struct Admitted(Mutex<Vec<Authenticator>>);

impl Webhook {
    pub(super) fn start() -> io::Result<Self> {
        let admitted = Arc::new(Admitted::default());
        let app = Router::new()
            .route("/", post(review))
            .with_state(admitted.clone());
        let server = Server::start("token webhook", app)?;
        Ok(Self { admitted, server })
    }

    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let url = format!("http://{}/", self.server.address());
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "webhook",
            "contexts": [{"name": "webhook", "context": {"cluster": "webhook", "user": "server"}}],
            "clusters": [{"name": "webhook", "cluster": {"server": url}}],
            "users": [{"name": "server", "user": {}}],
        });
        std::fs::write(dir.join(WEBHOOK_FILE), config.to_string())
    }

    pub(super) fn admit(&self, authenticator: &Authenticator) -> Admission {
        self.admitted.all().push(authenticator.clone());
        Admission {
            authenticator: authenticator.clone(),
            admitted: Arc::downgrade(&self.admitted),
        }
    }
}

impl Admitted {
    fn all(&self) -> MutexGuard<'_, Vec<Authenticator>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first who takes the token. Many clusters of many stories may share one API server; those
    /// that cannot be meant are not asked.
    fn identity(&self, token: &str) -> Option<Identity> {
        let asked: Vec<Authenticator> = self.all().clone();
        asked
            .iter()
            .filter(|authenticator| authenticator.may_be_meant(token))
            .find_map(|authenticator| authenticator.authenticate(token).ok())
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(admitted) = self.admitted.upgrade() {
            let mut all = admitted.all();
            let this = all
                .iter()
                .position(|known| known.is_same(&self.authenticator));
            this.map(|index| all.remove(index));
        }
    }
}

/// `authentication.k8s.io/v1` `TokenReview`, as the API server posts it.
async fn review(State(admitted): State<Arc<Admitted>>, Json(review): Json<Value>) -> Json<Value> {
    let token = review.pointer("/spec/token").and_then(Value::as_str);
    let identity = token.and_then(|token| admitted.identity(token));
    let status = match identity {
        Some(identity) => json!({"authenticated": true, "user": user(&identity)}),
        None => json!({"authenticated": false}),
    };
    Json(json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "status": status,
    }))
}

fn user(identity: &Identity) -> Value {
    json!({
        "username": identity.username,
        "uid": identity.uid,
        "groups": identity.groups,
        "extra": {"arn": [identity.arn], "canonicalArn": [identity.canonical_arn]},
    })
}
