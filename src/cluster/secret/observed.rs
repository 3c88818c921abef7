//! A Secret as the API server showed it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::bytes::{Base64, SecretBytes};
use super::fields::{Field, Holding};
use super::{BadName, SecretName, annotation};
use crate::cluster::null::null_as_default;
use crate::cluster::{FIELD_MANAGER, Sha256};

/// What stood in the cluster at one moment: the object of one uid at one resourceVersion.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Namespace and name.
    pub at: SecretName,
    /// Which object this is: another one of the same name has another uid.
    pub uid: String,
    /// Which state of the object this is; opaque.
    pub resource_version: String,
    /// The Secret's type, such as `Opaque`; never changes in the life of an object.
    pub type_: String,
    /// Whether the API server refuses every change of the data.
    pub immutable: bool,
    /// When the object was made.
    pub created: Option<Timestamp>,
    /// Set once somebody deleted the object and finalizers still hold it.
    pub deleting: Option<Deleting>,
    /// All labels.
    pub labels: BTreeMap<String, String>,
    /// All annotations.
    pub annotations: BTreeMap<String, String>,
    /// All keys of the data.
    pub data: BTreeMap<String, Datum>,
    /// Objects that this one belongs to, as `Kind/name`.
    pub owners: Vec<String>,
    /// Who holds which field.
    pub holdings: Vec<Holding>,
}

/// One value of the data: always its SHA-256, and the bytes until they are forgotten.
#[derive(Debug, Clone)]
pub struct Datum {
    sha256: Sha256,
    bytes: Option<SecretBytes>,
}

/// An object that is being deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleting {
    /// When the deletion was asked for, RFC 3339.
    pub since: String,
    /// What must still be taken off before the object goes.
    pub finalizers: Vec<String>,
}

/// A document that is no Secret. Says where, not what: the text may hold a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotASecret {
    /// The JSON is not that of a Secret.
    #[error("expected a Secret, the JSON differs at line {line}, column {column}")]
    Json {
        /// Counted from one.
        line: usize,
        /// Counted from one.
        column: usize,
    },
    /// Namespace or name are none.
    #[error(transparent)]
    Name(#[from] BadName),
}

impl Observed {
    /// Reads the API server's JSON.
    ///
    /// # Errors
    /// When it is not that of a Secret.
    pub fn parse(json: &[u8]) -> Result<Self, NotASecret> {
        let object: Object = serde_json::from_slice(json).map_err(|error| NotASecret::Json {
            line: error.line(),
            column: error.column(),
        })?;
        let meta = object.metadata;
        let data = object.data.into_iter();
        Ok(Self {
            at: SecretName::new(&meta.namespace, &meta.name)?,
            uid: meta.uid,
            resource_version: meta.resource_version,
            type_: object.type_,
            immutable: object.immutable,
            created: meta.creation_timestamp.and_then(|time| time.parse().ok()),
            deleting: Deleting::from_metadata(meta.deletion_timestamp, meta.finalizers),
            labels: meta.labels,
            annotations: meta.annotations,
            data: data
                .map(|(key, value)| (key, value.0.into_owned().into()))
                .collect(),
            owners: meta
                .owner_references
                .iter()
                .map(ToString::to_string)
                .collect(),
            holdings: meta
                .managed_fields
                .into_iter()
                .map(Holding::parse)
                .collect(),
        })
    }

    /// The id of the owner that wrote this Secret with this provider, if one did.
    pub fn owner(&self) -> Option<&str> {
        self.annotations.get(annotation::OWNER).map(String::as_str)
    }

    /// Whether its owner has let go of it, so that another may take it over.
    pub fn is_released(&self) -> bool {
        self.owner().is_some() && self.annotations.contains_key(annotation::RELEASED)
    }

    /// A public fact from the annotations, by its name without the prefix.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.annotations
            .get(&annotation::named(name))
            .map(String::as_str)
    }

    /// The bytes of a key, unless it is absent or was forgotten.
    pub fn bytes(&self, key: &str) -> Option<&SecretBytes> {
        self.data.get(key)?.bytes.as_ref()
    }

    /// The SHA-256 of every value.
    pub fn sha256s(&self) -> BTreeMap<String, Sha256> {
        self.data
            .iter()
            .map(|(key, datum)| (key.clone(), datum.sha256))
            .collect()
    }

    /// Wipes the bytes of every key but `kept`; their SHA-256 stay.
    pub fn forget_all_but(&mut self, kept: &[&str]) {
        for (key, datum) in &mut self.data {
            if !kept.contains(&key.as_str()) {
                datum.bytes = None;
            }
        }
    }

    /// What our field manager holds by server-side apply; empty if it has no entry.
    pub fn held_by_us(&self) -> BTreeSet<Field> {
        let ours = self
            .holdings
            .iter()
            .filter(|holding| holding.is_applied_by(FIELD_MANAGER));
        ours.flat_map(Holding::fields).collect()
    }

    /// Whether the object has this field.
    pub fn has(&self, field: &Field) -> bool {
        match field {
            Field::Data(key) => self.data.contains_key(key),
            Field::Label(key) => self.labels.contains_key(key),
            Field::Annotation(key) => self.annotations.contains_key(key),
        }
    }
}

impl Deleting {
    fn from_metadata(deletion_timestamp: Option<String>, finalizers: Vec<String>) -> Option<Self> {
        deletion_timestamp.map(|since| Self { since, finalizers })
    }
}

impl Datum {
    /// The SHA-256 of the value.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }
}

impl From<SecretBytes> for Datum {
    fn from(bytes: SecretBytes) -> Self {
        Self {
            sha256: bytes.sha256(),
            bytes: Some(bytes),
        }
    }
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
    #[serde(rename = "type", default)]
    type_: String,
    #[serde(default, deserialize_with = "null_as_default")]
    immutable: bool,
    #[serde(default, deserialize_with = "null_as_default")]
    data: BTreeMap<String, Base64<'static>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    namespace: String,
    name: String,
    uid: String,
    resource_version: String,
    creation_timestamp: Option<String>,
    deletion_timestamp: Option<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    finalizers: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_default")]
    annotations: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "null_as_default")]
    managed_fields: Vec<Map<String, Value>>,
    #[serde(default, deserialize_with = "null_as_default")]
    owner_references: Vec<OwnerReference>,
}

#[derive(Deserialize)]
struct OwnerReference {
    kind: String,
    name: String,
}

impl fmt::Display for OwnerReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn whole() -> Value {
        json!({
            "kind": "Secret", "apiVersion": "v1", "type": "Opaque", "immutable": true,
            "metadata": {
                "name": "cacerts", "namespace": "istio-system", "uid": "u-1", "resourceVersion": "42",
                "creationTimestamp": "2026-11-22T10:00:00Z",
                "labels": {"team": "mesh"},
                "annotations": {"istiopca.io/owner": "o-1", "istiopca.io/not-after": "2027-02-20T10:00:00Z"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u-2"}],
                "managedFields": [{
                    "manager": "terraform-provider-istiopca", "operation": "Apply", "apiVersion": "v1",
                    "time": "2026-11-22T10:00:00Z", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {"f:ca-key.pem": {}}},
                }],
            },
            "data": {"ca-key.pem": "aHVudGVyMg==", "empty": null},
        })
    }

    fn parse(json: &Value) -> Result<Observed, NotASecret> {
        Observed::parse(json.to_string().as_bytes())
    }

    #[test]
    fn a_secret_is_read_whole() {
        let read = parse(&whole()).unwrap();
        assert_eq!(
            (read.uid.as_str(), read.resource_version.as_str()),
            ("u-1", "42")
        );
        assert!(read.immutable && read.deleting.is_none() && !read.is_released());
        assert_eq!(read.owner(), Some("o-1"));
        assert_eq!(read.fact("not-after"), Some("2027-02-20T10:00:00Z"));
        assert_eq!(read.owners, ["ConfigMap/x"]);
        assert_eq!(read.bytes("ca-key.pem").unwrap().expose(), b"hunter2");
        assert_eq!(read.bytes("empty").unwrap().expose(), b"");
        assert_eq!(
            read.held_by_us(),
            BTreeSet::from([Field::Data("ca-key.pem".to_owned())])
        );
    }

    #[test]
    fn a_bare_secret_is_read() {
        let read = parse(&json!({
            "metadata": {"name": "a", "namespace": "b", "uid": "u", "resourceVersion": "1", "labels": null},
        }));
        let read = read.unwrap();
        assert!(read.data.is_empty() && read.labels.is_empty() && read.owner().is_none());
    }

    #[test]
    fn a_secret_that_is_being_deleted_says_what_holds_it() {
        let mut json = whole();
        json["metadata"]["deletionTimestamp"] = json!("2026-11-22T11:00:00Z");
        json["metadata"]["finalizers"] = json!(["example.com/hold"]);
        let deleting = parse(&json).unwrap().deleting.unwrap();
        assert_eq!(deleting.finalizers, ["example.com/hold"]);
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_value() {
        let shown = format!("{:?}", parse(&whole()).unwrap());
        assert!(
            !shown.contains("hunter2") && !shown.contains("aHVudGVyMg"),
            "{shown}"
        );
        let mut json = whole();
        json["data"] = json!("hunter2");
        let error = parse(&json).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }

    #[test]
    fn forgotten_bytes_are_still_known_by_their_digest() {
        let mut read = parse(&whole()).unwrap();
        let before = read.sha256s();
        read.forget_all_but(&["empty"]);
        assert!(read.bytes("ca-key.pem").is_none() && read.bytes("empty").is_some());
        assert_eq!(read.sha256s(), before);
    }

    proptest! {
        #[test]
        fn no_document_makes_parsing_panic(text in "\\PC{0,200}", cut in 0usize..400) {
            let _ = Observed::parse(text.as_bytes());
            let whole = whole().to_string();
            prop_assert!(cut >= whole.len() || Observed::parse(&whole.as_bytes()[..cut]).is_err());
        }
    }
}
