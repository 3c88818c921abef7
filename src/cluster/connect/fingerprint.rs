//! Which cluster is it? A name that survives another way in, and does not survive a rebuilt cluster.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cluster::Sha256;

/// What tells one cluster from another.
///
/// Text forms, as kept in state: `ca:sha256:<64 hexadecimal digits>` and `host:<host:port and path>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Fingerprint {
    /// The SHA-256 of the API server's authorities: of their DER, sorted, each once, one after the other. For a single
    /// one that is what `openssl x509 -outform der | sha256sum` prints.
    Authorities(Sha256),
    /// Host, port and path, where no authority is verified, or one authority stands for many clusters.
    Host(String),
}

/// A text that is not the text form of a [`Fingerprint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected ca:sha256:<64 hexadecimal digits> or host:<host>, got {got:?}")]
pub struct NotAFingerprint {
    got: String,
}

impl Fingerprint {
    /// Of authorities that are already sorted, each once.
    pub(super) fn of_authorities(sorted: &[Vec<u8>]) -> Self {
        Self::Authorities(Sha256::of_all(sorted.iter().map(Vec::as_slice)))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorities(sum) => write!(f, "{CA}{sum}"),
            Self::Host(host) => write!(f, "{HOST}{host}"),
        }
    }
}

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let sum = text
            .strip_prefix(CA)
            .and_then(|sum| sum.parse().ok())
            .map(Self::Authorities);
        let host = text.strip_prefix(HOST).filter(|host| !host.is_empty());
        sum.or_else(|| host.map(|host| Self::Host(host.to_owned())))
            .ok_or_else(|| NotAFingerprint {
                got: text.to_owned(),
            })
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

const CA: &str = "ca:sha256:";
const HOST: &str = "host:";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_text_forms_are_read_back() {
        let ca = Fingerprint::of_authorities(&[b"a".to_vec(), b"bc".to_vec()]);
        // printf abc | sha256sum
        let text = "ca:sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            (ca.to_string().as_str(), text.parse()),
            (text, Ok(ca.clone()))
        );
        let host = Fingerprint::Host("api.example.com:443/k8s/c-1".to_owned());
        assert_eq!(host.to_string().parse(), Ok(host));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "ca:sha256:", "ca:sha256:00", "host:", "ba78"] {
            assert!(text.parse::<Fingerprint>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic_and_what_parses_prints_alike(text in "(ca:sha256:|host:)?.{0,70}") {
            if let Ok(read) = text.parse::<Fingerprint>() {
                prop_assert_eq!(read.to_string().to_lowercase(), text.to_lowercase());
            }
        }
    }
}
