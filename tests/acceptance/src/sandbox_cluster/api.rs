//! Every path that is served, and who answers it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::discovery;
use super::openapi;
use super::request::{Patch, Selection, Sent, text};
use super::requests::{Answered, Requests};
use super::shape::shaped;
use super::status::Refusal;
use super::store::{Answer, Store, Writer};
use super::target::{Collection, Target};
use crate::aws::Authenticator;

/// What all requests share.
#[derive(Clone)]
pub(super) struct Api {
    store: Arc<Mutex<Store>>,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    token: Arc<str>,
    authenticator: Arc<Mutex<Option<Authenticator>>>,
    requests: Arc<Requests>,
}

/// Whoever has the cluster's own token.
const ADMINISTRATOR: &str = "sandbox";

type Reply = Result<(StatusCode, Json<Value>), Refusal>;

impl Api {
    /// An API for a cluster made just now, for those who send this token.
    pub(super) fn new(token: &str, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let store = Arc::new(Mutex::new(Store::new(now())));
        Self {
            store,
            now: Arc::new(now),
            token: token.into(),
            authenticator: Arc::default(),
            requests: Arc::default(),
        }
    }

    /// Whose tokens are taken beside the cluster's own.
    pub(super) fn set_authenticator(&self, authenticator: Authenticator) {
        *self.authenticator() = Some(authenticator);
    }

    /// The book of requests.
    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The user whose bearer token this is.
    fn user(&self, token: &str) -> Option<String> {
        if token == &*self.token {
            return Some(ADMINISTRATOR.to_owned());
        }
        let authenticator = self.authenticator().clone()?;
        authenticator
            .authenticate(token)
            .ok()
            .map(|identity| identity.username)
    }

    fn authenticator(&self) -> MutexGuard<'_, Option<Authenticator>> {
        self.authenticator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The objects, which nobody else sees meanwhile.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        // Objects are stored whole and last, so whoever panicked has left nothing half done.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the cluster's clock says.
    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Everything that is served.
    pub(super) fn router(&self) -> Router {
        let objects = get(read).patch(patch).put(replace);
        let secrets = objects.clone().delete(delete);
        Router::new()
            .route("/api/v1/namespaces", get(list).post(create))
            .route("/api/v1/namespaces/{name}", objects)
            .route("/api/v1/secrets", get(list))
            .route(
                "/api/v1/namespaces/{namespace}/secrets",
                get(list).post(create),
            )
            .route("/api/v1/namespaces/{namespace}/secrets/{name}", secrets)
            .route(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                post(review),
            )
            .merge(discovery::router())
            .merge(openapi::router())
            .fallback(async || Refusal::unknown_path())
            .method_not_allowed_fallback(no_such_verb)
            .layer(middleware::from_fn_with_state(self.clone(), authorise))
            .with_state(self.clone())
    }
}

/// Lets in whoever is known, and writes every request down, the refused ones too.
async fn authorise(State(api): State<Api>, request: Request, next: Next) -> Response {
    let bearer = text(request.headers(), AUTHORIZATION).strip_prefix("Bearer ");
    let user = bearer.and_then(|token| api.user(token));
    let asked = Answered::of(&request, user.as_deref());
    let answer = match user {
        Some(_) => next.run(request).await,
        None => Refusal::unauthorized().into_response(),
    };
    api.requests.write(Answered {
        status: answer.status().as_u16(),
        ..asked
    });
    answer
}

async fn no_such_verb(request: Request) -> Refusal {
    Refusal::not_supported(&format!("{} {}", request.method(), request.uri().path()))
}

async fn read(State(api): State<Api>, headers: HeaderMap, at: Target) -> Reply {
    reply(&headers, api.store().read(&at))
}

async fn list(
    State(api): State<Api>,
    headers: HeaderMap,
    of: Collection,
    only: Selection,
) -> Reply {
    let list = api.store().list(&of, only.name.as_deref());
    reply(&headers, Ok((StatusCode::OK, list)))
}

async fn create(
    State(api): State<Api>,
    headers: HeaderMap,
    of: Collection,
    by: Writer,
    body: Sent,
) -> Reply {
    let new: Value = body.json()?;
    let name = new
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::no_name(of.kind));
    }
    reply(
        &headers,
        api.store().create(&of.target(name), new.clone(), &by),
    )
}

async fn replace(
    State(api): State<Api>,
    headers: HeaderMap,
    at: Target,
    by: Writer,
    body: Sent,
) -> Reply {
    let new = body.json()?;
    reply(&headers, api.store().replace(&at, new, &by))
}

async fn patch(
    State(api): State<Api>,
    headers: HeaderMap,
    at: Target,
    by: Writer,
    body: Sent,
) -> Reply {
    let answer = match body.patch()? {
        Patch::Apply(wanted) => api.store().apply(&at, wanted, &by),
        Patch::Edit(edit) => api.store().edit(&at, &edit, &by),
    };
    reply(&headers, answer)
}

async fn delete(
    State(api): State<Api>,
    headers: HeaderMap,
    at: Target,
    mut by: Writer,
    body: Sent,
) -> Reply {
    let options = body.delete_options()?;
    by.dry_run |= !options.dry_run.is_empty();
    reply(
        &headers,
        api.store().delete(&at, &options.preconditions, &by),
    )
}

/// Whoever has the token may do everything.
async fn review(body: Sent) -> Reply {
    let mut review = body.json()?;
    let status = json!({"allowed": true, "reason": "the sandbox's only user may do everything"});
    match &mut review {
        Value::Object(review) => review.insert("status".to_owned(), status),
        _ => return Err(Refusal::bad_request("a review is an object")),
    };
    Ok((StatusCode::CREATED, Json(review)))
}

fn reply(headers: &HeaderMap, answer: Answer) -> Reply {
    let accept = text(headers, ACCEPT);
    answer.map(|(code, object)| (code, Json(shaped(accept, object))))
}
