use std::time::{Duration, Instant};

use super::*;
use crate::aws::Quotas;

/// How many of `calls` descriptions work, and how many are throttled.
async fn describe(client: &Client, ca: &CaHandle, calls: usize) -> (usize, usize) {
    let (mut answered, mut throttled) = (0, 0);
    for _ in 0..calls {
        let call = client
            .describe_certificate_authority()
            .certificate_authority_arn(ca.arn());
        match call.send().await {
            Ok(_) => answered += 1,
            Err(error) if code(&error) == "ThrottlingException" => throttled += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    (answered, throttled)
}

#[tokio::test]
async fn what_is_above_a_quota_is_throttled_for_its_account_and_region_alone() {
    let scene = Scene::new();
    let describe_only = "DescribeCertificateAuthority";
    // So slow that no token comes while the test runs.
    scene
        .aws
        .set_quotas(Quotas::default().limit(describe_only, 0.0001, 20.0));
    assert_eq!(describe(&scene.client, &scene.ca, 25).await, (20, 5));
    assert_eq!(scene.aws.count(describe_only), 25);
    let throttled = scene.aws.calls().pop().unwrap();
    assert_eq!(throttled.error.as_deref(), Some("ThrottlingException"));
    scene
        .ca
        .share_with("444455556666", crate::aws::RamPermission::Default);
    let keys = scene.aws.account("444455556666").user("ci");
    let other = client(&scene.aws, &keys, REGION);
    assert_eq!(describe(&other, &scene.ca, 1).await, (1, 0));
    scene.issue().send().await.unwrap();
    scene.aws.set_quotas(Quotas::default());
    assert_eq!(describe(&scene.client, &scene.ca, 30).await, (30, 0));
}

#[tokio::test]
async fn at_the_quotas_of_aws_no_more_get_through_than_a_bucket_and_what_comes_meanwhile() {
    let scene = Scene::new();
    let begun = Instant::now();
    scene.aws.set_quotas(Quotas::aws());
    let (answered, throttled) = describe(&scene.client, &scene.ca, 200).await;
    let most = 20.0 + 20.0 * begun.elapsed().as_secs_f64();
    assert_eq!(answered + throttled, 200);
    assert!(answered >= 20, "{answered}");
    assert!(
        answered as f64 <= most.ceil(),
        "{answered} of at most {most}"
    );
}

#[tokio::test]
async fn the_way_to_aws_and_back_takes_its_time() {
    let scene = Scene::new();
    let latency = Duration::from_millis(80);
    scene.aws.set_latency(latency);
    let begun = Instant::now();
    describe(&scene.client, &scene.ca, 2).await;
    assert!(begun.elapsed() >= 2 * latency);
    scene.aws.set_latency(Duration::ZERO);
    describe(&scene.client, &scene.ca, 1).await;
}
