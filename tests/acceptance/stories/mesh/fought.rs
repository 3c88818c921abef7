//! Somebody else writes the same Secret: another controller again and again, or istiod itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istiopca_acceptance::apiserver::minimal_rules;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::node::{Istiod, Kubelet};
use istiopca_acceptance::network;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Mesh, SECRET, started, triggered};
use crate::hands::until_allowed;

/// A controller that writes the Secret back to what it once was, until it is stopped.
struct Rival {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Rival {
    /// What it finds in its place is searched for keys, since it is gone before anybody else looks.
    async fn start(mesh: &Mesh) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let found: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let seen = Arc::clone(&found);
        let canary = mesh.world.dir.canary();
        canary.watch(move || Ok(seen.lock().unwrap().clone()));
        let own = mesh.world.live().await["data"].clone();
        let (cluster, namespace) = (mesh.world.cluster, mesh.world.namespace.clone());
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let get = ["get", "secret", "cacerts", "-n", &namespace, "-o", "json"];
            while !stopped.load(Ordering::Relaxed) {
                let live = cluster.kubectl(&get).await.succeeds().json();
                if live["data"] == own {
                    continue;
                }
                found.lock().unwrap().extend(texts(&live));
                let version = &live["metadata"]["resourceVersion"];
                let patch = json!({"metadata": {"resourceVersion": version}, "data": own});
                let patch = patch.to_string();
                let back = ["patch", "secret", "cacerts", "-n", &namespace, "-p", &patch];
                let back = [&back[..], &["--field-manager=rival-controller"]].concat();
                // Whoever came between is looked at first.
                cluster.kubectl(&back).await;
            }
        });
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap();
    }
}

/// Each file of a Secret, with its name.
fn texts(secret: &Value) -> Vec<(String, String)> {
    let files = secret["data"].as_object().into_iter().flatten();
    let text = |content: &Value| {
        let bytes = STANDARD
            .decode(content.as_str().unwrap_or_default())
            .unwrap();
        String::from_utf8(bytes).unwrap()
    };
    files
        .map(|(name, content)| (name.clone(), text(content)))
        .collect()
}

#[test]
fn a_rival_that_writes_the_secret_back_fails_the_update_and_is_named_by_the_next_plan() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "mesh-rival").await;
        let brief = "timeouts {\n    update = \"25s\"\n  }";
        mesh.plug_in(brief, &triggered(1)).await;
        let before = mesh.node.sign_workload("istiod").await;
        // The rival is always faster than kubelet.
        mesh.node.mounts(Kubelet::After(Duration::from_secs(5)));
        let rival = Rival::start(&mesh).await;
        let world = &mut mesh.world;
        let applied = world.issue(brief, &triggered(2)).await;
        applied
            .fails()
            .says("istiod does not use what was written")
            .says("still uses the former CA");
        let planned = world.plan(&[]).await;
        planned.exit_code(2).says("rival-controller");
        let meanwhile = mesh.node.sign_workload("istiod").await;
        assert_eq!(meanwhile.roots, before.roots);

        rival.stop().await;
        mesh.world.apply(&[]).await.succeeds();
        assert!(mesh.chains_to_pca("istiod").await);
        let verified = mesh.world.state(SECRET).await["verified"].clone();
        assert_eq!(verified["by"], "pods", "{verified}");
        assert_eq!(mesh.node.counts("istiod").await, started(1));
        mesh.world.plan(&[]).await.exit_code(0);
    });
}

/// What workloads are given as the mesh's roots.
async fn published(mesh: &Mesh) -> String {
    let namespace = &mesh.world.namespace;
    let get = [
        "get",
        "configmap",
        "istio-ca-root-cert",
        "-n",
        namespace,
        "-o",
        "json",
    ];
    let run = mesh.world.cluster.kubectl(&get).await;
    let map: Value = run.succeeds().json();
    let roots = map["data"]["root-cert.pem"].as_str();
    roots.unwrap_or_default().to_owned()
}

/// An istiod that keeps its own CA in `cacerts`, and looks at it every other second instead of every hour.
fn usurper() -> Istiod {
    Istiod::default()
        .with("USE_CACERTS_FOR_SELF_SIGNED_CA", "true")
        .with("CITADEL_SELF_SIGNED_ROOT_CERT_CHECK_INTERVAL", "2s")
}

impl Mesh {
    /// Lets istiod make `cacerts` for itself; with the settings of a Secret in its place.
    async fn usurped(cli: Cli, story: &str) -> (Self, String) {
        let mesh = Self::new(cli, story).await;
        mesh.node.deploy(&usurper()).await;
        let old = mesh.node.sign_workload("istiod").await;
        assert_eq!(mesh.world.live().await["type"], "istio.io/ca-root");
        let settings = format!(
            "allow_root_replacement = true\n  additional_root_pems = [<<EOT\n{}\nEOT\n]",
            old.roots.trim()
        );
        (mesh, settings)
    }

    fn configured(&mut self, settings: &str, more: &str) {
        let settings = format!("{settings}\n  {more}");
        let world = &mut self.world;
        world.configure(&world.issuing_secret(&settings, ""));
    }
}

#[test]
fn an_istiod_that_keeps_its_own_ca_in_the_secret_is_plugged_in_once_it_is_told_not_to() {
    network::in_its_own(async {
        let (mut mesh, settings) = Mesh::usurped(Cli::OpenTofu, "mesh-own-ca").await;
        for on_existing in ["adopt", "replace"] {
            mesh.configured(&settings, &format!("on_existing = {on_existing:?}"));
            let refused = mesh.world.apply(&[]).await;
            refused.fails().says("istiod would take it for its own");
            assert_eq!(mesh.world.live().await["type"], "istio.io/ca-root");
        }
        assert_eq!(mesh.world.aws.count("IssueCertificate"), 0);

        // As the message has it.
        mesh.node.deploy(&Istiod::default()).await;
        mesh.world.apply(&[]).await.succeeds();
        let written = mesh.world.state(SECRET).await;
        assert_eq!(written["restart_reason"], "first_plug_in");
        assert_eq!(written["verified"]["by"], "pods", "{}", written["verified"]);
        assert!(mesh.chains_to_pca("istiod").await);
        mesh.world.plan(&[]).await.exit_code(0);
    });
}

/// Whoever may not see that istiod is not kept from it, and shows why the others are: left alone, a running istiod
/// takes our intermediate for the mesh's root.
#[test]
fn an_istiod_that_nobody_may_see_publishes_the_intermediate_as_the_root() {
    network::in_its_own(async {
        let alone = "on_existing = \"replace\"\n  restart_istiod = \"never\"\n  verify = \"none\"";
        let (mut mesh, settings) = Mesh::usurped(Cli::Terraform, "mesh-danger").await;
        let (cluster, namespace) = (mesh.world.cluster, mesh.world.namespace.clone());
        let user = cluster.user();
        let rules = &minimal_rules("cacerts")[..2];
        cluster.grant(&user, Some(&namespace), rules).await;
        until_allowed(cluster, &user, "patch", &namespace).await;
        mesh.world.user = user;
        mesh.configured(&settings, alone);
        let applied = mesh.world.apply(&[]).await;
        applied
            .succeeds()
            .says("the istiods beside it could not be seen");
        let intermediate = mesh.world.file_text("ca-cert.pem").await;
        let end = Instant::now() + Duration::from_secs(60);
        while !published(&mesh).await.contains(intermediate.trim()) {
            let (published, node) = (published(&mesh).await, &mesh.node);
            assert!(Instant::now() < end, "{published}\n{node:?}");
        }
    });
}
