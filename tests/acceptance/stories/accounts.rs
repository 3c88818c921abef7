//! A fleet over accounts and regions in one stack: one provider block, no alias, and what becomes of
//! the others when one cluster is down.

use istiopca_acceptance::aws::ACCOUNT;
use istiopca_acceptance::cli::Cli;

use crate::members::{Member, written};
use crate::world::World;

const ACCOUNTS: [&str; 3] = ["222222222222", "333333333333", "444444444444"];
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const PER_REGION: usize = 5;
const ALL: usize = ACCOUNTS.len() * REGIONS.len() * PER_REGION;

/// A world, and a fleet in three accounts beside the CA's.
struct Fleet {
    world: World,
    members: Vec<Member>,
}

impl Fleet {
    async fn new(cli: Cli, story: &str) -> Self {
        let world = World::with_binary(cli, story).await;
        let members = ACCOUNTS
            .iter()
            .flat_map(|account| {
                let home = world.aws.account(account);
                let role = home.role("mesh-ci").trusting(ACCOUNT).create();
                let regions = REGIONS.iter();
                let places = regions.flat_map(|region| (0..PER_REGION).map(move |n| (*region, n)));
                let members: Vec<Member> = places
                    .map(|(region, n)| {
                        // The same names in every account and region, as fleets have them.
                        Member::new(&world, account, region, &format!("mesh-{n}"), &role)
                    })
                    .collect();
                members
            })
            .collect();
        let fleet = Self { world, members };
        fleet.configure();
        fleet
    }

    fn configure(&self) {
        let arns: Vec<String> = self
            .members
            .iter()
            .map(|member| format!("{:?}", member.eks.arn()))
            .collect();
        let role = "eks_assume_role {\n role_name = \"mesh-ci\"\n }";
        let (ca, arns) = (self.world.ca.arn(), arns.join(",\n"));
        let resources = format!(
            r#"
locals {{
  clusters = [
{arns}
  ]
}}
resource "istiopca_cacerts_secret" "mesh" {{
  for_each         = toset(local.clusters)
  eks_cluster_arn  = each.key
  create_namespace = true
  intermediate {{
    certificate_authority_arn = "{ca}"
    subject {{
      common_name = "istio-ca.${{split(":", each.key)[4]}}.${{split(":", each.key)[3]}}.${{basename(each.key)}}"
    }}
  }}
}}
"#
        );
        self.world.configure_cluster(role, "", &resources);
    }
}

#[tokio::test]
async fn thirty_clusters_in_three_accounts_are_served_by_one_provider() {
    for cli in Cli::both() {
        let mut fleet = Fleet::new(cli, "accounts").await;
        fleet.world.apply(&[]).await.succeeds();
        assert_eq!(written(&fleet.members), ALL);
        fleet.world.ordered(ALL);
        let reviews = |member: &Member| member.authenticator.reviews();
        for member in &fleet.members {
            let wanted = format!("arn:aws:iam::{}:role/mesh-ci", member.eks.account());
            let reviews = reviews(member);
            assert!(!reviews.is_empty());
            for review in reviews {
                assert_eq!(review.outcome.expect("it is let in").canonical_arn, wanted);
            }
        }
        fleet.world.aws.forget_calls();
        fleet.world.plan(&[]).await.exit_code(0);
        let aws = &fleet.world.aws;
        assert_eq!(aws.count("DescribeCertificateAuthority"), 0);
        assert!(aws.count("GetCertificateAuthorityCertificate") <= 1);
        assert_eq!(aws.count("DescribeCluster"), ALL, "once a cluster");
        let assumed = aws.count("AssumeRole");
        assert_eq!(assumed, ACCOUNTS.len() * REGIONS.len(), "once in a place");
    }
}

#[tokio::test]
async fn one_cluster_that_is_down_fails_alone_and_the_next_apply_mends_it() {
    for cli in Cli::both() {
        let mut fleet = Fleet::new(cli, "accounts-down").await;
        let down = 7;
        let name = fleet.members[down].eks.arn();
        let place = format!(
            "in {} ({}, {})",
            fleet.members[down].eks.name(),
            fleet.members[down].eks.account(),
            fleet.members[down].eks.region()
        );
        let downed = fleet.members[down].cluster.take_down().await;
        downed.expect("the port is kept");
        let refused = fleet.world.apply(&[]).await;
        refused
            .fails()
            .says(&place)
            .says("the cluster cannot be reached")
            .says("connection refused");
        assert_eq!(written(&fleet.members), ALL - 1, "the others are served");
        // Nothing was issued for a Secret that could not be written.
        fleet.world.ordered(ALL - 1);
        let back = fleet.members[down].cluster.bring_back().await;
        back.expect("the port is free");
        let planned = fleet.world.plan(&[]).await;
        planned.exit_code(2).says("1 to add").says(&name);
        fleet.world.apply(&[]).await.succeeds();
        assert_eq!(written(&fleet.members), ALL);
        fleet.world.ordered(ALL);
        fleet.world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test]
async fn a_pull_request_can_be_planned_while_a_cluster_is_down() {
    for cli in Cli::both() {
        let mut fleet = Fleet::new(cli, "accounts-pr").await;
        fleet.world.apply(&[]).await.succeeds();
        let downed = fleet.members[3].cluster.take_down().await;
        downed.expect("the port is kept");
        fleet.world.plan(&[]).await.fails();
        let main = String::from_utf8(fleet.world.dir.read("main.tf")).expect("it is text");
        let tolerant = main.replace(
            "provider \"istiopca\" {",
            "provider \"istiopca\" {\n  refresh_failure = \"warn\"",
        );
        fleet.world.dir.write("main.tf", &tolerant);
        let planned = fleet.world.plan(&[]).await;
        planned.exit_code(0).says("the cluster cannot be reached");
    }
}
