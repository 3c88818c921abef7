//! Whether the chain leads, link by link, from the signing certificate to a root.

use super::finding::Finding;
use super::reading::Reading;
use crate::pki::signature::Verdict;
use crate::pki::{Certificate, Chain, DistinguishedName, SerialNumber, SignatureAlgorithm};

/// Why the chain is not the one line from the signing certificate to a root.
///
/// Stricter than istiod and its peers, which pick what they need in any order: istiod's metrics and
/// the lifetime that it allows come from the first certificate, old ztunnels took only that one,
/// TLS 1.2 wants the order (RFC 5246 §7.4.2), and what is not on the line is sent in each handshake
/// for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// It begins with another certificate, and leaves are presented without their issuer.
    #[error(
        "begins with {got} (serial {got_serial}), \
         expected the signing certificate {expected} (serial {expected_serial})"
    )]
    Begins {
        /// The signing certificate.
        expected: DistinguishedName,
        /// Its number.
        expected_serial: SerialNumber,
        /// The first of the chain.
        got: DistinguishedName,
        /// Its number.
        got_serial: SerialNumber,
    },
    /// A certificate does not stand above the one before it.
    #[error("{got} follows {subject} but is not its issuer: {why}")]
    Follows {
        /// The certificate below.
        subject: DistinguishedName,
        /// The next one.
        got: DistinguishedName,
        /// Why it is not the issuer.
        why: Break,
    },
    /// The chain goes on behind a root.
    #[error("{got} follows the root {root}")]
    Beyond {
        /// The root.
        root: DistinguishedName,
        /// What follows.
        got: DistinguishedName,
    },
    /// The chain's root is not, byte for byte, among the trust anchors.
    #[error("its root {root} is not among the trusted roots")]
    RootNotTrusted {
        /// The root.
        root: DistinguishedName,
    },
    /// The chain ends below a root that is not among the trust anchors.
    #[error("ends with {subject}, whose issuer {issuer} is not among the trusted roots: {why}")]
    NoRoot {
        /// The last certificate.
        subject: DistinguishedName,
        /// Whom it names as its issuer.
        issuer: DistinguishedName,
        /// Why the nearest root is not the issuer.
        why: Break,
    },
}

/// Why one certificate is not the issuer of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// By its name.
    #[error("it has another name")]
    Name,
    /// By the identifier of its key. Go and rustls would pass over that, OpenSSL and Envoy do not.
    #[error("its key has another identifier")]
    KeyIdentifier,
    /// The signature is of a kind that not every part of a mesh verifies: SHA-1 above all.
    #[error("the signature is {0}, which is not verified everywhere")]
    Unsupported(SignatureAlgorithm),
    /// The signature is another key's.
    #[error("the signature does not hold")]
    Signature,
}

/// The roots that the chain can end with: one, or several over the same name and key.
pub(super) fn ends(bundle: &Reading) -> Result<Vec<&Certificate>, Finding> {
    follow(bundle).map_err(|fault| Finding::Chain {
        file: bundle.format.chain_file(),
        fault,
        loads: loads(bundle),
    })
}

fn follow(bundle: &Reading) -> Result<Vec<&Certificate>, ChainFault> {
    let chain = &bundle.chain;
    let first = chain.first().unwrap_or(&bundle.signing);
    if *first != bundle.signing {
        return Err(ChainFault::Begins {
            expected: bundle.signing.subject().clone(),
            expected_serial: bundle.signing.serial().clone(),
            got: first.subject().clone(),
            got_serial: first.serial().clone(),
        });
    }
    for (below, above) in chain.iter().zip(&chain[1..]) {
        check_link(below, above)?;
    }
    let last = chain.last().unwrap_or(&bundle.signing);
    if last.is_self_signed() {
        let own = bundle.roots.iter().find(|root| *root == last);
        return own.map(|own| vec![own]).ok_or_else(|| {
            let root = last.subject().clone();
            ChainFault::RootNotTrusted { root }
        });
    }
    roots_above(last, &bundle.roots)
}

fn check_link(below: &Certificate, above: &Certificate) -> Result<(), ChainFault> {
    let (subject, got) = (below.subject().clone(), above.subject().clone());
    if below.is_self_signed() {
        return Err(ChainFault::Beyond { root: subject, got });
    }
    issued(below, above).map_err(|why| ChainFault::Follows { subject, got, why })
}

fn roots_above<'a>(
    last: &Certificate,
    roots: &'a [Certificate],
) -> Result<Vec<&'a Certificate>, ChainFault> {
    let above: Vec<_> = roots
        .iter()
        .filter(|root| issued(last, root).is_ok())
        .collect();
    if !above.is_empty() {
        return Ok(above);
    }
    let whys = roots.iter().filter_map(|root| issued(last, root).err());
    let nearest = whys.max_by_key(|why| match why {
        Break::Name => 0,
        Break::KeyIdentifier => 1,
        Break::Signature => 2,
        Break::Unsupported(_) => 3,
    });
    Err(ChainFault::NoRoot {
        subject: last.subject().clone(),
        issuer: last.issuer().clone(),
        why: nearest.unwrap_or(Break::Name),
    })
}

/// Whether `above` is the issuer of `below`, to everybody.
pub(super) fn issued(below: &Certificate, above: &Certificate) -> Result<(), Break> {
    if below.issuer() != above.subject() {
        return Err(Break::Name);
    }
    if !below.names_as_issuer(above) {
        return Err(Break::KeyIdentifier);
    }
    match below.signature_by(above) {
        Verdict::Good => Ok(()),
        Verdict::Bad => Err(Break::Signature),
        Verdict::Unsupported => Err(Break::Unsupported(below.signature_algorithm())),
    }
}

/// Whether Go would find a path all the same, in whatever order.
fn loads(bundle: &Reading) -> bool {
    let pool = bundle.chain.iter().chain(&bundle.roots);
    let found = Chain::among(bundle.signing.clone(), pool.cloned().collect());
    found.is_ok_and(|chain| bundle.roots.contains(chain.root()))
}
