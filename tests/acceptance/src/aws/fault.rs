//! What a test makes go wrong, by operation: refusals, lost answers, slowness, answers held back.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::answer::Failure;

/// The faults that are set.
#[derive(Debug)]
pub(crate) struct Faults {
    by_operation: Mutex<HashMap<String, Rule>>,
    held: watch::Sender<BTreeSet<String>>,
    latency: Mutex<Duration>,
}

#[derive(Debug, Default)]
struct Rule {
    coming: VecDeque<Fault>,
    /// What every call gets when none is coming.
    standing: Option<Failure>,
    rewrites: VecDeque<Rewrite>,
    delay: Duration,
}

/// Changes the JSON of an answer.
pub(crate) struct Rewrite(pub(crate) Box<dyn FnOnce(&mut Value) + Send>);

/// What happens to one call.
#[derive(Debug)]
pub(crate) enum Fault {
    /// It is refused before anything is done.
    Refused(Failure),
    /// It is carried out, and the caller gets an HTTP 500 instead of the result.
    AnswerLost,
}

impl std::fmt::Debug for Rewrite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rewrite")
    }
}

impl Faults {
    pub(crate) fn new() -> Self {
        Self {
            by_operation: Mutex::default(),
            held: watch::Sender::new(BTreeSet::new()),
            latency: Mutex::default(),
        }
    }

    pub(crate) fn refuse(&self, operation: &str, times: usize, failure: &Failure) {
        let refusals = std::iter::repeat_with(|| Fault::Refused(failure.clone())).take(times);
        self.rules()
            .entry(operation.to_owned())
            .or_default()
            .coming
            .extend(refusals);
    }

    pub(crate) fn break_down(&self, operation: &str, failure: &Failure) {
        let mut rules = self.rules();
        let rule = rules.entry(operation.to_owned()).or_default();
        rule.standing = Some(failure.clone());
    }

    pub(crate) fn repair(&self, operation: &str) {
        if let Some(rule) = self.rules().get_mut(operation) {
            rule.standing = None;
        }
    }

    pub(crate) fn lose_answers(&self, operation: &str, times: usize) {
        let losses = std::iter::repeat_with(|| Fault::AnswerLost).take(times);
        self.rules()
            .entry(operation.to_owned())
            .or_default()
            .coming
            .extend(losses);
    }

    pub(crate) fn rewrite(&self, operation: &str, rewrite: Rewrite) {
        let mut rules = self.rules();
        rules
            .entry(operation.to_owned())
            .or_default()
            .rewrites
            .push_back(rewrite);
    }

    pub(crate) fn slow_down(&self, operation: &str, delay: Duration) {
        self.rules().entry(operation.to_owned()).or_default().delay = delay;
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        *self.latency() = latency;
    }

    pub(crate) fn hold(&self, operation: &str) {
        self.held
            .send_modify(|held| _ = held.insert(operation.to_owned()));
    }

    pub(crate) fn release(&self, operation: &str) {
        self.held.send_modify(|held| _ = held.remove(operation));
    }

    /// The fault for the call that has just come, used up by it.
    pub(crate) fn next(&self, operation: &str) -> Option<Fault> {
        let mut rules = self.rules();
        let rule = rules.get_mut(operation)?;
        let standing = || rule.standing.clone().map(Fault::Refused);
        rule.coming.pop_front().or_else(standing)
    }

    /// The result as the next rewriting of its operation makes it, used up by it.
    pub(crate) fn rewritten(&self, operation: &str, mut result: Value) -> Value {
        let rewrite = self
            .rules()
            .get_mut(operation)
            .and_then(|rule| rule.rewrites.pop_front());
        if let Some(Rewrite(change)) = rewrite {
            change(&mut result);
        }
        result
    }

    /// Returns when the answer may leave.
    pub(crate) async fn wait_until_answerable(&self, operation: &str) {
        let delay = self
            .rules()
            .get(operation)
            .map_or(Duration::ZERO, |rule| rule.delay);
        let latency = *self.latency();
        tokio::time::sleep(latency + delay).await;
        // The only error is a sender that is gone, and it lives as long as self.
        _ = self
            .held
            .subscribe()
            .wait_for(|held| !held.contains(operation))
            .await;
    }

    fn latency(&self) -> MutexGuard<'_, Duration> {
        self.latency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rules(&self) -> MutexGuard<'_, HashMap<String, Rule>> {
        self.by_operation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
