//! From the host's tree to a typed struct.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::slice;

use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde_path_to_error::Segment;

use super::{Dynamic, View};
use crate::terraform::Path;

/// A typed value from a tree; a struct may stand for a list with one element, as the host sends
/// a block that occurs once.
///
/// # Errors
///
/// Names the first place that is unknown or of another type.
pub fn from_dynamic<T: DeserializeOwned>(value: &Dynamic) -> Result<T, Unreadable> {
    serde_path_to_error::deserialize(Reader(value)).map_err(|error| {
        let path = place(value, error.path());
        match error.into_inner() {
            Error::Unknown => Unreadable::NotYetKnown { path },
            Error::Other(problem) => Unreadable::Unsuitable { path, problem },
        }
    })
}

/// A struct that stands for a list's only element leaves no trace in serde's path.
fn place(root: &Dynamic, path: &serde_path_to_error::Path) -> Path {
    let (mut here, mut place) = (root, Path::root());
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                here = here.elements().get(*index).unwrap_or(&Dynamic::Null);
                place = place.index(*index);
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if let [only] = here.elements() {
                    (here, place) = (only, place.index(0));
                }
                here = here.attribute(key);
                place = place.attribute(key.clone());
            }
            Segment::Unknown => {}
        }
    }
    place
}

/// Why a tree is not the struct that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Only an apply will tell.
    #[error("{path} is not known yet")]
    NotYetKnown {
        /// The place that is unknown.
        path: Path,
    },
    /// The value is no such thing.
    #[error("{path}: {problem}")]
    Unsuitable {
        /// The place of the value.
        path: Path,
        /// What was expected, and what was found; never the value of a secret type.
        problem: String,
    },
}

impl Unreadable {
    /// The same, seen from the object that contains what was read.
    #[must_use]
    pub(in crate::terraform) fn under(mut self, base: &Path) -> Self {
        let (Self::NotYetKnown { path } | Self::Unsuitable { path, .. }) = &mut self;
        *path = base.join(path);
        self
    }

    /// The place concerned.
    pub fn path(&self) -> &Path {
        match self {
            Self::NotYetKnown { path } | Self::Unsuitable { path, .. } => path,
        }
    }
}

#[derive(Debug)]
enum Error {
    Unknown,
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("not known yet"),
            Self::Other(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::Other(problem.to_string())
    }

    /// Says the kind only: the value may be a secret.
    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match found {
            de::Unexpected::Str(_) => "a string",
            de::Unexpected::Bool(_) => "a bool",
            de::Unexpected::Seq => "a list",
            de::Unexpected::Map => "an object",
            de::Unexpected::Unit | de::Unexpected::Option => "null",
            _ => "a number",
        };
        Self::Other(format!("expected {expected}, found {found}"))
    }
}

/// A value that is being read.
struct Reader<'de>(&'de Dynamic);

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Dynamic::Null => visitor.visit_unit(),
            Dynamic::Unknown(_) => Err(Error::Unknown),
            Dynamic::Bool(value) => visitor.visit_bool(*value),
            Dynamic::Number(number) => match (number.as_integer(), number.view()) {
                (Some(value), _) => match i64::try_from(value) {
                    Ok(value) => visitor.visit_i64(value),
                    Err(_) => visitor.visit_i128(value),
                },
                (None, View::Decimal(text)) if text.parse::<f64>().is_err() => Err(Error::Other(
                    "expected a number in the range of this setting".to_owned(),
                )),
                (None, _) => visitor.visit_f64(number.as_f64()),
            },
            Dynamic::String(text) => visitor.visit_borrowed_str(text),
            Dynamic::List(items) => visitor.visit_seq(Items(items.iter())),
            Dynamic::Map(entries) => visitor.visit_map(Entries {
                rest: entries.iter(),
                value: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    /// An absent collection is an empty one; who must tell them apart asks for an `Option`.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Dynamic::Null => visitor.visit_seq(Items([].iter())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Dynamic::Null => visitor.visit_map(Entries {
                rest: EMPTY.iter(),
                value: None,
            }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0.elements() {
            [only] => Self(only).deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Dynamic::String(text) => visitor.visit_enum(Word(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    /// What nobody wants may well be unknown.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct identifier
    }
}

static EMPTY: BTreeMap<String, Dynamic> = BTreeMap::new();

struct Items<'de>(slice::Iter<'de, Dynamic>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0
            .next()
            .map(|item| seed.deserialize(Reader(item)))
            .transpose()
    }
}

struct Entries<'de> {
    rest: btree_map::Iter<'de, String, Dynamic>,
    value: Option<&'de Dynamic>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Reader(self.value.take().unwrap_or(&Dynamic::Null)))
    }
}

/// A variant without fields, written as its name.
struct Word<'de>(&'de str);

impl<'de> EnumAccess<'de> for Word<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        seed.deserialize(self.0.into_deserializer())
            .map(|value| (value, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Error> {
        Err(unsupported())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(unsupported())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        Err(unsupported())
    }
}

fn unsupported() -> Error {
    Error::Other("only variants without fields can be written as text".to_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::terraform::Number;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Subject {
        common_name: String,
        organization: Vec<String>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Settings {
        subject: Subject,
        path_length: u8,
        labels: BTreeMap<String, String>,
        profile: Option<String>,
        tags: Option<Vec<String>>,
    }

    fn settings(path_length: &str, common_name: Dynamic) -> Dynamic {
        let subject = Dynamic::from([
            ("common_name", common_name),
            ("organization", Dynamic::List(vec!["a".into(), "b".into()])),
        ]);
        Dynamic::from([
            ("subject", Dynamic::List(vec![subject])),
            (
                "path_length",
                Dynamic::Number(Number::parse(path_length).expect("a number")),
            ),
            ("labels", Dynamic::from([("team", "mesh")])),
            ("profile", Dynamic::Null),
            ("tags", Dynamic::List(vec![])),
        ])
    }

    #[test]
    fn a_block_that_occurs_once_is_a_struct() {
        let read: Settings = from_dynamic(&settings("2", "ca".into())).expect("readable");
        let subject = Subject {
            common_name: "ca".to_owned(),
            organization: vec!["a".to_owned(), "b".to_owned()],
        };
        let labels = BTreeMap::from([("team".to_owned(), "mesh".to_owned())]);
        assert_eq!(
            read,
            Settings {
                subject,
                path_length: 2,
                labels,
                profile: None,
                tags: Some(vec![])
            }
        );
    }

    #[test]
    fn an_unknown_names_its_place() {
        let error =
            from_dynamic::<Settings>(&settings("2", Dynamic::UNKNOWN)).expect_err("unknown");
        let path = Path::from("subject").index(0).attribute("common_name");
        assert_eq!(error, Unreadable::NotYetKnown { path });
    }

    #[test]
    fn a_wrong_type_names_its_place_but_never_the_value() {
        let error = from_dynamic::<Settings>(&settings("2", true.into())).expect_err("a bool");
        assert_eq!(
            error.to_string(),
            "subject[0].common_name: expected a string, found a bool"
        );
        let secret = Dynamic::from([("subject", Dynamic::from("s3cret"))]);
        let error = from_dynamic::<Settings>(&secret).expect_err("no object");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }

    #[test]
    fn what_the_struct_does_not_name_may_be_unknown() {
        #[derive(Deserialize)]
        #[expect(dead_code, reason = "only whether it can be read matters")]
        struct Profile {
            profile: Option<String>,
        }
        let object = Dynamic::from([("profile", Dynamic::Null), ("uid", Dynamic::UNKNOWN)]);
        assert!(from_dynamic::<Profile>(&object).is_ok());
    }

    #[test]
    fn numbers_out_of_range_are_refused_and_not_wrapped() {
        for number in ["256", "-1", "1.5", "1e30", "1e400"] {
            assert!(
                from_dynamic::<Settings>(&settings(number, "ca".into())).is_err(),
                "{number}"
            );
        }
    }
}
