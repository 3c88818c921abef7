//! Why KMS does not give a key, with the facts that words for the user need.

mod reading;

use std::error::Error as StdError;
use std::fmt;

use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

pub use reading::{Denial, KeyState};

use super::KeyId;
use super::class::{Class, classify};
use crate::aws;
use crate::aws::Unreachable;
use crate::aws::patience::Ended;
use crate::aws::refusal::Failed;
use crate::aws::retry::{Course, Failing, Worth};

/// What was being asked of KMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names are those of the API, and of IAM's actions"
)]
pub enum Operation {
    GenerateDataKey,
    Decrypt,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What was asked, with which key, where and how often: the facts of every error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What was asked; as an IAM action, `kms:` and this.
    pub operation: Operation,
    /// With which key, as the user named it.
    pub key: KeyId,
    /// Where KMS was asked, as far as that is known.
    pub region: Option<String>,
    /// How often it was asked; zero where nothing was sent.
    pub attempts: u32,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with the KMS key {}", self.operation, self.key)?;
        match (self.key.region(), &self.region) {
            (None, Some(region)) => write!(f, " in {region}"),
            _ => Ok(()),
        }
    }
}

/// A refusal by AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is refused.
    pub asked: Asked,
    /// AWS's name of the error, or `HTTP 503` where the answer names none.
    pub code: String,
    /// AWS's own words, the first line of them: what follows may quote the request. Empty where there are
    /// none.
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

/// Why KMS gave no key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// Nothing says in which region the key is.
    #[error("no region is known for {0}")]
    NoRegion(Box<Asked>),
    /// There is no identity to ask with.
    #[error("no sign-in for {asked}: {source}")]
    NotSignedIn {
        /// What was to be asked.
        asked: Box<Asked>,
        /// Why not.
        source: Box<aws::Error>,
    },
    /// The host asked to stop.
    #[error("{0} stopped")]
    Stopped(Box<Asked>),
    /// The operation's time was over.
    #[error("no time left for {0}")]
    OutOfTime(Box<Asked>),
    /// No answer from KMS.
    #[error("no answer to {asked}: {reason}")]
    Unreachable {
        /// What was asked.
        asked: Box<Asked>,
        /// In which way.
        how: Unreachable,
        /// The network's own words.
        reason: String,
    },
    /// KMS answered without what it promises to answer, or for another key.
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
    /// AWS's side, or the key store behind the key, has a problem, still after all retries.
    #[error("{0}")]
    Unavailable(Box<Answer>),
    /// No such key or alias in that region and account.
    #[error("{0}")]
    NotFound(Box<Answer>),
    /// Somebody disabled the key; enabling it again is enough.
    #[error("{0}")]
    Disabled(Box<Answer>),
    /// The key is in another state in which nothing can be done with it.
    #[error("{answer}")]
    InvalidState {
        /// How AWS says so.
        answer: Box<Answer>,
        /// In which state, as far as AWS says.
        state: KeyState,
    },
    /// The key is none for sealing: it signs, makes MACs, or is asymmetric.
    #[error("{0}")]
    WrongKind(Box<Answer>),
    /// The caller may not, by IAM, the key's policy or its grants.
    #[error("{answer}")]
    AccessDenied {
        /// How AWS says so.
        answer: Box<Answer>,
        /// What can be read out of it.
        denial: Denial,
    },
    /// It was not sealed under this encryption context, or was changed since.
    #[error("{0}")]
    SealedOtherwise(Box<Answer>),
    /// It was sealed with another key.
    #[error("{0}")]
    OtherKey(Box<Answer>),
    /// AWS does not know the credentials, or no longer.
    #[error("{answer}")]
    IdentityRefused {
        /// How AWS says so.
        answer: Box<Answer>,
        /// Whose they are, in the words of [`aws::SignIn::whose`].
        whose: String,
    },
    /// Refused for a reason that this provider does not know.
    #[error("{0}")]
    Refused(Box<Answer>),
}

impl Error {
    /// What was asked, with which key.
    pub fn asked(&self) -> &Asked {
        match self {
            Self::NoRegion(asked) | Self::Stopped(asked) | Self::OutOfTime(asked) => asked,
            Self::NotSignedIn { asked, .. } | Self::Unreachable { asked, .. } => asked,
            Self::Incomplete { asked, .. } => asked,
            Self::Throttled(answer) | Self::Unavailable(answer) => &answer.asked,
            Self::NotFound(answer) | Self::Disabled(answer) => &answer.asked,
            Self::InvalidState { answer, .. } | Self::WrongKind(answer) => &answer.asked,
            Self::AccessDenied { answer, .. } | Self::SealedOtherwise(answer) => &answer.asked,
            Self::IdentityRefused { answer, .. } | Self::OtherKey(answer) => &answer.asked,
            Self::Refused(answer) => &answer.asked,
        }
    }
}

/// One failed try, not yet an error: some pass.
#[derive(Debug)]
pub(super) struct Failure {
    class: Class,
    cause: Cause,
    course: Course,
}

#[derive(Debug)]
enum Cause {
    Refusal {
        code: String,
        message: String,
        request_id: Option<String>,
    },
    NoRegion,
    NotSignedIn(Box<aws::Error>),
    Unreachable(Unreachable, String),
    Incomplete(&'static str),
    Ended(Ended),
}

impl Failure {
    pub(super) fn of<E>(failed: &SdkError<E, HttpResponse>) -> Self
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
        let class = classify(&said.name, &said.message);
        let message = said.message.lines().next().unwrap_or_default();
        let refusal = Cause::Refusal {
            code: said.name.to_string(),
            message: message.to_owned(),
            request_id: said.request_id,
        };
        Self::new(class, refusal)
    }

    pub(super) fn not_signed_in(source: aws::Error) -> Self {
        Self::new(Class::Identity, Cause::NotSignedIn(source.into()))
    }

    pub(super) fn no_region() -> Self {
        Self::new(Class::Refused, Cause::NoRegion)
    }

    pub(super) fn incomplete(missing: &'static str) -> Self {
        Self::new(Class::Refused, Cause::Incomplete(missing))
    }

    pub(super) fn into_error(
        self,
        operation: Operation,
        key: &KeyId,
        region: Option<String>,
        whose: impl FnOnce() -> String,
    ) -> Error {
        let sent = !matches!(self.cause, Cause::NoRegion | Cause::NotSignedIn(_));
        let asked = Asked {
            operation,
            key: key.clone(),
            region,
            attempts: if sent { self.course.tries } else { 0 },
        };
        match self.cause {
            Cause::Refusal {
                code,
                message,
                request_id,
            } => {
                let answer = Answer {
                    asked,
                    code,
                    message,
                    request_id,
                };
                in_class(self.class, answer.into(), whose)
            }
            Cause::NoRegion => Error::NoRegion(asked.into()),
            Cause::NotSignedIn(source) => {
                let asked = asked.into();
                Error::NotSignedIn { asked, source }
            }
            Cause::Unreachable(how, reason) => Error::Unreachable {
                asked: asked.into(),
                how,
                reason,
            },
            Cause::Incomplete(missing) => {
                let asked = asked.into();
                Error::Incomplete { asked, missing }
            }
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

    /// A data key that nobody got, or that was opened for nobody, is nothing that exists.
    fn leaves_open(&self) -> bool {
        false
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

fn in_class(class: Class, answer: Box<Answer>, whose: impl FnOnce() -> String) -> Error {
    match class {
        Class::Throttled => Error::Throttled(answer),
        Class::Transient | Class::Unreachable => Error::Unavailable(answer),
        Class::Missing => Error::NotFound(answer),
        Class::Disabled => Error::Disabled(answer),
        Class::State => {
            let state = KeyState::read(&answer.message);
            Error::InvalidState { answer, state }
        }
        Class::Kind => Error::WrongKind(answer),
        Class::Denied => {
            let denial = Denial::read(&answer.message);
            Error::AccessDenied { answer, denial }
        }
        Class::SealedOtherwise => Error::SealedOtherwise(answer),
        Class::OtherKey => Error::OtherKey(answer),
        Class::Identity | Class::Skewed => {
            let whose = whose();
            Error::IdentityRefused { answer, whose }
        }
        Class::Refused => Error::Refused(answer),
    }
}
