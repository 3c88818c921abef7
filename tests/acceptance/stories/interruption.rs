//! A run that is interrupted, killed or too slow while AWS has the order: what is left, and how
//! the next run goes on.

use std::time::Duration;

use istiopca_acceptance::cli::{Cli, Provider};
use istiopca_acceptance::host::Host;
use istiopca_acceptance::process::{Run, Running};
use serde_json::Value;

use crate::world::{World, days};

const INTERMEDIATE: &str = "istiopca_intermediate";
const SECRET: &str = "istiopca_cacerts_secret";

/// Longer than any call is under way, on a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(120);

/// Starts an apply and returns once AWS has taken the order, which it does not deliver yet.
pub(crate) async fn until_ordered(world: &World, orders: usize) -> Running {
    world.aws.hold_deliveries();
    let running = world.dir.spawn_apply(&[]).expect("the core can be started");
    let ordered = world.aws.wait_for("IssueCertificate", orders, SOON).await;
    if let Err(problem) = ordered {
        running.kill();
        panic!("{}\n{problem}", running.wait(SOON).await);
    }
    // The answer has come back when the certificate is asked for.
    let fetching = world.aws.wait_for("GetCertificate", orders, SOON).await;
    fetching.expect("the provider asks for what it has ordered");
    running
}

/// A provider under the world's clock for one run that is started apart, and a new book of calls.
async fn attached(world: &mut World) -> Host {
    let host = world.attach().await.expect("it is under a clock");
    let provider = Provider::Reattach(host.reattach());
    world
        .dir
        .set_provider(provider)
        .expect("the directory is writable");
    world.aws.forget_calls();
    host
}

/// The instance in the stored state; null where there is none.
async fn stored(world: &mut World, kind: &str) -> Value {
    let pulled = world.cli(&["state", "pull"]).await;
    if pulled.succeeds().stdout().trim().is_empty() {
        return Value::Null;
    }
    let state = pulled.json();
    let resources = state["resources"].as_array().cloned().unwrap_or_default();
    let found = resources
        .into_iter()
        .find(|resource| resource["type"] == kind);
    found
        .map(|mut resource| resource["instances"][0].take())
        .unwrap_or_default()
}

/// Demands an order that is recorded, without a certificate and without a taint, and names it.
#[track_caller]
fn recorded(instance: &Value) -> String {
    assert_eq!(
        instance["status"],
        Value::Null,
        "it should not be tainted: {instance:#}"
    );
    let arn = instance["attributes"]["certificate_arn"].as_str();
    arn.unwrap_or_else(|| panic!("the order should be recorded: {instance:#}"))
        .to_owned()
}

/// Ctrl-C while the order is under way, which is said.
async fn interrupted(running: Running) -> Run {
    running.ctrl_c();
    let run = running.wait(SOON).await;
    run.says("the certificate is ordered and not delivered yet");
    run
}

/// Applies, lets the renewal become due, and interrupts it: the order changes neither what is
/// recorded of the certificate nor what is live. Returns the resource before, and as it is stored.
async fn renewal_interrupted(world: &mut World, kind: &str) -> (Value, Value) {
    world.apply(&[]).await.succeeds();
    let first = world.state(&format!("{kind}.mesh")).await;
    let live = world.live().await["data"].clone();
    world.aws.clock().advance(days(6));
    let _host = attached(world).await;
    let running = until_ordered(world, 1).await;
    interrupted(running).await.fails();
    let instance = stored(world, kind).await;
    assert_eq!(
        recorded(&instance),
        first["certificate_arn"].as_str().unwrap_or_default()
    );
    assert!(
        world.live().await["data"] == live,
        "the mesh goes on with what it has"
    );
    (first, instance)
}

async fn finishes(world: &mut World, orders: usize) -> Run {
    world.aws.release_deliveries();
    let run = world.apply(&[]).await;
    run.succeeds();
    assert_eq!(world.aws.count("IssueCertificate"), orders);
    world.openssl_accepts_the_live_bundle().await;
    world.plan(&[]).await.exit_code(0);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_order_is_recorded_and_the_next_run_fetches_it() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ctrl-c").await;
        world.configure(&world.intermediate_and_secret("", ""));
        let running = until_ordered(&world, 1).await;
        interrupted(running).await.fails();
        let instance = stored(&mut world, INTERMEDIATE).await;
        let arn = recorded(&instance);
        assert_eq!(instance["attributes"]["certificate"], Value::Null);
        assert_eq!(stored(&mut world, SECRET).await, Value::Null);

        finishes(&mut world, 1).await;
        let state = world.state("istiopca_intermediate.mesh").await;
        assert_eq!(
            (&state["certificate_arn"], &state["issue_reason"]),
            (&arn.into(), &"created".into())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_order_whose_key_was_kept_nowhere_is_named_and_placed_again() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "ctrl-c-issuing").await;
        world.configure(&world.issuing_secret("", ""));
        let running = until_ordered(&world, 1).await;
        interrupted(running).await.fails();
        let arn = recorded(&stored(&mut world, SECRET).await);
        assert_eq!(world.live().await, Value::Null);

        let run = finishes(&mut world, 2).await;
        run.says("an earlier certificate was never put to use")
            .says(&arn);
        let state = world.state("istiopca_cacerts_secret.mesh").await;
        assert_ne!(state["certificate_arn"], arn.as_str());
        assert_eq!(state["issue_reason"], "created");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_leaves_one_orphan_at_most() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "killed").await;
        world.configure(&world.intermediate_and_secret("", ""));
        let running = until_ordered(&world, 1).await;
        running.kill();
        running.wait(SOON).await.is_killed();
        assert_eq!(stored(&mut world, INTERMEDIATE).await, Value::Null);
        finishes(&mut world, 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_renewal_keeps_the_old_certificate_and_is_finished_by_the_next_run() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "ctrl-c-renewal").await;
        world.configure(&world.intermediate_and_secret(r#"validity = "9d""#, ""));
        let (first, instance) = renewal_interrupted(&mut world, INTERMEDIATE).await;
        assert_eq!(instance["attributes"]["certificate"], first["certificate"]);
        assert_eq!(
            instance["attributes"]["private_key_pem"],
            first["private_key_pem"]
        );

        finishes(&mut world, 1).await;
        let second = world.state("istiopca_intermediate.mesh").await;
        assert_ne!(second["certificate_arn"], first["certificate_arn"]);
        assert_eq!(
            second["superseded_certificate_arns"][0],
            first["certificate_arn"]
        );
        assert_eq!(second["issue_reason"], "renewal");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_renewal_of_a_key_that_only_the_cluster_has_leaves_that_in_use() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "ctrl-c-own-renewal").await;
        world.configure(&world.issuing_secret("", r#"validity = "9d""#));
        let (first, _) = renewal_interrupted(&mut world, SECRET).await;

        let run = finishes(&mut world, 2).await;
        run.says("an earlier certificate was never put to use");
        let second = world.state("istiopca_cacerts_secret.mesh").await;
        assert_eq!(second["issue_reason"], "renewal");
        assert_eq!(
            second["superseded_certificate_arns"][0],
            first["certificate_arn"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_no_longer_wanted_is_named_and_another_one_placed() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "unwanted").await;
        let resources = world.intermediate_and_secret("", "");
        world.configure(&resources);
        let running = until_ordered(&world, 1).await;
        running.ctrl_c();
        running.wait(SOON).await.fails();
        let arn = recorded(&stored(&mut world, INTERMEDIATE).await);
        world.configure(&resources.replace(r#""Mesh"]"#, r#""Another mesh"]"#));
        let run = finishes(&mut world, 2).await;
        run.says("an earlier certificate was never put to use")
            .says(&arn);
        let state = world.state("istiopca_intermediate.mesh").await;
        assert_ne!(state["certificate_arn"], arn.as_str());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_passes_while_aws_is_busy_loses_nothing() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "deadline").await;
        let impatient = "timeouts {\n    create = \"5s\"\n  }";
        world.configure(&world.intermediate_and_secret(impatient, ""));
        let running = until_ordered(&world, 1).await;
        let run = running.wait(SOON).await;
        // The intermediate ends with a warning; the Secret has nothing to hold yet.
        run.fails()
            .says("the certificate is ordered and not delivered yet");
        run.says("Warning: Intermediate CA")
            .says("not delivered yet");
        recorded(&stored(&mut world, INTERMEDIATE).await);
        assert_eq!(world.live().await, Value::Null);
        finishes(&mut world, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_aws_could_not_fulfil_leaves_nothing_and_the_next_run_works() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "unfulfilled").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.aws.fail_next_issuances(1);
        world
            .apply(&[])
            .await
            .fails()
            .says("Error: Intermediate CA");
        assert_eq!(stored(&mut world, INTERMEDIATE).await, Value::Null);
        assert_eq!(world.live().await, Value::Null);
        finishes(&mut world, 2).await;
    }
}
