//! The core's other commands, which users know from providers made with the Go framework.

use istiopca_acceptance::cli::{Cli, PROVIDER_SOURCE};
use serde_json::json;

use crate::planned::Planned;
use crate::world::World;

const INTERMEDIATE: &str = "istiopca_intermediate.mesh";
const SECRET: &str = "istiopca_cacerts_secret.mesh";

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_told_as_json() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "schema").await;
        world.configure(&world.intermediate_and_secret("", ""));
        let told = world.cli(&["providers", "schema", "-json"]).await;
        let told = told.succeeds().json()["provider_schemas"][PROVIDER_SOURCE].clone();
        assert!(
            told["provider"]["block"]["block_types"]["kubernetes"].is_object(),
            "{told:#}"
        );
        let resource = |name: &str| told["resource_schemas"][name]["block"].clone();
        let intermediate = resource("istiopca_intermediate");
        let attribute = |name: &str| intermediate["attributes"][name].clone();
        assert_eq!(attribute("certificate_authority_arn")["required"], true);
        assert_eq!(attribute("private_key_pem")["sensitive"], true);
        assert_eq!(attribute("private_key_pem")["computed"], true);
        let validity = attribute("validity");
        assert_eq!(
            (&validity["optional"], &validity["computed"]),
            (&json!(true), &json!(true))
        );
        let text = validity["description"].as_str().unwrap_or_default();
        assert!(
            text.starts_with("How long the certificate is valid"),
            "{text}"
        );
        let block = &resource("istiopca_cacerts_secret")["block_types"]["intermediate"];
        assert_eq!(
            (&block["nesting_mode"], &block["max_items"]),
            (&json!("list"), &json!(1))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_judged_without_any_access() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "validate").await;
        let resources = world.intermediate_and_secret("", "");
        world.configure(&resources);
        world.cli(&["validate", "-no-color"]).await.succeeds();
        world.configure(&resources.replace("subject {", "subject {\n    comon_name = \"x\""));
        let told = world.cli(&["validate", "-no-color"]).await;
        told.fails().says("Unsupported argument").says("comon_name");
        world.configure(&world.intermediate_and_secret(r#"validity = "soon""#, ""));
        let told = world.cli(&["validate", "-json"]).await;
        let problem = told.fails().json()["diagnostics"][0].clone();
        let line = problem["snippet"]["code"].as_str().unwrap_or_default();
        assert!(line.contains(r#"validity = "soon""#), "{problem:#}");
        assert_eq!(world.aws.calls().len(), 0, "nobody was asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_plan_is_shown_and_applied() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "saved-plan").await;
        world.configure(&world.intermediate_and_secret("", ""));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run
            .exit_code(2)
            .says("Plan: 2 to add, 0 to change, 0 to destroy.");
        let change = plan.change(INTERMEDIATE);
        assert_eq!(change["actions"], json!(["create"]));
        assert_eq!(change["after"]["issue_reason"], "created");
        assert_eq!(change["after"]["validity"], "90d");
        assert_eq!(change["after_unknown"]["certificate"], true);
        assert_eq!(change["after_sensitive"]["private_key_pem"], true);
        assert_eq!(world.aws.count("IssueCertificate"), 0);
        let applied = Planned::apply(&mut world).await;
        applied.succeeds().says("2 added, 0 changed, 0 destroyed");
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        world.openssl_accepts_the_live_bundle().await;
        Planned::apply(&mut world)
            .await
            .fails()
            .says("plan is stale");
        assert_eq!(world.aws.count("IssueCertificate"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_is_asked_for_leaves_no_gap() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "replace").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        let uid = world.live().await["metadata"]["uid"].clone();

        let replace = format!("-replace={SECRET}");
        let plan = Planned::make(&mut world, &[&replace]).await;
        plan.run.exit_code(2).says("will be replaced, as requested");
        assert_eq!(plan.change(SECRET)["actions"], json!(["delete", "create"]));
        plan.untouched(INTERMEDIATE);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        assert_eq!(
            world.live().await["metadata"]["uid"],
            uid,
            "the Secret never went away"
        );
        world.plan(&[]).await.exit_code(0);

        let replace = format!("-replace={INTERMEDIATE}");
        world
            .apply(&[&replace])
            .await
            .succeeds()
            .says("1 added, 1 changed, 1 destroyed");
        assert_eq!(world.aws.count("IssueCertificate"), 2);
        assert_eq!(world.aws.count("RevokeCertificate"), 0);
        assert_eq!(world.live().await["metadata"]["uid"], uid);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_keep_their_state_under_another_address() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "state-mv").await;
        let resources = world.intermediate_and_secret("", "");
        world.configure(&resources);
        world.apply(&[]).await.succeeds();
        for (from, to) in [
            (INTERMEDIATE, "istiopca_intermediate.moved"),
            (SECRET, "istiopca_cacerts_secret.moved"),
        ] {
            world.cli(&["state", "mv", from, to]).await.succeeds();
        }
        let moved = resources.replace("\"mesh\" {", "\"moved\" {");
        world.configure(&moved.replace("intermediate.mesh.", "intermediate.moved."));
        world.plan(&[]).await.exit_code(0);
        assert_eq!(world.aws.count("IssueCertificate"), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taint_replaces_and_its_removal_forgets_that() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "taint").await;
        world.issue("", "").await.succeeds();
        let uid = world.live().await["metadata"]["uid"].clone();
        world.cli(&["taint", SECRET]).await.succeeds();
        world.plan(&[]).await.exit_code(2).says("is tainted, so");
        world.cli(&["untaint", SECRET]).await.succeeds();
        world.plan(&[]).await.exit_code(0);

        world.cli(&["taint", SECRET]).await.succeeds();
        world
            .apply(&[])
            .await
            .succeeds()
            .says("1 added, 0 changed, 1 destroyed");
        assert_eq!(world.aws.count("IssueCertificate"), 2);
        assert_eq!(
            world.live().await["metadata"]["uid"],
            uid,
            "the Secret never went away"
        );
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_says_what_stays_and_empties_the_state() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "destroy").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        let live = world.live().await["data"].clone();
        let destroyed = world.destroy(&[]).await;
        destroyed
            .succeeds()
            .says("Destroy complete! Resources: 2 destroyed.")
            .says("cacerts");
        let listed = world.cli(&["state", "list"]).await;
        assert_eq!(listed.succeeds().stdout().trim(), "");
        assert!(
            live.is_object() && world.live().await["data"] == live,
            "the mesh keeps its CA"
        );
        assert_eq!(world.aws.count("RevokeCertificate"), 0);
    }
}
