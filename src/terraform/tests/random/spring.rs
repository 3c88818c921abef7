//! An ephemeral object or a data source that behaves at random, and keeps its contract all the same.

use std::sync::Arc;

use super::super::framework::schema::{Body, Schema};
use super::super::framework::{Boxed, Call, Diagnostic, Dynamic, Fillable, Filled, Manner};
use super::script::{Event, Fate, Script};
use super::{Dice, values};

/// What behaves as its dice fall; it is never filled in with the same twice.
pub(crate) struct Spring {
    /// Which of the two it is.
    pub(crate) manner: Manner,
    /// The type.
    pub(crate) name: &'static str,
    /// Its attributes and blocks.
    pub(crate) schema: Schema,
    /// What its outputs depend on beside their number.
    pub(crate) dice: Dice,
    /// What befalls it, and what it has seen.
    pub(crate) script: Arc<Script>,
}

impl Spring {
    /// What it is filled in with at its so-many-th time; now and then nothing.
    pub(crate) fn outputs(schema: &Schema, dice: Dice, serial: usize) -> Dynamic {
        let written = schema.outputs().map(|output| output.optional());
        let body = Body::new(Vec::leak(written.collect()));
        values::config(&body, dice.of("opened").nth(serial))
    }
}

impl<C: Send + Sync> Fillable<C> for Spring {
    fn manner(&self) -> Manner {
        self.manner
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn mismatches(&self) -> Vec<String> {
        Vec::new()
    }

    fn fill<'a>(
        &'a self,
        _: &'a Call<'a, C>,
        settings: &'a Dynamic,
    ) -> Boxed<'a, Result<Filled<Dynamic>, Diagnostic>> {
        Box::pin(async move {
            self.script.note(Event::Fill(settings.clone()));
            let outputs = Self::outputs(&self.schema, self.dice, self.script.serial());
            let fate = self.script.fate();
            match fate {
                Fate::Succeeds => Ok(Filled {
                    outputs,
                    warnings: vec![Diagnostic::warning("Something to know", "It is full.")],
                }),
                Fate::Fails | Fate::StopsHalfway => {
                    Err(Diagnostic::error("It did not work", "Nobody knows why."))
                }
                Fate::Panics => panic!("a bug in what is filled in"),
            }
        })
    }
}
