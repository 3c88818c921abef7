//! DER as Go's cryptobyte reads it, which is stricter in places than the parser that is used here.

/// How deep elements may be nested; certificates need ten.
const DEPTH: usize = 32;

/// Whether `bytes` are one element, all the way down in the one form that DER allows: minimal
/// lengths, tags below 31, whole OIDs whose arcs fit 31 bits, strings of their letters. What an
/// OCTET STRING or a BIT STRING holds is not looked at.
pub(super) fn is_strict(bytes: &[u8]) -> bool {
    element(bytes, 0) == Some(&[])
}

/// Reads one element and gives what follows it.
fn element(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    let (&tag, rest) = bytes.split_first()?;
    if tag & 0x1f == 0x1f || depth > DEPTH {
        return None;
    }
    let (length, rest) = length(rest)?;
    let (content, rest) = rest.split_at_checked(length)?;
    let sound = match (tag & 0xc0, tag & 0x20 != 0) {
        // Of the universal types only SEQUENCE and SET are made of others.
        (0, true) => matches!(tag & 0x1f, 16 | 17) && elements(content, depth + 1),
        (0, false) => primitive(tag, content),
        (_, true) => elements(content, depth + 1),
        (_, false) => true,
    };
    sound.then_some(rest)
}

fn elements(mut content: &[u8], depth: usize) -> bool {
    while !content.is_empty() {
        match element(content, depth) {
            Some(rest) => content = rest,
            None => return false,
        }
    }
    true
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=3).contains(&count) {
        return None;
    }
    let (digits, rest) = rest.split_at_checked(count)?;
    let value = digits
        .iter()
        .fold(0, |value, digit| value << 8 | usize::from(*digit));
    let minimal = digits.first() != Some(&0) && value >= 0x80;
    minimal.then_some((value, rest))
}

fn primitive(tag: u8, content: &[u8]) -> bool {
    match tag {
        0x01 => matches!(content, [0x00 | 0xff]),
        0x02 | 0x0a => is_minimal_integer(content),
        0x03 => is_bit_string(content),
        0x04 | 0x14 => true,
        0x05 => content.is_empty(),
        0x06 => is_object_identifier(content),
        0x0c => str::from_utf8(content).is_ok(),
        0x12 => content.iter().all(|b| b.is_ascii_digit() || *b == b' '),
        0x13 => content.iter().all(|b| is_printable(*b)),
        0x16 | 0x1a => content.is_ascii(),
        0x17 => is_time(content, 12),
        0x18 => is_time(content, 14),
        0x1e => is_basic_plane(content),
        _ => false,
    }
}

fn is_minimal_integer(content: &[u8]) -> bool {
    match content {
        [] => false,
        [_] => true,
        [0x00, next, ..] => next & 0x80 != 0,
        [0xff, next, ..] => next & 0x80 == 0,
        _ => true,
    }
}

fn is_bit_string(content: &[u8]) -> bool {
    match content {
        [unused] => *unused == 0,
        [unused @ 0..=7, .., last] => last.trailing_zeros() >= u32::from(*unused),
        _ => false,
    }
}

/// Go gives up on arcs beyond 31 bits, such as those that are made of UUIDs.
fn is_object_identifier(content: &[u8]) -> bool {
    let mut arc: u32 = 0;
    let mut within = false;
    for byte in content {
        let leading_zero = !within && *byte == 0x80;
        if leading_zero || arc >= 1 << 24 {
            return false;
        }
        arc = arc << 7 | u32::from(byte & 0x7f);
        within = byte & 0x80 != 0;
        if !within {
            arc = 0;
        }
    }
    !content.is_empty() && !within
}

/// PrintableString with the two letters that Go takes besides.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

/// Digits and a Z; whether there is such a day, the parser has seen.
fn is_time(content: &[u8], digits: usize) -> bool {
    let Some((b'Z', rest)) = content.split_last() else {
        return false;
    };
    rest.len() == digits && rest.iter().all(u8::is_ascii_digit)
}

/// BMPString without surrogates and what Unicode reserves for nobody.
fn is_basic_plane(content: &[u8]) -> bool {
    let reserved = |unit| matches!(unit, 0xd800..=0xdfff | 0xfdd0..=0xfdef | 0xfffe | 0xffff);
    let pairs = content.chunks_exact(2);
    pairs.remainder().is_empty()
        && pairs
            .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
            .all(|unit| !reserved(unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(strict: bool, elements: &[&[u8]]) {
        for bytes in elements {
            assert_eq!(is_strict(bytes), strict, "{bytes:02x?}");
        }
    }

    #[test]
    fn lengths_are_minimal_and_fill_the_bytes() {
        let long = |prefix: &[u8], length| [prefix, &vec![0; length]].concat();
        check(
            true,
            &[
                &long(&[0x04, 0x7f], 0x7f),
                &long(&[0x04, 0x81, 0x80], 0x80),
                &long(&[0x04, 0x82, 0x01, 0x00], 0x100),
            ],
        );
        check(
            false,
            &[
                &[],
                &[0x04],
                &[0x04, 0x01],
                &[0x04, 0x00, 0x00],
                &[0x04, 0x80, 0x00, 0x00],
                &long(&[0x04, 0x81, 0x7f], 0x7f),
                &long(&[0x04, 0x82, 0x00, 0x80], 0x80),
                &[0x04, 0x84, 0x00, 0x00, 0x00, 0x00],
                &[0x04, 0xff],
            ],
        );
    }

    #[test]
    fn only_sequences_and_sets_are_made_of_others() {
        check(
            true,
            &[
                &[0x30, 0x02, 0x05, 0x00],
                &[0x31, 0x00],
                &[0xa3, 0x02, 0x05, 0x00],
            ],
        );
        check(true, &[&[0x82, 0x01, 0xff]]);
        // A constructed OCTET STRING is BER; tag 31 and up is another form of a tag.
        check(
            false,
            &[
                &[0x24, 0x02, 0x04, 0x00],
                &[0x30, 0x01, 0x05],
                &[0xa3, 0x01, 0x05],
            ],
        );
        check(
            false,
            &[
                &[0x1f, 0x81, 0x01, 0x00],
                &[0x9f, 0x01, 0x00],
                &[0x10, 0x00],
            ],
        );
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused() {
        let nested = |depth| {
            let mut bytes = vec![0x05, 0x00];
            for _ in 0..depth {
                bytes = [vec![0x30, bytes.len() as u8], bytes].concat();
            }
            bytes
        };
        check(true, &[&nested(32)]);
        check(false, &[&nested(33)]);
    }

    #[test]
    fn numbers_and_bits_have_one_form() {
        check(
            true,
            &[
                &[2, 1, 0],
                &[2, 1, 0xff],
                &[2, 2, 0, 0x80],
                &[2, 2, 0xff, 0x7f],
                &[1, 1, 0xff],
            ],
        );
        check(
            false,
            &[
                &[2, 0],
                &[2, 2, 0, 0x7f],
                &[2, 2, 0xff, 0x80],
                &[1, 1, 1],
                &[1, 0],
                &[5, 1, 0],
            ],
        );
        check(
            true,
            &[
                &[3, 1, 0],
                &[3, 2, 0, 0xff],
                &[3, 2, 5, 0xa0],
                &[3, 2, 7, 0x80],
            ],
        );
        check(
            false,
            &[&[3, 0], &[3, 1, 1], &[3, 2, 8, 0], &[3, 2, 5, 0xb0]],
        );
    }

    #[test]
    fn arcs_of_an_oid_fit_31_bits() {
        // 2.5.29.15; 1.2147483647; then 2147483648, an arc that starts with a zero, one that does
        // not end.
        check(
            true,
            &[
                &[6, 3, 0x55, 0x1d, 0x0f],
                &[6, 6, 0x2a, 0x87, 0xff, 0xff, 0xff, 0x7f],
            ],
        );
        check(
            false,
            &[&[6, 6, 0x2a, 0x88, 0x80, 0x80, 0x80, 0x00], &[6, 0]],
        );
        check(false, &[&[6, 3, 0x2a, 0x80, 0x01], &[6, 2, 0x2a, 0x80]]);
    }

    #[test]
    fn strings_hold_their_own_letters() {
        check(
            true,
            &[
                b"\x0c\x02\xc3\xa9",
                b"\x13\x04a*&b",
                b"\x16\x01@",
                b"\x12\x021 ",
                b"\x14\x01\xe9",
            ],
        );
        check(true, &[b"\x1e\x02\x00a", b"\x1a\x01a", b"\x1e\x00"]);
        check(
            false,
            &[
                b"\x0c\x01\xc3",
                b"\x13\x01@",
                b"\x16\x01\xe9",
                b"\x12\x01a",
                b"\x1c\x04\0\0\0a",
            ],
        );
        check(
            false,
            &[
                b"\x1e\x01a",
                b"\x1e\x02\xd8\x00",
                b"\x1e\x02\xff\xff",
                b"\x1e\x02\xfd\xd0",
            ],
        );
    }

    #[test]
    fn times_are_whole_seconds_in_utc() {
        check(
            true,
            &[b"\x17\x0d260101000000Z", b"\x18\x0f20260101000000Z"],
        );
        check(
            false,
            &[b"\x17\x0b2601010000Z", b"\x17\x11260101000000+0100"],
        );
        check(
            false,
            &[
                b"\x18\x1120260101000000.5Z",
                b"\x17\x0d26010100000aZ",
                b"\x17\x00",
            ],
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            is_strict(&bytes);
        }
    }
}
