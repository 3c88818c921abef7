//! What the judge found, told before anything is written.

use super::{Instance, UNTOUCHED, UNWRITTEN};
use crate::pca::Arn;
use crate::pki::judge::{CertificateFault, Finding, Kind, PathFault, RevocationFault};
use crate::terraform::Diagnostic;

/// istiod would not load the files, or peers would refuse what it signs with them.
pub(in crate::resources) fn unsound(instance: &Instance, findings: &[Finding]) -> Diagnostic {
    let worst = findings.iter().map(Finding::kind).min();
    let (what, meaning) = match worst {
        Some(Kind::Load) => (
            "istiod would not load these files",
            "With them istiod does not start; one that runs drops the update and goes on with the CA \
             that it has in memory.",
        ),
        Some(Kind::Peers) => (
            "workloads would refuse each other's certificates",
            "istiod would load these files and sign with them, and see nothing wrong; but what it \
             signs is refused by the workloads' peers, by some or by all.",
        ),
        Some(Kind::Transition | Kind::Reload) | None => (
            "live workloads would refuse each other's certificates",
            "These files are sound, and so are those that are live; but workloads that have \
             certificates under the one would refuse those under the other.",
        ),
    };
    instance.error(what, &[&listed(findings), meaning, UNWRITTEN])
}

/// A mesh could not live under the CA that was to issue.
pub(super) fn unfit_issuer(
    instance: &Instance,
    authority: &Arn,
    findings: &[Finding],
) -> Diagnostic {
    let told = format!(
        "No CA of a mesh would work under {authority}:\n{}",
        listed(findings)
    );
    instance
        .error("this CA cannot issue for a mesh", &[&told, UNTOUCHED])
        .at(instance.setting("certificate_authority_arn"))
}

/// Each with what to do.
fn listed(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|it| format!("- {}", finding(it)));
    lines.collect::<Vec<_>>().join("\n")
}

/// One finding, with what to do.
pub(in crate::resources) fn finding(finding: &Finding) -> String {
    format!("{finding}. {}", remedy(finding))
}

/// What to do about one finding.
fn remedy(finding: &Finding) -> &'static str {
    match finding {
        Finding::Path { fault, .. } => about_path(fault),
        Finding::Certificate { fault, .. } => match fault {
            CertificateFault::PublicKey { .. } => {
                "Use a CA with RSA of at least 2048 bits, or with EC on P-256 or P-384."
            }
            _ => "Have it issued anew, or use another CA.",
        },
        Finding::Revocation { fault } => match fault {
            RevocationFault::Revoked { .. } => {
                "Issue under a CA that is not revoked, or correct the list."
            }
            _ => {
                "Remove `ca-crl.pem` from the Secret, or put a current list of every CA of the path \
                 into it."
            }
        },
        Finding::Generated | Finding::BothLayouts { .. } => {
            "Find out who put it there, and remove it from the Secret."
        }
        Finding::OldLeaves { .. } | Finding::NewLeaves { .. } => {
            "Move the roots in steps with `additional_root_pems`, or set `allow_root_replacement = true`."
        }
        Finding::NotARoot { .. } => "Give roots only in `additional_root_pems`.",
        Finding::Form { file, .. } if *file == "ca-crl.pem" => {
            "Write that file anew, or remove it from the Secret."
        }
        Finding::Chain { .. } => {
            "Check `certificate_chain`: it must lead from the certificate's issuer to its root."
        }
        _ => {
            "Check the certificate, its chain and its key; if they are as AWS gave them, report this."
        }
    }
}

fn about_path(fault: &PathFault) -> &'static str {
    match fault {
        PathFault::NotYetValid { .. } => {
            "Wait until then, or set this machine's clock if that is wrong."
        }
        PathFault::Expired { .. } => {
            "Renew that CA first, then issue under it; if it was renewed, set this machine's clock."
        }
        PathFault::PathLength { .. } => {
            "Have that CA issued with a greater path length, or issue the mesh's CA by one above it."
        }
        PathFault::NotACa | PathFault::MayNotSign { .. } => {
            "Use a template for subordinate CAs, such as SubordinateCACertificate_PathLen0/V1."
        }
        PathFault::Role { .. } => {
            "Have it issued without extendedKeyUsage, or with serverAuth and clientAuth both."
        }
        PathFault::Names(_) => {
            "Issue under a CA without name constraints, or with none but DNS names that permit `svc`."
        }
        PathFault::Signature { .. } => "Have it issued with SHA256WITHECDSA or SHA384WITHECDSA.",
        PathFault::Issuer { .. } | PathFault::SelfIssued => {
            "Give the very certificate that issued it, or have it issued anew with key identifiers."
        }
    }
}

/// An istiod runs that was started without this Secret, and so does not look at it.
pub(in crate::resources) fn unwatched(instance: &Instance) -> Diagnostic {
    instance.warning(
        "istiod must be restarted to take this CA",
        &[
            "There was no Secret, and the ConfigMap `istio-ca-root-cert` shows other roots than those \
             that were written now: an istiod runs that was started without the Secret. It goes on \
             signing with a CA of its own, and never looks at the Secret.",
            "Restart every istiod that is to load it, as with `kubectl rollout restart deployment \
             --selector app=istiod` in its namespace, and then the workloads: until they get their next \
             certificate they trust what that istiod has published.",
        ],
    )
}

/// A running istiod would not take the change over.
pub(in crate::resources) fn restart_needed(instance: &Instance, finding: &Finding) -> Diagnostic {
    instance.warning(
        "istiod must be restarted to take this change",
        &[
            &format!("The trusted roots change: {finding}."),
            "istiod compares that file byte for byte, and unless it runs with \
             ISTIO_MULTIROOT_MESH=true it drops the whole update: it goes on signing with the CA that \
             it has in memory, and nothing but a line in its log says so.",
            "Restart every istiod that loads this Secret once it is written, as with `kubectl rollout \
             restart deployment --selector app=istiod` in its namespace.",
        ],
    )
}
