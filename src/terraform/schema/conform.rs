//! Whether a value is what the schema says, name by name and type by type.

use std::collections::BTreeMap;

use super::{Body, Kind, Nesting, Schema};
use crate::terraform::{Diagnostic, Dynamic, Number, Path};

/// What to make of attributes that are missing or that the schema does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// Both are errors: the host sends whole objects.
    Exact,
    /// Missing ones are null, others are left out: state written by an earlier build of the same
    /// schema version.
    Stored,
}

impl Schema {
    /// The value of an object of this schema, checked; null stays null.
    ///
    /// # Errors
    ///
    /// The first place that is not as the schema says. It is nobody's fault but the host's or the
    /// provider's, so one is enough.
    pub fn conform(&self, value: Dynamic, leniency: Leniency) -> Result<Dynamic, Diagnostic> {
        match value {
            Dynamic::Null => Ok(Dynamic::Null),
            Dynamic::Map(entries) => object(&self.body, entries, leniency, &Path::root()),
            other => Err(wrong(&Path::root(), "object", &other)),
        }
    }
}

fn object(
    body: &Body,
    mut entries: BTreeMap<String, Dynamic>,
    leniency: Leniency,
    path: &Path,
) -> Result<Dynamic, Diagnostic> {
    let mut conforming = BTreeMap::new();
    for attribute in body.attributes {
        let path = path.attribute(attribute.name);
        let value = present(entries.remove(attribute.name), leniency, &path)?;
        let value = element(attribute.kind, value, leniency, &path)?;
        conforming.insert(attribute.name.to_owned(), value);
    }
    for block in body.blocks {
        let path = path.attribute(block.name);
        let value = present(entries.remove(block.name), leniency, &path)?;
        let value = nested(&block.body, block.nesting, value, leniency, &path)?;
        conforming.insert(block.name.to_owned(), value);
    }
    nothing_else(entries, leniency, path)?;
    Ok(Dynamic::Map(conforming))
}

fn present(found: Option<Dynamic>, leniency: Leniency, path: &Path) -> Result<Dynamic, Diagnostic> {
    match (found, leniency) {
        (Some(value), _) => Ok(value),
        (None, Leniency::Stored) => Ok(Dynamic::Null),
        (None, Leniency::Exact) => Err(Diagnostic::error(
            "Missing attribute",
            format!("The host sent an object without its attribute {path}."),
        )
        .at(path.clone())),
    }
}

fn nothing_else(
    rest: BTreeMap<String, Dynamic>,
    leniency: Leniency,
    path: &Path,
) -> Result<(), Diagnostic> {
    match rest.into_keys().next() {
        Some(name) if leniency == Leniency::Exact => Err(Diagnostic::error(
            "Unexpected attribute",
            format!("The host sent an attribute {name:?} that this schema does not have."),
        )
        .at(path.clone())),
        _ => Ok(()),
    }
}

fn nested(
    body: &Body,
    nesting: Nesting,
    value: Dynamic,
    leniency: Leniency,
    path: &Path,
) -> Result<Dynamic, Diagnostic> {
    match (nesting, value) {
        (_, unknown @ Dynamic::Unknown(_)) => Ok(unknown),
        (Nesting::Single, Dynamic::Null) => Ok(Dynamic::Null),
        (Nesting::Single, Dynamic::Map(entries)) => object(body, entries, leniency, path),
        (Nesting::List { .. } | Nesting::Set { .. }, Dynamic::Null)
            if leniency == Leniency::Stored =>
        {
            Ok(Dynamic::List(Vec::new()))
        }
        (Nesting::List { .. } | Nesting::Set { .. }, Dynamic::List(items)) => {
            let ordered = matches!(nesting, Nesting::List { .. });
            let items = items.into_iter().enumerate().map(|(place, item)| {
                let path = if ordered {
                    path.index(place)
                } else {
                    path.clone()
                };
                match item {
                    unknown @ Dynamic::Unknown(_) => Ok(unknown),
                    Dynamic::Map(entries) => object(body, entries, leniency, &path),
                    other => Err(wrong(&path, "object", &other)),
                }
            });
            Ok(Dynamic::List(items.collect::<Result<_, _>>()?))
        }
        (Nesting::Single, other) => Err(wrong(path, "object", &other)),
        (_, other) => Err(wrong(path, "list", &other)),
    }
}

fn element(
    kind: Kind,
    value: Dynamic,
    leniency: Leniency,
    path: &Path,
) -> Result<Dynamic, Diagnostic> {
    match (kind, value) {
        (_, value @ (Dynamic::Null | Dynamic::Unknown(_)))
        | (Kind::String, value @ Dynamic::String(_))
        | (Kind::Number, value @ Dynamic::Number(_))
        | (Kind::Bool, value @ Dynamic::Bool(_)) => Ok(value),
        // A number that is beyond 64 bits travels as text.
        (Kind::Number, Dynamic::String(text)) => Number::parse(&text)
            .map(Dynamic::Number)
            .ok_or_else(|| wrong(path, "number", &Dynamic::String(text))),
        (Kind::List(kind), Dynamic::List(items)) => {
            let items = items.into_iter().enumerate();
            let items =
                items.map(|(place, item)| element(*kind, item, leniency, &path.index(place)));
            Ok(Dynamic::List(items.collect::<Result<_, _>>()?))
        }
        (Kind::Set(kind), Dynamic::List(items)) => {
            let items = items.into_iter();
            let items = items.map(|item| element(*kind, item, leniency, path));
            Ok(Dynamic::List(items.collect::<Result<_, _>>()?))
        }
        (Kind::Map(kind), Dynamic::Map(entries)) => {
            let entries = entries.into_iter().map(|(key, item)| {
                let value = element(*kind, item, leniency, &path.key(key.clone()))?;
                Ok((key, value))
            });
            Ok(Dynamic::Map(entries.collect::<Result<_, Diagnostic>>()?))
        }
        (Kind::Object(kinds), Dynamic::Map(entries)) => fields(kinds, entries, leniency, path),
        (kind, other) => Err(wrong(path, &kind.to_string().to_lowercase(), &other)),
    }
}

fn fields(
    kinds: &[(&'static str, Kind)],
    mut entries: BTreeMap<String, Dynamic>,
    leniency: Leniency,
    path: &Path,
) -> Result<Dynamic, Diagnostic> {
    let mut conforming = BTreeMap::new();
    for (name, kind) in kinds {
        let path = path.attribute(*name);
        let value = present(entries.remove(*name), leniency, &path)?;
        conforming.insert((*name).to_owned(), element(*kind, value, leniency, &path)?);
    }
    nothing_else(entries, leniency, path)?;
    Ok(Dynamic::Map(conforming))
}

/// Says the kinds only: the value may be a key.
fn wrong(path: &Path, expected: &str, found: &Dynamic) -> Diagnostic {
    let place = if path.is_root() {
        "The object".to_owned()
    } else {
        format!("The attribute {path}")
    };
    let found = found.kind();
    Diagnostic::error(
        "Unexpected type",
        format!("{place} came as another type than the schema's: {found} instead of {expected}."),
    )
    .at(path.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Attribute, Block, number, text, text_map};

    const POINT: Kind = Kind::Object(&[("x", Kind::Number), ("on", Kind::Bool)]);

    const SCHEMA: Schema = Schema::new(
        "",
        &[
            text("name").required(),
            Attribute::new("points", Kind::List(&POINT)).optional(),
            Attribute::new("ids", Kind::Set(&Kind::String)).optional(),
            text_map("labels").optional(),
        ],
    )
    .blocks(&[
        Block::once("subject", &[number("serial").optional()]),
        Block::new("mode", Nesting::Single, &[text("of").optional()]),
        Block::new(
            "tag",
            Nesting::Set { min: 0, max: 0 },
            &[text("key").optional()],
        ),
    ]);

    fn object(changes: &[(&str, Option<Dynamic>)]) -> Dynamic {
        let subject = Dynamic::from([("serial", 1_i64)]);
        let mut entries = BTreeMap::from([
            ("name".to_owned(), Dynamic::from("a")),
            ("points".to_owned(), Dynamic::Null),
            ("ids".to_owned(), Dynamic::List(vec!["i".into()])),
            ("labels".to_owned(), Dynamic::from([("k", "v")])),
            ("subject".to_owned(), Dynamic::List(vec![subject])),
            ("mode".to_owned(), Dynamic::Null),
            ("tag".to_owned(), Dynamic::List(Vec::new())),
        ]);
        for (name, value) in changes {
            match value {
                Some(value) => drop(entries.insert((*name).to_owned(), value.clone())),
                None => drop(entries.remove(*name)),
            }
        }
        Dynamic::Map(entries)
    }

    #[track_caller]
    fn refused(value: Dynamic, place: &str, detail: &str) {
        let problem = SCHEMA.conform(value, Leniency::Exact).expect_err("refused");
        assert_eq!(
            (problem.path.to_string().as_str(), problem.detail.as_str()),
            (place, detail)
        );
    }

    #[test]
    fn what_conforms_stays_as_it_is_and_null_stays_null() {
        let point = Dynamic::from([("x", Dynamic::UNKNOWN), ("on", true.into())]);
        for value in [
            Dynamic::Null,
            object(&[]),
            object(&[("points", Some(Dynamic::List(vec![point, Dynamic::Null])))]),
            object(&[
                ("subject", Some(Dynamic::UNKNOWN)),
                ("mode", Some(Dynamic::UNKNOWN)),
            ]),
            object(&[("tag", Some(Dynamic::List(vec![Dynamic::UNKNOWN])))]),
            object(&[("mode", Some(Dynamic::from([("of", "x")])))]),
        ] {
            assert_eq!(SCHEMA.conform(value.clone(), Leniency::Exact), Ok(value));
        }
    }

    #[test]
    fn a_number_that_travelled_as_text_is_a_number() {
        let serial = |value: Dynamic| {
            let subject = Dynamic::List(vec![Dynamic::from([("serial", value)])]);
            object(&[("subject", Some(subject))])
        };
        let digits = "123456789012345678901234567890";
        let number = Dynamic::Number(Number::parse(digits).expect("a number"));
        let conforming = SCHEMA.conform(serial(digits.into()), Leniency::Exact);
        assert_eq!(conforming, Ok(serial(number)));
        refused(
            serial("s3cret".into()),
            "subject[0].serial",
            "The attribute subject[0].serial came as another type than the schema's: string \
             instead of number.",
        );
    }

    #[test]
    fn the_host_sends_every_attribute_and_no_other() {
        refused(
            object(&[("tag", None)]),
            "tag",
            "The host sent an object without its attribute tag.",
        );
        refused(
            object(&[("extra", Some(Dynamic::Null))]),
            "",
            r#"The host sent an attribute "extra" that this schema does not have."#,
        );
        let point = Dynamic::from([("x", 1_i64)]);
        refused(
            object(&[("points", Some(Dynamic::List(vec![point])))]),
            "points[0].on",
            "The host sent an object without its attribute points[0].on.",
        );
    }

    #[test]
    fn another_type_is_refused_by_its_place() {
        let another = |found: &str, place: &str, expected: &str| {
            format!(
                "The attribute {place} came as another type than the schema's: {found} instead of \
                 {expected}."
            )
        };
        refused(
            object(&[("name", Some(true.into()))]),
            "name",
            &another("bool", "name", "string"),
        );
        refused(
            object(&[("labels", Some(Dynamic::from([("k", 1_i64)])))]),
            r#"labels["k"]"#,
            &another("number", r#"labels["k"]"#, "string"),
        );
        refused(
            object(&[("ids", Some(Dynamic::List(vec![1_i64.into()])))]),
            "ids",
            &another("number", "ids", "string"),
        );
        refused(
            object(&[("subject", Some(Dynamic::Null))]),
            "subject",
            &another("null", "subject", "list"),
        );
        refused(
            object(&[("tag", Some(Dynamic::List(vec!["x".into()])))]),
            "tag",
            &another("string", "tag", "object"),
        );
        refused(
            "x".into(),
            "",
            "The object came as another type than the schema's: string instead of object.",
        );
    }

    #[test]
    fn stored_state_may_lack_what_is_new_and_have_what_is_gone() {
        let point = |entries: &[(&str, Dynamic)]| {
            let entries = entries.iter();
            let entries = entries.map(|(name, value)| ((*name).to_owned(), value.clone()));
            Some(Dynamic::List(vec![Dynamic::Map(entries.collect())]))
        };
        let stored = object(&[
            (
                "points",
                point(&[("x", 1_i64.into()), ("gone", "g".into())]),
            ),
            ("labels", None),
            ("tag", None),
            ("mode", None),
            ("gone", Some("g".into())),
        ]);
        let conforming = object(&[
            (
                "points",
                point(&[("x", 1_i64.into()), ("on", Dynamic::Null)]),
            ),
            ("labels", Some(Dynamic::Null)),
        ]);
        assert_eq!(SCHEMA.conform(stored, Leniency::Stored), Ok(conforming));
    }
}
