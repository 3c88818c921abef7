//! `metadata.managedFields`: who owns which fields.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::FieldSet;

/// What a manager did last: it owns apart what it applied and what it wrote in any other way.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Operation {
    /// Server-side apply.
    Apply,
    /// POST, PUT, and every other kind of PATCH.
    Update,
}

/// One owner of fields. Two of them never have the same operation and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    pub(super) operation: Operation,
    pub(super) manager: String,
}

/// All owners of an object's fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Managers(BTreeMap<Owner, Holding>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Holding {
    api_version: String,
    time: Option<String>,
    fields: FieldSet,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    manager: String,
    operation: Operation,
    api_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    fields_type: String,
    fields_v1: Value,
}

impl Owner {
    /// The owner of what `manager` applies.
    pub(super) fn applying(manager: &str) -> Self {
        Self {
            operation: Operation::Apply,
            manager: manager.to_owned(),
        }
    }

    /// The owner of what `manager` writes in any other way.
    pub(super) fn updating(manager: &str) -> Self {
        Self {
            operation: Operation::Update,
            manager: manager.to_owned(),
        }
    }
}

impl Managers {
    /// From the list in an object's metadata; `None` where it is missing, empty or no such list.
    ///
    /// Two entries of one owner become one.
    pub(super) fn parse(list: &Value) -> Option<Self> {
        let entries: Vec<Entry> = serde_json::from_value(list.clone()).ok()?;
        let mut managers = Self::default();
        for entry in entries {
            let owner = Owner {
                operation: entry.operation,
                manager: entry.manager,
            };
            let holding = managers.0.entry(owner).or_default();
            holding.fields = holding.fields.union(&FieldSet::from_v1(&entry.fields_v1));
            holding.time = holding.time.take().max(entry.time);
            holding.api_version = entry.api_version;
        }
        Some(managers).filter(|managers| !managers.0.is_empty())
    }

    /// Those of an object whose list was wiped: all that is there counts as written before the
    /// first apply.
    pub(super) fn before_first_apply(object: &Value) -> Self {
        let mut managers = Self::default();
        managers.give(&Owner::updating("before-first-apply"), FieldSet::of(object));
        managers
    }

    /// The list for an object's metadata: what was applied first, then by time and name.
    pub(super) fn to_list(&self) -> Value {
        let mut held: Vec<_> = self.0.iter().collect();
        held.sort_by_key(|(owner, holding)| {
            (owner.operation, holding.time.clone(), owner.manager.clone())
        });
        let entries = held.into_iter().map(|(owner, holding)| Entry {
            manager: owner.manager.clone(),
            operation: owner.operation,
            api_version: holding.api_version.clone(),
            time: holding.time.clone(),
            fields_type: "FieldsV1".to_owned(),
            fields_v1: holding.fields.to_v1(),
        });
        serde_json::to_value(entries.collect::<Vec<_>>()).expect("strings and JSON are always JSON")
    }

    /// What an owner has; nothing, if it is not known.
    pub(super) fn fields_of(&self, owner: &Owner) -> FieldSet {
        self.0
            .get(owner)
            .map(|holding| holding.fields.clone())
            .unwrap_or_default()
    }

    /// What anybody has.
    pub(super) fn all_fields(&self) -> FieldSet {
        self.0.values().fold(FieldSet::default(), |all, holding| {
            all.union(&holding.fields)
        })
    }

    /// Which of `fields` belong to somebody else too, by owner.
    pub(super) fn held_by_others(
        &self,
        owner: &Owner,
        fields: &FieldSet,
    ) -> Vec<(Owner, FieldSet)> {
        let others = self.0.iter().filter(|(other, _)| *other != owner);
        let held =
            others.map(|(other, holding)| (other.clone(), holding.fields.intersection(fields)));
        held.filter(|(_, fields)| !fields.is_empty()).collect()
    }

    /// Makes `fields` all that an owner has.
    pub(super) fn give(&mut self, owner: &Owner, fields: FieldSet) {
        let holding = self.0.entry(owner.clone()).or_default();
        holding.api_version = "v1".to_owned();
        holding.fields = fields;
        self.drop_empty();
    }

    /// Takes `fields` from everybody but `owner`.
    pub(super) fn take_from_others(&mut self, owner: &Owner, fields: &FieldSet) {
        let others = self.0.iter_mut().filter(|(other, _)| *other != owner);
        others.for_each(|(_, holding)| holding.fields = holding.fields.minus(fields));
        self.drop_empty();
    }

    /// Takes fields that are there no more from everybody.
    pub(super) fn forget(&mut self, fields: &FieldSet) {
        self.0
            .values_mut()
            .for_each(|holding| holding.fields = holding.fields.minus(fields));
        self.drop_empty();
    }

    /// Notes when an owner last changed something, in whole seconds.
    pub(super) fn stamp(&mut self, owner: &Owner, now: Timestamp) {
        if let Some(holding) = self.0.get_mut(owner) {
            holding.time = Some(seconds(now));
        }
    }

    fn drop_empty(&mut self) {
        self.0.retain(|_, holding| !holding.fields.is_empty());
    }
}

/// A moment as Kubernetes writes it: RFC 3339, UTC, whole seconds.
pub(super) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_entries_of_one_owner_become_their_union() {
        let entry = |time: &str, fields: Value| {
            json!({
                "manager": "us", "operation": "Apply", "apiVersion": "v1", "time": time,
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            })
        };
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let list = json!([
            entry(early, json!({"f:data": {"f:b": {}}})),
            entry(late, json!({"f:data": {"f:a": {}}})),
        ]);
        let managers = Managers::parse(&list).unwrap();
        let united = json!([entry(late, json!({"f:data": {"f:a": {}, "f:b": {}}}))]);
        assert_eq!(managers.to_list(), united);
    }

    #[test]
    fn a_wiped_list_is_no_list() {
        assert_eq!(Managers::parse(&json!([{}])), None);
        assert_eq!(Managers::parse(&json!([])), None);
        assert_eq!(Managers::parse(&Value::Null), None);
    }

    #[test]
    fn an_owner_of_nothing_is_not_listed() {
        let mut managers = Managers::before_first_apply(&json!({"data": {"a": "1"}}));
        managers.take_from_others(
            &Owner::applying("us"),
            &FieldSet::of(&json!({"data": {"a": "2"}})),
        );
        assert_eq!(managers.to_list(), json!([]));
    }
}
