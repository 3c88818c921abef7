//! What can go wrong with a CA, with the facts that words for the user need. AWS's own words are
//! kept, the SDK's are not.

use std::error::Error as StdError;
use std::fmt;
use std::mem;
use std::time::Duration;

use aws_sdk_acmpca::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::retry::{Class, classify};
use super::{Arn, CertificateArn, Unreachable};
use crate::aws;
use crate::aws::patience::Ended;
use crate::aws::refusal::Failed;
use crate::aws::retry::{Course, Failing, Worth};

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
    course: Course,
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
        let said = match Failed::of(failed) {
            Failed::Refused(said) => said,
            Failed::NotSignedIn(source) => return Self::not_signed_in(source),
            Failed::Unreachable(how, reason) => {
                return Self::new(Class::Unreachable, Cause::Unreachable(how, reason));
            }
        };
        let class = classify(&said.name, &said.message, operation);
        let refusal = Refusal {
            code: said.name.to_string(),
            message: said.message,
            request_id: said.request_id,
            whose: String::new(),
        };
        Self::new(class, Cause::Refusal(refusal.into()))
    }

    pub(super) fn not_signed_in(source: aws::Error) -> Self {
        Self::new(Class::Identity, Cause::NotSignedIn(source))
    }

    pub(super) fn incomplete(missing: &'static str) -> Self {
        Self::new(Class::Refused, Cause::Incomplete(missing))
    }

    pub(super) fn in_class(self, class: Class) -> Self {
        Self { class, ..self }
    }

    /// With the words for whose credentials were sent.
    pub(super) fn of_whom(mut self, whose: String) -> Self {
        if let Cause::Refusal(refusal) = &mut self.cause {
            refusal.whose = whose;
        }
        self
    }

    pub(super) fn into_error(self, operation: Operation, authority: &Arn) -> Error {
        let (authority, attempts) = (authority.clone(), self.course.tries);
        let asked = Asked {
            operation,
            authority,
            attempts,
            open: self.course.open,
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

    fn new(class: Class, cause: Cause) -> Self {
        Self {
            class,
            cause,
            course: Course::default(),
        }
    }
}

impl Failing for Failure {
    fn worth(&self) -> Worth {
        self.class.worth()
    }

    fn leaves_open(&self) -> bool {
        match self.cause {
            Cause::Unreachable(how, _) => !matches!(how, Unreachable::Dns | Unreachable::Tls),
            Cause::Incomplete(_) => true,
            _ => self.class == Class::Transient,
        }
    }

    fn after(self, course: Course) -> Self {
        Self { course, ..self }
    }
}

impl From<Ended> for Failure {
    fn from(ended: Ended) -> Self {
        Self::new(Class::Refused, Cause::Ended(ended))
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
