//! What may be shown of a Secret.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::target::Target;

/// A Secret as it can be printed: of every value its length, and those in full that are
/// certificates only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretFacts {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its `type`, as in `Opaque`.
    pub kind: String,
    /// Tells it from any other that has had, or will have, this name.
    pub uid: String,
    /// When it was made: RFC 3339, UTC.
    pub created: String,
    /// Its labels, by name.
    pub labels: Vec<(String, String)>,
    /// Its annotations, by name.
    pub annotations: Vec<(String, String)>,
    /// Its keys, by name.
    pub keys: Vec<KeyFacts>,
}

/// One key of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// As in `ca-cert.pem`.
    pub name: String,
    /// How long its value is, in bytes.
    pub bytes: usize,
    /// The value, if it is PEM and has nothing but certificates and CRLs.
    pub public_pem: Option<String>,
}

impl SecretFacts {
    /// The facts of a Secret, as the API shows it, at its place.
    pub(super) fn of(at: &Target, secret: &Value) -> Self {
        let metadata = &secret["metadata"];
        Self {
            namespace: at.namespace.clone().unwrap_or_default(),
            name: at.name.clone(),
            kind: text(&secret["type"]),
            uid: text(&metadata["uid"]),
            created: text(&metadata["creationTimestamp"]),
            labels: texts(&metadata["labels"]).collect(),
            annotations: texts(&metadata["annotations"]).collect(),
            keys: texts(&secret["data"])
                .map(|(name, value)| KeyFacts::of(name, &value))
                .collect(),
        }
    }
}

impl KeyFacts {
    fn of(name: String, encoded: &str) -> Self {
        let value = STANDARD.decode(encoded).unwrap_or_default();
        let bytes = value.len();
        Self {
            name,
            bytes,
            public_pem: String::from_utf8(value)
                .ok()
                .filter(|pem| is_public_pem(pem)),
        }
    }
}

/// Whether a text has certificates or CRLs, and nothing else but white space.
fn is_public_pem(text: &str) -> bool {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .peekable();
    let is_some = lines.peek().is_some();
    while let Some(first) = lines.next() {
        let label = first
            .strip_prefix("-----BEGIN ")
            .and_then(|rest| rest.strip_suffix("-----"));
        let Some(label @ ("CERTIFICATE" | "X509 CRL")) = label else {
            return false;
        };
        let end = format!("-----END {label}-----");
        if !lines
            .by_ref()
            .take_while(|line| !line.starts_with("-----BEGIN"))
            .any(|line| line == end)
        {
            return false;
        }
    }
    is_some
}

fn texts(map: &Value) -> impl Iterator<Item = (String, String)> {
    map.as_object()
        .into_iter()
        .flat_map(Map::iter)
        .map(|(key, value)| (key.clone(), text(value)))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_shown() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n";
        assert!(is_public_pem(certificate));
        assert!(is_public_pem(&format!("{certificate}\n{certificate}")));
        assert!(!is_public_pem(&format!("{certificate}{key}")));
        assert!(!is_public_pem(&format!("{key}{certificate}")));
        assert!(!is_public_pem("-----BEGIN CERTIFICATE-----\nMIIB"));
        assert!(!is_public_pem(&format!("MIIE\n{certificate}")));
        assert!(!is_public_pem(""));
    }
}
