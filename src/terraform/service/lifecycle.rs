//! What is done for each call that concerns a managed resource.

use istiopca_proto::tfplugin6 as proto;

use super::{Answer, Inner, LOOK};
use crate::terraform::apply::{self, Applied, Order, apply};
use crate::terraform::managed::{Managed, Object};
use crate::terraform::plan::{Plan, Proposal, plan};
use crate::terraform::private::Private;
use crate::terraform::resource::{Ask, Planned};
use crate::terraform::schema::{Leniency, Schema};
use crate::terraform::wire::{self, WireError, proto as spelt};
use crate::terraform::{Diagnostic, Dynamic, Path};

impl<C: Send + Sync, P: Send + Sync> Inner<C, P> {
    pub(super) async fn validate_provider_config(
        &self,
        request: proto::validate_provider_config::Request,
    ) -> Answer<proto::validate_provider_config::Response> {
        let config = received(&self.provider.schema, request.config.as_ref())?;
        let diagnostics = spelt::diagnostics(self.provider.schema.judge(&config));
        Ok(proto::validate_provider_config::Response { diagnostics })
    }

    pub(super) async fn configure_provider(
        &self,
        request: proto::configure_provider::Request,
    ) -> Answer<proto::configure_provider::Response> {
        let config = received(&self.provider.schema, request.config.as_ref())?;
        self.configure(&config, &request.terraform_version)?;
        Ok(proto::configure_provider::Response::default())
    }

    pub(super) async fn validate_resource_config(
        &self,
        request: proto::validate_resource_config::Request,
    ) -> Answer<proto::validate_resource_config::Response> {
        let schema = self
            .provider
            .resource(&request.type_name)
            .map_err(one)?
            .schema();
        let config = received(schema, request.config.as_ref())?;
        let mut problems = schema.judge(&config);
        if !hands_over(request.client_capabilities.as_ref()) {
            // Before a plan everything that a module hands through is unknown, also what its user
            // leaves out: only a configured process knows what will be planned.
            let planning = self.session().is_ok();
            let places = schema.handovers(&config, planning);
            problems.extend(places.iter().map(not_handed_over));
        }
        let diagnostics = spelt::diagnostics(problems);
        Ok(proto::validate_resource_config::Response { diagnostics })
    }

    /// Called for each stored object in each run, also when nothing is to be upgraded.
    pub(super) async fn upgrade_resource_state(
        &self,
        request: proto::upgrade_resource_state::Request,
    ) -> Answer<proto::upgrade_resource_state::Response> {
        let schema = self
            .provider
            .resource(&request.type_name)
            .map_err(one)?
            .schema();
        if request.version != schema.version {
            let (stored, type_name) = (request.version, &request.type_name);
            return Err(vec![Diagnostic::error(
                format!("State of {type_name} from another version"),
                format!(
                    "The state was written with schema version {stored} of {type_name}; this \
                     provider knows version {}. Use the version of the provider that wrote it.",
                    schema.version
                ),
            )]);
        }
        let raw = request
            .raw_state
            .as_ref()
            .map(|raw| raw.json.as_slice())
            .unwrap_or_default();
        let stored = wire::json::decode(raw).map_err(|error| one(unreadable(&error)))?;
        let state = schema.conform(stored, Leniency::Stored).map_err(one)?;
        let state = schema.restored(&state);
        Ok(proto::upgrade_resource_state::Response {
            upgraded_state: Some(spelt::dynamic_value(&state)),
            diagnostics: Vec::new(),
        })
    }

    pub(super) async fn read_resource(
        &self,
        request: proto::read_resource::Request,
    ) -> Answer<proto::read_resource::Response> {
        let session = self.session().map_err(one)?;
        let resource = self.provider.resource(&request.type_name).map_err(one)?;
        let current = received(resource.schema(), request.current_state.as_ref())?;
        let private = Private::decode(&request.private).map_err(one)?;
        let call = session.call(self.now(), LOOK);
        let Applied {
            object,
            private,
            diagnostics,
        } = apply::refresh(resource, &call, current, private).await;
        Ok(proto::read_resource::Response {
            new_state: Some(spelt::dynamic_value(&object)),
            diagnostics: spelt::diagnostics(diagnostics),
            private: private.encode(),
            ..Default::default()
        })
    }

    pub(super) async fn plan_resource_change(
        &self,
        request: proto::plan_resource_change::Request,
    ) -> Answer<proto::plan_resource_change::Response> {
        let session = self.session().map_err(one)?;
        let resource = self.provider.resource(&request.type_name).map_err(one)?;
        let proposal = Proposal {
            prior: received(resource.schema(), request.prior_state.as_ref())?,
            config: destroyed_or(resource.schema(), &request)?,
            private: Private::decode(&request.prior_private).map_err(one)?,
        };
        let now = self.now();
        let prior = Object {
            value: proposal.prior.clone(),
            private: proposal.private.own.clone(),
        };
        let mut planned = {
            let ask = Ask {
                policy: &session.configured.policy,
                now,
            };
            plan(resource, &ask, proposal)
        };
        if !planned.failed() {
            let call = session.call(now, LOOK);
            planned
                .diagnostics
                .extend(preflight(resource, &call, &prior, &planned).await);
        }
        Ok(proto::plan_resource_change::Response {
            planned_state: planned.object.as_ref().map(spelt::dynamic_value),
            requires_replace: planned.replace.iter().map(spelt::attribute_path).collect(),
            planned_private: planned.private.encode(),
            diagnostics: spelt::diagnostics(planned.diagnostics),
            ..Default::default()
        })
    }

    pub(super) async fn apply_resource_change(
        &self,
        request: proto::apply_resource_change::Request,
    ) -> Answer<proto::apply_resource_change::Response> {
        let session = self.session().map_err(one)?;
        let resource = self.provider.resource(&request.type_name).map_err(one)?;
        let order = Order {
            prior: received(resource.schema(), request.prior_state.as_ref())?,
            planned: received(resource.schema(), request.planned_state.as_ref())?,
            config: received(resource.schema(), request.config.as_ref())?,
            private: Private::decode(&request.planned_private).map_err(one)?,
        };
        let limit = resource
            .timeouts()
            .limit(order.operation(), order.subject());
        let call = session.call(self.now(), limit);
        let Applied {
            object,
            private,
            diagnostics,
        } = apply(resource, &call, order).await;
        Ok(proto::apply_resource_change::Response {
            new_state: Some(spelt::dynamic_value(&object)),
            private: private.encode(),
            diagnostics: spelt::diagnostics(diagnostics),
            ..Default::default()
        })
    }
}

/// Whether the host keeps write-only settings out of plan and state.
fn hands_over(capabilities: Option<&proto::ClientCapabilities>) -> bool {
    capabilities.is_some_and(|capabilities| capabilities.write_only_attributes_allowed)
}

fn not_handed_over(place: &Path) -> Diagnostic {
    Diagnostic::error(
        "Write-only settings are not supported here",
        format!(
            "{place} is handed over to the provider and stored nowhere. This version of Terraform \
             or OpenTofu does not know such settings; they came with Terraform 1.11 and OpenTofu \
             1.11. Use a newer version, or the setting that {place} stands in for."
        ),
    )
    .at(place.clone())
}

/// The host may send a configuration along with the wish that the object goes.
fn destroyed_or(
    schema: &Schema,
    request: &proto::plan_resource_change::Request,
) -> Answer<Dynamic> {
    let proposed = received(schema, request.proposed_new_state.as_ref())?;
    if proposed.is_null() {
        return Ok(Dynamic::Null);
    }
    received(schema, request.config.as_ref())
}

/// Asked only where the operation is wholly known: half of it tells little about the whole.
async fn preflight<C, P>(
    resource: &dyn Managed<C, P>,
    call: &crate::terraform::resource::Call<'_, C>,
    prior: &Object,
    planned: &Plan,
) -> Vec<Diagnostic> {
    let Some(object) = planned.object.as_ref().filter(|object| !object.is_null()) else {
        return Vec::new();
    };
    let schema = resource.schema();
    let settings = schema.settings().map(|attribute| attribute.name);
    let mut settings = settings.chain(schema.body.blocks.iter().map(|block| block.name));
    let unchanged = *object == prior.value;
    if unchanged || !settings.all(|name| object.attribute(name).is_wholly_known()) {
        return Vec::new();
    }
    let promised = Planned::of(schema, object);
    let prior = (!prior.value.is_null() && planned.replace.is_empty()).then_some(prior);
    resource.preflight(call, prior, object, &promised).await
}

/// A value that must be of that schema.
pub(super) fn received(schema: &Schema, value: Option<&proto::DynamicValue>) -> Answer<Dynamic> {
    let value = spelt::value(value).map_err(|error| one(unreadable(&error)))?;
    schema.conform(value, Leniency::Exact).map_err(one)
}

fn unreadable(error: &WireError) -> Diagnostic {
    Diagnostic::error(
        "Unreadable value",
        format!("The host sent a value that cannot be read: {error}."),
    )
}

pub(super) fn one(problem: Diagnostic) -> Vec<Diagnostic> {
    vec![problem]
}

#[cfg(test)]
mod tests {
    use proto::provider_server::Provider as _;
    use tonic::Request;

    use super::*;
    use crate::terraform::Service;
    use crate::terraform::tests::lamp::{Bench, config, lit, service};

    const LAMP: &str = "house_lamp";

    async fn configured() -> Service<Bench, bool> {
        let service = service();
        let request = proto::configure_provider::Request {
            config: Some(spelt::dynamic_value(&Dynamic::from([(
                "lamps",
                Dynamic::Null,
            )]))),
            ..Default::default()
        };
        let answer = service.configure_provider(Request::new(request)).await;
        assert_eq!(answer.expect("no status").into_inner().diagnostics, []);
        service
    }

    fn told(diagnostics: &[proto::Diagnostic]) -> Vec<String> {
        let place = |diagnostic: &proto::Diagnostic| {
            diagnostic
                .attribute
                .as_ref()
                .map_or(0, |path| path.steps.len())
        };
        let told = diagnostics.iter();
        told.map(|diagnostic| format!("{} steps: {}", place(diagnostic), diagnostic.summary))
            .collect()
    }

    async fn validated(config: &Dynamic) -> Vec<String> {
        let request = proto::validate_resource_config::Request {
            type_name: LAMP.to_owned(),
            config: Some(spelt::dynamic_value(config)),
            client_capabilities: Some(proto::ClientCapabilities {
                write_only_attributes_allowed: true,
                ..Default::default()
            }),
        };
        let answer = service()
            .validate_resource_config(Request::new(request))
            .await;
        told(&answer.expect("no status").into_inner().diagnostics)
    }

    #[tokio::test]
    async fn every_problem_of_a_configuration_is_told_at_its_place() {
        let mount = Dynamic::List(vec![Dynamic::from([("wall", "north")])]);
        let config = config(&[
            ("name", "a name that is too long for a lamp".into()),
            ("note", "n".into()),
            ("mount", mount),
            (
                "timeouts",
                Dynamic::from([
                    ("create", Dynamic::from("soon")),
                    ("update", Dynamic::Null),
                    ("delete", Dynamic::Null),
                ]),
            ),
        ]);
        assert_eq!(
            validated(&config).await,
            [
                "1 steps: Invalid name",
                "2 steps: Invalid create",
                "1 steps: Conflicting settings",
            ]
        );
    }

    async fn upgraded(version: i64, json: &str) -> Result<Dynamic, String> {
        let request = proto::upgrade_resource_state::Request {
            type_name: LAMP.to_owned(),
            version,
            raw_state: Some(proto::RawState {
                json: json.as_bytes().to_vec(),
                ..Default::default()
            }),
        };
        let answer = service()
            .upgrade_resource_state(Request::new(request))
            .await;
        let answer = answer.expect("no status").into_inner();
        match answer.diagnostics.first() {
            Some(diagnostic) => Err(format!("{}: {}", diagnostic.summary, diagnostic.detail)),
            None => Ok(spelt::value(answer.upgraded_state.as_ref()).expect("a value")),
        }
    }

    #[tokio::test]
    async fn state_of_an_earlier_build_is_brought_up_to_date() {
        let stored = r#"{"name": "hall", "token_wo": "stored once", "gone": 1, "id": "lamp-1",
                         "current": "5 W", "state": "on"}"#;
        assert_eq!(upgraded(0, stored).await, Ok(lit()));
    }

    #[tokio::test]
    async fn state_of_another_version_is_left_to_the_build_that_wrote_it() {
        let refused = upgraded(1, "{}").await.expect_err("another version");
        assert!(refused.contains("schema version 1"), "{refused}");
        assert!(refused.contains("knows version 0"), "{refused}");
    }

    #[tokio::test]
    async fn state_that_is_none_is_refused_without_being_quoted() {
        for json in ["", "s3cret", r#"{"name": ["s3cret"]}"#, r#"["s3cret"]"#] {
            let refused = upgraded(0, json).await.expect_err("no state");
            assert!(!refused.contains("s3cret"), "{refused}");
        }
    }

    #[tokio::test]
    async fn foreign_notes_are_refused() {
        let request = proto::read_resource::Request {
            type_name: LAMP.to_owned(),
            current_state: Some(spelt::dynamic_value(&lit())),
            private: b"foreign".to_vec(),
            ..Default::default()
        };
        let answer = configured()
            .await
            .read_resource(Request::new(request))
            .await;
        let diagnostics = answer.expect("no status").into_inner().diagnostics;
        assert_eq!(told(&diagnostics), ["0 steps: Unreadable private state"]);
    }

    async fn planned(
        prior: &Dynamic,
        config: &Dynamic,
        proposed: &Dynamic,
    ) -> proto::plan_resource_change::Response {
        let request = proto::plan_resource_change::Request {
            type_name: LAMP.to_owned(),
            prior_state: Some(spelt::dynamic_value(prior)),
            config: Some(spelt::dynamic_value(config)),
            proposed_new_state: Some(spelt::dynamic_value(proposed)),
            ..Default::default()
        };
        let answer = configured()
            .await
            .plan_resource_change(Request::new(request))
            .await;
        answer.expect("no status").into_inner()
    }

    #[tokio::test]
    async fn a_default_comes_back_when_the_configuration_no_longer_overrides_it() {
        let prior = config(&[
            ("watts", 40.into()),
            ("id", "lamp-1".into()),
            ("current", "40 W".into()),
            ("state", "on".into()),
        ]);
        // The host proposes what was there.
        let answer = planned(&prior, &config(&[]), &prior).await;
        assert_eq!(spelt::value(answer.planned_state.as_ref()), Ok(lit()));
        assert_eq!(answer.diagnostics, []);
    }

    #[tokio::test]
    async fn a_destroy_is_one_also_when_a_configuration_comes_along() {
        let answer = planned(&lit(), &config(&[]), &Dynamic::Null).await;
        assert_eq!(
            spelt::value(answer.planned_state.as_ref()),
            Ok(Dynamic::Null)
        );
        assert_eq!(told(&answer.diagnostics), ["0 steps: It will be dark"]);
    }

    #[tokio::test]
    async fn another_resource_type_is_told() {
        let request = proto::read_resource::Request {
            type_name: "house_door".to_owned(),
            ..Default::default()
        };
        let answer = configured()
            .await
            .read_resource(Request::new(request))
            .await;
        let diagnostics = answer.expect("no status").into_inner().diagnostics;
        assert_eq!(told(&diagnostics), ["0 steps: Unknown resource type"]);
    }
}
