//! A small ephemeral object written by hand, as one writes them: for tests that tell a story.

use serde::{Deserialize, Serialize};

use super::super::schema::{Block, Check, Fallback, Schema, text};
use super::super::{Call, Diagnostic, Dynamic, Ephemeral, Filled, Path};
use super::lamp::Bench;

/// A flame: its wick says how it takes fire.
pub(in crate::terraform) struct Flame;

#[derive(Deserialize)]
pub(in crate::terraform) struct Settings {
    wick: String,
    colour: String,
    shade: Vec<Shade>,
}

#[derive(Deserialize)]
struct Shade {
    tint: String,
}

#[derive(Serialize, Deserialize)]
pub(in crate::terraform) struct Outputs {
    heat: Option<String>,
}

/// Its schema.
pub(in crate::terraform) const SCHEMA: Schema = Schema::new(
    "A flame.",
    &[
        text("wick").required().says("What burns."),
        text("colour")
            .or(Fallback::Text("yellow"))
            .check(Check::OneOf(&["yellow", "blue"]))
            .says("How it looks."),
        text("heat").sensitive().says("What nobody should touch."),
    ],
)
.blocks(&[Block::optional(
    "shade",
    &[text("tint")
        .or(Fallback::Text("white"))
        .says("Its own colour.")],
)
.says("What dims it.")]);

/// A configuration of a cotton wick, with changes.
pub(in crate::terraform) fn config(changes: &[(&str, Dynamic)]) -> Dynamic {
    let mut config = Dynamic::from([
        ("wick", Dynamic::from("cotton")),
        ("colour", Dynamic::Null),
        ("heat", Dynamic::Null),
        ("shade", Dynamic::List(Vec::new())),
    ]);
    if let Dynamic::Map(entries) = &mut config {
        let changes = changes.iter();
        entries.extend(changes.map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    config
}

impl Ephemeral for Flame {
    type Clients = Bench;
    type Settings = Settings;
    type Outputs = Outputs;

    const NAME: &'static str = "house_flame";
    const SCHEMA: Schema = SCHEMA;

    async fn open(
        call: &Call<'_, Bench>,
        settings: &Settings,
    ) -> Result<Filled<Outputs>, Diagnostic> {
        let Settings {
            wick,
            colour,
            shade,
        } = settings;
        call.clients.note(format!("{wick} wick"));
        let dimmed = shade.iter().map(|Shade { tint }| format!(" in {tint}"));
        let heat = match colour.as_str() {
            "blue" => format!("hotter{}", dimmed.collect::<String>()),
            _ => format!("hot{}", dimmed.collect::<String>()),
        };
        let mut opened = Filled::new(Outputs { heat: Some(heat) });
        match wick.as_str() {
            "bug" => panic!("a bug in the flame"),
            "broken" => {
                let problem = Diagnostic::error("It does not burn", "The wick is broken.");
                return Err(problem.at(Path::from("wick")));
            }
            "wet" => std::future::pending().await,
            "old" => opened
                .warnings
                .push(Diagnostic::warning("It smokes", "The wick is old.")),
            "short" => opened.outputs.heat = None,
            _ => {}
        }
        Ok(opened)
    }
}
