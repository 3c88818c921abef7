//! JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396).

use serde::Deserialize;
use serde_json::Value;

/// One step of a JSON patch.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(super) enum Operation {
    Add { path: String, value: Value },
    Replace { path: String, value: Value },
    Remove { path: String },
    Move { from: String, path: String },
    Copy { from: String, path: String },
    Test { path: String, value: Value },
}

/// Why a patch does not fit a document.
#[derive(Debug, thiserror::Error, PartialEq)]
pub(super) enum Error {
    #[error("there is nothing at {0:?}")]
    Missing(String),
    #[error("the test of {0:?} failed")]
    Test(String),
}

/// Carries the steps out in order. The document is half changed if one of them fails.
pub(super) fn apply(document: &mut Value, operations: &[Operation]) -> Result<(), Error> {
    operations
        .iter()
        .try_for_each(|operation| step(document, operation))
}

/// Lays a merge patch over a document: `null` takes a key away.
pub(super) fn merge(document: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *document = patch.clone();
        return;
    };
    if !document.is_object() {
        *document = Value::Object(serde_json::Map::new());
    }
    let Value::Object(document) = document else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            document.remove(key);
        } else {
            merge(document.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn step(document: &mut Value, operation: &Operation) -> Result<(), Error> {
    match operation {
        Operation::Add { path, value } => add(document, path, value.clone()),
        Operation::Replace { path, value } => replace(document, path, value.clone()),
        Operation::Remove { path } => remove(document, path).map(|_| ()),
        Operation::Move { from, path } => {
            let value = remove(document, from)?;
            add(document, path, value)
        }
        Operation::Copy { from, path } => {
            let value = document
                .pointer(from)
                .cloned()
                .ok_or_else(|| missing(from))?;
            add(document, path, value)
        }
        Operation::Test { path, value } => {
            let holds = document.pointer(path) == Some(value);
            if holds {
                Ok(())
            } else {
                Err(Error::Test(path.clone()))
            }
        }
    }
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), Error> {
    let Some((parent, last)) = path.rsplit_once('/') else {
        *document = value;
        return Ok(());
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => _ = map.insert(unescaped(last), value),
        Some(Value::Array(list)) if last == "-" => list.push(value),
        Some(Value::Array(list)) => {
            let index = last.parse().ok().filter(|index| *index <= list.len());
            list.insert(index.ok_or_else(|| missing(path))?, value);
        }
        _ => return Err(missing(path)),
    }
    Ok(())
}

/// The API server's library lets a key be replaced that is not there, which RFC 6902 does not.
fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), Error> {
    let parent = path
        .rsplit_once('/')
        .and_then(|(parent, _)| document.pointer(parent));
    if parent.is_some_and(Value::is_object) {
        return add(document, path, value);
    }
    *document.pointer_mut(path).ok_or_else(|| missing(path))? = value;
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Error> {
    let (parent, last) = path.rsplit_once('/').ok_or_else(|| missing(path))?;
    let taken = match document.pointer_mut(parent) {
        Some(Value::Object(map)) => map.remove(&unescaped(last)),
        Some(Value::Array(list)) => {
            let index: Option<usize> = last.parse().ok().filter(|index| *index < list.len());
            index.map(|index| list.remove(index))
        }
        _ => None,
    };
    taken.ok_or_else(|| missing(path))
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

fn missing(path: &str) -> Error {
    Error::Missing(path.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(before: Value, patch: Value, after: &Result<Value, Error>) {
        let mut document = before;
        let operations: Vec<Operation> = serde_json::from_value(patch).unwrap();
        assert_eq!(apply(&mut document, &operations).map(|()| document), *after);
    }

    #[test]
    fn the_rfcs_own_examples_come_out_as_it_says() {
        // RFC 6902, A.2, A.4, A.6, A.7, A.12 and A.14.
        let add = json!([{"op": "add", "path": "/foo/1", "value": "qux"}]);
        check(
            json!({"foo": ["bar", "baz"]}),
            add,
            &Ok(json!({"foo": ["bar", "qux", "baz"]})),
        );
        let remove = json!([{"op": "remove", "path": "/foo/1"}]);
        check(
            json!({"foo": ["bar", "qux", "baz"]}),
            remove,
            &Ok(json!({"foo": ["bar", "baz"]})),
        );
        let shift = json!([{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}]);
        let before = json!({"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}});
        check(
            before,
            shift,
            &Ok(json!({"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}})),
        );
        let order = json!([{"op": "move", "from": "/foo/1", "path": "/foo/3"}]);
        let after = json!({"foo": ["all", "cows", "eat", "grass"]});
        check(
            json!({"foo": ["all", "grass", "cows", "eat"]}),
            order,
            &Ok(after),
        );
        let nowhere = json!([{"op": "add", "path": "/baz/bat", "value": "qux"}]);
        check(json!({"foo": "bar"}), nowhere, &Err(missing("/baz/bat")));
        let escaped = json!([{"op": "test", "path": "/~01", "value": 10}]);
        check(
            json!({"/": 9, "~1": 10}),
            escaped,
            &Ok(json!({"/": 9, "~1": 10})),
        );
    }

    #[test]
    fn a_failed_test_stops_the_patch() {
        let patch =
            json!([{"op": "test", "path": "/a", "value": 2}, {"op": "remove", "path": "/a"}]);
        check(json!({"a": 1}), patch, &Err(Error::Test("/a".into())));
    }

    #[test]
    fn a_merge_patch_takes_away_what_is_null() {
        // RFC 7396, section 3.
        let mut document =
            json!({"title": "Goodbye!", "author": {"givenName": "John", "familyName": "Doe"}});
        merge(
            &mut document,
            &json!({"title": "Hello!", "author": {"familyName": null}, "tags": {"a": null}}),
        );
        assert_eq!(
            document,
            json!({"title": "Hello!", "author": {"givenName": "John"}, "tags": {}})
        );
    }
}
