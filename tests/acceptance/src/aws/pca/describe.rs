//! `DescribeCertificateAuthority` and `GetCertificateAuthorityCertificate`.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::World;
use super::super::answer::Failure;
use super::super::caller::Caller;
use super::super::x509::certificate::{armoured, armoured_chain};
use super::super::x509::name;
use super::access::admitted;
use super::authority::{Authority, wrong_state};

/// Either request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OfOneCa {
    certificate_authority_arn: Option<String>,
}

/// Works in every state, for as long as the CA could be restored.
pub(super) fn describe(
    world: &World,
    caller: &Caller,
    request: &OfOneCa,
) -> Result<Value, Failure> {
    let mut authorities = world.authorities();
    let ca = &request.certificate_authority_arn;
    let authority = admitted(
        &mut authorities,
        caller,
        "DescribeCertificateAuthority",
        ca,
        None,
    )?;
    Ok(json!({ "CertificateAuthority": description(authority, world.now()) }))
}

/// The CA's own certificate, and its parents without itself: none for a root.
pub(super) fn certificate(
    world: &World,
    caller: &Caller,
    request: &OfOneCa,
) -> Result<Value, Failure> {
    let mut authorities = world.authorities();
    let ca = &request.certificate_authority_arn;
    let authority = admitted(
        &mut authorities,
        caller,
        "GetCertificateAuthorityCertificate",
        ca,
        None,
    )?;
    if !authority.status(world.now()).has_certificate() {
        return Err(wrong_state(authority, "to have a certificate"));
    }
    let installed = &authority.installed;
    let mut answer = json!({ "Certificate": armoured(&installed.certificate) });
    if !installed.chain.is_empty() {
        answer["CertificateChain"] = json!(armoured_chain(&installed.chain));
    }
    Ok(answer)
}

/// `CertificateAuthority` of the API, as a listing has it too.
pub(super) fn description(authority: &Authority, now: Timestamp) -> Value {
    let status = authority.status(now);
    let kind = if authority.parent.is_none() {
        "ROOT"
    } else {
        "SUBORDINATE"
    };
    let mut members = Map::from_iter([
        ("Arn".to_owned(), json!(authority.arn.to_string())),
        ("OwnerAccount".to_owned(), json!(authority.arn.account)),
        ("CreatedAt".to_owned(), seconds(authority.created)),
        (
            "LastStateChangeAt".to_owned(),
            seconds(authority.status_changed),
        ),
        ("Type".to_owned(), json!(kind)),
        ("Status".to_owned(), json!(status.name())),
        (
            "CertificateAuthorityConfiguration".to_owned(),
            configuration(authority),
        ),
        ("RevocationConfiguration".to_owned(), revocation(authority)),
        (
            "KeyStorageSecurityStandard".to_owned(),
            json!("FIPS_140_2_LEVEL_3_OR_HIGHER"),
        ),
        ("UsageMode".to_owned(), json!(authority.usage_mode.name())),
    ]);
    if status.has_certificate() {
        let installed = &authority.installed;
        members.insert("Serial".to_owned(), json!(installed.serial.decimal()));
        members.insert("NotBefore".to_owned(), seconds(installed.not_before));
        members.insert("NotAfter".to_owned(), seconds(installed.not_after));
    }
    Value::Object(members)
}

fn configuration(authority: &Authority) -> Value {
    json!({
        "KeyAlgorithm": authority.key.algorithm().name(),
        "SigningAlgorithm": authority.signing_algorithm.name(),
        "Subject": name::to_json(&authority.subject),
    })
}

fn revocation(authority: &Authority) -> Value {
    let crl = match &authority.crl_bucket {
        Some(bucket) => {
            json!({ "Enabled": true, "ExpirationInDays": 7, "S3BucketName": bucket })
        }
        None => json!({ "Enabled": false }),
    };
    json!({ "CrlConfiguration": crl, "OcspConfiguration": { "Enabled": false } })
}

/// A moment as AWS JSON 1.1 has it: seconds since 1970 with a fraction.
#[allow(clippy::cast_precision_loss)] // whole milliseconds of this age are exact in a double
fn seconds(moment: Timestamp) -> Value {
    json!(moment.as_millisecond() as f64 / 1000.0)
}
