//! A small data source written by hand, as one writes them: for tests that tell a story.

use serde::{Deserialize, Serialize};

use super::super::schema::{Check, Fallback, Schema, number, text};
use super::super::{Call, DataSource, Diagnostic, Dynamic, Filled, Path};
use super::lamp::Bench;

/// A gauge: the place at which it looks says what it finds.
pub(in crate::terraform) struct Gauge;

#[derive(Deserialize)]
pub(in crate::terraform) struct Settings {
    place: String,
    unit: String,
}

#[derive(Serialize, Deserialize)]
pub(in crate::terraform) struct Outputs {
    degrees: Option<i64>,
    shown: String,
}

/// Its schema.
pub(in crate::terraform) const SCHEMA: Schema = Schema::new(
    "A gauge.",
    &[
        text("place").required().says("Where it looks."),
        text("unit")
            .or(Fallback::Text("C"))
            .check(Check::OneOf(&["C", "F"]))
            .says("How it counts."),
        number("degrees").says("What it shows."),
        text("shown").sensitive().says("How it shows it."),
    ],
);

/// A configuration of a gauge in the hall, with changes.
pub(in crate::terraform) fn config(changes: &[(&str, Dynamic)]) -> Dynamic {
    let mut config = Dynamic::from([
        ("place", Dynamic::from("hall")),
        ("unit", Dynamic::Null),
        ("degrees", Dynamic::Null),
        ("shown", Dynamic::Null),
    ]);
    if let Dynamic::Map(entries) = &mut config {
        let changes = changes.iter();
        entries.extend(changes.map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    config
}

impl DataSource for Gauge {
    type Clients = Bench;
    type Settings = Settings;
    type Outputs = Outputs;

    const NAME: &'static str = "house_gauge";
    const SCHEMA: Schema = SCHEMA;

    async fn read(
        call: &Call<'_, Bench>,
        settings: &Settings,
    ) -> Result<Filled<Outputs>, Diagnostic> {
        let Settings { place, unit } = settings;
        call.clients.note(format!("a look at the {place}"));
        let degrees = if unit == "F" { 68 } else { 20 };
        let mut filled = Filled::new(Outputs {
            degrees: Some(degrees),
            shown: format!("{degrees} °{unit}"),
        });
        match place.as_str() {
            "bug" => panic!("a bug in the gauge"),
            "nowhere" => {
                let problem = Diagnostic::error("There is no such place", "Nobody knows it.");
                return Err(problem.at(Path::from("place")));
            }
            "far" => std::future::pending().await,
            "attic" => filled
                .warnings
                .push(Diagnostic::warning("It is dusty", "Nobody was here.")),
            "roof" => filled.outputs.degrees = None,
            _ => {}
        }
        Ok(filled)
    }
}
