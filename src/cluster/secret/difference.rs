//! How a Secret differs from what we wrote, and who may have changed it.

use std::collections::BTreeMap;

use super::Observed;
use super::fields::{Field, Holding, Operation};
use crate::cluster::{FIELD_MANAGER, Sha256};

use jiff::Timestamp;

/// What we expect to see: of our own keys, labels and annotations only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The SHA-256 of each value.
    pub data: BTreeMap<String, Sha256>,
    /// Our labels.
    pub labels: BTreeMap<String, String>,
    /// Our annotations, with their prefix.
    pub annotations: BTreeMap<String, String>,
}

/// One field that is not as we wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which field.
    pub field: Field,
    /// In what way.
    pub how: How,
    /// Who holds the field now besides us, the latest first. Empty when nobody says so: whoever removes a field, or
    /// writes by `stringData`, leaves no trace.
    pub by: Vec<LastSeen>,
}

/// In what way a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The field is gone.
    Missing,
    /// It has another value.
    Changed,
}

/// A manager and when it last changed anything in this Secret, to the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen {
    /// The field manager's name.
    pub manager: String,
    /// How it writes.
    pub operation: Operation,
    /// When it last wrote; not necessarily this field.
    pub time: Option<Timestamp>,
}

/// Every field of ours that is not as expected, in the order of keys, labels, annotations.
///
/// Data is compared by digest, because a write by `stringData` changes a value and no owner.
pub fn difference(expected: &Expected, observed: &Observed) -> Vec<Difference> {
    let data = compare(&expected.data, &observed.sha256s(), Field::Data);
    let labels = compare(&expected.labels, &observed.labels, Field::Label);
    let annotations = compare(
        &expected.annotations,
        &observed.annotations,
        Field::Annotation,
    );
    let all = data.into_iter().chain(labels).chain(annotations);
    all.map(|(field, how)| Difference {
        by: last_seen(observed, &field),
        field,
        how,
    })
    .collect()
}

/// Who else has written data, the latest first.
pub fn writers(observed: &Observed) -> Vec<LastSeen> {
    seen(observed, Holding::holds_data)
}

fn compare<V: PartialEq>(
    wanted: &BTreeMap<String, V>,
    found: &BTreeMap<String, V>,
    field: fn(String) -> Field,
) -> Vec<(Field, How)> {
    let differing = wanted
        .iter()
        .filter_map(|(key, value)| match found.get(key) {
            Some(same) if same == value => None,
            Some(_) => Some((field(key.clone()), How::Changed)),
            None => Some((field(key.clone()), How::Missing)),
        });
    differing.collect()
}

fn last_seen(observed: &Observed, field: &Field) -> Vec<LastSeen> {
    seen(observed, |holding| holding.holds(field))
}

fn seen(observed: &Observed, holds: impl Fn(&Holding) -> bool) -> Vec<LastSeen> {
    let others = observed
        .holdings
        .iter()
        .filter(|holding| holding.manager != FIELD_MANAGER);
    let mut seen: Vec<LastSeen> = others
        .filter(|holding| holds(holding))
        .map(LastSeen::from)
        .collect();
    seen.sort_by_key(|seen| std::cmp::Reverse(seen.time));
    seen
}

impl From<&Holding> for LastSeen {
    fn from(holding: &Holding) -> Self {
        Self {
            manager: holding.manager.clone(),
            operation: holding.operation,
            time: holding.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::secret::samples::{desired, edited, observed, ours};

    fn differing(observed: &Observed) -> Vec<(String, How)> {
        let found = difference(&desired().expected(), observed);
        found
            .into_iter()
            .map(|difference| (difference.field.to_string(), difference.how))
            .collect()
    }

    #[test]
    fn what_we_wrote_does_not_differ() {
        assert_eq!(differing(&ours()), []);
    }

    #[test]
    fn an_edit_is_named_with_its_manager_and_time() {
        let found = difference(&desired().expected(), &edited("kubectl-edit"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field.to_string(), ".data.ca-cert.pem");
        assert_eq!(found[0].how, How::Changed);
        assert_eq!(found[0].by[0].manager, "kubectl-edit");
        assert_eq!(
            found[0].by[0].time.unwrap().to_string(),
            "2026-11-22T12:00:00Z"
        );
    }

    #[test]
    fn a_change_without_a_new_owner_is_found_by_its_digest() {
        let found = difference(
            &desired().expected(),
            &observed(|json| json["data"]["ca-key.pem"] = json!("eA==")),
        );
        assert_eq!((found[0].how, found[0].by.len()), (How::Changed, 0));
    }

    #[test]
    fn what_is_gone_is_missing_and_nobody_is_blamed() {
        let found = observed(|json| {
            json["data"].as_object_mut().unwrap().remove("ca-key.pem");
            json["metadata"]["labels"] = json!(null);
        });
        let missing = |field: &str| (field.to_owned(), How::Missing);
        assert_eq!(
            differing(&found),
            [
                missing(".data.ca-key.pem"),
                missing(".metadata.labels.team")
            ]
        );
    }

    #[test]
    fn what_others_add_is_theirs() {
        let found = observed(|json| {
            json["data"]["ca-crl.pem"] = json!("Y3Js");
            json["metadata"]["labels"]["other"] = json!("theirs");
            json["metadata"]["annotations"]["istiopca.io/released"] = json!("true");
        });
        assert_eq!(differing(&found), []);
    }
}
