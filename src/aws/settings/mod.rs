//! What the configuration says about signing in, in the vocabulary of hashicorp/aws, and what can
//! be judged of it before anything is asked of AWS.

mod check;
pub mod form;
mod secret;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::guard::Accounts;
pub use form::{is_account, is_partition, is_region};
pub use secret::Secret;

/// How the provider signs in to AWS, and how it reaches it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Used for STS, and for services of which no ARN says where they are.
    pub region: Option<String>,
    /// Where STS is asked, if not in `region`.
    pub sts_region: Option<String>,
    /// Id of a key; with it neither the environment nor a file is looked at.
    pub access_key: Option<Secret>,
    /// The key itself.
    pub secret_key: Option<Secret>,
    /// What belongs to a key that is temporary.
    pub token: Option<Secret>,
    /// Named profile; when set, keys in the environment are not looked at.
    pub profile: Option<String>,
    /// Instead of `~/.aws/config` (and `AWS_CONFIG_FILE`).
    #[serde(deserialize_with = "or_empty")]
    pub shared_config_files: Vec<String>,
    /// Instead of `~/.aws/credentials` (and `AWS_SHARED_CREDENTIALS_FILE`).
    #[serde(deserialize_with = "or_empty")]
    pub shared_credentials_files: Vec<String>,
    /// At most one block: the role that a token of somebody else's leads to, before all others.
    #[serde(deserialize_with = "or_empty")]
    pub assume_role_with_web_identity: Vec<WebIdentity>,
    /// Roles assumed one from the other, in this order.
    #[serde(deserialize_with = "or_empty")]
    pub assume_role: Vec<AssumeRole>,
    /// Accounts that the identity at the end may belong to; empty: any.
    #[serde(deserialize_with = "or_empty")]
    pub allowed_account_ids: Vec<String>,
    /// Accounts that it may not belong to.
    #[serde(deserialize_with = "or_empty")]
    pub forbidden_account_ids: Vec<String>,
    /// At most one block.
    #[serde(deserialize_with = "or_empty")]
    pub endpoints: Vec<Endpoints>,
    /// FIPS endpoints; null: `AWS_USE_FIPS_ENDPOINT`, the profile.
    pub use_fips_endpoint: Option<bool>,
    /// Dual-stack endpoints; null: `AWS_USE_DUALSTACK_ENDPOINT`, the profile.
    pub use_dualstack_endpoint: Option<bool>,
    /// How often a throttled or failed call is repeated; null: `AWS_MAX_ATTEMPTS`, else our own
    /// bound.
    pub max_retries: Option<u32>,
    /// PEM file with the CAs to trust instead of the system's; null: `AWS_CA_BUNDLE`, the profile.
    pub custom_ca_bundle: Option<String>,
    /// Proxy for `http://` endpoints; null: `HTTP_PROXY`. It may hold a password.
    pub http_proxy: Option<Secret>,
    /// Proxy for `https://` endpoints; null: `HTTPS_PROXY`. It may hold a password.
    pub https_proxy: Option<Secret>,
    /// Hosts that are reached without a proxy; null: `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// Whether the instance's metadata are left alone.
    pub skip_metadata_api_check: Option<bool>,
    /// Where the instance's metadata are; null: `AWS_EC2_METADATA_SERVICE_ENDPOINT`, the profile.
    pub ec2_metadata_service_endpoint: Option<String>,
    /// `IPv4` or `IPv6`; null: `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`, the profile.
    pub ec2_metadata_service_endpoint_mode: Option<String>,
}

/// One `assume_role {}` block.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AssumeRole {
    /// ARN of the IAM role.
    pub role_arn: String,
    /// How the session is called in CloudTrail; null: the provider's name.
    pub session_name: Option<String>,
    /// Who is behind the session, which stays with all that is assumed from it.
    pub source_identity: Option<String>,
    /// What the role's trust policy asks of third parties.
    pub external_id: Option<String>,
    /// Length of the session with units, `"15m"` to `"12h"`; null: AWS's one hour.
    pub duration: Option<String>,
    /// Inline session policy, as JSON.
    pub policy: Option<String>,
    /// Managed session policies.
    #[serde(deserialize_with = "or_empty")]
    pub policy_arns: Vec<String>,
    /// Session tags.
    #[serde(deserialize_with = "or_empty")]
    pub tags: BTreeMap<String, String>,
    /// Which of the tags go on to roles assumed from this one.
    #[serde(deserialize_with = "or_empty")]
    pub transitive_tag_keys: Vec<String>,
}

/// The `assume_role_with_web_identity {}` block: a role for whoever holds a token that an identity
/// provider has signed.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct WebIdentity {
    /// ARN of the IAM role; null: `AWS_ROLE_ARN`.
    pub role_arn: Option<String>,
    /// How the session is called in CloudTrail; null: `AWS_ROLE_SESSION_NAME`, the provider's name.
    pub session_name: Option<String>,
    /// The token.
    pub web_identity_token: Option<Secret>,
    /// A file with the token, read anew whenever credentials are; null:
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    pub web_identity_token_file: Option<String>,
    /// Length of the session with units, `"15m"` to `"12h"`; null: AWS's one hour.
    pub duration: Option<String>,
    /// Inline session policy, as JSON.
    pub policy: Option<String>,
    /// Managed session policies.
    #[serde(deserialize_with = "or_empty")]
    pub policy_arns: Vec<String>,
}

/// The `endpoints {}` block: where the services are, instead of where AWS has them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Endpoints {
    /// AWS Private CA; null: `AWS_ENDPOINT_URL_ACM_PCA`, `AWS_ENDPOINT_URL`, the region's.
    pub acmpca: Option<String>,
    /// Elastic Kubernetes Service; null: `AWS_ENDPOINT_URL_EKS`, `AWS_ENDPOINT_URL`, the region's.
    pub eks: Option<String>,
    /// Key Management Service; null: `AWS_ENDPOINT_URL_KMS`, `AWS_ENDPOINT_URL`, the region's.
    pub kms: Option<String>,
    /// Security Token Service; null: `AWS_ENDPOINT_URL_STS`, `AWS_ENDPOINT_URL`, the region's.
    pub sts: Option<String>,
}

/// The `acmpca {}` block: another sign-in, for the account that owns the CA.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AcmPca {
    /// Where STS is asked; null: as outside. (The CA's region is in its ARN.)
    pub region: Option<String>,
    /// As outside; with it the sign-in begins anew.
    pub access_key: Option<Secret>,
    /// As outside.
    pub secret_key: Option<Secret>,
    /// As outside.
    pub token: Option<Secret>,
    /// Profile to start from; with it the sign-in begins anew.
    pub profile: Option<String>,
    /// As outside; null: those of outside.
    #[serde(deserialize_with = "or_empty")]
    pub shared_config_files: Vec<String>,
    /// As outside; null: those of outside.
    #[serde(deserialize_with = "or_empty")]
    pub shared_credentials_files: Vec<String>,
    /// As outside; with it the sign-in begins anew.
    #[serde(deserialize_with = "or_empty")]
    pub assume_role_with_web_identity: Vec<WebIdentity>,
    /// Roles assumed from there, one from the other.
    #[serde(deserialize_with = "or_empty")]
    pub assume_role: Vec<AssumeRole>,
    /// Accounts that the identity at the end may belong to; empty: any.
    #[serde(deserialize_with = "or_empty")]
    pub allowed_account_ids: Vec<String>,
    /// Accounts that it may not belong to.
    #[serde(deserialize_with = "or_empty")]
    pub forbidden_account_ids: Vec<String>,
}

impl Settings {
    /// The lists of accounts, if there is one.
    pub(super) fn accounts(&self) -> Option<Accounts> {
        let (allowed, forbidden) = (&self.allowed_account_ids, &self.forbidden_account_ids);
        (!allowed.is_empty() || !forbidden.is_empty()).then(|| Accounts {
            allowed: allowed.clone(),
            forbidden: forbidden.clone(),
        })
    }

    pub(super) fn endpoint(&self, of: impl Fn(&Endpoints) -> Option<&String>) -> Option<String> {
        self.endpoints.iter().find_map(of).cloned()
    }

    /// The same way to AWS, for one more role. Accounts were said of the identity before it.
    pub(super) fn with_role(&self, role: AssumeRole) -> Self {
        Self {
            assume_role: vec![role],
            assume_role_with_web_identity: Vec::new(),
            allowed_account_ids: Vec::new(),
            forbidden_account_ids: Vec::new(),
            ..self.clone()
        }
    }
}

impl AcmPca {
    /// Whether it says whose credentials come first, rather than going on from those outside.
    pub(super) fn begins_anew(&self) -> bool {
        let identity = self.profile.is_some() || self.access_key.is_some();
        identity || !self.assume_role_with_web_identity.is_empty()
    }

    /// The way to AWS from outside, the identity from here.
    pub(super) fn within(&self, outer: &Settings) -> Settings {
        let or = |ours: &Vec<String>, theirs: &Vec<String>| match ours.is_empty() {
            true => theirs.clone(),
            false => ours.clone(),
        };
        // A region that is said here wins over the more special one outside.
        let sts_region = outer.sts_region.clone();
        Settings {
            region: self.region.clone().or_else(|| outer.region.clone()),
            sts_region: sts_region.filter(|_| self.region.is_none()),
            access_key: self.access_key.clone(),
            secret_key: self.secret_key.clone(),
            token: self.token.clone(),
            profile: self.profile.clone(),
            shared_config_files: or(&self.shared_config_files, &outer.shared_config_files),
            shared_credentials_files: or(
                &self.shared_credentials_files,
                &outer.shared_credentials_files,
            ),
            assume_role_with_web_identity: self.assume_role_with_web_identity.clone(),
            assume_role: self.assume_role.clone(),
            allowed_account_ids: self.allowed_account_ids.clone(),
            forbidden_account_ids: self.forbidden_account_ids.clone(),
            ..outer.clone()
        }
    }
}

/// What `duration` of a role says, if it says something.
pub(super) fn length(duration: Option<&str>) -> Option<Duration> {
    duration.and_then(form::session_length)
}

/// A list or map that is not in the configuration may come as null.
fn or_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
