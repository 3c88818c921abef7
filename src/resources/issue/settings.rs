//! What a user says about the certificate.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::pca::{Arn, SigningAlgorithm, TemplateArn};
use crate::pki::{
    AlternativeNameValues, Field, Fingerprint, KeyAlgorithm, RenewalPolicy, SubjectValues,
};
use crate::terraform::schema::{
    Attribute, Block, Check, Fallback, Partial, Rule, flag, number, text, text_map, texts,
};
use crate::terraform::{Diagnostic, Duration};

/// The settings of a certificate, whoever holds its key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(in crate::resources) struct Issuance {
    pub(in crate::resources) certificate_authority_arn: Arn,
    pub(in crate::resources) subject: SubjectValues,
    pub(in crate::resources) dns_names: Vec<String>,
    pub(in crate::resources) email_addresses: Vec<String>,
    pub(in crate::resources) ip_addresses: Vec<String>,
    pub(in crate::resources) uris: Vec<String>,
    pub(in crate::resources) key_algorithm: KeyAlgorithm,
    pub(in crate::resources) signing_algorithm: Option<SigningAlgorithm>,
    pub(in crate::resources) path_length: u8,
    pub(in crate::resources) template_arn: Option<TemplateArn>,
    pub(in crate::resources) validity: Duration,
    pub(in crate::resources) clamp_to_issuer: bool,
    pub(in crate::resources) renew_before: Option<Duration>,
    pub(in crate::resources) renew_jitter: Duration,
    pub(in crate::resources) rotate_key: bool,
    pub(in crate::resources) renew_triggers: BTreeMap<String, String>,
    pub(in crate::resources) expected_root_sha256: Option<Fingerprint>,
    pub(in crate::resources) allow_root_replacement: bool,
    pub(in crate::resources) revoke_on_destroy: bool,
    pub(in crate::resources) revocation_reason: String,
}

impl Issuance {
    /// The alternative names as they are written.
    pub(in crate::resources) fn alternative_names(&self) -> AlternativeNameValues {
        AlternativeNameValues {
            dns_names: self.dns_names.clone(),
            email_addresses: self.email_addresses.clone(),
            ip_addresses: self.ip_addresses.clone(),
            uris: self.uris.clone(),
        }
    }

    /// The template that is asked for: the user's, or the one for the path length.
    pub(in crate::resources) fn template(&self) -> TemplateArn {
        let partition = self.certificate_authority_arn.partition();
        let of_length = || {
            TemplateArn::subordinate(partition, self.path_length)
                .expect("the schema admits path lengths from 0 to 3 only")
        };
        self.template_arn.clone().unwrap_or_else(of_length)
    }

    /// When to renew what an authority of that mode issues.
    pub(in crate::resources) fn renewal(&self, short_lived: bool) -> RenewalPolicy {
        RenewalPolicy {
            renew_before: self.renew_before.map(Duration::signed),
            short_lived,
            jitter: self.renew_jitter.signed(),
        }
    }

    /// A digest of all that makes the certificate what it is, to tell later whether an order that
    /// is still under way is for what is wanted now.
    pub(in crate::resources) fn order_sha256(&self) -> Fingerprint {
        let Self {
            certificate_authority_arn,
            subject,
            dns_names,
            email_addresses,
            ip_addresses,
            uris,
            key_algorithm,
            signing_algorithm,
            path_length: _,
            template_arn: _,
            validity,
            clamp_to_issuer: _,
            renew_before: _,
            renew_jitter: _,
            rotate_key: _,
            renew_triggers,
            expected_root_sha256: _,
            allow_root_replacement: _,
            revoke_on_destroy: _,
            revocation_reason: _,
        } = self;
        let names = (subject, dns_names, email_addresses, ip_addresses, uris);
        let algorithms = (
            key_algorithm,
            signing_algorithm.map(|algorithm| algorithm.as_str()),
        );
        let rest = (self.template().to_string(), validity, renew_triggers);
        let all = (
            certificate_authority_arn.to_string(),
            names,
            algorithms,
            rest,
        );
        let text = serde_json::to_vec(&all).expect("texts, lists and maps of texts are JSON");
        Fingerprint::of(&text)
    }
}

/// A setting that only a later issue looks at.
const NOTHING: &[&str] = &[];

/// The attributes of [`Issuance`], as the documentation shows them.
pub(in crate::resources) const ATTRIBUTES: [Attribute; 19] = [
    text("certificate_authority_arn").required().parses::<Arn>().says(
        "ARN of the AWS Private CA that signs. Region and partition are taken from it. The CA must \
         be allowed to have CAs below it: its own path length must be greater than `path_length`.",
    ),
    texts("dns_names").optional().check(Check::Format(|text| of(Field::DnsNames, text))).says(
        "DNS names in the certificate's subject alternative name, in order.",
    ),
    texts("email_addresses").optional().check(Check::Format(|text| of(Field::EmailAddresses, text)))
        .says("E-mail addresses in the subject alternative name, in order."),
    texts("ip_addresses").optional().check(Check::Format(|text| of(Field::IpAddresses, text)))
        .says("IPv4 and IPv6 addresses in the subject alternative name, in order."),
    texts("uris").optional().check(Check::Format(|text| of(Field::Uris, text)))
        .says("URIs in the subject alternative name, in order."),
    text("key_algorithm")
        .or(Fallback::Text("EC_prime256v1"))
        .check(Check::OneOf(&KeyAlgorithm::NAMES))
        .says("Algorithm of the intermediate's own key, in AWS Private CA's names."),
    text("signing_algorithm").optional().parses::<SigningAlgorithm>().says(
        "Algorithm with which the CA signs, in AWS Private CA's names. Left out, it is derived from \
         the CA's key; when set, it must fit that key.",
    ),
    number("path_length").or(Fallback::Integer(0)).check(Check::Between(0, 3)).says(
        "How many CAs may follow below the intermediate. A mesh needs 0. Chooses the template \
         `SubordinateCACertificate_PathLenN/V1` in the partition of the CA.",
    ),
    text("template_arn").optional().check(Check::Format(template_of_a_ca)).says(
        "Template to use instead of the one for `path_length`. What it yields is checked all the same.",
    ),
    text("validity").or(Fallback::Text("90d")).parses::<Duration>().says(
        "How long the certificate is valid from the moment it is issued. It must end before the CA does.",
    ),
    flag("clamp_to_issuer").or(Fallback::Bool(false)).touches(NOTHING).says(
        "Whether a `validity` that reaches beyond the CA's own end is shortened instead of refused.",
    ),
    // These two decide whether a certificate is issued, so that everything may hang on them.
    text("renew_before").optional().parses::<Duration>().says(
        "How long before its end the certificate is renewed. Left out, it is a third of the \
         lifetime, or half of it for a CA in short-lived mode. Takes effect in the run in which it \
         is changed.",
    ),
    text("renew_jitter").or(Fallback::Text("0")).parses::<Duration>().says(
        "Spreads a fleet: each certificate is renewed earlier by a share of this that its serial \
         number fixes.",
    ),
    flag("rotate_key").or(Fallback::Bool(true)).touches(NOTHING).says(
        "Whether each new certificate gets a new key.",
    ),
    text_map("renew_triggers").optional().says(
        "Any texts; when one changes, the certificate is issued anew in place.",
    ),
    text("expected_root_sha256").optional().parses::<Fingerprint>().touches(NOTHING).says(
        "SHA-256 of the root certificate's DER form (64 hex digits, colons allowed) that the CA must \
         lead to. Nothing is issued under another root. Naming another root than the last one's is \
         how an intermediate is told to go there; the Secret takes it once that root is trusted.",
    ),
    flag("allow_root_replacement").or(Fallback::Bool(false)).touches(NOTHING).says(
        "Whether a new certificate may lead to another root than the last one. Workloads that trust \
         only the old root refuse those that got a certificate under the new one. In \
         `istiopca_cacerts_secret` its own setting of this name decides.",
    ),
    flag("revoke_on_destroy").or(Fallback::Bool(false)).touches(NOTHING).says(
        "Whether destroying this resource revokes its certificate; taking another one's place does not. A superseded \
         certificate is never revoked by itself: workloads may still use what it signed. In \
         `istiopca_cacerts_secret` it needs `on_destroy = \"delete\"`: the Secret goes first.",
    ),
    text("revocation_reason").or(Fallback::Text("CESSATION_OF_OPERATION")).touches(NOTHING)
        .check(Check::OneOf(&[
            "UNSPECIFIED",
            "KEY_COMPROMISE",
            "CERTIFICATE_AUTHORITY_COMPROMISE",
            "AFFILIATION_CHANGED",
            "SUPERSEDED",
            "CESSATION_OF_OPERATION",
            "PRIVILEGE_WITHDRAWN",
            "A_A_COMPROMISE",
        ]))
        .says("Reason to give with `revoke_on_destroy`."),
];

/// The blocks of [`Issuance`].
pub(in crate::resources) const BLOCKS: [Block; 1] = [Block::once(
    "subject",
    &[
        text("common_name")
            .required()
            .check(Check::Format(|text| of(Field::CommonName, text)))
            .says("CN, at most 64 characters."),
        texts("organization")
            .optional()
            .check(Check::Format(|text| of(Field::Organization, text)))
            .says("O, each value in order."),
        texts("organizational_unit")
            .optional()
            .check(Check::Format(|text| of(Field::OrganizationalUnit, text)))
            .says("OU, each value in order."),
        texts("country")
            .optional()
            .check(Check::Format(|text| of(Field::Country, text)))
            .says("C, two letters each."),
        texts("province")
            .optional()
            .check(Check::Format(|text| of(Field::Province, text)))
            .says("ST, each value in order."),
        texts("locality")
            .optional()
            .check(Check::Format(|text| of(Field::Locality, text)))
            .says("L, each value in order."),
        texts("street_address")
            .optional()
            .check(Check::Format(|text| of(Field::StreetAddress, text)))
            .says("Street, each value in order."),
        texts("postal_code")
            .optional()
            .check(Check::Format(|text| of(Field::PostalCode, text)))
            .says("Postal code, each value in order."),
        text("serial_number")
            .optional()
            .check(Check::Format(|text| of(Field::SerialNumber, text)))
            .says("The serialNumber attribute of the name; not the certificate's serial number."),
    ],
)
.says("The certificate's subject. A change issues a new certificate in place.")];

/// What must hold between the settings of [`Issuance`].
pub(in crate::resources) const RULES: [Rule; 1] = [Rule::Holds(renewal_leaves_time)];

fn of(field: Field, text: &str) -> Result<(), String> {
    field
        .check(text)
        .map_err(|problem| format!("The value {text:?} {problem}."))
}

/// The template alone decides whether AWS makes a CA of what is asked for.
fn template_of_a_ca(text: &str) -> Result<(), String> {
    let template: TemplateArn = text.parse().map_err(|error| format!("It is {error}."))?;
    let name = template.name();
    let family = name.strip_prefix("Blank").unwrap_or(name);
    if family.starts_with("SubordinateCACertificate_PathLen") {
        return Ok(());
    }
    Err(format!(
        "What {name} makes is not a CA below another one: istiod could not sign with it. Use a template whose name \
         begins with SubordinateCACertificate_PathLen, or leave it out."
    ))
}

/// A certificate that is due as soon as it is issued would be issued again by every run.
fn renewal_leaves_time(settings: &Partial<'_>) -> Vec<Diagnostic> {
    let read = |name| settings.read::<Option<Duration>>(name).ok();
    let (Some(Some(validity)), Some(before), Some(jitter)) =
        (read("validity"), read("renew_before"), read("renew_jitter"))
    else {
        return Vec::new();
    };
    let policy = RenewalPolicy {
        renew_before: before.map(Duration::signed),
        short_lived: false,
        jitter: jitter.unwrap_or_default().signed(),
    };
    let Err(_) = policy.check(validity.signed()) else {
        return Vec::new();
    };
    let (place, culprit) = match before {
        Some(before) => ("renew_before", format!("`renew_before` is {before}")),
        None => ("renew_jitter", "`renew_before` is a third of it".to_owned()),
    };
    let jitter = jitter.filter(|jitter| *jitter != Duration::ZERO);
    let jitter = jitter
        .map(|jitter| format!(" and `renew_jitter` {jitter}"))
        .unwrap_or_default();
    vec![
        Diagnostic::error(
            "The certificate would always be due for renewal",
            format!(
                "`validity` is {validity}, {culprit}{jitter}: nothing is left between issuing and \
                 renewal, so every run would issue a new certificate.\n\nChoose a longer `validity` \
                 or renew later."
            ),
        )
        .at(settings.path(place)),
    ]
}
