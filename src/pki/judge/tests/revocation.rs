//! `ca-crl.pem`: what istiod wants of it, and what Envoy wants.

use super::*;
use crate::pki::testing::hierarchy;
use rcgen::{CertificateRevocationListParams, KeyUsagePurpose, RevokedCertParams, SerialNumber};
use std::sync::LazyLock;

static MADE: LazyLock<Vec<Ca>> = LazyLock::new(|| hierarchy(1));

/// A list of one CA from the first day to the tenth.
fn list(ca: &Ca, tweak: impl FnOnce(&mut CertificateRevocationListParams)) -> String {
    ca.revocation_list(0..10, tweak)
}

fn plain(ca: &Ca) -> String {
    list(ca, |_| ())
}

fn with(lists: &[String]) -> Files {
    let mut files = files(&MADE);
    put(&mut files, "ca-crl.pem", lists.concat());
    files
}

#[test]
fn a_list_of_every_ca_passes_in_any_order() {
    let mut lists: Vec<_> = MADE.iter().map(plain).collect();
    passes(&with(&lists));
    lists.reverse();
    // One of somebody else's cluster.
    lists.push(plain(&Ca::root(Spec::ca("other"))));
    passes(&with(&lists));
}

#[test]
fn a_file_without_a_byte_is_none() {
    passes(&with(&[]));
}

#[test]
fn every_ca_of_the_path_needs_a_list_of_its_own_making() {
    let lists: Vec<_> = MADE.iter().map(plain).collect();
    let words = "ca-crl.pem: lacks a list that CN=mesh has signed";
    refused(&with(&lists[1..]), Kind::Load, words);
    let words = "ca-crl.pem: lacks a list that CN=root has signed";
    refused(&with(&lists[..2]), Kind::Load, words);
    let mut short = with(&lists[..2]);
    let chain = pem(&[&MADE[0].certificate, &MADE[1].certificate]);
    put(&mut short, "cert-chain.pem", chain);
    // Stricter than istiod, which looks at the chain only.
    refused(&short, Kind::Peers, words);
    let namesake = plain(&Ca::root(Spec::ca("root")));
    refused(
        &with(&[lists[0].clone(), lists[1].clone(), namesake]),
        Kind::Load,
        words,
    );
}

#[test]
fn a_list_out_of_its_time_stops_every_connection() {
    let lists: Vec<_> = MADE.iter().map(plain).collect();
    let late = judge(&with(&lists), None, at(11));
    let words: Vec<_> = late.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 3);
    assert_eq!(
        words[0],
        "ca-crl.pem: the list of CN=mesh is from 2026-01-01T00:00:00Z to 2026-01-11T00:00:00Z, and \
         now is 2026-01-12T00:00:00Z"
    );
    assert!(late.iter().all(|it| it.kind() == Kind::Peers));
    let mut lists = lists;
    lists[2] = MADE[2].revocation_list(5..10, |_| ());
    let early = "ca-crl.pem: the list of CN=root is from 2026-01-06T00:00:00Z";
    let told = told(&with(&lists));
    assert!(told.len() == 1 && told[0].1.starts_with(early), "{told:?}");
}

/// Of one list, made anew with other bytes.
fn edited(ca: &Ca, from: &[u8], to: &[u8]) -> String {
    let der = crate::pki::pem::blocks(&plain(ca)).unwrap()[0].der.to_vec();
    let edit = |tbs: &[u8]| replaced(tbs, from, to);
    crate::pki::pem::encode("X509 CRL", &resigned(&der, &ca.key, edit))
}

#[test]
fn a_list_that_go_does_not_read_is_named() {
    let unreadable = |from: &[u8], to: &[u8]| {
        let mut lists: Vec<_> = MADE.iter().map(plain).collect();
        lists[0] = edited(&MADE[0], from, to);
        refused(
            &with(&lists),
            Kind::Load,
            "ca-crl.pem: list 1 cannot be read",
        );
    };
    // Version 3; a name that is no UTF-8, and one of a type that Go does not know; SHA-384 within
    // what is signed and SHA-256 outside; a CRL number that is no number.
    unreadable(b"\x02\x01\x01\x30", b"\x02\x01\x02\x30");
    unreadable(b"\x0c\x04mesh", b"\x0c\x04me\xffh");
    unreadable(b"\x0c\x04mesh", b"\x1a\x04mesh");
    unreadable(b"\x3d\x04\x03\x02", b"\x3d\x04\x03\x03");
    unreadable(b"\x55\x1d\x14\x04\x03\x02", b"\x55\x1d\x14\x04\x03\x04");
}

#[test]
fn a_revoked_ca_is_named() {
    let serial = MADE[0].certificate.serial();
    let revoking = |by: usize| {
        let mut lists: Vec<_> = MADE.iter().map(plain).collect();
        lists[by] = list(&MADE[by], |params| {
            params.revoked_certs.push(RevokedCertParams {
                serial_number: SerialNumber::from_slice(serial.magnitude()),
                revocation_time: params.this_update,
                reason_code: None,
                invalidity_date: None,
            });
        });
        with(&lists)
    };
    // The same number of another issuer.
    passes(&revoking(2));
    let words = format!("ca-crl.pem: CN=mesh (serial {serial}) is revoked");
    refused(&revoking(1), Kind::Peers, &words);
}

#[test]
fn a_ca_that_may_not_sign_lists_is_named() {
    let mesh = mesh().change(|spec| spec.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let path = three(sub(), mesh);
    let mut bundle = files(&path);
    let lists: Vec<_> = path[1..].iter().map(plain).collect();
    put(&mut bundle, "ca-crl.pem", lists.concat());
    let words = "ca-crl.pem: CN=mesh may not sign lists: its keyUsage lacks cRLSign";
    refused(&bundle, Kind::Load, words);
}

#[test]
fn a_partial_list_is_not_judged() {
    let mut lists: Vec<_> = MADE.iter().map(plain).collect();
    lists[2] = list(&MADE[2], |params| {
        params.issuing_distribution_point = Some(rcgen::CrlIssuingDistributionPoint {
            distribution_point: rcgen::CrlDistributionPoint {
                uris: vec!["http://crl.example/1.crl".to_owned()],
            },
            scope: None,
        });
    });
    let words = "ca-crl.pem: the list of CN=root has the critical extension 2.5.29.28";
    refused(&with(&lists), Kind::Peers, words);
}

#[test]
fn what_is_no_list_is_named() {
    let lists: Vec<_> = MADE.iter().map(plain).collect();
    let mut more = lists.clone();
    more.push(crate::pki::pem::encode("X509 CRL", b"\x30\x00"));
    refused(
        &with(&more),
        Kind::Load,
        "ca-crl.pem: list 4 cannot be read",
    );
    let certificate = MADE[0].certificate.to_pem();
    let words = "ca-crl.pem: line 1 begins a CERTIFICATE, expected a X509 CRL";
    refused(&with(&[certificate]), Kind::Load, words);
    let mut glued = lists;
    glued[0] = glued[0].trim_end().to_owned();
    assert!(told(&with(&glued))[0].1.contains("is no BEGIN or END line"));
}
