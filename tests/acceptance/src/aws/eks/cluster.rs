//! What AWS knows of a cluster.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::partition::partition_of;

/// Where a cluster is and how it is called there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ClusterId {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) name: String,
}

/// A cluster that AWS has, or is about to have.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    pub(super) status: ClusterStatus,
    pub(super) endpoint: String,
    pub(super) ca_pem: String,
    pub(super) created: Timestamp,
    pub(super) version: String,
    pub(super) authentication_mode: String,
    pub(super) endpoint_public_access: bool,
    pub(super) public_access_cidrs: Vec<String>,
    pub(crate) entries: Vec<AccessEntry>,
}

/// The state of a cluster, `status` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterStatus {
    /// No endpoint and no CA yet.
    Creating,
    /// It can be connected to.
    Active,
    /// It can be connected to while something about it changes.
    Updating,
    /// It is going; its endpoint is still told.
    Deleting,
    /// It could not be made: no endpoint.
    Failed,
}

/// Whom the cluster lets in.
#[derive(Clone, Debug)]
pub(crate) struct AccessEntry {
    pub(crate) principal_arn: String,
    pub(crate) username: String,
    pub(crate) groups: Vec<String>,
}

impl ClusterId {
    pub(crate) fn new(account: &str, region: &str, name: &str) -> Self {
        let [account, region, name] = [account, region, name].map(str::to_owned);
        Self {
            account,
            region,
            name,
        }
    }

    pub(crate) fn partition(&self) -> &'static str {
        partition_of(&self.region)
    }

    pub(crate) fn arn(&self) -> String {
        let Self {
            account,
            region,
            name,
        } = self;
        format!(
            "arn:{}:eks:{region}:{account}:cluster/{name}",
            self.partition()
        )
    }
}

impl Cluster {
    /// Whether access entries count, which they do not where only the ConfigMap `aws-auth` does.
    pub(crate) fn knows_access_entries(&self) -> bool {
        self.authentication_mode.split('_').next() == Some("API")
    }

    /// `cluster` of the API. What the cluster does not have yet is not there.
    pub(super) fn description(&self, id: &ClusterId) -> Value {
        let mut cluster = json!({
            "name": id.name,
            "arn": id.arn(),
            "createdAt": self.created.as_second(),
            "version": self.version,
            "roleArn": format!("arn:{}:iam::{}:role/cluster", id.partition(), id.account),
            "resourcesVpcConfig": self.network(),
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
            "status": self.status.name(),
            "certificateAuthority": {},
            "platformVersion": "eks.12",
            "tags": {},
            "accessConfig": {"authenticationMode": self.authentication_mode},
            "upgradePolicy": {"supportType": "STANDARD"},
            "deletionProtection": false,
        });
        if self.status.has_endpoint() {
            cluster["endpoint"] = json!(self.endpoint);
            cluster["certificateAuthority"] = json!({"data": STANDARD.encode(&self.ca_pem)});
        }
        cluster
    }

    fn network(&self) -> Value {
        json!({
            "subnetIds": ["subnet-0a1b2c3d4e5f60718", "subnet-08192a3b4c5d6e7f0"],
            "securityGroupIds": [],
            "vpcId": "vpc-0123456789abcdef0",
            "endpointPublicAccess": self.endpoint_public_access,
            "endpointPrivateAccess": true,
            "publicAccessCidrs": self.public_access_cidrs,
        })
    }
}

impl ClusterStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::Failed => "FAILED",
        }
    }

    fn has_endpoint(self) -> bool {
        !matches!(self, Self::Creating | Self::Failed)
    }
}
