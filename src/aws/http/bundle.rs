//! A file with the CAs to trust.

use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;

use crate::aws::Error;

/// A PEM file, and which setting or variable names it.
pub(super) struct Bundle {
    pub(super) said: &'static str,
    pub(super) path: String,
}

impl Bundle {
    pub(super) fn trust(self) -> Result<TrustStore, Error> {
        let read = std::fs::read(&self.path).map_err(|error| error.to_string());
        let trusted = read.and_then(|text| trust(&text).map_err(str::to_owned));
        trusted.map_err(|reason| Error::CaBundle {
            said: self.said,
            path: self.path,
            reason,
        })
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
    const CA: &str = include_str!("../testdata/proxy-ca.pem");

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
        let bundle = Bundle {
            said: "AWS_CA_BUNDLE",
            path: "/nowhere/ca.pem".to_owned(),
        };
        let error = bundle.trust().unwrap_err().to_string();
        assert!(
            error.starts_with("AWS_CA_BUNDLE=/nowhere/ca.pem: No such file"),
            "{error}"
        );
    }
}
