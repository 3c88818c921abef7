//! Values and configurations at random, all of them known.

use std::collections::BTreeMap;

use super::super::framework::schema::{Attribute, Body, Kind, Nesting, Role};
use super::super::framework::{Dynamic, Number};
use super::Dice;

/// A value that is not null.
pub(crate) fn value(kind: Kind, dice: Dice) -> Dynamic {
    match kind {
        Kind::String => dice.pick(&["", "a", "b", "é", "two words"]).into(),
        Kind::Number => {
            let text = dice.pick(&[
                "0",
                "1",
                "-7",
                "0.5",
                "1e3",
                "9007199254740993",
                "123456789012345678901234567890",
                "0.12345678901234567890123",
            ]);
            Dynamic::Number(Number::parse(text).expect("a number"))
        }
        Kind::Bool => dice.one_in(2).into(),
        Kind::List(element) => Dynamic::List(items(*element, dice)),
        Kind::Set(element) => canonical(items(*element, dice)),
        Kind::Map(element) => {
            let keys = ["k", "l", ""].into_iter();
            let keys = keys.filter(|key| dice.of(key).one_in(2));
            Dynamic::Map(
                keys.map(|key| (key.to_owned(), value(*element, dice.of("in").of(key))))
                    .collect(),
            )
        }
        Kind::Object(fields) => {
            let fields = fields.iter();
            Dynamic::Map(
                fields
                    .map(|(name, kind)| ((*name).to_owned(), value_or_null(*kind, dice.of(name))))
                    .collect(),
            )
        }
    }
}

fn items(kind: Kind, dice: Dice) -> Vec<Dynamic> {
    (0..dice.of("length").below(3))
        .map(|number| value(kind, dice.nth(number)))
        .collect()
}

fn value_or_null(kind: Kind, dice: Dice) -> Dynamic {
    if dice.of("null").one_in(3) {
        Dynamic::Null
    } else {
        value(kind, dice)
    }
}

/// The elements of a set in an order that depends on nothing else, each of them once. What is
/// unknown may yet turn out to be another element.
pub(crate) fn canonical(mut items: Vec<Dynamic>) -> Dynamic {
    items.sort_by_cached_key(json);
    items.dedup_by(|one, other| one == other && one.is_wholly_known());
    Dynamic::List(items)
}

/// A configuration: what must be written is, what the provider fills in is null.
pub(crate) fn config(body: &Body, dice: Dice) -> Dynamic {
    let attributes = body.attributes.iter().map(|attribute| {
        let value = written(attribute, dice.of(attribute.name));
        (attribute.name.to_owned(), value)
    });
    let blocks = body.blocks.iter().map(|block| {
        let dice = dice.of(block.name);
        let several = |min: u32, max: u32| {
            let (min, max) = (min as usize, if max == 0 { 3 } else { max as usize });
            let count = min + dice.of("count").below(max - min + 1);
            (0..count)
                .map(|number| config(&block.body, dice.nth(number)))
                .collect::<Vec<_>>()
        };
        let value = match block.nesting {
            Nesting::Single if dice.of("null").one_in(2) => Dynamic::Null,
            Nesting::Single => config(&block.body, dice),
            Nesting::List { min, max } => Dynamic::List(several(min, max)),
            Nesting::Set { min, max } => canonical(several(min, max)),
        };
        (block.name.to_owned(), value)
    });
    Dynamic::Map(attributes.chain(blocks).collect::<BTreeMap<_, _>>())
}

fn written(attribute: &Attribute, dice: Dice) -> Dynamic {
    match attribute.role {
        Role::Required => value(attribute.kind, dice),
        Role::Optional | Role::Defaulted(_) => value_or_null(attribute.kind, dice),
        Role::Output => Dynamic::Null,
    }
}

/// A value as JSON, with every digit; what is unknown as a question mark.
pub(crate) fn json(value: &Dynamic) -> String {
    match value {
        Dynamic::Null => "null".to_owned(),
        Dynamic::Unknown(_) => "?".to_owned(),
        Dynamic::Bool(value) => value.to_string(),
        Dynamic::Number(number) => number.to_string(),
        Dynamic::String(text) => text_in_json(text),
        Dynamic::List(items) => {
            let items: Vec<String> = items.iter().map(json).collect();
            format!("[{}]", items.join(","))
        }
        Dynamic::Map(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}:{}", text_in_json(key), json(value)))
                .collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

fn text_in_json(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}
