use aws_sdk_acmpca::types::SigningAlgorithm as Signing;

use super::*;
use crate::aws::{RamPermission, Status, UsageMode};

#[tokio::test]
async fn the_arn_ends_in_the_serial_number_of_32_lower_case_hex_digits() {
    let scene = Scene::new();
    let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    let serial = arn
        .strip_prefix(&format!("{}/certificate/", scene.ca.arn()))
        .unwrap();
    assert_eq!(serial.len(), 32);
    let certificate = delivered(&scene.client, &scene.ca, &arn)
        .await
        .certificate
        .unwrap();
    assert_eq!(field(&certificate, "-serial").to_lowercase(), serial);
}

#[tokio::test]
async fn a_certificate_begins_an_hour_before_it_was_issued_and_ends_as_asked() {
    let scene = Scene::new();
    let issued = scene
        .issued(scene.issue().validity(validity(Unit::Days, 90)))
        .await
        .certificate
        .unwrap();
    assert_eq!(field(&issued, "-startdate"), "Feb 28 23:00:00 2026 GMT");
    assert_eq!(field(&issued, "-enddate"), "May 30 00:00:00 2026 GMT");
}

#[tokio::test]
async fn an_absolute_end_and_an_absolute_beginning_are_taken_to_the_second() {
    let scene = Scene::new();
    let (begin, end) = (
        moment("2026-03-02T03:04:05Z"),
        moment("2026-03-03T00:00:01Z"),
    );
    let request = scene
        .issue()
        .validity(validity(Unit::Absolute, end.as_second()))
        .validity_not_before(validity(Unit::Absolute, begin.as_second()));
    let issued = scene.issued(request).await.certificate.unwrap();
    assert_eq!(field(&issued, "-startdate"), "Mar  2 03:04:05 2026 GMT");
    assert_eq!(field(&issued, "-enddate"), "Mar  3 00:00:01 2026 GMT");
}

#[tokio::test]
async fn a_beginning_that_is_not_absolute_is_refused() {
    let scene = Scene::new();
    let answer = scene
        .issue()
        .validity_not_before(validity(Unit::Days, 1))
        .send()
        .await;
    assert_eq!(said(answer).0, "ValidationException");
}

#[tokio::test]
async fn dates_from_2050_on_are_understood_by_openssl() {
    let scene = Scene::new();
    let old = scene
        .aws
        .root(KeyAlgorithm::EcPrime256v1)
        .valid_for(days(365 * 40))
        .create();
    let request = issue(&scene.client, &old).validity(validity(Unit::EndDate, 20_511_231_235_959));
    let arn = request.send().await.unwrap().certificate_arn.unwrap();
    let issued = delivered(&scene.client, &old, &arn)
        .await
        .certificate
        .unwrap();
    assert_eq!(field(&issued, "-enddate"), "Dec 31 23:59:59 2051 GMT");
}

#[tokio::test]
async fn a_certificate_must_end_before_the_ca_does() {
    let scene = Scene::new();
    let end = scene.ca.not_after().as_second();
    let at_the_end = scene
        .issue()
        .validity(validity(Unit::Absolute, end))
        .send()
        .await;
    let (code, message) = said(at_the_end);
    assert_eq!(code, "ValidationException");
    assert_eq!(
        message,
        "The certificate validity specified exceeds the certificate authority validity."
    );
    scene
        .issue()
        .validity(validity(Unit::Absolute, end - 1))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_certificate_must_end_in_the_future() {
    let scene = Scene::new();
    let now = scene.aws.clock().now().as_second();
    assert_eq!(
        said(
            scene
                .issue()
                .validity(validity(Unit::Absolute, now))
                .send()
                .await
        )
        .0,
        "ValidationException"
    );
    scene
        .issue()
        .validity(validity(Unit::Absolute, now + 1))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_path_as_long_as_that_of_the_ca_is_refused() {
    let scene = Scene::new();
    let longer = scene.ca.template_arn("SubordinateCACertificate_PathLen1");
    let (code, message) = said(scene.issue().template_arn(longer).send().await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("ValidationException", "Path length check failed for CA")
    );
}

#[tokio::test]
async fn a_ca_of_path_length_0_makes_no_cas_but_leaves() {
    let scene = Scene::new();
    let last = scene.aws.subordinate(&scene.ca).path_length(0).create();
    let refused = issue(&scene.client, &last).validity(validity(Unit::Days, 1));
    assert_eq!(said(refused.clone().send().await).0, "ValidationException");
    refused
        .template_arn(last.template_arn("EndEntityCertificate"))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_root_without_a_path_length_makes_cas_of_any() {
    let scene = Scene::new();
    let longest = scene.root.template_arn("SubordinateCACertificate_PathLen3");
    issue(&scene.client, &scene.root)
        .template_arn(longest)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_signing_algorithm_of_another_family_is_refused_with_the_list_of_what_fits() {
    let scene = Scene::new();
    let rsa = scene.aws.root(KeyAlgorithm::Rsa2048).create();
    let (code, message) = said(issue(&scene.client, &rsa).send().await);
    assert_eq!(code, "InvalidArgsException");
    assert_eq!(
        message,
        "Signing algorithm SHA256WITHECDSA cannot be used with key type RSA_2048. \
         Valid signing algorithms are: SHA256WITHRSA, SHA384WITHRSA, SHA512WITHRSA, \
         SHA256WITHRSA_PSS, SHA384WITHRSA_PSS, SHA512WITHRSA_PSS."
    );
    let answer = scene
        .issue()
        .signing_algorithm(Signing::Sha256Withrsa)
        .send()
        .await;
    assert_eq!(said(answer).0, "InvalidArgsException");
}

#[tokio::test]
async fn an_ecdsa_ca_signs_with_the_hash_of_its_curve_only() {
    let scene = Scene::new();
    let answer = scene
        .issue()
        .signing_algorithm(Signing::Sha384Withecdsa)
        .send()
        .await;
    assert_eq!(said(answer).0, "InvalidArgsException");
}

#[tokio::test]
async fn a_short_lived_ca_issues_for_seven_days_and_not_a_second_more() {
    let scene = Scene::new();
    scene.ca.set_usage_mode(UsageMode::ShortLivedCertificate);
    let end = scene.aws.clock().now() + days(7);
    let over = scene
        .issue()
        .validity(validity(Unit::Absolute, end.as_second() + 1))
        .send()
        .await;
    assert_eq!(said(over).0, "ValidationException");
    scene
        .issue()
        .validity(validity(Unit::Days, 7))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn only_an_active_ca_issues() {
    let scene = Scene::new();
    for status in [
        Status::Creating,
        Status::PendingCertificate,
        Status::Disabled,
        Status::Expired,
        Status::Failed,
        Status::Deleted,
    ] {
        scene.ca.set_status(status);
        let (code, message) = said(scene.issue().send().await);
        assert_eq!(code, "InvalidStateException", "{status:?}");
        assert_eq!(
            message,
            "The certificate authority is not in a valid state for issuing certificates."
        );
    }
    scene.ca.set_status(Status::Active);
    scene.issue().send().await.unwrap();
}

#[tokio::test]
async fn a_ca_whose_certificate_has_run_out_issues_nothing() {
    let scene = Scene::new();
    scene
        .aws
        .clock()
        .set(scene.ca.not_after() + SignedDuration::from_secs(1));
    assert_eq!(said(scene.issue().send().await).0, "InvalidStateException");
}

#[tokio::test]
async fn a_template_must_be_of_the_partition_of_the_ca() {
    let scene = Scene::new();
    let gov = scene
        .aws
        .root(KeyAlgorithm::EcPrime256v1)
        .region("us-gov-west-1")
        .create();
    let keys = scene
        .aws
        .account_in("aws-us-gov", &gov.account())
        .user("owner");
    let client = client(&scene.aws, &keys, "us-gov-west-1");
    assert!(
        gov.arn()
            .starts_with("arn:aws-us-gov:acm-pca:us-gov-west-1:"),
        "{}",
        gov.arn()
    );
    let foreign = scene.ca.template_arn("SubordinateCACertificate_PathLen0");
    let answer = issue(&client, &gov).template_arn(foreign).send().await;
    assert_eq!(said(answer).0, "InvalidArnException");
    issue(&client, &gov).send().await.unwrap();
}

#[tokio::test]
async fn a_template_that_does_not_exist_is_refused() {
    let scene = Scene::new();
    let answer = scene
        .issue()
        .template_arn(scene.ca.template_arn("SubordinateCACertificate_PathLen9"))
        .send()
        .await;
    assert_eq!(said(answer).0, "InvalidArgsException");
}

#[tokio::test]
async fn the_template_of_a_root_is_for_no_foreign_request() {
    let scene = Scene::new();
    let answer = scene
        .issue()
        .template_arn(scene.ca.template_arn("RootCACertificate"))
        .send()
        .await;
    assert_eq!(said(answer).0, "ValidationException");
}

#[tokio::test]
async fn a_request_that_is_no_csr_is_malformed() {
    let scene = Scene::new();
    let armour = |body: &str| {
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{body}\n-----END CERTIFICATE REQUEST-----\n")
    };
    let own_certificate = scene.ca.certificate_pem();
    for csr in ["hello", &armour("aGVsbG8="), &own_certificate] {
        let answer = scene.issue().csr(Blob::new(csr)).send().await;
        assert_eq!(said(answer).0, "MalformedCSRException", "{csr}");
    }
}

#[tokio::test]
async fn a_csr_whose_signature_does_not_hold_is_malformed() {
    let scene = Scene::new();
    let mut der = openssl_bytes("req", &["-outform", "DER"], &some_csr());
    *der.last_mut().unwrap() ^= 1;
    let forged = openssl("req", &["-inform", "DER", "-outform", "PEM"], &der);
    let (code, message) = said(scene.issue().csr(Blob::new(forged)).send().await);
    assert_eq!(code, "MalformedCSRException");
    assert!(message.contains("signature"), "{message}");
}

#[tokio::test]
async fn a_csr_with_neither_subject_nor_alternative_name_is_malformed() {
    let scene = Scene::new();
    let (code, message) = said(
        scene
            .issue()
            .csr(Blob::new(csr("P-256", "/", &[])))
            .send()
            .await,
    );
    assert_eq!(code, "MalformedCSRException");
    assert!(message.contains("subject"), "{message}");
    let named = csr("P-256", "/", &["subjectAltName=DNS:ca.example.com"]);
    scene.issue().csr(Blob::new(named)).send().await.unwrap();
}

#[tokio::test]
async fn a_token_gives_the_old_certificate_for_five_minutes_whatever_else_is_asked() {
    let scene = Scene::new();
    let first = scene
        .issue()
        .idempotency_token("one")
        .send()
        .await
        .unwrap()
        .certificate_arn;
    scene.aws.clock().advance(SignedDuration::from_secs(299));
    let another = csr("P-256", "/CN=another", &[]);
    let again = scene
        .issue()
        .csr(Blob::new(another))
        .idempotency_token("one")
        .send()
        .await
        .unwrap()
        .certificate_arn;
    assert_eq!(again, first);
    assert_eq!(scene.ca.issued().len(), 1);
    scene.aws.clock().advance(SignedDuration::from_secs(1));
    let later = scene
        .issue()
        .idempotency_token("one")
        .send()
        .await
        .unwrap()
        .certificate_arn;
    assert_ne!(later, first);
}

#[tokio::test]
async fn without_a_token_and_with_another_each_request_is_its_own() {
    let scene = Scene::new();
    for token in [None, None, Some("one"), Some("two")] {
        scene
            .issue()
            .set_idempotency_token(token.map(str::to_owned))
            .send()
            .await
            .unwrap();
    }
    assert_eq!(scene.ca.issued().len(), 4);
}

#[tokio::test]
async fn the_same_token_of_another_account_is_another_token() {
    let scene = Scene::new();
    scene
        .ca
        .share_with("999988887777", RamPermission::SubordinatePathLen0Issuance);
    let other = client(
        &scene.aws,
        &scene.aws.account("999988887777").user("them"),
        REGION,
    );
    let ours = scene
        .issue()
        .idempotency_token("one")
        .send()
        .await
        .unwrap()
        .certificate_arn;
    let theirs = issue(&other, &scene.ca)
        .idempotency_token("one")
        .send()
        .await
        .unwrap()
        .certificate_arn;
    assert_ne!(ours, theirs);
}

#[tokio::test]
async fn a_token_of_more_than_36_characters_is_refused() {
    let scene = Scene::new();
    scene
        .issue()
        .idempotency_token("x".repeat(36))
        .send()
        .await
        .unwrap();
    let answer = scene.issue().idempotency_token("x".repeat(37)).send().await;
    assert_eq!(said(answer).0, "ValidationException");
}

fn openssl_bytes(command: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let out = Scrap::new("");
    let arguments: Vec<_> = arguments
        .iter()
        .copied()
        .chain(["-out", out.path()])
        .collect();
    openssl(command, &arguments, input);
    std::fs::read(out.path()).unwrap()
}
