use aws_sdk_acmpca::types::{
    CertificateAuthority, CertificateAuthorityStatus, CertificateAuthorityType,
    CertificateAuthorityUsageMode, KeyAlgorithm as Key, SigningAlgorithm as Signing,
};

use super::*;
use crate::aws::{Hash, SigningAlgorithm, Status, UsageMode};

async fn described(client: &Client, ca: &CaHandle) -> CertificateAuthority {
    let answer = client
        .describe_certificate_authority()
        .certificate_authority_arn(ca.arn())
        .send()
        .await;
    answer.unwrap().certificate_authority.unwrap()
}

#[tokio::test]
async fn a_ca_is_described_with_everything_that_a_plan_asks_for() {
    let scene = Scene::new();
    let builder = scene
        .aws
        .subordinate(&scene.root)
        .key(KeyAlgorithm::EcSecp384r1)
        .common_name("Mesh issuer");
    let ca = builder
        .path_length(1)
        .valid_for(days(400))
        .usage_mode(UsageMode::ShortLivedCertificate)
        .crl("crls")
        .create();
    let description = described(&scene.client, &ca).await;
    assert_eq!(description.arn, Some(ca.arn()));
    assert_eq!(description.owner_account.as_deref(), Some("111122223333"));
    assert_eq!(
        description.r#type,
        Some(CertificateAuthorityType::Subordinate)
    );
    assert_eq!(description.status, Some(CertificateAuthorityStatus::Active));
    assert_eq!(
        description.usage_mode,
        Some(CertificateAuthorityUsageMode::ShortLivedCertificate)
    );
    assert_eq!(
        description.not_before.unwrap().secs(),
        moment("2026-02-28T23:00:00Z").as_second()
    );
    assert_eq!(
        description.not_after.unwrap().secs(),
        moment("2027-04-05T00:00:00Z").as_second()
    );
    let configuration = description.certificate_authority_configuration.unwrap();
    assert_eq!(configuration.key_algorithm, Key::EcSecp384r1);
    assert_eq!(configuration.signing_algorithm, Signing::Sha384Withecdsa);
    assert_eq!(
        configuration.subject.unwrap().common_name.as_deref(),
        Some("Mesh issuer")
    );
    assert!(
        description
            .revocation_configuration
            .unwrap()
            .crl_configuration
            .unwrap()
            .enabled
    );
    let serial = field(&ca.certificate_pem(), "-serial");
    assert_eq!(
        description.serial.unwrap(),
        u128::from_str_radix(&serial, 16).unwrap().to_string()
    );
}

#[tokio::test]
async fn the_configured_signing_algorithm_may_differ_from_the_usual_one() {
    let scene = Scene::new();
    let strong = SigningAlgorithm::Rsa(Hash::Sha512);
    let ca = scene
        .aws
        .root(KeyAlgorithm::Rsa2048)
        .signing_algorithm(strong)
        .create();
    let configuration = described(&scene.client, &ca)
        .await
        .certificate_authority_configuration;
    assert_eq!(
        configuration.unwrap().signing_algorithm,
        Signing::Sha512Withrsa
    );
}

#[tokio::test]
async fn a_root_has_no_chain_and_a_subordinate_has_its_parents() {
    let scene = Scene::new();
    let own = |ca: &CaHandle| {
        scene
            .client
            .get_certificate_authority_certificate()
            .certificate_authority_arn(ca.arn())
            .send()
    };
    let root = own(&scene.root).await.unwrap();
    assert_eq!(root.certificate, Some(scene.root.certificate_pem()));
    assert_eq!(root.certificate_chain, None);
    let ca = own(&scene.ca).await.unwrap();
    assert_eq!(ca.certificate, Some(scene.ca.certificate_pem()));
    assert_eq!(ca.certificate_chain, Some(scene.root.certificate_pem()));
    verifies(
        &scene.root.certificate_pem(),
        "",
        &scene.ca.certificate_pem(),
        scene.aws.clock().now(),
    );
}

#[tokio::test]
async fn a_ca_without_a_certificate_has_none_to_show() {
    let scene = Scene::new();
    for status in [
        Status::Creating,
        Status::PendingCertificate,
        Status::Deleted,
        Status::Failed,
    ] {
        scene.ca.set_status(status);
        let answer = scene
            .client
            .get_certificate_authority_certificate()
            .certificate_authority_arn(scene.ca.arn())
            .send();
        assert_eq!(said(answer.await).0, "InvalidStateException", "{status:?}");
        let description = described(&scene.client, &scene.ca).await;
        assert_eq!(description.status.unwrap().as_str(), status.name());
        assert_eq!(
            (description.serial, description.not_after),
            (None, None),
            "{status:?}"
        );
    }
}

#[tokio::test]
async fn a_ca_whose_certificate_has_run_out_shows_itself_as_expired() {
    let scene = Scene::new();
    scene
        .aws
        .clock()
        .set(scene.ca.not_after() + SignedDuration::from_secs(1));
    let description = described(&scene.client, &scene.ca).await;
    assert_eq!(
        description.status,
        Some(CertificateAuthorityStatus::Expired)
    );
}

#[tokio::test]
async fn a_ca_that_is_not_there_or_of_another_region_is_not_found() {
    let scene = Scene::new();
    let ask = |client: &Client, arn: String| {
        client
            .describe_certificate_authority()
            .certificate_authority_arn(arn)
            .send()
    };
    let missing = format!("{}0000", &scene.ca.arn()[..scene.ca.arn().len() - 4]);
    assert_eq!(
        said(ask(&scene.client, missing).await).0,
        "ResourceNotFoundException"
    );
    let elsewhere = client(
        &scene.aws,
        &scene.aws.account("111122223333").user("far"),
        "us-east-1",
    );
    assert_eq!(
        said(ask(&elsewhere, scene.ca.arn()).await).0,
        "ResourceNotFoundException"
    );
    scene.ca.purge();
    let gone = format!(
        "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/{}",
        random::uuid()
    );
    assert_eq!(
        said(ask(&scene.client, gone).await).0,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_renewed_ca_keeps_its_key_and_a_rekeyed_one_does_not() {
    let scene = Scene::new();
    let public_key = |pem: &str| openssl("x509", &["-noout", "-pubkey"], pem.as_bytes());
    let first = scene.ca.certificate_pem();
    scene.aws.clock().advance(days(30));
    scene.ca.renew_certificate(days(1000));
    let renewed = scene.ca.certificate_pem();
    assert_ne!(field(&renewed, "-serial"), field(&first, "-serial"));
    assert_eq!(public_key(&renewed), public_key(&first));
    assert_eq!(
        extension(&renewed, "X509v3 Basic Constraints").unwrap(),
        "critical, CA:TRUE, pathlen:1"
    );
    let until = scene.ca.not_after();
    assert_eq!(until, moment("2026-03-31T00:00:00Z") + days(1000));
    scene.ca.rekey();
    assert_ne!(public_key(&scene.ca.certificate_pem()), public_key(&first));
    assert_eq!(scene.ca.not_after(), until);
    verifies(
        &scene.root.certificate_pem(),
        "",
        &scene.ca.certificate_pem(),
        scene.aws.clock().now(),
    );
    let issued = scene.issued(scene.issue()).await;
    let now = scene.aws.clock().now();
    verifies(
        &scene.root.certificate_pem(),
        &issued.certificate_chain.unwrap(),
        &issued.certificate.unwrap(),
        now,
    );
}

#[test]
fn a_root_can_be_renewed_and_rekeyed_too() {
    let scene = Scene::new();
    scene.root.renew_certificate(days(5000));
    verifies(
        &scene.root.certificate_pem(),
        "",
        &scene.ca.certificate_pem(),
        scene.aws.clock().now(),
    );
    scene.root.rekey();
    let words = verified(
        &scene.root.certificate_pem(),
        "",
        &scene.ca.certificate_pem(),
        scene.aws.clock().now(),
    );
    words.expect_err("what the old key signed is not of the new key");
}

#[test]
fn a_subordinate_can_be_made_to_outlive_its_root() {
    let scene = Scene::new();
    let root = scene
        .aws
        .root(KeyAlgorithm::EcPrime256v1)
        .valid_for(days(30))
        .create();
    let ca = scene.aws.subordinate(&root).valid_for(days(300)).create();
    assert!(ca.not_after() > root.not_after());
}
