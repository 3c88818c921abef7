//! Which keys Istio's CA may have, and in which forms.

use super::*;
use crate::istio::bundles::{Change, KeyForm};
use crate::istio::keys::Kind;

fn with_key(kind: Kind, form: KeyForm) -> Recipe {
    let mut recipe = Recipe::plain().but(Change::Key(form));
    recipe.shape.kinds[1] = kind;
    recipe
}

#[test]
fn every_kind_of_key_signs_in_pkcs_8_and_in_its_older_form() {
    let judge = &mut Judge::start().unwrap();
    let kinds = [
        Kind::Rsa2048,
        Kind::Rsa4096,
        Kind::P256,
        Kind::P384,
        Kind::P521,
        Kind::Ed25519,
    ];
    for kind in kinds {
        for form in [KeyForm::Pkcs8, KeyForm::Traditional] {
            right(judge, with_key(kind, form));
        }
    }
}

#[test]
fn a_workload_may_have_an_rsa_key() {
    let judge = &mut Judge::start().unwrap();
    for kind in [Kind::P256, Kind::Rsa2048] {
        let case = Case::new(0, with_key(kind, KeyForm::Pkcs8), Timestamp::now());
        let opinion = judge.ask_for_leaf(&case.files, LeafKey::Rsa).unwrap();
        assert_eq!(opinion.refusals(), [""; 0]);
        let key = opinion.workload.unwrap().key;
        assert!(key.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    }
}

#[test]
fn a_key_in_another_form_does_not_load() {
    let judge = &mut Judge::start().unwrap();
    let unsupported = "unsupported PEM block type for a private key";
    for (form, why) in [
        (KeyForm::Encrypted, unsupported),
        (KeyForm::AfterParameters, unsupported),
        (KeyForm::AfterCertificate, unsupported),
        (KeyForm::Public, unsupported),
        (KeyForm::Another, "private key does not match public key"),
        (KeyForm::Mislabelled, "use ParsePKCS8PrivateKey instead"),
    ] {
        does_not_load(judge, with_key(Kind::P256, form), why);
    }
    let mislabelled = with_key(Kind::Rsa2048, KeyForm::Mislabelled);
    does_not_load(judge, mislabelled, "use ParsePKCS8PrivateKey instead");
}

#[test]
fn a_certificate_after_the_key_does_not_matter() {
    let judge = &mut Judge::start().unwrap();
    right(judge, with_key(Kind::P256, KeyForm::BeforeCertificate));
}
