use serde_json::{Value, json};

use super::*;
use crate::cluster::script::{Reply, cluster, status};
use crate::cluster::secret::samples::{desired, edited_json, foreign_json, ours_json};
use crate::cluster::secret::{Finding, OnExisting};
use crate::cluster::{Cause, Sha256};

const WITHIN: Duration = Duration::from_millis(200);
const REPLACE: Policy = Policy {
    on_existing: OnExisting::Replace,
    force_conflicts: false,
    prune_keys: false,
    replace_own: false,
};
const CLAIM: Claim<'_> = Claim {
    owner: "o-1",
    same_certificate: &|_| false,
};

fn absent() -> Reply {
    status(404, "NotFound", "not found", json!({"kind": "secrets"}))
}

fn modified() -> Reply {
    status(
        409,
        "Conflict",
        "the object has been modified",
        json!({"kind": "secrets"}),
    )
}

fn deleted() -> Reply {
    (200, json!({"kind": "Status", "status": "Success"}))
}

/// Looks, and puts on what is there.
async fn put(
    cluster: &Cluster,
    desired: &Desired,
    claim: &Claim<'_>,
    policy: Policy,
    within: Duration,
) -> Result<Written, PutError> {
    let seen = cluster.read(&desired.at).await?;
    cluster.put(seen, desired, claim, policy, within).await
}

/// The verbs that were used, in order.
fn verbs(sent: &crate::cluster::script::Sent) -> Vec<String> {
    sent.lines()
        .iter()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn where_there_is_none_one_is_made() {
    let (cluster, sent) = cluster([absent(), (201, ours_json())]);
    let written = put(&cluster, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap();
    assert_eq!(written.how, HowWritten::Created);
    assert_eq!(written.altered, []);
    assert_eq!(verbs(&sent), ["GET", "PATCH"]);
}

#[tokio::test]
async fn what_was_read_before_is_not_read_again() {
    let (cluster, sent) = cluster([(201, ours_json())]);
    let written = cluster
        .put(None, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap();
    assert_eq!(written.how, HowWritten::Created);
    assert_eq!(verbs(&sent), ["PATCH"]);
}

#[tokio::test]
async fn what_another_made_between_is_judged_and_not_merged_into() {
    let (cluster, sent) = cluster([absent(), modified(), (200, foreign_json())]);
    let refused = put(&cluster, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        PutError::Refused(Refusal::NotOurs { .. })
    ));
    assert_eq!(verbs(&sent), ["GET", "PATCH", "GET"]);
}

#[tokio::test]
async fn a_create_of_ours_whose_answer_was_lost_is_taken_up() {
    let (cluster, sent) = cluster([absent(), modified(), (200, ours_json()), (200, ours_json())]);
    let written = put(&cluster, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap();
    assert!(
        matches!(written.how, HowWritten::InPlace(decision) if decision.finding == Finding::Ours)
    );
    assert_eq!(verbs(&sent), ["GET", "PATCH", "GET", "PATCH"]);
}

#[tokio::test]
async fn a_state_that_passed_is_read_and_judged_again() {
    let (cluster, sent) = cluster([
        (200, ours_json()),
        modified(),
        (200, edited_json("kubectl-edit")),
        (200, ours_json()),
    ]);
    let written = put(&cluster, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap();
    let HowWritten::InPlace(decision) = written.how else {
        panic!()
    };
    assert_eq!(decision.overwritten[0].by.manager, "kubectl-edit");
    assert_eq!(sent.body(3)["metadata"]["resourceVersion"], "43");
}

#[tokio::test]
async fn a_state_that_passes_every_time_is_given_up() {
    let replies = (0..40).map(|i| {
        if i % 2 == 0 {
            (200, ours_json())
        } else {
            modified()
        }
    });
    let (cluster, sent) = cluster(replies);
    let given_up = put(&cluster, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap_err();
    assert!(matches!(given_up, PutError::Failed(error) if error.is_stale()));
    assert_eq!(sent.all().len(), 2 * STALE_TRIES as usize);
}

#[tokio::test]
async fn a_replacement_names_what_it_deletes_and_carries_kept_values_over() {
    let mut wanted = desired();
    wanted.data.insert(
        "ca-key.pem".to_owned(),
        Wanted::Keep(Sha256::of(b"other key")),
    );
    let (cluster, sent) = cluster([
        (200, foreign_json()),
        deleted(),
        absent(),
        (201, ours_json()),
    ]);
    let written = put(&cluster, &wanted, &CLAIM, REPLACE, WITHIN)
        .await
        .unwrap();
    assert!(matches!(written.how, HowWritten::Replaced(_)));
    assert_eq!(verbs(&sent), ["GET", "DELETE", "GET", "PATCH"]);
    let preconditions = json!({"uid": "u-9", "resourceVersion": "7"});
    assert_eq!(sent.body(1)["preconditions"], preconditions);
    // printf 'other key' | base64
    assert_eq!(sent.body(3)["data"]["ca-key.pem"], "b3RoZXIga2V5");
    assert_eq!(sent.body(3)["metadata"]["resourceVersion"], "1");
    assert_eq!(sent.body(3)["type"], "Opaque");
}

#[tokio::test]
async fn a_value_that_cannot_be_kept_is_missed_before_the_old_secret_is_deleted() {
    let mut wanted = desired();
    wanted.data.insert(
        "ca-key.pem".to_owned(),
        Wanted::Keep(Sha256::of(b"a key that is nowhere")),
    );
    let (cluster, sent) = cluster([(200, foreign_json())]);
    let refused = put(&cluster, &wanted, &CLAIM, REPLACE, WITHIN)
        .await
        .unwrap_err();
    assert!(matches!(refused, PutError::Refused(Refusal::NotKept(_))));
    assert_eq!(verbs(&sent), ["GET"]);
}

#[tokio::test]
async fn what_comes_into_the_gap_of_a_replacement_is_judged_with_kept_values_at_hand() {
    let mut wanted = desired();
    wanted.data.insert(
        "ca-key.pem".to_owned(),
        Wanted::Keep(Sha256::of(b"other key")),
    );
    let mut intruder = foreign_json();
    intruder["metadata"]["uid"] = json!("u-10");
    intruder["data"] = json!({});
    let second = || (200, intruder.clone());
    let (cluster, sent) = cluster([
        (200, foreign_json()),
        deleted(),
        absent(),
        modified(),
        second(),
        second(),
        deleted(),
        absent(),
        (201, ours_json()),
    ]);
    let written = put(&cluster, &wanted, &CLAIM, REPLACE, WITHIN)
        .await
        .unwrap();
    assert!(matches!(written.how, HowWritten::Replaced(_)));
    assert_eq!(sent.body(6)["preconditions"]["uid"], "u-10");
    assert_eq!(sent.body(8)["data"]["ca-key.pem"], "b3RoZXIga2V5");
}

#[tokio::test]
async fn a_replacement_that_ends_without_a_secret_says_so() {
    let denied = status(403, "Forbidden", "cannot create", json!({}));
    let (cluster, _) = cluster([(200, foreign_json()), deleted(), absent(), denied]);
    let lost = put(&cluster, &desired(), &CLAIM, REPLACE, WITHIN)
        .await
        .unwrap_err();
    assert!(matches!(
        lost,
        PutError::Lost(Error {
            problem: Problem::Forbidden { .. },
            ..
        })
    ));
}

#[tokio::test]
async fn in_the_gap_a_busy_server_is_asked_for_longer() {
    let busy = || status(503, "ServiceUnavailable", "busy", json!({}));
    let start = [(200, foreign_json()), deleted(), absent()];
    let replies = start
        .into_iter()
        .chain((0..7).map(|_| busy()))
        .chain([(201, ours_json())]);
    let (cluster, sent) = cluster(replies);
    let long = Duration::from_secs(30);
    assert!(
        put(&cluster, &desired(), &CLAIM, REPLACE, long)
            .await
            .is_ok()
    );
    assert_eq!(sent.all().len(), 11);
}

#[tokio::test]
async fn what_admission_made_of_it_is_told() {
    let mut altered = ours_json();
    altered["metadata"]["labels"]["team"] = json!("platform");
    let (cluster, _) = cluster([(200, ours_json()), (200, altered)]);
    let written = put(&cluster, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap();
    assert_eq!(written.altered.len(), 1);
    assert_eq!(
        written.altered[0].field.to_string(),
        ".metadata.labels.team"
    );
}

#[tokio::test]
async fn an_unreachable_server_is_told_as_such() {
    let (cluster, _) = cluster([]);
    let failed = put(&cluster, &desired(), &CLAIM, Policy::default(), WITHIN)
        .await
        .unwrap_err();
    let PutError::Failed(Error {
        problem: Problem::Unreachable { cause, .. },
        ..
    }) = failed
    else {
        panic!()
    };
    assert!(matches!(cause, Cause::Other(_)));
}

#[tokio::test]
async fn nothing_is_written_into_what_is_being_deleted() {
    let mut going: Value = ours_json();
    going["metadata"]["deletionTimestamp"] = json!("2026-11-22T11:00:00Z");
    let (cluster, sent) = cluster([(200, going)]);
    let refused = put(&cluster, &desired(), &CLAIM, REPLACE, WITHIN)
        .await
        .unwrap_err();
    assert!(matches!(
        refused,
        PutError::Refused(Refusal::BeingDeleted { .. })
    ));
    assert_eq!(verbs(&sent), ["GET"]);
}
