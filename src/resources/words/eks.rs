//! What can go wrong on the way to a cluster of EKS.

use super::authority::{Told, interrupted, out_of_time};
use super::{Instance, UNWRITTEN, sentence, signing_in};
use crate::aws::patience::Ended;
use crate::clients::{NoCluster, NoSignIn};
use crate::eks::Error;
use crate::terraform::Diagnostic;

/// There is no API server to speak to yet. Rules by which pipelines try again go by words such as these.
const NO_SERVER: &str =
    "provider istiopca: no tcp connection before the timeout, for there is no API server yet";

/// EKS does not lead to the cluster; `None` if that is not what went wrong.
pub(super) fn lookup(instance: &Instance, error: &NoCluster) -> Option<Diagnostic> {
    match error {
        NoCluster::Eks(error) => Some(described(instance, error)),
        NoCluster::SignIn(NoSignIn::SignIn(error)) => {
            Some(not_looked_up(instance, signing_in::failed(&LOOKING_UP, error)))
        }
        NoCluster::NoRegion { name } => Some(instance.error(
            "no region to look for the EKS cluster in",
            &[
                &format!("Neither the provider block nor the environment says in which region the EKS cluster {name:?} is."),
                UNWRITTEN,
                "Set `region` in the provider block, or name the cluster by `eks_cluster_arn`, which says it.",
            ],
        )),
        NoCluster::Ended(Ended::Stopped) => Some(not_looked_up(instance, interrupted(&LOOKING_UP))),
        NoCluster::Ended(Ended::Deadline) => Some(not_looked_up(instance, out_of_time(&LOOKING_UP))),
        NoCluster::Another { wanted, found } => Some(instance.error(
            "the identity leads to another cluster",
            &[
                &format!("{wanted} was asked for, and AWS found {found}: the credentials are of another account."),
                UNWRITTEN,
                "Enter the cluster's account by a role: `eks_assume_role { role_name = \"…\" }` in the provider's \
                 `kubernetes {}` block.",
            ],
        )),
        _ => None,
    }
}

/// What was being done, in words.
const LOOKING_UP: &str = "looking up the EKS cluster";

fn not_looked_up(instance: &Instance, (what, told, remedy): Told) -> Diagnostic {
    instance.error(what, &[&told, UNWRITTEN, &remedy])
}

/// The cluster is not there yet, which is no reason not to plan.
pub(in crate::resources) fn not_there_yet(instance: &Instance, error: &NoCluster) -> Diagnostic {
    instance.warning(
        "the cluster is not there yet",
        &[
            &sentence(&format!("AWS says: {error}")),
            "What is in the cluster could not be looked at while planning; it is looked up again when this plan is \
             applied.",
            "If the cluster is made in the same run, refer to the output of what makes it \
             (`module.eks.cluster_name`), so that it is made first.",
        ],
    )
}

/// The cluster went, and the Secret with it.
pub(in crate::resources) fn cluster_gone(instance: &Instance, error: &NoCluster) -> Diagnostic {
    instance.warning(
        "its cluster is gone",
        &[
            &sentence(&format!("AWS says: {error}")),
            "The Secret went with it and leaves the state. Its certificate is still valid, if anybody has its key.",
        ],
    )
}

fn described(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, told, remedy) = told_of(error);
    instance.error(what, &[&told, UNWRITTEN, &remedy])
}

fn told_of(error: &Error) -> Told {
    let told = sentence(&format!("AWS says: {error}"));
    let (what, told, remedy) = match error {
        Error::NotSignedIn { place, source } => {
            return signing_in::failed(&format!("looking up the {place}"), source);
        }
        Error::IdentityRefused { code, whose, .. } => {
            return signing_in::refused(code, whose, &told);
        }
        Error::Absent { .. } => (
            "there is no such EKS cluster",
            format!("{NO_SERVER}. {told}"),
            "If it is made in the same run, refer to the output of what makes it (`module.eks.cluster_name`). If it is \
             in another account or region, name it by `eks_cluster_arn` and enter the account by `eks_assume_role {}`.",
        ),
        Error::NotReady { .. } => (
            "the EKS cluster is not ready",
            format!("{NO_SERVER}. {told}"),
            "Run it again when the cluster is active.",
        ),
        Error::Denied { .. } => (
            "IAM does not allow looking the cluster up",
            told,
            "Allow `eks:DescribeCluster` on the cluster. Nothing else is needed of IAM to sign in to it.",
        ),
        Error::Unreachable { reason, .. } => (
            "EKS cannot be reached",
            format!(
                "provider istiopca: dial tcp: i/o timeout or connection reset by peer ({reason}). {told}"
            ),
            "Check the network and `endpoints { eks }`, then run it again.",
        ),
        Error::Refused { .. } | Error::Incomplete { .. } => {
            ("EKS does not describe the cluster", told, "Run it again.")
        }
    };
    (what, told, remedy.to_owned())
}
