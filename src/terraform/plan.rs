//! Planning: what becomes of an object, decided without touching the world.
//!
//! The order is that of the Go framework, but for one thing. There every computed attribute
//! becomes unknown as soon as anything changes, until a modifier says otherwise; here the resource
//! gives a verdict on each output.

use std::collections::BTreeMap;

use super::managed::{Managed, Object};
use super::private::Private;
use super::resource::{Ask, Outcome, Planned, Verdict};
use super::schema::{Body, Schema, Touches};
use super::{Diagnostic, Dynamic, Path};

/// What the host asks about.
pub(in crate::terraform) struct Proposal {
    /// The object as it is; null before it is made.
    pub(in crate::terraform) prior: Dynamic,
    /// The configuration; null when the object is to go.
    pub(in crate::terraform) config: Dynamic,
    /// What is noted beside the object.
    pub(in crate::terraform) private: Private,
}

/// The answer.
#[derive(Default)]
pub(in crate::terraform) struct Plan {
    /// The object as it will be, with unknowns for what the operation fills in.
    pub(in crate::terraform) object: Option<Dynamic>,
    /// Changes that make another object of it.
    pub(in crate::terraform) replace: Vec<Path>,
    /// What is noted beside the object from now on.
    pub(in crate::terraform) private: Private,
    /// What to tell.
    pub(in crate::terraform) diagnostics: Vec<Diagnostic>,
}

impl Plan {
    /// Whether anything stands against it.
    pub(in crate::terraform) fn failed(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Plans a create, an update or a destroy: the nulls say which.
pub(in crate::terraform) fn plan<C, P>(
    resource: &dyn Managed<C, P>,
    ask: &Ask<'_, P>,
    proposal: Proposal,
) -> Plan {
    let Proposal {
        prior,
        config,
        private,
    } = proposal;
    let planned = match (prior.is_null(), config.is_null()) {
        (true, true) => Ok(Plan {
            object: Some(Dynamic::Null),
            ..Plan::default()
        }),
        (false, true) => Ok(destroy(resource, ask, prior, private)),
        // What is noted belongs to the object that goes, when this is one half of a replacement;
        // the host does not repeat it when it asks again.
        (true, false) => create(resource, ask, &config),
        (false, false) => update(resource, ask, prior, &config, private),
    };
    planned.unwrap_or_else(|problem| Plan {
        diagnostics: vec![problem],
        ..Plan::default()
    })
}

fn destroy<C, P>(
    resource: &dyn Managed<C, P>,
    ask: &Ask<'_, P>,
    prior: Dynamic,
    private: Private,
) -> Plan {
    let object = Object {
        value: prior,
        private: private.own.clone(),
    };
    Plan {
        object: Some(Dynamic::Null),
        replace: Vec::new(),
        diagnostics: resource.plan_destroy(ask, &object),
        private: Private {
            destroying: true,
            ..private
        },
    }
}

fn create<C, P>(
    resource: &dyn Managed<C, P>,
    ask: &Ask<'_, P>,
    config: &Dynamic,
) -> Result<Plan, Diagnostic> {
    let schema = resource.schema();
    let wanted = schema.wanted(config);
    let mut verdict = Verdict::keep();
    if wanted.is_wholly_known() {
        verdict = resource.plan_create(ask, &wanted)?;
    }
    for (output, text) in resource.promised() {
        // It was promised while nothing could be asked, and so it stands.
        verdict.becomes(output, *text);
    }
    let outputs = schema.outputs().map(|output| {
        let value = match verdict.changes.remove(output.name) {
            Some(Outcome::Becomes(value)) => value,
            Some(Outcome::Unknown) | None => Dynamic::UNKNOWN,
        };
        (output.name, value)
    });
    Ok(Plan {
        object: Some(with_outputs(wanted, outputs)),
        diagnostics: verdict.diagnostics,
        ..Plan::default()
    })
}

fn update<C, P>(
    resource: &dyn Managed<C, P>,
    ask: &Ask<'_, P>,
    prior: Dynamic,
    config: &Dynamic,
    private: Private,
) -> Result<Plan, Diagnostic> {
    let schema = resource.schema();
    let wanted = schema.wanted(config);
    let prior = Object {
        value: prior,
        private: private.own.clone(),
    };
    let supposed = as_if_unchanged(&schema.body, &wanted, &prior.value);
    let mut verdict = resource.plan_update(ask, &prior, &supposed)?;
    open_what_unknowns_touch(schema, &wanted, &mut verdict);

    let mut replace = replaced(schema, &wanted, &prior.value);
    replace.append(&mut verdict.replace);
    replace.sort();
    replace.dedup();
    if !replace.is_empty() {
        verdict.unknown(
            &schema
                .outputs()
                .map(|output| output.name)
                .collect::<Vec<_>>(),
        );
    }
    let outputs = schema.outputs().map(|output| {
        let value = match verdict.changes.remove(output.name) {
            Some(Outcome::Unknown) => Dynamic::UNKNOWN,
            Some(Outcome::Becomes(value)) => value,
            None => prior.value.attribute(output.name).clone(),
        };
        (output.name, value)
    });
    let object = Some(with_outputs(wanted, outputs));
    Ok(Plan {
        object,
        replace,
        private: Private::own(private.own),
        diagnostics: verdict.diagnostics,
    })
}

/// The settings, supposing that those which are not yet known stay as they are.
fn as_if_unchanged(body: &Body, wanted: &Dynamic, prior: &Dynamic) -> Dynamic {
    let settings = body.names().map(|name| {
        let value = wanted.attribute(name);
        let value = if value.is_wholly_known() {
            value
        } else {
            prior.attribute(name)
        };
        (name.to_owned(), value.clone())
    });
    Dynamic::Map(settings.collect())
}

fn open_what_unknowns_touch(schema: &Schema, wanted: &Dynamic, verdict: &mut Verdict) {
    let attributes = schema
        .settings()
        .map(|attribute| (attribute.name, attribute.touches));
    let blocks = schema
        .body
        .blocks
        .iter()
        .map(|block| (block.name, block.touches));
    for (name, touches) in attributes.chain(blocks) {
        if wanted.attribute(name).is_wholly_known() {
            continue;
        }
        match touches {
            Touches::Only(outputs) => verdict.unknown(outputs),
            Touches::Everything => {
                verdict.unknown(
                    &schema
                        .outputs()
                        .map(|output| output.name)
                        .collect::<Vec<_>>(),
                );
            }
        }
    }
    for (setting, outputs) in std::mem::take(&mut verdict.depend) {
        if !wanted.attribute(setting).is_wholly_known() {
            verdict.unknown(&outputs);
        }
    }
}

/// An unknown differs from everything: the user is told of the worst.
fn replaced(schema: &Schema, wanted: &Dynamic, prior: &Dynamic) -> Vec<Path> {
    let replacing = schema.settings().filter(|attribute| attribute.replaces);
    let changed = replacing
        .filter(|attribute| wanted.attribute(attribute.name) != prior.attribute(attribute.name));
    changed
        .map(|attribute| Path::from(attribute.name))
        .collect()
}

/// An object of settings, its outputs filled in.
pub(in crate::terraform) fn with_outputs(
    settings: Dynamic,
    outputs: impl Iterator<Item = (&'static str, Dynamic)>,
) -> Dynamic {
    let Dynamic::Map(mut entries) = settings else {
        return settings;
    };
    entries.extend(outputs.map(|(name, value)| (name.to_owned(), value)));
    Dynamic::Map(entries)
}

impl Planned {
    /// The outputs of a planned object.
    pub(in crate::terraform) fn of(schema: &Schema, object: &Dynamic) -> Self {
        let outputs = schema
            .outputs()
            .map(|output| (output.name, object.attribute(output.name).clone()));
        Self(outputs.collect::<BTreeMap<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use jiff::Timestamp;

    use super::*;
    use crate::terraform::Slot;
    use crate::terraform::tests::lamp::{Lamp, config, lit};
    use crate::terraform::tests::random::json;

    fn notes(stolen: bool) -> Private {
        Private::own(serde_json::json!({"switched": 1, "stolen": stolen}))
    }

    fn planned(prior: Dynamic, config: Dynamic, private: Private) -> Plan {
        let ask = Ask {
            policy: &true,
            now: Timestamp::UNIX_EPOCH,
        };
        let proposal = Proposal {
            prior,
            config,
            private,
        };
        plan(&*Slot::<Lamp>::boxed(), &ask, proposal)
    }

    /// As the host would show it.
    fn shown(prior: &Dynamic, plan: &Plan) -> String {
        let Some(Dynamic::Map(object)) = &plan.object else {
            return "nothing\n".to_owned();
        };
        let mut lines = String::new();
        for (name, value) in object {
            let was = prior.attribute(name);
            if value != was {
                let forces = plan.replace.iter().any(|path| path.to_string() == *name);
                let forces = if forces { " # forces replacement" } else { "" };
                lines.push_str(&format!(
                    "{name} = {} -> {}{forces}\n",
                    json(was),
                    json(value)
                ));
            }
        }
        for diagnostic in &plan.diagnostics {
            lines.push_str(&format!(
                "{:?}: {}\n",
                diagnostic.severity, diagnostic.summary
            ));
        }
        lines
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the callers read better so")]
    fn check(prior: Dynamic, config: Dynamic, private: Private, expected: Expect) {
        let plan = planned(prior.clone(), config, private);
        expected.assert_eq(&shown(&prior, &plan));
    }

    #[test]
    fn a_new_object_has_its_defaults_and_what_is_known_of_its_outputs() {
        let expected = expect![[r#"
            current = null -> "5 W"
            id = null -> ?
            mount = null -> []
            name = null -> "hall"
            state = null -> "on"
            watts = null -> 5
        "#]];
        check(Dynamic::Null, config(&[]), Private::default(), expected);
    }

    #[test]
    fn a_new_object_that_is_half_known_has_only_what_is_promised() {
        let expected = expect![[r#"
            current = null -> ?
            id = null -> ?
            mount = null -> ?
            name = null -> "hall"
            state = null -> "on"
            watts = null -> 5
        "#]];
        let config = config(&[("mount", Dynamic::UNKNOWN)]);
        check(Dynamic::Null, config, Private::default(), expected);
    }

    #[test]
    fn what_is_noted_of_an_object_that_goes_is_not_noted_of_the_next() {
        let plan = planned(Dynamic::Null, config(&[]), notes(true));
        assert_eq!(plan.private, Private::default());
    }

    #[test]
    fn nothing_changes_where_nothing_is_to_do() {
        check(lit(), config(&[]), notes(false), expect![""]);
        let plan = planned(lit(), config(&[]), notes(false));
        assert_eq!(plan.private, notes(false));
    }

    #[test]
    fn a_setting_changes_what_the_resource_says() {
        let expected = expect![[r#"
            current = "5 W" -> "40 W"
            watts = 5 -> 40
        "#]];
        check(
            lit(),
            config(&[("watts", 40.into())]),
            notes(false),
            expected,
        );
    }

    #[test]
    fn an_unknown_setting_opens_what_it_touches() {
        let expected = expect![[r#"
            current = "5 W" -> ?
            note = null -> ?
            watts = 5 -> ?
        "#]];
        let config = config(&[("watts", Dynamic::UNKNOWN), ("note", Dynamic::UNKNOWN)]);
        check(lit(), config, notes(false), expected);
    }

    #[test]
    fn an_unknown_setting_opens_what_depends_on_it_in_this_plan() {
        let dimmed = |mount: &str| {
            let mount = Dynamic::List(vec![Dynamic::from([("wall", Dynamic::from(mount))])]);
            let config = config(&[("mount", mount), ("note", Dynamic::UNKNOWN)]);
            let plan = planned(lit(), config, notes(false));
            let Some(Dynamic::Map(object)) = plan.object else {
                panic!("an object is planned")
            };
            object["id"].is_unknown()
        };
        assert!(dimmed("the one that the note is about"));
        assert!(!dimmed("another"));
    }

    #[test]
    fn an_unknown_within_a_block_opens_what_the_block_touches() {
        let expected = expect![[r#"
            current = "5 W" -> ?
            id = "lamp-1" -> ?
            mount = [] -> [{"wall":?}]
            state = "on" -> ?
        "#]];
        let mount = Dynamic::List(vec![Dynamic::from([("wall", Dynamic::UNKNOWN)])]);
        check(lit(), config(&[("mount", mount)]), notes(false), expected);
    }

    #[test]
    fn another_identity_is_another_object() {
        let expected = expect![[r#"
            current = "5 W" -> ?
            id = "lamp-1" -> ?
            name = "hall" -> "attic" # forces replacement
            state = "on" -> ?
        "#]];
        check(
            lit(),
            config(&[("name", "attic".into())]),
            notes(false),
            expected,
        );
    }

    #[test]
    fn an_unknown_identity_is_another_object_too() {
        let plan = planned(lit(), config(&[("name", Dynamic::UNKNOWN)]), notes(false));
        assert_eq!(plan.replace, [Path::from("name")]);
    }

    #[test]
    fn the_resource_can_find_that_it_is_another_object() {
        let expected = expect![[r#"
            current = "5 W" -> ?
            id = "lamp-1" -> ? # forces replacement
            state = "on" -> ?
        "#]];
        check(lit(), config(&[]), notes(true), expected);
    }

    #[test]
    fn a_destroy_leaves_a_mark_and_its_words() {
        let plan = planned(lit(), Dynamic::Null, notes(false));
        let marked = Private {
            destroying: true,
            ..notes(false)
        };
        assert_eq!(
            (plan.object, plan.private),
            (Some(Dynamic::Null), marked.clone())
        );
        assert_eq!(plan.diagnostics[0].summary, "It will be dark");
        let plan = planned(lit(), config(&[]), marked);
        assert_eq!(plan.private, notes(false), "the mark lasts for one destroy");
    }

    #[test]
    fn state_that_cannot_be_read_stops_an_update_but_no_destroy() {
        let foreign = || Private::own(serde_json::json!("foreign"));
        assert!(planned(lit(), config(&[]), foreign()).failed());
        assert!(!planned(lit(), Dynamic::Null, foreign()).failed());
    }

    #[test]
    fn an_error_of_the_resource_makes_the_plan_fail() {
        let ask = Ask {
            policy: &false,
            now: Timestamp::UNIX_EPOCH,
        };
        let proposal = Proposal {
            prior: Dynamic::Null,
            config: config(&[]),
            private: Private::default(),
        };
        assert!(plan(&*Slot::<Lamp>::boxed(), &ask, proposal).failed());
    }
}
