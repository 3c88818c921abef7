//! Certificates of CAs, with everything that can be right or wrong about one.

use jiff::{SignedDuration, Timestamp};
use x509_cert::der::asn1::{Any, Uint};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Tag, TagNumber};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::KeyUsages;
use x509_cert::name::Name;

use super::keys::{Hash, KeyId};
use crate::aws::x509::encoding::{bits, der, explicit, sequence, time};
use crate::aws::x509::{extension, name};

/// What the certificate of a CA says about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authority {
    /// Its common name.
    pub name: String,
    /// Its key.
    pub key: KeyId,
    /// The certificate's serial number.
    pub serial: u32,
    /// From when it is valid, in seconds from now.
    pub begins: i64,
    /// Until when it is valid, in seconds from now.
    pub ends: i64,
    /// Its basic constraints, if it has any.
    pub basic: Option<Basic>,
    /// Its key usage.
    pub usage: Usage,
    /// Its extended key usages; without any there is no such extension.
    pub purposes: Vec<Purpose>,
    /// The names for which it may issue certificates, if that is limited.
    pub names: Option<Names>,
    /// With which hash it is signed.
    pub hash: Hash,
    /// Whether it says whose key is whose.
    pub identifiers: Identifiers,
    /// By what name it calls its issuer, if not by the issuer's.
    pub issuer_name: Option<String>,
    /// Whose key signed it, if not the issuer's.
    pub signed_by: Option<KeyId>,
    /// Whether it has a critical extension that nobody knows.
    pub unknown_critical: bool,
}

/// `basicConstraints`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Basic {
    /// Whether it is a CA at all.
    pub ca: bool,
    /// How many CAs may be below it, but for the last one.
    pub path_length: Option<u8>,
}

/// `keyUsage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Usage {
    /// No such extension.
    Absent,
    /// All that a CA needs.
    Authority,
    /// Certificates, but no revocation lists.
    CertificatesOnly,
    /// Everything but certificates.
    NoCertificates,
}

/// `extKeyUsage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// TLS server
    Server,
    /// TLS client
    Client,
    /// anyExtendedKeyUsage
    Any,
    /// code signing
    Code,
}

/// `nameConstraints`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Names {
    /// Only these.
    pub permitted: Vec<Subtree>,
    /// Not these.
    pub excluded: Vec<Subtree>,
}

/// A set of names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Subtree {
    /// A domain with everything below it.
    Dns(String),
    /// The host of a URI.
    Uri(String),
    /// An IPv4 address and its mask.
    Ip([u8; 8]),
}

/// `subjectKeyIdentifier` and `authorityKeyIdentifier`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identifiers {
    /// Both, right.
    Both,
    /// Neither.
    Neither,
    /// The issuer's is that of no key.
    WrongIssuer,
}

impl Authority {
    /// A CA that has its certificate for ten years, and may have any number of CAs below it.
    pub fn new(name: &str, key: KeyId) -> Self {
        Self {
            name: name.to_owned(),
            key,
            serial: 1,
            begins: -DAY,
            ends: 3650 * DAY,
            basic: Some(Basic {
                ca: true,
                path_length: None,
            }),
            usage: Usage::Authority,
            purposes: Vec::new(),
            names: None,
            hash: Hash::Usual,
            identifiers: Identifiers::Both,
            issuer_name: None,
            signed_by: None,
            unknown_critical: false,
        }
    }

    /// Its certificate as `issuer` signs it, DER; its own signature if it is its issuer.
    pub fn certificate(&self, issuer: &Self, now: Timestamp) -> Vec<u8> {
        let key = self.signed_by.unwrap_or(issuer.key).key();
        let algorithm = key.algorithm(self.hash);
        let issuer_name = self.issuer_name.as_deref().unwrap_or(&issuer.name);
        let signed = sequence(&[
            explicit(0, der(&VERSION_3)),
            der(&Uint::new(&self.serial.to_be_bytes()).expect("four bytes are an integer")),
            algorithm.clone(),
            der(&named(issuer_name)),
            sequence(&[time(after(now, self.begins)), time(after(now, self.ends))]),
            der(&named(&self.name)),
            self.key.key().public.clone(),
            explicit(3, der(&self.extensions(issuer))),
        ]);
        let signature = key.sign(self.hash, &signed);
        sequence(&[signed, algorithm, bits(&signature)])
    }

    /// Its list of revoked certificates, which is empty, DER (RFC 5280 §5).
    pub fn revocation_list(&self, now: Timestamp) -> Vec<u8> {
        const VERSION_2: u8 = 1;
        let key = self.key.key();
        let algorithm = key.algorithm(Hash::Usual);
        let number = extension::extension(oid("2.5.29.20"), false, der(&1_u8));
        let whose = extension::authority_key_identifier(&extension::key_identifier(&key.public));
        let signed = sequence(&[
            der(&VERSION_2),
            algorithm.clone(),
            der(&named(&self.name)),
            time(after(now, -DAY)),
            time(after(now, 30 * DAY)),
            explicit(0, der(&vec![whose, number])),
        ]);
        let signature = key.sign(Hash::Usual, &signed);
        sequence(&[signed, algorithm, bits(&signature)])
    }

    fn extensions(&self, issuer: &Self) -> Vec<Extension> {
        let mut all = Vec::new();
        if let Some(Basic { ca, path_length }) = self.basic {
            all.push(extension::basic_constraints(ca, path_length, true));
        }
        all.extend(self.usage.extension());
        if !self.purposes.is_empty() {
            let purposes: Vec<_> = self.purposes.iter().map(|purpose| purpose.oid()).collect();
            all.push(extension::extended_key_usage(&purposes, false));
        }
        all.extend(self.names.as_ref().map(Names::extension));
        let identifier = |key: KeyId| extension::key_identifier(&key.key().public);
        let issuers = match self.identifiers {
            Identifiers::Neither => None,
            Identifiers::Both => Some(identifier(issuer.key)),
            Identifiers::WrongIssuer => Some(vec![0xAB; 20]),
        };
        if let Some(issuers) = issuers {
            all.push(extension::subject_key_identifier(&identifier(self.key)));
            all.push(extension::authority_key_identifier(&issuers));
        }
        if self.unknown_critical {
            all.push(extension::extension(oid("1.2.3.4.5.6"), true, vec![5, 0]));
        }
        all
    }
}

impl Usage {
    fn extension(self) -> Option<Extension> {
        let signs = KeyUsages::KeyCertSign;
        let lists = KeyUsages::CRLSign;
        let usages = match self {
            Self::Absent => return None,
            Self::Authority => KeyUsages::DigitalSignature | signs | lists,
            Self::CertificatesOnly => signs.into(),
            Self::NoCertificates => KeyUsages::DigitalSignature | lists,
        };
        Some(extension::key_usage(usages, true))
    }
}

impl Purpose {
    fn oid(self) -> ObjectIdentifier {
        oid(match self {
            Self::Server => "1.3.6.1.5.5.7.3.1",
            Self::Client => "1.3.6.1.5.5.7.3.2",
            Self::Code => "1.3.6.1.5.5.7.3.3",
            Self::Any => "2.5.29.37.0",
        })
    }
}

impl Names {
    /// Only these names.
    pub fn only(permitted: &[Subtree]) -> Self {
        Self {
            permitted: permitted.to_vec(),
            excluded: Vec::new(),
        }
    }

    /// All names but these.
    pub fn all_but(excluded: &[Subtree]) -> Self {
        Self {
            permitted: Vec::new(),
            excluded: excluded.to_vec(),
        }
    }

    /// RFC 5280 §4.2.1.10; the two lists are implicitly tagged, which looks the same.
    fn extension(&self) -> Extension {
        let list = |number, subtrees: &[Subtree]| {
            let each = subtrees.iter().map(|subtree| sequence(&[subtree.name()]));
            let content: Vec<u8> = each.flatten().collect();
            (!subtrees.is_empty()).then(|| explicit(number, content))
        };
        let lists = [list(0, &self.permitted), list(1, &self.excluded)];
        let value = sequence(&lists.map(Option::unwrap_or_default));
        extension::extension(oid("2.5.29.30"), true, value)
    }
}

impl Subtree {
    /// `GeneralName`.
    fn name(&self) -> Vec<u8> {
        let (number, content) = match self {
            Self::Dns(domain) => (2, domain.as_bytes()),
            Self::Uri(host) => (6, host.as_bytes()),
            Self::Ip(address) => (7, &address[..]),
        };
        let tag = Tag::ContextSpecific {
            constructed: false,
            number: TagNumber(number),
        };
        der(&Any::new(tag, content).expect("a name is short"))
    }
}

/// Seconds.
pub const HOUR: i64 = 3600;
/// Seconds.
pub const DAY: i64 = 24 * HOUR;

const VERSION_3: u8 = 2;

fn after(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds))
        .expect("a duration can be added to any moment")
}

fn named(common_name: &str) -> Name {
    name::named(&[("Organization", "Example"), ("CommonName", common_name)])
        .expect("these attributes hold any text")
}

fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}
