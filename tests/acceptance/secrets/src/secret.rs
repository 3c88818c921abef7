//! What is looked for: private keys, taken to pieces, and other secrets.

use std::collections::HashSet;
use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, KeyPair as _, RsaKeyPair,
};
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::{Decode, pem};

use crate::readers::BYTES;

/// Something that must be nowhere but where it was put. It prints as its name.
pub struct Secret {
    name: String,
    parts: Vec<Part>,
    /// Of a private key: SHA-256 of its `SubjectPublicKeyInfo`, in hex.
    fingerprint: Option<String>,
}

/// One of the things that give a secret away.
pub(crate) struct Part {
    /// What it is, in words.
    pub(crate) what: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) form: Form,
}

/// What a part is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A large number, of which eight bytes are chosen by chance and found nowhere else.
    Number,
    /// Bytes that are a secret only as a whole: parts of them may be ordinary words.
    Text,
}

/// Why a text is no private key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is no PEM.
    #[error("the private key is no PEM: {0}")]
    Pem(#[from] pem::Error),
    /// It is none of the forms.
    #[error(
        "a {0} is no private key that can be taken to pieces: expected PKCS #8, SEC 1 or PKCS #1, EC or RSA"
    )]
    Form(String),
    /// Its DER is broken.
    #[error("the private key's DER is broken: {0}")]
    Der(#[from] x509_cert::der::Error),
}

impl Secret {
    /// A private key of PEM, as PKCS #8 (RFC 5958), SEC 1 (RFC 5915) or PKCS #1 (RFC 8017): each
    /// number in it that is not public. `name` says whose it is.
    ///
    /// # Errors
    ///
    /// When it is no such key.
    pub fn private_key(name: &str, pem: &str) -> Result<Self, KeyError> {
        let (label, der) = pem::decode_vec(pem.as_bytes())?;
        let parts = match label {
            "EC PRIVATE KEY" => of_an_ec_key(&der)?,
            "RSA PRIVATE KEY" => of_an_rsa_key(&der)?,
            "PRIVATE KEY" => of_any_key(&der)?,
            _ => return Err(KeyError::Form(label.to_owned())),
        };
        Ok(Self {
            name: name.to_owned(),
            parts,
            fingerprint: fingerprint(&der),
        })
    }

    /// A token, a password, or whatever else is told from other text as a whole.
    ///
    /// # Panics
    ///
    /// When it has fewer than eight bytes, or twice the same eight: chance would find it, or the
    /// search not.
    #[must_use]
    pub fn text(name: &str, text: &str) -> Self {
        Self::of_texts(name, &[("the text", text.as_bytes())])
    }

    /// Whatever looks like a private key of anybody's: the first line of a PEM, and what DER has at
    /// the begin of a private key and nowhere else.
    #[must_use]
    pub fn any_private_key() -> Self {
        Self::of_texts(
            "a private key",
            &[
                ("the first line of a PEM", b"PRIVATE KEY-----"),
                // Version 0 and the algorithm.
                ("PKCS #8 of a P-256 key", b"\x02\x01\0\x30\x13\x06\x07\x2a"),
                ("PKCS #8 of a P-384 key", b"\x02\x01\0\x30\x10\x06\x07\x2a"),
                ("PKCS #8 of an RSA key", b"\x02\x01\0\x30\x0d\x06\x09\x2a"),
                // The parameters with the curve, and the tag of the public key: base64 may hide the first two bytes,
                // and what is left must not be in a public key's own.
                (
                    "SEC 1 of a P-256 key",
                    b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\xa1\x44\x03\x42\0",
                ),
                (
                    "SEC 1 of a P-384 key",
                    b"\xa0\x07\x06\x05\x2b\x81\x04\0\x22\xa1\x64\x03\x62\0",
                ),
                // Version 0, and how long the modulus is.
                ("PKCS #1 of 2048 bits", b"\x02\x01\0\x02\x82\x01\x01\0"),
                ("PKCS #1 of 3072 bits", b"\x02\x01\0\x02\x82\x01\x81\0"),
                ("PKCS #1 of 4096 bits", b"\x02\x01\0\x02\x82\x02\x01\0"),
            ],
        )
    }

    /// The same under another name.
    pub fn called(self, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..self
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// SHA-256 of the public key (`SubjectPublicKeyInfo`), in hex; only of a private key.
    pub fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    fn of_texts(name: &str, texts: &[(&'static str, &[u8])]) -> Self {
        let part = |(what, text): &(&'static str, &[u8])| {
            let runs: HashSet<&[u8]> = text.windows(BYTES).collect();
            let is_told = text.len() >= BYTES && runs.len() == text.len() - BYTES + 1;
            assert!(is_told, "{name} is too short or too plain to be looked for");
            Part {
                what,
                bytes: text.to_vec(),
                form: Form::Text,
            }
        };
        Self {
            name: name.to_owned(),
            parts: texts.iter().map(part).collect(),
            fingerprint: None,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret").field(&self.name).finish()
    }
}

/// `PrivateKeyInfo`: version, algorithm, and the key as the algorithm has it.
fn of_any_key(der: &[u8]) -> Result<Vec<Part>, KeyError> {
    const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
    const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    let items = items(der)?;
    let [_, algorithm, key, ..] = &items[..] else {
        return Err(KeyError::Form("PRIVATE KEY of too few items".to_owned()));
    };
    let (algorithm, _): (ObjectIdentifier, _) = Decode::from_der_partial(algorithm.value())?;
    match algorithm {
        EC => of_an_ec_key(key.value()),
        RSA => of_an_rsa_key(key.value()),
        other => Err(KeyError::Form(format!("PRIVATE KEY of algorithm {other}"))),
    }
}

/// `ECPrivateKey`: version, the scalar, and what is public.
fn of_an_ec_key(der: &[u8]) -> Result<Vec<Part>, KeyError> {
    match items(der)?.get(1) {
        Some(scalar) => Ok(vec![number("the scalar", scalar.value())]),
        None => Err(KeyError::Form("EC PRIVATE KEY without a scalar".to_owned())),
    }
}

/// `RSAPrivateKey`: version, modulus, public exponent, and then what is secret.
fn of_an_rsa_key(der: &[u8]) -> Result<Vec<Part>, KeyError> {
    const SECRET: [&str; 6] = [
        "the private exponent",
        "the first prime",
        "the second prime",
        "the first exponent",
        "the second exponent",
        "the coefficient",
    ];
    let items = items(der)?;
    let secret = items
        .get(3..9)
        .ok_or_else(|| KeyError::Form("RSA PRIVATE KEY of too few items".to_owned()))?;
    let parts = SECRET.into_iter().zip(secret);
    Ok(parts
        .map(|(what, item)| number(what, item.value()))
        .collect())
}

fn number(what: &'static str, bytes: &[u8]) -> Part {
    Part {
        what,
        // Zeros before a number are its form and no part of it.
        bytes: bytes
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect(),
        form: Form::Number,
    }
}

/// The items of a `SEQUENCE`.
fn items(der: &[u8]) -> Result<Vec<AnyRef<'_>>, x509_cert::der::Error> {
    Vec::from_der(der)
}

/// Of the public key, where AWS-LC knows such keys.
fn fingerprint(der: &[u8]) -> Option<String> {
    let curves = [
        &ECDSA_P256_SHA256_ASN1_SIGNING,
        &ECDSA_P384_SHA384_ASN1_SIGNING,
        &ECDSA_P521_SHA512_ASN1_SIGNING,
    ];
    let ec = curves
        .into_iter()
        .find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok());
    let public: PublicKeyX509Der<'_> = match ec {
        Some(pair) => pair.public_key().as_der().ok()?,
        None => {
            let pair = RsaKeyPair::from_pkcs8(der)
                .or_else(|_| RsaKeyPair::from_der(der))
                .ok()?;
            pair.public_key().as_der().ok()?
        }
    };
    let digest = digest::digest(&digest::SHA256, public.as_ref());
    Some(
        digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}
