//! OpenID Connect for tests: issuers with a key of their own, the tokens that they sign, and
//! whether a token is one of theirs.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use x509_cert::der::pem::{self, LineEnding};

use super::random;
use super::sts::real_now;

/// An issuer of identity tokens: a cluster's, for its service accounts, or a CI system's. Clones
/// are one and the same.
#[derive(Clone)]
pub struct IdentityProvider(Arc<Issuer>);

struct Issuer {
    url: String,
    audience: String,
    key_id: String,
    key: RsaKeyPair,
}

/// What a token says (RFC 7519).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Audience,
    /// Seconds of the epoch.
    pub(crate) exp: i64,
}

/// One audience or several: RFC 7519 allows both.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Several(Vec<String>),
}

/// A token whose form is good; nothing else has been checked.
#[derive(Debug)]
pub(crate) struct IdentityToken {
    pub(crate) claims: Claims,
    header: Header,
    signed: String,
    signature: Vec<u8>,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

/// The audience that a role of AWS is asked for with.
pub(super) const AUDIENCE: &str = "sts.amazonaws.com";

const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

impl IdentityProvider {
    /// An issuer with a new key, whose tokens are to be for `audience`.
    pub(super) fn new(url: &str, audience: &str) -> Self {
        Self(Arc::new(Issuer {
            url: url.to_owned(),
            audience: audience.to_owned(),
            key_id: random::uuid(),
            key: RsaKeyPair::generate(KeySize::Rsa2048).expect("a new key can always be made"),
        }))
    }

    /// `iss` of its tokens, `https://…`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// A token that is good for an hour of real time.
    pub fn token(&self, subject: &str, audience: &str) -> String {
        self.token_until(subject, audience, real_now() + LIFETIME)
    }

    /// A token that is good until then.
    pub fn token_until(&self, subject: &str, audience: &str, end: Timestamp) -> String {
        let header = json!({"alg": "RS256", "kid": self.0.key_id, "typ": "JWT"});
        let claims = json!({
            "iss": self.0.url,
            "sub": subject,
            "aud": [audience],
            "iat": (end - LIFETIME).as_second(),
            "exp": end.as_second(),
            "jti": random::uuid(),
        });
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let key = &self.0.key;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .expect("an RSA key of 2048 bits signs with SHA-256");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The key that it would publish, PEM.
    pub fn public_key_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> =
            (self.0.key.public_key().as_der()).expect("a public key that was made can be written");
        pem::encode_string("PUBLIC KEY", LineEnding::LF, der.as_ref())
            .expect("any bytes can be armoured")
    }

    /// The audience that it is registered for.
    pub(super) fn audience(&self) -> &str {
        &self.0.audience
    }

    /// Whether its key signed the token.
    pub(super) fn has_signed(&self, token: &IdentityToken) -> bool {
        let key = UnparsedPublicKey::new(
            &RSA_PKCS1_2048_8192_SHA256,
            self.0.key.public_key().as_ref(),
        );
        token.header.alg == "RS256"
            && token.header.kid == self.0.key_id
            && key
                .verify(token.signed.as_bytes(), &token.signature)
                .is_ok()
    }
}

/// The URL alone: the key is nobody's business.
impl std::fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IdentityProvider({})", self.0.url)
    }
}

impl IdentityToken {
    /// Takes a JWT in compact form apart; `None` if it is none.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        Some(Self {
            claims: part(claims)?,
            header: part(header)?,
            signed: signed.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }
}

impl Audience {
    pub(crate) fn has(&self, audience: &str) -> bool {
        match self {
            Self::One(only) => only == audience,
            Self::Several(all) => all.iter().any(|one| one == audience),
        }
    }
}

fn part<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
