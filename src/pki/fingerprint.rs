//! SHA-256 fingerprints, and public keys, which are known by theirs.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::pem;

const LENGTH: usize = 32;

/// SHA-256 over a certificate's DER, a public key's SPKI or a file; written as 64 lower-case hex
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; LENGTH]);

/// A text that is no SHA-256 fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("got {got}, expected 64 hex digits, or 32 pairs of them with colons between")]
pub struct FingerprintError {
    got: Got,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Got {
    Length(usize),
    Letter(char),
}

impl Fingerprint {
    /// Digests `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; LENGTH];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(hash)
    }

    /// The 32 bytes of the digest.
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Reads the plain form and, as openssl prints it, pairs with colons between; either case.
impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |got| FingerprintError { got };
        let colons = text.len() == 3 * LENGTH - 1;
        if !colons && text.len() != 2 * LENGTH {
            return Err(fault(Got::Length(text.chars().count())));
        }
        let step = if colons { 3 } else { 2 };
        let mut hash = [0; LENGTH];
        for (index, letter) in text.chars().enumerate() {
            match (index % step, letter.to_digit(16)) {
                (2, _) if letter == ':' => {}
                (place @ (0 | 1), Some(digit)) => {
                    hash[index / step] |= (digit as u8) << (4 * (1 - place));
                }
                _ => return Err(fault(Got::Letter(letter))),
            }
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "{length} characters"),
            Self::Letter(letter) => write!(f, "{letter:?} among them"),
        }
    }
}

/// A public key as its SubjectPublicKeyInfo in DER (RFC 5280 §4.1.2.7); equal when the bytes are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey(Vec<u8>);

impl PublicKey {
    pub(super) fn from_spki(der: Vec<u8>) -> Self {
        Self(der)
    }

    /// The SPKI in DER.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// The SPKI in PEM, label `PUBLIC KEY` (RFC 7468 §13).
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.0)
    }

    /// Digest of the SPKI: the same for a key, its CSR and every certificate over it.
    pub fn sha256(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.sha256())
    }
}

pub(super) fn write_hex(f: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // printf abc | openssl dgst -sha256
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_digest_is_sha256_in_lower_case_hex() {
        assert_eq!(Fingerprint::of(b"abc").to_string(), ABC);
        assert_eq!(
            serde_json::to_string(&Fingerprint::of(b"abc")).unwrap(),
            format!("{ABC:?}")
        );
    }

    #[test]
    fn upper_case_and_colons_are_read() {
        let pairs: Vec<_> = ABC
            .as_bytes()
            .chunks(2)
            .map(|p| str::from_utf8(p).unwrap())
            .collect();
        let with_colons = pairs.join(":").to_uppercase();
        assert_eq!(with_colons.parse(), Ok(Fingerprint::of(b"abc")));
        assert_eq!(ABC.to_uppercase().parse(), Ok(Fingerprint::of(b"abc")));
    }

    #[test]
    fn other_texts_are_refused_with_what_was_found() {
        let fault = |text: &str| text.parse::<Fingerprint>().unwrap_err().to_string();
        assert_eq!(
            fault("abc"),
            "got 3 characters, expected 64 hex digits, or 32 pairs of them with colons between"
        );
        assert!(fault(&ABC.replace('b', "x")).starts_with("got 'x' among them"));
        assert!(fault(&ABC.replace("ba78", "ba:8")).starts_with("got ':' among them"));
        let pairs = ["ba"; 32].join("-");
        assert!(fault(&pairs).starts_with("got '-' among them"));
        // 62 letters, but 64 bytes
        assert!(fault(&ABC.replace("ba78", "éé")).starts_with("got 'é' among them"));
    }

    proptest! {
        #[test]
        fn a_fingerprint_survives_its_text(bytes: Vec<u8>) {
            let fingerprint = Fingerprint::of(&bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "([0-9a-f]|:|é|€){0,100}") {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
