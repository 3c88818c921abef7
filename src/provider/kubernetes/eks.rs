//! A cluster of EKS by its name or ARN, and the role in its account.

use crate::aws::settings::form;
use crate::eks::{ClusterArn, is_name};
use crate::provider::signing_in::{SESSION, checked, worded};
use crate::terraform::schema::{Attribute, Block, Rule, joined, text};

pub(super) const NAME: Attribute = checked("eks_cluster_name", name).says(
    "Name of an EKS cluster in the provider's region and account. EKS is asked for its address, and \
     the token is made in the provider: neither a kubeconfig nor the AWS CLI is needed.",
);

pub(super) const ARN: Attribute = text("eks_cluster_arn")
    .optional()
    .parses::<ClusterArn>()
    .says("ARN of an EKS cluster, which says region and account as well.");

pub(super) const ASSUME_ROLE: Block = Block::optional("eks_assume_role", &ROLE)
    .rules(&[Rule::ExactlyOne {
        of: &["role_arn", "role_name"],
        why: "It is the role that signs in to clusters of EKS.",
    }])
    .says(
        "A role in the cluster's own account, assumed from the provider's identity to sign in to clusters of \
         EKS, those that resources name by themselves included. What is in the state does not depend on it, \
         so one role may plan and another apply.",
    );

const ROLE: [Attribute; 10] = joined(
    [
        checked("role_arn", |text| worded(text, form::role_arn)).says("ARN of the IAM role."),
        checked("role_name", role_name).says(
            "Name of the IAM role, with its path if it has one; the partition and the account are \
             the cluster's.",
        ),
    ],
    SESSION,
);

/// Source: the EKS API, `Cluster.name` and CreateCluster.
fn name(text: &str) -> Result<(), String> {
    if is_name(text) {
        return Ok(());
    }
    let elsewhere = if text.starts_with("arn:") {
        " An ARN belongs into eks_cluster_arn."
    } else {
        ""
    };
    Err(format!(
        "Expected the name of an EKS cluster: up to 100 letters, digits, hyphens and underscores, the first \
         of them a letter or a digit, got {text:?}.{elsewhere}"
    ))
}

/// Source: the IAM API, CreateRole (`RoleName` and `Path`).
fn role_name(text: &str) -> Result<(), String> {
    let good = |letter: char| letter.is_ascii_alphanumeric() || "+=,.@_-/".contains(letter);
    if !text.is_empty() && text.chars().all(good) && !text.ends_with('/') {
        return Ok(());
    }
    let elsewhere = if text.starts_with("arn:") {
        " An ARN belongs into role_arn."
    } else {
        ""
    };
    Err(format!(
        "Expected the name of an IAM role, got {text:?}.{elsewhere}"
    ))
}
