//! What the judge finds, with its facts; never a byte of key material.

use std::fmt;

use super::certificate::CertificateFault;
use super::form::FormFault;
use super::leaf::{Bearer, Role};
use super::line::ChainFault;
use super::path::PathFault;
use super::reading::KeyFault;
use super::revocation::{self, RevocationFault};
use crate::pki::{Certificate, DistinguishedName, Fingerprint, SerialNumber, roots::RootsChange};

/// What a finding means for the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// istiod would not load these files, or would load others than were meant: at its start it
    /// ends with an error, a running one goes on with what it has.
    Load,
    /// istiod would load them, and what it signs then is refused by some or all of its peers.
    Peers,
    /// What is live is sound and so is what is to come, but workloads of the one would refuse
    /// those of the other.
    Transition,
    /// A running istiod would not take the change over until it is restarted.
    Reload,
}

/// A certificate, by where it stands and what it calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The file.
    pub file: &'static str,
    /// Whose it is.
    pub subject: DistinguishedName,
    /// Its number.
    pub serial: SerialNumber,
}

/// One thing to be said about the files.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Finding {
    /// A file of the layout is not there. Since 1.26.1 istiod does not start with a part of them.
    #[error("{file} is missing")]
    Missing {
        /// Its name.
        file: &'static str,
    },
    /// Files of both layouts: istiod reads the one with `tls.crt`, whoever wrote the other.
    #[error("{file} stands beside tls.crt, for which istiod passes over it")]
    BothLayouts {
        /// The one that istiod would pass over.
        file: &'static str,
    },
    /// The mark of a CA that istiod has made itself.
    #[error("istio-generated is there, which marks a CA that istiod has made itself")]
    Generated,
    /// A file is not PEM that all readers read alike.
    #[error("{file}: {fault}")]
    Form {
        /// Where.
        file: &'static str,
        /// What is wrong with it.
        fault: FormFault,
    },
    /// A certificate cannot be used, by itself.
    #[error("{file}: certificate {block}: {fault}")]
    Certificate {
        /// Where.
        file: &'static str,
        /// Which block of the file, from 1.
        block: usize,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// The private key cannot be used.
    #[error("{file}: {fault}")]
    Key {
        /// Where.
        file: &'static str,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// The private key is another certificate's.
    #[error("{file}: the key's public half is {key}, expected the certificate's, {certificate}")]
    OtherKey {
        /// Where the key is.
        file: &'static str,
        /// Digest of the signing certificate's public key.
        certificate: Fingerprint,
        /// Digest of the private key's public half.
        key: Fingerprint,
    },
    /// The certificates do not lead, one by one, from the signing one to a root.
    #[error("{file}: {fault}")]
    Chain {
        /// Where.
        file: &'static str,
        /// What is wrong.
        fault: ChainFault,
        /// Whether Go's verifier, which takes certificates in any order, would still find a path.
        loads: bool,
    },
    /// A certificate on the path does not allow what is below it.
    #[error("{of}: {fault}")]
    Path {
        /// Which.
        of: Named,
        /// What it does not allow.
        fault: PathFault,
    },
    /// A trust anchor that is no root.
    ///
    /// Stricter than istiod and Envoy, which trust any certificate that stands there: openssl's
    /// defaults do not, and a CA below a root is trusted beyond what its root says of it.
    #[error("{of} is no root, expected self-signed CA certificates")]
    NotARoot {
        /// Which.
        of: Named,
    },
    /// The lists of revoked certificates would make connections fail.
    #[error("ca-crl.pem: {fault}")]
    Revocation {
        /// What is wrong with them.
        fault: RevocationFault,
    },
    /// A leaf signed with the key is refused where it is presented with this chain to these roots.
    #[error("{file}: the certificate of {bearer} is not good as a {role}: {refusal}")]
    Leaf {
        /// The chain that is presented.
        file: &'static str,
        /// Whose certificate.
        bearer: Bearer,
        /// In which role.
        role: Role,
        /// The verifier's words.
        refusal: String,
    },
    /// Workloads that take up the new roots refuse those with a certificate under the live CA.
    #[error("{file}: certificates under the live root {root} (SHA-256 {sha256}) are refused by it")]
    OldLeaves {
        /// The new roots.
        file: &'static str,
        /// The root that live certificates lead to.
        root: DistinguishedName,
        /// Its fingerprint.
        sha256: Fingerprint,
    },
    /// Workloads that still have the live roots refuse those with a certificate under the new CA.
    #[error("{file}: the live one does not trust the new root {root} (SHA-256 {sha256})")]
    NewLeaves {
        /// Where the live roots are.
        file: &'static str,
        /// The root that new certificates lead to.
        root: DistinguishedName,
        /// Its fingerprint.
        sha256: Fingerprint,
    },
    /// The bytes of the trust anchors change. istiod compares bytes, and unless it runs with
    /// ISTIO_MULTIROOT_MESH it drops the whole update, the new signing certificate with it.
    #[error("{file}: its bytes change, {}", described(change))]
    RootsBytes {
        /// Where.
        file: &'static str,
        /// What changes among the certificates.
        change: RootsChange,
    },
}

fn described(change: &RootsChange) -> String {
    let names = |roots: &[Certificate]| {
        let names: Vec<_> = roots.iter().map(|root| root.subject().as_str()).collect();
        names.join(" and ")
    };
    let mut parts = Vec::new();
    if !change.added.is_empty() {
        parts.push(format!("{} comes", names(&change.added)));
    }
    if !change.removed.is_empty() {
        parts.push(format!("{} goes", names(&change.removed)));
    }
    if change.rearranged {
        parts.push("the order changes".to_owned());
    }
    if parts.is_empty() {
        parts.push("though not its certificates".to_owned());
    }
    parts.join(", ")
}

impl Named {
    pub(super) fn new(file: &'static str, certificate: &Certificate) -> Self {
        Self {
            file,
            subject: certificate.subject().clone(),
            serial: certificate.serial().clone(),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} (serial {})",
            self.file, self.subject, self.serial
        )
    }
}

impl Finding {
    /// What it means for the mesh.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. }
            | Self::BothLayouts { .. }
            | Self::Generated
            | Self::OtherKey { .. } => Kind::Load,
            // An empty chain is loaded: istiod does not miss what it only passes on.
            Self::Form {
                file: "cert-chain.pem",
                fault: FormFault::Empty,
            } => Kind::Peers,
            Self::Form { .. } => Kind::Load,
            Self::Certificate { fault, .. } => fault.kind(),
            Self::Key { fault, .. } => fault.kind(),
            Self::Chain { loads: true, .. } => Kind::Peers,
            Self::Chain { loads: false, .. } => Kind::Load,
            Self::Path { fault, .. } => fault.kind(),
            Self::Revocation { fault } => fault.kind(),
            Self::NotARoot { .. } | Self::Leaf { .. } => Kind::Peers,
            Self::OldLeaves { .. } | Self::NewLeaves { .. } => Kind::Transition,
            Self::RootsBytes { .. } => Kind::Reload,
        }
    }

    /// The file of the Secret that it is about.
    pub fn file(&self) -> &'static str {
        match self {
            Self::Generated => "istio-generated",
            Self::Revocation { .. } => revocation::FILE,
            Self::Missing { file }
            | Self::BothLayouts { file }
            | Self::Form { file, .. }
            | Self::Certificate { file, .. }
            | Self::Key { file, .. }
            | Self::OtherKey { file, .. }
            | Self::Chain { file, .. }
            | Self::Leaf { file, .. }
            | Self::OldLeaves { file, .. }
            | Self::NewLeaves { file, .. }
            | Self::RootsBytes { file, .. } => file,
            Self::Path { of, .. } | Self::NotARoot { of } => of.file,
        }
    }

    /// Whether it stands against writing the files: all but what a restart of istiod settles.
    pub fn refuses(&self) -> bool {
        self.kind() != Kind::Reload
    }
}
