//! The typed resource behind an untyped face, so that one table can hold them all.

use std::marker::PhantomData;
use std::pin::Pin;

use serde_json::Value;

use super::resource::{
    Ask, Call, Done, Ending, Intent, Planned, Reading, Resource, State, Unfinished, Verdict,
};
use super::schema::{Kind, Schema, Timeouts, mismatches};
use super::value::{Fields, Unreadable, Written};
use super::{Diagnostic, Dynamic};

/// A future that a table's entry returns.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A resource as the framework sees it: over trees instead of structs.
///
/// Implemented by [`Slot`] for each [`Resource`]; tests implement it for schemas that are made at
/// random. Its methods are those of the resource.
pub trait Managed<C, P>: Send + Sync {
    /// The resource type.
    fn name(&self) -> &'static str;
    /// Its attributes and blocks.
    fn schema(&self) -> &Schema;
    /// How long operations may take.
    fn timeouts(&self) -> Timeouts;
    /// Outputs that a create fills in with these texts, whatever the settings turn out to be.
    fn promised(&self) -> &'static [(&'static str, &'static str)];
    /// In what the schema differs from the structs that stand for it.
    fn mismatches(&self) -> Vec<String>;
    /// What is wrong with its schema, its structs and its promises; none when nothing is.
    fn faults(&self) -> Vec<String> {
        let schema = self.schema();
        let kept = |name| {
            schema
                .outputs()
                .any(|output| output.name == name && output.kind == Kind::String)
        };
        let promised = self.promised().iter().filter(|(name, _)| !kept(*name));
        let promised =
            promised.map(|(name, _)| format!("{name} is promised, but is no text output"));
        let faults = schema.faults().into_iter();
        faults.chain(self.mismatches()).chain(promised).collect()
    }

    /// What is already known of a new object's outputs.
    fn plan_create(&self, ask: &Ask<'_, P>, settings: &Dynamic) -> Result<Verdict, Diagnostic>;
    /// What becomes of an existing object's outputs.
    fn plan_update(
        &self,
        ask: &Ask<'_, P>,
        prior: &Object,
        settings: &Dynamic,
    ) -> Result<Verdict, Diagnostic>;
    /// What the user should know before the object goes.
    fn plan_destroy(&self, ask: &Ask<'_, P>, prior: &Object) -> Vec<Diagnostic>;

    /// Looks at the world for what would make the planned operation fail.
    fn preflight<'a>(
        &'a self,
        call: &'a Call<'a, C>,
        prior: Option<&'a Object>,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Vec<Diagnostic>>;
    /// Makes the object.
    fn create<'a>(
        &'a self,
        call: &'a Call<'a, C>,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Ended>;
    /// Looks at the object.
    fn read<'a>(&'a self, call: &'a Call<'a, C>, object: &'a Object) -> Boxed<'a, Found>;
    /// Changes the object in place.
    fn update<'a>(
        &'a self,
        call: &'a Call<'a, C>,
        prior: &'a Object,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Ended>;
    /// Lets go of the object.
    fn delete<'a>(
        &'a self,
        call: &'a Call<'a, C>,
        object: &'a Object,
        ending: Ending,
    ) -> Boxed<'a, Result<Vec<Diagnostic>, Diagnostic>>;
}

/// An object as the host stores it.
#[derive(Clone)]
pub struct Object {
    /// Settings and outputs.
    pub value: Dynamic,
    /// The resource's notes.
    pub private: Value,
}

/// What an operation came to.
pub struct Ended {
    /// Outputs and notes, where there are any to store.
    pub left: Option<(Dynamic, Value)>,
    /// Whether it did all that was planned.
    pub finished: bool,
    /// What to tell.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a look at an object found.
pub enum Found {
    /// Its outputs and notes, and what to tell.
    Here(Dynamic, Value, Vec<Diagnostic>),
    /// It is gone.
    Gone(Vec<Diagnostic>),
    /// Nobody knows.
    Failed(Diagnostic),
}

/// The table's entry for a resource.
pub struct Slot<R>(PhantomData<R>);

impl<R: Resource> Slot<R> {
    /// An entry.
    pub fn boxed() -> Box<dyn Managed<R::Clients, R::Policy>> {
        Box::new(Self(PhantomData))
    }
}

impl<R: Resource> Managed<R::Clients, R::Policy> for Slot<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn schema(&self) -> &Schema {
        const { &R::SCHEMA }
    }

    fn timeouts(&self) -> Timeouts {
        R::TIMEOUTS
    }

    fn promised(&self) -> &'static [(&'static str, &'static str)] {
        R::PROMISED
    }

    fn mismatches(&self) -> Vec<String> {
        mismatches::<R::Settings, R::Outputs>(&R::SCHEMA.body)
    }

    fn plan_create(
        &self,
        ask: &Ask<'_, R::Policy>,
        settings: &Dynamic,
    ) -> Result<Verdict, Diagnostic> {
        Ok(R::plan_create(ask, &typed(settings)?))
    }

    fn plan_update(
        &self,
        ask: &Ask<'_, R::Policy>,
        prior: &Object,
        settings: &Dynamic,
    ) -> Result<Verdict, Diagnostic> {
        Ok(R::plan_update(ask, &state::<R>(prior)?, &typed(settings)?))
    }

    /// A state that cannot be read must not keep anyone from destroying it.
    fn plan_destroy(&self, ask: &Ask<'_, R::Policy>, prior: &Object) -> Vec<Diagnostic> {
        state::<R>(prior)
            .map(|prior| R::plan_destroy(ask, &prior))
            .unwrap_or_default()
    }

    fn preflight<'a>(
        &'a self,
        call: &'a Call<'a, R::Clients>,
        prior: Option<&'a Object>,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Vec<Diagnostic>> {
        Box::pin(async move {
            let settings = match typed::<R::Settings>(settings) {
                Ok(settings) => settings,
                Err(problem) => return vec![problem],
            };
            match prior.map(state::<R>) {
                None => {
                    R::preflight(
                        call,
                        Intent::Create {
                            settings: &settings,
                        },
                    )
                    .await
                }
                Some(Ok(prior)) => {
                    let intent = Intent::Update {
                        prior: &prior,
                        settings: &settings,
                        planned,
                    };
                    R::preflight(call, intent).await
                }
                Some(Err(problem)) => vec![problem],
            }
        })
    }

    fn create<'a>(
        &'a self,
        call: &'a Call<'a, R::Clients>,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Ended> {
        Box::pin(async move {
            match typed(settings) {
                Ok(settings) => ended(R::create(call, &settings, planned).await),
                Err(problem) => refused(problem),
            }
        })
    }

    fn read<'a>(&'a self, call: &'a Call<'a, R::Clients>, object: &'a Object) -> Boxed<'a, Found> {
        Box::pin(async move {
            let read = match state::<R>(object) {
                Ok(state) => R::read(call, state).await,
                Err(problem) => Err(problem),
            };
            match read.and_then(|reading| match reading {
                Reading::Here(Done {
                    outputs,
                    private,
                    warnings,
                }) => {
                    let (outputs, private) = untyped::<R>(&outputs, &private)?;
                    Ok(Found::Here(outputs, private, warnings))
                }
                Reading::Gone { warnings } => Ok(Found::Gone(warnings)),
            }) {
                Ok(found) => found,
                Err(problem) => Found::Failed(problem),
            }
        })
    }

    fn update<'a>(
        &'a self,
        call: &'a Call<'a, R::Clients>,
        prior: &'a Object,
        settings: &'a Dynamic,
        planned: &'a Planned,
    ) -> Boxed<'a, Ended> {
        Box::pin(async move {
            match (state::<R>(prior), typed(settings)) {
                (Ok(prior), Ok(settings)) => {
                    ended(R::update(call, prior, &settings, planned).await)
                }
                (Err(problem), _) | (_, Err(problem)) => refused(problem),
            }
        })
    }

    fn delete<'a>(
        &'a self,
        call: &'a Call<'a, R::Clients>,
        object: &'a Object,
        ending: Ending,
    ) -> Boxed<'a, Result<Vec<Diagnostic>, Diagnostic>> {
        Box::pin(async move { R::delete(call, state::<R>(object)?, ending).await })
    }
}

fn ended<R: Resource>(result: Result<Done<R>, Unfinished<R>>) -> Ended {
    let (left, finished, mut diagnostics) = match result {
        Ok(Done {
            outputs,
            private,
            warnings,
        }) => (Some((outputs, private)), true, warnings),
        Err(Unfinished { left, diagnostics }) => (left, false, diagnostics),
    };
    match left
        .map(|(outputs, private)| untyped::<R>(&outputs, &private))
        .transpose()
    {
        Ok(left) => Ended {
            left,
            finished,
            diagnostics,
        },
        Err(problem) => {
            diagnostics.push(problem);
            Ended {
                left: None,
                finished: false,
                diagnostics,
            }
        }
    }
}

fn refused(problem: Diagnostic) -> Ended {
    Ended {
        left: None,
        finished: false,
        diagnostics: vec![problem],
    }
}

fn state<R: Resource>(object: &Object) -> Result<State<R>, Diagnostic> {
    let private = match &object.private {
        Value::Null => R::Private::default(),
        notes => serde_json::from_value(notes.clone()).map_err(|error| {
            let detail = "The private data that is stored with this object is not what this version \
                          of the provider writes";
            Diagnostic::error("Unreadable private state", format!("{detail}: {error}."))
        })?,
    };
    Ok(State {
        settings: typed(&object.value)?,
        outputs: typed(&object.value)?,
        private,
    })
}

/// The struct that stands for a tree; the message names the place that cannot be read.
pub(in crate::terraform) fn typed<T: Fields>(value: &Dynamic) -> Result<T, Diagnostic> {
    T::read(value).map_err(|error| {
        let path = error.path().clone();
        let detail = match &error {
            Unreadable::NotYetKnown { path } => format!("{path} is not known yet."),
            Unreadable::Unsuitable { problem, .. } => format!("{path}: {problem}."),
        };
        Diagnostic::error("Invalid value", detail).at(path)
    })
}

fn untyped<R: Resource>(
    outputs: &R::Outputs,
    private: &R::Private,
) -> Result<(Dynamic, Value), Diagnostic> {
    let outputs = outputs.write();
    outputs
        .and_then(|outputs| Ok((outputs, serde_json::to_value(private)?)))
        .map_err(|error| unwritable(&error))
}

/// What a result is to the user that its own type cannot write down.
pub(in crate::terraform) fn unwritable(error: &serde_json::Error) -> Diagnostic {
    Diagnostic::error(
        "Unwritable result",
        format!(
            "The result of the operation cannot be handed over: {error}. This is a bug of the provider."
        ),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terraform::Path;
    use crate::terraform::tests::lamp::{Bench, Lamp, call, config, lit};

    fn lamp() -> Box<dyn Managed<Bench, bool>> {
        Slot::<Lamp>::boxed()
    }

    fn ask() -> Ask<'static, bool> {
        Ask {
            policy: &true,
            now: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn object(value: Dynamic, private: Value) -> Object {
        Object { value, private }
    }

    #[test]
    fn a_resource_that_keeps_to_its_schema_has_no_faults() {
        assert_eq!(lamp().faults(), [""; 0]);
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_named() {
        let wanted = lamp()
            .schema()
            .wanted(&config(&[("watts", (-1_i64).into())]));
        let Err(problem) = lamp().plan_create(&ask(), &wanted) else {
            panic!("a lamp of negative power");
        };
        assert_eq!(problem.path, Path::from("watts"));
        assert!(problem.is_error());
    }

    #[tokio::test]
    async fn notes_that_cannot_be_read_are_told_and_the_object_stays() {
        let bench = Bench::default();
        let object = object(lit(), json!({"switched": "often"}));
        let found = lamp().read(&call(&bench), &object).await;
        let Found::Failed(problem) = found else {
            panic!("notes of another version were read");
        };
        assert_eq!(problem.summary, "Unreadable private state");
        assert_eq!(bench.done(), [""; 0], "nobody looked");
        let ended = lamp()
            .update(&call(&bench), &object, &lit(), &Planned::default())
            .await;
        assert!(ended.left.is_none() && !ended.finished);
        let deleted = lamp()
            .delete(&call(&bench), &object, Ending::Destroyed)
            .await;
        assert!(deleted.is_err());
        assert_eq!(bench.done(), [""; 0], "nothing was done");
    }

    #[tokio::test]
    async fn no_notes_are_the_first_notes() {
        let bench = Bench::default();
        let object = object(lit(), Value::Null);
        let ended = lamp()
            .update(&call(&bench), &object, &lit(), &Planned::default())
            .await;
        let (_, notes) = ended.left.expect("an update");
        assert_eq!(notes, json!({"switched": 1, "stolen": false}));
    }

    #[tokio::test]
    async fn a_look_ahead_knows_whether_there_is_an_object() {
        let (bench, lamp) = (Bench::default(), lamp());
        let planned = Planned::of(lamp.schema(), &lit());
        lamp.preflight(&call(&bench), None, &lit(), &planned).await;
        let prior = object(lit(), Value::Null);
        lamp.preflight(&call(&bench), Some(&prior), &lit(), &planned)
            .await;
        assert_eq!(
            bench.done(),
            [
                "may create hall?",
                r#"may update hall to 5 W, current Some("5 W")?"#
            ]
        );
    }

    struct Lies;

    impl Resource for Lies {
        type Clients = ();
        type Policy = ();
        type Settings = Thing;
        type Outputs = Thing;
        type Private = ();

        const NAME: &'static str = "house_lies";
        const SCHEMA: Schema = Schema::new("Lies", &[]);
        const TIMEOUTS: Timeouts = Lamp::TIMEOUTS;
        const PROMISED: &'static [(&'static str, &'static str)] = &[("truth", "told")];

        fn plan_create(_: &Ask<'_, ()>, _: &Thing) -> Verdict {
            Verdict::keep()
        }

        fn plan_update(_: &Ask<'_, ()>, _: &State<Self>, _: &Thing) -> Verdict {
            Verdict::keep()
        }

        async fn create(
            _: &Call<'_, ()>,
            _: &Thing,
            _: &Planned,
        ) -> Result<Done<Self>, Unfinished<Self>> {
            Ok(Done::new(Thing { inner: Unspeakable }, ()))
        }

        async fn read(_: &Call<'_, ()>, _: State<Self>) -> Result<Reading<Self>, Diagnostic> {
            Ok(Reading::Gone {
                warnings: Vec::new(),
            })
        }

        async fn update(
            call: &Call<'_, ()>,
            _: State<Self>,
            settings: &Thing,
            planned: &Planned,
        ) -> Result<Done<Self>, Unfinished<Self>> {
            Self::create(call, settings, planned).await
        }

        async fn delete(
            _: &Call<'_, ()>,
            _: State<Self>,
            _: Ending,
        ) -> Result<Vec<Diagnostic>, Diagnostic> {
            Ok(Vec::new())
        }
    }

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Thing {
        #[serde(default)]
        inner: Unspeakable,
    }

    /// What no JSON can hold.
    #[derive(Default, serde::Deserialize)]
    struct Unspeakable;

    impl serde::Serialize for Unspeakable {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("words fail"))
        }
    }

    #[test]
    fn every_fault_of_a_resource_is_told() {
        assert_eq!(
            Slot::<Lies>::boxed().faults(),
            [
                "the schema has no description, or one that ends without a full stop",
                r#"the field "inner" is no setting of the schema"#,
                r#"the field "inner" is no output of the schema"#,
                "truth is promised, but is no text output",
            ]
        );
    }

    #[tokio::test]
    async fn a_result_that_cannot_be_stored_is_a_failure() {
        let call = Call {
            clients: &(),
            now: jiff::Timestamp::UNIX_EPOCH,
            deadline: tokio::time::Instant::now(),
            stop: tokio_util::sync::CancellationToken::new(),
        };
        let nothing = Dynamic::Map(Default::default());
        let ended = Slot::<Lies>::boxed()
            .create(&call, &nothing, &Planned::default())
            .await;
        assert!(ended.left.is_none() && !ended.finished);
        assert_eq!(ended.diagnostics[0].summary, "Unwritable result");
    }
}
