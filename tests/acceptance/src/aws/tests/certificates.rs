use aws_sdk_acmpca::types::SigningAlgorithm as Signing;

use super::*;

/// The request as `SubordinateCACertificate_PathLen0` of a CA with another key.
async fn issued_by(
    scene: &Scene,
    ca: &CaHandle,
    algorithm: Signing,
    csr: Vec<u8>,
) -> (String, String) {
    let request = issue(&scene.client, ca)
        .signing_algorithm(algorithm)
        .csr(Blob::new(csr));
    let arn = request.send().await.unwrap().certificate_arn.unwrap();
    let answer = delivered(&scene.client, ca, &arn).await;
    (
        answer.certificate.unwrap(),
        answer.certificate_chain.unwrap(),
    )
}

/// Root, subordinate and what it issues verify strictly, for a CA key and each way that it signs.
async fn a_chain_of_three_verifies(key: KeyAlgorithm, ways: &[(Signing, &str)], csr: Vec<u8>) {
    let scene = Scene::new();
    let root = scene.aws.root(key).create();
    let ca = scene.aws.subordinate(&root).path_length(1).create();
    for (algorithm, shown) in ways {
        let (certificate, chain) = issued_by(&scene, &ca, algorithm.clone(), csr.clone()).await;
        verifies(
            &root.certificate_pem(),
            &chain,
            &certificate,
            scene.aws.clock().now(),
        );
        assert!(
            text(&certificate).contains(&format!("Signature Algorithm: {shown}")),
            "{}",
            text(&certificate)
        );
    }
}

#[tokio::test]
async fn an_rsa_2048_hierarchy_verifies_with_every_signature_of_its_family() {
    let ways = [
        (Signing::Sha256Withrsa, "sha256WithRSAEncryption"),
        (Signing::Sha384Withrsa, "sha384WithRSAEncryption"),
        (Signing::Sha512Withrsa, "sha512WithRSAEncryption"),
        (Signing::Sha256WithrsaPss, "rsassaPss"),
        (Signing::Sha384WithrsaPss, "rsassaPss"),
        (Signing::Sha512WithrsaPss, "rsassaPss"),
    ];
    a_chain_of_three_verifies(KeyAlgorithm::Rsa2048, &ways, some_csr()).await;
}

#[tokio::test]
async fn an_rsa_3072_hierarchy_verifies() {
    let ways = [(Signing::Sha384Withrsa, "sha384WithRSAEncryption")];
    a_chain_of_three_verifies(KeyAlgorithm::Rsa3072, &ways, csr("3072", "/CN=ca", &[])).await;
}

#[tokio::test]
async fn an_rsa_4096_hierarchy_verifies() {
    let ways = [(Signing::Sha512Withrsa, "sha512WithRSAEncryption")];
    a_chain_of_three_verifies(KeyAlgorithm::Rsa4096, &ways, csr("4096", "/CN=ca", &[])).await;
}

#[tokio::test]
async fn a_p256_hierarchy_verifies_and_signs_an_rsa_key() {
    let ways = [(Signing::Sha256Withecdsa, "ecdsa-with-SHA256")];
    a_chain_of_three_verifies(
        KeyAlgorithm::EcPrime256v1,
        &ways,
        csr("2048", "/CN=ca", &[]),
    )
    .await;
}

#[tokio::test]
async fn a_p384_hierarchy_verifies() {
    let ways = [(Signing::Sha384Withecdsa, "ecdsa-with-SHA384")];
    a_chain_of_three_verifies(
        KeyAlgorithm::EcSecp384r1,
        &ways,
        csr("P-384", "/CN=ca", &[]),
    )
    .await;
}

#[tokio::test]
async fn a_p521_hierarchy_verifies() {
    let ways = [(Signing::Sha512Withecdsa, "ecdsa-with-SHA512")];
    a_chain_of_three_verifies(
        KeyAlgorithm::EcSecp521r1,
        &ways,
        csr("P-521", "/CN=ca", &[]),
    )
    .await;
}

#[tokio::test]
async fn a_chain_of_five_verifies_and_its_chain_ends_in_the_root() {
    let scene = Scene::new();
    let first = scene
        .aws
        .subordinate(&scene.root)
        .path_length(3)
        .key(KeyAlgorithm::EcSecp384r1)
        .create();
    let second = scene
        .aws
        .subordinate(&first)
        .path_length(2)
        .key(KeyAlgorithm::Rsa2048)
        .create();
    let third = scene
        .aws
        .subordinate(&second)
        .path_length(1)
        .key(KeyAlgorithm::EcPrime256v1)
        .create();
    let (certificate, chain) =
        issued_by(&scene, &third, Signing::Sha256Withecdsa, some_csr()).await;
    verifies(
        &scene.root.certificate_pem(),
        &chain,
        &certificate,
        scene.aws.clock().now(),
    );
    let parts = [&third, &second, &first, &scene.root].map(CaHandle::certificate_pem);
    assert_eq!(chain, parts.join("\n"));
}

#[tokio::test]
async fn a_certificate_does_not_verify_under_another_root() {
    let scene = Scene::new();
    let other = scene.aws.root(KeyAlgorithm::EcPrime256v1).create();
    let answer = scene.issued(scene.issue()).await;
    let now = scene.aws.clock().now();
    verified(
        &other.certificate_pem(),
        &answer.certificate_chain.unwrap(),
        &answer.certificate.unwrap(),
        now,
    )
    .unwrap_err();
}

#[tokio::test]
async fn the_subordinate_templates_make_cas_of_their_path_length() {
    let scene = Scene::new();
    for length in 0..=3 {
        let template = scene
            .root
            .template_arn(&format!("SubordinateCACertificate_PathLen{length}"));
        let request = issue(&scene.client, &scene.root).template_arn(template);
        let arn = request.send().await.unwrap().certificate_arn.unwrap();
        let ca = delivered(&scene.client, &scene.root, &arn)
            .await
            .certificate
            .unwrap();
        let constraints = extension(&ca, "X509v3 Basic Constraints").unwrap();
        assert_eq!(constraints, format!("critical, CA:TRUE, pathlen:{length}"));
        assert_eq!(
            extension(&ca, "X509v3 Key Usage").unwrap(),
            "critical, Digital Signature, Certificate Sign, CRL Sign"
        );
        assert_eq!(extension(&ca, "X509v3 Extended Key Usage"), None);
        verifies(
            &scene.root.certificate_pem(),
            "",
            &ca,
            scene.aws.clock().now(),
        );
    }
}

#[tokio::test]
async fn without_a_template_a_leaf_is_made() {
    let scene = Scene::new();
    let leaf = scene
        .issued(scene.issue().set_template_arn(None))
        .await
        .certificate
        .unwrap();
    assert_eq!(
        extension(&leaf, "X509v3 Basic Constraints").unwrap(),
        "CA:FALSE"
    );
    assert_eq!(
        extension(&leaf, "X509v3 Key Usage").unwrap(),
        "critical, Digital Signature, Key Encipherment"
    );
    let purposes = extension(&leaf, "X509v3 Extended Key Usage").unwrap();
    assert_eq!(
        purposes,
        "TLS Web Server Authentication, TLS Web Client Authentication"
    );
}

#[tokio::test]
async fn the_leaf_templates_differ_in_what_the_leaf_is_for() {
    let scene = Scene::new();
    for (template, purposes) in [
        (
            "EndEntityClientAuthCertificate",
            "TLS Web Client Authentication",
        ),
        (
            "EndEntityServerAuthCertificate",
            "TLS Web Server Authentication",
        ),
        ("CodeSigningCertificate", "critical, Code Signing"),
        ("OCSPSigningCertificate", "critical, OCSP Signing"),
    ] {
        let leaf = scene
            .issued(scene.issue().template_arn(scene.ca.template_arn(template)))
            .await
            .certificate
            .unwrap();
        assert_eq!(
            extension(&leaf, "X509v3 Extended Key Usage").unwrap(),
            purposes,
            "{template}"
        );
        assert_eq!(
            extension(&leaf, "X509v3 Basic Constraints").unwrap(),
            "CA:FALSE",
            "{template}"
        );
    }
}

#[tokio::test]
async fn the_key_identifiers_are_those_of_the_keys() {
    let scene = Scene::new();
    let certificate = scene.issued(scene.issue()).await.certificate.unwrap();
    let issuer = extension(&scene.ca.certificate_pem(), "X509v3 Subject Key Identifier").unwrap();
    assert_eq!(
        extension(&certificate, "X509v3 Authority Key Identifier")
            .unwrap()
            .replace("keyid:", ""),
        issuer
    );
    let own = extension(&certificate, "X509v3 Subject Key Identifier").unwrap();
    assert_eq!(own, identifier_by_openssl(&certificate));
}

/// Lets openssl derive the identifier: from a certificate that it signs itself for the same
/// request.
fn identifier_by_openssl(certificate: &str) -> String {
    let key = Scrap::new(&openssl(
        "x509",
        &["-noout", "-pubkey"],
        certificate.as_bytes(),
    ));
    let ours = Scrap::new(&openssl(
        "genpkey",
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        b"",
    ));
    let config = Scrap::new("subjectKeyIdentifier=hash\n");
    let arguments = [
        "-new",
        "-subj",
        "/CN=x",
        "-key",
        ours.path(),
        "-force_pubkey",
        key.path(),
        "-extfile",
        config.path(),
    ];
    extension(
        &openssl("x509", &arguments, b""),
        "X509v3 Subject Key Identifier",
    )
    .unwrap()
}

#[tokio::test]
async fn subject_and_alternative_names_come_from_the_csr_with_every_value_in_order() {
    let scene = Scene::new();
    let subject = "/C=US/O=Example Corp/OU=mesh/OU=east/OU=one/CN=Istio CA";
    let names = "subjectAltName=DNS:istiod.istio-system.svc,IP:10.0.0.1,\
                 URI:spiffe://cluster.local/ca,email:a@example.com";
    let csr = csr("P-256", subject, &[names]);
    let certificate = scene
        .issued(scene.issue().csr(Blob::new(csr.clone())))
        .await
        .certificate
        .unwrap();
    let asked = openssl("req", &["-noout", "-subject", "-nameopt", "RFC2253"], &csr);
    assert_eq!(
        format!("subject={}", field(&certificate, "-subject")),
        asked.trim()
    );
    assert_eq!(
        extension(&certificate, "X509v3 Subject Alternative Name").unwrap(),
        "DNS:istiod.istio-system.svc, IP Address:10.0.0.1, URI:spiffe://cluster.local/ca, \
         email:a@example.com"
    );
    assert_eq!(
        openssl("x509", &["-noout", "-pubkey"], certificate.as_bytes()),
        openssl("req", &["-noout", "-pubkey"], &csr)
    );
}

const ASKED: [&str; 4] = [
    "basicConstraints=critical,CA:TRUE,pathlen:7",
    "keyUsage=critical,keyAgreement",
    "nameConstraints=critical,permitted;DNS:example.com",
    "extendedKeyUsage=emailProtection",
];

#[tokio::test]
async fn a_base_template_drops_what_else_the_csr_asks_for() {
    let scene = Scene::new();
    let csr = csr("P-256", "/CN=ca", &ASKED);
    let certificate = scene
        .issued(scene.issue().csr(Blob::new(csr)))
        .await
        .certificate
        .unwrap();
    assert_eq!(
        extension(&certificate, "X509v3 Basic Constraints").unwrap(),
        "critical, CA:TRUE, pathlen:0"
    );
    assert_eq!(extension(&certificate, "X509v3 Name Constraints"), None);
    assert_eq!(extension(&certificate, "X509v3 Extended Key Usage"), None);
}

#[tokio::test]
async fn a_csr_passthrough_template_copies_what_it_does_not_define_itself() {
    let scene = Scene::new();
    let csr = csr("P-256", "/CN=ca", &ASKED);
    let template = scene
        .ca
        .template_arn("SubordinateCACertificate_PathLen0_CSRPassthrough");
    let certificate = scene
        .issued(scene.issue().csr(Blob::new(csr)).template_arn(template))
        .await
        .certificate
        .unwrap();
    assert_eq!(
        extension(&certificate, "X509v3 Basic Constraints").unwrap(),
        "critical, CA:TRUE, pathlen:0"
    );
    let usage = extension(&certificate, "X509v3 Key Usage").unwrap();
    assert_eq!(
        usage,
        "critical, Digital Signature, Certificate Sign, CRL Sign"
    );
    assert_eq!(
        extension(&certificate, "X509v3 Name Constraints").unwrap(),
        "critical, Permitted: DNS:example.com"
    );
    assert_eq!(
        extension(&certificate, "X509v3 Extended Key Usage").unwrap(),
        "E-mail Protection"
    );
}

#[tokio::test]
async fn a_blank_template_has_no_key_usage_of_its_own() {
    let scene = Scene::new();
    let template = scene
        .ca
        .template_arn("BlankSubordinateCACertificate_PathLen0_CSRPassthrough");
    let bare = scene
        .issued(scene.issue().template_arn(&template))
        .await
        .certificate
        .unwrap();
    assert_eq!(extension(&bare, "X509v3 Key Usage"), None);
    assert_eq!(
        extension(&bare, "X509v3 Basic Constraints").unwrap(),
        "critical, CA:TRUE, pathlen:0"
    );
    let csr = csr("P-256", "/CN=ca", &["keyUsage=critical,keyCertSign"]);
    let asked = scene
        .issued(scene.issue().template_arn(&template).csr(Blob::new(csr)))
        .await
        .certificate
        .unwrap();
    assert_eq!(
        extension(&asked, "X509v3 Key Usage").unwrap(),
        "critical, Certificate Sign"
    );
}

#[tokio::test]
async fn a_ca_with_a_crl_names_it_in_what_it_issues() {
    let scene = Scene::new();
    let ca = scene
        .aws
        .subordinate(&scene.root)
        .path_length(1)
        .crl("crls")
        .create();
    let (certificate, _) = issued_by(&scene, &ca, Signing::Sha256Withecdsa, some_csr()).await;
    let id = ca.arn().rsplit('/').next().unwrap().to_owned();
    let points = extension(&certificate, "X509v3 CRL Distribution Points").unwrap();
    assert_eq!(
        points,
        format!("Full Name: URI:http://crls.s3.eu-west-1.amazonaws.com/crl/{id}.crl")
    );
    let without = scene.issued(scene.issue()).await.certificate.unwrap();
    assert_eq!(extension(&without, "X509v3 CRL Distribution Points"), None);
}
