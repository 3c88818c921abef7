//! A host as Go's go-plugin makes one: its certificate, its reading of the line, its connection.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P521_SHA512,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::either::Either;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::super::handshake::Handshake;
use super::super::host::Host;
use super::super::{Error, server};
use super::PATIENCE;
use super::stub::Stub;

pub(super) const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// The one-time certificate of a host: P-521, self-signed, a CA.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Credentials {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "localhost");
        name.push(DnType::OrganizationName, "HashiCorp");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        }
    }
}

/// The handshake line, read as go-plugin reads it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) socket: PathBuf,
    pub(super) certificate: Option<CertificateDer<'static>>,
}

impl Line {
    pub(super) fn parse(text: &str) -> Self {
        let fields: Vec<_> = text.strip_suffix('\n').unwrap().split('|').collect();
        let [core, app, network, address, protocol, certificate] = fields[..] else {
            panic!("not six fields: {text:?}");
        };
        assert_eq!((core, app, network, protocol), ("1", "6", "unix", "grpc"));
        let certificate = (certificate.len() > 50)
            .then(|| CertificateDer::from(BASE64_STANDARD_NO_PAD.decode(certificate).unwrap()));
        Self {
            socket: address.into(),
            certificate,
        }
    }
}

/// Connects as the host does: TLS if the line holds a certificate, with it as the only root.
pub(super) fn connect(line: &Line, credentials: Option<&Credentials>) -> Channel {
    let tls = line.certificate.as_ref();
    let tls = tls.map(|server| connector(server.clone(), credentials));
    let socket = line.socket.clone();
    let connector = service_fn(move |_| {
        let (tls, socket) = (tls.clone(), socket.clone());
        async move {
            let stream = UnixStream::connect(socket).await?;
            let Some(tls) = tls else {
                return Ok::<_, std::io::Error>(TokioIo::new(Either::Left(stream)));
            };
            let name = ServerName::try_from("localhost").unwrap();
            let stream = tls.connect(name, stream).await?;
            assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
            Ok(TokioIo::new(Either::Right(stream)))
        }
    });
    Endpoint::from_static("http://localhost").connect_with_connector_lazy(connector)
}

/// What the plugin says to a peer that shakes hands as a host would, but is not the host.
pub(super) async fn refusal(line: &Line, credentials: Option<&Credentials>) -> String {
    let tls = connector(line.certificate.clone().unwrap(), credentials);
    let stream = UnixStream::connect(&line.socket).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tls.connect(name, stream).await.unwrap();
    // In TLS 1.3 the client has its answer only after its own part is done.
    let answer = timeout(PATIENCE, stream.read_u8()).await;
    answer.expect("a refusal").unwrap_err().to_string()
}

fn connector(server: CertificateDer<'static>, credentials: Option<&Credentials>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(server).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match credentials {
        None => config.with_no_client_auth(),
        Some(own) => {
            let key = PrivatePkcs8KeyDer::from(own.key.clone()).into();
            let chain = vec![own.certificate.clone()];
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// A provider that serves in this process as if started by a host.
pub(super) struct Served {
    pub(super) line: Line,
    pub(super) ended: JoinHandle<Result<(), Error>>,
    /// Whether the provider has been told to stop.
    pub(super) stopped: Arc<AtomicBool>,
    _stdout: BufReader<PipeReader>,
}

impl Served {
    /// Starts one for a host with this certificate, or for one that has TLS off.
    pub(super) async fn to(client: Option<&str>) -> Self {
        let host = Host::from_environment(|name| match name {
            "TF_PLUGIN_MAGIC_COOKIE" => Some(COOKIE.1.into()),
            "PLUGIN_CLIENT_CERT" => client.map(OsString::from),
            _ => None,
        });
        let (stdout, handshake) = std::io::pipe().unwrap();
        let handshake = Handshake::to(File::from(OwnedFd::from(handshake)));
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = {
            let stopped = stopped.clone();
            move || stopped.store(true, Ordering::SeqCst)
        };
        let host = host.unwrap();
        let ended = tokio::spawn(async move { server::serve(&host, handshake, Stub, stop).await });
        let mut stdout = BufReader::new(stdout);
        let reading = spawn_blocking(move || {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            (line, stdout)
        });
        let (line, stdout) = reading.await.unwrap();
        Self {
            line: Line::parse(&line),
            ended,
            stopped,
            _stdout: stdout,
        }
    }
}
