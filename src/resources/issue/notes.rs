//! What is noted beside a certificate: in the state, in clear, so never a key that the user did not
//! put there.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Issued;
use crate::kms::KeyId;
use crate::pca::CertificateArn;
use crate::pki::{Fingerprint, Hold, Horizon};
use crate::resources::custody::Kept;

/// Notes about a certificate.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::resources) struct Notes {
    /// When the certificate was issued; its `not_before` lies an hour earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::resources) issued_at: Option<Timestamp>,
    /// Whether the CA issues for seven days at most.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::resources) short_lived: bool,
    /// Puts a renewal off that a plan made just before it did not see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::resources) hold: Option<Hold>,
    /// Until when the CA can issue, as it was last seen. The same from day to day, until somebody
    /// renews the CA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::resources) horizon: Option<Horizon>,
    /// An order that AWS had taken when the run ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::resources) pending: Option<Pending>,
}

impl Notes {
    /// Writes or removes the hold on a renewal, as a read at that moment does.
    pub(in crate::resources) fn look_at_the_clock(&mut self, issued: &Issued, now: Timestamp) {
        let moments = issued.renew_at.zip(issued.path_not_after);
        self.hold = moments.and_then(|(renew_at, end)| Hold::after_read(now, renew_at, end));
    }
}

/// An order of which only the certificate is missing.
#[derive(Clone, PartialEq, Deserialize, Serialize)]
pub(in crate::resources) struct Pending {
    /// What to fetch.
    pub(in crate::resources) certificate_arn: CertificateArn,
    /// Digest of the settings that it was placed with.
    pub(in crate::resources) order_sha256: Fingerprint,
    /// Why it was placed.
    pub(in crate::resources) reason: String,
    /// When it was placed.
    pub(in crate::resources) ordered_at: Timestamp,
    /// The end that was asked for.
    pub(in crate::resources) not_after: Timestamp,
    /// Digest of the key that it is for; null where no later run can have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::resources) public_key_sha256: Option<Fingerprint>,
    /// What the user called the KMS key that sealed it, where one did: the seal itself says only which key that was
    /// behind the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::resources) kms_key_id: Option<KeyId>,
    /// The key itself, under a custody that keeps keys in the state. Without its key the certificate
    /// is of no use, and another one is ordered.
    #[serde(flatten)]
    pub(in crate::resources) kept: Kept,
}
