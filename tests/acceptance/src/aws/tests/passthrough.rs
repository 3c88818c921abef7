use aws_sdk_acmpca::types::{
    ApiPassthrough, Asn1Subject, CustomExtension, ExtendedKeyUsage, ExtendedKeyUsageType,
    Extensions, GeneralName, KeyUsage, PolicyInformation,
};

use super::*;

fn subject() -> Asn1Subject {
    Asn1Subject::builder()
        .organization("From the API")
        .common_name("api")
        .build()
}

fn extensions() -> Extensions {
    Extensions::builder()
        .key_usage(
            KeyUsage::builder()
                .key_cert_sign(true)
                .crl_sign(true)
                .build(),
        )
        .extended_key_usage(
            ExtendedKeyUsage::builder()
                .extended_key_usage_type(ExtendedKeyUsageType::TimeStamping)
                .build(),
        )
        .subject_alternative_names(GeneralName::builder().dns_name("api.example.com").build())
        .subject_alternative_names(GeneralName::builder().ip_address("10.1.2.3").build())
        .certificate_policies(
            PolicyInformation::builder()
                .cert_policy_id("1.3.6.1.4.1.99999.1")
                .build()
                .unwrap(),
        )
        .custom_extensions(
            // The UTF8String "hello".
            CustomExtension::builder()
                .object_identifier("1.3.6.1.4.1.99999.2")
                .value("DAVoZWxsbw==")
                .build()
                .unwrap(),
        )
        .build()
}

fn from_api() -> ApiPassthrough {
    ApiPassthrough::builder()
        .subject(subject())
        .extensions(extensions())
        .build()
}

async fn issued(scene: &Scene, template: &str, csr: Vec<u8>) -> String {
    let template = scene.ca.template_arn(template);
    let request = scene
        .issue()
        .template_arn(template)
        .csr(Blob::new(csr))
        .api_passthrough(from_api());
    scene.issued(request).await.certificate.unwrap()
}

#[tokio::test]
async fn a_base_template_ignores_the_api_passthrough() {
    let scene = Scene::new();
    let certificate = issued(
        &scene,
        "SubordinateCACertificate_PathLen0",
        csr("P-256", "/CN=csr", &[]),
    )
    .await;
    assert_eq!(field(&certificate, "-subject"), "CN=csr");
    assert_eq!(
        extension(&certificate, "X509v3 Subject Alternative Name"),
        None
    );
}

#[tokio::test]
async fn an_api_passthrough_template_takes_subject_and_extensions_but_keeps_its_own() {
    let scene = Scene::new();
    let asked = csr(
        "P-256",
        "/CN=csr",
        &["nameConstraints=permitted;DNS:example.com"],
    );
    let certificate = issued(
        &scene,
        "SubordinateCACertificate_PathLen0_APIPassthrough",
        asked,
    )
    .await;
    assert_eq!(field(&certificate, "-subject"), "CN=api,O=From the API");
    let names = extension(&certificate, "X509v3 Subject Alternative Name").unwrap();
    assert_eq!(names, "DNS:api.example.com, IP Address:10.1.2.3");
    assert_eq!(
        extension(&certificate, "X509v3 Extended Key Usage").unwrap(),
        "Time Stamping"
    );
    assert_eq!(
        extension(&certificate, "X509v3 Certificate Policies").unwrap(),
        "Policy: 1.3.6.1.4.1.99999.1"
    );
    assert_eq!(
        extension(&certificate, "1.3.6.1.4.1.99999.2").unwrap(),
        "..hello"
    );
    let usage = extension(&certificate, "X509v3 Key Usage").unwrap();
    assert_eq!(
        usage,
        "critical, Digital Signature, Certificate Sign, CRL Sign"
    );
    assert_eq!(extension(&certificate, "X509v3 Name Constraints"), None);
    verifies(
        &scene.root.certificate_pem(),
        &scene.ca.certificate_pem(),
        &certificate,
        scene.aws.clock().now(),
    );
}

#[tokio::test]
async fn with_both_passthroughs_the_api_beats_the_csr() {
    let scene = Scene::new();
    let asked = csr(
        "P-256",
        "/CN=csr",
        &[
            "subjectAltName=DNS:csr.example.com",
            "nameConstraints=permitted;DNS:example.com",
        ],
    );
    let certificate = issued(
        &scene,
        "SubordinateCACertificate_PathLen0_APICSRPassthrough",
        asked,
    )
    .await;
    let names = extension(&certificate, "X509v3 Subject Alternative Name").unwrap();
    assert_eq!(names, "DNS:api.example.com, IP Address:10.1.2.3");
    assert_eq!(
        extension(&certificate, "X509v3 Name Constraints").unwrap(),
        "Permitted: DNS:example.com"
    );
}

#[tokio::test]
async fn a_blank_template_gets_its_key_usage_from_the_api() {
    let scene = Scene::new();
    let certificate = issued(
        &scene,
        "BlankSubordinateCACertificate_PathLen0_APIPassthrough",
        some_csr(),
    )
    .await;
    assert_eq!(
        extension(&certificate, "X509v3 Key Usage").unwrap(),
        "critical, Certificate Sign, CRL Sign"
    );
}

#[tokio::test]
async fn what_cannot_be_encoded_is_refused() {
    let scene = Scene::new();
    let odd = Extensions::builder()
        .subject_alternative_names(GeneralName::builder().ip_address("10.0.0").build());
    let template = scene.ca.template_arn("EndEntityCertificate_APIPassthrough");
    let request = scene.issue().template_arn(template);
    let answer = request
        .api_passthrough(ApiPassthrough::builder().extensions(odd.build()).build())
        .send()
        .await;
    assert_eq!(said(answer).0, "InvalidArgsException");
}
