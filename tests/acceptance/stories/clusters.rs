//! Which cluster it is: one that does not answer, one that is not known yet, one that is another
//! under the same name.

use std::net::TcpListener;
use std::process;

use istiopca_acceptance::apiserver::ApiServer;
use istiopca_acceptance::cli::{Cli, REQUIRED_PROVIDERS};
use istiopca_acceptance::parts;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::world::World;

const MESH: &str = "istiopca_cacerts_secret.mesh";

/// The cluster as it is after it was torn down and built again.
async fn rebuilt() -> &'static ApiServer {
    static REBUILT: OnceCell<ApiServer> = OnceCell::const_new();
    let start = || async {
        let dir = parts::target_dir()
            .join("stories")
            .join(format!("rebuilt-{}", process::id()));
        ApiServer::start(&dir)
            .await
            .expect("a second API server starts")
    };
    REBUILT.get_or_init(start).await
}

/// Points the configuration at the rebuilt cluster, in which the namespace is there again.
async fn move_to_the_rebuilt_cluster(world: &mut World) {
    let cluster = rebuilt().await;
    cluster
        .kubectl(&["create", "namespace", &world.namespace])
        .await
        .succeeds();
    world.user = cluster.restricted(&world.namespace, "cacerts").await;
    world.cluster = cluster;
}

/// The same cluster behind an address at which nobody listens.
fn close_the_port(world: &World) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.expect("there is a free port").port();
    let url = world.cluster.url();
    let kubeconfig = world.cluster.kubeconfig(&world.user);
    let text = std::fs::read_to_string(&kubeconfig).expect("it was written");
    world.dir.write(
        "closed.kubeconfig",
        &text.replace(url, &format!("https://127.0.0.1:{port}")),
    );
    let main = String::from_utf8(world.dir.read("main.tf")).expect("it is text");
    let closed = world.dir.path().join("closed.kubeconfig");
    let main = main.replace(
        &kubeconfig.display().to_string(),
        &closed.display().to_string(),
    );
    world.dir.write("main.tf", &main);
}

/// The same with a cluster whose address is another resource's output.
fn configure_by_an_output(world: &World) {
    let (endpoint, path) = (world.aws.endpoint(), world.dir.path());
    let path = path.display();
    let (url, token, ca) = (
        world.cluster.url(),
        &world.user.token,
        world.cluster.ca_pem(),
    );
    let secret = world.issuing_secret("", "");
    world.dir.write(
        "main.tf",
        &format!(
            r#"{REQUIRED_PROVIDERS}
resource "terraform_data" "cluster" {{
  input = {{ endpoint = "{url}", ca = <<-EOT
{ca}
    EOT
  }}
}}
provider "istiopca" {{
  profile                  = "story"
  shared_config_files      = ["{path}/aws-config"]
  shared_credentials_files = ["{path}/aws-credentials"]
  endpoints {{
    acmpca = "{endpoint}"
  }}
  kubernetes {{
    host                   = terraform_data.cluster.output.endpoint
    cluster_ca_certificate = terraform_data.cluster.output.ca
    token                  = "{token}"
  }}
}}
{secret}
"#
        ),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_keeps_its_secret_in_the_state() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "unreachable").await;
        world.issue("", "").await.succeeds();
        let before = world.state(MESH).await;

        close_the_port(&world);
        let plan = world.plan(&[]).await;
        plan.exit_code(1).says(&format!(
            "Secret {}/cacerts: the cluster cannot be reached",
            world.namespace
        ));
        // In the words that retry rules look for.
        plan.says("provider istiopca: reading Secret")
            .says("dial tcp 127.0.0.1:");
        plan.says("connect: connection refused");
        world.apply(&[]).await.fails().says("connection refused");
        assert_eq!(world.state(MESH).await, before);

        world.configure_with("refresh_failure = \"warn\"", &world.issuing_secret("", ""));
        close_the_port(&world);
        let plan = world.plan(&[]).await;
        plan.exit_code(0)
            .says("the cluster cannot be reached")
            .says("refresh_failure = \"warn\"");

        world.configure(&world.issuing_secret("", ""));
        world.plan(&[]).await.exit_code(0);
        world.ordered(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_only_known_after_apply_is_planned_for() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "unknown").await;
        configure_by_an_output(&world);
        world
            .plan(&[])
            .await
            .exit_code(2)
            .says("2 to add, 0 to change, 0 to destroy");
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
        // The address is unknown again, now with a Secret in the state.
        world
            .plan(&["-replace=terraform_data.cluster"])
            .await
            .exit_code(2)
            .never_says("another cluster");
        world
            .apply(&["-replace=terraform_data.cluster"])
            .await
            .succeeds();
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuilt_cluster_gets_a_secret_of_its_own_and_the_old_one_is_left_alone() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "rebuilt").await;
        world.issue("on_destroy = \"delete\"", "").await.succeeds();
        let (old, before) = (world.cluster, world.live().await);

        move_to_the_rebuilt_cluster(&mut world).await;
        world.configure(&world.issuing_secret("on_destroy = \"delete\"", ""));
        let plan = world.plan(&[]).await;
        plan.exit_code(2).says(&format!(
            "Secret {}/cacerts: this is another cluster",
            world.namespace
        ));
        plan.says("1 to add, 0 to change, 1 to destroy")
            .says("# forces replacement");
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);

        world.cluster = old;
        assert_eq!(world.live().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destroy_while_pointed_elsewhere_forgets_and_touches_nothing() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "elsewhere").await;
        world.issue("on_destroy = \"delete\"", "").await.succeeds();
        let (old, before) = (world.cluster, world.live().await);

        move_to_the_rebuilt_cluster(&mut world).await;
        world
            .somebody_makes("Opaque", &json!({"theirs": "kept"}))
            .await;
        let theirs = world.live().await;
        world.configure(&world.issuing_secret("on_destroy = \"delete\"", ""));
        let destroy = world.destroy(&[]).await;
        destroy.succeeds().says("it was forgotten, not touched");
        assert_eq!(world.live().await, theirs);
        let left = world.cli(&["state", "list"]).await;
        assert_eq!(left.succeeds().stdout().trim(), "");

        world.cluster = old;
        assert_eq!(world.live().await, before);
    }
}
