//! Who holds which field of an object: `metadata.managedFields`, read and rewritten.
//!
//! The format (`FieldsV1`) is a tree whose keys are `f:` and a field's name, and whose leaves are what one manager
//! holds: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A field of a Secret that somebody can hold by itself; printed as the API server prints it in a conflict.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A key of `data`.
    Data(String),
    /// A label.
    Label(String),
    /// An annotation.
    Annotation(String),
}

/// How a manager came to hold its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply: it declares the fields, and will again.
    Apply,
    /// By any other write: create, edit, patch, replace.
    Update,
}

/// One entry of `managedFields`: what one manager holds by one kind of write.
#[derive(Debug, Clone, PartialEq)]
pub struct Holding {
    /// The field manager's name, such as `kubectl-edit`.
    pub manager: String,
    /// The kind of write.
    pub operation: Operation,
    /// When this manager last changed anything here, to the second; not when it changed one certain field.
    pub time: Option<Timestamp>,
    raw: Map<String, Value>,
}

impl Holding {
    /// Reads one entry. What we have no name for is kept, so that the entry can be sent back whole.
    pub(super) fn parse(raw: Map<String, Value>) -> Self {
        let text = |key: &str| raw.get(key).and_then(Value::as_str).unwrap_or_default();
        let applied = text("operation") == "Apply";
        Self {
            manager: text("manager").to_owned(),
            operation: if applied {
                Operation::Apply
            } else {
                Operation::Update
            },
            time: text("time").parse().ok(),
            raw,
        }
    }

    /// Whether this manager holds `field`.
    pub fn holds(&self, field: &Field) -> bool {
        self.raw
            .get(FIELDS)
            .is_some_and(|tree| at(tree, &field.path()).is_some())
    }

    /// Every data key, label and annotation that this manager holds.
    pub fn fields(&self) -> BTreeSet<Field> {
        let data = self.names(DATA).map(Field::Data);
        let labels = self.names(LABELS).map(Field::Label);
        let annotations = self.names(ANNOTATIONS).map(Field::Annotation);
        data.chain(labels).chain(annotations).collect()
    }

    /// Whether this manager holds any key of the data.
    pub fn holds_data(&self) -> bool {
        self.names(DATA).next().is_some()
    }

    /// Whether this is what `manager` holds by server-side apply; a subresource's entry is another's.
    pub fn is_applied_by(&self, manager: &str) -> bool {
        let whole = self.raw.get("subresource").is_none_or(|name| name == "");
        self.manager == manager && self.operation == Operation::Apply && whole
    }

    fn names(&self, path: &[&str]) -> impl Iterator<Item = String> {
        let branch = self.raw.get(FIELDS).and_then(|tree| at(tree, path));
        let names = branch
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys);
        names
            .filter_map(|key| key.strip_prefix("f:"))
            .map(str::to_owned)
    }

    fn release(&mut self, fields: &BTreeSet<Field>) {
        if let Some(Value::Object(tree)) = self.raw.get_mut(FIELDS) {
            fields.iter().for_each(|field| remove(tree, &field.path()));
        }
    }

    fn is_empty(&self) -> bool {
        self.raw
            .get(FIELDS)
            .and_then(Value::as_object)
            .is_none_or(Map::is_empty)
    }
}

impl Field {
    /// The key, label or annotation by its own name.
    pub fn into_name(self) -> String {
        match self {
            Self::Data(name) | Self::Label(name) | Self::Annotation(name) => name,
        }
    }

    fn path(&self) -> Vec<String> {
        let (parents, name) = match self {
            Self::Data(name) => (DATA, name),
            Self::Label(name) => (LABELS, name),
            Self::Annotation(name) => (ANNOTATIONS, name),
        };
        let parents = parents.iter().map(|&key| key.to_owned());
        parents.chain([format!("f:{name}")]).collect()
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(name) => write!(f, ".data.{name}"),
            Self::Label(name) => write!(f, ".metadata.labels.{name}"),
            Self::Annotation(name) => write!(f, ".metadata.annotations.{name}"),
        }
    }
}

/// The list in which `manager` alone holds `taken`, by server-side apply, and everything else is held as before.
///
/// Several entries of `manager` become one, since a list with two would be collapsed by the API server to one of them.
/// Without such a rewrite an adopted key that had the same value stays co-owned, and cannot be pruned.
pub fn adopted(holdings: &[Holding], taken: &BTreeSet<Field>, manager: &str) -> Vec<Value> {
    let (own, others): (Vec<_>, Vec<_>) = holdings
        .iter()
        .cloned()
        .partition(|holding| holding.is_applied_by(manager));
    let mut tree = Map::new();
    for field in own
        .iter()
        .flat_map(Holding::fields)
        .chain(taken.iter().cloned())
    {
        insert(&mut tree, &field.path());
    }
    for holding in &own {
        merge(&mut tree, holding.raw.get(FIELDS));
    }
    let others = others.into_iter().filter_map(|mut holding| {
        holding.release(taken);
        (!holding.is_empty()).then_some(Value::Object(holding.raw))
    });
    others.chain([own_entry(manager, &tree)]).collect()
}

fn own_entry(manager: &str, tree: &Map<String, Value>) -> Value {
    json!({
        "manager": manager,
        "operation": "Apply",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        FIELDS: tree,
    })
}

fn at<'t>(tree: &'t Value, path: &[impl AsRef<str>]) -> Option<&'t Value> {
    path.iter()
        .try_fold(tree, |tree, key| tree.get(key.as_ref()))
}

fn insert(tree: &mut Map<String, Value>, path: &[String]) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    let under = tree.entry(key.as_str()).or_insert_with(|| json!({}));
    if let Value::Object(under) = under {
        insert(under, rest);
    }
}

fn merge(tree: &mut Map<String, Value>, other: Option<&Value>) {
    for (key, theirs) in other.and_then(Value::as_object).into_iter().flatten() {
        let ours = tree.entry(key.as_str()).or_insert_with(|| json!({}));
        if let Value::Object(ours) = ours {
            merge(ours, Some(theirs));
        }
    }
}

/// Takes the leaf at `path` out, and every branch that is bare then.
fn remove(tree: &mut Map<String, Value>, path: &[String]) {
    let Some((key, rest)) = path.split_first() else {
        return;
    };
    let Some(Value::Object(under)) = tree.get_mut(key) else {
        return;
    };
    remove(under, rest);
    if rest.is_empty() || under.is_empty() {
        tree.remove(key);
    }
}

const FIELDS: &str = "fieldsV1";
const DATA: &[&str] = &["f:data"];
const LABELS: &[&str] = &["f:metadata", "f:labels"];
const ANNOTATIONS: &[&str] = &["f:metadata", "f:annotations"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const US: &str = "terraform-provider-istiopca";

    fn holding(manager: &str, operation: &str, fields: Value) -> Holding {
        let mut raw = Map::new();
        raw.insert("manager".to_owned(), manager.into());
        raw.insert("operation".to_owned(), operation.into());
        raw.insert("time".to_owned(), "2026-11-22T10:00:00Z".into());
        raw.insert("fieldsV1".to_owned(), fields);
        Holding::parse(raw)
    }

    fn data(name: &str) -> Field {
        Field::Data(name.to_owned())
    }

    #[test]
    fn an_entry_is_read() {
        let read = holding(
            "kubectl-edit",
            "Update",
            json!({"f:data": {".": {}, "f:ca-key.pem": {}}}),
        );
        assert_eq!(read.operation, Operation::Update);
        assert_eq!(read.time.unwrap().to_string(), "2026-11-22T10:00:00Z");
        assert!(read.holds(&data("ca-key.pem")));
        assert!(!read.holds(&data("ca-cert.pem")));
        assert_eq!(read.fields(), BTreeSet::from([data("ca-key.pem")]));
    }

    #[test]
    fn names_with_dots_and_slashes_are_one_name() {
        let label = Field::Label("app.kubernetes.io/name".to_owned());
        let annotation = Field::Annotation("istiopca.io/owner".to_owned());
        let fields = json!({"f:metadata": {
            "f:labels": {"f:app.kubernetes.io/name": {}},
            "f:annotations": {"f:istiopca.io/owner": {}},
        }});
        let read = holding("x", "Apply", fields);
        assert_eq!(read.fields(), BTreeSet::from([label.clone(), annotation]));
        assert_eq!(label.to_string(), ".metadata.labels.app.kubernetes.io/name");
    }

    #[test]
    fn adoption_moves_our_keys_and_leaves_the_rest() {
        let before = [
            holding(
                "kubectl-create",
                "Update",
                json!({
                    "f:data": {".": {}, "f:ca-cert.pem": {}, "f:ca-crl.pem": {}}, "f:type": {},
                }),
            ),
            holding(
                "kubectl-edit",
                "Update",
                json!({"f:data": {"f:ca-key.pem": {}}}),
            ),
        ];
        let taken = BTreeSet::from([data("ca-cert.pem"), data("ca-key.pem")]);
        let after = adopted(&before, &taken, US);
        let kept = json!({"f:data": {".": {}, "f:ca-crl.pem": {}}, "f:type": {}});
        assert_eq!(after.len(), 2, "an entry that holds nothing more is gone");
        assert_eq!(after[0]["fieldsV1"], kept);
        assert_eq!(after[0]["time"], "2026-11-22T10:00:00Z");
        assert_eq!(after[1]["manager"], US);
        assert_eq!(after[1]["operation"], "Apply");
        let ours = json!({"f:data": {"f:ca-cert.pem": {}, "f:ca-key.pem": {}}});
        assert_eq!(after[1]["fieldsV1"], ours);
    }

    #[test]
    fn entries_of_ours_become_one_with_everything_they_held() {
        let before = [
            holding(
                US,
                "Apply",
                json!({"f:data": {"f:root-cert.pem": {}}, "f:type": {}}),
            ),
            holding(US, "Update", json!({"f:data": {"f:ca-cert.pem": {}}})),
        ];
        let after = adopted(&before, &BTreeSet::from([data("ca-cert.pem")]), US);
        assert_eq!(after.len(), 1);
        let ours = json!({"f:data": {"f:ca-cert.pem": {}, "f:root-cert.pem": {}}, "f:type": {}});
        assert_eq!(after[0]["fieldsV1"], ours);
    }

    #[test]
    fn a_wiped_list_becomes_one_entry_of_ours() {
        let after = adopted(&[], &BTreeSet::from([data("ca-cert.pem")]), US);
        assert_eq!(after.len(), 1);
        assert_eq!(
            after[0]["fieldsV1"],
            json!({"f:data": {"f:ca-cert.pem": {}}})
        );
    }

    #[test]
    fn a_manager_of_our_name_but_by_update_is_not_our_entry() {
        assert!(holding(US, "Apply", json!({})).is_applied_by(US));
        assert!(!holding(US, "Update", json!({})).is_applied_by(US));
        let mut raw = holding(US, "Apply", json!({})).raw;
        raw.insert("subresource".to_owned(), json!("status"));
        assert!(!Holding::parse(raw).is_applied_by(US));
    }

    fn field() -> impl Strategy<Value = Field> {
        (0..3u8, "[a-d./]{1,3}").prop_map(|(kind, name)| match kind {
            0 => Field::Data(name),
            1 => Field::Label(name),
            _ => Field::Annotation(name),
        })
    }

    fn holdings() -> impl Strategy<Value = Vec<Holding>> {
        let one = (
            prop::sample::select(vec![US, "kubectl-edit", "argocd"]),
            any::<bool>(),
            prop::collection::btree_set(field(), 0..5),
        );
        let one = one.prop_map(|(manager, applied, fields)| {
            let mut tree = Map::new();
            fields
                .iter()
                .for_each(|field| insert(&mut tree, &field.path()));
            holding(
                manager,
                if applied { "Apply" } else { "Update" },
                Value::Object(tree),
            )
        });
        prop::collection::vec(one, 0..5)
    }

    proptest! {
        #[test]
        fn after_adoption_each_taken_field_is_ours_alone_and_no_other_is_lost(
            before in holdings(), taken in prop::collection::btree_set(field(), 0..5),
        ) {
            let after: Vec<Holding> = adopted(&before, &taken, US)
                .into_iter()
                .map(|entry| match entry { Value::Object(raw) => Holding::parse(raw), _ => unreachable!() })
                .collect();
            let ours: Vec<&Holding> = after.iter().filter(|entry| entry.is_applied_by(US)).collect();
            prop_assert_eq!(ours.len(), 1);
            for field in &taken {
                prop_assert!(ours[0].holds(field));
                prop_assert_eq!(after.iter().filter(|entry| entry.holds(field)).count(), 1);
            }
            for entry in &before {
                for field in entry.fields().difference(&taken) {
                    prop_assert!(after.iter().any(|kept| kept.manager == entry.manager
                        && kept.operation == entry.operation && kept.holds(field)));
                }
            }
        }
    }
}
