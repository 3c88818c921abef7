//! Judging a configuration: value by value, and setting against setting.
//!
//! At validate much is unknown, so a rule speaks only when nothing that is still to come could
//! make it hold.

use super::{Attribute, Body, Check, Nesting, Partial, Presence, Schema};
use crate::terraform::{Diagnostic, Dynamic, Path};

/// What must hold between the settings of an object.
///
/// `why` ends each message: full sentences that say what the choice means and what to do.
#[derive(Clone, Copy)]
pub enum Rule {
    /// One of them is written, and no other.
    ExactlyOne {
        /// The settings.
        of: &'static [&'static str],
        /// What the choice means.
        why: &'static str,
    },
    /// No two of them are written.
    AtMostOne {
        /// The settings.
        of: &'static [&'static str],
        /// Why they exclude each other.
        why: &'static str,
    },
    /// All of them are written, or none.
    Together {
        /// The settings.
        all: &'static [&'static str],
        /// Why one is nothing without the others.
        why: &'static str,
    },
    /// Where the one is written, the other is, too.
    Needs {
        /// The one.
        setting: &'static str,
        /// The other.
        other: &'static str,
        /// Why.
        why: &'static str,
    },
    /// Anything else; the function keeps silent about what is unknown.
    Holds(fn(&Partial<'_>) -> Vec<Diagnostic>),
}

impl Schema {
    /// Every problem of a configuration that can be seen now.
    pub fn judge(&self, config: &Dynamic) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        body(&self.body, &self.said(config), &Path::root(), &mut problems);
        problems
    }
}

fn body(body: &Body, object: &Dynamic, path: &Path, problems: &mut Vec<Diagnostic>) {
    let Dynamic::Map(_) = object else { return };
    for attribute in body
        .attributes
        .iter()
        .filter(|attribute| !attribute.is_output())
    {
        let path = path.attribute(attribute.name);
        check(attribute, object.attribute(attribute.name), &path, problems);
    }
    for block in body.blocks {
        let path = path.attribute(block.name);
        match (block.nesting, object.attribute(block.name)) {
            (Nesting::Single, inner) => self::body(&block.body, inner, &path, problems),
            (Nesting::List { .. }, inner) => {
                for (place, item) in inner.elements().iter().enumerate() {
                    self::body(&block.body, item, &path.index(place), problems);
                }
            }
            (Nesting::Set { .. }, inner) => {
                inner
                    .elements()
                    .iter()
                    .for_each(|item| self::body(&block.body, item, &path, problems));
            }
        }
    }
    let partial = Partial::nested(object, path.clone());
    problems.extend(body.rules.iter().flat_map(|rule| rule.judge(&partial)));
}

/// Checks a value, or each element of a collection.
pub(super) fn check(
    attribute: &Attribute,
    value: &Dynamic,
    path: &Path,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(check) = attribute.check else { return };
    match value {
        Dynamic::List(items) => {
            for (place, item) in items.iter().enumerate() {
                self::check(attribute, item, &path.index(place), problems);
            }
        }
        Dynamic::Map(entries) => {
            for (key, item) in entries {
                self::check(attribute, item, &path.key(key.as_str()), problems);
            }
        }
        scalar => {
            let secret = attribute.sensitive || attribute.write_only;
            let refused = check.judge(scalar, secret);
            let name = attribute.name;
            let refused = refused.map(|why| Diagnostic::error(format!("Invalid {name}"), why));
            problems.extend(refused.map(|problem| problem.at(path.clone())));
        }
    }
}

impl Check {
    /// What is wrong with a value, if anything is and it is known; a secret is not shown.
    fn judge(self, value: &Dynamic, secret: bool) -> Option<String> {
        let found = |value: String| {
            if secret {
                "something else".to_owned()
            } else {
                value
            }
        };
        match (self, value) {
            (Self::Format(accepts), Dynamic::String(text)) => accepts(text).err(),
            (Self::OneOf(words), Dynamic::String(text)) if !words.contains(&text.as_str()) => {
                let found = found(format!("{text:?}"));
                Some(format!("Must be {}, not {found}.", listed(words, "or")))
            }
            (Self::Between(least, most), Dynamic::Number(number)) => {
                let fits = number
                    .as_integer()
                    .is_some_and(|number| (i128::from(least)..=i128::from(most)).contains(&number));
                let found = found(number.to_string());
                (!fits)
                    .then(|| format!("Must be a whole number from {least} to {most}, not {found}."))
            }
            _ => None,
        }
    }
}

impl Rule {
    fn judge(self, object: &Partial<'_>) -> Vec<Diagnostic> {
        let written = |names: &[&'static str], presence: Presence| {
            let names = names.iter().copied();
            names
                .filter(|name| object.presence(name) == presence)
                .collect::<Vec<_>>()
        };
        match self {
            Self::ExactlyOne { of, why } => {
                let (present, unclear) = (
                    written(of, Presence::Present),
                    written(of, Presence::Unclear),
                );
                match present.as_slice() {
                    [] if unclear.is_empty() => vec![missing(object, of, why)],
                    [] | [_] => Vec::new(),
                    several => vec![conflict(object, several, why)],
                }
            }
            Self::AtMostOne { of, why } => match written(of, Presence::Present).as_slice() {
                [] | [_] => Vec::new(),
                several => vec![conflict(object, several, why)],
            },
            Self::Together { all, why } => {
                let (present, absent) = (
                    written(all, Presence::Present),
                    written(all, Presence::Absent),
                );
                match (present.first(), absent.is_empty()) {
                    (Some(present), false) => vec![incomplete(object, present, &absent, why)],
                    _ => Vec::new(),
                }
            }
            Self::Needs {
                setting,
                other,
                why,
            } => {
                let bare = object.presence(setting) == Presence::Present
                    && object.presence(other) == Presence::Absent;
                bare.then(|| incomplete(object, setting, &[other], why))
                    .into_iter()
                    .collect()
            }
            Self::Holds(judge) => judge(object),
        }
    }
}

fn missing(object: &Partial<'_>, names: &[&'static str], why: &str) -> Diagnostic {
    let detail = format!(
        "Exactly one of {} must be set.\n\n{why}",
        listed(names, "or")
    );
    Diagnostic::error("Missing setting", detail).at(object.place().clone())
}

fn conflict(object: &Partial<'_>, names: &[&'static str], why: &str) -> Diagnostic {
    let detail = format!("Only one of {} can be set.\n\n{why}", listed(names, "and"));
    let place = names.last().copied().unwrap_or_default();
    Diagnostic::error("Conflicting settings", detail).at(object.path(place))
}

fn incomplete(
    object: &Partial<'_>,
    present: &'static str,
    absent: &[&'static str],
    why: &str,
) -> Diagnostic {
    let detail = format!(
        "{present:?} is set, so {} must be set, too.\n\n{why}",
        listed(absent, "and")
    );
    Diagnostic::error("Missing setting", detail).at(object.path(present))
}

/// `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
fn listed(words: &[&str], joint: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} {joint} {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Block, number, text, texts};
    use crate::terraform::value::Unknown;

    const CUSTODY: Rule = Rule::ExactlyOne {
        of: &["a", "b", "c"],
        why: "Because.",
    };

    fn object(a: Dynamic, b: Dynamic, c: Dynamic) -> Dynamic {
        Dynamic::from([("a", a), ("b", b), ("c", c)])
    }

    #[track_caller]
    fn check(rule: Rule, object: &Dynamic, expected: &[&str]) {
        let problems = rule.judge(&Partial::new(object));
        let details: Vec<&str> = problems
            .iter()
            .map(|problem| problem.detail.as_str())
            .collect();
        assert_eq!(details, expected);
    }

    #[test]
    fn exactly_one_speaks_only_when_nothing_to_come_could_mend_it() {
        let (null, x, unknown) = (Dynamic::Null, Dynamic::from("x"), Dynamic::UNKNOWN);
        let none = r#"Exactly one of "a", "b" or "c" must be set."#.to_owned() + "\n\nBecause.";
        let two = r#"Only one of "a" and "c" can be set."#.to_owned() + "\n\nBecause.";
        check(
            CUSTODY,
            &object(null.clone(), null.clone(), null.clone()),
            &[&none],
        );
        check(
            CUSTODY,
            &object(null.clone(), unknown.clone(), null.clone()),
            &[],
        );
        check(CUSTODY, &object(x.clone(), unknown, null.clone()), &[]);
        check(CUSTODY, &object(x.clone(), null, x), &[&two]);
    }

    #[test]
    fn an_unknown_that_cannot_be_null_counts_as_written() {
        let set = Dynamic::Unknown(Unknown {
            refinement: None,
            not_null: true,
        });
        let problems = CUSTODY.judge(&Partial::new(&object(set.clone(), set, Dynamic::Null)));
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].path, Path::from("b"));
    }

    #[test]
    fn together_and_needs_name_what_is_missing() {
        let together = Rule::Together {
            all: &["a", "b"],
            why: "Why.",
        };
        let needs = Rule::Needs {
            setting: "a",
            other: "b",
            why: "Why.",
        };
        let bare = object("x".into(), Dynamic::Null, Dynamic::Null);
        let expected = "\"a\" is set, so \"b\" must be set, too.\n\nWhy.";
        check(together, &bare, &[expected]);
        check(needs, &bare, &[expected]);
        let unclear = object("x".into(), Dynamic::UNKNOWN, Dynamic::Null);
        check(together, &unclear, &[]);
        check(needs, &unclear, &[]);
    }

    fn even(text: &str) -> Result<(), String> {
        if text.len().is_multiple_of(2) {
            Ok(())
        } else {
            Err("Must be even.".to_owned())
        }
    }

    const SCHEMA: Schema = Schema::new(
        "",
        &[
            texts("names").optional().check(Check::Format(even)),
            text("out").check(Check::OneOf(&[])),
        ],
    )
    .blocks(&[Block::once(
        "subject",
        &[
            number("path_length").optional().check(Check::Between(0, 3)),
            text("mode").optional().check(Check::OneOf(&["x", "y"])),
        ],
    )
    .rules(&[Rule::Needs {
        setting: "mode",
        other: "path_length",
        why: "So.",
    }])]);

    #[test]
    fn values_are_checked_at_every_depth_and_point_at_their_place() {
        let subject = Dynamic::from([("path_length", Dynamic::Null), ("mode", "z".into())]);
        let names = Dynamic::List(vec!["ab".into(), "abc".into(), Dynamic::UNKNOWN]);
        let config = Dynamic::from([
            ("names", names),
            ("out", Dynamic::Null),
            ("subject", Dynamic::List(vec![subject])),
        ]);
        let problems = SCHEMA.judge(&config);
        let told: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.path, problem.detail))
            .collect();
        assert_eq!(
            told,
            [
                "names[1]: Must be even.",
                r#"subject[0].mode: Must be "x" or "y", not "z"."#,
                "subject[0].mode: \"mode\" is set, so \"path_length\" must be set, too.\n\nSo.",
            ]
        );
    }

    #[test]
    fn numbers_must_be_whole_and_in_range() {
        let judge = |text: &str| {
            let number = crate::terraform::Number::parse(text).expect("a number");
            Check::Between(0, 3)
                .judge(&Dynamic::Number(number), false)
                .is_none()
        };
        assert_eq!(
            ["0", "3", "3.0", "4", "-1", "1.5"].map(judge),
            [true, true, true, false, false, false]
        );
    }

    const HANDED_OVER: Schema = Schema::new(
        "",
        &[
            text("key").optional().sensitive(),
            text("key_wo")
                .optional()
                .write_only()
                .check(Check::OneOf(&["good"])),
            number("pin")
                .optional()
                .sensitive()
                .check(Check::Between(0, 9)),
        ],
    )
    .rules(&[Rule::ExactlyOne {
        of: &["key", "key_wo"],
        why: "Why.",
    }]);

    fn told(key: Dynamic, key_wo: Dynamic, pin: Dynamic) -> Vec<String> {
        let config = Dynamic::from([("key", key), ("key_wo", key_wo), ("pin", pin)]);
        let problems = HANDED_OVER.judge(&config).into_iter();
        problems.map(|problem| problem.detail).collect()
    }

    #[test]
    fn what_is_never_stored_counts_as_written_and_is_checked() {
        assert_eq!(told(Dynamic::Null, "good".into(), Dynamic::Null), [""; 0]);
        let conflict = r#"Only one of "key" and "key_wo" can be set."#.to_owned() + "\n\nWhy.";
        assert_eq!(told("k".into(), "good".into(), Dynamic::Null), [conflict]);
    }

    #[test]
    fn a_secret_is_refused_without_being_shown() {
        let problems = told(Dynamic::Null, "s3cret".into(), 1234.into());
        assert_eq!(
            problems,
            [
                r#"Must be "good", not something else."#,
                "Must be a whole number from 0 to 9, not something else.",
            ]
        );
    }
}
