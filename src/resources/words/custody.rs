//! What can go wrong with a key on its way to whoever keeps it.

use super::authority::{self, AGAIN, Told};
use super::{Instance, sentence, signing_in};
use crate::kms::{Answer, Asked, Denial, Error, KeyState, Operation};
use crate::pki::{KeyAlgorithm, KeyError};
use crate::terraform::{Diagnostic, Path};

/// Ends every failure of sealing and opening.
const SAFE: &str = "This resource issued nothing and wrote no Secret: the mesh goes on with what it has, and the sealed key \
     stays in the state as it is.";

/// KMS did not seal a key, or did not open it.
pub(in crate::resources) fn kms(instance: &Instance, error: &Error) -> Diagnostic {
    let (what, told, remedy) = described(error);
    instance.error(what, &[&told, SAFE, &remedy])
}

/// KMS opened it, and what came of it is not the key.
pub(in crate::resources) fn damaged_seal(instance: &Instance, problem: &str) -> Diagnostic {
    instance.error(
        "the sealed key is damaged",
        &[
            &sentence(&format!("It cannot be opened: {problem}")),
            SAFE,
            "Restore the state from an earlier version. Or have a new certificate issued with a new key: change \
             `renew_triggers`, with `rotate_key = true`.",
        ],
    )
}

fn described(error: &Error) -> Told {
    let (what, told, remedy) = match error {
        Error::NotSignedIn { asked, source } => return signing_in::failed(asked, source),
        Error::NoRegion(asked) => (
            "no region to look for the KMS key in",
            format!("There is no region for {asked}."),
            "Set `region` in the provider block, or name the key by its ARN.".to_owned(),
        ),
        Error::Stopped(asked) => return authority::interrupted(asked),
        Error::OutOfTime(asked) => return authority::out_of_time(asked),
        Error::Unreachable { asked, reason, .. } => (
            "AWS KMS cannot be reached",
            sentence(&format!(
                "provider istiopca: no answer to {asked}: {reason}"
            )),
            "Check the network, proxies and `endpoints { kms }`, then run it again.".to_owned(),
        ),
        Error::Incomplete { asked, missing } => return authority::answered_half(asked, missing),
        Error::IdentityRefused { answer, whose } => {
            return signing_in::refused(&answer.code, whose, &said(answer));
        }
        Error::Throttled(answer)
        | Error::Unavailable(answer)
        | Error::NotFound(answer)
        | Error::Disabled(answer)
        | Error::InvalidState { answer, .. }
        | Error::WrongKind(answer)
        | Error::AccessDenied { answer, .. }
        | Error::SealedOtherwise(answer)
        | Error::OtherKey(answer)
        | Error::Refused(answer) => return refused(error, answer),
    };
    (what, told, remedy)
}

fn refused(error: &Error, answer: &Answer) -> Told {
    let (what, remedy) = match error {
        Error::Throttled(_) => (
            "AWS KMS is throttling",
            "Run it again with a lower `-parallelism`, or have the account's request rate raised.",
        ),
        Error::Unavailable(_) => ("AWS KMS has a problem", AGAIN),
        Error::NotFound(_) => (
            "there is no such KMS key",
            "Check `kms_key_id`, the region, and in whose account the provider acts: a key of another account is named \
             by its ARN. If the KMS key is gone for good, so is what it sealed: name another one, and change \
             `renew_triggers` with `rotate_key = true`, which issues a certificate with a new key.",
        ),
        Error::Disabled(_) => (
            "the KMS key is disabled",
            "Enable the key, then run it again.",
        ),
        Error::InvalidState { state, .. } => return in_state(*state, answer),
        Error::WrongKind(_) => (
            "the KMS key is none for sealing",
            "Name a symmetric key for encryption (SYMMETRIC_DEFAULT) in `kms_key_id`.",
        ),
        Error::AccessDenied { denial, .. } => {
            return (
                "AWS denies access to the KMS key",
                said(answer),
                allow(&answer.asked, denial),
            );
        }
        Error::SealedOtherwise(_) => (
            "the key was not sealed under this encryption context",
            "The sealed key was changed, or comes from elsewhere. Give the `private_key_sealed` of the \
             `istiopca_intermediate` whose certificate is given, as it is.",
        ),
        Error::OtherKey(_) => (
            "the key was sealed with another KMS key",
            "Name in `kms_key_id` the KMS key that sealed it or, of a multi-region key, a replica; or leave it out.",
        ),
        _ => (
            "AWS KMS refuses the request",
            "Change the settings that it names, then run it again.",
        ),
    };
    (what, said(answer), remedy.to_owned())
}

fn in_state(state: KeyState, answer: &Answer) -> Told {
    let (what, remedy) = match state {
        KeyState::PendingDeletion | KeyState::PendingReplicaDeletion => (
            "the KMS key is about to be deleted",
            "Cancel the deletion and enable the key before its waiting period is over: what was sealed with it is lost \
             with it. Then run it again. To leave the key, name another one in `kms_key_id` while this one still \
             opens; the mesh's key is then sealed anew.",
        ),
        KeyState::PendingImport => (
            "the KMS key has no key material",
            "Import its material again, then run it again.",
        ),
        KeyState::Unavailable => (
            "the key store of the KMS key is not connected",
            "Connect the key store, then run it again.",
        ),
        KeyState::Creating | KeyState::Updating | KeyState::Unsaid => {
            ("the KMS key is in no state to be used", AGAIN)
        }
    };
    (what, said(answer), remedy.to_owned())
}

fn said(answer: &Answer) -> String {
    let Answer {
        asked,
        code,
        message,
        request_id,
    } = answer;
    let request = request_id.as_deref().unwrap_or("unknown");
    let blank = if message.is_empty() { "" } else { " " };
    let (operation, key) = (asked.operation, &asked.key);
    format!("{operation} with {key} failed. AWS says: {message}{blank}({code}, request {request}).")
}

/// What to change in which policy. A statement that asks for another encryption context is denied in the same words as a
/// missing one, so a refused opening names both.
fn allow(asked: &Asked, denial: &Denial) -> String {
    let Asked { operation, key, .. } = asked;
    let whom = denial.by.as_deref().unwrap_or("the provider's identity");
    let further = match operation {
        Operation::GenerateDataKey => "",
        Operation::Decrypt => {
            " Where a policy asks for an encryption context, it must be that of `kms_encryption_context` at the time of \
             sealing."
        }
    };
    if denial.explicit {
        let policy = denial.policy.as_deref().unwrap_or("policy");
        return format!(
            "A {policy} denies `kms:{operation}` on {key} to {whom}: change it.{further}"
        );
    }
    format!("Allow {whom} `kms:{operation}` on {key}, by its own policy and by the key's.{further}")
}

/// The key that the user supplies for this run cannot be read. What it is, is nobody's business.
pub(in crate::resources) fn bad_supplied_key(instance: &Instance, error: &KeyError) -> Diagnostic {
    let told = sentence(&format!("The supplied private key cannot be used: {error}"));
    let remedy = "Give one unencrypted PKCS #8 key in PEM: EC on P-256 or P-384, or RSA.";
    let problem = instance.error("the private key is of no use", &[&told, UNUSED, remedy]);
    problem.at(Path::from("private_key_pem_wo"))
}

/// The key that the user supplies is none of the kind that is to be certified.
pub(in crate::resources) fn other_supplied_key(
    instance: &Instance,
    got: KeyAlgorithm,
    wanted: KeyAlgorithm,
) -> Diagnostic {
    let told = format!("The supplied private key is {got}, and `key_algorithm` says {wanted}.");
    let remedy = "Make both the same.";
    let problem = instance.error(
        "the private key is of another kind",
        &[&told, UNUSED, remedy],
    );
    problem.at(Path::from("private_key_pem_wo"))
}

const UNUSED: &str =
    "This resource issued nothing and wrote no Secret: the mesh goes on with what it has.";

/// A setting on which the custody rests has turned out to be null.
pub(in crate::resources) fn no_custody(instance: &Instance, setting: &'static str) -> Diagnostic {
    let told = format!(
        "`{setting}` is null in this run, so there is no key to go on with, or no place for one."
    );
    let remedy = "Let what it comes from yield a value, then run it again.";
    let problem = instance.error(
        "a setting of the key's custody is null",
        &[&told, UNUSED, remedy],
    );
    problem.at(Path::from(setting))
}

/// The Secret is to be written with the certificate that it has, and the key of this run is another one.
pub(in crate::resources) fn another_key(instance: &Instance) -> Diagnostic {
    let told = "The key that `private_key_pem_wo` supplies in this run is not the certificate's, and the Secret does not \
                hold that one either.";
    let remedy = "Where the source still has the certificate's key, supply that. Where it makes a new key for each run, \
                  or the key was changed, change `private_key_pem_wo_version` here and on the `istiopca_intermediate` \
                  to the same new number: then a certificate for the new key is issued, and both are written.";
    let problem = instance.error(
        "the supplied key is not the certificate's",
        &[told, UNUSED, remedy],
    );
    problem.at(Path::from("private_key_pem_wo"))
}

/// The sealed key and the certificate do not belong together: seen without opening it.
pub(in crate::resources) fn sealed_for_another(instance: &Instance) -> Diagnostic {
    let told = "`private_key_sealed` says that it holds another key than that of `certificate`.";
    let remedy = "Take `certificate`, `certificate_chain` and `private_key_sealed` from the same `istiopca_intermediate`.";
    let problem = instance.error(
        "the sealed key is not the certificate's",
        &[told, UNUSED, remedy],
    );
    problem.at(Path::from("private_key_sealed"))
}

/// The key is to be opened under another context than it was sealed under: seen without asking KMS.
pub(in crate::resources) fn another_context(
    instance: &Instance,
    sealed: &str,
    wanted: &str,
) -> Diagnostic {
    let told =
        format!("The key was sealed under {sealed}, and `kms_encryption_context` says {wanted}.");
    let remedy = "Give the sealed key that is meant for this cluster, or correct `kms_encryption_context`; left out, it \
                  is taken from the sealed key.";
    let what = "the key was sealed under another encryption context";
    let problem = instance.error(what, &[&told, UNUSED, remedy]);
    problem.at(Path::from("kms_encryption_context"))
}

/// Said when a key comes into the state in clear.
pub(in crate::resources) fn key_in_state(instance: &Instance) -> Diagnostic {
    instance
        .warning(
            "its private key is kept in the state, in clear",
            &[
                "Who can read the state can sign certificates that the whole mesh trusts.",
                "Encrypt the state and let few read it. Or have KMS seal the key, with `private_key_storage = \"kms\"`; \
                 or use the block `intermediate {}` of `istiopca_cacerts_secret`, with which the key is in the cluster's \
                 Secret alone.",
            ],
        )
        .at(Path::from("private_key_storage"))
}

/// Said when a key leaves the state for a better place.
pub(in crate::resources) fn was_in_state(instance: &Instance) -> Diagnostic {
    instance
        .warning(
            "its private key is in earlier versions of the state",
            &[
                "The key is sealed from now on, but who can read an earlier version of the state, or a plan that was made \
                 from one, still has it in clear.",
                "Once this is applied, have a new certificate issued with a new key: change `renew_triggers`, with \
                 `rotate_key = true`.",
            ],
        )
        .at(Path::from("private_key_storage"))
}
