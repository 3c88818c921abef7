//! What is sent, and what each answer of a real API server is taken for.

use serde_json::{Value, json};

use super::*;
use crate::cluster::script::{Reply, cluster, status};
use crate::cluster::secret::samples::{
    desired, edited, edited_json, foreign, foreign_json, ours, ours_json,
};
use crate::cluster::secret::{SecretBytes, Wanted};
use crate::cluster::{Kind, Sha256};

const SECRET: &str = "/api/v1/namespaces/istio-system/secrets/cacerts";

fn modified() -> Reply {
    status(
        409,
        "Conflict",
        "the object has been modified",
        json!({"kind": "secrets"}),
    )
}

fn field_conflict() -> Reply {
    let causes = json!([{"reason": "FieldManagerConflict", "field": ".data.ca-cert.pem",
        "message": "conflict with \"kubectl-create\" using v1"}]);
    status(
        409,
        "Conflict",
        "Apply failed with 1 conflict",
        json!({"causes": causes}),
    )
}

fn apply_line(force: bool) -> String {
    format!("PATCH {SECRET}?fieldManager=terraform-provider-istiopca&force={force}")
}

#[tokio::test]
async fn a_create_is_an_apply_that_no_object_can_match() {
    let (cluster, sent) = cluster([(201, ours_json())]);
    let made = cluster.create(&desired()).await.unwrap();
    assert!(matches!(made, Creation::Created(secret) if secret.uid == "u-1"));
    let all = sent.all();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].line, apply_line(false));
    assert_eq!(all[0].media_type, "application/apply-patch+yaml");
    assert_eq!(all[0].body["metadata"]["resourceVersion"], "1");
    assert_eq!(all[0].body["metadata"].get("uid"), None);
    assert_eq!(
        all[0].body["data"],
        json!({"ca-cert.pem": "Y2VydA==", "ca-key.pem": "a2V5"})
    );
}

#[tokio::test]
async fn whatever_came_between_is_read_and_not_written() {
    for between in [modified(), field_conflict()] {
        let (cluster, sent) = cluster([between, (200, foreign_json())]);
        let existing = cluster.create(&desired()).await.unwrap();
        assert!(matches!(existing, Creation::Existing(secret) if secret.uid == "u-9"));
        assert_eq!(sent.lines(), [apply_line(false), format!("GET {SECRET}")]);
    }
}

#[tokio::test]
async fn an_apply_that_merged_is_not_taken_for_a_create() {
    let (cluster, _) = cluster([(200, ours_json())]);
    assert!(matches!(
        cluster.create(&desired()).await,
        Ok(Creation::Existing(_))
    ));
}

#[tokio::test]
async fn what_came_and_went_is_tried_again_but_not_for_ever() {
    let gone = || status(404, "NotFound", "not found", json!({"kind": "secrets"}));
    let (twice, _) = cluster([modified(), gone(), (201, ours_json())]);
    assert!(matches!(
        twice.create(&desired()).await,
        Ok(Creation::Created(_))
    ));
    let (ever, sent) = cluster((0..20).map(|i| if i % 2 == 0 { modified() } else { gone() }));
    let Err(WriteError::Failed(error)) = ever.create(&desired()).await else {
        panic!()
    };
    assert!(error.is_stale());
    assert_eq!(sent.all().len(), 6);
}

#[tokio::test]
async fn a_create_without_its_namespace_says_which_is_missing() {
    let (cluster, sent) = cluster([status(
        404,
        "NotFound",
        "not found",
        json!({"kind": "namespaces"}),
    )]);
    let Err(WriteError::Failed(error)) = cluster.create(&desired()).await else {
        panic!()
    };
    assert_eq!(
        error.problem,
        Problem::Gone {
            what: Kind::Namespace
        }
    );
    assert_eq!(
        error.to_string(),
        "creating Secret istio-system/cacerts: the namespace does not exist"
    );
    assert!(!error.is_stale());
    assert_eq!(sent.all().len(), 1);
}

#[tokio::test]
async fn a_value_that_is_not_at_hand_is_missed_before_anything_is_sent() {
    let (cluster, sent) = cluster([]);
    let mut wanted = desired();
    wanted
        .data
        .insert("ca-key.pem".to_owned(), Wanted::Keep(Sha256::of(b"key")));
    assert!(matches!(
        cluster.create(&wanted).await,
        Err(WriteError::NotKept(_))
    ));
    let mut forgotten = ours();
    forgotten.forget_all_but(&[]);
    assert!(matches!(
        cluster.update(&wanted, &forgotten).await,
        Err(WriteError::NotKept(_))
    ));
    assert_eq!(sent.all().len(), 0);
}

#[tokio::test]
async fn an_update_forces_every_key_onto_the_very_state_that_was_read() {
    let (cluster, sent) = cluster([(200, ours_json())]);
    let mut wanted = desired();
    wanted
        .data
        .insert("ca-key.pem".to_owned(), Wanted::Keep(Sha256::of(b"key")));
    cluster
        .update(&wanted, &edited("kubectl-edit"))
        .await
        .unwrap();
    let sent = &sent.all()[0];
    assert_eq!(sent.line, apply_line(true));
    assert_eq!(sent.media_type, "application/apply-patch+yaml");
    assert_eq!(sent.body["metadata"]["uid"], "u-1");
    assert_eq!(sent.body["metadata"]["resourceVersion"], "43");
    assert_eq!(
        sent.body["data"],
        json!({"ca-cert.pem": "Y2VydA==", "ca-key.pem": "a2V5"})
    );
    assert_eq!(sent.body["metadata"].get("managedFields"), None);
}

#[tokio::test]
async fn an_update_of_a_state_that_passed_is_stale() {
    let other_uid = json!({"causes": [{"field": "metadata.uid", "message": "field is immutable"}]});
    let absent =
        "uid mismatch: the provided object specified uid u-1, and no existing object was found";
    for passed in [
        modified(),
        status(422, "Invalid", "field is immutable", other_uid),
        status(409, "Conflict", absent, json!({})),
    ] {
        let (cluster, _) = cluster([passed]);
        let Err(WriteError::Failed(error)) = cluster.update(&desired(), &ours()).await else {
            panic!()
        };
        assert!(error.is_stale(), "{error}");
    }
}

#[tokio::test]
async fn an_adoption_first_moves_our_keys_and_then_writes_over_the_moved_state() {
    let mut moved = foreign_json();
    moved["metadata"]["resourceVersion"] = json!("8");
    let (cluster, sent) = cluster([(200, moved), (200, ours_json())]);
    let crl = |json: &mut Value| {
        json["data"]["ca-crl.pem"] = json!("Y3Js");
        json["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]["f:ca-crl.pem"] = json!({});
    };
    cluster
        .adopt(&desired(), &foreign(crl), &BTreeSet::new())
        .await
        .unwrap();
    let all = sent.all();
    assert_eq!(
        all[0].line,
        format!("PATCH {SECRET}?fieldManager=terraform-provider-istiopca")
    );
    assert_eq!(all[0].media_type, "application/json-patch+json");
    let theirs = json!({"f:data": {".": {}, "f:ca-crl.pem": {}}, "f:type": {}});
    let ours = json!({"f:data": {"f:ca-cert.pem": {}, "f:ca-key.pem": {}}});
    assert_eq!(all[0].body[0]["path"], "/metadata/managedFields");
    assert_eq!(all[0].body[0]["value"][0]["fieldsV1"], theirs);
    assert_eq!(all[0].body[0]["value"][1]["fieldsV1"], ours);
    let version = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "7"});
    assert_eq!(all[0].body[1], version);
    assert_eq!(all[1].line, apply_line(true));
    assert_eq!(all[1].body["metadata"]["resourceVersion"], "8");
    assert_eq!(all[1].body["metadata"]["uid"], "u-9");
}

#[tokio::test]
async fn an_adoption_takes_the_keys_to_be_pruned_along() {
    let (cluster, sent) = cluster([(200, foreign_json()), (200, ours_json())]);
    let poisoned = foreign(|json| json["data"]["tls.crt"] = json!("eA=="));
    cluster
        .adopt(
            &desired(),
            &poisoned,
            &BTreeSet::from(["tls.crt".to_owned()]),
        )
        .await
        .unwrap();
    let entries = sent.body(0)[0]["value"].clone();
    let ours = entries.as_array().unwrap().last().unwrap();
    assert_eq!(ours["fieldsV1"]["f:data"]["f:tls.crt"], json!({}));
    assert_eq!(sent.body(1)["data"].get("tls.crt"), None);
}

#[tokio::test]
async fn an_adoption_of_what_is_gone_is_stale() {
    let (cluster, _) = cluster([status(
        404,
        "NotFound",
        "not found",
        json!({"kind": "secrets"}),
    )]);
    let adopted = cluster
        .adopt(&desired(), &foreign(|_| ()), &BTreeSet::new())
        .await;
    let Err(WriteError::Failed(error)) = adopted else {
        panic!()
    };
    assert!(error.is_stale());
}

#[tokio::test]
async fn a_release_keeps_every_key_of_ours() {
    let (cluster, sent) = cluster([(200, ours_json())]);
    cluster.release(&ours()).await.unwrap();
    assert_eq!(sent.lines(), [apply_line(true)]);
    assert_eq!(sent.body(0)["data"], ours_json()["data"]);
    assert_eq!(
        sent.body(0)["metadata"]["annotations"]["istiopca.io/released"],
        "true"
    );
    assert_eq!(sent.body(0)["metadata"]["resourceVersion"], "42");
}

#[tokio::test]
async fn no_error_of_a_write_holds_a_value() {
    let mut answer = edited_json("x");
    answer["data"] = json!({"ca-key.pem": ["aHVudGVyMg=="]});
    let (cluster, _) = cluster([(200, answer)]);
    let mut wanted = desired();
    let key = SecretBytes::from(b"hunter2".to_vec());
    wanted
        .data
        .insert("ca-key.pem".to_owned(), Wanted::Bytes(key));
    let error = cluster.update(&wanted, &ours()).await.unwrap_err();
    let told = format!("{error} {error:?} {wanted:?}");
    assert!(told.contains("could not be read"));
    assert!(
        !told.contains("hunter2") && !told.contains("aHVudGVyMg"),
        "{told}"
    );
}
