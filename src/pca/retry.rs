//! Which refusals pass by themselves. Ours, because the SDK takes LimitExceededException for throttling,
//! and here it means a quota used up for good.

use super::Operation;
use crate::aws::refusal::{Common, Name};
use crate::aws::retry::Worth;

/// What a refusal means for the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Too many calls at once, ours or others' of the account.
    Throttled,
    /// AWS's side, for the moment.
    Transient,
    /// No answer at all.
    Unreachable,
    /// A CA that is active but not ready yet, as for a minute after its activation.
    Settling,
    /// The signature's clock was off; the SDK corrects it by the refusal's own date.
    Skewed,
    /// The certificate is still being made.
    Pending,
    /// Making the certificate failed, or looking at it did: AWS does not tell these apart.
    Failed,
    /// A quota of the CA or of the account.
    Limit,
    /// IAM or the share of the CA does not allow it.
    Denied,
    /// The CA or certificate does not exist.
    Missing,
    /// The CA is in no state for it.
    State,
    /// The request cannot be right, a validity beyond the CA's included.
    Invalid,
    /// AWS does not know the keys, or no longer.
    Identity,
    /// Anything else.
    Refused,
}

/// Judges a refusal by AWS's name for it, and by its words where the name says too little.
/// Codes: the service model of ACM PCA and the common errors of its API reference.
pub fn classify(name: &Name, message: &str, operation: Operation) -> Class {
    let Name::Code(code) = name else {
        return common(name, message);
    };
    match code.as_str() {
        "LimitExceededException" => Class::Limit,
        "RequestInProgressException" if operation == Operation::GetCertificate => Class::Pending,
        "RequestFailedException" if operation == Operation::GetCertificate => Class::Failed,
        "RequestInProgressException"
        | "RequestFailedException"
        | "ConcurrentModificationException" => Class::Transient,
        "ResourceNotFoundException" => Class::Missing,
        "InvalidStateException" => Class::State,
        "ValidationException"
        | "ValidationError"
        | "InvalidArgsException"
        | "InvalidArnException"
        | "MalformedCSRException"
        | "InvalidRequestException"
        | "SerializationException" => Class::Invalid,
        _ => common(name, message),
    }
}

impl Class {
    /// How often a call that failed so is worth another try.
    pub fn worth(self) -> Worth {
        match self {
            Self::Throttled | Self::Settling => Worth::Waiting,
            Self::Transient | Self::Unreachable => Worth::Passing,
            Self::Skewed => Worth::Once,
            _ => Worth::Nothing,
        }
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
            ("ThrottlingException", IssueCertificate, Class::Throttled),
            ("Throttling", GetCertificate, Class::Throttled),
            ("TooManyRequestsException", GetCertificate, Class::Throttled),
            ("LimitExceededException", IssueCertificate, Class::Limit),
            ("RequestInProgressException", GetCertificate, Class::Pending),
            (
                "RequestInProgressException",
                IssueCertificate,
                Class::Transient,
            ),
            ("RequestFailedException", GetCertificate, Class::Failed),
            ("RequestFailedException", IssueCertificate, Class::Transient),
            ("ServiceUnavailable", IssueCertificate, Class::Transient),
            ("InternalFailure", GetCertificate, Class::Transient),
            ("AccessDeniedException", IssueCertificate, Class::Denied),
            ("ResourceNotFoundException", GetCertificate, Class::Missing),
            ("InvalidStateException", IssueCertificate, Class::State),
            ("ValidationException", IssueCertificate, Class::Invalid),
            ("MalformedCSRException", IssueCertificate, Class::Invalid),
            ("InvalidArgsException", IssueCertificate, Class::Invalid),
            (
                "UnrecognizedClientException",
                GetCertificate,
                Class::Identity,
            ),
            ("ExpiredTokenException", GetCertificate, Class::Identity),
            ("InvalidSignatureException", GetCertificate, Class::Skewed),
            ("SomethingNew", IssueCertificate, Class::Refused),
            ("", IssueCertificate, Class::Refused),
        ] {
            assert_eq!(of(code, "", operation), class, "{code} of {operation}");
        }
    }

    #[test]
    fn words_tell_throttling_where_the_code_does_not_but_never_a_limit() {
        let issue = Operation::IssueCertificate;
        assert_eq!(of("BadRequest", "Rate exceeded", issue), Class::Throttled);
        assert_eq!(
            of("LimitExceededException", "Rate exceeded", issue),
            Class::Limit
        );
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        let issue = Operation::IssueCertificate;
        let classes = [429, 503, 403].map(|it| classify(&Name::Status(it), "", issue));
        assert_eq!(
            classes,
            [Class::Throttled, Class::Transient, Class::Refused]
        );
    }

    #[test]
    fn what_will_not_pass_is_not_tried_again() {
        for class in [
            Class::Limit,
            Class::Denied,
            Class::Missing,
            Class::State,
            Class::Invalid,
            Class::Identity,
            Class::Refused,
            Class::Pending,
            Class::Failed,
        ] {
            assert_eq!(class.worth(), Worth::Nothing, "{class:?}");
        }
    }
}
