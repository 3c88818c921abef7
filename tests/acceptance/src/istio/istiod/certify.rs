//! How a workload comes by its certificate: `IstioCertificateService` of istiod, by gRPC.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;
use tower::service_fn;

use crate::istio::judge::Workload;

/// Whatever kept a workload from its certificate.
pub(in crate::istio) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// `istio.v1.auth.IstioCertificateRequest`
#[derive(Clone, PartialEq, prost::Message)]
struct Request {
    /// PEM
    #[prost(string, tag = "1")]
    csr: String,
    /// In seconds.
    #[prost(int64, tag = "3")]
    validity_duration: i64,
}

/// `istio.v1.auth.IstioCertificateResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct Response {
    /// PEM: the workload's own, those between, and last all roots as one.
    #[prost(string, repeated, tag = "1")]
    cert_chain: Vec<String>,
}

const METHOD: &str = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

/// What Istio's agents ask for.
const DAY: i64 = 24 * 60 * 60;

/// Where an istiod is, and what a workload needs to know to ask it.
pub(super) struct Door<'a> {
    /// Where it listens.
    pub(super) address: &'a str,
    /// Its name in its certificate.
    pub(super) name: &'a str,
    /// The roots by which it is recognised, PEM.
    pub(super) roots: &'a str,
    /// The workload's token.
    pub(super) token: &'a str,
}

/// A new key and a certificate for it, for whoever the token belongs to.
pub(super) async fn certificate(door: &Door<'_>) -> Result<Workload, Failure> {
    let key = KeyPair::generate()?;
    let csr = CertificateParams::default()
        .serialize_request(&key)?
        .pem()?;
    let mut request = tonic::Request::new(Request {
        csr,
        validity_duration: DAY,
    });
    let bearer = MetadataValue::try_from(format!("Bearer {}", door.token))?;
    request.metadata_mut().insert("authorization", bearer);
    let mut grpc = Grpc::new(connect(door).await?);
    grpc.ready().await?;
    let codec = ProstCodec::<Request, Response>::default();
    let response = grpc
        .unary(request, PathAndQuery::from_static(METHOD), codec)
        .await?;
    let chain = response.into_inner().cert_chain;
    let (roots, presented) = chain.split_last().ok_or("istiod gave no certificate")?;
    Ok(Workload {
        chain: presented.concat(),
        key: key.serialize_pem(),
        roots: roots.clone(),
    })
}

async fn connect(door: &Door<'_>) -> Result<Channel, Failure> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(door.roots.as_bytes()) {
        roots.add(root?)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(door.address).await?;
    let name = ServerName::try_from(door.name.to_owned())?;
    // Before tonic's own connecting, which would not say why it failed.
    let mut stream = Some(connector.connect(name, stream).await?);
    let once = service_fn(move |_| {
        let stream = stream.take().map(TokioIo::new);
        async move { stream.ok_or_else(|| std::io::Error::other("it has hung up")) }
    });
    let endpoint = Endpoint::from_shared(format!("http://{}", door.name))?;
    Ok(endpoint.connect_with_connector(once).await?)
}
