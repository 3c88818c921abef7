//! A certificate authority, what it has issued, and the collection of all of them.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use x509_cert::name::Name;

use super::super::answer::Failure;
use super::super::x509::certificate::Serial;
use super::super::x509::key::{CaKey, SigningAlgorithm};
use super::access::RamPermission;
use super::arn::CaArn;

/// `Status` of a CA. A CA whose certificate has run out shows itself as expired, whatever was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `CREATING`: no certificate yet.
    Creating,
    /// `PENDING_CERTIFICATE`: no certificate yet.
    PendingCertificate,
    /// `ACTIVE`: the only one that issues.
    Active,
    /// `DELETED`: can still be described while it could be restored.
    Deleted,
    /// `DISABLED`: may be read and may revoke.
    Disabled,
    /// `EXPIRED`
    Expired,
    /// `FAILED`
    Failed,
}

/// `UsageMode` of a CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageMode {
    /// `GENERAL_PURPOSE`
    GeneralPurpose,
    /// `SHORT_LIVED_CERTIFICATE`: nothing it issues may last longer than seven days.
    ShortLivedCertificate,
}

/// A CA with its key.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) arn: CaArn,
    pub(super) key: CaKey,
    pub(super) signing_algorithm: SigningAlgorithm,
    pub(super) subject: Name,
    pub(super) status: Status,
    pub(super) usage_mode: UsageMode,
    /// `None` for a root.
    pub(super) parent: Option<CaArn>,
    pub(super) installed: Installed,
    pub(super) crl_bucket: Option<String>,
    pub(super) created: Timestamp,
    pub(super) status_changed: Timestamp,
    pub(super) shares: HashMap<String, Vec<RamPermission>>,
    pub(super) issued: BTreeMap<Serial, Issued>,
    /// By caller's account and token.
    pub(super) tokens: HashMap<(String, String), Redeemed>,
}

/// The CA's own certificate and what goes with it. It is there from the start;
/// `PENDING_CERTIFICATE` hides it.
#[derive(Clone, Debug)]
pub(super) struct Installed {
    pub(super) certificate: Vec<u8>,
    /// The parents, nearest first, as they were when the certificate was installed; empty for a
    /// root.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) serial: Serial,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) path_length: Option<u8>,
    pub(super) key_identifier: Vec<u8>,
}

/// A certificate that was issued, delivered or not.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) certificate: Vec<u8>,
    /// The issuing CA first, the root last.
    pub(super) chain: Vec<Vec<u8>>,
    pub(super) template: String,
    pub(super) not_after: Timestamp,
    pub(super) delivery: Delivery,
    pub(super) revoked: Option<String>,
}

/// What GetCertificate will do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivery {
    /// How many more times it says that the issuance is in progress.
    pub(super) polls_left: usize,
    /// Whether the issuance turns out to have failed in the end.
    pub(super) fails: bool,
}

/// An idempotency token and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Redeemed {
    pub(super) at: Timestamp,
    pub(super) certificate_arn: String,
}

/// All CAs, and how deliveries go.
#[derive(Debug)]
pub(crate) struct Authorities {
    by_arn: BTreeMap<CaArn, Authority>,
    /// In the order of creation, as a listing shows them.
    order: Vec<CaArn>,
    /// For certificates still to be issued.
    pub(crate) polls_before_delivery: usize,
    /// While true no certificate is delivered.
    pub(crate) deliveries_held: bool,
    /// How many issuances to come fail after the ARN.
    pub(crate) failing_issuances: usize,
}

impl Status {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::PendingCertificate => "PENDING_CERTIFICATE",
            Self::Active => "ACTIVE",
            Self::Deleted => "DELETED",
            Self::Disabled => "DISABLED",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
        }
    }

    /// Whether a CA in this state has a certificate to show.
    pub(super) fn has_certificate(self) -> bool {
        matches!(self, Self::Active | Self::Disabled | Self::Expired)
    }
}

impl UsageMode {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::GeneralPurpose => "GENERAL_PURPOSE",
            Self::ShortLivedCertificate => "SHORT_LIVED_CERTIFICATE",
        }
    }
}

impl Authority {
    pub(super) fn status(&self, now: Timestamp) -> Status {
        if self.status == Status::Active && self.installed.not_after < now {
            Status::Expired
        } else {
            self.status
        }
    }

    /// Its own certificate and those above it: what an issued certificate chains to.
    pub(super) fn path(&self) -> Vec<Vec<u8>> {
        std::iter::once(&self.installed.certificate)
            .chain(&self.installed.chain)
            .cloned()
            .collect()
    }
}

impl Authorities {
    pub(crate) fn new() -> Self {
        Self {
            by_arn: BTreeMap::new(),
            order: Vec::new(),
            // Issuing takes a moment on AWS, so whoever does not wait should find out.
            polls_before_delivery: 1,
            deliveries_held: false,
            failing_issuances: 0,
        }
    }

    pub(super) fn add(&mut self, authority: Authority) {
        self.order.push(authority.arn.clone());
        self.by_arn.insert(authority.arn.clone(), authority);
    }

    pub(super) fn remove(&mut self, arn: &CaArn) {
        self.order.retain(|known| known != arn);
        self.by_arn.remove(arn);
    }

    /// Takes a CA out to be changed beside the others; [`Self::put_back`] follows.
    pub(super) fn take(&mut self, arn: &CaArn) -> Option<Authority> {
        self.by_arn.remove(arn)
    }

    pub(super) fn put_back(&mut self, authority: Authority) {
        self.by_arn.insert(authority.arn.clone(), authority);
    }

    pub(super) fn find(&self, arn: &CaArn) -> Option<&Authority> {
        self.by_arn.get(arn)
    }

    pub(super) fn find_mut(&mut self, arn: &CaArn) -> Option<&mut Authority> {
        self.by_arn.get_mut(arn)
    }

    /// How the next certificate will be delivered.
    pub(super) fn next_delivery(&self) -> Delivery {
        Delivery {
            polls_left: self.polls_before_delivery,
            fails: self.failing_issuances > 0,
        }
    }

    /// Counts an issuance that [`Self::next_delivery`] was used for.
    pub(super) fn delivery_planned(&mut self) {
        self.failing_issuances = self.failing_issuances.saturating_sub(1);
    }

    pub(super) fn in_order(&self) -> impl Iterator<Item = &Authority> {
        self.order.iter().filter_map(|arn| self.by_arn.get(arn))
    }
}

/// The refusal of an operation that the CA's state does not allow.
pub(super) fn invalid_state(message: &str) -> Failure {
    Failure::of("InvalidStateException", message)
}

/// The same for what needs a CA that has its certificate; `purpose` begins with "to".
pub(super) fn wrong_state(authority: &Authority, purpose: &str) -> Failure {
    let arn = &authority.arn;
    invalid_state(&format!(
        "The certificate authority {arn} is not in the correct state {purpose}."
    ))
}
