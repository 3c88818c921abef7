//! What a refusal by KMS means.

use crate::aws::refusal::{Common, Name};
use crate::aws::retry::Worth;

/// What a refusal means for the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Throttled,
    /// AWS's side, for the moment.
    Transient,
    /// No answer at all.
    Unreachable,
    /// The signature's clock was off.
    Skewed,
    /// AWS does not know the caller's keys, or no longer.
    Identity,
    Denied,
    /// No such key or alias there.
    Missing,
    Disabled,
    /// The key is in another state in which it cannot be used.
    State,
    /// The key is none for sealing.
    Kind,
    /// Sealed under another context, or not by KMS.
    SealedOtherwise,
    /// Sealed with another key.
    OtherKey,
    Refused,
}

/// Judges a refusal by AWS's name for it. Codes: the service model of KMS and the common errors of its API
/// reference.
pub(super) fn classify(name: &Name, message: &str) -> Class {
    let Name::Code(code) = name else {
        return common(name, message);
    };
    match code.as_str() {
        "NotFoundException" => Class::Missing,
        "DisabledException" => Class::Disabled,
        "KMSInvalidStateException" => Class::State,
        "InvalidKeyUsageException" => Class::Kind,
        "InvalidCiphertextException" => Class::SealedOtherwise,
        "IncorrectKeyException" => Class::OtherKey,
        "KMSInternalException" | "DependencyTimeoutException" | "KeyUnavailableException" => {
            Class::Transient
        }
        _ => common(name, message),
    }
}

fn common(name: &Name, message: &str) -> Class {
    match Common::of(name, message) {
        Some(Common::Throttled) => Class::Throttled,
        Some(Common::Transient) => Class::Transient,
        Some(Common::Skewed) => Class::Skewed,
        Some(Common::Identity) => Class::Identity,
        Some(Common::Denied) => Class::Denied,
        None => Class::Refused,
    }
}

impl Class {
    /// How often a call that failed so is worth another try.
    pub(super) fn worth(self) -> Worth {
        match self {
            Self::Throttled => Worth::Waiting,
            Self::Transient | Self::Unreachable => Worth::Passing,
            Self::Skewed => Worth::Once,
            _ => Worth::Nothing,
        }
    }
}
