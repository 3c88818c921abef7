//! A look at a configuration of which parts may be unknown.

use serde::de::DeserializeOwned;

use crate::terraform::value::{Unreadable, from_dynamic};
use crate::terraform::{Dynamic, Path};

/// An object as it is before everything in it is known, and where it stands.
#[derive(Clone)]
pub struct Partial<'a> {
    object: &'a Dynamic,
    path: Path,
}

/// What can be said of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is null, or a block that does not occur.
    Absent,
    /// Only an apply will tell.
    Unclear,
    /// It has a value, though perhaps not a known one.
    Present,
}

impl<'a> Partial<'a> {
    /// A look at a whole object.
    pub fn new(object: &'a Dynamic) -> Self {
        Self {
            object,
            path: Path::root(),
        }
    }

    /// A look at an object within another one.
    pub fn nested(object: &'a Dynamic, path: Path) -> Self {
        Self { object, path }
    }

    /// Where this object stands.
    pub fn place(&self) -> &Path {
        &self.path
    }

    /// Where a setting of this object stands.
    pub fn path(&self, name: &'static str) -> Path {
        self.path.attribute(name)
    }

    /// Whether a setting has been written.
    pub fn presence(&self, name: &str) -> Presence {
        match self.object.attribute(name) {
            Dynamic::Null => Presence::Absent,
            Dynamic::List(blocks) if blocks.is_empty() => Presence::Absent,
            Dynamic::Unknown(unknown) if !unknown.not_null => Presence::Unclear,
            _ => Presence::Present,
        }
    }

    /// A setting, where it is wholly known.
    ///
    /// # Errors
    ///
    /// Where it is not, or is no `T`.
    pub fn read<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, Unreadable> {
        from_dynamic(self.object.attribute(name)).map_err(|error| error.under(&self.path(name)))
    }

    /// The object as a struct of which every field must be known; fields that the struct does not
    /// have may be unknown.
    ///
    /// # Errors
    ///
    /// Where one is not, or is of another type.
    pub fn read_whole<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        from_dynamic(self.object).map_err(|error| error.under(&self.path))
    }

    /// The blocks of that name, each with its place; none while they are unknown.
    pub fn blocks(&self, name: &'static str) -> impl Iterator<Item = Partial<'a>> {
        let path = self.path(name);
        let items = self.object.attribute(name).elements().iter().enumerate();
        items.map(move |(place, object)| Partial {
            object,
            path: path.index(place),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Login {
        user: String,
        retries: Option<u8>,
    }

    fn login(user: Dynamic, retries: Dynamic) -> Dynamic {
        Dynamic::from([
            ("user", user),
            ("retries", retries),
            ("other", Dynamic::UNKNOWN),
        ])
    }

    fn place() -> Path {
        Path::from("login").index(1)
    }

    #[test]
    fn what_is_written_is_told_from_what_is_not_and_what_may_be() {
        let set = Dynamic::Unknown(crate::terraform::value::Unknown {
            refinement: None,
            not_null: true,
        });
        for (value, presence) in [
            (Dynamic::Null, Presence::Absent),
            (Dynamic::List(Vec::new()), Presence::Absent),
            (Dynamic::UNKNOWN, Presence::Unclear),
            (set, Presence::Present),
            ("".into(), Presence::Present),
            (Dynamic::List(vec![Dynamic::UNKNOWN]), Presence::Present),
        ] {
            let object = Dynamic::from([("a", value)]);
            assert_eq!(Partial::new(&object).presence("a"), presence, "{object:?}");
        }
        let nothing = Dynamic::Map(Default::default());
        assert_eq!(Partial::new(&nothing).presence("a"), Presence::Absent);
    }

    #[test]
    fn a_setting_is_read_by_itself_and_an_error_names_its_place() {
        let object = login("u".into(), Dynamic::UNKNOWN);
        let partial = Partial::nested(&object, place());
        assert_eq!(partial.read::<String>("user"), Ok("u".to_owned()));
        let retries = partial.read::<Option<u8>>("retries");
        let path = place().attribute("retries");
        assert_eq!(retries, Err(Unreadable::NotYetKnown { path }));
        let user = partial.read::<u8>("user").expect_err("a text");
        assert_eq!(user.path(), &place().attribute("user"));
    }

    #[test]
    fn a_whole_object_is_read_and_an_error_names_its_place() {
        let object = login("u".into(), Dynamic::Null);
        let user = "u".to_owned();
        let read = Partial::nested(&object, place()).read_whole();
        assert_eq!(
            read,
            Ok(Login {
                user,
                retries: None
            })
        );
        let object = login(Dynamic::UNKNOWN, Dynamic::Null);
        let read = Partial::nested(&object, place()).read_whole::<Login>();
        let path = place().attribute("user");
        assert_eq!(read, Err(Unreadable::NotYetKnown { path }));
    }

    #[test]
    fn blocks_are_looked_at_one_by_one() {
        let items = vec![
            login("a".into(), Dynamic::Null),
            login("b".into(), Dynamic::Null),
        ];
        let object = Dynamic::from([("login", Dynamic::List(items))]);
        let partial = Partial::new(&object);
        let seen: Vec<(String, Result<String, Unreadable>)> = partial
            .blocks("login")
            .map(|block| (block.place().to_string(), block.read("user")))
            .collect();
        let expected = [("login[0]", "a"), ("login[1]", "b")];
        assert_eq!(
            seen,
            expected.map(|(place, user)| (place.to_owned(), Ok(user.to_owned())))
        );
        let object = Dynamic::from([("login", Dynamic::UNKNOWN)]);
        assert_eq!(Partial::new(&object).blocks("login").count(), 0);
    }
}
