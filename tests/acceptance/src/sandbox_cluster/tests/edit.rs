//! Every other write: POST, PUT, and the patches that tell a difference.

use super::*;

#[tokio::test]
async fn adoption_moves_ownership_by_a_json_patch_and_then_applies() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(
            "them",
            secret(&[("ca-cert.pem", "old"), ("ca-crl.pem", "theirs")]),
        )
        .await
        .unwrap();
    let live = sandbox.secrets.get("cacerts").await.unwrap();
    let entry = |manager: &str, key: &str| {
        json!({
            "manager": manager, "operation": "Apply", "apiVersion": "v1",
            "time": "2026-03-01T11:00:00Z",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {key: {}}},
        })
    };
    let patch = json!([
        {"op": "replace", "path": "/metadata/managedFields", "value":
            [entry("them", "f:ca-crl.pem"), entry(US, "f:ca-cert.pem")]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version(&live)},
    ]);
    let moved = sandbox.json_patch(patch.clone()).await.unwrap();
    assert_eq!(managers(&moved), [(US, "Apply"), ("them", "Apply")]);
    assert_ne!(version(&moved), version(&live));

    let wanted = meant_for(
        version(&moved),
        Some(uid(&moved)),
        secret(&[("ca-cert.pem", "new")]),
    );
    let adopted = sandbox.apply(US, wanted).await.unwrap();
    assert_eq!(
        data(&adopted),
        [("ca-cert.pem", "new"), ("ca-crl.pem", "theirs")]
    );
    assert_eq!(
        told(&refused(sandbox.json_patch(patch).await)),
        stale(),
        "the version is of before the first patch"
    );
}

#[tokio::test]
async fn managed_fields_inside_an_apply_are_refused() {
    let sandbox = Sandbox::start().await;
    let mut wanted = secret(&[("a", "1")]);
    wanted["metadata"]["managedFields"] = json!([]);
    let refusal = refused(sandbox.apply(US, wanted).await);
    assert_eq!(
        told(&refusal),
        (
            400,
            "BadRequest",
            "metadata.managedFields must be nil",
            vec![]
        )
    );
}

#[tokio::test]
async fn a_merge_patch_by_the_same_name_conflicts_with_the_own_apply() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let params = PatchParams {
        field_manager: Some(US.into()),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(json!({"data": {"a": encoded("2")}}));
    sandbox
        .secrets
        .patch("cacerts", &params, &patch)
        .await
        .unwrap();
    let refusal = refused(sandbox.apply(US, secret(&[("a", "1")])).await);
    let message = format!("Apply failed with 1 conflict: conflict with {US:?} using v1: .data.a");
    assert_eq!(refusal.message, message);
}

#[tokio::test]
async fn wiped_managers_conflict_as_before_first_apply() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let wiped = sandbox
        .edit(json!({"metadata": {"managedFields": [{}]}}))
        .await;
    assert_eq!(managers(&wiped), []);
    let edited = sandbox.edit(json!({"data": {"b": "eA=="}})).await;
    assert_eq!(
        managers(&edited),
        [],
        "nobody is noted until the next apply"
    );
    let refusal = refused(sandbox.apply(US, secret(&[("a", "2")])).await);
    let message =
        "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.a";
    assert_eq!(refusal.message, message);
}

#[tokio::test]
async fn a_post_belongs_to_who_sent_it_and_is_refused_the_second_time() {
    let sandbox = Sandbox::start().await;
    let params = PostParams {
        field_manager: Some(US.into()),
        ..PostParams::default()
    };
    let new: Secret = serde_json::from_value(secret(&[("a", "1")])).unwrap();
    let made = sandbox.secrets.create(&params, &new).await.unwrap();
    let fields = json!({"f:data": {".": {}, "f:a": {}}, "f:type": {}});
    assert_eq!(
        (managers(&made), owned(&made, US)),
        (vec![(US, "Update")], fields)
    );
    let refusal = refused(sandbox.secrets.create(&params, &new).await);
    assert_eq!(
        told(&refusal),
        (
            409,
            "AlreadyExists",
            "secrets \"cacerts\" already exists",
            vec![]
        )
    );
    let refusal = refused(sandbox.apply(US, secret(&[("a", "2")])).await);
    assert_eq!(
        refusal.code, 409,
        "a POST and an apply by one manager conflict"
    );
}

#[tokio::test]
async fn a_put_of_an_old_version_is_stale() {
    let sandbox = Sandbox::start().await;
    let old = sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    sandbox.apply(US, secret(&[("a", "2")])).await.unwrap();
    let refusal = refused(
        sandbox
            .secrets
            .replace("cacerts", &PostParams::default(), &old)
            .await,
    );
    assert_eq!(told(&refusal), stale());
}

#[tokio::test]
async fn a_patch_that_does_not_fit_is_refused() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let nowhere = json!([{"op": "remove", "path": "/data/b"}]);
    let words = "the server rejected our request due to an error in our request";
    let refusal = refused(sandbox.json_patch(nowhere).await);
    assert_eq!(told(&refusal), (422, "Invalid", words, vec![]));
    for odd in [
        json!([{"op": "add", "path": "/metadata/labels", "value": "x"}]),
        json!([{"op": "add", "path": "/data/b", "value": "*"}]),
        json!([{"op": "replace", "path": "", "value": []}]),
    ] {
        let refusal = refused(sandbox.json_patch(odd).await);
        assert_eq!(
            (refusal.code, told(&refusal).3),
            (422, vec![("FieldValueInvalid", "patch")])
        );
    }
}

#[tokio::test]
async fn a_patch_may_replace_a_key_that_is_not_there() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let patch = json!([{"op": "replace", "path": "/data/b", "value": ""}]);
    let patched = sandbox.json_patch(patch).await.unwrap();
    assert_eq!(data(&patched), [("a", "1"), ("b", "")]);
}
