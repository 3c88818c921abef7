//! What a plan says of a handover.

use jiff::Timestamp;

use super::*;

const HERE: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/here";
const THERE: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/there";

fn settings(cluster: Option<&str>) -> Settings {
    let settings = serde_json::json!({"plane": "control", "eks_cluster_arn": cluster});
    serde_json::from_value(settings).unwrap()
}

fn prior(cluster: Option<&str>, drift: &[&str], elsewhere: Option<&str>) -> Prior {
    State {
        settings: settings(cluster),
        outputs: Outputs {
            uid: Some("u-1".to_owned()),
            cluster_fingerprint: Some("sha256:1".to_owned()),
            cluster_arn: cluster.map(|arn| arn.parse().unwrap()),
            drift: drift.iter().map(|&words| words.to_owned()).collect(),
        },
        private: Notes {
            elsewhere: elsewhere.map(str::to_owned),
        },
    }
}

fn planned(prior: &Prior, wanted: &Settings) -> (Planned, Vec<String>, Vec<String>) {
    let (policy, now) = (Policy::default(), Timestamp::UNIX_EPOCH);
    let ask = Ask {
        policy: &policy,
        now,
    };
    let verdict = TseHandover::plan_update(&ask, prior, wanted);
    let (replaced, told) = verdict.replaced_and_told();
    (verdict.promised(), replaced, told)
}

#[test]
fn a_handover_that_stands_plans_nothing() {
    for cluster in [None, Some(HERE)] {
        let (planned, replaced, told) = planned(&prior(cluster, &[], None), &settings(cluster));
        assert!(planned.is_empty() && replaced.is_empty() && told.is_empty());
    }
    // A name for the very cluster that it is in.
    let mut provider = prior(Some(HERE), &[], None);
    provider.settings.eks_cluster_arn = None;
    assert!(planned(&provider, &settings(Some(HERE))).0.is_empty());
}

#[test]
fn what_was_taken_back_is_handed_over_again_in_place() {
    let taken = prior(None, &["it is set"], None);
    let (planned, replaced, _) = planned(&taken, &settings(None));
    assert_eq!(planned.read::<Vec<String>>("drift"), Some(Vec::new()));
    assert!(planned.is_open("uid") && replaced.is_empty());
}

#[test]
fn another_cluster_is_another_handover() {
    let named = planned(&prior(Some(HERE), &[], None), &settings(Some(THERE)));
    assert_eq!(named.1, ["eks_cluster_arn"]);
    let led = planned(&prior(None, &[], Some("sha256:2")), &settings(None));
    assert_eq!(led.1, ["cluster_fingerprint"]);
    assert_eq!(
        led.2,
        ["TSE control plane istio-system/controlplane: this is another cluster"]
    );
}

#[test]
fn each_plane_is_looked_for_where_tetrate_installs_it_unless_it_is_said() {
    let of = |settings: serde_json::Value| {
        let settings: Settings = serde_json::from_value(settings).unwrap();
        settings.object().to_string()
    };
    assert_eq!(
        of(serde_json::json!({"plane": "management"})),
        "managementplanes.install.tetrate.io tse/managementplane"
    );
    assert_eq!(
        of(serde_json::json!({"plane": "control"})),
        "controlplanes.install.tetrate.io istio-system/controlplane"
    );
    let named = serde_json::json!({"plane": "control", "namespace": "mesh", "name": "plane-1"});
    assert_eq!(of(named), "controlplanes.install.tetrate.io mesh/plane-1");
}
