//! What this framework promises of settings, beyond what a core demands.

use super::super::super::Dynamic;
use super::super::super::schema::{Body, Role};

/// A configuration with its defaults, and where it is to be stored, without what never is.
pub(in crate::terraform) fn wanted(body: &Body, config: &Dynamic, stored: bool) -> Dynamic {
    let mut object = config.clone();
    let Dynamic::Map(entries) = &mut object else {
        return object;
    };
    for attribute in body.attributes {
        let said = config.attribute(attribute.name);
        let value = match attribute.role {
            _ if attribute.write_only && stored => Dynamic::Null,
            Role::Defaulted(fallback) if said.is_null() => fallback.value(),
            _ => continue,
        };
        entries.insert(attribute.name.to_owned(), value);
    }
    for block in body.blocks {
        let inner = match config.attribute(block.name) {
            Dynamic::List(items) => {
                let items = items.iter().map(|item| wanted(&block.body, item, stored));
                Dynamic::List(items.collect())
            }
            single => wanted(&block.body, single, stored),
        };
        entries.insert(block.name.to_owned(), inner);
    }
    object
}
