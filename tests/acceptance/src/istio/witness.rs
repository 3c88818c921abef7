//! Other judges of what istiod gives to a workload: OpenSSL, near to what Envoy does, and webpki,
//! which is what ztunnel does.

use std::process::Command;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};

use super::judge::Workload;
use super::keys::scratch;

/// Which side of a handshake presents the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server.
    Server,
    /// The client.
    Client,
}

/// What a verifier has against a workload's certificate, before whoever trusts `roots`.
pub type Judgement = Result<(), String>;

/// What OpenSSL says. With `partial`, any certificate of the roots is an end of the path, as in
/// Envoy.
///
/// # Panics
///
/// When openssl cannot be run.
pub fn openssl(workload: &Workload, roots: &str, role: Role, partial: bool) -> Judgement {
    let dir = scratch();
    let write = |name: &str, content: &str| std::fs::write(dir.path().join(name), content);
    write("chain.pem", &workload.chain)
        .and_then(|()| write("roots.pem", roots))
        .expect("there is room for a chain");
    let purpose = match role {
        Role::Server => "sslserver",
        Role::Client => "sslclient",
    };
    let run = Command::new("openssl")
        .args(["verify", "-purpose", purpose, "-CAfile", "roots.pem"])
        .args(partial.then_some("-partial_chain"))
        .args([
            "-no-CApath",
            "-no-CAstore",
            "-untrusted",
            "chain.pem",
            "chain.pem",
        ])
        .current_dir(dir.path())
        .output()
        .expect("openssl is installed");
    if run.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&run.stderr).into_owned())
    }
}

/// What rustls with webpki says.
///
/// # Errors
///
/// webpki's error, or that something cannot be read.
pub fn webpki(workload: &Workload, roots: &str, role: Role) -> Judgement {
    let words = |error: &dyn std::fmt::Debug| format!("{error:?}");
    let certificates =
        |pem: &str| CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let presented = certificates(&workload.chain).map_err(|error| words(&error))?;
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(certificates(roots).map_err(|error| words(&error))?);
    let Some((leaf, others)) = presented.split_first() else {
        return Err("nothing is presented".to_owned());
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let judged = match role {
        Role::Server => ParsedCertificate::try_from(leaf).and_then(|leaf| {
            let algorithms = provider.signature_verification_algorithms.all;
            let now = UnixTime::now();
            verify_server_cert_signed_by_trust_anchor(&leaf, &trusted, others, now, algorithms)
        }),
        Role::Client => WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), provider)
            .build()
            .map_err(|error| words(&error))?
            .verify_client_cert(leaf, others, UnixTime::now())
            .map(drop),
    };
    judged.map_err(|error| words(&error))
}
