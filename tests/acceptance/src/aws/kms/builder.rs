//! Keys for tests: entered into AWS's books from Rust, past the API.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::partition::partition_of;
use super::super::policy::Policy;
use super::super::{ACCOUNT, REGION, World};
use super::arn::KeyArn;
use super::handle::KmsKey;
use super::key::{Key, KeyKind};
use super::seal::Material;

/// A key to be, see [`crate::aws::Aws::kms_key`].
#[derive(Debug)]
pub struct KmsKeyBuilder {
    world: Arc<World>,
    account: String,
    region: String,
    kind: KeyKind,
    multi_region: bool,
    aliases: Vec<String>,
    policy: Option<Policy>,
}

impl KmsKeyBuilder {
    pub(crate) fn new(world: Arc<World>) -> Self {
        Self {
            world,
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            kind: KeyKind::Symmetric,
            multi_region: false,
            aliases: Vec::new(),
            policy: None,
        }
    }

    /// The account that owns it; [`ACCOUNT`] otherwise.
    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.account = account.to_owned();
        self
    }

    /// The Region that it is in, which says the partition too; [`REGION`] otherwise.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        self.region = region.to_owned();
        self
    }

    /// What it is for; symmetric otherwise.
    #[must_use]
    pub fn kind(mut self, kind: KeyKind) -> Self {
        self.kind = kind;
        self
    }

    /// Makes it the primary of a multi-Region key, see [`KmsKey::replicate`].
    #[must_use]
    pub fn multi_region(mut self) -> Self {
        self.multi_region = true;
        self
    }

    /// Another name for it, written without `alias/`. Several add up.
    #[must_use]
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// Its key policy; otherwise the one that AWS gives, which leaves everything to the policies of its
    /// account.
    ///
    /// # Panics
    /// When the document is none, or asks for what is not emulated.
    #[must_use]
    pub fn policy(mut self, document: &Value) -> Self {
        self.policy = Some(Policy::read(document).unwrap_or_else(|error| panic!("{error}")));
        self
    }

    /// Makes it.
    pub fn create(self) -> KmsKey {
        let arn = KeyArn::fresh(&self.region, &self.account, self.multi_region);
        let usual = || usual_policy(&self.region, &self.account);
        let policy = self.policy.clone().unwrap_or_else(usual);
        let materials = vec![Arc::new(Material::fresh())];
        let mut keys = self.world.keys();
        keys.add(Key::new(arn.clone(), self.kind, policy, materials));
        for alias in &self.aliases {
            keys.alias(alias, &arn);
        }
        drop(keys);
        KmsKey::new(self.world, arn)
    }
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
fn usual_policy(region: &str, account: &str) -> Policy {
    let root = format!("arn:{}:iam::{account}:root", partition_of(region));
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*",
        }],
    });
    Policy::read(&document).expect("it is a policy")
}
