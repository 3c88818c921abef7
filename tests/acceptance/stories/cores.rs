//! Cores that are too old to be at hand: what each sends, spoken to the built binary by the wire.
//!
//! Each leads both resources through a life, as its own client does: with nothing in its requests
//! that is newer than itself, and through the state file between two runs.

mod msgpack;

use std::collections::BTreeSet;

use istiopca_acceptance::cli::Cli;
use istiopca_proto::tfplugin6 as proto;
use proto::provider_client::ProviderClient;
use proto::schema::nested_block::NestingMode;
use serde_json::{Map, Value, json};
use tonic::transport::Channel;

use crate::plugin::Plugin;
use crate::world::World;

const REFUSED: &str = "Write-only settings are not supported here";

/// A core, by what it says of itself.
#[derive(Clone, Copy, Debug)]
struct Core {
    version: &'static str,
    /// Since Terraform 1.9, with everything but validating.
    says_what_it_can: bool,
    /// Since Terraform 1.11, also with validating.
    write_only: bool,
}

const fn core(version: &'static str, says_what_it_can: bool, write_only: bool) -> Core {
    Core {
        version,
        says_what_it_can,
        write_only,
    }
}

const CORES: [Core; 7] = [
    core("1.5.7", false, false),
    core("1.6.6", false, false),
    core("1.7.5", false, false),
    core("1.8.5", false, false),
    core("1.9.8", true, false),
    core("1.10.5", true, false),
    core("1.11.4", true, true),
];

impl Core {
    fn capabilities(self) -> Option<proto::ClientCapabilities> {
        self.says_what_it_can.then_some(proto::ClientCapabilities {
            write_only_attributes_allowed: self.write_only,
            ..Default::default()
        })
    }

    fn says_at_validate(self) -> Option<proto::ClientCapabilities> {
        self.capabilities().filter(|_| self.write_only)
    }
}

/// One run of a core: a process, its schemas, and a provider that is configured.
struct Session {
    core: Core,
    client: ProviderClient<Channel>,
    schemas: proto::get_provider_schema::Response,
    _plugin: Plugin,
}

impl Session {
    async fn begin(core: Core, settings: &Value) -> Self {
        let plugin = Plugin::start("");
        let mut client = plugin.client();
        let request = proto::get_provider_schema::Request {};
        let schemas = client.get_provider_schema(request).await.unwrap();
        let schemas = schemas.into_inner();
        fine(core, &schemas.diagnostics);
        let config = filled(block(schemas.provider.as_ref()), settings);
        let request = proto::validate_provider_config::Request {
            config: Some(sent(&config)),
        };
        let answer = client.validate_provider_config(request).await.unwrap();
        fine(core, &answer.into_inner().diagnostics);
        let request = proto::configure_provider::Request {
            terraform_version: core.version.to_owned(),
            config: Some(sent(&config)),
            client_capabilities: core.capabilities(),
        };
        let answer = client.configure_provider(request).await.unwrap();
        fine(core, &answer.into_inner().diagnostics);
        Self {
            core,
            client,
            schemas,
            _plugin: plugin,
        }
    }

    fn schema(&self, kind: &str) -> &proto::schema::Block {
        block(self.schemas.resource_schemas.get(kind))
    }

    async fn judged(&mut self, kind: &str, config: &Value) -> Vec<proto::Diagnostic> {
        let request = proto::validate_resource_config::Request {
            type_name: kind.to_owned(),
            config: Some(sent(config)),
            client_capabilities: self.core.says_at_validate(),
        };
        let answer = self.client.validate_resource_config(request).await;
        answer.unwrap().into_inner().diagnostics
    }

    async fn planned(
        &mut self,
        kind: &str,
        prior: &Stored,
        config: Option<&Value>,
    ) -> (proto::DynamicValue, Vec<u8>) {
        let null = Value::Null;
        let config = sent(config.unwrap_or(&null));
        let request = proto::plan_resource_change::Request {
            type_name: kind.to_owned(),
            prior_state: Some(prior.value.clone()),
            proposed_new_state: Some(config.clone()),
            config: Some(config),
            prior_private: prior.private.clone(),
            client_capabilities: self.core.capabilities(),
            ..Default::default()
        };
        let answer = self.client.plan_resource_change(request).await.unwrap();
        let answer = answer.into_inner();
        fine(self.core, &answer.diagnostics);
        assert!(answer.deferred.is_none() && !answer.legacy_type_system);
        assert!(answer.planned_identity.is_none(), "{:?}", self.core);
        (answer.planned_state.unwrap(), answer.planned_private)
    }

    async fn applied(&mut self, kind: &str, prior: &Stored, config: Option<&Value>) -> Stored {
        let (planned_state, planned_private) = self.planned(kind, prior, config).await;
        let null = Value::Null;
        let request = proto::apply_resource_change::Request {
            type_name: kind.to_owned(),
            prior_state: Some(prior.value.clone()),
            planned_state: Some(planned_state),
            config: Some(sent(config.unwrap_or(&null))),
            planned_private,
            ..Default::default()
        };
        let answer = self.client.apply_resource_change(request).await.unwrap();
        let answer = answer.into_inner();
        fine(self.core, &answer.diagnostics);
        assert!(answer.new_identity.is_none(), "{:?}", self.core);
        Stored {
            value: answer.new_state.unwrap(),
            private: answer.private,
        }
    }

    /// From the state file, and looked at.
    async fn refreshed(&mut self, kind: &str, stored: &Stored) -> Stored {
        let json = msgpack::json(&stored.value.msgpack)
            .to_string()
            .into_bytes();
        let request = proto::upgrade_resource_state::Request {
            type_name: kind.to_owned(),
            version: 0,
            raw_state: Some(proto::RawState {
                json,
                ..Default::default()
            }),
        };
        let answer = self.client.upgrade_resource_state(request).await.unwrap();
        let answer = answer.into_inner();
        fine(self.core, &answer.diagnostics);
        assert_eq!(answer.upgraded_state.as_ref(), Some(&stored.value));
        let request = proto::read_resource::Request {
            type_name: kind.to_owned(),
            current_state: answer.upgraded_state,
            private: stored.private.clone(),
            client_capabilities: self.core.capabilities(),
            ..Default::default()
        };
        let answer = self.client.read_resource(request).await.unwrap();
        let answer = answer.into_inner();
        fine(self.core, &answer.diagnostics);
        assert!(answer.new_identity.is_none() && answer.deferred.is_none());
        Stored {
            value: answer.new_state.unwrap(),
            private: answer.private,
        }
    }
}

/// An object as a core keeps it.
#[derive(Clone, Debug, PartialEq)]
struct Stored {
    value: proto::DynamicValue,
    private: Vec<u8>,
}

impl Stored {
    fn nothing() -> Self {
        Self {
            value: proto::DynamicValue {
                msgpack: vec![0xc0],
                json: Vec::new(),
            },
            private: Vec::new(),
        }
    }
}

#[track_caller]
fn fine(core: Core, diagnostics: &[proto::Diagnostic]) {
    let error = proto::diagnostic::Severity::Error;
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|told| told.severity() == error)
        .collect();
    assert!(errors.is_empty(), "{core:?}: {errors:#?}");
}

fn block(schema: Option<&proto::Schema>) -> &proto::schema::Block {
    let block = schema.and_then(|schema| schema.block.as_ref());
    block.expect("a schema with a block")
}

fn sent(config: &Value) -> proto::DynamicValue {
    proto::DynamicValue {
        msgpack: Vec::new(),
        json: config.to_string().into_bytes(),
    }
}

/// A whole object of a schema, of which these parts are written.
fn filled(block: &proto::schema::Block, written: &Value) -> Value {
    let attributes = block.attributes.iter();
    let attributes = attributes.map(|each| (each.name.clone(), written[&each.name].clone()));
    let blocks = block.block_types.iter().map(|nested| {
        let inner = nested.block.as_ref().expect("a block");
        let value = match &written[&nested.type_name] {
            Value::Array(items) => items.iter().map(|item| filled(inner, item)).collect(),
            Value::Null if nested.nesting() == NestingMode::Single => Value::Null,
            Value::Null => json!([]),
            single => filled(inner, single),
        };
        (nested.type_name.clone(), value)
    });
    Value::Object(attributes.chain(blocks).collect())
}

/// The provider's settings with which it finds this world.
fn settings(world: &World) -> Value {
    let (endpoint, directory) = (world.aws.endpoint(), world.dir.path());
    let kubeconfig = world.cluster.kubeconfig(&world.user);
    json!({
        "profile": "story",
        "shared_config_files": [directory.join("aws-config")],
        "shared_credentials_files": [directory.join("aws-credentials")],
        "endpoints": [{"acmpca": endpoint, "eks": endpoint, "sts": endpoint}],
        "kubernetes": [{"config_path": kubeconfig, "config_context": "tests"}],
    })
}

/// Both resources as a user of any core can have them.
fn resources(world: &World) -> [(&'static str, Value); 2] {
    let issued = json!({
        "certificate_authority_arn": world.ca.arn(),
        "subject": [{"common_name": "istio-ca.cores", "organization": ["Example"]}],
    });
    let mut intermediate = issued.clone();
    intermediate["private_key_storage"] = "state".into();
    let secret = json!({
        "namespace": world.namespace,
        "on_destroy": "delete",
        "intermediate": [issued],
    });
    [
        ("istiopca_intermediate", intermediate),
        ("istiopca_cacerts_secret", secret),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_core_leads_the_resources_through_a_life() {
    let world = World::with_binary(Cli::Terraform, "cores").await;
    let settings = settings(&world);
    for core in CORES {
        for (kind, written) in resources(&world) {
            let mut first = Session::begin(core, &settings).await;
            let config = filled(first.schema(kind), &written);
            fine(core, &first.judged(kind, &config).await);
            let made = first.applied(kind, &Stored::nothing(), Some(&config)).await;
            let state = msgpack::json(&made.value.msgpack);
            let names: Map<String, Value> = config.as_object().unwrap().clone();
            let stored: BTreeSet<&String> = state.as_object().unwrap().keys().collect();
            assert_eq!(stored, names.keys().collect::<BTreeSet<_>>(), "{core:?}");
            assert!(state["certificate_arn"].is_string(), "{core:?}: {kind}");

            let mut second = Session::begin(core, &settings).await;
            let seen = second.refreshed(kind, &made).await;
            assert_eq!(seen, made, "{core:?}: {kind} changes by being looked at");
            let (planned, private) = second.planned(kind, &seen, Some(&config)).await;
            let same = Stored {
                value: planned,
                private,
            };
            assert_eq!(same, made, "{core:?}: {kind} is never finished");

            let gone = second.applied(kind, &seen, None).await;
            assert_eq!(gone.value, Stored::nothing().value, "{core:?}: {kind}");
        }
    }
    let orders = 2 * CORES.len();
    assert_eq!(world.aws.count("IssueCertificate"), orders);
}

/// The configuration with a text in each write-only attribute, and how many there are.
fn handed_over(block: &proto::schema::Block) -> (Value, usize) {
    let (mut object, mut count) = (Map::new(), 0);
    for attribute in block.attributes.iter().filter(|each| each.write_only) {
        object.insert(attribute.name.clone(), "s3cret".into());
        count += 1;
    }
    for nested in &block.block_types {
        let (inner, more) = handed_over(nested.block.as_ref().expect("a block"));
        if more > 0 {
            object.insert(nested.type_name.clone(), json!([inner]));
            count += more;
        }
    }
    (Value::Object(object), count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_would_store_it_hands_nothing_over() {
    let world = World::with_binary(Cli::Terraform, "cores-write-only").await;
    let settings = settings(&world);
    for core in CORES {
        let mut session = Session::begin(core, &settings).await;
        for (kind, _) in resources(&world) {
            let (written, count) = handed_over(session.schema(kind));
            let config = filled(session.schema(kind), &written);
            let told = session.judged(kind, &config).await;
            let refused = told.iter().filter(|told| told.summary == REFUSED);
            let places: Vec<_> = refused
                .map(|refused| {
                    assert!(!refused.detail.contains("s3cret"), "{refused:?}");
                    refused.attribute.clone().expect("a place")
                })
                .collect();
            let expected = if core.write_only { 0 } else { count };
            assert_eq!(places.len(), expected, "{core:?}: {kind}: {told:#?}");
        }
    }
}
