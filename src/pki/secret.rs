//! Text that must not be seen.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A private key as PEM text: wiped when dropped, invisible to `Debug`.
///
/// Serialising shows the text, because under one custody (`private_key_storage = "state"`) the host
/// stores it.
#[derive(Clone)]
pub struct SecretPem(Zeroizing<String>);

impl SecretPem {
    /// Takes the text over; it is not parsed here, see
    /// [`PrivateKey::from_pem`](super::PrivateKey::from_pem).
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for the one place that stores it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretPem(..)")
    }
}

/// Compared in constant time.
impl PartialEq for SecretPem {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for SecretPem {}

impl Serialize for SecretPem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for SecretPem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_and_serialising_shows_the_text() {
        let secret = SecretPem::new("hidden".to_owned());
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "SecretPem(..) Some(SecretPem(..))"
        );
        assert_eq!(serde_json::to_string(&secret).unwrap(), r#""hidden""#);
        assert_eq!(
            serde_json::from_str::<SecretPem>(r#""hidden""#).unwrap(),
            secret
        );
        assert_ne!(secret, SecretPem::new("hiddem".to_owned()));
    }
}
