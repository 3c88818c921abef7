//! What certificates say of themselves, for people.

use jiff::Timestamp;
use x509_cert::certificate::Certificate;

use super::Error;

/// One certificate of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// As RFC 4514 writes it.
    pub(super) subject: String,
    /// The end of its validity.
    pub(super) not_after: Timestamp,
}

/// The certificates of a PEM text, in its order.
pub(super) fn read(pem: &str) -> Result<Vec<Said>, Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Outputs(error.to_string());
    let chain = Certificate::load_pem_chain(pem.as_bytes()).map_err(|error| unreadable(&error))?;
    let said = chain.iter().map(|certificate| {
        let certificate = certificate.tbs_certificate();
        let end = certificate.validity().not_after.to_unix_duration();
        Ok(Said {
            subject: certificate.subject().to_string(),
            not_after: Timestamp::from_second(end.as_secs().cast_signed())
                .map_err(|error| unreadable(&error))?,
        })
    });
    said.collect()
}
