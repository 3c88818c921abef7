//! Values of a Secret: bytes that are never shown and are wiped when dropped.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::cluster::Sha256;

/// Bytes of one key of a Secret, possibly a private key: `Debug` shows their length only.
#[derive(Clone, Default)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes themselves, for those who must read them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// By what these bytes are known once they are forgotten.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.0)
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBytes {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

/// The API's JSON form of [`SecretBytes`]: standard base64 with padding. Kept out of `SecretBytes` itself, so that
/// no other document can take the bytes along.
pub(super) struct Base64<'a>(pub(super) Cow<'a, SecretBytes>);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(self.0.expose())))
    }
}

impl<'de> Deserialize<'de> for Base64<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Base64Visitor)
    }
}

struct Base64Visitor;

impl Visitor<'_> for Base64Visitor {
    type Value = Base64<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        // The decoder's own error would name a byte of the value.
        let bytes = STANDARD.decode(text).map_err(|_| E::custom("not base64"))?;
        Ok(Base64(Cow::Owned(bytes.into())))
    }

    /// Go writes an empty value as `null`.
    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Base64(Cow::Owned(SecretBytes::default())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_bytes() {
        let shown = format!("{:?}", SecretBytes::from(b"hunter2".to_vec()));
        assert_eq!(shown, "SecretBytes(7 bytes)");
    }

    #[test]
    fn an_empty_value_written_by_go_is_read() {
        let read: Base64<'_> = serde_json::from_str("null").unwrap();
        assert!(read.0.expose().is_empty());
    }

    #[test]
    fn an_error_shows_nothing_of_the_value() {
        for text in ["\"hunter2!\"", "17", "{\"hunter2\":1}"] {
            let error = serde_json::from_str::<Base64<'_>>(text).err().unwrap();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes: Vec<u8>) {
            let value = SecretBytes::from(bytes.clone());
            let text = serde_json::to_string(&Base64(Cow::Borrowed(&value))).unwrap();
            let read: Base64<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.0.expose(), &bytes[..]);
        }
    }
}
