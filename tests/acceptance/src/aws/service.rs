//! The services behind the one door, as far as they differ there.

use super::answer::{Failure, Protocol};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Pca,
    Kms,
    Eks,
    Sts,
}

impl Service {
    pub(super) fn protocol(self) -> Protocol {
        match self {
            Self::Pca | Self::Kms => Protocol::Json,
            Self::Eks => Protocol::RestJson,
            Self::Sts => Protocol::Query,
        }
    }

    /// The service's name in the scope of a signature.
    pub(super) fn signing_name(self) -> &'static str {
        match self {
            Self::Pca => "acm-pca",
            Self::Kms => "kms",
            Self::Eks => "eks",
            Self::Sts => "sts",
        }
    }

    /// How it says that there were too many calls.
    pub(super) fn throttling(self) -> Failure {
        match self {
            Self::Pca => Failure::throttling(),
            Self::Kms => Failure::kms_throttling(),
            Self::Eks => Failure::too_many_requests(),
            Self::Sts => Failure::of("Throttling", "Rate exceeded"),
        }
    }
}
