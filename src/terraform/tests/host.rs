//! A core, as far as one object is concerned: it calls the service as a core does, and refuses what
//! a core refuses.

use istiopca_proto::tfplugin6 as proto;
use jiff::Timestamp;
use proto::attribute_path::step::Selector;
use proto::provider_server::Provider as _;
use tonic::Request;

use super::super::schema::{Body, Nesting, Role, Schema};
use super::super::wire::proto::{dynamic_value, value};
use super::super::{Configured, Dynamic, Fillable, Managed, Manner, Path, Provider, Service};
use super::cores::Core;
use super::oracle::{self, Faults};
use super::random;

/// The type of the only resource.
pub(super) const THING: &str = "random_thing";

/// One object's core.
pub(super) struct Host {
    pub(super) service: Service<(), ()>,
    core: Core,
    /// As this version reads it.
    schema: Schema,
    runtime: tokio::runtime::Runtime,
}

/// An object as it stands in the state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) value: Dynamic,
    pub(super) private: Vec<u8>,
    pub(super) tainted: bool,
}

/// A planned change.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub(super) action: Action,
    pub(super) planned: Dynamic,
    pub(super) private: Vec<u8>,
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    NoOp,
    Create,
    Update,
    Replace,
    Delete,
}

/// Why a core stops.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Trouble {
    /// The provider said so; the summaries of its errors.
    Told(Vec<String>),
    /// The provider did what none may do.
    Wrong(String),
}

/// What an apply leaves behind.
#[derive(Debug)]
pub(super) struct Applied {
    pub(super) stored: Option<Stored>,
    pub(super) errors: Vec<String>,
}

type Outcome<T> = Result<T, Trouble>;

impl Host {
    /// A core of today that has configured a provider of one resource.
    pub(super) fn new(resource: Box<dyn Managed<(), ()>>) -> Self {
        Self::of(Core::newest(), resource)
    }

    /// A core of that version that has configured a provider of one resource.
    pub(super) fn of(core: Core, resource: Box<dyn Managed<(), ()>>) -> Self {
        let schema = core.reads(resource.schema());
        Self::serving(core, schema, vec![resource], Vec::new())
    }

    /// A core of today that has configured a provider of one ephemeral object or data source.
    pub(super) fn filling(fillable: Box<dyn Fillable<()>>) -> Self {
        let schema = *fillable.schema();
        Self::serving(Core::newest(), schema, Vec::new(), vec![fillable])
    }

    fn serving(
        core: Core,
        schema: Schema,
        resources: Vec<Box<dyn Managed<(), ()>>>,
        fillables: Vec<Box<dyn Fillable<()>>>,
    ) -> Self {
        let (ephemerals, data_sources) = fillables
            .into_iter()
            .partition(|fillable| fillable.manner() == Manner::Opened);
        let provider = Provider {
            name: "random",
            schema: Schema::new("Chance.", &[]),
            resources,
            ephemerals,
            data_sources,
            configure: |_| {
                Ok(Configured {
                    clients: (),
                    policy: (),
                })
            },
        };
        let clock: super::super::Clock = std::sync::Arc::new(|| Timestamp::UNIX_EPOCH);
        let host = Self {
            core,
            service: Service::new(provider, clock),
            schema,
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .expect("a runtime"),
        };
        let request = proto::configure_provider::Request {
            config: Some(dynamic_value(&Dynamic::Map(Default::default()))),
            client_capabilities: core.capabilities(),
            ..Default::default()
        };
        let answer = host
            .runtime
            .block_on(host.service.configure_provider(Request::new(request)));
        assert_eq!(answer.expect("no status").into_inner().diagnostics, []);
        host
    }

    /// Whether the provider accepts a configuration.
    pub(super) fn validate(&self, config: &Dynamic) -> Outcome<()> {
        let request = proto::validate_resource_config::Request {
            type_name: THING.to_owned(),
            config: Some(dynamic_value(config)),
            client_capabilities: self.core.says_at_validate(),
        };
        let call = self.service.validate_resource_config(Request::new(request));
        told(self.answered(call)?.diagnostics)
    }

    /// From one run to the next: through the state file.
    pub(super) fn load(&self, stored: &Stored) -> Outcome<Stored> {
        let json = random::json(&stored.value).into_bytes();
        let request = proto::upgrade_resource_state::Request {
            type_name: THING.to_owned(),
            version: self.schema.version,
            raw_state: Some(proto::RawState {
                json,
                ..Default::default()
            }),
        };
        let call = self.service.upgrade_resource_state(Request::new(request));
        let answer = self.answered(call)?;
        told(answer.diagnostics)?;
        let value = self.seen(answer.upgraded_state.as_ref())?;
        right(oracle::storable(&self.schema, &value))?;
        Ok(Stored {
            value,
            ..stored.clone()
        })
    }

    /// Looks at the object.
    pub(super) fn refresh(&self, stored: &Stored) -> Outcome<Option<Stored>> {
        let request = proto::read_resource::Request {
            type_name: THING.to_owned(),
            current_state: Some(dynamic_value(&stored.value)),
            private: stored.private.clone(),
            client_capabilities: self.core.capabilities(),
            ..Default::default()
        };
        let answer = self.answered(self.service.read_resource(Request::new(request)))?;
        told(answer.diagnostics)?;
        let value = self.seen(answer.new_state.as_ref())?;
        right(oracle::storable(&self.schema, &value))?;
        Ok((!value.is_null()).then_some(Stored {
            value,
            private: answer.private,
            tainted: stored.tainted,
        }))
    }

    /// Plans what makes the object as configured, in either phase; `-replace` forces a new one.
    pub(super) fn plan(
        &self,
        stored: Option<&Stored>,
        config: &Dynamic,
        force: bool,
    ) -> Outcome<Change> {
        let prior = stored.filter(|stored| !stored.tainted);
        let null = Dynamic::Null;
        let (value, private) =
            prior.map_or((&null, &[][..]), |prior| (&prior.value, &prior.private));
        let first = self.planned(value, config, private)?;
        let replaced = !value.is_null() && (self.replaced(value, &first)? || force);
        let action = match stored {
            None => Action::Create,
            Some(stored) if stored.tainted => Action::Replace,
            Some(_) if first.planned == *value && !force => Action::NoOp,
            Some(_) if replaced => Action::Replace,
            Some(_) => Action::Update,
        };
        if action != Action::Replace || value.is_null() {
            return Ok(Change {
                action,
                ..first.change
            });
        }
        let second = self.planned(&null, config, &first.change.private)?;
        Ok(Change {
            action,
            ..second.change
        })
    }

    /// Plans that the object goes.
    pub(super) fn plan_destroy(&self, stored: &Stored) -> Outcome<Change> {
        let request = proto::plan_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: Some(dynamic_value(&stored.value)),
            proposed_new_state: Some(dynamic_value(&Dynamic::Null)),
            config: Some(dynamic_value(&Dynamic::Null)),
            prior_private: stored.private.clone(),
            client_capabilities: self.core.capabilities(),
            ..Default::default()
        };
        let answer = self.answered(self.service.plan_resource_change(Request::new(request)))?;
        told(answer.diagnostics)?;
        let planned = self.seen(answer.planned_state.as_ref())?;
        if !planned.is_null() {
            return wrong("planned a non-null destroy value");
        }
        Ok(Change {
            action: Action::Delete,
            planned,
            private: answer.planned_private,
        })
    }

    /// Plans again at apply, when everything is known, and holds the provider to its first answer.
    pub(super) fn replan(
        &self,
        stored: Option<&Stored>,
        config: &Dynamic,
        change: &Change,
    ) -> Outcome<Change> {
        let again = self.plan(stored, config, false)?;
        let same = again.action == change.action
            || (change.action, again.action) == (Action::Update, Action::NoOp)
            // The old object is gone by now.
            || (change.action, again.action) == (Action::Replace, Action::Create);
        if !same {
            return wrong(&format!(
                "was {:?}, is now {:?}",
                change.action, again.action
            ));
        }
        right(oracle::compatible(
            &self.schema,
            &change.planned,
            &again.planned,
        ))?;
        Ok(again)
    }

    /// Applies a change.
    pub(super) fn apply(
        &self,
        stored: Option<&Stored>,
        config: &Dynamic,
        change: &Change,
    ) -> Outcome<Applied> {
        let prior = stored.map_or(Dynamic::Null, |stored| stored.value.clone());
        let request = proto::apply_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: Some(dynamic_value(&prior)),
            planned_state: Some(dynamic_value(&change.planned)),
            config: Some(dynamic_value(config)),
            planned_private: change.private.clone(),
            ..Default::default()
        };
        let answer = self.answered(self.service.apply_resource_change(Request::new(request)))?;
        let errors = match told(answer.diagnostics) {
            Err(Trouble::Told(errors)) => errors,
            Err(wrong) => return Err(wrong),
            Ok(()) => Vec::new(),
        };
        let value = self.seen(answer.new_state.as_ref())?;
        right(oracle::storable(&self.schema, &value))?;
        if errors.is_empty() {
            right(oracle::compatible(&self.schema, &change.planned, &value))?;
        }
        let stored = match (value.is_null(), errors.is_empty()) {
            (true, true) => None,
            (true, false) => stored.cloned(),
            (false, _) => Some(Stored {
                value,
                private: answer.private,
                tainted: !errors.is_empty() && change.action == Action::Create,
            }),
        };
        Ok(Applied { stored, errors })
    }

    /// Whether the provider accepts a configuration of an ephemeral object or a data source.
    pub(super) fn validate_filling(&self, manner: Manner, config: &Dynamic) -> Outcome<()> {
        match manner {
            Manner::Opened => self.validate_opening(config),
            Manner::Read => self.validate_reading(config),
        }
    }

    /// Opens an ephemeral object, renews it once and closes it, or reads a data source: what it came
    /// to.
    pub(super) fn fill(&self, manner: Manner, config: &Dynamic) -> Outcome<Dynamic> {
        match manner {
            Manner::Opened => self.open(config),
            Manner::Read => self.read(config),
        }
    }

    fn validate_reading(&self, config: &Dynamic) -> Outcome<()> {
        let request = proto::validate_data_resource_config::Request {
            type_name: THING.to_owned(),
            config: Some(dynamic_value(config)),
        };
        let call = self
            .service
            .validate_data_resource_config(Request::new(request));
        told(self.answered(call)?.diagnostics)
    }

    fn read(&self, config: &Dynamic) -> Outcome<Dynamic> {
        let request = proto::read_data_source::Request {
            type_name: THING.to_owned(),
            config: Some(dynamic_value(config)),
            client_capabilities: self.core.capabilities(),
            ..Default::default()
        };
        let answer = self.answered(self.service.read_data_source(Request::new(request)))?;
        told(answer.diagnostics)?;
        if answer.deferred.is_some() {
            return wrong("deferred what it was not allowed to");
        }
        let state = self.seen(answer.state.as_ref())?;
        right(oracle::filled(&self.schema, config, &state))?;
        Ok(state)
    }

    fn validate_opening(&self, config: &Dynamic) -> Outcome<()> {
        let request = proto::validate_ephemeral_resource_config::Request {
            type_name: THING.to_owned(),
            config: Some(dynamic_value(config)),
        };
        let call = self
            .service
            .validate_ephemeral_resource_config(Request::new(request));
        told(self.answered(call)?.diagnostics)
    }

    fn open(&self, config: &Dynamic) -> Outcome<Dynamic> {
        let type_name = THING.to_owned();
        let request = proto::open_ephemeral_resource::Request {
            type_name: type_name.clone(),
            config: Some(dynamic_value(config)),
            client_capabilities: self.core.capabilities(),
        };
        let answer = self.answered(self.service.open_ephemeral_resource(Request::new(request)))?;
        told(answer.diagnostics)?;
        if answer.deferred.is_some() {
            return wrong("deferred what it was not allowed to");
        }
        let result = self.seen(answer.result.as_ref())?;
        right(oracle::filled(&self.schema, config, &result))?;
        let (renewed, closed) = (
            proto::renew_ephemeral_resource::Request {
                type_name: type_name.clone(),
                private: answer.private.clone(),
            },
            proto::close_ephemeral_resource::Request {
                type_name,
                private: answer.private,
            },
        );
        let renewed =
            self.answered(self.service.renew_ephemeral_resource(Request::new(renewed)))?;
        told(renewed.diagnostics)?;
        let closed = self.answered(self.service.close_ephemeral_resource(Request::new(closed)))?;
        told(closed.diagnostics)?;
        Ok(result)
    }

    fn planned(&self, prior: &Dynamic, config: &Dynamic, private: &[u8]) -> Outcome<Planned> {
        let request = proto::plan_resource_change::Request {
            type_name: THING.to_owned(),
            prior_state: Some(dynamic_value(prior)),
            proposed_new_state: Some(dynamic_value(&proposed(&self.schema.body, prior, config))),
            config: Some(dynamic_value(config)),
            prior_private: private.to_vec(),
            client_capabilities: self.core.capabilities(),
            ..Default::default()
        };
        let answer = self.answered(self.service.plan_resource_change(Request::new(request)))?;
        told(answer.diagnostics)?;
        let planned = self.seen(answer.planned_state.as_ref())?;
        right(oracle::plan_valid(&self.schema, prior, config, &planned))?;
        right(oracle::bare(&self.schema, &planned))?;
        Ok(Planned {
            planned: planned.clone(),
            replaces: answer.requires_replace.iter().map(path).collect(),
            change: Change {
                action: Action::NoOp,
                planned,
                private: answer.planned_private,
            },
        })
    }

    fn replaced(&self, prior: &Dynamic, planned: &Planned) -> Outcome<bool> {
        oracle::replaced(prior, &planned.planned, &planned.replaces).map_err(Trouble::Wrong)
    }

    fn seen(&self, answer: Option<&proto::DynamicValue>) -> Outcome<Dynamic> {
        let decoded = value(answer).map_err(|error| Trouble::Wrong(error.to_string()))?;
        oracle::seen(&self.schema, &decoded).map_err(Trouble::Wrong)
    }

    fn answered<T>(
        &self,
        call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
    ) -> Outcome<T> {
        let answer = self.runtime.block_on(call);
        answer
            .map(tonic::Response::into_inner)
            .map_err(|status| Trouble::Wrong(status.to_string()))
    }
}

struct Planned {
    planned: Dynamic,
    replaces: Vec<Path>,
    change: Change,
}

fn told(diagnostics: Vec<proto::Diagnostic>) -> Outcome<()> {
    let mut errors = Vec::new();
    for diagnostic in diagnostics {
        if diagnostic.summary.is_empty() || diagnostic.detail.is_empty() {
            return wrong("a message without words");
        }
        match diagnostic.severity() {
            proto::diagnostic::Severity::Error => errors.push(diagnostic.summary),
            proto::diagnostic::Severity::Warning => {}
            proto::diagnostic::Severity::Invalid => return wrong("a message without weight"),
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Trouble::Told(errors))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the callers read better so")]
fn right(faults: Faults) -> Outcome<()> {
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Trouble::Wrong(faults.join("; ")))
    }
}

fn wrong<T>(what: &str) -> Outcome<T> {
    Err(Trouble::Wrong(what.to_owned()))
}

fn path(path: &proto::AttributePath) -> Path {
    let steps = path.steps.iter().filter_map(|step| step.selector.as_ref());
    steps.fold(Path::root(), |path, step| match step {
        Selector::AttributeName(name) => path.attribute(name.clone()),
        Selector::ElementKeyString(key) => path.key(key.as_str()),
        Selector::ElementKeyInt(index) => path.index(usize::try_from(*index).expect("an index")),
    })
}

/// What a core proposes: the configuration, with prior values for what is computed and not written.
fn proposed(body: &Body, prior: &Dynamic, config: &Dynamic) -> Dynamic {
    let Dynamic::Map(_) = config else {
        return config.clone();
    };
    let attributes = body.attributes.iter().map(|attribute| {
        let (prior, config) = (
            prior.attribute(attribute.name),
            config.attribute(attribute.name),
        );
        let computed = matches!(attribute.role, Role::Output | Role::Defaulted(_));
        let value = if computed && config.is_null() {
            prior
        } else {
            config
        };
        (attribute.name.to_owned(), value.clone())
    });
    let blocks = body.blocks.iter().map(|block| {
        let (prior, config) = (prior.attribute(block.name), config.attribute(block.name));
        let value = match (block.nesting, config) {
            (Nesting::Single, _) => proposed(&block.body, prior, config),
            (Nesting::List { .. }, Dynamic::List(items)) => {
                let items = items.iter().enumerate().map(|(place, item)| {
                    let prior = prior.elements().get(place).unwrap_or(&Dynamic::Null);
                    proposed(&block.body, prior, item)
                });
                Dynamic::List(items.collect())
            }
            _ => config.clone(),
        };
        (block.name.to_owned(), value)
    });
    Dynamic::Map(attributes.chain(blocks).collect())
}
