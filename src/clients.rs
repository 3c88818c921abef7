//! What reaches the world: an authority per CA and a cluster per target, made on first use and
//! shared, so that a fleet of one stack asks each once.

mod clusters;
mod recent;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::rand;
use serde::Deserialize;

use crate::aws::{self, AcmPca, Agent, SignIn, Until};
use crate::eks::ClusterArn;
use crate::kms::Kms;
use crate::pca::{Arn, Authority, Token};
use crate::provider::RefreshFailure;
use crate::terraform::schema::Partial;
use crate::terraform::value::Unreadable;
use crate::terraform::{Clock, Dynamic};
pub use clusters::{Connected, NoCluster};

use clusters::Clusters;

/// What the provider's configuration leads to. Nothing is reached before it is asked for, and what
/// is not known yet keeps only those from working who need it.
pub struct Clients {
    /// That of the provider's own settings.
    identity: Result<Arc<SignIn>, NoSignIn>,
    acmpca: Result<Option<AcmPca>, Unreadable>,
    sign_in: OnceLock<Result<Arc<SignIn>, aws::Error>>,
    authorities: Mutex<BTreeMap<String, Arc<Authority>>>,
    /// By region; `None` is the provider's own.
    kms: Mutex<BTreeMap<Option<String>, Arc<Kms>>>,
    clusters: Clusters,
    refresh_failure: RefreshFailure,
}

/// Why there is no identity to ask AWS with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoSignIn {
    /// The provider's settings are not known yet, or cannot be read.
    #[error(transparent)]
    Settings(#[from] Unreadable),
    /// The settings lead nowhere.
    #[error(transparent)]
    SignIn(#[from] aws::Error),
}

/// The blocks of the provider that occur at most once.
#[derive(Deserialize)]
struct AcmPcaBlock {
    acmpca: Vec<AcmPca>,
}

impl Clients {
    /// Reads what is known of the provider's settings.
    pub fn new(
        settings: &Dynamic,
        agent: &Agent,
        refresh_failure: RefreshFailure,
        clock: Clock,
    ) -> Self {
        let whole = Partial::new(settings);
        let acmpca = whole.read_whole::<AcmPcaBlock>();
        let own = whole.read_whole::<aws::Settings>();
        let identity = own
            .map_err(NoSignIn::Settings)
            .and_then(|own| Ok(Arc::new(aws::sign_in(&own, agent)?)));
        Self {
            identity,
            acmpca: acmpca.map(|block| block.acmpca.into_iter().next()),
            sign_in: OnceLock::new(),
            authorities: Mutex::default(),
            kms: Mutex::default(),
            clusters: Clusters::new(&whole, clock),
            refresh_failure,
        }
    }

    /// The CA of that ARN; who asks for the same one gets the same answer.
    ///
    /// # Errors
    ///
    /// When the provider's settings lead to no sign-in. AWS is not asked.
    pub fn authority(&self, arn: &Arn) -> Result<Arc<Authority>, NoSignIn> {
        let sign_in = self.sign_in()?;
        let mut authorities = self
            .authorities
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let made = || {
            Arc::new(Authority::new(
                arn.clone(),
                sign_in,
                u64::from_be_bytes(random()),
            ))
        };
        Ok(Arc::clone(
            authorities.entry(arn.to_string()).or_insert_with(made),
        ))
    }

    /// The cluster of that ARN, or that of the provider's `kubernetes {}` block. Who asks for the same one at the
    /// same time waits for one look at EKS and shares it; a failure is not kept, because a cluster may come into
    /// being in the same run.
    ///
    /// # Errors
    ///
    /// When the settings do not name one, or EKS does not lead to it before the end. The cluster itself is not
    /// asked.
    pub async fn cluster(
        &self,
        named: Option<&ClusterArn>,
        until: Until<'_>,
    ) -> Result<Connected, NoCluster> {
        let identity = self.identity.as_ref().map_err(Clone::clone);
        until.cutting(self.clusters.reach(named, identity)).await
    }

    /// KMS of that region, or of the provider's own; who asks for the same one gets the same answer. It
    /// signs in as the provider does, not as `acmpca {}` says.
    ///
    /// # Errors
    ///
    /// When the provider's settings lead to no sign-in. AWS is not asked.
    pub fn kms(&self, region: Option<&str>) -> Result<Arc<Kms>, NoSignIn> {
        let sign_in = self.identity.as_ref().map_err(Clone::clone)?;
        let region = region.map(str::to_owned);
        let mut known = self.kms.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            let seed = u64::from_be_bytes(random());
            Arc::new(Kms::new(Arc::clone(sign_in), region.clone(), seed))
        };
        Ok(Arc::clone(known.entry(region.clone()).or_insert_with(made)))
    }

    /// Whether a look that fails leaves the state as it is.
    pub fn keeps_state_when_unreadable(&self) -> bool {
        self.refresh_failure == RefreshFailure::Warn
    }

    /// A token that no other order has.
    pub fn token(&self) -> Token {
        Token::new(random())
    }

    fn sign_in(&self) -> Result<Arc<SignIn>, NoSignIn> {
        let acmpca = self.acmpca.as_ref().map_err(Clone::clone)?;
        let outer = self.identity.as_ref().map_err(Clone::clone)?;
        let made = || match acmpca {
            Some(block) => Ok(Arc::new(outer.for_acmpca(block)?)),
            None => Ok(Arc::clone(outer)),
        };
        self.sign_in
            .get_or_init(made)
            .clone()
            .map_err(NoSignIn::SignIn)
    }
}

/// An id that no other object has.
pub fn random_id() -> String {
    random::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Bytes that nobody can guess.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's source of randomness answers");
    bytes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::aws::patience::Ended;

    fn clients(acmpca: Dynamic) -> Clients {
        let settings = [("region", "eu-west-1".into()), ("acmpca", acmpca)];
        let clock: Clock = Arc::new(crate::terraform::wall_clock);
        Clients::new(
            &Dynamic::from(settings),
            &Agent::default(),
            RefreshFailure::default(),
            clock,
        )
    }

    #[test]
    fn kms_is_one_for_each_region_and_shared() {
        let clients = clients(Dynamic::List(Vec::new()));
        let regions = [None, Some("us-east-1"), Some("us-west-2")];
        let first = regions.map(|region| clients.kms(region).unwrap());
        let again = regions.map(|region| clients.kms(region).unwrap());
        for (nth, one) in first.iter().enumerate() {
            let same: Vec<_> = again.iter().map(|other| Arc::ptr_eq(one, other)).collect();
            assert_eq!(same.iter().position(|same| *same), Some(nth));
            assert_eq!(same.iter().filter(|same| **same).count(), 1);
        }
    }

    #[tokio::test]
    async fn a_cluster_is_not_looked_for_once_the_host_has_asked_to_stop() {
        let clients = clients(Dynamic::List(Vec::new()));
        let stop = CancellationToken::new();
        stop.cancel();
        let until = Until::within(Duration::from_secs(60), &stop);
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/mesh-a";
        let looked = clients.cluster(Some(&arn.parse().unwrap()), until).await;
        assert!(matches!(looked, Err(NoCluster::Ended(Ended::Stopped))));
    }

    #[test]
    fn kms_does_not_sign_in_as_the_block_for_private_ca_says() {
        let clients = clients(Dynamic::UNKNOWN);
        let arn = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/\
                   11111111-2222-3333-4444-555555555555";
        assert!(clients.authority(&arn.parse().unwrap()).is_err());
        assert!(clients.kms(None).is_ok());
    }
}
