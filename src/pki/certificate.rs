//! One certificate: parsed once, its facts held beside its DER.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use x509_cert::certificate::{Profile, Raw, TbsCertificateInner};
use x509_cert::der::asn1::BitString;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{self, Decode, Encode, Reader, SliceReader, Tag};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, SubjectKeyIdentifier};
use x509_cert::serial_number::SerialNumber as Serial;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::time::Time;

use super::dn::DistinguishedName;
use super::fingerprint::{Fingerprint, PublicKey};
use super::pem::{self, PemError};
use super::serial::SerialNumber;
use super::signature::{SignatureAlgorithm, Verdict};
use super::usage::{ExtendedKeyUsage, KeyUsage, extended_key_usages, key_usages};

const LABEL: &str = "CERTIFICATE";

/// An X.509 certificate (RFC 5280). Equal when the DER is; cheap to clone.
#[derive(Clone)]
pub struct Certificate(Arc<Facts>);

struct Facts {
    der: Vec<u8>,
    /// What the issuer signed, byte for byte.
    signed: Vec<u8>,
    signature: Vec<u8>,
    signature_algorithm: SignatureAlgorithm,
    subject: DistinguishedName,
    issuer: DistinguishedName,
    serial: SerialNumber,
    not_before: Timestamp,
    not_after: Timestamp,
    public_key: PublicKey,
    is_ca: bool,
    path_length: Option<u8>,
    key_usage: Option<Vec<KeyUsage>>,
    extended_key_usage: Option<Vec<ExtendedKeyUsage>>,
    subject_key_identifier: Option<Vec<u8>>,
    authority_key_identifier: Option<Vec<u8>>,
}

/// Why a text or bytes are not the certificates that were expected; blocks are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The text is not sound PEM.
    #[error("could not read certificates as PEM")]
    Pem(#[from] PemError),
    /// There is text, but no block in it.
    #[error("got a text without any PEM block, expected certificates")]
    NoBlock,
    /// Another number of certificates than one.
    #[error("got {got} certificates, expected exactly one")]
    Count {
        /// How many.
        got: usize,
    },
    /// A block that is something else, such as a key.
    #[error("block {block} is a {label}, expected a CERTIFICATE")]
    Label {
        /// Which block.
        block: usize,
        /// What it says it is.
        label: String,
    },
    /// The bytes are no X.509 certificate in DER.
    #[error("block {block} is not a certificate that can be read")]
    Der {
        /// Which block; 1 for bare DER.
        block: usize,
        /// What the parser stumbled over.
        source: der::Error,
    },
}

impl Certificate {
    /// Reads bare DER; anything after the certificate is refused.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        Self::parse(der).map_err(|source| CertificateError::Der { block: 1, source })
    }

    /// Reads a text that holds exactly one certificate.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        let mut all = Self::parse_all(text)?;
        match (all.pop(), all.len()) {
            (Some(certificate), 0) => Ok(certificate),
            (last, rest) => Err(CertificateError::Count {
                got: rest + usize::from(last.is_some()),
            }),
        }
    }

    /// Reads every certificate of a text in order; a blank text has none.
    ///
    /// Text between blocks, CRLF, and blocks glued together are read (AWS's strings end without a
    /// newline); anything but certificates is refused.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, CertificateError> {
        let blocks = pem::blocks(text)?;
        if blocks.is_empty() && !text.trim().is_empty() {
            return Err(CertificateError::NoBlock);
        }
        let numbered = blocks.iter().zip(1..);
        numbered
            .map(|(found, block)| {
                if found.label != LABEL {
                    return Err(CertificateError::Label {
                        block,
                        label: found.label.to_owned(),
                    });
                }
                Self::parse(&found.der).map_err(|source| CertificateError::Der { block, source })
            })
            .collect()
    }

    /// Canonical PEM: 64 columns, LF, one LF at the end.
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, &self.0.der)
    }

    /// The whole certificate in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.0.der
    }

    /// Whose certificate it is.
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// Who signed it, by name.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// Unique among its issuer's certificates.
    pub fn serial(&self) -> &SerialNumber {
        &self.0.serial
    }

    /// First second of validity. AWS Private CA puts it an hour before the moment of issuing.
    pub fn not_before(&self) -> Timestamp {
        self.0.not_before
    }

    /// Last second of validity, inclusive (RFC 5280 §4.1.2.5).
    pub fn not_after(&self) -> Timestamp {
        self.0.not_after
    }

    /// The key that the certificate is over.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// Digest of the DER, as `openssl x509 -fingerprint -sha256` shows it.
    pub fn sha256(&self) -> Fingerprint {
        Fingerprint::of(&self.0.der)
    }

    /// Whether basicConstraints say CA:TRUE.
    pub fn is_ca(&self) -> bool {
        self.0.is_ca
    }

    /// How many CAs may follow below it; `None` is no limit.
    pub fn path_length(&self) -> Option<u8> {
        self.0.path_length
    }

    /// The keyUsage extension; `None` where it is absent, which allows everything.
    pub fn key_usage(&self) -> Option<&[KeyUsage]> {
        self.0.key_usage.as_deref()
    }

    /// The extendedKeyUsage extension; `None` where it is absent, which allows everything.
    pub fn extended_key_usage(&self) -> Option<&[ExtendedKeyUsage]> {
        self.0.extended_key_usage.as_deref()
    }

    /// The key's identifier as the certificate states it.
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.0.subject_key_identifier.as_deref()
    }

    /// The identifier of the issuer's key as the certificate states it.
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.authority_key_identifier.as_deref()
    }

    /// How its issuer signed it.
    pub fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.0.signature_algorithm
    }

    /// Whether keyUsage lets it sign certificates (absent, it does).
    pub fn may_sign_certificates(&self) -> bool {
        self.key_usage()
            .is_none_or(|usages| usages.contains(&KeyUsage::KeyCertSign))
    }

    /// Whether certificates below it may play `role`.
    pub fn allows(&self, role: ExtendedKeyUsage) -> bool {
        self.extended_key_usage()
            .is_none_or(|roles| roles.contains(&role) || roles.contains(&ExtendedKeyUsage::Any))
    }

    /// Whether it is its own issuer, by name and by signature.
    pub fn is_self_signed(&self) -> bool {
        self.is_signed_by(self)
    }

    /// Whether `issuer` is its issuer: names and key identifiers agree, and the signature holds.
    pub fn is_signed_by(&self, issuer: &Self) -> bool {
        self.names_as_issuer(issuer) && self.signature_by(issuer) == Verdict::Good
    }

    /// Whether `issuer` could be its issuer by what both say of themselves, the signature aside.
    ///
    /// OpenSSL and Envoy pass over an issuer whose key identifier is another, whatever the
    /// signature.
    pub(super) fn names_as_issuer(&self, issuer: &Self) -> bool {
        let identifiers = (
            self.authority_key_identifier(),
            issuer.subject_key_identifier(),
        );
        let same_key = !matches!(identifiers, (Some(wanted), Some(found)) if wanted != found);
        self.issuer() == issuer.subject() && same_key
    }

    pub(super) fn signature_by(&self, issuer: &Self) -> Verdict {
        let Facts {
            signature_algorithm,
            signed,
            signature,
            ..
        } = &*self.0;
        signature_algorithm.verify(issuer.public_key(), signed, signature)
    }

    fn parse(der: &[u8]) -> der::Result<Self> {
        let (signed, algorithm, signature) = split(der)?;
        let tbs = TbsCertificateInner::<Raw>::from_der(signed)?;
        if *tbs.signature() != algorithm {
            return Err(Tag::ObjectIdentifier.value_error().into());
        }
        let constraints = extension::<BasicConstraints>(&tbs)?;
        let facts = Facts {
            der: der.to_vec(),
            signed: signed.to_vec(),
            signature: signature.raw_bytes().to_vec(),
            signature_algorithm: SignatureAlgorithm::new(&algorithm),
            subject: DistinguishedName::new(tbs.subject())?,
            issuer: DistinguishedName::new(tbs.issuer())?,
            serial: serial_of(tbs.serial_number())?,
            not_before: timestamp(tbs.validity().not_before),
            not_after: timestamp(tbs.validity().not_after),
            public_key: PublicKey::from_spki(tbs.subject_public_key_info().to_der()?),
            is_ca: constraints
                .as_ref()
                .is_some_and(|constraints| constraints.ca),
            path_length: constraints.and_then(|constraints| constraints.path_len_constraint),
            key_usage: extension(&tbs)?.map(key_usages),
            extended_key_usage: extension(&tbs)?.map(extended_key_usages),
            subject_key_identifier: extension::<SubjectKeyIdentifier>(&tbs)?
                .map(|identifier| identifier.0.into_bytes().into()),
            authority_key_identifier: extension::<AuthorityKeyIdentifier>(&tbs)?
                .and_then(|identifier| identifier.key_identifier)
                .map(|identifier| identifier.into_bytes().into()),
        };
        Ok(Self(Arc::new(facts)))
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.der.hash(state);
    }
}

/// Enough to tell certificates apart, not their whole content.
impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Certificate({}, serial {})",
            self.subject(),
            self.serial()
        )
    }
}

/// The three parts of whatever is signed, the first one raw: encoding it anew could change what was
/// signed.
pub(super) fn split(der: &[u8]) -> der::Result<(&[u8], AlgorithmIdentifierOwned, BitString)> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|reader| {
        let signed = reader.tlv_bytes()?;
        let algorithm = reader.decode()?;
        der::Result::Ok((signed, algorithm, reader.decode::<BitString>()?))
    })?;
    reader.finish()?;
    // A signature is whole bytes; a reader that drops unused bits would see another one.
    if parts.2.unused_bits() != 0 {
        return Err(Tag::BitString.value_error().into());
    }
    Ok(parts)
}

/// One extension, or an error where it is there twice (RFC 5280 §4.2) or cannot be read.
fn extension<'a, T: Decode<'a> + AssociatedOid>(
    tbs: &'a TbsCertificateInner<Raw>,
) -> Result<Option<T>, T::Error> {
    Ok(tbs.get_extension::<T>()?.map(|(_, value)| value))
}

pub(super) fn serial_of<P: Profile>(serial: &Serial<P>) -> der::Result<SerialNumber> {
    let der = serial.to_der()?;
    let mut reader = SliceReader::new(&der)?;
    let content = reader.decode::<der::AnyRef<'_>>()?.value();
    Ok(SerialNumber::from_integer(content))
}

/// Years up to 9999; the last day of that year, "no expiry" (RFC 5280 §4.1.2.5), lies beyond jiff's
/// end and is taken as that end.
pub(super) fn timestamp(time: Time) -> Timestamp {
    let seconds = time.to_unix_duration().as_secs();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
