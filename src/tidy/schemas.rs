//! Schemas and the structs that stand for them, of every resource, data source and ephemeral one.

use super::none;
use crate::provider::provider;
use crate::terraform::Manner;
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
fn ephemeral_resources_and_data_sources_are_named_after_the_provider_and_without_faults() {
    let provider = provider();
    let prefix = format!("{}_", provider.name);
    let ephemerals = provider.ephemerals.iter();
    let data_sources = provider.data_sources.iter();
    let tables = ephemerals
        .map(|ephemeral| (Manner::Opened, ephemeral))
        .chain(data_sources.map(|data_source| (Manner::Read, data_source)));
    let found = tables.flat_map(|(manner, fillable)| {
        let name = fillable.name();
        let misnamed = (!name.starts_with(&prefix)).then(|| "its name".to_owned());
        let misplaced = (fillable.manner() != manner).then(|| "its table".to_owned());
        let faults = fillable.faults().into_iter();
        let faults = faults.chain(misnamed).chain(misplaced);
        faults.map(move |fault| format!("{name}: {fault}"))
    });
    none(
        "A host would refuse, or the framework break, these ephemeral resources and data sources:",
        found,
    );
}

/// What is sensitive is stored in clear all the same, so that a data source has no secrets at all.
#[test]
fn data_sources_have_nothing_to_hide() {
    let provider = provider();
    let found = provider.data_sources.iter().flat_map(|data_source| {
        let hidden = data_source.schema().body.attributes.iter();
        let hidden = hidden.filter(|attribute| attribute.sensitive);
        let name = data_source.name();
        hidden.map(move |attribute| format!("{name}.{}", attribute.name))
    });
    none("Secrets of a data source:", found);
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
