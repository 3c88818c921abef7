//! Server-side apply.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::*;

const FMC: &str = "FieldManagerConflict";

#[tokio::test]
async fn a_new_secret_is_201_and_the_same_again_is_200() {
    let sandbox = Sandbox::start().await;
    let wanted = secret(&[("ca-cert.pem", "certificate"), ("ca-key.pem", "key")]);
    assert_eq!(
        sandbox
            .status_of_apply(meant_for("1", None, wanted.clone()))
            .await,
        201
    );
    let made = sandbox.secrets.get("cacerts").await.unwrap();
    assert_eq!(
        data(&made),
        [("ca-cert.pem", "certificate"), ("ca-key.pem", "key")]
    );
    assert_eq!(made.type_.as_deref(), Some("Opaque"));
    assert_eq!(made.metadata.namespace.as_deref(), Some("istio-system"));
    let created = serde_json::to_value(&made.metadata.creation_timestamp).unwrap();
    assert_eq!(created, json!("2026-03-01T12:00:00Z"));
    assert_eq!(made.metadata.generation, None);

    assert_eq!(sandbox.status_of_apply(wanted).await, 200);
    assert_eq!(
        sandbox.secrets.get("cacerts").await.unwrap(),
        made,
        "an apply that changes nothing is no new version"
    );
}

#[tokio::test]
async fn must_not_exist_is_refused_where_something_is() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply("them", secret(&[("ca-cert.pem", "same")]))
        .await
        .unwrap();
    for ours in [&[("ca-cert.pem", "same")], &[("other", "x")]] {
        let refusal = refused(sandbox.apply(US, meant_for("1", None, secret(ours))).await);
        assert_eq!(told(&refusal), stale());
    }
    let refusal = refused(
        sandbox
            .apply(US, meant_for("1", None, secret(&[("ca-cert.pem", "ours")])))
            .await,
    );
    let message = "Apply failed with 1 conflict: conflict with \"them\": .data.ca-cert.pem";
    assert_eq!(
        told(&refusal),
        (409, "Conflict", message, vec![(FMC, ".data.ca-cert.pem")])
    );
}

#[tokio::test]
async fn one_of_many_creators_gets_201() {
    let sandbox = Arc::new(Sandbox::start().await);
    let mut attempts = JoinSet::new();
    for n in 0..6 {
        let (sandbox, value) = (sandbox.clone(), n.to_string());
        let wanted = meant_for("1", None, secret(&[("ca-key.pem", &value)]));
        attempts.spawn(async move { sandbox.status_of_apply(wanted).await });
    }
    let mut codes = attempts.join_all().await;
    codes.sort_unstable();
    assert_eq!(codes, [201, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn same_keys_and_values_without_a_version_make_a_silent_co_owner() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply("them", secret(&[("ca-cert.pem", "same")]))
        .await
        .unwrap();
    let shared = sandbox
        .apply(US, secret(&[("ca-cert.pem", "same")]))
        .await
        .unwrap();
    let mut both = managers(&shared);
    both.sort_unstable();
    assert_eq!(both, [(US, "Apply"), ("them", "Apply")]);

    let refusal = refused(sandbox.apply(US, secret(&[("ca-cert.pem", "next")])).await);
    assert_eq!(told(&refusal).3, [(FMC, ".data.ca-cert.pem")]);
    let left = sandbox.apply(US, secret(&[])).await.unwrap();
    assert_eq!(
        data(&left),
        [("ca-cert.pem", "same")],
        "a co-owned key cannot be pruned"
    );
}

#[tokio::test]
async fn an_edited_key_and_label_are_told_one_by_one_and_force_takes_them_back() {
    let sandbox = Sandbox::start().await;
    let mut wanted = secret(&[("ca-cert.pem", "a"), ("ca-key.pem", "b")]);
    wanted["metadata"]["labels"] = json!({"team": "mesh"});
    sandbox.apply(US, wanted.clone()).await.unwrap();
    let edit = json!({
        "metadata": {"labels": {"team": "x"}},
        "data": {"ca-key.pem": "eA==", "ca-crl.pem": "eQ=="},
    });
    let edited = sandbox.edit(edit).await;
    assert_eq!(
        managers(&edited),
        [(US, "Apply"), ("kubectl-edit", "Update")]
    );

    let refusal = refused(sandbox.apply(US, wanted.clone()).await);
    let message = "Apply failed with 2 conflicts: conflicts with \"kubectl-edit\" using v1:\n\
        - .data.ca-key.pem\n- .metadata.labels.team";
    let causes = vec![(FMC, ".data.ca-key.pem"), (FMC, ".metadata.labels.team")];
    assert_eq!(told(&refusal), (409, "Conflict", message, causes));
    assert_eq!(
        refusal.details.unwrap().causes[0].message,
        "conflict with \"kubectl-edit\" using v1"
    );

    let mended = sandbox.force(wanted).await.unwrap();
    assert_eq!(
        data(&mended),
        [
            ("ca-cert.pem", "a"),
            ("ca-crl.pem", "y"),
            ("ca-key.pem", "b")
        ]
    );
    assert_eq!(mended.metadata.labels.unwrap()["team"], "mesh");
}

#[tokio::test]
async fn an_apply_without_data_empties_the_secret() {
    let sandbox = Sandbox::start().await;
    sandbox
        .apply(US, secret(&[("ca-key.pem", "b")]))
        .await
        .unwrap();
    assert_eq!(data(&sandbox.force(without_data()).await.unwrap()), []);
}

#[tokio::test]
async fn a_stale_version_is_refused_even_by_force_and_after_the_owners_are_judged() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let second = sandbox.apply(US, secret(&[("a", "2")])).await.unwrap();
    assert_ne!(version(&first), version(&second));
    let late = meant_for(version(&first), Some(uid(&first)), secret(&[("a", "3")]));
    assert_eq!(told(&refused(sandbox.force(late.clone()).await)), stale());
    sandbox.edit(json!({"data": {"a": "eA=="}})).await;
    assert_eq!(
        told(&refused(sandbox.apply(US, late).await)).3,
        [(FMC, ".data.a")]
    );
}

#[tokio::test]
async fn the_right_version_and_uid_write() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let wanted = meant_for(version(&first), Some(uid(&first)), secret(&[("a", "2")]));
    let second = sandbox.force(wanted).await.unwrap();
    assert_eq!(
        (data(&second), uid(&second)),
        (vec![("a", "2")], uid(&first))
    );
}

#[tokio::test]
async fn another_uid_is_refused_and_so_is_an_uid_of_nothing() {
    let sandbox = Sandbox::start().await;
    let other = "00000000-0000-4000-8000-000000000000";
    let refusal = refused(
        sandbox
            .force(meant_for("1", Some(other), secret(&[("a", "1")])))
            .await,
    );
    let message = format!(
        "Operation cannot be fulfilled on secrets \"cacerts\": uid mismatch: \
        the provided object specified uid {other}, \
        and no existing object was found"
    );
    assert_eq!(told(&refusal), (409, "Conflict", message.as_str(), vec![]));

    let live = sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let refusal = refused(
        sandbox
            .force(meant_for(
                version(&live),
                Some(other),
                secret(&[("a", "1")]),
            ))
            .await,
    );
    assert_eq!(
        (refusal.code, told(&refusal).3),
        (422, vec![("FieldValueInvalid", "metadata.uid")])
    );
}

#[tokio::test]
async fn a_deleted_secret_is_made_again_by_version_alone() {
    let sandbox = Sandbox::start().await;
    let first = sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    sandbox
        .secrets
        .delete("cacerts", &Default::default())
        .await
        .unwrap();
    let again = sandbox
        .force(meant_for(version(&first), None, secret(&[("a", "1")])))
        .await
        .unwrap();
    assert_ne!(uid(&again), uid(&first));
}

#[tokio::test]
async fn string_data_changes_a_key_without_conflict_and_without_owning_it() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let mut theirs = without_data();
    theirs["stringData"] = json!({"a": "2"});
    let changed = sandbox.apply("them", theirs).await.unwrap();
    assert_eq!(data(&changed), [("a", "2")]);
    let theirs = owned(&changed, "them");
    assert_eq!(theirs, json!({"f:stringData": {"f:a": {}}}));
    assert_eq!(owned(&changed, US), json!({"f:data": {"f:a": {}}}));
}

#[tokio::test]
async fn what_is_applied_empty_is_owned_too() {
    let sandbox = Sandbox::start().await;
    let made = sandbox.apply(US, secret(&[])).await.unwrap();
    assert_eq!(
        (made.data.as_ref(), owned(&made, US)),
        (None, json!({"f:data": {}}))
    );
    let refusal = refused(sandbox.apply("them", secret(&[("a", "1")])).await);
    assert_eq!(told(&refusal).3, [(FMC, ".data")]);
    let ours = sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    assert_eq!(owned(&ours, US), json!({"f:data": {"f:a": {}}}));
}

#[tokio::test]
async fn a_new_secret_has_to_be_named_and_one_that_is_there_has_not() {
    let sandbox = Sandbox::start().await;
    let mut nameless = secret(&[("a", "1")]);
    nameless["metadata"] = json!({});
    let refusal = refused(sandbox.apply(US, nameless.clone()).await);
    let message = "the name of the object (cacerts based on URL) was undeterminable: \
        name must be provided";
    assert_eq!(told(&refusal), (400, "BadRequest", message, vec![]));
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    sandbox.apply(US, nameless).await.unwrap();
}

#[tokio::test]
async fn a_secret_without_an_owner_left_has_no_list_of_them() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let left = sandbox.apply(US, without_data()).await.unwrap();
    assert_eq!(left.metadata.managed_fields, None);
    let then = sandbox.apply("them", without_data()).await.unwrap();
    assert_eq!(owned(&then, "before-first-apply"), json!({"f:type": {}}));
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let sandbox = Sandbox::start().await;
    let params = PatchParams::apply(US).dry_run();
    let shown = sandbox
        .secrets
        .patch("cacerts", &params, &Patch::Apply(secret(&[("a", "1")])))
        .await
        .unwrap();
    assert_eq!(data(&shown), [("a", "1")]);
    assert_eq!(sandbox.secrets.get_opt("cacerts").await.unwrap(), None);
}

#[tokio::test]
async fn a_secret_needs_its_namespace_and_can_follow_it_at_once() {
    let sandbox = Sandbox::start().await;
    let elsewhere: Api<Secret> = Api::namespaced(sandbox.client.clone(), "mesh");
    let apply = async || {
        let params = PatchParams::apply(US);
        elsewhere
            .patch("cacerts", &params, &Patch::Apply(secret(&[("a", "1")])))
            .await
    };
    let refusal = refused(apply().await);
    assert_eq!(
        told(&refusal),
        (404, "NotFound", "namespaces \"mesh\" not found", vec![])
    );
    assert_eq!(refusal.details.unwrap().kind, "namespaces");
    let namespace = sandbox.create_namespace("mesh").await;
    assert_eq!(namespace.status.unwrap().phase.as_deref(), Some("Active"));
    apply().await.unwrap();
}
