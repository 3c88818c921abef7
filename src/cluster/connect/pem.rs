//! Certificates and keys as users hand them over: PEM, or base64 of it, since `base64decode` is easily forgotten.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

/// Why a text is not the PEM that it should be. Never holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPem {
    /// Neither PEM nor base64 of it.
    #[error("expected PEM, or base64 of PEM")]
    Encoding,
    /// PEM, but without what is wanted.
    #[error("expected a {wanted}, got {}", got_or_nothing(got))]
    Lacks {
        /// `certificate` or `private key`.
        wanted: &'static str,
        /// The labels of the blocks that are there.
        got: Vec<String>,
    },
    /// A certificate that cannot be an authority's.
    #[error("certificate {number} cannot be used as an authority: {why}")]
    Unusable {
        /// Counted from one.
        number: usize,
        /// The reason.
        why: String,
    },
}

/// The certificates of authorities in the text, DER, sorted, each once.
pub(super) fn authorities(text: &[u8]) -> Result<Vec<Vec<u8>>, NotPem> {
    let mut certificates = certificates(text)?;
    for (place, der) in certificates.iter().enumerate() {
        let added = RootCertStore::empty().add(CertificateDer::from(der.as_slice()));
        added.map_err(|error| NotPem::Unusable {
            number: place + 1,
            why: error.to_string(),
        })?;
    }
    certificates.sort();
    certificates.dedup();
    Ok(certificates)
}

/// Certificates, DER, as PEM.
pub(super) fn of_certificates(ders: &[Vec<u8>]) -> String {
    let blocks = ders
        .iter()
        .map(|der| pem::Pem::new("CERTIFICATE", der.clone()));
    let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_many_config(&blocks.collect::<Vec<_>>(), lines)
}

/// The text as PEM with at least one certificate.
pub(super) fn certificate_chain(text: &[u8]) -> Result<Zeroizing<String>, NotPem> {
    certificates(text)?;
    decoded(text)
}

/// The text as PEM with at least one private key that needs no password.
pub(super) fn private_key(text: &[u8]) -> Result<Zeroizing<String>, NotPem> {
    let pem = decoded(text)?;
    let plain = |label: &str| label.ends_with("PRIVATE KEY") && !label.starts_with("ENCRYPTED");
    let labels = labels(&pem)?;
    if labels.iter().any(|label| plain(label)) {
        return Ok(pem);
    }
    Err(NotPem::Lacks {
        wanted: "private key",
        got: labels,
    })
}

fn certificates(text: &[u8]) -> Result<Vec<Vec<u8>>, NotPem> {
    let pem = decoded(text)?;
    let blocks = pem::parse_many(pem.as_bytes()).map_err(|_| NotPem::Encoding)?;
    let got = blocks.iter().map(|block| block.tag().to_owned()).collect();
    let of_certificates = blocks
        .into_iter()
        .filter(|block| block.tag() == "CERTIFICATE");
    let certificates: Vec<_> = of_certificates.map(pem::Pem::into_contents).collect();
    if certificates.is_empty() {
        Err(NotPem::Lacks {
            wanted: "certificate",
            got,
        })
    } else {
        Ok(certificates)
    }
}

fn labels(pem: &str) -> Result<Vec<String>, NotPem> {
    let blocks = pem::parse_many(pem.as_bytes()).map_err(|_| NotPem::Encoding)?;
    Ok(blocks
        .into_iter()
        .map(|block| {
            let label = block.tag().to_owned();
            drop(Zeroizing::new(block.into_contents()));
            label
        })
        .collect())
}

fn decoded(text: &[u8]) -> Result<Zeroizing<String>, NotPem> {
    let text = std::str::from_utf8(text).map_err(|_| NotPem::Encoding)?;
    if text.contains(BEGIN) {
        return Ok(Zeroizing::new(text.to_owned()));
    }
    let packed: Zeroizing<String> = Zeroizing::new(text.split_whitespace().collect());
    let bytes = STANDARD
        .decode(packed.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| NotPem::Encoding)?;
    let pem = std::str::from_utf8(&bytes).map_err(|_| NotPem::Encoding)?;
    if pem.contains(BEGIN) {
        Ok(Zeroizing::new(pem.to_owned()))
    } else {
        Err(NotPem::Encoding)
    }
}

fn got_or_nothing(labels: &[String]) -> String {
    if labels.is_empty() {
        "nothing".to_owned()
    } else {
        labels.join(", ")
    }
}

const BEGIN: &str = "-----BEGIN ";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cluster::connect::samples::{CA_ONE, CA_TWO, IDENTITY};

    #[test]
    fn pem_and_base64_of_pem_are_the_same() {
        let plain = authorities(CA_ONE.as_bytes()).unwrap();
        assert_eq!(plain.len(), 1);
        assert_eq!(
            authorities(STANDARD.encode(CA_ONE).as_bytes()).unwrap(),
            plain
        );
        let wrapped = STANDARD
            .encode(CA_ONE)
            .as_bytes()
            .chunks(60)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>();
        assert_eq!(authorities(&wrapped.join(&b'\n')).unwrap(), plain);
    }

    #[test]
    fn authorities_are_a_set() {
        let there = authorities(format!("{CA_ONE}{}", *CA_TWO).as_bytes()).unwrap();
        let back = authorities(format!("{0}{CA_ONE}{0}", *CA_TWO).as_bytes()).unwrap();
        assert_eq!((there.len(), there == back), (2, true));
    }

    #[test]
    fn what_is_not_wanted_is_named() {
        let lacking = authorities(IDENTITY.key.as_bytes()).unwrap_err();
        assert_eq!(
            lacking.to_string(),
            "expected a certificate, got PRIVATE KEY"
        );
        let lacking = private_key(CA_ONE.as_bytes()).unwrap_err();
        assert_eq!(
            lacking.to_string(),
            "expected a private key, got CERTIFICATE"
        );
        let encrypted = IDENTITY.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert!(private_key(encrypted.as_bytes()).is_err());
        assert!(private_key(IDENTITY.key.as_bytes()).is_ok());
    }

    #[test]
    fn a_path_or_a_token_is_not_pem() {
        for text in ["/etc/ca.crt", "aHVudGVyMg==", "", "\u{1f980}"] {
            assert_eq!(authorities(text.as_bytes()), Err(NotPem::Encoding));
        }
    }

    #[test]
    fn a_certificate_that_is_none_is_refused_by_number() {
        let junk = "-----BEGIN CERTIFICATE-----\naHVudGVyMg==\n-----END CERTIFICATE-----\n";
        let refused = authorities(format!("{CA_ONE}{junk}").as_bytes()).unwrap_err();
        assert!(
            matches!(refused, NotPem::Unusable { number: 2, .. }),
            "{refused}"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text: Vec<u8>, inside: String) {
            let _ = (authorities(&text), private_key(&text));
            let block = format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
            let _ = (authorities(block.as_bytes()), certificate_chain(block.as_bytes()));
        }
    }
}
