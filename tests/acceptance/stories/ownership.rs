//! Whose the Secret is: nothing is taken from anybody without being told to, and nothing that is
//! the mesh's is lost on the way.

use istiopca_acceptance::cli::Cli;
use serde_json::json;

use crate::hands::self_signed;
use crate::world::World;

const MESH: &str = "istiopca_cacerts_secret.mesh";

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_secret_is_refused_and_adopted_in_place_when_told_to() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "foreign").await;
        world
            .somebody_makes("Opaque", &json!({"theirs": "kept", "ca-cert.pem": "old"}))
            .await;
        let (uid, before) = (world.uid().await, world.live().await);
        let apply = world.issue("", "").await;
        apply.fails().says(&format!(
            "Secret {}/cacerts: a Secret is there",
            world.namespace
        ));
        apply.says("It was written by kubectl-create");
        apply
            .says("on_existing = \"adopt\"")
            .says("on_existing = \"replace\"");
        assert_eq!(world.live().await, before);
        world.ordered(0);

        world.issue("on_existing = \"adopt\"", "").await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.uid().await, uid);
        assert!(world.files().await.contains(&"theirs".to_owned()));
        world.plan(&[]).await.exit_code(0);
    }
}

/// As after the state was lost: what is live is known again, and nothing is issued.
#[tokio::test(flavor = "multi_thread")]
async fn a_live_certificate_of_the_same_ca_is_kept_when_its_secret_is_adopted() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "known-again").await;
        world.issue("", "").await.succeeds();
        let (before, live) = (world.state(MESH).await, world.live().await);
        world.cli(&["state", "rm", MESH]).await.succeeds();
        let apply = world.issue("on_existing = \"adopt\"", "").await;
        apply
            .succeeds()
            .says("the certificate that is live was taken over");
        world.ordered(1);
        assert_eq!(world.live().await["data"], live["data"]);
        let after = world.state(MESH).await;
        for output in [
            "certificate_arn",
            "certificate_sha256",
            "renew_at",
            "signing_algorithm_used",
            "issued_certificate_chain",
        ] {
            assert_eq!(after[output], before[output], "{output}");
        }
        assert_eq!(after["issue_reason"], "adopted");
        world.plan(&[]).await.exit_code(0);

        let again = r#"renew_triggers = { incident = "42" }"#;
        world
            .issue("on_existing = \"adopt\"", again)
            .await
            .succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_secret_is_replaced_when_told_to() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "replaced").await;
        world
            .somebody_makes("Opaque", &json!({"theirs": "gone", "ca-cert.pem": "old"}))
            .await;
        let uid = world.uid().await;
        world.configure(&world.intermediate_and_secret("", "on_existing = \"replace\""));
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        assert_ne!(world.uid().await, uid);
        let files = [
            "ca-cert.pem",
            "ca-key.pem",
            "cert-chain.pem",
            "root-cert.pem",
        ];
        assert_eq!(world.files().await, files);
        world.plan(&[]).await.exit_code(0);
    }
}

/// What istiod leaves with `USE_CACERTS_FOR_SELF_SIGNED_CA=true`. Workloads trust its root, so
/// leaving it is one more thing to be told to, and that is known before anything is issued.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_istiods_own_is_never_adopted_and_replaced_when_told_to() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiods").await;
        let (certificate, key) = self_signed(&world.dir.path());
        let files = json!({"ca-cert.pem": certificate, "ca-key.pem": key, "cert-chain.pem": "",
                           "root-cert.pem": certificate, "istio-generated": ""});
        world.somebody_makes("istio.io/ca-root", &files).await;
        let before = world.live().await;
        let apply = world.issue("on_existing = \"adopt\"", "").await;
        apply
            .fails()
            .says("istiod made the Secret that is there")
            .says("on_existing = \"replace\"");
        let apply = world.issue("on_existing = \"replace\"", "").await;
        apply
            .fails()
            .says("the trusted roots would change at once")
            .says("CN=Example Root CA");
        apply.says("allow_root_replacement = true");
        assert_eq!(world.live().await, before);
        world.ordered(0);

        let allowed = "on_existing = \"replace\"\n  allow_root_replacement = true";
        world.issue(allowed, "").await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.live().await["type"], "Opaque");
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_another_writer_declares_are_taken_only_by_force() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "contested").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        let theirs = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "cacerts", "namespace": world.namespace},
            "data": {"cert-chain.pem": "dGhlaXJz"},
        });
        world.dir.write("theirs.json", &theirs.to_string());
        let file = world.dir.path().join("theirs.json");
        let apply = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--field-manager=pipeline",
            "-f",
        ];
        world
            .kubectl(&[&apply[..], &[&*file.to_string_lossy()]].concat())
            .await
            .succeeds();
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("cert-chain.pem was changed (by pipeline");
        let apply = world.apply(&[]).await;
        apply
            .fails()
            .says("another writer declares fields of this Secret");
        apply
            .says("- pipeline: .data.cert-chain.pem")
            .says("force_conflicts = true");
        assert_eq!(world.live().await["data"]["cert-chain.pem"], "dGhlaXJz");

        world.configure(&world.intermediate_and_secret("", "force_conflicts = true"));
        let apply = world.apply(&[]).await;
        apply
            .succeeds()
            .says("values of other writers were replaced")
            .says("pipeline");
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_that_retains_leaves_the_secret_for_the_next_to_take_over() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "retained").await;
        world.issue("", "").await.succeeds();
        let (uid, before) = (world.uid().await, world.live().await);
        let owner = world.state(MESH).await["owner_id"].clone();
        let destroy = world.destroy(&[]).await;
        destroy.succeeds().says(&format!(
            "Secret {}/cacerts: it stays in the cluster",
            world.namespace
        ));
        let after = world.live().await;
        assert_eq!(after["data"], before["data"]);
        assert_eq!(
            after["metadata"]["annotations"]["istiopca.io/released"],
            "true"
        );

        world.apply(&[]).await.succeeds();
        assert_eq!(world.uid().await, uid);
        world.openssl_accepts_the_live_bundle().await;
        let live = world.live().await;
        assert_eq!(
            live["metadata"]["annotations"]["istiopca.io/released"],
            json!(null)
        );
        assert_ne!(live["metadata"]["annotations"]["istiopca.io/owner"], owner);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_that_deletes_removes_the_secret() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "removed").await;
        world.configure(&world.intermediate_and_secret("", "on_destroy = \"delete\""));
        world.apply(&[]).await.succeeds();
        let destroy = world.destroy(&[]).await;
        destroy.succeeds().says(&format!(
            "Secret {}/cacerts: it will be deleted",
            world.namespace
        ));
        assert!(world.live().await.is_null());
        let left = world.cli(&["state", "list"]).await;
        assert_eq!(left.succeeds().stdout().trim(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_leaves_what_has_become_somebody_elses() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "not-mine").await;
        world.configure(&world.intermediate_and_secret("", "on_destroy = \"delete\""));
        world.apply(&[]).await.succeeds();
        let taken = [
            "annotate",
            "secret",
            "cacerts",
            "--overwrite",
            "istiopca.io/owner=theirs",
        ];
        world.kubectl(&taken).await.succeeds();
        let before = world.live().await;
        let destroy = world.destroy(&[]).await;
        destroy
            .succeeds()
            .says("it was left alone")
            .says("It carries the owner id theirs");
        assert_eq!(world.live().await, before);
    }
}

/// A UID belongs to one object for life: where it stays, the Secret was never absent.
#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_leaves_no_gap() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "replacement").await;
        // Even where a destroy would delete it.
        world.issue("on_destroy = \"delete\"", "").await.succeeds();
        let uid = world.uid().await;
        world
            .apply(&[&format!("-replace={MESH}")])
            .await
            .succeeds()
            .says("1 added, 0 changed, 1 destroyed");
        assert_eq!(world.uid().await, uid);
        world.openssl_accepts_the_live_bundle().await;
        world.cli(&["taint", MESH]).await.succeeds();
        world
            .apply(&[])
            .await
            .succeeds()
            .says("1 added, 0 changed, 1 destroyed");
        assert_eq!(world.uid().await, uid);
        world.openssl_accepts_the_live_bundle().await;
        let live = world.live().await;
        assert_eq!(
            live["metadata"]["annotations"]["istiopca.io/released"],
            json!(null)
        );
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_is_made_before_the_old_one_goes_leaves_no_gap() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "before-destroy").await;
        let first = "on_destroy = \"delete\"\n  lifecycle { create_before_destroy = true }";
        world.configure(&world.intermediate_and_secret("", first));
        world.apply(&[]).await.succeeds();
        let uid = world.uid().await;
        world
            .apply(&[&format!("-replace={MESH}")])
            .await
            .succeeds()
            .says("1 added, 0 changed, 1 destroyed");
        assert_eq!(world.uid().await, uid);
        world.openssl_accepts_the_live_bundle().await;
        let owner = world.state(MESH).await["owner_id"].clone();
        assert_eq!(
            world.live().await["metadata"]["annotations"]["istiopca.io/owner"],
            owner
        );
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}
