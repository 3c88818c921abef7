//! Extensions of a CA certificate, as Go, rustls and BoringSSL read them.

use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc5280::{
    ID_CE_INHIBIT_ANY_POLICY, ID_CE_POLICY_CONSTRAINTS, ID_CE_POLICY_MAPPINGS,
};
use x509_cert::der::{Decode, DecodeOwned};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, NameConstraints, SubjectAltName,
    SubjectKeyIdentifier,
};

use super::der;
use super::names::is_plain_uri;
use crate::pki::Certificate;

/// What is wrong with an extension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtensionFault {
    /// It is there more than once (RFC 5280 §4.2): no reader takes that.
    #[error("is there more than once")]
    Repeated,
    /// It does not hold what it says, in DER.
    #[error("cannot be read")]
    Unreadable,
    /// It is marked critical, and some verifier does not know it, or must not find it so.
    ///
    /// Stricter than Go where Go knows more than rustls, as certificatePolicies.
    #[error("is critical, which some verifiers of a mesh refuse")]
    Critical,
    /// It takes part in the processing of policies.
    ///
    /// Stricter than all: Go processes policies, rustls passes over them, and what comes of it is
    /// not modelled here. AWS Private CA sets none.
    #[error("constrains certificate policies, which is not supported")]
    Policy,
    /// An alternative name that Go refuses, or of which it is not certain that it takes it.
    #[error("holds the name {name:?}, which some verifiers of a mesh refuse")]
    Name {
        /// The name.
        name: String,
    },
}

/// The first thing that is wrong with one of the extensions, and with which.
pub(super) fn check(extensions: &[Extension]) -> Result<(), (ObjectIdentifier, ExtensionFault)> {
    for (index, extension) in extensions.iter().enumerate() {
        let oid = extension.extn_id;
        if extensions[..index].iter().any(|other| other.extn_id == oid) {
            return Err((oid, ExtensionFault::Repeated));
        }
        check_one(extension).map_err(|fault| (oid, fault))?;
    }
    Ok(())
}

/// One extension of a certificate, where it is there and can be read.
pub(super) fn of<T: DecodeOwned + AssociatedOid>(certificate: &Certificate) -> Option<T> {
    let parsed = CertificateInner::<Raw>::from_der(certificate.to_der()).ok()?;
    let extensions = parsed.tbs_certificate().extensions()?;
    let found = extensions.iter().find(|it| it.extn_id == T::OID)?;
    read(found.extn_value.as_bytes()).ok()
}

fn check_one(extension: &Extension) -> Result<(), ExtensionFault> {
    let oid = extension.extn_id;
    let policies = [
        ID_CE_POLICY_CONSTRAINTS,
        ID_CE_POLICY_MAPPINGS,
        ID_CE_INHIBIT_ANY_POLICY,
    ];
    if policies.contains(&oid) {
        return Err(ExtensionFault::Policy);
    }
    if extension.critical && !MAY_BE_CRITICAL.contains(&oid) {
        return Err(ExtensionFault::Critical);
    }
    let value = extension.extn_value.as_bytes();
    match oid {
        KeyUsage::OID => read::<KeyUsage>(value).map(drop),
        BasicConstraints::OID => read::<BasicConstraints>(value).map(drop),
        ExtendedKeyUsage::OID => read::<ExtendedKeyUsage>(value).map(drop),
        NameConstraints::OID => read::<NameConstraints>(value).map(drop),
        SubjectKeyIdentifier::OID => read::<SubjectKeyIdentifier>(value).map(drop),
        AuthorityKeyIdentifier::OID => read::<AuthorityKeyIdentifier>(value).map(drop),
        AuthorityInfoAccessSyntax::OID => read::<AuthorityInfoAccessSyntax>(value).map(drop),
        SubjectAltName::OID => check_names(&read::<SubjectAltName>(value)?, extension.critical),
        CertificatePolicies::OID => check_policies(&read::<CertificatePolicies>(value)?),
        CrlDistributionPoints::OID => check_points(&read::<CrlDistributionPoints>(value)?),
        // Nobody reads what it does not know.
        _ => Ok(()),
    }
}

/// Go refuses the identifiers and authorityInfoAccess when they are critical, rustls whatever is
/// not on this list.
const MAY_BE_CRITICAL: [ObjectIdentifier; 6] = [
    KeyUsage::OID,
    BasicConstraints::OID,
    ExtendedKeyUsage::OID,
    NameConstraints::OID,
    SubjectAltName::OID,
    CrlDistributionPoints::OID,
];

fn read<T: DecodeOwned>(value: &[u8]) -> Result<T, ExtensionFault> {
    if !der::is_strict(value) {
        return Err(ExtensionFault::Unreadable);
    }
    <T as Decode<'_>>::from_der(value).map_err(|_| ExtensionFault::Unreadable)
}

/// A critical list without a name that Go knows is to Go an extension that it does not know.
fn check_names(names: &SubjectAltName, critical: bool) -> Result<(), ExtensionFault> {
    let mut known = false;
    for name in &names.0 {
        known |= match name {
            GeneralName::DnsName(_) | GeneralName::Rfc822Name(_) => true,
            GeneralName::IpAddress(address) => match address.as_bytes().len() {
                4 | 16 => true,
                _ => return Err(ExtensionFault::Unreadable),
            },
            GeneralName::UniformResourceIdentifier(uri) if is_plain_uri(uri.as_str()) => true,
            GeneralName::UniformResourceIdentifier(uri) => {
                return Err(ExtensionFault::Name {
                    name: uri.as_str().to_owned(),
                });
            }
            _ => false,
        };
    }
    if critical && !known {
        return Err(ExtensionFault::Critical);
    }
    Ok(())
}

/// Go refuses a policy that is listed twice.
fn check_policies(policies: &CertificatePolicies) -> Result<(), ExtensionFault> {
    let policies: Vec<_> = policies.0.iter().map(|it| it.policy_identifier).collect();
    let twice = (1..policies.len()).any(|at| policies[..at].contains(&policies[at]));
    if twice {
        Err(ExtensionFault::Repeated)
    } else {
        Ok(())
    }
}

/// Go knows points by their full names only.
fn check_points(points: &CrlDistributionPoints) -> Result<(), ExtensionFault> {
    let relative = points.0.iter().any(|point| {
        let name = &point.distribution_point;
        matches!(
            name,
            Some(DistributionPointName::NameRelativeToCRLIssuer(_))
        )
    });
    if relative {
        Err(ExtensionFault::Unreadable)
    } else {
        Ok(())
    }
}
