//! The host's values: a tree in which anything may be null or not yet known.

#[cfg(test)]
pub(in crate::terraform) mod arbitrary;
mod de;
mod number;
mod record;
mod ser;

use std::collections::BTreeMap;

pub use de::{Unreadable, from_dynamic};
pub use number::Number;
pub(in crate::terraform) use number::View;
pub use record::{Both, Fields, Written};
pub use ser::to_dynamic;

/// A value of any type that the host can send.
///
/// Lists, sets and tuples share one variant, maps and objects another: which it is, the schema
/// says. Outside tests its `Debug` tells the kind only, because a value may be a private key.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub enum Dynamic {
    /// Nothing is there.
    Null,
    /// Something that only an apply will tell.
    Unknown(Unknown),
    /// `true` or `false`.
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// Text.
    String(String),
    /// A list, a set (in the host's order) or a tuple.
    List(Vec<Self>),
    /// A map or an object; an object has every one of its attributes.
    Map(BTreeMap<String, Self>),
}

/// What is known of a value that is not yet known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// The host's refinement, byte for byte: echoed with the value, or the host sees a change.
    pub(in crate::terraform) refinement: Option<Vec<u8>>,
    /// Whether the refinement rules out null.
    pub(in crate::terraform) not_null: bool,
}

impl Dynamic {
    /// An unknown of which nothing more is known.
    pub const UNKNOWN: Self = Self::Unknown(Unknown {
        refinement: None,
        not_null: false,
    });

    /// Whether nothing is there, for sure.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this very value is unknown; what it contains does not count.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether nothing in it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::List(items) => items.iter().all(Self::is_wholly_known),
            Self::Map(entries) => entries.values().all(Self::is_wholly_known),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
        }
    }

    /// The text, where it is a known text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The attribute of an object, or null where there is none.
    pub fn attribute(&self, name: &str) -> &Self {
        match self {
            Self::Map(entries) => entries.get(name).unwrap_or(&Self::Null),
            _ => &Self::Null,
        }
    }

    /// The elements of a list or set; none for any other value.
    pub fn elements(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// What kind of value it is, in the host's words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "unknown",
            Self::Bool(_) => "bool",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::List(_) => "list",
            Self::Map(_) => "object",
        }
    }
}

impl From<&str> for Dynamic {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Dynamic {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Dynamic {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Dynamic {
    fn from(value: i64) -> Self {
        Self::Number(i128::from(value).into())
    }
}

impl<K: Into<String>, V: Into<Self>, const N: usize> From<[(K, V); N]> for Dynamic {
    fn from(entries: [(K, V); N]) -> Self {
        Self::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(not(test))]
impl std::fmt::Debug for Dynamic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}
