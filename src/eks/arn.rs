//! Names of clusters in EKS.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Owner, Place};
use crate::aws::{is_account, is_partition, is_region};

/// ARN of an EKS cluster, of any partition: `arn:aws:eks:eu-west-1:123456789012:cluster/mesh-a`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterArn {
    partition: String,
    region: String,
    account: String,
    name: String,
}

/// A text that is not the ARN of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected arn:aws:eks:<region>:<account>:cluster/<name>, got {got:?}: {wrong} is wrong")]
pub struct NotAClusterArn {
    /// What was written.
    pub got: String,
    /// The part of it that cannot be.
    pub wrong: &'static str,
}

impl ClusterArn {
    /// Where the cluster is, and therefore where EKS is asked.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Twelve digits: who owns the cluster.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The account, with its partition.
    pub fn owner(&self) -> Owner {
        Owner {
            partition: self.partition.clone(),
            account: self.account.clone(),
        }
    }

    /// Whether it was this cluster that was asked for, in whichever account.
    pub fn is_at(&self, place: &Place) -> bool {
        self.name == place.name && self.region == place.region
    }

    /// The cluster's name in its account and region.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for ClusterArn {
    type Err = NotAClusterArn;

    fn from_str(text: &str) -> Result<Self, NotAClusterArn> {
        let wrong = |wrong| {
            let got = text.to_owned();
            Err(NotAClusterArn { got, wrong })
        };
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else {
            return wrong("the form");
        };
        let name = resource.strip_prefix("cluster/");
        match name.filter(|name| is_name(name)) {
            _ if !is_partition(partition) => wrong("the partition"),
            _ if service != "eks" => wrong("the service"),
            _ if !is_region(region) => wrong("the region"),
            _ if !is_account(account) => wrong("the account"),
            None => wrong("the cluster's name"),
            Some(name) => Ok(Self {
                partition: partition.to_owned(),
                region: region.to_owned(),
                account: account.to_owned(),
                name: name.to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for ClusterArn {
    type Error = NotAClusterArn;

    fn try_from(text: String) -> Result<Self, NotAClusterArn> {
        text.parse()
    }
}

impl From<ClusterArn> for String {
    fn from(arn: ClusterArn) -> Self {
        arn.to_string()
    }
}

impl fmt::Display for ClusterArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            partition,
            region,
            account,
            name,
        } = self;
        write!(f, "arn:{partition}:eks:{region}:{account}:cluster/{name}")
    }
}

/// Whether a cluster can have this name: 1 to 100 letters, digits, `-` and `_`, the first a letter or digit
/// (EKS API, CreateCluster).
pub fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=100).contains(&text.len())
        && text.bytes().all(allowed)
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_read_and_written_in_every_partition() {
        for text in [
            "arn:aws:eks:eu-west-1:111122223333:cluster/mesh-a",
            "arn:aws-cn:eks:cn-north-1:111122223333:cluster/Mesh_1",
            "arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/0",
        ] {
            assert_eq!(text.parse::<ClusterArn>().unwrap().to_string(), text);
        }
        let arn: ClusterArn = "arn:aws-cn:eks:cn-north-1:111122223333:cluster/m"
            .parse()
            .unwrap();
        assert_eq!(
            (arn.region(), arn.account(), arn.name()),
            ("cn-north-1", "111122223333", "m")
        );
        assert_eq!(arn.owner().partition, "aws-cn");
    }

    #[test]
    fn what_is_wrong_with_an_arn_is_said() {
        let wrong = |text: &str| text.parse::<ClusterArn>().unwrap_err().wrong;
        assert_eq!(wrong("mesh-a"), "the form");
        assert_eq!(
            wrong("arn:amazon:eks:eu-west-1:111122223333:cluster/a"),
            "the partition"
        );
        assert_eq!(
            wrong("arn:aws:ec2:eu-west-1:111122223333:cluster/a"),
            "the service"
        );
        assert_eq!(wrong("arn:aws:eks::111122223333:cluster/a"), "the region");
        assert_eq!(wrong("arn:aws:eks:eu-west-1:1111:cluster/a"), "the account");
        for name in ["", "a b", "-a", "a/b", "a:b", &"a".repeat(101)] {
            let text = format!("arn:aws:eks:eu-west-1:111122223333:cluster/{name}");
            assert_eq!(wrong(&text), "the cluster's name", "{name:?}");
        }
        assert_eq!(
            wrong("arn:aws:eks:eu-west-1:111122223333:nodegroup/a"),
            "the cluster's name"
        );
    }
}
