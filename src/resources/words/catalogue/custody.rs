//! What can go wrong with a key on its way to whoever keeps it.

use super::{Chapter, intermediate, secret};
use crate::kms::{Answer, Asked, Denial, Error, KeyState, Operation};
use crate::pki::{KeyAlgorithm, PrivateKey, SealedError};
use crate::resources::words;
use crate::terraform::Diagnostic;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

pub(super) fn chapter() -> Chapter {
    let no_key = PrivateKey::from_pem("").expect_err("there is no key in it");
    let mut messages = vec![
        words::key_in_state(&intermediate()),
        words::was_in_state(&intermediate()),
        words::no_custody(&intermediate(), "private_key_pem_wo"),
        words::bad_supplied_key(&intermediate(), &no_key),
        words::other_supplied_key(
            &intermediate(),
            KeyAlgorithm::Rsa2048,
            KeyAlgorithm::EcPrime256v1,
        ),
        words::another_key(&secret()),
        words::sealed_for_another(&secret()),
        words::another_context(
            &secret(),
            r#"{"cluster": "mesh-a"}"#,
            r#"{"cluster": "mesh-b"}"#,
        ),
        words::damaged_seal(&secret(), &SealedError::Refused.to_string()),
    ];
    messages.extend(unanswered());
    messages.extend(refused());
    Chapter {
        title: "Custody of the key",
        about: "Who keeps the private key, and what can keep it from getting there or back.",
        messages,
    }
}

fn asked(operation: Operation) -> Box<Asked> {
    Box::new(Asked {
        operation,
        key: KEY.parse().expect("a key"),
        region: Some("eu-west-1".to_owned()),
        attempts: 1,
    })
}

fn unanswered() -> Vec<Diagnostic> {
    let errors = [
        Error::NoRegion(asked(Operation::GenerateDataKey)),
        Error::Stopped(asked(Operation::Decrypt)),
        Error::OutOfTime(asked(Operation::Decrypt)),
        Error::Incomplete {
            asked: asked(Operation::Decrypt),
            missing: "the data key",
        },
    ];
    errors
        .iter()
        .map(|error| words::kms(&intermediate(), error))
        .collect()
}

fn answer(operation: Operation, code: &str, message: &str) -> Box<Answer> {
    Box::new(Answer {
        asked: *asked(operation),
        code: code.to_owned(),
        message: message.to_owned(),
        request_id: Some("00000000-1111-2222-3333-444444444444".to_owned()),
    })
}

fn refused() -> Vec<Diagnostic> {
    let seal = |code: &str, message: &str| answer(Operation::GenerateDataKey, code, message);
    let open = |code: &str, message: &str| answer(Operation::Decrypt, code, message);
    let in_state = |state, message: &str| Error::InvalidState {
        answer: open("KMSInvalidStateException", &format!("{KEY} is {message}.")),
        state,
    };
    let sealing = [
        Error::Throttled(seal("ThrottlingException", "Rate exceeded")),
        Error::Unavailable(seal("KMSInternalException", "An internal error occurred")),
        Error::NotFound(seal(
            "NotFoundException",
            "Alias arn:aws:kms:eu-west-1:111122223333:alias/mesh is not found.",
        )),
        Error::Disabled(seal("DisabledException", &format!("{KEY} is disabled."))),
        Error::WrongKind(seal(
            "InvalidKeyUsageException",
            &format!("{KEY} key usage is SIGN_VERIFY."),
        )),
        denied(Operation::GenerateDataKey, false),
        Error::Refused(seal("ValidationException", "1 validation error detected")),
    ];
    let opening = [
        in_state(KeyState::PendingDeletion, "pending deletion"),
        in_state(KeyState::PendingImport, "pending import"),
        in_state(KeyState::Unavailable, "unavailable"),
        in_state(KeyState::Updating, "updating"),
        denied(Operation::Decrypt, true),
        Error::SealedOtherwise(open("InvalidCiphertextException", "")),
        Error::OtherKey(open(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        )),
    ];
    let sealing = sealing
        .iter()
        .map(|error| words::kms(&intermediate(), error));
    sealing
        .chain(opening.iter().map(|error| words::kms(&secret(), error)))
        .collect()
}

fn denied(operation: Operation, explicit: bool) -> Error {
    const BY: &str = "arn:aws:sts::111122223333:assumed-role/apply/ci";
    let why = if explicit {
        "with an explicit deny in a resource-based policy"
    } else {
        "because no identity-based policy allows the kms:GenerateDataKey action"
    };
    let policy = if explicit {
        "resource-based policy"
    } else {
        "identity-based policy"
    };
    let message = format!(
        "User: {BY} is not authorized to perform: kms:{operation} on resource: {KEY} {why}"
    );
    Error::AccessDenied {
        answer: answer(operation, "AccessDeniedException", &message),
        denial: Denial {
            by: Some(BY.to_owned()),
            explicit,
            policy: Some(policy.to_owned()),
        },
    }
}
