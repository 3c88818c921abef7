//! `ApiPassthrough`: a subject and extensions that come with the request instead of in the CSR.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};
use x509_cert::der::asn1::{Any, Ia5String};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::certpolicy::{PolicyInformation, PolicyQualifierInfo};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{CertificatePolicies, KeyUsages, SubjectAltName};
use x509_cert::name::Name;

use super::super::answer::Failure;
use super::super::x509::encoding::der;
use super::super::x509::extension::{extended_key_usage, extension, key_usage};
use super::super::x509::name;

/// The parameter as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ApiPassthrough {
    subject: Option<Map<String, Value>>,
    extensions: Option<Requested>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Requested {
    certificate_policies: Option<Vec<Policy>>,
    extended_key_usage: Option<Vec<Purpose>>,
    key_usage: Option<Map<String, Value>>,
    subject_alternative_names: Option<Vec<Map<String, Value>>>,
    custom_extensions: Option<Vec<Custom>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    cert_policy_id: String,
    #[serde(default)]
    policy_qualifiers: Vec<Qualifier>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Qualifier {
    qualifier: Cps,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cps {
    cps_uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Purpose {
    extended_key_usage_type: Option<String>,
    extended_key_usage_object_identifier: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Custom {
    object_identifier: String,
    value: String,
    #[serde(default)]
    critical: bool,
}

const CPS_QUALIFIER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.2.1");

const PURPOSES: [(&str, &str); 9] = [
    ("SERVER_AUTH", "1.3.6.1.5.5.7.3.1"),
    ("CLIENT_AUTH", "1.3.6.1.5.5.7.3.2"),
    ("CODE_SIGNING", "1.3.6.1.5.5.7.3.3"),
    ("EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4"),
    ("TIME_STAMPING", "1.3.6.1.5.5.7.3.8"),
    ("OCSP_SIGNING", "1.3.6.1.5.5.7.3.9"),
    ("SMART_CARD_LOGIN", "1.3.6.1.4.1.311.20.2.2"),
    ("DOCUMENT_SIGNING", "1.3.6.1.4.1.311.10.3.12"),
    ("CERTIFICATE_TRANSPARENCY", "1.3.6.1.4.1.11129.2.4.4"),
];

const USAGES: [(&str, KeyUsages); 9] = [
    ("DigitalSignature", KeyUsages::DigitalSignature),
    ("NonRepudiation", KeyUsages::NonRepudiation),
    ("KeyEncipherment", KeyUsages::KeyEncipherment),
    ("DataEncipherment", KeyUsages::DataEncipherment),
    ("KeyAgreement", KeyUsages::KeyAgreement),
    ("KeyCertSign", KeyUsages::KeyCertSign),
    ("CRLSign", KeyUsages::CRLSign),
    ("EncipherOnly", KeyUsages::EncipherOnly),
    ("DecipherOnly", KeyUsages::DecipherOnly),
];

impl ApiPassthrough {
    /// The subject, if the request has one.
    pub(super) fn subject(&self) -> Result<Option<Name>, Failure> {
        self.subject
            .as_ref()
            .map(name::from_json)
            .transpose()
            .map_err(invalid)
    }

    /// The extensions, subject alternative names among them.
    pub(super) fn extensions(&self) -> Result<Vec<Extension>, Failure> {
        let Some(requested) = &self.extensions else {
            return Ok(Vec::new());
        };
        let mut extensions: Vec<Extension> = [
            requested
                .subject_alternative_names
                .as_deref()
                .map(alternative_names)
                .transpose()?,
            requested.key_usage.as_ref().map(usage),
            requested
                .extended_key_usage
                .as_deref()
                .map(purposes)
                .transpose()?,
            requested
                .certificate_policies
                .as_deref()
                .map(policies)
                .transpose()?,
        ]
        .into_iter()
        .flatten()
        .collect();
        for custom in requested.custom_extensions.as_deref().unwrap_or_default() {
            let value = STANDARD
                .decode(&custom.value)
                .map_err(|error| invalid(error.to_string()))?;
            extensions.push(extension(
                oid(&custom.object_identifier)?,
                custom.critical,
                value,
            ));
        }
        Ok(extensions)
    }
}

fn alternative_names(names: &[Map<String, Value>]) -> Result<Extension, Failure> {
    let names = names
        .iter()
        .map(alternative_name)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(extension(
        SubjectAltName::OID,
        false,
        der(&SubjectAltName(names)),
    ))
}

/// One of the kinds that can be told apart by a member; `OtherName` and `EdiPartyName` are not
/// emulated and refused.
fn alternative_name(general: &Map<String, Value>) -> Result<GeneralName, Failure> {
    let (kind, value) = general
        .iter()
        .find(|(_, value)| !value.is_null())
        .ok_or_else(|| invalid("an empty GeneralName"))?;
    if let (true, Some(subject)) = (kind == "DirectoryName", value.as_object()) {
        return name::from_json(subject)
            .map(GeneralName::DirectoryName)
            .map_err(invalid);
    }
    let text = value
        .as_str()
        .ok_or_else(|| invalid(format!("the GeneralName {kind}")))?;
    let ascii = || Ia5String::new(text).map_err(|_| invalid(format!("{kind} {text:?}")));
    match kind.as_str() {
        "DnsName" => ascii().map(GeneralName::DnsName),
        "Rfc822Name" => ascii().map(GeneralName::Rfc822Name),
        "UniformResourceIdentifier" => ascii().map(GeneralName::UniformResourceIdentifier),
        "RegisteredId" => oid(text).map(GeneralName::RegisteredId),
        "IpAddress" => text
            .parse::<std::net::IpAddr>()
            .map(GeneralName::from)
            .map_err(|_| invalid(format!("{kind} {text:?}"))),
        _ => Err(invalid(format!("the GeneralName {kind}"))),
    }
}

fn usage(flags: &Map<String, Value>) -> Extension {
    let set = USAGES
        .iter()
        .filter(|(flag, _)| flags.get(*flag) == Some(&Value::Bool(true)));
    let usages = set.fold(FlagSet::<KeyUsages>::default(), |usages, (_, usage)| {
        usages | *usage
    });
    key_usage(usages, true)
}

fn purposes(purposes: &[Purpose]) -> Result<Extension, Failure> {
    let known = |kind: &String| {
        let found = PURPOSES
            .iter()
            .find(|(purpose, _)| purpose == kind)
            .map(|(_, identifier)| *identifier);
        found.ok_or_else(|| invalid(format!("the extended key usage {kind}")))
    };
    let identifiers = purposes.iter().map(|purpose| {
        match (
            &purpose.extended_key_usage_type,
            &purpose.extended_key_usage_object_identifier,
        ) {
            (Some(kind), None) => oid(known(kind)?),
            (None, Some(identifier)) => oid(identifier),
            _ => Err(invalid(
                "an extended key usage needs either a type or an object identifier",
            )),
        }
    });
    Ok(extended_key_usage(
        &identifiers.collect::<Result<Vec<_>, _>>()?,
        false,
    ))
}

fn policies(policies: &[Policy]) -> Result<Extension, Failure> {
    let information = |policy: &Policy| {
        let qualifiers = policy
            .policy_qualifiers
            .iter()
            .map(qualifier)
            .collect::<Result<Vec<_>, _>>()?;
        let policy_qualifiers = (!qualifiers.is_empty()).then_some(qualifiers);
        Ok(PolicyInformation {
            policy_identifier: oid(&policy.cert_policy_id)?,
            policy_qualifiers,
        })
    };
    let policies = policies
        .iter()
        .map(information)
        .collect::<Result<Vec<_>, Failure>>()?;
    Ok(extension(
        CertificatePolicies::OID,
        false,
        der(&CertificatePolicies(policies)),
    ))
}

fn qualifier(qualifier: &Qualifier) -> Result<PolicyQualifierInfo, Failure> {
    let uri = &qualifier.qualifier.cps_uri;
    let encoded = Ia5String::new(uri)
        .and_then(|uri| Any::encode_from(&uri))
        .map_err(|_| invalid(format!("the CPS URI {uri:?}")))?;
    Ok(PolicyQualifierInfo {
        policy_qualifier_id: CPS_QUALIFIER,
        qualifier: Some(encoded),
    })
}

fn oid(text: &str) -> Result<ObjectIdentifier, Failure> {
    ObjectIdentifier::new(text).map_err(|_| invalid(format!("the object identifier {text:?}")))
}

fn invalid(what: impl std::fmt::Display) -> Failure {
    Failure::of(
        "InvalidArgsException",
        format!("The API passthrough is not valid: {what}"),
    )
}
