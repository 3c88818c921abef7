//! Clusters, by what names them, and how EKS leads to them.

use std::collections::BTreeMap;
use std::env;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Deserialize;
use tokio::sync::OnceCell;

use super::NoSignIn;
use super::recent::Recent;
use crate::aws::SignIn;
use crate::aws::patience::Ended;
use crate::cluster::{
    self, Cluster, ConnectError, EksCluster, Found, Issuer, NoPass, Obtaining, Pass, Resolved,
    SecretText, SettingsError, Target,
};
use crate::eks::{
    self, ClusterArn, Described, Eks, NotAClusterArn, Owner, Place, RoleSettings, Unminted,
};
use crate::terraform::schema::Partial;
use crate::terraform::value::Unreadable;
use crate::terraform::{Clock, Path};

/// A cluster that can be spoken to.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Itself.
    pub cluster: Cluster,
    /// Its name in EKS, where EKS led to it.
    pub eks: Option<ClusterArn>,
}

/// Why there is no cluster to speak to.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NoCluster {
    /// The provider's settings are not known yet, or cannot be read.
    #[error(transparent)]
    Settings(#[from] Unreadable),
    /// The settings do not name one cluster.
    #[error(transparent)]
    Target(#[from] Arc<SettingsError>),
    /// Its certificates or keys cannot be used.
    #[error(transparent)]
    Connect(#[from] Arc<ConnectError>),
    /// A text that names no cluster of EKS.
    #[error(transparent)]
    NotAnArn(#[from] NotAClusterArn),
    /// There is no identity to ask EKS with.
    #[error(transparent)]
    SignIn(#[from] NoSignIn),
    /// Nothing says in which region the cluster is.
    #[error("no region is known for the EKS cluster {name:?}")]
    NoRegion {
        /// The cluster's name.
        name: String,
    },
    /// It was being looked for when the time was over, or the host asked to stop.
    #[error("the cluster was still being looked for")]
    Ended(Ended),
    /// EKS does not lead to it.
    #[error(transparent)]
    Eks(#[from] Arc<eks::Error>),
    /// The identity finds another cluster under that name: it looks into another account.
    #[error("{found} was found instead of {wanted}")]
    Another {
        /// What was asked for.
        wanted: Box<ClusterArn>,
        /// What was found.
        found: Box<ClusterArn>,
    },
}

impl From<Ended> for NoCluster {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

impl NoCluster {
    /// Which setting only an apply can tell.
    pub fn not_known_yet(&self) -> Option<&Path> {
        match self {
            Self::Settings(Unreadable::NotYetKnown { path })
            | Self::SignIn(NoSignIn::Settings(Unreadable::NotYetKnown { path })) => Some(path),
            _ => None,
        }
    }

    /// Whether it is of another cluster than that one: the provider was pointed at one that is not there yet.
    pub fn is_of_another(&self, cluster: &ClusterArn) -> bool {
        self.not_there().is_some_and(|place| !cluster.is_at(place))
    }

    /// Whether nothing at all names a cluster.
    pub fn names_none(&self) -> bool {
        matches!(self, Self::Target(error) if matches!(**error, SettingsError::NoTarget))
    }

    /// Whether the cluster may come into being by the time of an apply.
    pub fn may_come_yet(&self) -> bool {
        self.not_there().is_some()
    }

    /// Whether it says that this very cluster is gone: EKS was asked in the cluster's own account.
    pub fn says_gone(&self, cluster: &ClusterArn) -> bool {
        let Self::Eks(error) = self else {
            return false;
        };
        matches!(&**error, eks::Error::Absent { place, account: Some(account) }
            if cluster.is_at(place) && account == cluster.account())
    }

    fn not_there(&self) -> Option<&Place> {
        match self {
            Self::Eks(error) => error.not_there(),
            _ => None,
        }
    }
}

/// The blocks that say how clusters are reached.
#[derive(Deserialize)]
struct KubernetesBlock {
    kubernetes: Vec<cluster::Settings>,
}

#[derive(Deserialize)]
struct WayBlock {
    kubernetes: Vec<Way>,
}

/// What the block says of clusters that are named elsewhere.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Way {
    eks_assume_role: Option<Vec<RoleSettings>>,
    proxy_url: Option<SecretText>,
}

/// The cluster that is meant.
#[derive(Clone)]
enum Wanted {
    Target(Box<Target>),
    Name(String),
    Arn(Box<ClusterArn>),
}

/// Where a cluster is, as long as the process lives: it is asked for once.
struct Known {
    target: Target,
    eks: Option<ClusterArn>,
}

/// See [`super::Clients::cluster`].
pub(super) struct Clusters {
    settings: Result<cluster::Settings, Unreadable>,
    way: Result<Way, Unreadable>,
    clock: Clock,
    block: OnceLock<Wanted>,
    known: Mutex<BTreeMap<String, Arc<OnceCell<Known>>>>,
    open: Mutex<Recent<Connected>>,
    /// EKS by region and role.
    eks: Mutex<BTreeMap<(String, String), Arc<Eks>>>,
}

impl Clusters {
    pub(super) fn new(settings: &Partial<'_>, clock: Clock) -> Self {
        let blocks = settings.read_whole::<KubernetesBlock>();
        let ways = settings.read_whole::<WayBlock>();
        Self {
            settings: blocks.map(|block| block.kubernetes.into_iter().next().unwrap_or_default()),
            way: ways.map(|block| block.kubernetes.into_iter().next().unwrap_or_default()),
            clock,
            block: OnceLock::new(),
            known: Mutex::default(),
            open: Mutex::new(Recent::new(KEPT_OPEN)),
            eks: Mutex::default(),
        }
    }

    pub(super) async fn reach(
        &self,
        named: Option<&ClusterArn>,
        identity: Result<&Arc<SignIn>, NoSignIn>,
    ) -> Result<Connected, NoCluster> {
        let wanted = match named {
            Some(arn) => Wanted::Arn(Box::new(arn.clone())),
            None => self.of_block()?,
        };
        let name = wanted.name();
        let cell = self.cell(&name);
        let known = cell.get_or_try_init(|| async {
            match wanted {
                Wanted::Target(target) => Ok(Known {
                    target: *target,
                    eks: None,
                }),
                Wanted::Name(name) => self.named(&name, identity?).await,
                Wanted::Arn(arn) => self.of_arn(*arn, identity?).await,
            }
        });
        self.connected(name, known.await?)
    }

    /// What the provider's block leads to; files are read once, for those of a fleet are long.
    fn of_block(&self) -> Result<Wanted, NoCluster> {
        let settings = self.settings.as_ref().map_err(Clone::clone)?;
        if let Some(known) = self.block.get() {
            return Ok(known.clone());
        }
        let read = |path: &std::path::Path| std::fs::read(path);
        let resolved = cluster::resolve(settings, &variable, &read, &self.clock);
        let wanted = match resolved.map_err(Arc::new)? {
            Resolved::Target(target) => Wanted::Target(target),
            Resolved::Eks(EksCluster::Name(name)) => Wanted::Name(name),
            Resolved::Eks(EksCluster::Arn(text)) => Wanted::Arn(Box::new(text.parse()?)),
        };
        Ok(self.block.get_or_init(|| wanted).clone())
    }

    fn cell(&self, name: &str) -> Arc<OnceCell<Known>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(name.to_owned()).or_default())
    }

    /// The client for a cluster: the one that others use, or used just now.
    fn connected(&self, name: String, known: &Known) -> Result<Connected, NoCluster> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connected) = open.used(&name) {
            return Ok(connected);
        }
        let connected = Connected {
            cluster: Cluster::connect(&known.target).map_err(Arc::new)?,
            eks: known.eks.clone(),
        };
        open.add(name, connected.clone());
        Ok(connected)
    }

    /// The cluster of that name in the provider's region, and in the account that its role or identity is in.
    async fn named(&self, name: &str, identity: &Arc<SignIn>) -> Result<Known, NoCluster> {
        let region = identity.region().await.map_err(NoSignIn::from)?;
        let region = region.ok_or_else(|| NoCluster::NoRegion {
            name: name.to_owned(),
        })?;
        let way = self.way.as_ref().map_err(Clone::clone)?;
        let eks = self.eks(way, identity, &region, None).await?;
        let described = eks.describe(name).await.map_err(Arc::new)?;
        self.found(way, eks, described)
    }

    /// The cluster of that ARN, and no other of its name.
    async fn of_arn(&self, wanted: ClusterArn, identity: &Arc<SignIn>) -> Result<Known, NoCluster> {
        let way = self.way.as_ref().map_err(Clone::clone)?;
        let owner = Some(wanted.owner());
        let eks = self.eks(way, identity, wanted.region(), owner).await?;
        let described = eks.describe(wanted.name()).await.map_err(Arc::new)?;
        if wanted != described.arn {
            return Err(NoCluster::Another {
                wanted: Box::new(wanted),
                found: Box::new(described.arn),
            });
        }
        self.found(way, eks, described)
    }

    /// EKS of a region, asked under the role that clusters of that account are entered by.
    async fn eks(
        &self,
        way: &Way,
        identity: &Arc<SignIn>,
        region: &str,
        owner: Option<Owner>,
    ) -> Result<Arc<Eks>, NoCluster> {
        let Some(role) = way.eks_assume_role.as_ref().and_then(|roles| roles.first()) else {
            return Ok(self.eks_under(region, "", || Arc::clone(identity)));
        };
        let owner = match owner {
            None if role.needs_owner() => {
                let caller = identity.caller(region).await.map_err(NoSignIn::from)?;
                Some(Owner::from(caller))
            }
            known => known,
        };
        let role = role.in_account(owner.as_ref());
        let arn = role.role_arn.clone();
        let under = identity.for_role(role).map_err(NoSignIn::from)?;
        Ok(self.eks_under(region, &arn, || Arc::new(under)))
    }

    fn eks_under(
        &self,
        region: &str,
        role: &str,
        sign_in: impl FnOnce() -> Arc<SignIn>,
    ) -> Arc<Eks> {
        let mut all = self.eks.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Eks::new(sign_in(), region));
        let place = (region.to_owned(), role.to_owned());
        Arc::clone(all.entry(place).or_insert_with(made))
    }

    fn found(&self, way: &Way, eks: Arc<Eks>, described: Described) -> Result<Known, NoCluster> {
        let found = Found {
            endpoint: described.endpoint,
            authorities: described.authorities,
            reach: match described.reach {
                eks::Reach::Private => cluster::Reach::Inside,
                eks::Reach::Public(blocks) if blocks.is_empty() => cluster::Reach::Unsaid,
                eks::Reach::Public(blocks) => cluster::Reach::From(blocks),
            },
            issuer: Arc::new(Tokens {
                eks,
                token_id: described.token_id,
                clock: Arc::clone(&self.clock),
            }),
        };
        let proxy = way.proxy_url.as_ref();
        let target = cluster::resolve_found(proxy, &variable, found).map_err(Arc::new)?;
        Ok(Known {
            target,
            eks: Some(described.arn),
        })
    }
}

impl Wanted {
    /// What tells it from others; there is only one target that is not asked for.
    fn name(&self) -> String {
        match self {
            Self::Target(_) => String::new(),
            Self::Name(name) => name.clone(),
            Self::Arn(arn) => arn.to_string(),
        }
    }
}

/// How many clusters are kept open that nobody speaks to any more. Each has several connections with
/// their buffers, and there are systems on which a process may open no more than 256 files.
const KEPT_OPEN: usize = 32;

/// Tokens for one cluster.
struct Tokens {
    eks: Arc<Eks>,
    token_id: String,
    clock: Clock,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens({})", self.token_id)
    }
}

impl Issuer for Tokens {
    fn obtain(&self) -> Obtaining<'_, Result<Pass, NoPass>> {
        Box::pin(async {
            let minted = self.eks.mint(&self.token_id, (self.clock)()).await;
            let minted = minted.map_err(|error| NoPass {
                is_transient: matches!(&error, Unminted::NotSignedIn(source) if source.is_transient()),
                why: error.to_string(),
            })?;
            Ok(Pass {
                token: Some(minted.token.as_str().into()),
                identity: None,
                lasts: minted.lasts,
            })
        })
    }

    fn refused(&self) {
        self.eks.forget_credentials();
    }

    fn principal(&self) -> Obtaining<'_, Option<String>> {
        Box::pin(async { self.eks.caller().await.ok().map(|caller| caller.arn) })
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::Dynamic;
    use crate::terraform::value::Unknown;

    #[test]
    fn clusters_that_resources_name_need_no_more_of_the_block_than_the_way_to_them() {
        let object = |entries: &[(&str, Dynamic)]| {
            let entries = entries.iter();
            Dynamic::Map(entries.map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
        };
        let block = object(&[
            ("host", Dynamic::Unknown(Unknown::default())),
            ("proxy_url", "http://proxy.example.com:3128".into()),
        ]);
        let settings = object(&[("kubernetes", Dynamic::List(vec![block]))]);
        let clock: Clock = Arc::new(crate::terraform::wall_clock);
        let clusters = Clusters::new(&Partial::new(&settings), clock);
        let proxy = clusters.way.unwrap().proxy_url.unwrap();
        assert_eq!(proxy.expose(), "http://proxy.example.com:3128");
        let unknown = NoCluster::from(clusters.settings.unwrap_err());
        let path = unknown.not_known_yet().unwrap().to_string();
        assert_eq!(path, "kubernetes[0].host");
    }
}
