//! The form of a signature that is in the query of a GET: a presigned URL.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::canonical::{ALGORITHM, Message, Scope, canonical_query};
use super::{Refusal, checked_date, checked_headers, checked_signature, incomplete};

/// A presigned URL, taken apart.
#[derive(Debug)]
pub(crate) struct Presigned {
    pub(crate) scope: Scope,
    pub(crate) session_token: Option<String>,
    pub(crate) signed_headers: Vec<String>,
    /// `X-Amz-Date` as a moment.
    pub(crate) signed_at: Timestamp,
    date: String,
    signature: String,
    /// Every parameter but the signature.
    covered: Vec<(String, String)>,
}

impl Presigned {
    /// Whether a query has a signature in it at all.
    pub(crate) fn is_in(query: &str) -> bool {
        form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "X-Amz-Algorithm")
    }

    /// Reads the query and checks everything but the signature itself; `service` is the name that
    /// the scope must have.
    pub(crate) fn read(query: &str, service: &str) -> Result<Self, Refusal> {
        let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let find = |name: &str| {
            let found = parameters.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        let needed = |name: &str| {
            find(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                incomplete(format!(
                    "AWS query-string parameters must include '{name}'."
                ))
            })
        };
        if needed("X-Amz-Algorithm")? != ALGORITHM {
            return Err(incomplete(format!("The algorithm must be {ALGORITHM}.")));
        }
        let scope = Scope::parse(&needed("X-Amz-Credential")?, service)?;
        let date = checked_date(needed("X-Amz-Date")?, &scope.day)?;
        let signed_headers = checked_headers(&needed("X-Amz-SignedHeaders")?, &["host"])?;
        let signature = checked_signature(needed("X-Amz-Signature")?)?;
        Ok(Self {
            scope,
            session_token: find("X-Amz-Security-Token"),
            signed_headers,
            signed_at: moment(&date)?,
            date,
            signature,
            covered: parameters
                .into_iter()
                .filter(|(name, _)| name != "X-Amz-Signature")
                .collect(),
        })
    }

    /// Whether the signature is that of `secret` over `GET path` with these headers and no body.
    pub(crate) fn verify(
        &self,
        path: &str,
        header: &dyn Fn(&str) -> Option<String>,
        secret: &str,
    ) -> Result<(), Refusal> {
        let covered = self.covered.iter();
        let message = Message {
            method: "GET",
            path,
            query: canonical_query(covered.map(|(name, value)| (name.as_str(), value.as_str()))),
            signed_headers: &self.signed_headers,
            header,
            body: b"",
        };
        self.scope
            .verify(&self.date, &message, &self.signature, secret)
    }
}

/// `20261121T224302Z` as a moment.
pub(crate) fn moment(date: &str) -> Result<Timestamp, Refusal> {
    DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .and_then(|date| date.to_zoned(TimeZone::UTC))
        .map(|zoned| zoned.timestamp())
        .map_err(|_| {
            incomplete(format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'."
            ))
        })
}
