//! Hierarchies for tests: CAs made from Rust, past the API.
//!
//! A builder signs what it is told to, also what AWS would refuse (a subordinate that outlives its
//! root): what was imported from elsewhere can look like that.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::SignedDuration;

use super::super::World;
use super::super::x509::key::{CaKey, KeyAlgorithm, SigningAlgorithm};
use super::super::x509::name;
use super::arn::CaArn;
use super::authority::{Authority, Status, UsageMode};
use super::handle::CaHandle;
use super::install::Signer;

/// A CA to be, see [`crate::aws::Aws::root`] and [`crate::aws::Aws::subordinate`].
#[derive(Debug)]
pub struct CaBuilder {
    world: Arc<World>,
    parent: Option<CaArn>,
    region: String,
    account: String,
    key: KeyAlgorithm,
    common_name: String,
    signing_algorithm: Option<SigningAlgorithm>,
    lifetime: SignedDuration,
    path_length: Option<u8>,
    usage_mode: UsageMode,
    crl_bucket: Option<String>,
}

const ROOT_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);
const SUBORDINATE_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 365 * 5);

impl CaBuilder {
    pub(in super::super) fn root(
        world: Arc<World>,
        account: &str,
        region: &str,
        key: KeyAlgorithm,
    ) -> Self {
        Self {
            world,
            parent: None,
            region: region.to_owned(),
            account: account.to_owned(),
            key,
            common_name: "Example Root CA".to_owned(),
            signing_algorithm: None,
            lifetime: ROOT_LIFETIME,
            path_length: None,
            usage_mode: UsageMode::GeneralPurpose,
            crl_bucket: None,
        }
    }

    pub(in super::super) fn subordinate(world: Arc<World>, parent: &CaHandle) -> Self {
        let key = parent.with(|parent| parent.key.algorithm());
        Self {
            parent: Some(parent.ca_arn().clone()),
            lifetime: SUBORDINATE_LIFETIME,
            common_name: "Example Subordinate CA".to_owned(),
            ..Self::root(world, &parent.account(), &parent.region(), key)
        }
    }

    /// What kind of key; a subordinate has its parent's kind otherwise.
    #[must_use]
    pub fn key(self, key: KeyAlgorithm) -> Self {
        Self { key, ..self }
    }

    /// `SigningAlgorithm` of its configuration, which is not the only one that it signs with; the
    /// usual one of its key otherwise.
    #[must_use]
    pub fn signing_algorithm(self, algorithm: SigningAlgorithm) -> Self {
        Self {
            signing_algorithm: Some(algorithm),
            ..self
        }
    }

    /// The subject's common name.
    #[must_use]
    pub fn common_name(self, common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            ..self
        }
    }

    /// How long its certificate holds from now on: ten years for a root otherwise, five for a
    /// subordinate.
    #[must_use]
    pub fn valid_for(self, lifetime: SignedDuration) -> Self {
        Self { lifetime, ..self }
    }

    /// `pathLenConstraint` of its certificate; none otherwise.
    #[must_use]
    pub fn path_length(self, path_length: u8) -> Self {
        Self {
            path_length: Some(path_length),
            ..self
        }
    }

    /// The account that owns it; a subordinate has its parent's otherwise.
    #[must_use]
    pub fn account(self, account: &str) -> Self {
        Self {
            account: account.to_owned(),
            ..self
        }
    }

    /// The Region that it is in, which says the partition too; a subordinate has its parent's
    /// otherwise.
    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self
        }
    }

    /// General purpose otherwise.
    #[must_use]
    pub fn usage_mode(self, usage_mode: UsageMode) -> Self {
        Self { usage_mode, ..self }
    }

    /// Keeps a CRL in that bucket: what it issues gets a distribution point. The CRL itself is not
    /// served.
    #[must_use]
    pub fn crl(self, bucket: &str) -> Self {
        Self {
            crl_bucket: Some(bucket.to_owned()),
            ..self
        }
    }

    /// Makes the key and the certificate; the CA is active then.
    pub fn create(self) -> CaHandle {
        let key = CaKey::generate(self.key);
        let subject = name::named(&[
            ("Organization", "Example Corp"),
            ("CommonName", &self.common_name),
        ])
        .expect("a UTF8String can be any text");
        let now = self.world.now();
        let mut authorities = self.world.authorities();
        let signer = Signer::of(&authorities, self.parent.as_ref(), &subject, &key);
        let installed = signer.install(&subject, &key, self.path_length, now, now + self.lifetime);
        let arn = CaArn::fresh(&self.region, &self.account);
        authorities.add(Authority {
            arn: arn.clone(),
            signing_algorithm: self
                .signing_algorithm
                .unwrap_or_else(|| key.usual_signing_algorithm()),
            key,
            subject,
            status: Status::Active,
            usage_mode: self.usage_mode,
            parent: self.parent,
            installed,
            crl_bucket: self.crl_bucket,
            created: now,
            status_changed: now,
            shares: HashMap::new(),
            issued: BTreeMap::new(),
            tokens: HashMap::new(),
        });
        drop(authorities);
        CaHandle::new(self.world, arn)
    }
}
