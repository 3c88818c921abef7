//! Restarts that a run still owes: broken off before it, or not to be known while planning.

use std::fs;

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::istiod::RELOADED;
use istiopca_acceptance::istio::node::Istiod;
use istiopca_acceptance::network;

use super::{ANNOUNCED, Mesh, SECRET, triggered};
use crate::istiod::all_shake_hands;
use crate::roots::{another_hierarchy, trusting};

impl Mesh {
    /// How often the template of the Deployment was another one, the first time included.
    async fn templates(&self) -> usize {
        self.node.counts("istiod").await.replica_sets
    }
}

/// What a run leaves that is killed after it has written the Secret: the state of before, and an istiod
/// that nobody has restarted.
#[test]
fn a_run_that_was_killed_before_the_restart_is_finished_by_the_next_one() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "owed-killed").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        mesh.plug_in("", "").await;
        let state = mesh.world.dir.path().join("terraform.tfstate");
        let before = fs::read(&state).unwrap();
        let alone = format!("restart_istiod = \"never\"\n  {}", trusting(&[&next_root]));
        mesh.world.issue(&alone, "").await.succeeds();
        fs::write(&state, before).unwrap();
        assert_eq!(mesh.templates().await, 1);

        let world = &mut mesh.world;
        world.configure(&world.issuing_secret(&trusting(&[&next_root]), ""));
        world.plan(&[]).await.exit_code(2).says(ANNOUNCED);
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
        let expected = (Some("roots".to_owned()), "root".to_owned());
        assert_eq!(mesh.outcome().await, expected);
        assert_eq!(mesh.templates().await, 2);
        let workload = mesh.node.sign_workload("istiod").await;
        assert_eq!(workload.roots, mesh.world.file_text("root-cert.pem").await);
    });
}

#[test]
fn a_restart_that_no_plan_could_announce_waits_for_the_next_plan() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "owed-unannounced").await;
        mesh.plug_in("", &triggered(1)).await;
        // By its image one that takes up no change of its files.
        let image = [
            "set",
            "image",
            "deployment/istiod",
            "discovery=istio/pilot:1.17.8",
        ];
        mesh.world.kubectl(&image).await.succeeds();
        mesh.node.until_rolled_out("istiod").await;
        assert_eq!(mesh.templates().await, 2);

        let world = &mut mesh.world;
        world.configure(&world.issuing_secret("", &triggered(2)));
        world.plan(&[]).await.exit_code(2).never_says(ANNOUNCED);
        let applied = world.apply(&[]).await;
        applied.succeeds().says("istiod is yet to be restarted");
        assert_eq!(mesh.templates().await, 2);
        let world = &mut mesh.world;
        let plan = world.plan(&[]).await;
        plan.exit_code(2).says(ANNOUNCED).says("no_reload");
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.plan(&[]).await.exit_code(0);
        let secret = world.state(SECRET).await;
        assert_eq!(secret["restart_reason"], "no_reload");
        assert_eq!(mesh.templates().await, 3);
        assert!(mesh.chains_to_pca("istiod").await);
    });
}

#[test]
fn other_names_of_the_files_restart_istiod_once_either_way() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "owed-layout").await;
        mesh.plug_in("", &triggered(1)).await;
        let by_tls_files = "Using kubernetes.io/tls secret type for signing ca files";
        let mut before = mesh.node.sign_workload("istiod").await;
        // Back again, the certificate is another one, too.
        for (format, issued, templates) in [("kubernetes_tls", 1, 2), ("istio", 2, 3)] {
            let format = format!("format = {format:?}");
            let world = &mut mesh.world;
            world.configure(&world.issuing_secret(&format, &triggered(issued)));
            world.plan(&[]).await.exit_code(2).says(ANNOUNCED);
            world.apply(&[]).await.succeeds();
            world.ordered(issued);
            world.plan(&[]).await.exit_code(0);
            assert_eq!(world.state(SECRET).await["restart_reason"], "layout");
            assert_eq!(mesh.templates().await, templates);
            assert_eq!(mesh.node.has_said("istiod", by_tls_files), templates == 2);
            assert!(mesh.chains_to_pca("istiod").await);
            let after = mesh.node.sign_workload("istiod").await;
            all_shake_hands(&[&before, &after]).await;
            before = after;
        }
    });
}

/// What a chart mounts that wants the files one by one.
const FILES: [&str; 4] = [
    "ca-cert.pem",
    "ca-key.pem",
    "cert-chain.pem",
    "root-cert.pem",
];

#[test]
fn an_istiod_with_single_files_is_restarted_for_each_renewal_as_planned_once_it_is_known() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "owed-single").await;
        mesh.world.issue("", &triggered(1)).await.succeeds();
        let single = Istiod::default().of_single_files(&FILES);
        mesh.node.deploy(&single).await;

        // No run has seen this istiod yet.
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret("", &triggered(2)));
        world.plan(&[]).await.exit_code(2).never_says(ANNOUNCED);
        let applied = world.apply(&[]).await;
        applied.succeeds().says("istiod is yet to be restarted");
        // Two looks of kubelet's later.
        mesh.node.sign_workload("istiod").await;
        assert!(!mesh.node.has_said("istiod", RELOADED));
        assert_eq!(mesh.templates().await, 1);
        let world = &mut mesh.world;
        world.plan(&[]).await.exit_code(2).says(ANNOUNCED);
        world.apply(&[]).await.succeeds();
        assert_eq!(mesh.templates().await, 2);

        // From now on each renewal is planned with its restart.
        let world = &mut mesh.world;
        world.configure(&world.issuing_secret("", &triggered(3)));
        let planned = world.plan(&[]).await;
        planned
            .exit_code(2)
            .says(ANNOUNCED)
            .says("it has the files by `subPath`");
        let applied = world.apply(&[]).await;
        applied.succeeds().never_says("yet to be restarted");
        world.ordered(3);
        let secret = world.state(SECRET).await;
        assert_eq!(secret["restart_reason"], "sub_path");
        assert_eq!(secret["verified"]["by"], "pods", "{}", secret["verified"]);
        world.plan(&[]).await.exit_code(0);
        assert_eq!(mesh.templates().await, 3);
        assert!(mesh.chains_to_pca("istiod").await);
    });
}
