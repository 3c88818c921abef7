use aws_sdk_acmpca::operation::revoke_certificate::builders::RevokeCertificateFluentBuilder;
use aws_sdk_acmpca::types::RevocationReason;

use super::*;
use crate::aws::Status;

fn revoke(scene: &Scene, ca: &CaHandle, serial: &str) -> RevokeCertificateFluentBuilder {
    let request = scene
        .client
        .revoke_certificate()
        .certificate_authority_arn(ca.arn())
        .certificate_serial(serial);
    request.revocation_reason(RevocationReason::Superseded)
}

async fn some_serial(scene: &Scene) -> String {
    scene.issue().send().await.unwrap();
    scene.ca.issued()[0].serial.clone()
}

#[tokio::test]
async fn a_certificate_is_revoked_by_its_serial_number_in_any_usual_form_of_hex() {
    let scene = Scene::new();
    let bytes = |serial: &str| {
        serial
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).into_owned())
            .collect::<Vec<_>>()
    };
    let forms: [&dyn Fn(&str) -> String; 3] = [
        &|serial| serial.to_owned(),
        &|serial| serial.to_uppercase(),
        &|serial| bytes(serial).join(":"),
    ];
    for form in forms {
        let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
        let serial = form(arn.rsplit('/').next().unwrap());
        revoke(&scene, &scene.ca, &serial).send().await.unwrap();
    }
    assert!(
        scene
            .ca
            .issued()
            .iter()
            .all(|issued| issued.revoked.as_deref() == Some("SUPERSEDED"))
    );
}

#[tokio::test]
async fn a_revoked_certificate_is_still_delivered() {
    let scene = Scene::new();
    let arn = scene.issue().send().await.unwrap().certificate_arn.unwrap();
    revoke(&scene, &scene.ca, arn.rsplit('/').next().unwrap())
        .send()
        .await
        .unwrap();
    delivered(&scene.client, &scene.ca, &arn).await;
}

#[tokio::test]
async fn revoking_twice_has_already_been_done() {
    let scene = Scene::new();
    let serial = some_serial(&scene).await;
    revoke(&scene, &scene.ca, &serial).send().await.unwrap();
    assert_eq!(
        said(revoke(&scene, &scene.ca, &serial).send().await).0,
        "RequestAlreadyProcessedException"
    );
}

#[tokio::test]
async fn a_root_cannot_be_revoked() {
    let scene = Scene::new();
    let serial = field(&scene.root.certificate_pem(), "-serial");
    let (code, message) = said(revoke(&scene, &scene.root, &serial).send().await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        (
            "InvalidRequestException",
            "Self-signed certificate can not be revoked"
        )
    );
}

#[tokio::test]
async fn an_unknown_serial_number_and_one_that_is_none_are_refused() {
    let scene = Scene::new();
    assert_eq!(
        said(revoke(&scene, &scene.ca, "07").send().await).0,
        "ResourceNotFoundException"
    );
    assert_eq!(
        said(revoke(&scene, &scene.ca, "not hex").send().await).0,
        "InvalidRequestException"
    );
    assert_eq!(
        said(revoke(&scene, &scene.ca, "+7").send().await).0,
        "InvalidRequestException"
    );
}

#[tokio::test]
async fn a_reason_that_aws_does_not_know_is_refused() {
    let scene = Scene::new();
    let serial = some_serial(&scene).await;
    let answer = revoke(&scene, &scene.ca, &serial)
        .revocation_reason(RevocationReason::from("HOLD"))
        .send()
        .await;
    assert_eq!(said(answer).0, "ValidationException");
}

#[tokio::test]
async fn a_deleted_ca_revokes_nothing() {
    let scene = Scene::new();
    let serial = some_serial(&scene).await;
    scene.ca.set_status(Status::Deleted);
    assert_eq!(
        said(revoke(&scene, &scene.ca, &serial).send().await).0,
        "InvalidStateException"
    );
}
