//! What can go wrong with a CA, with the facts that words for the user need. AWS's own words are
//! kept, the SDK's are not.

use std::error::Error as StdError;
use std::fmt;
use std::mem;
use std::time::Duration;

use aws_sdk_acmpca::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_acmpca::operation::RequestId as _;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::patience::Ended;
use super::retry::{Class, classify, classify_status};
use super::{Arn, CertificateArn};
use crate::aws;

/// What was being asked of AWS Private CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names are those of the API, and of IAM's actions"
)]
pub enum Operation {
    DescribeCertificateAuthority,
    GetCertificateAuthorityCertificate,
    IssueCertificate,
    GetCertificate,
    RevokeCertificate,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What was asked, of whom, and how often: the facts of every error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What was asked; as an IAM action, `acm-pca:` and this.
    pub operation: Operation,
    /// Which CA.
    pub authority: Arn,
    /// How often it was asked until the last answer was believed; zero where nothing was sent.
    pub attempts: u32,
    /// Whether a try got no clear answer, so that it may have been done all the same.
    pub open: bool,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.operation, self.authority)
    }
}

/// A refusal by AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is refused.
    pub asked: Asked,
    /// AWS's name of the error, or `HTTP 503` where the answer names none.
    pub code: String,
    /// AWS's own words; empty where there are none.
    pub message: String,
    /// What AWS's support asks for.
    pub request_id: Option<String>,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused: {}", self.asked, self.code)?;
        match self.message.as_str() {
            "" => Ok(()),
            message => write!(f, ": {message}"),
        }
    }
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

/// Why a call to a CA did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The certificate was ordered and is not there yet; it can be fetched later by its ARN.
    #[error("{certificate} is still being issued after {waited:?}")]
    StillPending {
        /// The last look.
        asked: Box<Asked>,
        /// What was ordered.
        certificate: CertificateArn,
        /// Since the wait began.
        waited: Duration,
    },
    /// The certificate was ordered, and making it failed on AWS's side for good.
    #[error("{certificate} was not issued: {answer}")]
    NotIssued {
        /// What was ordered.
        certificate: CertificateArn,
        /// How AWS says so.
        answer: Box<Answer>,
    },
    /// The host asked to stop.
    #[error("{0} stopped")]
    Stopped(Box<Asked>),
    /// The operation's time was over.
    #[error("no time left for {0}")]
    OutOfTime(Box<Asked>),
    /// There is no identity to ask with.
    #[error("no sign-in for {asked}")]
    NotSignedIn {
        /// What was to be asked.
        asked: Box<Asked>,
        /// Why not.
        source: aws::Error,
    },
    /// No answer from AWS.
    #[error("no answer to {asked}: {reason}")]
    Unreachable {
        /// What was asked.
        asked: Box<Asked>,
        /// In which way.
        how: Unreachable,
        /// The network's own words.
        reason: String,
    },
    /// AWS answered without what it promises to answer.
    #[error("the answer to {asked} lacks {missing}")]
    Incomplete {
        /// What was asked.
        asked: Box<Asked>,
        /// What should have been there.
        missing: &'static str,
    },
    /// Too many calls, still after all retries.
    #[error("{0}")]
    Throttled(Box<Answer>),
    /// AWS's side has a problem, still after all retries.
    #[error("{0}")]
    Unavailable(Box<Answer>),
    /// A quota is used up; trying again does not help.
    #[error("{0}")]
    LimitExceeded(Box<Answer>),
    /// The caller may not, by IAM or by the share of the CA.
    #[error("{0}")]
    AccessDenied(Box<Answer>),
    /// AWS does not know the credentials, or no longer.
    #[error("{answer}")]
    IdentityRefused {
        /// How AWS says so.
        answer: Box<Answer>,
        /// Whose they are, in the words of [`aws::SignIn::whose`].
        whose: String,
    },
    /// No such CA or certificate.
    #[error("{0}")]
    NotFound(Box<Answer>),
    /// The CA is disabled, deleted, without a certificate …
    #[error("{0}")]
    InvalidState(Box<Answer>),
    /// The request is not acceptable; a validity that reaches beyond the CA's ends here too.
    #[error("{0}")]
    Invalid(Box<Answer>),
    /// Refused for a reason that this provider does not know.
    #[error("{0}")]
    Refused(Box<Answer>),
}

impl Error {
    /// What was asked, of whom.
    pub fn asked(&self) -> &Asked {
        match self {
            Self::Stopped(asked) | Self::OutOfTime(asked) => asked,
            Self::StillPending { asked, .. } | Self::NotSignedIn { asked, .. } => asked,
            Self::Unreachable { asked, .. } | Self::Incomplete { asked, .. } => asked,
            Self::Throttled(answer) | Self::Unavailable(answer) => &answer.asked,
            Self::LimitExceeded(answer) | Self::AccessDenied(answer) => &answer.asked,
            Self::IdentityRefused { answer, .. } | Self::NotFound(answer) => &answer.asked,
            Self::InvalidState(answer) | Self::Invalid(answer) => &answer.asked,
            Self::Refused(answer) | Self::NotIssued { answer, .. } => &answer.asked,
        }
    }

    /// AWS's refusal, where there was one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Throttled(answer) | Self::Unavailable(answer) | Self::Refused(answer) => {
                Some(answer)
            }
            Self::LimitExceeded(answer) | Self::AccessDenied(answer) => Some(answer),
            Self::IdentityRefused { answer, .. } | Self::NotFound(answer) => Some(answer),
            Self::InvalidState(answer) | Self::Invalid(answer) => Some(answer),
            Self::NotIssued { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whether the same may well succeed later without anybody changing anything.
    pub fn is_passing(&self) -> bool {
        let unfinished = matches!(
            self,
            Self::StillPending { .. } | Self::Stopped(_) | Self::OutOfTime(_)
        );
        let theirs = matches!(
            self,
            Self::Unreachable { .. } | Self::Throttled(_) | Self::Unavailable(_)
        );
        unfinished || theirs
    }

    /// Whether a certificate may exist of which no ARN is known: an order left, and no clear answer
    /// came. It can be found in CloudTrail by the order's token.
    pub fn may_have_issued(&self) -> bool {
        self.asked().open && self.asked().operation == Operation::IssueCertificate
    }
}

/// One failed try, not yet an error: some pass.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) class: Class,
    cause: Cause,
    tries: u32,
    open: bool,
}

#[derive(Debug)]
enum Cause {
    Refusal(Box<Refusal>),
    NotSignedIn(aws::Error),
    Unreachable(Unreachable, String),
    Incomplete(&'static str),
    Ended(Ended),
}

#[derive(Debug)]
struct Refusal {
    code: String,
    message: String,
    request_id: Option<String>,
    whose: String,
}

impl Failure {
    pub(super) fn of<E>(operation: Operation, failed: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let refusal = failed.as_service_error().map(ProvideErrorMetadata::meta);
        let words = refusal.and_then(|said| Some((said.code()?, said.message())));
        let status = failed.raw_response().map(|response| response.status());
        let (class, code, message) = match (words, status) {
            (Some((code, message)), _) => {
                let message = message.unwrap_or_default();
                (
                    classify(code, message, operation),
                    code.to_owned(),
                    message.to_owned(),
                )
            }
            (None, Some(status)) if !status.is_success() => {
                let code = format!("HTTP {status}");
                (classify_status(status.as_u16()), code, String::new())
            }
            (None, _) => return Self::unanswered(failed),
        };
        let request_id = failed.request_id().map(str::to_owned);
        Self::new(
            class,
            Cause::Refusal(Box::new(Refusal {
                code,
                message,
                request_id,
                whose: String::new(),
            })),
        )
    }

    pub(super) fn not_signed_in(source: aws::Error) -> Self {
        Self::new(Class::Identity, Cause::NotSignedIn(source))
    }

    pub(super) fn incomplete(missing: &'static str) -> Self {
        Self::new(Class::Refused, Cause::Incomplete(missing))
    }

    pub(super) fn ended(ended: Ended) -> Self {
        Self::new(Class::Refused, Cause::Ended(ended))
    }

    pub(super) fn in_class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    pub(super) fn after(self, tries: u32, open: bool) -> Self {
        Self {
            tries,
            open,
            ..self
        }
    }

    /// With the words for whose credentials were sent.
    pub(super) fn of_whom(mut self, whose: String) -> Self {
        if let Cause::Refusal(refusal) = &mut self.cause {
            refusal.whose = whose;
        }
        self
    }

    /// Whether what was asked may have been done all the same.
    pub(super) fn leaves_open(&self) -> bool {
        match self.cause {
            Cause::Unreachable(how, _) => !matches!(how, Unreachable::Dns | Unreachable::Tls),
            Cause::Incomplete(_) => true,
            _ => self.class == Class::Transient,
        }
    }

    pub(super) fn into_error(self, operation: Operation, authority: &Arn) -> Error {
        let (authority, attempts) = (authority.clone(), self.tries);
        let asked = Asked {
            operation,
            authority,
            attempts,
            open: self.open,
        };
        match self.cause {
            Cause::Refusal(mut said) => {
                let whose = mem::take(&mut said.whose);
                in_class(self.class, Box::new(said.of(asked)), whose)
            }
            Cause::NotSignedIn(source) => Error::NotSignedIn {
                asked: asked.into(),
                source,
            },
            Cause::Unreachable(how, reason) => Error::Unreachable {
                asked: asked.into(),
                how,
                reason,
            },
            Cause::Incomplete(missing) => Error::Incomplete {
                asked: asked.into(),
                missing,
            },
            Cause::Ended(Ended::Stopped) => Error::Stopped(asked.into()),
            Cause::Ended(Ended::Deadline) => Error::OutOfTime(asked.into()),
        }
    }

    fn unanswered<E: StdError + 'static>(failed: &SdkError<E, HttpResponse>) -> Self {
        if let Some(sign_in) = aws::Error::behind(failed) {
            return Self::not_signed_in(sign_in);
        }
        let how = unreachable(failed);
        let reason = match how {
            Unreachable::Garbled => "the answer is not what AWS sends".to_owned(),
            Unreachable::Timeout => "none came in time".to_owned(),
            _ => aws::error::words(failed),
        };
        Self::new(Class::Unreachable, Cause::Unreachable(how, reason))
    }

    fn new(class: Class, cause: Cause) -> Self {
        Self {
            class,
            cause,
            tries: 0,
            open: false,
        }
    }
}

impl Refusal {
    fn of(self, asked: Asked) -> Answer {
        let Self {
            code,
            message,
            request_id,
            ..
        } = self;
        Answer {
            asked,
            code,
            message,
            request_id,
        }
    }
}

fn in_class(class: Class, answer: Box<Answer>, whose: String) -> Error {
    match class {
        Class::Throttled => Error::Throttled(answer),
        Class::Transient | Class::Unreachable | Class::Pending | Class::Failed => {
            Error::Unavailable(answer)
        }
        Class::Limit => Error::LimitExceeded(answer),
        Class::Denied => Error::AccessDenied(answer),
        Class::Identity | Class::Skewed => Error::IdentityRefused { answer, whose },
        Class::Missing => Error::NotFound(answer),
        Class::State | Class::Settling => Error::InvalidState(answer),
        Class::Invalid => Error::Invalid(answer),
        Class::Refused => Error::Refused(answer),
    }
}

fn unreachable<E: StdError + 'static>(failed: &SdkError<E, HttpResponse>) -> Unreachable {
    let within =
        |found: fn(&(dyn StdError + 'static)) -> bool| aws::error::chain(failed).any(found);
    match failed {
        SdkError::TimeoutError(_) => Unreachable::Timeout,
        SdkError::ResponseError(_) => Unreachable::Garbled,
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() => Unreachable::Timeout,
        _ if within(|cause| cause.is::<rustls::Error>()) => Unreachable::Tls,
        // Neither hyper nor std have a type or kind for it.
        _ if within(|cause| cause.to_string() == "dns error") => Unreachable::Dns,
        _ => Unreachable::Connection,
    }
}
