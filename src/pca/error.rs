//! What can go wrong with a CA, with the facts that words for the user need. AWS's own words are
//! kept, the SDK's are not.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use aws_sdk_acmpca::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::retry::{Class, Own, classify};
use super::{Arn, CertificateArn, Unreachable};
use crate::aws;
use crate::aws::failure;
use crate::aws::failure::Fault;
use crate::aws::refusal::Common;

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

/// A refusal by AWS Private CA.
pub type Answer = failure::Answer<Asked>;

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

/// One failed try.
pub(super) type Failure = failure::Failure<Own>;

/// A try of that operation, as the SDK says that it failed.
pub(super) fn failed<E>(operation: Operation, failed: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    Failure::of(failed, |name, message| classify(name, message, operation))
}

impl Error {
    /// What a failure is when no more tries follow.
    pub(super) fn of(
        failed: Failure,
        operation: Operation,
        authority: &Arn,
        whose: impl FnOnce() -> String,
    ) -> Self {
        let fault = failed.for_good(|course| Asked {
            operation,
            authority: authority.clone(),
            attempts: course.tries,
            open: course.open,
        });
        match fault {
            Fault::Refused(class, answer) => Self::refused(class, answer, whose),
            Fault::Missing(_, never) => match never {},
            Fault::NotSignedIn(asked, source) => {
                let source = *source;
                Self::NotSignedIn { asked, source }
            }
            Fault::Unreachable(asked, how, reason) => Self::Unreachable { asked, how, reason },
            Fault::Incomplete(asked, missing) => Self::Incomplete { asked, missing },
            Fault::Stopped(asked) => Self::Stopped(asked),
            Fault::OutOfTime(asked) => Self::OutOfTime(asked),
        }
    }

    fn refused(class: Class, answer: Box<Answer>, whose: impl FnOnce() -> String) -> Self {
        match class {
            Class::Common(Common::Throttled) => Self::Throttled(answer),
            Class::Common(Common::Transient) | Class::Unreachable => Self::Unavailable(answer),
            Class::Common(Common::Denied) => Self::AccessDenied(answer),
            Class::Common(Common::Identity | Common::Skewed) => {
                let whose = whose();
                Self::IdentityRefused { answer, whose }
            }
            Class::Own(Own::Pending | Own::Failed) => Self::Unavailable(answer),
            Class::Own(Own::Limit) => Self::LimitExceeded(answer),
            Class::Own(Own::Missing) => Self::NotFound(answer),
            Class::Own(Own::State | Own::Settling) => Self::InvalidState(answer),
            Class::Own(Own::Invalid) => Self::Invalid(answer),
            Class::Refused => Self::Refused(answer),
        }
    }
}
