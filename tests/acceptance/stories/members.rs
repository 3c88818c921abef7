//! Clusters of EKS that are members of a fleet: many small ones, in accounts and regions of their own.

use istiopca_acceptance::aws::{Authenticator, ClusterHandle};
use istiopca_acceptance::sandbox_cluster::SandboxCluster;
use jiff::Timestamp;

use crate::world::World;

/// A cluster with a CA of its own, which lets in one role alone.
pub(crate) struct Member {
    pub(crate) cluster: SandboxCluster,
    pub(crate) eks: ClusterHandle,
    pub(crate) authenticator: Authenticator,
}

impl Member {
    /// A cluster that is there and lets that role in.
    pub(crate) fn new(world: &World, account: &str, region: &str, name: &str, role: &str) -> Self {
        let cluster = SandboxCluster::start(Timestamp::now).expect("a cluster starts");
        let eks = world
            .aws
            .cluster(name)
            .account(account)
            .region(region)
            .endpoint(cluster.url(), cluster.ca_pem())
            .create();
        eks.access_entry(role, role, &[]);
        let authenticator = world.aws.authenticator(&eks);
        cluster.set_authenticator(authenticator.clone());
        world.watch_small(&cluster);
        Self {
            cluster,
            eks,
            authenticator,
        }
    }

    /// Whether the Secret is there.
    pub(crate) fn has_its_secret(&self) -> bool {
        !self.cluster.secrets().is_empty()
    }
}

/// How many of them have the Secret.
pub(crate) fn written(members: &[Member]) -> usize {
    let written = members.iter().filter(|member| member.has_its_secret());
    written.count()
}
