//! The adapter over a scripted wire.

use serde_json::{Value, json};

use super::*;
use crate::aws::wire::{Answer, Asked, File, Wire, given, role};
use crate::aws::{Agent, AssumeRole};

/// EKS at the end of a scripted wire, asked under the roles.
fn eks(name: &str, roles: Vec<AssumeRole>, answers: Vec<Answer>) -> (Eks, Wire, File) {
    let file = File::new(name);
    let wire = Wire::new(answers);
    let settings = file.settings(Some("ci"), roles);
    let sign_in = aws::sign_in(&settings, &Agent::default()).unwrap();
    let eks = Eks::new(Arc::new(sign_in.over(&wire)), "eu-central-1");
    (eks, wire, file)
}

fn cluster() -> Value {
    json!({ "cluster": {
        "name": "mesh-a",
        "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/mesh-a",
        "status": "ACTIVE",
        "endpoint": "https://ABC.gr7.eu-central-1.eks.amazonaws.com",
        "certificateAuthority": { "data": "LS0t" },
        "resourcesVpcConfig": {
            "endpointPublicAccess": true,
            "publicAccessCidrs": ["192.0.2.0/24"],
        },
    } })
}

fn ok(body: &Value) -> Answer {
    Answer::ok(body.to_string())
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "__type": code, "message": message });
    Answer::status(status, &body.to_string())
}

fn identity() -> Answer {
    Answer::ok(
        "<GetCallerIdentityResponse><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::444455556666:user/ci</Arn><UserId>AIDA</UserId><Account>444455556666</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>",
    )
}

async fn failing(name: &str, answers: Vec<Answer>) -> Error {
    let (eks, _, _file) = eks(name, Vec::new(), answers);
    eks.describe("mesh-a").await.unwrap_err()
}

fn signers(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(Asked::signer).collect()
}

#[tokio::test]
async fn a_ready_cluster_is_described_in_its_region() {
    let (eks, wire, _file) = eks("eks-ready", Vec::new(), vec![ok(&cluster())]);
    let described = eks.describe("mesh-a").await.unwrap();
    assert_eq!(
        described,
        Described {
            arn: "arn:aws:eks:eu-central-1:111122223333:cluster/mesh-a"
                .parse()
                .unwrap(),
            endpoint: "https://ABC.gr7.eu-central-1.eks.amazonaws.com".to_owned(),
            authorities: "LS0t".to_owned(),
            reach: Reach::Public(vec!["192.0.2.0/24".to_owned()]),
            token_id: "mesh-a".to_owned(),
        }
    );
    let asked = wire.asked();
    assert_eq!(
        asked[0].uri,
        "https://eks.eu-central-1.amazonaws.com/clusters/mesh-a"
    );
    assert_eq!(asked[0].signer(), "AKIDCI/eu-central-1/eks");
    assert!(asked[0].user_agent.contains("terraform-provider-istiopca"));
}

#[tokio::test]
async fn a_local_cluster_on_outposts_is_opened_by_its_id() {
    let mut local = cluster();
    local["cluster"]["id"] = "b1b2".into();
    local["cluster"]["outpostConfig"] =
        json!({ "outpostArns": ["arn"], "controlPlaneInstanceType": "m5.large" });
    local["cluster"]["resourcesVpcConfig"] = json!({ "endpointPrivateAccess": true });
    let (eks, _, _file) = eks("eks-outposts", Vec::new(), vec![ok(&local)]);
    let described = eks.describe("mesh-a").await.unwrap();
    assert_eq!(described.token_id, "b1b2");
    assert_eq!(described.reach, Reach::Private);
}

#[tokio::test]
async fn an_absent_cluster_is_told_with_the_account_that_was_looked_through() {
    let absent = refusal(
        404,
        "ResourceNotFoundException",
        "No cluster found for name: mesh-a.",
    );
    let error = failing("eks-absent", vec![absent, identity()]).await;
    assert_eq!(
        error.to_string(),
        "there is no EKS cluster \"mesh-a\" in eu-central-1 of account 444455556666"
    );
    assert!(error.not_there().is_some());
}

#[tokio::test]
async fn a_cluster_on_its_way_has_no_endpoint_and_is_not_ready() {
    for status in ["CREATING", "PENDING", "DELETING", "FAILED", "HIBERNATING"] {
        let coming = json!({ "cluster": { "name": "mesh-a", "status": status } });
        let error = failing(&format!("eks-{status}"), vec![ok(&coming)]).await;
        assert_eq!(
            error.to_string(),
            format!("the EKS cluster \"mesh-a\" in eu-central-1 is {status}")
        );
        assert!(error.not_there().is_some());
    }
}

#[tokio::test]
async fn a_ready_cluster_without_an_endpoint_is_not_believed() {
    let mut odd = cluster();
    odd["cluster"]["endpoint"] = "".into();
    let error = failing("eks-odd", vec![ok(&odd)]).await;
    assert_eq!(
        error.to_string(),
        "the description of the EKS cluster \"mesh-a\" in eu-central-1 lacks the endpoint"
    );
    assert!(error.not_there().is_none());
}

#[tokio::test]
async fn a_refusal_keeps_the_words_of_aws() {
    let denied = "User: x is not authorized to perform: eks:DescribeCluster";
    let error = failing(
        "eks-denied",
        vec![refusal(403, "AccessDeniedException", denied)],
    )
    .await;
    assert!(matches!(&error, Error::Denied { message, .. } if message == denied));
    let error = failing(
        "eks-refused",
        vec![refusal(400, "InvalidParameterException", "no")],
    )
    .await;
    assert!(matches!(&error, Error::Refused { code, .. } if code == "InvalidParameterException"));
}

#[tokio::test]
async fn credentials_that_aws_does_not_take_are_told_with_where_they_came_from() {
    let words =
        "The security token included in the request is expired\nThe Canonical String was: secret";
    let expired = refusal(403, "ExpiredTokenException", words);
    let error = failing("eks-expired", vec![expired]).await;
    let Error::IdentityRefused {
        code,
        message,
        whose,
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(code, "ExpiredTokenException");
    assert_eq!(
        message,
        "The security token included in the request is expired"
    );
    assert!(whose.contains("\"ci\""), "{whose}");
}

#[tokio::test]
async fn a_cluster_that_failed_may_still_serve() {
    let mut failed = cluster();
    failed["cluster"]["status"] = "FAILED".into();
    let (eks, _, _file) = eks("eks-failed", Vec::new(), vec![ok(&failed)]);
    assert_eq!(eks.describe("mesh-a").await.unwrap().token_id, "mesh-a");
}

#[tokio::test(start_paused = true)]
async fn throttling_passes() {
    let slow = || refusal(429, "ThrottlingException", "Rate exceeded");
    let answers = vec![slow(), slow(), slow(), slow(), ok(&cluster())];
    let (eks, wire, _file) = eks("eks-throttled", Vec::new(), answers);
    eks.describe("mesh-a").await.unwrap();
    assert_eq!(wire.asked().len(), 5);
}

#[tokio::test]
async fn without_credentials_nothing_is_asked() {
    let file = File::new("eks-nobody");
    let wire = Wire::new([]);
    let settings = file.settings(Some("empty"), Vec::new());
    let sign_in = aws::sign_in(&settings, &Agent::default()).unwrap();
    let eks = Eks::new(Arc::new(sign_in.over(&wire)), "eu-central-1");
    let error = eks.describe("mesh-a").await.unwrap_err();
    assert!(matches!(&error, Error::NotSignedIn { .. }), "{error:?}");
    let now = "2026-11-21T22:43:02Z".parse().unwrap();
    let error = eks.mint("mesh-a", now).await.err().unwrap();
    assert!(matches!(&error, Unminted::NotSignedIn(_)), "{error:?}");
    assert!(wire.asked().is_empty());
}

#[tokio::test]
async fn tokens_of_a_fleet_are_signed_by_one_session() {
    let answers = vec![given("AKIDHUB")];
    let (eks, wire, _file) = eks("eks-mint", vec![role("hub")], answers);
    let now = "2026-11-21T22:43:02Z".parse().unwrap();
    let one = eks.mint("mesh-a", now).await.unwrap();
    let two = eks.mint("mesh-b", now).await.unwrap();
    assert!(one.token.starts_with("k8s-aws-v1."));
    assert_ne!(one.token, two.token);
    assert_eq!(one.lasts.as_secs(), 600);
    assert_eq!(signers(&wire.asked()), ["AKIDCI/eu-west-1/sts"]);
}

#[tokio::test]
async fn the_session_that_describes_a_cluster_signs_its_tokens_too() {
    let answers = vec![given("AKIDHUB"), ok(&cluster())];
    let (eks, wire, _file) = eks("eks-one-session", vec![role("hub")], answers);
    eks.describe("mesh-a").await.unwrap();
    let now = "2026-11-21T22:43:02Z".parse().unwrap();
    eks.mint("mesh-a", now).await.unwrap();
    let expected = ["AKIDCI/eu-west-1/sts", "AKIDHUB/eu-central-1/eks"];
    assert_eq!(signers(&wire.asked()), expected);
}

#[tokio::test]
async fn credentials_that_end_soon_or_were_refused_are_asked_for_anew() {
    let answers = vec![given("AKID1"), given("AKID2"), given("AKID3")];
    let (eks, wire, _file) = eks("eks-anew", vec![role("hub")], answers);
    let now: jiff::Timestamp = "2098-12-31T23:50:00Z".parse().unwrap();
    assert_eq!(eks.mint("mesh-a", now).await.unwrap().lasts.as_secs(), 600);
    eks.forget_credentials();
    eks.mint("mesh-a", now).await.unwrap();
    assert_eq!(wire.asked().len(), 2);
    // The scripted sessions end with the year.
    let late: jiff::Timestamp = "2098-12-31T23:59:30Z".parse().unwrap();
    assert_eq!(eks.mint("mesh-a", late).await.unwrap().lasts.as_secs(), 30);
    assert_eq!(wire.asked().len(), 3);
}
