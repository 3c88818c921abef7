//! Signing in to a cluster that is not of EKS: by a program, a certificate, a token, a token file,
//! through a proxy, and by what cannot work.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istiopca_acceptance::apiserver::{User, minimal_rules};
use istiopca_acceptance::canary::Secret;
use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::proxy::Proxy;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::interruption::{SOON, until_ordered};
use crate::logins::LOGIN;
use crate::world::World;

/// Waits until that has come to pass.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_program_gives_the_token_and_another_one_when_that_has_ended() {
    for cli in Cli::both() {
        let world = World::with_binary(cli, "exec").await;
        let later = world.cluster.restricted(&world.namespace, "cacerts").await;
        let login = world.program("login", LOGIN);
        world.by_program(&login, "");
        world.next_token(&world.user.token, 6);
        let running = until_ordered(&world, 1).await;
        let before = world.ends();
        let last = *before.last().expect("the program was run");
        world.next_token(&later.token, 600);
        until("the token should have ended", || Timestamp::now() > last).await;
        world.aws.release_deliveries();
        running.wait(SOON).await.succeeds();
        // The same process went on by the second token.
        world.writing(&later.name).await;
        assert_eq!(world.ends().len(), before.len() + 1);
        world.openssl_accepts_the_live_bundle().await;
    }
}

#[tokio::test]
async fn a_token_that_the_cluster_does_not_take_is_asked_for_once_more() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "exec-401").await;
        let login = world.program("login", LOGIN);
        world.by_program(&login, "");
        world.next_token(&world.user.token, 600);
        world.apply(&[]).await.succeeds();
        let before = world.ends().len();
        world.dir.write("once", "no-such-token 600\n");
        world.plan(&[]).await.exit_code(0);
        assert_eq!(world.ends().len(), before + 2);

        world.next_token("no-such-token", 600);
        let refused = world.plan(&[]).await;
        refused
            .exit_code(1)
            .says("the cluster refuses the credentials")
            .says("does not accept the credential of the program")
            .never_says("no-such-token");
    }
}

#[tokio::test]
async fn a_kubeconfigs_program_is_beside_it_and_is_told_the_cluster() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "exec-file").await;
        world.program("login", LOGIN);
        world.next_token(&world.user.token, 600);
        let user = json!({"exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "./login",
            "args": null,
            "env": [{"name": "MESH", "value": "one"}],
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": true,
        }});
        let mut second = world.kubeconfig_with(&user);
        second["clusters"][0]["cluster"]["extensions"] = json!([
            {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "mesh"}}
        ]);
        // The first to say something is right: of the second file the user and the cluster count.
        let first = json!({
            "current-context": "other",
            "contexts": [{"name": "other", "context": {"cluster": "mesh", "user": "ci"}}],
        });
        second["current-context"] = "gone".into();
        world.by_files(&[("first.kubeconfig", first), ("second.kubeconfig", second)]);
        world.apply(&[]).await.succeeds();
        world.writing(&world.user.name.clone()).await;
        let info: Value = serde_json::from_slice(&world.dir.read("info")).expect("it is JSON");
        assert_eq!(
            info,
            json!({
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "kind": "ExecCredential",
                "spec": {"interactive": false, "cluster": {
                    "server": world.cluster.url(),
                    "certificate-authority-data": STANDARD.encode(world.cluster.ca_pem()),
                    "config": {"audience": "mesh"},
                }},
            })
        );
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test]
async fn a_client_certificate_signs_in_from_the_block_and_from_a_program() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "client-cert").await;
        // The token of a user of that name is never shown.
        let user = world.user.name.clone();
        let identity = world.cluster.client_certificate(&user, None);
        let (certificate, key) = (&identity.certificate_pem, &identity.key_pem);
        world.by_host(&format!(
            "client_certificate = <<-EOT\n{certificate}\nEOT\nclient_key = <<-EOT\n{key}\nEOT"
        ));
        world.apply(&[]).await.succeeds();
        world.writing(&user).await;

        let answer = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": {"clientCertificateData": certificate, "clientKeyData": key},
        });
        world.dir.write("answer.json", &answer.to_string());
        let command = world.program(
            "print",
            "#!/bin/sh\nexec cat \"$(dirname \"$0\")/answer.json\"\n",
        );
        world.by_program(&command, "");
        world.plan(&[]).await.exit_code(0);

        let stranger = world.cluster.client_certificate("nobody-we-know", None);
        let files = json!({
            "client-certificate-data": STANDARD.encode(&stranger.certificate_pem),
            "client-key-data": STANDARD.encode(&stranger.key_pem),
        });
        world.by_files(&[("stranger.kubeconfig", world.kubeconfig_with(&files))]);
        let denied = world.plan(&[]).await;
        denied.exit_code(1).says("nobody-we-know");
    }
}

#[tokio::test]
async fn a_token_opens_the_cluster_through_a_proxy_that_demands_a_password() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "proxy").await;
        let proxy = Proxy::requiring("mesh", "pr0xy:pass").expect("a proxy starts");
        let address = proxy.address();
        let token = world.user.token.clone();
        let block = |userinfo: &str| {
            format!("token = \"{token}\"\nproxy_url = \"http://{userinfo}{address}\"")
        };
        world.by_host(&block("mesh:pr0xy%3Apass@"));
        // AWS is not reached by it.
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        let server = world.cluster.url().replace("https://", "");
        let tunnels = proxy.tunnels();
        assert!(
            !tunnels.is_empty() && tunnels.iter().all(|tunnel| *tunnel == server),
            "{tunnels:?}"
        );
        assert_eq!(proxy.unauthorized(), 0);

        world.by_host(&block(""));
        let refused = world.plan(&[]).await;
        refused.exit_code(1).says("the cluster cannot be reached");
        assert!(proxy.unauthorized() > 0);
        assert_eq!(proxy.tunnels(), tunnels, "nothing went around the proxy");
    }
}

/// Makes a service account with the rights that it takes, and returns it with a token of its own.
async fn account(world: &World) -> User {
    let made = ["create", "serviceaccount", "mesh"];
    world.kubectl(&made).await.succeeds();
    let made = world.kubectl(&["create", "token", "mesh"]).await;
    User {
        name: format!("system:serviceaccount:{}:mesh", world.namespace),
        token: made.succeeds().stdout().trim().to_owned(),
    }
}

#[tokio::test]
async fn a_token_file_that_rotates_is_read_again_when_its_token_ends() {
    for cli in Cli::both() {
        let world = World::with_binary(cli, "token-file").await;
        let first = account(&world).await;
        let rules = minimal_rules("cacerts");
        let namespace = Some(world.namespace.as_str());
        world.cluster.grant(&first, namespace, &rules).await;
        world.dir.write("token", &format!("{}\n", first.token));
        let user = json!({"tokenFile": "token"});
        world.by_files(&[("mesh.kubeconfig", world.kubeconfig_with(&user))]);
        let running = until_ordered(&world, 1).await;
        // The account made anew is another one, and the former one's tokens are void.
        world
            .kubectl(&["delete", "serviceaccount", "mesh"])
            .await
            .succeeds();
        let second = account(&world).await;
        until_refused(&world, &first).await;
        world.dir.write("token", &format!("{}\n", second.token));
        world.aws.release_deliveries();
        running.wait(SOON).await.succeeds();
        world.writing(&second.name).await;
        world.openssl_accepts_the_live_bundle().await;
    }
}

/// The server remembers for some seconds whom it has let in.
async fn until_refused(world: &World, user: &User) {
    let end = Instant::now() + SOON;
    let holder = User {
        name: world.cluster.unused_name("holder"),
        token: user.token.clone(),
    };
    loop {
        let answer = world.cluster.kubectl_as(&holder, &["auth", "whoami"]).await;
        if answer.has_said("Unauthorized") || answer.has_said("must be logged in") {
            return;
        }
        assert!(Instant::now() < end, "it is still taken: {answer}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_program_that_is_absent_or_fails_is_told_before_anything_is_ordered() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "exec-fails").await;
        world.by_program("no-such-login", "");
        let absent = world.apply(&[]).await;
        absent
            .fails()
            .says("there is nothing to sign in to the cluster with")
            .says("the program \"no-such-login\" is not there")
            .says("eks_cluster_name");

        let fails = "#!/bin/sh\necho \"no session for $PROFILE\" >&2\nexit 4\n";
        let command = world.program("fails", fails);
        world.by_program(&command, "env = { PROFILE = \"ops-of-mesh\" }");
        let failed = world.apply(&[]).await;
        failed
            .fails()
            .says("failed (exit status: 4); its last words: no session for (hidden)")
            .never_says("ops-of-mesh");

        let expired = world.program("login", LOGIN);
        world.next_token(&world.user.token, 0);
        world.by_program(&expired, "");
        let expired = world.apply(&[]).await;
        expired
            .fails()
            .says("printed a credential that expired at")
            .says("the clock of this machine");
        world.ordered(0);
        assert!(world.live().await.is_null());
    }
}

#[tokio::test]
async fn what_contradicts_is_refused_at_its_place_and_no_cluster_is_guessed() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "contradicts").await;
        let login = world.program("login", LOGIN);
        world.by_program(&login, "");
        let text = String::from_utf8(world.dir.read("main.tf")).expect("it is text");
        world
            .dir
            .write("main.tf", &text.replace("exec {", "token = \"t\"\nexec {"));
        let both = world.dir.validate(&["-no-color"]).await;
        both.fails()
            .says("Only one of \"token\" and \"exec\" can be set.")
            .says("exec {");
        let alpha = text.replace("k8s.io/v1\"", "k8s.io/v1alpha1\"");
        world.dir.write("main.tf", &alpha);
        let alpha = world.dir.validate(&["-no-color"]).await;
        alpha
            .fails()
            .says("expected client.authentication.k8s.io/v1 or")
            .says("api_version = \"client.authentication.k8s.io/v1alpha1\"");

        let secret = world.issuing_secret("", "");
        world.configure_cluster("in_cluster = true", "", &secret);
        world.dir.validate(&["-no-color"]).await.succeeds();
        let outside = world.apply(&[]).await;
        outside
            .fails()
            .says("in_cluster: this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set");
        world.configure_cluster("in_cluster = false", "", &secret);
        let nothing = world.apply(&[]).await;
        nothing.fails().says("no cluster is named");
        world.ordered(0);
    }
}

const CANARY: &str = "canary-of-the-environment-7f3a";

#[tokio::test]
async fn nothing_of_a_programs_environment_or_output_is_told_anywhere() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "exec-canary").await;
        let login = world.program("login", LOGIN);
        let env = format!("env = {{ SECRET = \"{CANARY}\" }}");
        world.by_program(&login, &env);
        world.next_token(&world.user.token, 600);
        world.apply(&[]).await.succeeds();
        // It says all that it knows, and fails.
        let tells = LOGIN.replace("set -eu", "set -eux; echo \"$SECRET\" >&2");
        world.program("login", &format!("{tells}\nexit 5\n"));
        let told = world.plan(&[]).await;
        told.exit_code(1)
            .says("failed (exit status: 5)")
            .says("(hidden)");
        // What it prints is cut short.
        world.program("login", &LOGIN.replace("\"%s\"}}'", "\"%s\"'"));
        let cut = world.plan(&[]).await;
        cut.exit_code(1)
            .says("something else than an ExecCredential");

        let canary = world.dir.canary();
        canary.look_for(Secret::text("the program's environment", CANARY));
        canary.look_for(Secret::text("the program's token", &world.user.token));
        let verdict = canary.verdict();
        assert!(verdict.is_clean(), "{verdict}");
    }
}
