//! Schemas: constant data that reads like its page in the documentation.
//!
//! What the user writes is a *setting* (an attribute that is required, optional or has a default,
//! or a block); what only the provider can fill in is an *output* (a computed attribute). The
//! typed twins of the two are a resource's `Settings` and `Outputs`.

mod conform;
mod kind;
mod page;
mod partial;
mod probe;
mod rules;
mod selfcheck;
mod timeouts;
mod wanted;
mod write_only;

pub use conform::Leniency;
pub use kind::Kind;
pub use page::{GENERATED_FROM_HERE, GENERATED_TO_HERE, Renewed, renew, schema_section};
pub use partial::{Partial, Presence};
pub use probe::{fields_of, mismatches};
pub use rules::Rule;
pub use timeouts::{Operation, Timeouts};

/// The settings and outputs of a resource, a data source or a provider.
#[derive(Clone, Copy)]
pub struct Schema {
    /// Raised when stored state changes its meaning; state of a lower version needs an upgrade.
    pub version: i64,
    /// What it is, in Markdown.
    pub description: &'static str,
    /// Its attributes and blocks.
    pub body: Body,
}

/// What stands between the braces of a configuration's block.
#[derive(Clone, Copy)]
pub struct Body {
    /// Attributes in the order of the page.
    pub attributes: &'static [Attribute],
    /// Nested blocks in the order of the page.
    pub blocks: &'static [Block],
    /// What must hold between them.
    pub rules: &'static [Rule],
}

/// One attribute.
#[derive(Clone, Copy)]
pub struct Attribute {
    /// As it is written in the configuration.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Who writes it.
    pub role: Role,
    /// What it is, in Markdown.
    pub description: &'static str,
    /// What each of its texts or numbers must be.
    pub check: Option<Check>,
    /// Whether the host hides it from its output (it is stored in clear all the same).
    pub sensitive: bool,
    /// Whether it is handed over and never stored.
    pub write_only: bool,
    /// Whether a change makes another object of it.
    pub replaces: bool,
    /// Which outputs it has a say in; asked while it is unknown.
    pub touches: Touches,
}

/// Who writes an attribute.
#[derive(Clone, Copy, PartialEq)]
pub enum Role {
    /// The user, always.
    Required,
    /// The user, or nobody.
    Optional,
    /// The user; else it has this value.
    Defaulted(Fallback),
    /// The provider.
    Output,
}

/// The value of a setting that the configuration leaves out.
#[derive(Clone, Copy, PartialEq)]
pub enum Fallback {
    /// A text.
    Text(&'static str),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A list or set without elements.
    EmptyList,
    /// A map without entries.
    EmptyMap,
}

/// What a value must be, beyond its type; in collections each element is checked.
#[derive(Clone, Copy)]
pub enum Check {
    /// A text that the function accepts; else what it says, as full sentences.
    Format(fn(&str) -> Result<(), String>),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A number between these two, both included.
    Between(i64, i64),
}

/// The outputs that a setting has a say in.
#[derive(Clone, Copy)]
pub enum Touches {
    /// All of them.
    Everything,
    /// These.
    Only(&'static [&'static str]),
}

/// A nested block.
#[derive(Clone, Copy)]
pub struct Block {
    /// As it is written in the configuration.
    pub name: &'static str,
    /// How often it may occur, and what that makes of it.
    pub nesting: Nesting,
    /// What it is, in Markdown.
    pub description: &'static str,
    /// What it contains.
    pub body: Body,
    /// Which outputs it has a say in; asked while something in it is unknown.
    pub touches: Touches,
}

/// How often a block may occur.
///
/// A single block that is left to an unknown `dynamic` breaks the apply when it turns out absent,
/// so blocks that occur at most once are lists, too.
#[derive(Clone, Copy, PartialEq)]
pub enum Nesting {
    /// An object, or null.
    Single,
    /// A list of so many.
    List {
        /// The least number.
        min: u32,
        /// The greatest number; zero for any.
        max: u32,
    },
    /// A set of so many.
    Set {
        /// The least number.
        min: u32,
        /// The greatest number; zero for any.
        max: u32,
    },
}

impl Schema {
    /// A schema of version 0 without blocks and rules.
    pub const fn new(description: &'static str, attributes: &'static [Attribute]) -> Self {
        Self {
            version: 0,
            description,
            body: Body::new(attributes),
        }
    }

    /// With nested blocks.
    #[must_use]
    pub const fn blocks(mut self, blocks: &'static [Block]) -> Self {
        self.body.blocks = blocks;
        self
    }

    /// With rules between settings.
    #[must_use]
    pub const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.body.rules = rules;
        self
    }

    /// The computed attributes.
    pub fn outputs(&self) -> impl Iterator<Item = &'static Attribute> {
        self.body
            .attributes
            .iter()
            .filter(|attribute| attribute.is_output())
    }

    /// The attributes that the user writes.
    pub fn settings(&self) -> impl Iterator<Item = &'static Attribute> {
        self.body
            .attributes
            .iter()
            .filter(|attribute| !attribute.is_output())
    }
}

impl Body {
    /// Attributes alone.
    pub const fn new(attributes: &'static [Attribute]) -> Self {
        Self {
            attributes,
            blocks: &[],
            rules: &[],
        }
    }

    /// The names of all attributes and blocks.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let attributes = self.attributes.iter().map(|attribute| attribute.name);
        attributes.chain(self.blocks.iter().map(|block| block.name))
    }
}

/// A text attribute.
pub const fn text(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::String)
}

/// A number attribute.
pub const fn number(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Number)
}

/// A true-or-false attribute.
pub const fn flag(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Bool)
}

/// A list of texts.
pub const fn texts(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::List(&Kind::String))
}

/// A map from texts to texts.
pub const fn text_map(name: &'static str) -> Attribute {
    Attribute::new(name, Kind::Map(&Kind::String))
}

impl Attribute {
    /// An attribute of any type, which the provider fills in until told otherwise.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            role: Role::Output,
            description: "",
            check: None,
            sensitive: false,
            write_only: false,
            replaces: false,
            touches: Touches::Everything,
        }
    }

    /// The user must write it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.role = Role::Required;
        self
    }

    /// The user may write it.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.role = Role::Optional;
        self
    }

    /// The user may write it; else it is this text.
    #[must_use]
    pub const fn or(mut self, fallback: Fallback) -> Self {
        self.role = Role::Defaulted(fallback);
        self
    }

    /// Hidden in the host's output.
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Handed over and never stored.
    #[must_use]
    pub const fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// A change makes another object of it.
    #[must_use]
    pub const fn replaces(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Has a say in these outputs only.
    #[must_use]
    pub const fn touches(mut self, outputs: &'static [&'static str]) -> Self {
        self.touches = Touches::Only(outputs);
        self
    }

    /// Must be a text that `T` can be parsed from; `T`'s error is told as it is.
    #[must_use]
    pub const fn parses<T: std::str::FromStr>(self) -> Self
    where
        T::Err: std::fmt::Display,
    {
        self.check(Check::Format(|text| {
            text.parse::<T>().map(drop).map_err(sentence)
        }))
    }

    /// Must pass a check.
    #[must_use]
    pub const fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// What it is, in Markdown.
    #[must_use]
    pub const fn says(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Whether the provider fills it in.
    pub fn is_output(&self) -> bool {
        self.role == Role::Output
    }
}

impl Block {
    /// A block that occurs exactly once.
    pub const fn once(name: &'static str, attributes: &'static [Attribute]) -> Self {
        Self::new(name, Nesting::List { min: 1, max: 1 }, attributes)
    }

    /// A block that occurs at most once.
    pub const fn optional(name: &'static str, attributes: &'static [Attribute]) -> Self {
        Self::new(name, Nesting::List { min: 0, max: 1 }, attributes)
    }

    /// A block of any nesting.
    pub const fn new(
        name: &'static str,
        nesting: Nesting,
        attributes: &'static [Attribute],
    ) -> Self {
        Self {
            name,
            nesting,
            description: "",
            body: Body::new(attributes),
            touches: Touches::Everything,
        }
    }

    /// With blocks of its own.
    #[must_use]
    pub const fn blocks(mut self, blocks: &'static [Self]) -> Self {
        self.body.blocks = blocks;
        self
    }

    /// With rules between its settings.
    #[must_use]
    pub const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.body.rules = rules;
        self
    }

    /// Has a say in these outputs only.
    #[must_use]
    pub const fn touches(mut self, outputs: &'static [&'static str]) -> Self {
        self.touches = Touches::Only(outputs);
        self
    }

    /// What it is, in Markdown.
    #[must_use]
    pub const fn says(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }
}

/// Two arrays as one, for schemas that share a part; `N` must be the sum of both lengths.
pub const fn joined<T: Copy, const A: usize, const B: usize, const N: usize>(
    one: [T; A],
    two: [T; B],
) -> [T; N] {
    assert!(A + B == N && A > 0, "the lengths add up");
    let mut both = [one[0]; N];
    let mut place = 0;
    while place < N {
        both[place] = if place < A {
            one[place]
        } else {
            two[place - A]
        };
        place += 1;
    }
    both
}

/// An error's text as a sentence of its own.
fn sentence(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{first}{}{end}", letters.as_str())
}
