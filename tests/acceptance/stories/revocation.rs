//! A certificate is revoked when the user asked for that, and never otherwise.

use istiopca_acceptance::aws::Failure;
use istiopca_acceptance::cli::Cli;

use crate::hands::either_way;
use crate::world::World;

const MESH: &str = "istiopca_cacerts_secret.mesh";
const REVOKED: &str = "revoke_on_destroy = true\n    revocation_reason = \"AFFILIATION_CHANGED\"";
const DELETED: &str = "on_destroy = \"delete\"";

/// The reasons for which the CA's certificates are revoked.
fn reasons(world: &World) -> Vec<String> {
    let issued = world.ca.issued().into_iter();
    issued.filter_map(|it| it.revoked).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_revokes_only_where_the_user_wants_it() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "revocation").await;
        let intermediate = |more: &str| {
            let both = world.intermediate_and_secret(more, "");
            let alone = both.split("resource \"istiopca_cacerts_secret\"").next();
            alone.expect("the intermediate comes first").to_owned()
        };
        let wanted =
            intermediate("revoke_on_destroy = true\n  revocation_reason = \"AFFILIATION_CHANGED\"");
        let unwanted = intermediate("");

        world.configure(&unwanted);
        world.apply(&[]).await.succeeds();
        world.destroy(&[]).await.succeeds();
        assert_eq!(world.aws.count("RevokeCertificate"), 0);

        world.configure(&wanted);
        world.apply(&[]).await.succeeds();
        // Superseded, and still in use by workloads: never revoked by itself.
        world.configure(&wanted.replace(
            "revoke_on",
            "path_length = 0\n  validity = \"80d\"\n  revoke_on",
        ));
        world.apply(&[]).await.succeeds();
        world.destroy(&[]).await.succeeds();
        let mut issued = world.ca.issued();
        issued.sort_by_key(|issued| issued.not_after);
        let revoked: Vec<_> = issued.into_iter().map(|issued| issued.revoked).collect();
        // The last one is the shortest, so it ends first.
        let reason = Some("AFFILIATION_CHANGED".to_owned());
        assert_eq!(revoked, [reason, None, None]);

        // Somebody was faster, or AWS has forgotten it: done.
        world.apply(&[]).await.succeeds();
        world.ca.purge();
        world.destroy(&[]).await.succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_whose_place_another_takes_is_not_revoked() {
    for (cli, issuing) in either_way() {
        let mut world = World::with_binary(cli, "revocation-replaced").await;
        let (address, mesh) = if issuing {
            (MESH, world.issuing_secret(DELETED, REVOKED))
        } else {
            let mesh = world.intermediate_and_secret(REVOKED, DELETED);
            ("istiopca_intermediate.mesh", mesh)
        };
        world.configure(&mesh);
        world.apply(&[]).await.succeeds();
        world
            .apply(&[&format!("-replace={address}")])
            .await
            .succeeds();
        world.cli(&["taint", address]).await.succeeds();
        world.apply(&[]).await.succeeds();
        world.ordered(3);
        assert_eq!(reasons(&world), [""; 0]);
        let last = world.state(address).await["serial_number"].clone();
        world.destroy(&[]).await.succeeds();
        assert!(world.live().await.is_null());
        assert_eq!(reasons(&world), ["AFFILIATION_CHANGED"]);
        let issued = world.ca.issued().into_iter();
        let revoked = issued.filter(|it| it.revoked.is_some()).map(|it| it.serial);
        assert_eq!(revoked.collect::<Vec<_>>(), [last.as_str().unwrap()]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_stays_cannot_have_its_certificate_revoked() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "revocation-retained").await;
        for secret in ["", "on_destroy = \"retain\""] {
            world.configure(&world.issuing_secret(secret, REVOKED));
            let refused = world.cli(&["validate", "-no-color"]).await;
            refused
                .fails()
                .says("The Secret would stay with a revoked CA")
                .says("on_destroy = \"delete\"");
        }
        world.configure(&world.issuing_secret(DELETED, REVOKED));
        world.cli(&["validate", "-no-color"]).await.succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_before_its_certificate_is_revoked_and_a_failure_of_that_is_not_forgotten() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "revocation-secret").await;
        world.issue(DELETED, REVOKED).await.succeeds();
        let serial = world.state(MESH).await["serial_number"].clone();
        let serial = serial.as_str().unwrap();
        let denied = Failure::access_denied("not authorized");
        world.aws.break_down("RevokeCertificate", &denied);
        let half = world.destroy(&[]).await;
        half.fails()
            .says("its certificate will be revoked")
            .says("it is deleted, and its certificate could not be revoked")
            .says("acm-pca:RevokeCertificate")
            .says(&format!("The certificate {serial} is still valid"))
            .says("Then destroy again");
        assert!(world.live().await.is_null());
        assert_eq!(reasons(&world), [""; 0]);
        let kept = world.cli(&["state", "list"]).await;
        assert_eq!(kept.succeeds().stdout().trim(), MESH);

        world.aws.repair("RevokeCertificate");
        world.destroy(&[]).await.succeeds();
        assert_eq!(reasons(&world), ["AFFILIATION_CHANGED"]);
        let left = world.cli(&["state", "list"]).await;
        assert_eq!(left.succeeds().stdout().trim(), "");
        world.ordered(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_in_a_secret_that_has_become_somebody_elses_is_not_revoked() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "revocation-left").await;
        world.issue(DELETED, REVOKED).await.succeeds();
        let taken = ["annotate", "secret", "cacerts", "--overwrite"];
        let taken = [&taken[..], &["istiopca.io/owner=theirs"]].concat();
        world.kubectl(&taken).await.succeeds();
        let left = world.destroy(&[]).await;
        left.succeeds()
            .says("it was left alone")
            .says("its certificate was not revoked");
        assert_eq!(reasons(&world), [""; 0]);
    }
}
