//! The form of a token: all that can be judged before STS is asked.
//!
//! The rules are those of aws-iam-authenticator, `pkg/token`; its words are kept where a story may
//! want to look for them.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::super::partition::sts_region;
use super::super::sigv4::Presigned;
use super::Unauthorized;

/// A token of good form: a presigned `GetCallerIdentity` for a genuine STS.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) presigned: Presigned,
    /// The STS that it is for.
    pub(super) host: String,
}

/// The header that binds a token to a cluster.
pub(super) const CLUSTER_HEADER: &str = "x-k8s-aws-id";

const PREFIX: &str = "k8s-aws-v1.";
const LONGEST: usize = 4096;
const LONGEST_EXPIRES: i64 = 900;
const PARAMETERS: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

impl Token {
    /// Takes a bearer token apart for a cluster of `partition`; one that was signed longer than
    /// `lifetime` before `now` is over.
    pub(super) fn read(
        token: &str,
        partition: &str,
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Result<Self, Unauthorized> {
        let url = url(token)?;
        let (host, query) = parts(&url)?;
        let region = sts_region(host, partition)
            .ok_or_else(|| malformed(format!("unexpected hostname {host:?} in pre-signed URL")))?;
        parameters(query)?;
        let presigned =
            Presigned::read(query, "sts").map_err(|refusal| Unauthorized::of_sts(&refusal))?;
        if !presigned
            .signed_headers
            .iter()
            .any(|name| name == CLUSTER_HEADER)
        {
            return Err(malformed(format!(
                "client did not sign the {CLUSTER_HEADER} header in the pre-signed URL"
            )));
        }
        if presigned.scope.region != region {
            return Err(Unauthorized::Sts {
                code: "SignatureDoesNotMatch".to_owned(),
                message: format!(
                    "Credential should be scoped to a valid region: got '{}', expected '{region}'.",
                    presigned.scope.region
                ),
            });
        }
        if now.duration_since(presigned.signed_at) > lifetime {
            return Err(Unauthorized::Expired {
                signed_at: presigned.signed_at,
                now,
            });
        }
        Ok(Self {
            presigned,
            host: host.to_owned(),
        })
    }
}

/// Whose key a token says that it is signed with, if that can be read.
pub(super) fn access_key_id(token: &str) -> Option<String> {
    let url = url(token).ok()?;
    let (_, query) = url.split_once('?')?;
    let credential = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "X-Amz-Credential")?
        .1;
    credential.split('/').next().map(str::to_owned)
}

fn url(token: &str) -> Result<String, Unauthorized> {
    if token.len() > LONGEST {
        return Err(malformed("token is too large"));
    }
    let encoded = token
        .strip_prefix(PREFIX)
        .ok_or_else(|| malformed(format!("token is missing expected {PREFIX:?} prefix")))?;
    let url = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|error| malformed(error.to_string()))?;
    String::from_utf8(url).map_err(|_| malformed("the token is not a URL"))
}

/// Host and query of the URL, whose scheme and path can be only one.
fn parts(url: &str) -> Result<(&str, &str), Unauthorized> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    if scheme != "https" {
        return Err(malformed(format!(
            "unexpected scheme {scheme:?} in pre-signed URL"
        )));
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    match place.split_once('/') {
        Some((host, "")) => Ok((host, query)),
        _ => Err(malformed("unexpected path in pre-signed URL")),
    }
}

/// Checks every parameter's name, that there is one of each, and those that are not SigV4's matter.
fn parameters(query: &str) -> Result<(), Unauthorized> {
    let mut seen = HashSet::new();
    let (mut action, mut expires) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let lower = name.to_ascii_lowercase();
        if !PARAMETERS.contains(&lower.as_str()) {
            return Err(malformed(format!(
                "non-whitelisted query parameter {name:?}"
            )));
        }
        match lower.as_str() {
            "action" => action = Some(value.into_owned()),
            "x-amz-expires" => expires = Some(value.into_owned()),
            _ => {}
        }
        if !seen.insert(lower) {
            return Err(malformed(
                "query parameter with multiple values not supported",
            ));
        }
    }
    if action.as_deref() != Some("GetCallerIdentity") {
        return Err(malformed("unexpected action parameter in pre-signed URL"));
    }
    let seconds = expires.as_deref().map(str::parse::<i64>);
    match seconds {
        Some(Ok(0..=LONGEST_EXPIRES)) => Ok(()),
        _ => Err(malformed(format!(
            "invalid X-Amz-Expires parameter in pre-signed URL: {}",
            expires.unwrap_or_default()
        ))),
    }
}

fn malformed(words: impl Into<String>) -> Unauthorized {
    Unauthorized::Malformed(words.into())
}
