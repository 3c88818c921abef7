//! One certificate by itself: whether Go, rustls and BoringSSL all read it, and read the same.

use std::collections::HashSet;

use x509_cert::certificate::{CertificateInner, Raw, Version};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Tag, Tagged};
use x509_cert::name::Name;

use super::finding::{Finding, Kind};
use super::public_key::UnfitKey;
use super::reading::Reading;
use super::{ExtensionFault, der, extension, public_key};
use crate::pki::{Certificate, Chain, DistinguishedName, Format};

/// What is wrong with a certificate, whatever stands above or below it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// No certificate, or not in DER.
    #[error("cannot be read as an X.509 certificate in DER")]
    Unreadable,
    /// Not version 3, the one that says whether it is a CA.
    #[error("{subject} is not of version 3, or has unique identifiers")]
    Version {
        /// Whose.
        subject: DistinguishedName,
    },
    /// Go refuses such certificates since 1.23.
    #[error("{subject} has a negative serial number")]
    Serial {
        /// Whose.
        subject: DistinguishedName,
    },
    /// A name without attributes (RFC 5280 §4.1.2.6 wants some in a CA's), or with values in types
    /// that Go does not read.
    #[error("{subject} has a name that not all verifiers read")]
    Name {
        /// Whose.
        subject: DistinguishedName,
    },
    /// A key that not every verifier takes.
    #[error("{subject} is over {got}, expected RSA of 2048 to 8192 bits or EC on P-256 or P-384")]
    PublicKey {
        /// Whose.
        subject: DistinguishedName,
        /// Which.
        got: UnfitKey,
    },
    /// An extension is not as all verifiers want it.
    #[error("the extension {oid} of {subject} {fault}")]
    Extension {
        /// Whose.
        subject: DistinguishedName,
        /// Which.
        oid: ObjectIdentifier,
        /// What is wrong with it.
        fault: ExtensionFault,
    },
}

impl CertificateFault {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::PublicKey { .. } => Kind::Peers,
            _ => Kind::Load,
        }
    }
}

/// Every certificate that somebody reads: agents and ztunnel read each root, related or not.
pub(super) fn judge(bundle: &Reading) -> Vec<Finding> {
    let format = bundle.format;
    let lists = [
        (
            format.certificate_file(),
            std::slice::from_ref(&bundle.signing),
        ),
        (format.chain_file(), &bundle.chain),
        (format.roots_file(), &bundle.roots),
    ];
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (file, certificates) in lists {
        // The same certificate stands in more than one file, and is told of once.
        let certificates = certificates
            .iter()
            .zip(1..)
            .filter(|(it, _)| seen.insert(*it));
        found.extend(certificates.filter_map(|(it, block)| faulty(file, block, it)));
    }
    found
}

/// The issuer of a mesh's CA that does not exist yet, and all above it.
pub(super) fn judge_issuer(issuer: &Chain) -> Vec<Finding> {
    let numbered = issuer.path().iter().zip(1..);
    let faulty =
        numbered.filter_map(|(it, block)| faulty(Format::default().chain_file(), block, it));
    faulty.collect()
}

fn faulty(file: &'static str, block: usize, certificate: &Certificate) -> Option<Finding> {
    let fault = check(certificate).err()?;
    Some(Finding::Certificate { file, block, fault })
}

fn check(certificate: &Certificate) -> Result<(), CertificateFault> {
    let subject = || certificate.subject().clone();
    let bytes = certificate.to_der();
    let parsed = CertificateInner::<Raw>::from_der(bytes);
    let Some(parsed) = parsed.ok().filter(|_| der::is_strict(bytes)) else {
        return Err(CertificateFault::Unreadable);
    };
    let tbs = parsed.tbs_certificate();
    let unique = tbs.issuer_unique_id().is_some() || tbs.subject_unique_id().is_some();
    if tbs.version() != Version::V3 || unique {
        return Err(CertificateFault::Version { subject: subject() });
    }
    if certificate.serial().is_negative() {
        return Err(CertificateFault::Serial { subject: subject() });
    }
    if !is_readable(tbs.subject()) || !is_readable(tbs.issuer()) {
        return Err(CertificateFault::Name { subject: subject() });
    }
    public_key::check(certificate.public_key()).map_err(|got| CertificateFault::PublicKey {
        subject: subject(),
        got,
    })?;
    let extensions = tbs.extensions().map_or(&[][..], Vec::as_slice);
    extension::check(extensions).map_err(|(oid, fault)| CertificateFault::Extension {
        subject: subject(),
        oid,
        fault,
    })
}

/// Whether Go takes the type of each value; that its letters are the type's own was seen with the
/// DER.
pub(super) fn is_readable(name: &Name) -> bool {
    let mut rdns = name.as_ref().as_ref().iter().peekable();
    let mut values = rdns.clone().flat_map(|rdn| rdn.as_ref().as_slice());
    rdns.peek().is_some()
        && values.all(|attribute| {
            matches!(
                attribute.value.tag(),
                Tag::Utf8String
                    | Tag::PrintableString
                    | Tag::Ia5String
                    | Tag::TeletexString
                    | Tag::BmpString
                    | Tag::NumericString
            )
        })
}
