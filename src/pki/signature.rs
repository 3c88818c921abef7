//! Which signatures on certificates are understood, and whether one holds.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_EC_PUBLIC_KEY, ID_RSASSA_PSS,
    RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1, SHA_256_WITH_RSA_ENCRYPTION,
    SHA_384_WITH_RSA_ENCRYPTION, SHA_512_WITH_RSA_ENCRYPTION,
};
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef};

use super::fingerprint::PublicKey;

/// How a certificate is signed; the names are AWS Private CA's (`SHA256WITHRSA`), an OID where it
/// has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA (RFC 5758).
    Ecdsa(HashAlgorithm),
    /// RSA PKCS#1 v1.5 (RFC 4055).
    RsaPkcs1(HashAlgorithm),
    /// RSA PSS with MGF1 over the same hash and a salt of its length (RFC 4055).
    RsaPss(HashAlgorithm),
    /// Anything else: SHA-1, Ed25519, ML-DSA, SM2, PSS with other parameters. Never taken as good.
    Other(ObjectIdentifier),
}

/// The hash within a [`SignatureAlgorithm`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// What came of checking a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
    /// Not judged: the algorithm, or its use with this key, is none that the whole mesh can verify.
    Unsupported,
}

impl SignatureAlgorithm {
    pub(super) fn new(identifier: &AlgorithmIdentifierOwned) -> Self {
        match identifier.oid {
            ECDSA_WITH_SHA_256 => Self::Ecdsa(HashAlgorithm::Sha256),
            ECDSA_WITH_SHA_384 => Self::Ecdsa(HashAlgorithm::Sha384),
            ECDSA_WITH_SHA_512 => Self::Ecdsa(HashAlgorithm::Sha512),
            SHA_256_WITH_RSA_ENCRYPTION => Self::RsaPkcs1(HashAlgorithm::Sha256),
            SHA_384_WITH_RSA_ENCRYPTION => Self::RsaPkcs1(HashAlgorithm::Sha384),
            SHA_512_WITH_RSA_ENCRYPTION => Self::RsaPkcs1(HashAlgorithm::Sha512),
            ID_RSASSA_PSS => pss_hash(identifier).map_or(Self::Other(ID_RSASSA_PSS), Self::RsaPss),
            other => Self::Other(other),
        }
    }

    /// Whether `key` made `signature` over `message`.
    pub(super) fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Verdict {
        let Some(algorithm) = self.verifier(key) else {
            return Verdict::Unsupported;
        };
        match UnparsedPublicKey::new(algorithm, key.as_der()).verify(message, signature) {
            Ok(()) => Verdict::Good,
            Err(_) => Verdict::Bad,
        }
    }

    fn verifier(self, key: &PublicKey) -> Option<&'static dyn VerificationAlgorithm> {
        let spki = SubjectPublicKeyInfoRef::from_der(key.as_der()).ok()?;
        match (self, spki.algorithm.oid) {
            (Self::Ecdsa(hash), ID_EC_PUBLIC_KEY) => {
                let curve = spki.algorithm.parameters?.decode_as().ok()?;
                ecdsa_verifier(curve, hash)
            }
            (_, RSA_ENCRYPTION) if modulus_length(&spki)? < SHORTEST_MODULUS => None,
            (Self::RsaPkcs1(hash), RSA_ENCRYPTION) => Some(match hash {
                HashAlgorithm::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                HashAlgorithm::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
                HashAlgorithm::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
            }),
            (Self::RsaPss(hash), RSA_ENCRYPTION) => Some(match hash {
                HashAlgorithm::Sha256 => &RSA_PSS_2048_8192_SHA256,
                HashAlgorithm::Sha384 => &RSA_PSS_2048_8192_SHA384,
                HashAlgorithm::Sha512 => &RSA_PSS_2048_8192_SHA512,
            }),
            _ => None,
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hash, with) = match self {
            Self::Ecdsa(hash) => (hash, "WITHECDSA"),
            Self::RsaPkcs1(hash) => (hash, "WITHRSA"),
            Self::RsaPss(hash) => (hash, "WITHRSA_PSS"),
            Self::Other(oid) => return write!(f, "{oid}"),
        };
        let hash = match hash {
            HashAlgorithm::Sha256 => "SHA256",
            HashAlgorithm::Sha384 => "SHA384",
            HashAlgorithm::Sha512 => "SHA512",
        };
        write!(f, "{hash}{with}")
    }
}

/// Bytes; RSA below 2048 bits is refused by Go, rustls and this.
const SHORTEST_MODULUS: usize = 256;

/// Bytes of the modulus in an RSAPublicKey (RFC 8017, appendix A.1.1).
pub(super) fn modulus_length(spki: &SubjectPublicKeyInfoRef<'_>) -> Option<usize> {
    let mut reader = SliceReader::new(spki.subject_public_key.as_bytes()?).ok()?;
    let modulus = reader.sequence(|reader| {
        let modulus = UintRef::decode(reader)?;
        reader.read_slice(reader.remaining_len())?;
        x509_cert::der::Result::Ok(modulus.as_bytes().len())
    });
    modulus.ok()
}

fn ecdsa_verifier(
    curve: ObjectIdentifier,
    hash: HashAlgorithm,
) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (curve, hash) {
        (SECP_256_R_1, HashAlgorithm::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (SECP_256_R_1, HashAlgorithm::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (SECP_256_R_1, HashAlgorithm::Sha512) => &ECDSA_P256_SHA512_ASN1,
        (SECP_384_R_1, HashAlgorithm::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (SECP_384_R_1, HashAlgorithm::Sha384) => &ECDSA_P384_SHA384_ASN1,
        (SECP_384_R_1, HashAlgorithm::Sha512) => &ECDSA_P384_SHA512_ASN1,
        (SECP_521_R_1, HashAlgorithm::Sha256) => &ECDSA_P521_SHA256_ASN1,
        (SECP_521_R_1, HashAlgorithm::Sha384) => &ECDSA_P521_SHA384_ASN1,
        (SECP_521_R_1, HashAlgorithm::Sha512) => &ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

/// The hash, when the parameters are one of the three sets that verifiers take.
fn pss_hash(identifier: &AlgorithmIdentifierOwned) -> Option<HashAlgorithm> {
    let given = identifier.parameters.as_ref()?.to_der().ok()?;
    [
        (HashAlgorithm::Sha256, 1, 32),
        (HashAlgorithm::Sha384, 2, 48),
        (HashAlgorithm::Sha512, 3, 64),
    ]
    .into_iter()
    .find(|(_, arc, salt)| given == pss_parameters(*arc, *salt))
    .map(|(hash, ..)| hash)
}

/// RSASSA-PSS-params (RFC 4055 §3.1) in DER; `arc` is the last arc of the hash's OID under NIST's
/// 2.16.840.1.101.3.4.2.
fn pss_parameters(arc: u8, salt: u8) -> Vec<u8> {
    const NIST_HASH: [u8; 8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    const MGF1: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
    let hash = tlv(0x30, &[&tlv(0x06, &[&NIST_HASH, &[arc]]), &[0x05, 0x00]]);
    let mask = tlv(0x30, &[&tlv(0x06, &[&MGF1]), &hash]);
    let salt = tlv(0x02, &[&[salt]]);
    tlv(
        0x30,
        &[
            &tlv(0xa0, &[&hash]),
            &tlv(0xa1, &[&mask]),
            &tlv(0xa2, &[&salt]),
        ],
    )
}

/// One DER element whose content stays under 128 bytes, as all of PSS's do.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag, content.len() as u8];
    element.extend(content);
    element
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Certificate;
    use crate::pki::testing::{Scratch, openssl_text};

    /// A self-signed certificate of openssl's making.
    fn self_signed(key: &[&str], options: &[&str]) -> Certificate {
        let scratch = Scratch::new();
        let key = scratch.file(
            "key.pem",
            &openssl_text(&[&["genpkey", "-algorithm"], key].concat(), ""),
        );
        let fixed = ["req", "-x509", "-subj", "/CN=x", "-key", &key];
        Certificate::from_pem(&openssl_text(&[&fixed, options].concat(), "")).unwrap()
    }

    #[track_caller]
    fn check(key: &[&str], options: &[&str], name: &str, expected: Verdict) {
        let certificate = self_signed(key, options);
        assert_eq!(certificate.signature_algorithm().to_string(), name);
        assert_eq!(certificate.signature_by(&certificate), expected, "{name}");
        let another = self_signed(key, options);
        let of_another = certificate.signature_by(&another);
        let expected = if expected == Verdict::Good {
            Verdict::Bad
        } else {
            expected
        };
        assert_eq!(of_another, expected, "{name} by another key");
    }

    #[test]
    fn ecdsa_is_verified_on_every_curve_with_every_hash() {
        for curve in ["P-256", "P-384", "P-521"] {
            let curve = format!("ec_paramgen_curve:{curve}");
            for hash in ["256", "384", "512"] {
                let name = format!("SHA{hash}WITHECDSA");
                let hash = format!("-sha{hash}");
                check(&["EC", "-pkeyopt", &curve], &[&hash], &name, Verdict::Good);
            }
        }
    }

    #[test]
    fn rsa_is_verified_in_both_paddings_with_every_hash() {
        for hash in ["256", "384", "512"] {
            let option = format!("-sha{hash}");
            let name = format!("SHA{hash}WITHRSA");
            check(&["RSA"], &[&option], &name, Verdict::Good);
            let pss = [
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:digest",
            ];
            let pss = [&[option.as_str()], &pss[..]].concat();
            check(&["RSA"], &pss, &format!("{name}_PSS"), Verdict::Good);
        }
    }

    #[test]
    fn what_not_every_part_of_a_mesh_verifies_is_not_judged() {
        let salt = [
            "-sigopt",
            "rsa_padding_mode:pss",
            "-sigopt",
            "rsa_pss_saltlen:20",
        ];
        check(
            &["RSA"],
            &salt,
            "1.2.840.113549.1.1.10",
            Verdict::Unsupported,
        );
        check(
            &["RSA"],
            &["-sha1"],
            "1.2.840.113549.1.1.5",
            Verdict::Unsupported,
        );
        check(&["ED25519"], &[], "1.3.101.112", Verdict::Unsupported);
        let koblitz = ["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"];
        check(&koblitz, &[], "SHA256WITHECDSA", Verdict::Unsupported);
    }

    #[test]
    fn rsa_of_1024_bits_verifies_nothing() {
        let weak = self_signed(&["RSA", "-pkeyopt", "rsa_keygen_bits:1024"], &[]);
        assert_eq!(weak.signature_by(&weak), Verdict::Unsupported);
    }
}
