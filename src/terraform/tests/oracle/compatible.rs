//! Whether a later answer keeps what an earlier one promised: `AssertObjectCompatible`.

use std::collections::BTreeSet;

use rmp::decode;

use super::super::super::schema::{Block, Body, Kind, Nesting, Schema};
use super::super::super::value::Unknown;
use super::super::super::{Dynamic, Path};
use super::{Faults, fault};

/// What a core finds in an actual object that the planned one did not allow.
pub(in crate::terraform) fn compatible(
    schema: &Schema,
    planned: &Dynamic,
    actual: &Dynamic,
) -> Faults {
    let mut faults = Vec::new();
    object(&schema.body, planned, actual, &Path::root(), &mut faults);
    faults
}

fn object(body: &Body, planned: &Dynamic, actual: &Dynamic, path: &Path, faults: &mut Faults) {
    match (planned.is_null(), actual.is_null()) {
        (true, true) => return,
        (true, false) => return fault(faults, path, "was absent, but now present"),
        (false, true) => return fault(faults, path, "was present, but now absent"),
        (false, false) => {}
    }
    for attribute in body.attributes {
        let name = attribute.name;
        let (planned, actual) = (planned.attribute(name), actual.attribute(name));
        value(
            attribute.kind,
            planned,
            actual,
            &path.attribute(name),
            faults,
        );
    }
    for block in body.blocks {
        let name = block.name;
        let (planned, actual) = (planned.attribute(name), actual.attribute(name));
        blocks(block, planned, actual, &path.attribute(name), faults);
    }
}

fn blocks(block: &Block, planned: &Dynamic, actual: &Dynamic, path: &Path, faults: &mut Faults) {
    let same = |planned: &Dynamic, actual: &Dynamic| {
        let mut faults = Vec::new();
        object(&block.body, planned, actual, path, &mut faults);
        faults.is_empty()
    };
    match (block.nesting, planned, actual) {
        (Nesting::Single, Dynamic::Unknown(_), Dynamic::Null) => {}
        (Nesting::Single, _, _) => object(&block.body, planned, actual, path, faults),
        (Nesting::List { .. }, Dynamic::List(planned), Dynamic::List(actual)) => {
            if planned.len() != actual.len() {
                return fault(faults, path, "block count changed");
            }
            for (place, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                object(&block.body, planned, actual, &path.index(place), faults);
            }
        }
        (Nesting::Set { .. }, Dynamic::List(planned), Dynamic::List(actual)) => {
            correlated(planned, actual, same, path, faults);
        }
        // What was an unknown `dynamic` may turn out as any number of blocks.
        _ => {}
    }
}

fn value(kind: Kind, planned: &Dynamic, actual: &Dynamic, path: &Path, faults: &mut Faults) {
    match (planned, actual) {
        (Dynamic::Unknown(unknown), actual) => {
            if !admits(unknown, actual) {
                fault(
                    faults,
                    path,
                    "final value does not conform to planning placeholder",
                );
            }
        }
        (Dynamic::Null, Dynamic::Null) => {}
        (_, Dynamic::Null) => fault(faults, path, "was known, but now null"),
        (Dynamic::Null, _) => fault(faults, path, "was null, but now a value"),
        (_, Dynamic::Unknown(_)) => fault(faults, path, "was known, but now unknown"),
        (planned, actual) => known(kind, planned, actual, path, faults),
    }
}

fn known(kind: Kind, planned: &Dynamic, actual: &Dynamic, path: &Path, faults: &mut Faults) {
    match (kind, planned, actual) {
        (Kind::List(kind), Dynamic::List(planned), Dynamic::List(actual)) => {
            if planned.len() != actual.len() {
                fault(faults, path, "elements have appeared or vanished");
            }
            for (place, (planned, actual)) in planned.iter().zip(actual).enumerate() {
                value(*kind, planned, actual, &path.index(place), faults);
            }
        }
        (Kind::Map(kind), Dynamic::Map(planned), Dynamic::Map(actual)) => {
            let keys = |map: &std::collections::BTreeMap<String, Dynamic>| {
                map.keys().cloned().collect::<BTreeSet<_>>()
            };
            if keys(planned) != keys(actual) {
                fault(faults, path, "elements have appeared or vanished");
            }
            for (key, planned) in planned {
                if let Some(actual) = actual.get(key) {
                    value(*kind, planned, actual, &path.key(key), faults);
                }
            }
        }
        (Kind::Object(fields), planned, actual) => {
            for (name, kind) in fields {
                let (planned, actual) = (planned.attribute(name), actual.attribute(name));
                value(*kind, planned, actual, &path.attribute(*name), faults);
            }
        }
        (Kind::Set(kind), Dynamic::List(planned), Dynamic::List(actual)) => {
            let same = |planned: &Dynamic, actual: &Dynamic| {
                let mut faults = Vec::new();
                value(*kind, planned, actual, path, &mut faults);
                faults.is_empty()
            };
            correlated(planned, actual, same, path, faults);
        }
        (_, planned, actual) if planned != actual => fault(faults, path, "was another value"),
        _ => {}
    }
}

/// Elements of a set are recognised by what they can have become. Unknown ones may turn out equal
/// and merge, but never multiply.
fn correlated(
    planned: &[Dynamic],
    actual: &[Dynamic],
    same: impl Fn(&Dynamic, &Dynamic) -> bool,
    path: &Path,
    faults: &mut Faults,
) {
    let vanished = planned
        .iter()
        .any(|one| !actual.iter().any(|other| same(one, other)));
    let appeared = actual
        .iter()
        .any(|other| !planned.iter().any(|one| same(one, other)));
    if vanished || appeared || planned.len() < actual.len() {
        fault(faults, path, "elements of the set do not correlate");
    }
}

/// Whether a value is one that the refinement of an unknown allows: not null, or with a prefix.
fn admits(unknown: &Unknown, actual: &Dynamic) -> bool {
    let Some(mut payload) = unknown.refinement.as_deref() else {
        return true;
    };
    for _ in 0..decode::read_map_len(&mut payload).expect("a refinement is a map") {
        let admitted = match decode::read_int(&mut payload).expect("a number") {
            1_u8 => decode::read_bool(&mut payload).expect("nullness") || !actual.is_null(),
            2_u8 => {
                let (prefix, rest) = decode::read_str_from_slice(payload).expect("a prefix");
                payload = rest;
                actual.is_unknown() || actual.as_str().is_some_and(|text| text.starts_with(prefix))
            }
            other => panic!("no test makes the refinement {other}"),
        };
        if !admitted {
            return false;
        }
    }
    true
}
