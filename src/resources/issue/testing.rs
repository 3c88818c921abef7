//! For tests: settings as the schema's defaults leave them, and CAs as AWS shows them.

use serde_json::{Value, json};

use super::{Authority, Issuance};
use crate::pca::{CaKeyAlgorithm, Description, IssuerPem, Status, UsageMode};
use crate::pki::Certificate;

pub(in crate::resources) const ARN: &str = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555";

/// The defaults of the schema, and what a test changes of them.
#[expect(clippy::needless_pass_by_value, reason = "the callers read better so")]
pub(in crate::resources) fn settings(change: Value) -> Issuance {
    let mut settings = json!({
        "certificate_authority_arn": ARN,
        "subject": {"common_name": "istio-ca"},
        "dns_names": [], "email_addresses": [], "ip_addresses": [], "uris": [],
        "key_algorithm": "EC_prime256v1",
        "path_length": 0,
        "validity": "90d",
        "clamp_to_issuer": false,
        "renew_jitter": "0",
        "rotate_key": true,
        "renew_triggers": {},
        "allow_root_replacement": false,
        "revoke_on_destroy": false,
        "revocation_reason": "CESSATION_OF_OPERATION",
    });
    let changed = change.as_object().expect("an object").clone();
    settings.as_object_mut().expect("an object").extend(changed);
    serde_json::from_value(settings).expect("settings")
}

/// A CA by its certificates, its own first.
pub(in crate::resources) fn authority(usage_mode: UsageMode, path: &[&Certificate]) -> Authority {
    let pem = |certificates: &[&Certificate]| -> String {
        certificates.iter().map(|it| it.to_pem()).collect()
    };
    let description = Description {
        status: Status::Active,
        ca_type: None,
        key_algorithm: CaKeyAlgorithm::EcPrime256v1,
        usage_mode,
        not_before: None,
        not_after: Some(path[0].not_after()),
        owner_account: None,
        failure_reason: None,
        restorable_until: None,
    };
    let pem = IssuerPem {
        certificate: pem(&path[..1]),
        chain: (path.len() > 1).then(|| pem(&path[1..])),
    };
    Authority::new(description, &pem).expect("a sound chain")
}
