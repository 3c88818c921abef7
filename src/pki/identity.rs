//! Whom a request or a certificate is for: its subject and its alternative names.

use x509_cert::certificate::{CertificateInner, Rfc5280};
use x509_cert::der::asn1::{Ia5StringRef, PrintableStringRef, Utf8StringRef};
use x509_cert::der::{self, Any, Decode, Encode, Tagged};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::certificate::Certificate;
use super::csr::general_names;
use super::subject::{AlternativeNames, Subject};

#[derive(Clone)]
pub(super) struct Identity {
    pub(super) name: Name,
    pub(super) names: Vec<GeneralName>,
}

impl Identity {
    /// Whether it has these values; their order, and the kind of their strings, is the writer's choice.
    pub(super) fn is_named(&self, subject: &Subject) -> bool {
        let wanted = subject
            .attributes()
            .map(|(oid, value)| (oid, value.to_owned()));
        let rdns = self.name.as_ref().as_ref().iter();
        let attributes = rdns.flat_map(|rdn| rdn.as_ref().iter());
        let found: Option<Vec<_>> = attributes
            .map(|attribute| Some((attribute.oid, text_of(&attribute.value)?)))
            .collect();
        found.is_some_and(|found| same(found, wanted.collect()))
    }

    /// Whether it has these alternative names, in any order.
    pub(super) fn has_names(&self, names: &AlternativeNames) -> bool {
        let der = |names: &[GeneralName]| -> der::Result<Vec<Vec<u8>>> {
            names.iter().map(Encode::to_der).collect()
        };
        let wanted = general_names(names).and_then(|names| der(&names));
        match (der(&self.names), wanted) {
            (Ok(found), Ok(wanted)) => same(found, wanted),
            _ => false,
        }
    }
}

impl Certificate {
    /// Whether it has that subject and these alternative names, in any order.
    pub fn is_for(&self, subject: &Subject, names: &AlternativeNames) -> bool {
        let Ok(read) = CertificateInner::<Rfc5280>::from_der(self.to_der()) else {
            return false;
        };
        let Ok(found) = read.tbs_certificate().get_extension::<SubjectAltName>() else {
            return false;
        };
        let identity = Identity {
            name: read.tbs_certificate().subject().clone(),
            names: found.map(|(_, names)| names.0).unwrap_or_default(),
        };
        identity.is_named(subject) && identity.has_names(names)
    }
}

fn same<T: Ord>(mut one: Vec<T>, mut other: Vec<T>) -> bool {
    one.sort();
    other.sort();
    one == other
}

/// The text of a value in a name, whichever kind of string it is.
fn text_of(value: &Any) -> Option<String> {
    let text = match value.tag() {
        der::Tag::Utf8String => value
            .decode_as::<Utf8StringRef<'_>>()
            .ok()?
            .as_str()
            .to_owned(),
        der::Tag::PrintableString => {
            let text = value.decode_as::<PrintableStringRef<'_>>().ok()?;
            text.as_str().to_owned()
        }
        der::Tag::Ia5String => value
            .decode_as::<Ia5StringRef<'_>>()
            .ok()?
            .as_str()
            .to_owned(),
        _ => return None,
    };
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{openssl, openssl_text};
    use crate::pki::{AlternativeNameValues, SubjectValues};

    #[test]
    fn a_certificate_is_for_its_values_in_any_order() {
        let key = openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"], "");
        let arguments = [
            "req",
            "-new",
            "-x509",
            "-key",
            "/dev/stdin",
            "-subj",
            "/CN=mesh/O=b/O=a",
            "-addext",
            "subjectAltName=URI:spiffe://x,DNS:a.example",
        ];
        let certificate = Certificate::from_pem(&openssl_text(&arguments, key)).unwrap();
        let subject = |organization: &[&str]| {
            let values = SubjectValues {
                common_name: "mesh".to_owned(),
                organization: organization.iter().map(|text| (*text).to_owned()).collect(),
                ..SubjectValues::default()
            };
            Subject::new(values).unwrap()
        };
        let names = |dns: &[&str]| {
            let values = AlternativeNameValues {
                dns_names: dns.iter().map(|text| (*text).to_owned()).collect(),
                uris: vec!["spiffe://x".to_owned()],
                ..AlternativeNameValues::default()
            };
            AlternativeNames::new(values).unwrap()
        };
        assert!(certificate.is_for(&subject(&["a", "b"]), &names(&["a.example"])));
        assert!(!certificate.is_for(&subject(&["a"]), &names(&["a.example"])));
        assert!(!certificate.is_for(&subject(&["a", "b", "b"]), &names(&["a.example"])));
        assert!(!certificate.is_for(&subject(&["a", "b"]), &names(&[])));
    }
}
