//! Bytes that no core would send: never a panic, never a gRPC error, and where there is no message,
//! an answer that a core can read.

use istiopca_proto::tfplugin6 as proto;
use proptest::prelude::*;
use proto::provider_server::Provider as _;
use proto::{
    apply_resource_change, close_ephemeral_resource, open_ephemeral_resource, plan_resource_change,
    read_data_source, read_resource, renew_ephemeral_resource, upgrade_resource_state,
    validate_data_resource_config, validate_ephemeral_resource_config, validate_resource_config,
};
use tonic::{Request, Response, Status};

use super::super::schema::Schema;
use super::super::value::arbitrary::dynamic;
use super::super::wire::msgpack;
use super::super::wire::proto::value;
use super::super::{Dynamic, Service};
use super::flame;
use super::gauge;
use super::host::{Host, THING};
use super::lamp::{self, Bench};
use super::oracle;
use super::random::{self, Dice, Model, blueprint};

/// A value's bytes: as they should be, of another type, cut, bent, or anything at all.
#[derive(Clone, Debug)]
enum Bytes {
    Right,
    Null,
    Absent,
    Other(Dynamic),
    Cut(usize),
    Bent(usize, u8),
    Any(Vec<u8>),
    Json(Vec<u8>),
}

fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        4 => Just(Bytes::Right),
        1 => Just(Bytes::Null),
        1 => Just(Bytes::Absent),
        2 => dynamic().prop_map(Bytes::Other),
        2 => any::<usize>().prop_map(Bytes::Cut),
        4 => (any::<usize>(), any::<u8>()).prop_map(|(place, byte)| Bytes::Bent(place, byte)),
        2 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Bytes::Any),
        1 => r#"[\[\]{}",:0-9a-z\\. -]{0,60}"#.prop_map(|text| Bytes::Json(text.into_bytes())),
    ]
}

impl Bytes {
    fn of(&self, right: &[u8]) -> Vec<u8> {
        let mut bytes = right.to_vec();
        match self {
            Self::Right => {}
            Self::Null => bytes = vec![0xc0],
            Self::Absent | Self::Json(_) => bytes.clear(),
            Self::Other(value) => bytes = msgpack::encode(value),
            Self::Cut(length) => bytes.truncate(length % (right.len() + 1)),
            Self::Bent(place, byte) if !right.is_empty() => bytes[place % right.len()] = *byte,
            Self::Bent(_, byte) => bytes.push(*byte),
            Self::Any(any) => bytes.clone_from(any),
        }
        bytes
    }

    fn value(&self, right: &Dynamic) -> Option<proto::DynamicValue> {
        let json = match self {
            Self::Absent => return None,
            Self::Json(json) => json.clone(),
            _ => Vec::new(),
        };
        let msgpack = self.of(&msgpack::encode(right));
        Some(proto::DynamicValue { msgpack, json })
    }
}

/// What the fields of a request are made of.
#[derive(Clone, Debug)]
struct Garble {
    prior: Bytes,
    config: Bytes,
    proposed: Bytes,
    private: Bytes,
    state: Bytes,
}

fn garble() -> impl Strategy<Value = Garble> {
    let parts = (bytes(), bytes(), bytes(), bytes(), bytes());
    parts.prop_map(|(prior, config, proposed, private, state)| Garble {
        prior,
        config,
        proposed,
        private,
        state,
    })
}

const PRIVATE: &[u8] = br#"{"destroying":true,"own":{"switched":1,"stolen":false,"open":["o0"]}}"#;

type Answers = Vec<Option<proto::DynamicValue>>;

/// Sends every call of a resource's life, garbled, and returns the values of the answers.
async fn bombard<C, P>(
    service: &Service<C, P>,
    type_name: &str,
    object: &Dynamic,
    garble: &Garble,
) -> Result<Answers, String>
where
    C: Send + Sync + 'static,
    P: Send + Sync + 'static,
{
    let type_name = type_name.to_owned();
    let validate =
        service.validate_resource_config(Request::new(validate_resource_config::Request {
            type_name: type_name.clone(),
            config: garble.config.value(object),
            ..Default::default()
        }));
    let upgrade = service.upgrade_resource_state(Request::new(upgrade_resource_state::Request {
        type_name: type_name.clone(),
        version: 0,
        raw_state: Some(proto::RawState {
            json: garble.state.of(random::json(object).as_bytes()),
            ..Default::default()
        }),
    }));
    let read = service.read_resource(Request::new(read_resource::Request {
        type_name: type_name.clone(),
        current_state: garble.prior.value(object),
        private: garble.private.of(PRIVATE),
        ..Default::default()
    }));
    let plan = service.plan_resource_change(Request::new(plan_resource_change::Request {
        type_name: type_name.clone(),
        prior_state: garble.prior.value(object),
        proposed_new_state: garble.proposed.value(object),
        config: garble.config.value(object),
        prior_private: garble.private.of(PRIVATE),
        ..Default::default()
    }));
    let apply = service.apply_resource_change(Request::new(apply_resource_change::Request {
        type_name,
        prior_state: garble.prior.value(object),
        planned_state: garble.proposed.value(object),
        config: garble.config.value(object),
        planned_private: garble.private.of(PRIVATE),
        ..Default::default()
    }));
    calm(validate.await, |answer| (answer.diagnostics, None))?;
    Ok(vec![
        calm(upgrade.await, |answer| {
            (answer.diagnostics, answer.upgraded_state)
        })?,
        calm(read.await, |answer| (answer.diagnostics, answer.new_state))?,
        calm(plan.await, |answer| {
            (answer.diagnostics, answer.planned_state)
        })?,
        calm(apply.await, |answer| (answer.diagnostics, answer.new_state))?,
    ])
}

/// Sends every call of an ephemeral object's life, garbled, and returns the value of the answers.
async fn bombard_opening<C, P>(
    service: &Service<C, P>,
    type_name: &str,
    object: &Dynamic,
    garble: &Garble,
) -> Result<Answers, String>
where
    C: Send + Sync + 'static,
    P: Send + Sync + 'static,
{
    let type_name = type_name.to_owned();
    let private = Some(garble.private.of(PRIVATE));
    let validate = validate_ephemeral_resource_config::Request {
        type_name: type_name.clone(),
        config: garble.proposed.value(object),
    };
    let open = open_ephemeral_resource::Request {
        type_name: type_name.clone(),
        config: garble.config.value(object),
        ..Default::default()
    };
    let renew = renew_ephemeral_resource::Request {
        type_name: type_name.clone(),
        private: private.clone(),
    };
    let close = close_ephemeral_resource::Request { type_name, private };
    let validated = service.validate_ephemeral_resource_config(Request::new(validate));
    calm(validated.await, |answer| (answer.diagnostics, None))?;
    let opened = service.open_ephemeral_resource(Request::new(open)).await;
    let opened = calm(opened, |answer| (answer.diagnostics, answer.result))?;
    let renewed = service.renew_ephemeral_resource(Request::new(renew)).await;
    calm(renewed, |answer| (answer.diagnostics, None))?;
    let closed = service.close_ephemeral_resource(Request::new(close)).await;
    calm(closed, |answer| (answer.diagnostics, None))?;
    Ok(vec![opened])
}

/// Sends every call that concerns a data source, garbled, and returns the value of the answer.
async fn bombard_reading<C, P>(
    service: &Service<C, P>,
    type_name: &str,
    object: &Dynamic,
    garble: &Garble,
) -> Result<Answers, String>
where
    C: Send + Sync + 'static,
    P: Send + Sync + 'static,
{
    let validate = validate_data_resource_config::Request {
        type_name: type_name.to_owned(),
        config: garble.proposed.value(object),
    };
    let read = read_data_source::Request {
        type_name: type_name.to_owned(),
        config: garble.config.value(object),
        ..Default::default()
    };
    let validated = service.validate_data_resource_config(Request::new(validate));
    calm(validated.await, |answer| (answer.diagnostics, None))?;
    let read = service.read_data_source(Request::new(read)).await;
    Ok(vec![calm(read, |answer| {
        (answer.diagnostics, answer.state)
    })?])
}

/// The value of an answer without errors; an answer that tells of a panic is none.
fn calm<T>(
    answer: Result<Response<T>, Status>,
    parts: impl FnOnce(T) -> (Vec<proto::Diagnostic>, Option<proto::DynamicValue>),
) -> Result<Option<proto::DynamicValue>, String> {
    let answer = answer.map_err(|status| status.to_string())?;
    let (diagnostics, value) = parts(answer.into_inner());
    let mut told = diagnostics.iter().map(|diagnostic| &diagnostic.summary);
    match told.find(|summary| summary.starts_with("The provider failed in")) {
        Some(bug) => Err(bug.clone()),
        None if diagnostics.iter().any(|told| told.severity == 1) => Ok(None),
        None => Ok(value),
    }
}

/// Answers without errors are whole.
fn readable(schema: &Schema, answers: &Answers) -> Result<(), String> {
    for answer in answers.iter().flatten() {
        let value = value(Some(answer)).map_err(|error| error.to_string())?;
        oracle::seen(schema, &value)?;
    }
    Ok(())
}

/// The provider of lamps, flames and gauges, configured.
async fn house() -> Result<Service<Bench, bool>, String> {
    let service = lamp::service();
    let config = Dynamic::from([("lamps", Dynamic::Null)]);
    let request = proto::configure_provider::Request {
        config: Bytes::Right.value(&config),
        ..Default::default()
    };
    let configured = service.configure_provider(Request::new(request)).await;
    calm(configured, |answer| (answer.diagnostics, None))?;
    Ok(service)
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().expect("a runtime")
}

proptest! {
    #![proptest_config(super::cases(256))]

    #[test]
    fn a_typed_resource_survives_any_bytes(garble in garble()) {
        let outcome = runtime().block_on(async {
            let service = house().await?;
            let mount = Dynamic::List(vec![Dynamic::from([("wall", "north")])]);
            let lamp = lamp::config(&[("watts", 5.into()), ("mount", mount)]);
            bombard(&service, "house_lamp", &lamp, &garble).await
        });
        let outcome = outcome.and_then(|answers| readable(&lamp::SCHEMA, &answers));
        prop_assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn a_typed_ephemeral_survives_any_bytes(garble in garble()) {
        let outcome = runtime().block_on(async {
            let service = house().await?;
            let shade = Dynamic::List(vec![Dynamic::from([("tint", "green")])]);
            let flame = flame::config(&[("shade", shade)]);
            bombard_opening(&service, "house_flame", &flame, &garble).await
        });
        let outcome = outcome.and_then(|answers| readable(&flame::SCHEMA, &answers));
        prop_assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn a_typed_data_source_survives_any_bytes(garble in garble()) {
        let outcome = runtime().block_on(async {
            let service = house().await?;
            let gauge = gauge::config(&[("unit", "F".into())]);
            bombard_reading(&service, "house_gauge", &gauge, &garble).await
        });
        let outcome = outcome.and_then(|answers| readable(&gauge::SCHEMA, &answers));
        prop_assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn a_random_resource_survives_any_bytes(
        blueprint in blueprint(),
        seed in any::<u64>(),
        garble in garble(),
    ) {
        let schema = blueprint.build();
        let model = Model {
            name: THING,
            schema,
            promised: blueprint.promised(),
            dice: Dice::new(seed),
            script: Default::default(),
        };
        let object = random::config(&schema.body, Dice::new(seed));
        let host = Host::new(Box::new(model));
        let outcome = runtime().block_on(bombard(&host.service, THING, &object, &garble));
        let outcome = outcome.and_then(|answers| readable(&schema, &answers));
        prop_assert_eq!(outcome, Ok(()));
    }

    #[test]
    fn a_provider_survives_any_configuration(config in bytes()) {
        let service = lamp::service();
        let right = Dynamic::from([("lamps", Dynamic::Null)]);
        let config = config.value(&right);
        let request = proto::validate_provider_config::Request { config: config.clone() };
        let validated = runtime().block_on(service.validate_provider_config(Request::new(request)));
        prop_assert!(calm(validated, |answer| (answer.diagnostics, None)).is_ok());
        let request = proto::configure_provider::Request { config, ..Default::default() };
        let configured = runtime().block_on(service.configure_provider(Request::new(request)));
        prop_assert!(calm(configured, |answer| (answer.diagnostics, None)).is_ok());
    }
}
