//! What can go wrong between us and AWS Private CA.

use super::{Instance, UNTOUCHED};
use crate::clients::NoSignIn;
use crate::pca::{AlgorithmError, Answer, Arn, CertificateArn, Error, Status};
use crate::pki::ChainError;
use crate::resources::issue::Obstacle;
use crate::terraform::{Diagnostic, Path};

/// Signing in to AWS could not even be prepared.
pub(in crate::resources) fn sign_in(instance: &Instance, error: &NoSignIn) -> Diagnostic {
    instance.error(
        "no way to sign in to AWS",
        &[
            &format!("The provider's configuration does not lead to AWS credentials: {error}."),
            UNTOUCHED,
            "Correct the provider block or the environment, then run it again.",
        ],
    )
}

/// A call to the CA failed before anything was ordered.
pub(in crate::resources) fn authority(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, told, remedy) = described(error);
    instance.error(what, &[&told, UNTOUCHED, &remedy])
}

/// The order itself failed; a request whose answer got lost may have been carried out.
pub(in crate::resources) fn not_ordered(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, told, remedy) = described(error);
    if !error.may_have_issued() {
        return instance.error(what, &[&told, UNTOUCHED, &remedy]);
    }
    let lost = "The answer to IssueCertificate did not arrive, so AWS may have issued a certificate that \
                nobody holds the key of. It is harmless; CloudTrail names it. The mesh goes on with what \
                it has.";
    instance.error(what, &[&told, lost, &remedy])
}

/// The certificate was ordered and has not been delivered.
pub(in crate::resources) fn under_way(
    instance: &Instance,
    arn: &CertificateArn,
    error: &Error,
) -> Diagnostic {
    let why = match error {
        Error::StillPending { waited, .. } => {
            format!("AWS Private CA had not delivered it after {} seconds.", waited.as_secs())
        }
        Error::Stopped { .. } => "The run was interrupted before AWS Private CA delivered it.".to_owned(),
        other => described(other).1,
    };
    instance.error(
        "the certificate is ordered and not delivered yet",
        &[
            &format!("{arn} was ordered. {why}"),
            "The order is recorded. Until it is finished the mesh goes on with what it has.",
            "Apply again: that fetches the certificate, it does not order another one.",
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
             with what it has, and the key of this certificate is gone.",
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

/// The settings do not make a request.
pub(in crate::resources) fn no_request(instance: &Instance, problem: &str) -> Diagnostic {
    instance.error(
        "no certificate signing request could be made",
        &[&format!("The settings do not make a valid request: {problem}."), UNTOUCHED],
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
        &[
            &format!("The certificates that {arn} shows do not lead from the CA to a root: {error}."),
            UNTOUCHED,
            "Import a complete chain into the CA, its root last.",
        ],
    )
}

/// What stands in the way of issuing, known before anything was asked for.
pub(in crate::resources) fn obstacle(
    instance: &Instance,
    arn: &Arn,
    obstacle: &Obstacle,
) -> Diagnostic {
    let (what, told, remedy, place) = hindered(arn, obstacle);
    let problem = instance.error(what, &[&told, UNTOUCHED, &remedy]);
    problem.at(Path::from(place))
}

fn hindered(arn: &Arn, obstacle: &Obstacle) -> (&'static str, String, String, &'static str) {
    let authority = "certificate_authority_arn";
    match obstacle {
        Obstacle::Status(status) => {
            ("the CA cannot issue", format!("{arn} is {status}."), awaken(status), authority)
        }
        Obstacle::Algorithm(error) => (
            "the CA's key does not fit",
            algorithm(error),
            "Leave `signing_algorithm` out, or name one of the family of the CA's key.".to_owned(),
            "signing_algorithm",
        ),
        Obstacle::PathLength { allowed, wanted } => (
            "the CA may not have this CA below it",
            format!(
                "The path length of {arn} is {allowed}, and an intermediate of path length {wanted} \
                 needs a CA of at least {}. AWS would refuse it, and so would every peer in the mesh.",
                u16::from(*wanted) + 1
            ),
            "Use a CA that was made with a greater path length: it cannot be changed afterwards."
                .to_owned(),
            authority,
        ),
        Obstacle::Partition { authority, template } => (
            "the template is of another partition",
            format!("The CA is in the partition {authority}, `template_arn` in {template}."),
            format!("Write `arn:{authority}:acm-pca:::template/…`, or leave `template_arn` out."),
            "template_arn",
        ),
        Obstacle::Beyond(beyond) => (
            "the certificate would outlive the CA",
            format!(
                "With this `validity` it would end at {}, but {arn} itself ends at {}.",
                beyond.wanted, beyond.issuer_not_after
            ),
            "Renew the CA, shorten `validity`, or set `clamp_to_issuer = true` to get what is left."
                .to_owned(),
            "validity",
        ),
        Obstacle::PathEnds { at } => (
            "the CA's own path has ended",
            format!("A certificate between {arn} and its root ended at {at}."),
            "Renew that CA first: nothing below it is valid any more.".to_owned(),
            authority,
        ),
        Obstacle::ShortLived => (
            "the CA issues for seven days at most",
            format!("{arn} is in short-lived mode, and `validity` is longer than seven days."),
            "Set `validity` to `\"7d\"` or less, or use a general-purpose CA.".to_owned(),
            "validity",
        ),
        Obstacle::NotLater { new, old } => (
            "the CA ends before a renewal could help",
            format!(
                "The certificate in use, or a CA above it, ends at {old}. A new one under {arn} would end at {new}, \
                 which is no later: the CA is what expires."
            ),
            "Renew the CA's own certificate, then run it again.".to_owned(),
            authority,
        ),
        Obstacle::Root { expected, found } => (
            "the CA leads to another root than expected",
            format!("`expected_root_sha256` is {expected}, but {arn} leads to the root {found}."),
            "Check the ARN: under another root this cluster would not be trusted by the others. If \
             the new root is meant, change `expected_root_sha256`."
                .to_owned(),
            "expected_root_sha256",
        ),
        Obstacle::RootReplaced { last, found } => (
            "the CA leads to another root than before",
            format!(
                "The last certificate led to the root {last}, {arn} now leads to {found}. Workloads \
                 that trust only the old root would refuse those with a certificate under the new one."
            ),
            "Make the new root trusted everywhere first (`additional_root_pems` of the Secret), then \
             set `allow_root_replacement = true` for this change."
                .to_owned(),
            "allow_root_replacement",
        ),
    }
}

fn awaken(status: &Status) -> String {
    match status {
        Status::Disabled => "Enable the CA again (`aws acm-pca update-certificate-authority \
                             --status ACTIVE`), then run it again."
            .to_owned(),
        Status::PendingCertificate | Status::Creating => {
            "Install the CA's own certificate, then run it again.".to_owned()
        }
        Status::Deleted => "Restore the CA while that is possible, or name another one. Certificates \
                            that it issued stay valid until their end."
            .to_owned(),
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
             with an RSA key or one on P-256, P-384 or P-521."
        ),
        other => format!("The chosen algorithm cannot be used: {other}."),
    }
}

/// What happened, the same in a sentence, and what to do.
fn described(error: &Error) -> (&'static str, String, String) {
    let authority_of = |answer: &Answer| format!("{} (request {})", answer.message, request_id(answer));
    let again = || "Run it again; nothing is lost by waiting.".to_owned();
    match error {
        Error::StillPending { certificate, .. } => {
            ("the certificate is not delivered yet", format!("{certificate} is still being issued."), again())
        }
        Error::NotIssued { certificate, answer } => (
            "AWS Private CA could not issue the certificate",
            format!("{certificate} was ordered, and making it failed: {}", authority_of(answer)),
            "Apply again to order another one. If that fails, too, look at the CA's events in CloudTrail.".to_owned(),
        ),
        Error::Stopped(asked) => {
            ("interrupted", format!("The run was interrupted: {asked} was not done."), "Run it again.".to_owned())
        }
        Error::OutOfTime(asked) => (
            "no time left",
            format!("The time of this operation was over before {asked} was done."),
            "Run it again, or allow more time in `timeouts {}`.".to_owned(),
        ),
        Error::NotSignedIn { asked, source } => (
            "no AWS credentials",
            format!("There is no identity for {asked}: {source}."),
            "Sign in, or name a `profile` or role in the provider block, then run it again.".to_owned(),
        ),
        Error::Unreachable { asked, reason, .. } => (
            "AWS Private CA cannot be reached",
            format!("provider istiopca: no answer to {asked}: {reason}."),
            "Check the network, proxies and `endpoints {}`, then run it again.".to_owned(),
        ),
        Error::Incomplete { asked, missing } => {
            ("AWS answered half", format!("The answer to {asked} lacks {missing}."), again())
        }
        Error::Throttled(answer) => (
            "AWS is throttling",
            format!("{} was throttled: {}", answer.asked, authority_of(answer)),
            "Run it again with a lower `-parallelism`, or have the account's request rate raised.".to_owned(),
        ),
        Error::Unavailable(answer) => ("AWS has a problem", authority_of(answer), again()),
        Error::LimitExceeded(answer) => (
            "a quota of the CA is used up",
            authority_of(answer),
            "Have the quota raised, or use another CA: trying again does not help.".to_owned(),
        ),
        Error::AccessDenied(answer) => (
            "AWS denies access",
            authority_of(answer),
            format!(
                "Allow `acm-pca:{}` on {}. For a CA that another account shares, the share must allow the template, \
                 too: the default share allows end-entity certificates only.",
                answer.asked.operation, answer.asked.authority
            ),
        ),
        Error::IdentityRefused(answer) => (
            "AWS refuses the credentials",
            authority_of(answer),
            "Sign in again: they are unknown, expired, or the clock of this machine is wrong.".to_owned(),
        ),
        Error::NotFound(answer) => (
            "the CA does not exist",
            authority_of(answer),
            "Check `certificate_authority_arn`, and in whose account the provider acts.".to_owned(),
        ),
        Error::InvalidState(answer) => (
            "the CA is in no state to do this",
            authority_of(answer),
            "Look at the CA's status; enable it or install its certificate, then run it again.".to_owned(),
        ),
        Error::Invalid(answer) | Error::Refused(answer) => (
            "AWS refuses the request",
            format!("{}: {}", answer.code, authority_of(answer)),
            "Change the settings that it names, then run it again.".to_owned(),
        ),
    }
}

fn request_id(answer: &Answer) -> &str {
    answer.request_id.as_deref().unwrap_or("unknown")
}
