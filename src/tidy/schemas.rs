//! Schemas and the structs that stand for them, of every resource and every ephemeral one.

use super::none;
use crate::provider::provider;
use crate::terraform::schema::{Body, Role, Timeouts};

#[test]
fn schemas_and_structs_name_the_same_attributes() {
    let found = provider().resources.into_iter().flat_map(|resource| {
        let name = resource.name();
        resource
            .mismatches()
            .into_iter()
            .map(move |mismatch| format!("{name}: {mismatch}"))
    });
    none("Settings, Outputs and SCHEMA of a resource differ:", found);
}

#[test]
fn ephemeral_resources_are_named_after_the_provider_and_without_faults() {
    let provider = provider();
    let prefix = format!("{}_", provider.name);
    let named = provider.ephemerals.iter();
    let misnamed = named.filter(|ephemeral| !ephemeral.name().starts_with(&prefix));
    let misnamed = misnamed.map(|ephemeral| format!("{} by its name", ephemeral.name()));
    let faults = provider.ephemerals.iter().flat_map(|ephemeral| {
        let name = ephemeral.name();
        let faults = ephemeral.faults().into_iter();
        faults.map(move |fault| format!("{name}: {fault}"))
    });
    none(
        "A host would refuse, or the framework break, these ephemeral resources:",
        misnamed.chain(faults),
    );
}

/// Terraform before 1.11 would store what is never to be stored, so that it is refused there.
#[test]
fn nobody_must_write_what_older_hosts_cannot_hand_over() {
    fn required(body: &Body, place: &str, found: &mut Vec<String>) {
        let needed = body.attributes.iter();
        let needed = needed.filter(|each| each.write_only && each.role == Role::Required);
        found.extend(needed.map(|attribute| format!("{place}.{}", attribute.name)));
        for block in body.blocks {
            required(&block.body, &format!("{place}.{}", block.name), found);
        }
    }
    let mut found = Vec::new();
    for resource in &provider().resources {
        required(&resource.schema().body, resource.name(), &mut found);
    }
    none(
        "A write-only setting is optional, beside one that every host can store:",
        found,
    );
}

#[test]
fn every_schema_is_one_that_a_host_loads() {
    let provider = provider();
    let own = provider.schema.faults();
    let own = own
        .into_iter()
        .map(|fault| format!("the provider: {fault}"));
    let of_resources = provider.resources.iter().flat_map(|resource| {
        let name = resource.name();
        resource
            .schema()
            .faults()
            .into_iter()
            .map(move |fault| format!("{name}: {fault}"))
    });
    none(
        "A host would refuse, or the framework break, these schemas:",
        own.chain(of_resources),
    );
}

#[test]
fn the_providers_own_attributes_are_settings() {
    let outputs = provider()
        .schema
        .outputs()
        .map(|output| output.name.to_owned())
        .collect::<Vec<_>>();
    none("A provider has no outputs:", outputs);
}

#[test]
fn resources_are_named_after_the_provider_and_let_their_timeouts_be_set() {
    let provider = provider();
    let prefix = format!("{}_", provider.name);
    let wrong = provider.resources.iter().filter(|resource| {
        let block = resource
            .schema()
            .body
            .blocks
            .iter()
            .any(|block| block.name == Timeouts::BLOCK.name);
        !resource.name().starts_with(&prefix) || !block
    });
    none(
        "A resource is called istiopca_… and has a timeouts block:",
        wrong.map(|resource| resource.name().to_owned()),
    );
}

#[test]
fn promised_outputs_are_outputs() {
    let wrong = provider().resources.into_iter().flat_map(|resource| {
        let name = resource.name();
        let outputs: Vec<&str> = resource
            .schema()
            .outputs()
            .map(|output| output.name)
            .collect();
        let promised = resource
            .promised()
            .iter()
            .filter(move |(output, _)| !outputs.contains(output));
        promised
            .map(move |(output, _)| format!("{name}: {output}"))
            .collect::<Vec<_>>()
    });
    none("What a create promises must be outputs:", wrong);
}
