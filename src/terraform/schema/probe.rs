//! Whether a schema and the structs that stand for it name the same attributes.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};

use super::{Attribute, Body, Timeouts};
use crate::terraform::value::Fields;

/// The names of a struct's fields, as serde knows them, in order; none for any other type.
pub fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(Probe) {
        Err(Found(fields)) => fields,
        Ok(_) => &[],
    }
}

/// In what a schema differs from its structs, as sentences; none when they agree.
pub fn mismatches<Settings: Fields, Outputs: Fields>(body: &Body) -> Vec<String> {
    let (outputs, settings): (Vec<&Attribute>, Vec<&Attribute>) = body
        .attributes
        .iter()
        .partition(|attribute| attribute.is_output());
    let blocks = body.blocks.iter().map(|block| block.name);
    let settings = settings.iter().map(|attribute| attribute.name);
    let settings = settings.chain(blocks.filter(|name| *name != Timeouts::BLOCK.name));
    let mut found = compare("setting", &settings.collect::<Vec<_>>(), &Settings::names());
    let outputs: Vec<_> = outputs.iter().map(|attribute| attribute.name).collect();
    found.extend(compare("output", &outputs, &Outputs::names()));
    found
}

fn compare(what: &str, schema: &[&str], fields: &[&str]) -> Vec<String> {
    let lacking = schema.iter().filter(|name| !fields.contains(name));
    let lacking = lacking.map(|name| format!("the {what} {name:?} has no field"));
    let extra = fields.iter().filter(|name| !schema.contains(name));
    let extra = extra.map(|name| format!("the field {name:?} is no {what} of the schema"));
    lacking.chain(extra).collect()
}

/// Asked to be a struct, it answers with the names of the fields.
struct Probe;

#[derive(Debug)]
struct Found(&'static [&'static str]);

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Found {}

impl de::Error for Found {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Found;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Found> {
        Err(Found(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Found> {
        Err(Found(fields))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::terraform::schema::{Block, Schema, text};

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the names matter")]
    struct Settings {
        name: String,
        subject: Vec<String>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only the names matter")]
    struct Outputs {
        uid: String,
    }

    #[test]
    fn a_schema_and_its_structs_are_compared_by_name() {
        const SAME: Schema = Schema::new("", &[text("name").required(), text("uid")])
            .blocks(&[Block::once("subject", &[]), Timeouts::BLOCK]);
        assert_eq!(mismatches::<Settings, Outputs>(&SAME.body), [""; 0]);

        const OTHER: Schema = Schema::new("", &[text("name").required(), text("serial")]);
        assert_eq!(
            mismatches::<Settings, Outputs>(&OTHER.body),
            [
                r#"the field "subject" is no setting of the schema"#,
                r#"the output "serial" has no field"#,
                r#"the field "uid" is no output of the schema"#,
            ]
        );
    }
}
