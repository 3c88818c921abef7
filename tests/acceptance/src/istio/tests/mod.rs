//! What the reference says of Istio, row by row, against Istio itself.

mod keys;
mod ours;
mod reload;
mod table;

use jiff::Timestamp;

use super::bundles::{Case, Recipe};
use super::judge::{Judge, LeafKey, Opinion, Verdict};

/// Istio's opinion of one recipe, with a workload's certificate if it gives one.
fn opinion(judge: &mut Judge, recipe: Recipe) -> Opinion {
    let case = Case::new(0, recipe, Timestamp::now());
    if case.previous.is_some() {
        return judge.ask(&[case]).unwrap().remove(0);
    }
    judge.ask_for_leaf(&case.files, LeafKey::Ecdsa).unwrap()
}

/// Everything is as it should be.
#[track_caller]
fn right(judge: &mut Judge, recipe: Recipe) -> Opinion {
    let told = format!("{recipe:?}");
    let opinion = opinion(judge, recipe);
    assert_eq!(opinion.refusals(), [""; 0], "{told}");
    let all = opinion.serving.is_some() && opinion.peers.is_some() && opinion.istio.is_some();
    assert!(all, "{told}\n{opinion:?}");
    opinion
}

/// istiod does not start, and says why.
#[track_caller]
fn does_not_load(judge: &mut Judge, recipe: Recipe, why: &str) {
    let told = format!("{recipe:?}");
    refused(&opinion(judge, recipe).load, why, &told);
}

/// istiod notices nothing, and no peer accepts its workloads.
#[track_caller]
fn loads_in_vain(judge: &mut Judge, recipe: Recipe, why: &str) -> Opinion {
    let told = format!("{recipe:?}");
    let opinion = opinion(judge, recipe);
    let started = opinion.start.as_ref().is_some_and(Verdict::passed);
    assert!(opinion.load.passed() && started, "{told}\n{opinion:?}");
    let peers = opinion.peers.as_ref().unwrap();
    refused(&peers.server, why, &told);
    refused(&peers.client, why, &told);
    opinion
}

#[track_caller]
fn refused(verdict: &Verdict, why: &str, told: &str) {
    assert!(
        !verdict.passed() && verdict.words().contains(why),
        "{told}\n{verdict:?} should contain {why:?}"
    );
}
