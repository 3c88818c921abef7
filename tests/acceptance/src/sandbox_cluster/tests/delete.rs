//! Deleting.

use kube::api::{DeleteParams, Preconditions};

use super::*;

fn only(uid: Option<&str>, version: Option<&str>) -> DeleteParams {
    let preconditions = Preconditions {
        uid: uid.map(str::to_owned),
        resource_version: version.map(str::to_owned),
    };
    DeleteParams {
        preconditions: Some(preconditions),
        ..DeleteParams::default()
    }
}

#[tokio::test]
async fn a_delete_takes_the_object_that_was_meant_and_no_other() {
    let sandbox = Sandbox::start().await;
    let live = sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    for other in [only(Some("other"), None), only(Some(uid(&live)), Some("7"))] {
        let refusal = refused(sandbox.secrets.delete("cacerts", &other).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (409, "Conflict"));
        assert!(
            refusal.message.contains("in the precondition"),
            "{}",
            refusal.message
        );
    }
    let meant = only(Some(uid(&live)), Some(version(&live)));
    let done = sandbox
        .secrets
        .delete("cacerts", &meant)
        .await
        .unwrap()
        .right()
        .unwrap();
    assert_eq!(done.details.unwrap().uid, uid(&live));

    let refusal = refused(sandbox.secrets.delete("cacerts", &meant).await);
    assert_eq!(
        told(&refusal),
        (404, "NotFound", "secrets \"cacerts\" not found", vec![])
    );
    assert_eq!(refusal.details.unwrap().kind, "secrets");
}

#[tokio::test]
async fn a_finalizer_holds_a_deleted_secret_until_it_is_taken_away() {
    let sandbox = Sandbox::start().await;
    let mut wanted = secret(&[("a", "1")]);
    wanted["metadata"]["finalizers"] = json!(["example.com/hold"]);
    sandbox.apply("them", wanted).await.unwrap();
    let doomed = sandbox
        .secrets
        .delete("cacerts", &Default::default())
        .await
        .unwrap()
        .left()
        .unwrap();
    assert!(doomed.metadata.deletion_timestamp.is_some());
    let applied = sandbox.apply(US, secret(&[("b", "2")])).await.unwrap();
    assert!(
        applied.metadata.deletion_timestamp.is_some(),
        "an apply is taken, and doomed"
    );
    sandbox
        .edit(json!({"metadata": {"finalizers": null}}))
        .await;
    assert_eq!(sandbox.secrets.get_opt("cacerts").await.unwrap(), None);
}

#[tokio::test]
async fn a_dry_run_deletes_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    sandbox
        .secrets
        .delete("cacerts", &DeleteParams::default().dry_run())
        .await
        .unwrap();
    assert!(sandbox.secrets.get_opt("cacerts").await.unwrap().is_some());
}
