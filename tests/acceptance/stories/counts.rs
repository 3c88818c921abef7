//! How often a fleet's stack asks whom: what `cargo measure fleet` shows of hundreds holds for 25.

use std::collections::BTreeMap;

use istiopca_acceptance::aws::ACCOUNT;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::sandbox_cluster::SandboxCluster;
use jiff::Timestamp;

use crate::world::World;

const MANY: usize = 25;

/// Clusters of EKS in an account beside the CA's, each entered by a role.
struct Fleet {
    world: World,
    clusters: Vec<SandboxCluster>,
    arns: Vec<String>,
}

impl Fleet {
    async fn new(cli: Cli, story: &str) -> Self {
        let world = World::with_binary(cli, story).await;
        let account = "222222222222";
        let home = world.aws.account(account);
        let role = home.role("mesh-ci").trusting(ACCOUNT).create();
        let (mut clusters, mut arns) = (Vec::new(), Vec::new());
        for n in 0..MANY {
            let cluster = SandboxCluster::start(Timestamp::now).expect("a cluster starts");
            let eks = world.aws.cluster(&format!("mesh-{n}")).account(account);
            let eks = eks.endpoint(cluster.url(), cluster.ca_pem()).create();
            eks.access_entry(&role, "mesh-ci", &[]);
            cluster.set_authenticator(world.aws.authenticator(&eks));
            world.watch_small(&cluster);
            arns.push(format!("{:?}", eks.arn()));
            clusters.push(cluster);
        }
        Self {
            world,
            clusters,
            arns,
        }
    }

    /// The stack, with this in each Secret beside its place.
    fn configure(&self, more: &str, secret: &str) {
        let role = "eks_assume_role {\n role_name = \"mesh-ci\"\n }";
        let arns = self.arns.join(",\n");
        let resources = format!(
            r#"
locals {{
  clusters = toset([
{arns}
  ])
}}
{more}
resource "istiopca_cacerts_secret" "mesh" {{
  for_each         = local.clusters
  eks_cluster_arn  = each.key
  create_namespace = true
  {secret}
}}
"#
        );
        self.world.configure_cluster(role, "", &resources);
    }

    fn issuing(&self) {
        let wanted = self.wanted();
        self.configure("", &format!("intermediate {{\n{wanted}\n}}"));
    }

    fn beside(&self) {
        let wanted = self.wanted();
        let intermediate = format!(
            "resource \"istiopca_intermediate\" \"mesh\" {{\n for_each = local.clusters\n \
             private_key_storage = \"state\"\n {wanted}\n}}"
        );
        self.configure(
            &intermediate,
            "certificate = istiopca_intermediate.mesh[each.key].certificate\n \
             certificate_chain = istiopca_intermediate.mesh[each.key].certificate_chain\n \
             private_key_pem = istiopca_intermediate.mesh[each.key].private_key_pem",
        );
    }

    fn wanted(&self) -> String {
        format!(
            "certificate_authority_arn = {:?}\n subject {{\n common_name = \"istio-ca.${{basename(each.key)}}\"\n}}",
            self.world.ca.arn()
        )
    }

    /// What was asked since the last time: of AWS in all, and of each cluster.
    fn asked(&self) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
        let calls = self.world.aws.calls();
        let of_aws = counted(calls.into_iter().map(|call| call.operation));
        self.world.aws.forget_calls();
        let each = self.clusters.iter().map(|cluster| {
            let requests = cluster.requests();
            cluster.forget_requests();
            let about = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
            counted(
                requests
                    .iter()
                    .map(|it| format!("{} {}", it.method, about(&it.path))),
            )
        });
        let each: Vec<_> = each.collect();
        assert!(each.iter().all(|asked| *asked == each[0]), "{each:#?}");
        (of_aws, each[0].clone())
    }
}

fn counted(kinds: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    kinds.fold(BTreeMap::new(), |mut counts, kind| {
        *counts.entry(kind).or_default() += 1;
        counts
    })
}

fn table(lines: &[(&str, usize)]) -> BTreeMap<String, usize> {
    lines
        .iter()
        .map(|(kind, count)| ((*kind).to_owned(), *count))
        .collect()
}

/// An apply: each certificate ordered once and looked for twice, since the first look is too early.
fn of_an_apply() -> [BTreeMap<String, usize>; 2] {
    let of_aws = table(&[
        ("AssumeRole", 1),
        ("DescribeCertificateAuthority", 1),
        ("DescribeCluster", MANY),
        ("GetCertificate", 2 * MANY),
        ("GetCertificateAuthorityCertificate", 1),
        ("IssueCertificate", MANY),
    ]);
    // Core plans each resource once more before it is applied, which looks at the Secret.
    let of_a_cluster = table(&[
        ("GET cacerts", 2),
        ("GET deployments", 3),
        ("GET istio-ca-root-cert", 2),
        ("GET istio-system", 1),
        ("PATCH cacerts", 1),
        ("PATCH istio-system", 1),
        ("POST selfsubjectaccessreviews", 6),
    ]);
    [of_aws, of_a_cluster]
}

/// A plan with nothing to do: the CA once, each cluster once, and each Secret once.
fn of_a_plan() -> [BTreeMap<String, usize>; 2] {
    let of_aws = table(&[
        ("AssumeRole", 1),
        ("DescribeCluster", MANY),
        ("GetCertificateAuthorityCertificate", 1),
    ]);
    [of_aws, table(&[("GET cacerts", 1)])]
}

async fn counts(cli: Cli, story: &str, configure: fn(&Fleet)) {
    let mut fleet = Fleet::new(cli, story).await;
    configure(&fleet);
    fleet.world.plan(&["-out=fleet.plan"]).await.exit_code(2);
    fleet.asked();
    let applied = fleet.world.cli(&["apply", "-no-color", "fleet.plan"]).await;
    applied.succeeds();
    let (of_aws, of_a_cluster) = fleet.asked();
    assert_eq!([of_aws, of_a_cluster], of_an_apply());
    fleet.world.plan(&[]).await.exit_code(0);
    let (of_aws, of_a_cluster) = fleet.asked();
    assert_eq!([of_aws, of_a_cluster], of_a_plan());
    fleet.world.nothing_to_refresh().await;
    let (of_aws, of_a_cluster) = fleet.asked();
    assert_eq!([of_aws, of_a_cluster], of_a_plan());
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_issue_by_themselves_ask_no_more_than_they_must() {
    for cli in Cli::both() {
        counts(cli, "counts-issuing", Fleet::issuing).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn intermediates_and_their_secrets_ask_no_more_than_they_must() {
    for cli in Cli::both() {
        counts(cli, "counts-beside", Fleet::beside).await;
    }
}
