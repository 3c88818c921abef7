//! Distinguished names, and the API's `ASN1Subject` from and to them.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, PrintableString, SetOfVec};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

/// The API's name of an attribute, its object identifier, and whether it is a PrintableString (RFC
/// 5280 Appendix A.1).
const ATTRIBUTES: [(&str, &str, bool); 14] = [
    ("Country", "2.5.4.6", true),
    ("Organization", "2.5.4.10", false),
    ("OrganizationalUnit", "2.5.4.11", false),
    ("DistinguishedNameQualifier", "2.5.4.46", true),
    ("State", "2.5.4.8", false),
    ("CommonName", "2.5.4.3", false),
    ("SerialNumber", "2.5.4.5", true),
    ("Locality", "2.5.4.7", false),
    ("Title", "2.5.4.12", false),
    ("Surname", "2.5.4.4", false),
    ("GivenName", "2.5.4.42", false),
    ("Initials", "2.5.4.43", false),
    ("Pseudonym", "2.5.4.65", false),
    ("GenerationQualifier", "2.5.4.44", false),
];

/// One of `CustomAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CustomAttribute {
    object_identifier: String,
    value: String,
}

/// A name with one attribute per relative name, in the order given, by the names of the API.
///
/// # Errors
/// An attribute that the API does not have, or a value that its string type cannot hold.
pub(crate) fn named(attributes: &[(&str, &str)]) -> Result<Name, String> {
    attributes
        .iter()
        .map(|(attribute, value)| standard(attribute, value))
        .collect::<Result<_, _>>()
        .map(name)
}

/// The name that an `ASN1Subject` of a request says, in the order of the API's model.
pub(crate) fn from_json(subject: &Map<String, Value>) -> Result<Name, String> {
    if let Some(custom) = subject.get("CustomAttributes") {
        let attributes: Vec<CustomAttribute> =
            serde_json::from_value(custom.clone()).map_err(|e| e.to_string())?;
        return attributes
            .iter()
            .map(customised)
            .collect::<Result<_, _>>()
            .map(name);
    }
    let given = ATTRIBUTES
        .iter()
        .filter_map(|(attribute, ..)| Some((*attribute, subject.get(*attribute)?.as_str()?)));
    named(&given.collect::<Vec<_>>())
}

/// `ASN1Subject`; of an attribute that occurs twice the last value, as the API has room for one.
pub(crate) fn to_json(name: &Name) -> Value {
    let mut subject = Map::new();
    for pair in name
        .as_ref()
        .iter()
        .flat_map(|relative| relative.as_ref().iter())
    {
        let known = ATTRIBUTES
            .iter()
            .find(|(_, oid, _)| pair.oid.to_string() == *oid);
        if let (Some((attribute, ..)), Ok(text)) = (known, std::str::from_utf8(pair.value.value()))
        {
            subject.insert((*attribute).to_owned(), json!(text));
        }
    }
    Value::Object(subject)
}

fn name(pairs: Vec<AttributeTypeAndValue>) -> Name {
    let relative = pairs.into_iter().map(|pair| {
        let set = SetOfVec::try_from(vec![pair]).expect("a set of one is in order");
        RelativeDistinguishedName::from(set)
    });
    Name::hazmat_from_rdn_sequence(RdnSequence::from(relative.collect::<Vec<_>>()))
}

fn standard(attribute: &str, value: &str) -> Result<AttributeTypeAndValue, String> {
    let (_, oid, printable) = ATTRIBUTES
        .iter()
        .find(|(known, ..)| *known == attribute)
        .ok_or_else(|| format!("{attribute} is not an attribute of a subject"))?;
    let encoded = if *printable {
        PrintableString::new(value).and_then(|text| Any::encode_from(&text))
    } else {
        Any::encode_from(&value.to_owned())
    };
    let value = encoded.map_err(|_| format!("{attribute} cannot hold {value:?}"))?;
    Ok(AttributeTypeAndValue {
        oid: ObjectIdentifier::new_unwrap(oid),
        value,
    })
}

fn customised(attribute: &CustomAttribute) -> Result<AttributeTypeAndValue, String> {
    let oid = ObjectIdentifier::new(&attribute.object_identifier).map_err(|_| {
        format!(
            "{} is not an object identifier",
            attribute.object_identifier
        )
    })?;
    let value = Any::encode_from(&attribute.value).map_err(|error| error.to_string())?;
    Ok(AttributeTypeAndValue { oid, value })
}
