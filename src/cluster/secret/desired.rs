//! The Secret as it should be, and the document that says so to the API server.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use zeroize::Zeroizing;

use super::annotation;
use super::bytes::{Base64, SecretBytes};
use super::fields::Field;
use super::{Observed, SecretName};
use crate::cluster::Sha256;

/// What we want a Secret to hold. Everything is said each time: what an apply leaves out is taken away.
#[derive(Debug, Clone)]
pub struct Desired {
    /// Namespace and name.
    pub at: SecretName,
    /// The type of a Secret that is made anew; one that is there keeps its own.
    pub type_: String,
    /// Every key of ours.
    pub data: BTreeMap<String, Wanted>,
    /// Our labels; others stay.
    pub labels: BTreeMap<String, String>,
    /// The user's annotations; others stay.
    pub annotations: BTreeMap<String, String>,
    /// Public facts by name; each becomes an annotation under our prefix.
    pub facts: BTreeMap<String, String>,
    /// The id that says whose this Secret is.
    pub owner: String,
    /// Keys that must not stand beside ours: with them the reader of the Secret would read another layout.
    pub never_beside: BTreeSet<String>,
}

/// The wanted value of one key.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// These bytes.
    Bytes(SecretBytes),
    /// What is there already, if it has this SHA-256: for a value that is not at hand.
    Keep(Sha256),
}

/// A value that should be kept is not there (any more).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key {key} was to be kept with {expected:?}, {}", found.map_or("but there is none".to_owned(), |found| format!("got {found:?}")))]
pub struct NotKept {
    /// The key of the data.
    pub key: String,
    /// What it should have been.
    pub expected: Sha256,
    /// What it is; `None` when it is absent.
    pub found: Option<Sha256>,
}

/// On which state of the object a write may act; anything else fails, also by force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cluster) enum Guard<'a> {
    /// There must be no such object.
    Absent,
    /// It must be this object in this state.
    Exactly {
        uid: &'a str,
        resource_version: &'a str,
    },
}

impl<'a> Guard<'a> {
    /// The state that was observed.
    pub(in crate::cluster) fn exactly(observed: &'a Observed) -> Self {
        Self::Exactly {
            uid: &observed.uid,
            resource_version: &observed.resource_version,
        }
    }
}

impl Desired {
    /// Every annotation that we write: the user's, the public facts, the owner.
    pub fn all_annotations(&self) -> BTreeMap<String, String> {
        let facts = self
            .facts
            .iter()
            .map(|(name, value)| (annotation::named(name), value.clone()));
        let owner = (annotation::OWNER.to_owned(), self.owner.clone());
        self.annotations
            .clone()
            .into_iter()
            .chain(facts)
            .chain([owner])
            .collect()
    }

    /// Every field that we write.
    pub fn fields(&self) -> BTreeSet<Field> {
        let data = self.data.keys().cloned().map(Field::Data);
        let labels = self.labels.keys().cloned().map(Field::Label);
        data.chain(labels)
            .chain(self.all_annotations().into_keys().map(Field::Annotation))
            .collect()
    }

    /// What should be seen once this is written.
    pub fn expected(&self) -> super::Expected {
        super::Expected {
            data: self
                .data
                .iter()
                .map(|(key, wanted)| (key.clone(), wanted.sha256()))
                .collect(),
            labels: self.labels.clone(),
            annotations: self.all_annotations(),
        }
    }

    /// The document for a server-side apply, with values that are to be kept taken from `base`.
    ///
    /// # Errors
    /// When a value that is to be kept is not in `base`, or is another one there.
    pub(in crate::cluster) fn document(
        &self,
        base: Option<&Observed>,
        guard: Guard<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, NotKept> {
        let data = self.data.iter().map(|(key, wanted)| {
            Ok((
                key.as_str(),
                Base64(Cow::Borrowed(wanted.value(key, base)?)),
            ))
        });
        // One that is there keeps its type, which cannot change.
        let there = base.filter(|_| guard != Guard::Absent);
        let annotations = self.all_annotations();
        let document = Document {
            api_version: "v1",
            kind: "Secret",
            metadata: Metadata::new(&self.at, guard, &self.labels, &annotations),
            type_: there.map_or(&self.type_, |there| &there.type_),
            data: data.collect::<Result<_, _>>()?,
        };
        Ok(document.bytes())
    }
}

impl Wanted {
    /// The SHA-256 of the wanted value.
    pub fn sha256(&self) -> Sha256 {
        match self {
            Self::Bytes(bytes) => bytes.sha256(),
            Self::Keep(sha256) => *sha256,
        }
    }

    fn value<'a>(
        &'a self,
        key: &str,
        base: Option<&'a Observed>,
    ) -> Result<&'a SecretBytes, NotKept> {
        let expected = match self {
            Self::Bytes(bytes) => return Ok(bytes),
            Self::Keep(sha256) => *sha256,
        };
        let found = base.and_then(|base| base.bytes(key));
        found
            .filter(|bytes| bytes.sha256() == expected)
            .ok_or_else(|| NotKept {
                key: key.to_owned(),
                expected,
                found: found.map(SecretBytes::sha256),
            })
    }
}

/// The document that lets go of a Secret: everything that we hold, unchanged, and the mark.
///
/// Where we have no entry in `managedFields` (somebody wiped the list) every key is said, so that none can go.
pub(in crate::cluster) fn release_document(observed: &Observed) -> Zeroizing<Vec<u8>> {
    let held = observed.held_by_us();
    let ours = |field: Field| held.is_empty() || held.contains(&field);
    let data = observed
        .data
        .keys()
        .filter(|key| ours(Field::Data((*key).clone())));
    let data =
        data.filter_map(|key| Some((key.as_str(), Base64(Cow::Borrowed(observed.bytes(key)?)))));
    let labels = kept(&observed.labels, |key| ours(Field::Label(key)));
    let mut annotations = kept(&observed.annotations, |key| ours(Field::Annotation(key)));
    annotations.insert(annotation::RELEASED.to_owned(), "true".to_owned());
    let document = Document {
        api_version: "v1",
        kind: "Secret",
        metadata: Metadata::new(
            &observed.at,
            Guard::exactly(observed),
            &labels,
            &annotations,
        ),
        type_: &observed.type_,
        data: data.collect(),
    };
    document.bytes()
}

fn kept(all: &BTreeMap<String, String>, ours: impl Fn(String) -> bool) -> BTreeMap<String, String> {
    all.iter()
        .filter(|(key, _)| ours((*key).clone()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

impl Document<'_> {
    fn bytes(&self) -> Zeroizing<Vec<u8>> {
        let data = self
            .data
            .iter()
            .map(|(key, value)| key.len() + value.0.expose().len() * 4 / 3 + 16);
        let texts = json_length(self.metadata.labels) + json_length(self.metadata.annotations);
        // Room for all of it at once: a vector that grows leaves copies of the key behind.
        let mut json = Zeroizing::new(Vec::with_capacity(data.sum::<usize>() + texts + 1024));
        serde_json::to_writer(&mut *json, self).expect("maps with string keys are always JSON");
        json
    }
}

impl<'a> Metadata<'a> {
    fn new(
        at: &'a SecretName,
        guard: Guard<'a>,
        labels: &'a BTreeMap<String, String>,
        annotations: &'a BTreeMap<String, String>,
    ) -> Self {
        let (uid, resource_version) = match guard {
            // No object is ever at 1: the store counts its own writes, and has made some before it serves.
            Guard::Absent => (None, "1"),
            Guard::Exactly {
                uid,
                resource_version,
            } => (Some(uid), resource_version),
        };
        Self {
            namespace: at.namespace(),
            name: at.name(),
            uid,
            resource_version,
            labels,
            annotations,
        }
    }
}

fn json_length(map: &BTreeMap<String, String>) -> usize {
    map.iter()
        .map(|(key, value)| 2 * (key.len() + value.len()) + 8)
        .sum()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata<'a>,
    #[serde(rename = "type")]
    type_: &'a str,
    data: BTreeMap<&'a str, Base64<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    namespace: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    resource_version: &'a str,
    /// Left out when empty: to say an empty map is to hold the map itself.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    annotations: &'a BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::secret::samples::{desired, observed, ours};

    fn document(desired: &Desired, base: Option<&Observed>, guard: Guard<'_>) -> Value {
        serde_json::from_slice(&desired.document(base, guard).unwrap()).unwrap()
    }

    #[test]
    fn a_new_secret_must_not_exist() {
        assert_eq!(
            document(&desired(), None, Guard::Absent),
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {
                    "namespace": "istio-system", "name": "cacerts", "resourceVersion": "1",
                    "labels": {"team": "mesh"},
                    "annotations": {
                        "note": "by hand", "istiopca.io/owner": "o-1", "istiopca.io/serial": "0a",
                    },
                },
                // printf cert | base64; printf key | base64
                "data": {"ca-cert.pem": "Y2VydA==", "ca-key.pem": "a2V5"},
            })
        );
    }

    #[test]
    fn an_update_names_the_object_its_state_and_every_key_and_keeps_the_type() {
        let base = observed(|json| json["type"] = json!("example.com/adopted"));
        let mut wanted = desired();
        let kept = base.bytes("ca-key.pem").unwrap().sha256();
        wanted
            .data
            .insert("ca-key.pem".to_owned(), Wanted::Keep(kept));
        let guard = Guard::Exactly {
            uid: "u-1",
            resource_version: "42",
        };
        let said = document(&wanted, Some(&base), guard);
        assert_eq!(said["metadata"]["uid"], "u-1");
        assert_eq!(said["metadata"]["resourceVersion"], "42");
        assert_eq!(said["type"], "example.com/adopted");
        assert_eq!(
            said["data"],
            json!({"ca-cert.pem": "Y2VydA==", "ca-key.pem": "a2V5"})
        );
    }

    #[test]
    fn a_kept_value_that_is_another_one_is_not_sent() {
        let mut wanted = desired();
        let other = Sha256::of(b"another key");
        wanted
            .data
            .insert("ca-key.pem".to_owned(), Wanted::Keep(other));
        let refused = wanted.document(Some(&ours()), Guard::Absent).unwrap_err();
        assert_eq!(refused.found, Some(Sha256::of(b"key")));
        assert_eq!(
            wanted.document(None, Guard::Absent).unwrap_err().found,
            None
        );
    }

    #[test]
    fn our_own_annotations_win_over_the_users() {
        let mut wanted = desired();
        wanted
            .annotations
            .insert("istiopca.io/owner".to_owned(), "forged".to_owned());
        assert_eq!(wanted.all_annotations()["istiopca.io/owner"], "o-1");
    }

    #[test]
    fn a_release_keeps_what_we_hold_and_claims_nothing_else() {
        let base = observed(|json| {
            json["data"]["ca-crl.pem"] = json!("Y3Js");
            json["metadata"]["labels"]["other"] = json!("theirs");
        });
        let said: Value = serde_json::from_slice(&release_document(&base)).unwrap();
        assert_eq!(
            said["data"],
            json!({"ca-cert.pem": "Y2VydA==", "ca-key.pem": "a2V5"})
        );
        assert_eq!(said["metadata"]["labels"], json!({"team": "mesh"}));
        assert_eq!(
            said["metadata"]["annotations"]["istiopca.io/released"],
            "true"
        );
        assert_eq!(said["metadata"]["annotations"]["istiopca.io/owner"], "o-1");
        assert_eq!(said["metadata"]["uid"], "u-1");
    }

    #[test]
    fn a_release_without_an_entry_of_ours_says_every_key() {
        let base = observed(|json| {
            json["metadata"]["managedFields"] = json!([]);
            json["data"]["ca-crl.pem"] = json!("Y3Js");
        });
        let said: Value = serde_json::from_slice(&release_document(&base)).unwrap();
        assert_eq!(said["data"].as_object().unwrap().len(), 3);
    }

    #[test]
    fn the_document_never_moves_while_it_is_written() {
        let mut wanted = desired();
        let escaped = "\"".repeat(300);
        wanted.labels = (0..50)
            .map(|i| (format!("label-{i}"), escaped.clone()))
            .collect();
        wanted
            .data
            .insert("big".to_owned(), Wanted::Bytes(vec![0xff; 5000].into()));
        let json = wanted.document(None, Guard::Absent).unwrap();
        assert!(json.len() > 30_000);
        let labels = json_length(&wanted.labels);
        assert!(json.capacity() < 2 * json.len() + labels && json.capacity() >= json.len());
    }
}
