//! A fleet in one stack, by `for_each`.

use istiopca_acceptance::aws::ACCOUNT;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::sandbox::example;

use crate::members::{Member, written};
use crate::world::World;

/// Clusters in two accounts and two regions, under the CA of a third account.
const PLACES: [(&str, &str, &str); 3] = [
    ("222222222222", "eu-west-1", "canary"),
    ("222222222222", "eu-west-1", "mesh"),
    ("333333333333", "us-east-1", "mesh"),
];

/// The example with one stack for a fleet, its roles and its clusters.
struct ForEach {
    world: World,
    members: Vec<Member>,
}

impl ForEach {
    async fn new(cli: Cli, story: &str) -> Self {
        let world = World::with_binary(cli, story).await;
        world.dir.copy(&example("fleet-for-each")).unwrap();
        world.override_in(".", "");
        let members = PLACES.map(|(account, region, name)| {
            let role = world.aws.account(account).role("mesh-ca-apply");
            let role = role.trusting(ACCOUNT).create();
            Member::new(&world, account, region, name, &role)
        });
        let fleet = Self {
            world,
            members: members.into(),
        };
        fleet.set(&["canary", "eu-1", "us-1"]);
        fleet
    }

    /// Writes the variables, with the clusters under these keys.
    fn set(&self, keys: &[&str]) {
        let issuer = self.world.aws.account(ACCOUNT).role("mesh-ca-apply");
        let issuer = issuer.trusting(ACCOUNT).create();
        let clusters: String = keys
            .iter()
            .zip(&self.members)
            .map(|(key, member)| {
                let early = if *key == "canary" {
                    "renew_before = \"40d\""
                } else {
                    ""
                };
                format!(
                    "  {key} = {{\n arn = {:?}\n {early}\n}}\n",
                    member.eks.arn()
                )
            })
            .collect();
        let variables = format!(
            "mesh = \"story\"\nregion = \"eu-west-1\"\ncertificate_authority_arn = {:?}\n\
             certificate_authority_role_arn = {issuer:?}\ncluster_role_name = \"mesh-ca-apply\"\n\
             clusters = {{\n{clusters}}}\n",
            self.world.ca.arn()
        );
        self.world.dir.write("fleet.auto.tfvars", &variables);
    }
}

#[tokio::test]
async fn a_fleet_in_one_stack_is_served_in_every_account_and_a_key_can_be_renamed() {
    for cli in Cli::both() {
        let mut fleet = ForEach::new(cli, "for-each").await;
        fleet.world.plan(&[]).await.exit_code(2).says("3 to add");
        fleet.world.apply(&[]).await.succeeds();
        assert_eq!(written(&fleet.members), PLACES.len());
        fleet.world.plan(&[]).await.exit_code(0);

        let outputs = fleet.world.dir.output_json().await.json();
        let renew_at = |key: &str| {
            outputs["renew_at"]["value"][key]
                .as_str()
                .unwrap()
                .to_owned()
        };
        assert!(renew_at("canary") < renew_at("eu-1"), "{outputs:#}");
        assert_eq!(outputs["next_renewal"]["value"], renew_at("canary"));
        assert_eq!(outputs["roots"]["value"].as_array().unwrap().len(), 1);

        fleet.set(&["canary", "eu-1", "payments-us"]);
        let moved = |from: &str, to: &str| {
            let address = |key: &str| format!("istiopca_cacerts_secret.mesh[{key:?}]");
            format!(
                "moved {{\n from = {}\n to = {}\n}}\n",
                address(from),
                address(to)
            )
        };
        fleet
            .world
            .dir
            .write("moved.tf", &moved("us-1", "payments-us"));
        let planned = fleet.world.plan(&[]).await;
        planned
            .exit_code(2)
            .says("0 to add, 0 to change, 0 to destroy");
        fleet.world.apply(&[]).await.succeeds();
        fleet.world.ordered(PLACES.len());
        fleet.world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test]
async fn a_cluster_leaves_the_stack_before_or_after_it_is_deleted() {
    for cli in Cli::both() {
        let mut fleet = ForEach::new(cli, "for-each-leaving").await;
        fleet.world.apply(&[]).await.succeeds();
        fleet.set(&["canary", "eu-1"]);
        fleet.world.apply(&[]).await.succeeds().says("1 destroyed");
        assert!(
            fleet.members[2].has_its_secret(),
            "it stays where it is needed"
        );
        fleet.members[1].eks.delete();
        let planned = fleet.world.plan(&[]).await;
        planned.exit_code(2).says("its cluster is gone");
        fleet.set(&["canary"]);
        fleet.world.apply(&[]).await.succeeds();
        fleet.world.plan(&[]).await.exit_code(0);
        fleet.world.ordered(PLACES.len());
    }
}
