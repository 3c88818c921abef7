//! Users and roles for tests.

use std::sync::Arc;

use serde_json::Value;

use super::World;
use super::accounts::{Credentials, Role, TokenTrust};
use super::oidc::IdentityProvider;
use super::policy::Policy;
use super::random;

/// An account to take users and roles from, see [`super::Aws::account`].
#[derive(Debug)]
pub struct Account {
    world: Arc<World>,
    partition: String,
    id: String,
}

/// A role to be; it trusts nobody until told.
#[derive(Debug)]
pub struct RoleBuilder {
    world: Arc<World>,
    role: Role,
}

const LONGEST_SESSION_SECONDS: i64 = 3600;

impl Account {
    pub(crate) fn new(world: Arc<World>, partition: &str, id: &str) -> Self {
        Self {
            world,
            partition: partition.to_owned(),
            id: id.to_owned(),
        }
    }

    /// Its twelve digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A new user who may do everything in this account, and its keys.
    pub fn user(&self, name: &str) -> Credentials {
        self.world
            .accounts()
            .add_user(&self.partition, &self.id, name, None, None)
    }

    /// A new user who may do only what is named, such as `acm-pca:Describe*`.
    pub fn limited_user(&self, name: &str, allowed: &[&str]) -> Credentials {
        self.world
            .accounts()
            .add_user(&self.partition, &self.id, name, Some(owned(allowed)), None)
    }

    /// A new user who may do what this policy of IAM says: resources count, and so do conditions as far
    /// as KMS knows of them.
    ///
    /// # Panics
    /// When the document is none, or asks for what is not emulated.
    pub fn user_under(&self, name: &str, policy: &Value) -> Credentials {
        let policy = Policy::read(policy).unwrap_or_else(|error| panic!("{error}"));
        self.world
            .accounts()
            .add_user(&self.partition, &self.id, name, None, Some(policy))
    }

    /// A user who may do everything in this account, with keys that were made elsewhere.
    pub fn user_with(&self, name: &str, keys: &Credentials) {
        self.world
            .accounts()
            .add_known_user(&self.partition, &self.id, name, keys);
    }

    /// A role to be.
    pub fn role(&self, name: &str) -> RoleBuilder {
        let role = Role {
            account: self.id.clone(),
            partition: self.partition.clone(),
            arn: format!("arn:{}:iam::{}:role/{name}", self.partition, self.id),
            id: random::identifier("AROA"),
            trusted: Vec::new(),
            external_id: None,
            token_trusts: Vec::new(),
            allowed: None,
            policy: None,
            longest_session_seconds: LONGEST_SESSION_SECONDS,
        };
        RoleBuilder {
            world: self.world.clone(),
            role,
        }
    }
}

impl RoleBuilder {
    /// Lets somebody assume it: an account by its id, a user or a role by its ARN. Several add up.
    #[must_use]
    pub fn trusting(mut self, who: &str) -> Self {
        self.role.trusted.push(who.to_owned());
        self
    }

    /// Lets in whoever has a token of this issuer for `subject`, where `*` may be at the end, and
    /// for `audience`. Several add up.
    #[must_use]
    pub fn trusting_tokens_of(
        mut self,
        issuer: &IdentityProvider,
        subject: &str,
        audience: &str,
    ) -> Self {
        self.role.token_trusts.push(TokenTrust {
            issuer: issuer.url().to_owned(),
            subject: subject.to_owned(),
            audience: audience.to_owned(),
        });
        self
    }

    /// Demands this `ExternalId`.
    #[must_use]
    pub fn external_id(mut self, id: &str) -> Self {
        self.role.external_id = Some(id.to_owned());
        self
    }

    /// Allows only what is named, such as `acm-pca:Describe*`; everything otherwise.
    #[must_use]
    pub fn allowing(mut self, actions: &[&str]) -> Self {
        self.role.allowed = Some(owned(actions));
        self
    }

    /// Allows what this policy of IAM says, see [`Account::user_under`].
    ///
    /// # Panics
    /// When the document is none, or asks for what is not emulated.
    #[must_use]
    pub fn policy(mut self, document: &Value) -> Self {
        self.role.policy = Some(Policy::read(document).unwrap_or_else(|error| panic!("{error}")));
        self
    }

    /// `MaxSessionDuration`; an hour otherwise.
    #[must_use]
    pub fn longest_session_seconds(mut self, seconds: i64) -> Self {
        self.role.longest_session_seconds = seconds;
        self
    }

    /// Makes it and gives its ARN.
    pub fn create(self) -> String {
        let arn = self.role.arn.clone();
        self.world.accounts().add_role(self.role);
        arn
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
