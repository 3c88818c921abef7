//! The books: every key, and what they are called.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::answer::Failure;
use super::super::caller::Caller;
use super::super::partition::partition_of;
use super::access::Wish;
use super::arn::KeyArn;
use super::key::Key;
use super::seal::Material;

/// Every key and alias that the emulator knows.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    keys: Vec<Key>,
    /// By the alias's ARN.
    aliases: BTreeMap<String, KeyArn>,
}

/// A key, and the alias by which it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) key: &'a Key,
    pub(super) alias: Option<&'a str>,
}

impl Keys {
    pub(super) fn add(&mut self, key: Key) {
        self.keys.push(key);
    }

    pub(super) fn find(&self, arn: &KeyArn) -> Option<&Key> {
        self.keys.iter().find(|key| key.arn == *arn)
    }

    pub(super) fn find_mut(&mut self, arn: &KeyArn) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| key.arn == *arn)
    }

    /// Takes a key out of the books with its aliases.
    pub(super) fn remove(&mut self, arn: &KeyArn) {
        self.keys.retain(|key| key.arn != *arn);
        self.aliases.retain(|_, target| target != arn);
    }

    /// Gives all Regions' keys of this id the same new material.
    pub(super) fn rotate(&mut self, id: &str) {
        let material = Arc::new(Material::fresh());
        for key in self.keys.iter_mut().filter(|key| key.arn.id == id) {
            key.rotate_to(Arc::clone(&material));
        }
    }

    /// Lets an alias of the key's account and Region mean this key; `name` without `alias/`.
    pub(super) fn alias(&mut self, name: &str, key: &KeyArn) {
        self.aliases.insert(key.alias(name), key.clone());
    }

    pub(super) fn forget_alias(&mut self, name: &str, beside: &KeyArn) {
        self.aliases.remove(&beside.alias(name));
    }

    /// The names of a key's aliases, with `alias/`.
    pub(super) fn aliases_of(&self, key: &KeyArn) -> impl Iterator<Item = &str> {
        let own = self
            .aliases
            .iter()
            .filter(move |(_, target)| *target == key);
        own.filter_map(|(arn, _)| arn.rsplit(':').next())
    }

    /// The key that the caller names, if the caller may do with it what is wished.
    pub(super) fn admitted(
        &self,
        caller: &Caller,
        named: &str,
        wish: &Wish<'_>,
    ) -> Result<&Key, Failure> {
        let found = self.named(caller, named)?;
        wish.is_allowed(self, caller, found)?;
        Ok(found.key)
    }

    fn named(&self, caller: &Caller, named: &str) -> Result<Found<'_>, Failure> {
        let (region, account) = (&caller.region, &caller.principal.account);
        let full = match named.starts_with("arn:") {
            true => named.to_owned(),
            false if named.starts_with("alias/") => here(region, account, named),
            false if looks_like_an_id(named) => here(region, account, &format!("key/{named}")),
            false => return Err(not_found(format!("Invalid keyId {named}"))),
        };
        let there = full.split(':').nth(3).unwrap_or_default();
        if there != region {
            return Err(not_found(format!("Invalid arn {there}")));
        }
        if let Some((alias, target)) = self.aliases.get_key_value(&full) {
            let key = self.find(target);
            let key = key.ok_or_else(|| not_found(format!("Alias {full} is not found.")))?;
            let alias = alias.rsplit(':').next();
            return Ok(Found { key, alias });
        }
        if full.contains(":alias/") {
            return Err(not_found(format!("Alias {full} is not found.")));
        }
        let key = self.keys.iter().find(|key| key.arn.to_string() == full);
        let key = key.ok_or_else(|| not_found(format!("Key '{full}' does not exist")))?;
        Ok(Found { key, alias: None })
    }
}

fn here(region: &str, account: &str, resource: &str) -> String {
    format!(
        "arn:{}:kms:{region}:{account}:{resource}",
        partition_of(region)
    )
}

fn looks_like_an_id(text: &str) -> bool {
    let text = text.strip_prefix("mrk-").unwrap_or(text);
    let digits = text.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn not_found(words: String) -> Failure {
    Failure::of("NotFoundException", words)
}
