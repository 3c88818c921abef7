//! Cores by version: what each knows of the protocol, sends, and reads of an answer.
//!
//! A core that is older than a feature drops what it does not know of our schemas, as protobuf
//! does, and sends nothing of it. Read from the protocol files and the clients of each release.

use std::collections::BTreeMap;

use istiopca_proto::tfplugin6 as proto;
use proptest::prelude::*;
use proptest::sample::select;
use proto::provider_server::Provider as _;
use serde_json::Value;
use tonic::Request;

use super::super::schema::{Attribute, Block, Body, Role, Schema};
use super::super::wire::proto::{dynamic_value, value};
use super::super::{Dynamic, Service};
use super::lamp::{self, Bench};
use super::random::{self, Dice, blueprint};
use super::{flame, gauge, oracle};

/// A core, by what of the newer protocol it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Core {
    name: &'static str,
    /// Terraform 1.9: says what it can do with planning, reading and configuring.
    says_what_it_can: bool,
    /// Terraform 1.10, OpenTofu 1.11.
    ephemerals: bool,
    /// Terraform 1.11, OpenTofu 1.11; says so, also with validating.
    write_only: bool,
    /// Terraform 1.12, OpenTofu 1.12.
    identities: bool,
}

const OLD: Core = Core {
    name: "Terraform 1.5",
    says_what_it_can: false,
    ephemerals: false,
    write_only: false,
    identities: false,
};

const TERRAFORM_1_9: Core = Core {
    name: "Terraform 1.9",
    says_what_it_can: true,
    ..OLD
};

const TERRAFORM_1_10: Core = Core {
    name: "Terraform 1.10",
    ephemerals: true,
    ..TERRAFORM_1_9
};

const TERRAFORM_1_11: Core = Core {
    name: "Terraform 1.11",
    write_only: true,
    ..TERRAFORM_1_10
};

const TERRAFORM_1_12: Core = Core {
    name: "Terraform 1.12",
    identities: true,
    ..TERRAFORM_1_11
};

impl Core {
    /// Every version that differs in something, and those between them by name.
    pub(super) const ALL: &'static [Self] = &[
        OLD,
        Self {
            name: "Terraform 1.6",
            ..OLD
        },
        Self {
            name: "Terraform 1.7",
            ..OLD
        },
        Self {
            name: "Terraform 1.8",
            ..OLD
        },
        TERRAFORM_1_9,
        TERRAFORM_1_10,
        TERRAFORM_1_11,
        TERRAFORM_1_12,
        Self {
            name: "OpenTofu 1.6",
            ..OLD
        },
        Self {
            name: "OpenTofu 1.10",
            ..OLD
        },
        Self {
            name: "OpenTofu 1.11",
            ..TERRAFORM_1_11
        },
        Self {
            name: "OpenTofu 1.12",
            ..TERRAFORM_1_12
        },
    ];

    /// One that knows everything that there is.
    pub(super) fn newest() -> Self {
        TERRAFORM_1_12
    }

    /// What it says of itself with every call but validating.
    pub(super) fn capabilities(self) -> Option<proto::ClientCapabilities> {
        self.says_what_it_can.then_some(proto::ClientCapabilities {
            write_only_attributes_allowed: self.write_only,
            ..Default::default()
        })
    }

    /// What it says of itself with validating: the field is as old as write-only attributes.
    pub(super) fn says_at_validate(self) -> Option<proto::ClientCapabilities> {
        self.capabilities().filter(|_| self.write_only)
    }

    /// A schema as it understands it: an attribute that is never to be stored is one like others.
    pub(super) fn reads(self, schema: &Schema) -> Schema {
        if self.write_only {
            return *schema;
        }
        Schema {
            body: plain(&schema.body),
            ..*schema
        }
    }

    /// What a user of it writes: what it would store has no place there.
    pub(super) fn writes(self, schema: &Schema, config: Dynamic) -> Dynamic {
        if self.write_only {
            config
        } else {
            bare(&schema.body, config)
        }
    }

    /// What is left of an answer once it has dropped what it does not know.
    fn understands(
        self,
        answer: proto::get_provider_schema::Response,
    ) -> proto::get_provider_schema::Response {
        let proto::get_provider_schema::Response {
            provider,
            resource_schemas,
            data_source_schemas,
            diagnostics,
            provider_meta,
            server_capabilities,
            functions: _,
            ephemeral_resource_schemas,
            list_resource_schemas: _,
            action_schemas: _,
        } = answer;
        let all = |schemas: BTreeMap<String, proto::Schema>| {
            let schemas = schemas.into_iter();
            schemas
                .map(|(name, schema)| (name, self.understands_schema(schema)))
                .collect()
        };
        let ephemerals = ephemeral_resource_schemas.into_iter();
        let ephemerals = ephemerals.filter(|_| self.ephemerals);
        proto::get_provider_schema::Response {
            provider: provider.map(|schema| self.understands_schema(schema)),
            resource_schemas: all(resource_schemas),
            data_source_schemas: all(data_source_schemas),
            diagnostics,
            provider_meta,
            server_capabilities,
            ephemeral_resource_schemas: all(ephemerals.collect()),
            ..Default::default()
        }
    }

    fn understands_schema(self, schema: proto::Schema) -> proto::Schema {
        let proto::Schema { version, block } = schema;
        let block = block.map(|block| self.understands_block(block));
        proto::Schema { version, block }
    }

    fn understands_block(self, block: proto::schema::Block) -> proto::schema::Block {
        let proto::schema::Block {
            version,
            attributes,
            block_types,
            description,
            description_kind,
            deprecated,
            deprecation_message: _,
            computed: _,
        } = block;
        let block_types = block_types.into_iter().map(|mut nested| {
            nested.block = nested.block.map(|block| self.understands_block(block));
            nested
        });
        let attributes = attributes.into_iter().map(|mut attribute| {
            attribute.write_only &= self.write_only;
            attribute.deprecation_message.clear();
            attribute
        });
        proto::schema::Block {
            version,
            attributes: attributes.collect(),
            block_types: block_types.collect(),
            description,
            description_kind,
            deprecated,
            ..Default::default()
        }
    }
}

/// The same without write-only attributes; never freed, as schemas are constants.
fn plain(body: &Body) -> Body {
    let attributes = body.attributes.iter().map(|attribute| Attribute {
        write_only: false,
        ..*attribute
    });
    let blocks = body.blocks.iter().map(|block| Block {
        body: plain(&block.body),
        ..*block
    });
    Body {
        attributes: Vec::leak(attributes.collect()),
        blocks: Vec::leak(blocks.collect()),
        rules: body.rules,
    }
}

/// The same without values of write-only attributes.
fn bare(body: &Body, object: Dynamic) -> Dynamic {
    match object {
        Dynamic::Map(mut entries) => {
            for attribute in body.attributes.iter().filter(|each| each.write_only) {
                entries.insert(attribute.name.to_owned(), Dynamic::Null);
            }
            for block in body.blocks {
                let inner = entries.remove(block.name).unwrap_or(Dynamic::Null);
                entries.insert(block.name.to_owned(), bare(&block.body, inner));
            }
            Dynamic::Map(entries)
        }
        Dynamic::List(items) => {
            Dynamic::List(items.into_iter().map(|item| bare(body, item)).collect())
        }
        other => other,
    }
}

/// How many write-only attributes have a value.
fn handed_over(body: &Body, object: &Dynamic) -> usize {
    if let Dynamic::List(items) = object {
        return items.iter().map(|item| handed_over(body, item)).sum();
    }
    let own = body
        .attributes
        .iter()
        .filter(|attribute| attribute.write_only && !object.attribute(attribute.name).is_null());
    let inner = body.blocks.iter();
    let inner = inner.map(|block| handed_over(&block.body, object.attribute(block.name)));
    own.count() + inner.sum::<usize>()
}

/// What makes a core refuse a whole provider, or crash, when it loads its schemas.
fn load(schema: &proto::Schema) -> Result<(), String> {
    block(schema.block.as_ref().ok_or("no block")?)
}

fn block(block: &proto::schema::Block) -> Result<(), String> {
    for attribute in &block.attributes {
        let proto::schema::Attribute {
            name,
            r#type,
            required,
            optional,
            computed,
            ..
        } = attribute;
        if *required == (*optional || *computed) {
            return Err(format!("{name} is required, and not, or nobody's to write"));
        }
        let kind = serde_json::from_slice::<Value>(r#type);
        kind.map_err(|error| format!("{name} has no type: {error}"))?;
    }
    let mut inner = block.block_types.iter();
    inner.try_for_each(|nested| self::block(nested.block.as_ref().ok_or("no block")?))
}

async fn configured(core: Core) -> Service<Bench, bool> {
    let service = lamp::service();
    let request = proto::configure_provider::Request {
        terraform_version: core.name.to_owned(),
        config: Some(dynamic_value(&Dynamic::from([("lamps", Dynamic::Null)]))),
        client_capabilities: core.capabilities(),
    };
    let answer = service.configure_provider(Request::new(request)).await;
    assert_eq!(answer.expect("no status").into_inner().diagnostics, []);
    service
}

async fn understood(core: Core) -> proto::get_provider_schema::Response {
    let request = Request::new(Default::default());
    let answer = lamp::service().get_provider_schema(request).await;
    core.understands(answer.expect("no status").into_inner())
}

#[tokio::test]
async fn every_core_loads_what_it_understands_of_the_schemas() {
    for &core in Core::ALL {
        let answer = understood(core).await;
        assert_eq!(answer.diagnostics, [], "{core:?}");
        let own = answer.provider.as_ref().expect("the provider's own schema");
        let schemas = [("house", own)].into_iter();
        let resources = answer.resource_schemas.iter();
        let ephemerals = answer.ephemeral_resource_schemas.iter();
        let data_sources = answer.data_source_schemas.iter();
        let others = resources.chain(ephemerals).chain(data_sources);
        for (name, schema) in schemas.chain(others.map(|(name, schema)| (name.as_str(), schema))) {
            assert_eq!(load(schema), Ok(()), "{name} under {core:?}");
        }
        let flames = answer
            .ephemeral_resource_schemas
            .contains_key("house_flame");
        assert_eq!(flames, core.ephemerals, "{core:?}");
        let gauges = answer.data_source_schemas.contains_key("house_gauge");
        assert!(gauges, "every core knows of data sources: {core:?}");
    }
}

#[tokio::test]
async fn an_attribute_that_is_never_stored_is_an_optional_one_to_an_older_core() {
    for &core in Core::ALL {
        let answer = understood(core).await;
        let lamp = answer.resource_schemas["house_lamp"].block.as_ref();
        let attributes = &lamp.expect("a block").attributes;
        let token = attributes.iter().find(|each| each.name == "token_wo");
        let token = token.expect("the attribute");
        assert!(token.optional && !token.computed, "{core:?}");
        assert_eq!(token.write_only, core.write_only, "{core:?}");
    }
}

/// Terraform 1.12 and later fail to load a provider that answers with anything but a table.
#[tokio::test]
async fn a_core_with_identities_is_told_that_there_are_none() {
    for core in Core::ALL.iter().filter(|core| core.identities) {
        let service = configured(*core).await;
        let request = Request::new(Default::default());
        let answer = service.get_resource_identity_schemas(request).await;
        let answer = answer.expect("no status").into_inner();
        assert_eq!(answer, Default::default(), "{core:?}");
    }
}

async fn validated(
    service: &Service<Bench, bool>,
    core: Core,
    config: &Dynamic,
) -> Vec<proto::Diagnostic> {
    let request = proto::validate_resource_config::Request {
        type_name: "house_lamp".to_owned(),
        config: Some(dynamic_value(config)),
        client_capabilities: core.says_at_validate(),
    };
    let answer = service.validate_resource_config(Request::new(request));
    answer.await.expect("no status").into_inner().diagnostics
}

#[tokio::test]
async fn what_a_core_would_store_is_refused_where_it_stands() {
    let config = lamp::config(&[("token_wo", "s3cret".into())]);
    for &core in Core::ALL {
        for service in [lamp::service(), configured(core).await] {
            let told = validated(&service, core, &config).await;
            if core.write_only {
                assert_eq!(told, [], "{core:?}");
                continue;
            }
            let [refusal] = told.as_slice() else {
                panic!("{core:?} would store it: {told:?}");
            };
            assert_eq!(refusal.severity(), proto::diagnostic::Severity::Error);
            let told = format!("{}: {}", refusal.summary, refusal.detail);
            assert!(told.contains("Terraform 1.11 and OpenTofu 1.11"), "{told}");
            assert!(!told.contains("s3cret"), "{told}");
            let steps = refusal.attribute.as_ref().map(|path| &path.steps[..]);
            let [step] = steps.unwrap_or_default() else {
                panic!("{refusal:?} has no place");
            };
            let place = proto::attribute_path::step::Selector::AttributeName("token_wo".into());
            assert_eq!(step.selector, Some(place));
        }
    }
}

/// A module hands through what its user leaves out; while `validate` runs, nobody knows that yet.
#[tokio::test]
async fn what_may_turn_out_to_be_nothing_is_refused_only_once_it_would_be_planned() {
    let config = lamp::config(&[("token_wo", Dynamic::UNKNOWN)]);
    for &core in Core::ALL {
        let told = validated(&lamp::service(), core, &config).await;
        assert_eq!(told, [], "{core:?}");
        let told = validated(&configured(core).await, core, &config).await;
        assert_eq!(told.is_empty(), core.write_only, "{core:?}");
    }
}

/// Should a core plan all the same what we refused, we keep nothing of it.
#[tokio::test]
async fn what_a_core_would_store_is_in_no_plan_and_no_state() {
    for &core in Core::ALL {
        let service = configured(core).await;
        let config = lamp::config(&[("token_wo", "s3cret".into())]);
        let request = proto::plan_resource_change::Request {
            type_name: "house_lamp".to_owned(),
            prior_state: Some(dynamic_value(&Dynamic::Null)),
            proposed_new_state: Some(dynamic_value(&config)),
            config: Some(dynamic_value(&config)),
            client_capabilities: core.capabilities(),
            ..Default::default()
        };
        let answer = service.plan_resource_change(Request::new(request)).await;
        let planned = answer.expect("no status").into_inner();
        let seen = value(planned.planned_state.as_ref()).expect("a plan");
        assert_eq!(oracle::bare(&lamp::SCHEMA, &seen), [""; 0], "{core:?}");
        let request = proto::apply_resource_change::Request {
            type_name: "house_lamp".to_owned(),
            prior_state: Some(dynamic_value(&Dynamic::Null)),
            planned_state: planned.planned_state,
            config: Some(dynamic_value(&config)),
            planned_private: planned.planned_private,
            ..Default::default()
        };
        let answer = service.apply_resource_change(Request::new(request)).await;
        let applied = answer.expect("no status").into_inner();
        let seen = value(applied.new_state.as_ref()).expect("a state");
        assert_eq!(oracle::storable(&lamp::SCHEMA, &seen), [""; 0], "{core:?}");
        let private = String::from_utf8_lossy(&applied.private);
        assert!(!private.contains("s3cret"), "{core:?}: {private}");
    }
}

#[tokio::test]
async fn a_core_with_ephemerals_opens_one_whether_or_not_it_knows_of_write_only() {
    for &core in Core::ALL.iter().filter(|core| core.ephemerals) {
        let request = proto::open_ephemeral_resource::Request {
            type_name: "house_flame".to_owned(),
            config: Some(dynamic_value(&flame::config(&[]))),
            client_capabilities: core.capabilities(),
        };
        let service = configured(core).await;
        let answer = service.open_ephemeral_resource(Request::new(request)).await;
        let answer = answer.expect("no status").into_inner();
        assert_eq!(answer.diagnostics, [], "{core:?}");
        let result = value(answer.result.as_ref()).expect("a result");
        let faults = oracle::filled(&flame::SCHEMA, &flame::config(&[]), &result);
        assert_eq!(faults, [""; 0], "{core:?}");
    }
}

#[tokio::test]
async fn every_core_reads_a_data_source() {
    for &core in Core::ALL {
        let request = proto::read_data_source::Request {
            type_name: "house_gauge".to_owned(),
            config: Some(dynamic_value(&gauge::config(&[]))),
            client_capabilities: core.capabilities(),
            ..Default::default()
        };
        let service = configured(core).await;
        let answer = service.read_data_source(Request::new(request)).await;
        let answer = answer.expect("no status").into_inner();
        assert_eq!(answer.diagnostics, [], "{core:?}");
        let state = value(answer.state.as_ref()).expect("a state");
        let faults = oracle::filled(&gauge::SCHEMA, &gauge::config(&[]), &state);
        assert_eq!(faults, [""; 0], "{core:?}");
    }
}

proptest! {
    #![proptest_config(super::cases(96))]

    #[test]
    fn every_value_that_an_older_core_would_store_is_refused(
        core in select(Core::ALL),
        blueprint in blueprint(),
        seed in any::<u64>(),
    ) {
        let schema = blueprint.build();
        let config = random::config(&schema.body, Dice::new(seed));
        let places = schema.handovers(&config, true);
        prop_assert_eq!(places.len(), handed_over(&schema.body, &config));
        let written = core.writes(&schema, config);
        let left = schema.handovers(&written, true);
        prop_assert!(core.write_only || left.is_empty(), "{left:?}");
    }
}

/// A schema with a role that no core can read is found, or the tests above would show nothing.
#[test]
fn a_schema_that_no_core_loads_is_found() {
    const SCHEMA: Schema = Schema::new(
        "",
        &[Attribute {
            role: Role::Required,
            ..super::super::schema::text("name")
        }],
    );
    let mut sent = super::super::wire::proto::schema(&SCHEMA);
    assert_eq!(load(&sent), Ok(()));
    let attributes = sent.block.as_mut().map(|block| &mut block.attributes);
    let attribute = &mut attributes.expect("a block")[0];
    attribute.optional = true;
    assert!(load(&sent).is_err());
    sent.block = None;
    assert!(load(&sent).is_err());
}
