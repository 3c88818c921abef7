//! A call to AWS that failed, on its way from the SDK's words to the error of the service that was asked: what all
//! services have alike.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::Error;
use super::patience::Ended;
use super::refusal::{Common, Failed, Name, Refusal, Unreachable};
use super::retry::{Course, Failing, Worth};

/// What a failure means for the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class<M> {
    /// What it means of every service.
    Common(Common),
    /// No answer at all.
    Unreachable,
    /// What it means of this service alone.
    Own(M),
    /// Anything else.
    Refused,
}

/// Meanings that refusals have in one service alone.
pub trait Meaning: Copy {
    /// How often a call that was refused so is worth another try.
    fn worth(self) -> Worth {
        Worth::Nothing
    }
}

/// A refusal by AWS of what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<A> {
    /// What is refused.
    pub asked: A,
    /// AWS's name of the error, or `HTTP 503` where the answer names none.
    pub code: String,
    /// AWS's own words, the first line of them: what follows may quote the request. Empty where there are none.
    pub message: String,
    /// What AWS's support asks for.
    pub request_id: Option<String>,
}

/// One failed try, not yet an error: some pass. `N` is what a service finds missing before it sends anything.
#[derive(Debug)]
pub struct Failure<M, N = Infallible> {
    /// What it means.
    pub class: Class<M>,
    cause: Cause<N>,
    course: Course,
}

#[derive(Debug)]
enum Cause<N> {
    Refused(Refusal),
    NotSignedIn(Box<Error>),
    Unreachable(Unreachable, String),
    Incomplete(&'static str),
    Ended(Ended),
    Missing(N),
}

/// A failure for good, and what was asked.
#[derive(Debug)]
pub enum Fault<A, M, N = Infallible> {
    /// The host asked to stop.
    Stopped(Box<A>),
    /// The operation's time was over.
    OutOfTime(Box<A>),
    /// There is no identity to ask with.
    NotSignedIn(Box<A>, Box<Error>),
    /// No answer, with the network's own words.
    Unreachable(Box<A>, Unreachable, String),
    /// AWS answered without that.
    Incomplete(Box<A>, &'static str),
    /// Nothing could be sent without that.
    Missing(Box<A>, N),
    /// AWS said no.
    Refused(Class<M>, Box<Answer<A>>),
}

impl<M: Meaning> Class<M> {
    /// What a refusal means that has no meaning of its own in its service.
    pub fn common(name: &Name, message: &str) -> Self {
        Common::of(name, message).map_or(Self::Refused, Self::Common)
    }

    /// How often a call that failed so is worth another try.
    pub fn worth(self) -> Worth {
        match self {
            Self::Common(Common::Throttled) => Worth::Waiting,
            Self::Common(Common::Transient) | Self::Unreachable => Worth::Passing,
            Self::Common(Common::Skewed) => Worth::Once,
            Self::Common(Common::Identity | Common::Denied) | Self::Refused => Worth::Nothing,
            Self::Own(own) => own.worth(),
        }
    }
}

impl<M, N> Failure<M, N> {
    /// What the SDK says of a call, a refusal judged by `classify`.
    pub fn of<E>(
        failed: &SdkError<E, HttpResponse>,
        classify: impl FnOnce(&Name, &str) -> Class<M>,
    ) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match Failed::of(failed) {
            Failed::Refused(said) => {
                let class = classify(&said.name, &said.message);
                Self::new(class, Cause::Refused(said))
            }
            Failed::NotSignedIn(source) => Self::not_signed_in(source),
            Failed::Unreachable(how, reason) => {
                Self::new(Class::Unreachable, Cause::Unreachable(how, reason))
            }
        }
    }

    /// There is no identity to ask with.
    pub fn not_signed_in(source: Error) -> Self {
        let class = Class::Common(Common::Identity);
        Self::new(class, Cause::NotSignedIn(source.into()))
    }

    /// AWS answered without what it promises to answer.
    pub fn incomplete(missing: &'static str) -> Self {
        Self::new(Class::Refused, Cause::Incomplete(missing))
    }

    /// Nothing can be sent without that.
    pub fn missing(what: N) -> Self {
        Self::new(Class::Refused, Cause::Missing(what))
    }

    /// The same with another meaning.
    #[must_use]
    pub fn in_class(self, class: Class<M>) -> Self {
        Self { class, ..self }
    }

    /// What it is when no more tries follow; `asked` says what was asked, and hears how that went.
    pub fn for_good<A>(self, asked: impl FnOnce(Course) -> A) -> Fault<A, M, N> {
        let sent = !matches!(self.cause, Cause::Missing(_) | Cause::NotSignedIn(_));
        let tries = if sent { self.course.tries } else { 0 };
        let asked = asked(Course {
            tries,
            ..self.course
        });
        match self.cause {
            Cause::Refused(said) => {
                let answer = Answer::new(said, asked);
                Fault::Refused(self.class, answer.into())
            }
            Cause::NotSignedIn(source) => Fault::NotSignedIn(asked.into(), source),
            Cause::Unreachable(how, reason) => Fault::Unreachable(asked.into(), how, reason),
            Cause::Incomplete(missing) => Fault::Incomplete(asked.into(), missing),
            Cause::Missing(what) => Fault::Missing(asked.into(), what),
            Cause::Ended(Ended::Stopped) => Fault::Stopped(asked.into()),
            Cause::Ended(Ended::Deadline) => Fault::OutOfTime(asked.into()),
        }
    }

    fn new(class: Class<M>, cause: Cause<N>) -> Self {
        Self {
            class,
            cause,
            course: Course::default(),
        }
    }
}

impl<M: Meaning, N> Failing for Failure<M, N> {
    fn worth(&self) -> Worth {
        self.class.worth()
    }

    fn leaves_open(&self) -> bool {
        match self.cause {
            Cause::Unreachable(how, _) => !matches!(how, Unreachable::Dns | Unreachable::Tls),
            Cause::Incomplete(_) => true,
            _ => matches!(self.class, Class::Common(Common::Transient)),
        }
    }

    fn after(self, course: Course) -> Self {
        Self { course, ..self }
    }
}

impl<M, N> From<Ended> for Failure<M, N> {
    fn from(ended: Ended) -> Self {
        Self::new(Class::Refused, Cause::Ended(ended))
    }
}

impl<A> Answer<A> {
    fn new(said: Refusal, asked: A) -> Self {
        let message = said.message.lines().next().unwrap_or_default();
        Self {
            asked,
            code: said.name.to_string(),
            message: message.to_owned(),
            request_id: said.request_id,
        }
    }
}

impl<A: fmt::Display> fmt::Display for Answer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused: {}", self.asked, self.code)?;
        match self.message.as_str() {
            "" => Ok(()),
            message => write!(f, ": {message}"),
        }
    }
}
