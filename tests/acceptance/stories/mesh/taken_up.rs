//! The apply ends when istiod uses what was written, or says what it uses instead; istiod is restarted
//! where that is needed and announced, and nowhere else.

use std::time::Duration;

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::istiod::SELF_SIGNED;
use istiopca_acceptance::istio::node::{Istiod, Kubelet};
use istiopca_acceptance::network;

use super::{ANNOUNCED, Mesh, started, triggered};
use crate::roots::{another_hierarchy, trusting};

#[test]
fn the_first_ca_under_a_self_signed_istiod_is_announced_restarts_it_once_and_is_verified() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "taken-up-first").await;
        mesh.node.deploy(&Istiod::default()).await;
        assert!(mesh.node.has_said("istiod", SELF_SIGNED));
        assert!(!mesh.chains_to_pca("istiod").await);
        let old = mesh.node.sign_workload("istiod").await;
        let settings = format!(
            "allow_root_replacement = true\n  additional_root_pems = [<<EOT\n{}\nEOT\n]",
            old.roots.trim()
        );
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret(&settings, ""));
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says(ANNOUNCED)
            .says("the Deployment `istiod`");
        assert_eq!(mesh.node.counts("istiod").await, started(1));
        let applied = mesh.world.apply(&[]).await;
        applied.succeeds().never_says("istiod must be restarted");
        assert!(mesh.chains_to_pca("istiod").await);
        assert_eq!(mesh.node.counts("istiod").await, started(2));
        let expected = (Some("first_plug_in".to_owned()), "pods".to_owned());
        assert_eq!(mesh.outcome().await, expected);
        mesh.world.plan(&[]).await.exit_code(0);
        mesh.world.nothing_to_refresh().await;
        assert_eq!(mesh.node.counts("istiod").await, started(2));
    });
}

#[test]
fn a_renewal_is_seen_in_each_pod_once_kubelet_has_brought_it_and_restarts_nothing() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "taken-up-renewal").await;
        mesh.world.issue("", &triggered(1)).await.succeeds();
        let (_, by) = mesh.outcome().await;
        assert_eq!(by, "nothing");
        mesh.node.deploy(&Istiod::default()).await;
        mesh.node.mounts(Kubelet::After(Duration::from_secs(4)));
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret("", &triggered(2)));
        let plan = world.plan(&[]).await;
        plan.exit_code(2).never_says(ANNOUNCED);
        world
            .apply(&[])
            .await
            .succeeds()
            .never_says("Warning: Secret ");
        assert!(mesh.chains_to_pca("istiod").await);
        assert_eq!(mesh.outcome().await, (None, "pods".to_owned()));
        assert_eq!(mesh.node.counts("istiod").await, started(1));
        let found = mesh.secret().await["verified"]["found"].clone();
        assert_eq!(found, "1 pod of istiod uses the new CA");
        mesh.world.plan(&[]).await.exit_code(0);
    });
}

#[test]
fn a_kubelet_that_takes_its_time_is_hurried_by_a_touch_of_the_pod() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "taken-up-nudged").await;
        let hurried = "nudge_kubelet = true\n  timeouts {\n update = \"60s\"\n }";
        let may_touch = serde_json::json!({"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "patch"]});
        let mut rules = istiopca_acceptance::apiserver::minimal_rules("cacerts");
        rules.push(may_touch);
        let world = &mut mesh.world;
        let namespace = Some(world.namespace.as_str());
        world.cluster.grant(&world.user, namespace, &rules).await;
        world.issue(hurried, &triggered(1)).await.succeeds();
        mesh.node.deploy(&Istiod::default()).await;
        // Longer than the apply has.
        mesh.node.mounts(Kubelet::After(Duration::from_secs(600)));
        mesh.world.issue(hurried, &triggered(2)).await.succeeds();
        assert_eq!(mesh.outcome().await, (None, "pods".to_owned()));
        assert!(mesh.chains_to_pca("istiod").await);
    });
}

#[test]
fn another_root_restarts_an_istiod_of_one_root_and_not_one_of_several() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "taken-up-root").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        mesh.world.issue("", "").await.succeeds();
        let several = Istiod::default().of_revision("several");
        let several = several.with("ISTIO_MULTIROOT_MESH", "true");
        mesh.node.deploy(&Istiod::default()).await;
        mesh.node.deploy(&several).await;
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret(&trusting(&[&next_root]), ""));
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says(ANNOUNCED)
            .says("the Deployment `istiod`")
            .never_says("istiod-several");
        let applied = world.apply(&[]).await;
        applied.succeeds().never_says("istiod must be restarted");
        assert_eq!(mesh.node.counts("istiod").await, started(2));
        assert_eq!(mesh.node.counts("istiod-several").await, started(1));
        // The certificate is the same, and so are the gauges: the roots tell.
        let expected = (Some("roots".to_owned()), "root".to_owned());
        assert_eq!(mesh.outcome().await, expected);
        for istiod in ["istiod", "istiod-several"] {
            let workload = mesh.node.sign_workload(istiod).await;
            assert_eq!(workload.roots, mesh.world.file_text("root-cert.pem").await);
        }
        mesh.world.plan(&[]).await.exit_code(0);
    });
}

#[test]
fn an_istiod_that_never_takes_it_up_fails_the_update_and_the_next_plan_looks_again() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "taken-up-never").await;
        let brief = "timeouts {\n update = \"20s\"\n }";
        mesh.plug_in(brief, &triggered(1)).await;
        mesh.node.mounts(Kubelet::Never);
        let world = &mut mesh.world;
        let applied = world.issue(brief, &triggered(2)).await;
        applied
            .fails()
            .says("istiod does not use what was written")
            .says("still uses the former CA");
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
        // Nothing is issued again, and nothing is restarted because of it.
        world.plan(&[]).await.exit_code(2).never_says(ANNOUNCED);
        mesh.node.mounts(Kubelet::AtOnce);
        let world = &mut mesh.world;
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.plan(&[]).await.exit_code(0);
        assert_eq!(mesh.outcome().await, (None, "pods".to_owned()));
        assert_eq!(mesh.node.counts("istiod").await, started(1));
    });
}

#[test]
fn a_rollout_that_does_not_end_names_the_pod_and_what_it_waits_for() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "taken-up-stuck").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        let brief = "timeouts {\n update = \"20s\"\n }";
        mesh.plug_in(brief, "").await;
        mesh.node.has_room(false);
        let world = &mut mesh.world;
        let settings = format!("{brief}\n  {}", trusting(&[&next_root]));
        let applied = world.issue(&settings, "").await;
        applied
            .fails()
            .says("the restart of istiod has not ended")
            .says("no node takes it (Unschedulable");
        mesh.node.has_room(true);
        mesh.node.until_rolled_out("istiod").await;
        let world = &mut mesh.world;
        world.apply(&[]).await.succeeds();
        world.plan(&[]).await.exit_code(0);
        world.ordered(1);
        assert_eq!(mesh.node.counts("istiod").await, started(2));
        let (_, by) = mesh.outcome().await;
        assert_eq!(by, "root");
    });
}

#[test]
fn who_restarts_istiod_alone_is_told_when_and_why() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "taken-up-alone").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        let alone = "restart_istiod = \"never\"";
        mesh.plug_in(alone, "").await;
        let world = &mut mesh.world;
        let settings = format!("{alone}\n  {}", trusting(&[&next_root]));
        world.configure(&world.issuing_secret(&settings, ""));
        world.plan(&[]).await.exit_code(2).never_says(ANNOUNCED);
        let applied = world.apply(&[]).await;
        applied.succeeds().says("istiod is to be restarted by you");
        world.plan(&[]).await.exit_code(0);
        assert_eq!(mesh.node.counts("istiod").await, started(1));
        assert_eq!(mesh.outcome().await, (None, "nothing".to_owned()));
    });
}
