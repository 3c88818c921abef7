use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::authority::{CaName, HOUR};
use super::cluster::Habits;
use super::history::{
    Deed, Event, History, of_a_fleet, of_ending_cas, of_one_cluster, of_peers, of_saved_plans,
};
use super::istiod::Version;
use super::mesh::Broken;
use super::provider::Fixed;
use super::rules::{Rule, Rules};
use super::write::Interruption;
use crate::terraform::tests::cases;

fn whole(history: &History) -> Result<(), TestCaseError> {
    let ended = history.run(Rules::default());
    ended.map_err(|broken| TestCaseError::fail(broken.0))
}

proptest! {
    #![proptest_config(cases(6000))]

    #[test]
    fn one_cluster_in_any_hands_never_breaks(history in of_one_cluster()) {
        whole(&history)?;
    }
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn a_fleet_that_takes_its_steps_together_never_breaks(history in of_a_fleet()) {
        whole(&history)?;
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn clusters_that_look_at_each_others_trust_never_break_at_whatever_pace(history in of_peers()) {
        whole(&history)?;
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn under_cas_that_end_nightly_runs_are_enough(history in of_ending_cas()) {
        whole(&history)?;
    }

    #[test]
    fn plans_that_are_saved_and_applied_later_never_break(history in of_saved_plans()) {
        whole(&history)?;
    }
}

/// What a cluster is like in the histories below, unless they say otherwise.
const HABITS: Habits = Habits {
    version: Version::V1_27,
    multi_root: false,
    kubelet: 0,
    self_signed: false,
    nightly: false,
    restarts_after: 150,
    fixed: Fixed {
        validity: "10d",
        clamp: false,
        overlap: "24h",
    },
};

#[track_caller]
fn holds(history: &History) {
    let ended = history.run(Rules::default());
    ended.map_err(|broken| broken.0).unwrap();
}

/// A CA that was allowed to end before anybody applied again: a workload that got nothing from it goes on with what it
/// has, and does not know the root that was added in the meantime. It is a stranger to those that are served again
/// until it asks again, within the hour. To refuse the way out of such an outage would prolong it.
#[test]
fn whoever_was_left_without_an_answer_may_be_a_stranger_until_it_asks_again() {
    let applied = |pause| event(pause, Deed::Apply(None));
    let history = History {
        habits: vec![Habits {
            version: Version::V1_29,
            restarts_after: 601,
            fixed: Fixed {
                clamp: true,
                ..HABITS.fixed
            },
            ..HABITS
        }],
        ca: CaName::A,
        peering: false,
        events: vec![
            applied(91),
            event(25, Deed::PlanChange(CaName::A, Vec::new())),
            applied(2),
            event(6, Deed::PlanChange(CaName::Ending, vec![1])),
            event(2, Deed::ApplySaved(None)),
            event(12, Deed::Change(CaName::B, vec![0], None)),
        ],
    };
    holds(&history);
}

/// Two clusters of a mesh that look at each other, each with a run every night.
fn of_neighbours(events: Vec<Event>) -> History {
    let habits = Habits {
        nightly: true,
        ..HABITS
    };
    History {
        habits: vec![habits; 2],
        ca: CaName::A,
        peering: true,
        events,
    }
}

fn on(cluster: usize, pause: i64, deed: Deed) -> Event {
    Event {
        cluster,
        ..event(pause, deed)
    }
}

const WALK: Deed = Deed::WalkAlone { back: false };

/// A Secret is lost between two steps of one cluster, and with it what it says of the root that the other still signs
/// under.
#[test]
fn a_root_that_a_peer_signs_under_does_not_go_with_a_lost_secret() {
    let history = of_neighbours(vec![
        on(0, 26, WALK),
        on(1, 2, WALK),
        on(1, 14, WALK),
        on(1, 0, Deed::LoseSecret),
        on(1, 0, Deed::Restart),
        on(1, 0, WALK),
        on(0, 1, Deed::Apply(None)),
        on(0, 0, Deed::Apply(None)),
    ]);
    holds(&history);
}

/// One cluster has lost its Secret, and its istiod, restarted without, signs by itself: nothing there tells of the root
/// under which the Secret will be put back.
#[test]
fn a_root_stays_while_nobody_sees_under_which_one_a_peer_will_sign() {
    let history = of_neighbours(vec![
        on(0, 0, WALK),
        on(1, 1, WALK),
        on(0, 15, WALK),
        on(0, 0, Deed::LoseSecret),
        on(0, 0, Deed::Restart),
        on(1, 0, Deed::WalkAlone { back: true }),
        on(0, 0, Deed::Apply(None)),
    ]);
    holds(&history);
}

/// The same, but the Secret is back already, and istiod has not been restarted with it.
#[test]
fn a_root_that_a_peer_will_sign_under_stays_though_its_istiod_hands_it_on_no_more() {
    let history = of_neighbours(vec![
        on(0, 0, WALK),
        on(1, 1, WALK),
        on(0, 15, WALK),
        on(0, 0, Deed::LoseSecret),
        on(0, 0, Deed::Restart),
        on(0, 0, Deed::Apply(None)),
        on(1, 0, Deed::WalkAlone { back: true }),
    ]);
    holds(&history);
}

/// One cluster takes a step back and loses its Secret at once: until istiod is restarted it hands on a root that the
/// Secret, put back, will not have.
#[test]
fn what_a_peer_hands_on_without_a_secret_is_nothing_to_step_upon() {
    let mut history = of_neighbours(vec![
        on(1, 0, WALK),
        on(0, 0, WALK),
        on(0, 13, Deed::WalkAlone { back: true }),
        on(0, 0, Deed::LoseSecret),
        on(1, 1, WALK),
        on(0, 0, Deed::Apply(None)),
    ]);
    history.habits[0].restarts_after = 2 * HOUR + 1;
    holds(&history);
}

/// Two runs were killed after they had written: the mesh went to another root, and the state knows of none of it. Then
/// the Secret is lost.
#[test]
fn a_lost_secret_is_not_put_back_under_a_root_that_the_mesh_has_left_behind_the_states_back() {
    let killed = Some(Interruption::Written);
    let history = History {
        habits: vec![HABITS],
        ca: CaName::A,
        peering: false,
        events: vec![
            event(0, Deed::Change(CaName::A, vec![1], None)),
            event(12, Deed::Change(CaName::B, vec![0], killed)),
            event(15, Deed::Change(CaName::B, Vec::new(), killed)),
            event(5, Deed::LoseSecret),
            event(0, Deed::Change(CaName::A, Vec::new(), None)),
            event(5, Deed::Change(CaName::A, vec![1], None)),
        ],
    };
    holds(&history);
}

fn event(pause: i64, deed: Deed) -> Event {
    Event {
        pause,
        cluster: 0,
        deed,
    }
}

/// Among so many histories one must break that a rule no longer protects.
const MANY: usize = 3000;

/// Runs histories without the rule, the same in every run, until one breaks; insists that it does,
/// and that it breaks as expected.
#[track_caller]
fn caught(rule: Rule, histories: impl Strategy<Value = History>, how: &[&str]) {
    let mut runner = TestRunner::deterministic();
    let broken = (0..MANY).find_map(|_| {
        let history = histories.new_tree(&mut runner);
        let history = history.expect("nothing is rejected").current();
        history.run(Rules::without(rule)).err()
    });
    let Broken(broken) = broken.unwrap_or_else(|| panic!("{MANY} histories hold without {rule:?}"));
    assert!(
        how.iter().any(|how| broken.contains(how)),
        "{rule:?}: {broken}"
    );
}

/// Two workloads refuse each other, or one has nothing left that anybody could believe.
const BROKEN: &[&str] = &[" meets ", " is at its end"];

#[test]
fn it_matters_that_nothing_is_signed_under_a_root_that_nobody_trusts() {
    caught(Rule::Trusted, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_a_root_is_trusted_for_a_while_before_it_signs() {
    caught(Rule::OverlapBeforeSigning, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_the_root_in_use_stays() {
    caught(Rule::InUse, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_a_root_stays_for_a_while_after_it_was_left() {
    caught(Rule::OverlapBeforeDropping, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_roots_keep_their_place() {
    caught(Rule::Place, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_what_istiod_published_counts_as_trusted() {
    caught(Rule::Published, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_a_lost_secret_is_put_back_all_the_same() {
    caught(Rule::PutBack, of_one_cluster(), &["is refused"]);
}

#[test]
fn it_matters_that_the_secret_itself_says_since_when_a_root_is_trusted() {
    caught(Rule::Noted, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_a_certificate_is_renewed_before_its_end() {
    caught(Rule::Renewal, of_ending_cas(), BROKEN);
}

#[test]
fn it_matters_that_the_earliest_end_on_the_path_counts() {
    caught(Rule::PathEnd, of_ending_cas(), BROKEN);
}

#[test]
fn it_matters_that_a_renewal_moves_the_end() {
    caught(Rule::LaterEnd, of_ending_cas(), &["ends no later"]);
}

#[test]
fn it_matters_that_a_plan_made_before_a_renewal_holds_after_it() {
    caught(Rule::Hold, of_saved_plans(), &["does not hold"]);
}

#[test]
fn it_matters_that_a_lost_key_is_replaced() {
    caught(Rule::KeyLost, of_one_cluster(), &["is refused"]);
}

#[test]
fn it_matters_that_istiod_is_restarted_when_the_roots_have_changed() {
    caught(Rule::Restart, of_one_cluster(), BROKEN);
}

#[test]
fn it_matters_that_a_fleet_takes_its_steps_together() {
    caught(Rule::Barrier, of_a_fleet(), BROKEN);
}

#[test]
fn it_matters_that_a_fleet_waits_for_its_last_cluster() {
    caught(Rule::Wait, of_a_fleet(), BROKEN);
}

#[test]
fn it_matters_that_clusters_look_at_each_others_trust() {
    caught(Rule::Peers, of_peers(), BROKEN);
}
