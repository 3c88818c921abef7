//! Schemas at random.

use proptest::prelude::*;
use proptest::sample::select;

use super::super::framework::schema::{
    Attribute, Block, Body, Fallback, Kind, Nesting, Schema, Touches,
};

/// A schema before it is made: plain data that proptest can shrink and print.
#[derive(Clone, Debug)]
pub(crate) struct Blueprint {
    settings: Vec<Setting>,
    blocks: Vec<Nested>,
    outputs: Vec<Output>,
}

#[derive(Clone, Debug)]
struct Setting {
    kind: Form,
    wish: Wish,
    replaces: bool,
    sensitive: bool,
    touches: Option<Vec<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Wish {
    Required,
    Optional,
    Defaulted,
    WriteOnly,
}

#[derive(Clone, Debug)]
struct Output {
    kind: Form,
    promised: bool,
    sensitive: bool,
}

#[derive(Clone, Debug)]
struct Nested {
    nesting: Shape,
    settings: Vec<Setting>,
    blocks: Vec<Self>,
    touches: Option<Vec<usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Single,
    List(u32, u32),
    Set(u32, u32),
}

#[derive(Clone, Debug)]
enum Form {
    String,
    Number,
    Bool,
    List(Box<Self>),
    Set(Box<Self>),
    Map(Box<Self>),
    Object(Vec<Self>),
}

/// Blueprints with everything that a schema can have.
pub(crate) fn blueprint() -> impl Strategy<Value = Blueprint> {
    let settings = prop::collection::vec(setting(), 0..5);
    let blocks = prop::collection::vec(nested(), 0..3);
    let outputs = prop::collection::vec(output(), 0..5);
    (settings, blocks, outputs).prop_map(|(settings, blocks, outputs)| Blueprint {
        settings,
        blocks,
        outputs,
    })
}

fn setting() -> impl Strategy<Value = Setting> {
    let wish = select(vec![
        Wish::Optional,
        Wish::Required,
        Wish::Defaulted,
        Wish::Defaulted,
        Wish::WriteOnly,
    ]);
    let replaces = prop::bool::weighted(0.2);
    let parts = (form(), wish, replaces, any::<bool>(), touches());
    parts.prop_map(|(kind, wish, replaces, sensitive, touches)| Setting {
        kind,
        wish,
        replaces,
        sensitive,
        touches,
    })
}

fn output() -> impl Strategy<Value = Output> {
    let parts = (form(), prop::bool::weighted(0.2), any::<bool>());
    parts.prop_map(|(kind, promised, sensitive)| Output {
        kind,
        promised,
        sensitive,
    })
}

fn touches() -> impl Strategy<Value = Option<Vec<usize>>> {
    prop::option::of(prop::collection::vec(0..8_usize, 0..3))
}

fn nested() -> impl Strategy<Value = Nested> {
    let shape = select(vec![
        Shape::List(0, 1),
        Shape::List(1, 1),
        Shape::List(0, 0),
        Shape::Set(0, 0),
        Shape::Set(1, 2),
        Shape::Single,
    ]);
    let parts = (shape, prop::collection::vec(setting(), 0..4), touches());
    let leaf = parts.prop_map(|(nesting, settings, touches)| Nested {
        nesting,
        settings,
        blocks: Vec::new(),
        touches,
    });
    leaf.prop_recursive(1, 4, 2, |inner| {
        let outer = (inner.clone(), prop::collection::vec(inner, 0..2));
        outer.prop_map(|(nested, blocks)| Nested { blocks, ..nested })
    })
}

fn form() -> impl Strategy<Value = Form> {
    let leaf = prop_oneof![
        4 => Just(Form::String),
        2 => Just(Form::Number),
        1 => Just(Form::Bool),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|form| Form::List(Box::new(form))),
            inner.clone().prop_map(|form| Form::Set(Box::new(form))),
            inner.clone().prop_map(|form| Form::Map(Box::new(form))),
            prop::collection::vec(inner, 1..3).prop_map(Form::Object),
        ]
    })
}

impl Blueprint {
    /// The schema. It is never freed: schemas are constants.
    pub(crate) fn build(&self) -> Schema {
        let outputs: Vec<&'static str> = (0..self.outputs.len())
            .map(|number| leaked(format!("o{number}")))
            .collect();
        let settings = self.settings.iter().enumerate();
        let settings = settings.map(|(number, setting)| {
            let attribute = setting.build(leaked(format!("s{number}")), false);
            Attribute {
                replaces: setting.replaces && setting.wish != Wish::WriteOnly,
                touches: touched(setting.touches.as_deref(), &outputs),
                ..attribute
            }
        });
        let made = outputs
            .iter()
            .zip(&self.outputs)
            .map(|(name, output)| Attribute {
                sensitive: output.sensitive,
                ..Attribute::new(name, output.kind.build()).says("An output.")
            });
        let attributes = slice(settings.chain(made));
        let blocks = self.blocks.iter().enumerate();
        let blocks = slice(blocks.map(|(number, block)| {
            let touches = touched(block.touches.as_deref(), &outputs);
            Block {
                touches,
                ..block.build(leaked(format!("b{number}")), false)
            }
        }));
        Schema::new("A thing.", attributes).blocks(blocks)
    }

    /// The same without what only makes sense with an object that is kept and changed.
    pub(crate) fn unstored(&self) -> Self {
        let mut unstored = self.clone();
        unstored.settings.iter_mut().for_each(Setting::unstore);
        unstored.blocks.iter_mut().for_each(Nested::unstore);
        unstored
    }

    /// The outputs that a create fills in with fixed texts.
    pub(crate) fn promised(&self) -> &'static [(&'static str, &'static str)] {
        let outputs = self.outputs.iter().enumerate();
        let promised = outputs
            .filter(|(_, output)| output.promised && matches!(output.kind, Form::String))
            .map(|(number, _)| (leaked(format!("o{number}")), "promised"));
        slice(promised)
    }
}

impl Setting {
    fn unstore(&mut self) {
        self.replaces = false;
        if self.wish == Wish::WriteOnly {
            self.wish = Wish::Optional;
        }
    }

    fn build(&self, name: &'static str, in_set: bool) -> Attribute {
        let kind = self.kind.build();
        let attribute = Attribute {
            sensitive: self.sensitive,
            ..Attribute::new(name, kind).optional().says("A setting.")
        };
        match (self.wish, fallback(kind)) {
            (Wish::Required, _) => attribute.required(),
            (Wish::Defaulted, Some(fallback)) if !in_set => attribute.or(fallback),
            (Wish::WriteOnly, _) if !in_set => attribute.write_only(),
            _ => attribute,
        }
    }
}

impl Nested {
    fn unstore(&mut self) {
        self.settings.iter_mut().for_each(Setting::unstore);
        self.blocks.iter_mut().for_each(Self::unstore);
    }

    fn build(&self, name: &'static str, in_set: bool) -> Block {
        let in_set = in_set || matches!(self.nesting, Shape::Set(..));
        let settings = self.settings.iter().enumerate();
        let attributes = slice(
            settings.map(|(number, setting)| setting.build(leaked(format!("s{number}")), in_set)),
        );
        let blocks = self.blocks.iter().enumerate();
        let blocks =
            slice(blocks.map(|(number, block)| block.build(leaked(format!("b{number}")), in_set)));
        let nesting = match self.nesting {
            Shape::Single => Nesting::Single,
            Shape::List(min, max) => Nesting::List { min, max },
            Shape::Set(min, max) => Nesting::Set { min, max },
        };
        Block {
            body: Body {
                attributes,
                blocks,
                rules: &[],
            },
            ..Block::new(name, nesting, &[]).says("A block.")
        }
    }
}

impl Form {
    fn build(&self) -> Kind {
        match self {
            Self::String => Kind::String,
            Self::Number => Kind::Number,
            Self::Bool => Kind::Bool,
            Self::List(element) => Kind::List(Box::leak(Box::new(element.build()))),
            Self::Set(element) => Kind::Set(Box::leak(Box::new(element.build()))),
            Self::Map(element) => Kind::Map(Box::leak(Box::new(element.build()))),
            Self::Object(fields) => {
                let fields = fields.iter().enumerate();
                Kind::Object(slice(fields.map(|(number, field)| {
                    (leaked(format!("f{number}")), field.build())
                })))
            }
        }
    }
}

fn fallback(kind: Kind) -> Option<Fallback> {
    match kind {
        Kind::String => Some(Fallback::Text("fallback")),
        Kind::Number => Some(Fallback::Integer(7)),
        Kind::Bool => Some(Fallback::Bool(true)),
        Kind::List(_) | Kind::Set(_) => Some(Fallback::EmptyList),
        Kind::Map(_) => Some(Fallback::EmptyMap),
        Kind::Object(_) => None,
    }
}

fn touched(touches: Option<&[usize]>, outputs: &[&'static str]) -> Touches {
    let Some(touches) = touches else {
        return Touches::Everything;
    };
    let names = touches.iter().filter(|_| !outputs.is_empty());
    Touches::Only(slice(names.map(|number| outputs[number % outputs.len()])))
}

fn leaked(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn slice<T>(items: impl Iterator<Item = T>) -> &'static [T] {
    Vec::leak(items.collect())
}
