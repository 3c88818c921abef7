//! Resources that break their contract, each in one way: what a core says to that, ours says too.
//!
//! Without these, an oracle that accepts everything would look like a framework without faults.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::super::schema::{Attribute, Kind, Schema, Timeouts, text};
use super::super::{
    Ask, Boxed, Call, Diagnostic, Dynamic, Ended, Ending, Found, Managed, Object, Planned, Verdict,
};
use super::host::{Action, Applied, Change, Host, Stored, THING, Trouble};

const NOTHING: &[&str] = &[];

const SCHEMA: Schema = Schema::new(
    "A thing.",
    &[
        text("name").required().says("Its name."),
        text("note").optional().touches(NOTHING).says("Anything."),
        text("id").says("Which it is."),
        Attribute::new("sizes", Kind::List(&Kind::Number)).says("How big."),
    ],
);

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Break {
    Nothing,
    PlansByTheClock,
    LooksAtWhatItDoesNotTouch,
    ReplacesByWhatIsUnknown,
    ReplacesWhatIsNotThere,
    MakesAnotherThanPlanned,
    ForgetsWhatWasPlanned,
    LeavesAnUnknown,
    MakesAnotherType,
    ReadsAnUnknown,
    ReadsAnotherType,
    GoesBackOnAnUpdate,
    NeverComesToRest,
}

struct Broken {
    how: Break,
    clock: AtomicU32,
}

impl Broken {
    fn ended(&self, object: &Dynamic) -> Ended {
        let known = |name: &str, value: Dynamic| match object.attribute(name) {
            Dynamic::Unknown(_) => value,
            known => known.clone(),
        };
        let id = match self.how {
            Break::MakesAnotherThanPlanned => "another".into(),
            Break::ForgetsWhatWasPlanned => Dynamic::Null,
            Break::LeavesAnUnknown => Dynamic::UNKNOWN,
            Break::MakesAnotherType => true.into(),
            _ => known("id", "id".into()),
        };
        let sizes = known("sizes", Dynamic::List(vec![1.into()]));
        Ended {
            left: Some((Dynamic::from([("id", id), ("sizes", sizes)]), Value::Null)),
            finished: true,
            diagnostics: Vec::new(),
        }
    }
}

impl Managed<(), ()> for Broken {
    fn name(&self) -> &'static str {
        THING
    }

    fn schema(&self) -> &Schema {
        &SCHEMA
    }

    fn timeouts(&self) -> Timeouts {
        let hour = std::time::Duration::from_secs(3600);
        Timeouts {
            create: hour,
            update: hour,
            delete: hour,
        }
    }

    fn promised(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn mismatches(&self) -> Vec<String> {
        Vec::new()
    }

    fn plan_create(&self, _: &Ask<'_, ()>, _: &Dynamic) -> Result<Verdict, Diagnostic> {
        let mut verdict = Verdict::keep();
        if self.how == Break::PlansByTheClock {
            let now = self.clock.fetch_add(1, Ordering::Relaxed);
            verdict.becomes("id", now.to_string());
        } else {
            verdict.becomes("id", "planned");
        }
        Ok(verdict)
    }

    fn plan_update(
        &self,
        _: &Ask<'_, ()>,
        prior: &Object,
        settings: &Dynamic,
    ) -> Result<Verdict, Diagnostic> {
        let mut verdict = Verdict::keep();
        let changed = |name| prior.value.attribute(name) != settings.attribute(name);
        match self.how {
            Break::PlansByTheClock => {
                let now = self.clock.fetch_add(1, Ordering::Relaxed);
                verdict.becomes("id", now.to_string());
            }
            Break::LooksAtWhatItDoesNotTouch if changed("note") => verdict.becomes("id", "noted"),
            Break::ReplacesByWhatIsUnknown if changed("note") => verdict.replace("id"),
            Break::ReplacesWhatIsNotThere => verdict.replace("ghost"),
            Break::NeverComesToRest => verdict.unknown(&["sizes"]),
            _ => {}
        }
        Ok(verdict)
    }

    fn plan_destroy(&self, _: &Ask<'_, ()>, _: &Object) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn preflight<'a>(
        &'a self,
        _: &'a Call<'a, ()>,
        _: Option<&'a Object>,
        _: &'a Dynamic,
        _: &'a Planned,
    ) -> Boxed<'a, Vec<Diagnostic>> {
        Box::pin(async { Vec::new() })
    }

    fn create<'a>(
        &'a self,
        _: &'a Call<'a, ()>,
        settings: &'a Dynamic,
        _: &'a Planned,
    ) -> Boxed<'a, Ended> {
        Box::pin(async move { self.ended(settings) })
    }

    fn read<'a>(&'a self, _: &'a Call<'a, ()>, object: &'a Object) -> Boxed<'a, Found> {
        Box::pin(async move {
            let id = match self.how {
                Break::ReadsAnUnknown => Dynamic::UNKNOWN,
                Break::ReadsAnotherType => Dynamic::List(Vec::new()),
                _ => object.value.attribute("id").clone(),
            };
            let sizes = object.value.attribute("sizes").clone();
            let outputs = Dynamic::from([("id", id), ("sizes", sizes)]);
            Found::Here(outputs, object.private.clone(), Vec::new())
        })
    }

    fn update<'a>(
        &'a self,
        _: &'a Call<'a, ()>,
        _: &'a Object,
        settings: &'a Dynamic,
        _: &'a Planned,
    ) -> Boxed<'a, Ended> {
        Box::pin(async move {
            let mut ended = self.ended(settings);
            if self.how == Break::GoesBackOnAnUpdate {
                let sizes = Dynamic::List(vec![2.into()]);
                ended.left = Some((
                    Dynamic::from([("id", "id".into()), ("sizes", sizes)]),
                    Value::Null,
                ));
            }
            ended
        })
    }

    fn delete<'a>(
        &'a self,
        _: &'a Call<'a, ()>,
        _: &'a Object,
        _: Ending,
    ) -> Boxed<'a, Result<Vec<Diagnostic>, Diagnostic>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

fn config(name: &str, note: Dynamic) -> Dynamic {
    Dynamic::from([
        ("name", name.into()),
        ("note", note),
        ("id", Dynamic::Null),
        ("sizes", Dynamic::Null),
    ])
}

fn carried_out(
    host: &Host,
    stored: Option<&Stored>,
    seen: &Dynamic,
    config: &Dynamic,
) -> Result<Option<Stored>, Trouble> {
    let change: Change = host.plan(stored, seen, false)?;
    let change = host.replan(stored, config, &change)?;
    if change.action == Action::NoOp {
        return Ok(stored.cloned());
    }
    let Applied { stored, .. } = host.apply(stored, config, &change)?;
    Ok(stored)
}

/// A create, a look, and an update of which one setting is unknown at the plan.
fn lived(how: Break) -> Result<(), Trouble> {
    let broken = Broken {
        how,
        clock: AtomicU32::new(0),
    };
    let host = Host::new(Box::new(broken));
    let first = config("a", Dynamic::Null);
    let stored = carried_out(&host, None, &first, &first)?;
    let stored = host.load(stored.as_ref().expect("a create"))?;
    let stored = host.refresh(&stored)?;
    let seen = config("a", Dynamic::UNKNOWN);
    let last = config("a", "n".into());
    let stored = carried_out(&host, stored.as_ref(), &seen, &last)?;
    let rest = host.plan(stored.as_ref(), &last, false)?;
    match rest.action {
        Action::NoOp => Ok(()),
        action => Err(Trouble::Wrong(format!("{action:?} without end"))),
    }
}

#[track_caller]
fn caught(how: Break, what: &str) {
    assert_eq!(lived(how), Err(Trouble::Wrong(what.to_owned())), "{how:?}");
}

#[test]
fn a_resource_that_keeps_the_contract_is_accepted() {
    assert_eq!(lived(Break::Nothing), Ok(()));
}

#[test]
fn a_plan_that_depends_on_more_than_it_is_shown_is_caught() {
    caught(Break::PlansByTheClock, "id: was another value");
    caught(Break::LooksAtWhatItDoesNotTouch, "id: was another value");
    caught(Break::ReplacesByWhatIsUnknown, "was Update, is now Replace");
    caught(Break::NeverComesToRest, "Update without end");
}

#[test]
fn a_replacement_because_of_nothing_is_caught() {
    caught(
        Break::ReplacesWhatIsNotThere,
        "ghost must be replaced, but does not exist",
    );
}

#[test]
fn a_result_that_is_not_the_plan_is_caught() {
    caught(Break::MakesAnotherThanPlanned, "id: was another value");
    caught(Break::ForgetsWhatWasPlanned, "id: was known, but now null");
    caught(Break::LeavesAnUnknown, "still indicates an unknown value");
    caught(
        Break::MakesAnotherType,
        "id: String is required, found bool",
    );
    caught(
        Break::GoesBackOnAnUpdate,
        "id: was another value; sizes[0]: was another value",
    );
}

#[test]
fn a_look_at_what_cannot_be_stored_is_caught() {
    caught(Break::ReadsAnUnknown, "still indicates an unknown value");
    caught(
        Break::ReadsAnotherType,
        "id: String is required, found list",
    );
}
