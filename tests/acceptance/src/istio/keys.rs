//! A few keys of every kind, each made by openssl when it is first used and kept: keys take long,
//! certificates do not.

use std::io;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaKeyPair};

use x509_cert::der::pem;

/// The kinds of keys that somebody has had in a mesh, or tried to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// RSA, 1024 bits
    Rsa1024,
    /// RSA, 2048 bits
    Rsa2048,
    /// RSA, 4096 bits
    Rsa4096,
    /// NIST P-256
    P256,
    /// NIST P-384
    P384,
    /// NIST P-521
    P521,
    /// Ed25519
    Ed25519,
}

/// One of the keys that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub owner: Owner,
}

/// Whose a key is; of each kind everybody has one of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say all
pub enum Owner {
    Root,
    Sub,
    LowerSub,
    Intermediate,
    EarlierIntermediate,
    SecondRoot,
    Stranger,
}

/// The hash of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// The one that goes with the key.
    Usual,
    /// SHA-1, which nobody accepts any longer.
    Sha1,
}

/// A key in the forms in which files hold it.
pub struct Key {
    kind: Kind,
    /// PKCS#8, PEM.
    pub pkcs8: String,
    /// PKCS#1 or SEC1, PEM; PKCS#8 for Ed25519, which has no other form.
    pub traditional: String,
    /// PKCS#8 under a password, PEM.
    pub encrypted: String,
    /// `SubjectPublicKeyInfo`, DER.
    pub public: Vec<u8>,
    signer: Signer,
}

enum Signer {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    /// AWS-LC does not sign with such a key.
    Openssl,
}

const KINDS: usize = 7;
const OWNERS: usize = 7;

impl KeyId {
    /// The key, made now if nobody has used it before. RSA with 4096 bits takes seconds, so that
    /// Istio's CA alone has such a key, and everybody else one of 2048 bits for it.
    pub fn key(self) -> &'static Key {
        static KEYS: [OnceLock<Key>; KINDS * OWNERS] = [const { OnceLock::new() }; KINDS * OWNERS];
        let kind = match (self.kind, self.owner) {
            (Kind::Rsa4096, owner) if owner != Owner::Intermediate => Kind::Rsa2048,
            (kind, _) => kind,
        };
        let place = kind as usize * OWNERS + self.owner as usize;
        KEYS[place].get_or_init(|| Key::generate(kind))
    }
}

impl Key {
    fn generate(kind: Kind) -> Self {
        let dir = scratch();
        let dir = dir.path();
        let mut generate = vec!["genpkey", "-out", "key.pem"];
        generate.extend(arguments(kind));
        openssl(dir, &generate);
        let convert = |arguments: &[&str]| {
            let all = [&["pkey", "-in", "key.pem"], arguments].concat();
            openssl(dir, &all).stdout
        };
        let text = |bytes| String::from_utf8(bytes).expect("PEM is ASCII");
        let pkcs8 = text(convert(&[]));
        let encrypted = ["-aes128", "-passout", "pass:secret"];
        Self {
            kind,
            traditional: match kind {
                Kind::Ed25519 => pkcs8.clone(),
                _ => text(convert(&["-traditional"])),
            },
            encrypted: text(convert(&encrypted)),
            public: convert(&["-pubout", "-outform", "DER"]),
            signer: Signer::new(kind, &pkcs8),
            pkcs8,
        }
    }

    /// What kind of key it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The `AlgorithmIdentifier` of its signatures (RFC 4055, 5758, 8410), DER.
    pub fn algorithm(&self, hash: Hash) -> Vec<u8> {
        use crate::aws::x509::encoding::algorithm;
        let oid = match (self.kind, hash) {
            (Kind::Rsa1024 | Kind::Rsa2048 | Kind::Rsa4096, Hash::Usual) => "1.2.840.113549.1.1.11",
            (Kind::Rsa1024 | Kind::Rsa2048 | Kind::Rsa4096, Hash::Sha1) => "1.2.840.113549.1.1.5",
            (Kind::P256, Hash::Usual) => "1.2.840.10045.4.3.2",
            (Kind::P384, Hash::Usual) => "1.2.840.10045.4.3.3",
            (Kind::P521, Hash::Usual) => "1.2.840.10045.4.3.4",
            (Kind::P256 | Kind::P384 | Kind::P521, Hash::Sha1) => "1.2.840.10045.4.1",
            (Kind::Ed25519, _) => "1.3.101.112",
        };
        let parameters = self.is_rsa().then(|| vec![5, 0]);
        algorithm(
            x509_cert::der::oid::ObjectIdentifier::new_unwrap(oid),
            parameters,
        )
    }

    /// The signature of a message. Ed25519 knows no SHA-1 and signs as ever.
    ///
    /// # Panics
    ///
    /// When openssl is needed and fails.
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        match (&self.signer, hash) {
            (Signer::Ed25519(pair), _) => pair.sign(message).as_ref().to_vec(),
            (Signer::Ec(pair), Hash::Usual) => {
                let signed = pair.sign(&SystemRandom::new(), message);
                signed.expect("the system has randomness").as_ref().to_vec()
            }
            (Signer::Rsa(pair), Hash::Usual) => sign_rsa(pair, message),
            (Signer::Openssl, Hash::Usual) => self.sign_elsewhere("-sha256", message),
            (_, Hash::Sha1) => self.sign_elsewhere("-sha1", message),
        }
    }

    fn sign_elsewhere(&self, hash: &str, message: &[u8]) -> Vec<u8> {
        let dir = scratch();
        let write = |name: &str, content: &[u8]| std::fs::write(dir.path().join(name), content);
        write("key.pem", self.pkcs8.as_bytes())
            .and_then(|()| write("message", message))
            .expect("there is room for a key and a message");
        openssl(dir.path(), &["dgst", hash, "-sign", "key.pem", "message"]).stdout
    }

    fn is_rsa(&self) -> bool {
        matches!(self.kind, Kind::Rsa1024 | Kind::Rsa2048 | Kind::Rsa4096)
    }
}

/// The kind alone.
impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.kind).finish()
    }
}

impl Signer {
    fn new(kind: Kind, pkcs8: &str) -> Self {
        let (_, pkcs8) = pem::decode_vec(pkcs8.as_bytes()).expect("openssl has just made this key");
        let pkcs8 = &pkcs8;
        let ec = |algorithm: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).map(Self::Ec)
        };
        let made = match kind {
            Kind::Rsa1024 => Ok(Self::Openssl),
            Kind::Rsa2048 | Kind::Rsa4096 => RsaKeyPair::from_pkcs8(pkcs8).map(Self::Rsa),
            Kind::P256 => ec(&signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            Kind::P384 => ec(&signature::ECDSA_P384_SHA384_ASN1_SIGNING),
            Kind::P521 => ec(&signature::ECDSA_P521_SHA512_ASN1_SIGNING),
            Kind::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519),
        };
        made.expect("openssl has just made this key")
    }
}

fn sign_rsa(pair: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
    let mut signed = vec![0; pair.public_modulus_len()];
    let random = SystemRandom::new();
    pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut signed)
        .expect("the system has randomness");
    signed
}

fn arguments(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Rsa1024 => vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        Kind::Rsa2048 => vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        Kind::Rsa4096 => vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
        Kind::P256 => vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        Kind::P384 => vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        Kind::P521 => vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
        Kind::Ed25519 => vec!["-algorithm", "ED25519"],
    }
}

/// A directory that is gone with the value.
///
/// # Panics
///
/// When there is no place for one.
pub(super) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is a place for temporary files")
}

/// Runs openssl in a directory.
///
/// # Panics
///
/// When it is not installed or fails, with what it said.
#[track_caller]
pub(super) fn openssl(dir: &Path, arguments: &[&str]) -> Output {
    let run: io::Result<Output> = Command::new("openssl")
        .args(arguments)
        .current_dir(dir)
        .output();
    match run {
        Ok(output) if output.status.success() => output,
        Ok(output) => panic!(
            "openssl {}: {}\n{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => panic!("openssl cannot be run: {error}"),
    }
}
