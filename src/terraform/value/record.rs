//! Structs that stand for an object, and two of them that share one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Dynamic, Unreadable, from_dynamic, to_dynamic};
use crate::terraform::schema::fields_of;

/// What can be read from an object: a struct, or [`Both`] of two.
pub trait Fields: Sized {
    /// Reads it; attributes that it does not name are left alone.
    ///
    /// # Errors
    ///
    /// Names the first attribute that is unknown or of another type.
    fn read(object: &Dynamic) -> Result<Self, Unreadable>;

    /// The names of its attributes.
    fn names() -> Vec<&'static str>;
}

/// What can be written as an object: a struct, or [`Both`] of two.
pub trait Written {
    /// Writes it.
    ///
    /// # Errors
    ///
    /// Only where the type's own `Serialize` refuses.
    fn write(&self) -> Result<Dynamic, serde_json::Error>;
}

/// Two structs side by side in one object, so that resources can share a part of theirs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Both<A, B>(pub A, pub B);

impl<T: DeserializeOwned> Fields for T {
    fn read(object: &Dynamic) -> Result<Self, Unreadable> {
        from_dynamic(object)
    }

    fn names() -> Vec<&'static str> {
        fields_of::<T>().to_vec()
    }
}

impl<T: Serialize> Written for T {
    fn write(&self) -> Result<Dynamic, serde_json::Error> {
        to_dynamic(self)
    }
}

impl<A: Fields, B: Fields> Fields for Both<A, B> {
    fn read(object: &Dynamic) -> Result<Self, Unreadable> {
        Ok(Self(A::read(object)?, B::read(object)?))
    }

    fn names() -> Vec<&'static str> {
        [A::names(), B::names()].concat()
    }
}

impl<A: Written, B: Written> Written for Both<A, B> {
    fn write(&self) -> Result<Dynamic, serde_json::Error> {
        Ok(match (self.0.write()?, self.1.write()?) {
            (Dynamic::Map(mut one), Dynamic::Map(two)) => {
                one.extend(two);
                Dynamic::Map(one)
            }
            (one, _) => one,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Serial {
        serial: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Place {
        uid: Option<String>,
    }

    #[test]
    fn two_structs_share_an_object() {
        let object = Dynamic::from([("serial", Dynamic::from("01")), ("uid", Dynamic::Null)]);
        let both = Both(
            Serial {
                serial: "01".to_owned(),
            },
            Place { uid: None },
        );
        assert_eq!(Both::read(&object), Ok(both));
        let both = Both(
            Serial {
                serial: "01".to_owned(),
            },
            Place { uid: None },
        );
        assert_eq!(both.write().expect("serializable"), object);
        assert_eq!(Both::<Serial, Place>::names(), ["serial", "uid"]);
    }
}
