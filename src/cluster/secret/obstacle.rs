//! What stands in the way of changing a Secret in place.

use std::collections::BTreeSet;

use super::difference::{Expected, difference};
use super::fields::{Field, Holding};
use super::{Desired, Observed, Step};
use crate::cluster::FIELD_MANAGER;

/// Why a Secret cannot become what is wanted without being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Immovable {
    /// It is marked immutable, and these keys would change.
    Immutable {
        /// Keys of the data.
        keys: Vec<String>,
    },
    /// Its type, which cannot change, demands keys that we would take away.
    Type {
        /// The type.
        type_: String,
        /// The keys it demands.
        keys: Vec<String>,
    },
}

/// Why the observed Secret cannot become the desired one in place, if it cannot.
pub(super) fn immovable(observed: &Observed, desired: &Desired) -> Option<Immovable> {
    let going: BTreeSet<String> = dropped(observed, desired)
        .union(&stuck(observed, desired))
        .cloned()
        .collect();
    if observed.immutable {
        let expected = Expected {
            data: desired.expected().data,
            ..Expected::default()
        };
        let changed = difference(&expected, observed)
            .into_iter()
            .map(|found| found.field.into_name());
        let keys: Vec<_> = changed.chain(going).collect();
        return (!keys.is_empty()).then_some(Immovable::Immutable { keys });
    }
    let demanded = demanded_by(&observed.type_)
        .iter()
        .filter(|key| going.contains(**key));
    let keys: Vec<_> = demanded.map(|&key| key.to_owned()).collect();
    (!keys.is_empty()).then(|| Immovable::Type {
        type_: observed.type_.clone(),
        keys,
    })
}

/// Keys without which the API server refuses a Secret of this type, as far as istiod reads such Secrets.
fn demanded_by(type_: &str) -> &'static [&'static str] {
    match type_ {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    }
}

/// Keys of ours alone that are no longer wanted: an apply takes them away.
fn dropped(observed: &Observed, desired: &Desired) -> BTreeSet<String> {
    let held = observed
        .held_by_us()
        .into_iter()
        .filter_map(|field| match field {
            Field::Data(key) => Some(key),
            Field::Label(_) | Field::Annotation(_) => None,
        });
    held.filter(|key| !desired.data.contains_key(key) && observed.data.contains_key(key))
        .filter(|key| !held_by_others(observed, key))
        .collect()
}

/// Keys that are neither ours nor taken away, and so stand beside ours once `step` was taken.
pub fn beside(observed: &Observed, desired: &Desired, step: &Step) -> BTreeSet<String> {
    let none = BTreeSet::new();
    let pruned = match step {
        Step::Replace { .. } => return none,
        Step::Adopt { pruned } => pruned,
        Step::Update => &none,
    };
    let dropped = dropped(observed, desired);
    let others = observed.data.keys().filter(|key| {
        let goes = pruned.contains(*key) || dropped.contains(*key);
        !goes && !desired.data.contains_key(*key)
    });
    others.cloned().collect()
}

/// Keys of another layout that an apply would leave, because we do not hold them, or not alone.
pub(super) fn stuck(observed: &Observed, desired: &Desired) -> BTreeSet<String> {
    let beside = desired
        .never_beside
        .iter()
        .filter(|key| !desired.data.contains_key(*key));
    let there = beside.filter(|key| observed.data.contains_key(*key));
    there
        .filter(|key| !dropped(observed, desired).contains(*key))
        .cloned()
        .collect()
}

fn held_by_others(observed: &Observed, key: &str) -> bool {
    let field = Field::Data(key.to_owned());
    let other = |holding: &&Holding| !holding.is_applied_by(FIELD_MANAGER);
    observed
        .holdings
        .iter()
        .filter(other)
        .any(|holding| holding.holds(&field))
}
