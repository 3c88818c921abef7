//! `ca-crl.pem`, which istiod hands to every sidecar and ztunnel where it is there (since 1.27).

use jiff::Timestamp;
use x509_cert::certificate::{Raw, Version};
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber, CrlReason};

use super::certificate::is_readable;
use super::finding::{Finding, Kind};
use super::reading::Reading;
use super::{der, form};
use crate::pki::certificate::{serial_of, split, timestamp};
use crate::pki::signature::Verdict;
use crate::pki::{Certificate, DistinguishedName, KeyUsage, SerialNumber, SignatureAlgorithm};

/// Where the lists are.
pub(super) const FILE: &str = "ca-crl.pem";
const LABEL: &str = "X509 CRL";

/// Why connections would fail with these lists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationFault {
    /// A block is no list, or not in DER of version 2.
    #[error("list {block} cannot be read")]
    Unreadable {
        /// Which, from 1.
        block: usize,
    },
    /// A CA of the path has no list that its key has signed.
    ///
    /// Stricter than istiod about a root that is not in the chain: Envoy wants the lists of all.
    #[error("lacks a list that {subject} has signed")]
    Missing {
        /// The CA.
        subject: DistinguishedName,
        /// Whether istiod would load the files all the same.
        loads: bool,
    },
    /// A CA whose lists nobody may believe.
    #[error("{subject} may not sign lists: its keyUsage lacks cRLSign")]
    MayNotSign {
        /// The CA.
        subject: DistinguishedName,
        /// Whether istiod would load the files all the same.
        loads: bool,
    },
    /// Every verifier refuses what such a list is about.
    #[error("the list of {subject} is from {from} to {}, and now is {now}", end(*.until))]
    OutOfTime {
        /// The CA.
        subject: DistinguishedName,
        /// When it was made.
        from: Timestamp,
        /// When the next one should be there; without that it is never fresh.
        until: Option<Timestamp>,
        /// The moment of the judgement.
        now: Timestamp,
    },
    /// The list is about a part of the certificates, or differs in another way.
    ///
    /// Stricter than some: what each verifier makes of such lists is not modelled here.
    #[error("the list of {subject} has the critical extension {oid}")]
    Critical {
        /// The CA.
        subject: DistinguishedName,
        /// The extension.
        oid: ObjectIdentifier,
    },
    /// A certificate of the path is on the list.
    #[error("{subject} (serial {serial}) is revoked")]
    Revoked {
        /// Whose certificate.
        subject: DistinguishedName,
        /// Its number.
        serial: SerialNumber,
    },
}

impl RevocationFault {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Unreadable { .. } => Kind::Load,
            Self::Missing { loads, .. } | Self::MayNotSign { loads, .. } if !loads => Kind::Load,
            _ => Kind::Peers,
        }
    }
}

/// Judges the lists, in the one layout in which istiod looks for them; a file without a byte is
/// none.
pub(super) fn judge(bundle: &Reading, roots: &[&Certificate], now: Timestamp) -> Vec<Finding> {
    let lists = match bundle.revocations.as_deref().map(read) {
        None => return Vec::new(),
        Some(Ok(lists)) => lists,
        Some(Err(finding)) => return vec![finding],
    };
    let mut path: Vec<_> = bundle.chain.iter().collect();
    path.extend(roots.iter().filter(|root| !bundle.chain.contains(root)));
    let faults = path.iter().filter_map(|ca| {
        let loads = !bundle.chain.contains(ca);
        let checked = check(ca, &lists, loads, now);
        checked.and_then(|list| list.check_spares(&path)).err()
    });
    faults.map(|fault| Finding::Revocation { fault }).collect()
}

/// The list of one CA, if it is as it should be.
fn check<'a>(
    ca: &Certificate,
    lists: &'a [List],
    loads: bool,
    now: Timestamp,
) -> Result<&'a List, RevocationFault> {
    let subject = || ca.subject().clone();
    let may_sign = |usages: &[KeyUsage]| usages.contains(&KeyUsage::CrlSign);
    if !ca.key_usage().is_none_or(may_sign) {
        let subject = subject();
        return Err(RevocationFault::MayNotSign { subject, loads });
    }
    let Some(list) = lists.iter().find(|list| list.is_by(ca)) else {
        let subject = subject();
        return Err(RevocationFault::Missing { subject, loads });
    };
    if let Some(oid) = list.critical {
        let subject = subject();
        return Err(RevocationFault::Critical { subject, oid });
    }
    if now < list.from || list.until.is_none_or(|until| until < now) {
        return Err(RevocationFault::OutOfTime {
            subject: subject(),
            from: list.from,
            until: list.until,
            now,
        });
    }
    Ok(list)
}

/// A list, taken apart.
struct List {
    signed: Vec<u8>,
    signature: Vec<u8>,
    algorithm: SignatureAlgorithm,
    issuer: DistinguishedName,
    from: Timestamp,
    until: Option<Timestamp>,
    critical: Option<ObjectIdentifier>,
    revoked: Vec<SerialNumber>,
}

fn read(data: &[u8]) -> Result<Vec<List>, Finding> {
    let blocks = form::blocks(data, LABEL);
    let blocks = blocks.map_err(|fault| Finding::Form { file: FILE, fault })?;
    let lists = blocks.iter().zip(1..).map(|(der, block)| {
        List::read(der).ok_or(Finding::Revocation {
            fault: RevocationFault::Unreadable { block },
        })
    });
    lists.collect()
}

impl List {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (signed, algorithm, signature) = split(bytes).ok()?;
        let parsed = CertificateList::<Raw>::from_der(bytes).ok()?;
        let list = parsed.tbs_cert_list;
        let revoked = list.revoked_certificates.unwrap_or_default();
        let entries = revoked.iter().flat_map(|it| &it.crl_entry_extensions);
        let extensions = list.crl_extensions.iter().chain(entries).flatten();
        let sound = der::is_strict(bytes)
            && list.version == Version::V2
            && list.signature == algorithm
            && is_readable(&list.issuer)
            && extensions.clone().all(is_sound);
        if !sound {
            return None;
        }
        let serials = revoked.iter().map(|it| serial_of(&it.serial_number).ok());
        Some(Self {
            critical: extensions
                .clone()
                .find(|it| it.critical)
                .map(|it| it.extn_id),
            revoked: serials.collect::<Option<_>>()?,
            signed: signed.to_vec(),
            signature: signature.raw_bytes().to_vec(),
            algorithm: SignatureAlgorithm::new(&algorithm),
            issuer: DistinguishedName::new(&list.issuer).ok()?,
            from: timestamp(list.this_update),
            until: list.next_update.map(timestamp),
        })
    }

    fn is_by(&self, ca: &Certificate) -> bool {
        let key = ca.public_key();
        self.issuer == *ca.subject()
            && self.algorithm.verify(key, &self.signed, &self.signature) == Verdict::Good
    }

    /// Whether none of the path is on it.
    fn check_spares(&self, path: &[&Certificate]) -> Result<(), RevocationFault> {
        let on_it =
            |it: &&&Certificate| *it.issuer() == self.issuer && self.revoked.contains(it.serial());
        match path.iter().find(on_it) {
            None => Ok(()),
            Some(revoked) => Err(RevocationFault::Revoked {
                subject: revoked.subject().clone(),
                serial: revoked.serial().clone(),
            }),
        }
    }
}

/// Go reads these, and gives up on the list where it cannot.
fn is_sound(extension: &Extension) -> bool {
    let value = extension.extn_value.as_bytes();
    let readable = match extension.extn_id {
        AuthorityKeyIdentifier::OID => AuthorityKeyIdentifier::from_der(value).is_ok(),
        CrlNumber::OID => CrlNumber::from_der(value).is_ok(),
        CrlReason::OID => CrlReason::from_der(value).is_ok(),
        _ => return true,
    };
    readable && der::is_strict(value)
}

fn end(until: Option<Timestamp>) -> String {
    until.map_or_else(|| "no end".to_owned(), |until| until.to_string())
}
