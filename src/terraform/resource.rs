//! What a kind of managed object promises the framework.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::schema::{Schema, Timeouts};
use super::value::{Fields, Written, from_dynamic};
use super::{Diagnostic, Dynamic, Path};

/// One kind of object that the host manages through us.
///
/// A resource is a type, not a value: what touches the world is handed the clients, what is not
/// handed them cannot. It meets neither null nor unknown: [`Settings`](Self::Settings) are whole
/// whenever a method sees them, and it has no way to change what the user wrote.
///
/// # Contract
///
/// 1. The planning functions are pure. The host asks twice, sometimes with days in between, and
///    whatever was known in the first answer must be the same in the second.
/// 2. What planning leaves out is promised to stay; an operation returns it as it was.
/// 3. An operation that has changed the world returns what is there, also when it fails.
pub trait Resource: Sized + Send + Sync + 'static {
    /// What reaches the world.
    type Clients: Send + Sync + 'static;
    /// What the provider's configuration says that plans depend on.
    type Policy: Send + Sync + 'static;
    /// What the user writes. What is write-only is there in [`create`](Self::create) and
    /// [`update`](Self::update), and null whenever something is planned or stored.
    type Settings: Fields + Send + Sync;
    /// What only the provider can fill in; `None` is null.
    type Outputs: Fields + Written + Send + Sync;
    /// What the provider notes for itself. It is stored in clear beside the outputs.
    type Private: DeserializeOwned + Serialize + Default + Send + Sync;

    /// The resource type, with the provider's name in front.
    const NAME: &'static str;
    /// Its attributes and blocks: the settings are the fields of `Settings`, the outputs those of
    /// `Outputs`.
    const SCHEMA: Schema;
    /// How long operations may take.
    const TIMEOUTS: Timeouts;
    /// Outputs that a create fills in with these texts, whatever the settings turn out to be.
    const PROMISED: &'static [(&'static str, &'static str)] = &[];

    /// What is already known of a new object's outputs; all others are unknown.
    fn plan_create(ask: &Ask<'_, Self::Policy>, settings: &Self::Settings) -> Verdict;

    /// What becomes of an existing object's outputs; all others stay.
    ///
    /// Settings that are still unknown are given as they were; afterwards the outputs that they
    /// touch are made unknown.
    fn plan_update(
        ask: &Ask<'_, Self::Policy>,
        prior: &State<Self>,
        settings: &Self::Settings,
    ) -> Verdict;

    /// What the user should know before the object goes.
    fn plan_destroy(ask: &Ask<'_, Self::Policy>, prior: &State<Self>) -> Vec<Diagnostic> {
        let _ = (ask, prior);
        Vec::new()
    }

    /// Looks at the world for what would make the planned operation fail. Yields messages only,
    /// never values, so that a plan does not depend on luck.
    fn preflight(
        call: &Call<'_, Self::Clients>,
        intent: Intent<'_, Self>,
    ) -> impl Future<Output = Vec<Diagnostic>> + Send {
        let _ = (call, intent);
        async { Vec::new() }
    }

    /// Makes the object.
    fn create(
        call: &Call<'_, Self::Clients>,
        settings: &Self::Settings,
        planned: &Planned,
    ) -> impl Future<Output = Result<Done<Self>, Unfinished<Self>>> + Send;

    /// Looks at the object. Settings are not its business: they stay as they are.
    fn read(
        call: &Call<'_, Self::Clients>,
        state: State<Self>,
    ) -> impl Future<Output = Result<Reading<Self>, Diagnostic>> + Send;

    /// Changes the object in place; also called when only settings changed that need no work.
    fn update(
        call: &Call<'_, Self::Clients>,
        prior: State<Self>,
        settings: &Self::Settings,
        planned: &Planned,
    ) -> impl Future<Output = Result<Done<Self>, Unfinished<Self>>> + Send;

    /// Lets go of the object; returns warnings.
    fn delete(
        call: &Call<'_, Self::Clients>,
        state: State<Self>,
        ending: Ending,
    ) -> impl Future<Output = Result<Vec<Diagnostic>, Diagnostic>> + Send;
}

/// An object as it was last known.
pub struct State<R: Resource> {
    /// What the user wrote.
    pub settings: R::Settings,
    /// What the provider filled in.
    pub outputs: R::Outputs,
    /// What the provider noted.
    pub private: R::Private,
}

/// What a planning function may look at beside the object.
pub struct Ask<'a, P> {
    /// What the provider's configuration says that plans depend on.
    pub policy: &'a P,
    /// The moment of planning.
    pub now: Timestamp,
}

/// What an operation may use.
pub struct Call<'a, C> {
    /// What reaches the world.
    pub clients: &'a C,
    /// The moment at which the operation began.
    pub now: Timestamp,
    /// When every wait must be over.
    pub deadline: Instant,
    /// Cancelled when the user interrupts the run: waits end, what has begun is finished.
    pub stop: CancellationToken,
}

/// The operation that a plan has in mind.
pub enum Intent<'a, R: Resource> {
    /// The object is made.
    Create {
        /// With these settings.
        settings: &'a R::Settings,
    },
    /// The object is changed.
    Update {
        /// As it is.
        prior: &'a State<R>,
        /// As it shall be.
        settings: &'a R::Settings,
        /// What was promised of its outputs.
        planned: &'a Planned,
    },
}

/// What planning says of the outputs; those that it does not name stay as they are.
#[derive(Default)]
pub struct Verdict {
    pub(in crate::terraform) changes: BTreeMap<&'static str, Outcome>,
    pub(in crate::terraform) depend: Vec<(&'static str, Vec<&'static str>)>,
    pub(in crate::terraform) replace: Vec<Path>,
    pub(in crate::terraform) diagnostics: Vec<Diagnostic>,
}

/// What becomes of an output.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(in crate::terraform) enum Outcome {
    Unknown,
    Becomes(Dynamic),
}

impl Verdict {
    /// Nothing changes.
    pub fn keep() -> Self {
        Self::default()
    }

    /// The operation will fill these in.
    pub fn unknown(&mut self, outputs: &[&'static str]) {
        self.changes
            .extend(outputs.iter().map(|name| (*name, Outcome::Unknown)));
    }

    /// The operation will fill these in while that setting is unknown. For a setting that has a say in them in some
    /// plans only; what it always touches, its schema says.
    pub fn depend_on(&mut self, setting: &'static str, outputs: &[&'static str]) {
        self.depend.push((setting, outputs.to_vec()));
    }

    /// This one stays as it is after all.
    pub fn keeps(&mut self, output: &'static str) {
        self.changes.remove(output);
    }

    /// Whether the operation will fill this one in.
    pub fn opens(&self, output: &str) -> bool {
        self.changes.get(output) == Some(&Outcome::Unknown)
    }

    /// The operation will fill this in with that very value.
    pub fn becomes(&mut self, output: &'static str, value: impl Into<Dynamic>) {
        self.changes.insert(output, Outcome::Becomes(value.into()));
    }

    /// The object is another one; an output named here must be unknown, too, or the host drops it.
    pub fn replace(&mut self, output: &'static str) {
        self.unknown(&[output]);
        self.replace.push(Path::from(output));
    }

    /// Tells the user something; an error makes the plan fail.
    pub fn tell(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

#[cfg(test)]
impl Verdict {
    /// What makes it another object, and the summaries of what is told.
    pub(crate) fn replaced_and_told(&self) -> (Vec<String>, Vec<String>) {
        let replaced = self.replace.iter().map(ToString::to_string);
        let told = self.diagnostics.iter().map(|told| told.summary.clone());
        (replaced.collect(), told.collect())
    }

    /// What a host would hand back of it with the operation: nothing of what stays.
    pub(crate) fn promised(self) -> Planned {
        let changes = self.changes.into_iter();
        let promised = changes.map(|(name, outcome)| match outcome {
            Outcome::Unknown => (name, Dynamic::UNKNOWN),
            Outcome::Becomes(value) => (name, value),
        });
        Planned(promised.collect())
    }
}

#[cfg(test)]
impl Planned {
    /// Whether something is said of any output.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a host that was told `self` first takes `later` for the same plan.
    pub(crate) fn allows(&self, later: &Self) -> bool {
        let known = |name: &str| self.0.get(name).filter(|value| !value.is_unknown());
        let kept = self.0.keys().all(|name| match known(name) {
            Some(value) => later.0.get(name) == Some(value),
            None => true,
        });
        kept && later.0.keys().all(|name| self.0.contains_key(name))
    }
}

/// What was promised of the outputs when the plan was made.
#[derive(Clone, Default)]
pub struct Planned(pub(in crate::terraform) BTreeMap<&'static str, Dynamic>);

impl Planned {
    /// Whether the operation is to fill this output in.
    pub fn is_open(&self, output: &str) -> bool {
        self.0.get(output).is_some_and(Dynamic::is_unknown)
    }

    /// Whether anything was said of this output: otherwise it stays as it was.
    pub fn speaks_of(&self, output: &str) -> bool {
        self.0.contains_key(output)
    }

    /// Whether every output is to stay as it is.
    pub fn keeps(&self, outputs: &impl Written) -> bool {
        let stays = |now: &Dynamic| {
            self.0
                .iter()
                .all(|(name, value)| now.attribute(name) == value)
        };
        outputs.write().is_ok_and(|now| stays(&now))
    }

    /// The value that was promised, if one was and it is a `T`.
    pub fn read<T: DeserializeOwned>(&self, output: &str) -> Option<T> {
        from_dynamic(self.0.get(output)?).ok()
    }

    /// The text that was promised, if one was.
    pub fn text(&self, output: &str) -> Option<&str> {
        self.0.get(output).and_then(Dynamic::as_str)
    }
}

/// A finished operation.
pub struct Done<R: Resource> {
    /// What the provider filled in.
    pub outputs: R::Outputs,
    /// What it notes for itself.
    pub private: R::Private,
    /// What the user should know all the same. An error among them makes the run fail without taking back what was
    /// done, settings included; only after an update, for a host throws away a new object that comes with one.
    pub warnings: Vec<Diagnostic>,
}

impl<R: Resource> Done<R> {
    /// A finished operation with nothing to tell.
    pub fn new(outputs: R::Outputs, private: R::Private) -> Self {
        Self {
            outputs,
            private,
            warnings: Vec::new(),
        }
    }
}

/// An operation that did not end well.
pub struct Unfinished<R: Resource> {
    /// What there is now, where the operation changed the world or its notes.
    ///
    /// On create it is stored and the messages become warnings: the host would taint an object
    /// that comes with an error, and replace it. On update it is stored with the former settings,
    /// so that the next plan shows the change again.
    pub left: Option<(R::Outputs, R::Private)>,
    /// What to tell.
    pub diagnostics: Vec<Diagnostic>,
}

impl<R: Resource> From<Diagnostic> for Unfinished<R> {
    /// Nothing has changed.
    fn from(diagnostic: Diagnostic) -> Self {
        Self {
            left: None,
            diagnostics: vec![diagnostic],
        }
    }
}

/// What a look at an object found.
pub enum Reading<R: Resource> {
    /// It is there.
    Here(Done<R>),
    /// It is gone, for sure.
    Gone {
        /// What the user should know.
        warnings: Vec<Diagnostic>,
    },
}

/// Why an object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The user destroys it, or it left the configuration.
    Destroyed,
    /// Another one takes its place.
    Replaced,
}
