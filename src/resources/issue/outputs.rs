//! What is known of an issued certificate, as the state shows it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Issuance, Last, Notes, Obtained};
use crate::pca::{CertificateArn, SigningAlgorithm, TemplateArn};
use crate::pki::{Chain, Fingerprint};
use crate::terraform::schema::{Attribute, text, texts};

/// The facts of a certificate. All are null until AWS has delivered one, but for the ARN and the
/// reason of an order that is under way.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub(in crate::resources) struct Issued {
    pub(in crate::resources) certificate_arn: Option<CertificateArn>,
    pub(in crate::resources) serial_number: Option<String>,
    pub(in crate::resources) serial_number_decimal: Option<String>,
    pub(in crate::resources) not_before: Option<Timestamp>,
    pub(in crate::resources) not_after: Option<Timestamp>,
    pub(in crate::resources) path_not_after: Option<Timestamp>,
    pub(in crate::resources) renew_at: Option<Timestamp>,
    pub(in crate::resources) root_certificate: Option<String>,
    pub(in crate::resources) public_key_sha256: Option<Fingerprint>,
    pub(in crate::resources) certificate_sha256: Option<Fingerprint>,
    pub(in crate::resources) issuer_certificate_sha256: Option<Fingerprint>,
    pub(in crate::resources) root_sha256: Option<Fingerprint>,
    pub(in crate::resources) signing_algorithm_used: Option<SigningAlgorithm>,
    pub(in crate::resources) template_arn_used: Option<TemplateArn>,
    pub(in crate::resources) issue_reason: Option<String>,
    pub(in crate::resources) superseded_certificate_arns: Vec<CertificateArn>,
}

impl Issued {
    /// What a certificate says of itself and of the path above it.
    pub(in crate::resources) fn facts(chain: &Chain) -> Self {
        let certificate = chain.certificate();
        Self {
            serial_number: Some(certificate.serial().to_string()),
            serial_number_decimal: Some(certificate.serial().to_decimal()),
            not_before: Some(certificate.not_before()),
            not_after: Some(certificate.not_after()),
            path_not_after: Some(chain.path_not_after()),
            root_certificate: Some(chain.root().to_pem()),
            public_key_sha256: Some(certificate.public_key().sha256()),
            certificate_sha256: Some(certificate.sha256()),
            issuer_certificate_sha256: Some(chain.issuer().sha256()),
            root_sha256: Some(chain.root().sha256()),
            ..Self::default()
        }
    }
}

impl Issued {
    /// What a certificate that takes this one's place is measured by. Only a renewal must end
    /// later: whoever changes a setting wants the change, however long it lasts.
    pub(in crate::resources) fn as_last(&self, reason: &str) -> Last {
        Last {
            root: self.root_sha256,
            ends: self.path_not_after.filter(|_| reason == "renewal"),
        }
    }
}

impl Obtained {
    /// The facts of a certificate that takes the place of `last`.
    pub(in crate::resources) fn issued(
        &self,
        settings: &Issuance,
        last: Option<&Issued>,
        reason: &str,
    ) -> Issued {
        let policy = settings.renewal(self.short_lived);
        let (end, serial) = (
            self.chain.path_not_after(),
            self.chain.certificate().serial(),
        );
        let superseded = last.into_iter().flat_map(|last| {
            last.certificate_arn
                .iter()
                .chain(&last.superseded_certificate_arns)
                .cloned()
        });
        let superseded = superseded
            .filter(|arn| *arn != self.certificate_arn)
            .take(REMEMBERED);
        Issued {
            certificate_arn: Some(self.certificate_arn.clone()),
            renew_at: Some(policy.renew_at(self.ordered_at, end, serial)),
            signing_algorithm_used: Some(self.signing_algorithm),
            template_arn_used: Some(settings.template()),
            issue_reason: Some(reason.to_owned()),
            superseded_certificate_arns: superseded.collect(),
            ..Issued::facts(&self.chain)
        }
    }

    /// What is noted beside it.
    pub(in crate::resources) fn notes(&self) -> Notes {
        Notes {
            issued_at: Some(self.ordered_at),
            short_lived: self.short_lived,
            hold: None,
            horizon: Some(self.horizon.clone()),
            pending: None,
        }
    }
}

/// How many superseded certificates are remembered.
const REMEMBERED: usize = 20;

/// The outputs that a new certificate changes, whoever holds it.
pub(in crate::resources) const CERTIFICATE_OUTPUTS: &[&str] = &[
    "certificate_arn",
    "serial_number",
    "serial_number_decimal",
    "not_before",
    "not_after",
    "path_not_after",
    "renew_at",
    "root_certificate",
    "public_key_sha256",
    "certificate_sha256",
    "issuer_certificate_sha256",
    "root_sha256",
    "signing_algorithm_used",
    "template_arn_used",
    "superseded_certificate_arns",
];

/// The attributes of [`Issued`].
pub(in crate::resources) const OUTPUTS: [Attribute; 16] = [
    text("certificate_arn").says("ARN under which AWS Private CA issued the certificate."),
    text("serial_number").says("Serial number in hex, lower case, without colons."),
    text("serial_number_decimal").says("Serial number in decimal, as the AWS console shows it."),
    text("not_before").says("Start of validity (RFC 3339). AWS puts it an hour before the issuing."),
    text("not_after").says("End of validity (RFC 3339)."),
    text("path_not_after").says(
        "The earliest end on the whole path from the certificate to its root (RFC 3339): the mesh's \
         certificates are worth nothing after it.",
    ),
    text("renew_at").says("From when on a plan renews the certificate (RFC 3339)."),
    text("root_certificate").says("The root certificate at the end of the path, as PEM."),
    text("public_key_sha256").says("SHA-256 of the public key (SubjectPublicKeyInfo), in hex."),
    text("certificate_sha256").says("SHA-256 of the certificate, in hex."),
    text("issuer_certificate_sha256").says("SHA-256 of the issuing CA's certificate, in hex."),
    text("root_sha256").says("SHA-256 of the root certificate, in hex."),
    text("signing_algorithm_used").says("Algorithm with which the CA signed."),
    text("template_arn_used").says("Template that was asked for."),
    text("issue_reason").says(
        "Why the last certificate was issued, known in the plan: `created`, `renewal`, `triggers`, \
         `key_lost`, `adopted`, or the setting that changed. A pipeline can apply renewals by it and hold \
         everything else.",
    ),
    texts("superseded_certificate_arns").says(
        "ARNs of the certificates before this one, newest first, at most twenty: what a later \
         revocation needs.",
    ),
];
