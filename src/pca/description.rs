//! What AWS says about a CA.

use std::fmt;

use aws_sdk_acmpca::primitives::DateTime;
use aws_sdk_acmpca::types;
use jiff::Timestamp;

use super::CaKeyAlgorithm;

/// The answer of DescribeCertificateAuthority, as far as it matters for issuing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Only an active CA issues.
    pub status: Status,
    /// Root or subordinate; `None` where AWS does not say.
    pub ca_type: Option<CaType>,
    /// What it signs with.
    pub key_algorithm: CaKeyAlgorithm,
    /// How long what it issues may live.
    pub usage_mode: UsageMode,
    /// From the CA's certificate; absent until it has one.
    pub not_before: Option<Timestamp>,
    /// The end of the CA's certificate, which nothing that it issues may reach.
    pub not_after: Option<Timestamp>,
    /// Whose it is; another account's than the caller's where it is shared.
    pub owner_account: Option<String>,
    /// Why a CA is `FAILED`, in AWS's words.
    pub failure_reason: Option<String>,
    /// Until when a `DELETED` CA can be brought back.
    pub restorable_until: Option<Timestamp>,
}

/// Where a CA is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the API")]
pub enum Status {
    Creating,
    PendingCertificate,
    Active,
    Disabled,
    Deleted,
    Expired,
    Failed,
    /// Newer than this provider, or not said.
    Other(String),
}

/// Place of a CA in its hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum CaType {
    Root,
    Subordinate,
}

/// What a CA was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageMode {
    /// Certificates of any length.
    GeneralPurpose,
    /// Certificates of seven days at most, whatever the template.
    ShortLived,
}

impl Status {
    /// AWS's name of it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Creating => "CREATING",
            Self::PendingCertificate => "PENDING_CERTIFICATE",
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
            Self::Deleted => "DELETED",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for Status {
    fn from(name: &str) -> Self {
        match name {
            "CREATING" => Self::Creating,
            "PENDING_CERTIFICATE" => Self::PendingCertificate,
            "ACTIVE" => Self::Active,
            "DISABLED" => Self::Disabled,
            "DELETED" => Self::Deleted,
            "EXPIRED" => Self::Expired,
            "FAILED" => Self::Failed,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Description {
    /// `None` where AWS leaves out what nothing can be decided without: the key.
    pub(super) fn read(ca: &types::CertificateAuthority) -> Option<Self> {
        let configuration = ca.certificate_authority_configuration()?;
        let short_lived = types::CertificateAuthorityUsageMode::ShortLivedCertificate;
        Some(Self {
            status: Status::from(
                ca.status()
                    .map_or("", types::CertificateAuthorityStatus::as_str),
            ),
            ca_type: ca.r#type().and_then(|it| ca_type(it.as_str())),
            key_algorithm: CaKeyAlgorithm::from(configuration.key_algorithm().as_str()),
            usage_mode: match ca.usage_mode() {
                Some(mode) if *mode == short_lived => UsageMode::ShortLived,
                _ => UsageMode::GeneralPurpose,
            },
            not_before: ca.not_before().and_then(moment),
            not_after: ca.not_after().and_then(moment),
            owner_account: ca.owner_account().map(str::to_owned),
            failure_reason: ca.failure_reason().map(|it| it.as_str().to_owned()),
            restorable_until: ca.restorable_until().and_then(moment),
        })
    }
}

fn ca_type(name: &str) -> Option<CaType> {
    match name {
        "ROOT" => Some(CaType::Root),
        "SUBORDINATE" => Some(CaType::Subordinate),
        _ => None,
    }
}

/// Certificates count in whole seconds.
fn moment(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(at.secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_api_has_its_name() {
        for name in types::CertificateAuthorityStatus::values() {
            let status = Status::from(*name);
            assert_eq!(status.as_str(), *name);
            assert!(!matches!(status, Status::Other(_)), "{name}");
        }
        assert_eq!(Status::from("NEW").to_string(), "NEW");
    }
}
