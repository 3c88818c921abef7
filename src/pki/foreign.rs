//! A certificate signing request (PKCS#10, RFC 2986) that somebody else made, whose key we never see.

use std::fmt;

use x509_cert::attr::Attribute;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc5912::{
    ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1,
};
use x509_cert::der::{self, Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName, SubjectKeyIdentifier};
use x509_cert::request::{CertReqInfo, ExtensionReq};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::certificate::split;
use super::dn::DistinguishedName;
use super::fingerprint::PublicKey;
use super::identity::Identity;
use super::key::KeyAlgorithm;
use super::pem::{self, PemError};
use super::signature::{SignatureAlgorithm, Verdict, modulus_length};
use super::subject::{AlternativeNames, Subject};

/// A request whose signature holds, over a key that a mesh's CA may have.
#[derive(Clone)]
pub struct ForeignRequest {
    der: Vec<u8>,
    public_key: PublicKey,
    algorithm: KeyAlgorithm,
    identity: Identity,
    subject: DistinguishedName,
    constraints: Option<BasicConstraints>,
    /// What it asks for beyond what a CA certificate has anyhow.
    further: Vec<ObjectIdentifier>,
}

/// Why a text is no request that can be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// The text is not sound PEM.
    #[error("could not read the request as PEM")]
    Pem(#[from] PemError),
    /// Another number of blocks than one, or a block that is something else.
    #[error("got {}, expected exactly one CERTIFICATE REQUEST", listed(labels))]
    Blocks {
        /// What the blocks say they are, in order.
        labels: Vec<String>,
    },
    /// The bytes are no request in DER.
    #[error("the request cannot be read")]
    Der(#[from] der::Error),
    /// Not every part of a mesh takes a CA with such a key.
    #[error(
        "the request's key is none that every part of a mesh takes, expected EC on P-256 or P-384, or RSA with 2048, \
         3072 or 4096 bits"
    )]
    Key,
    /// Whoever made it does not have the key, or it was changed on its way.
    #[error("the signature of the request does not hold")]
    Signature,
    /// Its signature cannot be checked.
    #[error("the request is signed with {algorithm}, which cannot be checked")]
    Unchecked {
        /// How it says that it is signed.
        algorithm: SignatureAlgorithm,
    },
}

/// In what a request asks for something else than what is to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// For another name.
    Subject {
        /// The request's, in RFC 4514's form.
        requested: String,
    },
    /// For other alternative names.
    AlternativeNames {
        /// The request's, in words.
        requested: Vec<String>,
    },
    /// For another kind of key than the settings name.
    KeyAlgorithm {
        /// The request's.
        requested: KeyAlgorithm,
    },
    /// For a certificate that is no CA.
    NoCa,
    /// For another path length.
    PathLength {
        /// The request's.
        requested: Option<u8>,
    },
    /// For extensions that the template drops.
    Dropped {
        /// Their names, or OIDs.
        extensions: Vec<String>,
    },
}

/// What is to be issued, as the settings say it.
pub struct Intended<'a> {
    /// The subject.
    pub subject: &'a Subject,
    /// The alternative names.
    pub names: &'a AlternativeNames,
    /// The kind of key.
    pub key_algorithm: KeyAlgorithm,
    /// The path length that the template sets; `None` where a template of the user's decides.
    pub path_length: Option<u8>,
    /// Whether the template takes further extensions over from the request.
    pub takes_extensions: bool,
}

const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

impl ForeignRequest {
    /// Reads a text that holds one request, and checks its signature.
    pub fn from_pem(text: &str) -> Result<Self, ForeignError> {
        let blocks = pem::blocks(text)?;
        match blocks.as_slice() {
            [block] if LABELS.contains(&block.label) => Self::from_der(&block.der),
            _ => {
                let labels = blocks.iter().map(|block| block.label.to_owned()).collect();
                Err(ForeignError::Blocks { labels })
            }
        }
    }

    /// The same text as [`to_pem`](Self::to_pem) writes it, whatever it holds: enough to tell whether a request that was
    /// read before is another one. `None` where it is not one block.
    pub fn rewritten(text: &str) -> Option<String> {
        let blocks = pem::blocks(text).ok()?;
        let [block] = blocks.as_slice() else {
            return None;
        };
        Some(pem::encode(LABELS[0], &block.der))
    }

    fn from_der(der: &[u8]) -> Result<Self, ForeignError> {
        let (signed, algorithm, signature) = split(der)?;
        let info = CertReqInfo::from_der(signed)?;
        let public_key = PublicKey::from_spki(info.public_key.to_der()?);
        let key_algorithm = algorithm_of(&public_key).ok_or(ForeignError::Key)?;
        let algorithm = SignatureAlgorithm::new(&algorithm);
        match algorithm.verify(&public_key, signed, signature.raw_bytes()) {
            Verdict::Good => {}
            Verdict::Bad => return Err(ForeignError::Signature),
            Verdict::Unsupported => return Err(ForeignError::Unchecked { algorithm }),
        }
        let mut request = Self {
            der: der.to_vec(),
            public_key,
            algorithm: key_algorithm,
            subject: DistinguishedName::new(&info.subject)?,
            identity: Identity {
                name: info.subject,
                names: Vec::new(),
            },
            constraints: None,
            further: Vec::new(),
        };
        for attribute in info.attributes.iter() {
            request.take(attribute)?;
        }
        Ok(request)
    }

    /// Takes in what an attribute asks for.
    fn take(&mut self, attribute: &Attribute) -> der::Result<()> {
        if attribute.oid != ExtensionReq::OID {
            return Ok(());
        }
        for value in attribute.values.iter() {
            for extension in ExtensionReq::from_der(&value.to_der()?)?.0 {
                let content = extension.extn_value.as_bytes();
                match extension.extn_id {
                    SubjectAltName::OID => {
                        self.identity
                            .names
                            .extend(SubjectAltName::from_der(content)?.0);
                    }
                    BasicConstraints::OID => {
                        self.constraints = Some(BasicConstraints::from_der(content)?);
                    }
                    KeyUsage::OID | SubjectKeyIdentifier::OID => {}
                    other => self.further.push(other),
                }
            }
        }
        Ok(())
    }

    /// Canonical PEM with the label `CERTIFICATE REQUEST`.
    pub fn to_pem(&self) -> String {
        pem::encode(LABELS[0], &self.der)
    }

    /// The key that the certificate must be over.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// In what it asks for something else than what is to be issued: all, not only the first.
    pub fn departures(&self, intended: &Intended<'_>) -> Vec<Departure> {
        let named = self.identity.is_named(intended.subject);
        let subject = (!named).then(|| Departure::Subject {
            requested: self.subject.to_string(),
        });
        let other_names = !self.identity.has_names(intended.names);
        let names = other_names.then(|| Departure::AlternativeNames {
            requested: self.identity.names.iter().map(shown).collect(),
        });
        let other_key = self.algorithm != intended.key_algorithm;
        let key = other_key.then_some(Departure::KeyAlgorithm {
            requested: self.algorithm,
        });
        let dropped = !intended.takes_extensions && !self.further.is_empty();
        let dropped = dropped.then(|| Departure::Dropped {
            extensions: self.further.iter().copied().map(extension_name).collect(),
        });
        let ca = self.departs_as_a_ca(intended.path_length);
        [subject, names, key, ca, dropped]
            .into_iter()
            .flatten()
            .collect()
    }

    fn departs_as_a_ca(&self, path_length: Option<u8>) -> Option<Departure> {
        let constraints = self.constraints.as_ref()?;
        let requested = constraints.path_len_constraint;
        if !constraints.ca {
            return Some(Departure::NoCa);
        }
        let other = path_length.is_some() && requested.is_some() && requested != path_length;
        other.then_some(Departure::PathLength { requested })
    }
}

impl fmt::Debug for ForeignRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeignRequest({})", self.subject)
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject { requested } => write!(f, "it is for {requested}, not for `subject`"),
            Self::AlternativeNames { requested } if requested.is_empty() => {
                f.write_str("it asks for no alternative name, and the settings do")
            }
            Self::AlternativeNames { requested } => {
                let names = requested.join(", ");
                write!(
                    f,
                    "it asks for the alternative names {names}, and the settings for others"
                )
            }
            Self::KeyAlgorithm { requested } => {
                write!(
                    f,
                    "its key is {requested}, and `key_algorithm` says otherwise"
                )
            }
            Self::NoCa => f.write_str("it asks for a certificate that is no CA"),
            Self::PathLength { requested } => {
                let requested = requested.map_or("none".to_owned(), |length| length.to_string());
                write!(
                    f,
                    "it asks for the path length {requested}, and `path_length` says otherwise"
                )
            }
            Self::Dropped { extensions } => {
                let extensions = extensions.join(", ");
                write!(
                    f,
                    "it asks for {extensions}, which the template drops without a word"
                )
            }
        }
    }
}

fn listed(labels: &[String]) -> String {
    match labels {
        [] => "no PEM block".to_owned(),
        labels => labels.join(", "),
    }
}

/// The kind of a key, where it is one that a mesh's CA may have.
fn algorithm_of(key: &PublicKey) -> Option<KeyAlgorithm> {
    let spki = SubjectPublicKeyInfoRef::from_der(key.as_der()).ok()?;
    match spki.algorithm.oid {
        ID_EC_PUBLIC_KEY => match spki.algorithm.parameters?.decode_as().ok()? {
            SECP_256_R_1 => Some(KeyAlgorithm::EcPrime256v1),
            SECP_384_R_1 => Some(KeyAlgorithm::EcSecp384r1),
            _ => None,
        },
        RSA_ENCRYPTION => match modulus_length(&spki)? {
            256 => Some(KeyAlgorithm::Rsa2048),
            384 => Some(KeyAlgorithm::Rsa3072),
            512 => Some(KeyAlgorithm::Rsa4096),
            _ => None,
        },
        _ => None,
    }
}

fn shown(name: &GeneralName) -> String {
    match name {
        GeneralName::DnsName(text) => format!("DNS:{}", text.as_str()),
        GeneralName::Rfc822Name(text) => format!("email:{}", text.as_str()),
        GeneralName::UniformResourceIdentifier(text) => format!("URI:{}", text.as_str()),
        GeneralName::IpAddress(bytes) => address(bytes.as_bytes()),
        _ => "a name of another kind".to_owned(),
    }
}

fn address(bytes: &[u8]) -> String {
    let four = <[u8; 4]>::try_from(bytes).map(std::net::IpAddr::from);
    let sixteen = <[u8; 16]>::try_from(bytes).map(std::net::IpAddr::from);
    let shown = four.or(sixteen).map(|address| format!("IP:{address}"));
    shown.unwrap_or_else(|_| "an IP address of a strange length".to_owned())
}

fn extension_name(oid: ObjectIdentifier) -> String {
    let names = [
        ("2.5.29.30", "nameConstraints"),
        ("2.5.29.31", "cRLDistributionPoints"),
        ("2.5.29.32", "certificatePolicies"),
        ("2.5.29.37", "extendedKeyUsage"),
    ];
    let text = oid.to_string();
    let known = names.iter().find(|(known, _)| *known == text);
    known.map_or(text, |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{openssl, openssl_text};
    use crate::pki::{AlternativeNameValues, PrivateKey, SigningRequest, SubjectValues};

    /// A request as openssl makes it.
    fn requested(key: &str, subject: &str, extensions: &[&str]) -> String {
        let mut arguments = vec![
            "req",
            "-new",
            "-utf8",
            "-key",
            "/dev/stdin",
            "-subj",
            subject,
        ];
        for extension in extensions {
            arguments.extend(["-addext", extension]);
        }
        openssl_text(&arguments, key)
    }

    fn p256() -> String {
        openssl_text(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"], "")
    }

    fn subject() -> Subject {
        let values = SubjectValues {
            common_name: "mesh".to_owned(),
            organization: vec!["Example".to_owned()],
            country: vec!["DE".to_owned()],
            ..SubjectValues::default()
        };
        Subject::new(values).unwrap()
    }

    #[track_caller]
    fn check(subject_text: &str, extensions: &[&str], expected: &[&str]) {
        let names = AlternativeNameValues {
            dns_names: vec!["ca.example".to_owned()],
            ip_addresses: vec!["10.0.0.1".to_owned()],
            ..AlternativeNameValues::default()
        };
        let intended = Intended {
            subject: &subject(),
            names: &AlternativeNames::new(names).unwrap(),
            key_algorithm: KeyAlgorithm::EcPrime256v1,
            path_length: Some(0),
            takes_extensions: false,
        };
        let pem = requested(&p256(), subject_text, extensions);
        let request = ForeignRequest::from_pem(&pem).unwrap();
        let told: Vec<_> = request
            .departures(&intended)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(told, expected);
    }

    const NAMES: &str = "subjectAltName=IP:10.0.0.1,DNS:ca.example";

    #[test]
    fn a_request_for_what_is_intended_departs_in_nothing() {
        check("/CN=mesh/O=Example/C=DE", &[NAMES], &[]);
        let as_a_ca = "basicConstraints=critical,CA:TRUE,pathlen:0";
        let usage = "keyUsage=critical,keyCertSign,cRLSign";
        check("/C=DE/O=Example/CN=mesh", &[NAMES, as_a_ca, usage], &[]);
        check(
            "/C=DE/O=Example/CN=mesh",
            &[NAMES, "basicConstraints=CA:TRUE"],
            &[],
        );
    }

    #[test]
    fn every_departure_is_told() {
        check(
            "/CN=other",
            &[
                "subjectAltName=DNS:other.example",
                "basicConstraints=CA:TRUE,pathlen:2",
                "extendedKeyUsage=serverAuth",
                "nameConstraints=permitted;DNS:example",
                "1.2.3.4=ASN1:NULL",
            ],
            &[
                "it is for CN=other, not for `subject`",
                "it asks for the alternative names DNS:other.example, and the settings for others",
                "it asks for the path length 2, and `path_length` says otherwise",
                "it asks for extendedKeyUsage, nameConstraints, 1.2.3.4, which the template drops without a word",
            ],
        );
        check(
            "/C=DE/O=Example/CN=mesh",
            &["basicConstraints=CA:FALSE"],
            &[
                "it asks for no alternative name, and the settings do",
                "it asks for a certificate that is no CA",
            ],
        );
        let twice = "/C=DE/O=Example/O=Example/CN=mesh";
        let told = "it is for CN=mesh,O=Example,O=Example,C=DE, not for `subject`";
        check(twice, &[NAMES], &[told]);
    }

    #[test]
    fn a_template_that_takes_extensions_drops_none() {
        let pem = requested(
            &p256(),
            "/C=DE/O=Example/CN=mesh",
            &["extendedKeyUsage=serverAuth"],
        );
        let intended = Intended {
            subject: &subject(),
            names: &AlternativeNames::default(),
            key_algorithm: KeyAlgorithm::EcSecp384r1,
            path_length: None,
            takes_extensions: true,
        };
        let told = ForeignRequest::from_pem(&pem)
            .unwrap()
            .departures(&intended);
        let other_key = Departure::KeyAlgorithm {
            requested: KeyAlgorithm::EcPrime256v1,
        };
        assert_eq!(told, [other_key]);
    }

    #[test]
    fn our_own_request_is_read_and_comes_back_byte_for_byte() {
        let key = PrivateKey::generate(KeyAlgorithm::Rsa2048).unwrap();
        let ours = SigningRequest::new(&subject(), &AlternativeNames::default(), 0, &key).unwrap();
        let glued = format!("a request\n{}", ours.to_pem().replace('\n', "\r\n"));
        let read = ForeignRequest::from_pem(&glued).unwrap();
        assert_eq!(read.to_pem(), ours.to_pem());
        assert_eq!(read.public_key(), key.public_key());
        let renamed = ours
            .to_pem()
            .replace("CERTIFICATE REQ", "NEW CERTIFICATE REQ");
        assert_eq!(
            ForeignRequest::from_pem(&renamed).unwrap().to_pem(),
            ours.to_pem()
        );
    }

    #[test]
    fn a_changed_request_is_refused() {
        let key = PrivateKey::generate(KeyAlgorithm::EcPrime256v1).unwrap();
        let ours = SigningRequest::new(&subject(), &AlternativeNames::default(), 0, &key).unwrap();
        let mut der = ours.to_der().to_vec();
        let place = der
            .windows(7)
            .position(|window| window == b"Example")
            .unwrap();
        der[place] = b'e';
        let pem = pem::encode("CERTIFICATE REQUEST", &der);
        assert_eq!(
            ForeignRequest::from_pem(&pem).unwrap_err(),
            ForeignError::Signature
        );
        for length in 0..der.len() {
            let pem = pem::encode("CERTIFICATE REQUEST", &der[..length]);
            assert!(ForeignRequest::from_pem(&pem).is_err());
        }
    }

    #[test]
    fn what_is_no_request_for_a_mesh_is_named() {
        let told = |text: &str| ForeignRequest::from_pem(text).unwrap_err().to_string();
        assert_eq!(
            told(""),
            "got no PEM block, expected exactly one CERTIFICATE REQUEST"
        );
        let key = openssl(&["genpkey", "-algorithm", "ED25519"], "");
        let key = String::from_utf8(key).unwrap();
        assert_eq!(
            told(&key),
            "got PRIVATE KEY, expected exactly one CERTIFICATE REQUEST"
        );
        assert!(told(&requested(&key, "/CN=mesh", &[])).starts_with("the request's key is none"));
        let sha1 = [
            "req",
            "-new",
            "-sha1",
            "-key",
            "/dev/stdin",
            "-subj",
            "/CN=mesh",
        ];
        let sha1 = openssl_text(&sha1, p256());
        let unchecked = "the request is signed with 1.2.840.10045.4.1, which cannot be checked";
        assert_eq!(told(&sha1), unchecked);
    }
}
