//! What an object needs before it is stored: defaults first, then what must hold.
//!
//! Those rules of a real API server that a Secret for istiod can run into, not all there are: names
//! and labels, for one, are taken as they come.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::form::decoded_len;
use super::status::Flaw;
use super::target::{Kind, Target};

/// All values of a Secret together, in bytes after base64 is undone.
const MOST_DATA: usize = 1_048_576;
/// Keys and values of all annotations together, in bytes.
const MOST_ANNOTATIONS: usize = 262_144;

/// Fills in what the server fills in, and leaves out what it leaves out: maps without a key.
pub(super) fn complete(at: &Target, object: &mut Value) {
    drop_empty(object, &["data"]);
    drop_empty(
        &mut object["metadata"],
        &["labels", "annotations", "managedFields", "finalizers"],
    );
    object["apiVersion"] = json!("v1");
    object["kind"] = json!(at.kind.name());
    match at.kind {
        Kind::Secret => {
            let kept = object["type"].as_str().filter(|kept| !kept.is_empty());
            object["type"] = json!(kept.unwrap_or("Opaque"));
        }
        Kind::Namespace => {
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(at.name);
            object["spec"] = json!({"finalizers": ["kubernetes"]});
            object["status"] = json!({"phase": "Active"});
        }
    }
}

/// Lays `stringData` over `data` and takes it away: it is never stored.
pub(super) fn fold_string_data(object: &mut Value) {
    let written = object
        .as_object_mut()
        .and_then(|object| object.remove("stringData"));
    for (key, text) in written.iter().flat_map(entries) {
        object["data"][key] = json!(STANDARD.encode(text.as_str().unwrap_or_default()));
    }
}

/// All that keeps `new` from being stored in the place of `live` (`Value::Null` where nothing is
/// there).
pub(super) fn flaws(kind: Kind, live: &Value, new: &Value) -> Vec<Flaw> {
    let mut flaws = Vec::from_iter(flaw_of_annotations(new));
    if kind == Kind::Secret {
        flaws.extend(flaws_of_data(new));
        flaws.extend(flaws_of_change(live, new));
    }
    flaws
}

fn drop_empty(object: &mut Value, fields: &[&str]) {
    let is_empty = |value: &Value| *value == json!({}) || *value == json!([]);
    for field in fields {
        if object.get(field).is_some_and(is_empty) {
            object.as_object_mut().map(|object| object.remove(*field));
        }
    }
}

fn flaw_of_annotations(new: &Value) -> Option<Flaw> {
    let sizes =
        entries(&new["metadata"]["annotations"]).map(|(key, value)| key.len() + text_len(value));
    let too_long = sizes.sum::<usize>() > MOST_ANNOTATIONS;
    too_long.then(|| Flaw::too_long("metadata.annotations", MOST_ANNOTATIONS))
}

fn flaws_of_data(new: &Value) -> Vec<Flaw> {
    let data = &new["data"];
    let ill_named = entries(data).filter(|(key, _)| !is_data_key(key)).map(|(key, _)| Flaw {
        field: format!("data[{key}]"),
        reason: "FieldValueInvalid",
        message: format!(
            "Invalid value: {key:?}: a valid config key must consist of alphanumeric characters, \
             '-', '_' or '.'"
        ),
    });
    let required: &[&str] = if new["type"] == "kubernetes.io/tls" {
        &["tls.crt", "tls.key"]
    } else {
        &[]
    };
    let missing = required
        .iter()
        .filter(|key| data.get(**key).is_none())
        .map(|key| Flaw::required(&format!("data[{key}]")));
    let size: usize = entries(data)
        .filter_map(|(_, value)| decoded_len(value))
        .sum();
    let too_long = (size > MOST_DATA).then(|| Flaw::too_long("data", MOST_DATA));
    ill_named.chain(missing).chain(too_long).collect()
}

fn flaws_of_change(live: &Value, new: &Value) -> Vec<Flaw> {
    if live.is_null() {
        return Vec::new();
    }
    let mut flaws = Vec::new();
    if live["type"] != new["type"] {
        flaws.push(Flaw::immutable(
            "type",
            new["type"].as_str().unwrap_or_default(),
        ));
    }
    let sealed = |field: &str| Flaw {
        field: field.to_owned(),
        reason: "FieldValueForbidden",
        message: "Forbidden: field is immutable when `immutable` is set".to_owned(),
    };
    if live["immutable"] == true {
        flaws.extend((new["immutable"] != true).then(|| sealed("immutable")));
        flaws.extend((live["data"] != new["data"]).then(|| sealed("data")));
    }
    flaws
}

fn entries(map: &Value) -> impl Iterator<Item = (&String, &Value)> {
    map.as_object().into_iter().flat_map(Map::iter)
}

fn is_data_key(key: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=253).contains(&key.len()) && key.chars().all(legal) && key != "." && !key.starts_with("..")
}

fn text_len(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}
