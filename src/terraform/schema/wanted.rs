//! What the configuration asks for, once defaults stand in for what it leaves out.

use std::collections::BTreeMap;

use super::{Attribute, Body, Fallback, Nesting, Role, Schema};
use crate::terraform::Dynamic;

impl Schema {
    /// The settings of a configuration; outputs are null, and so is what is never stored.
    ///
    /// The host proposes an earlier value for a default that the configuration no longer
    /// overrides, so its proposal is of no use here.
    pub fn wanted(&self, config: &Dynamic) -> Dynamic {
        object(&self.body, config, Attribute::wanted)
    }

    /// The settings of a configuration, with those that are never stored.
    pub(super) fn said(&self, config: &Dynamic) -> Dynamic {
        object(&self.body, config, Attribute::said)
    }

    /// A stored object with what it lacks since the schema has changed: a setting that came with a
    /// default has that default, and one that is no longer stored is null.
    pub(in crate::terraform) fn restored(&self, state: &Dynamic) -> Dynamic {
        object(&self.body, state, Attribute::restored)
    }
}

fn object(body: &Body, value: &Dynamic, fill: fn(&Attribute, &Dynamic) -> Dynamic) -> Dynamic {
    let Dynamic::Map(_) = value else {
        return value.clone();
    };
    let attributes = body.attributes.iter().map(|attribute| {
        let said = value.attribute(attribute.name);
        (attribute.name.to_owned(), fill(attribute, said))
    });
    let blocks = body.blocks.iter().map(|block| {
        let said = value.attribute(block.name);
        let wanted = match block.nesting {
            Nesting::Single => object(&block.body, said, fill),
            Nesting::List { .. } | Nesting::Set { .. } => match said {
                Dynamic::List(items) => {
                    let items = items.iter().map(|item| object(&block.body, item, fill));
                    Dynamic::List(items.collect())
                }
                other => other.clone(),
            },
        };
        (block.name.to_owned(), wanted)
    });
    Dynamic::Map(attributes.chain(blocks).collect())
}

impl Attribute {
    fn wanted(&self, said: &Dynamic) -> Dynamic {
        if self.write_only {
            Dynamic::Null
        } else {
            self.said(said)
        }
    }

    fn said(&self, said: &Dynamic) -> Dynamic {
        match self.role {
            Role::Output => Dynamic::Null,
            Role::Defaulted(fallback) if said.is_null() => fallback.value(),
            Role::Required | Role::Optional | Role::Defaulted(_) => said.clone(),
        }
    }

    fn restored(&self, stored: &Dynamic) -> Dynamic {
        match self.role {
            _ if self.write_only => Dynamic::Null,
            Role::Defaulted(fallback) if stored.is_null() => fallback.value(),
            _ => stored.clone(),
        }
    }
}

impl Fallback {
    /// The default as a value.
    pub fn value(self) -> Dynamic {
        match self {
            Self::Text(text) => text.into(),
            Self::Integer(value) => value.into(),
            Self::Bool(value) => value.into(),
            Self::EmptyList => Dynamic::List(Vec::new()),
            Self::EmptyMap => Dynamic::Map(BTreeMap::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Block, number, text};

    const SCHEMA: Schema = Schema::new(
        "",
        &[
            text("name").or(Fallback::Text("cacerts")),
            text("key").optional().write_only(),
            text("uid"),
        ],
    )
    .blocks(&[Block::optional(
        "intermediate",
        &[number("path_length").or(Fallback::Integer(0))],
    )]);

    fn config(name: Dynamic, intermediate: Dynamic) -> Dynamic {
        Dynamic::from([
            ("name", name),
            ("key", "secret".into()),
            ("uid", Dynamic::Null),
            ("intermediate", intermediate),
        ])
    }

    #[test]
    fn defaults_fill_what_is_null_also_in_blocks() {
        let block = Dynamic::from([("path_length", Dynamic::Null)]);
        let wanted = SCHEMA.wanted(&config(Dynamic::Null, Dynamic::List(vec![block])));
        assert_eq!(wanted.attribute("name"), &"cacerts".into());
        let filled = Dynamic::from([("path_length", 0_i64)]);
        assert_eq!(
            wanted.attribute("intermediate"),
            &Dynamic::List(vec![filled])
        );
    }

    #[test]
    fn what_is_written_or_unknown_stands() {
        let wanted = SCHEMA.wanted(&config(Dynamic::UNKNOWN, Dynamic::UNKNOWN));
        assert_eq!(wanted.attribute("name"), &Dynamic::UNKNOWN);
        assert_eq!(wanted.attribute("intermediate"), &Dynamic::UNKNOWN);
    }

    #[test]
    fn what_is_never_stored_is_null() {
        let wanted = SCHEMA.wanted(&config("x".into(), Dynamic::List(vec![])));
        assert_eq!(wanted.attribute("key"), &Dynamic::Null);
    }

    #[test]
    fn what_a_user_hands_over_can_be_judged() {
        let said = SCHEMA.said(&config(Dynamic::Null, Dynamic::List(vec![])));
        assert_eq!(said.attribute("key"), &"secret".into());
        assert_eq!(said.attribute("name"), &"cacerts".into());
    }

    #[test]
    fn a_stored_object_gets_the_defaults_of_settings_that_are_new_and_keeps_its_outputs() {
        let stored = Dynamic::from([
            ("name", Dynamic::Null),
            ("key", "was stored once".into()),
            ("uid", "u".into()),
            ("intermediate", Dynamic::List(vec![])),
        ]);
        let restored = Dynamic::from([
            ("name", "cacerts".into()),
            ("key", Dynamic::Null),
            ("uid", "u".into()),
            ("intermediate", Dynamic::List(vec![])),
        ]);
        assert_eq!(SCHEMA.restored(&stored), restored);
        assert_eq!(SCHEMA.restored(&Dynamic::Null), Dynamic::Null);
    }
}
