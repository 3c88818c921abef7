//! What text hides: escapes, base64 and hex of more than a few bytes, compressed files. Each is
//! taken off, and what comes out is looked at in its turn.

use std::borrow::Cow;
use std::ops::Range;

use crate::archives;
use crate::readers::{BASE64, Hex, Numbers, Signs};

/// The fewest signs that are taken for something encoded, and not for a word or a number.
const SIGNS: usize = 40;

/// The text without escapes: those of JSON, C, Go, Rust and shells, and of URLs. A sign that was
/// escaped is the byte of its number. `None` where there are none.
pub(crate) fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let begins = |byte: &u8| matches!(byte, b'\\' | b'%');
    if !text.contains(&b'\\') && !text.contains(&b'%') {
        return None;
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(begins) {
        plain.extend_from_slice(&rest[..at]);
        let (meant, length) = match rest[at] {
            b'%' => of_a_url(&rest[at..]),
            _ => of_a_string(&rest[at..]),
        };
        plain.extend(meant);
        rest = &rest[at + length..];
    }
    plain.extend_from_slice(rest);
    Some(plain)
}

/// What `%0A` means, and how long it is.
fn of_a_url(text: &[u8]) -> (Option<u8>, usize) {
    number(text.get(1..3), 16).map_or((Some(b'%'), 1), |byte| (Some(byte), 3))
}

/// What begins with backslashes: text that was escaped twice has several, and they are all one.
fn of_a_string(text: &[u8]) -> (Option<u8>, usize) {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let after = &text[slashes..];
    let (meant, length) = match after.first() {
        Some(b'n') => (Some(b'\n'), 1),
        Some(b'r') => (Some(b'\r'), 1),
        Some(b't') => (Some(b'\t'), 1),
        Some(b'\n') => (None, 1),
        Some(b'x') => (number(after.get(1..3), 16), 3),
        Some(b'u') => (number(after.get(1..5), 16), 5),
        Some(b'0'..=b'3') => (number(after.get(..3), 8), 3),
        _ => (None, 0),
    };
    if meant.is_none() && length > 1 {
        return (None, slashes);
    }
    (meant, slashes + length)
}

fn number(digits: Option<&[u8]>, radix: u32) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    u8::from_str_radix(digits, radix).ok()
}

/// What long runs of base64, hex and numbers in the text stand for, wherever their first group
/// begins, as far as that hides more.
pub(crate) fn decoded(text: &[u8]) -> Vec<Vec<u8>> {
    let runs = runs(text, |byte| BASE64[usize::from(byte)] < 64);
    let of_base64 = runs.into_iter().flat_map(|run| {
        let signs = without_breaks(&text[run]);
        (0..4).map(move |phase| from_base64(&signs[phase..]))
    });
    let of_hex = spelled::<Hex>(text).into_iter().flat_map(|digits| {
        (0..2).map(move |phase| {
            let pairs = digits[phase..].chunks_exact(2);
            pairs.map(|pair| pair[0] << 4 | pair[1]).collect()
        })
    });
    let all = of_base64.chain(of_hex).chain(spelled::<Numbers>(text));
    all.filter(|bytes: &Vec<u8>| hides_more(bytes)).collect()
}

/// What each long run of that spelling says, sign after sign.
fn spelled<R: Signs>(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut reader = R::default();
    let mut run = Vec::new();
    // After the end comes a sign that ends whatever is being read.
    for byte in text.iter().copied().chain([b'\n']) {
        let before = reader.count();
        reader.take(byte);
        match reader.count() {
            count if count == before + 1 => run.push(reader.last()),
            // The zero of `0x` is taken back.
            count if count + 1 == before && count > 0 => _ = run.pop(),
            0 if before > 0 => {
                all.extend(Some(std::mem::take(&mut run)).filter(|run| run.len() >= SIGNS / 2));
                run.clear();
            }
            _ => {}
        }
    }
    all.extend(Some(run).filter(|run| run.len() >= SIGNS / 2));
    all
}

/// Whether there is text in it, or something compressed: what is neither shows all that it has
/// where it is encoded. Signs that are read from the wrong one on become neither, but by chance.
fn hides_more(bytes: &[u8]) -> bool {
    const TEXT: usize = 16;
    let is_text = |byte: &u8| (b' '..=b'~').contains(byte) || byte.is_ascii_whitespace();
    let mut pieces = bytes.split(|byte| !is_text(byte));
    pieces.any(|piece| piece.len() >= TEXT) || archives::are_in(bytes)
}

/// The runs of such signs, in lines or in one.
fn runs(text: &[u8], is_sign: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut begin = 0;
    for (at, byte) in text.iter().enumerate() {
        if is_sign(*byte) || (matches!(byte, b'\r' | b'\n') && at > begin) {
            continue;
        }
        if at - begin >= SIGNS {
            all.push(begin..at);
        }
        begin = at + 1;
    }
    if text.len() - begin.min(text.len()) >= SIGNS {
        all.push(begin..text.len());
    }
    all
}

fn without_breaks(run: &[u8]) -> Cow<'_, [u8]> {
    if run.contains(&b'\n') {
        let signs = run.iter().filter(|byte| !matches!(byte, b'\r' | b'\n'));
        Cow::Owned(signs.copied().collect())
    } else {
        Cow::Borrowed(run)
    }
}

fn from_base64(signs: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(signs.len() / 4 * 3 + 2);
    for group in signs.chunks(4) {
        let bits = group.iter().fold(0, |bits, sign| {
            bits << 6 | u32::from(BASE64[usize::from(*sign)])
        });
        let bits = bits << (6 * (4 - group.len()));
        let [_, one, two, three] = bits.to_be_bytes();
        bytes.extend_from_slice(&[one, two, three][..group.len() * 6 / 8]);
    }
    bytes
}
