//! What a refusal by KMS means.

use crate::aws::failure;
use crate::aws::failure::Meaning;
use crate::aws::refusal::{Common, Name};

/// What a refusal means for the next step.
pub(super) type Class = failure::Class<Own>;

/// What it means of KMS alone; none of these passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
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
}

impl Meaning for Own {}

/// Judges a refusal by AWS's name for it. Codes: the service model of KMS and the common errors of its API
/// reference.
pub(super) fn classify(name: &Name, message: &str) -> Class {
    let Name::Code(code) = name else {
        return Class::common(name, message);
    };
    let own = match code.as_str() {
        "NotFoundException" => Own::Missing,
        "DisabledException" => Own::Disabled,
        "KMSInvalidStateException" => Own::State,
        "InvalidKeyUsageException" => Own::Kind,
        "InvalidCiphertextException" => Own::SealedOtherwise,
        "IncorrectKeyException" => Own::OtherKey,
        "KMSInternalException" | "DependencyTimeoutException" | "KeyUnavailableException" => {
            return Class::Common(Common::Transient);
        }
        _ => return Class::common(name, message),
    };
    Class::Own(own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::retry::Worth;

    fn of(code: &str) -> Class {
        classify(&Name::Code(code.to_owned()), "")
    }

    #[test]
    fn every_code_of_the_two_calls_has_its_class() {
        for (code, class) in [
            ("ThrottlingException", Class::Common(Common::Throttled)),
            ("KMSInternalException", Class::Common(Common::Transient)),
            (
                "DependencyTimeoutException",
                Class::Common(Common::Transient),
            ),
            ("KeyUnavailableException", Class::Common(Common::Transient)),
            ("InternalFailure", Class::Common(Common::Transient)),
            ("NotFoundException", Class::Own(Own::Missing)),
            ("DisabledException", Class::Own(Own::Disabled)),
            ("KMSInvalidStateException", Class::Own(Own::State)),
            ("InvalidKeyUsageException", Class::Own(Own::Kind)),
            (
                "InvalidCiphertextException",
                Class::Own(Own::SealedOtherwise),
            ),
            ("IncorrectKeyException", Class::Own(Own::OtherKey)),
            ("AccessDeniedException", Class::Common(Common::Denied)),
            (
                "UnrecognizedClientException",
                Class::Common(Common::Identity),
            ),
            ("ExpiredTokenException", Class::Common(Common::Identity)),
            ("InvalidSignatureException", Class::Common(Common::Skewed)),
            ("ValidationException", Class::Refused),
            ("LimitExceededException", Class::Refused),
            ("InvalidGrantTokenException", Class::Refused),
            ("DryRunOperationException", Class::Refused),
            ("SomethingNew", Class::Refused),
        ] {
            assert_eq!(of(code), class, "{code}");
        }
        let status = |status| classify(&Name::Status(status), "");
        assert_eq!(
            [429, 502].map(status),
            [
                Class::Common(Common::Throttled),
                Class::Common(Common::Transient)
            ]
        );
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let passing = [
            Class::Common(Common::Throttled),
            Class::Common(Common::Transient),
            Class::Unreachable,
            Class::Common(Common::Skewed),
        ];
        assert!(passing.iter().all(|class| class.worth() != Worth::Nothing));
        for class in [
            Class::Common(Common::Identity),
            Class::Common(Common::Denied),
            Class::Own(Own::Missing),
            Class::Own(Own::Disabled),
            Class::Own(Own::State),
            Class::Own(Own::Kind),
            Class::Own(Own::SealedOtherwise),
            Class::Own(Own::OtherKey),
            Class::Refused,
        ] {
            assert_eq!(class.worth(), Worth::Nothing, "{class:?}");
        }
    }
}
