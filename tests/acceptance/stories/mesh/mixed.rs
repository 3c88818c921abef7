//! Beside an istiod that signs with the Secret, another one in the same namespace that does not load
//! it: that one will never show what is written, and nobody waits for it.

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::node::{Counts, Istiod};
use istiopca_acceptance::network;

use super::{Mesh, triggered};

#[test]
fn an_istiod_that_does_not_load_the_secret_neither_holds_up_an_update_nor_is_restarted() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "mesh-mixed").await;
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret("", &triggered(1)));
        world.apply(&[]).await.succeeds();
        let mut apart = Istiod::default().of_revision("apart");
        apart.mounts = false;
        for istiod in [&Istiod::default(), &apart] {
            mesh.node.deploy(istiod).await;
        }
        assert!(mesh.chains_to_pca("istiod").await);
        let own = "Use self-signed certificate as the CA certificate";
        assert!(mesh.node.has_said("istiod-apart", own));

        let world = &mut mesh.world;
        let always = "restart_istiod = \"always\"";
        world.configure(&world.issuing_secret(always, &triggered(2)));
        world.apply(&[]).await.succeeds();
        let secret = world.state("istiopca_cacerts_secret.mesh").await;
        assert_eq!(secret["verified"]["by"], "pods");
        let found = "1 pod of istiod uses the new CA; \
                     1 other was not asked, as its istiod does not load the Secret";
        assert_eq!(secret["verified"]["found"], found);
        assert_eq!(mesh.node.counts("istiod").await.replica_sets, 2);
        let untouched = Counts {
            replica_sets: 1,
            pods: 1,
        };
        assert_eq!(mesh.node.counts("istiod-apart").await, untouched);
        assert!(mesh.chains_to_pca("istiod").await);
    });
}
