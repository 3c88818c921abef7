//! Certificate signing requests (PKCS#10, RFC 2986).

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, BitString, Ia5String, Null, OctetString, SetOfVec};
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc4519::{COUNTRY_NAME, SERIAL_NUMBER};
use x509_cert::der::oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, SHA_256_WITH_RSA_ENCRYPTION,
};
use x509_cert::der::{self, Decode, Encode, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages, SubjectAltName};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::request::{CertReq, CertReqInfo, ExtensionReq, Version};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::dn::DistinguishedName;
use super::fingerprint::PublicKey;
use super::key::{KeyAlgorithm, KeyError, PrivateKey};
use super::pem;
use super::subject::{AlternativeNames, Subject};

/// Why a request could not be made from values that each are sound.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The encoder refused a value.
    #[error("could not encode the signing request")]
    Encode(#[from] der::Error),
    /// The key could not be used.
    #[error("could not sign the signing request")]
    Sign(#[from] KeyError),
}

/// A signed request for a CA certificate.
///
/// It asks for basicConstraints and keyUsage too; AWS Private CA takes those from its template,
/// other authorities may take them from here.
#[derive(Debug, Clone)]
pub struct SigningRequest {
    der: Vec<u8>,
    subject: DistinguishedName,
    public_key: PublicKey,
}

impl SigningRequest {
    /// Signs with SHA-256, or with SHA-384 when the key is on P-384.
    pub fn new(
        subject: &Subject,
        alternative_names: &AlternativeNames,
        path_length: u8,
        key: &PrivateKey,
    ) -> Result<Self, RequestError> {
        let name = encode_name(subject)?;
        let extensions = extensions(alternative_names, path_length)?;
        let info = CertReqInfo {
            version: Version::V1,
            subject: name.clone(),
            public_key: SubjectPublicKeyInfoOwned::from_der(key.public_key().as_der())?,
            attributes: [ExtensionReq(extensions).try_into()?].try_into()?,
        };
        let signature = BitString::from_bytes(&key.sign(&info.to_der()?)?)?;
        let request = CertReq {
            info,
            algorithm: signature_algorithm(key.algorithm()),
            signature,
        };
        Ok(Self {
            der: request.to_der()?,
            subject: DistinguishedName::new(&name)?,
            public_key: key.public_key().clone(),
        })
    }

    /// PEM with the label `CERTIFICATE REQUEST`.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der)
    }

    /// The request in DER.
    pub fn to_der(&self) -> &[u8] {
        &self.der
    }

    /// The subject as it is encoded, to compare with what comes back.
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The key that the certificate must be over.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

/// One RDN for each value, so that no encoder can reorder values of one kind.
fn encode_name(subject: &Subject) -> der::Result<Name> {
    let mut rdns = RdnSequence::default();
    for (oid, value) in subject.attributes() {
        let tag = match oid {
            // RFC 5280, appendix A.1: these two are PrintableString and nothing else.
            COUNTRY_NAME | SERIAL_NUMBER => Tag::PrintableString,
            _ => Tag::Utf8String,
        };
        let attribute = AttributeTypeAndValue {
            oid,
            value: Any::new(tag, value.as_bytes())?,
        };
        rdns.push(RelativeDistinguishedName::from(SetOfVec::try_from([
            attribute,
        ])?));
    }
    Ok(Name::hazmat_from_rdn_sequence(rdns))
}

fn extensions(names: &AlternativeNames, path_length: u8) -> der::Result<Vec<Extension>> {
    let constraints = BasicConstraints {
        ca: true,
        path_len_constraint: Some(path_length),
    };
    let usage = KeyUsages::DigitalSignature | KeyUsages::KeyCertSign | KeyUsages::CRLSign;
    let mut extensions = vec![
        extension(true, &constraints)?,
        extension(true, &KeyUsage(usage))?,
    ];
    if !names.is_empty() {
        extensions.push(extension(false, &SubjectAltName(general_names(names)?))?);
    }
    Ok(extensions)
}

fn extension<T: AssociatedOid + Encode>(critical: bool, value: &T) -> der::Result<Extension> {
    let extn_value = OctetString::new(value.to_der()?)?;
    Ok(Extension {
        extn_id: T::OID,
        critical,
        extn_value,
    })
}

pub(super) fn general_names(names: &AlternativeNames) -> der::Result<Vec<GeneralName>> {
    let AlternativeNames {
        dns_names,
        email_addresses,
        ip_addresses,
        uris,
    } = names;
    let mut general = Vec::new();
    for name in dns_names {
        general.push(GeneralName::DnsName(Ia5String::new(name)?));
    }
    for address in email_addresses {
        general.push(GeneralName::Rfc822Name(Ia5String::new(address)?));
    }
    general.extend(ip_addresses.iter().copied().map(GeneralName::from));
    for uri in uris {
        general.push(GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?));
    }
    Ok(general)
}

/// RFC 5758 §3.2 leaves ECDSA without parameters; RFC 4055 §5 wants NULL for RSA.
pub(super) fn signature_algorithm(algorithm: KeyAlgorithm) -> AlgorithmIdentifierOwned {
    let (oid, parameters) = match algorithm {
        KeyAlgorithm::EcPrime256v1 => (ECDSA_WITH_SHA_256, None),
        KeyAlgorithm::EcSecp384r1 => (ECDSA_WITH_SHA_384, None),
        KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
            (SHA_256_WITH_RSA_ENCRYPTION, Some(Any::from(Null)))
        }
    };
    AlgorithmIdentifierOwned { oid, parameters }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{openssl, openssl_text};
    use crate::pki::{AlternativeNameValues, SubjectValues};
    use proptest::prelude::*;
    use std::sync::LazyLock;
    use x509_parser::prelude::{FromDer, X509CertificationRequest};

    static KEY: LazyLock<PrivateKey> =
        LazyLock::new(|| PrivateKey::generate(KeyAlgorithm::EcPrime256v1).unwrap());

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    fn everything() -> (Subject, AlternativeNames) {
        let subject = SubjectValues {
            common_name: "mesh, \"one\"".to_owned(),
            organization: strings(&["Example", "Beispiel GmbH"]),
            organizational_unit: strings(&["zebra", "ant", "ménagerie"]),
            country: strings(&["DE"]),
            province: strings(&["Bayern"]),
            locality: strings(&["München", "Haar"]),
            street_address: strings(&["Weg 1"]),
            postal_code: strings(&["80331"]),
            serial_number: Some("HRB 1".to_owned()),
        };
        let names = AlternativeNameValues {
            dns_names: strings(&["b.example", "a.example"]),
            email_addresses: strings(&["mesh@example.com"]),
            ip_addresses: strings(&["10.0.0.1", "2001:db8::1"]),
            uris: strings(&["spiffe://cluster.local/ns/x"]),
        };
        (
            Subject::new(subject).unwrap(),
            AlternativeNames::new(names).unwrap(),
        )
    }

    /// What openssl reads out of a request, once it has verified its signature.
    fn witness(pem: &str) -> String {
        let arguments = [
            "req",
            "-verify",
            "-noout",
            "-text",
            "-nameopt",
            "sep_multiline,sname,utf8,esc_ctrl,show_type",
        ];
        openssl_text(&arguments, pem)
    }

    /// The lines of openssl's text between two others.
    fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
        let (_, rest) = text.split_once(from).unwrap();
        let (part, _) = rest.split_once(to).unwrap();
        part.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect()
    }

    #[test]
    fn openssl_reads_every_value_in_order() {
        let (subject, names) = everything();
        let request = SigningRequest::new(&subject, &names, 0, &KEY).unwrap();
        let text = witness(&request.to_pem());
        assert_eq!(
            between(&text, "Subject:", "Subject Public Key Info"),
            [
                "C=PRINTABLESTRING:DE",
                "ST=UTF8STRING:Bayern",
                "L=UTF8STRING:München",
                "L=UTF8STRING:Haar",
                "street=UTF8STRING:Weg 1",
                "postalCode=UTF8STRING:80331",
                "O=UTF8STRING:Example",
                "O=UTF8STRING:Beispiel GmbH",
                "OU=UTF8STRING:zebra",
                "OU=UTF8STRING:ant",
                "OU=UTF8STRING:ménagerie",
                "serialNumber=PRINTABLESTRING:HRB 1",
                "CN=UTF8STRING:mesh, \"one\"",
            ]
        );
        assert_eq!(
            between(&text, "Requested Extensions:", "    Signature Algorithm"),
            [
                "X509v3 Basic Constraints: critical",
                "CA:TRUE, pathlen:0",
                "X509v3 Key Usage: critical",
                "Digital Signature, Certificate Sign, CRL Sign",
                "X509v3 Subject Alternative Name:",
                "DNS:b.example, DNS:a.example, email:mesh@example.com, IP Address:10.0.0.1, \
                 IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://cluster.local/ns/x",
            ]
        );
        assert_eq!(
            request.subject().to_string(),
            "CN=mesh\\, \\\"one\\\",serialNumber=HRB 1,OU=ménagerie,OU=ant,OU=zebra,O=Beispiel GmbH,\
             O=Example,postalCode=80331,street=Weg 1,L=Haar,L=München,ST=Bayern,C=DE"
        );
    }

    #[test]
    fn every_algorithm_signs_so_that_openssl_verifies() {
        let subject = SubjectValues {
            common_name: "mesh".to_owned(),
            ..SubjectValues::default()
        };
        let subject = Subject::new(subject).unwrap();
        for (algorithm, hash) in [
            (KeyAlgorithm::EcPrime256v1, "ecdsa-with-SHA256"),
            (KeyAlgorithm::EcSecp384r1, "ecdsa-with-SHA384"),
            (KeyAlgorithm::Rsa2048, "sha256WithRSAEncryption"),
        ] {
            let key = PrivateKey::generate(algorithm).unwrap();
            let names = AlternativeNames::default();
            let request = SigningRequest::new(&subject, &names, 3, &key).unwrap();
            let text = witness(&request.to_pem());
            assert!(
                text.contains(&format!("Signature Algorithm: {hash}\n")),
                "{text}"
            );
            assert!(
                text.contains("pathlen:3") && !text.contains("Alternative"),
                "{text}"
            );
            let public = openssl(&["req", "-pubkey", "-noout"], request.to_pem());
            let public = openssl(&["pkey", "-pubin", "-outform", "DER"], public);
            assert_eq!(public, request.public_key().as_der());
        }
    }

    #[test]
    fn the_pem_is_the_der_in_openssls_own_form() {
        let (subject, names) = everything();
        let request = SigningRequest::new(&subject, &names, 1, &KEY).unwrap();
        assert_eq!(request.to_pem(), openssl_text(&["req"], request.to_pem()));
        assert_eq!(
            request.to_der(),
            openssl(&["req", "-outform", "DER"], request.to_pem())
        );
    }

    /// A list of up to three values that a field takes.
    fn list(pattern: &'static str) -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec(pattern, 0..4)
    }

    prop_compose! {
        fn any_subject()(
            common_name in "[!-~é€]([ -~]{0,20}[!-~])?",
            organization in list("[!-~ß]{1,20}"),
            organizational_unit in list("[A-Za-z,+=]{1,5}"),
            country in list("[A-Z]{2}"),
            locality in list("[!-~]{1,9}"),
            serial_number in prop::option::of("[A-Za-z0-9]{1,9}"),
        ) -> SubjectValues {
            SubjectValues {
                common_name, organization, organizational_unit, country, locality, serial_number,
                ..SubjectValues::default()
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn another_parser_finds_every_value_in_order(values in any_subject()) {
            let subject = Subject::new(values.clone()).unwrap();
            let names = AlternativeNames::default();
            let request = SigningRequest::new(&subject, &names, 0, &KEY).unwrap();
            let (rest, read) = X509CertificationRequest::from_der(request.to_der()).unwrap();
            prop_assert!(rest.is_empty());
            let name = &read.certification_request_info.subject;
            let all = |oid: &str| -> Vec<String> {
                name.iter_attributes()
                    .filter(|attribute| attribute.attr_type().to_id_string() == oid)
                    .map(|attribute| attribute.as_str().unwrap().to_owned())
                    .collect()
            };
            prop_assert_eq!(all("2.5.4.3"), [values.common_name]);
            prop_assert_eq!(all("2.5.4.10"), values.organization);
            prop_assert_eq!(all("2.5.4.11"), values.organizational_unit);
            prop_assert_eq!(all("2.5.4.6"), values.country);
            prop_assert_eq!(all("2.5.4.7"), values.locality);
            prop_assert_eq!(all("2.5.4.5"), Vec::from_iter(values.serial_number));
        }
    }
}
