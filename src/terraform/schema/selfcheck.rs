//! Whether a schema is one that a host loads, and one that can be kept.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::rules::{self, Rule};
use super::{
    Attribute, Block, Body, Check, Fallback, Kind, Nesting, Role, Schema, Timeouts, Touches,
};
use crate::terraform::{Diagnostic, Path};

/// Words that the host reads for itself where an object's settings stand.
const RESERVED: [&str; 7] = [
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "provider",
    "provisioner",
];

impl Schema {
    /// What is wrong with it, each fault with its place in front; none with a sound schema.
    ///
    /// Some faults make a host refuse the whole provider, or crash, as soon as it loads the schema
    /// (`InternalValidate` in Terraform's and OpenTofu's `configschema`). Others end in "Provider
    /// produced invalid plan". The rest are promises that this framework does not keep, such as a
    /// replacement by an attribute of a block.
    pub fn faults(&self) -> Vec<String> {
        let mut inspection = Inspection {
            outputs: self.outputs().map(|output| output.name).collect(),
            faults: Vec::new(),
        };
        let root = Place::default();
        inspection.described(&root, self.description);
        if self.version < 0 {
            inspection.fault(&root, format!("has the version {}", self.version));
        }
        inspection.body(&self.body, &root);
        inspection.faults
    }
}

struct Inspection {
    outputs: BTreeSet<&'static str>,
    faults: Vec<String>,
}

/// Where in a schema something stands.
#[derive(Clone, Default)]
struct Place {
    path: Path,
    in_set: bool,
}

impl Place {
    fn of(&self, name: &'static str) -> Self {
        Self {
            path: self.path.attribute(name),
            in_set: self.in_set,
        }
    }

    fn is_top(&self) -> bool {
        self.path.is_root()
    }
}

impl Inspection {
    fn fault(&mut self, place: &Place, fault: impl Display) {
        let subject = if place.is_top() {
            "the schema".to_owned()
        } else {
            place.path.to_string()
        };
        self.faults.push(format!("{subject} {fault}"));
    }

    fn body(&mut self, body: &Body, place: &Place) {
        let mut seen = BTreeSet::new();
        for name in body.names() {
            if !seen.insert(name) {
                self.fault(&place.of(name), "occurs twice");
            }
            if place.is_top() && RESERVED.contains(&name) {
                self.fault(&place.of(name), "is a word of the host's");
            }
        }
        for attribute in body.attributes {
            self.attribute(attribute, place);
        }
        for block in body.blocks {
            self.block(block, place);
        }
        for rule in body.rules {
            self.rule(rule, body, place);
        }
    }

    fn attribute(&mut self, attribute: &Attribute, within: &Place) {
        let place = within.of(attribute.name);
        self.named(&place, attribute.name);
        self.described(&place, attribute.description);
        self.kind(attribute.kind, &place);
        if attribute.is_output() {
            self.output(attribute, within);
        }
        if let Role::Defaulted(fallback) = attribute.role {
            self.fallback(attribute, fallback, &place);
        }
        if let Some(check) = attribute.check {
            self.check(check, attribute.kind, &place);
        }
        if attribute.write_only {
            self.write_only(attribute, &place);
        }
        if !within.is_top() && attribute.replaces {
            self.fault(&place, "replaces, which only settings at the top can");
        }
        self.touches(attribute.touches, &place);
    }

    fn named(&mut self, place: &Place, name: &str) {
        let of_the_host = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if !name.starts_with(|first: char| first.is_ascii_lowercase())
            || !name.bytes().all(of_the_host)
        {
            let demand = "a lower-case letter, then lower-case letters, digits and underscores";
            self.fault(place, format!("has a name that is not {demand}"));
        }
    }

    fn described(&mut self, place: &Place, description: &str) {
        if !description.ends_with('.') {
            self.fault(
                place,
                "has no description, or one that ends without a full stop",
            );
        }
        if description.trim() != description {
            self.fault(place, "has a description with blanks around it");
        }
        if !place.is_top() && description.contains('\n') {
            self.fault(place, "has a description that breaks the page's list");
        }
    }

    fn kind(&mut self, kind: Kind, place: &Place) {
        match kind {
            Kind::List(element) | Kind::Set(element) | Kind::Map(element) => {
                self.kind(*element, place);
            }
            Kind::Object(fields) => {
                let mut seen = BTreeSet::new();
                for (name, kind) in fields {
                    let place = place.of(name);
                    self.named(&place, name);
                    if !seen.insert(name) {
                        self.fault(&place, "occurs twice");
                    }
                    self.kind(*kind, &place);
                }
            }
            Kind::String | Kind::Number | Kind::Bool => {}
        }
    }

    fn output(&mut self, attribute: &Attribute, within: &Place) {
        let place = within.of(attribute.name);
        if !within.is_top() {
            self.fault(&place, "is an output within a block");
        }
        let Attribute {
            check,
            write_only,
            replaces,
            touches,
            ..
        } = attribute;
        let of_settings = [
            ("is checked", check.is_some()),
            ("is write-only", *write_only),
            ("replaces", *replaces),
            ("touches outputs", matches!(touches, Touches::Only(_))),
        ];
        for (what, _) in of_settings.into_iter().filter(|(_, is_so)| *is_so) {
            self.fault(&place, format!("{what}, though it is an output"));
        }
    }

    fn fallback(&mut self, attribute: &Attribute, fallback: Fallback, place: &Place) {
        let fits = matches!(
            (fallback, attribute.kind),
            (Fallback::Text(_), Kind::String)
                | (Fallback::Integer(_), Kind::Number)
                | (Fallback::Bool(_), Kind::Bool)
                | (Fallback::EmptyList, Kind::List(_) | Kind::Set(_))
                | (Fallback::EmptyMap, Kind::Map(_))
        );
        if !fits {
            self.fault(place, "has a default of another type");
        }
        let mut refused: Vec<Diagnostic> = Vec::new();
        rules::check(attribute, &fallback.value(), &place.path, &mut refused);
        for problem in refused {
            self.fault(
                place,
                format!("refuses its own default: {}", problem.detail),
            );
        }
        if place.in_set {
            // An element of a set is found by its value, and a default changes it.
            self.fault(place, "has a default within a set of blocks");
        }
    }

    fn check(&mut self, check: Check, kind: Kind, place: &Place) {
        let leaf = match kind {
            Kind::List(element) | Kind::Set(element) | Kind::Map(element) => *element,
            other => other,
        };
        let fits = match check {
            Check::Format(_) | Check::OneOf(_) => leaf == Kind::String,
            Check::Between(_, _) => leaf == Kind::Number,
        };
        if !fits {
            self.fault(place, "has a check for another type");
        }
        let lets_pass = match check {
            Check::Format(_) => true,
            Check::OneOf(words) => !words.is_empty(),
            Check::Between(least, most) => least <= most,
        };
        if !lets_pass {
            self.fault(place, "has a check that nothing passes");
        }
    }

    fn write_only(&mut self, attribute: &Attribute, place: &Place) {
        if matches!(attribute.role, Role::Defaulted(_)) {
            self.fault(place, "is write-only and has a default");
        }
        if attribute.replaces {
            self.fault(place, "is write-only, so no change of it is ever seen");
        }
        if place.in_set {
            self.fault(place, "is write-only within a set of blocks");
        }
    }

    /// Within blocks nobody asks for it, but blocks may share their settings with the top.
    fn touches(&mut self, touches: Touches, place: &Place) {
        let Touches::Only(outputs) = touches else {
            return;
        };
        let unknown: Vec<_> = outputs
            .iter()
            .filter(|output| !self.outputs.contains(*output))
            .collect();
        for output in unknown {
            self.fault(place, format!("touches {output:?}, which is no output"));
        }
    }

    fn block(&mut self, block: &Block, within: &Place) {
        let mut place = within.of(block.name);
        self.named(&place, block.name);
        self.described(&place, block.description);
        self.touches(block.touches, &place);
        match block.nesting {
            Nesting::Single if block.name != Timeouts::BLOCK.name => {
                // Left to an unknown `dynamic`, it breaks the apply when it turns out absent.
                self.fault(&place, "is single; a list of at most one serves better");
            }
            Nesting::List { min, max } | Nesting::Set { min, max } if max != 0 && min > max => {
                self.fault(
                    &place,
                    format!("occurs at least {min}, at most {max} times"),
                );
            }
            _ => {}
        }
        place.in_set |= matches!(block.nesting, Nesting::Set { .. });
        self.body(&block.body, &place);
    }

    fn rule(&mut self, rule: &Rule, body: &Body, place: &Place) {
        let (names, why) = match rule {
            Rule::ExactlyOne { of, why } | Rule::AtMostOne { of, why } => (of.to_vec(), *why),
            Rule::Together { all, why } => (all.to_vec(), *why),
            Rule::Needs {
                setting,
                other,
                why,
            } => (vec![*setting, *other], *why),
            Rule::Holds(_) => return,
        };
        let mut seen = BTreeSet::new();
        for name in &names {
            let place = place.of(name);
            if !seen.insert(*name) {
                self.fault(&place, "stands twice in a rule");
            }
            match setting(body, name) {
                None => self.fault(&place, "stands in a rule, but is no setting there"),
                Some(Role::Defaulted(fallback)) if fallback != Fallback::EmptyList => {
                    self.fault(&place, "stands in a rule, but is never absent");
                }
                Some(_) => {}
            }
        }
        // A choice of which there is only one so far is still one that must be made.
        let least = if matches!(rule, Rule::ExactlyOne { .. }) {
            1
        } else {
            2
        };
        if names.len() < least {
            self.fault(place, "has a rule for fewer than two settings");
        }
        if !why.ends_with('.') {
            let rule = names.join(", ");
            self.fault(place, format!("does not say why in the rule of {rule}"));
        }
    }
}

/// The role of a setting; a block's is optional.
fn setting(body: &Body, name: &str) -> Option<Role> {
    let attribute = body
        .attributes
        .iter()
        .find(|attribute| attribute.name == name);
    let block = body.blocks.iter().find(|block| block.name == name);
    match (attribute, block) {
        (Some(attribute), _) => (!attribute.is_output()).then_some(attribute.role),
        (None, block) => block.map(|_| Role::Optional),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{flag, number, text, text_map, texts};

    #[track_caller]
    fn check(schema: Schema, expected: &[&str]) {
        assert_eq!(schema.faults(), expected);
    }

    const fn attributes(attributes: &'static [Attribute]) -> Schema {
        Schema::new("A thing.", attributes)
    }

    #[test]
    fn a_sound_schema_has_no_faults() {
        const INNER: Block = Block::optional(
            "tag",
            &[
                text("key").required().says("The key."),
                flag("on").or(Fallback::Bool(true)).says("Whether."),
            ],
        )
        .says("Tags.")
        .touches(&["uid"]);
        const SCHEMA: Schema = attributes(&[
            text("mode")
                .or(Fallback::Text("a"))
                .check(Check::OneOf(&["a", "b"]))
                .says("How."),
            text("key_pem").optional().says("The key."),
            text("key_pem_wo").optional().write_only().says("The key."),
            texts("names")
                .or(Fallback::EmptyList)
                .check(Check::Format(|_| Err(String::new())))
                .says("Names."),
            text_map("labels")
                .or(Fallback::EmptyMap)
                .replaces()
                .says("Labels."),
            number("count_of")
                .optional()
                .check(Check::Between(0, 3))
                .touches(&["uid"])
                .says("How many."),
            text("uid").sensitive().says("Which."),
        ])
        .blocks(&[INNER, Timeouts::BLOCK])
        .rules(&[Rule::ExactlyOne {
            of: &["key_pem", "key_pem_wo", "tag", "names"],
            why: "Because.",
        }]);
        check(SCHEMA, &[]);
    }

    #[test]
    fn names_are_what_the_host_can_read() {
        const SCHEMA: Schema = attributes(&[
            text("Name").says("N."),
            text("2nd").says("N."),
            text("").says("N."),
            text("count").optional().says("N."),
            text("twice").says("N."),
        ])
        .blocks(&[Block::optional(
            "twice",
            &[text("count").optional().says("Fine here.")],
        )
        .says("B.")]);
        check(
            SCHEMA,
            &[
                "count is a word of the host's",
                "twice occurs twice",
                "Name has a name that is not a lower-case letter, then lower-case letters, digits and underscores",
                "2nd has a name that is not a lower-case letter, then lower-case letters, digits and underscores",
                " has a name that is not a lower-case letter, then lower-case letters, digits and underscores",
            ],
        );
    }

    #[test]
    fn everything_is_described_in_a_sentence() {
        const SCHEMA: Schema = Schema::new(
            "",
            &[
                text("a"),
                text("b").says("No stop"),
                text("c").says(" Blank. "),
                text("e").says("One.\n\nTwo."),
            ],
        )
        .blocks(&[Block::optional("d", &[])]);
        let schema = Schema {
            version: -1,
            ..SCHEMA
        };
        let missing = "has no description, or one that ends without a full stop";
        check(
            schema,
            &[
                &format!("the schema {missing}"),
                "the schema has the version -1",
                &format!("a {missing}"),
                &format!("b {missing}"),
                &format!("c {missing}"),
                "c has a description with blanks around it",
                "e has a description that breaks the page's list",
                &format!("d {missing}"),
            ],
        );
    }

    #[test]
    fn what_outputs_cannot_have_is_told() {
        const SCHEMA: Schema = attributes(&[text("uid")
            .check(Check::OneOf(&["x"]))
            .write_only()
            .replaces()
            .touches(&["uid"])
            .says("Id.")])
        .blocks(&[Block::optional("b", &[text("inner").says("Inner.")]).says("B.")]);
        check(
            SCHEMA,
            &[
                "uid is checked, though it is an output",
                "uid is write-only, though it is an output",
                "uid replaces, though it is an output",
                "uid touches outputs, though it is an output",
                "uid is write-only, so no change of it is ever seen",
                "b.inner is an output within a block",
            ],
        );
    }

    #[test]
    fn defaults_and_checks_fit_their_attribute() {
        const SCHEMA: Schema = attributes(&[
            text("a").or(Fallback::Integer(1)).says("A."),
            text("b")
                .or(Fallback::Text("z"))
                .check(Check::OneOf(&["x", "y"]))
                .says("B."),
            number("c")
                .or(Fallback::Integer(9))
                .check(Check::Between(0, 3))
                .says("C."),
            texts("d").or(Fallback::EmptyMap).says("D."),
            flag("e").optional().check(Check::OneOf(&[])).says("E."),
            text("f").optional().check(Check::Between(3, 0)).says("F."),
        ]);
        check(
            SCHEMA,
            &[
                "a has a default of another type",
                r#"b refuses its own default: Must be "x" or "y", not "z"."#,
                "c refuses its own default: Must be a whole number from 0 to 3, not 9.",
                "d has a default of another type",
                "e has a check for another type",
                "e has a check that nothing passes",
                "f has a check for another type",
                "f has a check that nothing passes",
            ],
        );
    }

    #[test]
    fn what_only_the_top_can_have_stays_there() {
        const SCHEMA: Schema = attributes(&[text("uid").says("Id.")]).blocks(&[Block::optional(
            "b",
            &[text("x").optional().replaces().touches(&["uid"]).says("X.")],
        )
        .touches(&["gone"])
        .says("B.")]);
        check(
            SCHEMA,
            &[
                r#"b touches "gone", which is no output"#,
                "b.x replaces, which only settings at the top can",
            ],
        );
    }

    #[test]
    fn sets_of_blocks_hold_neither_defaults_nor_secrets() {
        const DEEP: Block = Block::optional(
            "deep",
            &[
                text("wo").optional().write_only().says("W."),
                flag("on").or(Fallback::Bool(false)).says("O."),
            ],
        )
        .says("D.");
        const SCHEMA: Schema = attributes(&[text("wo")
            .or(Fallback::Text(""))
            .write_only()
            .replaces()
            .says("W.")])
        .blocks(&[
            Block::new("s", Nesting::Set { min: 2, max: 1 }, &[])
                .blocks(&[DEEP])
                .says("S."),
            Block::new("one", Nesting::Single, &[]).says("O."),
        ]);
        check(
            SCHEMA,
            &[
                "wo is write-only and has a default",
                "wo is write-only, so no change of it is ever seen",
                "s occurs at least 2, at most 1 times",
                "s.deep.wo is write-only within a set of blocks",
                "s.deep.on has a default within a set of blocks",
                "one is single; a list of at most one serves better",
            ],
        );
    }

    #[test]
    fn rules_speak_of_settings_that_can_be_absent() {
        const SCHEMA: Schema = attributes(&[
            text("a").or(Fallback::Text("x")).says("A."),
            text("b").optional().says("B."),
            text("uid").says("U."),
        ])
        .rules(&[
            Rule::AtMostOne {
                of: &["a", "b"],
                why: "So.",
            },
            Rule::Together {
                all: &["b", "b"],
                why: "So",
            },
            Rule::Needs {
                setting: "b",
                other: "uid",
                why: "So.",
            },
            Rule::AtMostOne {
                of: &["gone"],
                why: "So.",
            },
            Rule::Holds(|_| Vec::new()),
        ]);
        check(
            SCHEMA,
            &[
                "a stands in a rule, but is never absent",
                "b stands twice in a rule",
                "the schema does not say why in the rule of b, b",
                "uid stands in a rule, but is no setting there",
                "gone stands in a rule, but is no setting there",
                "the schema has a rule for fewer than two settings",
            ],
        );
    }

    #[test]
    fn objects_within_types_are_looked_at_too() {
        const POINT: Kind =
            Kind::Object(&[("x", Kind::Number), ("x", Kind::Number), ("Y", Kind::Bool)]);
        const SCHEMA: Schema =
            attributes(&[Attribute::new("points", Kind::List(&POINT)).says("Points.")]);
        check(
            SCHEMA,
            &[
                "points.x occurs twice",
                "points.Y has a name that is not a lower-case letter, then lower-case letters, digits and underscores",
            ],
        );
    }
}
