//! Where the Secret is, in which form, and by which rights.

use istiopca_acceptance::apiserver::minimal_rules;
use istiopca_acceptance::cli::Cli;
use serde_json::json;

use crate::hands::until_allowed;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_namespace_is_told_before_anything_is_issued_and_created_when_told_to() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "absent").await;
        world.namespace = world.cluster.unused_name("elsewhere");
        world.user = world
            .cluster
            .restricted_before_the_namespace(&world.namespace, "cacerts")
            .await;
        let apply = world.issue("", "").await;
        apply.fails().says(&format!(
            "Secret {}/cacerts: the namespace is absent",
            world.namespace
        ));
        apply.says(&format!("There is no namespace {}", world.namespace));
        apply.says("create_namespace = true");
        world.ordered(0);

        world.configure(
            &world.issuing_secret("create_namespace = true\n on_destroy = \"delete\"", ""),
        );
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
        world.destroy(&[]).await.succeeds();
        assert!(world.live().await.is_null());
        let namespace = world.namespace.clone();
        world
            .cluster
            .kubectl(&["get", "namespace", &namespace])
            .await
            .succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_layout_of_cert_manager_is_written_and_switched_to_in_place() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "layout").await;
        world.issue("", "").await.succeeds();
        let uid = world.uid().await;
        world
            .issue("format = \"kubernetes_tls\"", "")
            .await
            .succeeds();
        assert_eq!(world.files().await, ["ca.crt", "tls.crt", "tls.key"]);
        assert_eq!(world.uid().await, uid);
        let (certificate, key) = (world.file("tls.crt").await, world.file("tls.key").await);
        let root = world.file("ca.crt").await;
        world.openssl_accepts(&certificate, &key, &certificate, &root);
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

/// The rights in the namespace alone: a Role cannot allow a look at the namespace itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_in_the_namespace_suffices() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "role").await;
        world.user = world.cluster.user();
        let (user, namespace) = (world.user.clone(), world.namespace.clone());
        world
            .cluster
            .grant(&user, Some(&namespace), &minimal_rules("cacerts"))
            .await;
        until_allowed(world.cluster, &user, "patch", &namespace).await;
        world.issue("on_destroy = \"delete\"", "").await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
        world.destroy(&[]).await.succeeds();
        assert!(world.live().await.is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_before_anything_is_issued() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "denied").await;
        world.user = world.cluster.user();
        let (user, namespace) = (world.user.clone(), world.namespace.clone());
        let rules = [json!({"apiGroups": [""], "resources": ["secrets"],
                            "resourceNames": ["cacerts"], "verbs": ["get", "create"]})];
        world.cluster.grant(&user, Some(&namespace), &rules).await;
        until_allowed(world.cluster, &user, "create", &namespace).await;
        let apply = world.issue("", "").await;
        apply.fails().says("rights are missing in the cluster");
        apply.says(&format!("- patch secrets {namespace}/cacerts"));
        apply
            .never_says("- get secrets")
            .never_says("- create secrets");
        apply.says("Add them to the Role");
        world.ordered(0);
        assert!(world.live().await.is_null());
    }
}
