//! Two workloads meet: mutual TLS in memory, each with what its istiod gave it.
//!
//! Who the other is does not matter here, only whether its certificate leads to a root that is
//! trusted, so that a refusal is the fault of a bundle.

mod openssl;

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    ServerConnection, SideData, SignatureScheme,
};

use super::judge::Workload;
use super::witness::Role;

pub use openssl::shake_hands_by_openssl;

/// Why two workloads cannot talk to each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {} refuses: {why}", side(*by))]
pub struct Refusal {
    /// Which side does not go on.
    pub by: Role,
    /// What it has against the other.
    pub why: String,
}

/// A whole handshake in which both sides present a certificate.
///
/// # Errors
///
/// When one of the two refuses the other; the first one that does.
///
/// # Panics
///
/// When what istiod gave to a workload is no PEM.
pub fn shake_hands(client: &Workload, server: &Workload) -> Result<(), Refusal> {
    let refused = |by| {
        move |why: Error| Refusal {
            by,
            why: why.to_string(),
        }
    };
    let mut server = server_side(server).map_err(refused(Role::Server))?;
    let mut client = client_side(client).map_err(refused(Role::Client))?;
    loop {
        let asked = pass(&mut client, &mut server).map_err(refused(Role::Server))?;
        let answered = pass(&mut server, &mut client).map_err(refused(Role::Client))?;
        if !asked && !answered {
            let done = !client.is_handshaking() && !server.is_handshaking();
            assert!(done, "a handshake stopped half-way though nobody refused");
            return Ok(());
        }
    }
}

/// Carries what one side has to say to the other; whether there was anything.
fn pass<A: SideData, B: SideData>(
    from: &mut rustls::ConnectionCommon<A>,
    to: &mut rustls::ConnectionCommon<B>,
) -> Result<bool, Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes)
            .expect("there is always room in memory");
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest)
            .map_err(|error| Error::General(error.to_string()))?;
        to.process_new_packets()?;
    }
    Ok(!bytes.is_empty())
}

fn client_side(workload: &Workload) -> Result<ClientConnection, Error> {
    let (chain, key) = presented(workload);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let path = AnyName {
        roots: trusted(workload),
        provider: provider.clone(),
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(path))
        .with_client_auth_cert(chain, key)?;
    let anybody = ServerName::try_from("workload.invalid").expect("this is a name");
    ClientConnection::new(Arc::new(config), anybody)
}

fn server_side(workload: &Workload) -> Result<ServerConnection, Error> {
    let (chain, key) = presented(workload);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots = Arc::new(trusted(workload));
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|error| Error::General(error.to_string()))?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    ServerConnection::new(Arc::new(config))
}

fn presented(workload: &Workload) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = PrivateKeyDer::from_pem_slice(workload.key.as_bytes());
    (certificates(&workload.chain), key.expect("the key is PEM"))
}

fn trusted(workload: &Workload) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates(&workload.roots));
    store
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .expect("certificates are PEM")
}

fn side(role: Role) -> &'static str {
    match role {
        Role::Server => "server",
        Role::Client => "client",
    }
}

/// Trusts whoever's certificate leads to a root, as proxies do that compare SPIFFE names later.
#[derive(Debug)]
struct AnyName {
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let leaf = ParsedCertificate::try_from(leaf)?;
        verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, others, now, algorithms)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
