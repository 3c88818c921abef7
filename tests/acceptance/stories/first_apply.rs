//! A mesh gets its CA.

use istiopca_acceptance::cli::Cli;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_mesh_gets_its_ca_and_the_second_plan_is_empty() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "first-apply").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        world.plan(&[]).await.exit_code(0);
        world.nothing_to_refresh().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_issues_by_itself() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "issuing-secret").await;
        world.issue("", "").await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        assert_eq!(world.aws.count("IssueCertificate"), 1);
        world.plan(&[]).await.exit_code(0);
    }
}
