//! Keys looked at and changed from Rust, past the API.

use std::sync::Arc;

use serde_json::Value;

use super::super::World;
use super::super::policy::Policy;
use super::arn::KeyArn;
use super::grant::{Grant, GrantConstraint};
use super::key::{Key, KeyState};

/// A key that was made; after [`KmsKey::delete`] nothing that it does has an effect.
#[derive(Clone, Debug)]
pub struct KmsKey {
    world: Arc<World>,
    arn: KeyArn,
}

impl KmsKey {
    pub(super) fn new(world: Arc<World>, arn: KeyArn) -> Self {
        Self { world, arn }
    }

    /// `arn:<partition>:kms:<region>:<account>:key/<id>`.
    pub fn arn(&self) -> String {
        self.arn.to_string()
    }

    /// A UUID, or `mrk-` and 32 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.arn.id
    }

    /// The account that owns it.
    pub fn account(&self) -> &str {
        &self.arn.account
    }

    /// The Region that it is in.
    pub fn region(&self) -> &str {
        &self.arn.region
    }

    /// The ARN of an alias of its account and Region; `name` without `alias/`.
    pub fn alias_arn(&self, name: &str) -> String {
        self.arn.alias(name)
    }

    /// Lets an alias mean this key from now on, whatever it meant before; `name` without `alias/`.
    pub fn take_alias(&self, name: &str) {
        self.world.keys().alias(name, &self.arn);
    }

    /// Deletes an alias of its account and Region; `name` without `alias/`.
    pub fn delete_alias(&self, name: &str) {
        self.world.keys().forget_alias(name, &self.arn);
    }

    /// Puts it into a state.
    pub fn set_state(&self, state: KeyState) {
        self.change(|key| key.state = state);
    }

    /// Gives it another key policy.
    ///
    /// # Panics
    /// When the document is none, or asks for what is not emulated.
    pub fn set_policy(&self, document: &Value) {
        let policy = Policy::read(document).unwrap_or_else(|error| panic!("{error}"));
        self.change(|key| key.policy = policy);
    }

    /// CreateGrant: lets a user or a role, by its ARN, do these operations.
    pub fn grant(&self, grantee: &str, operations: &[&str], constraint: GrantConstraint) {
        let grant = Grant {
            grantee: grantee.to_owned(),
            operations: operations.iter().map(|name| (*name).to_owned()).collect(),
            constraint,
        };
        self.change(|key| key.grants.push(grant));
    }

    /// Takes every grant of somebody back.
    pub fn revoke_grants(&self, grantee: &str) {
        self.change(|key| key.grants.retain(|grant| grant.grantee != grantee));
    }

    /// ReplicateKey: the same multi-Region key in another Region, with the primary's policy of today. What one
    /// seals the other opens.
    ///
    /// # Panics
    /// When it is no multi-Region key.
    pub fn replicate(&self, region: &str) -> Self {
        assert!(self.arn.is_multi_region(), "{} has no replicas", self.arn);
        let arn = self.arn.sibling(region);
        let mut keys = self.world.keys();
        let primary = keys.find(&self.arn).expect("it was not deleted");
        let (kind, policy) = (primary.kind, primary.policy.clone());
        let replica = Key::new(arn.clone(), kind, policy, primary.materials());
        keys.add(replica);
        drop(keys);
        Self::new(self.world.clone(), arn)
    }

    /// RotateKeyOnDemand: seals with other material from now on, and opens all that it sealed before.
    pub fn rotate(&self) {
        self.world.keys().rotate(&self.arn.id);
    }

    /// Removes it as if its waiting period were over: nobody knows it or its aliases any more.
    pub fn delete(&self) {
        self.world.keys().remove(&self.arn);
    }

    fn change(&self, change: impl FnOnce(&mut Key)) {
        if let Some(key) = self.world.keys().find_mut(&self.arn) {
            change(key);
        }
    }
}
