//! What is filled in with one function, behind an untyped face, so that one table can hold them all:
//! ephemeral objects are opened, data sources are read.

use std::fmt;
use std::marker::PhantomData;

use super::apply::filled_in;
use super::data_source::DataSource;
use super::ephemeral::Ephemeral;
use super::managed::{Boxed, typed, unwritable};
use super::resource::Call;
use super::schema::{Body, Schema, Timeouts, mismatches};
use super::value::Written;
use super::{Diagnostic, Dynamic, Path};

/// An ephemeral object or a data source as the framework sees it: over trees instead of structs.
///
/// Implemented by [`Opener`] for each [`Ephemeral`] and by [`Reader`] for each [`DataSource`]; tests
/// implement it for schemas that are made at random.
pub trait Fillable<C>: Send + Sync {
    /// Which of the two it is.
    fn manner(&self) -> Manner;
    /// The type.
    fn name(&self) -> &'static str;
    /// Its attributes and blocks.
    fn schema(&self) -> &Schema;
    /// In what the schema differs from the structs that stand for it.
    fn mismatches(&self) -> Vec<String>;
    /// What is wrong with its schema and its structs; none when nothing is.
    fn faults(&self) -> Vec<String> {
        let mut faults = self.schema().faults();
        let without = self.manner().without();
        if self.schema().version != 0 {
            faults.push(format!("the schema has a version, though {without}"));
        }
        kept_only(&self.schema().body, without, &Path::root(), &mut faults);
        faults.extend(self.mismatches());
        faults
    }

    /// Fills in its outputs.
    fn fill<'a>(
        &'a self,
        call: &'a Call<'a, C>,
        settings: &'a Dynamic,
    ) -> Boxed<'a, Result<Filled<Dynamic>, Diagnostic>>;
}

/// How something is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// An ephemeral object, which is stored nowhere.
    Opened,
    /// A data source, which is stored and looked at anew each time.
    Read,
}

impl Manner {
    /// The word for what is done to it.
    fn done(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Read => "read",
        }
    }

    /// Why it has nothing of what makes a managed object's life.
    fn without(self) -> &'static str {
        match self {
            Self::Opened => "nothing is stored",
            Self::Read => "it is read anew each time",
        }
    }
}

/// What an ephemeral object or a data source has been filled in with. Its `Debug` shows nothing, as
/// many of them are secrets.
pub struct Filled<T> {
    /// What the provider filled in.
    pub outputs: T,
    /// What the user should know all the same.
    pub warnings: Vec<Diagnostic>,
}

impl<T> Filled<T> {
    /// Outputs with nothing to tell beside them.
    pub fn new(outputs: T) -> Self {
        Self {
            outputs,
            warnings: Vec::new(),
        }
    }
}

impl<T> fmt::Debug for Filled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filled(..)")
    }
}

impl<T: Written> Filled<T> {
    /// The same over a tree.
    fn written(self) -> Result<Filled<Dynamic>, Diagnostic> {
        let outputs = self.outputs.write();
        Ok(Filled {
            outputs: outputs.map_err(|error| unwritable(&error))?,
            warnings: self.warnings,
        })
    }
}

/// What only makes sense with an object that the host keeps and changes.
fn kept_only(body: &Body, without: &str, path: &Path, faults: &mut Vec<String>) {
    for attribute in body.attributes {
        let place = path.attribute(attribute.name);
        if attribute.write_only {
            faults.push(format!("{place} is write-only, though {without}"));
        }
        if attribute.replaces {
            faults.push(format!("{place} replaces, though {without}"));
        }
    }
    for block in body.blocks {
        if block.name == Timeouts::BLOCK.name {
            faults.push("the schema has timeouts for what is never done".to_owned());
        }
        kept_only(&block.body, without, &path.attribute(block.name), faults);
    }
}

macro_rules! entries {
    ($($(#[$doc:meta])* $entry:ident for $kind:ident by $function:ident as $manner:ident;)*) => { $(
        $(#[$doc])*
        pub struct $entry<T>(PhantomData<T>);

        impl<T: $kind> $entry<T> {
            /// An entry.
            pub fn boxed() -> Box<dyn Fillable<T::Clients>> {
                Box::new(Self(PhantomData))
            }
        }

        impl<T: $kind> Fillable<T::Clients> for $entry<T> {
            fn manner(&self) -> Manner {
                Manner::$manner
            }

            fn name(&self) -> &'static str {
                T::NAME
            }

            fn schema(&self) -> &Schema {
                const { &T::SCHEMA }
            }

            fn mismatches(&self) -> Vec<String> {
                mismatches::<T::Settings, T::Outputs>(&T::SCHEMA.body)
            }

            fn fill<'a>(
                &'a self,
                call: &'a Call<'a, T::Clients>,
                settings: &'a Dynamic,
            ) -> Boxed<'a, Result<Filled<Dynamic>, Diagnostic>> {
                Box::pin(async move { T::$function(call, &typed(settings)?).await?.written() })
            }
        }
    )* };
}

entries! {
    /// The table's entry for an ephemeral object.
    Opener for Ephemeral by open as Opened;
    /// The table's entry for a data source.
    Reader for DataSource by read as Read;
}

/// Fills something in: the result has the settings as they are written or their defaults, which the
/// host holds us to, and the outputs.
///
/// It is given up, and leaves nothing behind, at the deadline and when the user interrupts.
pub(in crate::terraform) async fn fill<C>(
    fillable: &dyn Fillable<C>,
    call: &Call<'_, C>,
    config: &Dynamic,
) -> Result<Filled<Dynamic>, Diagnostic> {
    let (name, done) = (fillable.name(), fillable.manner().done());
    let schema = fillable.schema();
    let settings = schema.wanted(config);
    if settings.is_null() || !settings.is_wholly_known() {
        return Err(too_early(name, done));
    }
    let filled = tokio::select! {
        biased;
        () = call.stop.cancelled() => return Err(interrupted(name, done)),
        () = tokio::time::sleep_until(call.deadline) => return Err(late(name, done)),
        filled = fillable.fill(call, &settings) => filled?,
    };
    let Filled { outputs, warnings } = filled;
    Ok(Filled {
        outputs: filled_in(schema, settings, &outputs),
        warnings,
    })
}

fn too_early(name: &str, done: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{name} cannot be {done} yet"),
        "The host wanted it before all of its settings were known.",
    )
}

fn interrupted(name: &str, done: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{name} was not {done}"),
        "The run was interrupted. Nothing was changed.",
    )
}

fn late(name: &str, done: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{name} was not {done} in time"),
        "What it needs did not answer. Nothing was changed; try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Block, text};
    use crate::terraform::tests::flame::{self, Flame};
    use crate::terraform::tests::gauge::{self, Gauge};
    use crate::terraform::tests::lamp::{Bench, call};

    #[test]
    fn one_that_keeps_to_its_schema_has_no_faults() {
        assert_eq!(Opener::<Flame>::boxed().faults(), [""; 0]);
        assert_eq!(Reader::<Gauge>::boxed().faults(), [""; 0]);
    }

    struct Stored;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Nothing {}

    impl Ephemeral for Stored {
        type Clients = ();
        type Settings = Nothing;
        type Outputs = Nothing;

        const NAME: &'static str = "house_stored";
        const SCHEMA: Schema = Schema {
            version: 1,
            ..Schema::new(
                "Stored.",
                &[text("name").required().replaces().says("Its name.")],
            )
            .blocks(&[
                Block::optional(
                    "login",
                    &[text("key_wo").optional().write_only().says("A key.")],
                )
                .says("Who one is."),
                Timeouts::BLOCK,
            ])
        };

        async fn open(_: &Call<'_, ()>, _: &Nothing) -> Result<Filled<Nothing>, Diagnostic> {
            Ok(Filled::new(Nothing {}))
        }
    }

    impl DataSource for Stored {
        type Clients = ();
        type Settings = Nothing;
        type Outputs = Nothing;

        const NAME: &'static str = "house_stored";
        const SCHEMA: Schema = <Self as Ephemeral>::SCHEMA;

        async fn read(_: &Call<'_, ()>, _: &Nothing) -> Result<Filled<Nothing>, Diagnostic> {
            Ok(Filled::new(Nothing {}))
        }
    }

    #[test]
    fn what_is_never_stored_has_nothing_of_what_is() {
        assert_eq!(
            Opener::<Stored>::boxed().faults(),
            [
                "the schema has a version, though nothing is stored",
                "name replaces, though nothing is stored",
                "login.key_wo is write-only, though nothing is stored",
                "the schema has timeouts for what is never done",
                r#"the setting "name" has no field"#,
                r#"the setting "login" has no field"#,
            ]
        );
    }

    #[test]
    fn what_is_read_anew_each_time_has_nothing_of_an_object_that_is_changed() {
        let faults = Reader::<Stored>::boxed().faults();
        assert_eq!(
            faults[..4],
            [
                "the schema has a version, though it is read anew each time",
                "name replaces, though it is read anew each time",
                "login.key_wo is write-only, though it is read anew each time",
                "the schema has timeouts for what is never done",
            ]
        );
    }

    async fn read(changes: &[(&str, Dynamic)]) -> Result<Filled<Dynamic>, Diagnostic> {
        let bench = Bench::default();
        let config = gauge::config(changes);
        fill(&*Reader::<Gauge>::boxed(), &call(&bench), &config).await
    }

    #[tokio::test]
    async fn a_data_source_tells_what_it_found_beside_what_was_written() {
        let attic = [("place", Dynamic::from("attic")), ("unit", "F".into())];
        let read_there = read(&attic).await.expect("an attic");
        let mut expected = attic.to_vec();
        expected.extend([("degrees", 68.into()), ("shown", "68 °F".into())]);
        assert_eq!(read_there.outputs, gauge::config(&expected));
        assert_eq!(read_there.warnings[0].summary, "It is dusty");
        let roof = read(&[("place", "roof".into())]).await.expect("a roof");
        assert_eq!(roof.outputs.attribute("degrees"), &Dynamic::Null);
        assert_eq!(roof.outputs.attribute("unit"), &"C".into());
        let problem = read(&[("place", "nowhere".into())]).await;
        let problem = problem.expect_err("no such place");
        assert_eq!(problem.path, Path::from("place"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_data_source_is_read_once_everything_is_known_and_only_for_so_long() {
        let problem = read(&[("unit", Dynamic::UNKNOWN)]).await;
        let problem = problem.expect_err("an unknown unit");
        assert_eq!(problem.summary, "house_gauge cannot be read yet");
        let problem = read(&[("place", "far".into())]).await;
        let problem = problem.expect_err("a far place");
        assert_eq!(problem.summary, "house_gauge was not read in time");
    }

    async fn opened(changes: &[(&str, Dynamic)]) -> Result<Filled<Dynamic>, Diagnostic> {
        let bench = Bench::default();
        fill(
            &*Opener::<Flame>::boxed(),
            &call(&bench),
            &flame::config(changes),
        )
        .await
    }

    #[tokio::test]
    async fn a_result_is_what_was_written_with_defaults_and_outputs() {
        let opened = opened(&[]).await.expect("a flame");
        let expected = flame::config(&[("colour", "yellow".into()), ("heat", "hot".into())]);
        assert_eq!(opened.outputs, expected);
        assert_eq!(opened.warnings, []);
        let blue = [("colour", Dynamic::from("blue"))];
        let opened = self::opened(&blue).await.expect("a flame");
        assert_eq!(opened.outputs.attribute("colour"), &"blue".into());
    }

    #[tokio::test]
    async fn nothing_is_opened_while_something_is_unknown() {
        for name in ["wick", "colour", "shade"] {
            let problem = opened(&[(name, Dynamic::UNKNOWN)]).await;
            let problem = problem.expect_err("an unknown flame");
            assert_eq!(problem.summary, "house_flame cannot be opened yet");
        }
    }

    #[tokio::test]
    async fn a_setting_that_cannot_be_read_is_named() {
        let problem = opened(&[("wick", Dynamic::Null)]).await;
        let problem = problem.expect_err("a flame without a wick");
        assert_eq!(problem.path, Path::from("wick"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_opening_ends_in_time_and_with_the_run() {
        let slow = [("wick", Dynamic::from("wet"))];
        let problem = opened(&slow).await.expect_err("a wet wick");
        assert_eq!(problem.summary, "house_flame was not opened in time");
        let bench = Bench::default();
        let call = call(&bench);
        let stop = async { call.stop.cancel() };
        let (flame, config) = (Opener::<Flame>::boxed(), flame::config(&slow));
        let (problem, ()) = tokio::join!(fill(&*flame, &call, &config), stop);
        let problem = problem.expect_err("an interrupt");
        assert_eq!(problem.summary, "house_flame was not opened");
        assert_eq!(bench.done(), ["wet wick"], "it had begun");
    }

    #[test]
    fn an_opened_object_shows_nothing() {
        let opened = Filled::new(Dynamic::from([("key", "s3cret")]));
        assert_eq!(format!("{opened:?}"), "Filled(..)");
    }
}
