//! Beside an istiod that signs with the Secret, another one in the same namespace that does not load
//! it: that one will never show what is written, and nobody waits for it.

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::node::Istiod;
use istiopca_acceptance::network;

use super::{Mesh, SECRET, started, triggered};

#[test]
fn an_istiod_that_does_not_load_the_secret_neither_holds_up_an_update_nor_is_restarted() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "mesh-mixed").await;
        mesh.plug_in("", &triggered(1)).await;
        let mut apart = Istiod::default().of_revision("apart");
        apart.mounts = false;
        mesh.node.deploy(&apart).await;
        assert!(mesh.chains_to_pca("istiod").await);
        let own = "Use self-signed certificate as the CA certificate";
        assert!(mesh.node.has_said("istiod-apart", own));

        let world = &mut mesh.world;
        let always = "restart_istiod = \"always\"";
        world.issue(always, &triggered(2)).await.succeeds();
        let secret = world.state(SECRET).await;
        assert_eq!(secret["verified"]["by"], "pods");
        let found = "1 pod of istiod uses the new CA; \
                     1 other was not asked, as its istiod does not load the Secret";
        assert_eq!(secret["verified"]["found"], found);
        assert_eq!(mesh.node.counts("istiod").await.replica_sets, 2);
        assert_eq!(mesh.node.counts("istiod-apart").await, started(1));
        assert!(mesh.chains_to_pca("istiod").await);
    });
}
