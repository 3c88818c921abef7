//! Two things go wrong at once.

use istiopca_acceptance::cli::Cli;

use crate::hands::either_way;
use crate::world::{World, days};

/// The Secret stays in the state, which knows what the mesh trusted by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_secret_is_put_back_from_an_intermediate_while_istiod_signs_by_itself() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "lost-beside").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        let certificate = std::fs::read(world.file("ca-cert.pem").await).unwrap();
        world.delete_secret().await;
        world.istiod_signs_by_itself().await;
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("cacerts: it is gone")
            .never_says("the mesh has other roots");
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
        let put_back = std::fs::read(world.file("ca-cert.pem").await).unwrap();
        assert!(put_back == certificate, "it is the very certificate");
        world.plan(&[]).await.exit_code(0);
    }
}

/// The Secret is lost, istiod has made a root, and the certificate has expired meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_and_has_expired_is_healed_by_one_apply() {
    for (cli, issuing) in either_way() {
        let mut world = World::under_a_clock(cli, "lost-expired").await;
        world.configure_for_nine_days(issuing);
        world.apply(&[]).await.succeeds();
        world.delete_secret().await;
        world.istiod_signs_by_itself().await;
        world.aws.clock().advance(days(30));
        world.plan(&[]).await.exit_code(2).says("it is gone");
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}
