//! The judge as a whole. Files are put together by hand here, never by the code that is judged.

mod table;

use super::*;
use crate::pki::Certificate;
use crate::pki::testing::{Ca, DAY, START};

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
