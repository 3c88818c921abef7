//! What must hold between the settings of the block `kubernetes {}`.
//!
//! `KUBE_*` variables may fill in what is left out, so that something is missing is told only when
//! the cluster is needed; what contradicts is told at once, and by its place.

use crate::terraform::Diagnostic;
use crate::terraform::schema::{Partial, Presence};

const EKS: [&str; 2] = ["eks_cluster_name", "eks_cluster_arn"];
const FILES: [&str; 2] = ["config_path", "config_paths"];
const CONTEXTS: [&str; 3] = [
    "config_context",
    "config_context_auth_info",
    "config_context_cluster",
];

/// The credentials, each with all that belongs to it.
const CREDENTIALS: [&[&str]; 4] = [
    &["token"],
    &["exec"],
    &["client_certificate", "client_key"],
    &["username", "password"],
];

/// Each target names a cluster.
pub(super) fn one_target(block: &Partial<'_>) -> Vec<Diagnostic> {
    let named = EKS.into_iter().chain(["host"]).chain(FILES);
    let mut named: Vec<&'static str> = named.filter(|name| is_written(block, name)).collect();
    named.extend(is_on(block, "in_cluster"));
    let why = "Each names a cluster, and a CA key must not be written to the wrong one.";
    conflict(block, &named, why)
}

/// Each credential says who asks.
pub(super) fn one_credential(block: &Partial<'_>) -> Vec<Diagnostic> {
    let kinds = CREDENTIALS.iter().filter_map(|parts| {
        let mut parts = parts.iter().copied();
        parts.find(|name| is_written(block, name))
    });
    let given: Vec<&'static str> = kinds.collect();
    conflict(block, &given, "Each says who asks; only one can be meant.")
}

/// EKS tells the address and the authority of its clusters, and the provider signs in by its own identity.
pub(super) fn nothing_beside_eks(block: &Partial<'_>) -> Vec<Diagnostic> {
    let Some(eks) = EKS.into_iter().find(|name| is_written(block, name)) else {
        return Vec::new();
    };
    let credentials = CREDENTIALS.iter().flat_map(|parts| parts.iter().copied());
    let texts = credentials
        .chain(["cluster_ca_certificate", "tls_server_name"])
        .chain(CONTEXTS);
    let written = texts.filter(|name| is_written(block, name));
    let told = written.chain(is_on(block, "insecure")).map(|name| {
        let detail = format!(
            "{name:?} cannot be set beside {eks:?}.\n\nEKS tells the address and the certificates of its \
             clusters, and the token is made from the provider's identity in AWS (or the role in \
             `eks_assume_role`)."
        );
        Diagnostic::error("Conflicting settings", detail).at(block.path(name))
    });
    told.collect()
}

/// A context is looked for in kubeconfig files; those may still come from the environment.
pub(super) fn contexts_are_of_files(block: &Partial<'_>) -> Vec<Diagnostic> {
    let of_files = FILES
        .into_iter()
        .any(|name| block.presence(name) != Presence::Absent);
    let host = Some("host").filter(|name| is_written(block, name));
    let Some(other) = host
        .or_else(|| is_on(block, "in_cluster"))
        .filter(|_| !of_files)
    else {
        return Vec::new();
    };
    let written = CONTEXTS.into_iter().filter(|name| is_written(block, name));
    let told = written.map(|name| {
        let detail = format!(
            "{name:?} has a meaning only beside \"config_path\" or \"config_paths\", and {other:?} is set."
        );
        Diagnostic::error("Conflicting settings", detail).at(block.path(name))
    });
    told.collect()
}

/// To verify nothing and to verify by an authority exclude each other.
pub(super) fn verified_or_not(block: &Partial<'_>) -> Vec<Diagnostic> {
    let authority = Some("cluster_ca_certificate").filter(|name| is_written(block, name));
    let both: Vec<&'static str> = authority
        .into_iter()
        .chain(is_on(block, "insecure"))
        .collect();
    conflict(
        block,
        &both,
        "The one verifies the API server, the other believes whatever answers.",
    )
}

fn is_written(block: &Partial<'_>, name: &str) -> bool {
    block.presence(name) == Presence::Present
}

/// The name itself, where the flag is known to be true: false says nothing.
fn is_on(block: &Partial<'_>, name: &'static str) -> Option<&'static str> {
    let on = block.read::<Option<bool>>(name) == Ok(Some(true));
    on.then_some(name)
}

fn conflict(block: &Partial<'_>, names: &[&'static str], why: &str) -> Vec<Diagnostic> {
    let [first @ .., last] = names else {
        return Vec::new();
    };
    if first.is_empty() {
        return Vec::new();
    }
    let first: Vec<String> = first.iter().map(|name| format!("{name:?}")).collect();
    let detail = format!(
        "Only one of {} and {last:?} can be set.\n\n{why}",
        first.join(", ")
    );
    vec![Diagnostic::error("Conflicting settings", detail).at(block.path(last))]
}
