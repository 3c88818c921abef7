//! Encryption contexts: what a sealed key is bound to, and policies can ask for.

use std::collections::BTreeMap;

/// What keys begin with that are ours.
pub const RESERVED: &str = "istiopca:";

/// Whether a user's context can be one, judged without asking KMS.
///
/// # Errors
/// In words: which name or value cannot be, and why.
pub fn check_context(context: &BTreeMap<String, String>) -> Result<(), String> {
    context
        .iter()
        .try_for_each(|(name, value)| check(name, value))
}

fn check(name: &str, value: &str) -> Result<(), String> {
    match () {
        () if name.is_empty() => Err("a name in it is empty".to_owned()),
        () if value.is_empty() => Err(format!("the value of {name:?} is empty")),
        () if name.starts_with(RESERVED) => Err(format!(
            "{name:?} begins with {RESERVED:?}, which is the provider's own"
        )),
        () => Ok(()),
    }
}
