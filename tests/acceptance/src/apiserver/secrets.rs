//! What is in a namespace's Secrets, asked of the server as the administrator and at once, from
//! wherever the question comes: also from where a test ends.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

use super::ApiServer;

/// What the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

impl ApiServer {
    /// The name of each Secret in the namespace, with each text that is in it. None if there is no
    /// such namespace.
    ///
    /// # Errors
    ///
    /// When the server does not answer, or not with Secrets.
    pub fn secret_texts(&self, namespace: &str) -> io::Result<Vec<(String, String)>> {
        let list = self.ask(&format!("/api/v1/namespaces/{namespace}/secrets"))?;
        let items = list["items"].as_array();
        let items = items.ok_or_else(|| io::Error::other("the server answers without Secrets"))?;
        Ok(items.iter().flat_map(texts).collect())
    }

    /// What the server answers to GET.
    fn ask(&self, path: &str) -> io::Result<Value> {
        let address = self.url.trim_start_matches("https://");
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut stream = StreamOwned::new(self.secured()?, stream);
        let token = &self.admin.token;
        // Of this version an answer ends where the connection ends.
        write!(
            stream,
            "GET {path} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept: application/json\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // Go ends a connection without a word of farewell.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => _ = read?,
        }
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
        let body = head.map(|end| &answer[end + 4..]).unwrap_or_default();
        serde_json::from_slice(body).map_err(io::Error::other)
    }

    fn secured(&self) -> io::Result<ClientConnection> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(self.ca_pem.as_bytes()) {
            let certificate = certificate.map_err(io::Error::other)?;
            roots.add(certificate).map_err(io::Error::other)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
        ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)
    }
}

/// The texts of one Secret, as the API shows it.
pub(crate) fn texts(secret: &Value) -> Vec<(String, String)> {
    let metadata = &secret["metadata"];
    let part = |name: &str| metadata[name].as_str().unwrap_or_default();
    let name = format!("Secret {}/{}", part("namespace"), part("name"));
    let values = secret["data"].as_object().into_iter().flatten();
    let texts = values.filter_map(|(_, value)| STANDARD.decode(value.as_str()?).ok());
    texts
        .map(|text| (name.clone(), String::from_utf8_lossy(&text).into_owned()))
        .collect()
}
