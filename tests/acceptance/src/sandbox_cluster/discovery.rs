//! What a client finds out about the API before it uses it.

use axum::extract::{Path, Request};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::api::Api;
use super::status::Refusal;

/// Kinds that a cluster without a mesh has none of, and that clients of the sandbox look for
/// nevertheless.
const ABSENT: [(&str, &str, &str); 3] = [
    ("v1", "configmaps", "ConfigMap"),
    ("v1", "pods", "Pod"),
    ("apps/v1", "deployments", "Deployment"),
];

/// Version and health, the groups and their kinds, and the kinds of which there are none.
pub(super) fn router() -> Router<Api> {
    let version = json!({
        "major": "1", "minor": "34", "gitVersion": "v1.34.0+sandbox", "gitCommit": "",
        "gitTreeState": "clean", "buildDate": "", "goVersion": "", "compiler": "", "platform": "",
    });
    let mut router = Router::new()
        .route("/version", get(Json(version)))
        .route("/readyz", get("ok"))
        .route("/livez", get("ok"))
        .route("/healthz", get("ok"))
        .route(
            "/api",
            get(Json(json!({"kind": "APIVersions", "versions": ["v1"]}))),
        )
        .route("/apis", get(Json(groups())))
        .route("/api/v1", get(Json(core_resources())))
        .route(
            "/apis/apps/v1",
            get(Json(resources("apps/v1", absent_of("apps/v1")))),
        )
        .route(
            "/apis/authorization.k8s.io/v1",
            get(Json(authorization_resources())),
        );
    for (version, plural, kind) in ABSENT {
        let root = if version == "v1" {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{version}")
        };
        let kind = format!("{kind}List");
        let empty = json!({"apiVersion": version, "kind": kind, "metadata": {}, "items": []});
        let empty = get(Json(empty));
        router = router
            .route(&format!("{root}/{plural}"), empty.clone())
            .route(&format!("{root}/namespaces/{{namespace}}/{plural}"), empty)
            .route(
                &format!("{root}/namespaces/{{namespace}}/{plural}/{{name}}"),
                get(absent),
            );
    }
    router
}

async fn absent(Path((_, name)): Path<(String, String)>, request: Request) -> Refusal {
    let mut steps = request.uri().path().rsplit('/');
    Refusal::not_found(steps.nth(1).unwrap_or_default(), &name)
}

fn groups() -> Value {
    let group = |name: &str| {
        let version = json!({"groupVersion": format!("{name}/v1"), "version": "v1"});
        json!({"name": name, "versions": [version], "preferredVersion": version})
    };
    let groups = [group("apps"), group("authorization.k8s.io")];
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn core_resources() -> Value {
    let verbs = ["create", "get", "list", "patch", "update"];
    let mut namespaces = resource("namespaces", "Namespace", false, &verbs);
    namespaces["shortNames"] = json!(["ns"]);
    let verbs = ["create", "delete", "get", "list", "patch", "update"];
    let secrets = resource("secrets", "Secret", true, &verbs);
    resources(
        "v1",
        [namespaces, secrets].into_iter().chain(absent_of("v1")),
    )
}

fn authorization_resources() -> Value {
    let review = resource(
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        false,
        &["create"],
    );
    resources("authorization.k8s.io/v1", [review])
}

fn absent_of(version: &str) -> impl Iterator<Item = Value> {
    let of_version = ABSENT.into_iter().filter(move |(of, _, _)| *of == version);
    of_version.map(|(_, plural, kind)| resource(plural, kind, true, &["get", "list"]))
}

fn resources(version: &str, resources: impl IntoIterator<Item = Value>) -> Value {
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": resources.into_iter().collect::<Vec<_>>(),
    })
}

fn resource(plural: &str, kind: &str, namespaced: bool, verbs: &[&str]) -> Value {
    json!({
        "name": plural,
        "singularName": kind.to_lowercase(),
        "namespaced": namespaced,
        "kind": kind,
        "verbs": verbs,
    })
}
