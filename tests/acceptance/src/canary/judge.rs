//! What is found where, and whether all of it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use istiopca_secrets::archives::{self, Member};
use istiopca_secrets::{Search, Secret, Seen};

use super::Book;
use super::custody::{Document, PlanFile, without};
use super::left::{Kind, Left};

/// What came of a search.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What was found where it should not be.
    pub findings: Vec<Finding>,
    /// What was not looked at, or would not have been found.
    pub gaps: Vec<String>,
    /// How many private keys were looked for.
    pub keys: usize,
    /// How many things were looked into: files, words, traces.
    pub places: usize,
}

/// Something that is where it should not be; it does not say what, only whose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What the secret is called.
    pub secret: String,
    /// Which part of it was found.
    pub part: &'static str,
    /// How it was spelled.
    pub spelling: &'static str,
    /// In what.
    pub place: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            secret,
            part,
            spelling,
            place,
        } = self;
        write!(f, "{secret}: {part} is, as {spelling}, in {place}")
    }
}

impl Verdict {
    /// Whether everything was looked at and nothing found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty() && self.gaps.is_empty()
    }
}

/// Every finding and every gap, a line each.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.findings.iter().map(Finding::to_string);
        let lines: Vec<String> = findings.chain(self.gaps.iter().cloned()).collect();
        write!(f, "{}", lines.join("\n"))
    }
}

/// What was left, laid open.
struct Opened<'a> {
    left: &'a Left,
    /// All but the keys that are where they may be.
    rest: Vec<Member>,
    states: Vec<Document>,
}

pub(super) fn judge(book: &Book) -> Verdict {
    let opened: Vec<Opened<'_>> = book.left.iter().map(open).collect();
    let keys = keys(book, &opened);
    let mut verdict = Verdict {
        gaps: book.unseen.clone(),
        keys: keys.len(),
        places: opened.len(),
        ..Verdict::default()
    };
    verdict.gaps.extend(unnamed(&keys, book, &opened));
    verdict.gaps.extend(untraced(book));
    let anybody = Secret::any_private_key();
    let known = keys.values().map(|(_, key)| key).chain(&book.secrets);
    let secrets: Vec<&Secret> = known.chain([&anybody]).collect();
    let search = Search::new(&secrets);
    for (pem, key) in keys.values() {
        let seen = search.seen_in(pem.as_bytes());
        if !seen.iter().any(|seen| seen.secret == key.name()) {
            verdict
                .gaps
                .push(format!("{} would not be found", key.name()));
        }
    }
    for opened in &opened {
        verdict
            .findings
            .extend(found(&search, &anybody, opened, &book.own));
    }
    excuse(&mut verdict, &book.expected);
    verdict
}

fn open(left: &Left) -> Opened<'_> {
    let whole = |bytes: &[u8]| Member {
        name: String::new(),
        bytes: bytes.to_vec(),
    };
    let (rest, states) = match left.kind {
        Kind::State => match Document::read(&left.bytes) {
            Some(state) => (vec![whole(&state.rest())], vec![state]),
            None => (vec![whole(&left.bytes)], Vec::new()),
        },
        Kind::Plan => {
            let file = PlanFile::read(archives::members(&left.bytes));
            // Cut off before its first file, it is no archive.
            let rest = match file.rest {
                none if none.is_empty() => vec![whole(&left.bytes)],
                rest => rest,
            };
            (rest, file.states)
        }
        Kind::Trace | Kind::Other => (vec![whole(&left.bytes)], Vec::new()),
    };
    Opened { left, rest, states }
}

/// Every key to look for, by its public key's fingerprint, with its PEM.
fn keys(book: &Book, opened: &[Opened<'_>]) -> BTreeMap<String, (String, Secret)> {
    let in_clusters = book
        .in_clusters
        .iter()
        .map(|(secret, pem)| (format!("the key in {secret}"), pem));
    let states = opened.iter().flat_map(|opened| &opened.states);
    let held = states.flat_map(|state| &state.held);
    let in_states = held.map(|pem| ("the key in a state".to_owned(), pem));
    let mut keys = BTreeMap::new();
    for (name, pem) in in_clusters.chain(in_states) {
        // What is no key, or none that can be used, the story has put there.
        let Ok(key) = Secret::private_key(&name, pem) else {
            continue;
        };
        if let Some(fingerprint) = key.fingerprint().map(str::to_owned) {
            let key = key.called(&format!("{name} ({})", &fingerprint[..8]));
            keys.entry(fingerprint)
                .or_insert_with(|| (pem.clone(), key));
        }
    }
    keys
}

/// The keys that a state names by their public half, and that were never seen.
fn unnamed(
    keys: &BTreeMap<String, (String, Secret)>,
    book: &Book,
    opened: &[Opened<'_>],
) -> BTreeSet<String> {
    let states = opened.iter().flat_map(|opened| &opened.states);
    let named = states.flat_map(|state| &state.named);
    let known = |name: &str| {
        let mut others = book.secrets.iter().filter_map(Secret::fingerprint);
        keys.contains_key(name) || others.any(|other| other == name)
    };
    named
        .filter(|name| !known(name))
        .map(|name| format!("the key of {name}, which a state names, was not looked for"))
        .collect()
}

/// What was left by none of the runs that should have logged.
fn untraced(book: &Book) -> Option<String> {
    let says = |bytes: &[u8], text: &str| archives::places(bytes, text.as_bytes()).next().is_some();
    let of_ours = |left: &Left| left.kind == Kind::State && says(&left.bytes, "\"istiopca_");
    let traces = || book.left.iter().filter(|left| left.kind == Kind::Trace);
    let traced = traces().any(|left| {
        let asked = [
            "PlanResourceChange",
            "OpenEphemeralResource",
            "ReadDataSource",
        ];
        asked.into_iter().any(|call| says(&left.bytes, call))
    });
    let missing = book.traced && book.left.iter().any(of_ours) && !traced;
    missing.then(|| "no trace of a plan was looked into".to_owned())
}

fn found(
    search: &Search<'_>,
    anybody: &Secret,
    opened: &Opened<'_>,
    own: &BTreeSet<String>,
) -> BTreeSet<Finding> {
    let mut all = BTreeSet::new();
    for Member { name, bytes } in &opened.rest {
        let mut seen = search.seen_in(bytes);
        // What core takes over from the configuration, the story has written into it; and somebody's
        // key may be the story's own.
        let is_own = |seen: &Seen| name.starts_with("tfconfig") || seen.secret == anybody.name();
        if seen.iter().any(is_own) {
            let others = search.seen_in(&without(bytes, own));
            seen.retain(|seen| !is_own(seen) || others.contains(seen));
        }
        all.extend(seen.into_iter().map(|seen| Finding {
            secret: seen.secret,
            part: seen.part,
            spelling: seen.spelling,
            place: match name.as_str() {
                "" => opened.left.place.clone(),
                name => format!("{name} in {}", opened.left.place),
            },
        }));
    }
    all
}

/// Takes away what had to be found; what was not, is a gap.
fn excuse(verdict: &mut Verdict, expected: &[String]) {
    for place in expected {
        let before = verdict.findings.len();
        verdict
            .findings
            .retain(|finding| !finding.place.contains(place));
        if verdict.findings.len() == before {
            verdict
                .gaps
                .push(format!("something should have been found in {place}"));
        }
    }
}
