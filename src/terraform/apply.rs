//! Applying and refreshing: the resource does it, and what it returns becomes the host's answer.

use super::managed::{Ended, Found, Managed, Object};
use super::plan::with_outputs;
use super::private::Private;
use super::resource::{Call, Ending, Planned};
use super::schema::{Operation, Schema};
use super::{Diagnostic, Dynamic, Severity};

/// What the host wants done.
pub(in crate::terraform) struct Order {
    /// The object as it is; null before it is made.
    pub(in crate::terraform) prior: Dynamic,
    /// The object as it was planned; null when it is to go.
    pub(in crate::terraform) planned: Dynamic,
    /// The configuration, for the settings that no plan holds.
    pub(in crate::terraform) config: Dynamic,
    /// What planning noted.
    pub(in crate::terraform) private: Private,
}

/// What there is now.
pub(in crate::terraform) struct Applied {
    /// The object; null for none, and after a failed update for "as it was".
    pub(in crate::terraform) object: Dynamic,
    /// What is noted beside it.
    pub(in crate::terraform) private: Private,
    /// What to tell.
    pub(in crate::terraform) diagnostics: Vec<Diagnostic>,
}

impl Order {
    /// Which of the three operations it is.
    pub(in crate::terraform) fn operation(&self) -> Operation {
        match (self.prior.is_null(), self.planned.is_null()) {
            (_, true) => Operation::Delete,
            (true, false) => Operation::Create,
            (false, false) => Operation::Update,
        }
    }

    /// The object whose `timeouts {}` count.
    pub(in crate::terraform) fn subject(&self) -> &Dynamic {
        if self.planned.is_null() {
            &self.prior
        } else {
            &self.planned
        }
    }
}

/// Makes, changes or lets go of an object.
pub(in crate::terraform) async fn apply<C, P>(
    resource: &dyn Managed<C, P>,
    call: &Call<'_, C>,
    order: Order,
) -> Applied {
    let operation = order.operation();
    let Order {
        prior,
        planned,
        config,
        private,
    } = order;
    let settings = resource.schema().handed_over(&planned, &config);
    let promised = Planned::of(resource.schema(), &planned);
    let object = Object {
        value: prior,
        private: private.own.clone(),
    };
    match operation {
        Operation::Create => {
            let ended = resource.create(call, &settings, &promised).await;
            created(resource.schema(), planned, ended)
        }
        Operation::Update => {
            let ended = resource.update(call, &object, &settings, &promised).await;
            updated(resource.schema(), object, planned, ended)
        }
        Operation::Delete => {
            let ending = if private.destroying {
                Ending::Destroyed
            } else {
                Ending::Replaced
            };
            match resource.delete(call, &object, ending).await {
                Ok(diagnostics) => Applied {
                    object: Dynamic::Null,
                    private: Private::default(),
                    diagnostics,
                },
                // Without the mark, or the next attempt would take a replacement for a destroy.
                Err(problem) => Applied {
                    object: object.value,
                    private: Private::own(object.private),
                    diagnostics: vec![problem],
                },
            }
        }
    }
}

fn created(schema: &Schema, planned: Dynamic, ended: Ended) -> Applied {
    let Ended {
        left,
        finished,
        mut diagnostics,
    } = ended;
    let Some((outputs, private)) = left else {
        return Applied {
            object: Dynamic::Null,
            private: Private::default(),
            diagnostics: failure(diagnostics),
        };
    };
    if !finished {
        // An error would taint the object, and the next run would throw away what is left.
        diagnostics = diagnostics
            .into_iter()
            .map(|diagnostic| diagnostic.with_severity(Severity::Warning))
            .collect();
    }
    Applied {
        object: filled_in(schema, planned, &outputs),
        private: Private::own(private),
        diagnostics,
    }
}

fn updated(schema: &Schema, prior: Object, planned: Dynamic, ended: Ended) -> Applied {
    let Ended {
        left,
        finished,
        diagnostics,
    } = ended;
    match left {
        None => Applied {
            object: prior.value,
            private: Private::own(prior.private),
            diagnostics: failure(diagnostics),
        },
        Some((outputs, private)) => {
            let (settings, diagnostics) = if finished {
                (planned, diagnostics)
            } else {
                (prior.value, failure(diagnostics))
            };
            Applied {
                object: filled_in(schema, settings, &outputs),
                private: Private::own(private),
                diagnostics,
            }
        }
    }
}

/// Without an error among them, the host would miss what was planned and blame the provider.
fn failure(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    if !diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.push(Diagnostic::error(
            "The operation did not end",
            "The provider did not say why. What it had done until then is kept: apply again to do \
             the rest.",
        ));
    }
    diagnostics
}

/// Looks at an object.
pub(in crate::terraform) async fn refresh<C, P>(
    resource: &dyn Managed<C, P>,
    call: &Call<'_, C>,
    value: Dynamic,
    private: Private,
) -> Applied {
    let object = Object {
        value,
        private: private.own,
    };
    match resource.read(call, &object).await {
        Found::Here(outputs, private, diagnostics) => Applied {
            object: filled_in(resource.schema(), object.value, &outputs),
            private: Private::own(private),
            diagnostics,
        },
        Found::Gone(diagnostics) => Applied {
            object: Dynamic::Null,
            private: Private::default(),
            diagnostics,
        },
        Found::Failed(problem) => Applied {
            object: object.value,
            private: Private::own(object.private),
            diagnostics: vec![problem],
        },
    }
}

/// An object of settings, with those of the outputs that the schema has.
pub(in crate::terraform) fn filled_in(
    schema: &Schema,
    settings: Dynamic,
    outputs: &Dynamic,
) -> Dynamic {
    let filled = schema
        .outputs()
        .map(|output| (output.name, outputs.attribute(output.name).clone()));
    with_outputs(settings, filled)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terraform::Slot;
    use crate::terraform::tests::lamp::{Bench, Lamp, call, config, lit};

    fn notes(switched: u32) -> Private {
        Private::own(json!({"switched": switched, "stolen": false}))
    }

    async fn applied(prior: Dynamic, planned: Dynamic, config: Dynamic) -> (Applied, Vec<String>) {
        let bench = Bench::default();
        let order = Order {
            prior,
            planned,
            config,
            private: notes(1),
        };
        let applied = apply(&*Slot::<Lamp>::boxed(), &call(&bench), order).await;
        (applied, bench.done())
    }

    fn named(name: &str) -> Dynamic {
        with_outputs(lit(), [("name", name.into())].into_iter())
    }

    /// What the plan of a create says.
    fn planned(name: &str) -> Dynamic {
        with_outputs(named(name), [("id", Dynamic::UNKNOWN)].into_iter())
    }

    fn noted(note: &str, watts: i64, current: &'static str) -> Dynamic {
        let changes = [
            ("note", note.into()),
            ("watts", watts.into()),
            ("current", current.into()),
        ];
        with_outputs(lit(), changes.into_iter())
    }

    fn severities(applied: &Applied) -> Vec<Severity> {
        let diagnostics = applied.diagnostics.iter();
        diagnostics.map(|diagnostic| diagnostic.severity).collect()
    }

    #[tokio::test]
    async fn a_create_is_handed_what_is_never_stored() {
        let config = config(&[("token_wo", "s3cret".into())]);
        let (applied, done) = applied(Dynamic::Null, planned("hall"), config).await;
        assert_eq!(done, [r#"create hall with Some("s3cret")"#]);
        assert_eq!((applied.object, applied.private), (lit(), notes(1)));
        assert_eq!(applied.diagnostics, []);
    }

    #[tokio::test]
    async fn a_create_that_came_to_nothing_leaves_nothing() {
        let (applied, _) = applied(Dynamic::Null, planned("broken"), config(&[])).await;
        assert_eq!(severities(&applied), [Severity::Error]);
        assert_eq!(
            (applied.object, applied.private),
            (Dynamic::Null, Private::default())
        );
    }

    #[tokio::test]
    async fn a_create_that_is_half_done_leaves_what_there_is_and_taints_nothing() {
        let (applied, _) = applied(Dynamic::Null, planned("half"), config(&[])).await;
        assert_eq!(severities(&applied), [Severity::Warning]);
        assert_eq!((applied.object, applied.private), (named("half"), notes(0)));
    }

    #[tokio::test]
    async fn an_operation_that_did_not_end_and_says_nothing_is_a_failure_all_the_same() {
        let (made, _) = applied(Dynamic::Null, planned("mute"), config(&[])).await;
        assert_eq!(severities(&made), [Severity::Error]);
        let (changed, _) = applied(lit(), noted("mute", 5, "5 W"), config(&[])).await;
        assert_eq!(severities(&changed), [Severity::Error]);
    }

    #[tokio::test]
    async fn an_update_that_came_to_nothing_leaves_everything_as_it_was() {
        let (applied, done) = applied(lit(), noted("broken", 40, "40 W"), config(&[])).await;
        assert_eq!(done, ["update hall"]);
        assert_eq!(severities(&applied), [Severity::Error]);
        assert_eq!((applied.object, applied.private), (lit(), notes(1)));
    }

    #[tokio::test]
    async fn an_update_that_is_half_done_keeps_the_former_settings() {
        let (applied, _) = applied(lit(), noted("half", 40, "40 W"), config(&[])).await;
        assert_eq!(severities(&applied), [Severity::Error]);
        let there = with_outputs(lit(), [("current", "40 W".into())].into_iter());
        assert_eq!((applied.object, applied.private), (there, notes(2)));
    }

    #[tokio::test]
    async fn an_update_that_is_done_has_the_new_settings() {
        let planned = noted("brighter", 40, "40 W");
        let (applied, _) = applied(lit(), planned.clone(), config(&[])).await;
        assert_eq!((applied.object, applied.private), (planned, notes(2)));
        assert_eq!(applied.diagnostics, []);
    }

    #[tokio::test]
    async fn an_update_that_is_done_and_fails_all_the_same_has_the_new_settings() {
        let planned = noted("flickers", 40, "40 W");
        let (applied, _) = applied(lit(), planned.clone(), config(&[])).await;
        assert_eq!(severities(&applied), [Severity::Error]);
        assert_eq!((applied.object, applied.private), (planned, notes(2)));
    }

    async fn deleted(name: &str, destroying: bool) -> (Applied, Vec<String>) {
        let bench = Bench::default();
        let order = Order {
            prior: named(name),
            planned: Dynamic::Null,
            config: Dynamic::Null,
            private: Private {
                destroying,
                ..notes(1)
            },
        };
        let applied = apply(&*Slot::<Lamp>::boxed(), &call(&bench), order).await;
        (applied, bench.done())
    }

    #[tokio::test]
    async fn the_mark_tells_a_destroy_from_one_half_of_a_replacement() {
        let (destroyed, done) = deleted("hall", true).await;
        assert_eq!(
            (destroyed.object, done),
            (Dynamic::Null, vec!["delete hall: Destroyed".to_owned()])
        );
        let (replaced, done) = deleted("hall", false).await;
        assert_eq!(
            (replaced.object, done),
            (Dynamic::Null, vec!["delete hall: Replaced".to_owned()])
        );
    }

    #[tokio::test]
    async fn a_delete_that_failed_keeps_the_object_and_drops_the_mark() {
        let (applied, _) = deleted("stuck", true).await;
        assert_eq!(severities(&applied), [Severity::Error]);
        assert_eq!(
            (applied.object, applied.private),
            (named("stuck"), notes(1))
        );
    }

    async fn seen(note: &str) -> Applied {
        let bench = Bench::default();
        let object = noted(note, 5, "5 W");
        refresh(&*Slot::<Lamp>::boxed(), &call(&bench), object, notes(1)).await
    }

    #[tokio::test]
    async fn a_look_brings_outputs_and_leaves_the_settings() {
        let unchanged = seen("fine").await;
        assert_eq!(
            (unchanged.object, unchanged.private),
            (noted("fine", 5, "5 W"), notes(1))
        );
        let off = seen("off").await;
        let expected = with_outputs(
            noted("off", 5, "5 W"),
            [("state", "off".into())].into_iter(),
        );
        assert_eq!((off.object, off.private), (expected, notes(2)));
    }

    #[tokio::test]
    async fn an_object_is_gone_only_when_that_is_sure() {
        let gone = seen("gone").await;
        assert_eq!(
            (gone.object, gone.private),
            (Dynamic::Null, Private::default())
        );
        let unsure = seen("unreachable").await;
        assert_eq!(unsure.diagnostics[0].severity, Severity::Error);
        assert_eq!(
            (unsure.object, unsure.private),
            (noted("unreachable", 5, "5 W"), notes(1))
        );
    }
}
