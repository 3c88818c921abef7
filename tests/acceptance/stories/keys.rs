//! Every kind of key under every kind of CA, judged by openssl.

use istiopca_acceptance::aws::KeyAlgorithm;
use istiopca_acceptance::cli::Cli;
use serde_json::Value;

use crate::world::{World, days, openssl};

/// What openssl calls each of the algorithms that the provider makes keys of.
const ALGORITHMS: [(&str, &str); 5] = [
    ("EC_prime256v1", "NIST CURVE: P-256"),
    ("EC_secp384r1", "NIST CURVE: P-384"),
    ("RSA_2048", "Private-Key: (2048 bit, 2 primes)"),
    ("RSA_3072", "Private-Key: (3072 bit, 2 primes)"),
    ("RSA_4096", "Private-Key: (4096 bit, 2 primes)"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_with_an_ec_key_signs_for_every_kind_of_key() {
    for cli in Cli::both() {
        every_kind_of_key(
            cli,
            KeyAlgorithm::EcSecp384r1,
            "EC_secp384r1",
            "ecdsa-with-SHA384",
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_with_an_rsa_key_signs_for_every_kind_of_key() {
    for cli in Cli::both() {
        every_kind_of_key(
            cli,
            KeyAlgorithm::Rsa2048,
            "RSA_4096",
            "sha256WithRSAEncryption",
        )
        .await;
    }
}

/// Intermediates with a key of each kind under a CA with such a key; the mesh gets one of them.
async fn every_kind_of_key(cli: Cli, authority: KeyAlgorithm, mesh: &str, signature: &str) {
    let mut world = World::under_a_clock(cli, "keys").await;
    world.root = world.aws.root(authority).valid_for(days(3650)).create();
    let ca = world
        .aws
        .subordinate(&world.root)
        .key(authority)
        .path_length(1);
    world.ca = ca.valid_for(days(1825)).create();
    let names = ALGORITHMS.map(|(name, _)| format!("{name:?}")).join(", ");
    let all = world.intermediate_and_secret(
        &format!("for_each = toset([{names}])\n  key_algorithm = each.key"),
        "",
    );
    world.configure(&all.replace(".mesh.", &format!(".mesh[{mesh:?}].")));
    world.apply(&[]).await.succeeds();
    for (algorithm, kind) in ALGORITHMS {
        let address = format!("istiopca_intermediate.mesh[{algorithm:?}]");
        let state = world.state(&address).await;
        openssl_accepts(&world, &state, kind, signature);
    }
    world.openssl_accepts_the_live_bundle().await;
    world.plan(&[]).await.exit_code(0);
}

fn openssl_accepts(world: &World, state: &Value, kind: &str, signature: &str) {
    let write = |name: &str, attribute: &str| {
        let text = state[attribute].as_str().expect("it is delivered");
        world.dir.write(name, text);
        world.dir.path().join(name)
    };
    let certificate = write("certificate.pem", "certificate");
    let chain = write("chain.pem", "certificate_chain");
    let (root, key) = (
        write("root.pem", "root_certificate"),
        write("key.pem", "private_key_pem"),
    );
    let (root, chain) = (root.display().to_string(), chain.display().to_string());
    let mut verify = vec!["verify", "-x509_strict", "-check_ss_sig", "-attime"];
    let now = world.seconds();
    verify.extend([now.as_str(), "-CAfile", &root, "-untrusted", &chain]);
    openssl(&verify, &certificate);
    let shown = openssl(&["pkey", "-noout", "-text", "-in"], &key);
    assert!(shown.contains(kind), "it should be of the kind {kind:?}");
    let pem = state["private_key_pem"].as_str().unwrap_or_default();
    assert!(
        pem.starts_with("-----BEGIN PRIVATE KEY-----\n"),
        "it should be PKCS #8"
    );
    let shown = openssl(&["x509", "-noout", "-text", "-in"], &certificate);
    assert!(
        shown.contains(&format!("Signature Algorithm: {signature}")),
        "{shown}"
    );
    let of_certificate = openssl(&["x509", "-noout", "-pubkey", "-in"], &certificate);
    assert_eq!(of_certificate, openssl(&["pkey", "-pubout", "-in"], &key));
}
