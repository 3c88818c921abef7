//! The pure domain: keys, requests, certificates, chains, the files of the mesh's Secret, and when
//! to renew.
//!
//! Nothing here waits, reads a clock, or knows of Terraform, Kubernetes or AWS. Chance has one
//! door, [`PrivateKey::generate`]; time comes in as an argument. A value that exists is sound: a
//! [`Subject`] can be encoded, a [`Chain`] is in order and verified up to its root, a [`CaCerts`]
//! holds the key of its certificate.

mod cacerts;
mod certificate;
mod chain;
mod csr;
mod dn;
mod field;
mod fingerprint;
mod foreign;
mod horizon;
mod identity;
mod issued;
pub mod judge;
mod key;
mod live;
mod pem;
pub mod roots;
mod sealed;
mod secret;
mod serial;
mod signature;
mod subject;
#[cfg(test)]
pub(crate) mod testing;
mod usage;
mod validity;

pub use cacerts::{Bundle, BundleError, CaCerts, Contents, Format, FormatError, KeyMismatch};
pub use certificate::{Certificate, CertificateError};
pub use chain::{Chain, ChainError};
pub use csr::{RequestError, SigningRequest};
pub use dn::DistinguishedName;
pub use field::{Field, InvalidValue, Problem};
pub use fingerprint::{Fingerprint, FingerprintError, PublicKey};
pub use foreign::{Departure, ForeignError, ForeignRequest, Intended};
pub use horizon::Horizon;
pub use issued::{Expectation, Mismatch, check_issued};
pub use key::{KeyAlgorithm, KeyAlgorithmError, KeyError, KeyFamily, PrivateKey};
pub use live::{Difference, Live, Poison, ReadError, differences, private_key};
pub use pem::PemError;
pub use sealed::{Seal, SealContext, SealedError, SealedKey};
pub use secret::SecretPem;
pub use serial::SerialNumber;
pub use signature::{HashAlgorithm, SignatureAlgorithm};
pub use subject::{AlternativeNameValues, AlternativeNames, Subject, SubjectValues};
pub use usage::{ExtendedKeyUsage, KeyUsage};
pub use validity::{BeyondIssuer, Hold, PolicyError, RenewalPolicy, due, not_after, outlives};
