//! From a typed struct to the host's tree.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Dynamic, Number};

/// The tree of a typed value: `None` is null, an enum without fields is its name.
///
/// # Errors
///
/// Only where the type's own `Serialize` refuses, or has maps with keys that are no text.
pub fn to_dynamic<T: Serialize>(value: &T) -> Result<Dynamic, serde_json::Error> {
    serde_json::to_value(value).map(from_json)
}

/// Typed values have numbers of machine size, so that JSON's own tree loses nothing of them; what
/// the host stores is read by [`wire`](crate::terraform::wire), which keeps every digit.
fn from_json(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::Null,
        Value::Bool(value) => Dynamic::Bool(value),
        Value::Number(number) => {
            Number::parse(&number.to_string()).map_or(Dynamic::Null, Dynamic::Number)
        }
        Value::String(text) => Dynamic::String(text),
        Value::Array(items) => Dynamic::List(items.into_iter().map(from_json).collect()),
        Value::Object(entries) => Dynamic::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key, from_json(value)))
                .collect::<BTreeMap<_, _>>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Outputs {
        serial: Option<String>,
        superseded: Vec<String>,
        count: u64,
        ratio: f64,
    }

    #[test]
    fn every_field_becomes_an_attribute() {
        let outputs = Outputs {
            serial: None,
            superseded: vec!["arn".to_owned()],
            count: u64::MAX,
            ratio: 0.25,
        };
        let expected = Dynamic::from([
            ("serial", Dynamic::Null),
            ("superseded", Dynamic::List(vec!["arn".into()])),
            (
                "count",
                Dynamic::Number(Number::parse("18446744073709551615").expect("a number")),
            ),
            (
                "ratio",
                Dynamic::Number(Number::parse("0.25").expect("a number")),
            ),
        ]);
        assert_eq!(to_dynamic(&outputs).expect("serializable"), expected);
    }
}
