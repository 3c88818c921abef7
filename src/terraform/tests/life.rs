//! One object under one core, run after run, and what must be true of it after each.

use std::sync::{Arc, Once};

use super::super::schema::Schema;
use super::super::{Dynamic, Ending};
use super::cores::Core;
use super::host::{Action, Applied, Change, Host, Stored, THING, Trouble};
use super::oracle;
use super::random::{self, Blueprint, Dice, Event, Fate, Model, Script, Sight};
use super::veil::veiled;

/// One run of the CLI.
#[derive(Clone, Debug)]
pub(super) struct Run {
    /// Which configuration the user has by now.
    pub(super) config: u64,
    /// Which of it is unknown at the plan; nothing where there is no number.
    pub(super) veil: Option<u64>,
    /// What refreshing finds; without it is `-refresh=false`.
    pub(super) sight: Option<Sight>,
    /// What becomes of the operation.
    pub(super) fate: Fate,
    /// What the user asks for.
    pub(super) way: Way,
}

/// What the user asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// What the configuration says.
    Apply,
    /// With `-replace`.
    Replace,
    /// With `-replace`, the new object before the old one goes.
    ReplaceCreatingFirst,
    /// Nothing any more.
    Destroy,
}

/// What is wrong, in words.
pub(super) type Lived<T = ()> = Result<T, String>;

/// One object under one core.
pub(super) struct Life {
    host: Host,
    core: Core,
    script: Arc<Script>,
    schema: Schema,
    promised: &'static [(&'static str, &'static str)],
    config: Dynamic,
    stored: Option<Stored>,
}

impl Life {
    /// A core of that version that knows a resource of this kind, and a user with a configuration.
    pub(super) fn under(core: Core, blueprint: &Blueprint, seed: u64) -> Self {
        keep_expected_panics_quiet();
        let script = Arc::<Script>::default();
        let schema = blueprint.build();
        let model = Model {
            name: THING,
            schema,
            promised: blueprint.promised(),
            dice: Dice::new(seed),
            script: Arc::clone(&script),
        };
        Self {
            host: Host::of(core, Box::new(model)),
            core,
            script,
            schema,
            promised: blueprint.promised(),
            config: core.writes(&schema, random::config(&schema.body, Dice::new(seed))),
            stored: None,
        }
    }

    /// One run.
    ///
    /// # Errors
    ///
    /// What a core, or we, object to.
    pub(super) fn run(&mut self, run: &Run) -> Lived {
        self.look(run.sight)?;
        if run.way == Way::Destroy {
            return self.destroy(run.fate);
        }
        self.edit(Dice::new(run.config));
        let veil = run.veil.map(Dice::new);
        let veiled = veil.map(|veil| veiled(&self.schema.body, &self.config, veil));
        let shown = veiled.unwrap_or_else(|| self.config.clone());
        let shown = self.core.writes(&self.schema, shown);
        let seen = oracle::seen(&self.schema, &shown)?;
        fine(self.host.validate(&seen))?;
        fine(self.host.validate(&self.config))?;
        let force = self.stored.is_some() && run.way != Way::Apply;
        self.happened()?;
        let change = fine(self.host.plan(self.stored.as_ref(), &seen, force))?;
        let again = fine(self.host.plan(self.stored.as_ref(), &seen, force))?;
        claim(
            again == change,
            "a plan differs from the same plan a moment later",
        )?;
        self.as_planned(&seen, &change, run.way)?;
        self.script.set(run.fate, Sight::Same);
        self.carry_out(&change, run)
    }

    /// Whatever has happened, one more apply sets it right, and a destroy ends it.
    pub(super) fn end(&mut self) -> Lived {
        let calm = Run {
            config: 0,
            veil: None,
            sight: Some(Sight::Same),
            fate: Fate::Succeeds,
            way: Way::Apply,
        };
        self.run(&calm)?;
        self.settled()?;
        self.destroy(Fate::Succeeds)
    }

    /// The user changes about half of the configuration.
    fn edit(&mut self, dice: Dice) {
        let fresh = random::config(&self.schema.body, dice);
        let fresh = self.core.writes(&self.schema, fresh);
        let (Dynamic::Map(config), Dynamic::Map(fresh)) = (&mut self.config, fresh) else {
            return;
        };
        for (name, value) in fresh {
            if dice.of("edit").of(&name).one_in(2) {
                config.insert(name, value);
            }
        }
    }

    fn look(&mut self, sight: Option<Sight>) -> Lived {
        let Some(before) = self.stored.clone() else {
            return Ok(());
        };
        let before = fine(self.host.load(&before))?;
        claim(
            Some(&before) == self.stored.as_ref(),
            "a state changes by being stored",
        )?;
        let Some(sight) = sight else { return Ok(()) };
        self.happened()?;
        self.script.set(Fate::Succeeds, sight);
        let found = self.host.refresh(&before);
        self.script.set(Fate::Succeeds, Sight::Same);
        match (sight, found) {
            (Sight::Same, Ok(Some(after))) => {
                claim(after == before, "a look changes what it finds unchanged")
            }
            (Sight::Drifted | Sight::Elsewhere, Ok(Some(after))) => {
                let same = self.settings(&after.value) == self.settings(&before.value);
                claim(same, "a look changes a setting")?;
                let outputs = Event::Look(self.outputs(&after.value));
                self.stored = Some(after);
                claim(
                    self.happened()? == [outputs],
                    "a look's result is not what was seen",
                )
            }
            (Sight::Gone, Ok(None)) => {
                self.stored = None;
                Ok(())
            }
            (Sight::Fails | Sight::Panics, Err(Trouble::Told(_))) => Ok(()),
            (sight, found) => Err(format!("{sight:?} was answered by {found:?}")),
        }
    }

    /// Whether the plan says what this framework promises beyond what a core demands.
    fn as_planned(&self, seen: &Dynamic, change: &Change, way: Way) -> Lived {
        let wanted = oracle::wanted(&self.schema.body, seen, true);
        claim(
            self.settings(&change.planned) == self.settings(&wanted),
            "not as configured",
        )?;
        let created = self.stored.is_none() || change.action == Action::Replace;
        for (output, text) in self.promised.iter().filter(|_| created) {
            let planned = change.planned.attribute(output);
            claim(
                planned == &Dynamic::from(*text),
                "a promised output is not planned",
            )?;
        }
        if way != Way::Apply {
            return Ok(());
        }
        let known = self.settings(&wanted).is_wholly_known();
        let expected = match (&self.stored, known) {
            (None, _) => Action::Create,
            (Some(stored), _) if self.is_another(stored, &wanted) => Action::Replace,
            (Some(stored), _) if self.settings(&stored.value) != self.settings(&wanted) => {
                Action::Update
            }
            // Outputs may have something to say all the same.
            _ => change.action,
        };
        claim(
            change.action == expected,
            &format!("{:?}, not {expected:?}", change.action),
        )?;
        let looks = self.happened()?.into_iter();
        let looks = looks.filter(|event| matches!(event, Event::Preflight { .. }));
        let looked: Vec<Event> = looks.collect();
        let update = change.action == Action::Update;
        let due = known && change.action != Action::NoOp;
        let as_due = looked
            .iter()
            .all(|look| *look == Event::Preflight { update });
        claim(
            looked.is_empty() != due && as_due,
            &format!("{change:?} after {looked:?}"),
        )
    }

    /// Whether a setting that replaces has changed, or the object's notes say that it must go.
    fn is_another(&self, stored: &Stored, wanted: &Dynamic) -> bool {
        let changed = |name| stored.value.attribute(name) != wanted.attribute(name);
        let mut replacing = self
            .schema
            .settings()
            .filter(|attribute| attribute.replaces);
        let notes: serde_json::Value = serde_json::from_slice(&stored.private).unwrap_or_default();
        let elsewhere = notes["own"]["elsewhere"][0].is_string();
        replacing.any(|attribute| changed(attribute.name)) || elsewhere
    }

    fn carry_out(&mut self, change: &Change, run: &Run) -> Lived {
        let before = self.stored.clone();
        let private = before.as_ref().map(|before| before.private.clone());
        match change.action {
            Action::NoOp => {
                self.expect(&[])?;
                claim(
                    Some(&change.private) == private.as_ref(),
                    "a no-op loses the notes",
                )
            }
            Action::Create => {
                claim(change.private.is_empty(), "a create has notes")?;
                self.create(change, run.fate)
            }
            Action::Update => {
                claim(
                    Some(&change.private) == private.as_ref(),
                    "an update loses the notes",
                )?;
                self.update(change, run.fate)
            }
            Action::Replace if !change.private.is_empty() => {
                Err("the new object has the old one's notes".to_owned())
            }
            Action::Replace if run.way == Way::ReplaceCreatingFirst => {
                let old = self.stored.take();
                self.create(change, run.fate)?;
                let new = std::mem::replace(&mut self.stored, old);
                self.destroy(Fate::Succeeds)?;
                self.stored = new;
                Ok(())
            }
            Action::Replace => {
                self.script.set(Fate::Succeeds, Sight::Same);
                let gone = Change {
                    planned: Dynamic::Null,
                    action: Action::Delete,
                    ..change.clone()
                };
                let applied = self.apply(&Dynamic::Null, &gone)?;
                claim(applied.stored.is_none(), "a delete leaves something behind")?;
                self.expect(&[Event::Delete(Ending::Replaced)])?;
                self.stored = None;
                self.script.set(run.fate, Sight::Same);
                self.create(change, run.fate)
            }
            Action::Delete => Err("a delete out of nowhere".to_owned()),
        }
    }

    fn create(&mut self, change: &Change, fate: Fate) -> Lived {
        let config = self.config.clone();
        let change = fine(self.host.replan(None, &config, change))?;
        self.happened()?;
        let applied = self.apply(&config, &change)?;
        self.expect(&[Event::Create(self.handed_over())])?;
        let Applied { stored, errors } = applied;
        self.stored = stored;
        let tainted = self.stored.as_ref().is_some_and(|stored| stored.tainted);
        claim(!tainted, "a create taints")?;
        match fate {
            Fate::Succeeds => {
                claim(
                    errors.is_empty() && self.stored.is_some(),
                    "a create came to nothing",
                )?;
                self.settled()
            }
            Fate::StopsHalfway => {
                claim(
                    errors.is_empty() && self.stored.is_some(),
                    "what is left is lost",
                )?;
                let open = self.schema.outputs();
                let open = open.filter(|output| change.planned.attribute(output.name).is_unknown());
                let expected = if open.count() == 0 {
                    Action::NoOp
                } else {
                    Action::Update
                };
                let next = fine(self.host.plan(self.stored.as_ref(), &config, false))?;
                claim(next.action == expected, "what is left open is not taken up")
            }
            Fate::Fails | Fate::Panics => {
                claim(!errors.is_empty(), "a failure is not told")?;
                claim(self.stored.is_none(), "a create that failed leaves a state")
            }
        }
    }

    fn update(&mut self, change: &Change, fate: Fate) -> Lived {
        let config = self.config.clone();
        let before = self.stored.clone();
        let change = fine(self.host.replan(before.as_ref(), &config, change))?;
        if change.action == Action::NoOp {
            return Ok(());
        }
        self.happened()?;
        let Applied { stored, errors } = self.apply(&config, &change)?;
        self.expect(&[Event::Update(self.handed_over())])?;
        self.stored = stored;
        if fate == Fate::Succeeds {
            claim(errors.is_empty(), "an update failed out of nowhere")?;
            return self.settled();
        }
        claim(!errors.is_empty(), "a failure is not told")?;
        let next = fine(self.host.plan(self.stored.as_ref(), &config, false))?;
        if fate == Fate::StopsHalfway {
            let settings = |stored: &Option<Stored>| {
                stored.as_ref().map(|stored| self.settings(&stored.value))
            };
            claim(
                settings(&self.stored) == settings(&before),
                "the settings were not applied",
            )?;
            claim(
                next.action == Action::Update,
                "what is left to do is not shown again",
            )
        } else {
            claim(self.stored == before, "a failed update changes the state")?;
            claim(
                next == change,
                "a failed update is not planned again as it was",
            )
        }
    }

    /// Nothing is left to do, and a look changes nothing.
    fn settled(&mut self) -> Lived {
        self.look(Some(Sight::Same))?;
        self.happened()?;
        let next = fine(self.host.plan(self.stored.as_ref(), &self.config, false))?;
        claim(
            next.action == Action::NoOp,
            "something is left to do after an apply",
        )?;
        self.expect(&[])
    }

    fn destroy(&mut self, fate: Fate) -> Lived {
        let Some(before) = self.stored.clone() else {
            return Ok(());
        };
        self.script.set(fate, Sight::Same);
        let change = fine(self.host.plan_destroy(&before))?;
        self.happened()?;
        let Applied { stored, errors } = self.apply(&Dynamic::Null, &change)?;
        self.expect(&[Event::Delete(Ending::Destroyed)])?;
        if fate == Fate::Succeeds {
            self.stored = None;
            return claim(
                stored.is_none() && errors.is_empty(),
                "a delete leaves something",
            );
        }
        claim(!errors.is_empty(), "a failure is not told")?;
        claim(
            stored.as_ref() == Some(&before),
            "a failed delete changes the state",
        )
    }

    fn apply(&self, config: &Dynamic, change: &Change) -> Lived<Applied> {
        fine(self.host.apply(self.stored.as_ref(), config, change))
    }

    /// What has happened since the last time.
    fn happened(&self) -> Lived<Vec<Event>> {
        let events = self.script.events();
        let complaint = events
            .iter()
            .find(|event| matches!(event, Event::Complaint(_)));
        complaint.map_or(Ok(()), |complaint| Err(format!("{complaint:?}")))?;
        Ok(events)
    }

    /// Whether just this has happened, looks apart.
    fn expect(&self, expected: &[Event]) -> Lived {
        let events = self.happened()?.into_iter();
        let events: Vec<Event> = events
            .filter(|event| !matches!(event, Event::Preflight { .. } | Event::Look(_)))
            .collect();
        claim(
            events == expected,
            &format!("happened: {events:?}, expected: {expected:?}"),
        )
    }

    /// The settings as an operation sees them: with what is never stored.
    fn handed_over(&self) -> Dynamic {
        self.settings(&oracle::wanted(&self.schema.body, &self.config, false))
    }

    fn outputs(&self, object: &Dynamic) -> Dynamic {
        let names = self.schema.outputs().map(|output| output.name);
        let outputs = names.map(|name| (name.to_owned(), object.attribute(name).clone()));
        Dynamic::Map(outputs.collect())
    }

    fn settings(&self, object: &Dynamic) -> Dynamic {
        let mut settings = object.clone();
        if let Dynamic::Map(entries) = &mut settings {
            self.schema
                .outputs()
                .for_each(|output| drop(entries.remove(output.name)));
        }
        settings
    }
}

fn fine<T>(outcome: Result<T, Trouble>) -> Lived<T> {
    outcome.map_err(|trouble| format!("{trouble:?}"))
}

fn claim(holds: bool, otherwise: &str) -> Lived {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

/// The model's own bugs are no news; every other panic is.
pub(super) fn keep_expected_panics_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let expected = panic
                .payload_as_str()
                .is_some_and(|text| text.starts_with("a bug in"));
            if !expected {
                loud(panic);
            }
        }));
    });
}
