//! A certificate is revoked when the user asked for that, and never otherwise.

use istiopca_acceptance::cli::Cli;

use crate::world::World;

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
