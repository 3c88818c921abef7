//! What reaches the world: an authority per CA and the cluster, made on first use and shared, so
//! that a fleet of one stack asks each once.

use std::collections::BTreeMap;
use std::env;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_lc_rs::rand;
use serde::Deserialize;

use crate::aws::{self, AcmPca, Agent, SignIn};
use crate::cluster::{self, Cluster, ConnectError, Resolved, SettingsError};
use crate::pca::{Arn, Authority, Token};
use crate::provider::RefreshFailure;
use crate::terraform::Dynamic;
use crate::terraform::schema::Partial;
use crate::terraform::value::Unreadable;

/// What the provider's configuration leads to. Nothing is reached before it is asked for, and what
/// is not known yet keeps only those from working who need it.
pub struct Clients {
    aws: Result<aws::Settings, Unreadable>,
    acmpca: Result<Option<AcmPca>, Unreadable>,
    kubernetes: Result<cluster::Settings, Unreadable>,
    agent: Agent,
    sign_in: OnceLock<Result<Arc<SignIn>, aws::Error>>,
    authorities: Mutex<BTreeMap<String, Arc<Authority>>>,
    cluster: OnceLock<Result<Cluster, NoCluster>>,
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

/// Why there is no cluster to speak to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoCluster {
    /// The provider's settings are not known yet, or cannot be read.
    #[error(transparent)]
    Settings(#[from] Unreadable),
    /// The settings do not name one cluster.
    #[error(transparent)]
    Target(Arc<SettingsError>),
    /// Its certificates or keys cannot be used.
    #[error(transparent)]
    Connect(Arc<ConnectError>),
}

impl NoCluster {
    /// Whether an apply may tell what is missing.
    pub fn is_not_known_yet(&self) -> bool {
        matches!(self, Self::Settings(Unreadable::NotYetKnown { .. }))
    }
}

/// The blocks of the provider that occur at most once.
#[derive(Deserialize)]
struct AcmPcaBlock {
    acmpca: Vec<AcmPca>,
}

#[derive(Deserialize)]
struct KubernetesBlock {
    kubernetes: Vec<cluster::Settings>,
}

impl Clients {
    /// Reads what is known of the provider's settings.
    pub fn new(settings: &Dynamic, agent: Agent, refresh_failure: RefreshFailure) -> Self {
        let whole = Partial::new(settings);
        let acmpca = whole.read_whole::<AcmPcaBlock>();
        let kubernetes = whole.read_whole::<KubernetesBlock>();
        Self {
            aws: whole.read_whole(),
            acmpca: acmpca.map(|block| block.acmpca.into_iter().next()),
            kubernetes: kubernetes
                .map(|block| block.kubernetes.into_iter().next().unwrap_or_default()),
            agent,
            sign_in: OnceLock::new(),
            authorities: Mutex::default(),
            cluster: OnceLock::new(),
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

    /// The cluster of the provider's `kubernetes {}` block.
    ///
    /// # Errors
    ///
    /// When the settings do not name one. The cluster is not asked.
    pub fn cluster(&self) -> Result<&Cluster, NoCluster> {
        self.cluster
            .get_or_init(|| self.connect())
            .as_ref()
            .map_err(Clone::clone)
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
        let settings = self.aws.as_ref().map_err(Clone::clone)?;
        let acmpca = self.acmpca.as_ref().map_err(Clone::clone)?;
        let made = || {
            let outer = Arc::new(aws::sign_in(settings, &self.agent)?);
            match acmpca {
                Some(block) => Ok(Arc::new(outer.for_acmpca(block)?)),
                None => Ok(outer),
            }
        };
        self.sign_in
            .get_or_init(made)
            .clone()
            .map_err(NoSignIn::SignIn)
    }

    fn connect(&self) -> Result<Cluster, NoCluster> {
        let settings = self.kubernetes.as_ref().map_err(Clone::clone)?;
        let environment = |name: &str| env::var(name).ok();
        let resolved = cluster::resolve(settings, &environment, &|path| std::fs::read(path))
            .map_err(|error| NoCluster::Target(Arc::new(error)))?;
        let Resolved::Target(target) = resolved else {
            unimplemented!("in the next step")
        };
        Cluster::connect(&target).map_err(|error| NoCluster::Connect(Arc::new(error)))
    }
}

/// An id that no other object has.
pub fn random_id() -> String {
    random::<16>()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system's source of randomness answers");
    bytes
}
