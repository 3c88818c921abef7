//! The binary as a host starts it, and just enough of a host to ask it for its schema.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hyper_util::rt::TokioIo;
use istiopca_proto::tfplugin6::get_provider_schema;
use istiopca_proto::tfplugin6::provider_client::ProviderClient;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P521_SHA512,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::UnixStream;
use tokio_rustls::TlsConnector;
use tonic::transport::Endpoint;
use tower::service_fn;

use super::Failure;

const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// The one-time certificate of a host, as go-plugin makes it: P-521, self-signed.
pub(super) struct Credentials {
    pem: String,
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Credentials {
    /// A new one.
    pub(super) fn new() -> Result<Self, Failure> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()])?;
        params
            .distinguished_name
            .push(DnType::CommonName, "localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            pem: certificate.pem(),
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
        })
    }

    /// Who trusts this plugin alone and proves to be this host.
    fn connector(&self, plugin: CertificateDer<'static>) -> Result<TlsConnector, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(plugin)?;
        let key = PrivatePkcs8KeyDer::from(self.key.clone()).into();
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_client_auth_cert(vec![self.certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// A running binary that has shaken hands.
pub(super) struct Plugin {
    child: Child,
    begun: Instant,
    socket: PathBuf,
    certificate: CertificateDer<'static>,
}

impl Plugin {
    /// Starts it and reads its line.
    pub(super) fn start(binary: &Path, host: &Credentials) -> Result<Self, Failure> {
        let begun = Instant::now();
        let mut child = Command::new(binary)
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_CLIENT_CERT", &host.pem)
            .env_remove("TF_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let fields: Vec<&str> = line.trim_end().split('|').collect();
        let ["1", "5" | "6", "unix", socket, "grpc", certificate] = fields[..] else {
            // It would live on without anybody to end it.
            child.kill()?;
            return Err(format!("not a handshake: {line:?}").into());
        };
        let certificate = BASE64_STANDARD_NO_PAD.decode(certificate)?.into();
        Ok(Self {
            child,
            begun,
            socket: socket.into(),
            certificate,
        })
    }

    /// How long ago it was started.
    pub(super) fn age(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Connects by mutual TLS, as core does, and asks for the schema.
    pub(super) async fn schema(&mut self, host: &Credentials) -> Result<(), Failure> {
        let tls = host.connector(self.certificate.clone())?;
        let socket = self.socket.clone();
        let connector = service_fn(move |_| {
            let (tls, socket) = (tls.clone(), socket.clone());
            async move {
                let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
                let stream = UnixStream::connect(socket).await?;
                Ok::<_, std::io::Error>(TokioIo::new(tls.connect(name, stream).await?))
            }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel = endpoint.connect_with_connector(connector).await?;
        let mut provider = ProviderClient::new(channel).max_decoding_message_size(usize::MAX);
        let answer = provider
            .get_provider_schema(get_provider_schema::Request {})
            .await?;
        if answer.into_inner().resource_schemas.is_empty() {
            return Err("the schema has no resources".into());
        }
        Ok(())
    }

    /// Ends it, as a host that has no more time.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // Nothing is left to end where all went well.
        let _ = self.end();
    }
}
