//! An istiod that publishes its roots under another name than the usual one, as control planes beside
//! each other do.

use istiopca_acceptance::apiserver::minimal_rules;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::node::Istiod;
use istiopca_acceptance::network;
use serde_json::json;

use super::{Mesh, SECRET, triggered};
use crate::roots::{another_hierarchy, trusting};

const NAME: &str = "mesh-roots";

impl Mesh {
    /// The rights of the guide, with that ConfigMap in the place of the usual one, once the server acts on them.
    async fn may_read(&self, name: &str) {
        let world = &self.world;
        let namespace = world.namespace.as_str();
        let mut rules = minimal_rules("cacerts");
        rules[1]["resourceNames"] = json!([name]);
        world
            .cluster
            .grant(&world.user, Some(namespace), &rules)
            .await;
        let object = format!("configmaps/{name}");
        let question = ["auth", "can-i", "get", &object, "-n", namespace];
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        loop {
            let answer = world.cluster.kubectl_as(&world.user, &question).await;
            if answer.stdout().trim() == "yes" {
                return;
            }
            assert!(std::time::Instant::now() < end, "{answer}");
        }
    }
}

#[test]
fn the_roots_are_looked_up_where_istiod_is_told_to_publish_them() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "mesh-named").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        let by_root = "verify = \"root\"";
        mesh.world.issue(by_root, "").await.succeeds();
        let istiod = Istiod::default().with("PILOT_CA_CERT_CONFIGMAP", NAME);
        mesh.node.deploy(&istiod).await;
        mesh.may_read(NAME).await;

        let settings = format!("{by_root}\n  {}", trusting(&[&next_root]));
        let world = &mut mesh.world;
        world
            .issue(&settings, "")
            .await
            .succeeds()
            .never_says("could not be");
        let secret = world.state(SECRET).await;
        assert_eq!(secret["restart_reason"], "roots");
        let verified = &secret["verified"];
        let found = "istiod hands on the trusted roots";
        assert_eq!(
            (&verified["by"], &verified["found"]),
            (&json!("root"), &json!(found))
        );
        assert_eq!(
            mesh.published(NAME).await,
            mesh.world.file_text("root-cert.pem").await
        );
        assert_eq!(mesh.published("istio-ca-root-cert").await, "");

        // What was noted of the name serves an apply that has several roots to ask about.
        let world = &mut mesh.world;
        world
            .issue(&settings, &triggered(1))
            .await
            .succeeds()
            .never_says("could not be");
        world.ordered(2);
        world.plan(&[]).await.exit_code(0);
    });
}

impl Mesh {
    /// The roots in that ConfigMap; empty where there is none.
    async fn published(&self, name: &str) -> String {
        let namespace = self.world.namespace.as_str();
        let ignore = "--ignore-not-found";
        let path = "jsonpath={.data.root-cert\\.pem}";
        let get = [
            "get",
            "configmap",
            name,
            "-n",
            namespace,
            ignore,
            "-o",
            path,
        ];
        let cluster = self.world.cluster;
        cluster.kubectl(&get).await.succeeds().stdout().to_owned()
    }
}
