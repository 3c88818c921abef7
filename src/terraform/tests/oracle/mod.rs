//! What a core demands of a provider's answers, stated once more in our own words.
//!
//! Whatever is refused here ends as "this is a bug in the provider" in front of a user. The rules
//! are those of Terraform's and OpenTofu's `internal/plans/objchange` and of the node that plans,
//! applies and refreshes an instance; where the two differ, the stricter one.

mod compatible;
mod object;
mod plan_valid;
mod wanted;

pub(super) use compatible::compatible;
pub(super) use object::seen;
pub(super) use plan_valid::plan_valid;
pub(super) use wanted::wanted;

use super::super::schema::Schema;
use super::super::{Dynamic, Path, Step};

/// What is wrong with a value; empty when nothing is.
pub(super) type Faults = Vec<String>;

fn fault(faults: &mut Faults, path: &Path, what: &str) {
    faults.push(format!("{path}: {what}"));
}

/// What a state must be, whoever returned it: there, known, and without what is never stored.
pub(super) fn storable(schema: &Schema, state: &Dynamic) -> Faults {
    let mut faults = Vec::new();
    if !state.is_wholly_known() {
        faults.push("still indicates an unknown value".to_owned());
    }
    faults.extend(bare(schema, state));
    faults
}

/// What an opened ephemeral object and a data source must be: there, known, and different from their
/// configuration in computed attributes only. Terraform calls the breach an "invalid ephemeral
/// resource instance", and of a data source an "invalid object"; OpenTofu takes the same look at
/// both. That a data source keeps to its configuration no core looks into, but its plan says so.
pub(super) fn filled(schema: &Schema, config: &Dynamic, result: &Dynamic) -> Faults {
    let mut faults = plan_valid(schema, &Dynamic::Null, config, result);
    if result.is_null() {
        faults.push("produced a null object".to_owned());
    }
    if !result.is_wholly_known() {
        faults.push("produced a value that is not wholly known".to_owned());
    }
    faults
}

/// What is never stored must be null, at any depth, in states and in plans.
pub(super) fn bare(schema: &Schema, object: &Dynamic) -> Faults {
    let mut faults = Vec::new();
    object::write_only_is_null(&schema.body, object, &Path::root(), &mut faults);
    faults
}

/// Whether any of the paths makes another object of it: those where prior and planned differ.
///
/// # Errors
///
/// For a path that exists in neither.
pub(super) fn replaced(prior: &Dynamic, planned: &Dynamic, paths: &[Path]) -> Result<bool, String> {
    let mut replaced = false;
    for path in paths {
        match (at(prior, path), at(planned, path)) {
            (None, None) => return Err(format!("{path} must be replaced, but does not exist")),
            (prior, planned) => {
                let null = Dynamic::Null;
                replaced |= prior.unwrap_or(&null) != planned.unwrap_or(&null);
            }
        }
    }
    Ok(replaced)
}

fn at<'a>(value: &'a Dynamic, path: &Path) -> Option<&'a Dynamic> {
    path.steps()
        .iter()
        .try_fold(value, |value, step| match (step, value) {
            (Step::Attribute(name), Dynamic::Map(entries)) => entries.get(name.as_ref()),
            (Step::Key(key), Dynamic::Map(entries)) => entries.get(key),
            (Step::Index(index), Dynamic::List(items)) => items.get(*index),
            _ => None,
        })
}

/// What the cores were seen to accept and to refuse.
#[cfg(test)]
mod tests {
    use super::super::super::schema::{Block, Fallback, Nesting, text, texts};
    use super::super::super::value::Unknown;
    use super::*;

    const SCHEMA: Schema = Schema::new(
        "",
        &[
            text("name").required(),
            text("note").optional(),
            text("mode").or(Fallback::Text("fast")),
            text("key_wo").optional().write_only(),
            texts("tags").optional(),
            text("id"),
        ],
    )
    .blocks(&[
        Block::optional(
            "login",
            &[text("user").required(), text("via").or(Fallback::Text("x"))],
        ),
        Block::new(
            "port",
            Nesting::Set { min: 0, max: 0 },
            &[text("of").optional()],
        ),
    ]);

    fn object(changes: &[(&str, Dynamic)]) -> Dynamic {
        let mut object = Dynamic::from([
            ("name", Dynamic::from("a")),
            ("note", Dynamic::Null),
            ("mode", Dynamic::Null),
            ("key_wo", Dynamic::Null),
            ("tags", Dynamic::Null),
            ("id", Dynamic::Null),
            ("login", Dynamic::List(Vec::new())),
            ("port", Dynamic::List(Vec::new())),
        ]);
        if let Dynamic::Map(entries) = &mut object {
            entries.extend(
                changes
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone())),
            );
        }
        object
    }

    fn login(user: Dynamic, via: Dynamic) -> Dynamic {
        Dynamic::List(vec![Dynamic::from([("user", user), ("via", via)])])
    }

    fn ports(of: &[Dynamic]) -> Dynamic {
        let of = of.iter();
        Dynamic::List(of.map(|of| Dynamic::from([("of", of.clone())])).collect())
    }

    fn list(texts: &[&str]) -> Dynamic {
        Dynamic::List(texts.iter().map(|text| (*text).into()).collect())
    }

    fn refined(payload: &[u8]) -> Dynamic {
        Dynamic::Unknown(Unknown {
            refinement: Some(payload.to_vec()),
            not_null: true,
        })
    }

    type Changes<'a> = &'a [(&'a str, Dynamic)];

    #[track_caller]
    fn planned(prior: Changes<'_>, config: Changes<'_>, planned: Changes<'_>, fault: &str) {
        let [prior, config, planned] = [prior, config, planned].map(object);
        assert_eq!(
            plan_valid(&SCHEMA, &prior, &config, &planned).join("; "),
            fault
        );
    }

    #[test]
    fn a_plan_is_made_of_configuration_prior_state_and_what_is_computed() {
        let x = || Dynamic::from("x");
        planned(&[], &[("note", x())], &[("note", x())], "");
        planned(
            &[("note", "X".into())],
            &[("note", x())],
            &[("note", "X".into())],
            "",
        );
        planned(
            &[],
            &[],
            &[("mode", "fast".into()), ("id", Dynamic::UNKNOWN)],
            "",
        );
        planned(
            &[("mode", "old".into())],
            &[],
            &[("mode", "fast".into())],
            "",
        );
        let [config, plan] = ["u", "u"].map(|user| login(user.into(), Dynamic::Null));
        planned(&[], &[("login", config)], &[("login", plan)], "");
        let [config, plan] = [Dynamic::Null, "x".into()].map(|via| login("u".into(), via));
        planned(&[], &[("login", config)], &[("login", plan)], "");
    }

    #[test]
    fn a_plan_that_says_otherwise_is_refused() {
        let neither = "planned value matches neither config value nor prior value";
        planned(
            &[],
            &[("note", "x".into())],
            &[("note", "y".into())],
            &format!("note: {neither}"),
        );
        planned(
            &[],
            &[],
            &[("note", "x".into())],
            "note: planned value for a non-computed attribute",
        );
        planned(
            &[],
            &[("tags", list(&["a"]))],
            &[("tags", list(&["a", "b"]))],
            &format!("tags: {neither}"),
        );
        let secret = || [("key_wo", Dynamic::from("s"))];
        planned(
            &[],
            &secret(),
            &secret(),
            "key_wo: planned value for a write-only attribute",
        );
        planned(&[], &secret(), &[], "");
    }

    #[test]
    fn blocks_are_as_many_as_in_the_configuration() {
        let one = || login("u".into(), Dynamic::Null);
        let count = "login: block count in plan disagrees with count in config";
        planned(&[], &[("login", one())], &[], count);
        planned(&[], &[], &[("login", one())], count);
        planned(
            &[],
            &[("login", one())],
            &[("login", Dynamic::UNKNOWN)],
            "login: blocks must not be unknown themselves",
        );
        let unknown = "login: planned value for unknown dynamic block";
        planned(&[], &[("login", Dynamic::UNKNOWN)], &[], unknown);
        planned(
            &[],
            &[("login", refined(&[0x81, 1, 0xc2]))],
            &[("login", Dynamic::UNKNOWN)],
            unknown,
        );
        planned(
            &[],
            &[],
            &[("login", Dynamic::Null)],
            "login: no blocks must be empty, not null",
        );
        planned(
            &[],
            &[("login", one())],
            &[("login", login("v".into(), Dynamic::Null))],
            "login[0].user: planned value matches neither config value nor prior value",
        );
    }

    #[test]
    fn a_plan_for_nothing_is_nothing() {
        let null = Dynamic::Null;
        let something = object(&[]);
        let faults = plan_valid(&SCHEMA, &null, &something, &null);
        assert_eq!(faults, [": planned for absence but config wants existence"]);
        let faults = plan_valid(&SCHEMA, &null, &null, &something);
        assert_eq!(faults, [": planned for existence but config wants absence"]);
    }

    #[track_caller]
    fn kept(planned: Changes<'_>, actual: Changes<'_>, fault: &str) {
        let faults = compatible(&SCHEMA, &object(planned), &object(actual));
        assert_eq!(faults.join("; "), fault);
    }

    #[test]
    fn what_was_known_stays_and_what_was_unknown_may_become_anything() {
        kept(&[("id", Dynamic::UNKNOWN)], &[("id", "x".into())], "");
        kept(&[("id", Dynamic::UNKNOWN)], &[("id", Dynamic::Null)], "");
        kept(&[("id", Dynamic::UNKNOWN)], &[("id", Dynamic::UNKNOWN)], "");
        kept(
            &[("id", "x".into())],
            &[("id", "y".into())],
            "id: was another value",
        );
        kept(&[("id", "x".into())], &[], "id: was known, but now null");
        kept(
            &[("id", "x".into())],
            &[("id", Dynamic::UNKNOWN)],
            "id: was known, but now unknown",
        );
        kept(&[], &[("id", "x".into())], "id: was null, but now a value");
        kept(
            &[("tags", list(&["a"]))],
            &[("tags", list(&["a", "b"]))],
            "tags: elements have appeared or vanished",
        );
    }

    #[test]
    fn what_is_known_of_an_unknown_binds() {
        let broken = "id: final value does not conform to planning placeholder";
        let not_null = || [("id", refined(&[0x81, 1, 0xc2]))];
        kept(&not_null(), &[("id", "".into())], "");
        kept(&not_null(), &[], broken);
        let begins = || [("id", refined(&[0x82, 1, 0xc2, 2, 0xa1, b'p']))];
        kept(&begins(), &[("id", "prefix".into())], "");
        kept(&begins(), &[("id", "x".into())], broken);
    }

    #[test]
    fn unknown_blocks_may_become_any_number_and_known_ones_stay() {
        let one = || login("u".into(), Dynamic::Null);
        kept(&[("login", Dynamic::UNKNOWN)], &[("login", one())], "");
        kept(&[("login", Dynamic::UNKNOWN)], &[], "");
        kept(&[("login", one())], &[], "login: block count changed");
        kept(
            &[("login", one())],
            &[("login", login("v".into(), Dynamic::Null))],
            "login[0].user: was another value",
        );
    }

    #[test]
    fn elements_of_a_set_may_merge_but_not_appear() {
        let two = || ports(&[Dynamic::UNKNOWN, "a".into()]);
        kept(&[("port", two())], &[("port", ports(&["a".into()]))], "");
        kept(
            &[("port", two())],
            &[("port", ports(&["a".into(), "b".into()]))],
            "",
        );
        let broken = "port: elements of the set do not correlate";
        kept(
            &[("port", two())],
            &[("port", ports(&["b".into()]))],
            broken,
        );
        let three = ports(&["a".into(), "b".into(), "c".into()]);
        kept(&[("port", two())], &[("port", three)], broken);
    }

    #[test]
    fn a_path_that_replaces_exists_and_has_changed() {
        let (prior, planned) = (object(&[]), object(&[("id", Dynamic::UNKNOWN)]));
        let paths = |name: &'static str| [Path::from(name)];
        assert_eq!(replaced(&prior, &planned, &paths("id")), Ok(true));
        assert_eq!(replaced(&prior, &planned, &paths("name")), Ok(false));
        assert!(replaced(&prior, &planned, &paths("ghost")).is_err());
    }

    #[test]
    fn only_what_is_whole_is_an_object() {
        assert_eq!(seen(&SCHEMA, &object(&[])), Ok(object(&[])));
        assert!(seen(&SCHEMA, &Dynamic::Map(Default::default())).is_err());
        assert!(seen(&SCHEMA, &object(&[("extra", Dynamic::Null)])).is_err());
        assert!(seen(&SCHEMA, &object(&[("login", Dynamic::Null)])).is_err());
        assert!(seen(&SCHEMA, &object(&[("id", true.into())])).is_err());
        let twice = object(&[("port", ports(&["b".into(), "a".into(), "b".into()]))]);
        let once = object(&[("port", ports(&["a".into(), "b".into()]))]);
        assert_eq!(seen(&SCHEMA, &twice), Ok(once));
    }
}
