//! Two judges over the same bundles: whatever the other one passes, Istio must be able to use.
//!
//! Only that direction is held. Where the other judge refuses what Istio accepts, it is stricter,
//! and gives its reasons itself.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use jiff::Timestamp;

use super::bundles::{self, Case, Files};
use super::judge::{Judge, JudgeError, Opinion};

/// What both judges made of a run of bundles.
#[derive(Debug)]
pub struct Comparison {
    /// How the run can be had again.
    pub seed: u64,
    /// How many bundles were judged.
    pub bundles: u64,
    /// Both accept it.
    pub both: u64,
    /// Only the other judge has something against it, by what that is.
    pub stricter: BTreeMap<String, u64>,
    /// Both refuse it.
    pub neither: u64,
    /// The other judge passes what Istio cannot use; the smallest example of the first few.
    pub unsafe_cases: Vec<Disagreement>,
}

/// A bundle that is passed although Istio cannot use it.
#[derive(Debug)]
pub struct Disagreement {
    /// The bundle, as small as it could be made.
    pub case: Case,
    /// What Istio, or a peer, has against it.
    pub refusals: Vec<String>,
}

/// How many bundles are asked about at a time.
const BATCH: usize = 500;

/// How many disagreements are made small and told.
const TOLD: usize = 10;

/// Judges `n` bundles of a seed by Istio and by `findings`, which gives the names of what is wrong
/// with a bundle, given what is live and the moment.
///
/// # Errors
///
/// When Istio's judge cannot be asked.
pub fn compare(
    seed: u64,
    n: u64,
    findings: impl Fn(&Files, Option<&Files>, Timestamp) -> Vec<String>,
) -> Result<Comparison, JudgeError> {
    // Istio looks at the clock itself.
    let now = Timestamp::now();
    let mut judge = Judge::start()?;
    let mut comparison = Comparison::new(seed);
    // Past the test harness, which would keep it until the test ends; without a standard error
    // nobody is there to be told.
    let _ = writeln!(io::stderr(), "{n} bundles of seed {seed:#x}");
    thread::scope(|scope| {
        // The next batch is made while one is judged.
        let (made, batches) = sync_channel(1);
        scope.spawn(move || make(seed, n, now, &made));
        for batch in batches {
            let opinions = judge.ask(&batch)?;
            for (case, opinion) in batch.into_iter().zip(&opinions) {
                let found = findings(&case.files, case.previous.as_ref(), now);
                let unsafe_case = comparison.count(found, &refusals(opinion));
                if unsafe_case && comparison.unsafe_cases.len() < TOLD {
                    let smallest = smallest(&mut judge, case, &findings, now)?;
                    comparison.unsafe_cases.push(smallest);
                }
            }
        }
        Ok(comparison)
    })
}

fn make(seed: u64, n: u64, now: Timestamp, made: &SyncSender<Vec<Case>>) {
    let mut cases = bundles::generate(seed, n, now);
    loop {
        let batch: Vec<Case> = cases.by_ref().take(BATCH).collect();
        // Nobody listens any longer once the judge has failed.
        if batch.is_empty() || made.send(batch).is_err() {
            return;
        }
    }
}

impl Comparison {
    fn new(seed: u64) -> Self {
        Self {
            seed,
            bundles: 0,
            both: 0,
            stricter: BTreeMap::new(),
            neither: 0,
            unsafe_cases: Vec::new(),
        }
    }

    /// Whether the bundle is passed although there are refusals.
    fn count(&mut self, found: Vec<String>, refusals: &[String]) -> bool {
        self.bundles += 1;
        match (found.is_empty(), refusals.is_empty()) {
            (true, true) => self.both += 1,
            (true, false) => return true,
            (false, true) => {
                for name in found {
                    *self.stricter.entry(name).or_default() += 1;
                }
            }
            (false, false) => self.neither += 1,
        }
        false
    }

    /// Nothing is passed that Istio cannot use.
    ///
    /// # Panics
    ///
    /// When something is, with the examples.
    #[track_caller]
    pub fn is_safe(&self) {
        assert!(self.unsafe_cases.is_empty(), "{self}");
    }
}

/// The mix, what the other judge alone has said, and the disagreements.
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stricter = self.bundles - self.both - self.neither;
        writeln!(
            f,
            "seed {:#x}: {} bundles, {} passed by both, {} refused by both, {stricter} others",
            self.seed, self.bundles, self.both, self.neither
        )?;
        for (name, times) in &self.stricter {
            writeln!(f, "  stricter than Istio: {name} ({times})")?;
        }
        for Disagreement { case, refusals } in &self.unsafe_cases {
            writeln!(f, "  passed, but of no use: {case:?}")?;
            for refusal in refusals {
                writeln!(f, "    {refusal}")?;
            }
        }
        Ok(())
    }
}

/// What is wrong with a bundle by itself, and with the step to it.
fn refusals(opinion: &Opinion) -> Vec<String> {
    [opinion.refusals(), opinion.broken_between()].concat()
}

/// Takes away what is odd about a case as long as it is still passed and still of no use.
fn smallest(
    judge: &mut Judge,
    mut case: Case,
    findings: &impl Fn(&Files, Option<&Files>, Timestamp) -> Vec<String>,
    now: Timestamp,
) -> Result<Disagreement, JudgeError> {
    loop {
        let passed: Vec<Case> = case
            .smaller(now)
            .filter(|case| findings(&case.files, case.previous.as_ref(), now).is_empty())
            .collect();
        let opinions = judge.ask(&passed)?;
        let mut judged = passed.into_iter().zip(&opinions);
        match judged.find(|(_, opinion)| !refusals(opinion).is_empty()) {
            Some((smaller, _)) => case = smaller,
            None => break,
        }
    }
    let opinion = judge.ask(std::slice::from_ref(&case))?;
    Ok(Disagreement {
        refusals: opinion.iter().flat_map(refusals).collect(),
        case,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::istio::bundles::Noise;

    #[test]
    fn a_judge_who_passes_everything_is_caught_with_small_examples() {
        let comparison = compare(1, 300, |_, _, _| Vec::new()).unwrap();
        assert_eq!(comparison.unsafe_cases.len(), TOLD);
        for Disagreement { case, refusals } in &comparison.unsafe_cases {
            assert!(!refusals.is_empty());
            // A step or one change is enough for each of Istio's rules.
            let recipe = &case.recipe;
            let odd = recipe.changes.len() + usize::from(recipe.step.is_some());
            assert!(odd <= 2, "{case:?}");
        }
        let told = std::panic::catch_unwind(|| comparison.is_safe()).unwrap_err();
        let told = told.downcast_ref::<String>().unwrap();
        assert!(told.contains("seed 0x1: 300 bundles"), "{told}");
    }

    #[test]
    fn a_judge_who_refuses_everything_is_safe_and_told_to_be_strict() {
        let comparison = compare(2, 500, |_, _, _| vec!["everything".to_owned()]).unwrap();
        comparison.is_safe();
        assert_eq!(comparison.both, 0);
        let stricter = comparison.stricter["everything"];
        assert_eq!(stricter + comparison.neither, 500);
        // A run is worth most when neither right bundles nor wrong ones are rare.
        assert!((125..=250).contains(&stricter), "{comparison}");
    }

    #[test]
    fn a_judge_who_overlooks_one_rule_is_caught_by_it() {
        // It is Istio itself, which is shown the files without what they are indented by.
        let istio = RefCell::new(Judge::start().unwrap());
        let overlooking = |files: &Files, live: Option<&Files>, now: Timestamp| {
            let straight = files.iter().map(|(name, content)| {
                let text = String::from_utf8_lossy(content).replace("\n    ", "\n");
                (name.clone(), text.trim_start().as_bytes().to_vec())
            });
            let case = Case {
                files: straight.collect(),
                previous: live.cloned(),
                ..Case::new(0, bundles::Recipe::plain(), now)
            };
            refusals(&istio.borrow_mut().ask(&[case]).unwrap()[0])
        };
        let comparison = compare(3, 400, overlooking).unwrap();
        let odd = |disagreement: &Disagreement| {
            let changes = &disagreement.case.recipe.changes;
            matches!(
                changes[..],
                [bundles::Change::Text(
                    _,
                    Noise::Indented | Noise::HalfIndented
                )]
            )
        };
        assert!(!comparison.unsafe_cases.is_empty(), "{comparison}");
        assert!(comparison.unsafe_cases.iter().all(odd), "{comparison}");
    }
}
