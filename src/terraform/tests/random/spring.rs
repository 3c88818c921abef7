//! An ephemeral object that behaves at random, and keeps the contract of `Ephemeral` all the same.

use std::sync::Arc;

use super::super::framework::schema::{Body, Schema};
use super::super::framework::{Boxed, Call, Diagnostic, Dynamic, Openable, Opened};
use super::script::{Event, Fate, Script};
use super::{Dice, values};

/// An ephemeral object that behaves as its dice fall; no two openings come to the same.
pub(crate) struct Spring {
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
    /// What an opening of that number fills in; now and then nothing.
    pub(crate) fn outputs(schema: &Schema, dice: Dice, serial: usize) -> Dynamic {
        let written = schema.outputs().map(|output| output.optional());
        let body = Body::new(Vec::leak(written.collect()));
        values::config(&body, dice.of("opened").nth(serial))
    }
}

impl<C: Send + Sync> Openable<C> for Spring {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn mismatches(&self) -> Vec<String> {
        Vec::new()
    }

    fn open<'a>(
        &'a self,
        _: &'a Call<'a, C>,
        settings: &'a Dynamic,
    ) -> Boxed<'a, Result<Opened<Dynamic>, Diagnostic>> {
        Box::pin(async move {
            self.script.note(Event::Open(settings.clone()));
            let outputs = Self::outputs(&self.schema, self.dice, self.script.serial());
            let fate = self.script.fate();
            match fate {
                Fate::Succeeds => Ok(Opened {
                    outputs,
                    warnings: vec![Diagnostic::warning("Something to know", "It is open.")],
                }),
                Fate::Fails | Fate::StopsHalfway => {
                    Err(Diagnostic::error("It did not work", "Nobody knows why."))
                }
                Fate::Panics => panic!("a bug in an opening"),
            }
        })
    }
}
