//! What an object is after a write, and whose its fields are then. Pure: the store asks and keeps
//! the answer.

use jiff::Timestamp;
use serde_json::Value;

use super::fields::{self, Change, FieldSet, Path};
use super::managed::{Managers, Owner};

/// Fields that an unforced apply would have changed, and who owns them.
pub(super) type Conflicts = Vec<(Owner, Path)>;

/// What server-side apply by `manager` makes of `live` (`Value::Null` where nothing is there).
///
/// `wanted` is laid over what is there; keys that this manager applied before, sends no longer and
/// shares with nobody go. What others own is changed only by force, and is theirs no longer then.
pub(super) fn applied(
    live: &Value,
    wanted: &Value,
    manager: &str,
    force: bool,
    now: Timestamp,
) -> Result<Value, Conflicts> {
    let us = Owner::applying(manager);
    let before = managers_of(live);
    let mut managers = before.clone();
    managers.give(&us, FieldSet::of(wanted));
    let mut object = fields::merge(live, wanted);
    // Leaves only: a map that was owned while it was empty may have others' keys by now.
    let left = before.fields_of(&us).minus(&managers.all_fields());
    for path in left.intersection(&FieldSet::of(&object)).paths() {
        fields::remove(&mut object, path);
    }

    let change = Change::between(live, &object);
    let held = managers.held_by_others(&us, &change.set);
    if !held.is_empty() && !force {
        return Err(field_by_field(&held));
    }
    managers.take_from_others(&us, &change.set);
    if !change.is_empty() || managers != before {
        managers.stamp(&us, now);
    }
    Ok(with_managers(object, &managers))
}

/// What any other write by `manager` makes of an object: all that it changes is its own from now
/// on.
///
/// A list of managers that came with `new` is believed, as it is by the real server: a JSON patch
/// can move ownership.
pub(super) fn updated(live: &Value, new: Value, manager: &str, now: Timestamp) -> Value {
    let known = managers_sent(&new).or_else(|| managers_sent(live));
    // Once wiped, the list stays away until somebody applies.
    let is_wiped = is_reset(&new) || known.is_none() && !live.is_null();
    if is_wiped {
        return with_managers(new, &Managers::default());
    }
    let us = Owner::updating(manager);
    let mut managers = known.unwrap_or_default();
    let change = Change::between(live, &new);
    if !change.set.is_empty() {
        managers.take_from_others(&us, &change.set);
        managers.give(&us, managers.fields_of(&us).union(&change.set));
    }
    managers.forget(&change.removed);
    if !change.is_empty() {
        managers.stamp(&us, now);
    }
    with_managers(new, &managers)
}

fn managers_of(live: &Value) -> Managers {
    managers_sent(live).unwrap_or_else(|| Managers::before_first_apply(live))
}

fn managers_sent(object: &Value) -> Option<Managers> {
    Managers::parse(&object["metadata"]["managedFields"])
}

/// A list of one empty entry is the agreed sign for wiping it; an empty list means nothing.
fn is_reset(new: &Value) -> bool {
    new["metadata"]["managedFields"] == serde_json::json!([{}])
}

fn with_managers(mut object: Value, managers: &Managers) -> Value {
    object["metadata"]["managedFields"] = managers.to_list();
    object
}

fn field_by_field(held: &[(Owner, FieldSet)]) -> Conflicts {
    let each = held
        .iter()
        .flat_map(|(owner, fields)| fields.paths().map(move |path| (owner, path)));
    each.map(|(owner, path)| (owner.clone(), path.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn data(secret: &Value) -> &Value {
        &secret["data"]
    }

    fn ours(keys: &Value) -> Value {
        applied(&Value::Null, &json!({"data": keys}), "us", false, NOW).unwrap()
    }

    #[test]
    fn a_key_that_is_no_longer_sent_goes_and_a_foreign_one_stays() {
        let live = ours(&json!({"a": "1", "b": "2"}));
        let mut edited = live.clone();
        edited["data"]["crl"] = json!("9");
        let live = updated(&live, edited, "kubectl-edit", NOW);
        let after = applied(&live, &json!({"data": {"a": "1"}}), "us", true, NOW).unwrap();
        assert_eq!(data(&after), &json!({"a": "1", "crl": "9"}));
    }

    #[test]
    fn who_creates_by_an_update_owns_the_map_as_well() {
        let made = updated(
            &Value::Null,
            json!({"data": {"a": "1"}}),
            "kubectl-create",
            NOW,
        );
        let fields = &made["metadata"]["managedFields"][0]["fieldsV1"];
        assert_eq!(fields, &json!({"f:data": {".": {}, "f:a": {}}}));
    }

    #[test]
    fn a_co_owned_key_is_not_pruned() {
        let live = ours(&json!({"a": "1", "b": "2"}));
        let live = applied(&live, &json!({"data": {"b": "2"}}), "them", false, NOW).unwrap();
        let after = applied(&live, &json!({"data": {"a": "1"}}), "us", false, NOW).unwrap();
        assert_eq!(data(&after), &json!({"a": "1", "b": "2"}));
    }

    #[test]
    fn a_deleted_key_comes_back_without_conflict() {
        let live = ours(&json!({"a": "1", "b": "2"}));
        let mut edited = live.clone();
        edited["data"].as_object_mut().unwrap().remove("b");
        let live = updated(&live, edited, "kubectl-edit", NOW);
        let after = applied(
            &live,
            &json!({"data": {"a": "1", "b": "2"}}),
            "us",
            false,
            NOW,
        );
        assert_eq!(data(&after.unwrap()), &json!({"a": "1", "b": "2"}));
    }

    #[test]
    fn an_apply_of_what_is_there_changes_nothing_not_even_the_time() {
        let live = ours(&json!({"a": "1"}));
        let later = Timestamp::from_second(90).unwrap();
        assert_eq!(
            applied(&live, &json!({"data": {"a": "1"}}), "us", false, later),
            Ok(live)
        );
    }

    #[test]
    fn wiped_managers_conflict_as_before_the_first_apply() {
        let mut live = ours(&json!({"a": "1"}));
        live["metadata"]["managedFields"] = json!([{}]);
        let live = updated(&Value::Null, live, "kubectl", NOW);
        let refused = applied(&live, &json!({"data": {"a": "2"}}), "us", false, NOW).unwrap_err();
        let path: Path = vec!["f:data".into(), "f:a".into()];
        assert_eq!(refused, [(Owner::updating("before-first-apply"), path)]);
    }
}
