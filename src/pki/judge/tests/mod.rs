//! The judge as a whole. Files are put together by hand here, never by the code that is judged.

mod property;
mod revocation;
mod rules;
mod table;
mod transition;

use super::*;
use crate::pki::certificate::split;
use crate::pki::testing::{Ca, DAY, START, Spec};
use crate::pki::{Certificate, PrivateKey};
use x509_cert::der::Encode;

/// A day after all certificates begin.
fn now() -> Timestamp {
    at(1)
}

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(START + day * DAY).unwrap()
}

fn pem(certificates: &[&Certificate]) -> Vec<u8> {
    let text: String = certificates.iter().map(|it| it.to_pem()).collect();
    text.into_bytes()
}

/// The files of a hierarchy, leafmost first, as Istio's own Makefile would write them.
fn files(path: &[Ca]) -> Files {
    let all: Vec<_> = path.iter().map(|ca| &ca.certificate).collect();
    files_of(path, &all, &all[all.len() - 1..])
}

fn files_of(path: &[Ca], chain: &[&Certificate], roots: &[&Certificate]) -> Files {
    let mut files = Files::new();
    put(&mut files, "ca-cert.pem", pem(&[&path[0].certificate]));
    put(&mut files, "ca-key.pem", path[0].key.to_pem().expose());
    put(&mut files, "cert-chain.pem", pem(chain));
    put(&mut files, "root-cert.pem", pem(roots));
    files
}

/// The same in the layout of kubernetes.io/tls.
fn tls_files(path: &[Ca]) -> Files {
    let all: Vec<_> = path.iter().map(|ca| &ca.certificate).collect();
    let (root, chain) = all.split_last().unwrap();
    let mut files = Files::new();
    put(&mut files, "tls.crt", pem(chain));
    put(&mut files, "tls.key", path[0].key.to_pem().expose());
    put(&mut files, "ca.crt", pem(&[root]));
    files
}

fn put(files: &mut Files, name: &str, data: impl AsRef<[u8]>) {
    files.insert(name.to_owned(), data.as_ref().to_vec());
}

fn edit(files: &mut Files, name: &str, change: impl FnOnce(String) -> String) {
    let text = String::from_utf8(files[name].clone()).unwrap();
    put(files, name, change(text));
}

/// A root, a subordinate and the mesh's CA, leafmost first.
fn three(sub: Spec, mesh: Spec) -> Vec<Ca> {
    let root = Ca::root(Spec::ca("root"));
    let sub = root.sign(sub);
    let mesh = sub.sign(mesh);
    vec![mesh, sub, root]
}

fn mesh() -> Spec {
    Spec::ca("mesh").path_length(0).days(90)
}

fn sub() -> Spec {
    Spec::ca("sub").path_length(1).days(1825)
}

/// What is found, in words, each with what it means.
fn told(files: &Files) -> Vec<(Kind, String)> {
    let found = judge(files, None, now()).into_iter();
    found
        .map(|finding| (finding.kind(), finding.to_string()))
        .collect()
}

#[track_caller]
fn passes(files: &Files) {
    assert_eq!(judge(files, None, now()), []);
}

#[track_caller]
fn refused(files: &Files, kind: Kind, words: &str) {
    assert_eq!(told(files), [(kind, words.to_owned())]);
}

/// A certificate with other bytes under the signature of its issuer, which is made anew.
fn forged(
    certificate: &Certificate,
    issuer: &PrivateKey,
    edit: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    resigned(certificate.to_der(), issuer, edit)
}

/// The same with whatever is signed.
fn resigned(der: &[u8], issuer: &PrivateKey, edit: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (signed, algorithm, _) = split(der).unwrap();
    let signed = edit(signed);
    let signature = issuer.sign(&signed).unwrap();
    let signature = leaf::tlv(0x03, &[&[0], &signature]);
    leaf::tlv(0x30, &[&signed, &algorithm.to_der().unwrap(), &signature])
}

/// The bytes with one place, which must be the only one, changed to something as long.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut places = bytes.windows(from.len()).enumerate();
    let place = places.find(|(_, window)| *window == from).unwrap().0;
    assert!(!places.any(|(_, window)| window == from), "twice");
    let mut bytes = bytes.to_vec();
    bytes[place..place + to.len()].copy_from_slice(to);
    bytes
}

/// The files of a hierarchy in which the certificate at `index` is another one.
fn with_forged(path: &[Ca], index: usize, der: &[u8]) -> Files {
    let mut files = files(path);
    let old = path[index].certificate.to_pem();
    let new = crate::pki::pem::encode("CERTIFICATE", der);
    for name in ["ca-cert.pem", "cert-chain.pem", "root-cert.pem"] {
        edit(&mut files, name, |text| text.replace(&old, &new));
    }
    files
}
