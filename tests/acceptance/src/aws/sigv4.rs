//! Signature Version 4: the form of a signed request, and whether the signature is that of the key
//! it names.
//!
//! The date is checked against the credential scope only. It comes from the caller's real clock,
//! which need not be the emulator's.

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
use axum::http::request::Parts;

use super::answer::{Failure, Protocol};
use super::random::hex;

/// A request's `Authorization` header, taken apart, with what else the signature rests on.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    pub(crate) session_token: Option<String>,
    day: String,
    service: String,
    date: String,
    signed_headers: Vec<String>,
    signature: String,
}

/// Why a request is not taken as anybody's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Unsigned,
    Incomplete(String),
    Mismatch(String),
    UnknownKey,
    Expired,
}

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";

impl Signed {
    /// Takes the header apart and checks everything but the signature itself; `service` is the name
    /// that the scope must have.
    pub(crate) fn read(parts: &Parts, service: &str) -> Result<Self, Refusal> {
        let header = header(parts, "authorization").ok_or(Refusal::Unsigned)?;
        let fields = fields(&header)?;
        let [access_key_id, day, region, scoped, terminator] = scope(&fields)?;
        if terminator != TERMINATOR {
            return Err(incomplete(
                "Credential should be scoped with a valid terminator: 'aws4_request'.",
            ));
        }
        if scoped != service {
            return Err(mismatch(format!(
                "Credential should be scoped to correct service: '{service}'."
            )));
        }
        if region.is_empty() {
            return Err(mismatch("Credential should be scoped to a valid region."));
        }
        let date = date(parts, &day)?;
        let session_token = self::header(parts, "x-amz-security-token");
        let signed_headers = signed_headers(&fields, session_token.is_some())?;
        let signature = signature(&fields)?;
        Ok(Self {
            access_key_id,
            region,
            session_token,
            day,
            service: scoped,
            date,
            signed_headers,
            signature,
        })
    }

    /// Whether the signature is that of `secret` over this request.
    pub(crate) fn verify(&self, parts: &Parts, body: &[u8], secret: &str) -> Result<(), Refusal> {
        let scope = format!("{}/{}/{}/{TERMINATOR}", self.day, self.region, self.service);
        let canonical = sha256(self.canonical_request(parts, body).as_bytes());
        let to_sign = format!("{ALGORITHM}\n{}\n{scope}\n{canonical}", self.date);
        let steps = [&self.day, &self.region, &self.service, TERMINATOR];
        let key = steps
            .iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, step| {
                mac(&key, step)
            });
        if hex(&mac(&key, &to_sign)) == self.signature {
            return Ok(());
        }
        Err(mismatch(
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        ))
    }

    fn canonical_request(&self, parts: &Parts, body: &[u8]) -> String {
        let line = |name: &String| format!("{name}:{}\n", header(parts, name).unwrap_or_default());
        let headers: String = self.signed_headers.iter().map(line).collect();
        [
            parts.method.as_str(),
            parts.uri.path(),
            parts.uri.query().unwrap_or_default(),
            &headers,
            &self.signed_headers.join(";"),
            &sha256(body),
        ]
        .join("\n")
    }
}

impl Refusal {
    /// The error of the protocol that the caller speaks.
    pub(crate) fn failure(&self, protocol: Protocol) -> Failure {
        let (json, query, message) = match self {
            Self::Unsigned => (
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                "Missing Authentication Token",
            ),
            Self::Incomplete(message) => (
                "IncompleteSignatureException",
                "IncompleteSignature",
                message.as_str(),
            ),
            Self::Mismatch(message) => (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                message.as_str(),
            ),
            Self::UnknownKey => (
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                UNKNOWN_KEY,
            ),
            Self::Expired => ("ExpiredTokenException", "ExpiredToken", EXPIRED),
        };
        match protocol {
            Protocol::Json => Failure::of(json, message),
            Protocol::Query => Failure::of(query, message).with_status(403),
        }
    }
}

const UNKNOWN_KEY: &str = "The security token included in the request is invalid.";
const EXPIRED: &str = "The security token included in the request is expired";

/// `Credential`, `SignedHeaders` and `Signature` of the header.
fn fields(header: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(rest) = header
        .strip_prefix(ALGORITHM)
        .filter(|rest| rest.starts_with(' '))
    else {
        return Err(incomplete(format!("The algorithm must be {ALGORITHM}.")));
    };
    let pairs = rest
        .split(',')
        .filter_map(|field| field.trim().split_once('='));
    Ok(pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}

fn scope(fields: &BTreeMap<String, String>) -> Result<[String; 5], Refusal> {
    let credential = field(fields, "Credential")?;
    let parts: Vec<String> = credential.split('/').map(str::to_owned).collect();
    parts.try_into().map_err(|_| {
        incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, got '{credential}'."
        ))
    })
}

fn date(parts: &Parts, day: &str) -> Result<String, Refusal> {
    let date = header(parts, "x-amz-date").ok_or_else(|| {
        incomplete(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
        )
    })?;
    let shape: String = date
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if shape != "00000000T000000Z" {
        return Err(incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'."
        )));
    }
    if !date.starts_with(day) {
        let meant = &date[..8];
        return Err(mismatch(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{day}' != '{meant}'."
        )));
    }
    Ok(date)
}

fn signed_headers(
    fields: &BTreeMap<String, String>,
    with_token: bool,
) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = field(fields, "SignedHeaders")?
        .split(';')
        .map(str::to_owned)
        .collect();
    let required = ["host", "x-amz-date"]
        .into_iter()
        .chain(with_token.then_some("x-amz-security-token"));
    for name in required {
        if !names.iter().any(|signed| signed == name) {
            return Err(mismatch(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    if !names.is_sorted()
        || names
            .iter()
            .any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase()))
    {
        return Err(incomplete("SignedHeaders must be lower case and in order."));
    }
    Ok(names)
}

fn signature(fields: &BTreeMap<String, String>) -> Result<String, Refusal> {
    let signature = field(fields, "Signature")?;
    let plain = signature
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if signature.len() == 64 && plain {
        Ok(signature)
    } else {
        Err(incomplete("Signature must be 64 hex digits."))
    }
}

fn field(fields: &BTreeMap<String, String>, name: &str) -> Result<String, Refusal> {
    fields
        .get(name)
        .filter(|value| !value.is_empty())
        .cloned()
        .ok_or_else(|| incomplete(format!("Authorization header requires '{name}' parameter.")))
}

/// A header's values, trimmed, runs of blanks made one, several joined by commas.
fn header(parts: &Parts, name: &str) -> Option<String> {
    let values = parts
        .headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let trimmed: Vec<String> = values
        .map(|value| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    (!trimmed.is_empty()).then(|| trimmed.join(","))
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes())
        .as_ref()
        .to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::Incomplete(message.into())
}

fn mismatch(message: impl Into<String>) -> Refusal {
    Refusal::Mismatch(message.into())
}
