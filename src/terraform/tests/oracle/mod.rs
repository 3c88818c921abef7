//! What a core demands of a provider's answers, stated once more in our own words.
//!
//! Whatever is refused here ends as "this is a bug in the provider" in front of a user. The rules
//! are those of Terraform's and OpenTofu's `internal/plans/objchange` and of the node that plans,
//! applies and refreshes an instance; where the two differ, the stricter one.

mod compatible;
mod object;
mod plan_valid;

pub(super) use compatible::compatible;
pub(super) use object::seen;
pub(super) use plan_valid::plan_valid;

use super::super::schema::Schema;
use super::super::{Dynamic, Path, Step};

/// What is wrong with a value; empty when nothing is.
pub(super) type Faults = Vec<String>;

fn fault(faults: &mut Faults, path: &Path, what: &str) {
    faults.push(format!("{path}: {what}"));
}

/// What a state must be, whoever returned it: there, known, and without what is never stored.
pub(super) fn storable(schema: &Schema, state: &Dynamic) -> Faults {
    let mut faults = Vec::new();
    if !state.is_wholly_known() {
        faults.push("still indicates an unknown value".to_owned());
    }
    faults.extend(bare(schema, state));
    faults
}

/// What is never stored must be null, at any depth, in states and in plans.
pub(super) fn bare(schema: &Schema, object: &Dynamic) -> Faults {
    let mut faults = Vec::new();
    object::write_only_is_null(&schema.body, object, &Path::root(), &mut faults);
    faults
}

/// Whether any of the paths makes another object of it: those where prior and planned differ.
///
/// # Errors
///
/// For a path that exists in neither.
pub(super) fn replaced(prior: &Dynamic, planned: &Dynamic, paths: &[Path]) -> Result<bool, String> {
    let mut replaced = false;
    for path in paths {
        match (at(prior, path), at(planned, path)) {
            (None, None) => return Err(format!("{path} must be replaced, but does not exist")),
            (prior, planned) => {
                let null = Dynamic::Null;
                replaced |= prior.unwrap_or(&null) != planned.unwrap_or(&null);
            }
        }
    }
    Ok(replaced)
}

fn at<'a>(value: &'a Dynamic, path: &Path) -> Option<&'a Dynamic> {
    path.steps()
        .iter()
        .try_fold(value, |value, step| match (step, value) {
            (Step::Attribute(name), Dynamic::Map(entries)) => entries.get(name.as_ref()),
            (Step::Key(key), Dynamic::Map(entries)) => entries.get(key),
            (Step::Index(index), Dynamic::List(items)) => items.get(*index),
            _ => None,
        })
}
