//! As much of OpenAPI as `kubectl` reads before it writes: that the server itself judges fields
//! which it does not know.
//!
//! Without it kubectl would judge them by the whole of Kubernetes' schema, and give up when that is
//! not there.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::api::Api;
use super::target::Kind;

/// Where the description of the core group is, and that description.
pub(super) fn router() -> Router<Api> {
    let index = json!({"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1"}}});
    Router::new()
        .route("/openapi/v3", get(Json(index)))
        .route("/openapi/v3/api/v1", get(Json(core_group())))
}

fn core_group() -> Value {
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.34.0+sandbox"},
        "paths": {
            "/api/v1/namespaces/{name}": {"patch": patch(Kind::Namespace)},
            "/api/v1/namespaces/{namespace}/secrets/{name}": {"patch": patch(Kind::Secret)},
        },
    })
}

fn patch(kind: Kind) -> Value {
    json!({
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": "", "kind": kind.name(), "version": "v1"},
        "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}],
        "responses": {},
    })
}
