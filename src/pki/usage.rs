//! What a certificate's key may be used for.

use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5280::ANY_EXTENDED_KEY_USAGE;
use x509_cert::der::oid::db::rfc5912::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use x509_cert::ext::pkix::{ExtendedKeyUsage as PurposeList, KeyUsage as KeyUsageBits, KeyUsages};

/// What a key may be used for (RFC 5280 §4.2.1.3); the rest of the bits have no meaning for a CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUsage {
    /// Bit 0.
    DigitalSignature,
    /// Bit 1, contentCommitment since.
    NonRepudiation,
    /// Bit 2.
    KeyEncipherment,
    /// Bit 3.
    DataEncipherment,
    /// Bit 4.
    KeyAgreement,
    /// Bit 5, without which a CA's certificates are refused.
    KeyCertSign,
    /// Bit 6.
    CrlSign,
    /// Bit 7.
    EncipherOnly,
    /// Bit 8.
    DecipherOnly,
}

/// Which roles a certificate, and all that it signs, may play (RFC 5280 §4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExtendedKeyUsage {
    /// All of them.
    Any,
    /// A TLS server.
    ServerAuth,
    /// A TLS client.
    ClientAuth,
    /// Another one.
    Other(ObjectIdentifier),
}

pub(super) fn key_usages(bits: KeyUsageBits) -> Vec<KeyUsage> {
    let known = [
        (KeyUsages::DigitalSignature, KeyUsage::DigitalSignature),
        (KeyUsages::NonRepudiation, KeyUsage::NonRepudiation),
        (KeyUsages::KeyEncipherment, KeyUsage::KeyEncipherment),
        (KeyUsages::DataEncipherment, KeyUsage::DataEncipherment),
        (KeyUsages::KeyAgreement, KeyUsage::KeyAgreement),
        (KeyUsages::KeyCertSign, KeyUsage::KeyCertSign),
        (KeyUsages::CRLSign, KeyUsage::CrlSign),
        (KeyUsages::EncipherOnly, KeyUsage::EncipherOnly),
        (KeyUsages::DecipherOnly, KeyUsage::DecipherOnly),
    ];
    known
        .into_iter()
        .filter(|(bit, _)| bits.0.contains(*bit))
        .map(|(_, usage)| usage)
        .collect()
}

pub(super) fn extended_key_usages(list: PurposeList) -> Vec<ExtendedKeyUsage> {
    let known = |oid| match oid {
        ANY_EXTENDED_KEY_USAGE => ExtendedKeyUsage::Any,
        ID_KP_SERVER_AUTH => ExtendedKeyUsage::ServerAuth,
        ID_KP_CLIENT_AUTH => ExtendedKeyUsage::ClientAuth,
        other => ExtendedKeyUsage::Other(other),
    };
    list.0.into_iter().map(known).collect()
}
