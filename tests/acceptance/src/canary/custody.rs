//! Where the user has put the key: of what core keeps, only the one attribute by which the state
//! says itself that it holds the key.
//!
//! An intermediate whose `private_key_storage` is `state` has it in `private_key_pem`, and so has a
//! Secret that was given one. Whatever else stands beside it may not hold it: another attribute,
//! another resource, an output, and private state but for one thing: an order that is under way is
//! resumed with its key, which such an intermediate keeps in `pending` until then.

use std::collections::{BTreeSet, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istiopca_secrets::archives::{Member, places};
use serde_json::{Map, Value};

/// A document that core writes or prints, in which a key may stand in its place.
pub(super) struct Document {
    value: Value,
    /// The keys that stood in their places.
    pub(super) held: Vec<String>,
    /// `public_key_sha256` of every instance, but for CAs that are only looked at.
    pub(super) named: Vec<String>,
}

/// The attribute that holds the key.
const KEY: &str = "private_key_pem";
const PUBLIC: &str = "public_key_sha256";

impl Document {
    /// Reads a state, or what `show -json` says of a state or a plan, and takes out the keys that
    /// are where they may be. `None` if it is no JSON.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let value = serde_json::from_slice(bytes).ok()?;
        let mut document = Self {
            value,
            held: Vec::new(),
            named: Vec::new(),
        };
        let mut value = document.value.take();
        document.walk(&mut value);
        document.value = value;
        Some(document)
    }

    /// All but the keys in their places.
    pub(super) fn rest(&self) -> Vec<u8> {
        self.value.to_string().into_bytes()
    }

    fn walk(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Value::Object(items) => {
                self.named.extend(named(items));
                self.take_pending(items);
                if is_kept_here(items) || is_given(items) {
                    self.take_key(items);
                }
                items.values_mut().for_each(|item| self.walk(item));
            }
            _ => {}
        }
    }

    fn take_key(&mut self, items: &mut Map<String, Value>) {
        if let Some(Value::String(key)) = items.get_mut(KEY) {
            self.held.push(std::mem::take(key));
        }
    }

    /// Out of the private state of an intermediate that keeps its keys in the state.
    fn take_pending(&mut self, instance: &mut Map<String, Value>) {
        let keeps = instance
            .get("attributes")
            .and_then(Value::as_object)
            .is_some_and(is_kept_here);
        let Some(Value::String(private)) = instance.get_mut("private").filter(|_| keeps) else {
            return;
        };
        let notes = STANDARD.decode(&*private).ok();
        let notes = notes.and_then(|notes| serde_json::from_slice::<Value>(&notes).ok());
        let Some(mut notes) = notes else {
            return;
        };
        let pending = notes.pointer_mut("/own/pending");
        if let Some(pending) = pending.and_then(Value::as_object_mut) {
            self.take_key(pending);
            *private = STANDARD.encode(notes.to_string());
        }
    }
}

/// The key that these attributes name by its public half. That of a CA which is looked at is in AWS
/// alone; and where types are told, there is a word in place of a digest.
fn named(attributes: &Map<String, Value>) -> Option<String> {
    let name = attributes.get(PUBLIC)?.as_str()?;
    let is_digest = name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_of_aws = attributes.contains_key("cannot_issue_because");
    (is_digest && !is_of_aws).then(|| name.to_owned())
}

/// Whether these are the attributes of an intermediate that keeps its key in the state.
fn is_kept_here(attributes: &Map<String, Value>) -> bool {
    attributes
        .get("private_key_storage")
        .is_some_and(|kept| kept == "state")
}

/// Whether these are the attributes of a Secret that does not issue by itself.
fn is_given(attributes: &Map<String, Value>) -> bool {
    let intermediate = attributes.get("intermediate").and_then(Value::as_array);
    intermediate.is_some_and(Vec::is_empty)
}

/// What a plan's file holds: the state it was made for, the configuration, and the plan itself, in
/// which the keys of that state stand once more where they may.
pub(super) struct PlanFile {
    /// The states in it.
    pub(super) states: Vec<Document>,
    /// All but the keys in their places, by name.
    pub(super) rest: Vec<Member>,
}

impl PlanFile {
    /// Reads the files of the archive.
    pub(super) fn read(members: Vec<Member>) -> Self {
        let is_state = |member: &Member| member.name.starts_with("tfstate");
        let (states, others): (Vec<_>, Vec<_>) = members.into_iter().partition(is_state);
        let mut file = Self {
            states: Vec::new(),
            rest: Vec::new(),
        };
        for Member { name, bytes } in states {
            match Document::read(&bytes) {
                Some(state) => {
                    file.rest.push(Member {
                        name,
                        bytes: state.rest(),
                    });
                    file.states.push(state);
                }
                None => file.rest.push(Member { name, bytes }),
            }
        }
        let held = file.states.iter().flat_map(|state| &state.held);
        let held: HashSet<&[u8]> = held.map(|key| key.as_bytes()).collect();
        let others: Vec<Member> = others
            .into_iter()
            .map(|Member { name, bytes }| Member {
                bytes: if name == "tfplan" {
                    without_attributes(&bytes, &held)
                } else {
                    bytes
                },
                name,
            })
            .collect();
        file.rest.extend(others);
        file
    }
}

/// A plan, in which values are MessagePack, without those keys where the attribute has them.
fn without_attributes(plan: &[u8], held: &HashSet<&[u8]>) -> Vec<u8> {
    // A string of up to 31 bytes says its length in its first one.
    let name = [&[0xa0 | KEY.len() as u8], KEY.as_bytes()].concat();
    let mut rest = Vec::with_capacity(plan.len());
    let mut from = 0;
    for at in places(plan, &name) {
        let value = at + name.len();
        let Some((head, length)) = string(&plan[value..]) else {
            continue;
        };
        let text = value + head..(value + head + length).min(plan.len());
        if held.contains(&plan[text.clone()]) {
            rest.extend_from_slice(&plan[from..text.start]);
            from = text.end;
        }
    }
    rest.extend_from_slice(&plan[from..]);
    rest
}

/// How long the head of a string is, and how long the string (MessagePack: `str 8`, `str 16`).
fn string(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes {
        [0xd9, length, ..] => Some((2, usize::from(length))),
        [0xda, high, low, ..] => Some((3, usize::from(u16::from_be_bytes([high, low])))),
        _ => None,
    }
}

/// The bytes without each of these runs.
pub(super) fn without(bytes: &[u8], runs: &BTreeSet<String>) -> Vec<u8> {
    runs.iter().fold(bytes.to_vec(), |mut bytes, run| {
        let found: Vec<usize> = places(&bytes, run.as_bytes()).collect();
        for at in found.into_iter().rev() {
            bytes.drain(at..at + run.len());
        }
        bytes
    })
}
