//! Which refusals pass by themselves. Ours, because the SDK takes LimitExceededException for throttling,
//! and here it means a quota used up for good.

use super::Operation;
use crate::aws::failure;
use crate::aws::failure::Meaning;
use crate::aws::refusal::{Common, Name};
use crate::aws::retry::Worth;

/// What a refusal means for the next step.
pub type Class = failure::Class<Own>;

/// What it means of AWS Private CA alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// A CA that is active but not ready yet, as for a minute after its activation.
    Settling,
    /// The certificate is still being made.
    Pending,
    /// Making the certificate failed, or looking at it did: AWS does not tell these apart.
    Failed,
    /// A quota of the CA or of the account.
    Limit,
    /// The CA or certificate does not exist.
    Missing,
    /// The CA is in no state for it.
    State,
    /// The request cannot be right, a validity beyond the CA's included.
    Invalid,
}

impl Meaning for Own {
    fn worth(self) -> Worth {
        match self {
            Self::Settling => Worth::Waiting,
            _ => Worth::Nothing,
        }
    }
}

/// Judges a refusal by AWS's name for it, and by its words where the name says too little.
/// Codes: the service model of ACM PCA and the common errors of its API reference.
pub fn classify(name: &Name, message: &str, operation: Operation) -> Class {
    let Name::Code(code) = name else {
        return Class::common(name, message);
    };
    let own = match code.as_str() {
        "LimitExceededException" => Own::Limit,
        "RequestInProgressException" if operation == Operation::GetCertificate => Own::Pending,
        "RequestFailedException" if operation == Operation::GetCertificate => Own::Failed,
        "RequestInProgressException"
        | "RequestFailedException"
        | "ConcurrentModificationException" => return Class::Common(Common::Transient),
        "ResourceNotFoundException" => Own::Missing,
        "InvalidStateException" => Own::State,
        "ValidationException"
        | "ValidationError"
        | "InvalidArgsException"
        | "InvalidArnException"
        | "MalformedCSRException"
        | "InvalidRequestException"
        | "SerializationException" => Own::Invalid,
        _ => return Class::common(name, message),
    };
    Class::Own(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str, message: &str, operation: Operation) -> Class {
        classify(&Name::Code(code.to_owned()), message, operation)
    }

    #[test]
    fn every_code_of_the_api_has_its_class() {
        use Operation::{GetCertificate, IssueCertificate};
        for (code, operation, class) in [
            (
                "ThrottlingException",
                IssueCertificate,
                Class::Common(Common::Throttled),
            ),
            (
                "Throttling",
                GetCertificate,
                Class::Common(Common::Throttled),
            ),
            (
                "TooManyRequestsException",
                GetCertificate,
                Class::Common(Common::Throttled),
            ),
            (
                "LimitExceededException",
                IssueCertificate,
                Class::Own(Own::Limit),
            ),
            (
                "RequestInProgressException",
                GetCertificate,
                Class::Own(Own::Pending),
            ),
            (
                "RequestInProgressException",
                IssueCertificate,
                Class::Common(Common::Transient),
            ),
            (
                "RequestFailedException",
                GetCertificate,
                Class::Own(Own::Failed),
            ),
            (
                "RequestFailedException",
                IssueCertificate,
                Class::Common(Common::Transient),
            ),
            (
                "ServiceUnavailable",
                IssueCertificate,
                Class::Common(Common::Transient),
            ),
            (
                "InternalFailure",
                GetCertificate,
                Class::Common(Common::Transient),
            ),
            (
                "AccessDeniedException",
                IssueCertificate,
                Class::Common(Common::Denied),
            ),
            (
                "ResourceNotFoundException",
                GetCertificate,
                Class::Own(Own::Missing),
            ),
            (
                "InvalidStateException",
                IssueCertificate,
                Class::Own(Own::State),
            ),
            (
                "ValidationException",
                IssueCertificate,
                Class::Own(Own::Invalid),
            ),
            (
                "MalformedCSRException",
                IssueCertificate,
                Class::Own(Own::Invalid),
            ),
            (
                "InvalidArgsException",
                IssueCertificate,
                Class::Own(Own::Invalid),
            ),
            (
                "UnrecognizedClientException",
                GetCertificate,
                Class::Common(Common::Identity),
            ),
            (
                "ExpiredTokenException",
                GetCertificate,
                Class::Common(Common::Identity),
            ),
            (
                "InvalidSignatureException",
                GetCertificate,
                Class::Common(Common::Skewed),
            ),
            ("SomethingNew", IssueCertificate, Class::Refused),
            ("", IssueCertificate, Class::Refused),
        ] {
            assert_eq!(of(code, "", operation), class, "{code} of {operation}");
        }
    }

    #[test]
    fn words_tell_throttling_where_the_code_does_not_but_never_a_limit() {
        let issue = Operation::IssueCertificate;
        assert_eq!(
            of("BadRequest", "Rate exceeded", issue),
            Class::Common(Common::Throttled)
        );
        assert_eq!(
            of("LimitExceededException", "Rate exceeded", issue),
            Class::Own(Own::Limit)
        );
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        let issue = Operation::IssueCertificate;
        let classes = [429, 503, 403].map(|it| classify(&Name::Status(it), "", issue));
        assert_eq!(
            classes,
            [
                Class::Common(Common::Throttled),
                Class::Common(Common::Transient),
                Class::Refused
            ]
        );
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        for class in [
            Class::Own(Own::Limit),
            Class::Common(Common::Denied),
            Class::Own(Own::Missing),
            Class::Own(Own::State),
            Class::Own(Own::Invalid),
            Class::Common(Common::Identity),
            Class::Refused,
            Class::Own(Own::Pending),
            Class::Own(Own::Failed),
        ] {
            assert_eq!(class.worth(), Worth::Nothing, "{class:?}");
        }
    }
}
