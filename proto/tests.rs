//! Holds the compiled contracts against tables: a wrong number or type would corrupt values
//! without a word.

use prost::Message;
use prost_types::MethodDescriptorProto;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};

use crate::tfplugin6::{DynamicValue, RawState, stop_provider, validate_provider_config};

/// Every message and enum of protocol 6.11 but for state stores.
const MESSAGES: &str = "\
DynamicValue: 1 msgpack: bytes; 2 json: bytes
Diagnostic: 1 severity: Severity; 2 summary: string; 3 detail: string; 4 attribute: AttributePath
enum Diagnostic.Severity: 0=INVALID; 1=ERROR; 2=WARNING
FunctionError: 1 text: string; 2 function_argument: optional int64
AttributePath: 1 steps: repeated Step
AttributePath.Step: 1 attribute_name: string (oneof selector);
    2 element_key_string: string (oneof selector); 3 element_key_int: int64 (oneof selector)
StopProvider.Request:
StopProvider.Response: 1 Error: string
RawState: 1 json: bytes; 2 flatmap: map<string,string>
enum StringKind: 0=PLAIN; 1=MARKDOWN
ResourceIdentitySchema: 1 version: int64; 2 identity_attributes: repeated IdentityAttribute
ResourceIdentitySchema.IdentityAttribute: 1 name: string; 2 type: bytes;
    3 required_for_import: bool; 4 optional_for_import: bool; 5 description: string
ResourceIdentityData: 1 identity_data: DynamicValue
ActionSchema: 1 schema: Schema
Schema: 1 version: int64; 2 block: Block
Schema.Block: 1 version: int64; 2 attributes: repeated Attribute;
    3 block_types: repeated NestedBlock; 4 description: string; 5 description_kind: StringKind;
    6 deprecated: bool; 7 deprecation_message: string; 8 computed: bool
Schema.Attribute: 1 name: string; 2 type: bytes; 3 description: string; 4 required: bool;
    5 optional: bool; 6 computed: bool; 7 sensitive: bool; 8 description_kind: StringKind;
    9 deprecated: bool; 10 nested_type: Object; 11 write_only: bool; 12 deprecation_message: string
Schema.NestedBlock: 1 type_name: string; 2 block: Block; 3 nesting: NestingMode; 4 min_items: int64;
    5 max_items: int64
enum Schema.NestedBlock.NestingMode: 0=INVALID; 1=SINGLE; 2=LIST; 3=SET; 4=MAP; 5=GROUP
Schema.Object: 1 attributes: repeated Attribute; 3 nesting: NestingMode; 4 min_items: int64;
    5 max_items: int64
enum Schema.Object.NestingMode: 0=INVALID; 1=SINGLE; 2=LIST; 3=SET; 4=MAP
Function: 1 parameters: repeated Parameter; 2 variadic_parameter: Parameter; 3 return: Return;
    4 summary: string; 5 description: string; 6 description_kind: StringKind;
    7 deprecation_message: string
Function.Parameter: 1 name: string; 2 type: bytes; 3 allow_null_value: bool;
    4 allow_unknown_values: bool; 5 description: string; 6 description_kind: StringKind
Function.Return: 1 type: bytes
ServerCapabilities: 1 plan_destroy: bool; 2 get_provider_schema_optional: bool;
    3 move_resource_state: bool; 4 generate_resource_config: bool
ClientCapabilities: 1 deferral_allowed: bool; 2 write_only_attributes_allowed: bool;
    3 store_planned_private: bool; 4 computed_blocks_allowed: bool
Deferred: 1 reason: Reason
enum Deferred.Reason: 0=UNKNOWN; 1=RESOURCE_CONFIG_UNKNOWN; 2=PROVIDER_CONFIG_UNKNOWN;
    3=ABSENT_PREREQ
GetMetadata.Request:
GetMetadata.Response: 1 server_capabilities: ServerCapabilities; 2 diagnostics: repeated Diagnostic;
    3 data_sources: repeated DataSourceMetadata; 4 resources: repeated ResourceMetadata;
    5 functions: repeated FunctionMetadata; 6 ephemeral_resources: repeated EphemeralMetadata;
    7 list_resources: repeated ListResourceMetadata; 9 actions: repeated ActionMetadata
GetMetadata.EphemeralMetadata: 1 type_name: string
GetMetadata.FunctionMetadata: 1 name: string
GetMetadata.DataSourceMetadata: 1 type_name: string
GetMetadata.ResourceMetadata: 1 type_name: string
GetMetadata.ListResourceMetadata: 1 type_name: string
GetMetadata.ActionMetadata: 1 type_name: string
GetProviderSchema.Request:
GetProviderSchema.Response: 1 provider: Schema; 2 resource_schemas: map<string,Schema>;
    3 data_source_schemas: map<string,Schema>; 4 diagnostics: repeated Diagnostic;
    5 provider_meta: Schema; 6 server_capabilities: ServerCapabilities;
    7 functions: map<string,Function>; 8 ephemeral_resource_schemas: map<string,Schema>;
    9 list_resource_schemas: map<string,Schema>; 11 action_schemas: map<string,ActionSchema>
ValidateProviderConfig.Request: 1 config: DynamicValue
ValidateProviderConfig.Response: 2 diagnostics: repeated Diagnostic
UpgradeResourceState.Request: 1 type_name: string; 2 version: int64; 3 raw_state: RawState
UpgradeResourceState.Response: 1 upgraded_state: DynamicValue; 2 diagnostics: repeated Diagnostic
GetResourceIdentitySchemas.Request:
GetResourceIdentitySchemas.Response: 1 identity_schemas: map<string,ResourceIdentitySchema>;
    2 diagnostics: repeated Diagnostic
UpgradeResourceIdentity.Request: 1 type_name: string; 2 version: int64; 3 raw_identity: RawState
UpgradeResourceIdentity.Response: 1 upgraded_identity: ResourceIdentityData;
    2 diagnostics: repeated Diagnostic
ValidateResourceConfig.Request: 1 type_name: string; 2 config: DynamicValue;
    3 client_capabilities: ClientCapabilities
ValidateResourceConfig.Response: 1 diagnostics: repeated Diagnostic
ValidateDataResourceConfig.Request: 1 type_name: string; 2 config: DynamicValue
ValidateDataResourceConfig.Response: 1 diagnostics: repeated Diagnostic
ValidateEphemeralResourceConfig.Request: 1 type_name: string; 2 config: DynamicValue
ValidateEphemeralResourceConfig.Response: 1 diagnostics: repeated Diagnostic
ConfigureProvider.Request: 1 terraform_version: string; 2 config: DynamicValue;
    3 client_capabilities: ClientCapabilities
ConfigureProvider.Response: 1 diagnostics: repeated Diagnostic
ReadResource.Request: 1 type_name: string; 2 current_state: DynamicValue; 3 private: bytes;
    4 provider_meta: DynamicValue; 5 client_capabilities: ClientCapabilities;
    6 current_identity: ResourceIdentityData
ReadResource.Response: 1 new_state: DynamicValue; 2 diagnostics: repeated Diagnostic;
    3 private: bytes; 4 deferred: Deferred; 5 new_identity: ResourceIdentityData
PlanResourceChange.Request: 1 type_name: string; 2 prior_state: DynamicValue;
    3 proposed_new_state: DynamicValue; 4 config: DynamicValue; 5 prior_private: bytes;
    6 provider_meta: DynamicValue; 7 client_capabilities: ClientCapabilities;
    8 prior_identity: ResourceIdentityData; 9 planned_private: bytes
PlanResourceChange.Response: 1 planned_state: DynamicValue;
    2 requires_replace: repeated AttributePath; 3 planned_private: bytes;
    4 diagnostics: repeated Diagnostic; 5 legacy_type_system: bool; 6 deferred: Deferred;
    7 planned_identity: ResourceIdentityData
ApplyResourceChange.Request: 1 type_name: string; 2 prior_state: DynamicValue;
    3 planned_state: DynamicValue; 4 config: DynamicValue; 5 planned_private: bytes;
    6 provider_meta: DynamicValue; 7 planned_identity: ResourceIdentityData
ApplyResourceChange.Response: 1 new_state: DynamicValue; 2 private: bytes;
    3 diagnostics: repeated Diagnostic; 4 legacy_type_system: bool;
    5 new_identity: ResourceIdentityData
ImportResourceState.Request: 1 type_name: string; 2 id: string;
    3 client_capabilities: ClientCapabilities; 4 identity: ResourceIdentityData
ImportResourceState.ImportedResource: 1 type_name: string; 2 state: DynamicValue; 3 private: bytes;
    4 identity: ResourceIdentityData
ImportResourceState.Response: 1 imported_resources: repeated ImportedResource;
    2 diagnostics: repeated Diagnostic; 3 deferred: Deferred
GenerateResourceConfig.Request: 1 type_name: string; 2 state: DynamicValue
GenerateResourceConfig.Response: 1 config: DynamicValue; 2 diagnostics: repeated Diagnostic
MoveResourceState.Request: 1 source_provider_address: string; 2 source_type_name: string;
    3 source_schema_version: int64; 4 source_state: RawState; 5 target_type_name: string;
    6 source_private: bytes; 7 source_identity: RawState; 8 source_identity_schema_version: int64
MoveResourceState.Response: 1 target_state: DynamicValue; 2 diagnostics: repeated Diagnostic;
    3 target_private: bytes; 4 target_identity: ResourceIdentityData
ReadDataSource.Request: 1 type_name: string; 2 config: DynamicValue; 3 provider_meta: DynamicValue;
    4 client_capabilities: ClientCapabilities
ReadDataSource.Response: 1 state: DynamicValue; 2 diagnostics: repeated Diagnostic;
    3 deferred: Deferred
OpenEphemeralResource.Request: 1 type_name: string; 2 config: DynamicValue;
    3 client_capabilities: ClientCapabilities
OpenEphemeralResource.Response: 1 diagnostics: repeated Diagnostic;
    2 renew_at: optional google.protobuf.Timestamp; 3 result: DynamicValue;
    4 private: optional bytes; 5 deferred: Deferred
RenewEphemeralResource.Request: 1 type_name: string; 2 private: optional bytes
RenewEphemeralResource.Response: 1 diagnostics: repeated Diagnostic;
    2 renew_at: optional google.protobuf.Timestamp; 3 private: optional bytes
CloseEphemeralResource.Request: 1 type_name: string; 2 private: optional bytes
CloseEphemeralResource.Response: 1 diagnostics: repeated Diagnostic
GetFunctions.Request:
GetFunctions.Response: 1 functions: map<string,Function>; 2 diagnostics: repeated Diagnostic
CallFunction.Request: 1 name: string; 2 arguments: repeated DynamicValue
CallFunction.Response: 1 result: DynamicValue; 2 error: FunctionError
ListResource.Request: 1 type_name: string; 2 config: DynamicValue; 3 include_resource_object: bool;
    4 limit: int64
ListResource.Event: 1 identity: ResourceIdentityData; 2 display_name: string;
    3 resource_object: optional DynamicValue; 4 diagnostic: repeated Diagnostic
ValidateListResourceConfig.Request: 1 type_name: string; 2 config: DynamicValue;
    3 include_resource_object: DynamicValue; 4 limit: DynamicValue
ValidateListResourceConfig.Response: 1 diagnostics: repeated Diagnostic
PlanAction.Request: 1 action_type: string; 2 config: DynamicValue;
    3 client_capabilities: ClientCapabilities
PlanAction.Response: 1 diagnostics: repeated Diagnostic; 2 deferred: Deferred
InvokeAction.Request: 1 action_type: string; 2 config: DynamicValue;
    3 client_capabilities: ClientCapabilities
InvokeAction.Event: 1 progress: Progress (oneof type); 2 completed: Completed (oneof type)
InvokeAction.Event.Progress: 1 message: string
InvokeAction.Event.Completed: 1 diagnostics: repeated Diagnostic
ValidateActionConfig.Request: 1 type_name: string; 2 config: DynamicValue
ValidateActionConfig.Response: 1 diagnostics: repeated Diagnostic
";

/// The RPCs whose shape is not `X(X.Request) -> X.Response`.
const STREAMS: &str = "\
ListResource(ListResource.Request) -> stream ListResource.Event
InvokeAction(InvokeAction.Request) -> stream InvokeAction.Event
";

const RPCS: &str = "\
GetMetadata GetProviderSchema GetResourceIdentitySchemas ValidateProviderConfig
ValidateResourceConfig ValidateDataResourceConfig ValidateEphemeralResourceConfig
ValidateListResourceConfig ValidateActionConfig ConfigureProvider UpgradeResourceState
UpgradeResourceIdentity ReadResource PlanResourceChange ApplyResourceChange ImportResourceState
MoveResourceState GenerateResourceConfig ReadDataSource OpenEphemeralResource
RenewEphemeralResource CloseEphemeralResource GetFunctions CallFunction ListResource PlanAction
InvokeAction StopProvider";

const GO_PLUGIN: &str = "\
Empty:
StdioData: 1 channel: Channel; 2 data: bytes
enum StdioData.Channel: 0=INVALID; 1=STDOUT; 2=STDERR
ConnInfo: 1 service_id: uint32; 2 network: string; 3 address: string; 4 knock: Knock
ConnInfo.Knock: 1 knock: bool; 2 ack: bool; 3 error: string
";

#[test]
fn every_message_has_the_fields_numbers_and_types_of_the_protocol() {
    assert_eq!(
        sorted(&rendered("tfplugin6.proto")),
        sorted(&unfolded(MESSAGES))
    );
}

#[test]
fn every_rpc_has_the_name_and_shape_of_the_protocol() {
    let file = compiled("tfplugin6.proto");
    assert_eq!(file.package(), "tfplugin6");
    let service = &file.service[0];
    assert_eq!((file.service.len(), service.name()), (1, "Provider"));

    let (plain, streams): (Vec<_>, Vec<_>) = service
        .method
        .iter()
        .map(signature)
        .partition(|signature| !signature.contains("stream"));
    assert_eq!(streams.join("\n") + "\n", STREAMS);
    let names = RPCS.split_whitespace();
    let expected = names
        .filter(|name| !STREAMS.contains(&format!("{name}(")))
        .map(|name| format!("{name}({name}.Request) -> {name}.Response"));
    assert_eq!(plain, expected.collect::<Vec<_>>());
}

#[test]
fn the_services_of_go_plugin_are_as_hosts_know_them() {
    assert_eq!(sorted(&rendered("plugin.proto")), sorted(GO_PLUGIN));
    let file = compiled("plugin.proto");
    assert_eq!(file.package(), "plugin");
    let calls: Vec<_> = file
        .service
        .iter()
        .flat_map(|service| {
            let name = service.name();
            service
                .method
                .iter()
                .map(move |method| format!("{name}.{}", signature(method)))
        })
        .collect();
    assert_eq!(
        calls,
        [
            "GRPCController.Shutdown(Empty) -> Empty",
            "GRPCStdio.StreamStdio(google.protobuf.Empty) -> stream StdioData",
            "GRPCBroker.StartStream(stream ConnInfo) -> stream ConnInfo",
        ]
    );
}

/// Bytes written by hand from the tag rule (number << 3 | 2) of the protobuf encoding.
#[test]
fn the_odd_ones_are_odd_on_the_wire_too() {
    let stopped = stop_provider::Response {
        error: "x".to_owned(),
    };
    assert_eq!(stopped.encode_to_vec(), [0x0a, 1, b'x']);
    let judged = validate_provider_config::Response {
        diagnostics: vec![Default::default()],
    };
    assert_eq!(judged.encode_to_vec(), [0x12, 0]);
}

#[test]
fn values_do_not_show_in_debug() {
    let value = DynamicValue {
        msgpack: b"secret".to_vec(),
        json: vec![],
    };
    assert_eq!(
        format!("{value:?}"),
        "DynamicValue(msgpack 6 bytes, json 0 bytes)"
    );
    let state = RawState {
        json: b"secret".to_vec(),
        flatmap: Default::default(),
    };
    assert_eq!(
        format!("{state:?}"),
        "RawState(json 6 bytes, flatmap 0 entries)"
    );
}

fn compiled(name: &str) -> FileDescriptorProto {
    let set = protox::compile([name], [env!("CARGO_MANIFEST_DIR")]).expect("the contract compiles");
    set.file
        .into_iter()
        .find(|file| file.name() == name)
        .expect("what was compiled is in the set")
}

fn rendered(name: &str) -> String {
    let file = compiled(name);
    let mut lines = Vec::new();
    for message in &file.message_type {
        render_message("", message, &mut lines);
    }
    for each in &file.enum_type {
        lines.push(render_enum("", each));
    }
    lines.join("\n")
}

fn render_message(outer: &str, message: &DescriptorProto, lines: &mut Vec<String>) {
    let name = format!("{outer}{}", message.name());
    let mut fields: Vec<_> = message.field.iter().collect();
    fields.sort_by_key(|field| field.number());
    let fields: Vec<_> = fields
        .iter()
        .map(|field| render_field(message, field))
        .collect();
    // A message that only holds others is not part of the contract.
    if !fields.is_empty() || message.nested_type.is_empty() {
        lines.push(
            format!("{name}: {}", fields.join("; "))
                .trim_end()
                .to_owned(),
        );
    }
    let inner = format!("{name}.");
    for nested in message
        .nested_type
        .iter()
        .filter(|nested| !is_map_entry(nested))
    {
        render_message(&inner, nested, lines);
    }
    lines.extend(
        message
            .enum_type
            .iter()
            .map(|each| render_enum(&inner, each)),
    );
}

fn render_enum(outer: &str, each: &EnumDescriptorProto) -> String {
    let values = each
        .value
        .iter()
        .map(|value| format!("{}={}", value.number(), value.name()));
    format!(
        "enum {outer}{}: {}",
        each.name(),
        values.collect::<Vec<_>>().join("; ")
    )
}

fn render_field(message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let entry = message
        .nested_type
        .iter()
        .find(|nested| is_map_entry(nested) && field.type_name().ends_with(nested.name()));
    let typed = match entry {
        Some(entry) => {
            format!(
                "map<{},{}>",
                type_name(&entry.field[0]),
                type_name(&entry.field[1])
            )
        }
        None if field.label() == Label::Repeated => format!("repeated {}", type_name(field)),
        None if field.proto3_optional() => format!("optional {}", type_name(field)),
        None => type_name(field),
    };
    let oneof = match field.oneof_index {
        Some(index) if !field.proto3_optional() => {
            format!(" (oneof {})", message.oneof_decl[index as usize].name())
        }
        _ => String::new(),
    };
    format!("{} {}: {typed}{oneof}", field.number(), field.name())
}

fn type_name(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::Message | Type::Enum => {
            let path = field.type_name().trim_start_matches('.');
            match path.starts_with("google.") {
                true => path.to_owned(),
                false => path.rsplit('.').next().unwrap_or(path).to_owned(),
            }
        }
        scalar => scalar
            .as_str_name()
            .trim_start_matches("TYPE_")
            .to_lowercase(),
    }
}

fn is_map_entry(message: &DescriptorProto) -> bool {
    message
        .options
        .as_ref()
        .is_some_and(|options| options.map_entry())
}

fn signature(method: &MethodDescriptorProto) -> String {
    let stream = |is: bool| if is { "stream " } else { "" };
    let local = |path: &str| {
        let path = path.trim_start_matches('.');
        let path = path.strip_prefix("tfplugin6.").unwrap_or(path);
        path.strip_prefix("plugin.").unwrap_or(path).to_owned()
    };
    format!(
        "{}({}{}) -> {}{}",
        method.name(),
        stream(method.client_streaming()),
        local(method.input_type()),
        stream(method.server_streaming()),
        local(method.output_type())
    )
}

/// Joins the continuation lines of a table.
fn unfolded(table: &str) -> String {
    table.replace("\n    ", " ")
}

/// Lines in an order of their own, so that a difference shows as one line.
fn sorted(table: &str) -> Vec<&str> {
    let mut lines: Vec<_> = table.trim_end().lines().collect();
    lines.sort_unstable();
    lines
}
