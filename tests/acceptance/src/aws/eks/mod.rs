//! Amazon EKS, as far as connecting to a cluster needs it: DescribeCluster, and access entries.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::World;
use super::answer::Failure;
use super::caller::Caller;

mod builder;
mod cluster;
mod handle;

pub use builder::ClusterBuilder;
pub use cluster::ClusterStatus;
pub use handle::ClusterHandle;

pub(crate) use cluster::{Cluster, ClusterId};

/// Every cluster that the emulator knows.
pub(crate) type Clusters = HashMap<ClusterId, Cluster>;

/// `DescribeCluster`: of the caller's account, in the Region that it signed for.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html>
pub(crate) fn describe(world: &World, caller: &Caller, request: &Value) -> Result<Value, Failure> {
    let name = request
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let id = ClusterId::new(&caller.principal.account, &caller.region, name);
    if !caller.principal.may("eks:DescribeCluster", &id.arn()) {
        return Err(denied(caller, &id));
    }
    match world.clusters().get(&id) {
        Some(cluster) => Ok(json!({ "cluster": cluster.description(&id) })),
        None => Err(not_found(name)),
    }
}

fn denied(caller: &Caller, id: &ClusterId) -> Failure {
    let (who, arn) = (&caller.principal.arn, id.arn());
    Failure::access_denied(format!(
        "User: {who} is not authorized to perform: eks:DescribeCluster on resource: {arn} because \
         no identity-based policy allows the eks:DescribeCluster action"
    ))
    .with_status(403)
}

fn not_found(name: &str) -> Failure {
    Failure::of(
        "ResourceNotFoundException",
        format!("No cluster found for name: {name}."),
    )
    .with_status(404)
}
