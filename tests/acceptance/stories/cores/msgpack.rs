//! A stored object as JSON, as a core writes it into the state file. Of msgpack only what values
//! without unknowns consist of.

use serde_json::{Map, Value};

/// The value that these bytes are.
///
/// # Panics
///
/// When they are none, or are unknown.
pub(super) fn json(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = value(&mut rest);
    assert!(rest.is_empty(), "{} bytes too many", rest.len());
    value
}

fn value(rest: &mut &[u8]) -> Value {
    let tag = number(rest, 1);
    match tag {
        0xc0 => Value::Null,
        0xc2 | 0xc3 => Value::Bool(tag == 0xc3),
        0x00..=0x7f => tag.into(),
        0xcc..=0xcf => number(rest, 1 << (tag - 0xcc)).into(),
        0xa0..=0xbf => text(rest, tag & 0x1f),
        0xd9..=0xdb => {
            let length = number(rest, 1 << (tag - 0xd9));
            text(rest, length)
        }
        0x90..=0x9f => list(rest, tag & 0x0f),
        0xdc | 0xdd => {
            let length = number(rest, 2 << (tag - 0xdc));
            list(rest, length)
        }
        0x80..=0x8f => map(rest, tag & 0x0f),
        0xde | 0xdf => {
            let length = number(rest, 2 << (tag - 0xde));
            map(rest, length)
        }
        other => panic!("{other:#x} begins no known value"),
    }
}

fn number(rest: &mut &[u8], bytes: usize) -> u64 {
    taken(rest, bytes)
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn text(rest: &mut &[u8], length: u64) -> Value {
    let bytes = taken(rest, usize::try_from(length).expect("small"));
    std::str::from_utf8(bytes).expect("a text").into()
}

fn list(rest: &mut &[u8], length: u64) -> Value {
    (0..length).map(|_| value(rest)).collect()
}

fn map(rest: &mut &[u8], length: u64) -> Value {
    let entries = (0..length).map(|_| {
        let key = value(rest);
        (key.as_str().expect("a key").to_owned(), value(rest))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

fn taken<'a>(rest: &mut &'a [u8], bytes: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at_checked(bytes).expect("more bytes");
    *rest = left;
    taken
}

#[test]
fn a_stored_object_is_read() {
    let bytes = [
        0x84, 0xa1, b'a', 0xc0, 0xa1, b'b', 0x92, 0xc3, 0x05, 0xa1, b'c', 0xd9, 0x02, b'h', b'i',
        0xa1, b'd', 0xcd, 0x01, 0x00,
    ];
    let expected = serde_json::json!({"a": null, "b": [true, 5], "c": "hi", "d": 256});
    assert_eq!(json(&bytes), expected);
}
