//! A cluster of EKS by its name: no AWS CLI, no kubeconfig, and no cluster yet on the first day.

use std::time::{Duration, Instant};

use istiopca_acceptance::apiserver::{Admission, User};
use istiopca_acceptance::aws::{ACCOUNT, Authenticator, ClusterHandle, ClusterStatus, REGION};
use istiopca_acceptance::canary::Secret;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::sandbox_cluster::SandboxCluster;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::interruption::{SOON, until_ordered};
use crate::world::World;

const MESH: &str = "istiopca_cacerts_secret.mesh";

/// A world whose cluster is one of EKS, with the name of its namespace.
struct Eks {
    world: World,
    cluster: ClusterHandle,
    authenticator: Authenticator,
    admission: Admission,
}

/// The user that every world signs in as.
fn principal() -> String {
    format!("arn:aws:iam::{ACCOUNT}:user/ci")
}

impl Eks {
    async fn new(cli: Cli, story: &str) -> Self {
        let world = World::with_binary(cli, story).await;
        let server = world.cluster;
        let cluster = world
            .aws
            .cluster(&world.namespace)
            .endpoint(server.url(), server.ca_pem())
            .create();
        cluster.access_entry(&principal(), &world.user.name, &[]);
        let authenticator = world.aws.authenticator(&cluster);
        let admission = server.admit(&authenticator);
        let eks = Self {
            world,
            cluster,
            authenticator,
            admission,
        };
        eks.configure("");
        eks
    }

    /// Names the cluster by its name, with more settings in the block.
    fn configure(&self, more: &str) {
        let kubernetes = format!("eks_cluster_name = {:?}\n{more}", self.cluster.name());
        let secret = self.world.issuing_secret("", "");
        let region = format!("region = {REGION:?}");
        self.world.configure_cluster(&kubernetes, &region, &secret);
    }

    /// Names the cluster on the resource, and nothing in the provider but `more`.
    fn configure_on_the_resource(&self, more: &str) {
        let named = format!("eks_cluster_arn = {:?}", self.cluster.arn());
        let secret = self.world.issuing_secret(&named, "");
        self.world.configure_cluster(more, "", &secret);
    }

    /// The tokens that were shown, each once, in order.
    fn tokens(&self) -> Vec<String> {
        let mut tokens: Vec<String> = self
            .authenticator
            .reviews()
            .into_iter()
            .map(|review| review.token)
            .collect();
        tokens.dedup();
        tokens
    }

    /// Returns when the next token will be another one: those of one second are the same.
    async fn until_tokens_differ(&self) {
        let reviews = self.authenticator.reviews();
        let last = reviews.last().map(|review| review.at.as_second());
        while Some(Timestamp::now().as_second()) <= last {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns once the API server does not take that token any more: it remembers for ten seconds
    /// whom it has let in.
    async fn until_refused(&self, token: &str) {
        let holder = User {
            name: format!("holder-in-{}", self.world.namespace),
            token: token.to_owned(),
        };
        let end = Instant::now() + SOON;
        loop {
            let cluster = self.world.cluster;
            let answer = cluster.kubectl_as(&holder, &["auth", "whoami"]).await;
            if answer.has_said("Unauthorized") || answer.has_said("must be logged in") {
                return;
            }
            assert!(Instant::now() < end, "it is still taken: {answer}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

#[tokio::test]
async fn a_token_made_here_opens_a_real_cluster() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks").await;
        eks.world.apply(&[]).await.succeeds();
        eks.world.openssl_accepts_the_live_bundle().await;
        let state = eks.world.state(MESH).await;
        assert_eq!(state["cluster_arn"], eks.cluster.arn());
        eks.world.plan(&[]).await.exit_code(0);
        let reviews = eks.authenticator.reviews();
        assert!(reviews.iter().all(|review| review.outcome.is_ok()));
        // The provider is started to plan, to apply what was planned, and to plan again.
        assert!((1..=3).contains(&reviews.len()), "{reviews:?}");
        let described = eks.world.aws.calls();
        let described: Vec<_> = described
            .iter()
            .filter(|call| call.operation == "DescribeCluster")
            .collect();
        assert_eq!(described.len(), 3, "one a start");
        let agent = described[0].user_agent.as_deref().unwrap_or_default();
        assert!(agent.contains("terraform-provider-istiopca/"), "{agent}");
        drop(eks.admission);
    }
}

#[tokio::test]
async fn a_token_that_expires_during_an_apply_is_made_anew() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-expiry").await;
        let running = until_ordered(&eks.world, 1).await;
        // Another process has planned, perhaps in the same second.
        let shown = eks.tokens().pop().expect("a token was shown");
        eks.authenticator.set_lifetime(SignedDuration::from_secs(5));
        eks.until_refused(&shown).await;
        eks.world.aws.release_deliveries();
        running.wait(SOON).await.succeeds();
        let reviews = eks.authenticator.reviews();
        let last = reviews.last().expect("a token was shown");
        assert!(last.outcome.is_ok() && last.token != shown, "{reviews:?}");
        eks.world.openssl_accepts_the_live_bundle().await;
        eks.authenticator
            .set_lifetime(SignedDuration::from_mins(15));
        eks.world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test]
async fn a_cluster_that_does_not_exist_yet_can_be_planned_and_says_so_when_applied() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-day-0").await;
        eks.cluster.delete();
        let planned = eks.world.plan(&["-out=day0.tfplan"]).await;
        planned.exit_code(2).says("the cluster is not there yet");
        let too_early = eks.world.apply(&["day0.tfplan"]).await;
        too_early.fails();
        // Terragrunt's rules for what is worth trying again go by such words.
        too_early
            .says("provider istiopca: no tcp connection before the timeout")
            .says(ACCOUNT);
        eks.world.ordered(0);
        let server = eks.world.cluster;
        let coming = eks
            .world
            .aws
            .cluster(&eks.world.namespace)
            .endpoint(server.url(), server.ca_pem())
            .status(ClusterStatus::Creating)
            .create();
        coming.access_entry(&principal(), &eks.world.user.name, &[]);
        let planned = eks.world.plan(&["-out=day0.tfplan"]).await;
        planned.exit_code(2).says("is CREATING");
        coming.set_status(ClusterStatus::Active);
        eks.world.apply(&["day0.tfplan"]).await.succeeds();
        eks.world.plan(&[]).await.exit_code(0);
    }
}

/// Whoever has the token can be us for a quarter of an hour.
#[tokio::test]
async fn a_token_is_shown_to_the_cluster_and_to_nobody_else() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-canary").await;
        eks.cluster.remove_access_entry(&principal());
        eks.world.apply(&[]).await.fails();
        eks.cluster
            .access_entry(&principal(), &eks.world.user.name, &[]);
        eks.until_tokens_differ().await;
        eks.world.apply(&[]).await.succeeds();
        let tokens = eks.tokens();
        assert!(tokens.len() > 1);
        for token in tokens {
            // The end of a token is its signature, which nothing else has.
            let signature = &token[token.len() - 40..];
            let token = Secret::text("a token of the cluster", signature);
            eks.world.dir.canary().look_for(token);
        }
        let verdict = eks.world.dir.canary().verdict();
        assert!(verdict.is_clean(), "{verdict}");
    }
}

#[tokio::test]
async fn who_the_cluster_does_not_know_is_named() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-unmapped").await;
        eks.cluster.remove_access_entry(&principal());
        let refused = eks.world.apply(&[]).await;
        refused.fails();
        refused
            .says("the cluster refuses the credentials")
            .says(&principal())
            .says("access entry");
        eks.world.ordered(0);
    }
}

#[tokio::test]
async fn a_cluster_may_be_named_by_the_resource_and_then_by_the_provider_only_anew() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-named").await;
        eks.world.apply(&[]).await.succeeds();
        let uid = eks.world.uid().await;
        eks.configure_on_the_resource("");
        // The same cluster under a name of its own: nothing is made anew.
        let renamed = eks.world.plan(&[]).await;
        renamed.exit_code(2).says("0 to destroy");
        eks.world.apply(&[]).await.succeeds();
        assert_eq!(eks.world.uid().await, uid);
        eks.world.ordered(1);
        eks.world.plan(&[]).await.exit_code(0);
    }
}

/// Two providers for two clusters become one: the block that is left leads to the other cluster.
#[tokio::test]
async fn a_secret_that_names_its_cluster_stays_in_it_wherever_the_provider_leads() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-aliases").await;
        eks.world.apply(&[]).await.succeeds();
        let uid = eks.world.uid().await;
        let hub = SandboxCluster::start(Timestamp::now).expect("a cluster starts");
        eks.world.watch_small(&hub);
        let (url, token, ca) = (hub.url(), hub.token(), hub.ca_pem());
        let elsewhere =
            format!("host = {url:?}\ntoken = {token:?}\ncluster_ca_certificate = {ca:?}");
        eks.configure_on_the_resource(&elsewhere);
        let planned = eks.world.plan(&[]).await;
        planned.exit_code(2).says("0 to destroy");
        eks.world.apply(&[]).await.succeeds();
        assert_eq!(eks.world.uid().await, uid);
        eks.world.ordered(1);
        eks.world.plan(&[]).await.exit_code(0);
        // Named no more, the provider's cluster is meant: the Secret is made there, and the one here let go of.
        let secret = eks.world.issuing_secret("create_namespace = true", "");
        eks.world.configure_cluster(&elsewhere, "", &secret);
        eks.world.apply(&[]).await.succeeds();
        assert_eq!(hub.secrets().len(), 1);
        let released = &eks.world.live().await["metadata"]["annotations"];
        assert_eq!(released["istiopca.io/released"], "true", "{released}");
    }
}

#[tokio::test]
async fn the_provider_may_be_pointed_at_a_cluster_that_is_not_there_yet() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-next").await;
        eks.world.apply(&[]).await.succeeds();
        let secret = eks.world.issuing_secret("", "");
        let region = format!("region = {REGION:?}");
        eks.world
            .configure_cluster("eks_cluster_name = \"next\"", &region, &secret);
        let planned = eks.world.plan(&[]).await;
        planned
            .exit_code(2)
            .says("this is another cluster")
            .says(&eks.cluster.arn())
            .says("1 to add, 0 to change, 1 to destroy");
        eks.world.destroy(&[]).await.succeeds();
        assert!(!eks.world.live().await.is_null(), "it is retained");
    }
}

#[tokio::test]
async fn a_cluster_of_the_same_name_in_another_account_is_not_taken_for_it() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-namesake").await;
        let server = eks.world.cluster;
        let namesake = eks
            .world
            .aws
            .cluster(eks.cluster.name())
            .account("444455556666")
            .endpoint(server.url(), server.ca_pem())
            .create();
        let named = format!("eks_cluster_arn = {:?}", namesake.arn());
        let secret = eks.world.issuing_secret(&named, "");
        eks.world.configure_cluster("", "", &secret);
        let refused = eks.world.apply(&[]).await;
        refused.fails();
        refused
            .says("the identity leads to another cluster")
            .says("eks_assume_role");
        eks.world.ordered(0);
        assert!(eks.authenticator.reviews().is_empty());
    }
}

#[tokio::test]
async fn a_cluster_that_is_gone_takes_the_secret_out_of_the_state_and_a_wrong_account_does_not() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-gone").await;
        eks.world.apply(&[]).await.succeeds();
        eks.cluster.delete();
        let stranger = eks.world.aws.account("444455556666").user("stranger");
        eks.world.sign_in_as(&stranger);
        let refused = eks.world.plan(&[]).await;
        refused.fails().says("444455556666");
        let keys = eks.world.aws.account(ACCOUNT).user("ci");
        eks.world.sign_in_as(&keys);
        let planned = eks.world.plan(&[]).await;
        planned.exit_code(2).says("its cluster is gone");
        eks.world.destroy(&[]).await.succeeds();
    }
}

#[tokio::test]
async fn a_role_in_the_clusters_own_account_is_entered_by_its_name() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-role").await;
        let server = eks.world.cluster;
        let account = eks.world.aws.account("444455556666");
        let role = account.role("mesh-ci").trusting(ACCOUNT).create();
        let theirs = eks
            .world
            .aws
            .cluster("theirs")
            .account("444455556666")
            .region("us-east-1")
            .endpoint(server.url(), server.ca_pem())
            .create();
        theirs.access_entry(&role, &eks.world.user.name, &[]);
        let authenticator = eks.world.aws.authenticator(&theirs);
        let admission = server.admit(&authenticator);
        let named = format!("eks_cluster_arn = {:?}", theirs.arn());
        let secret = eks.world.issuing_secret(&named, "");
        let role = "eks_assume_role {\n role_name = \"mesh-ci\"\n }";
        eks.world.configure_cluster(role, "", &secret);
        eks.world.apply(&[]).await.succeeds();
        eks.world.plan(&[]).await.exit_code(0);
        let taken = |authenticator: &Authenticator| {
            let reviews = authenticator.reviews();
            reviews.iter().any(|review| review.outcome.is_ok())
        };
        assert!(taken(&authenticator) && !taken(&eks.authenticator));
        drop(admission);
    }
}

#[tokio::test]
async fn a_plan_role_and_an_apply_role_make_no_difference() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "eks-roles").await;
        let account = eks.world.aws.account(ACCOUNT);
        let reading = ["eks:DescribeCluster", "acm-pca:Describe*", "acm-pca:Get*"];
        let planner = account
            .role("plan")
            .trusting(&principal())
            .allowing(&reading)
            .create();
        let applier = account.role("apply").trusting(&principal()).create();
        let reader = eks.world.cluster.user();
        let rule = json!({
            "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["cacerts"],
            "verbs": ["get"],
        });
        let (server, namespace) = (eks.world.cluster, eks.world.namespace.clone());
        server.grant(&reader, Some(&namespace), &[rule]).await;
        eks.cluster.remove_access_entry(&principal());
        eks.cluster.access_entry(&planner, &reader.name, &[]);
        eks.cluster
            .access_entry(&applier, &eks.world.user.name, &[]);
        let entered_as = |role: &str| format!("eks_assume_role {{\n role_name = {role:?}\n }}");
        eks.configure(&entered_as("apply"));
        eks.world.apply(&[]).await.succeeds();
        eks.configure(&entered_as("plan"));
        eks.world.plan(&[]).await.exit_code(0);
        eks.configure(&entered_as("apply"));
        eks.world.plan(&[]).await.exit_code(0);
        eks.world.ordered(1);
    }
}

/// Of a saved plan: while a core plans within its apply, it passes no interruption on.
#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_ends_the_look_at_eks() {
    for cli in Cli::both() {
        let mut eks = Eks::new(cli, "interrupted").await;
        let planned = eks.world.plan(&["-out=saved.tfplan"]).await;
        planned.exit_code(2);
        let aws = &eks.world.aws;
        let seen = aws.count("DescribeCluster");
        aws.hold_answers("DescribeCluster");
        let running = eks.world.dir.spawn_apply(&["saved.tfplan"]);
        let running = running.expect("the core can be started");
        let asked = aws.wait_for("DescribeCluster", seen + 1, SOON).await;
        asked.expect("the cluster is looked for");
        running.ctrl_c();
        let run = running.wait(SOON).await;
        // Until now nobody has let the answer go.
        aws.release_answers("DescribeCluster");
        run.exit_code(1);
        assert_eq!(aws.count("IssueCertificate"), 0, "{run}");
    }
}
