//! Assuming a role. Ours rather than the SDK's `AssumeRoleProvider`, which knows neither transitive
//! tags nor source identities and whose errors lose AWS's words.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::operation::assume_role::AssumeRoleInput;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleInputBuilder;
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};

use super::settings::{AssumeRole, length};
use super::{Error, PRODUCT, sts};

/// Credentials of a role, asked of STS whenever the SDK's cache has none that will last.
#[derive(Debug)]
struct AssumedRole {
    wanted: AssumeRole,
    sts: Client,
}

/// The identity at the end of `roles`, each assumed with the credentials of the one before it; the
/// first with those of `config`, whose region says which STS is asked.
pub(super) fn assume(
    roles: &[AssumeRole],
    config: &SdkConfig,
    endpoint: Option<&str>,
) -> Option<SharedCredentialsProvider> {
    let begin = config.credentials_provider();
    roles.iter().fold(begin, |signer, wanted| {
        let mut sts = sts::config(config, endpoint);
        sts.set_credentials_provider(signer);
        let sts = Client::from_conf(sts.build());
        Some(SharedCredentialsProvider::new(AssumedRole {
            wanted: wanted.clone(),
            sts,
        }))
    })
}

impl AssumedRole {
    async fn credentials(&self) -> Result<Credentials, Error> {
        let role_arn = &self.wanted.role_arn;
        let sent = input(&self.wanted).send_with(&self.sts).await;
        let answer = sent.map_err(|failed| Error::role(role_arn, &failed))?;
        given(answer.credentials, role_arn)
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let credentials = async {
            self.credentials()
                .await
                .map_err(CredentialsError::provider_error)
        };
        future::ProvideCredentials::new(credentials)
    }
}

/// What STS gave for the role.
pub(super) fn given(
    answer: Option<aws_sdk_sts::types::Credentials>,
    role_arn: &str,
) -> Result<Credentials, Error> {
    let given = answer.ok_or_else(|| Error::RoleUnreachable {
        role_arn: role_arn.to_owned(),
        reason: "the answer holds no credentials".to_owned(),
    })?;
    let expires = given.expiration.try_into().ok();
    let (id, secret, token) = (
        given.access_key_id,
        given.secret_access_key,
        given.session_token,
    );
    Ok(Credentials::new(id, secret, Some(token), expires, PRODUCT))
}

/// DurationSeconds of STS. Lengths of at most twelve hours are judged with the settings: they fit.
pub(super) fn seconds(duration: Option<&str>) -> Option<i32> {
    length(duration).and_then(|length| i32::try_from(length.as_secs()).ok())
}

/// PolicyArns of STS; `None` where there are none, since it takes no empty list.
pub(super) fn policies(arns: &[String]) -> Option<Vec<PolicyDescriptorType>> {
    let policy = |arn: &String| PolicyDescriptorType::builder().arn(arn).build();
    some(arns.iter().map(policy).collect())
}

fn input(wanted: &AssumeRole) -> AssumeRoleInputBuilder {
    AssumeRoleInput::builder()
        .role_arn(&wanted.role_arn)
        .role_session_name(wanted.session_name.as_deref().unwrap_or(PRODUCT))
        .set_source_identity(wanted.source_identity.clone())
        .set_external_id(wanted.external_id.clone())
        .set_duration_seconds(seconds(wanted.duration.as_deref()))
        .set_policy(wanted.policy.clone())
        .set_policy_arns(policies(&wanted.policy_arns))
        .set_tags(some(tags(&wanted.tags)))
        .set_transitive_tag_keys(some(wanted.transitive_tag_keys.clone()))
}

fn tags(wanted: &BTreeMap<String, String>) -> Vec<Tag> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    wanted
        .iter()
        .map(tag)
        .map(|tag| tag.expect("key and value are set"))
        .collect()
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
