//! A private key sealed under a data key: what may lie in a state, where nobody can read it.
//!
//! The text is `istiopca.sealed.v1.<header>.<body>`, both parts in base64 for URLs without padding (RFC 4648 §5):
//!
//! - header: a JSON object with `kms_key_arn`, the KMS key; `data_key`, the AES-256 data key as KMS
//!   encrypted it, in base64; `id`, a random id; `context`, the user's encryption context; and
//!   `public_key_sha256` of the key that is sealed, so that it can be compared without being opened.
//! - body: a nonce of 12 bytes, then the key as PKCS#8 in DER under AES-256-GCM with its tag of 16
//!   bytes. The data that is authenticated with it is all of the text before the body's dot.
//!
//! The data key was encrypted under `context` with `istiopca:id` = `id` added to it. A data key
//! seals one key and is then thrown away.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::fingerprint::Fingerprint;
use super::key::{KeyError, PrivateKey};

/// A private key that only KMS can open, as text; the module has the format.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealedKey {
    text: String,
    header: Header,
    body: Vec<u8>,
}

/// What can be read of a sealed key without opening it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    kms_key_arn: String,
    #[serde(with = "in_base64")]
    data_key: Vec<u8>,
    id: String,
    context: BTreeMap<String, String>,
    public_key_sha256: Fingerprint,
}

/// What seals a key: a data key that is used once, and what leads back to it.
pub struct Seal<'a> {
    /// The data key in clear.
    pub data_key: &'a [u8; 32],
    /// The data key as KMS encrypted it.
    pub encrypted_data_key: &'a [u8],
    /// ARN of the KMS key.
    pub kms_key_arn: &'a str,
    /// The encryption context.
    pub context: &'a SealContext,
    /// Any nonce: a data key seals once.
    pub nonce: [u8; NONCE_LEN],
}

/// The encryption context of one sealed key: the user's, and an id that no other one has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealContext {
    /// What the user bound the key to.
    pub user: BTreeMap<String, String>,
    /// A random id.
    pub id: String,
}

impl SealContext {
    /// The name under which the id stands in the encryption context.
    pub const ID: &'static str = "istiopca:id";

    /// The context as KMS is told it.
    pub fn whole(&self) -> BTreeMap<String, String> {
        let mut all = self.user.clone();
        all.insert(Self::ID.to_owned(), self.id.clone());
        all
    }
}

/// Why a text is no sealed key, or does not open. Never shows a byte of a key.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SealedError {
    /// The text begins otherwise.
    #[error("got a text that does not begin with {PREFIX:?}")]
    NotSealed,
    /// A later version's format.
    #[error("got a key sealed in the format {got:?}, expected \"v1\"")]
    Version {
        /// The version that it states.
        got: String,
    },
    /// A part of it cannot be read.
    #[error("the {part} of the sealed key is damaged")]
    Damaged {
        /// Which part.
        part: &'static str,
    },
    /// The data key is not this text's, or the text was changed.
    #[error(
        "the sealed key does not open under its data key: it was changed, or the data key is another's"
    )]
    Refused,
    /// It opened, and what is in it is no key.
    #[error("what was sealed is no private key")]
    NoKey(#[source] KeyError),
    /// It opened, and is not the key that its header names.
    #[error("what was sealed is another key than the sealed key says")]
    AnotherKey,
}

const PREFIX: &str = "istiopca.sealed.";
const VERSION: &str = "v1";

impl SealedKey {
    /// Seals a key.
    pub fn seal(key: &PrivateKey, seal: &Seal<'_>) -> Self {
        let header = Header {
            kms_key_arn: seal.kms_key_arn.to_owned(),
            data_key: seal.encrypted_data_key.to_vec(),
            id: seal.context.id.clone(),
            context: seal.context.user.clone(),
            public_key_sha256: key.public_key().sha256(),
        };
        let json = serde_json::to_vec(&header).expect("texts and maps of texts are JSON");
        let head = format!("{PREFIX}{VERSION}.{}", URL_SAFE_NO_PAD.encode(json));
        // In its final place from the start: growing would leave copies of the key behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(key.as_pkcs8().len() + TAG_LENGTH));
        sealed.extend_from_slice(key.as_pkcs8());
        cipher(seal.data_key)
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(seal.nonce),
                Aad::from(head.as_bytes()),
                &mut *sealed,
            )
            .expect("a key is shorter than what AES-GCM can seal");
        let body = [seal.nonce.as_slice(), &sealed].concat();
        Self {
            text: format!("{head}.{}", URL_SAFE_NO_PAD.encode(&body)),
            header,
            body,
        }
    }

    /// Opens it with the data key that KMS decrypted.
    pub fn open(&self, data_key: &[u8; 32]) -> Result<PrivateKey, SealedError> {
        let (nonce, sealed) = self.body.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealedError::Refused)?;
        let head = self.text.rsplit_once('.').map_or("", |(head, _)| head);
        let mut opened = Zeroizing::new(sealed.to_vec());
        let pkcs8 = cipher(data_key)
            .open_in_place(nonce, Aad::from(head.as_bytes()), &mut opened)
            .map_err(|_| SealedError::Refused)?;
        let key = PrivateKey::from_pkcs8(pkcs8).map_err(SealedError::NoKey)?;
        let named = self.header.public_key_sha256;
        Some(key)
            .filter(|key| key.public_key().sha256() == named)
            .ok_or(SealedError::AnotherKey)
    }

    /// ARN of the KMS key that its data key is encrypted under.
    pub fn kms_key_arn(&self) -> &str {
        &self.header.kms_key_arn
    }

    /// The data key as KMS encrypted it.
    pub fn encrypted_data_key(&self) -> &[u8] {
        &self.header.data_key
    }

    /// The encryption context that its data key is encrypted under.
    pub fn context(&self) -> SealContext {
        SealContext {
            user: self.header.context.clone(),
            id: self.header.id.clone(),
        }
    }

    /// Digest of the public half of the key that is in it.
    pub fn public_key_sha256(&self) -> Fingerprint {
        self.header.public_key_sha256
    }
}

const TAG_LENGTH: usize = 16;

fn cipher(data_key: &[u8; 32]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, data_key);
    LessSafeKey::new(key.expect("AES-256 takes keys of 32 bytes"))
}

impl FromStr for SealedKey {
    type Err = SealedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix(PREFIX).ok_or(SealedError::NotSealed)?;
        let (version, parts) = rest.split_once('.').unwrap_or((rest, ""));
        if version != VERSION {
            return Err(SealedError::Version {
                got: version.to_owned(),
            });
        }
        let damaged = |part| SealedError::Damaged { part };
        let (head, body) = parts.split_once('.').ok_or_else(|| damaged("form"))?;
        let head = URL_SAFE_NO_PAD.decode(head).ok();
        let header: Option<Header> = head.and_then(|json| serde_json::from_slice(&json).ok());
        let header = header.ok_or_else(|| damaged("header"))?;
        let body = URL_SAFE_NO_PAD.decode(body).map_err(|_| damaged("body"))?;
        if body.len() < NONCE_LEN + TAG_LENGTH {
            return Err(damaged("body"));
        }
        Ok(Self {
            text: text.to_owned(),
            header,
            body,
        })
    }
}

/// Bytes as a text in base64.
mod in_base64 {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

impl fmt::Display for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedKey({})", self.header.public_key_sha256)
    }
}

impl TryFrom<String> for SealedKey {
    type Error = SealedError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SealedKey> for String {
    fn from(sealed: SealedKey) -> Self {
        sealed.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::KeyAlgorithm;

    /// Made by the `cryptography` package of Python after the module's text.
    const FOREIGN: &str = concat!(
        "istiopca.sealed.v1.eyJrbXNfa2V5X2FybiI6ImFybjphd3M6a21zOmV1LWNlbnRyYWwtMToxMTExMjIyM",
        "jMzMzM6a2V5LzEyMzRhYmNkLTEyYWItMzRjZC01NmVmLTEyMzQ1Njc4OTBhYiIsImRhdGFfa2V5IjoiYzJWa",
        "GJHVmtJR0o1SUV0TlV3PT0iLCJpZCI6IjAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmIiwiY29ud",
        "GV4dCI6eyJjbHVzdGVyIjoibWVzaC1hIn0sInB1YmxpY19rZXlfc2hhMjU2IjoiYTYzNThhNGViOTM3Njk4N",
        "zU2Mjg2NDViMDUzM2Q4ZjAxOGM5YTE2YzI4MTRlZDEzYjlhNWQ1ZjMyMmIzY2RhMSJ9.ZGVmZ2hpamtsbW5v",
        "eJpZZHjpZo04ZXVukqtX_0PEDiANJD1PpNCrTJaTzkqV6ETgXTCoQKiVD7fsYPmLTj3vbzFocmyvl9te_qOW",
        "zl3qrIZ3DzhHi2ustVlzAtpo2N9qBte605Q_rLavLZ9EqfHCjIJ_bUeqhkEMSPZA4FnBNlROGCWkXAznxY5z",
        "tFEVmY9_12UYyUOKBHWwh4kXbuFqfBjbjvYHNg",
    );
    const SCALAR: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgESIzRFVmd4gRIjNE
VWZ3iBEiM0RVZneIESIzRFVmd4ihRANCAARB9kj5MzwMoMBeoRI3FUvOmnLUPtEV
J4BQ8uky1TkZfJ/J6vv4CHvqtkuPYZyQ7nV0dFTHvJYnBhfXvlda4orD
-----END PRIVATE KEY-----
";
    const ARN: &str =
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn data_key() -> [u8; 32] {
        std::array::from_fn(|place| u8::try_from(place).unwrap())
    }

    fn context() -> SealContext {
        SealContext {
            user: BTreeMap::from([("cluster".to_owned(), "mesh-a".to_owned())]),
            id: "00112233445566778899aabbccddeeff".to_owned(),
        }
    }

    fn sealed(key: &PrivateKey) -> SealedKey {
        let seal = Seal {
            data_key: &data_key(),
            encrypted_data_key: b"sealed by KMS",
            kms_key_arn: ARN,
            context: &context(),
            nonce: std::array::from_fn(|place| 100 + u8::try_from(place).unwrap()),
        };
        SealedKey::seal(key, &seal)
    }

    #[test]
    fn others_seal_and_read_what_the_format_says() {
        let key = PrivateKey::from_pem(SCALAR).unwrap();
        assert_eq!(sealed(&key).to_string(), FOREIGN);
        let read: SealedKey = FOREIGN.parse().unwrap();
        assert_eq!(read.kms_key_arn(), ARN);
        assert_eq!(read.encrypted_data_key(), b"sealed by KMS");
        assert_eq!(read.context(), context());
        let public = "a6358a4eb93769875628645b0533d8f018c9a16c2814ed13b9a5d5f322b3cda1";
        assert_eq!(read.public_key_sha256().to_string(), public);
        assert_eq!(read.open(&data_key()).unwrap().to_pem(), key.to_pem());
    }

    #[test]
    fn the_id_is_part_of_what_kms_is_told() {
        let whole = context().whole();
        let id = whole.get("istiopca:id").map(String::as_str);
        assert_eq!(id, Some("00112233445566778899aabbccddeeff"));
        assert_eq!(whole.get("cluster").map(String::as_str), Some("mesh-a"));
    }

    #[test]
    fn every_kind_of_key_comes_back_as_it_was() {
        for algorithm in [KeyAlgorithm::EcSecp384r1, KeyAlgorithm::Rsa2048] {
            let key = PrivateKey::generate(algorithm).unwrap();
            let text = sealed(&key).to_string();
            let read: SealedKey = text.parse().unwrap();
            assert_eq!(read.open(&data_key()).unwrap().to_pem(), key.to_pem());
        }
    }

    #[test]
    fn another_data_key_does_not_open_it() {
        let read: SealedKey = FOREIGN.parse().unwrap();
        assert_eq!(read.open(&[7; 32]).err(), Some(SealedError::Refused));
    }

    #[test]
    fn a_change_anywhere_is_found_and_never_a_panic() {
        for place in 0..FOREIGN.len() {
            let mut bytes = FOREIGN.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(bytes).unwrap();
            let read = text.parse::<SealedKey>();
            let opened = read.and_then(|read| read.open(&data_key()));
            assert!(opened.is_err(), "a change at {place} goes through");
        }
        for length in 0..FOREIGN.len() {
            let read = FOREIGN[..length].parse::<SealedKey>();
            assert!(read.and_then(|read| read.open(&data_key())).is_err());
        }
    }

    #[test]
    fn what_it_is_not_is_said() {
        let told = |text: &str| text.parse::<SealedKey>().unwrap_err().to_string();
        assert_eq!(
            told("AAAA"),
            "got a text that does not begin with \"istiopca.sealed.\""
        );
        let later = "got a key sealed in the format \"v2\", expected \"v1\"";
        assert_eq!(told("istiopca.sealed.v2.e30.AAAA"), later);
        assert_eq!(
            told("istiopca.sealed.v1.e30.AAAA"),
            "the header of the sealed key is damaged"
        );
        assert_eq!(
            told("istiopca.sealed.v1.e30"),
            "the form of the sealed key is damaged"
        );
    }

    #[test]
    fn debug_shows_whose_key_it_is_and_nothing_else() {
        let read: SealedKey = FOREIGN.parse().unwrap();
        let public = "a6358a4eb93769875628645b0533d8f018c9a16c2814ed13b9a5d5f322b3cda1";
        assert_eq!(format!("{read:?}"), format!("SealedKey({public})"));
    }
}
