//! HTTPS on a free loopback port, with a CA made for this one server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::serve::Listener;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::StartError;

/// A CA's certificate in PEM, and how a server that it vouches for speaks TLS.
///
/// Valid at any time that a sandbox may say it is: from 1975 to 4096, which are rcgen's own dates.
pub(super) struct Identity {
    pub(super) ca_pem: String,
    config: Arc<ServerConfig>,
}

/// Connections whose TLS handshake is done.
pub(super) struct TlsListener {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Identity {
    /// A CA of its own, and a certificate for 127.0.0.1 and localhost.
    pub(super) fn generate() -> Result<Self, StartError> {
        let mut ca = CertificateParams::default();
        ca.distinguished_name
            .push(DnType::CommonName, "istiopca sandbox cluster");
        ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate()?;
        let ca_pem = ca.self_signed(&ca_key)?.pem();

        let mut server =
            CertificateParams::new(["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()])?;
        server
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server_key = KeyPair::generate()?;
        let certificate = server.signed_by(&server_key, &Issuer::new(ca, ca_key))?;
        let config = server_config(
            certificate.der().clone(),
            PrivatePkcs8KeyDer::from(server_key.serialize_der()),
        )?;
        Ok(Self { ca_pem, config })
    }

    /// Starts to accept connections on a free port.
    pub(super) async fn listen(&self) -> Result<TlsListener, StartError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (accepted, ready) = mpsc::channel(16);
        tokio::spawn(accept(
            listener,
            TlsAcceptor::from(self.config.clone()),
            accepted,
        ));
        Ok(TlsListener { address, ready })
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Each handshake in a task of its own, so that a slow client holds up nobody; until the receiver
/// is dropped.
async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    accepted: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    loop {
        let connection = tokio::select! {
            () = accepted.closed() => return,
            connection = listener.accept() => connection,
        };
        let Ok((stream, peer)) = connection else {
            continue;
        };
        let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
        tokio::spawn(async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                // Nobody to send it to: the cluster is being stopped.
                accepted.send((stream, peer)).await.ok();
            }
        });
    }
}

fn server_config(
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> Result<Arc<ServerConfig>, StartError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(
        config
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.into())?,
    ))
}
