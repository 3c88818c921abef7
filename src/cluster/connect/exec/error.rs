//! Why a program gives no credential. Nothing that it printed is ever told, and of what it complained, little.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use super::answer::BadAnswer;
use crate::cluster::door::NoPass;

/// Why a program is not run at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProgram {
    /// Nothing to run.
    #[error("expected a command")]
    NoCommand,
    /// Programs answer in the form that they are asked in, so it has to be said.
    #[error("expected an API version, {}", versions())]
    NoVersion,
    /// A form that was dropped with Kubernetes 1.24.
    #[error(
        "the API version client.authentication.k8s.io/v1alpha1 is gone since Kubernetes 1.24, expected {}: \
         programs that knew it know v1beta1, as \"aws eks update-kubeconfig\" writes it today",
        versions()
    )]
    Alpha,
    /// Another form.
    #[error("expected the API version {}, got {got:?}", versions())]
    Version {
        /// What was written.
        got: String,
    },
    /// A program that wants to ask somebody, and there is nobody.
    #[error(
        "interactiveMode is Always, but there is no terminal to ask at, expected Never or IfAvailable"
    )]
    Interactive,
    /// A variable that no environment can have.
    #[error("expected the name of an environment variable, got {name:?}")]
    Variable {
        /// The name.
        name: String,
    },
}

/// A program that was run, or should have been, without success.
#[derive(Debug, thiserror::Error)]
#[error("the program {command:?} {why}")]
pub(super) struct Failed {
    pub(super) command: String,
    #[source]
    pub(super) why: Why,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    #[error("is not there{}; a cluster of EKS needs none where eks_cluster_name names it", Hint(hint.as_deref()))]
    Missing { hint: Option<String> },
    #[error("cannot be run: {source}")]
    NotRun { source: io::Error },
    #[error("did not end within {} s and was stopped; {last_words}", patience.as_secs_f64())]
    Late {
        patience: Duration,
        last_words: String,
    },
    #[error("printed more than a credential can be long")]
    TooLong,
    #[error("failed ({how}); {last_words}")]
    Ended { how: ExitStatus, last_words: String },
    #[error("{0}")]
    Answer(BadAnswer),
}

impl From<Failed> for NoPass {
    fn from(failed: Failed) -> Self {
        Self {
            is_transient: matches!(failed.why, Why::Late { .. }),
            why: failed.to_string(),
        }
    }
}

struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

fn versions() -> &'static str {
    "client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1"
}
