//! Distinguished names as certificates carry them.

use std::fmt::{self, Write};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{self, Encode, Tag, Tagged};
use x509_cert::name::Name;

use super::fingerprint::write_hex;

/// A subject or issuer: compared by its DER, shown as RFC 4514 text (`CN=mesh,O=Example`, last RDN
/// first). Cheap to clone.
#[derive(Clone)]
pub struct DistinguishedName(Arc<Forms>);

struct Forms {
    der: Vec<u8>,
    text: String,
}

impl DistinguishedName {
    pub(super) fn new(name: &Name) -> der::Result<Self> {
        let (der, text) = (name.to_der()?, text_of(name));
        Ok(Self(Arc::new(Forms { der, text })))
    }

    /// The name in DER, which is what verifiers compare.
    pub fn as_der(&self) -> &[u8] {
        &self.0.der
    }

    /// The name in RFC 4514's form, for messages.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

/// Two names with the same text can still differ: a UTF8String is not a PrintableString.
impl PartialEq for DistinguishedName {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for DistinguishedName {}

impl Hash for DistinguishedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.der.hash(state);
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0.text)
    }
}

fn text_of(name: &Name) -> String {
    let mut text = String::new();
    for (index, rdn) in name.as_ref().as_ref().iter().rev().enumerate() {
        if index > 0 {
            text.push(',');
        }
        for (index, attribute) in rdn.as_ref().as_slice().iter().rev().enumerate() {
            if index > 0 {
                text.push('+');
            }
            push_attribute(&mut text, attribute);
        }
    }
    text
}

/// Registered names and readable values as text, anything else as `1.2.3=#04024869` (RFC 4514
/// §2.4).
fn push_attribute(text: &mut String, attribute: &AttributeTypeAndValue) {
    let keyword = KEYWORDS.iter().find(|(oid, _)| *oid == attribute.oid);
    match (keyword, value_of(attribute)) {
        (Some((_, keyword)), Some(value)) => {
            text.push_str(keyword);
            text.push('=');
            push_escaped(text, &value);
        }
        _ => {
            let der = attribute.value.to_der().unwrap_or_default();
            let written = write!(text, "{}=#", attribute.oid).and_then(|()| write_hex(text, &der));
            debug_assert!(written.is_ok(), "a String takes every text");
        }
    }
}

/// RFC 4514 §3's table, and what else authorities put into names (RFC 4519, RFC 2985).
const KEYWORDS: [(ObjectIdentifier, &str); 17] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.4"), "SN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "street"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.12"), "title"),
    (ObjectIdentifier::new_unwrap("2.5.4.17"), "postalCode"),
    (ObjectIdentifier::new_unwrap("2.5.4.42"), "GN"),
    (ObjectIdentifier::new_unwrap("2.5.4.46"), "dnQualifier"),
    (ObjectIdentifier::new_unwrap("2.5.4.65"), "pseudonym"),
    (
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"),
        "UID",
    ),
    (
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"),
        "DC",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"),
        "emailAddress",
    ),
];

fn value_of(attribute: &AttributeTypeAndValue) -> Option<String> {
    let bytes = attribute.value.value();
    match attribute.value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok(),
        Tag::PrintableString | Tag::Ia5String | Tag::TeletexString if bytes.is_ascii() => {
            String::from_utf8(bytes.to_vec()).ok()
        }
        Tag::BmpString if bytes.len().is_multiple_of(2) => {
            let units = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

fn push_escaped(text: &mut String, value: &str) {
    let last = value
        .char_indices()
        .next_back()
        .map_or(0, |(index, _)| index);
    for (index, letter) in value.char_indices() {
        match letter {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', letter]),
            '#' if index == 0 => text.push_str("\\#"),
            ' ' if index == 0 || index == last => text.push_str("\\ "),
            '\0'..='\x1f' | '\x7f' => {
                // Never raw: a name from outside must not steer the terminal that shows a message.
                let written = write!(text, "\\{:02X}", u32::from(letter));
                debug_assert!(written.is_ok(), "a String takes every text");
            }
            _ => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Certificate;
    use crate::pki::testing::{Scratch, openssl_text};
    use proptest::prelude::*;
    use x509_cert::der::Decode;

    #[track_caller]
    fn subject(configuration: &str, subject: &str) -> DistinguishedName {
        let scratch = Scratch::new();
        let key = scratch.path().join("key.pem");
        let arguments = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            key.to_str().unwrap(),
            "-utf8",
            "-multivalue-rdn",
            "-subj",
            subject,
            "-config",
            &scratch.file("openssl.cnf", configuration),
        ];
        let pem = openssl_text(&arguments, "");
        let certificate = Certificate::from_pem(&pem).unwrap();
        let theirs = [
            "x509",
            "-noout",
            "-subject",
            "-nameopt",
            "RFC2253,-esc_msb,utf8",
        ];
        let theirs = openssl_text(&theirs, &pem);
        let ours = certificate.subject().clone();
        assert_eq!(theirs, format!("subject={ours}\n"));
        ours
    }

    const PLAIN: &str = "[req]\ndistinguished_name=dn\nstring_mask=utf8only\n[dn]\n";

    #[test]
    fn names_are_written_as_openssl_writes_rfc_2253() {
        let name = subject(
            PLAIN,
            "/C=DE/O=Größe, AG/OU=b/OU=a/CN=x+UID=7/emailAddress=a@b",
        );
        assert_eq!(
            name.as_str(),
            "emailAddress=a@b,UID=7+CN=x,OU=a,OU=b,O=Größe\\, AG,C=DE"
        );
        subject(PLAIN, "/CN=# \"q\" <a;b> \\\\ ");
        subject(
            PLAIN,
            "/CN= both ends /serialNumber=12/postalCode=80331/street=Weg 1/L=M/ST=B",
        );
        let pkix = PLAIN.replace("utf8only", "pkix");
        subject(&pkix, "/CN=plain/O=smallletters");
    }

    #[test]
    fn what_has_no_name_or_no_text_is_written_as_hex() {
        // 1.2.3 = UTF8String "a"; CN = BOOLEAN TRUE; CN = BMPString "hi"
        for (der, text) in [
            (
                &b"\x30\x0b\x31\x09\x30\x07\x06\x02\x2a\x03\x0c\x01a"[..],
                "1.2.3=#0c0161",
            ),
            (
                b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x01\x01\xff",
                "2.5.4.3=#0101ff",
            ),
            (
                b"\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x1e\x04\x00h\x00i",
                "CN=hi",
            ),
            (
                b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x07",
                "CN=\\07",
            ),
            (b"\x30\x00", ""),
        ] {
            let name = DistinguishedName::new(&Name::from_der(der).unwrap()).unwrap();
            assert_eq!(name.as_str(), text);
            assert_eq!(name.as_der(), der);
        }
    }

    #[test]
    fn two_encodings_of_one_text_are_two_names() {
        let utf8 = b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01a";
        let printable = b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01a";
        let name = |der: &[u8]| DistinguishedName::new(&Name::from_der(der).unwrap()).unwrap();
        assert_eq!(name(utf8).as_str(), name(printable).as_str());
        assert_ne!(name(utf8), name(printable));
        assert_eq!(name(utf8), name(utf8));
    }

    proptest! {
        #[test]
        fn no_control_character_reaches_a_message(value in ".{0,20}") {
            let mut text = String::new();
            push_escaped(&mut text, &value);
            prop_assert!(!text.contains(|letter: char| letter.is_ascii_control()));
        }
    }
}
