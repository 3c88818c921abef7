//! A CA's key, and which signatures it can make.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RsaEncoding, RsaKeyPair,
};
use x509_cert::der::oid::ObjectIdentifier;

use super::encoding::{algorithm, der, explicit, sequence};

/// What kind of key a CA has, by the names of the API (`KeyAlgorithm`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// `RSA_2048`
    Rsa2048,
    /// `RSA_3072`
    Rsa3072,
    /// `RSA_4096`
    Rsa4096,
    /// `EC_prime256v1`, NIST P-256
    EcPrime256v1,
    /// `EC_secp384r1`, NIST P-384
    EcSecp384r1,
    /// `EC_secp521r1`, NIST P-521
    EcSecp521r1,
}

/// How a certificate is signed, by the names of the API (`SigningAlgorithm`); ML-DSA and SM2 are
/// not emulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningAlgorithm {
    /// RSA PKCS#1 v1.5
    Rsa(Hash),
    /// RSASSA-PSS, salt as long as the hash
    RsaPss(Hash),
    /// ECDSA
    Ecdsa(Hash),
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say all
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A key that signs; it never leaves the emulator, and prints as its algorithm.
pub(crate) struct CaKey {
    algorithm: KeyAlgorithm,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

use Hash::{Sha256, Sha384, Sha512};

const RSA_FAMILY: &[SigningAlgorithm] = &[
    SigningAlgorithm::Rsa(Sha256),
    SigningAlgorithm::Rsa(Sha384),
    SigningAlgorithm::Rsa(Sha512),
    SigningAlgorithm::RsaPss(Sha256),
    SigningAlgorithm::RsaPss(Sha384),
    SigningAlgorithm::RsaPss(Sha512),
];

impl KeyAlgorithm {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::Rsa4096 => "RSA_4096",
            Self::EcPrime256v1 => "EC_prime256v1",
            Self::EcSecp384r1 => "EC_secp384r1",
            Self::EcSecp521r1 => "EC_secp521r1",
        }
    }

    /// The signatures that a CA with such a key may be asked for, the usual one first. An ECDSA key
    /// signs with the hash of its curve's strength only, as in every Region opened since AWS made
    /// that the rule.
    pub fn signing_algorithms(self) -> &'static [SigningAlgorithm] {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => RSA_FAMILY,
            Self::EcPrime256v1 => &[SigningAlgorithm::Ecdsa(Sha256)],
            Self::EcSecp384r1 => &[SigningAlgorithm::Ecdsa(Sha384)],
            Self::EcSecp521r1 => &[SigningAlgorithm::Ecdsa(Sha512)],
        }
    }
}

impl SigningAlgorithm {
    const ALL: [Self; 9] = {
        use SigningAlgorithm::{Ecdsa, Rsa, RsaPss};
        [
            Rsa(Sha256),
            Rsa(Sha384),
            Rsa(Sha512),
            RsaPss(Sha256),
            RsaPss(Sha384),
            RsaPss(Sha512),
            Ecdsa(Sha256),
            Ecdsa(Sha384),
            Ecdsa(Sha512),
        ]
    };

    /// The name in the API, such as `SHA256WITHECDSA`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa(Sha256) => "SHA256WITHRSA",
            Self::Rsa(Sha384) => "SHA384WITHRSA",
            Self::Rsa(Sha512) => "SHA512WITHRSA",
            Self::RsaPss(Sha256) => "SHA256WITHRSA_PSS",
            Self::RsaPss(Sha384) => "SHA384WITHRSA_PSS",
            Self::RsaPss(Sha512) => "SHA512WITHRSA_PSS",
            Self::Ecdsa(Sha256) => "SHA256WITHECDSA",
            Self::Ecdsa(Sha384) => "SHA384WITHECDSA",
            Self::Ecdsa(Sha512) => "SHA512WITHECDSA",
        }
    }

    /// The algorithm of that name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// The `AlgorithmIdentifier` that goes into a certificate (RFC 4055 and RFC 5758), DER.
    pub(crate) fn identifier(self) -> Vec<u8> {
        match self {
            Self::Rsa(hash) => algorithm(
                oid("1.2.840.113549.1.1", rsa_arc(hash)),
                Some(NULL.to_vec()),
            ),
            Self::RsaPss(hash) => {
                algorithm(oid("1.2.840.113549.1.1", 10), Some(pss_parameters(hash)))
            }
            Self::Ecdsa(hash) => algorithm(oid("1.2.840.10045.4.3", ecdsa_arc(hash)), None),
        }
    }
}

impl CaKey {
    /// A fresh key. RSA keys of 4096 bits take about a second.
    pub(crate) fn generate(algorithm: KeyAlgorithm) -> Self {
        let pair = match algorithm {
            KeyAlgorithm::Rsa2048 => Pair::rsa(KeySize::Rsa2048),
            KeyAlgorithm::Rsa3072 => Pair::rsa(KeySize::Rsa3072),
            KeyAlgorithm::Rsa4096 => Pair::rsa(KeySize::Rsa4096),
            KeyAlgorithm::EcPrime256v1 => Pair::ec(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyAlgorithm::EcSecp384r1 => Pair::ec(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
            KeyAlgorithm::EcSecp521r1 => Pair::ec(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
        };
        Self { algorithm, pair }
    }

    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    pub(crate) fn usual_signing_algorithm(&self) -> SigningAlgorithm {
        self.algorithm.signing_algorithms()[0]
    }

    /// `SubjectPublicKeyInfo`, DER.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        let encoded: Result<PublicKeyX509Der<'_>, _> = match &self.pair {
            Pair::Rsa(pair) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
        };
        encoded
            .expect("a key that was generated here can be encoded")
            .as_ref()
            .to_vec()
    }

    /// The signature of `message`; `None` if this key cannot sign so.
    pub(crate) fn sign(&self, algorithm: SigningAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        if !self.algorithm.signing_algorithms().contains(&algorithm) {
            return None;
        }
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signed = vec![0; pair.public_modulus_len()];
                pair.sign(
                    rsa_encoding(algorithm)?,
                    &SystemRandom::new(),
                    message,
                    &mut signed,
                )
                .ok()?;
                Some(signed)
            }
            Pair::Ec(pair) => Some(
                pair.sign(&SystemRandom::new(), message)
                    .ok()?
                    .as_ref()
                    .to_vec(),
            ),
        }
    }
}

impl std::fmt::Debug for CaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CaKey({})", self.algorithm.name())
    }
}

impl Pair {
    fn rsa(size: KeySize) -> Self {
        Self::Rsa(RsaKeyPair::generate(size).expect("the system has randomness"))
    }

    fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        Self::Ec(EcdsaKeyPair::generate(algorithm).expect("the system has randomness"))
    }
}

impl Hash {
    fn octets(self) -> u8 {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The last arc under `2.16.840.1.101.3.4.2`.
    fn arc(self) -> u32 {
        match self {
            Self::Sha256 => 1,
            Self::Sha384 => 2,
            Self::Sha512 => 3,
        }
    }
}

const NULL: [u8; 2] = [5, 0];

fn rsa_encoding(algorithm: SigningAlgorithm) -> Option<&'static dyn RsaEncoding> {
    Some(match algorithm {
        SigningAlgorithm::Rsa(Sha256) => &signature::RSA_PKCS1_SHA256,
        SigningAlgorithm::Rsa(Sha384) => &signature::RSA_PKCS1_SHA384,
        SigningAlgorithm::Rsa(Sha512) => &signature::RSA_PKCS1_SHA512,
        SigningAlgorithm::RsaPss(Sha256) => &signature::RSA_PSS_SHA256,
        SigningAlgorithm::RsaPss(Sha384) => &signature::RSA_PSS_SHA384,
        SigningAlgorithm::RsaPss(Sha512) => &signature::RSA_PSS_SHA512,
        SigningAlgorithm::Ecdsa(_) => return None,
    })
}

/// `RSASSA-PSS-params` (RFC 4055 §3.1): hash, MGF1 with the same hash, salt length.
fn pss_parameters(hash: Hash) -> Vec<u8> {
    let hashed = algorithm(oid("2.16.840.1.101.3.4.2", hash.arc()), Some(NULL.to_vec()));
    let masked = algorithm(oid("1.2.840.113549.1.1", 8), Some(hashed.clone()));
    sequence(&[
        explicit(0, hashed),
        explicit(1, masked),
        explicit(2, der(&hash.octets())),
    ])
}

fn rsa_arc(hash: Hash) -> u32 {
    10 + hash.arc()
}

fn ecdsa_arc(hash: Hash) -> u32 {
    1 + hash.arc()
}

fn oid(parent: &str, arc: u32) -> ObjectIdentifier {
    ObjectIdentifier::new(&format!("{parent}.{arc}"))
        .expect("the arcs above are small numbers under known parents")
}
