//! How each answer says that there is none.

use istiopca_proto::tfplugin6 as proto;

use crate::terraform::Diagnostic;
use crate::terraform::wire::proto::diagnostics;

/// An answer that can consist of messages alone.
pub(in crate::terraform) trait Failed {
    /// The answer for when the operation came to nothing.
    fn failed(problems: Vec<Diagnostic>) -> Self;
}

macro_rules! fails_with_diagnostics {
    ($($rpc:ident),* $(,)?) => {
        $(impl Failed for proto::$rpc::Response {
            #[allow(clippy::needless_update, reason = "some answers are nothing but messages")]
            fn failed(problems: Vec<Diagnostic>) -> Self {
                Self { diagnostics: diagnostics(problems), ..Default::default() }
            }
        })*
    };
}

fails_with_diagnostics!(
    apply_resource_change,
    close_ephemeral_resource,
    configure_provider,
    generate_resource_config,
    get_functions,
    get_metadata,
    get_provider_schema,
    get_resource_identity_schemas,
    import_resource_state,
    move_resource_state,
    open_ephemeral_resource,
    plan_action,
    plan_resource_change,
    read_data_source,
    read_resource,
    renew_ephemeral_resource,
    upgrade_resource_identity,
    upgrade_resource_state,
    validate_action_config,
    validate_data_resource_config,
    validate_ephemeral_resource_config,
    validate_list_resource_config,
    validate_provider_config,
    validate_resource_config,
);

impl Failed for proto::call_function::Response {
    fn failed(problems: Vec<Diagnostic>) -> Self {
        let error = proto::FunctionError {
            text: in_words(&problems),
            function_argument: None,
        };
        Self {
            result: None,
            error: Some(error),
        }
    }
}

impl Failed for proto::stop_provider::Response {
    fn failed(problems: Vec<Diagnostic>) -> Self {
        Self {
            error: in_words(&problems),
        }
    }
}

fn in_words(problems: &[Diagnostic]) -> String {
    let told = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.summary, problem.detail));
    told.collect::<Vec<_>>().join("\n\n")
}
