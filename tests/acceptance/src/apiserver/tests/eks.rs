//! The real API server as a cluster of EKS: tokens that AWS's own crate has signed, judged in a
//! real TokenReview.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::aws::tests::signer::Presigning;
use crate::aws::{Aws, Clock, ClusterHandle, Credentials, REGION};

/// An AWS in which the shared API server is a cluster, and the keys of a user of it.
struct Eks {
    aws: Aws,
    cluster: ClusterHandle,
    keys: Credentials,
    arn: String,
}

impl Eks {
    fn new(server: &ApiServer) -> Self {
        let aws = Aws::start(Clock::running_from(Timestamp::now())).unwrap();
        let cluster = aws
            .cluster("mesh-a")
            .endpoint(server.url(), server.ca_pem())
            .create();
        let account = aws.account(cluster.account());
        let (keys, arn) = (
            account.user("ci"),
            format!("arn:aws:iam::{}:user/ci", account.id()),
        );
        Self {
            aws,
            cluster,
            keys,
            arn,
        }
    }

    /// A token as if it had been signed so long ago, for somebody called `name` in messages.
    fn token(&self, name: String, ago: SignedDuration) -> User {
        let presigning = Presigning {
            at: Timestamp::now() - ago,
            ..Presigning::new(&self.keys, "mesh-a", REGION)
        };
        User {
            name,
            token: presigning.token(),
        }
    }
}

async fn who_am_i(server: &ApiServer, user: &User) -> Run {
    server
        .kubectl_as(user, &["auth", "whoami", "-o", "json"])
        .await
}

#[tokio::test]
async fn a_token_of_eks_opens_the_real_server_as_the_user_of_its_access_entry() {
    let server = ApiServer::shared().await;
    let eks = Eks::new(server);
    let namespace = server.namespace("eks").await;
    let mapped = server.restricted(&namespace, "cacerts").await;
    eks.cluster
        .access_entry(&eks.arn, &mapped.name, &["mesh-admins"]);
    let authenticator = eks.aws.authenticator(&eks.cluster);
    let _admission = server.admit(&authenticator);
    let token = eks.token(server.unused_name("eks"), SignedDuration::ZERO);
    let answer = who_am_i(server, &token).await;
    let user = &answer.succeeds().json()["status"]["userInfo"];
    assert_eq!(user["username"], mapped.name.as_str());
    assert_eq!(
        user["groups"],
        json!(["mesh-admins", "system:authenticated"])
    );
    assert_eq!(user["extra"]["arn"], json!([eks.arn]));
    assert_eq!(
        rights(server, &token, &namespace).await,
        expected(&namespace)
    );
    let reviews = authenticator.reviews();
    assert!(!reviews.is_empty());
    assert!(reviews.iter().all(|review| review.token == token.token));
    let request = server
        .audited("the request by the mapped user", |request| {
            request.user == mapped.name && request.uri.contains("selfsubjectreviews")
        })
        .await;
    assert_eq!((request.verb.as_str(), request.status), ("create", 201));
    assert!(request.user_agent.starts_with("kubectl/"), "{request:?}");
    assert!(request.groups.contains(&"mesh-admins".to_owned()));
}

#[tokio::test]
async fn a_token_that_is_over_is_unauthorized_and_a_new_one_is_not() {
    let server = ApiServer::shared().await;
    let eks = Eks::new(server);
    eks.cluster
        .access_entry(&eks.arn, &server.unused_name("eks-user"), &[]);
    let authenticator = eks.aws.authenticator(&eks.cluster);
    let _admission = server.admit(&authenticator);
    let minutes = |minutes| {
        let ago = SignedDuration::from_mins(minutes);
        eks.token(server.unused_name("eks"), ago)
    };
    who_am_i(server, &minutes(16))
        .await
        .fails()
        .says("Unauthorized");
    let token = minutes(10);
    who_am_i(server, &token).await.succeeds();
    authenticator.set_lifetime(SignedDuration::from_mins(5));
    // The server itself remembers for ten seconds whom it let in.
    let end = Instant::now() + RULES;
    while !who_am_i(server, &token).await.has_said("Unauthorized") {
        assert!(Instant::now() < end, "the token should be refused by now");
    }
    who_am_i(server, &minutes(0)).await.succeeds();
}

#[tokio::test]
async fn whoever_is_not_mapped_or_whose_cluster_is_no_longer_this_one_is_unauthorized() {
    let server = ApiServer::shared().await;
    let eks = Eks::new(server);
    let authenticator = eks.aws.authenticator(&eks.cluster);
    let admission = server.admit(&authenticator);
    let token = || eks.token(server.unused_name("eks"), SignedDuration::ZERO);
    who_am_i(server, &token())
        .await
        .fails()
        .says("Unauthorized");
    let refused = authenticator.reviews().pop().unwrap().outcome.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("ARN is not mapped: {}", eks.arn)
    );
    eks.cluster
        .access_entry(&eks.arn, &server.unused_name("eks-user"), &[]);
    let asked = authenticator.reviews().len();
    drop(admission);
    who_am_i(server, &token())
        .await
        .fails()
        .says("Unauthorized");
    assert_eq!(authenticator.reviews().len(), asked);
}

#[tokio::test]
async fn clusters_of_several_stories_share_a_server_without_seeing_each_others_tokens() {
    let server = ApiServer::shared().await;
    let (one, other) = (Eks::new(server), Eks::new(server));
    let authenticators = [&one, &other].map(|eks| {
        let name = server.unused_name("eks-user");
        eks.cluster.access_entry(&eks.arn, &name, &[]);
        eks.aws.authenticator(&eks.cluster)
    });
    let _admissions = authenticators.each_ref().map(|each| server.admit(each));
    let token = other.token(server.unused_name("eks"), SignedDuration::ZERO);
    who_am_i(server, &token).await.succeeds();
    let [ones, others] = authenticators.map(|each| each.reviews().len());
    assert_eq!(ones, 0);
    assert!(others > 0);
}

#[tokio::test]
async fn a_client_certificate_is_known_by_its_names() {
    let server = ApiServer::shared().await;
    let certificate = server.client_certificate("by-certificate", Some("mesh-admins"));
    let directory = tempfile::tempdir().unwrap();
    let (file, key) = (
        directory.path().join("client.pem"),
        directory.path().join("client.key"),
    );
    fs::write(&file, &certificate.certificate_pem).unwrap();
    fs::write(&key, &certificate.key_pem).unwrap();
    let mut kubectl = guarded(&server.kubectl, None);
    clean(&mut kubectl, directory.path());
    kubectl
        .arg(format!("--server={}", server.url()))
        .arg(format!(
            "--certificate-authority={}",
            server.dir.join(identity::CA_FILE).display()
        ))
        .arg(format!("--client-certificate={}", file.display()))
        .arg(format!("--client-key={}", key.display()))
        .args(["auth", "whoami", "-o", "json"]);
    let answer = run(kubectl, "kubectl with a certificate", KUBECTL).await;
    let user = &answer.succeeds().json()["status"]["userInfo"];
    assert_eq!(user["username"], "by-certificate");
    assert_eq!(
        user["groups"],
        json!(["mesh-admins", "system:authenticated"])
    );
}
