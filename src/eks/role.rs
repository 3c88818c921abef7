//! The role in a cluster's own account.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::aws::{AssumeRole, Caller};

/// The `eks_assume_role {}` block: as [`AssumeRole`], but a role can be named without saying in which account.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct RoleSettings {
    /// ARN of the IAM role.
    pub role_arn: Option<String>,
    /// Its name, and path if it has one, in the cluster's account.
    pub role_name: Option<String>,
    /// How the session is called in CloudTrail.
    pub session_name: Option<String>,
    /// What the role's trust policy asks of third parties.
    pub external_id: Option<String>,
    /// Who is behind the session, for CloudTrail.
    pub source_identity: Option<String>,
    /// Length of the session with units.
    pub duration: Option<String>,
    /// Inline session policy, as JSON.
    pub policy: Option<String>,
    /// Managed session policies.
    pub policy_arns: Option<Vec<String>>,
    /// Session tags.
    pub tags: Option<BTreeMap<String, String>>,
    /// Which of the tags go on to roles assumed from this one.
    pub transitive_tag_keys: Option<Vec<String>>,
}

/// The account that a cluster is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub partition: String,
    /// Twelve digits.
    pub account: String,
}

impl From<Caller> for Owner {
    fn from(caller: Caller) -> Self {
        Self {
            partition: caller.partition,
            account: caller.account,
        }
    }
}

impl RoleSettings {
    /// Whether the role can be said only when the cluster's account is known.
    pub fn needs_owner(&self) -> bool {
        self.role_arn.is_none()
    }

    /// The role for clusters of that account.
    pub fn in_account(&self, owner: Option<&Owner>) -> AssumeRole {
        let name = self.role_name.as_deref().unwrap_or_default();
        let completed = |Owner { partition, account }: &Owner| {
            let name = name.trim_start_matches('/');
            format!("arn:{partition}:iam::{account}:role/{name}")
        };
        let given = self.role_arn.clone();
        AssumeRole {
            role_arn: given.or_else(|| owner.map(completed)).unwrap_or_default(),
            session_name: self.session_name.clone(),
            external_id: self.external_id.clone(),
            duration: self.duration.clone(),
            policy: self.policy.clone(),
            policy_arns: self.policy_arns.clone().unwrap_or_default(),
            tags: self.tags.clone().unwrap_or_default(),
            transitive_tag_keys: self.transitive_tag_keys.clone().unwrap_or_default(),
            source_identity: self.source_identity.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_completed_with_the_clusters_own_partition_and_account() {
        let role = RoleSettings {
            role_name: Some("/ci/mesh".to_owned()),
            external_id: Some("x".to_owned()),
            ..RoleSettings::default()
        };
        let china = Owner {
            partition: "aws-cn".to_owned(),
            account: "111122223333".to_owned(),
        };
        let assumed = role.in_account(Some(&china));
        assert_eq!(
            assumed.role_arn,
            "arn:aws-cn:iam::111122223333:role/ci/mesh"
        );
        assert_eq!(assumed.external_id.as_deref(), Some("x"));
        assert!(role.needs_owner());
    }

    #[test]
    fn an_arn_is_the_same_for_every_cluster() {
        let role = RoleSettings {
            role_arn: Some("arn:aws:iam::999988887777:role/hub".to_owned()),
            ..RoleSettings::default()
        };
        let assumed = role.in_account(None);
        assert_eq!(assumed.role_arn, "arn:aws:iam::999988887777:role/hub");
        assert!(!role.needs_owner());
    }
}
