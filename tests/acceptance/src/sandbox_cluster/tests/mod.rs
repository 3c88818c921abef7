//! The API as the real `kube` client and the real `kubectl` meet it.
//!
//! What is expected of Secrets here was seen on kube-apiserver 1.34.4, against which these tests
//! were run as well; what is special to the sandbox is in `serving`.

mod apply;
mod delete;
mod edit;
mod fleet;
mod kubectl;
mod limits;
mod serving;

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::core::Status;
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use super::*;

const US: &str = "terraform-provider-istiopca";

/// A cluster with the namespace `istio-system`, and its Secrets as a client sees them.
struct Sandbox {
    cluster: SandboxCluster,
    client: Client,
    secrets: Api<Secret>,
}

impl Sandbox {
    async fn start() -> Self {
        let cluster = SandboxCluster::start(noon).unwrap();
        let client = Client::try_from(config(&cluster)).unwrap();
        let secrets = Api::namespaced(client.clone(), "istio-system");
        let sandbox = Self {
            cluster,
            client,
            secrets,
        };
        sandbox.create_namespace("istio-system").await;
        sandbox
    }

    async fn create_namespace(&self, name: &str) -> Namespace {
        let wanted = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        namespaces
            .patch(name, &PatchParams::apply(US), &Patch::Apply(wanted))
            .await
            .unwrap()
    }

    async fn apply(&self, manager: &str, wanted: Value) -> kube::Result<Secret> {
        self.secrets
            .patch(
                "cacerts",
                &PatchParams::apply(manager),
                &Patch::Apply(wanted),
            )
            .await
    }

    async fn force(&self, wanted: Value) -> kube::Result<Secret> {
        let params = PatchParams::apply(US).force();
        self.secrets
            .patch("cacerts", &params, &Patch::Apply(wanted))
            .await
    }

    async fn edit(&self, patch: Value) -> Secret {
        let params = PatchParams {
            field_manager: Some("kubectl-edit".into()),
            ..PatchParams::default()
        };
        self.secrets
            .patch("cacerts", &params, &Patch::Merge(patch))
            .await
            .unwrap()
    }

    async fn json_patch(&self, patch: Value) -> kube::Result<Secret> {
        let request = http::Request::patch(
            "/api/v1/namespaces/istio-system/secrets/cacerts?fieldManager=json",
        )
        .header("content-type", "application/json-patch+json");
        self.client
            .request(request.body(patch.to_string().into_bytes()).unwrap())
            .await
    }

    /// The status code of an apply, which `kube` does not tell.
    async fn status_of_apply(&self, wanted: Value) -> u16 {
        let path = format!("/api/v1/namespaces/istio-system/secrets/cacerts?fieldManager={US}");
        let request =
            http::Request::patch(path).header("content-type", "application/apply-patch+yaml");
        let body = kube::client::Body::from(wanted.to_string().into_bytes());
        self.client
            .send(request.body(body).unwrap())
            .await
            .unwrap()
            .status()
            .as_u16()
    }
}

/// The client's settings, as the provider makes them from `host`, `token` and
/// `cluster_ca_certificate`.
fn config(cluster: &SandboxCluster) -> Config {
    let mut config = Config::new(cluster.url().parse().unwrap());
    let ca = CertificateDer::from_pem_slice(cluster.ca_pem().as_bytes()).unwrap();
    config.root_cert = Some(vec![ca.to_vec()]);
    config.auth_info.token = Some(cluster.token().to_owned().into());
    config.default_retry = false;
    config
}

fn noon() -> Timestamp {
    "2026-03-01T12:00:00.5Z".parse().unwrap()
}

/// An apply of these keys with these values.
fn secret(data: &[(&str, &str)]) -> Value {
    let data: BTreeMap<_, _> = data
        .iter()
        .map(|(key, value)| (*key, encoded(value)))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cacerts"}, "data": data})
}

/// An apply that says nothing of any key.
fn without_data() -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cacerts"}})
}

/// An apply meant for one version of an object only.
fn meant_for(version: &str, uid: Option<&str>, mut wanted: Value) -> Value {
    wanted["metadata"]["resourceVersion"] = json!(version);
    if let Some(uid) = uid {
        wanted["metadata"]["uid"] = json!(uid);
    }
    wanted
}

fn encoded(value: &str) -> Value {
    serde_json::to_value(ByteString(value.as_bytes().to_vec())).unwrap()
}

fn data(secret: &Secret) -> Vec<(&str, &str)> {
    let data = secret.data.iter().flatten();
    data.map(|(key, value)| (key.as_str(), str::from_utf8(&value.0).unwrap()))
        .collect()
}

fn version(secret: &Secret) -> &str {
    secret.metadata.resource_version.as_deref().unwrap()
}

fn uid(secret: &Secret) -> &str {
    secret.metadata.uid.as_deref().unwrap()
}

fn managers(secret: &Secret) -> Vec<(&str, &str)> {
    let entries = secret.metadata.managed_fields.iter().flatten();
    let named =
        |entry: &'_ ManagedFieldsEntry| (entry.manager.is_some(), entry.operation.is_some());
    assert!(entries.clone().all(|entry| named(entry) == (true, true)));
    entries
        .map(|entry| {
            (
                entry.manager.as_deref().unwrap(),
                entry.operation.as_deref().unwrap(),
            )
        })
        .collect()
}

/// The `fieldsV1` of a manager's only entry.
fn owned(secret: &Secret, manager: &str) -> Value {
    let entries = secret.metadata.managed_fields.iter().flatten();
    let mut of = entries.filter(|entry| entry.manager.as_deref() == Some(manager));
    serde_json::to_value(of.next().unwrap().fields_v1.as_ref().unwrap()).unwrap()
}

#[track_caller]
fn refused<T: fmt::Debug>(result: kube::Result<T>) -> Status {
    match result.unwrap_err() {
        kube::Error::Api(status) => *status,
        other => panic!("not refused by the API, but: {other}"),
    }
}

/// Code, reason and message of a refusal, and its causes' reasons and fields, each once: the real
/// server says some several times.
fn told(status: &Status) -> (u16, &str, &str, Vec<(&str, &str)>) {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut causes: Vec<_> = causes
        .map(|cause| (cause.reason.as_str(), cause.field.as_str()))
        .collect();
    causes.dedup();
    (status.code, &status.reason, &status.message, causes)
}

fn stale() -> (
    u16,
    &'static str,
    &'static str,
    Vec<(&'static str, &'static str)>,
) {
    let message = "Operation cannot be fulfilled on secrets \"cacerts\": \
        the object has been modified; \
        please apply your changes to the latest version and try again";
    (409, "Conflict", message, vec![])
}
