//! The types of attributes.

use std::fmt;

use serde_json::{Value, json};

/// The type of an attribute.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    /// Text.
    String,
    /// A number of any size.
    Number,
    /// `true` or `false`.
    Bool,
    /// Elements in an order.
    List(&'static Self),
    /// Elements without an order or duplicates.
    Set(&'static Self),
    /// Elements with a key each.
    Map(&'static Self),
    /// Named attributes.
    Object(&'static [(&'static str, Self)]),
}

impl Kind {
    /// The type as the host spells it in JSON.
    pub(in crate::terraform) fn to_json(self) -> Value {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::List(element) => json!(["list", element.to_json()]),
            Self::Set(element) => json!(["set", element.to_json()]),
            Self::Map(element) => json!(["map", element.to_json()]),
            Self::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, kind)| ((*name).to_owned(), kind.to_json()));
                json!(["object", Value::Object(fields.collect())])
            }
        }
    }
}

/// As the documentation's tables name it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("String"),
            Self::Number => f.write_str("Number"),
            Self::Bool => f.write_str("Boolean"),
            Self::List(element) => write!(f, "List of {element}"),
            Self::Set(element) => write!(f, "Set of {element}"),
            Self::Map(element) => write!(f, "Map of {element}"),
            Self::Object(_) => f.write_str("Object"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelt_as_the_host_spells_them() {
        const POINT: Kind = Kind::Object(&[("x", Kind::Number), ("on", Kind::Bool)]);
        let object = json!({"x": "number", "on": "bool"});
        assert_eq!(
            Kind::Map(&Kind::List(&POINT)).to_json(),
            json!(["map", ["list", ["object", object]]])
        );
        assert_eq!(
            Kind::Set(&Kind::String).to_json().to_string(),
            r#"["set","string"]"#
        );
    }
}
