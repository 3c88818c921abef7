//! Every call of the protocol, in the protocol's order.
//!
//! What this provider has no use for is answered as the host expects from a provider that lacks
//! it: empty tables, and a message where the host could only have come by mistake.

use std::pin::Pin;

use istiopca_proto::tfplugin6 as proto;
use proto::provider_server::Provider;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, async_trait};

use super::{DATA_SOURCE, EPHEMERAL, Failed, Service};
use crate::terraform::wire::proto::{diagnostics, schema};
use crate::terraform::{Diagnostic, Fillable};

type Answer<T> = Result<Response<T>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

const CAPABILITIES: proto::ServerCapabilities = proto::ServerCapabilities {
    plan_destroy: true,
    get_provider_schema_optional: true,
    move_resource_state: true,
    generate_resource_config: false,
};

#[async_trait]
impl<C: Send + Sync + 'static, P: Send + Sync + 'static> Provider for Service<C, P> {
    async fn get_metadata(
        &self,
        _: Request<proto::get_metadata::Request>,
    ) -> Answer<proto::get_metadata::Response> {
        self.answer("GetMetadata", String::new(), |inner| async move {
            let resources = inner.provider.resources.iter().map(|resource| {
                let type_name = resource.name().to_owned();
                proto::get_metadata::ResourceMetadata { type_name }
            });
            let data_sources = inner.provider.data_sources.iter().map(|source| {
                let type_name = source.name().to_owned();
                proto::get_metadata::DataSourceMetadata { type_name }
            });
            let ephemerals = inner.provider.ephemerals.iter().map(|ephemeral| {
                let type_name = ephemeral.name().to_owned();
                proto::get_metadata::EphemeralMetadata { type_name }
            });
            Ok(proto::get_metadata::Response {
                server_capabilities: Some(CAPABILITIES),
                resources: resources.collect(),
                data_sources: data_sources.collect(),
                ephemeral_resources: ephemerals.collect(),
                ..Default::default()
            })
        })
        .await
    }

    async fn get_provider_schema(
        &self,
        _: Request<proto::get_provider_schema::Request>,
    ) -> Answer<proto::get_provider_schema::Response> {
        self.answer("GetProviderSchema", String::new(), |inner| async move {
            let resources = inner.provider.resources.iter();
            let resources =
                resources.map(|resource| (resource.name().to_owned(), schema(resource.schema())));
            let filled = |table: &[Box<dyn Fillable<C>>]| {
                let named = table.iter();
                named
                    .map(|each| (each.name().to_owned(), schema(each.schema())))
                    .collect()
            };
            Ok(proto::get_provider_schema::Response {
                provider: Some(schema(&inner.provider.schema)),
                resource_schemas: resources.collect(),
                data_source_schemas: filled(&inner.provider.data_sources),
                ephemeral_resource_schemas: filled(&inner.provider.ephemerals),
                server_capabilities: Some(CAPABILITIES),
                ..Default::default()
            })
        })
        .await
    }

    /// An empty table, and not `Unimplemented`: some hosts fail to load a provider over that.
    async fn get_resource_identity_schemas(
        &self,
        _: Request<proto::get_resource_identity_schemas::Request>,
    ) -> Answer<proto::get_resource_identity_schemas::Response> {
        Ok(Response::new(Default::default()))
    }

    async fn validate_provider_config(
        &self,
        request: Request<proto::validate_provider_config::Request>,
    ) -> Answer<proto::validate_provider_config::Response> {
        let request = request.into_inner();
        let about = String::new();
        self.answer("ValidateProviderConfig", about, |inner| async move {
            inner.validate_provider_config(request).await
        })
        .await
    }

    async fn validate_resource_config(
        &self,
        request: Request<proto::validate_resource_config::Request>,
    ) -> Answer<proto::validate_resource_config::Response> {
        let request = request.into_inner();
        let about = request.type_name.clone();
        self.answer("ValidateResourceConfig", about, |inner| async move {
            inner.validate_resource_config(request).await
        })
        .await
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<proto::validate_data_resource_config::Request>,
    ) -> Answer<proto::validate_data_resource_config::Response> {
        let request = request.into_inner();
        let about = (DATA_SOURCE, request.type_name.clone());
        self.answer_about("ValidateDataResourceConfig", about, |inner| async move {
            inner.validate_data_resource_config(request).await
        })
        .await
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<proto::validate_ephemeral_resource_config::Request>,
    ) -> Answer<proto::validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let about = (EPHEMERAL, request.type_name.clone());
        self.answer_about(
            "ValidateEphemeralResourceConfig",
            about,
            |inner| async move { inner.validate_ephemeral_resource_config(request).await },
        )
        .await
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<proto::validate_list_resource_config::Request>,
    ) -> Answer<proto::validate_list_resource_config::Response> {
        Ok(refused("list resource", &request.into_inner().type_name))
    }

    async fn validate_action_config(
        &self,
        request: Request<proto::validate_action_config::Request>,
    ) -> Answer<proto::validate_action_config::Response> {
        Ok(refused("action", &request.into_inner().type_name))
    }

    async fn configure_provider(
        &self,
        request: Request<proto::configure_provider::Request>,
    ) -> Answer<proto::configure_provider::Response> {
        let request = request.into_inner();
        let about = String::new();
        self.answer("ConfigureProvider", about, |inner| async move {
            inner.configure_provider(request).await
        })
        .await
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<proto::upgrade_resource_state::Request>,
    ) -> Answer<proto::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let about = request.type_name.clone();
        self.answer("UpgradeResourceState", about, |inner| async move {
            inner.upgrade_resource_state(request).await
        })
        .await
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<proto::upgrade_resource_identity::Request>,
    ) -> Answer<proto::upgrade_resource_identity::Response> {
        Ok(refused(
            "resource identity",
            &request.into_inner().type_name,
        ))
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Answer<proto::read_resource::Response> {
        let request = request.into_inner();
        let about = request.type_name.clone();
        self.answer("ReadResource", about, |inner| async move {
            inner.read_resource(request).await
        })
        .await
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Answer<proto::plan_resource_change::Response> {
        let request = request.into_inner();
        let about = request.type_name.clone();
        self.answer("PlanResourceChange", about, |inner| async move {
            inner.plan_resource_change(request).await
        })
        .await
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Answer<proto::apply_resource_change::Response> {
        let request = request.into_inner();
        let about = request.type_name.clone();
        self.answer("ApplyResourceChange", about, |inner| async move {
            inner.apply_resource_change(request).await
        })
        .await
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Answer<proto::import_resource_state::Response> {
        let type_name = request.into_inner().type_name;
        Ok(told(Diagnostic::error(
            format!("{type_name} cannot be imported"),
            "This version of the provider takes nothing over by import. Nothing was changed.",
        )))
    }

    async fn move_resource_state(
        &self,
        request: Request<proto::move_resource_state::Request>,
    ) -> Answer<proto::move_resource_state::Response> {
        let proto::move_resource_state::Request {
            source_type_name,
            target_type_name,
            ..
        } = request.into_inner();
        Ok(told(Diagnostic::error(
            format!("{source_type_name} cannot be moved to {target_type_name}"),
            "This version of the provider takes over no state of another resource type. Nothing \
             was changed.",
        )))
    }

    async fn generate_resource_config(
        &self,
        request: Request<proto::generate_resource_config::Request>,
    ) -> Answer<proto::generate_resource_config::Response> {
        Ok(refused(
            "resource to write a configuration for",
            &request.into_inner().type_name,
        ))
    }

    async fn read_data_source(
        &self,
        request: Request<proto::read_data_source::Request>,
    ) -> Answer<proto::read_data_source::Response> {
        let request = request.into_inner();
        let about = (DATA_SOURCE, request.type_name.clone());
        self.answer_about("ReadDataSource", about, |inner| async move {
            inner.read_data_source(request).await
        })
        .await
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<proto::open_ephemeral_resource::Request>,
    ) -> Answer<proto::open_ephemeral_resource::Response> {
        let request = request.into_inner();
        let about = (EPHEMERAL, request.type_name.clone());
        self.answer_about("OpenEphemeralResource", about, |inner| async move {
            inner.open_ephemeral_resource(request).await
        })
        .await
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<proto::renew_ephemeral_resource::Request>,
    ) -> Answer<proto::renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let about = (EPHEMERAL, request.type_name.clone());
        self.answer_about("RenewEphemeralResource", about, |inner| async move {
            inner.renew_ephemeral_resource(request).await
        })
        .await
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<proto::close_ephemeral_resource::Request>,
    ) -> Answer<proto::close_ephemeral_resource::Response> {
        let request = request.into_inner();
        let about = (EPHEMERAL, request.type_name.clone());
        self.answer_about("CloseEphemeralResource", about, |inner| async move {
            inner.close_ephemeral_resource(request).await
        })
        .await
    }

    async fn get_functions(
        &self,
        _: Request<proto::get_functions::Request>,
    ) -> Answer<proto::get_functions::Response> {
        Ok(Response::new(Default::default()))
    }

    async fn call_function(
        &self,
        request: Request<proto::call_function::Request>,
    ) -> Answer<proto::call_function::Response> {
        Ok(refused("function", &request.into_inner().name))
    }

    type ListResourceStream = Streamed<proto::list_resource::Event>;

    async fn list_resource(
        &self,
        request: Request<proto::list_resource::Request>,
    ) -> Answer<Self::ListResourceStream> {
        let diagnostic = diagnostics(vec![unknown(
            "list resource",
            &request.into_inner().type_name,
        )]);
        let event = proto::list_resource::Event {
            diagnostic: diagnostic.into_iter().next().into_iter().collect(),
            ..Default::default()
        };
        Ok(Response::new(Box::pin(tokio_stream::once(Ok(event)))))
    }

    async fn plan_action(
        &self,
        request: Request<proto::plan_action::Request>,
    ) -> Answer<proto::plan_action::Response> {
        Ok(refused("action", &request.into_inner().action_type))
    }

    type InvokeActionStream = Streamed<proto::invoke_action::Event>;

    async fn invoke_action(
        &self,
        request: Request<proto::invoke_action::Request>,
    ) -> Answer<Self::InvokeActionStream> {
        use proto::invoke_action::event::{Completed, Type};

        let problem = unknown("action", &request.into_inner().action_type);
        let completed = Completed {
            diagnostics: diagnostics(vec![problem]),
        };
        let event = proto::invoke_action::Event {
            r#type: Some(Type::Completed(completed)),
        };
        Ok(Response::new(Box::pin(tokio_stream::once(Ok(event)))))
    }

    /// Returns at once; what is under way ends by itself.
    async fn stop_provider(
        &self,
        _: Request<proto::stop_provider::Request>,
    ) -> Answer<proto::stop_provider::Response> {
        self.0.stop();
        Ok(Response::new(Default::default()))
    }
}

fn refused<T: Failed>(what: &str, name: &str) -> Response<T> {
    told(unknown(what, name))
}

fn told<T: Failed>(problem: Diagnostic) -> Response<T> {
    Response::new(T::failed(vec![problem]))
}

fn unknown(what: &str, name: &str) -> Diagnostic {
    Diagnostic::error(
        format!("Unknown {what}"),
        format!("This version of the provider has no {what} {name:?}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terraform::tests::lamp::service;

    /// The summaries of an answer that is nothing but messages.
    macro_rules! told {
        ($($rpc:ident),* $(,)?) => {
            [$({
                let answer = service().$rpc(Request::new(Default::default())).await;
                let diagnostics = answer.expect("no status").into_inner().diagnostics;
                (stringify!($rpc), diagnostics.into_iter().map(|told| told.summary).collect::<Vec<_>>())
            }),*]
        };
    }

    #[tokio::test]
    async fn what_the_provider_lacks_is_told_by_name() {
        let told = told![
            validate_data_resource_config,
            validate_ephemeral_resource_config,
            validate_list_resource_config,
            validate_action_config,
            upgrade_resource_identity,
            generate_resource_config,
            read_data_source,
            open_ephemeral_resource,
            renew_ephemeral_resource,
            close_ephemeral_resource,
            plan_action,
        ];
        for (rpc, summaries) in told {
            assert_eq!(summaries.len(), 1, "{rpc}");
            assert!(summaries[0].starts_with("Unknown "), "{rpc}: {summaries:?}");
        }
    }

    #[tokio::test]
    async fn imports_and_moves_are_refused_in_words() {
        let [(_, import), (_, moved)] = told![import_resource_state, move_resource_state];
        assert!(import[0].ends_with("cannot be imported"), "{import:?}");
        assert!(moved[0].contains("cannot be moved"), "{moved:?}");
    }

    #[tokio::test]
    async fn tables_that_are_empty_are_answered_as_such() {
        let told = told![get_resource_identity_schemas, get_functions, get_metadata];
        assert!(
            told.iter().all(|(_, summaries)| summaries.is_empty()),
            "{told:?}"
        );
    }

    #[tokio::test]
    async fn a_function_that_is_not_there_is_an_error_of_the_call() {
        let answer = service()
            .call_function(Request::new(Default::default()))
            .await;
        let error = answer
            .expect("no status")
            .into_inner()
            .error
            .expect("an error");
        assert!(error.text.starts_with("Unknown function"), "{}", error.text);
    }

    #[tokio::test]
    async fn streams_end_after_the_one_thing_that_they_have_to_say() {
        use tokio_stream::StreamExt as _;

        let answer = service()
            .list_resource(Request::new(Default::default()))
            .await;
        let events: Vec<_> = answer.expect("no status").into_inner().collect().await;
        assert_eq!(events.len(), 1);
        let event = events[0].as_ref().expect("no status");
        assert_eq!(event.diagnostic[0].summary, "Unknown list resource");

        let answer = service()
            .invoke_action(Request::new(Default::default()))
            .await;
        let events: Vec<_> = answer.expect("no status").into_inner().collect().await;
        let [Ok(proto::invoke_action::Event { r#type: Some(last) })] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert!(matches!(
            last,
            proto::invoke_action::event::Type::Completed(_)
        ));
    }

    /// A core crashes over a schema without a block.
    #[tokio::test]
    async fn every_schema_has_its_block() {
        let answer = service()
            .get_provider_schema(Request::new(Default::default()))
            .await;
        let answer = answer.expect("no status").into_inner();
        let schemas = answer
            .provider
            .iter()
            .chain(answer.resource_schemas.values())
            .chain(answer.data_source_schemas.values())
            .chain(answer.ephemeral_resource_schemas.values());
        let blocks: Vec<_> = schemas.map(|schema| schema.block.is_some()).collect();
        assert_eq!(blocks, [true; 4]);
        assert_eq!(answer.server_capabilities, Some(CAPABILITIES));
    }
}
