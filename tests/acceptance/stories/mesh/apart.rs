//! One mesh in two clusters, each with an API server, controllers and a node of its own: they walk
//! from root to root together, and look at each other.

use istiopca_acceptance::apiserver::{ApiServer, User};
use istiopca_acceptance::aws::CaHandle;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::judge::Workload;
use istiopca_acceptance::istio::node::{Istiod, Node};
use istiopca_acceptance::{network, parts};
use tokio::sync::OnceCell;

use super::{Mesh, started};
use crate::istiod::{AT_ONCE, all_shake_hands};
use crate::roots::{another_hierarchy, trusting};

const NOT_READY: &str = "the other clusters are not ready for this step";

/// The second cluster.
struct Far {
    cluster: &'static ApiServer,
    namespace: String,
    user: User,
    node: Node,
}

impl Far {
    async fn start() -> Self {
        static FAR: OnceCell<ApiServer> = OnceCell::const_new();
        let start = || async {
            let dir = format!("stories/far-{}", std::process::id());
            let server = ApiServer::start(&parts::target_dir().join(dir)).await;
            server.expect("a second API server starts")
        };
        let cluster = FAR.get_or_init(start).await;
        let namespace = cluster.namespace("mesh-far").await;
        let user = cluster.restricted(&namespace, "cacerts").await;
        let node = Node::start(cluster, &namespace).await;
        Self {
            cluster,
            namespace,
            user,
            node,
        }
    }
}

/// Who signs in a cluster, and what is trusted there besides.
type Stage<'a> = (&'a CaHandle, &'a [&'a CaHandle]);

/// A cluster as it is wanted, by the provider that reaches it.
fn wanted(names: [&str; 2], provider: &str, namespace: &str, (ca, also): Stage<'_>) -> String {
    let [name, other] = names;
    let (arn, besides) = (ca.arn(), trusting(also));
    format!(
        r#"
data "istiopca_cacerts" "{name}" {{
  {provider}
  namespace       = "{namespace}"
  look_at_istiods = false
}}
resource "istiopca_cacerts_secret" "{name}" {{
  {provider}
  namespace  = "{namespace}"
  peer_trust = {{ {other} = data.istiopca_cacerts.{other}.trusted_roots }}
  {AT_ONCE}
  {besides}
  intermediate {{
    certificate_authority_arn = "{arn}"
    subject {{
      common_name = "istio-ca.{name}"
    }}
  }}
}}
"#
    )
}

struct Apart {
    near: Mesh,
    far: Far,
    /// Those of the step before, of either cluster.
    before: Vec<Workload>,
}

impl Apart {
    async fn new(cli: Cli, story: &str) -> Self {
        let (near, far) = (Mesh::new(cli, story).await, Far::start().await);
        let (cluster, namespace) = (far.cluster, far.namespace.clone());
        near.world.dir.canary().watch(move || {
            let texts = cluster.secret_texts(&namespace);
            texts.map_err(|error| error.to_string())
        });
        Self {
            near,
            far,
            before: Vec::new(),
        }
    }

    fn want(&self, near: Stage<'_>, far: Stage<'_>) {
        let world = &self.near.world;
        let (sign_in, kubeconfig) = (
            world.sign_in_here(),
            self.far.cluster.kubeconfig(&self.far.user),
        );
        let kubeconfig = kubeconfig.display();
        let second = format!(
            "provider \"istiopca\" {{\n  alias = \"far\"\n  {sign_in}\n  kubernetes {{\n    \
             config_path    = \"{kubeconfig}\"\n    config_context = \"tests\"\n  }}\n}}\n"
        );
        let near = wanted(["near", "far"], "", &world.namespace, near);
        let by_second = "provider = istiopca.far";
        let far = wanted(["far", "near"], by_second, &self.far.namespace, far);
        world.configure(&format!("{second}{near}{far}"));
    }

    /// Applies what is wanted. Newcomers of both clusters, and those of the step before, call each
    /// other; each istiod was started so many times by now.
    async fn step(&mut self, times: [usize; 2]) {
        self.near.world.apply(&[]).await.succeeds();
        self.settled(times).await;
    }

    async fn settled(&mut self, times: [usize; 2]) {
        let nodes = [&self.near.node, &self.far.node];
        let mut now = Vec::new();
        for (node, times) in nodes.into_iter().zip(times) {
            assert_eq!(node.counts("istiod").await, started(times));
            now.push(node.sign_workload("istiod").await);
        }
        let all: Vec<&Workload> = self.before.iter().chain(&now).collect();
        all_shake_hands(&all).await;
        self.before = now;
    }

    /// What is wanted now is refused because of the other cluster, before anything is issued.
    async fn refused(&mut self, ordered: usize, words: &[&str]) {
        let planned = self.near.world.plan(&[]).await;
        words
            .iter()
            .for_each(|words| _ = planned.fails().says(words));
        self.near.world.apply(&[]).await.fails();
        self.near.world.ordered(ordered);
    }
}

#[test]
fn two_clusters_walk_from_root_to_root_together_and_neither_goes_ahead_of_the_other() {
    network::in_its_own(async {
        let mut mesh = Apart::new(Cli::Terraform, "mesh-near").await;
        let (next_root, next) = another_hierarchy(&mesh.near.world);
        let (root, first) = (mesh.near.world.root.clone(), mesh.near.world.ca.clone());
        let (old, new): (&[_], &[_]) = (&[&root], &[&next_root]);
        mesh.want((&first, &[]), (&first, &[]));
        mesh.near.world.apply(&[]).await.succeeds();
        mesh.near.node.deploy(&Istiod::default()).await;
        mesh.far.node.deploy(&Istiod::default()).await;
        mesh.settled([1, 1]).await;

        // The new root is trusted in one of them, and then in both.
        mesh.want((&first, new), (&first, &[]));
        mesh.step([2, 1]).await;
        mesh.want((&next, old), (&first, &[]));
        let far_is_behind = [NOT_READY, "\"far\" does not trust"];
        mesh.refused(2, &far_is_behind).await;
        mesh.want((&first, new), (&first, new));
        mesh.step([2, 2]).await;

        // One of them signs under it, and then both.
        mesh.want((&next, old), (&first, new));
        mesh.step([2, 2]).await;
        mesh.want((&next, &[]), (&first, new));
        let far_stays = [NOT_READY, "the cluster \"far\" may still sign under it"];
        mesh.refused(3, &far_stays).await;
        mesh.want((&next, old), (&next, old));
        mesh.step([2, 2]).await;

        // Both leave the old one in the same run.
        mesh.want((&next, &[]), (&next, &[]));
        mesh.step([3, 3]).await;
        mesh.near.world.ordered(4);
        for workload in &mesh.before {
            assert!(mesh.near.is_under(workload, &next_root));
            assert!(!mesh.near.is_under(workload, &root));
        }
    });
}
