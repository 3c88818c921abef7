//! Clusters looked at and changed from Rust, past the API.

use std::sync::Arc;

use super::super::World;
use super::cluster::{AccessEntry, Cluster, ClusterId, ClusterStatus};

/// A cluster that was made; after [`ClusterHandle::delete`] nothing that it does has an effect.
#[derive(Clone, Debug)]
pub struct ClusterHandle {
    world: Arc<World>,
    id: ClusterId,
}

impl ClusterHandle {
    pub(super) fn new(world: Arc<World>, id: ClusterId) -> Self {
        Self { world, id }
    }

    /// `arn:<partition>:eks:<region>:<account>:cluster/<name>`.
    pub fn arn(&self) -> String {
        self.id.arn()
    }

    /// Its name, which is what a token for it names.
    pub fn name(&self) -> &str {
        &self.id.name
    }

    /// The account that it is in.
    pub fn account(&self) -> &str {
        &self.id.account
    }

    /// The Region that it is in.
    pub fn region(&self) -> &str {
        &self.id.region
    }

    /// Puts it into a state.
    pub fn set_status(&self, status: ClusterStatus) {
        self.change(|cluster| cluster.status = status);
    }

    /// Moves it: another API server, another CA.
    pub fn set_endpoint(&self, url: &str, ca_pem: &str) {
        self.change(|cluster| {
            cluster.endpoint = url.to_owned();
            cluster.ca_pem = ca_pem.to_owned();
        });
    }

    /// Takes it out of the books, its access entries with it.
    pub fn delete(&self) {
        self.world.clusters().remove(&self.id);
    }

    /// Lets a user or a role in, by its IAM ARN, as this user of Kubernetes; an entry of the same
    /// principal is replaced. In the name `{{SessionName}}` and `{{AccountID}}` are filled in.
    pub fn access_entry(&self, principal_arn: &str, username: &str, groups: &[&str]) {
        let entry = AccessEntry {
            principal_arn: principal_arn.to_owned(),
            username: username.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        };
        self.change(|cluster| {
            cluster
                .entries
                .retain(|known| known.principal_arn != entry.principal_arn);
            cluster.entries.push(entry);
        });
    }

    /// Takes an access entry away again.
    pub fn remove_access_entry(&self, principal_arn: &str) {
        self.change(|cluster| {
            cluster
                .entries
                .retain(|known| known.principal_arn != principal_arn);
        });
    }

    pub(crate) fn id(&self) -> &ClusterId {
        &self.id
    }

    fn change(&self, change: impl FnOnce(&mut Cluster)) {
        if let Some(cluster) = self.world.clusters().get_mut(&self.id) {
            change(cluster);
        }
    }
}
