//! Many clusters at once: tokens of EKS, clusters that are down, and what one costs.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use kube::Error;

use super::*;
use crate::aws::tests::signer::Presigning;
use crate::aws::{Aws, Clock, Credentials, REGION};

const USER: &str = "arn:aws:iam::111122223333:user/ci";

/// A cluster that AWS knows as `name`, which lets in the user `ci`.
fn of_eks(aws: &Aws, name: &str) -> SandboxCluster {
    let cluster = SandboxCluster::start(noon).unwrap();
    let eks = aws
        .cluster(name)
        .endpoint(cluster.url(), cluster.ca_pem())
        .create();
    eks.access_entry(USER, "ci-user", &[]);
    cluster.set_authenticator(aws.authenticator(&eks));
    cluster
}

fn aws() -> (Aws, Credentials) {
    let aws = Aws::start(Clock::stopped_at(noon())).unwrap();
    let keys = aws.account("111122223333").user("ci");
    (aws, keys)
}

fn with_token(cluster: &SandboxCluster, token: &str) -> Client {
    let mut config = config(cluster);
    config.auth_info.token = Some(token.to_owned().into());
    Client::try_from(config).unwrap()
}

async fn namespaces(client: &Client) -> kube::Result<usize> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let list = namespaces.list(&Default::default()).await?;
    Ok(list.items.len())
}

#[tokio::test]
async fn a_token_of_eks_opens_the_cluster_that_it_names_and_no_other() {
    let (aws, keys) = aws();
    let (a, b) = (of_eks(&aws, "mesh-a"), of_eks(&aws, "mesh-b"));
    let token = Presigning::new(&keys, "mesh-a", REGION).token();
    assert_eq!(namespaces(&with_token(&a, &token)).await.unwrap(), 4);
    let elsewhere = namespaces(&with_token(&b, &token)).await;
    assert_eq!(refused(elsewhere).code, 401);
    assert_eq!(namespaces(&with_token(&b, b.token())).await.unwrap(), 4);
    let answered = |cluster: &SandboxCluster| {
        let requests = cluster.requests();
        let told = requests.iter().map(|request| {
            assert_eq!(
                (request.method.as_str(), request.path.as_str()),
                ("GET", "/api/v1/namespaces")
            );
            (request.user.clone(), request.status)
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(answered(&a), [(Some("ci-user".to_owned()), 200)]);
    assert_eq!(
        answered(&b),
        [(None, 401), (Some("sandbox".to_owned()), 200)]
    );
    b.forget_requests();
    assert!(b.requests().is_empty());
}

#[tokio::test]
async fn a_cluster_that_is_down_refuses_connections_and_comes_back_as_it_was() {
    let sandbox = Sandbox::start().await;
    // A connection that is kept from before is cut as well.
    namespaces(&sandbox.client).await.unwrap();
    for _ in 0..2 {
        sandbox.cluster.take_down().await.unwrap();
        let down = tokio::net::TcpStream::connect(sandbox.cluster.url().replace("https://", ""));
        assert_eq!(down.await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let failed = namespaces(&sandbox.client).await.unwrap_err();
        assert!(!matches!(failed, Error::Api(_)), "{failed}");
        sandbox.cluster.take_down().await.unwrap();
        sandbox.cluster.bring_back().await.unwrap();
        sandbox.cluster.bring_back().await.unwrap();
        assert_eq!(namespaces(&sandbox.client).await.unwrap(), 5);
    }
}

/// How much memory this process holds, in MiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    kibibytes / 1024
}

/// Alone it takes five seconds and 70 MiB; other tests run beside it.
#[tokio::test]
async fn five_hundred_clusters_are_cheap_and_each_answers() {
    let (aws, keys) = aws();
    let (begun, before) = (Instant::now(), resident());
    let clusters: Vec<_> = (0..500)
        .map(|number| of_eks(&aws, &format!("mesh-{number}")))
        .collect();
    for (number, cluster) in clusters.iter().enumerate() {
        let token = Presigning::new(&keys, &format!("mesh-{number}"), REGION).token();
        assert_eq!(namespaces(&with_token(cluster, &token)).await.unwrap(), 4);
    }
    assert!(begun.elapsed() < Duration::from_secs(120));
    let grown = resident().saturating_sub(before);
    assert!(grown < 250, "{grown} MiB");
}
