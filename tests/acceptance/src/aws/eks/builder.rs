//! Clusters for tests: entered into AWS's books from Rust, past the API.

use std::sync::Arc;

use super::super::{ACCOUNT, REGION, World};
use super::cluster::{Cluster, ClusterId, ClusterStatus};
use super::handle::ClusterHandle;

/// A cluster to be, see [`crate::aws::Aws::cluster`].
#[derive(Debug)]
pub struct ClusterBuilder {
    world: Arc<World>,
    id: ClusterId,
    cluster: Cluster,
}

impl ClusterBuilder {
    pub(crate) fn new(world: Arc<World>, name: &str) -> Self {
        let cluster = Cluster {
            status: ClusterStatus::Active,
            endpoint: String::new(),
            ca_pem: String::new(),
            created: world.now(),
            version: "1.34".to_owned(),
            authentication_mode: "API_AND_CONFIG_MAP".to_owned(),
            endpoint_public_access: true,
            public_access_cidrs: vec!["0.0.0.0/0".to_owned()],
            entries: Vec::new(),
        };
        Self {
            world,
            id: ClusterId::new(ACCOUNT, REGION, name),
            cluster,
        }
    }

    /// The account that it is in; [`ACCOUNT`] otherwise.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.id.account = account.to_owned();
        self
    }

    /// The Region that it is in, which says the partition too; [`REGION`] otherwise.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.id.region = region.to_owned();
        self
    }

    /// Where its API server is, `https://…`, and the CA behind its certificate in PEM.
    #[must_use]
    pub fn endpoint(mut self, url: &str, ca_pem: &str) -> Self {
        self.cluster.endpoint = url.to_owned();
        self.cluster.ca_pem = ca_pem.to_owned();
        self
    }

    /// Its state; active otherwise. [`ClusterStatus::Creating`] keeps the endpoint back.
    #[must_use]
    pub fn status(mut self, status: ClusterStatus) -> Self {
        self.cluster.status = status;
        self
    }

    /// `accessConfig.authenticationMode`; `API_AND_CONFIG_MAP` otherwise. With `CONFIG_MAP` its
    /// access entries do not count.
    #[must_use]
    pub fn authentication_mode(mut self, mode: &str) -> Self {
        self.cluster.authentication_mode = mode.to_owned();
        self
    }

    /// Says that its endpoint is for its VPC only; nothing else changes.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.cluster.endpoint_public_access = false;
        self
    }

    /// `publicAccessCidrs`; everywhere otherwise. Nothing is kept out by it.
    #[must_use]
    pub fn public_access_cidrs(mut self, cidrs: &[&str]) -> Self {
        self.cluster.public_access_cidrs = cidrs.iter().map(|cidr| (*cidr).to_owned()).collect();
        self
    }

    /// Makes it, in the place of one of the same name in its account and Region.
    pub fn create(self) -> ClusterHandle {
        let Self { world, id, cluster } = self;
        world.clusters().insert(id.clone(), cluster);
        ClusterHandle::new(world, id)
    }
}
