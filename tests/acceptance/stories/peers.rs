//! Two clusters of one mesh that look at each other's trust: neither takes a step that the other's
//! workloads would not survive. Two namespaces stand for them.

use istiopca_acceptance::apiserver::minimal_rules;
use istiopca_acceptance::aws::{ACCOUNT, CaHandle};
use istiopca_acceptance::cli::Cli;
use jiff::SignedDuration;

use crate::members::Member;
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

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guides/roots.md");

/// A fleet as the guide configures it: its clusters are members by name, account and region.
struct Fleet {
    world: World,
    members: Vec<(&'static str, Member)>,
}

impl Fleet {
    fn new(world: World) -> Self {
        let places = [
            ("a", "222222222222", "eu-west-1"),
            ("b", "222222222222", "us-east-1"),
            ("c", "333333333333", "eu-west-1"),
        ];
        let members = places.map(|(name, account, region)| {
            let home = world.aws.account(account);
            let role = home.role("mesh-ci").trusting(ACCOUNT).create();
            (name, Member::new(&world, account, region, name, &role))
        });
        let fleet = Self {
            world,
            members: members.into(),
        };
        fleet.lay_out();
        fleet
    }

    /// The guide's own configuration, in clusters that have no namespace yet.
    fn lay_out(&self) {
        let guide = std::fs::read_to_string(GUIDE).unwrap();
        let mut blocks = guide.split("```terraform\n").skip(1);
        let fleet = blocks
            .find(|block| block.contains("data \"istiopca_cacerts\" \"fleet\""))
            .and_then(|block| block.split("```").next());
        let role = "eks_assume_role {\n role_name = \"mesh-ci\"\n }";
        self.world.configure_cluster(role, "", fleet.unwrap());
        let secret = "resource \"istiopca_cacerts_secret\" \"mesh\"";
        let here = format!("{secret} {{\n  create_namespace = true\n}}\n");
        self.world.dir.write("here_override.tf", &here);
    }

    /// Each member by who signs there and what is trusted besides.
    fn want(&self, wanted: [(&CaHandle, &[&CaHandle]); 3]) {
        let members = self.members.iter().zip(wanted);
        let written = members.map(|((name, member), (ca, also))| {
            let (eks, arn) = (member.eks.arn(), ca.arn());
            let besides = trusting(also).replace("additional_root_pems", "besides");
            format!("{name} = {{\n arn = {eks:?}\n signs = {arn:?}\n {besides}\n}}\n")
        });
        let clusters: String = written.collect();
        let variables = format!("clusters = {{\n{clusters}}}\n");
        self.world.dir.write("fleet.auto.tfvars", &variables);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_by_for_each_names_the_member_that_is_behind_and_goes_on_when_it_has_followed() {
    for cli in Cli::both() {
        let mut fleet = Fleet::new(World::under_a_clock(cli, "peers-fleet").await);
        let (next_root, next) = another_hierarchy(&fleet.world);
        let (root, ca) = (fleet.world.root.clone(), fleet.world.ca.clone());
        let (old, new): (&[_], &[_]) = (&[&root], &[&next_root]);
        let day = SignedDuration::from_hours(24);
        fleet.want([(&ca, &[]), (&ca, &[]), (&ca, &[])]);
        fleet.world.apply(&[]).await.succeeds();
        fleet.world.apply(&[]).await.succeeds();
        fleet.world.plan(&[]).await.exit_code(0);
        fleet.world.ordered(3);

        // All but one know of the new root.
        fleet.want([(&ca, new), (&ca, new), (&ca, &[])]);
        fleet.world.apply(&[]).await.succeeds();
        fleet.world.aws.clock().advance(day);
        fleet.want([(&next, old), (&ca, new), (&ca, &[])]);
        for run in [fleet.world.plan(&[]).await, fleet.world.apply(&[]).await] {
            run.fails()
                .says("the other clusters are not ready for this step")
                .says("the cluster \"c\" does not trust")
                .never_says("the cluster \"b\"");
        }
        fleet.world.ordered(3);

        // It follows, and a day later the step is made there alone where it is wanted.
        fleet.want([(&ca, new), (&ca, new), (&ca, new)]);
        fleet.world.apply(&[]).await.succeeds();
        fleet.want([(&next, old), (&ca, new), (&ca, new)]);
        let early = fleet.world.plan(&[]).await;
        early
            .fails()
            .says("it is too early for the other clusters")
            .says("workloads of the cluster \"c\"");
        fleet.world.aws.clock().advance(day);
        fleet.world.apply(&[]).await.succeeds();
        fleet.world.ordered(4);
        let address = |name: &str| format!("istiopca_cacerts_secret.mesh[\"{name}\"]");
        for (name, arn) in [("a", next.arn()), ("b", ca.arn()), ("c", ca.arn())] {
            let written = fleet.world.state(&address(name)).await;
            let issued = written["certificate_arn"].as_str().unwrap();
            assert!(issued.starts_with(&arn), "{name}: {issued}");
        }
    }
}
