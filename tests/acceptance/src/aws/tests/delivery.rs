use super::*;
use crate::aws::Status;

#[tokio::test]
async fn a_certificate_is_in_progress_as_often_as_told() {
    let scene = Scene::new();
    scene.aws.set_polls_before_delivery(3);
    let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    delivered(&scene.client, &scene.ca, &arn).await;
    let errors: Vec<_> = scene
        .aws
        .calls()
        .into_iter()
        .skip(1)
        .map(|call| call.error)
        .collect();
    let waiting = Some("RequestInProgressException".to_owned());
    assert_eq!(errors, [waiting.clone(), waiting.clone(), waiting, None]);
}

#[tokio::test]
async fn held_deliveries_come_when_released() {
    let scene = Scene::new();
    scene.aws.set_polls_before_delivery(0);
    scene.aws.hold_deliveries();
    let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    let ask = || {
        scene
            .client
            .get_certificate()
            .certificate_authority_arn(scene.ca.arn())
            .certificate_arn(&arn)
            .send()
    };
    for _ in 0..3 {
        assert_eq!(said(ask().await).0, "RequestInProgressException");
    }
    scene.aws.release_deliveries();
    ask().await.unwrap();
}

#[tokio::test]
async fn the_waiter_of_the_sdk_is_satisfied() {
    use aws_sdk_acmpca::client::Waiters;
    let scene = Scene::new();
    let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    let waiter = scene
        .client
        .wait_until_certificate_issued()
        .certificate_authority_arn(scene.ca.arn())
        .certificate_arn(&arn);
    waiter
        .wait(std::time::Duration::from_secs(30))
        .await
        .unwrap();
}

#[tokio::test]
async fn an_issuance_can_fail_after_the_arn_has_been_given() {
    let scene = Scene::new();
    scene.aws.fail_next_issuances(1);
    scene.aws.set_polls_before_delivery(0);
    let failing = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    let ask = scene
        .client
        .get_certificate()
        .certificate_authority_arn(scene.ca.arn())
        .certificate_arn(failing);
    assert_eq!(said(ask.send().await).0, "RequestFailedException");
    scene.issued(scene.issue()).await;
}

#[tokio::test]
async fn pems_come_without_a_newline_at_the_end() {
    let scene = Scene::new();
    let answer = scene.issued(scene.issue()).await;
    for pem in [
        answer.certificate.unwrap(),
        answer.certificate_chain.unwrap(),
    ] {
        assert!(
            pem.starts_with("-----BEGIN CERTIFICATE-----\n")
                && pem.ends_with("-----END CERTIFICATE-----"),
            "{pem:?}"
        );
        assert!(pem.lines().all(|line| line.len() <= 64), "{pem}");
    }
}

#[tokio::test]
async fn the_certificate_comes_alone_and_the_chain_from_the_ca_to_the_root() {
    let scene = Scene::new();
    let answer = scene.issued(scene.issue()).await;
    assert_eq!(answer.certificate.unwrap().matches("BEGIN").count(), 1);
    let expected = format!(
        "{}\n{}",
        scene.ca.certificate_pem(),
        scene.root.certificate_pem()
    );
    assert_eq!(answer.certificate_chain.unwrap(), expected);
}

#[tokio::test]
async fn the_chain_of_an_issued_certificate_stays_when_the_ca_is_renewed() {
    let scene = Scene::new();
    let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    let before = delivered(&scene.client, &scene.ca, &arn)
        .await
        .certificate_chain;
    scene.ca.renew_certificate(days(700));
    assert_eq!(
        delivered(&scene.client, &scene.ca, &arn)
            .await
            .certificate_chain,
        before
    );
}

#[tokio::test]
async fn a_certificate_that_was_never_issued_is_not_found() {
    let scene = Scene::new();
    let ask = |arn: String| {
        scene
            .client
            .get_certificate()
            .certificate_authority_arn(scene.ca.arn())
            .certificate_arn(arn)
            .send()
    };
    let unknown = format!("{}/certificate/{:032x}", scene.ca.arn(), 7);
    assert_eq!(said(ask(unknown).await).0, "ResourceNotFoundException");
    let of_another = issue(&scene.client, &scene.root)
        .send()
        .await
        .unwrap()
        .certificate_arn
        .unwrap();
    assert_eq!(said(ask(of_another).await).0, "ResourceNotFoundException");
    assert_eq!(said(ask(scene.ca.arn()).await).0, "InvalidArnException");
    let own = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    let under_another = own.replace(&scene.ca.arn(), &scene.root.arn());
    assert_eq!(
        said(ask(under_another).await).0,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_deleted_ca_delivers_nothing_but_a_disabled_or_expired_one_does() {
    let scene = Scene::new();
    let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    for status in [Status::Disabled, Status::Expired] {
        scene.ca.set_status(status);
        delivered(&scene.client, &scene.ca, &arn).await;
    }
    scene.ca.set_status(Status::Deleted);
    let ask = scene
        .client
        .get_certificate()
        .certificate_authority_arn(scene.ca.arn())
        .certificate_arn(arn);
    let (code, message) = said(ask.send().await);
    assert_eq!(code, "InvalidStateException");
    assert!(
        message.ends_with("is not in the correct state to have issued certificates."),
        "{message}"
    );
}
