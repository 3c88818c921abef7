//! A random resource's configuration as its user would write it: JSON, in which parts are
//! references to what another resource has yet to say.

use std::collections::BTreeMap;

use istiopca::terraform::schema::{Attribute, Block, Body, Nesting};
use istiopca::terraform::{Dynamic, Manner};

use super::random::{Dice, json};

/// How much of a configuration stands in it, and how much is said by references.
pub(super) struct Known(Option<Dice>);

impl Known {
    /// Everything stands there.
    pub(super) fn wholly() -> Self {
        Self(None)
    }

    /// About a quarter is referred to.
    pub(super) fn in_part(dice: Dice) -> Self {
        Self(Some(dice))
    }
}

/// The whole file, for resources by type: body, values, and whether the new one comes first; and
/// for ephemeral objects and data sources by type, each of which somebody looks at.
pub(super) fn written<'a>(
    source: &str,
    things: impl Iterator<Item = (&'static str, &'a Body, &'a Dynamic, bool)>,
    springs: impl Iterator<Item = (Manner, &'static str, &'a Body, &'a Dynamic)>,
    known: &Known,
) -> String {
    let mut later = Later::default();
    let mut resources = BTreeMap::new();
    let (mut ephemerals, mut data_sources) = (BTreeMap::new(), BTreeMap::new());
    let mut looks = Vec::new();
    for (manner, name, body, config) in springs {
        let dice = known.0.map(|dice| dice.of(name));
        let entries = later.body(body, config, dice);
        let (table, kind) = match manner {
            Manner::Opened => (&mut ephemerals, "ephemeral"),
            Manner::Read => (&mut data_sources, "data"),
        };
        table.insert(
            name.to_owned(),
            object([("it".to_owned(), object(entries))]),
        );
        let condition = format!("${{can(jsonencode({kind}.{name}.it))}}");
        looks.push(object([
            ("condition".to_owned(), json(&condition.into())),
            ("error_message".to_owned(), json(&"Not seen.".into())),
        ]));
    }
    for (name, body, config, creates_first) in things {
        let dice = known.0.map(|dice| dice.of(name));
        let mut entries = later.body(body, config, dice);
        entries.insert(
            "lifecycle".to_owned(),
            format!("{{\"create_before_destroy\":{creates_first}}}"),
        );
        resources.insert(
            name.to_owned(),
            object([("it".to_owned(), object(entries))]),
        );
    }
    let said = later.0.into_iter().enumerate();
    let said = said.map(|(number, value)| {
        let input = object([("input".to_owned(), value)]);
        (format!("said{number}"), input)
    });
    let looks = object([("precondition".to_owned(), format!("[{}]", looks.join(",")))]);
    let looker = object([("lifecycle".to_owned(), looks)]);
    let said = said.chain([("looker".to_owned(), looker)]);
    resources.insert("terraform_data".to_owned(), object(said));
    let required = format!(r#"{{"required_providers":{{"chance":{{"source":"{source}"}}}}}}"#);
    object([
        ("terraform".to_owned(), required),
        ("ephemeral".to_owned(), object(ephemerals)),
        ("data".to_owned(), object(data_sources)),
        ("resource".to_owned(), object(resources)),
    ])
}

/// The values that are said by another resource, as JSON.
#[derive(Default)]
struct Later(Vec<String>);

impl Later {
    fn body(
        &mut self,
        body: &Body,
        config: &Dynamic,
        dice: Option<Dice>,
    ) -> BTreeMap<String, String> {
        let mut entries = BTreeMap::new();
        let settings = body
            .attributes
            .iter()
            .filter(|attribute| !attribute.is_output());
        for Attribute { name, .. } in settings {
            let value = config.attribute(name);
            let referred = dice.filter(|dice| dice.of(name).one_in(4));
            // Of a reference that leads to null a core knows at the plan that it is null.
            let text = match referred {
                Some(_) if !value.is_null() => self.refer(value),
                _ => json(value),
            };
            entries.insert((*name).to_owned(), text);
        }
        let mut dynamic = BTreeMap::new();
        for block in body.blocks {
            let dice = dice.map(|dice| dice.of(block.name));
            let value = config.attribute(block.name);
            if dice.is_some_and(|dice| dice.of("dynamic").one_in(3)) && may_be_dynamic(block) {
                dynamic.insert(block.name.to_owned(), self.dynamic(block, value));
            } else if let Some(text) = self.blocks(block, value, dice) {
                entries.insert(block.name.to_owned(), text);
            }
        }
        if !dynamic.is_empty() {
            entries.insert("dynamic".to_owned(), object(dynamic));
        }
        entries
    }

    fn blocks(&mut self, block: &Block, value: &Dynamic, dice: Option<Dice>) -> Option<String> {
        match value {
            Dynamic::Null => None,
            Dynamic::List(items) => {
                let items = items.iter().enumerate();
                let items = items.map(|(place, item)| {
                    let dice = dice.map(|dice| dice.nth(place));
                    object(self.body(&block.body, item, dice))
                });
                Some(format!("[{}]", items.collect::<Vec<_>>().join(",")))
            }
            single => Some(object(self.body(&block.body, single, dice))),
        }
    }

    /// Blocks of which not even the number is known at the plan.
    fn dynamic(&mut self, block: &Block, value: &Dynamic) -> String {
        let content = block.body.attributes.iter().map(|attribute| {
            let name = attribute.name;
            (
                name.to_owned(),
                format!("\"${{{}.value.{name}}}\"", block.name),
            )
        });
        let content = object(content);
        let each = self.refer(value);
        format!("{{\"for_each\":{each},\"content\":{content}}}")
    }

    fn refer(&mut self, value: &Dynamic) -> String {
        self.0.push(json(value));
        format!("\"${{terraform_data.said{}.output}}\"", self.0.len() - 1)
    }
}

/// A `dynamic` block stands for any number of blocks, and its content here for attributes alone.
fn may_be_dynamic(block: &Block) -> bool {
    !matches!(block.nesting, Nesting::Single) && block.body.blocks.is_empty()
}

fn object(entries: impl IntoIterator<Item = (String, String)>) -> String {
    let entries = entries.into_iter();
    let entries = entries.map(|(name, text)| format!("{}:{text}", json(&name.into())));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}
