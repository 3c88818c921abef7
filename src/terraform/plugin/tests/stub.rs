//! A provider that does just enough to be talked to.

use std::future;

use istiopca_proto::tfplugin6::provider_server::Provider;
use istiopca_proto::tfplugin6::*;
use tonic::{Request, Response, Status};

use crate::terraform::log;

/// Answers with its schema, mirrors sizes, and misbehaves on demand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stub;

async fn misbehaving(name: &str) {
    match name {
        "panics" => panic!("a bug in a handler"),
        "hangs" => future::pending().await,
        "blocks" => drop(tokio::task::spawn_blocking(|| {
            loop {
                std::thread::park();
            }
        })),
        _ => {}
    }
}

type Answer<T> = Result<Response<T>, Status>;

/// Writes the whole impl, as `async_trait` does not see what a macro makes inside of one.
macro_rules! provider {
    ({ $($own:tt)* } refuses { $($name:ident: $rpc:ident,)* }) => {
        #[tonic::async_trait]
        impl Provider for Stub {
            type ListResourceStream = tonic::codegen::BoxStream<list_resource::Event>;
            type InvokeActionStream = tonic::codegen::BoxStream<invoke_action::Event>;

            async fn list_resource(
                &self,
                _: Request<list_resource::Request>,
            ) -> Answer<Self::ListResourceStream> {
                Err(Status::unimplemented("stub"))
            }

            async fn invoke_action(
                &self,
                _: Request<invoke_action::Request>,
            ) -> Answer<Self::InvokeActionStream> {
                Err(Status::unimplemented("stub"))
            }

            $(async fn $name(&self, _: Request<$rpc::Request>) -> Answer<$rpc::Response> {
                Err(Status::unimplemented("stub"))
            })*

            $($own)*
        }
    };
}

provider! {
    {
        async fn get_provider_schema(
            &self,
            _: Request<get_provider_schema::Request>,
        ) -> Answer<get_provider_schema::Response> {
            println!("{}", "junk on stdout ".repeat(10_000));
            let provider = Schema { version: 0, block: Some(schema::Block::default()) };
            Ok(Response::new(get_provider_schema::Response {
                provider: Some(provider),
                ..Default::default()
            }))
        }

        /// As many bytes back as came.
        async fn validate_provider_config(
            &self,
            request: Request<validate_provider_config::Request>,
        ) -> Answer<validate_provider_config::Response> {
            let config = request.into_inner().config.unwrap_or_default();
            let mirror = Diagnostic {
                detail: "x".repeat(config.msgpack.len()),
                ..Default::default()
            };
            Ok(Response::new(validate_provider_config::Response { diagnostics: vec![mirror] }))
        }

        async fn read_resource(
            &self,
            request: Request<read_resource::Request>,
        ) -> Answer<read_resource::Response> {
            let name = request.into_inner().type_name;
            let context = vec![("tf_resource_type", name.clone())];
            log::within(context, misbehaving(&name)).await;
            Ok(Response::new(read_resource::Response::default()))
        }

        async fn stop_provider(
            &self,
            _: Request<stop_provider::Request>,
        ) -> Answer<stop_provider::Response> {
            Ok(Response::new(stop_provider::Response::default()))
        }
    }
    refuses {
        get_metadata: get_metadata,
        get_resource_identity_schemas: get_resource_identity_schemas,
        validate_resource_config: validate_resource_config,
        validate_data_resource_config: validate_data_resource_config,
        validate_ephemeral_resource_config: validate_ephemeral_resource_config,
        validate_list_resource_config: validate_list_resource_config,
        validate_action_config: validate_action_config,
        configure_provider: configure_provider,
        upgrade_resource_state: upgrade_resource_state,
        upgrade_resource_identity: upgrade_resource_identity,
        plan_resource_change: plan_resource_change,
        apply_resource_change: apply_resource_change,
        import_resource_state: import_resource_state,
        move_resource_state: move_resource_state,
        generate_resource_config: generate_resource_config,
        read_data_source: read_data_source,
        open_ephemeral_resource: open_ephemeral_resource,
        renew_ephemeral_resource: renew_ephemeral_resource,
        close_ephemeral_resource: close_ephemeral_resource,
        get_functions: get_functions,
        call_function: call_function,
        plan_action: plan_action,
    }
}
