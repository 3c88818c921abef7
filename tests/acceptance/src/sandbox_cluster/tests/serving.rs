//! TLS, the token, and what is served beside Secrets.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;

use super::*;

#[tokio::test]
async fn another_token_or_none_is_401() {
    let sandbox = Sandbox::start().await;
    for token in [Some("other"), None] {
        let mut config = config(&sandbox.cluster);
        config.auth_info.token = token.map(|token| token.to_owned().into());
        let client = Client::try_from(config).unwrap();
        let secrets: Api<Secret> = Api::namespaced(client.clone(), "istio-system");
        assert_eq!(
            told(&refused(secrets.get("cacerts").await)),
            (401, "Unauthorized", "Unauthorized", vec![])
        );
        assert_eq!(refused(client.apiserver_version().await).code, 401);
    }
}

#[tokio::test]
async fn its_version_is_that_of_the_real_one_in_the_stories() {
    let sandbox = Sandbox::start().await;
    assert_eq!(
        sandbox.client.apiserver_version().await.unwrap().minor,
        "34"
    );
}

#[tokio::test]
async fn another_ca_is_not_believed() {
    let (sandbox, other) = (Sandbox::start().await, Sandbox::start().await);
    let mut config = config(&sandbox.cluster);
    config.root_cert = self::config(&other.cluster).root_cert;
    let secrets: Api<Secret> = Api::default_namespaced(Client::try_from(config).unwrap());
    let failed = secrets.get("cacerts").await.unwrap_err();
    assert!(!matches!(failed, kube::Error::Api(_)), "{failed}");
}

#[tokio::test]
async fn a_dropped_cluster_is_gone() {
    let Sandbox {
        cluster,
        secrets,
        client,
        ..
    } = Sandbox::start().await;
    let address = cluster.url().trim_start_matches("https://").to_owned();
    drop((cluster, secrets, client));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{address} is still served"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_access_is_allowed() {
    let sandbox = Sandbox::start().await;
    let reviews: Api<SelfSubjectAccessReview> = Api::all(sandbox.client.clone());
    let question = json!({"spec": {"resourceAttributes":
        {"namespace": "istio-system", "resource": "secrets", "verb": "patch", "name": "cacerts"}}});
    let question: SelfSubjectAccessReview = serde_json::from_value(question).unwrap();
    let answer = reviews
        .create(&PostParams::default(), &question)
        .await
        .unwrap();
    assert!(answer.status.unwrap().allowed);
    assert_eq!(answer.spec, question.spec);
}

#[tokio::test]
async fn only_metadata_is_sent_to_who_asks_for_it() {
    let sandbox = Sandbox::start().await;
    let live = sandbox
        .apply(US, secret(&[("ca-key.pem", "1")]))
        .await
        .unwrap();
    let seen = sandbox.secrets.get_metadata("cacerts").await.unwrap();
    assert_eq!(seen.metadata, live.metadata);
    let listed = sandbox
        .secrets
        .list_metadata(&ListParams::default())
        .await
        .unwrap();
    assert_eq!(listed.items.len(), 1);
    let wanted = Patch::Apply(secret(&[("ca-key.pem", "2")]));
    let written = sandbox
        .secrets
        .patch_metadata("cacerts", &PatchParams::apply(US), &wanted)
        .await
        .unwrap();
    assert_ne!(
        written.metadata.resource_version,
        live.metadata.resource_version
    );
}

#[tokio::test]
async fn secrets_are_listed_by_namespace_and_name() {
    let sandbox = Sandbox::start().await;
    sandbox.apply(US, secret(&[("a", "1")])).await.unwrap();
    let elsewhere: Api<Secret> = Api::default_namespaced(sandbox.client.clone());
    let everywhere: Api<Secret> = Api::all(sandbox.client.clone());
    let all = ListParams::default;
    let count = async |api: &Api<Secret>, params: ListParams| {
        api.list(&params).await.map(|list| list.items.len())
    };
    assert_eq!(count(&sandbox.secrets, all()).await.unwrap(), 1);
    assert_eq!(count(&elsewhere, all()).await.unwrap(), 0);
    assert_eq!(
        count(&everywhere, all().fields("metadata.name=cacerts"))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        count(&everywhere, all().fields("metadata.name=other"))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        refused(count(&everywhere, all().labels("team=mesh")).await).code,
        405
    );
}

#[tokio::test]
async fn there_is_no_mesh_yet() {
    let sandbox = Sandbox::start().await;
    let maps: Api<ConfigMap> = Api::namespaced(sandbox.client.clone(), "istio-system");
    let refusal = refused(maps.get("istio-ca-root-cert").await);
    assert_eq!(
        refusal.message,
        "configmaps \"istio-ca-root-cert\" not found"
    );
    let deployments: Api<Deployment> = Api::namespaced(sandbox.client.clone(), "istio-system");
    assert_eq!(
        deployments
            .list(&ListParams::default())
            .await
            .unwrap()
            .items,
        []
    );
    assert_eq!(deployments.get_opt("istiod").await.unwrap(), None);
    let unknown = http::Request::get("/apis/networking.istio.io/v1")
        .body(vec![])
        .unwrap();
    assert_eq!(
        refused(sandbox.client.request::<Value>(unknown).await).code,
        404
    );
}

#[tokio::test]
async fn what_is_shown_of_a_secret_has_no_key_in_it() {
    let sandbox = Sandbox::start().await;
    let certificate = sandbox.cluster.ca_pem().to_owned();
    let mut wanted = secret(&[("ca-cert.pem", &certificate), ("ca-key.pem", "the key")]);
    wanted["metadata"]["annotations"] = json!({"istiopca/not-after": "2026-06-01T00:00:00Z"});
    sandbox.apply(US, wanted).await.unwrap();
    let [facts] = sandbox.cluster.secrets().try_into().unwrap();
    assert_eq!(
        (facts.namespace.as_str(), facts.kind.as_str()),
        ("istio-system", "Opaque")
    );
    let key = |name: &str, bytes, public_pem| KeyFacts {
        name: name.into(),
        bytes,
        public_pem,
    };
    let length = certificate.len();
    assert_eq!(
        facts.keys,
        [
            key("ca-cert.pem", length, Some(certificate)),
            key("ca-key.pem", 7, None)
        ]
    );
    assert_eq!(facts.annotations.len(), 1);
    let debug = format!("{:?}", sandbox.cluster);
    assert!(!debug.contains(sandbox.cluster.token()), "{debug}");
}
