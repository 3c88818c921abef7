//! Why EKS does not lead to a cluster.

use std::fmt;

use aws_sdk_eks::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eks::operation::describe_cluster::DescribeClusterError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::aws;
use crate::aws::error::words;

/// A cluster as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The cluster's name.
    pub name: String,
    /// Where it was looked for.
    pub region: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EKS cluster {:?} in {}", self.name, self.region)
    }
}

/// Why EKS does not lead to a cluster.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// EKS knows no cluster of that name there, among those of the account that asked.
    #[error("there is no {place}{}", of(account.as_deref()))]
    Absent {
        /// What was looked for.
        place: Place,
        /// Whose clusters were looked through, where that could be found out.
        account: Option<String>,
    },
    /// The cluster is not to be had: on its way in or out, or failed.
    #[error("the {place} is {status}")]
    NotReady {
        /// Which.
        place: Place,
        /// EKS's name of its state.
        status: String,
    },
    /// IAM does not let it be described.
    #[error("not allowed to describe the {place}: {message}")]
    Denied {
        /// Which.
        place: Place,
        /// AWS's own words.
        message: String,
    },
    /// There is no identity to ask with.
    #[error("no sign-in to describe the {place}: {source}")]
    NotSignedIn {
        /// What was to be asked.
        place: Place,
        /// Why not.
        source: Box<aws::Error>,
    },
    /// AWS does not take the credentials.
    #[error("{code}: {message}")]
    IdentityRefused {
        /// What was asked.
        place: Place,
        /// AWS's name of the error, such as `ExpiredTokenException`.
        code: String,
        /// AWS's own words, the first line of them: what follows may quote the request.
        message: String,
        /// Where the credentials came from, in words.
        whose: String,
    },
    /// EKS did not answer.
    #[error("no answer about the {place}: {reason}")]
    Unreachable {
        /// What was asked.
        place: Place,
        /// The network's own words.
        reason: String,
    },
    /// EKS refused for another reason.
    #[error("describing the {place} was refused: {code}: {message}")]
    Refused {
        /// What was asked.
        place: Place,
        /// AWS's name of the error.
        code: String,
        /// AWS's own words.
        message: String,
    },
    /// EKS answered without what a ready cluster has.
    #[error("the description of the {place} lacks {missing}")]
    Incomplete {
        /// Which.
        place: Place,
        /// What is missing.
        missing: &'static str,
    },
}

impl Error {
    /// The cluster that is not there, and may come into being by the time of an apply.
    pub fn not_there(&self) -> Option<&Place> {
        match self {
            Self::Absent { place, .. } | Self::NotReady { place, .. } => Some(place),
            _ => None,
        }
    }

    pub(super) fn of(
        place: &Place,
        failed: &SdkError<DescribeClusterError, HttpResponse>,
        whose: impl FnOnce() -> String,
    ) -> Self {
        let place = place.clone();
        if let Some(source) = aws::Error::behind(failed) {
            let source = Box::new(source);
            return Self::NotSignedIn { place, source };
        }
        let Some(refusal) = failed.as_service_error() else {
            let reason = words(failed);
            return Self::Unreachable { place, reason };
        };
        let message = refusal.message().unwrap_or("no message");
        let message = message.lines().next().unwrap_or_default().to_owned();
        match refusal.code().unwrap_or("no error code") {
            "ResourceNotFoundException" => Self::Absent {
                place,
                account: None,
            },
            "AccessDeniedException" | "AccessDenied" => Self::Denied { place, message },
            code if is_of_identity(code) => Self::IdentityRefused {
                place,
                code: code.to_owned(),
                message,
                whose: whose(),
            },
            code => Self::Refused {
                place,
                code: code.to_owned(),
                message,
            },
        }
    }
}

/// Common errors of AWS's APIs.
fn is_of_identity(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
    )
}

fn of(account: Option<&str>) -> String {
    account.map_or_else(String::new, |account| format!(" of account {account}"))
}
