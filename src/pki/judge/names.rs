//! Name constraints (RFC 5280 §4.2.1.10), judged by what a mesh's certificates are issued for:
//! SPIFFE identities, and `istiod.<namespace>.svc` for istiod itself.

use x509_cert::ext::pkix::constraints::name::GeneralSubtree;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{NameConstraints, SubjectAltName};

use super::extension;
use crate::pki::{Certificate, DistinguishedName};

/// Why a mesh cannot live under the constraints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintFault {
    /// rustls refuses every SPIFFE identity then, even one that is permitted.
    #[error("are about URIs, for which rustls refuses every workload")]
    Uri,
    /// Agents would refuse the certificate that istiod serves.
    ///
    /// Stricter than needed where one namespace is permitted, which the files do not tell.
    #[error("do not permit istiod.<namespace>.svc")]
    NotPermitted,
    /// As above.
    #[error("exclude {subtree:?}, and with it istiod.<namespace>.svc")]
    Excluded {
        /// The subtree.
        subtree: String,
    },
    /// Neither Go nor rustls can judge by them, so that they refuse everything, or could once.
    #[error("are about names of a kind that not all verifiers know")]
    OtherKind,
    /// Go refuses the whole certificate.
    #[error("hold {subtree:?}, which is no name that can be constrained")]
    Malformed {
        /// The subtree.
        subtree: String,
    },
    /// They apply to CAs as well.
    ///
    /// Stricter than all: whether the names of CAs below are permitted is not judged here, since no
    /// mesh needs such names.
    #[error("apply to {below}, which has alternative names of its own")]
    Below {
        /// The CA below.
        below: DistinguishedName,
    },
}

/// Judges the constraints of one certificate over `below`, its CAs down to the signing one.
pub(super) fn check(
    certificate: &Certificate,
    below: &[&Certificate],
) -> Result<(), ConstraintFault> {
    let Some(constraints) = extension::of::<NameConstraints>(certificate) else {
        return Ok(());
    };
    let permitted = constraints.permitted_subtrees.unwrap_or_default();
    let excluded = constraints.excluded_subtrees.unwrap_or_default();
    if permitted.is_empty() && excluded.is_empty() {
        // Go calls that malformed (RFC 5280 §4.2.1.10: one of them must be there).
        let subtree = String::new();
        return Err(ConstraintFault::Malformed { subtree });
    }
    let permitted = domains(&permitted)?;
    if !permitted.is_empty() && !permitted.iter().any(|domain| covers_services(domain)) {
        return Err(ConstraintFault::NotPermitted);
    }
    let excluded = domains(&excluded)?;
    if let Some(subtree) = excluded.into_iter().find(|domain| meets_services(domain)) {
        return Err(ConstraintFault::Excluded { subtree });
    }
    let named = below
        .iter()
        .find(|below| extension::of::<SubjectAltName>(below).is_some());
    named.map_or(Ok(()), |named| {
        let below = named.subject().clone();
        Err(ConstraintFault::Below { below })
    })
}

/// The domains among the subtrees; those of mail addresses and IP addresses bind no mesh.
fn domains(subtrees: &[GeneralSubtree]) -> Result<Vec<String>, ConstraintFault> {
    let mut domains = Vec::new();
    for subtree in subtrees {
        if subtree.minimum != 0 || subtree.maximum.is_some() {
            return Err(ConstraintFault::OtherKind);
        }
        match &subtree.base {
            GeneralName::UniformResourceIdentifier(_) => return Err(ConstraintFault::Uri),
            GeneralName::DnsName(domain) => domains.push(domain_of(domain.as_str())?),
            GeneralName::Rfc822Name(mail) => check_mail(mail.as_str())?,
            GeneralName::IpAddress(range) if is_range(range.as_bytes()) => {}
            _ => return Err(ConstraintFault::OtherKind),
        }
    }
    Ok(domains)
}

/// A domain in lower case, perhaps with a leading dot, perhaps empty: then it is all of them.
fn domain_of(subtree: &str) -> Result<String, ConstraintFault> {
    let labels = subtree.strip_prefix('.').unwrap_or(subtree);
    if subtree.is_empty() || is_host(labels) {
        return Ok(subtree.to_ascii_lowercase());
    }
    Err(ConstraintFault::Malformed {
        subtree: subtree.to_owned(),
    })
}

/// A domain, or one mailbox in it. Go reads more mailboxes than the plain ones, and gives up on the
/// certificate where it cannot.
fn check_mail(subtree: &str) -> Result<(), ConstraintFault> {
    let Some((mailbox, domain)) = subtree.split_once('@') else {
        return domain_of(subtree).map(drop);
    };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+".contains(&byte);
    let atom = |atom: &str| !atom.is_empty() && atom.bytes().all(letter);
    if mailbox.split('.').all(atom) && is_host(domain) {
        return Ok(());
    }
    Err(ConstraintFault::Malformed {
        subtree: subtree.to_owned(),
    })
}

/// Whether every `istiod.<namespace>.svc` is within the domain.
fn covers_services(domain: &str) -> bool {
    matches!(domain, "" | "svc" | ".svc")
}

/// Whether some `istiod.<namespace>.svc` may be within the domain.
fn meets_services(domain: &str) -> bool {
    domain.is_empty() || domain.rsplit('.').next() == Some("svc")
}

/// An address and a mask of ones before zeros, as Go wants it.
fn is_range(range: &[u8]) -> bool {
    if !matches!(range.len(), 8 | 32) {
        return false;
    }
    let mask = &range[range.len() / 2..];
    let ones = mask.iter().map(|byte| byte.leading_ones()).sum::<u32>();
    let bits = mask.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let rest = mask.iter().skip_while(|byte| **byte == 0xff).skip(1);
    ones == bits && rest.copied().all(|byte| byte == 0)
}

/// A host as all readers take it: labels of letters, digits, hyphens and underscores.
fn is_host(host: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    host.len() <= 253 && host.split('.').all(label)
}

/// A URI that Go reads for certain: a scheme, a host, and a path without escapes.
///
/// Stricter than Go, which also takes ports, users and some escapes; CAs have no need for them.
pub(super) fn is_plain_uri(uri: &str) -> bool {
    let Some((scheme, rest)) = uri.split_once("://") else {
        return false;
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && is_host(host)
        && path.bytes().all(letter)
}
