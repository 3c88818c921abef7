//! Pipelines with two roles: one that plans, one that applies, with the policies and the RBAC of the
//! example and nothing more.

use std::fs;
use std::time::{Duration, Instant};

use istiopca_acceptance::apiserver::Admission;
use istiopca_acceptance::aws::{ACCOUNT, ClusterHandle, Credentials};
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::process::Run;
use istiopca_acceptance::sandbox::{example, examples};
use serde_json::Value;

use crate::interruption::SOON;
use crate::scripts::script;
use crate::world::World;

/// Where the pipeline is.
const RUNNERS: &str = "444455556666";
/// Where the cluster is; the CA is in [`ACCOUNT`].
const MESHES: &str = "222222222222";
/// Due within seconds of being issued, and still shorter than the validity.
const AT_ONCE: &str = "2159h59m59s";

/// The stack of the fleet with one cluster, which is a real API server.
struct Ci {
    world: World,
    cluster: ClusterHandle,
    _admission: Admission,
}

impl Ci {
    async fn new(cli: Cli, story: &str) -> Self {
        let world = World::with_binary(cli, story).await;
        world.dir.copy(&example("fleet-for-each")).unwrap();
        let namespace = &world.namespace;
        let here = format!(
            "resource \"istiopca_cacerts_secret\" \"mesh\" {{\n  namespace = {namespace:?}\n}}\n"
        );
        world.override_in(".", &here);
        let server = world.cluster;
        let cluster = world.aws.cluster("mesh").account(MESHES);
        let cluster = cluster.endpoint(server.url(), server.ca_pem()).create();
        let admission = server.admit(&world.aws.authenticator(&cluster));
        let ci = Self {
            world,
            cluster,
            _admission: admission,
        };
        for role in ["plan", "apply"] {
            ci.give(
                role,
                &policy(&format!("authority-{role}")),
                &policy("cluster"),
            );
            ci.put_into_its_group(role).await;
        }
        ci.set("story", "30d");
        ci
    }

    /// The role in the CA's account and the one in the cluster's, with what they may do.
    fn give(&self, role: &str, authority: &[String], cluster: &[String]) -> [String; 2] {
        [(ACCOUNT, authority), (MESHES, cluster)].map(|(account, actions)| {
            let actions: Vec<&str> = actions.iter().map(String::as_str).collect();
            let account = self.world.aws.account(account);
            let made = account.role(&format!("mesh-ca-{role}")).trusting(RUNNERS);
            made.allowing(&actions).create()
        })
    }

    /// The access entry, and what RBAC lets its group do.
    async fn put_into_its_group(&self, role: &str) {
        let principal = format!("arn:aws:iam::{MESHES}:role/mesh-ca-{role}");
        let group = self.group(role);
        let user = format!("{role}:{{{{SessionName}}}}");
        self.cluster.access_entry(&principal, &user, &[&group]);
        self.allow(role, |rules| rules).await;
    }

    /// The group of the example, which many stories share a cluster with.
    fn group(&self, role: &str) -> String {
        format!("{}-mesh-ca-{role}", self.world.namespace)
    }

    /// Applies the example's RBAC, changed.
    async fn allow(&self, role: &str, change: impl Fn(String) -> String) {
        let namespace = &self.world.namespace;
        let text = fs::read_to_string(example("ci").join(format!("rbac/{role}.yaml"))).unwrap();
        let text = text
            .replace("istio-system", namespace)
            .replace("mesh-ca-", &format!("{namespace}-mesh-ca-"));
        let file = self.world.dir.place().join("rbac.yaml");
        fs::write(&file, change(text)).unwrap();
        let apply = ["apply", "-f", &file.display().to_string()];
        self.world.cluster.kubectl(&apply).await.succeeds();
    }

    /// Returns once the cluster says so of the Secret and this verb.
    async fn until(&self, verb: &str, answer: &str) {
        let end = Instant::now() + SOON;
        let group = self.group("apply");
        let question = ["auth", "can-i", verb, "secrets/cacerts", "--as", "somebody"];
        let more = ["-n", &self.world.namespace, "--as-group", &group];
        loop {
            let said = self
                .world
                .cluster
                .kubectl(&[&question[..], &more].concat())
                .await;
            if said.stdout().trim() == answer {
                return;
            }
            assert!(Instant::now() < end, "{said}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Whoever runs from now on is the pipeline in this role, with what its policy allows.
    fn enter(&mut self, role: &str) {
        let allowed = policy(&format!("pipeline-{role}"));
        self.enter_with(role, &allowed);
    }

    fn enter_with(&mut self, role: &str, allowed: &[String]) {
        let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
        let runners = self.world.aws.account(RUNNERS);
        let keys: Credentials = runners.limited_user(&format!("mesh-ca-{role}"), &allowed);
        self.world.sign_in_as(&keys);
        let name = format!("mesh-ca-{role}");
        let authority = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
        let dir = &mut self.world.dir;
        dir.set_env("TF_VAR_certificate_authority_role_arn", &authority);
        dir.set_env("TF_VAR_cluster_role_name", &name);
    }

    /// Writes the variables that are in the repository.
    fn set(&self, mesh: &str, renew_before: &str) {
        let (authority, cluster) = (self.world.ca.arn(), self.cluster.arn());
        let variables = format!(
            "mesh = {mesh:?}\nregion = \"eu-west-1\"\ncertificate_authority_arn = {authority:?}\n\
             clusters = {{\n  mesh-1 = {{\n    arn = {cluster:?}\n    renew_before = {renew_before:?}\n  }}\n}}\n"
        );
        self.world.dir.write("fleet.auto.tfvars", &variables);
    }

    /// Takes the jitter out, which would put the moment off by up to a week.
    fn renew_on_time(&self) {
        let main = String::from_utf8(self.world.dir.read("main.tf")).unwrap();
        let jitter = main
            .lines()
            .find(|line| line.contains("renew_jitter"))
            .unwrap();
        self.world.dir.write("main.tf", &main.replace(jitter, ""));
    }

    /// Plans until the moment has passed; the last plan.
    async fn until_due(&self) -> Run {
        let end = Instant::now() + SOON;
        loop {
            let planned = self.plan().await;
            if planned.has_said("renewal is due") {
                return planned;
            }
            assert!(Instant::now() < end, "{planned}");
        }
    }

    async fn plan(&self) -> Run {
        script(&self.world, "ci/plan.sh", &[], &[]).await
    }

    async fn nightly(&self) -> Run {
        script(&self.world, "renewal-pipeline/nightly.sh", &[], &[]).await
    }
}

/// The actions that a policy of the example allows.
fn policy(name: &str) -> Vec<String> {
    let file = example("ci").join(format!("iam/{name}.json"));
    let policy: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements
        .iter()
        .flat_map(|statement| match &statement["Action"] {
            Value::Array(actions) => actions.clone(),
            action => vec![action.clone()],
        });
    actions
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

/// All but one.
fn without(actions: &[String], action: &str) -> Vec<String> {
    let rest: Vec<String> = actions
        .iter()
        .filter(|one| *one != action)
        .cloned()
        .collect();
    assert_eq!(rest.len() + 1, actions.len());
    rest
}

#[tokio::test]
async fn pull_requests_are_planned_by_one_role_and_nights_applied_by_another() {
    for cli in Cli::both() {
        let mut ci = Ci::new(cli, "ci").await;
        ci.enter("apply");
        ci.world.apply(&[]).await.succeeds();
        ci.nightly()
            .await
            .exit_code(0)
            .says("nightly: nothing to do");
        ci.enter("plan");
        let planned = ci.plan().await;
        planned.exit_code(0).says("plan: nothing would change");
        planned.says("refresh_failure = \"warn\"");

        // What would change is seen, and stays undone.
        ci.set("another", "30d");
        let planned = ci.plan().await;
        planned
            .exit_code(2)
            .says("plan: this would change something");
        ci.world.apply(&[]).await.fails();
        ci.enter("apply");
        ci.nightly().await.exit_code(2).says("nightly: \"hold: ");
        ci.world.ordered(1);
        ci.set("", "30d");
        ci.plan().await.exit_code(1).says("plan: it failed");
    }
}

#[tokio::test]
async fn a_renewal_is_told_on_pull_requests_and_made_at_night() {
    for cli in Cli::both() {
        let mut ci = Ci::new(cli, "ci-due").await;
        ci.renew_on_time();
        ci.set("story", AT_ONCE);
        ci.enter("apply");
        ci.world.apply(&[]).await.succeeds();
        ci.enter("plan");
        ci.until_due().await.exit_code(0);
        ci.world.ordered(1);
        ci.enter("apply");
        let renewed = ci.nightly().await;
        renewed
            .exit_code(0)
            .says("nightly: \"renew: istiopca_cacerts_secret.mesh");
        ci.world.ordered(2);
        ci.world.openssl_accepts_the_live_bundle().await;
    }
}

#[tokio::test]
async fn with_one_right_less_nothing_is_written_and_the_right_is_named() {
    for cli in Cli::both() {
        let mut ci = Ci::new(cli, "ci-rights").await;
        let (authority, cluster) = (policy("authority-apply"), policy("cluster"));
        ci.enter("apply");
        let issuing = "acm-pca:IssueCertificate";
        ci.give("apply", &without(&authority, issuing), &cluster);
        refused(&mut ci, issuing).await;
        ci.give(
            "apply",
            &authority,
            &without(&cluster, "eks:DescribeCluster"),
        );
        refused(&mut ci, "eks:DescribeCluster").await;
        ci.give("apply", &authority, &cluster);
        ci.enter_with(
            "apply",
            &without(&policy("pipeline-apply"), "sts:AssumeRole"),
        );
        refused(&mut ci, "sts:AssumeRole").await;
        ci.enter("apply");
        for (verb, left) in [
            ("get", "[create, patch]"),
            ("create", "[get, patch]"),
            ("patch", "[get, create]"),
        ] {
            ci.allow("apply", |rules| {
                rules.replacen("[get, create, patch]", left, 1)
            })
            .await;
            ci.until(verb, "no").await;
            refused(&mut ci, verb).await;
        }
        ci.allow("apply", |rules| rules).await;
        ci.until("patch", "yes").await;

        // What was ordered is noted, and not failed for: the next apply goes on from there.
        let fetching = "acm-pca:GetCertificate";
        ci.give("apply", &without(&authority, fetching), &cluster);
        ci.world.apply(&[]).await.succeeds().says(fetching);
        assert!(ci.world.live().await.is_null());
        ci.give("apply", &authority, &cluster);
        ci.nightly().await.exit_code(2).says("nightly: \"hold: ");
        ci.world.apply(&[]).await.succeeds();
        // The key of the first went with its run.
        assert_eq!(ci.world.ca.issued().len(), 2);
        ci.world.plan(&[]).await.exit_code(0);
    }
}

/// An apply that fails for want of this right.
async fn refused(ci: &mut Ci, right: &str) {
    ci.world.apply(&[]).await.fails().says(right);
    assert!(ci.world.live().await.is_null(), "without {right}");
}

#[test]
fn each_role_is_trusted_by_the_one_before_it() {
    let trust = |name: &str| {
        let file = example("ci").join(format!("iam/{name}.json"));
        let policy: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        policy["Statement"][0].clone()
    };
    for (role, who) in [("plan", "pull_request"), ("apply", "environment:mesh-ca")] {
        let account = trust(&format!("trust-{role}"));
        let pipeline = format!("arn:aws:iam::{RUNNERS}:role/mesh-ca-{role}");
        assert_eq!(account["Principal"]["AWS"], pipeline);
        assert_eq!(account["Action"], "sts:AssumeRole");
        let entered = trust(&format!("pipeline-{role}"));
        assert_eq!(
            entered["Resource"],
            format!("arn:aws:iam::*:role/mesh-ca-{role}")
        );
        let runner = trust(&format!("trust-pipeline-{role}"));
        assert_eq!(runner["Action"], "sts:AssumeRoleWithWebIdentity");
        let subject = "token.actions.githubusercontent.com:sub";
        let subject = &runner["Condition"]["StringEquals"][subject];
        assert_eq!(*subject, format!("repo:example/platform:{who}"));
    }
}

#[test]
fn the_workflows_run_the_scripts_that_are_there() {
    let mut scripts = Vec::new();
    for name in ["pull-request", "nightly"] {
        let file = example("ci").join(format!("workflows/{name}.yml"));
        let text = fs::read_to_string(file).unwrap();
        let runs = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- run: "));
        let words = runs.filter_map(|run| run.split(' ').next());
        scripts.extend(words.filter_map(|word| word.strip_prefix("../").map(str::to_owned)));
        // What the workflow enters is what the policies are for.
        let role = if name == "nightly" { "apply" } else { "plan" };
        assert_eq!(
            text.matches(&format!("role/mesh-ca-{role}\n")).count(),
            2,
            "{text}"
        );
        assert!(text.contains(&format!("TF_VAR_cluster_role_name: mesh-ca-{role}\n")));
    }
    assert_eq!(scripts, ["ci/plan.sh", "renewal-pipeline/nightly.sh"]);
    for script in scripts {
        assert!(examples().join(&script).is_file(), "{script}");
    }
}
