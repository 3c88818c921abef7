//! The objects, and the verbs on them. Every write but the last of a delete goes through `keep`.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::chance;
use super::claims::{Claims, Preconditions};
use super::form;
use super::json_patch;
use super::managed::seconds;
use super::ownership;
use super::rules;
use super::status::Refusal;
use super::target::{Collection, Target};

/// All objects of the cluster, as the API shows them.
pub(super) struct Store {
    objects: BTreeMap<Target, Value>,
    revision: u64,
}

/// Who writes, when, and how.
pub(super) struct Writer {
    pub(super) manager: String,
    /// Whether an apply may take fields from other managers.
    pub(super) force: bool,
    /// Whether the request is only to be judged.
    pub(super) dry_run: bool,
    pub(super) now: Timestamp,
}

/// A change told as the difference from what is there.
pub(super) enum Edit {
    /// RFC 6902.
    Json(Vec<json_patch::Operation>),
    /// RFC 7396. A strategic merge patch means the same for what is kept here, but for lists, which
    /// are replaced.
    Merge(Value),
}

/// What a request is answered.
pub(super) type Answer = Result<(StatusCode, Value), Refusal>;

impl Store {
    /// A cluster that was just made, with the namespaces that each has.
    pub(super) fn new(now: Timestamp) -> Self {
        // Beyond 1, which clients send to say "must not exist": no object ever has it.
        let mut store = Self {
            objects: BTreeMap::new(),
            revision: 100,
        };
        let server = Writer {
            manager: "kube-apiserver".to_owned(),
            force: false,
            dry_run: false,
            now,
        };
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            let made = store.create(&Target::namespace(name), json!({}), &server);
            debug_assert!(made.is_ok(), "an empty store takes every namespace");
        }
        store
    }

    /// One object.
    pub(super) fn read(&self, at: &Target) -> Answer {
        self.live(at).map(|object| (StatusCode::OK, object.clone()))
    }

    /// The objects of a collection, or the one of that name in it, as a list.
    pub(super) fn list(&self, of: &Collection, name: Option<&str>) -> Value {
        let wanted = |at: &Target| of.holds(at) && name.is_none_or(|name| at.name == name);
        let items = self
            .objects
            .iter()
            .filter(|(at, _)| wanted(at))
            .map(|(_, object)| object.clone());
        json!({
            "apiVersion": "v1",
            "kind": format!("{}List", of.kind.name()),
            "metadata": {"resourceVersion": self.revision.to_string()},
            "items": items.collect::<Vec<_>>(),
        })
    }

    /// POST: only where nothing is.
    pub(super) fn create(&mut self, at: &Target, new: Value, by: &Writer) -> Answer {
        let new = form::well_formed(at, new, Refusal::undecodable)?;
        self.require_namespace_of(at)?;
        if self.objects.contains_key(at) {
            return Err(Refusal::already_exists(at));
        }
        self.write(at, new, by)
    }

    /// Server-side apply: creates or changes.
    ///
    /// Conflicts of ownership are judged before the version, and the version before the uid, as the
    /// real server does.
    pub(super) fn apply(&mut self, at: &Target, wanted: Value, by: &Writer) -> Answer {
        let mut wanted = form::well_formed(at, wanted, Refusal::untyped)?;
        if !wanted["metadata"]["managedFields"].is_null() {
            return Err(Refusal::bad_request("metadata.managedFields must be nil"));
        }
        let claims = Claims::taken_from(&mut wanted);
        let live = self.objects.get(at).unwrap_or(&Value::Null);
        let applied = ownership::applied(live, &wanted, &by.manager, by.force, by.now);
        let new = applied.map_err(|held| Refusal::owned_by_others(&held))?;
        if live.is_null() {
            require_name(at, &wanted)?;
            claims.check_absent(at)?;
            self.require_namespace_of(at)?;
        } else {
            claims.check(at, live)?;
        }
        self.keep(at, new, by)
    }

    /// PUT: the whole object anew.
    pub(super) fn replace(&mut self, at: &Target, new: Value, by: &Writer) -> Answer {
        self.live(at)?;
        let new = form::well_formed(at, new, Refusal::undecodable)?;
        self.write(at, new, by)
    }

    /// PATCH in the forms that tell a difference.
    pub(super) fn edit(&mut self, at: &Target, edit: &Edit, by: &Writer) -> Answer {
        let mut new = self.live(at)?.clone();
        match edit {
            Edit::Merge(patch) => json_patch::merge(&mut new, patch),
            Edit::Json(operations) => {
                json_patch::apply(&mut new, operations).map_err(|_| Refusal::unfit_patch())?;
            }
        }
        let new = form::well_formed(at, new, Refusal::patched_to_misfit)?;
        self.write(at, new, by)
    }

    /// DELETE: at once, or only marked for as long as the object has finalizers.
    pub(super) fn delete(&mut self, at: &Target, only: &Preconditions, by: &Writer) -> Answer {
        let live = self.live(at)?;
        only.check(at, live)?;
        if is_held(live) {
            let mut doomed = live.clone();
            doomed["metadata"]["deletionTimestamp"] = json!(seconds(by.now));
            doomed["metadata"]["deletionGracePeriodSeconds"] = json!(0);
            return self.keep(at, doomed, by);
        }
        let done = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": at.name, "kind": at.kind.plural(), "uid": live["metadata"]["uid"]},
        });
        if !by.dry_run {
            self.objects.remove(at);
            self.revision += 1;
        }
        Ok((StatusCode::OK, done))
    }

    /// Every object with its place, in the order of places.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&Target, &Value)> {
        self.objects.iter()
    }

    /// Writes an object in any other way than by apply.
    fn write(&mut self, at: &Target, mut new: Value, by: &Writer) -> Answer {
        let live = self.objects.get(at).unwrap_or(&Value::Null);
        let claims = Claims::taken_from(&mut new);
        if !live.is_null() {
            claims.check(at, live)?;
        }
        rules::fold_string_data(&mut new);
        // What the server fills in belongs to the writer, where it is no apply.
        rules::complete(at, &mut new);
        let new = ownership::updated(live, new, &by.manager, by.now);
        self.keep(at, new, by)
    }

    /// Completes, judges and stores what is to be at a place from now on. An unchanged object keeps
    /// its version.
    fn keep(&mut self, at: &Target, mut new: Value, by: &Writer) -> Answer {
        let live = self.objects.get(at).unwrap_or(&Value::Null);
        take_over(live, &mut new, at, by.now);
        rules::fold_string_data(&mut new);
        rules::complete(at, &mut new);
        let flaws = rules::flaws(at.kind, live, &new);
        if !flaws.is_empty() {
            return Err(Refusal::invalid(at.kind, &at.name, &flaws));
        }
        let code = if live.is_null() {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        if by.dry_run || new == *live {
            return Ok((code, new));
        }
        self.revision += 1;
        new["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        if is_held(&new) || new["metadata"]["deletionTimestamp"].is_null() {
            self.objects.insert(at.clone(), new.clone());
        } else {
            self.objects.remove(at);
        }
        Ok((code, new))
    }

    fn live(&self, at: &Target) -> Result<&Value, Refusal> {
        self.objects
            .get(at)
            .ok_or_else(|| Refusal::not_found(at.kind.plural(), &at.name))
    }

    fn require_namespace_of(&self, at: &Target) -> Result<(), Refusal> {
        let namespace = at.namespace.as_deref().map(Target::namespace);
        namespace.map_or(Ok(()), |namespace| self.live(&namespace).map(|_| ()))
    }
}

/// Puts into `new` what the server alone says of an object: who it is, since when, in which
/// version.
fn take_over(live: &Value, new: &mut Value, at: &Target, now: Timestamp) {
    let metadata = &mut new["metadata"];
    metadata["name"] = json!(at.name);
    if let Some(namespace) = &at.namespace {
        metadata["namespace"] = json!(namespace);
    }
    if live.is_null() {
        metadata["uid"] = json!(chance::uuid());
        metadata["creationTimestamp"] = json!(seconds(now));
    }
    let kept = [
        "uid",
        "creationTimestamp",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    for (key, value) in kept
        .iter()
        .filter_map(|key| Some((*key, live["metadata"].get(key)?)))
    {
        metadata[key] = value.clone();
    }
}

/// An object that is there has its name already; an apply that creates one has to say it.
fn require_name(at: &Target, wanted: &Value) -> Result<(), Refusal> {
    let name = wanted["metadata"]["name"].as_str();
    name.map_or_else(|| Err(Refusal::undeterminable_name(at)), |_| Ok(()))
}

fn is_held(object: &Value) -> bool {
    object["metadata"]["finalizers"]
        .as_array()
        .is_some_and(|finalizers| !finalizers.is_empty())
}
