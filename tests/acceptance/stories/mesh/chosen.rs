//! What the user has chosen instead: a warning for a failure, a restart each time or never.

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::node::{Istiod, Kubelet};
use istiopca_acceptance::network;

use super::rights::one_warning;
use super::{ANNOUNCED, Mesh, SECRET, started, triggered};
use crate::roots::{another_hierarchy, trusting};

const LATE: &str = "istiod does not use what was written";

#[test]
fn an_istiod_that_is_late_costs_a_warning_where_the_user_says_so_and_is_looked_at_again() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "chosen-warning").await;
        let lenient = "on_verify_failure = \"warn\"\n  timeouts {\n update = \"15s\"\n }";
        mesh.plug_in(lenient, &triggered(1)).await;
        mesh.node.mounts(Kubelet::Never);
        let world = &mut mesh.world;
        let applied = world.issue(lenient, &triggered(2)).await;
        one_warning(&applied, &[LATE, "still uses the former CA"]);
        world.ordered(2);
        let kept = world.state(SECRET).await;
        assert_eq!(kept["intermediate"][0]["renew_triggers"]["incident"], "2");
        assert_eq!(kept["verified"]["by"], "nothing", "{}", kept["verified"]);

        world.plan(&[]).await.exit_code(2).never_says(ANNOUNCED);
        mesh.node.mounts(Kubelet::AtOnce);
        let world = &mut mesh.world;
        world.apply(&[]).await.succeeds().never_says(LATE);
        assert_eq!(world.state(SECRET).await["verified"]["by"], "pods");
        world.plan(&[]).await.exit_code(0);
        world.ordered(2);
        assert!(mesh.chains_to_pca("istiod").await);
        assert_eq!(mesh.node.counts("istiod").await, started(1));
    });
}

impl Mesh {
    async fn both_were_started(&self, times: usize) {
        for istiod in ["istiod", "istiod-canary"] {
            assert_eq!(self.node.counts(istiod).await, started(times), "{istiod}");
        }
    }
}

#[test]
fn whoever_wants_a_restart_each_time_has_one_of_each_revision_for_each_bundle_and_no_other() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "chosen-always").await;
        let both = "the Deployments `istiod`, `istiod-canary`";
        mesh.plug_in("", &triggered(1)).await;
        let canary = Istiod::default().of_revision("canary");
        mesh.node.deploy(&canary).await;

        // The wish alone is no bundle.
        let always = "restart_istiod = \"always\"";
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret(always, &triggered(1)));
        let planned = world.plan(&[]).await;
        planned.exit_code(2).never_says(ANNOUNCED);
        let applied = world.apply(&[]).await;
        applied.succeeds().never_says("restarted");
        world.plan(&[]).await.exit_code(0).never_says(ANNOUNCED);
        mesh.both_were_started(1).await;

        let world = &mut mesh.world;
        world.configure(&world.issuing_secret(always, &triggered(2)));
        let planned = world.plan(&[]).await;
        planned.exit_code(2).says(ANNOUNCED).says(both);
        mesh.both_were_started(1).await;
        mesh.world.apply(&[]).await.succeeds();
        mesh.both_were_started(2).await;
        let written = mesh.world.state(SECRET).await;
        assert_eq!(written["restart_reason"], "always");
        assert_eq!(written["verified"]["by"], "pods", "{}", written["verified"]);
        mesh.world.plan(&[]).await.exit_code(0);
        mesh.world.apply(&[]).await.succeeds();
        mesh.both_were_started(2).await;
        assert!(mesh.chains_to_pca("istiod-canary").await);

        // Whoever never wants one is told of what that leaves undone.
        let (next_root, _) = another_hierarchy(&mesh.world);
        let never = format!("restart_istiod = \"never\"\n  {}", trusting(&[&next_root]));
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret(&never, &triggered(2)));
        world.plan(&[]).await.exit_code(2).never_says(ANNOUNCED);
        let told = [
            "istiod is to be restarted by you",
            both,
            "the trusted roots change",
        ];
        one_warning(&world.apply(&[]).await, &told);
        world.plan(&[]).await.exit_code(0);
        mesh.both_were_started(2).await;
    });
}
