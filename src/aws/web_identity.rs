//! A role for a token that somebody else has signed: GitHub, GitLab, HCP Terraform, a cluster.

use std::fmt;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::Client;

use super::home::at_home;
use super::settings::{Secret, WebIdentity, form};
use super::{Error, PRODUCT, role, sts, variable};

struct Exchange {
    wanted: WebIdentity,
    path: &'static str,
    sts: Client,
}

/// Credentials for the token of the block, asked of the STS in the region of `config`. The file is
/// read whenever they are: who writes it renews it.
pub(super) fn exchange(
    wanted: &WebIdentity,
    path: &'static str,
    config: &SdkConfig,
    endpoint: Option<&str>,
) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Exchange {
        wanted: wanted.clone(),
        path,
        sts: sts::client(config, endpoint),
    })
}

impl Exchange {
    async fn credentials(&self) -> Result<Credentials, Error> {
        let wanted = &self.wanted;
        let (role_arn, token) = (self.role_arn()?, self.token().await?);
        let session = wanted.session_name.clone();
        let session = session.or_else(|| variable("AWS_ROLE_SESSION_NAME"));
        let sent = self
            .sts
            .assume_role_with_web_identity()
            .role_arn(&role_arn)
            .role_session_name(session.as_deref().unwrap_or(PRODUCT))
            .web_identity_token(token.expose().trim())
            .set_duration_seconds(role::seconds(wanted.duration.as_deref()))
            .set_policy(wanted.policy.clone())
            .set_policy_arns(role::policies(&wanted.policy_arns))
            .send()
            .await;
        let answer = sent.map_err(|failed| Error::role(&role_arn, &failed))?;
        role::given(answer.credentials, &role_arn)
    }

    fn role_arn(&self) -> Result<String, Error> {
        let said = self.wanted.role_arn.clone();
        let found = said.or_else(|| variable("AWS_ROLE_ARN"));
        let judged = form::role_arn(found.as_deref().unwrap_or_default());
        judged.map_err(|_| Error::Setting {
            path: format!("{}.role_arn", self.path),
            found: found.clone().unwrap_or_default(),
            expected: "the ARN of an IAM role, here or in AWS_ROLE_ARN",
        })?;
        Ok(found.unwrap_or_default())
    }

    async fn token(&self) -> Result<Secret, Error> {
        if let Some(token) = &self.wanted.web_identity_token {
            return Ok(token.clone());
        }
        let said = self.wanted.web_identity_token_file.as_deref().map(at_home);
        let file = said.or_else(|| variable("AWS_WEB_IDENTITY_TOKEN_FILE"));
        let file = file.ok_or_else(|| Error::Setting {
            path: format!("{}.web_identity_token_file", self.path),
            found: String::new(),
            expected: "a token, or a file with one, here or in AWS_WEB_IDENTITY_TOKEN_FILE",
        })?;
        let read = tokio::fs::read_to_string(&file).await;
        let unreadable = |reason: String| Error::TokenFile {
            file: file.clone(),
            reason,
        };
        let token = read.map_err(|error| unreadable(error.to_string()))?;
        match token.trim() {
            "" => Err(unreadable("it is empty".to_owned())),
            _ => Ok(Secret::from(token)),
        }
    }
}

impl ProvideCredentials for Exchange {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let credentials = async {
            let given = self.credentials().await;
            given.map_err(CredentialsError::provider_error)
        };
        future::ProvideCredentials::new(credentials)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Exchange");
        shown.field("wanted", &self.wanted).finish_non_exhaustive()
    }
}
