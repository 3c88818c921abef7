//! What is not stored.

use super::*;

#[tokio::test]
async fn the_type_never_changes_not_even_by_force() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let mut wanted = secret(&[("a", "1")]);
    wanted["type"] = json!("istio.io/ca-root");
    let message = "Secret \"cacerts\" is invalid: \
        type: Invalid value: \"istio.io/ca-root\": field is immutable";
    let expected = (422, "Invalid", message, vec![("FieldValueInvalid", "type")]);
    assert_eq!(told(&refused(sandbox.force(wanted).await)), expected);
}

#[tokio::test]
async fn another_managers_type_is_a_conflict() {
    let sandbox = Sandbox::start().await;
    let mut theirs = secret(&[("a", "1")]);
    theirs["type"] = json!("istio.io/ca-root");
    sandbox.apply("them", theirs).await.unwrap();
    let mut wanted = meant_for("1", None, secret(&[("b", "1")]));
    wanted["type"] = json!("Opaque");
    assert_eq!(
        told(&refused(sandbox.apply(US, wanted).await)).3,
        [("FieldManagerConflict", ".type")]
    );
}

#[tokio::test]
async fn an_immutable_secret_keeps_its_data_and_takes_labels() {
    let sandbox = Sandbox::start().await;
    let mut wanted = secret(&[("a", "1")]);
    wanted["immutable"] = json!(true);
    sandbox.apply(US, wanted.clone()).await.unwrap();
    wanted["metadata"]["labels"] = json!({"team": "mesh"});
    sandbox.apply(US, wanted.clone()).await.unwrap();
    wanted["data"]["a"] = encoded("2");
    let refusal = refused(sandbox.force(wanted).await);
    let message = "Secret \"cacerts\" is invalid: \
        data: Forbidden: field is immutable when `immutable` is set";
    assert_eq!(
        told(&refusal),
        (
            422,
            "Invalid",
            message,
            vec![("FieldValueForbidden", "data")]
        )
    );
}

#[tokio::test]
async fn a_tls_secret_needs_both_its_keys() {
    let sandbox = Sandbox::start().await;
    let mut wanted = secret(&[("tls.crt", "x"), ("ca.crt", "y")]);
    wanted["type"] = json!("kubernetes.io/tls");
    let refusal = refused(sandbox.apply(US, wanted.clone()).await);
    let message = "Secret \"cacerts\" is invalid: data[tls.key]: Required value";
    assert_eq!(
        told(&refusal),
        (
            422,
            "Invalid",
            message,
            vec![("FieldValueRequired", "data[tls.key]")]
        )
    );
    wanted["data"]["tls.key"] = encoded("not even PEM");
    sandbox.apply(US, wanted).await.unwrap();
}

#[tokio::test]
async fn sizes_are_limited_to_the_byte() {
    let sandbox = Sandbox::start().await;
    let most = "x".repeat(1_048_575);
    sandbox
        .apply(US, secret(&[("a", &most), ("b", "y")]))
        .await
        .unwrap();
    let refusal = refused(
        sandbox
            .apply(US, secret(&[("a", &most), ("b", "yy")]))
            .await,
    );
    let message =
        "Secret \"cacerts\" is invalid: data: Too long: may not be more than 1048576 bytes";
    assert_eq!(
        told(&refusal),
        (422, "Invalid", message, vec![("FieldValueTooLong", "data")])
    );

    let mut wanted = secret(&[]);
    wanted["metadata"]["annotations"] = json!({"note": "x".repeat(262_141)});
    let refusal = refused(sandbox.apply(US, wanted).await);
    assert_eq!(
        told(&refusal).3,
        [("FieldValueTooLong", "metadata.annotations")]
    );
}

#[tokio::test]
async fn flaws_are_told_together_and_no_value_is() {
    let sandbox = Sandbox::start().await;
    let mut wanted = secret(&[("a b", "hidden")]);
    wanted["type"] = json!("kubernetes.io/tls");
    let refusal = refused(sandbox.apply(US, wanted).await);
    assert_eq!(
        told(&refusal).3.len(),
        3,
        "the key's name, and two keys that are missing"
    );
    assert!(!refusal.message.contains("hidden") && !refusal.message.contains("aGlkZGVu"));

    let mut wanted = secret(&[]);
    wanted["data"] = json!({"a": "not*base64"});
    let refusal = refused(sandbox.apply(US, wanted).await);
    assert_eq!(refusal.code, 500);
    assert!(
        refusal.message.contains("illegal base64 data"),
        "{}",
        refusal.message
    );
    assert!(
        !refusal.message.contains("not*base64"),
        "{}",
        refusal.message
    );
}

#[tokio::test]
async fn a_misspelt_field_is_refused_by_name() {
    let sandbox = Sandbox::start().await;
    let mut misspelt = secret(&[]);
    misspelt["dta"] = json!({});
    let refusal = refused(sandbox.apply(US, misspelt).await);
    assert_eq!(refusal.code, 500);
    assert!(
        refusal
            .message
            .contains(".dta: field not declared in schema"),
        "{}",
        refusal.message
    );
}

#[tokio::test]
async fn an_object_for_another_place_is_refused() {
    let sandbox = Sandbox::start().await;
    let mut other_name = secret(&[]);
    other_name["metadata"]["name"] = json!("other");
    let message = "the name of the object (other) does not match the name on the URL (cacerts)";
    assert_eq!(
        refused(sandbox.apply(US, other_name).await).message,
        message
    );
    let mut other_namespace = secret(&[]);
    other_namespace["metadata"]["namespace"] = json!("default");
    assert_eq!(refused(sandbox.apply(US, other_namespace).await).code, 400);
    let mut other_kind = secret(&[]);
    other_kind["kind"] = json!("ConfigMap");
    assert_eq!(refused(sandbox.apply(US, other_kind).await).code, 400);
}
