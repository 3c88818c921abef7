//! MessagePack, as the host encodes values (Terraform's `object-wire-format.md`).

use std::collections::BTreeMap;

use rmp::Marker;
use rmp::decode::{self, RmpRead};
use rmp::encode;

use super::WireError;
use crate::terraform::value::{Dynamic, Number, Unknown, View};

/// The extension code of an unknown value about which something is known.
const REFINED: i8 = 12;

/// The refinement that says whether the value may be null.
const NULLNESS: u64 = 1;

/// Deeper than any schema; a bound, because every level takes a piece of the stack.
const MAX_DEPTH: usize = 64;

/// Reads one value, which must be all that there is.
///
/// # Errors
///
/// For whatever is not a value of the host's; no input panics, and none reserves more memory
/// than it fills.
pub(in crate::terraform) fn decode(mut bytes: &[u8]) -> Result<Dynamic, WireError> {
    let value = value(&mut bytes, 0)?;
    if bytes.is_empty() {
        Ok(value)
    } else {
        Err(WireError::Trailing { bytes: bytes.len() })
    }
}

fn value(input: &mut &[u8], depth: usize) -> Result<Dynamic, WireError> {
    if depth > MAX_DEPTH {
        return Err(WireError::TooDeep);
    }
    let marker = decode::read_marker(input).map_err(|_| WireError::Truncated)?;
    Ok(match marker {
        Marker::Null => Dynamic::Null,
        Marker::True => Dynamic::Bool(true),
        Marker::False => Dynamic::Bool(false),
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            Dynamic::String(text(input, marker)?)
        }
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => {
            let length = length(input, marker)?;
            Dynamic::List(
                (0..length)
                    .map(|_| value(input, depth + 1))
                    .collect::<Result<_, _>>()?,
            )
        }
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => entries(input, marker, depth)?,
        Marker::FixExt1
        | Marker::FixExt2
        | Marker::FixExt4
        | Marker::FixExt8
        | Marker::FixExt16
        | Marker::Ext8
        | Marker::Ext16
        | Marker::Ext32 => Dynamic::Unknown(unknown(input, marker)?),
        number => Dynamic::Number(self::number(input, number)?),
    })
}

fn entries(input: &mut &[u8], marker: Marker, depth: usize) -> Result<Dynamic, WireError> {
    let mut entries = BTreeMap::new();
    for _ in 0..length(input, marker)? {
        let marker = decode::read_marker(input).map_err(|_| WireError::Truncated)?;
        let key = text(input, marker)?;
        let value = value(input, depth + 1)?;
        if let Some((key, _)) = entries.insert(key.clone(), value).map(|old| (key, old)) {
            return Err(WireError::DuplicateKey { key });
        }
    }
    Ok(Dynamic::Map(entries))
}

fn number(input: &mut &[u8], marker: Marker) -> Result<Number, WireError> {
    let truncated = |_| WireError::Truncated;
    Ok(match marker {
        Marker::FixPos(value) => i128::from(value).into(),
        Marker::FixNeg(value) => i128::from(value).into(),
        Marker::U8 => i128::from(input.read_data_u8().map_err(truncated)?).into(),
        Marker::U16 => i128::from(input.read_data_u16().map_err(truncated)?).into(),
        Marker::U32 => i128::from(input.read_data_u32().map_err(truncated)?).into(),
        Marker::U64 => i128::from(input.read_data_u64().map_err(truncated)?).into(),
        Marker::I8 => i128::from(input.read_data_i8().map_err(truncated)?).into(),
        Marker::I16 => i128::from(input.read_data_i16().map_err(truncated)?).into(),
        Marker::I32 => i128::from(input.read_data_i32().map_err(truncated)?).into(),
        Marker::I64 => i128::from(input.read_data_i64().map_err(truncated)?).into(),
        Marker::F32 => float(input.read_data_f32().map_err(truncated)?.into())?,
        Marker::F64 => float(input.read_data_f64().map_err(truncated)?)?,
        other => {
            return Err(WireError::Unexpected {
                marker: format!("{other:?}"),
            });
        }
    })
}

fn float(value: f64) -> Result<Number, WireError> {
    Number::from_f64(value).ok_or(WireError::NotANumber)
}

fn text(input: &mut &[u8], marker: Marker) -> Result<String, WireError> {
    let length = match marker {
        Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => length(input, marker)?,
        other => {
            return Err(WireError::Unexpected {
                marker: format!("{other:?}"),
            });
        }
    };
    let text = std::str::from_utf8(take(input, length)?).map_err(|_| WireError::NotText)?;
    Ok(text.to_owned())
}

/// The host compares an unknown with what it sent, refinement included, so the payload is kept.
fn unknown(input: &mut &[u8], marker: Marker) -> Result<Unknown, WireError> {
    let length = length(input, marker)?;
    let code = input.read_data_i8().map_err(|_| WireError::Truncated)?;
    let payload = take(input, length)?;
    if code != REFINED {
        return Ok(Unknown::default());
    }
    Ok(Unknown {
        refinement: Some(payload.to_vec()),
        not_null: rules_out_null(payload),
    })
}

fn rules_out_null(mut payload: &[u8]) -> bool {
    let Ok(count) = decode::read_map_len(&mut payload) else {
        return false;
    };
    for _ in 0..count {
        let Ok(kind) = decode::read_int::<u64, _>(&mut payload) else {
            return false;
        };
        match (kind, value(&mut payload, 0)) {
            (NULLNESS, Ok(Dynamic::Bool(nullable))) => return !nullable,
            (_, Ok(_)) => {}
            (_, Err(_)) => return false,
        }
    }
    false
}

/// How many bytes, elements or entries follow.
fn length(input: &mut &[u8], marker: Marker) -> Result<usize, WireError> {
    let truncated = |_| WireError::Truncated;
    Ok(match marker {
        Marker::FixStr(length) | Marker::FixArray(length) | Marker::FixMap(length) => length.into(),
        Marker::FixExt1 => 1,
        Marker::FixExt2 => 2,
        Marker::FixExt4 => 4,
        Marker::FixExt8 => 8,
        Marker::FixExt16 => 16,
        Marker::Str8 | Marker::Ext8 => input.read_data_u8().map_err(truncated)?.into(),
        Marker::Str16 | Marker::Array16 | Marker::Map16 | Marker::Ext16 => {
            input.read_data_u16().map_err(truncated)?.into()
        }
        _ => usize::try_from(input.read_data_u32().map_err(truncated)?)
            .map_err(|_| WireError::Truncated)?,
    })
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], WireError> {
    let (taken, rest) = input.split_at_checked(length).ok_or(WireError::Truncated)?;
    *input = rest;
    Ok(taken)
}

/// The host's form of a value.
pub(in crate::terraform) fn encode(value: &Dynamic) -> Vec<u8> {
    let mut output = Vec::new();
    write(&mut output, value);
    output
}

fn write(output: &mut Vec<u8>, value: &Dynamic) {
    match value {
        Dynamic::Null => output.push(Marker::Null.to_u8()),
        Dynamic::Unknown(Unknown {
            refinement: None, ..
        }) => {
            output.extend_from_slice(&[Marker::FixExt1.to_u8(), 0, 0]);
        }
        Dynamic::Unknown(Unknown {
            refinement: Some(payload),
            ..
        }) => {
            never_fails(encode::write_ext_meta(output, size(payload.len()), REFINED));
            output.extend_from_slice(payload);
        }
        Dynamic::Bool(value) => never_fails(encode::write_bool(output, *value)),
        Dynamic::Number(number) => write_number(output, number),
        Dynamic::String(text) => never_fails(encode::write_str(output, text)),
        Dynamic::List(items) => {
            never_fails(encode::write_array_len(output, size(items.len())));
            items.iter().for_each(|item| write(output, item));
        }
        Dynamic::Map(entries) => {
            never_fails(encode::write_map_len(output, size(entries.len())));
            for (key, value) in entries {
                never_fails(encode::write_str(output, key));
                write(output, value);
            }
        }
    }
}

fn write_number(output: &mut Vec<u8>, number: &Number) {
    match number.view() {
        View::Integer(value) => match i64::try_from(value) {
            Ok(value) => never_fails(encode::write_sint(output, value)),
            Err(_) => never_fails(encode::write_str(output, &value.to_string())),
        },
        View::Float(value) => never_fails(encode::write_f64(output, value)),
        View::Decimal(text) => never_fails(encode::write_str(output, text)),
    }
}

fn never_fails<T, E: std::fmt::Debug>(written: Result<T, E>) {
    written.expect("writing into memory does not fail");
}

fn size(length: usize) -> u32 {
    u32::try_from(length).expect("a message is smaller than 4 GiB")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::terraform::value::arbitrary::dynamic;

    /// Only the schema tells a text from a number that is written as one.
    fn as_it_travels(value: Dynamic) -> Dynamic {
        match value {
            Dynamic::Number(number) => match number.view() {
                View::Decimal(text) => text.into(),
                View::Integer(value) if i64::try_from(value).is_err() => value.to_string().into(),
                _ => Dynamic::Number(number),
            },
            Dynamic::List(items) => Dynamic::List(items.into_iter().map(as_it_travels).collect()),
            Dynamic::Map(entries) => Dynamic::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key, as_it_travels(value)))
                    .collect(),
            ),
            other => other,
        }
    }

    #[track_caller]
    fn check(value: Dynamic, bytes: &[u8]) {
        assert_eq!(encode(&value), bytes, "encoding {value:?}");
        assert_eq!(decode(bytes), Ok(value), "decoding {bytes:02x?}");
    }

    #[test]
    fn every_row_of_the_wire_format() {
        check(Dynamic::Null, &[0xc0]);
        check(Dynamic::Bool(true), &[0xc3]);
        check("é".into(), &[0xa2, 0xc3, 0xa9]);
        check(5_i64.into(), &[0x05]);
        check((-1_i64).into(), &[0xff]);
        check(i64::MIN.into(), &[0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        check(
            Dynamic::Number(Number::from_f64(0.5).expect("a number")),
            &[0xcb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0],
        );
        check(Dynamic::List(vec![Dynamic::Null]), &[0x91, 0xc0]);
        check(Dynamic::from([("a", 1_i64)]), &[0x81, 0xa1, b'a', 0x01]);
        check(Dynamic::UNKNOWN, &[0xd4, 0x00, 0x00]);
    }

    #[test]
    fn a_refinement_is_echoed_and_its_nullness_understood() {
        // {1: false, 2: "pfx-"}: not null, begins with "pfx-".
        let bytes = [
            0xc7, 0x08, 0x0c, 0x82, 0x01, 0xc2, 0x02, 0xa4, b'p', b'f', b'x', b'-',
        ];
        let mut bytes = bytes.to_vec();
        bytes[1] = u8::try_from(bytes.len() - 3).expect("short");
        let value = decode(&bytes).expect("a refined unknown");
        assert_eq!(encode(&value), bytes);
        let Dynamic::Unknown(unknown) = value else {
            panic!("{value:?}")
        };
        assert!(unknown.not_null);
    }

    #[test]
    fn any_other_extension_is_a_plain_unknown() {
        assert_eq!(decode(&[0xd4, 0x05, 0x01]), Ok(Dynamic::UNKNOWN));
        assert_eq!(decode(&[0xc7, 0x00, 0x00]), Ok(Dynamic::UNKNOWN));
    }

    #[test]
    fn what_is_no_value_is_refused_by_name() {
        assert_eq!(decode(&[]), Err(WireError::Truncated));
        assert_eq!(decode(&[0xa5, b'a']), Err(WireError::Truncated));
        assert_eq!(decode(&[0xc0, 0xc0]), Err(WireError::Trailing { bytes: 1 }));
        assert_eq!(decode(&[0xa1, 0xff]), Err(WireError::NotText));
        let duplicate = [0x82, 0xa1, b'a', 0x01, 0xa1, b'a', 0x02];
        assert_eq!(
            decode(&duplicate),
            Err(WireError::DuplicateKey {
                key: "a".to_owned()
            })
        );
        assert_eq!(
            decode(&[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]),
            Err(WireError::NotANumber)
        );
        assert!(matches!(
            decode(&[0xc4, 0x01, 0x00]),
            Err(WireError::Unexpected { .. })
        ));
        assert!(matches!(
            decode(&[0x81, 0x01, 0x01]),
            Err(WireError::Unexpected { .. })
        ));
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(decode(&vec![0x91; 100_000]), Err(WireError::TooDeep));
    }

    #[test]
    fn an_announced_length_reserves_nothing() {
        assert_eq!(
            decode(&[0xdd, 0xff, 0xff, 0xff, 0xff]),
            Err(WireError::Truncated)
        );
        assert_eq!(
            decode(&[0xdb, 0xff, 0xff, 0xff, 0xff]),
            Err(WireError::Truncated)
        );
    }

    #[test]
    fn a_number_that_fits_no_machine_type_travels_as_text() {
        let number = Number::parse("0.12345678901234567890123").expect("a number");
        let bytes = encode(&Dynamic::Number(number));
        assert_eq!(decode(&bytes), Ok("0.12345678901234567890123".into()));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_again(value in dynamic()) {
            prop_assert_eq!(decode(&encode(&value)), Ok(as_it_travels(value)));
        }

        #[test]
        fn no_input_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
