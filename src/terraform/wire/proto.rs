//! Schemas, messages and values as the protocol spells them.

use istiopca_proto::tfplugin6 as proto;
use proto::attribute_path::{Step as ProtoStep, step::Selector};
use proto::schema::nested_block::NestingMode;

use super::{WireError, json, msgpack};
use crate::terraform::schema::{Attribute, Block, Body, Nesting, Role, Schema};
use crate::terraform::{Diagnostic, Dynamic, Path, Severity, Step};

/// A value that came by the wire; an absent one is null.
pub(in crate::terraform) fn value(
    value: Option<&proto::DynamicValue>,
) -> Result<Dynamic, WireError> {
    match value {
        Some(value) if !value.msgpack.is_empty() => msgpack::decode(&value.msgpack),
        Some(value) if !value.json.is_empty() => json::decode(&value.json),
        _ => Ok(Dynamic::Null),
    }
}

/// A value for the wire.
pub(in crate::terraform) fn dynamic_value(value: &Dynamic) -> proto::DynamicValue {
    proto::DynamicValue {
        msgpack: msgpack::encode(value),
        json: Vec::new(),
    }
}

/// Messages for the wire.
pub(in crate::terraform) fn diagnostics(diagnostics: Vec<Diagnostic>) -> Vec<proto::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: Diagnostic) -> proto::Diagnostic {
    let Diagnostic {
        severity,
        summary,
        detail,
        path,
    } = diagnostic;
    let severity = match severity {
        Severity::Error => proto::diagnostic::Severity::Error,
        Severity::Warning => proto::diagnostic::Severity::Warning,
    };
    let attribute = (!path.is_root()).then(|| attribute_path(&path));
    proto::Diagnostic {
        severity: severity.into(),
        summary,
        detail,
        attribute,
    }
}

/// A path for the wire.
pub(in crate::terraform) fn attribute_path(path: &Path) -> proto::AttributePath {
    let steps = path.steps().iter().map(|step| match step {
        Step::Attribute(name) => Selector::AttributeName(name.to_string()),
        Step::Key(key) => Selector::ElementKeyString(key.clone()),
        Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
    });
    proto::AttributePath {
        steps: steps
            .map(|selector| ProtoStep {
                selector: Some(selector),
            })
            .collect(),
    }
}

/// A schema for the wire.
pub(in crate::terraform) fn schema(schema: &Schema) -> proto::Schema {
    let block = proto::schema::Block {
        description: schema.description.to_owned(),
        ..body(&schema.body)
    };
    proto::Schema {
        version: schema.version,
        block: Some(block),
    }
}

fn body(body: &Body) -> proto::schema::Block {
    proto::schema::Block {
        attributes: body.attributes.iter().map(attribute).collect(),
        block_types: body.blocks.iter().map(block).collect(),
        description_kind: proto::StringKind::Markdown.into(),
        ..Default::default()
    }
}

/// A setting with a default is computed, too: the host refuses a planned value for it otherwise.
fn attribute(attribute: &Attribute) -> proto::schema::Attribute {
    let defaulted = matches!(attribute.role, Role::Defaulted(_));
    proto::schema::Attribute {
        name: attribute.name.to_owned(),
        r#type: attribute.kind.to_json().to_string().into_bytes(),
        description: attribute.described(),
        required: attribute.role == Role::Required,
        optional: attribute.role == Role::Optional || defaulted,
        computed: attribute.is_output() || defaulted,
        sensitive: attribute.sensitive,
        write_only: attribute.write_only,
        description_kind: proto::StringKind::Markdown.into(),
        ..Default::default()
    }
}

fn block(block: &Block) -> proto::schema::NestedBlock {
    let (nesting, min, max) = match block.nesting {
        Nesting::Single => (NestingMode::Single, 0, 0),
        Nesting::List { min, max } => (NestingMode::List, min, max),
        Nesting::Set { min, max } => (NestingMode::Set, min, max),
    };
    let body = proto::schema::Block {
        description: block.description.to_owned(),
        ..body(&block.body)
    };
    proto::schema::NestedBlock {
        type_name: block.name.to_owned(),
        block: Some(body),
        nesting: nesting.into(),
        min_items: min.into(),
        max_items: max.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::schema::{Fallback, text};

    #[test]
    fn an_absent_value_is_null_and_json_is_understood() {
        assert_eq!(value(None), Ok(Dynamic::Null));
        assert_eq!(
            value(Some(&proto::DynamicValue::default())),
            Ok(Dynamic::Null)
        );
        let json = proto::DynamicValue {
            msgpack: vec![],
            json: b"[1]".to_vec(),
        };
        assert_eq!(value(Some(&json)), Ok(Dynamic::List(vec![1.into()])));
    }

    #[test]
    fn a_setting_with_a_default_is_optional_and_computed() {
        let said = attribute(&text("name").or(Fallback::Text("cacerts")));
        assert!(said.optional && said.computed && !said.required);
        let said = attribute(&text("uid"));
        assert!(!said.optional && said.computed && !said.required);
        let said = attribute(&text("arn").required());
        assert!(!said.optional && !said.computed && said.required);
        assert_eq!(said.r#type, br#""string""#);
    }
}
