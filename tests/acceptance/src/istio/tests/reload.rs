//! What a running istiod makes of the next bundle, and who accepts whom meanwhile.

use super::*;
use crate::istio::bundles::{Change, Edit, File, Item, Step, Stranger};

fn step(judge: &mut Judge, recipe: Recipe) -> Opinion {
    let opinion = opinion(judge, recipe);
    assert!(opinion.previous.as_ref().unwrap().passed(), "{opinion:?}");
    opinion
}

/// Whether it is reloaded without multi-root, with it, and with it up to 1.29.
fn reloaded(opinion: &Opinion) -> [bool; 3] {
    let reload = opinion.reload.as_ref().unwrap();
    [&reload.plain, &reload.multiroot, &reload.multiroot_129].map(Verdict::passed)
}

/// Whether the old leaf is accepted with the new roots, and the new one with the old roots.
fn accepted(opinion: &Opinion) -> [bool; 2] {
    let cross = opinion.cross.as_ref().unwrap();
    [&cross.old_leaf_new_roots, &cross.new_leaf_old_roots].map(|roles| {
        assert_eq!(roles.server.passed(), roles.client.passed(), "{roles:?}");
        roles.server.passed()
    })
}

#[test]
fn each_step_is_reloaded_and_survived_as_the_reference_says() {
    let judge = &mut Judge::start().unwrap();
    let yes = [true; 2];
    for (taken, reload, survived) in [
        (Step::Same, [true; 3], yes),
        (Step::Renewed, [true; 3], yes),
        (Step::Reissued, [true; 3], yes),
        (Step::SubRenewed, [true; 3], yes),
        (Step::RootAppended, [false, true, true], yes),
        (Step::RootPrepended, [false, true, true], yes),
        (Step::RootRemoved, [false, true, true], yes),
        (Step::RootRepeated, [false, true, true], yes),
        (Step::RootsReordered, [false, true, false], yes),
        (Step::RootRewritten, [false, true, false], yes),
        (Step::IssuerSwitched, [true; 3], yes),
        (Step::RootReplaced, [false; 3], [false; 2]),
        (Step::RootReissued, [false; 3], yes),
    ] {
        let opinion = step(judge, Recipe::plain().tiers(3).after(taken));
        assert_eq!(opinion.refusals(), [""; 0], "{taken:?}");
        assert_eq!(reloaded(&opinion), reload, "{taken:?}");
        assert_eq!(accepted(&opinion), survived, "{taken:?}");
        assert_eq!(opinion.broken_between().is_empty(), survived == yes);
    }
}

#[test]
fn a_root_change_is_refused_in_istiods_words() {
    let judge = &mut Judge::start().unwrap();
    let opinion = step(judge, Recipe::plain().after(Step::RootReplaced));
    let reload = opinion.reload.unwrap();
    let plain = "Multi root is disabled, updating new ROOT-CA not supported";
    refused(&reload.plain, plain, "plain");
    refused(
        &reload.multiroot,
        "Updating new ROOT-CA not supported",
        "multi-root",
    );
}

#[test]
fn what_does_not_load_is_not_reloaded() {
    let judge = &mut Judge::start().unwrap();
    let recipe = Recipe::plain().tiers(3).after(Step::Same);
    let cut = recipe.but(Change::List(File::Chain, Edit::Drop(1)));
    let opinion = step(judge, cut);
    assert!(!opinion.load.passed());
    assert_eq!(reloaded(&opinion), [false; 3]);
}

#[test]
fn what_istiod_checks_at_its_start_alone_is_reloaded() {
    let judge = &mut Judge::start().unwrap();
    let recipe = Recipe::plain().after(Step::Renewed);
    let ended = recipe.but(Change::List(File::Chain, Edit::Prepend(Item::Ended(1))));
    let opinion = step(judge, ended);
    refused(&opinion.load, "cert chain has expired", "start");
    assert_eq!(reloaded(&opinion), [true; 3]);
}

#[test]
fn a_root_taken_away_too_early_leaves_old_leaves_behind() {
    let judge = &mut Judge::start().unwrap();
    let recipe = Recipe::plain().after(Step::IssuerSwitched);
    // Of both roots the one that issued before goes at the same time.
    let early = recipe.but(Change::List(File::Roots, Edit::Drop(1)));
    let opinion = step(judge, early);
    assert_eq!(accepted(&opinion), [false, true]);
    assert_eq!(opinion.broken_between().len(), 2);
}

#[test]
fn another_root_of_the_same_name_does_not_stand_in_for_the_first() {
    let judge = &mut Judge::start().unwrap();
    let recipe = Recipe::plain().after(Step::Renewed);
    let namesake = Item::Stranger(Stranger::Namesake);
    let opinion = step(
        judge,
        recipe.but(Change::List(File::Roots, Edit::Replace(0, namesake))),
    );
    assert!(!opinion.load.passed());
    assert_eq!(reloaded(&opinion), [false; 3]);
}
