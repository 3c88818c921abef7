//! What the provider notes for itself beside an object, as the host stores it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Diagnostic;

/// The bytes that the host keeps: the resource's own notes, and the framework's one mark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::terraform) struct Private {
    /// Left by planning a destroy: a delete that comes without it makes way for a replacement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::terraform) destroying: bool,
    /// The resource's notes; null until it makes some.
    #[serde(default)]
    pub(in crate::terraform) own: Value,
}

impl Private {
    /// No bytes are no notes.
    pub(in crate::terraform) fn decode(bytes: &[u8]) -> Result<Self, Diagnostic> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(bytes).map_err(|_| {
            Diagnostic::error(
                "Unreadable private state",
                "The private data that is stored with this object was not written by this \
                 provider, or by a newer version of it. Use the version that wrote it.",
            )
        })
    }

    /// As the host stores it.
    pub(in crate::terraform) fn encode(&self) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        serde_json::to_vec(self).expect("a tree of JSON is JSON")
    }

    /// These notes without the mark.
    pub(in crate::terraform) fn own(own: Value) -> Self {
        Self {
            destroying: false,
            own,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn notes_come_back_as_they_were() {
        for private in [
            Private::default(),
            Private {
                destroying: true,
                own: Value::Null,
            },
            Private::own(json!({"held_until": "2026-11-22T00:00:00Z"})),
        ] {
            assert_eq!(Private::decode(&private.encode()), Ok(private));
        }
    }

    #[test]
    fn no_notes_are_no_bytes() {
        assert!(Private::default().encode().is_empty());
    }

    #[test]
    fn foreign_bytes_are_refused() {
        assert!(Private::decode(b"\x00\x01").is_err());
    }
}
