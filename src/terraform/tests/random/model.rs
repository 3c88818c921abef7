//! A resource that behaves at random, and keeps the contract of `Resource` all the same.
//!
//! What it decides while planning depends on nothing but what it is shown: an output only on the
//! settings that touch it, on the object as it was, and on its notes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::framework::schema::{Attribute, Schema, Timeouts, Touches};
use super::super::framework::{
    Ask, Boxed, Call, Diagnostic, Dynamic, Ended, Ending, Found, Managed, Object, Planned, Verdict,
};
use super::script::{Event, Fate, Script, Sight};
use super::{Dice, values};

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

/// A resource that behaves as its dice fall.
pub(crate) struct Model {
    /// The resource type.
    pub(crate) name: &'static str,
    /// Its attributes and blocks.
    pub(crate) schema: Schema,
    /// Outputs that a create fills in with fixed texts.
    pub(crate) promised: &'static [(&'static str, &'static str)],
    /// What its decisions depend on beside what it is shown.
    pub(crate) dice: Dice,
    /// What befalls it, and what it has seen.
    pub(crate) script: Arc<Script>,
}

impl<C: Send + Sync, P: Send + Sync> Managed<C, P> for Model {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn timeouts(&self) -> Timeouts {
        Timeouts {
            create: HOUR,
            update: HOUR,
            delete: HOUR,
        }
    }

    fn promised(&self) -> &'static [(&'static str, &'static str)] {
        self.promised
    }

    fn mismatches(&self) -> Vec<String> {
        Vec::new()
    }

    fn plan_create(&self, _: &Ask<'_, P>, settings: &Dynamic) -> Result<Verdict, Diagnostic> {
        self.expect_known(settings, "plan_create");
        let mut verdict = Verdict::keep();
        for output in self
            .schema
            .outputs()
            .filter(|output| !self.promises(output.name))
        {
            let dice = self.dice.of("create").of(output.name);
            if dice.one_in(3) {
                let said = values::json(&self.settings_of(settings, None));
                verdict.becomes(output.name, filled_in(output, dice.of(&said)));
            }
        }
        Ok(verdict)
    }

    fn plan_update(
        &self,
        _: &Ask<'_, P>,
        prior: &Object,
        settings: &Dynamic,
    ) -> Result<Verdict, Diagnostic> {
        self.expect_known(settings, "plan_update");
        let mut verdict = Verdict::keep();
        for output in self.schema.outputs() {
            self.plan_output(output, prior, settings, &mut verdict);
        }
        if let Some(output) = self.noted(&prior.private, "elsewhere").next() {
            verdict.replace(output);
        }
        if self.dice.of("telling").one_in(4) {
            verdict.tell(Diagnostic::warning("Something to know", "It is planned."));
        }
        Ok(verdict)
    }

    fn plan_destroy(&self, _: &Ask<'_, P>, _: &Object) -> Vec<Diagnostic> {
        vec![Diagnostic::warning("Something to know", "It goes.")]
    }

    fn preflight<'a>(
        &'a self,
        _: &'a Call<'a, C>,
        prior: Option<&'a Object>,
        settings: &'a Dynamic,
        _: &'a Planned,
    ) -> Boxed<'a, Vec<Diagnostic>> {
        self.expect_known(settings, "preflight");
        self.script.note(Event::Preflight {
            update: prior.is_some(),
        });
        Box::pin(async { Vec::new() })
    }

    fn create<'a>(
        &'a self,
        _: &'a Call<'a, C>,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Ended> {
        self.expect_known(settings, "create");
        Box::pin(async move {
            self.script
                .note(Event::Create(self.settings_of(settings, None)));
            self.operate(None, settings, planned)
        })
    }

    fn read<'a>(&'a self, _: &'a Call<'a, C>, object: &'a Object) -> Boxed<'a, Found> {
        Box::pin(async move { self.look(object) })
    }

    fn update<'a>(
        &'a self,
        _: &'a Call<'a, C>,
        prior: &'a Object,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Ended> {
        self.expect_known(settings, "update");
        Box::pin(async move {
            self.script
                .note(Event::Update(self.settings_of(settings, None)));
            self.operate(Some(prior), settings, planned)
        })
    }

    fn delete<'a>(
        &'a self,
        _: &'a Call<'a, C>,
        _: &'a Object,
        ending: Ending,
    ) -> Boxed<'a, Result<Vec<Diagnostic>, Diagnostic>> {
        Box::pin(async move {
            self.script.note(Event::Delete(ending));
            let fate = self.script.fate();
            match fate {
                Fate::Succeeds => Ok(vec![Diagnostic::warning("Something to know", "Gone.")]),
                Fate::Fails | Fate::StopsHalfway => Err(failure()),
                Fate::Panics => panic!("a bug in delete"),
            }
        })
    }
}

impl Model {
    fn promises(&self, output: &str) -> bool {
        self.promised
            .iter()
            .any(|(promised, _)| *promised == output)
    }

    /// Whether it is changed, and what that makes of it.
    fn plan_output(
        &self,
        output: &Attribute,
        prior: &Object,
        settings: &Dynamic,
        verdict: &mut Verdict,
    ) {
        let own = Some(output.name);
        let was = values::json(&self.settings_of(&prior.value, own));
        let wanted = values::json(&self.settings_of(settings, own));
        let dice = self
            .dice
            .of("update")
            .of(output.name)
            .of(&wanted)
            .of(&prior.private.to_string());
        let had = prior.value.attribute(output.name);
        let becomes = filled_in(output, dice.of("value"));
        let open = self
            .noted(&prior.private, "open")
            .any(|name| name == output.name);
        if open {
            // A repair that changes nothing would never be made.
            if dice.one_in(2) && becomes != *had {
                verdict.becomes(output.name, becomes);
            } else {
                verdict.unknown(&[output.name]);
            }
        } else if was != wanted {
            match dice.below(3) {
                0 => verdict.unknown(&[output.name]),
                1 => verdict.becomes(output.name, becomes),
                _ => {}
            }
        }
    }

    /// The settings that touch an output, or all of them.
    fn settings_of(&self, object: &Dynamic, output: Option<&str>) -> Dynamic {
        let attributes = self.schema.settings();
        let attributes = attributes.map(|attribute| (attribute.name, attribute.touches));
        let blocks = self.schema.body.blocks.iter();
        let blocks = blocks.map(|block| (block.name, block.touches));
        let touching = attributes
            .chain(blocks)
            .filter(|(_, touches)| match (touches, output) {
                (Touches::Everything, _) | (_, None) => true,
                (Touches::Only(outputs), Some(output)) => outputs.contains(&output),
            });
        let settings = touching.map(|(name, _)| (name.to_owned(), object.attribute(name).clone()));
        Dynamic::Map(settings.collect())
    }

    /// The outputs that the notes name under a word.
    fn noted<'a>(
        &'a self,
        notes: &'a Value,
        word: &'a str,
    ) -> impl Iterator<Item = &'static str> + 'a {
        let named = move |output: &&'static Attribute| {
            let names = notes[word].as_array().into_iter().flatten();
            names
                .filter_map(Value::as_str)
                .any(|name| name == output.name)
        };
        self.schema
            .outputs()
            .filter(named)
            .map(|output| output.name)
    }

    fn operate(&self, prior: Option<&Object>, planned: &Dynamic, promised: &Planned) -> Ended {
        for output in self.schema.outputs() {
            if promised.is_open(output.name) != planned.attribute(output.name).is_unknown() {
                self.complain(format!("{} is open in one place only", output.name));
            }
        }
        let fate = self.script.fate();
        match fate {
            Fate::Succeeds => {
                let notes = json!({"serial": self.script.serial()});
                self.ended(planned, notes, true)
            }
            Fate::Fails => Ended {
                left: None,
                finished: false,
                diagnostics: vec![failure()],
            },
            Fate::StopsHalfway => {
                let open: Vec<&str> = self.undone(prior, planned).collect();
                let notes = json!({"serial": self.script.serial(), "open": open});
                // The host holds a new object to what was promised of it.
                let left = prior.map_or(planned, |prior| &prior.value);
                self.ended(left, notes, false)
            }
            Fate::Panics => panic!("a bug in an operation"),
        }
    }

    /// The outputs that an operation still has to see to.
    fn undone(
        &self,
        prior: Option<&Object>,
        planned: &Dynamic,
    ) -> impl Iterator<Item = &'static str> {
        let outputs = self.schema.outputs();
        outputs.map(|output| output.name).filter(move |name| {
            let planned = planned.attribute(name);
            planned.is_unknown()
                || prior.is_some_and(|prior| prior.value.attribute(name) != planned)
        })
    }

    /// The object with its unknown outputs filled in; with nothing, where the work is not done.
    fn ended(&self, object: &Dynamic, notes: Value, finished: bool) -> Ended {
        let serial = self.script.serial();
        let outputs = self.schema.outputs().map(|output| {
            let dice = self.dice.of("made").of(output.name).nth(serial);
            let value = match object.attribute(output.name) {
                Dynamic::Unknown(_) if finished || dice.one_in(2) => filled_in(output, dice),
                Dynamic::Unknown(_) => Dynamic::Null,
                known => known.clone(),
            };
            (output.name.to_owned(), value)
        });
        let diagnostics = if finished {
            vec![Diagnostic::warning("Something to know", "It is done.")]
        } else {
            vec![failure()]
        };
        Ended {
            left: Some((Dynamic::Map(outputs.collect()), notes)),
            finished,
            diagnostics,
        }
    }

    fn look(&self, object: &Object) -> Found {
        let warning = || vec![Diagnostic::warning("Something to know", "It was seen.")];
        let mut outputs = object.value.clone();
        let mut notes = object.private.clone();
        let sight = self.script.sight();
        match sight {
            Sight::Same => {}
            Sight::Gone => return Found::Gone(warning()),
            Sight::Fails => return Found::Failed(failure()),
            Sight::Panics => panic!("a bug in read"),
            Sight::Elsewhere => {
                let place = self.schema.outputs().next().map(|output| output.name);
                notes = json!({"elsewhere": place.as_slice()});
            }
            Sight::Drifted => {
                let serial = self.script.serial();
                let drifted = self.schema.outputs();
                let drifted =
                    drifted.filter(|output| self.dice.of(output.name).nth(serial).one_in(2));
                let drifted: Vec<&Attribute> = drifted.collect();
                for output in &drifted {
                    let dice = self.dice.of("drift").of(output.name).nth(serial);
                    set(&mut outputs, output.name, filled_in(output, dice));
                }
                let drifted: Vec<&str> = drifted.iter().map(|output| output.name).collect();
                notes = json!({"open": drifted});
            }
        }
        let names = self.schema.outputs().map(|output| output.name);
        let found = names.map(|name| (name.to_owned(), outputs.attribute(name).clone()));
        self.script.note(Event::Look(Dynamic::Map(found.collect())));
        Found::Here(outputs, notes, warning())
    }

    fn expect_known(&self, object: &Dynamic, place: &str) {
        if !self.settings_of(object, None).is_wholly_known() {
            self.complain(format!("{place} was shown unknown settings"));
        }
    }

    fn complain(&self, complaint: String) {
        self.script.note(Event::Complaint(complaint));
    }
}

/// What an output comes to; now and then that is nothing.
fn filled_in(output: &Attribute, dice: Dice) -> Dynamic {
    if dice.of("null").one_in(5) {
        Dynamic::Null
    } else {
        values::value(output.kind, dice)
    }
}

fn set(object: &mut Dynamic, name: &str, value: Dynamic) {
    if let Dynamic::Map(entries) = object {
        entries.insert(name.to_owned(), value);
    }
}

fn failure() -> Diagnostic {
    Diagnostic::error("It did not work", "Chance would have it so.")
}
