//! How calls to AWS fail, as far as all of its services fail alike.

use std::error::Error as StdError;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId as _;

use super::Error;
use super::error::{chain, words};

/// What came of a call instead of what it asked for.
#[derive(Debug)]
pub enum Failed {
    /// AWS said no.
    Refused(Refusal),
    /// There was no identity to ask with.
    NotSignedIn(Error),
    /// Nothing came that AWS can have said; with the network's own words.
    Unreachable(Unreachable, String),
}

/// A no from AWS.
#[derive(Debug)]
pub struct Refusal {
    /// What AWS calls it.
    pub name: Name,
    /// AWS's own words; empty where there are none.
    pub message: String,
    /// What AWS's support asks for.
    pub request_id: Option<String>,
}

/// What an error is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// By its code, such as `ThrottlingException`.
    Code(String),
    /// By its status alone, as answers of proxies and gateways are.
    Status(u16),
}

/// How AWS could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// No answer in time.
    Timeout,
    /// The endpoint's name is not known.
    Dns,
    /// The endpoint's certificate was not accepted, or the like.
    Tls,
    /// No connection, or it broke.
    Connection,
    /// Something answered that does not speak as AWS does.
    Garbled,
}

/// Refusals that every service has (the common errors of AWS's API references).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Common {
    /// Too many calls at once, ours or others' of the account.
    Throttled,
    /// AWS's side, for the moment.
    Transient,
    /// The signature's clock was off; the SDK corrects it by the refusal's own date.
    Skewed,
    /// AWS does not know the keys, or no longer.
    Identity,
    /// IAM, or a policy of what was asked for, does not allow it.
    Denied,
}

impl Failed {
    /// Reads what the SDK says of a call that failed.
    pub fn of<E>(failed: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let said = failed.as_service_error().map(ProvideErrorMetadata::meta);
        let code = said.and_then(|said| said.code());
        let status = failed.raw_response().map(|response| response.status());
        let name = match (code, status) {
            (Some(code), _) => Name::Code(code.to_owned()),
            (None, Some(status)) if !status.is_success() => Name::Status(status.as_u16()),
            (None, _) => return Self::unanswered(failed),
        };
        let message = said.filter(|_| code.is_some());
        let message = message.and_then(|said| said.message());
        Self::Refused(Refusal {
            name,
            message: message.unwrap_or_default().to_owned(),
            request_id: failed.request_id().map(str::to_owned),
        })
    }

    fn unanswered<E: StdError + 'static>(failed: &SdkError<E, HttpResponse>) -> Self {
        if let Some(sign_in) = Error::behind(failed) {
            return Self::NotSignedIn(sign_in);
        }
        let how = unreachable(failed);
        let reason = match how {
            Unreachable::Garbled => "the answer is not what AWS sends".to_owned(),
            Unreachable::Timeout => "none came in time".to_owned(),
            _ => words(failed),
        };
        Self::Unreachable(how, reason)
    }
}

impl Common {
    /// `None` for what has a meaning of its own in each service, or in none.
    pub fn of(name: &Name, message: &str) -> Option<Self> {
        match name {
            Name::Code(code) => Self::of_code(code, message),
            Name::Status(429) => Some(Self::Throttled),
            Name::Status(408 | 500..) => Some(Self::Transient),
            Name::Status(_) => None,
        }
    }

    fn of_code(code: &str, message: &str) -> Option<Self> {
        let common = match code {
            "InternalFailure"
            | "InternalServerError"
            | "InternalServerException"
            | "InternalServiceError"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "RequestTimeout"
            | "RequestTimeoutException" => Self::Transient,
            "AccessDeniedException"
            | "AccessDenied"
            | "NotAuthorized"
            | "UnauthorizedOperation" => Self::Denied,
            "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestTimeTooSkewed"
            | "RequestExpired" => Self::Skewed,
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "OptInRequired" => Self::Identity,
            _ if is_throttling(code, message) => Self::Throttled,
            _ => return None,
        };
        Some(common)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code),
            Self::Status(status) => write!(f, "HTTP {status}"),
        }
    }
}

fn is_throttling(code: &str, message: &str) -> bool {
    let named = [
        "Throttl",
        "TooManyRequests",
        "SlowDown",
        "RequestLimitExceeded",
    ];
    named.iter().any(|part| code.contains(part)) || message.contains("Rate exceeded")
}

fn unreachable<E: StdError + 'static>(failed: &SdkError<E, HttpResponse>) -> Unreachable {
    let within = |found: fn(&(dyn StdError + 'static)) -> bool| chain(failed).any(found);
    match failed {
        SdkError::TimeoutError(_) => Unreachable::Timeout,
        // It has a status of success, or it would be a refusal.
        SdkError::ResponseError(_) | SdkError::ServiceError(_) => Unreachable::Garbled,
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => Unreachable::Timeout,
        _ if within(|cause| cause.is::<rustls::Error>()) => Unreachable::Tls,
        // Neither hyper nor std have a type or kind for it.
        _ if within(|cause| cause.to_string() == "dns error") => Unreachable::Dns,
        _ => Unreachable::Connection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        let classes = [429, 500, 503, 408, 403, 404].map(|it| Common::of(&Name::Status(it), ""));
        assert_eq!(classes[0], Some(Common::Throttled));
        assert_eq!(classes[1..4], [Some(Common::Transient); 3]);
        assert_eq!(classes[4..], [None; 2]);
    }

    #[test]
    fn words_tell_throttling_where_the_code_does_not() {
        let of = |code: &str, message| Common::of(&Name::Code(code.to_owned()), message);
        assert_eq!(of("BadRequest", "Rate exceeded"), Some(Common::Throttled));
        assert_eq!(of("BadRequest", "too bad"), None);
        assert_eq!(of("ThrottlingException", ""), Some(Common::Throttled));
    }
}
