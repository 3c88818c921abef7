//! A certificate with everything above it, in order and verified once.

use jiff::Timestamp;

use super::certificate::{Certificate, CertificateError};
use super::dn::DistinguishedName;
use super::signature::{SignatureAlgorithm, Verdict};

/// The path from a certificate up to its self-signed root.
///
/// Where one exists, each certificate is signed by the next, each issuer is a CA whose path length
/// allows what hangs below it, and nothing foreign is among them. A self-signed certificate is a
/// path by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// Leafmost first, root last; never empty.
    path: Vec<Certificate>,
}

/// Why certificates do not make one path to a root; each is named by its subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The text could not be read.
    #[error("could not read the chain")]
    Read(#[from] CertificateError),
    /// There is no certificate at all.
    #[error("got no certificate, expected at least one")]
    Empty,
    /// More than one certificate has signed none of the others.
    #[error(
        "got {} certificates that no other one is below ({}), expected one",
        subjects.len(),
        list(subjects)
    )]
    SeveralLeaves {
        /// Their subjects.
        subjects: Vec<DistinguishedName>,
    },
    /// The path stops before it reaches a self-signed certificate.
    #[error("the issuer of {subject} is missing: no certificate of {issuer}")]
    MissingIssuer {
        /// The last certificate that was found.
        subject: DistinguishedName,
        /// Whom it names as its issuer.
        issuer: DistinguishedName,
    },
    /// A certificate of the issuer's name is there, but it is over another key.
    #[error("{subject} was not signed by the {issuer} that is given, which has another key")]
    OtherKey {
        /// The certificate whose issuer was sought.
        subject: DistinguishedName,
        /// The name of the candidate.
        issuer: DistinguishedName,
    },
    /// The issuer may be right, but this signature cannot be checked by all of a mesh's parts.
    #[error("{subject} is signed with {algorithm} by a key for which that is not supported")]
    UnsupportedSignature {
        /// The certificate that is signed so.
        subject: DistinguishedName,
        /// How.
        algorithm: SignatureAlgorithm,
    },
    /// Certificates that sign each other in a circle.
    #[error("the path from {subject} runs in a circle and reaches no root")]
    Loop {
        /// Where the circle was entered.
        subject: DistinguishedName,
    },
    /// Certificates that have no place on the path.
    #[error("got certificates that are not on the path: {}", list(subjects))]
    Foreign {
        /// Their subjects.
        subjects: Vec<DistinguishedName>,
    },
    /// An issuer without CA:TRUE.
    #[error("{subject} has signed a certificate but is not a CA")]
    NotACa {
        /// The issuer.
        subject: DistinguishedName,
    },
    /// An issuer whose keyUsage lacks keyCertSign.
    #[error("{subject} has signed a certificate but its keyUsage lacks keyCertSign")]
    MayNotSign {
        /// The issuer.
        subject: DistinguishedName,
    },
    /// More CAs below an issuer than it allows: peers would refuse every workload's certificate.
    #[error("{subject} allows {allowed} CAs below it, but there are {below}")]
    PathLength {
        /// The issuer.
        subject: DistinguishedName,
        /// Its path length constraint.
        allowed: u8,
        /// How many CAs the path has below it.
        below: usize,
    },
}

impl Chain {
    /// Orders `others`, given in any order, above `certificate`; the same one twice counts once.
    pub fn assemble(
        certificate: Certificate,
        others: Vec<Certificate>,
    ) -> Result<Self, ChainError> {
        let (path, rest) = climb(certificate, others)?;
        if !rest.is_empty() {
            let subjects = rest.iter().map(|other| other.subject().clone()).collect();
            return Err(ChainError::Foreign { subjects });
        }
        check_issuers(&path)?;
        Ok(Self { path })
    }

    /// Like [`assemble`](Self::assemble), but takes what it needs from `pool` and leaves the rest.
    pub fn among(certificate: Certificate, pool: Vec<Certificate>) -> Result<Self, ChainError> {
        let (path, _) = climb(certificate, pool)?;
        check_issuers(&path)?;
        Ok(Self { path })
    }

    /// Reads one text in any order, finds the certificate that all others are above, and assembles.
    pub fn split(text: &str) -> Result<Self, ChainError> {
        let mut all: Vec<Certificate> = Vec::new();
        for certificate in Certificate::parse_all(text)? {
            if !all.contains(&certificate) {
                all.push(certificate);
            }
        }
        let leaves: Vec<usize> = (0..all.len())
            .filter(|index| is_leaf(&all, *index))
            .collect();
        match (leaves.as_slice(), all.first()) {
            ([leaf], _) => {
                let certificate = all.remove(*leaf);
                Self::assemble(certificate, all)
            }
            ([], None) => Err(ChainError::Empty),
            ([], Some(first)) => Err(ChainError::Loop {
                subject: first.subject().clone(),
            }),
            (several, _) => {
                let subjects = several
                    .iter()
                    .map(|leaf| all[*leaf].subject().clone())
                    .collect();
                Err(ChainError::SeveralLeaves { subjects })
            }
        }
    }

    /// Everything, leafmost first, root last.
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The leafmost certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.path[0]
    }

    /// The direct issuer; a self-signed certificate is its own.
    pub fn issuer(&self) -> &Certificate {
        self.path.get(1).unwrap_or(&self.path[0])
    }

    /// The CAs between certificate and root, direct issuer first; empty when the root signed
    /// directly.
    pub fn issuers(&self) -> &[Certificate] {
        let root = self.path.len() - 1;
        self.path.get(1..root).unwrap_or_default()
    }

    /// The self-signed end.
    pub fn root(&self) -> &Certificate {
        &self.path[self.path.len() - 1]
    }

    /// The certificates of the path, leafmost first, that are not valid at `now`.
    ///
    /// istiod does not start with one of them, and drops an update.
    pub fn invalid_at(&self, now: Timestamp) -> Vec<&Certificate> {
        let valid = |it: &Certificate| it.not_before() <= now && now <= it.not_after();
        self.path
            .iter()
            .filter(|certificate| !valid(certificate))
            .collect()
    }

    /// The earliest end on the whole path: when the first certificate of it goes, all below go with
    /// it.
    pub fn path_not_after(&self) -> Timestamp {
        let ends = self.path.iter().map(Certificate::not_after);
        ends.min().unwrap_or(Timestamp::MAX)
    }

    /// Everything above the certificate as PEM, direct issuer first, root last, as
    /// `certificate_chain` of hashicorp/aws; empty for a self-signed certificate.
    pub fn certificate_chain_pem(&self) -> String {
        pem_of(&self.path[1..])
    }
}

/// Canonical PEM of all `certificates`, one after another.
pub(super) fn pem_of(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

/// The path up to a root, and what is not on it.
fn climb(
    certificate: Certificate,
    others: Vec<Certificate>,
) -> Result<(Vec<Certificate>, Vec<Certificate>), ChainError> {
    let mut rest: Vec<Certificate> = Vec::new();
    for other in others {
        if other != certificate && !rest.contains(&other) {
            rest.push(other);
        }
    }
    let mut path = vec![certificate];
    while let Some(issuer) = take_issuer(&path, &mut rest)? {
        path.push(issuer);
    }
    Ok((path, rest))
}

/// The issuer of the path's last certificate, taken out of `rest`; `None` when that one is a root.
fn take_issuer(
    path: &[Certificate],
    rest: &mut Vec<Certificate>,
) -> Result<Option<Certificate>, ChainError> {
    let last = &path[path.len() - 1];
    if last.is_self_signed() {
        return Ok(None);
    }
    match rest.iter().position(|other| last.is_signed_by(other)) {
        Some(index) => Ok(Some(rest.remove(index))),
        None => Err(no_issuer(last, path, rest)),
    }
}

fn no_issuer(last: &Certificate, path: &[Certificate], rest: &[Certificate]) -> ChainError {
    let (subject, issuer) = (last.subject().clone(), last.issuer().clone());
    let named: Vec<_> = path
        .iter()
        .chain(rest)
        .filter(|other| *other.subject() == issuer)
        .collect();
    let unsupported = |other: &&Certificate| last.signature_by(other) == Verdict::Unsupported;
    if path.iter().any(|earlier| last.is_signed_by(earlier)) {
        ChainError::Loop { subject }
    } else if named.iter().any(unsupported) {
        ChainError::UnsupportedSignature {
            subject,
            algorithm: last.signature_algorithm(),
        }
    } else if named.is_empty() {
        ChainError::MissingIssuer { subject, issuer }
    } else {
        ChainError::OtherKey { subject, issuer }
    }
}

fn is_leaf(all: &[Certificate], index: usize) -> bool {
    let others = all.iter().enumerate().filter(|(other, _)| *other != index);
    let mut signed = others.filter(|(_, other)| other.is_signed_by(&all[index]));
    signed.next().is_none()
}

/// RFC 5280 §6.1.4 (k) to (n), but counted as Go and webpki do: every CA below, self-issued or not.
fn check_issuers(path: &[Certificate]) -> Result<(), ChainError> {
    let mut below = usize::from(path[0].is_ca());
    for issuer in &path[1..] {
        let subject = || issuer.subject().clone();
        if !issuer.is_ca() {
            return Err(ChainError::NotACa { subject: subject() });
        }
        if !issuer.may_sign_certificates() {
            return Err(ChainError::MayNotSign { subject: subject() });
        }
        match issuer.path_length() {
            Some(allowed) if below > usize::from(allowed) => {
                return Err(ChainError::PathLength {
                    subject: subject(),
                    allowed,
                    below,
                });
            }
            _ => below += 1,
        }
    }
    Ok(())
}

fn list(subjects: &[DistinguishedName]) -> String {
    let subjects: Vec<_> = subjects.iter().map(DistinguishedName::as_str).collect();
    subjects.join("; ")
}

#[cfg(test)]
mod tests;
