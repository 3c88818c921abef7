//! Settings that are handed over and never stored.
//!
//! They are null wherever the host keeps or compares an object, and have a value in the
//! configuration alone: perhaps another one at each look, since what they come from may be made
//! anew each time.

use super::{Body, Nesting, Schema};
use crate::terraform::{Dynamic, Path};

impl Schema {
    /// A planned object with what the configuration hands over for it.
    pub(in crate::terraform) fn handed_over(&self, planned: &Dynamic, config: &Dynamic) -> Dynamic {
        object(&self.body, planned, config)
    }

    /// Where a configuration has settings of this sort; those that may still turn out to be null
    /// count if `unclear` says so.
    pub(in crate::terraform) fn handovers(&self, config: &Dynamic, unclear: bool) -> Vec<Path> {
        let mut places = Vec::new();
        find(&self.body, config, &Path::root(), unclear, &mut places);
        places
    }
}

fn object(body: &Body, planned: &Dynamic, config: &Dynamic) -> Dynamic {
    let Dynamic::Map(entries) = planned else {
        return planned.clone();
    };
    let mut entries = entries.clone();
    for attribute in body
        .attributes
        .iter()
        .filter(|attribute| attribute.write_only)
    {
        let handed_over = config.attribute(attribute.name).clone();
        entries.insert(attribute.name.to_owned(), handed_over);
    }
    for block in body.blocks {
        let (planned, config) = (planned.attribute(block.name), config.attribute(block.name));
        let whole = match (block.nesting, planned) {
            (Nesting::Single, single) => object(&block.body, single, config),
            (Nesting::List { .. }, Dynamic::List(items)) => {
                let items = items.iter().enumerate().map(|(place, item)| {
                    let config = config.elements().get(place).unwrap_or(&Dynamic::Null);
                    object(&block.body, item, config)
                });
                Dynamic::List(items.collect())
            }
            // Elements of a set cannot be told apart; a schema has none of these in there.
            (_, other) => other.clone(),
        };
        entries.insert(block.name.to_owned(), whole);
    }
    Dynamic::Map(entries)
}

fn find(body: &Body, config: &Dynamic, path: &Path, unclear: bool, places: &mut Vec<Path>) {
    let counts = |name| match config.attribute(name) {
        Dynamic::Null => false,
        Dynamic::Unknown(unknown) => unclear || unknown.not_null,
        _ => true,
    };
    let written = body
        .attributes
        .iter()
        .filter(|attribute| attribute.write_only && counts(attribute.name));
    places.extend(written.map(|attribute| path.attribute(attribute.name)));
    for block in body.blocks {
        let path = path.attribute(block.name);
        match config.attribute(block.name) {
            Dynamic::List(items) => {
                for (place, item) in items.iter().enumerate() {
                    find(&block.body, item, &path.index(place), unclear, places);
                }
            }
            single => find(&block.body, single, &path, unclear, places),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Block, text};

    const SCHEMA: Schema = Schema::new(
        "",
        &[
            text("name").required(),
            text("key_wo").optional().write_only(),
        ],
    )
    .blocks(&[Block::optional(
        "login",
        &[text("token_wo").optional().write_only()],
    )]);

    fn object(key: Dynamic, token: Dynamic) -> Dynamic {
        let login = Dynamic::List(vec![Dynamic::from([("token_wo", token)])]);
        Dynamic::from([("name", "a".into()), ("key_wo", key), ("login", login)])
    }

    #[test]
    fn what_the_configuration_hands_over_is_put_in_its_place() {
        let planned = object(Dynamic::Null, Dynamic::Null);
        let config = object("k".into(), "t".into());
        assert_eq!(SCHEMA.handed_over(&planned, &config), config);
        assert_eq!(SCHEMA.handed_over(&planned, &Dynamic::Null), planned);
        assert_eq!(SCHEMA.handed_over(&Dynamic::Null, &config), Dynamic::Null);
    }

    #[test]
    fn its_places_are_known() {
        let places = |config: &Dynamic, unclear| {
            let places = SCHEMA.handovers(config, unclear).into_iter();
            places.map(|path| path.to_string()).collect::<Vec<_>>()
        };
        let config = object(Dynamic::UNKNOWN, "t".into());
        assert_eq!(places(&config, true), ["key_wo", "login[0].token_wo"]);
        assert_eq!(places(&config, false), ["login[0].token_wo"]);
        let config = object(Dynamic::Null, Dynamic::Null);
        assert_eq!(places(&config, true), [""; 0]);
    }
}
