//! Two clusters of one mesh that look at each other's trust: neither takes a step that the other's
//! workloads would not survive. Two namespaces stand for them.

use istiopca_acceptance::apiserver::minimal_rules;
use istiopca_acceptance::aws::CaHandle;
use istiopca_acceptance::cli::Cli;
use jiff::SignedDuration;

use crate::planned::Planned;
use crate::roots::{another_hierarchy, trusting};
use crate::world::World;

/// A cluster of the mesh: where it is, who signs there, and what it trusts besides.
struct Side<'a> {
    name: &'static str,
    other: &'static str,
    namespace: &'a str,
    ca: &'a CaHandle,
    besides: &'a str,
}

impl Side<'_> {
    fn written(&self) -> String {
        let Self {
            name,
            other,
            namespace,
            ca,
            besides,
        } = self;
        let arn = ca.arn();
        format!(
            r#"
data "istiopca_cacerts" "{name}" {{
  namespace = "{namespace}"
}}
resource "istiopca_cacerts_secret" "{name}" {{
  namespace  = "{namespace}"
  peer_trust = {{ {other} = data.istiopca_cacerts.{other}.trusted_roots }}
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
}

/// The mesh, as its two sides are wanted: who signs there, and what is trusted besides.
fn wanted(world: &World, far: &str, here: (&CaHandle, &str), there: (&CaHandle, &str)) {
    let side = |name, other, namespace, (ca, besides)| {
        let side = Side {
            name,
            other,
            namespace,
            ca,
            besides,
        };
        side.written()
    };
    let here = side("here", "there", &world.namespace, here);
    let there = side("there", "here", far, there);
    world.configure(&(here + &there));
}

/// What changes when a Secret is written.
async fn resource_version(world: &World) -> String {
    let live = world.live().await;
    live["metadata"]["resourceVersion"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cluster_takes_a_step_before_the_other_is_ready_for_it() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "peers").await;
        let far = world.cluster.namespace("peers-far").await;
        world.watch_also(&far);
        world
            .cluster
            .grant(&world.user, None, &minimal_rules("cacerts"))
            .await;
        let (next_root, next) = another_hierarchy(&world);
        let (root, ca) = (world.root.clone(), world.ca.clone());
        let clock = world.aws.clock();
        let day = SignedDuration::from_hours(24);
        let (both, old) = (trusting(&[&next_root]), trusting(&[&root]));
        wanted(&world, &far, (&ca, ""), (&ca, ""));
        world.apply(&[]).await.succeeds();
        world.apply(&[]).await.succeeds();
        world.plan(&[]).await.exit_code(0);
        world.ordered(2);

        // Here alone the new root becomes trusted, and a day later it could sign; but not there.
        wanted(&world, &far, (&ca, &both), (&ca, ""));
        world.apply(&[]).await.succeeds();
        clock.advance(day);
        wanted(&world, &far, (&next, &old), (&ca, ""));
        for run in [world.plan(&[]).await, world.apply(&[]).await] {
            run.fails()
                .says("the other clusters are not ready for this step")
                .says("\"there\" does not trust");
        }
        world.ordered(2);

        // There it is known of now, but not for long enough.
        wanted(&world, &far, (&ca, &both), (&ca, &both));
        world.apply(&[]).await.succeeds();
        wanted(&world, &far, (&next, &old), (&ca, &both));
        let run = world.plan(&[]).await;
        run.fails().says("it is too early for the other clusters");
        clock.advance(day);
        world.apply(&[]).await.succeeds();
        world.ordered(3);

        // The old root stays here for as long as it signs there.
        clock.advance(day);
        wanted(&world, &far, (&next, ""), (&ca, &both));
        let run = world.plan(&[]).await;
        run.fails()
            .says("the cluster \"there\" may still sign under it");
        wanted(&world, &far, (&next, &old), (&next, &old));
        world.apply(&[]).await.succeeds();
        world.ordered(4);
        clock.advance(day);
        wanted(&world, &far, (&next, ""), (&next, ""));
        world.apply(&[]).await.succeeds();
        world.ordered(4);
        world.openssl_accepts_the_live_bundle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_the_other_cluster_alone_writes_nothing() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "peers-quiet").await;
        let far = world.cluster.namespace("peers-quiet-far").await;
        world.watch_also(&far);
        world
            .cluster
            .grant(&world.user, None, &minimal_rules("cacerts"))
            .await;
        let (next_root, _) = another_hierarchy(&world);
        let ca = world.ca.clone();
        wanted(&world, &far, (&ca, ""), (&ca, ""));
        world.apply(&[]).await.succeeds();
        world.apply(&[]).await.succeeds();
        wanted(&world, &far, (&ca, ""), (&ca, &trusting(&[&next_root])));
        world.apply(&[]).await.succeeds();
        let before = resource_version(&world).await;
        let planned = Planned::make(&mut world, &[]).await;
        let change = planned.change("istiopca_cacerts_secret.here");
        assert_eq!(change["actions"], serde_json::json!(["update"]));
        assert_eq!(
            change["after_unknown"],
            serde_json::json!({}),
            "nothing is open"
        );
        world.apply(&[]).await.succeeds();
        assert_eq!(resource_version(&world).await, before);
        world.plan(&[]).await.exit_code(0);
    }
}
