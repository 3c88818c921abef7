//! Somebody changes the Secret: the next plan says so by name, and an apply mends it.

use istiopca_acceptance::aws::KeyAlgorithm;
use istiopca_acceptance::cli::Cli;
use serde_json::json;

use crate::hands::another_key;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_secret_is_told_and_written_again() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "deleted").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        world.delete_secret().await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says(&format!("Secret {}/cacerts: it is gone", world.namespace));
        plan.says("Applying this plan writes it again")
            .says("0 to add, 1 to change, 0 to destroy");
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_are_told_by_name_and_mended() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "edited").await;
        world.configure(&world.intermediate_and_secret("", "labels = { tier = \"mesh\" }"));
        world.apply(&[]).await.succeeds();
        let uid = world.uid().await;
        world
            .patch(&json!({"stringData": {"cert-chain.pem": "nothing"}}))
            .await;
        world
            .kubectl(&["label", "secret", "cacerts", "--overwrite", "tier=lost"])
            .await
            .succeeds();
        world
            .kubectl(&["annotate", "secret", "cacerts", "istiopca.io/owner-"])
            .await
            .succeeds();
        let plan = world.plan(&[]).await;
        plan.exit_code(2).says(&format!(
            "Secret {}/cacerts: it was changed outside",
            world.namespace
        ));
        plan.says("cert-chain.pem was changed (by kubectl-patch, last seen");
        plan.says("tier was changed (by kubectl-label, last seen");
        plan.says("istiopca.io/owner is missing");
        plan.says("~ drift")
            .says("0 to add, 1 to change, 0 to destroy");
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        let live = world.live().await;
        assert_eq!(live["metadata"]["labels"]["tier"], "mesh");
        let owner = &live["metadata"]["annotations"]["istiopca.io/owner"];
        assert_eq!(
            *owner,
            world.state("istiopca_cacerts_secret.mesh").await["owner_id"]
        );
        assert_eq!(world.uid().await, uid, "it was mended in place");
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

/// Under two roots, so that their order is somebody's choice: what is live keeps its own.
#[tokio::test(flavor = "multi_thread")]
async fn roots_that_were_edited_or_lost_are_written_again() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "edited-roots").await;
        let next = world.aws.root(KeyAlgorithm::EcPrime256v1).create();
        let (own, next) = (world.root.root_pem(), next.root_pem());
        let further = format!("additional_root_pems = [<<EOT\n{next}\nEOT\n]");
        world.configure(&world.intermediate_and_secret("", &further));
        world.apply(&[]).await.succeeds();
        for edited in [format!("{next}\n{own}\n"), format!("{next}\n")] {
            world
                .patch(&json!({"stringData": {"root-cert.pem": edited}}))
                .await;
            let plan = world.plan(&[]).await;
            plan.exit_code(2).says("root-cert.pem was changed");
            world.apply(&[]).await.succeeds();
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[]).await.exit_code(0);
        }
        world.delete_secret().await;
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
        world.ordered(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_key_is_told_and_the_right_one_is_written_again() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "replaced-key").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        let key = another_key(&world.dir.path());
        world
            .patch(&json!({"stringData": {"ca-key.pem": key}}))
            .await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("ca-key.pem is another key (public key SHA-256");
        plan.says("Applying this plan writes it back")
            .never_says(key.lines().nth(1).expect("PEM"));
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_issues_by_itself_orders_another_certificate_when_its_key_is_lost() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "key-lost").await;
        world.issue("", "").await.succeeds();
        let first = world.state("istiopca_cacerts_secret.mesh").await["certificate_arn"].clone();
        world
            .patch(&json!({"stringData": {"ca-key.pem": another_key(&world.dir.path())}}))
            .await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("ca-key.pem is another key")
            .says("a new certificate is issued");
        plan.says("\"key_lost\"")
            .says("0 to add, 1 to change, 0 to destroy");
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(2);
        let state = world.state("istiopca_cacerts_secret.mesh").await;
        assert_eq!(state["issue_reason"], "key_lost");
        assert_eq!(state["superseded_certificate_arns"], json!([first]));

        world.delete_secret().await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("cacerts: it is gone")
            .says("Its key went with it");
        plan.says("0 to add, 1 to change, 0 to destroy");
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(3);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_restored_from_a_backup_is_told_and_kept() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "restored").await;
        world.issue("", "").await.succeeds();
        let mut backup = world.live().await;
        world.delete_secret().await;
        let metadata = backup["metadata"].as_object_mut().expect("it has metadata");
        metadata.retain(|key, _| {
            ["name", "namespace", "labels", "annotations"].contains(&key.as_str())
        });
        world.dir.write("backup.json", &backup.to_string());
        let file = world.dir.path().join("backup.json");
        world
            .kubectl(&["create", "-f", &file.to_string_lossy()])
            .await
            .succeeds();
        let uid = world.uid().await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says(&format!("the Secret was made anew, its UID is {uid}"));
        world.apply(&[]).await.succeeds();
        let state = world.state("istiopca_cacerts_secret.mesh").await;
        assert_eq!(state["uid"], json!(uid), "it was taken as it is");
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_somebody_else_made_in_its_place_is_told_and_refused() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "made-anew").await;
        world.issue("", "").await.succeeds();
        world.delete_secret().await;
        world
            .somebody_makes("Opaque", &json!({"ca-cert.pem": "theirs"}))
            .await;
        let uid = world.uid().await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says(&format!("the Secret was made anew, its UID is {uid}"));
        plan.says("ca-key.pem holds no usable private key")
            .says("istiopca.io/owner is missing");
        let apply = world.apply(&[]).await;
        apply
            .fails()
            .says("a Secret is there and is not this resource's");
        apply
            .says("It was written by kubectl-create")
            .says("on_existing = \"adopt\"");
        assert_eq!(world.files().await, ["ca-cert.pem"]);
        assert_eq!(world.uid().await, uid);
        world.ordered(1);
        world.issue("on_existing = \"adopt\"", "").await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.uid().await, uid);
        world.ordered(2);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_other_layout_is_told_and_removed_only_when_allowed() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "poisoned").await;
        world.issue("", "").await.succeeds();
        world
            .patch(&json!({"stringData": {"tls.crt": "theirs"}}))
            .await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("tls.crt is there, and with it istiod reads another layout");
        plan.never_says("ca-key.pem").never_says("key_lost");
        let apply = world.apply(&[]).await;
        apply
            .fails()
            .says("the Secret also holds the other layout")
            .says("prune_keys = true");
        assert!(world.files().await.contains(&"tls.crt".to_owned()));
        world.issue("prune_keys = true", "").await.succeeds();
        let files = [
            "ca-cert.pem",
            "ca-key.pem",
            "cert-chain.pem",
            "root-cert.pem",
        ];
        assert_eq!(world.files().await, files);
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}
