//! Private keys for certificate authorities of a mesh.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256,
};
use serde::{Deserialize, Serialize};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::fingerprint::PublicKey;
use super::pem::{self, PemError};
use super::secret::SecretPem;

/// What a key is made for; the names are AWS Private CA's (`EC_prime256v1`, `RSA_2048` …).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyAlgorithm {
    /// ECDSA on NIST P-256.
    #[default]
    EcPrime256v1,
    /// ECDSA on NIST P-384.
    EcSecp384r1,
    /// RSA, 2048 bits.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
}

/// Which signatures a key makes; a certificate's signing algorithm must fit the *issuer's* family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyFamily {
    /// Elliptic curves, ECDSA.
    Ec,
    /// RSA.
    Rsa,
}

/// A name that is none of [`KeyAlgorithm::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("got {got:?}, expected EC_prime256v1, EC_secp384r1, RSA_2048, RSA_3072 or RSA_4096")]
pub struct KeyAlgorithmError {
    /// What was given.
    pub got: String,
}

impl KeyAlgorithm {
    /// Every algorithm that istiod, Envoy and ztunnel all take as a CA's key.
    pub const ALL: [Self; 5] = [
        Self::EcPrime256v1,
        Self::EcSecp384r1,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// The names of [`ALL`](Self::ALL).
    pub const NAMES: [&str; Self::ALL.len()] = {
        let mut names = [""; Self::ALL.len()];
        let mut place = 0;
        while place < names.len() {
            names[place] = Self::ALL[place].name();
            place += 1;
        }
        names
    };

    /// AWS Private CA's name for it, as in `KeyAlgorithm` of its API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EcPrime256v1 => "EC_prime256v1",
            Self::EcSecp384r1 => "EC_secp384r1",
            Self::Rsa2048 => "RSA_2048",
            Self::Rsa3072 => "RSA_3072",
            Self::Rsa4096 => "RSA_4096",
        }
    }

    /// The family it belongs to.
    pub const fn family(self) -> KeyFamily {
        match self {
            Self::EcPrime256v1 | Self::EcSecp384r1 => KeyFamily::Ec,
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => KeyFamily::Rsa,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for KeyAlgorithm {
    type Err = KeyAlgorithmError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == text)
            .ok_or_else(|| KeyAlgorithmError {
                got: text.to_owned(),
            })
    }
}

impl TryFrom<String> for KeyAlgorithm {
    type Error = KeyAlgorithmError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<KeyAlgorithm> for String {
    fn from(algorithm: KeyAlgorithm) -> Self {
        algorithm.name().to_owned()
    }
}

/// Why a key could not be made, read or used; never shows a byte of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The random source or the generator failed.
    #[error("could not generate a {algorithm} key")]
    Generate {
        /// What was to be made.
        algorithm: KeyAlgorithm,
        /// The library's error, which says no more.
        source: Unspecified,
    },
    /// The text is not sound PEM.
    #[error("could not read the private key as PEM")]
    Pem(#[from] PemError),
    /// A key file holds one block and nothing else: istiod reads the first block only.
    #[error(
        "got {} PEM blocks ({}), expected exactly one private key",
        labels.len(),
        labels.join(", ")
    )]
    Blocks {
        /// What the blocks say they are, in order.
        labels: Vec<String>,
    },
    /// The one block is something else.
    #[error("got a {label}, expected a PRIVATE KEY")]
    NotAKey {
        /// What the block says it is.
        label: String,
    },
    /// PKCS#8 with a passphrase, which neither istiod nor this provider can open.
    #[error("the private key is encrypted, expected it in clear")]
    Encrypted,
    /// A sound key of a kind that some part of the mesh refuses.
    #[error("got {got}, expected EC on P-256 or P-384, or RSA with 2048, 3072 or 4096 bits")]
    Unsupported {
        /// The kind, in words.
        got: String,
    },
    /// The bytes are no key, or not a valid one.
    #[error("the private key is damaged")]
    Damaged(#[source] KeyRejected),
    /// The library would pass over them, but then two readers could see two keys.
    #[error("the private key is followed by other bytes")]
    TrailingBytes,
    /// The library could not write out, or sign with, a key that it holds.
    #[error("could not use the private key")]
    Use(#[from] Unspecified),
}

/// A private key, held as PKCS#8 and wiped when dropped.
///
/// It has no `Clone`, and its `Debug` shows the algorithm only.
pub struct PrivateKey {
    algorithm: KeyAlgorithm,
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a new key: the only place in `pki` where chance comes in.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        let failed = |source| KeyError::Generate { algorithm, source };
        let pair = match algorithm {
            KeyAlgorithm::EcPrime256v1 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::Ec)
            }
            KeyAlgorithm::EcSecp384r1 => {
                EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).map(Pair::Ec)
            }
            KeyAlgorithm::Rsa2048 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            KeyAlgorithm::Rsa3072 => RsaKeyPair::generate(KeySize::Rsa3072).map(Pair::Rsa),
            KeyAlgorithm::Rsa4096 => RsaKeyPair::generate(KeySize::Rsa4096).map(Pair::Rsa),
        };
        Self::from_pair(algorithm, &pair.map_err(failed)?)
    }

    /// Reads PKCS#8, SEC1 (`EC PRIVATE KEY`) or PKCS#1 (`RSA PRIVATE KEY`) from a text that holds
    /// that one block.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let blocks = pem::blocks(text)?;
        let [block] = blocks.as_slice() else {
            let labels = blocks.iter().map(|block| block.label.to_owned()).collect();
            return Err(KeyError::Blocks { labels });
        };
        if is_followed(&block.der) {
            return Err(KeyError::TrailingBytes);
        }
        let (algorithm, pair) = match block.label {
            "PRIVATE KEY" => read_pkcs8(&block.der)?,
            "EC PRIVATE KEY" => read_ec(&block.der, EcdsaKeyPair::from_private_key_der)
                .map_err(KeyError::Damaged)?,
            "RSA PRIVATE KEY" => read_rsa(RsaKeyPair::from_der(&block.der))?,
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
            other => {
                return Err(KeyError::NotAKey {
                    label: other.to_owned(),
                });
            }
        };
        Self::from_pair(algorithm, &pair)
    }

    /// Reads bare PKCS#8.
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        if is_followed(der) {
            return Err(KeyError::TrailingBytes);
        }
        let (algorithm, pair) = read_pkcs8(der)?;
        Self::from_pair(algorithm, &pair)
    }

    /// PKCS#8 in DER.
    pub(super) fn as_pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// Whether `der` is how this key is written in PKCS#8, byte for byte.
    pub(super) fn is_written_as(&self, der: &[u8]) -> bool {
        verify_slices_are_equal(&self.pkcs8, der).is_ok()
    }

    /// PKCS#8 in PEM, label `PRIVATE KEY`: the form that istiod, Envoy and ztunnel all read.
    pub fn to_pem(&self) -> SecretPem {
        SecretPem::new(pem::encode("PRIVATE KEY", &self.pkcs8))
    }

    /// What kind of key it is.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs with SHA-256, or SHA-384 on P-384: ECDSA in ASN.1 form, RSA in PKCS#1 v1.5.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        // aws-lc takes its randomness itself; the argument is there for ring's sake.
        let random = SystemRandom::new();
        match read_pkcs8(&self.pkcs8)?.1 {
            Pair::Ec(pair) => Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }

    fn from_pair(algorithm: KeyAlgorithm, pair: &Pair) -> Result<Self, KeyError> {
        let wiped = |der: &[u8]| Zeroizing::new(der.to_vec());
        let (pkcs8, public): (_, PublicKeyX509Der<'_>) = match pair {
            Pair::Ec(pair) => (
                wiped(pair.to_pkcs8v1()?.as_ref()),
                pair.public_key().as_der()?,
            ),
            Pair::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der()?;
                (wiped(der.as_ref()), pair.public_key().as_der()?)
            }
        };
        let public = PublicKey::from_spki(public.as_ref().to_vec());
        Ok(Self {
            algorithm,
            pkcs8,
            public,
        })
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, ..)", self.algorithm)
    }
}

/// A key in the library's hands; aws-lc wipes it when it is freed.
enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

type EcReader = fn(&'static EcdsaSigningAlgorithm, &[u8]) -> Result<EcdsaKeyPair, KeyRejected>;

fn read_pkcs8(der: &[u8]) -> Result<(KeyAlgorithm, Pair), KeyError> {
    // What cannot even be taken apart is left for the library to refuse.
    let (oid, curve) = pkcs8_algorithm(der).unwrap_or((RSA, None));
    match (oid, curve) {
        (RSA, _) => read_rsa(RsaKeyPair::from_pkcs8(der)),
        (EC, Some(P256 | P384)) => {
            read_ec(der, EcdsaKeyPair::from_pkcs8).map_err(KeyError::Damaged)
        }
        _ => Err(KeyError::Unsupported {
            got: describe(oid, curve),
        }),
    }
}

fn read_ec(der: &[u8], read: EcReader) -> Result<(KeyAlgorithm, Pair), KeyRejected> {
    read(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
        .map(|pair| (KeyAlgorithm::EcPrime256v1, Pair::Ec(pair)))
        .or_else(|_| {
            read(&ECDSA_P384_SHA384_ASN1_SIGNING, der)
                .map(|pair| (KeyAlgorithm::EcSecp384r1, Pair::Ec(pair)))
        })
}

fn read_rsa(pair: Result<RsaKeyPair, KeyRejected>) -> Result<(KeyAlgorithm, Pair), KeyError> {
    let pair = pair.map_err(KeyError::Damaged)?;
    let algorithm = match 8 * pair.public_modulus_len() {
        2048 => KeyAlgorithm::Rsa2048,
        3072 => KeyAlgorithm::Rsa3072,
        4096 => KeyAlgorithm::Rsa4096,
        bits => {
            return Err(KeyError::Unsupported {
                got: format!("RSA with {bits} bits"),
            });
        }
    };
    Ok((algorithm, Pair::Rsa(pair)))
}

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// Whether there is more than the one DER element that every form of a key is.
fn is_followed(der: &[u8]) -> bool {
    let Ok(mut reader) = SliceReader::new(der) else {
        return false;
    };
    reader.tlv_bytes().is_ok() && !reader.is_finished()
}

/// The algorithm that a PKCS#8 structure (RFC 5208 §5) says it holds, and for EC its named curve.
fn pkcs8_algorithm(der: &[u8]) -> Option<(ObjectIdentifier, Option<ObjectIdentifier>)> {
    let mut reader = SliceReader::new(der).ok()?;
    reader
        .sequence(|reader| {
            u8::decode(reader)?;
            let algorithm = AlgorithmIdentifierRef::decode(reader)?;
            // Skipped in place: the rest is the key itself.
            reader.read_slice(reader.remaining_len())?;
            let curve = algorithm.parameters.and_then(|any| any.decode_as().ok());
            x509_cert::der::Result::Ok((algorithm.oid, curve))
        })
        .ok()
}

fn describe(oid: ObjectIdentifier, curve: Option<ObjectIdentifier>) -> String {
    match (oid, curve) {
        (EC, Some(P521)) => "EC on P-521".to_owned(),
        (EC, Some(curve)) => format!("EC on the curve {curve}"),
        (EC, None) => "EC on a curve without a name".to_owned(),
        (ED25519, _) => "Ed25519".to_owned(),
        (RSA_PSS, _) => "RSA restricted to PSS".to_owned(),
        (oid, _) => format!("a key of algorithm {oid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Fingerprint;
    use crate::pki::testing::{openssl, openssl_text};

    #[track_caller]
    fn refused(pem: &str) -> String {
        PrivateKey::from_pem(pem).unwrap_err().to_string()
    }

    #[test]
    fn algorithms_have_the_names_that_aws_has_for_them() {
        let names: Vec<_> = KeyAlgorithm::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "EC_prime256v1",
                "EC_secp384r1",
                "RSA_2048",
                "RSA_3072",
                "RSA_4096"
            ]
        );
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            let json = serde_json::to_string(&algorithm).unwrap();
            assert_eq!(json, format!("{:?}", algorithm.name()));
            assert_eq!(
                serde_json::from_str::<KeyAlgorithm>(&json).unwrap(),
                algorithm
            );
        }
        assert_eq!(KeyAlgorithm::default(), KeyAlgorithm::EcPrime256v1);
        assert_eq!(KeyAlgorithm::Rsa3072.family(), KeyFamily::Rsa);
        assert_eq!(KeyAlgorithm::EcSecp384r1.family(), KeyFamily::Ec);
        assert_eq!(
            "rsa_2048".parse::<KeyAlgorithm>().unwrap_err().to_string(),
            "got \"rsa_2048\", expected EC_prime256v1, EC_secp384r1, RSA_2048, RSA_3072 or RSA_4096"
        );
    }

    #[test]
    fn openssl_finds_every_generated_key_sound_and_of_its_kind() {
        let kinds = [
            "(256 bit)\nASN1 OID: prime256v1",
            "(384 bit)\nASN1 OID: secp384r1",
            "(2048 bit, 2 primes)",
            "(3072 bit, 2 primes)",
            "(4096 bit, 2 primes)",
        ];
        for (algorithm, kind) in KeyAlgorithm::ALL.into_iter().zip(kinds) {
            let key = PrivateKey::generate(algorithm).unwrap();
            let pem = key.to_pem();
            let text = openssl_text(&["pkey", "-check", "-noout", "-text"], pem.expose());
            assert!(text.contains("Key is valid"), "{algorithm}: {text}");
            for line in kind.lines() {
                assert!(text.contains(line), "{algorithm}: no {line}");
            }
            let public = openssl(&["pkey", "-pubout", "-outform", "DER"], pem.expose());
            assert_eq!(public, key.public_key().as_der());

            let read = PrivateKey::from_pem(pem.expose()).unwrap();
            assert_eq!((read.algorithm(), read.to_pem()), (algorithm, pem));
        }
    }

    #[test]
    fn the_pem_is_pkcs8_in_64_columns() {
        let key = PrivateKey::generate(KeyAlgorithm::Rsa2048).unwrap();
        let pem = key.to_pem();
        // openssl writes PKCS#8 in the same canonical form
        assert_eq!(pem.expose(), openssl_text(&["pkey"], pem.expose()));
        assert!(pem.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
    }

    #[test]
    fn keys_of_other_tools_are_read() {
        let sec1 = ["ecparam", "-name", "secp384r1", "-genkey", "-noout"];
        let pkcs1 = ["genrsa", "-traditional", "3072"];
        let pkcs8 = [
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ];
        for (arguments, algorithm) in [
            (&sec1[..], KeyAlgorithm::EcSecp384r1),
            (&pkcs1, KeyAlgorithm::Rsa3072),
            (&pkcs8, KeyAlgorithm::EcPrime256v1),
        ] {
            let pem = openssl_text(arguments, "");
            let key = PrivateKey::from_pem(&pem).unwrap();
            assert_eq!(key.algorithm(), algorithm);
            let public = openssl(&["pkey", "-pubout", "-outform", "DER"], &pem);
            assert_eq!(key.public_key().sha256(), Fingerprint::of(&public));
            let rewritten = openssl(
                &["pkey", "-pubout", "-outform", "DER"],
                key.to_pem().expose(),
            );
            assert_eq!(public, rewritten);
        }
    }

    #[test]
    fn what_istiod_could_not_read_is_refused_by_name() {
        let with_parameters = openssl_text(&["ecparam", "-name", "prime256v1", "-genkey"], "");
        assert_eq!(
            refused(&with_parameters),
            "got 2 PEM blocks (EC PARAMETERS, EC PRIVATE KEY), expected exactly one private key"
        );
        let encrypted = [
            "genpkey",
            "-algorithm",
            "RSA",
            "-aes256",
            "-pass",
            "pass:secret",
        ];
        assert_eq!(
            refused(&openssl_text(&encrypted, "")),
            "the private key is encrypted, expected it in clear"
        );
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(
            refused(certificate),
            "got a CERTIFICATE, expected a PRIVATE KEY"
        );
        assert_eq!(
            refused(""),
            "got 0 PEM blocks (), expected exactly one private key"
        );
        let nothing = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(refused(nothing), "the private key is damaged");
    }

    #[test]
    fn kinds_that_the_mesh_cannot_use_are_refused_by_name() {
        let expected = "expected EC on P-256 or P-384, or RSA with 2048, 3072 or 4096 bits";
        let curve = |name| {
            let option = format!("ec_paramgen_curve:{name}");
            openssl_text(&["genpkey", "-algorithm", "EC", "-pkeyopt", &option], "")
        };
        assert_eq!(
            refused(&curve("P-521")),
            format!("got EC on P-521, {expected}")
        );
        assert_eq!(
            refused(&curve("secp256k1")),
            format!("got EC on the curve 1.3.132.0.10, {expected}")
        );
        let ed25519 = openssl_text(&["genpkey", "-algorithm", "ED25519"], "");
        assert_eq!(refused(&ed25519), format!("got Ed25519, {expected}"));
        let restricted = openssl_text(&["genpkey", "-algorithm", "RSA-PSS"], "");
        assert_eq!(
            refused(&restricted),
            format!("got RSA restricted to PSS, {expected}")
        );
        let odd = openssl_text(&["genrsa", "2560"], "");
        assert_eq!(refused(&odd), format!("got RSA with 2560 bits, {expected}"));
    }

    #[test]
    fn a_changed_byte_or_one_too_many_is_found() {
        let key = PrivateKey::generate(KeyAlgorithm::EcPrime256v1).unwrap();
        let mut longer = key.pkcs8.to_vec();
        longer.push(0);
        assert_eq!(
            refused(&pem::encode("PRIVATE KEY", &longer)),
            "the private key is followed by other bytes"
        );
        let mut other = key.pkcs8.to_vec();
        *other.last_mut().unwrap() ^= 1;
        assert_eq!(
            refused(&pem::encode("PRIVATE KEY", &other)),
            "the private key is damaged"
        );
    }

    #[test]
    fn debug_shows_the_kind_only() {
        let key = PrivateKey::generate(KeyAlgorithm::EcSecp384r1).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(EC_secp384r1, ..)");
    }
}
