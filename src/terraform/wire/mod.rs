//! Between the host's bytes and the tree of values.

pub(in crate::terraform) mod json;
pub(in crate::terraform) mod msgpack;
pub(in crate::terraform) mod proto;

/// Why bytes are no value. Says what was found, and never quotes it: it may be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::terraform) enum WireError {
    #[error("the value ends too early")]
    Truncated,
    #[error("{bytes} bytes follow the value")]
    Trailing { bytes: usize },
    #[error("the value is nested too deeply")]
    TooDeep,
    #[error("an object has the key {key:?} twice")]
    DuplicateKey { key: String },
    #[error("a text is not valid UTF-8")]
    NotText,
    #[error("a number is not one")]
    NotANumber,
    #[error("unexpected {marker} in the place of a value")]
    Unexpected { marker: String },
    #[error("invalid JSON at line {line}, column {column}")]
    NotJson { line: usize, column: usize },
}
