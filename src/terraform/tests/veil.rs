//! Configurations of which parts are not known yet, as at a first plan.

use std::collections::BTreeMap;

use super::super::Dynamic;
use super::super::schema::{Body, Nesting};
use super::super::value::Unknown;
use super::random::Dice;

/// Hides parts of a configuration; whoever finds them again, finds what was hidden.
///
/// A core knows something of most unknowns, and what it knows is true of the value behind them.
pub(super) fn veiled(body: &Body, config: &Dynamic, dice: Dice) -> Dynamic {
    let Dynamic::Map(entries) = config else {
        return config.clone();
    };
    let mut veil = entries.clone();
    for attribute in body
        .attributes
        .iter()
        .filter(|attribute| !attribute.is_output())
    {
        let known = config.attribute(attribute.name);
        veil.insert(
            attribute.name.to_owned(),
            hidden(known, dice.of(attribute.name)),
        );
    }
    for block in body.blocks {
        let dice = dice.of(block.name);
        let known = config.attribute(block.name);
        let value = match (block.nesting, known) {
            // A `dynamic` block over something unknown; a single one arrives as if it were there.
            (Nesting::List { .. } | Nesting::Set { .. }, known) if dice.one_in(6) => {
                Dynamic::Unknown(unknown(known, dice.of("refinement")))
            }
            (_, Dynamic::List(blocks)) => {
                let blocks = blocks.iter().enumerate();
                Dynamic::List(
                    blocks
                        .map(|(place, inner)| veiled(&block.body, inner, dice.nth(place)))
                        .collect(),
                )
            }
            (_, single) => veiled(&block.body, single, dice),
        };
        veil.insert(block.name.to_owned(), value);
    }
    Dynamic::Map(veil)
}

fn hidden(known: &Dynamic, dice: Dice) -> Dynamic {
    if dice.one_in(4) {
        return Dynamic::Unknown(unknown(known, dice.of("refinement")));
    }
    match known {
        Dynamic::List(items) => {
            let items = items.iter().enumerate();
            Dynamic::List(
                items
                    .map(|(place, item)| hidden(item, dice.nth(place)))
                    .collect(),
            )
        }
        Dynamic::Map(entries) => {
            let entries = entries.iter();
            let entries = entries.map(|(key, item)| (key.clone(), hidden(item, dice.of(key))));
            Dynamic::Map(entries.collect::<BTreeMap<_, _>>())
        }
        known => known.clone(),
    }
}

/// An unknown, with or without a refinement: "not null", and how a text begins.
fn unknown(known: &Dynamic, dice: Dice) -> Unknown {
    let mut payload = Vec::new();
    match (known, dice.below(3)) {
        (Dynamic::Null, _) | (_, 0) => return Unknown::default(),
        (Dynamic::String(text), 1) if !text.is_empty() => {
            payload.extend([0x82, 0x01, 0xc2, 0x02]);
            let first: String = text.chars().take(1).collect();
            rmp::encode::write_str(&mut payload, &first).expect("memory");
        }
        _ => payload.extend([0x81, 0x01, 0xc2]),
    }
    Unknown {
        refinement: Some(payload),
        not_null: true,
    }
}
