//! The part of a documentation page that is made from a schema.
//!
//! It is what HashiCorp's `tfplugindocs` would make of the same schema, to the letter: registries
//! and readers know that form, and the tool stays usable.

use super::{Attribute, Block, Body, Check, Fallback, Kind, Nesting, Role, Schema};

const WRITE_ONLY: &str =
    "https://developer.hashicorp.com/terraform/language/resources/ephemeral#write-only-arguments";

/// The line before a page's generated part.
pub const GENERATED_FROM_HERE: &str = "<!-- generated from the schema: begin -->";
/// The line after it.
pub const GENERATED_TO_HERE: &str = "<!-- generated from the schema: end -->";

/// The section "Schema" of a page, in Markdown, from its heading to its last line.
pub fn schema_section(schema: &Schema) -> String {
    let mut text = String::from("## Schema\n\n");
    children(&mut text, &schema.body, &[]);
    format!("{}\n", text.trim_end())
}

/// A page whose generated part has been made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The whole page.
    pub page: String,
    /// Whether it differs from what it was.
    pub stale: bool,
}

/// Puts a section between [the](GENERATED_FROM_HERE) [markers](GENERATED_TO_HERE) of a page.
///
/// Returns nothing where the page does not have each of them once, in this order.
pub fn renew(page: &str, section: &str) -> Option<Renewed> {
    let once = |marker| page.matches(marker).count() == 1;
    if !once(GENERATED_FROM_HERE) || !once(GENERATED_TO_HERE) {
        return None;
    }
    let (before, rest) = page.split_once(GENERATED_FROM_HERE)?;
    let (_, after) = rest.split_once(GENERATED_TO_HERE)?;
    let section = section.trim();
    let renewed = format!("{before}{GENERATED_FROM_HERE}\n{section}\n{GENERATED_TO_HERE}{after}");
    Some(Renewed {
        stale: renewed != page,
        page: renewed,
    })
}

impl Attribute {
    /// Its description, with what the schema says beside it: the texts that it can be, and its
    /// default.
    pub fn described(&self) -> String {
        let mut text = self.description.to_owned();
        match self.check {
            Some(Check::OneOf(words)) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                text.push_str(&format!(" One of {}.", words.join(", ")));
            }
            Some(Check::Between(least, most)) => {
                text.push_str(&format!(" From {least} to {most}."));
            }
            Some(Check::Format(_)) | None => {}
        }
        if let Role::Defaulted(fallback) = self.role {
            text.push_str(&format!(" Defaults to `{}`.", shown(fallback)));
        }
        text
    }
}

fn shown(fallback: Fallback) -> String {
    match fallback {
        Fallback::Text("") => r#""""#.to_owned(),
        Fallback::Text(text) => text.to_owned(),
        Fallback::Integer(value) => value.to_string(),
        Fallback::Bool(value) => value.to_string(),
        Fallback::EmptyList => "[]".to_owned(),
        Fallback::EmptyMap => "{}".to_owned(),
    }
}

/// The three groups of a page, in its order.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    Required,
    Optional,
    ReadOnly,
}

impl Group {
    const ALL: [Self; 3] = [Self::Required, Self::Optional, Self::ReadOnly];

    fn title(self) -> &'static str {
        match self {
            Self::Required => "Required",
            Self::Optional => "Optional",
            Self::ReadOnly => "Read-Only",
        }
    }
}

/// An attribute or a block: the page lists them together.
enum Entry<'a> {
    Attribute(&'a Attribute),
    Block(&'a Block),
}

impl Entry<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Attribute(attribute) => attribute.name,
            Self::Block(block) => block.name,
        }
    }

    fn group(&self) -> Group {
        match self {
            Self::Attribute(attribute) => match attribute.role {
                Role::Required => Group::Required,
                Role::Optional | Role::Defaulted(_) => Group::Optional,
                Role::Output => Group::ReadOnly,
            },
            Self::Block(block) => match block.nesting {
                Nesting::List { min, .. } | Nesting::Set { min, .. } if min > 0 => Group::Required,
                _ => Group::Optional,
            },
        }
    }

    fn holds_write_only(&self) -> bool {
        match self {
            Self::Attribute(attribute) => attribute.write_only,
            Self::Block(block) => entries(&block.body).any(|entry| entry.holds_write_only()),
        }
    }

    /// What stands between the parentheses.
    fn form(&self) -> String {
        match self {
            Self::Attribute(attribute) => {
                let mut form = attribute.kind.to_string();
                if attribute.sensitive {
                    form.push_str(", Sensitive");
                }
                if attribute.write_only {
                    form.push_str(&format!(", [Write-only]({WRITE_ONLY})"));
                }
                form
            }
            Self::Block(block) => match block.nesting {
                Nesting::Single => "Block, Optional".to_owned(),
                Nesting::List { min, max } => format!("Block List{}", bounds(min, max)),
                Nesting::Set { min, max } => format!("Block Set{}", bounds(min, max)),
            },
        }
    }

    fn described(&self) -> String {
        match self {
            Self::Attribute(attribute) => attribute.described(),
            Self::Block(block) => block.description.to_owned(),
        }
    }

    /// What has a section of its own further down.
    fn detail(&self) -> Option<Detail> {
        match self {
            Self::Attribute(attribute) => object(attribute.kind)
                .map(|fields| Detail::Object("nestedatt", fields, self.group())),
            Self::Block(block) => Some(Detail::Block(block.body)),
        }
    }
}

fn bounds(min: u32, max: u32) -> String {
    let bound = |name, value| {
        if value == 0 {
            String::new()
        } else {
            format!(", {name}: {value}")
        }
    };
    bound("Min", min) + &bound("Max", max)
}

fn entries(body: &Body) -> impl Iterator<Item = Entry<'static>> {
    let attributes = body.attributes.iter().map(Entry::Attribute);
    attributes.chain(body.blocks.iter().map(Entry::Block))
}

type Fields = &'static [(&'static str, Kind)];

/// What is told of an entry in a section of its own.
enum Detail {
    Block(Body),
    /// With its anchor's prefix, and the group of the attribute whose type it is.
    Object(&'static str, Fields, Group),
}

impl Detail {
    fn anchor(&self) -> &'static str {
        match self {
            Self::Block(_) => "nestedblock",
            Self::Object(anchor, ..) => anchor,
        }
    }
}

/// The fields of an object, or of a collection's elements.
fn object(kind: Kind) -> Option<Fields> {
    let kind = match kind {
        Kind::List(element) | Kind::Set(element) | Kind::Map(element) => *element,
        other => other,
    };
    match kind {
        Kind::Object(fields) => Some(fields),
        _ => None,
    }
}

fn children(text: &mut String, body: &Body, parents: &[&'static str]) {
    let mut details = Vec::new();
    for group in Group::ALL {
        let mut entries: Vec<_> = entries(body)
            .filter(|entry| entry.group() == group)
            .collect();
        if entries.is_empty() {
            continue;
        }
        entries.sort_by_key(Entry::name);
        if parents.is_empty() {
            text.push_str(&format!("### {}\n\n", group.title()));
        } else {
            text.push_str(&format!("{}:\n\n", group.title()));
        }
        if entries.iter().any(Entry::holds_write_only) {
            text.push_str(&format!(
                "> **NOTE**: [Write-only arguments]({WRITE_ONLY}) are supported in Terraform 1.11 \
                 and later.\n\n"
            ));
        }
        for entry in entries {
            let path = [parents, &[entry.name()]].concat();
            let detail = entry.detail();
            let head = format!(
                "- `{}` ({}) {}",
                entry.name(),
                entry.form(),
                entry.described()
            );
            text.push_str(head.trim_end());
            text.push_str(&link(detail.as_ref(), &path));
            details.extend(detail.map(|detail| (path, detail)));
        }
        text.push('\n');
    }
    sections(text, details);
}

fn link(detail: Option<&Detail>, path: &[&str]) -> String {
    detail.map_or_else(
        || "\n".to_owned(),
        |detail| {
            let (anchor, path) = (detail.anchor(), path.join("--"));
            format!(" (see [below for nested schema](#{anchor}--{path}))\n")
        },
    )
}

fn sections(text: &mut String, details: Vec<(Vec<&'static str>, Detail)>) {
    for (path, detail) in details {
        let (anchor, id) = (detail.anchor(), path.join("--"));
        text.push_str(&format!(
            "<a id=\"{anchor}--{id}\"></a>\n### Nested Schema for `{}`\n\n",
            path.join(".")
        ));
        match detail {
            Detail::Block(body) => children(text, &body, &path),
            Detail::Object(_, kinds, group) => fields(text, kinds, group, &path),
        }
        text.push('\n');
    }
}

/// The fields of an object have neither roles nor descriptions of their own.
fn fields(text: &mut String, fields: Fields, group: Group, parents: &[&'static str]) {
    text.push_str(&format!("{}:\n\n", group.title()));
    let mut fields = fields.to_vec();
    fields.sort_by_key(|(name, _)| *name);
    let mut details = Vec::new();
    for (name, kind) in fields {
        let path = [parents, &[name]].concat();
        let detail = object(kind).map(|fields| Detail::Object("nestedobjatt", fields, group));
        text.push_str(&format!("- `{name}` ({kind})"));
        text.push_str(&link(detail.as_ref(), &path));
        details.extend(detail.map(|detail| (path, detail)));
    }
    text.push('\n');
    sections(text, details);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Timeouts, number, text, text_map, texts};

    const POINT: Kind = Kind::Object(&[
        ("y", Kind::Number),
        ("x", Kind::Number),
        ("tag", Kind::List(&Kind::Object(&[("k", Kind::String)]))),
    ]);

    const EXTRA: Block = Block::new(
        "extra",
        Nesting::Set { min: 0, max: 2 },
        &[text("oid").required().says("OID.")],
    )
    .says("More.");

    const SUBJECT: Block = Block::once(
        "subject",
        &[
            text("common_name").required().says("CN."),
            texts("organization").optional().says("O."),
        ],
    )
    .blocks(&[EXTRA])
    .says("Whose name.");

    const SECRET: Block = Block::new(
        "secret",
        Nesting::List { min: 0, max: 0 },
        &[text("value_wo").optional().write_only().says("It.")],
    )
    .says("Handed over.");

    const SCHEMA: Schema = Schema::new(
        "A thing.",
        &[
            text("name").or(Fallback::Text("cacerts")).says("Its name."),
            text("arn").required().says("Whose."),
            text("algorithm")
                .or(Fallback::Text("EC"))
                .check(Check::OneOf(&["EC", "RSA"]))
                .says("Of the key."),
            number("path_length")
                .or(Fallback::Integer(0))
                .check(Check::Between(0, 3))
                .says("How deep."),
            texts("names").or(Fallback::EmptyList).says("Names."),
            text("key_pem").optional().sensitive().says("The key."),
            text("key_pem_wo")
                .optional()
                .sensitive()
                .write_only()
                .says("The key."),
            Attribute::new("points", Kind::Set(&POINT))
                .optional()
                .says("Where."),
            text_map("labels_all").says("All of them."),
            text("uid").says("Which."),
            Attribute::new("spot", POINT).says("Here."),
        ],
    )
    .blocks(&[SUBJECT, SECRET, Timeouts::BLOCK]);

    /// The expected text is what tfplugindocs 0.25 makes of this schema as core prints it.
    #[test]
    fn a_section_is_what_tfplugindocs_makes_of_the_schema() {
        let expected = include_str!("../tests/page.md");
        assert_eq!(schema_section(&SCHEMA), expected);
    }

    #[test]
    fn a_description_tells_what_the_schema_says_beside_it() {
        let described = |attribute: Attribute| attribute.says("It.").described();
        assert_eq!(
            described(text("a").or(Fallback::Text(""))),
            r#"It. Defaults to `""`."#
        );
        assert_eq!(
            described(text_map("a").or(Fallback::EmptyMap)),
            "It. Defaults to `{}`."
        );
        assert_eq!(described(text("a").parses::<u8>()), "It.");
    }

    #[test]
    fn a_stale_part_is_renewed_and_the_rest_stays() {
        let page = |part: &str| {
            format!("# T\n\n{GENERATED_FROM_HERE}\n{part}\n{GENERATED_TO_HERE}\n\nMore.\n")
        };
        let renewed = renew(&page("old"), "new\n").expect("a page with markers");
        assert_eq!(
            renewed,
            Renewed {
                page: page("new"),
                stale: true
            }
        );
        let again = renew(&renewed.page, "new\n").expect("a page with markers");
        assert_eq!(
            again,
            Renewed {
                page: page("new"),
                stale: false
            }
        );
    }

    #[test]
    fn a_page_without_a_place_for_it_is_refused() {
        let (from, to) = (GENERATED_FROM_HERE, GENERATED_TO_HERE);
        for page in [
            "",
            from,
            to,
            &format!("{to}{from}"),
            &format!("{from}{from}{to}"),
            &format!("{from}{to}{to}"),
        ] {
            assert_eq!(renew(page, "new"), None, "{page}");
        }
    }
}
