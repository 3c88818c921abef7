//! The audit log: who asked the API server for what, and with which program.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

/// The log, in the server's directory.
pub(super) const AUDIT_LOG: &str = "audit.log";
/// What is logged, in the server's directory.
pub(super) const AUDIT_POLICY: &str = "audit-policy.json";

/// A request that was answered, as the server's audit log has it at level `Metadata`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "Event")]
pub struct Audited {
    /// Who asked; empty where nobody was recognised.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// `User-Agent` of the request.
    pub user_agent: String,
    /// `get`, `create`, `patch` …
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// The HTTP status of the answer.
    pub status: u16,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    user: EventUser,
    #[serde(default)]
    user_agent: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    response_status: Status,
}

#[derive(Deserialize)]
struct EventUser {
    #[serde(default)]
    username: String,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    code: u16,
}

impl From<Event> for Audited {
    fn from(event: Event) -> Self {
        Self {
            user: event.user.username,
            groups: event.user.groups,
            user_agent: event.user_agent,
            verb: event.verb,
            uri: event.request_uri,
            status: event.response_status.code,
        }
    }
}

/// Every request once, at its end, but the server's own and those that ask whether it is ready.
fn policy() -> Value {
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [
            {"level": "None", "users": ["system:apiserver"]},
            {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*"]},
            {"level": "Metadata"},
        ],
    })
}

pub(super) fn write_policy(dir: &Path) -> std::io::Result<()> {
    fs::write(dir.join(AUDIT_POLICY), policy().to_string())
}

/// What the log holds so far, oldest first. A line that is still being written is left out.
pub(super) fn read(dir: &Path) -> Vec<Audited> {
    let log = fs::read(dir.join(AUDIT_LOG)).unwrap_or_default();
    log.split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}
