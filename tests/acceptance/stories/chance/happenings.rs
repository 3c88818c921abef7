//! What was asked of a random resource, and whether the core stores what was configured.

use istiopca::terraform::Dynamic;
use istiopca::terraform::schema::{Attribute, Body, Fallback, Role, Schema};
use serde_json::{Map, Value};

use super::random::{Event, Script, json};

/// The operations since the last time.
pub(super) fn asked(script: &Script) -> Vec<Event> {
    let events = script.events();
    let complaint = events
        .iter()
        .find(|event| matches!(event, Event::Complaint(_)));
    assert_eq!(complaint, None);
    let operations = events
        .into_iter()
        .filter(|event| !matches!(event, Event::Preflight { .. } | Event::Look(_)));
    operations.collect()
}

/// The settings as a state shows them: with what is written once and never stored, and with
/// defaults.
pub(super) fn as_stored(schema: &Schema, config: &Dynamic) -> Value {
    body_as_stored(&schema.body, config)
}

fn body_as_stored(body: &Body, config: &Dynamic) -> Value {
    let attributes = body
        .attributes
        .iter()
        .filter(|attribute| !attribute.is_output());
    let attributes = attributes.map(|attribute| {
        let value = attribute_as_stored(attribute, config.attribute(attribute.name));
        (attribute.name.to_owned(), value)
    });
    let blocks = body.blocks.iter().map(|block| {
        let value = match config.attribute(block.name) {
            Dynamic::Null => Value::Null,
            Dynamic::List(items) => items
                .iter()
                .map(|item| body_as_stored(&block.body, item))
                .collect(),
            single => body_as_stored(&block.body, single),
        };
        (block.name.to_owned(), value)
    });
    Value::Object(attributes.chain(blocks).collect::<Map<_, _>>())
}

fn attribute_as_stored(attribute: &Attribute, configured: &Dynamic) -> Value {
    if attribute.write_only {
        return Value::Null;
    }
    match (&attribute.role, configured) {
        (Role::Defaulted(fallback), Dynamic::Null) => match fallback {
            Fallback::Text(text) => (*text).into(),
            Fallback::Integer(number) => (*number).into(),
            Fallback::Bool(value) => (*value).into(),
            Fallback::EmptyList => Value::Array(Vec::new()),
            Fallback::EmptyMap => Value::Object(Map::new()),
        },
        (_, value) => serde_json::from_str(&json(value)).unwrap(),
    }
}

/// Demands of the settings in a state that they are the wanted ones; numbers to the precision of
/// `show -json`'s reader, lists and sets in any order: the framework's own tests look closer.
#[track_caller]
pub(super) fn same(address: &str, stored: &Value, wanted: &Value) {
    for (name, wanted) in wanted.as_object().into_iter().flatten() {
        assert_eq!(
            comparable(&stored[name]),
            comparable(wanted),
            "{address}: {name}"
        );
    }
}

fn comparable(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(comparable).collect();
            items.sort_unstable();
            items.dedup();
            format!("[{}]", items.join(","))
        }
        Value::Object(entries) => {
            let entries = entries.iter();
            let mut entries: Vec<_> = entries
                .map(|(name, value)| format!("{name}: {}", comparable(value)))
                .collect();
            // In which order a map keeps its entries depends on how serde_json was built.
            entries.sort_unstable();
            format!("{{{}}}", entries.join(","))
        }
        Value::Number(number) => format!("{:e}", number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}
