//! A stack from VPC to mesh: ours in it is run, with stand-ins for what others' modules put out, and
//! theirs is held to what those modules have.

use std::collections::BTreeSet;
use std::fs;

use istiopca_acceptance::aws::ACCOUNT;
use istiopca_acceptance::cli::{Cli, REQUIRED_PROVIDERS};
use istiopca_acceptance::sandbox::example;

use crate::world::World;

/// A module with the outputs of the EKS module, which nobody knows before it is applied.
const STAND_IN: &str = r#"
variable "arn" {}
resource "terraform_data" "cluster" { input = var.arn }
output "cluster_arn" { value = terraform_data.cluster.output }
output "cluster_name" { value = split("/", terraform_data.cluster.output)[1] }
"#;

/// Lays out the example with stand-ins for what needs other providers.
fn lay_out(world: &World, cluster: &str, role: &str) {
    world.dir.copy_tree(&example("eks-blueprints")).unwrap();
    for others in ["vpc.tf", "eks.tf", "iam.tf", "istio.tf"] {
        fs::remove_file(world.dir.path().join(others)).unwrap();
    }
    world.dir.write("versions.tf", REQUIRED_PROVIDERS);
    world.dir.write("eks/main.tf", STAND_IN);
    let (namespace, authority) = (&world.namespace, world.ca.arn());
    let here = format!(
        r#"
module "eks" {{
  source = "./eks"
  arn    = {cluster:?}
}}
resource "terraform_data" "namespace" {{
  input      = {namespace:?}
  depends_on = [module.eks]
}}
locals {{
  mesh_ca_role_arn = {role:?}
  istio_namespace  = terraform_data.namespace.output
}}
"#
    );
    world.dir.write("here.tf", &here);
    let variables = format!("certificate_authority_arn = {authority:?}\n");
    world.dir.write("mesh.auto.tfvars", &variables);
    world.override_in(".", "");
}

/// The actions that the example's policy document allows.
fn allowed() -> Vec<String> {
    let text = fs::read_to_string(example("eks-blueprints").join("iam.tf")).unwrap();
    let quoted = text.split('"').skip(1).step_by(2);
    let actions = quoted.filter(|word| word.starts_with("eks:") || word.starts_with("acm-pca:"));
    let actions = actions.filter(|word| *word != "acm-pca:TemplateArn");
    actions.map(str::to_owned).collect()
}

/// Applies the chart's template, which has nothing to fill in, in this world's namespace.
async fn install_access(world: &World) {
    let chart = example("eks-blueprints").join("charts/mesh-ca-access/templates/access.yaml");
    let text = fs::read_to_string(chart).unwrap();
    assert!(!text.contains("{{"), "kubectl cannot fill it in");
    let text = text.replace("istio-system", &world.namespace);
    let text = text.replace("mesh-ca-apply", &group(world));
    let file = world.dir.place().join("access.yaml");
    fs::write(&file, text).unwrap();
    let apply = ["apply", "-f", &file.display().to_string()];
    world.cluster.kubectl(&apply).await.succeeds();
}

fn group(world: &World) -> String {
    format!("{}-mesh-ca-apply", world.namespace)
}

#[tokio::test]
async fn the_ca_of_a_cluster_that_is_made_in_the_same_run() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "blueprints").await;
        let server = world.cluster;
        let cluster = world.aws.cluster("mesh-1");
        let cluster = cluster.endpoint(server.url(), server.ca_pem()).create();
        let allowed = allowed();
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        assert_eq!(allowed.len(), 5, "{allowed:?}");
        let role = world.aws.account(ACCOUNT).role("mesh-1-mesh-ca");
        let role = role.trusting(ACCOUNT).allowing(&allowed).create();
        cluster.access_entry(&role, "mesh-ca", &[&group(&world)]);
        let admission = server.admit(&world.aws.authenticator(&cluster));
        install_access(&world).await;
        lay_out(&world, &cluster.arn(), &role);
        world.dir.init(&[]).await;

        world.plan(&[]).await.exit_code(2).says("3 to add");
        world.ordered(0);
        world.apply(&[]).await.succeeds();
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
        drop(admission);
    }
}

/// What the modules have, in vpc 6.6 and eks 21.19.
const OUTPUTS: [&str; 6] = [
    "vpc.vpc_id",
    "vpc.private_subnets",
    "eks.cluster_arn",
    "eks.cluster_name",
    "eks.cluster_endpoint",
    "eks.cluster_certificate_authority_data",
];
const INPUTS: [&str; 21] = [
    "source",
    "version",
    // vpc
    "name",
    "cidr",
    "azs",
    "private_subnets",
    "public_subnets",
    "enable_nat_gateway",
    "single_nat_gateway",
    "public_subnet_tags",
    "private_subnet_tags",
    // eks
    "kubernetes_version",
    "vpc_id",
    "subnet_ids",
    "endpoint_public_access",
    "enable_cluster_creator_admin_permissions",
    "access_entries",
    "addons",
    "compute_config",
    "eks_managed_node_groups",
    "node_security_group_additional_rules",
];

#[test]
fn the_modules_of_others_are_called_by_names_that_they_have() {
    let mut outputs = BTreeSet::new();
    for file in [
        "eks-blueprints/vpc.tf",
        "eks-blueprints/eks.tf",
        "eks-blueprints/mesh_ca.tf",
        "eks-blueprints/istio.tf",
        "eks-blueprints/outputs.tf",
        "terragrunt-fleet/modules/eks/main.tf",
    ] {
        let text = fs::read_to_string(example(file)).unwrap();
        for module in ["vpc", "eks"] {
            let begin = format!("module.{module}.");
            let named = text.split(&begin).skip(1).map(|rest| {
                let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
                format!("{module}.{}", &rest[..end.unwrap_or(rest.len())])
            });
            outputs.extend(named);
            let unknown = inputs(&text, module).filter(|input| !INPUTS.contains(input));
            assert_eq!(unknown.collect::<Vec<_>>(), [""; 0], "{file}");
        }
    }
    let unknown = outputs
        .iter()
        .filter(|output| !OUTPUTS.contains(&output.as_str()));
    let unknown: Vec<_> = unknown.collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert_eq!(outputs.len(), OUTPUTS.len(), "{outputs:?}");
}

/// The arguments of the block of a module: formatted, they are two blanks from the edge.
fn inputs<'a>(text: &'a str, module: &str) -> impl Iterator<Item = &'a str> {
    let block = text.split(&format!("module \"{module}\" {{\n")).nth(1);
    let block = block.and_then(|rest| rest.split("\n}").next());
    let lines = block.unwrap_or_default().lines();
    lines.filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        let begins = name.starts_with(|letter: char| letter.is_ascii_lowercase());
        begins.then_some(name)
    })
}
