//! What a program printed: an ExecCredential.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Version;
use crate::cluster::connect::pem::{self, NotPem};
use crate::cluster::connect::settings::SecretText;
use crate::cluster::door::{ClientIdentity, Pass};

/// Why what was printed is no credential. Holds nothing of it but names and times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAnswer {
    #[error("printed nothing, expected an ExecCredential in JSON")]
    Nothing,
    #[error("printed something else than an ExecCredential in JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("printed something of kind {got:?}, expected ExecCredential")]
    Kind { got: String },
    #[error("answered in {got:?}, expected {expected} as it was asked in")]
    Version { got: String, expected: &'static str },
    #[error("printed an ExecCredential without a status")]
    NoStatus,
    #[error("printed neither a token nor a client certificate")]
    NoCredential,
    #[error("printed {has} without {lacks}")]
    Half {
        has: &'static str,
        lacks: &'static str,
    },
    #[error("printed a {field} that cannot be used: {why}")]
    Pem { field: &'static str, why: NotPem },
    #[error("printed an expirationTimestamp that is no time of RFC 3339")]
    NoTime,
    #[error(
        "printed a credential that expired at {end}, and by the clock of this machine it is {now}"
    )]
    Expired { end: Timestamp, now: Timestamp },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    expiration_timestamp: Option<String>,
    token: Option<SecretText>,
    client_certificate_data: Option<SecretText>,
    client_key_data: Option<SecretText>,
}

/// Reads what a program of that version printed, at `now`.
pub(super) fn pass(printed: &[u8], version: Version, now: Timestamp) -> Result<Pass, BadAnswer> {
    if printed.trim_ascii().is_empty() {
        return Err(BadAnswer::Nothing);
    }
    let answer: ExecCredential =
        serde_json::from_slice(printed).map_err(|error| BadAnswer::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
    if answer.kind != "ExecCredential" {
        return Err(BadAnswer::Kind {
            got: short(&answer.kind),
        });
    }
    if answer.api_version != version.text() {
        return Err(BadAnswer::Version {
            got: short(&answer.api_version),
            expected: version.text(),
        });
    }
    let status = answer.status.ok_or(BadAnswer::NoStatus)?;
    let lasts = lasts(status.expiration_timestamp.as_deref(), now)?;
    let token = status.token.filter(is_set);
    let identity = identity(status.client_certificate_data, status.client_key_data)?;
    if token.is_none() && identity.is_none() {
        return Err(BadAnswer::NoCredential);
    }
    Ok(Pass {
        token,
        identity,
        lasts,
    })
}

fn identity(
    chain: Option<SecretText>,
    key: Option<SecretText>,
) -> Result<Option<ClientIdentity>, BadAnswer> {
    let (certificate_data, key_data) = ("clientCertificateData", "clientKeyData");
    let bad = |field| move |why| BadAnswer::Pem { field, why };
    let half = |has, lacks| Err(BadAnswer::Half { has, lacks });
    match (chain.filter(is_set), key.filter(is_set)) {
        (None, None) => Ok(None),
        (Some(_), None) => half(certificate_data, key_data),
        (None, Some(_)) => half(key_data, certificate_data),
        (Some(chain), Some(key)) => Ok(Some(ClientIdentity {
            chain: pem::certificate_chain(chain.expose().as_bytes())
                .map_err(bad(certificate_data))?,
            key: private_key(&key).map_err(bad(key_data))?,
        })),
    }
}

fn private_key(key: &SecretText) -> Result<SecretText, NotPem> {
    let pem: Zeroizing<String> = pem::private_key(key.expose().as_bytes())?;
    Ok(pem.as_str().into())
}

/// For how long it may be used: until a minute before its end, and a short one for half of its time; without an end,
/// until it is refused.
fn lasts(end: Option<&str>, now: Timestamp) -> Result<Duration, BadAnswer> {
    let Some(end) = end.filter(|end| !end.is_empty()) else {
        return Ok(Duration::MAX);
    };
    let end: Timestamp = end.parse().map_err(|_| BadAnswer::NoTime)?;
    let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
    if left.is_zero() {
        return Err(BadAnswer::Expired { end, now });
    }
    Ok(left.saturating_sub(MARGIN).max(left / 2))
}

fn is_set(text: &SecretText) -> bool {
    !text.expose().trim().is_empty()
}

/// A name, unless somebody put something else there.
fn short(name: &str) -> String {
    name.chars().take(60).collect()
}

/// What a call that has begun may still need.
const MARGIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::connect::samples::IDENTITY;

    const NOW: &str = "2026-03-01T12:00:00Z";

    fn printed(status: &Value) -> String {
        json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "spec": {"interactive": false},
            "status": status,
        })
        .to_string()
    }

    fn read(text: &str) -> Result<Pass, BadAnswer> {
        pass(text.as_bytes(), Version::V1, NOW.parse().unwrap())
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    fn lasting(end: &str) -> Result<u64, BadAnswer> {
        let status = json!({"token": "t", "expirationTimestamp": end});
        read(&printed(&status)).map(|pass| pass.lasts.as_secs())
    }

    #[test]
    fn a_token_without_an_end_lasts_until_it_is_refused() {
        let pass = read(&printed(&json!({"token": "hunter2"}))).unwrap();
        assert_eq!(pass.token.unwrap().expose(), "hunter2");
        assert!(pass.identity.is_none() && pass.lasts == Duration::MAX);
        let null = json!({"token": "t", "expirationTimestamp": null});
        assert_eq!(read(&printed(&null)).unwrap().lasts, Duration::MAX);
    }

    #[test]
    fn a_credential_is_given_up_a_minute_before_its_end_and_a_short_one_at_half_time() {
        assert_eq!(lasting("2026-03-01T12:15:00Z"), Ok(14 * 60));
        assert_eq!(lasting("2026-03-01T13:15:00+01:00"), Ok(14 * 60));
        assert_eq!(lasting("2026-03-01T12:01:30Z"), Ok(45));
        assert_eq!(lasting("2026-03-01T12:00:20.5Z"), Ok(10));
    }

    #[test]
    fn one_that_has_expired_is_told_with_the_clock_that_says_so() {
        assert_eq!(
            lasting("2026-03-01T12:00:00Z").unwrap_err().to_string(),
            "printed a credential that expired at 2026-03-01T12:00:00Z, and by the clock of this machine it is \
             2026-03-01T12:00:00Z"
        );
        assert!(matches!(
            lasting("1999-01-01T00:00:00Z"),
            Err(BadAnswer::Expired { .. })
        ));
        assert_eq!(lasting("tomorrow"), Err(BadAnswer::NoTime));
    }

    #[test]
    fn a_certificate_needs_its_key_and_both_must_be_what_they_say() {
        let certificate = &IDENTITY.certificate;
        let both = json!({"clientCertificateData": certificate, "clientKeyData": IDENTITY.key});
        let identity = read(&printed(&both)).unwrap().identity.unwrap();
        assert_eq!(identity.chain.as_str(), certificate.as_str());
        assert_eq!(identity.key.expose(), IDENTITY.key);
        let half = json!({"token": "t", "clientCertificateData": certificate});
        assert_eq!(
            refused(&printed(&half)),
            "printed clientCertificateData without clientKeyData"
        );
        let half = json!({"clientKeyData": IDENTITY.key, "clientCertificateData": ""});
        assert_eq!(
            refused(&printed(&half)),
            "printed clientKeyData without clientCertificateData"
        );
        let swapped = json!({"clientCertificateData": IDENTITY.key, "clientKeyData": certificate});
        assert_eq!(
            refused(&printed(&swapped)),
            "printed a clientCertificateData that cannot be used: expected a certificate, got PRIVATE KEY"
        );
    }

    #[test]
    fn it_must_answer_as_it_was_asked() {
        let beta = printed(&json!({"token": "t"})).replace("io/v1", "io/v1beta1");
        assert_eq!(
            refused(&beta),
            "answered in \"client.authentication.k8s.io/v1beta1\", expected \
             client.authentication.k8s.io/v1 as it was asked in"
        );
        let asked = pass(beta.as_bytes(), Version::V1Beta1, NOW.parse().unwrap());
        assert!(asked.is_ok());
        let other = printed(&json!({"token": "t"})).replace("ExecCredential", "Secret");
        assert_eq!(
            refused(&other),
            "printed something of kind \"Secret\", expected ExecCredential"
        );
    }

    #[test]
    fn what_is_no_credential_is_told_and_never_shown() {
        for (text, words) in [
            (
                " \n".to_owned(),
                "printed nothing, expected an ExecCredential in JSON",
            ),
            (
                "hunter2".to_owned(),
                "printed something else than an ExecCredential in JSON (line 1, column 1)",
            ),
            (
                printed(&json!({"token": ["hunter2"]})),
                "printed something else than an ExecCredential in JSON (line 1,",
            ),
            (
                printed(&json!("hunter2")),
                "printed something else than an ExecCredential in JSON (line 1,",
            ),
            (
                printed(&Value::Null),
                "printed an ExecCredential without a status",
            ),
            (
                printed(&json!({"token": " "})),
                "printed neither a token nor a client certificate",
            ),
        ] {
            let told = refused(&text);
            assert!(told.starts_with(words), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
}
