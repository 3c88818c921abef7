//! What can go wrong between us and a cluster.

use super::{Instance, UNWRITTEN, eks};
use crate::clients::NoCluster;
use crate::cluster::{Denied, Error, Kind, NamespaceName, Problem, Reach};
use crate::terraform::Diagnostic;

/// There is no cluster to speak to.
pub(in crate::resources) fn connection(instance: &Instance, error: &NoCluster) -> Diagnostic {
    if let Some(path) = error.not_known_yet() {
        return instance.error(
            "the cluster is not known yet",
            &[
                &format!("`{path}` in the provider block is only known after another resource is applied."),
                UNWRITTEN,
                "Apply that resource first, or give the provider a value that is known while planning.",
            ],
        );
    }
    if let Some(told) = eks::lookup(instance, error) {
        return told;
    }
    instance.error(
        "no cluster to speak to",
        &[
            &format!("The provider's `kubernetes {{}}` block does not lead to a cluster: {error}."),
            UNWRITTEN,
            "Name one cluster, by `eks_cluster_name`, `eks_cluster_arn`, `host`, `config_path`, `config_paths` or \
             `in_cluster`, and one way to sign in. \
             Nothing else is ever tried: a CA key must not be written to the wrong cluster.",
        ],
    )
}

/// A call to the cluster failed.
pub(in crate::resources) fn trouble(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, remedy) = met(&error.problem);
    let told = format!(
        "provider istiopca: {} failed: {}.",
        error.action, error.problem
    );
    instance.error(
        what,
        &[
            &told,
            "What was not written before stays as it was.",
            &remedy,
        ],
    )
}

/// What it is, and what to do.
fn met(problem: &Problem) -> (&'static str, String) {
    let (what, remedy) = match problem {
        Problem::Gone {
            what: Kind::Namespace,
        } => (
            "the namespace is absent",
            "Create it first, or set `create_namespace = true`.",
        ),
        Problem::Gone {
            what: Kind::Secret | Kind::ConfigMap | Kind::Deployment | Kind::Pod | Kind::Custom,
        } => ("what was read went away meanwhile", AGAIN),
        Problem::Unauthorized { .. } => (
            "the cluster refuses the credentials",
            "Sign in again: the token or certificate is unknown or expired, or the clock of this machine is wrong. \
             A cluster of EKS must know the IAM role or user: give it an access entry (or a line in `aws-auth`).",
        ),
        Problem::NoCredential(_) => ("there is nothing to sign in to the cluster with", MEND),
        Problem::Forbidden {
            verb,
            resource,
            rbac: true,
            ..
        } => {
            let remedy =
                format!("Allow the verb `{verb}` on `{resource}` by a Role and a binding.");
            return ("the cluster denies access", remedy);
        }
        Problem::Forbidden { .. } => (
            "the cluster's admission denies it",
            "A policy of the cluster is in the way: change it, or what it objects to.",
        ),
        Problem::Unreachable { reach, .. } => {
            return ("the cluster cannot be reached", reachable(reach));
        }
        Problem::Conflict { .. } | Problem::Stale { .. } => (
            "somebody else is writing it",
            "Run it again; if it happens again, find the other writer and stop it.",
        ),
        Problem::Terminating { finalizers, .. } => {
            return ("it is being deleted", held(finalizers));
        }
        Problem::Quota { .. } => (
            "the namespace's quota is used up",
            "Raise the quota, then run it again.",
        ),
        Problem::Busy { .. } => ("the API server is busy", AGAIN),
        Problem::Invalid { .. } => (
            "the cluster refuses the object",
            "Change what it objects to, then run it again.",
        ),
        Problem::NotKubernetes { .. } => (
            "something else than a Kubernetes API server answered",
            "Check `host` and `proxy_url`.",
        ),
        Problem::Server { .. } | Problem::Unreadable { .. } => ("the API server failed", AGAIN),
    };
    (what, remedy.to_owned())
}

const AGAIN: &str = "Run it again.";

const MEND: &str = "Mend what gives the credential, then run it again.";

fn reachable(reach: &Reach) -> String {
    match reach {
        Reach::Unsaid => "Check the address, the network and proxies, then run it again.".to_owned(),
        Reach::Inside => "EKS says that the endpoint is private: run this inside the cluster's network, or lead the \
                          way there by `proxy_url`."
            .to_owned(),
        Reach::From(blocks) => format!(
            "EKS says that the endpoint may be reached from {}: check the address that this runs from, the network and \
             proxies, then run it again.",
            blocks.join(", ")
        ),
    }
}

fn held(finalizers: &[String]) -> String {
    match finalizers {
        [] => "Wait until it is gone, then run it again.".to_owned(),
        held => format!("Wait for, or remove, the finalizers {}.", held.join(", ")),
    }
}

/// Rights are missing, found before anything was done.
pub(in crate::resources) fn denied(instance: &Instance, denied: &[Denied]) -> Diagnostic {
    let rights: Vec<String> = denied
        .iter()
        .map(|denied| format!("- {}", denied.access))
        .collect();
    instance.error(
        "rights are missing in the cluster",
        &[
            &format!("The cluster does not allow:\n{}", rights.join("\n")),
            UNWRITTEN,
            "Add them to the Role; the documentation's section on RBAC has the whole list.",
        ],
    )
}

/// The namespace is absent, found before anything was done.
pub(in crate::resources) fn no_namespace(
    instance: &Instance,
    namespace: &NamespaceName,
) -> Diagnostic {
    instance.error(
        "the namespace is absent",
        &[
            &format!("There is no namespace {namespace} in the cluster."),
            UNWRITTEN,
            "Create it first, or set `create_namespace = true`.",
        ],
    )
}

/// Which pods istiod has could not be seen.
pub(in crate::resources) fn pods_not_read(instance: &Instance, error: &Error) -> Diagnostic {
    let (_, remedy) = met(&error.problem);
    instance.warning(
        "the pods of istiod could not be listed",
        &[
            &format!(
                "provider istiopca: {} failed: {}.",
                error.action, error.problem
            ),
            "What they use is not known; `istiods` is empty. All else was read.",
            &remedy,
            WITHOUT,
        ],
    )
}

/// What the istiods say of themselves could not be read.
pub(in crate::resources) fn gauges_unseen(instance: &Instance, error: &Error) -> Diagnostic {
    let (_, remedy) = met(&error.problem);
    instance.warning(
        "what the istiods use could not be read",
        &[
            &format!(
                "provider istiopca: {} failed: {}.",
                error.action, error.problem
            ),
            "`istiods` says which there are, and of each that it could not be asked.",
            &format!(
                "{remedy} The same right opens the debug pages of every pod in the namespace."
            ),
            WITHOUT,
        ],
    )
}

const WITHOUT: &str = "To do without it, set `look_at_istiods = false`.";

/// The state is kept though the cluster could not be read.
pub(in crate::resources) fn kept(problem: Diagnostic) -> Diagnostic {
    let Diagnostic {
        summary, detail, ..
    } = problem;
    Diagnostic::warning(
        summary,
        format!(
            "{detail}\n\nWith `refresh_failure = \"warn\"` the plan goes on with what the state says."
        ),
    )
}
