//! Which fields of an object are meant: sets of paths, their `fieldsV1` form, and how two objects
//! differ.
//!
//! Objects and maps are walked, everything else (lists too) is one leaf. The real API server walks
//! keyed lists as well; nothing that the sandbox serves has one that two managers would share.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use serde_json::{Map, Value};

/// From the root to a field, each step as `fieldsV1` spells it: `["f:data", "f:ca-cert.pem"]`.
pub(super) type Path = Vec<String>;

/// A set of fields, as one entry of `metadata.managedFields` keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSet(BTreeSet<Path>);

/// What is different between an object and its successor, maps that came or went included.
pub(super) struct Change {
    /// Fields that are new or have another value.
    pub(super) set: FieldSet,
    /// Fields that are there no more.
    pub(super) removed: FieldSet,
}

/// What the server alone writes; nobody owns it.
const SERVERS_OWN: [&str; 14] = [
    "f:apiVersion",
    "f:kind",
    "f:spec",
    "f:status",
    "f:metadata.f:name",
    "f:metadata.f:namespace",
    "f:metadata.f:selfLink",
    "f:metadata.f:uid",
    "f:metadata.f:resourceVersion",
    "f:metadata.f:generation",
    "f:metadata.f:creationTimestamp",
    "f:metadata.f:deletionTimestamp",
    "f:metadata.f:deletionGracePeriodSeconds",
    "f:metadata.f:managedFields",
];

impl FieldSet {
    /// Every leaf of an object that somebody can own: what an apply of it owns.
    pub(super) fn of(object: &Value) -> Self {
        let members = members(object).into_iter();
        Self(
            members
                .filter(|(_, value)| !is_full_map(value))
                .map(|(path, _)| path)
                .collect(),
        )
    }

    /// From the `fieldsV1` of a managedFields entry.
    pub(super) fn from_v1(fields: &Value) -> Self {
        let mut paths = BTreeSet::new();
        collect_v1(fields, &mut Vec::new(), &mut paths);
        Self(paths)
    }

    /// As `fieldsV1`: nested objects, with `"."` for a member that has members below it.
    pub(super) fn to_v1(&self) -> Value {
        let mut root = Map::new();
        for path in &self.0 {
            let node = path.iter().fold(&mut root, |node, step| {
                let child = node
                    .entry(step.clone())
                    .or_insert_with(|| Value::Object(Map::new()));
                child
                    .as_object_mut()
                    .expect("only objects were put into the tree")
            });
            if self.has_below(path) {
                node.insert(".".into(), Value::Object(Map::new()));
            }
        }
        Value::Object(root)
    }

    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The paths in order.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }

    /// Fields in either.
    pub(super) fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Fields in both.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Fields in this one only.
    pub(super) fn minus(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    fn has_below(&self, path: &Path) -> bool {
        let after = self
            .0
            .range::<Path, _>((Bound::Excluded(path), Bound::Unbounded));
        after.take(1).any(|next| next.starts_with(path))
    }
}

impl Change {
    /// From `before` to `after`; an object that was not there is `Value::Null`.
    pub(super) fn between(before: &Value, after: &Value) -> Self {
        let (old, new) = (members(before), members(after));
        let is_same = |path: &Path, value: &Value| {
            let old = old.get(path);
            old.is_some_and(|old| *old == value || old.is_object() && value.is_object())
        };
        let set = new.iter().filter(|(path, value)| !is_same(path, value));
        let removed = old.keys().filter(|path| !new.contains_key(*path));
        Self {
            set: FieldSet(set.map(|(path, _)| path.clone()).collect()),
            removed: FieldSet(removed.cloned().collect()),
        }
    }

    /// Whether the two are the same, but for what the server writes.
    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }
}

/// A path as error messages show it: `.data.ca-cert.pem`.
pub(super) fn shown(path: &Path) -> String {
    let steps = path
        .iter()
        .map(|step| step.strip_prefix("f:").unwrap_or(step));
    steps.map(|step| format!(".{step}")).collect()
}

/// Takes a field out of an object, and what holds it too if that is empty then.
pub(super) fn remove(object: &mut Value, path: &[String]) {
    let (Some((step, below)), Some(map)) = (path.split_first(), object.as_object_mut()) else {
        return;
    };
    let key = step.strip_prefix("f:").unwrap_or(step);
    if below.is_empty() {
        map.remove(key);
    } else if let Some(child) = map.get_mut(key) {
        remove(child, below);
        if child.as_object().is_some_and(Map::is_empty) {
            map.remove(key);
        }
    }
}

/// `wanted` laid over `live`: maps are merged key by key, everything else is replaced.
pub(super) fn merge(live: &Value, wanted: &Value) -> Value {
    let (Value::Object(live), Value::Object(wanted)) = (live, wanted) else {
        return wanted.clone();
    };
    let mut merged = live.clone();
    for (key, value) in wanted {
        let below = merge(live.get(key).unwrap_or(&Value::Null), value);
        merged.insert(key.clone(), below);
    }
    Value::Object(merged)
}

/// Every field that somebody can own, and every map of such.
fn members(object: &Value) -> BTreeMap<Path, &Value> {
    let mut found = BTreeMap::new();
    collect_members(object, &mut Vec::new(), &mut found);
    found
}

fn collect_members<'a>(value: &'a Value, at: &mut Path, found: &mut BTreeMap<Path, &'a Value>) {
    if SERVERS_OWN.contains(&at.join(".").as_str()) || value.is_null() {
        return;
    }
    if !at.is_empty() && *at != ["f:metadata"] {
        found.insert(at.clone(), value);
    }
    for (key, below) in value.as_object().into_iter().flatten() {
        at.push(format!("f:{key}"));
        collect_members(below, at, found);
        at.pop();
    }
}

fn is_full_map(value: &Value) -> bool {
    value.as_object().is_some_and(|map| !map.is_empty())
}

fn collect_v1(node: &Value, at: &mut Path, paths: &mut BTreeSet<Path>) {
    let below = node.as_object().filter(|map| !map.is_empty());
    for (step, child) in below.into_iter().flatten() {
        if step == "." {
            paths.insert(at.clone());
        } else {
            at.push(step.clone());
            collect_v1(child, at, paths);
            at.pop();
        }
    }
    if below.is_none() && !at.is_empty() {
        paths.insert(at.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_owned_leaf_by_leaf_without_what_the_server_writes() {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {
                "name": "cacerts", "uid": "u", "resourceVersion": "7", "labels": {"team": "mesh"},
            },
            "data": {"ca-cert.pem": "YQ==", "empty": ""},
        });
        let fields = json!({
            "f:data": {"f:ca-cert.pem": {}, "f:empty": {}},
            "f:metadata": {"f:labels": {"f:team": {}}},
            "f:type": {},
        });
        assert_eq!(FieldSet::of(&secret).to_v1(), fields);
        assert_eq!(FieldSet::from_v1(&fields), FieldSet::of(&secret));
    }

    #[test]
    fn a_member_with_members_below_it_keeps_its_dot() {
        let fields = json!({"f:data": {".": {}, "f:ca-key.pem": {}}, "f:type": {}});
        assert_eq!(FieldSet::from_v1(&fields).to_v1(), fields);
    }

    #[test]
    fn a_change_tells_what_was_set_from_what_is_gone() {
        let before = json!({"data": {"a": "1", "b": "2", "c": "3"}});
        let after = json!({"data": {"a": "1", "b": "x", "d": "4"}});
        let change = Change::between(&before, &after);
        assert_eq!(
            change.set.to_v1(),
            json!({"f:data": {"f:b": {}, "f:d": {}}})
        );
        assert_eq!(change.removed.to_v1(), json!({"f:data": {"f:c": {}}}));
    }

    #[test]
    fn the_last_key_takes_its_map_with_it() {
        let mut secret = json!({"data": {"ca-key.pem": "YQ=="}, "type": "Opaque"});
        remove(&mut secret, &["f:data".into(), "f:ca-key.pem".into()]);
        assert_eq!(secret, json!({"type": "Opaque"}));
    }
}
