//! One right less in the cluster: the Secret is written all the same, and one warning says what could
//! not be done or seen, and which rule would allow it.

use std::fs;
use std::time::{Duration, Instant};

use istiopca_acceptance::aws::CaHandle;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::istio::node::Istiod;
use istiopca_acceptance::network;
use istiopca_acceptance::process::Run;
use serde_json::{Value, json};

use super::{Mesh, SECRET, triggered};
use crate::roots::{another_hierarchy, trusting};
use crate::world::World;

const GUIDE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/guides/from-apply-to-mtls.md"
);

/// The rules of a manifest in the guide, as kubectl reads them.
pub(super) async fn rules(world: &World, name: &str) -> Vec<Value> {
    let page = fs::read_to_string(GUIDE).unwrap();
    let begins = format!("# rights: {name}\n");
    let mut blocks = page.split("```yaml\n").filter(|it| it.starts_with(&begins));
    let manifest = blocks.next().unwrap().split("```").next().unwrap();
    world.dir.write("rights.yaml", manifest);
    let file = world.dir.path().join("rights.yaml");
    let file = file.to_string_lossy();
    let read = ["create", "--dry-run=client", "-o", "json", "-f", &file];
    let role = world.cluster.kubectl(&read).await.succeeds().json();
    role["rules"].as_array().unwrap().clone()
}

/// The rules but for this verb on this resource.
pub(super) fn without(rules: &[Value], verb: &str, resource: &str) -> Vec<Value> {
    let mut rules = rules.to_vec();
    let mut taken = 0;
    for rule in &mut rules {
        if rule["resources"] == json!([resource]) {
            let verbs = rule["verbs"].as_array_mut().unwrap();
            verbs.retain(|it| it != verb);
            taken += 1;
        }
    }
    rules.retain(|rule| rule["verbs"] != json!([]));
    assert_eq!(taken, 1, "one rule is about {resource}");
    rules
}

impl Mesh {
    /// Has these rights, and no others, once the server acts on them.
    pub(super) async fn has_rights(
        &self,
        rules: &[Value],
        verb: &str,
        resource: &str,
        allowed: bool,
    ) {
        let world = &self.world;
        let namespace = world.namespace.as_str();
        world
            .cluster
            .grant(&world.user, Some(namespace), rules)
            .await;
        let wanted = if allowed { "yes" } else { "no" };
        let (object, subresource) = match resource.split_once('/') {
            Some((object, sub)) => (format!("{object}/x"), format!("--subresource={sub}")),
            None if resource == "configmaps" => (
                "configmaps/istio-ca-root-cert".to_owned(),
                "--subresource=".to_owned(),
            ),
            None => (resource.to_owned(), "--subresource=".to_owned()),
        };
        let question = [
            "auth",
            "can-i",
            verb,
            &object,
            &subresource,
            "-n",
            namespace,
        ];
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = world.cluster.kubectl_as(&world.user, &question).await;
            if answer.stdout().trim() == wanted {
                return;
            }
            assert!(Instant::now() < end, "{answer}");
        }
    }

    /// Changes what is wanted, and has it applied with all rights of the guide but this one.
    async fn apply_without(&mut self, verb: &str, resource: &str, configuration: &str) -> Run {
        let both = self.plan_and_apply_without(verb, resource, configuration);
        both.await.1
    }

    /// The same, with the plan that is applied.
    async fn plan_and_apply_without(
        &mut self,
        verb: &str,
        resource: &str,
        configuration: &str,
    ) -> (Run, Run) {
        let all = rules(&self.world, "pods").await;
        let rest = without(&all, verb, resource);
        self.has_rights(&rest, verb, resource, false).await;
        self.world.configure(configuration);
        let before = self.world.live().await["data"].clone();
        let planned = self.world.plan(&["-out=less.plan"]).await;
        let saved = ["apply", "-no-color", "less.plan"];
        let applied = self.world.cli(&saved).await;
        assert_ne!(self.world.live().await["data"], before, "{applied}");
        self.world.openssl_accepts_the_live_bundle().await;
        self.has_rights(&all, verb, resource, true).await;
        (planned, applied)
    }
}

/// One warning, in which these words are, and nothing else to tell.
#[track_caller]
pub(super) fn one_warning(run: &Run, words: &[&str]) {
    run.succeeds();
    one_warning_of(run, words);
}

#[track_caller]
fn one_warning_of(run: &Run, words: &[&str]) {
    words.iter().for_each(|words| _ = run.says(words));
    let warnings = run.stdout().matches("Warning: Secret ").count();
    assert_eq!(warnings, 1, "{run}");
}

#[test]
fn a_right_that_is_missing_costs_one_warning_which_names_the_rule() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::OpenTofu, "rights-less").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        let all = rules(&mesh.world, "pods").await;
        mesh.has_rights(&all, "list", "pods", true).await;
        let world = &mut mesh.world;
        world
            .issue("", &triggered(0))
            .await
            .succeeds()
            .never_says("Warning: Secret ");
        mesh.node.deploy(&Istiod::default()).await;
        for (incident, verb, resource, words, by) in [
            (
                1,
                "list",
                "deployments",
                "the istiods beside it could not be seen",
                "pods",
            ),
            (
                2,
                "list",
                "pods",
                "which CA each istiod uses could not be seen",
                "root",
            ),
            (
                3,
                "get",
                "pods/proxy",
                "which CA each istiod uses could not be seen",
                "root",
            ),
        ] {
            let wanted = mesh.world.issuing_secret("", &triggered(incident));
            let applied = mesh.apply_without(verb, resource, &wanted).await;
            let rule = format!("resources: [{resource}], verbs: [{verb}]");
            one_warning(&applied, &[words, &rule]);
            let secret = mesh.world.state(SECRET).await;
            assert_eq!(secret["verified"]["by"], by);
            mesh.world.plan(&[]).await.exit_code(0);
        }
        without_the_roots_or_the_istiods(&mut mesh, &next_root).await;
    });
}

/// The same of the ConfigMap, where it is all that is looked at, and of a change that only a restart brings about.
async fn without_the_roots_or_the_istiods(mesh: &mut Mesh, next_root: &CaHandle) {
    let by_root = mesh
        .world
        .issuing_secret("verify = \"root\"", &triggered(4));
    let applied = mesh.apply_without("get", "configmaps", &by_root).await;
    let rule = "resources: [configmaps], verbs: [get]";
    one_warning(
        &applied,
        &["which roots istiod hands on could not be seen", rule],
    );
    mesh.world.plan(&[]).await.exit_code(0);
    let settings = trusting(&[next_root]);
    let more_roots = mesh.world.issuing_secret(&settings, &triggered(4));
    let applied = mesh.apply_without("list", "deployments", &more_roots).await;
    let rule = "resources: [deployments], verbs: [list]";
    let known = "istiod must be restarted to take this change";
    one_warning(&applied, &[known, rule]);
}

#[test]
fn an_istiod_that_may_not_be_restarted_is_left_to_the_user_with_the_rule() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "rights-restart").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        mesh.plug_in("", "").await;
        let wanted = mesh.world.issuing_secret(&trusting(&[&next_root]), "");
        let (planned, applied) = mesh
            .plan_and_apply_without("patch", "deployments", &wanted)
            .await;
        let rule = "resources: [deployments], verbs: [patch]";
        let by_hand = "kubectl rollout restart";
        let forbidden = "istiod may not be restarted";
        planned.exit_code(2).never_says("istiod will be restarted");
        one_warning_of(&planned, &[forbidden, rule, by_hand]);
        applied.succeeds();
        one_warning_of(&applied, &[forbidden, rule, by_hand]);
        let counts = mesh.node.counts("istiod").await;
        assert_eq!((counts.replica_sets, counts.pods), (1, 1));
    });
}

#[test]
fn the_rights_without_pods_proxy_suffice_where_the_roots_are_looked_at() {
    network::in_its_own(async {
        let mut mesh = Mesh::new(Cli::Terraform, "rights-root").await;
        let (next_root, _) = another_hierarchy(&mesh.world);
        let fewer = rules(&mesh.world, "root").await;
        mesh.has_rights(&fewer, "get", "pods/proxy", false).await;
        let by_root = "verify = \"root\"";
        let world = &mut mesh.world;
        world
            .issue(by_root, "")
            .await
            .succeeds()
            .never_says("Warning: Secret ");
        mesh.node.deploy(&Istiod::default()).await;
        let settings = format!("{by_root}\n  {}", trusting(&[&next_root]));
        let applied = mesh.world.issue(&settings, "").await;
        applied.succeeds().never_says("could not");
        let secret = mesh.world.state(SECRET).await;
        assert_eq!(secret["verified"]["by"], "root");
        assert_eq!(secret["restart_reason"], "roots");
        assert_eq!(mesh.node.counts("istiod").await.replica_sets, 2);
    });
}
