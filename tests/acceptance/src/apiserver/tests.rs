use std::collections::BTreeSet;

use super::*;

mod eks;

#[tokio::test]
async fn the_texts_of_a_namespaces_secrets_are_read_at_once() {
    let server = ApiServer::shared().await;
    let namespace = server.namespace("texts").await;
    assert_eq!(server.secret_texts(&namespace).unwrap(), []);
    let create = ["create", "secret", "generic", "cacerts", "-n", &namespace];
    let files = [
        "--from-literal=ca-key.pem=a key",
        "--from-literal=ca-cert.pem=a certificate",
    ];
    server
        .kubectl(&[&create[..], &files].concat())
        .await
        .succeeds();
    let name = format!("Secret {namespace}/cacerts");
    let texts = server.secret_texts(&namespace).unwrap();
    assert_eq!(
        texts,
        [
            (name.clone(), "a certificate".to_owned()),
            (name, "a key".to_owned())
        ]
    );
    assert_eq!(server.secret_texts("no-such-namespace").unwrap(), []);
}

/// What a user may do, as the server itself lists it, without what every user may.
async fn rights(server: &ApiServer, user: &User, namespace: &str) -> BTreeSet<String> {
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
                        "spec": {"namespace": namespace}});
    let file = server.dir.join(server.unused_name("review"));
    server.write(&file, &review);
    let answer = server
        .kubectl_as(
            user,
            &[
                "create",
                "--validate=false",
                "-o",
                "json",
                "-f",
                &file.to_string_lossy(),
            ],
        )
        .await;
    let answer = answer.succeeds().json();
    let rules = answer["status"]["resourceRules"].as_array().unwrap();
    rules
        .iter()
        .filter(|rule| {
            !rule["resources"][0]
                .as_str()
                .unwrap()
                .starts_with("selfsubject")
        })
        .flat_map(lines)
        .collect()
}

/// A rule as one line for each verb: `patch secrets cacerts`.
fn lines(rule: &Value) -> Vec<String> {
    let name = rule["resourceNames"][0]
        .as_str()
        .map(|name| format!(" {name}"))
        .unwrap_or_default();
    let resource = rule["resources"][0].as_str().unwrap();
    rule["verbs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|verb| format!("{} {resource}{name}", verb.as_str().unwrap()))
        .collect()
}

/// The minimal rights as the reference lists them, by hand.
fn expected(namespace: &str) -> BTreeSet<String> {
    let of_the_namespace =
        ["get", "create", "patch"].map(|verb| format!("{verb} namespaces {namespace}"));
    [
        "get secrets cacerts",
        "create secrets cacerts",
        "patch secrets cacerts",
        "delete secrets cacerts",
        "get configmaps istio-ca-root-cert",
        "get deployments",
        "list deployments",
        "patch deployments",
        "list pods",
        "get pods/proxy",
    ]
    .map(String::from)
    .into_iter()
    .chain(of_the_namespace)
    .collect()
}

#[tokio::test]
async fn a_restricted_user_has_exactly_the_minimal_rights() {
    let server = ApiServer::shared().await;
    let namespace = server.namespace("minimal").await;
    let user = server.restricted(&namespace, "cacerts").await;
    assert_eq!(
        rights(server, &user, &namespace).await,
        expected(&namespace)
    );
    let elsewhere = BTreeSet::from(
        ["get", "create", "patch"].map(|verb| format!("{verb} namespaces {namespace}")),
    );
    assert_eq!(rights(server, &user, "default").await, elsewhere);
}

#[tokio::test]
async fn a_restricted_user_can_do_to_the_secret_what_the_provider_does() {
    let server = ApiServer::shared().await;
    let namespace = server.namespace("deeds").await;
    let user = server.restricted(&namespace, "cacerts").await;
    let apply = |name| {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}});
        let file = server.dir.join(server.unused_name("secret"));
        server.write(&file, &secret);
        let user = &user;
        async move {
            server
                .kubectl_as(
                    user,
                    &["apply", "--server-side", "-f", &file.to_string_lossy()],
                )
                .await
        }
    };
    apply("cacerts")
        .await
        .succeeds()
        .says("secret/cacerts serverside-applied");
    apply("other")
        .await
        .fails()
        .says("\"other\" is forbidden")
        .says(&user.name);
    let get = server
        .kubectl_as(
            &user,
            &["get", "secret", "cacerts", "-n", &namespace, "-o", "json"],
        )
        .await;
    assert_eq!(
        get.succeeds().json()["metadata"]["namespace"],
        namespace.as_str()
    );
    server
        .kubectl_as(&user, &["get", "secrets", "-n", &namespace])
        .await
        .fails()
        .says("cannot list resource");
    server
        .kubectl_as(
            &user,
            &[
                "delete",
                "secret",
                "cacerts",
                "-n",
                &namespace,
                "--wait=false",
            ],
        )
        .await
        .succeeds();
}

#[tokio::test]
async fn a_user_can_be_restricted_before_the_namespace_is_there() {
    let server = ApiServer::shared().await;
    let namespace = server.unused_name("later");
    let user = server
        .restricted_before_the_namespace(&namespace, "cacerts")
        .await;
    apply_namespace(server, &user, &namespace).await.succeeds();
    assert_eq!(
        rights(server, &user, &namespace).await,
        expected(&namespace)
    );
    apply_namespace(server, &user, "another")
        .await
        .fails()
        .says("forbidden");
}

async fn apply_namespace(server: &ApiServer, user: &User, name: &str) -> Run {
    let file = server.dir.join(server.unused_name("namespace"));
    server.write(
        &file,
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
    );
    let file = file.to_string_lossy().into_owned();
    server
        .kubectl_as(
            user,
            &["apply", "--server-side", "--validate=false", "-f", &file],
        )
        .await
}

#[tokio::test]
async fn a_user_without_rights_is_refused_and_a_stranger_is_not_known() {
    let server = ApiServer::shared().await;
    let user = server.user();
    server
        .kubectl_as(&user, &["get", "namespace", "default"])
        .await
        .fails()
        .says("forbidden")
        .says(&user.name);
    let stranger = User {
        name: "stranger".into(),
        token: "no-such-token".into(),
    };
    server
        .kubectl_as(&stranger, &["get", "namespace", "default"])
        .await
        .fails()
        .says("Unauthorized");
}

#[tokio::test]
async fn its_ca_signed_what_it_serves_with() {
    let server = ApiServer::shared().await;
    let ca = server.dir.join(identity::CA_FILE);
    assert_eq!(fs::read_to_string(&ca).unwrap(), server.ca_pem());
    let address = server.url().strip_prefix("https://").unwrap();
    let mut openssl = guarded(Path::new("openssl"), None);
    openssl
        .args([
            "s_client",
            "-verify_return_error",
            "-verify_ip",
            "127.0.0.1",
            "-connect",
            address,
            "-CAfile",
        ])
        .arg(&ca);
    run(openssl, "openssl s_client", KUBECTL)
        .await
        .says("Verify return code: 0 (ok)");
}

#[tokio::test]
async fn a_second_server_is_another_cluster_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir_in(parts::target_dir()).unwrap();
    let place = dir.path().join("apiserver");
    let server = ApiServer::start(&place).await.unwrap();
    let shared = ApiServer::shared().await;
    assert_ne!(
        (server.url(), server.ca_pem()),
        (shared.url(), shared.ca_pem())
    );
    let stranger = User {
        name: "stranger".into(),
        token: server.admin_token().into(),
    };
    shared
        .kubectl_as(&stranger, &["get", "namespaces"])
        .await
        .fails()
        .says("Unauthorized");
    drop(server);
    let end = Instant::now() + KUBECTL;
    while place.exists() {
        assert!(
            Instant::now() < end,
            "{} should be removed by now",
            place.display()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    // etcd refuses a data directory that is a file.
    for attempt in ["1", "2", "3"] {
        fs::create_dir(dir.path().join(attempt)).unwrap();
        fs::write(dir.path().join(attempt).join("etcd"), "").unwrap();
    }
    let error = ApiServer::start(dir.path()).await.unwrap_err().to_string();
    assert!(
        error.contains("etcd ended (exit status: 1) before the API server was ready"),
        "{error}"
    );
    assert!(error.contains("not a directory"), "{error}");
}
