use std::time::Duration;

use super::*;
use crate::aws::Failure;

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_fault_hits_the_next_calls_of_its_operation_only() {
    let scene = Scene::new();
    scene
        .aws
        .fail_next("IssueCertificate", 2, &Failure::limit_exceeded());
    scene
        .client
        .describe_certificate_authority()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(said(scene.issue().send().await).0, "LimitExceededException");
    }
    scene.issue().send().await.unwrap();
    assert_eq!(scene.ca.issued().len(), 1);
}

#[tokio::test]
async fn the_sdk_tries_again_when_throttled_and_when_aws_has_a_fault() {
    let scene = Scene::new();
    let keys = scene.aws.account("111122223333").user("patient");
    let client = retrying_client(
        &scene.aws,
        &keys,
        REGION,
        RetryConfig::standard().with_max_attempts(3),
    );
    scene
        .aws
        .fail_next("DescribeCertificateAuthority", 1, &Failure::throttling());
    scene
        .aws
        .fail_next("DescribeCertificateAuthority", 1, &Failure::internal());
    client
        .describe_certificate_authority()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await
        .unwrap();
    let errors: Vec<_> = scene
        .aws
        .calls()
        .into_iter()
        .map(|call| call.error.unwrap_or_default())
        .collect();
    assert_eq!(errors, ["ThrottlingException", "InternalFailure", ""]);
}

#[tokio::test]
async fn a_lost_answer_has_been_carried_out_and_the_token_finds_it_again() {
    let scene = Scene::new();
    let keys = scene.aws.account("111122223333").user("patient");
    let client = retrying_client(
        &scene.aws,
        &keys,
        REGION,
        RetryConfig::standard().with_max_attempts(2),
    );
    scene.aws.lose_next_answers("IssueCertificate", 1);
    let arn = issue(&client, &scene.ca)
        .idempotency_token("one")
        .send()
        .await
        .unwrap()
        .certificate_arn
        .unwrap();
    assert_eq!(scene.ca.issued().len(), 1);
    assert_eq!(scene.ca.issued()[0].arn, arn);
    assert_eq!(scene.aws.count("IssueCertificate"), 2);
}

#[tokio::test]
async fn an_answer_can_be_made_wrong() {
    let scene = Scene::new();
    let another = scene.root.certificate_pem();
    scene
        .aws
        .rewrite_next_answer("GetCertificate", move |answer| {
            answer["Certificate"] = another.into();
        });
    let first = scene.issued(scene.issue()).await.certificate;
    assert_eq!(first, Some(scene.root.certificate_pem()));
    let second = scene.issued(scene.issue()).await.certificate;
    assert_ne!(second, first);
}

#[tokio::test]
async fn a_held_answer_is_written_down_before_it_is_given() {
    let scene = Scene::new();
    scene.aws.hold_answers("IssueCertificate");
    let request = scene.issue();
    let asking = tokio::spawn(async move { request.send().await });
    scene
        .aws
        .wait_for("IssueCertificate", 1, SOON)
        .await
        .unwrap();
    // Answers of other operations come through meanwhile.
    for _ in 0..5 {
        scene
            .client
            .list_certificate_authorities()
            .send()
            .await
            .unwrap();
    }
    assert!(!asking.is_finished());
    assert_eq!(scene.ca.issued().len(), 1);
    scene.aws.release_answers("IssueCertificate");
    asking.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_slow_operation_takes_its_time() {
    let scene = Scene::new();
    let delay = Duration::from_millis(120);
    scene.aws.slow_down("ListCertificateAuthorities", delay);
    let started = std::time::Instant::now();
    scene
        .client
        .list_certificate_authorities()
        .send()
        .await
        .unwrap();
    assert!(started.elapsed() >= delay, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_call_is_written_down_with_who_asked_for_what() {
    let scene = Scene::new();
    let arn = scene
        .issue()
        .idempotency_token("one")
        .send()
        .await
        .unwrap()
        .certificate_arn;
    let calls = scene.aws.calls();
    let [call] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!(call.operation, "IssueCertificate");
    assert_eq!(call.at, moment("2026-03-01T00:00:00Z"));
    assert_eq!(call.account.as_deref(), Some("111122223333"));
    assert_eq!(
        call.principal.as_deref(),
        Some("arn:aws:iam::111122223333:user/owner")
    );
    assert_eq!(call.region.as_deref(), Some("eu-west-1"));
    assert_eq!(call.ca_arn(), Some(scene.ca.arn().as_str()));
    assert_eq!(call.token(), Some("one"));
    assert_eq!(
        call.template(),
        Some("arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1")
    );
    assert_eq!(call.certificate_arn, arn);
    assert_eq!(call.error, None);
    assert!(
        call.user_agent
            .as_deref()
            .unwrap()
            .starts_with("aws-sdk-rust/"),
        "{:?}",
        call.user_agent
    );
    assert_eq!(call.request["SigningAlgorithm"], "SHA256WITHECDSA");
    scene.aws.forget_calls();
    assert_eq!(scene.aws.count("IssueCertificate"), 0);
}

#[tokio::test]
async fn waiting_for_a_call_that_does_not_come_ends_and_tells_what_came() {
    let scene = Scene::new();
    scene
        .client
        .list_certificate_authorities()
        .send()
        .await
        .unwrap();
    let missed = scene
        .aws
        .wait_for("IssueCertificate", 1, Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!((missed.seen, missed.wanted), (0, 1));
    assert_eq!(missed.all, ["ListCertificateAuthorities"]);
}

#[tokio::test]
async fn the_port_is_free_again_when_the_emulator_is_gone() {
    let scene = Scene::new();
    let address = scene.aws.endpoint().replace("http://", "");
    scene
        .client
        .list_certificate_authorities()
        .send()
        .await
        .unwrap();
    drop(scene);
    std::net::TcpStream::connect(address).unwrap_err();
}
