//! Whether a body is an object at all, and one of the place that it was sent to.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::status::Refusal;
use super::target::Target;

/// The body as an object of this place, without its nulls. (For the real server a map that is null
/// is an empty one.)
///
/// What is wrong with its form is refused by `refuse`, because each verb has its own answer to
/// that; what names another object is refused here.
pub(super) fn well_formed(
    at: &Target,
    body: Value,
    refuse: impl FnOnce(&Target, &str) -> Refusal,
) -> Result<Value, Refusal> {
    let object = without_nulls(body);
    if let Some(fault) = fault(at, &object) {
        return Err(refuse(at, &fault));
    }
    require_place(at, &object).map(|()| object)
}

/// How long a value is when base64 is undone; nothing, if it is not base64.
pub(super) fn decoded_len(value: &Value) -> Option<usize> {
    STANDARD
        .decode(value.as_str()?)
        .ok()
        .map(|bytes| bytes.len())
}

/// What does not fit the schema, by its path; values stay untold.
fn fault(at: &Target, object: &Value) -> Option<String> {
    let Some(fields) = object.as_object() else {
        return Some("expected an object".to_owned());
    };
    let is_unknown = |field: &&String| !at.kind.fields().contains(&field.as_str());
    if let Some(field) = fields.keys().find(is_unknown) {
        return Some(format!(".{field}: field not declared in schema"));
    }
    if !object["metadata"].is_object() && !object["metadata"].is_null() {
        return Some(".metadata: expected map".to_owned());
    }
    fault_of_maps(object).or_else(|| fault_of_data(object))
}

fn fault_of_maps(object: &Value) -> Option<String> {
    let is_text_map = |value: &Value| {
        value
            .as_object()
            .is_some_and(|map| map.values().all(Value::is_string))
    };
    let maps = [
        "metadata.labels",
        "metadata.annotations",
        "data",
        "stringData",
    ];
    let odd = maps.into_iter().find(|map| {
        let value = object.pointer(&format!("/{}", map.replace('.', "/")));
        value.is_some_and(|value| !is_text_map(value))
    });
    odd.map(|map| format!(".{map}: expected map of strings"))
}

fn fault_of_data(object: &Value) -> Option<String> {
    let mut data = object["data"].as_object().into_iter().flatten();
    let odd = data.find(|(_, value)| decoded_len(value).is_none());
    odd.map(|(key, _)| format!("illegal base64 data in {key:?}"))
}

fn require_place(at: &Target, object: &Value) -> Result<(), Refusal> {
    let metadata = &object["metadata"];
    let other = |value: &Value, own: &str| {
        let value = value.as_str().filter(|value| *value != own);
        value.map(str::to_owned)
    };
    let words = if let Some(kind) = other(&object["kind"], at.kind.name()) {
        format!("invalid object type: /v1, Kind={kind}")
    } else if let Some(name) = other(&metadata["name"], &at.name) {
        let own = &at.name;
        format!("the name of the object ({name}) does not match the name on the URL ({own})")
    } else if other(
        &metadata["namespace"],
        at.namespace.as_deref().unwrap_or_default(),
    )
    .is_some()
    {
        "the namespace of the provided object does not match the namespace sent on the request"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::bad_request(words))
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            kept.map(|(key, value)| (key, without_nulls(value)))
                .collect()
        }
        other => other,
    }
}
