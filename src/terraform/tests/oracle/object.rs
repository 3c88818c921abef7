//! What a core makes of the bytes of an object, by its schema.

use std::collections::BTreeMap;

use super::super::super::schema::{Body, Kind, Nesting, Schema};
use super::super::super::{Dynamic, Number, Path};
use super::super::random::canonical;
use super::{Faults, fault};

/// The object as a core sees it: numbers that travelled as text are numbers, and a set has neither
/// an order nor duplicates.
///
/// # Errors
///
/// For whatever does not conform to the schema's type.
pub(in crate::terraform) fn seen(schema: &Schema, value: &Dynamic) -> Result<Dynamic, String> {
    object(&schema.body, value, &Path::root())
}

fn object(body: &Body, value: &Dynamic, path: &Path) -> Result<Dynamic, String> {
    let entries = match value {
        Dynamic::Null | Dynamic::Unknown(_) => return Ok(value.clone()),
        Dynamic::Map(entries) => entries,
        other => {
            return Err(format!(
                "{path}: an object is required, found {}",
                other.kind()
            ));
        }
    };
    let names: Vec<&str> = body.names().collect();
    if entries.len() != names.len() || !names.iter().all(|name| entries.contains_key(*name)) {
        let found: Vec<_> = entries.keys().collect();
        return Err(format!(
            "{path}: an object with {names:?} is required, found {found:?}"
        ));
    }
    let mut seen = BTreeMap::new();
    for attribute in body.attributes {
        let path = path.attribute(attribute.name);
        let value = of_kind(attribute.kind, value.attribute(attribute.name), &path)?;
        seen.insert(attribute.name.to_owned(), value);
    }
    for block in body.blocks {
        let path = path.attribute(block.name);
        let value = value.attribute(block.name);
        let value = match (block.nesting, value) {
            (_, Dynamic::Unknown(_)) => value.clone(),
            (Nesting::Single, value) => object(&block.body, value, &path)?,
            (Nesting::List { .. }, Dynamic::List(items)) => {
                Dynamic::List(each(items, |item| object(&block.body, item, &path))?)
            }
            (Nesting::Set { .. }, Dynamic::List(items)) => {
                canonical(each(items, |item| object(&block.body, item, &path))?)
            }
            (_, other) => {
                return Err(format!(
                    "{path}: blocks are required, found {}",
                    other.kind()
                ));
            }
        };
        seen.insert(block.name.to_owned(), value);
    }
    Ok(Dynamic::Map(seen))
}

fn of_kind(kind: Kind, value: &Dynamic, path: &Path) -> Result<Dynamic, String> {
    Ok(match (kind, value) {
        (_, Dynamic::Null | Dynamic::Unknown(_))
        | (Kind::String, Dynamic::String(_))
        | (Kind::Number, Dynamic::Number(_))
        | (Kind::Bool, Dynamic::Bool(_)) => value.clone(),
        (Kind::Number, Dynamic::String(text)) => {
            let number = Number::parse(text).ok_or_else(|| format!("{path}: no number"))?;
            Dynamic::Number(number)
        }
        (Kind::List(kind), Dynamic::List(items)) => {
            Dynamic::List(each(items, |item| of_kind(*kind, item, path))?)
        }
        (Kind::Set(kind), Dynamic::List(items)) => {
            canonical(each(items, |item| of_kind(*kind, item, path))?)
        }
        (Kind::Map(kind), Dynamic::Map(entries)) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, item)| Ok((key.clone(), of_kind(*kind, item, path)?)));
            Dynamic::Map(entries.collect::<Result<_, String>>()?)
        }
        (Kind::Object(fields), Dynamic::Map(entries)) => {
            if entries.len() != fields.len() {
                return Err(format!(
                    "{path}: an object with {} attributes is required",
                    fields.len()
                ));
            }
            let fields = fields.iter().map(|(name, kind)| {
                let item = entries
                    .get(*name)
                    .ok_or_else(|| format!("{path}: lacks {name}"))?;
                Ok(((*name).to_owned(), of_kind(*kind, item, path)?))
            });
            Dynamic::Map(fields.collect::<Result<_, String>>()?)
        }
        (kind, other) => {
            return Err(format!(
                "{path}: {kind} is required, found {}",
                other.kind()
            ));
        }
    })
}

fn each(
    items: &[Dynamic],
    seen: impl Fn(&Dynamic) -> Result<Dynamic, String>,
) -> Result<Vec<Dynamic>, String> {
    items.iter().map(seen).collect()
}

/// Refuses what must never be stored, at any depth.
pub(super) fn write_only_is_null(body: &Body, value: &Dynamic, path: &Path, faults: &mut Faults) {
    for attribute in body
        .attributes
        .iter()
        .filter(|attribute| attribute.write_only)
    {
        if !value.attribute(attribute.name).is_null() {
            fault(
                faults,
                &path.attribute(attribute.name),
                "is write-only and not null",
            );
        }
    }
    for block in body.blocks {
        let path = path.attribute(block.name);
        match value.attribute(block.name) {
            Dynamic::List(items) => {
                items
                    .iter()
                    .for_each(|item| write_only_is_null(&block.body, item, &path, faults));
            }
            single => write_only_is_null(&block.body, single, &path, faults),
        }
    }
}
