//! Signature Version 4: the form of a signed request, and whether the signature is that of the key
//! it names.
//!
//! The date of a signed header is checked against the credential scope only: it comes from the
//! caller's real clock, which need not be the emulator's. How old a presigned URL may be is a
//! matter of who takes it.

use std::collections::BTreeMap;

use axum::http::request::Parts;

use super::answer::{Failure, Protocol};

mod canonical;
mod presigned;

use canonical::{ALGORITHM, Message, canonical_query};

pub(crate) use canonical::Scope;
pub(crate) use presigned::Presigned;

/// A request's `Authorization` header, taken apart, with what else the signature rests on.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) scope: Scope,
    pub(crate) session_token: Option<String>,
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

impl Signed {
    /// Takes the header apart and checks everything but the signature itself; `service` is the name
    /// that the scope must have.
    pub(crate) fn read(parts: &Parts, service: &str) -> Result<Self, Refusal> {
        let header = header(parts, "authorization").ok_or(Refusal::Unsigned)?;
        let fields = fields(&header)?;
        let scope = Scope::parse(&field(&fields, "Credential")?, service)?;
        let date = self::header(parts, "x-amz-date").ok_or_else(|| incomplete(NO_DATE))?;
        let date = checked_date(date, &scope.day)?;
        let session_token = self::header(parts, "x-amz-security-token");
        let required: &[&str] = match session_token {
            Some(_) => &["host", "x-amz-date", "x-amz-security-token"],
            None => &["host", "x-amz-date"],
        };
        let signed_headers = checked_headers(&field(&fields, "SignedHeaders")?, required)?;
        let signature = checked_signature(field(&fields, "Signature")?)?;
        Ok(Self {
            scope,
            session_token,
            date,
            signed_headers,
            signature,
        })
    }

    /// Whether the signature is that of `secret` over this request.
    pub(crate) fn verify(&self, parts: &Parts, body: &[u8], secret: &str) -> Result<(), Refusal> {
        let query = parts.uri.query().unwrap_or_default();
        let parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let message = Message {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: canonical_query(parameters.iter().map(|(name, value)| (&**name, &**value))),
            signed_headers: &self.signed_headers,
            header: &|name| header(parts, name),
            body,
        };
        self.scope
            .verify(&self.date, &message, &self.signature, secret)
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
            Protocol::RestJson => Failure::of(json, message).with_status(403),
            Protocol::Query => Failure::of(query, message).with_status(403),
        }
    }
}

const UNKNOWN_KEY: &str = "The security token included in the request is invalid.";
const EXPIRED: &str = "The security token included in the request is expired";
const NO_DATE: &str =
    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";

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

/// A date in the form that SigV4 wants, of the day that the scope names.
fn checked_date(date: String, day: &str) -> Result<String, Refusal> {
    let shape: String = date
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if shape != "00000000T000000Z" {
        return Err(incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'."
        )));
    }
    let meant = &date[..8];
    if meant != day {
        return Err(mismatch(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from \
             HTTP: '{day}' != '{meant}'."
        )));
    }
    Ok(date)
}

/// The names of the signed headers, among which the `required` ones must be.
fn checked_headers(names: &str, required: &[&str]) -> Result<Vec<String>, Refusal> {
    let names: Vec<String> = names.split(';').map(str::to_owned).collect();
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

fn checked_signature(signature: String) -> Result<String, Refusal> {
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

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::Incomplete(message.into())
}

fn mismatch(message: impl Into<String>) -> Refusal {
    Refusal::Mismatch(message.into())
}
