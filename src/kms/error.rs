//! Why KMS does not give a key, with the facts that words for the user need.

mod reading;

use std::fmt;

pub use reading::{Denial, KeyState};

use super::KeyId;
use super::class::{Class, Own};
use crate::aws;
use crate::aws::Unreachable;
use crate::aws::failure;
use crate::aws::failure::Fault;
use crate::aws::refusal::Common;

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

/// A refusal by KMS.
pub type Answer = failure::Answer<Asked>;

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

/// Nothing says in which region the key is.
#[derive(Debug)]
pub(super) struct NoRegion;

/// One failed try.
pub(super) type Failure = failure::Failure<Own, NoRegion>;

impl Error {
    /// What a failure is when no more tries follow.
    pub(super) fn of(
        failed: Failure,
        operation: Operation,
        key: &KeyId,
        region: Option<String>,
        whose: impl FnOnce() -> String,
    ) -> Self {
        let fault = failed.for_good(|course| Asked {
            operation,
            key: key.clone(),
            region,
            attempts: course.tries,
        });
        match fault {
            Fault::Refused(class, answer) => Self::refused(class, answer, whose),
            Fault::Missing(asked, NoRegion) => Self::NoRegion(asked),
            Fault::NotSignedIn(asked, source) => Self::NotSignedIn { asked, source },
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
            Class::Common(Common::Denied) => {
                let denial = Denial::read(&answer.message);
                Self::AccessDenied { answer, denial }
            }
            Class::Common(Common::Identity | Common::Skewed) => {
                let whose = whose();
                Self::IdentityRefused { answer, whose }
            }
            Class::Own(Own::Missing) => Self::NotFound(answer),
            Class::Own(Own::Disabled) => Self::Disabled(answer),
            Class::Own(Own::State) => {
                let state = KeyState::read(&answer.message);
                Self::InvalidState { answer, state }
            }
            Class::Own(Own::Kind) => Self::WrongKind(answer),
            Class::Own(Own::SealedOtherwise) => Self::SealedOtherwise(answer),
            Class::Own(Own::OtherKey) => Self::OtherKey(answer),
            Class::Refused => Self::Refused(answer),
        }
    }
}
