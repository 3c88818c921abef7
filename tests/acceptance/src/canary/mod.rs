//! Searches all that the runs of a story leave behind for keys, and finds them only where custody
//! says.
//!
//! Every run in a [working directory](crate::cli::Workdir) passes through its [`Canary`]: each
//! version of each file that the run has changed is kept, and what it said and what it logged. In
//! the end all of it is searched for every private key that was in a Secret of the
//! [clusters that are watched](Canary::watch) or in a state, however it is spelled, and for whatever
//! looks like a private key of somebody else. A story need do nothing for that.
//!
//! What a story itself writes between its runs was left by no run and is not searched: it may have a
//! witness look at a key.

mod custody;
mod judge;
mod left;

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::process::Run;

pub use istiopca_secrets::{KeyError, Secret};
pub use judge::{Finding, Verdict};

use left::{Kind, Left, Places, TRACES};

/// The watch over one working directory. Its clones are the same one.
#[derive(Clone)]
pub struct Canary(Arc<Mutex<Book>>);

/// All that is known so far.
struct Book {
    places: Places,
    traces: PathBuf,
    left: Vec<Left>,
    /// What is in `left` already, by the hash of its place and content.
    seen: HashSet<u64>,
    clusters: Vec<Cluster>,
    /// The PEM of each key that was in a Secret, with the Secret's name.
    in_clusters: BTreeSet<(String, String)>,
    secrets: Vec<Secret>,
    /// The PEM of each key that the story has written itself.
    own: BTreeSet<String>,
    /// Where something may be found, and was not yet.
    expected: Vec<String>,
    /// What could not be looked at.
    unseen: Vec<String>,
    under_way: usize,
    runs: usize,
    /// Whether the runs log everything.
    traced: bool,
}

/// Asks a cluster for what is in its Secrets: the name of each, and text with PEM in it.
type Cluster = Box<dyn Fn() -> Result<Vec<(String, String)>, String> + Send>;

/// A run that is going on. It may say how it ended; if it does not, it was killed.
#[derive(Debug)]
pub(crate) struct UnderWay {
    canary: Canary,
    command: String,
}

impl Canary {
    /// A watch over all that is in these directories. In the first of them is a place for traces.
    pub(crate) fn over(places: &[&Path]) -> Self {
        let roots: Vec<PathBuf> = places.iter().map(|place| (*place).to_owned()).collect();
        Self(Arc::new(Mutex::new(Book {
            traces: roots
                .first()
                .map(|root| root.join(TRACES))
                .unwrap_or_default(),
            places: Places::new(roots),
            left: Vec::new(),
            seen: HashSet::new(),
            clusters: Vec::new(),
            in_clusters: BTreeSet::new(),
            secrets: Vec::new(),
            own: BTreeSet::new(),
            expected: Vec::new(),
            unseen: Vec::new(),
            under_way: 0,
            runs: 0,
            traced: false,
        })))
    }

    /// After each run from now on, the Secrets are asked for: every private key in one is looked
    /// for. `cluster` returns the name of each Secret with text that has its PEM, or why it cannot.
    pub fn watch(
        &self,
        cluster: impl Fn() -> Result<Vec<(String, String)>, String> + Send + 'static,
    ) {
        self.book().clusters.push(Box::new(cluster));
    }

    /// Looks for the keys in these Secrets: the name of each, and text that has its PEM.
    pub fn look_for_keys(&self, secrets: Vec<(String, String)>) {
        self.book().learn(secrets);
    }

    /// Looks for something that is in no Secret and in no state: a token, a password, a key that
    /// the user keeps somewhere else.
    pub fn look_for(&self, secret: Secret) {
        self.book().secrets.push(secret);
    }

    /// Takes over what a run has left outside the directory, such as a state in a backend.
    pub fn left_elsewhere(&self, place: &str, bytes: &[u8]) {
        let kind = Kind::of_file(Path::new(place), bytes);
        self.book().keep(place, "", kind, bytes.to_vec());
    }

    /// Something must be found in places whose description has `place` in it, because of the
    /// story's own doing: there it is no finding, and where it is not found, that is one.
    pub fn expect_in(&self, place: &str) {
        self.book().expected.push(place.to_owned());
    }

    /// Searches everything that was left so far.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        judge::judge(&self.book())
    }

    /// A story has written this file, also if it did so during a run.
    pub(crate) fn is_the_storys(&self, file: &Path) {
        self.book().is_the_storys(file);
    }

    /// A run begins: whatever has changed since the last one, the story has done.
    pub(crate) fn begins(&self, command: &str) -> UnderWay {
        let mut book = self.book();
        if book.under_way == 0 {
            book.take_over();
        }
        book.under_way += 1;
        book.runs += 1;
        UnderWay {
            canary: self.clone(),
            command: command.to_owned(),
        }
    }

    /// The file for the traces of the next run.
    pub(crate) fn trace(&self) -> PathBuf {
        let mut book = self.book();
        book.traced = true;
        book.traces.join(format!("{:03}.log", book.runs))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Whoever panicked has left a list with an item more or less.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// It has ended so.
    pub(crate) fn ended(self, run: &Run) {
        let mut book = self.canary.book();
        let command = run.command();
        for (stream, text) in [("stdout", run.stdout()), ("stderr", run.stderr())] {
            let kind = match stream {
                "stdout" => Kind::of_words(command),
                _ => Kind::Other,
            };
            book.keep(
                stream,
                &format!(" of `{command}`"),
                kind,
                text.as_bytes().to_vec(),
            );
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut book = self.canary.book();
        book.keep_changes(&self.command);
        book.ask_clusters();
        book.under_way -= 1;
    }
}

impl Book {
    /// Keeps what a run has changed.
    fn keep_changes(&mut self, command: &str) {
        match self.places.changed() {
            Ok(changed) => {
                for (path, bytes) in changed {
                    let kind = Kind::of_file(&path, &bytes);
                    self.keep(
                        &path.display().to_string(),
                        &format!(" after `{command}`"),
                        kind,
                        bytes,
                    );
                }
            }
            Err(error) => self.unseen.push(format!("what `{command}` left: {error}")),
        }
    }

    /// Keeps what was found in a place, `by` some run, unless it was the same before.
    fn keep(&mut self, place: &str, by: &str, kind: Kind, bytes: Vec<u8>) {
        let mut hasher = DefaultHasher::new();
        (place, kind, &bytes).hash(&mut hasher);
        if self.seen.insert(hasher.finish()) {
            let place = format!("{place}{by}");
            self.left.push(Left { place, kind, bytes });
        }
    }

    /// Takes what has changed for the story's own.
    fn take_over(&mut self) {
        match self.places.changed() {
            Ok(changed) => changed.iter().for_each(|(_, bytes)| self.own(bytes)),
            Err(error) => self.unseen.push(format!("what the story wrote: {error}")),
        }
    }

    fn is_the_storys(&mut self, file: &Path) {
        self.places.is_known(file);
        self.own(&std::fs::read(file).unwrap_or_default());
    }

    fn own(&mut self, bytes: &[u8]) {
        self.own
            .extend(private_keys(&String::from_utf8_lossy(bytes)));
    }

    fn ask_clusters(&mut self) {
        for answer in self
            .clusters
            .iter()
            .map(|cluster| cluster())
            .collect::<Vec<_>>()
        {
            match answer {
                Ok(secrets) => self.learn(secrets),
                Err(error) => self.unseen.push(format!("a cluster's Secrets: {error}")),
            }
        }
    }

    fn learn(&mut self, secrets: Vec<(String, String)>) {
        for (name, text) in secrets {
            let keys = private_keys(&text).into_iter();
            self.in_clusters.extend(keys.map(|key| (name.clone(), key)));
        }
    }
}

/// The private keys in a text, each from its first line to its last.
fn private_keys(text: &str) -> Vec<String> {
    let begins = text.match_indices("-----BEGIN ").map(|(at, _)| &text[at..]);
    let keys = begins.filter_map(|text| {
        let label = text.strip_prefix("-----BEGIN ")?.split("-----").next()?;
        let last = format!("-----END {label}-----");
        let end = text.find(&last)? + last.len();
        label
            .ends_with("PRIVATE KEY")
            .then(|| format!("{}\n", &text[..end]))
    });
    keys.collect()
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Canary").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
