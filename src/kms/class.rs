//! What a refusal by KMS means.

use crate::aws::refusal::{Common, Name};
use crate::aws::retry::Worth;

/// What a refusal means for the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Throttled,
    /// AWS's side, for the moment.
    Transient,
    /// No answer at all.
    Unreachable,
    /// The signature's clock was off.
    Skewed,
    /// AWS does not know the caller's keys, or no longer.
    Identity,
    Denied,
    /// No such key or alias there.
    Missing,
    Disabled,
    /// The key is in another state in which it cannot be used.
    State,
    /// The key is none for sealing.
    Kind,
    /// Sealed under another context, or not by KMS.
    SealedOtherwise,
    /// Sealed with another key.
    OtherKey,
    Refused,
}

/// Judges a refusal by AWS's name for it. Codes: the service model of KMS and the common errors of its API
/// reference.
pub(super) fn classify(name: &Name, message: &str) -> Class {
    let Name::Code(code) = name else {
        return common(name, message);
    };
    match code.as_str() {
        "NotFoundException" => Class::Missing,
        "DisabledException" => Class::Disabled,
        "KMSInvalidStateException" => Class::State,
        "InvalidKeyUsageException" => Class::Kind,
        "InvalidCiphertextException" => Class::SealedOtherwise,
        "IncorrectKeyException" => Class::OtherKey,
        "KMSInternalException" | "DependencyTimeoutException" | "KeyUnavailableException" => {
            Class::Transient
        }
        _ => common(name, message),
    }
}

fn common(name: &Name, message: &str) -> Class {
    match Common::of(name, message) {
        Some(Common::Throttled) => Class::Throttled,
        Some(Common::Transient) => Class::Transient,
        Some(Common::Skewed) => Class::Skewed,
        Some(Common::Identity) => Class::Identity,
        Some(Common::Denied) => Class::Denied,
        None => Class::Refused,
    }
}

impl Class {
    /// How often a call that failed so is worth another try.
    pub(super) fn worth(self) -> Worth {
        match self {
            Self::Throttled => Worth::Waiting,
            Self::Transient | Self::Unreachable => Worth::Passing,
            Self::Skewed => Worth::Once,
            _ => Worth::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Class {
        classify(&Name::Code(code.to_owned()), "")
    }

    #[test]
    fn every_code_of_the_two_calls_has_its_class() {
        for (code, class) in [
            ("ThrottlingException", Class::Throttled),
            ("KMSInternalException", Class::Transient),
            ("DependencyTimeoutException", Class::Transient),
            ("KeyUnavailableException", Class::Transient),
            ("InternalFailure", Class::Transient),
            ("NotFoundException", Class::Missing),
            ("DisabledException", Class::Disabled),
            ("KMSInvalidStateException", Class::State),
            ("InvalidKeyUsageException", Class::Kind),
            ("InvalidCiphertextException", Class::SealedOtherwise),
            ("IncorrectKeyException", Class::OtherKey),
            ("AccessDeniedException", Class::Denied),
            ("UnrecognizedClientException", Class::Identity),
            ("ExpiredTokenException", Class::Identity),
            ("InvalidSignatureException", Class::Skewed),
            ("ValidationException", Class::Refused),
            ("LimitExceededException", Class::Refused),
            ("InvalidGrantTokenException", Class::Refused),
            ("DryRunOperationException", Class::Refused),
            ("SomethingNew", Class::Refused),
        ] {
            assert_eq!(of(code), class, "{code}");
        }
        let status = |status| classify(&Name::Status(status), "");
        assert_eq!([429, 502].map(status), [Class::Throttled, Class::Transient]);
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let passing = [
            Class::Throttled,
            Class::Transient,
            Class::Unreachable,
            Class::Skewed,
        ];
        assert!(passing.iter().all(|class| class.worth() != Worth::Nothing));
        for class in [
            Class::Identity,
            Class::Denied,
            Class::Missing,
            Class::Disabled,
            Class::State,
            Class::Kind,
            Class::SealedOtherwise,
            Class::OtherKey,
            Class::Refused,
        ] {
            assert_eq!(class.worth(), Worth::Nothing, "{class:?}");
        }
    }
}
