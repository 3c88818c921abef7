//! Keys of CAs that every verifier of a mesh can check a signature with.

use std::fmt;

use x509_cert::der::asn1::{AnyRef, UintRef};
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5912::{
    ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
};
use x509_cert::der::oid::db::rfc8410::ID_ED_25519;
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::pki::PublicKey;

/// A kind of public key that not every verifier takes, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitKey(String);

impl fmt::Display for UnfitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What every verifier takes: RSA of 2048 to 8192 bits, EC on P-256 or P-384.
///
/// Stricter than istiod, which loads all that Go knows: rustls refuses shorter and longer RSA keys,
/// a ztunnel that is built on ring P-521, and Envoy Ed25519.
pub(super) fn check(key: &PublicKey) -> Result<(), UnfitKey> {
    let unfit = |words: &str| UnfitKey(words.to_owned());
    let spki = SubjectPublicKeyInfoRef::from_der(key.as_der());
    let spki = spki.map_err(|_| unfit("a key that cannot be read"))?;
    let bits = spki.subject_public_key.as_bytes();
    let bits = bits.ok_or_else(|| unfit("a key that cannot be read"))?;
    match (spki.algorithm.oid, spki.algorithm.parameters) {
        (RSA_ENCRYPTION, Some(parameters)) if parameters == AnyRef::NULL => check_rsa(bits),
        (RSA_ENCRYPTION, _) => Err(unfit("RSA without the NULL that belongs to it")),
        (ID_EC_PUBLIC_KEY, Some(curve)) => match curve.decode_as() {
            Ok(curve) => check_ec(curve, bits),
            Err(_) => Err(unfit("EC on a curve without a name")),
        },
        (ID_ED_25519, _) => Err(unfit("Ed25519")),
        (other, _) => Err(UnfitKey(format!("a key of algorithm {other}"))),
    }
}

fn check_rsa(key: &[u8]) -> Result<(), UnfitKey> {
    let Some((modulus, exponent)) = rsa_numbers(key) else {
        return Err(UnfitKey("an RSA key that cannot be read".to_owned()));
    };
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros());
    let bits = (8 * modulus.len()).saturating_sub(leading as usize);
    // Go's verifier takes exponents of 31 bits, and like the others only odd ones beyond 1.
    let exponent = exponent.iter().try_fold(0_u32, |value, byte| {
        value.checked_mul(256)?.checked_add((*byte).into())
    });
    let usable = |value: u32| value >= 3 && value % 2 == 1 && value <= i32::MAX.unsigned_abs();
    match (bits, exponent) {
        (2048..=8192, Some(exponent)) if usable(exponent) => Ok(()),
        (2048..=8192, _) => Err(UnfitKey("RSA with an unusual exponent".to_owned())),
        (bits, _) => Err(UnfitKey(format!("RSA with {bits} bits"))),
    }
}

/// Modulus and exponent of an RSAPublicKey (RFC 8017, appendix A.1.1).
fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = SliceReader::new(key).ok()?;
    let numbers = reader.sequence(|reader| {
        let (modulus, exponent) = (UintRef::decode(reader)?, UintRef::decode(reader)?);
        x509_cert::der::Result::Ok((modulus.as_bytes(), exponent.as_bytes()))
    });
    let numbers = numbers.ok()?;
    reader.is_finished().then_some(numbers)
}

fn check_ec(curve: ObjectIdentifier, point: &[u8]) -> Result<(), UnfitKey> {
    let length = match curve {
        SECP_256_R_1 => 65,
        SECP_384_R_1 => 97,
        SECP_521_R_1 => return Err(UnfitKey("EC on P-521".to_owned())),
        other => return Err(UnfitKey(format!("EC on the curve {other}"))),
    };
    // Go reads uncompressed points only.
    if point.len() == length && point.first() == Some(&4) {
        Ok(())
    } else {
        Err(UnfitKey("EC with a compressed point".to_owned()))
    }
}
