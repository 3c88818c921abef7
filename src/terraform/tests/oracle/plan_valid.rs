//! Whether a plan is one of configuration and prior state: `AssertPlanValid`.

use super::super::super::schema::{Attribute, Block, Body, Nesting, Role, Schema};
use super::super::super::{Dynamic, Path};
use super::{Faults, fault};

/// What a core finds wrong with a planned object.
pub(in crate::terraform) fn plan_valid(
    schema: &Schema,
    prior: &Dynamic,
    config: &Dynamic,
    planned: &Dynamic,
) -> Faults {
    let mut faults = Vec::new();
    body(
        &schema.body,
        [prior, config, planned],
        &Path::root(),
        &mut faults,
    );
    faults
}

fn body(body: &Body, [prior, config, planned]: [&Dynamic; 3], path: &Path, faults: &mut Faults) {
    match (planned.is_null(), config.is_null()) {
        (true, true) => return,
        (true, false) => {
            return fault(
                faults,
                path,
                "planned for absence but config wants existence",
            );
        }
        (false, true) => {
            return fault(
                faults,
                path,
                "planned for existence but config wants absence",
            );
        }
        (false, false) => {}
    }
    for attribute in body.attributes {
        let values = [prior, config, planned].map(|value| value.attribute(attribute.name).clone());
        if let Err(what) = attribute_valid(attribute, values.map(unrefined)) {
            fault(faults, &path.attribute(attribute.name), what);
        }
    }
    for block in body.blocks {
        let values = [
            prior.attribute(block.name),
            config.attribute(block.name),
            planned.attribute(block.name),
        ];
        blocks(block, values, &path.attribute(block.name), faults);
    }
}

fn attribute_valid(
    attribute: &Attribute,
    [prior, config, planned]: [Dynamic; 3],
) -> Result<(), &'static str> {
    let computed = matches!(attribute.role, Role::Output | Role::Defaulted(_));
    match () {
        () if attribute.write_only && planned.is_null() => Ok(()),
        () if attribute.write_only => Err("planned value for a write-only attribute"),
        () if planned == config => Ok(()),
        () if planned == prior && !prior.is_null() && !config.is_null() => Ok(()),
        () if attribute.is_output() => Ok(()),
        () if config.is_null() && computed => Ok(()),
        () if config.is_null() => Err("planned value for a non-computed attribute"),
        () => Err("planned value matches neither config value nor prior value"),
    }
}

fn blocks(block: &Block, values: [&Dynamic; 3], path: &Path, faults: &mut Faults) {
    let [prior, config, planned] = values;
    if planned == config {
        return;
    }
    if config.is_unknown() {
        return fault(faults, path, "planned value for unknown dynamic block");
    }
    if planned.is_unknown() {
        return fault(faults, path, "blocks must not be unknown themselves");
    }
    match (block.nesting, planned) {
        (Nesting::Single, _) => body(&block.body, values, path, faults),
        (Nesting::List { .. }, Dynamic::List(items)) => {
            if items.len() != config.elements().len() {
                return fault(
                    faults,
                    path,
                    "block count in plan disagrees with count in config",
                );
            }
            for (place, planned) in items.iter().enumerate() {
                let config = &config.elements()[place];
                let prior = prior.elements().get(place).unwrap_or(&Dynamic::Null);
                if planned.is_unknown() {
                    fault(
                        faults,
                        &path.index(place),
                        "a block must not be unknown itself",
                    );
                    continue;
                }
                body(
                    &block.body,
                    [prior, config, planned],
                    &path.index(place),
                    faults,
                );
            }
        }
        (Nesting::Set { .. }, Dynamic::List(items)) => {
            if items.iter().any(Dynamic::is_unknown) {
                fault(faults, path, "a block must not be unknown itself");
            }
            // Elements have no identity by which a core could look closer. We can: without
            // defaults in sets, each is as it was written, but for what is never stored.
            if items.len() != config.elements().len() {
                fault(
                    faults,
                    path,
                    "block count in plan disagrees with count in config",
                );
            }
        }
        _ => fault(faults, path, "no blocks must be empty, not null"),
    }
}

/// A core leaves aside what is known of unknowns when it compares a plan with a configuration.
fn unrefined(value: Dynamic) -> Dynamic {
    match value {
        Dynamic::Unknown(_) => Dynamic::UNKNOWN,
        Dynamic::List(items) => Dynamic::List(items.into_iter().map(unrefined).collect()),
        Dynamic::Map(entries) => Dynamic::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key, unrefined(value)))
                .collect(),
        ),
        known => known,
    }
}
