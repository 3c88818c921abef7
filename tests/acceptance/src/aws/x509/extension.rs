//! The X.509 extensions that a CA adds by itself.

use aws_lc_rs::digest;
use x509_cert::der::asn1::{Ia5String, OctetString};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage, KeyUsage,
    KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::encoding::der;

/// Any extension, its value given as it is encoded.
pub(crate) fn extension(oid: ObjectIdentifier, critical: bool, value: Vec<u8>) -> Extension {
    let value = OctetString::new(value).expect("an extension is far below DER's limit of 256 MiB");
    Extension {
        extn_id: oid,
        critical,
        extn_value: value,
    }
}

pub(crate) fn basic_constraints(ca: bool, path_length: Option<u8>, critical: bool) -> Extension {
    known(
        critical,
        &BasicConstraints {
            ca,
            path_len_constraint: path_length,
        },
    )
}

pub(crate) fn key_usage(usages: impl Into<FlagSet<KeyUsages>>, critical: bool) -> Extension {
    known(critical, &KeyUsage(usages.into()))
}

/// By the purposes' arcs under id-kp, `1.3.6.1.5.5.7.3`.
pub(crate) fn extended_key_usage(purposes: &[ObjectIdentifier], critical: bool) -> Extension {
    known(critical, &ExtendedKeyUsage(purposes.to_vec()))
}

pub(crate) fn subject_key_identifier(identifier: &[u8]) -> Extension {
    known(false, &SubjectKeyIdentifier(octets(identifier)))
}

pub(crate) fn authority_key_identifier(identifier: &[u8]) -> Extension {
    let key_identifier = Some(octets(identifier));
    known(
        false,
        &AuthorityKeyIdentifier {
            key_identifier,
            ..AuthorityKeyIdentifier::default()
        },
    )
}

/// One distribution point; `None` if the address is not ASCII.
pub(crate) fn crl_distribution_point(url: &str) -> Option<Extension> {
    let address = GeneralName::UniformResourceIdentifier(Ia5String::new(url).ok()?);
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(vec![address])),
        reasons: None,
        crl_issuer: None,
    };
    Some(known(false, &CrlDistributionPoints(vec![point])))
}

/// The key identifier of RFC 5280 §4.2.1.2 (1): SHA-1 of the public key's bits.
pub(crate) fn key_identifier(public_key: &[u8]) -> Vec<u8> {
    let key = SubjectPublicKeyInfoRef::from_der(public_key)
        .expect("a public key that has been parsed or made before");
    digest::digest(
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        key.subject_public_key.raw_bytes(),
    )
    .as_ref()
    .to_vec()
}

fn known<T: AssociatedOid + Encode>(critical: bool, value: &T) -> Extension {
    extension(T::OID, critical, der(value))
}

fn octets(bytes: &[u8]) -> OctetString {
    OctetString::new(bytes).expect("a key identifier is short")
}
