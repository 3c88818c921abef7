//! Signing in to AWS: by a chain of roles, by a share, into the wrong account, with credentials that
//! have run out, with none.

use istiopca_acceptance::aws::{ACCOUNT, Call, Failure, RamPermission};
use istiopca_acceptance::cli::{Cli, REQUIRED_PROVIDERS};
use istiopca_acceptance::process::Run;

use crate::world::World;

/// Where the pipeline runs.
const RUNNERS: &str = "444455556666";
/// Where the roles for pipelines are.
const HUB: &str = "222233334444";

/// Writes a configuration whose provider block signs in by these settings, with a Secret that issues
/// by itself.
fn configure(world: &World, sign_in: &str) {
    let (endpoint, directory) = (world.aws.endpoint(), world.dir.path());
    let (path, kubeconfig) = (directory.display(), world.cluster.kubeconfig(&world.user));
    let (kubeconfig, secret) = (kubeconfig.display(), world.issuing_secret("", ""));
    world.dir.write(
        "main.tf",
        &format!(
            r#"{REQUIRED_PROVIDERS}
provider "istiopca" {{
  shared_config_files      = ["{path}/aws-config"]
  shared_credentials_files = ["{path}/aws-credentials"]
  skip_metadata_api_check  = true
  endpoints {{
    acmpca = "{endpoint}"
    sts    = "{endpoint}"
  }}
  kubernetes {{
    config_path    = "{kubeconfig}"
    config_context = "tests"
  }}
  {sign_in}
}}
{secret}
"#
        ),
    );
}

/// A pipeline that acts as a user of its own account.
async fn pipeline(cli: Cli, story: &str) -> World {
    let world = World::with_binary(cli, story).await;
    world.sign_in_as(&world.aws.account(RUNNERS).user("ci"));
    world
}

/// An apply that fails in signing in: nothing was issued and nothing written.
async fn refused(world: &mut World) -> Run {
    let apply = world.apply(&[]).await;
    apply.fails().never_says("panicked");
    world.ordered(0);
    assert!(world.live().await.is_null());
    apply
}

/// From the pipeline's user by the hub to the account of the CA.
struct Chain {
    user: String,
    hub: String,
    issuer: String,
}

impl Chain {
    fn of(world: &World) -> Self {
        let user = format!("arn:aws:iam::{RUNNERS}:user/ci");
        let hub = world.aws.account(HUB).role("hub").trusting(&user).create();
        let issuer = world.aws.account(ACCOUNT).role("mesh-ca-issuer");
        let issuer = issuer.trusting(&hub).external_id("mesh-1");
        let issuer = issuer.allowing(&["acm-pca:*"]).create();
        Self { user, hub, issuer }
    }

    fn sign_in(&self, external_id: &str) -> String {
        let Self { hub, issuer, .. } = self;
        format!(
            r#"profile = "story"
  assume_role {{
    role_arn            = "{hub}"
    session_name        = "nightly"
    duration            = "15m"
    tags                = {{ team = "mesh" }}
    transitive_tag_keys = ["team"]
  }}
  acmpca {{
    allowed_account_ids = ["{ACCOUNT}"]
    assume_role {{
      role_arn     = "{issuer}"
      session_name = "issuing"
      external_id  = "{external_id}"
    }}
  }}"#
        )
    }

    /// What AWS saw: who assumed what with which parameters, and who issued.
    fn was_walked(&self, calls: &[Call]) {
        let by = |call: &Call| call.principal.clone().unwrap_or_default();
        let of = |operation: &str| {
            let mut found = calls.iter().filter(|call| call.operation == operation);
            found.next().unwrap_or_else(|| panic!("no {operation}"))
        };
        let role = |arn: &str| {
            let mut found = calls.iter().filter(|call| call.role() == Some(arn));
            found
                .next()
                .unwrap_or_else(|| panic!("{arn} was not assumed"))
        };
        assert_eq!(by(role(&self.hub)), self.user);
        for (parameter, value) in [
            ("RoleSessionName", "nightly"),
            ("DurationSeconds", "900"),
            ("Tags.member.1.Key", "team"),
            ("Tags.member.1.Value", "mesh"),
            ("TransitiveTagKeys.member.1", "team"),
        ] {
            assert_eq!(role(&self.hub).request[parameter], value, "{parameter}");
        }
        let nightly = format!("arn:aws:sts::{HUB}:assumed-role/hub/nightly");
        assert_eq!(by(role(&self.issuer)), nightly);
        let issuing = format!("arn:aws:sts::{ACCOUNT}:assumed-role/mesh-ca-issuer/issuing");
        assert_eq!(by(of("GetCallerIdentity")), issuing);
        assert_eq!(by(of("IssueCertificate")), issuing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_of_another_account_is_reached_by_roles_one_from_the_other() {
    for cli in Cli::both() {
        let mut world = pipeline(cli, "roles").await;
        let chain = Chain::of(&world);
        configure(&world, &chain.sign_in("mesh-2"));
        refused(&mut world)
            .await
            .says("a role cannot be assumed")
            .says(&chain.issuer)
            .says("external_id");

        configure(&world, &chain.sign_in("mesh-1"));
        world.aws.forget_calls();
        world.apply(&[]).await.succeeds();
        let calls = world.aws.calls();
        chain.was_walked(&calls);
        for call in &calls {
            let agent = call.user_agent.as_deref().unwrap_or_default();
            assert!(
                agent.contains("lib/terraform-provider-istiopca/"),
                "{call:#?}"
            );
            assert!(agent.contains("lib/Terraform/"), "{call:#?}");
        }
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_of_another_account_is_reached_by_a_share_that_allows_the_template() {
    for cli in Cli::both() {
        let mut world = pipeline(cli, "share").await;
        configure(&world, "profile = \"story\"");
        world.ca.share_with(RUNNERS, RamPermission::Default);
        refused_to_issue(&mut world).await;
        world
            .ca
            .share_with(RUNNERS, RamPermission::SubordinatePathLen0Issuance);
        world.aws.forget_calls();
        world.apply(&[]).await.succeeds();
        let calls = world.aws.calls();
        let issued = calls
            .iter()
            .find(|call| call.operation == "IssueCertificate");
        assert_eq!(
            issued.and_then(|call| call.account.as_deref()),
            Some(RUNNERS)
        );
        assert_eq!(world.aws.count("AssumeRole"), 0);
        assert_eq!(world.aws.count("GetCallerIdentity"), 0);
        world.plan(&[]).await.exit_code(0);
    }
}

/// AWS was asked to issue, and said no.
async fn refused_to_issue(world: &mut World) {
    let apply = world.apply(&[]).await;
    apply
        .fails()
        .says("AWS denies access")
        .says("the default share allows end-entity certificates only");
    assert!(world.ca.issued().is_empty());
    assert!(world.live().await.is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_allowed_is_refused_before_anything_is_asked_of_it() {
    for cli in Cli::both() {
        let mut world = pipeline(cli, "accounts").await;
        let issuer = world
            .aws
            .account(ACCOUNT)
            .role("mesh-ca-issuer")
            .trusting(RUNNERS)
            .create();
        let role = format!("assume_role {{\n role_arn = \"{issuer}\"\n }}");
        let of_the_runner =
            format!("allowed_account_ids = [\"{ACCOUNT}\"]\n acmpca {{\n {role}\n }}");
        let of_the_ca = format!(
            "acmpca {{\n {role}\n forbidden_account_ids = [\"999988887777\", \"{ACCOUNT}\"]\n }}"
        );
        for (sign_in, found, list) in [
            (
                &of_the_runner,
                RUNNERS,
                format!("allowed_account_ids ({ACCOUNT})"),
            ),
            (
                &of_the_ca,
                ACCOUNT,
                format!("forbidden_account_ids (999988887777, {ACCOUNT})"),
            ),
        ] {
            world.aws.forget_calls();
            configure(&world, &format!("profile = \"story\"\n {sign_in}"));
            refused(&mut world)
                .await
                .says("the AWS account is not allowed")
                .says(&format!("belong to account {found}"))
                .says(&list);
            let calls = world.aws.calls();
            let of_sts = |operation: &str| ["AssumeRole", "GetCallerIdentity"].contains(&operation);
            assert!(
                calls.iter().all(|call| of_sts(&call.operation)),
                "{calls:#?}"
            );
        }
        let both = format!(
            "profile = \"story\"\n allowed_account_ids = [\"{RUNNERS}\"]\n acmpca {{\n {role}\n \
             allowed_account_ids = [\"{ACCOUNT}\"]\n }}"
        );
        configure(&world, &both);
        world.apply(&[]).await.succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_have_run_out_are_told_with_where_they_came_from() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "expired").await;
        let words = "The security token included in the request is expired";
        let expired = |code: &str| Failure::of(code, words.to_owned());
        configure(&world, "profile = \"story\"");
        world.aws.fail_next(
            "DescribeCertificateAuthority",
            99,
            &expired("ExpiredTokenException"),
        );
        refused(&mut world)
            .await
            .says("the AWS credentials have expired")
            .says("the profile \"story\"");

        let role = world.aws.account(ACCOUNT).role("issuer").trusting(ACCOUNT);
        let role = role.create();
        let assumed = format!("profile = \"story\"\n assume_role {{\n role_arn = \"{role}\"\n }}");
        configure(&world, &assumed);
        world
            .aws
            .fail_next("AssumeRole", 99, &expired("ExpiredToken"));
        refused(&mut world)
            .await
            .says("the AWS credentials have expired")
            .says(&format!("did not let {role} be assumed"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_every_place_is_named_that_was_looked_at() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "nobody").await;
        configure(&world, "");
        let apply = refused(&mut world).await;
        for words in [
            "no AWS credentials",
            "- the environment (AWS_ACCESS_KEY_ID): environment variable not set",
            "- the profile of AWS_PROFILE or \"default\": ",
            "- a web identity token (AWS_WEB_IDENTITY_TOKEN_FILE): ",
            "- the container's credentials: ",
        ] {
            apply.says(words);
        }
        apply.never_says("the instance's metadata");
        assert!(world.aws.calls().is_empty(), "{:#?}", world.aws.calls());

        configure(&world, "profile = \"stroy\"");
        refused(&mut world)
            .await
            .says("- the profile \"stroy\": ")
            .says("was not defined");

        let keys = world.aws.account(ACCOUNT).user("olga");
        configure(
            &world,
            &format!(
                "access_key = \"{}\"\n secret_key = \"{}\"",
                keys.access_key_id, keys.secret_access_key
            ),
        );
        let apply = world.apply(&[]).await;
        apply.succeeds().never_says(&keys.secret_access_key);
        let olga = Some(format!("arn:aws:iam::{ACCOUNT}:user/olga"));
        assert!(world.aws.calls().iter().all(|call| call.principal == olga));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_lead_anywhere_is_refused_while_planning() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "refused").await;
        for (sign_in, told) in [
            ("access_key = \"AKIA\"", "\"secret_key\""),
            (
                "profile = \"story\"\n assume_role {\n role_arn = \"issuer\"\n }",
                "the ARN of an IAM role",
            ),
            (
                "profile = \"story\"\n acmpca {\n allowed_account_ids = [\"prod\"]\n }",
                "twelve digits",
            ),
            ("insecure = true", "Unsupported argument"),
            ("skip_credentials_validation = true", "Unsupported argument"),
        ] {
            configure(&world, sign_in);
            world.plan(&[]).await.exit_code(1).says(told);
        }
        assert!(world.aws.calls().is_empty());
    }
}

/// The token of a runner, as GitHub, GitLab or EKS give it to a job.
#[tokio::test(flavor = "multi_thread")]
async fn a_runner_without_keys_signs_in_by_the_token_that_it_was_given() {
    for cli in Cli::both() {
        let mut world = pipeline(cli, "runner").await;
        let issuer = world.aws.identity_provider("https://ci.example.com");
        let role = world
            .aws
            .account(ACCOUNT)
            .role("runner")
            .trusting_tokens_of(&issuer, "repo:mesh/*", "sts.amazonaws.com")
            .create();
        let file = world.dir.path().join("token");
        let block = format!(
            "assume_role_with_web_identity {{\n role_arn = {role:?}\n web_identity_token_file = {file:?}\n }}"
        );
        configure(&world, &block);
        let strangers = issuer.token("repo:stranger/fork", "sts.amazonaws.com");
        world.dir.write("token", &strangers);
        let apply = refused(&mut world).await;
        apply.says(&role).never_says(&strangers);
        let token = issuer.token("repo:mesh/prod", "sts.amazonaws.com");
        world.dir.write("token", &token);
        world.apply(&[]).await.succeeds().never_says(&token);
        let calls = world.aws.calls();
        let issued = calls
            .iter()
            .find(|call| call.operation == "IssueCertificate");
        let by = issued.and_then(|call| call.principal.clone());
        let session = format!("arn:aws:sts::{ACCOUNT}:assumed-role/runner/");
        assert!(by.is_some_and(|by| by.starts_with(&session)));
        world.plan(&[]).await.exit_code(0);
    }
}
