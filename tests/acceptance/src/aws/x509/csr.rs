//! Reading a PKCS#10 request as strictly as a CA does: its shape, its proof of possession, what it
//! asks for.

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use thiserror::Error;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{self, Decode, Reader, SliceReader};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::request::CertReq;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// A request whose signature holds.
#[derive(Debug)]
pub(crate) struct Csr {
    pub(crate) subject: Name,
    pub(crate) public_key: SubjectPublicKeyInfoOwned,
    pub(crate) extensions: Vec<Extension>,
}

/// Why a request was turned down.
#[derive(Debug, Error, PartialEq)]
pub(crate) enum Error {
    #[error("not a PEM block labelled CERTIFICATE REQUEST")]
    Pem,
    #[error("not a PKCS#10 request: {0}")]
    Shape(der::Error),
    #[error("key type or signature algorithm {0} is not supported")]
    Algorithm(ObjectIdentifier),
    #[error("the signature is not of the key in the request")]
    Signature,
    #[error("the extension {0} is requested twice")]
    Twice(ObjectIdentifier),
    #[error("neither a subject nor a subject alternative name")]
    Nameless,
}

const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
const SUBJECT_ALTERNATIVE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

impl Csr {
    /// Reads one PEM block and checks its signature.
    pub(crate) fn parse(pem: &[u8]) -> Result<Self, Error> {
        let der = unarmoured(pem)?;
        let request = CertReq::from_der(&der).map_err(Error::Shape)?;
        proven(&request, signed_part(&der).map_err(Error::Shape)?)?;
        let extensions = extensions(&request)?;
        if request.info.subject.is_empty()
            && !extensions
                .iter()
                .any(|e| e.extn_id == SUBJECT_ALTERNATIVE_NAME)
        {
            return Err(Error::Nameless);
        }
        Ok(Self {
            subject: request.info.subject,
            public_key: request.info.public_key,
            extensions,
        })
    }
}

fn unarmoured(pem: &[u8]) -> Result<Vec<u8>, Error> {
    match der::pem::decode_vec(pem) {
        Ok(("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST", der)) => Ok(der),
        _ => Err(Error::Pem),
    }
}

/// The bytes that were signed, as they came: encoding them anew could hide what a sloppy encoder
/// wrote.
fn signed_part(der: &[u8]) -> Result<&[u8], der::Error> {
    let mut reader = SliceReader::new(der)?;
    reader.sequence(|inner| {
        let signed = inner.tlv_bytes()?;
        inner.tlv_bytes()?;
        inner.tlv_bytes()?;
        Ok::<_, der::Error>(signed)
    })
}

fn proven(request: &CertReq, signed: &[u8]) -> Result<(), Error> {
    let key = &request.info.public_key;
    let algorithm =
        verification(request.algorithm.oid, key).ok_or(Error::Algorithm(request.algorithm.oid))?;
    UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(signed, request.signature.raw_bytes())
        .map_err(|_| Error::Signature)
}

fn verification(
    signature: ObjectIdentifier,
    key: &SubjectPublicKeyInfoOwned,
) -> Option<&'static dyn VerificationAlgorithm> {
    match key.algorithm.oid.to_string().as_str() {
        "1.2.840.113549.1.1.1" => rsa_verification(&signature.to_string()),
        "1.2.840.10045.2.1" => {
            let curve: ObjectIdentifier = key.algorithm.parameters.as_ref()?.decode_as().ok()?;
            ecdsa_verification(&curve.to_string(), &signature.to_string())
        }
        _ => None,
    }
}

fn rsa_verification(signature: &str) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match signature {
        "1.2.840.113549.1.1.11" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "1.2.840.113549.1.1.12" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "1.2.840.113549.1.1.13" => &signature::RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    })
}

fn ecdsa_verification(curve: &str, signature: &str) -> Option<&'static dyn VerificationAlgorithm> {
    const P256: &str = "1.2.840.10045.3.1.7";
    const P384: &str = "1.3.132.0.34";
    const P521: &str = "1.3.132.0.35";
    const SHA256: &str = "1.2.840.10045.4.3.2";
    const SHA384: &str = "1.2.840.10045.4.3.3";
    const SHA512: &str = "1.2.840.10045.4.3.4";
    Some(match (curve, signature) {
        (P256, SHA256) => &signature::ECDSA_P256_SHA256_ASN1,
        (P256, SHA384) => &signature::ECDSA_P256_SHA384_ASN1,
        (P256, SHA512) => &signature::ECDSA_P256_SHA512_ASN1,
        (P384, SHA256) => &signature::ECDSA_P384_SHA256_ASN1,
        (P384, SHA384) => &signature::ECDSA_P384_SHA384_ASN1,
        (P384, SHA512) => &signature::ECDSA_P384_SHA512_ASN1,
        (P521, SHA256) => &signature::ECDSA_P521_SHA256_ASN1,
        (P521, SHA384) => &signature::ECDSA_P521_SHA384_ASN1,
        (P521, SHA512) => &signature::ECDSA_P521_SHA512_ASN1,
        _ => return None,
    })
}

fn extensions(request: &CertReq) -> Result<Vec<Extension>, Error> {
    let mut found: Vec<Extension> = Vec::new();
    for attribute in request
        .info
        .attributes
        .iter()
        .filter(|a| a.oid == EXTENSION_REQUEST)
    {
        for value in attribute.values.iter() {
            let requested: Vec<Extension> = value.decode_as().map_err(Error::Shape)?;
            for extension in requested {
                if found.iter().any(|other| other.extn_id == extension.extn_id) {
                    return Err(Error::Twice(extension.extn_id));
                }
                found.push(extension);
            }
        }
    }
    Ok(found)
}
