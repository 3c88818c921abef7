//! Chance: identifiers that look like AWS's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A UUID of version 4, lower case.
pub(crate) fn uuid() -> String {
    let mut bytes = octets::<16>();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex(&bytes);
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}

/// `prefix` and sixteen upper-case letters or digits, as key ids and unique ids have them.
pub(crate) fn identifier(prefix: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let letters = octets::<16>().map(|octet| char::from(LETTERS[usize::from(octet % 32)]));
    letters.into_iter().fold(prefix.to_owned(), |text, letter| {
        text + letter.encode_utf8(&mut [0; 4])
    })
}

/// Base64 of `N` bytes, as secret keys and session tokens are.
pub(crate) fn secret<const N: usize>() -> String {
    STANDARD.encode(octets::<N>())
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// As many bytes.
pub(crate) fn octets<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has randomness");
    bytes
}
