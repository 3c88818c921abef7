//! What can go wrong between us and AWS Private CA.

use std::fmt::Display;

use super::{Instance, UNCHANGED, UNTOUCHED, sentence, signing_in};
use crate::pca::{Answer, Arn, CertificateArn, Error, Operation};
use crate::pki::ChainError;
use crate::terraform::Diagnostic;

/// A call to the CA failed before anything was ordered.
pub(in crate::resources) fn authority(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, told, remedy) = described(error);
    instance.error(what, &[&told, UNTOUCHED, &remedy])
}

/// AWS does not show the CA.
pub(in crate::resources) fn unseen(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, told, remedy) = described(error);
    instance.error(what, &[&told, UNCHANGED, &remedy])
}

/// What the CA shows leads to no root, in a sentence.
pub(in crate::resources) fn leads_nowhere(arn: &Arn, error: &ChainError) -> String {
    format!("{} {COMPLETE}", nowhere(arn, error))
}

/// The CA shows no certificate, in a sentence.
pub(in crate::resources) fn uncertified(arn: &Arn) -> String {
    format!("{arn} has no certificate to sign under. Install the CA's own certificate.")
}

/// The order itself failed; a request whose answer got lost may have been carried out.
pub(in crate::resources) fn not_ordered(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, told, remedy) = described(error);
    if !error.may_have_issued() {
        return instance.error(what, &[&told, UNTOUCHED, &remedy]);
    }
    let lost = "The answer to IssueCertificate did not arrive, so AWS may have issued a certificate that is put to no \
                use; CloudTrail names it. If its key was made for it, that key is gone, and nobody can sign with it. The \
                mesh goes on with what it has.";
    instance.error(what, &[&told, lost, &remedy])
}

/// The certificate was ordered and has not been delivered.
pub(in crate::resources) fn under_way(
    instance: &Instance,
    arn: &CertificateArn,
    error: &Error,
    key_is_kept: bool,
) -> Diagnostic {
    let why = match error {
        Error::StillPending { waited, .. } => {
            format!(
                "AWS Private CA had not delivered it after {} seconds.",
                waited.as_secs()
            )
        }
        Error::Stopped { .. } => {
            "The run was interrupted before AWS Private CA delivered it.".to_owned()
        }
        other => described(other).1,
    };
    instance.error(
        "the certificate is ordered and not delivered yet",
        &[
            &format!("{arn} was ordered. {why}"),
            "The order is recorded. Until it is finished the mesh goes on with what it has.",
            if key_is_kept {
                "Apply again: that fetches the certificate, it does not order another one."
            } else {
                "Apply again: that orders another one with another key, for the key of this one went with the run and is \
                 kept nowhere. The one that was ordered stays unused and harmless; it is named then."
            },
        ],
    )
}

/// What came back is not what was ordered.
pub(in crate::resources) fn unusable(
    instance: &Instance,
    arn: &CertificateArn,
    problem: &str,
) -> Diagnostic {
    instance.error(
        "the issued certificate cannot serve a mesh",
        &[
            &format!("AWS Private CA issued {arn}, but {problem}."),
            "It was not put to use: istiod or the workloads would have refused it. The mesh goes on \
             with what it has.",
            "Check `template_arn` and `path_length` and what the CA's policy does to requests, then \
             apply again.",
        ],
    )
}

/// The certificate is still valid, though the user wants it revoked.
pub(in crate::resources) fn not_revoked(
    instance: &Instance,
    serial: &str,
    error: &Error,
) -> Diagnostic {
    let (_, told, remedy) = described(error);
    instance.error(
        "the certificate could not be revoked",
        &[
            &told,
            &format!("The certificate {serial} is still valid, and the resource is still in the state."),
            &format!("{remedy} To let go of it without revoking, set `revoke_on_destroy = false` and apply that first."),
        ],
    )
}

/// The same, after the Secret that held it is gone.
pub(in crate::resources) fn not_revoked_once_gone(
    instance: &Instance,
    serial: &str,
    error: &Error,
) -> Diagnostic {
    let (_, told, remedy) = described(error);
    instance.error(
        "it is deleted, and its certificate could not be revoked",
        &[
            &told,
            &format!(
                "The Secret is gone from the cluster. The certificate {serial} is still valid, and the resource is \
                 still in the state."
            ),
            &format!(
                "{remedy} Then destroy again: what is left to do is to revoke. To let go of it without revoking, take \
                 the resource out of the state (`terraform state rm`)."
            ),
        ],
    )
}

/// The user wants it revoked, and an istiod may still use it.
pub(in crate::resources) fn not_revoked_in_use(instance: &Instance, serial: &str) -> Diagnostic {
    instance.warning(
        "its certificate was not revoked",
        &[
            &format!(
                "`revoke_on_destroy` is set, but the Secret was not deleted here, and an istiod that loads it would go \
                 on with a revoked CA. The certificate {serial} is still valid."
            ),
            "Once nothing uses it, revoke it by that serial number: `aws acm-pca revoke-certificate`.",
        ],
    )
}

/// A destroy that revokes.
pub(in crate::resources) fn will_be_revoked(instance: &Instance, serial: &str) -> Diagnostic {
    instance.warning(
        "its certificate will be revoked",
        &[&format!(
            "`revoke_on_destroy` is set: once the Secret is gone, AWS Private CA revokes the certificate {serial}. That \
             cannot be taken back, and whatever it signed is of no use any more to those who look at revocation lists."
        )],
    )
}

/// The settings do not make a request.
pub(in crate::resources) fn no_request(instance: &Instance, problem: &str) -> Diagnostic {
    instance.error(
        "no certificate signing request could be made",
        &[
            &format!("The settings do not make a valid request: {problem}."),
            UNTOUCHED,
        ],
    )
}

/// The CA's own certificates cannot be believed.
pub(in crate::resources) fn authority_chain(
    instance: &Instance,
    arn: &Arn,
    error: &ChainError,
) -> Diagnostic {
    instance.error(
        "the CA's own chain is not sound",
        &[&nowhere(arn, error), UNTOUCHED, COMPLETE],
    )
}

const COMPLETE: &str = "Import a complete chain into the CA, its root last.";

fn nowhere(arn: &Arn, error: &ChainError) -> String {
    format!("The certificates that {arn} shows do not lead from the CA to a root: {error}.")
}

/// What happened, the same in a sentence, and what to do.
pub(super) type Told = (&'static str, String, String);

fn described(error: &Error) -> Told {
    match error.answer() {
        Some(answer) => refused(error, answer),
        None => unanswered(error),
    }
}

/// The host asked to stop.
pub(super) fn interrupted(asked: &impl Display) -> Told {
    let told = format!("The run was interrupted: {asked} was not done.");
    ("interrupted", told, "Run it again.".to_owned())
}

/// The operation's time was over.
pub(super) fn out_of_time(asked: &impl Display) -> Told {
    let told = format!("The time of this operation was over before {asked} was done.");
    let remedy = "Run it again, or allow more time in `timeouts {}`.";
    ("no time left", told, remedy.to_owned())
}

/// AWS did not say all that it promises to.
pub(super) fn answered_half(asked: &impl Display, missing: &str) -> Told {
    let told = format!("The answer to {asked} lacks {missing}.");
    ("AWS answered half", told, AGAIN.to_owned())
}

/// AWS was not asked, or did not answer.
fn unanswered(error: &Error) -> Told {
    let (what, told, remedy) = match error {
        Error::Stopped(asked) => return interrupted(asked),
        Error::OutOfTime(asked) => return out_of_time(asked),
        Error::NotSignedIn { asked, source } => return signing_in::failed(asked, source),
        Error::Unreachable { asked, reason, .. } => (
            "AWS Private CA cannot be reached",
            sentence(&format!(
                "provider istiopca: no answer to {asked}: {reason}."
            )),
            "Check the network, proxies and `endpoints {}`, then run it again.",
        ),
        Error::Incomplete { asked, missing } => return answered_half(asked, missing),
        other => ("AWS Private CA is not done yet", format!("{other}."), AGAIN),
    };
    (what, told, remedy.to_owned())
}

/// AWS answered, with a refusal.
fn refused(error: &Error, answer: &Answer) -> Told {
    let request = answer.request_id.as_deref().unwrap_or("unknown");
    let told = format!(
        "AWS says: {} ({}, request {request}).",
        answer.message, answer.code
    );
    let (what, remedy) = match error {
        Error::NotIssued { .. } => (
            "AWS Private CA could not issue the certificate",
            "Apply again to order another one. If that fails, too, look at the CA's events in CloudTrail.",
        ),
        Error::Throttled(_) => (
            "AWS is throttling",
            "Run it again with a lower `-parallelism`, or have the account's request rate raised.",
        ),
        Error::Unavailable(_) => ("AWS has a problem", AGAIN),
        Error::LimitExceeded(_) => (
            "a quota of the CA is used up",
            "Have the quota raised, or use another CA: trying again does not help.",
        ),
        Error::AccessDenied(_) => return ("AWS denies access", told, allow(answer)),
        Error::IdentityRefused { answer, whose } => {
            return signing_in::refused(&answer.code, whose, &told);
        }
        Error::NotFound(_) => (
            "the CA does not exist",
            "Check the CA's ARN, and in whose account the provider acts.",
        ),
        Error::InvalidState(_) => (
            "the CA is in no state to do this",
            "Look at the CA's status; enable it or install its certificate, then run it again.",
        ),
        _ => (
            "AWS refuses the request",
            "Change the settings that it names, then run it again.",
        ),
    };
    (what, told, remedy.to_owned())
}

/// Whatever it was passes by itself.
pub(super) const AGAIN: &str = "Run it again; nothing is lost by waiting.";

fn allow(answer: &Answer) -> String {
    let (operation, authority) = (answer.asked.operation, &answer.asked.authority);
    let shared = match operation {
        Operation::IssueCertificate => {
            "For a CA that another account shares, the share must allow the template, too: the default \
             share allows end-entity certificates only."
        }
        _ => {
            "A CA of another account is shared by that one, or is signed in to there by `acmpca {}`."
        }
    };
    format!("Allow `acm-pca:{operation}` on {authority}. {shared}")
}
