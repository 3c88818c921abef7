//! What a signature is made of: the scope of the key, and the request in its canonical form.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use aws_lc_rs::{digest, hmac};

use super::super::random::hex;
use super::{Refusal, incomplete, mismatch};

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";

/// `Credential`: whose key signed, and for which day, Region and service.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) access_key_id: String,
    pub(super) day: String,
    pub(crate) region: String,
    service: String,
}

/// A request as far as a signature covers it.
pub(super) struct Message<'a> {
    pub(super) method: &'a str,
    /// As it was sent.
    pub(super) path: &'a str,
    /// In [canonical form](canonical_query).
    pub(super) query: String,
    pub(super) signed_headers: &'a [String],
    /// The value of a header, by its lower-case name.
    pub(super) header: &'a dyn Fn(&str) -> Option<String>,
    pub(super) body: &'a [u8],
}

impl Scope {
    /// Takes a credential apart; `service` is the name that it must have.
    pub(super) fn parse(credential: &str, service: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = credential.split('/').collect();
        let &[access_key_id, day, region, scoped, terminator] = parts.as_slice() else {
            return Err(incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, got '{credential}'."
            )));
        };
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
        let [access_key_id, day, region, service] =
            [access_key_id, day, region, scoped].map(str::to_owned);
        Ok(Self {
            access_key_id,
            day,
            region,
            service,
        })
    }

    /// Whether `signature` is that of `secret` over the message at `date`.
    pub(super) fn verify(
        &self,
        date: &str,
        message: &Message<'_>,
        signature: &str,
        secret: &str,
    ) -> Result<(), Refusal> {
        let Self {
            day,
            region,
            service,
            ..
        } = self;
        let canonical = sha256(message.canonical().as_bytes());
        let to_sign =
            format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/{TERMINATOR}\n{canonical}");
        let key = [day, region, service, TERMINATOR]
            .iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, step| {
                mac(&key, step)
            });
        if hex(&mac(&key, &to_sign)) == signature {
            return Ok(());
        }
        Err(mismatch(
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        ))
    }
}

impl Message<'_> {
    fn canonical(&self) -> String {
        let line = |name: &String| format!("{name}:{}\n", (self.header)(name).unwrap_or_default());
        let headers: String = self.signed_headers.iter().map(line).collect();
        [
            self.method,
            &encoded(self.path, "/"),
            &self.query,
            &headers,
            &self.signed_headers.join(";"),
            &sha256(self.body),
        ]
        .join("\n")
    }
}

/// The parameters of a query, encoded anew and in order.
pub(super) fn canonical_query<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut pairs: Vec<String> = parameters
        .into_iter()
        .map(|(name, value)| format!("{}={}", encoded(name, ""), encoded(value, "")))
        .collect();
    pairs.sort();
    pairs.join("&")
}

/// `%XX` for every byte that is neither unreserved (RFC 3986) nor one of `kept`.
fn encoded(text: &str, kept: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| {
        let letter = char::from(byte);
        if letter.is_ascii_alphanumeric() || "-_.~".contains(letter) || kept.contains(letter) {
            encoded + letter.encode_utf8(&mut [0; 4])
        } else {
            encoded + &format!("%{byte:02X}")
        }
    })
}

fn mac(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes())
        .as_ref()
        .to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}
