//! A stack per cluster, with Terragrunt over them: before anything is there, from day to day, and in
//! waves behind a canary.

use std::fs;
use std::time::Duration;

use istiopca_acceptance::aws::{ACCOUNT, ClusterStatus};
use istiopca_acceptance::cli::{Cli, Provider, provider_binary};
use istiopca_acceptance::process::Run;
use istiopca_acceptance::sandbox::example;

use crate::members::{Member, written};
use crate::world::{World, days};

/// Accounts, regions and names as the example has them, the canary first.
const PLACES: [(&str, &str, &str); 3] = [
    ("222222222222", "eu-west-1", "mesh-1"),
    ("222222222222", "eu-west-1", "mesh-2"),
    ("333333333333", "us-east-1", "mesh-3"),
];

const LONG: Duration = Duration::from_secs(600);

/// Lays the example out in this world. What others' providers would make is known here: the CA, and
/// clusters under ARNs that are known before. State is beside each unit.
fn lay_out(world: &World) {
    world.dir.copy_tree(&example("terragrunt-fleet")).unwrap();
    let known = |module: &str, name: &str, value: &str| {
        let local = format!("locals {{\n  {name} = {value}\n}}\n");
        world
            .dir
            .write(&format!("modules/{module}/main.tf"), &local);
        let unit = format!("units/{module}.hcl");
        rewrite(world, &unit, |text| without(text, "generate \"provider\""));
    };
    known(
        "root-ca",
        "certificate_authority_arn",
        &format!("{:?}", world.ca.arn()),
    );
    let arns = PLACES.map(|(account, region, name)| {
        format!("    {name} = \"arn:aws:eks:{region}:{account}:cluster/{name}\"\n")
    });
    known(
        "eks",
        "cluster_arn",
        &format!("{{\n{}  }}[var.name]", arns.concat()),
    );
    rewrite(world, "root.hcl", |text| {
        let state = "remote_state {\n  backend = \"local\"\n  generate = {\n    path = \"backend.tf\"\n    \
                     if_exists = \"overwrite_terragrunt\"\n  }\n  config = {\n    \
                     path = \"${get_terragrunt_dir()}/terraform.tfstate\"\n  }\n}\n";
        let text = without(text, "remote_state") + state;
        assert!(text.contains("sleep_interval_sec = 30"));
        text.replace("sleep_interval_sec = 30", "sleep_interval_sec = 1")
    });
    world.override_in("modules/mesh-ca", "");
    for account in PLACES.map(|(account, ..)| account).iter().chain(&[ACCOUNT]) {
        enter(world, account);
    }
}

/// The role that an apply enters there.
fn enter(world: &World, account: &str) -> String {
    let role = world.aws.account(account).role("mesh-ca-apply");
    role.trusting(ACCOUNT).create()
}

fn rewrite(world: &World, file: &str, change: impl Fn(&str) -> String) {
    let path = world.dir.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    world.dir.write(file, &change(&text));
}

/// A file without the block that begins so.
fn without(text: &str, block: &str) -> String {
    let begin = text
        .find(&format!("{block} {{\n"))
        .expect("the block is there");
    let end = begin + text[begin..].find("\n}\n").expect("it ends") + 3;
    format!("{}{}", &text[..begin], &text[end..])
}

/// The clusters come to be.
fn clusters(world: &World) -> Vec<Member> {
    let members = PLACES.map(|(account, region, name)| {
        let role = format!("arn:aws:iam::{account}:role/mesh-ca-apply");
        Member::new(world, account, region, name, &role)
    });
    members.into()
}

/// A run over all units; under a clock one after the other, for they share a provider there.
async fn all(world: &mut World, arguments: &[&str]) -> Run {
    let host = world.attach().await;
    let mut line = vec!["run", "--all"];
    if let Some(host) = &host {
        let provider = Provider::Reattach(host.reattach());
        world.dir.set_provider(provider).unwrap();
        line.extend(["--parallelism", "1"]);
    }
    world.dir.terragrunt(&[&line[..], arguments].concat()).await
}

#[tokio::test]
async fn terragrunt_plans_with_mocks_before_anything_is_there_and_retries_while_a_cluster_is_made()
{
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "terragrunt").await;
        let binary = Provider::Mirror(provider_binary().to_owned());
        world.dir.set_provider(binary).unwrap();
        lay_out(&world);
        let planned = all(&mut world, &["plan"]).await;
        planned.succeeds().says("the cluster is not there yet");
        assert_eq!(
            planned.stdout().matches("1 to add").count(),
            PLACES.len(),
            "{planned}"
        );
        world.ordered(0);

        let members = clusters(&world);
        members[1].eks.set_status(ClusterStatus::Creating);
        let applying = world.dir.spawn_terragrunt(&["run", "--all", "apply"]).await;
        let applying = applying.unwrap();
        applying
            .until_it_says("Encountered retryable error: passing", LONG)
            .await;
        assert!(members[0].has_its_secret(), "the canary comes first");
        members[1].eks.set_status(ClusterStatus::Active);
        applying.wait(LONG).await.succeeds();
        assert_eq!(written(&members), PLACES.len());
        world.ordered(PLACES.len());

        let planned = all(&mut world, &["plan", "--", "-detailed-exitcode"]).await;
        planned.exit_code(0);
    }
}

#[tokio::test]
async fn renewals_go_in_waves_behind_a_canary() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "terragrunt-waves").await;
        let clock = world.aws.clock();
        lay_out(&world);
        let members = clusters(&world);
        all(&mut world, &["apply"]).await.succeeds();
        world.ordered(3);

        // The canary is due, and nobody else for a week and more.
        clock.advance(days(46));
        let planned = all(&mut world, &["plan", "--", "-detailed-exitcode"]).await;
        planned.exit_code(2).says("renewal is due");
        assert_eq!(
            planned.stdout().matches("1 to change").count(),
            1,
            "{planned}"
        );
        all(&mut world, &["--filter", "./canary/**", "apply"])
            .await
            .succeeds();
        world.ordered(4);
        let planned = all(&mut world, &["plan", "--", "-detailed-exitcode"]).await;
        planned.exit_code(0);

        // Everybody else is, and the canary is down: nobody follows it.
        clock.advance(days(16));
        members[0].cluster.take_down().await.unwrap();
        let refused = all(&mut world, &["apply"]).await;
        refused.fails().says("Encountered retryable error: passing");
        world.ordered(4);
        members[0].cluster.bring_back().await.unwrap();
        all(&mut world, &["apply"]).await.succeeds();
        world.ordered(6);
    }
}
