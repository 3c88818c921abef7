//! The one HTTP client that every AWS call goes through, sign-in included.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::timeout::TimeoutConfig;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use super::Error;

/// TLS by rustls on aws-lc-rs, proxies from the environment, and the CAs of `AWS_CA_BUNDLE`
/// *instead of* the system's where that is set, as in the other SDKs (the Rust SDK does not read
/// it).
pub(super) fn client() -> Result<SharedHttpClient, Error> {
    let trusted = match std::env::var("AWS_CA_BUNDLE")
        .ok()
        .filter(|path| !path.is_empty())
    {
        Some(path) => bundle(path)?,
        None => TrustStore::default(),
    };
    let context = TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .unwrap_or_default();
    let connectors = Mutex::new(BTreeMap::new());
    Ok(http_client_fn(move |settings, components| {
        // The SDK asks again for each call; a connector is a pool of connections, so it is kept.
        let bounds = (settings.connect_timeout(), settings.read_timeout());
        let mut connectors = connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || connector(settings, components, context.clone());
        connectors.entry(bounds).or_insert_with(make).clone()
    }))
}

fn connector(
    settings: &HttpConnectorSettings,
    components: &RuntimeComponents,
    context: TlsContext,
) -> SharedHttpConnector {
    let mut builder = Connector::builder()
        .connector_settings(settings.clone())
        .proxy_config(ProxyConfig::from_env());
    builder.set_sleep_impl(components.sleep_impl());
    let secured = builder
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context);
    SharedHttpConnector::new(secured.build())
}

/// Bounds of a single request. An attempt includes what must be asked of STS before it.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(90))
        .build()
}

fn bundle(path: String) -> Result<TrustStore, Error> {
    match std::fs::read(&path) {
        Ok(text) => trust(&text).map_err(|reason| Error::CaBundle {
            path,
            reason: reason.to_owned(),
        }),
        Err(error) => Err(Error::CaBundle {
            path,
            reason: error.to_string(),
        }),
    }
}

/// The connector panics on a certificate that it cannot use, so only usable ones reach it; bundles
/// of whole systems hold a few that are not.
fn trust(text: &[u8]) -> Result<TrustStore, &'static str> {
    let blocks = pem::parse_many(text).map_err(|_| "it is not PEM")?;
    let usable: Vec<_> = blocks.iter().filter(|block| is_usable(block)).collect();
    if usable.is_empty() {
        return Err("it holds no certificate that can be used");
    }
    let add = |store: TrustStore, block: &&pem::Pem| store.with_pem_certificate(pem::encode(block));
    Ok(usable.iter().fold(TrustStore::empty(), add))
}

fn is_usable(block: &pem::Pem) -> bool {
    let certificate = CertificateDer::from(block.contents());
    block.tag() == "CERTIFICATE" && RootCertStore::empty().add(certificate).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj
    /// /CN=proxy
    const CA: &str = include_str!("testdata/proxy-ca.pem");

    #[test]
    fn a_bundle_of_certificates_is_trusted() {
        assert!(trust(CA.as_bytes()).is_ok());
        assert!(trust(format!("# proxy of the office\n{CA}{CA}").as_bytes()).is_ok());
    }

    #[test]
    fn what_the_connector_would_panic_on_is_left_out() {
        let broken = pem::encode(&pem::Pem::new("CERTIFICATE", b"not DER".to_vec()));
        assert!(trust(format!("{broken}{CA}").as_bytes()).is_ok());
        assert_eq!(
            trust(broken.as_bytes()).unwrap_err(),
            "it holds no certificate that can be used"
        );
    }

    #[test]
    fn a_file_that_is_no_bundle_is_refused_in_words() {
        assert_eq!(
            trust(b"").unwrap_err(),
            "it holds no certificate that can be used"
        );
        let mangled = CA.replace("-----END CERTIFICATE-----", "-----END SOMETHING-----");
        assert_eq!(trust(mangled.as_bytes()).unwrap_err(), "it is not PEM");
        let error = bundle("/nowhere/ca.pem".to_owned())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("AWS_CA_BUNDLE=/nowhere/ca.pem: No such file"),
            "{error}"
        );
    }
}
