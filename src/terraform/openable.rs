//! The typed ephemeral object behind an untyped face, so that one table can hold them all, and how
//! one is opened for the host.

use std::marker::PhantomData;

use super::apply::filled_in;
use super::ephemeral::{Ephemeral, Opened};
use super::managed::{Boxed, typed, unwritable};
use super::resource::Call;
use super::schema::{Body, Schema, Timeouts, mismatches};
use super::{Diagnostic, Dynamic, Path};

/// An ephemeral object as the framework sees it: over trees instead of structs.
///
/// Implemented by [`Opener`] for each [`Ephemeral`]; tests implement it for schemas that are made
/// at random. Its methods are those of the ephemeral object.
pub trait Openable<C>: Send + Sync {
    /// The type.
    fn name(&self) -> &'static str;
    /// Its attributes and blocks.
    fn schema(&self) -> &Schema;
    /// In what the schema differs from the structs that stand for it.
    fn mismatches(&self) -> Vec<String>;
    /// What is wrong with its schema and its structs; none when nothing is.
    fn faults(&self) -> Vec<String> {
        let mut faults = self.schema().faults();
        if self.schema().version != 0 {
            faults.push("the schema has a version, though nothing of it is stored".to_owned());
        }
        stored_only(&self.schema().body, &Path::root(), &mut faults);
        faults.extend(self.mismatches());
        faults
    }

    /// Fills in its outputs.
    fn open<'a>(
        &'a self,
        call: &'a Call<'a, C>,
        settings: &'a Dynamic,
    ) -> Boxed<'a, Result<Opened<Dynamic>, Diagnostic>>;
}

/// What only makes sense with something that is stored.
fn stored_only(body: &Body, path: &Path, faults: &mut Vec<String>) {
    for attribute in body.attributes {
        let place = path.attribute(attribute.name);
        if attribute.write_only {
            faults.push(format!("{place} is write-only, though nothing is stored"));
        }
        if attribute.replaces {
            faults.push(format!("{place} replaces, though nothing is stored"));
        }
    }
    for block in body.blocks {
        if block.name == Timeouts::BLOCK.name {
            faults.push("the schema has timeouts for what is never done".to_owned());
        }
        stored_only(&block.body, &path.attribute(block.name), faults);
    }
}

/// The table's entry for an ephemeral object.
pub struct Opener<E>(PhantomData<E>);

impl<E: Ephemeral> Opener<E> {
    /// An entry.
    pub fn boxed() -> Box<dyn Openable<E::Clients>> {
        Box::new(Self(PhantomData))
    }
}

impl<E: Ephemeral> Openable<E::Clients> for Opener<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn schema(&self) -> &Schema {
        const { &E::SCHEMA }
    }

    fn mismatches(&self) -> Vec<String> {
        mismatches::<E::Settings, E::Outputs>(&E::SCHEMA.body)
    }

    fn open<'a>(
        &'a self,
        call: &'a Call<'a, E::Clients>,
        settings: &'a Dynamic,
    ) -> Boxed<'a, Result<Opened<Dynamic>, Diagnostic>> {
        Box::pin(async move {
            let opened = E::open(call, &typed(settings)?).await?;
            opened.written().map_err(|error| unwritable(&error))
        })
    }
}

/// Opens an object: the result has the settings as they are written or their defaults, which the
/// host holds us to, and the outputs.
///
/// It is given up, and leaves nothing behind, at the deadline and when the user interrupts.
pub(in crate::terraform) async fn open<C>(
    ephemeral: &dyn Openable<C>,
    call: &Call<'_, C>,
    config: &Dynamic,
) -> Result<Opened<Dynamic>, Diagnostic> {
    let (name, schema) = (ephemeral.name(), ephemeral.schema());
    let settings = schema.wanted(config);
    if settings.is_null() || !settings.is_wholly_known() {
        return Err(too_early(name));
    }
    let opened = tokio::select! {
        biased;
        () = call.stop.cancelled() => return Err(interrupted(name)),
        () = tokio::time::sleep_until(call.deadline) => return Err(late(name)),
        opened = ephemeral.open(call, &settings) => opened?,
    };
    let Opened { outputs, warnings } = opened;
    Ok(Opened {
        outputs: filled_in(schema, settings, &outputs),
        warnings,
    })
}

fn too_early(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{name} cannot be opened yet"),
        "The host wanted it before all of its settings were known.",
    )
}

fn interrupted(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{name} was not opened"),
        "The run was interrupted. Nothing was changed.",
    )
}

fn late(name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{name} was not opened in time"),
        "What it needs did not answer. Nothing was changed; try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Block, text};
    use crate::terraform::tests::flame::{self, Flame};
    use crate::terraform::tests::lamp::{Bench, call};

    #[test]
    fn one_that_keeps_to_its_schema_has_no_faults() {
        assert_eq!(Opener::<Flame>::boxed().faults(), [""; 0]);
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

        async fn open(_: &Call<'_, ()>, _: &Nothing) -> Result<Opened<Nothing>, Diagnostic> {
            Ok(Opened::new(Nothing {}))
        }
    }

    #[test]
    fn what_is_never_stored_has_nothing_of_what_is() {
        assert_eq!(
            Opener::<Stored>::boxed().faults(),
            [
                "the schema has a version, though nothing of it is stored",
                "name replaces, though nothing is stored",
                "login.key_wo is write-only, though nothing is stored",
                "the schema has timeouts for what is never done",
                r#"the setting "name" has no field"#,
                r#"the setting "login" has no field"#,
            ]
        );
    }

    async fn opened(changes: &[(&str, Dynamic)]) -> Result<Opened<Dynamic>, Diagnostic> {
        let bench = Bench::default();
        open(
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
        let (problem, ()) = tokio::join!(open(&*flame, &call, &config), stop);
        let problem = problem.expect_err("an interrupt");
        assert_eq!(problem.summary, "house_flame was not opened");
        assert_eq!(bench.done(), ["wet wick"], "it had begun");
    }

    #[test]
    fn an_opened_object_shows_nothing() {
        let opened = Opened::new(Dynamic::from([("key", "s3cret")]));
        assert_eq!(format!("{opened:?}"), "Opened(..)");
    }
}
