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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::openssl;

    /// The public half of a key of openssl's making, in DER.
    fn public(arguments: &[&str]) -> Vec<u8> {
        let key = openssl(
            &[&["genpkey", "-quiet", "-algorithm"], arguments].concat(),
            "",
        );
        openssl(&["pkey", "-pubout", "-outform", "DER"], key)
    }

    fn told(der: Vec<u8>) -> String {
        let judged = check(&PublicKey::from_spki(der));
        judged.map_or_else(|unfit| unfit.to_string(), |()| String::new())
    }

    fn ec(curve: &str, more: &[&str]) -> String {
        let curve = format!("ec_paramgen_curve:{curve}");
        told(public(&[&["EC", "-pkeyopt", &curve], more].concat()))
    }

    fn rsa(bits: &str, exponent: &str) -> String {
        let (bits, exponent) = (
            format!("rsa_keygen_bits:{bits}"),
            format!("rsa_keygen_pubexp:{exponent}"),
        );
        told(public(&["RSA", "-pkeyopt", &bits, "-pkeyopt", &exponent]))
    }

    #[test]
    fn keys_that_every_verifier_takes_are_fit() {
        assert_eq!(ec("P-256", &[]), "");
        assert_eq!(ec("P-384", &[]), "");
        assert_eq!(rsa("2048", "65537"), "");
        assert_eq!(rsa("3072", "3"), "");
    }

    #[test]
    fn others_are_named() {
        assert_eq!(ec("P-521", &[]), "EC on P-521");
        assert_eq!(ec("secp256k1", &[]), "EC on the curve 1.3.132.0.10");
        assert_eq!(
            ec("P-256", &["-pkeyopt", "ec_param_enc:explicit"]),
            "EC on a curve without a name"
        );
        assert_eq!(rsa("1024", "65537"), "RSA with 1024 bits");
        assert_eq!(rsa("2047", "65537"), "RSA with 2047 bits");
        assert_eq!(rsa("2048", "4294967297"), "RSA with an unusual exponent");
        assert_eq!(told(public(&["ED25519"])), "Ed25519");
        assert_eq!(
            told(public(&["RSA-PSS"])),
            "a key of algorithm 1.2.840.113549.1.1.10"
        );
        assert_eq!(told(vec![]), "a key that cannot be read");
    }

    #[test]
    fn a_compressed_point_is_unfit() {
        let key = openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"], "");
        let form = [
            "ec",
            "-pubout",
            "-outform",
            "DER",
            "-conv_form",
            "compressed",
        ];
        assert_eq!(told(openssl(&form, key)), "EC with a compressed point");
    }
}
