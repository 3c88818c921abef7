use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::signer;
use super::wire::raw;
use super::*;
use crate::aws::{ClusterStatus, Failure};

const OWNER: &str = "111122223333";
const ENDPOINT: &str = "https://127.0.0.1:6443";
const CA: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

fn aws() -> Aws {
    Aws::start(Clock::stopped_at(moment("2026-03-01T00:00:00Z"))).unwrap()
}

/// Asks for a cluster with a request that AWS's own crate has signed.
fn describe(aws: &Aws, keys: &Credentials, region: &str, name: &str) -> (u16, String, Value) {
    let path = format!("/clusters/{name}");
    let request = signer::get(
        &path,
        &format!("eks.{region}.amazonaws.com"),
        keys,
        region,
        "eks",
    );
    let (status, head, body) = raw(aws, &request);
    (status, head, serde_json::from_str(&body).unwrap())
}

#[test]
fn a_cluster_is_described_with_its_endpoint_and_its_ca() {
    let aws = aws();
    let keys = aws.account(OWNER).user("ci");
    let handle = aws.cluster("mesh-a").endpoint(ENDPOINT, CA).create();
    let (status, head, body) = describe(&aws, &keys, REGION, "mesh-a");
    assert_eq!(status, 200, "{body}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let cluster = &body["cluster"];
    let arn = format!("arn:aws:eks:{REGION}:{OWNER}:cluster/mesh-a");
    assert_eq!(
        (cluster["arn"].as_str(), handle.arn()),
        (Some(&*arn), arn.clone())
    );
    assert_eq!(cluster["endpoint"], ENDPOINT);
    assert_eq!(cluster["status"], "ACTIVE");
    assert_eq!(cluster["certificateAuthority"]["data"], STANDARD.encode(CA));
    assert_eq!(cluster["resourcesVpcConfig"]["endpointPublicAccess"], true);
    assert_eq!(cluster["createdAt"], 1_772_323_200);
    let calls = aws.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].operation, "DescribeCluster");
    assert_eq!(calls[0].cluster(), Some("mesh-a"));
    assert_eq!(calls[0].account.as_deref(), Some(OWNER));
    assert_eq!(calls[0].region.as_deref(), Some(REGION));
    assert_eq!(
        calls[0].principal.as_deref(),
        Some("arn:aws:iam::111122223333:user/ci")
    );
}

#[test]
fn a_cluster_that_is_being_created_has_no_endpoint_and_no_ca_yet() {
    let aws = aws();
    let keys = aws.account(OWNER).user("ci");
    let handle = aws
        .cluster("mesh-a")
        .endpoint(ENDPOINT, CA)
        .status(ClusterStatus::Creating)
        .private()
        .create();
    let (_, _, body) = describe(&aws, &keys, REGION, "mesh-a");
    let cluster = &body["cluster"];
    assert_eq!(cluster["status"], "CREATING");
    assert_eq!(cluster.get("endpoint"), None);
    assert_eq!(cluster["certificateAuthority"].get("data"), None);
    assert_eq!(cluster["resourcesVpcConfig"]["endpointPublicAccess"], false);
    handle.set_status(ClusterStatus::Active);
    let (_, _, body) = describe(&aws, &keys, REGION, "mesh-a");
    assert_eq!(body["cluster"]["endpoint"], ENDPOINT);
    handle.set_endpoint("https://127.0.0.1:7443", CA);
    let (_, _, body) = describe(&aws, &keys, REGION, "mesh-a");
    assert_eq!(body["cluster"]["endpoint"], "https://127.0.0.1:7443");
}

#[test]
fn a_cluster_is_found_in_its_account_and_region_only() {
    let aws = aws();
    let keys = aws.account(OWNER).user("ci");
    let stranger = aws.account("444455556666").user("ci");
    let handle = aws.cluster("mesh-a").endpoint(ENDPOINT, CA).create();
    let not_found = |keys: &Credentials, region: &str, name: &str| {
        let (status, head, body) = describe(&aws, keys, region, name);
        assert_eq!(status, 404, "{body}");
        assert!(
            head.contains("x-amzn-errortype: resourcenotfoundexception"),
            "{head}"
        );
        assert_eq!(
            body["message"],
            format!("No cluster found for name: {name}.")
        );
    };
    not_found(&keys, REGION, "mesh-b");
    not_found(&keys, "us-east-1", "mesh-a");
    not_found(&stranger, REGION, "mesh-a");
    handle.delete();
    not_found(&keys, REGION, "mesh-a");
}

#[test]
fn a_policy_without_the_action_denies_it() {
    let aws = aws();
    aws.cluster("mesh-a").endpoint(ENDPOINT, CA).create();
    let keys = aws
        .account(OWNER)
        .limited_user("pca-only", &["acm-pca:*", "eks:List*"]);
    let (status, head, body) = describe(&aws, &keys, REGION, "mesh-a");
    assert_eq!(status, 403);
    assert!(
        head.contains("x-amzn-errortype: accessdeniedexception"),
        "{head}"
    );
    let words = "User: arn:aws:iam::111122223333:user/pca-only is not authorized to perform: \
                 eks:DescribeCluster on resource: \
                 arn:aws:eks:eu-west-1:111122223333:cluster/mesh-a because no identity-based \
                 policy allows the eks:DescribeCluster action";
    assert_eq!(body["message"], words);
    let keys = aws
        .account(OWNER)
        .limited_user("planner", &["eks:DescribeCluster"]);
    assert_eq!(describe(&aws, &keys, REGION, "mesh-a").0, 200);
}

#[test]
fn a_request_is_signed_for_eks_and_over_its_path() {
    let aws = aws();
    let keys = aws.account(OWNER).user("ci");
    aws.cluster("mesh-a").endpoint(ENDPOINT, CA).create();
    let host = "eks.eu-west-1.amazonaws.com";
    let signed = |service: &str| signer::get("/clusters/mesh-a", host, &keys, REGION, service);
    for (request, error) in [
        (signed("acm-pca"), "invalidsignatureexception"),
        (
            signed("eks").replace("mesh-a", "mesh-b"),
            "invalidsignatureexception",
        ),
        (
            "GET /clusters/mesh-a HTTP/1.1\nhost: eks\nconnection: close\n\n".to_owned(),
            "missingauthenticationtokenexception",
        ),
    ] {
        let (status, head, _) = raw(&aws, &request);
        assert_eq!(status, 403, "{request}");
        assert!(
            head.contains(&format!("x-amzn-errortype: {error}")),
            "{head}"
        );
    }
    assert!(aws.calls().iter().all(|call| call.account.is_none()));
}

#[test]
fn a_name_that_has_to_be_encoded_is_signed_as_aws_signs_it() {
    let aws = aws();
    let keys = aws.account(OWNER).user("ci");
    let (status, _, body) = describe(&aws, &keys, REGION, "mesh%20a%2Bb");
    assert_eq!(status, 404, "{body}");
    assert_eq!(body["message"], "No cluster found for name: mesh a+b.");
}

#[test]
fn throttling_is_eks_own_and_is_used_up() {
    let aws = aws();
    let keys = aws.account(OWNER).user("ci");
    aws.cluster("mesh-a").endpoint(ENDPOINT, CA).create();
    aws.fail_next("DescribeCluster", 1, &Failure::too_many_requests());
    let (status, head, _) = describe(&aws, &keys, REGION, "mesh-a");
    assert_eq!(status, 429);
    assert!(
        head.contains("x-amzn-errortype: toomanyrequestsexception"),
        "{head}"
    );
    assert_eq!(describe(&aws, &keys, REGION, "mesh-a").0, 200);
}
