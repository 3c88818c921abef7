//! JSON, in which the host stores state. Numbers keep every digit.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::WireError;
use crate::terraform::value::{Dynamic, Number};

/// Reads one JSON document.
///
/// Objects and arrays are taken apart level by level, so that each number is seen as it is
/// written: the usual tree would pass it through 64 bits.
///
/// # Errors
///
/// For what is no JSON, and for numbers beyond what the host can hold.
pub(in crate::terraform) fn decode(bytes: &[u8]) -> Result<Dynamic, WireError> {
    let raw: &RawValue = serde_json::from_slice(bytes).map_err(|error| not_json(&error))?;
    value(raw)
}

fn value(raw: &RawValue) -> Result<Dynamic, WireError> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> =
                serde_json::from_str(text).map_err(|error| not_json(&error))?;
            let entries = entries.into_iter().map(|(key, raw)| Ok((key, value(raw)?)));
            Dynamic::Map(entries.collect::<Result<_, WireError>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> =
                serde_json::from_str(text).map_err(|error| not_json(&error))?;
            Dynamic::List(items.into_iter().map(value).collect::<Result<_, _>>()?)
        }
        Some(b'"') => {
            Dynamic::String(serde_json::from_str(text).map_err(|error| not_json(&error))?)
        }
        Some(b'n') => Dynamic::Null,
        Some(b't') => Dynamic::Bool(true),
        Some(b'f') => Dynamic::Bool(false),
        _ => Dynamic::Number(Number::parse(text).ok_or(WireError::NotANumber)?),
    })
}

/// Tells where, never what: the document may hold a key.
fn not_json(error: &serde_json::Error) -> WireError {
    WireError::NotJson {
        line: error.line(),
        column: error.column(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_digit_of_a_number_is_kept() {
        let value =
            decode(br#"{"n": 0.12345678901234567890123, "big": 123456789012345678901234567890}"#)
                .expect("JSON");
        assert_eq!(
            value.attribute("n"),
            &Dynamic::Number(Number::parse("0.12345678901234567890123").expect("a number"))
        );
        assert_eq!(
            value.attribute("big"),
            &Dynamic::Number(Number::parse("123456789012345678901234567890").expect("a number"))
        );
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let value = decode(br#" {"a": [null, true, false, "x\n\u00e9"], "b": {}} "#).expect("JSON");
        let items = vec![Dynamic::Null, true.into(), false.into(), "x\n\u{e9}".into()];
        let expected = [
            ("a", Dynamic::List(items)),
            ("b", Dynamic::Map(BTreeMap::new())),
        ];
        assert_eq!(value, Dynamic::from(expected));
    }

    #[test]
    fn what_is_no_json_is_refused_without_being_quoted() {
        for text in ["", "{", r#"{"a": s3cret}"#, "[1,]", "nul", "1e999999999999"] {
            let error = decode(text.as_bytes()).expect_err(text);
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        assert!(decode("[".repeat(100_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn no_input_panics(text in r#"[\[\]{}",:0-9a-z\\. -]{0,80}"#) {
            let _ = decode(text.as_bytes());
        }
    }
}
