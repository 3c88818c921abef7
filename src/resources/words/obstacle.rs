//! What stands in the way of issuing, known before anything is asked for.

use jiff::Timestamp;

use super::judged::{self, unfit_issuer};
use super::{Instance, UNTOUCHED};
use crate::pca::{AlgorithmError, Arn, Status};
use crate::pki::{BeyondIssuer, Fingerprint};
use crate::resources::issue::Obstacle;
use crate::terraform::Diagnostic;

/// What happened, the same in a sentence, what to do, and the setting that it is about.
type Told = (&'static str, String, String, &'static str);

const AUTHORITY: &str = "certificate_authority_arn";

/// What stands in the way of issuing.
pub(in crate::resources) fn obstacle(
    instance: &Instance,
    arn: &Arn,
    obstacle: &Obstacle,
) -> Diagnostic {
    if let Obstacle::Unfit(findings) = obstacle {
        return unfit_issuer(instance, arn, findings);
    }
    let (what, told, remedy, setting) = described(arn, obstacle);
    instance
        .error(what, &[&told, UNTOUCHED, &remedy])
        .at(instance.setting(setting))
}

/// The same in sentences, for those who only want to know.
pub(in crate::resources) fn cannot_issue(arn: &Arn, obstacle: &Obstacle) -> Vec<String> {
    if let Obstacle::Unfit(findings) = obstacle {
        return findings.iter().map(judged::finding).collect();
    }
    let (_, told, remedy, _) = described(arn, obstacle);
    vec![format!("{told} {remedy}")]
}

fn described(arn: &Arn, obstacle: &Obstacle) -> Told {
    match obstacle {
        Obstacle::Status(status) => inactive(arn, status),
        Obstacle::Algorithm(error) => unfit_key(error),
        Obstacle::PathLength { allowed, wanted } => too_short_a_path(arn, *allowed, *wanted),
        Obstacle::Partition {
            authority,
            template,
        } => other_partition(authority, template),
        Obstacle::Beyond(beyond) => outlives_the_ca(arn, beyond),
        Obstacle::PathEnds { at } => path_has_ended(arn, *at),
        Obstacle::ShortLived => seven_days_at_most(arn),
        Obstacle::NotLater { new, old } => no_use_in_renewing(arn, *new, *old),
        Obstacle::Root { expected, found } => unexpected_root(arn, *expected, *found),
        Obstacle::RootReplaced { last, found } => another_root(arn, *last, *found),
        Obstacle::Sha512 | Obstacle::Unfit(_) => unknown_to_some(),
    }
}

fn inactive(arn: &Arn, status: &Status) -> Told {
    (
        "the CA cannot issue",
        format!("{arn} is {status}."),
        awaken(status),
        AUTHORITY,
    )
}

fn unfit_key(error: &AlgorithmError) -> Told {
    let remedy = "Leave `signing_algorithm` out, or name one of the family of the CA's key.";
    (
        "the CA's key does not fit",
        algorithm(error),
        remedy.to_owned(),
        "signing_algorithm",
    )
}

fn too_short_a_path(arn: &Arn, allowed: u8, wanted: u8) -> Told {
    let needed = u16::from(wanted) + 1;
    let told = format!(
        "The path length of {arn} is {allowed}, and an intermediate of path length {wanted} needs a CA \
         of at least {needed}. AWS would refuse it, and so would every peer in the mesh."
    );
    let remedy =
        "Use a CA that was made with a greater path length: it cannot be changed afterwards.";
    (
        "the CA may not have this CA below it",
        told,
        remedy.to_owned(),
        AUTHORITY,
    )
}

fn other_partition(authority: &str, template: &str) -> Told {
    let told = format!("The CA is in the partition {authority}, `template_arn` in {template}.");
    let remedy =
        format!("Write `arn:{authority}:acm-pca:::template/…`, or leave `template_arn` out.");
    (
        "the template is of another partition",
        told,
        remedy,
        "template_arn",
    )
}

fn outlives_the_ca(arn: &Arn, beyond: &BeyondIssuer) -> Told {
    let BeyondIssuer {
        wanted,
        issuer_not_after,
    } = beyond;
    let told = format!(
        "With this `validity` it would end at {wanted}, but {arn} itself ends at {issuer_not_after}."
    );
    let remedy =
        "Renew the CA, shorten `validity`, or set `clamp_to_issuer = true` to get what is left.";
    (
        "the certificate would outlive the CA",
        told,
        remedy.to_owned(),
        "validity",
    )
}

fn path_has_ended(arn: &Arn, at: Timestamp) -> Told {
    let told = format!("A certificate between {arn} and its root ended at {at}.");
    let remedy = "Renew that CA first: nothing below it is valid any more.";
    (
        "the CA's own path has ended",
        told,
        remedy.to_owned(),
        AUTHORITY,
    )
}

fn seven_days_at_most(arn: &Arn) -> Told {
    let told = format!("{arn} is in short-lived mode, and `validity` is longer than seven days.");
    let remedy = "Set `validity` to `\"7d\"` or less, or use a general-purpose CA.";
    (
        "the CA issues for seven days at most",
        told,
        remedy.to_owned(),
        "validity",
    )
}

fn no_use_in_renewing(arn: &Arn, new: Timestamp, old: Timestamp) -> Told {
    let told = format!(
        "The certificate in use, or a CA above it, ends at {old}. A new one under {arn} would end at \
         {new}, which is no later: the CA is what expires."
    );
    let remedy = "Renew the CA's own certificate, then run it again.";
    (
        "the CA ends before a renewal could help",
        told,
        remedy.to_owned(),
        AUTHORITY,
    )
}

fn unexpected_root(arn: &Arn, expected: Fingerprint, found: Fingerprint) -> Told {
    let told =
        format!("`expected_root_sha256` is {expected}, but {arn} leads to the root {found}.");
    let remedy = "Check the ARN: under another root this cluster would not be trusted by the others. \
                  If the new root is meant, change `expected_root_sha256`.";
    (
        "the CA leads to another root than expected",
        told,
        remedy.to_owned(),
        "expected_root_sha256",
    )
}

fn another_root(arn: &Arn, last: Fingerprint, found: Fingerprint) -> Told {
    let told = format!(
        "The last certificate led to the root {last}, {arn} now leads to {found}. Workloads that \
         trust only the old root would refuse those with a certificate under the new one."
    );
    let remedy = "Make the new root trusted everywhere first (`additional_root_pems` of the Secret), \
                  then say that it is meant: `expected_root_sha256` with the new root's SHA-256. The Secret \
                  takes the certificate once that root has been trusted for long enough.";
    (
        "the CA leads to another root than before",
        told,
        remedy.to_owned(),
        "expected_root_sha256",
    )
}

fn unknown_to_some() -> Told {
    (
        "not every verifier knows this signature",
        "ECDSA with SHA-512 on P-256 and P-384 is verified by rustls only since 0.23.36, so a ztunnel \
         that is older refuses every workload under such a certificate."
            .to_owned(),
        "Leave `signing_algorithm` out, or name SHA256WITHECDSA or SHA384WITHECDSA.".to_owned(),
        "signing_algorithm",
    )
}

fn awaken(status: &Status) -> String {
    match status {
        Status::Disabled => "Enable the CA again (`aws acm-pca update-certificate-authority \
                             --status ACTIVE`), then run it again."
            .to_owned(),
        Status::PendingCertificate | Status::Creating => {
            "Install the CA's own certificate, then run it again.".to_owned()
        }
        Status::Deleted => {
            "Restore the CA while that is possible, or name another one. Certificates \
                            that it issued stay valid until their end."
                .to_owned()
        }
        Status::Expired => "Renew the CA's own certificate, or name another CA.".to_owned(),
        Status::Active | Status::Failed | Status::Other(_) => {
            "Look at the CA in the AWS console, or name another one.".to_owned()
        }
    }
}

fn algorithm(error: &AlgorithmError) -> String {
    match error {
        AlgorithmError::CaKey(name) => format!(
            "The CA's key is {name}: nothing in a mesh is known to verify what it signs. Use a CA \
             with an RSA key or one on P-256 or P-384."
        ),
        other => format!("The chosen algorithm cannot be used: {other}."),
    }
}
