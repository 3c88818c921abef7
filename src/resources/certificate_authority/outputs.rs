//! What is shown of a CA: pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::pca::{Arn, CaType, Description, SigningAlgorithm, TemplateArn, UsageMode};
use crate::pki::{Chain, ChainError, Fingerprint, Horizon};
use crate::resources::issue::{self, Authority};
use crate::resources::words;
use crate::terraform::schema::{Attribute, flag, number, text, texts};

/// What AWS says of the CA, what its certificate says, and what follows from both.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(in crate::resources) struct Outputs {
    status: String,
    failure_reason: Option<String>,
    restorable_until: Option<Timestamp>,
    r#type: Option<String>,
    usage_mode: String,
    owner_account: Option<String>,
    key_algorithm: String,
    subject: Option<String>,
    serial_number: Option<String>,
    serial_number_decimal: Option<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    path_not_after: Option<Timestamp>,
    path_length: Option<u8>,
    certificate: Option<String>,
    certificate_chain: Option<String>,
    certificate_sha256: Option<Fingerprint>,
    public_key_sha256: Option<Fingerprint>,
    root_certificate: Option<String>,
    root_subject: Option<String>,
    root_not_after: Option<Timestamp>,
    root_sha256: Option<Fingerprint>,
    can_issue: bool,
    cannot_issue_because: Vec<String>,
    signing_algorithm: Option<SigningAlgorithm>,
    signing_algorithms: Vec<SigningAlgorithm>,
    max_path_length: Option<u8>,
    template_arns: Vec<TemplateArn>,
    max_validity: Option<String>,
    latest_not_after: Option<Timestamp>,
}

pub(super) const OUTPUTS: [Attribute; 30] = [
    text("status").says(
        "`ACTIVE`, or why the CA issues nothing: `CREATING`, `PENDING_CERTIFICATE`, `DISABLED`, `EXPIRED`, \
         `DELETED` or `FAILED`.",
    ),
    text("failure_reason").says("Why the CA is `FAILED`, in AWS's words."),
    text("restorable_until").says("Until when a `DELETED` CA can be restored (RFC 3339)."),
    text("type").says("`ROOT` or `SUBORDINATE`."),
    text("usage_mode").says(
        "`GENERAL_PURPOSE`, or `SHORT_LIVED_CERTIFICATE`: then nothing that it issues lives longer than \
         seven days.",
    ),
    text("owner_account").says("The account that owns the CA."),
    text("key_algorithm").says("The CA's own key, in AWS Private CA's names, such as `EC_prime256v1`."),
    text("subject").says("Subject of the CA's certificate. It and all below are null while it has none."),
    text("serial_number").says("Serial number of the CA's certificate, in hex."),
    text("serial_number_decimal").says("The same in decimal, as the AWS console shows it."),
    text("not_before").says("Since when the CA's certificate is valid (RFC 3339)."),
    text("not_after").says("Until when the CA's certificate is valid (RFC 3339)."),
    text("path_not_after").says("The earliest end on the path from the CA to its root (RFC 3339)."),
    number("path_length").says(
        "How many CAs the CA's certificate allows below it, one after another; null where it says nothing, \
         which allows any number.",
    ),
    text("certificate").says("The CA's certificate as PEM."),
    text("certificate_chain")
        .says("The certificates above it as PEM, from its issuer to the root; null for a root."),
    text("certificate_sha256").says("SHA-256 of the CA's certificate, in hex."),
    text("public_key_sha256").says("SHA-256 of the CA's public key (SubjectPublicKeyInfo), in hex."),
    text("root_certificate").says(
        "The root that the CA leads to, as PEM: what a mesh under it trusts, and what other clusters take \
         as `additional_root_pems`.",
    ),
    text("root_subject").says("Subject of that root."),
    text("root_not_after").says("Until when that root is valid (RFC 3339)."),
    text("root_sha256").says("SHA-256 of that root, in hex: what `expected_root_sha256` is compared with."),
    flag("can_issue").says("Whether the CA could issue a mesh's CA at this moment."),
    texts("cannot_issue_because").says("What stands in the way of that, in sentences; empty when nothing does."),
    text("signing_algorithm").says(
        "The algorithm that the CA is asked to sign with where `signing_algorithm` is left out; null where \
         its key is of no use to a mesh.",
    ),
    texts("signing_algorithms").says("All algorithms that `signing_algorithm` may name for this CA."),
    number("max_path_length").says(
        "The greatest `path_length` of an intermediate CA under this one, by all path lengths up to the \
         root; AWS Private CA goes up to 3. Null where no CA fits below it.",
    ),
    texts("template_arns").says("The templates for these intermediate CAs, in the CA's partition."),
    text("max_validity").says("The longest `validity`, where the CA is in short-lived mode: `7d`."),
    text("latest_not_after").says(
        "The latest moment until which anything that the CA issues is of use: a second before its own end, \
         or the end of a CA above it (RFC 3339).",
    ),
];

impl Outputs {
    /// What AWS says, with the path to the root where there is a certificate.
    pub(super) fn of(
        arn: &Arn,
        description: &Description,
        path: Option<&Result<Chain, ChainError>>,
        now: Timestamp,
    ) -> Self {
        let key = &description.key_algorithm;
        let signing_algorithms = issue::algorithms_of(key);
        let derived = SigningAlgorithm::for_ca_key(key).ok();
        let because = obstacles(arn, description, path, now);
        let described = Self {
            status: description.status.to_string(),
            failure_reason: description.failure_reason.clone(),
            restorable_until: description.restorable_until,
            r#type: description.ca_type.map(type_name),
            usage_mode: usage_mode(description.usage_mode).to_owned(),
            owner_account: description.owner_account.clone(),
            key_algorithm: key.to_string(),
            not_before: description.not_before,
            not_after: description.not_after,
            can_issue: because.is_empty(),
            cannot_issue_because: because,
            signing_algorithm: derived.filter(|derived| signing_algorithms.contains(derived)),
            signing_algorithms,
            max_validity: short_lived(description).then(|| "7d".to_owned()),
            ..Self::default()
        };
        match path {
            Some(Ok(chain)) => described.certified(arn, chain),
            Some(Err(_)) | None => described,
        }
    }

    fn certified(self, arn: &Arn, chain: &Chain) -> Self {
        let (own, root) = (chain.certificate(), chain.root());
        let max_path_length = issue::room_below(chain);
        let templates = (0..=3).filter(|length| Some(*length) <= max_path_length);
        let templates =
            templates.filter_map(|length| TemplateArn::subordinate(arn.partition(), length).ok());
        Self {
            subject: Some(own.subject().to_string()),
            serial_number: Some(own.serial().to_string()),
            serial_number_decimal: Some(own.serial().to_decimal()),
            not_before: Some(own.not_before()),
            not_after: Some(own.not_after()),
            path_not_after: Some(chain.path_not_after()),
            path_length: own.path_length(),
            certificate: Some(own.to_pem()),
            certificate_chain: Some(chain.certificate_chain_pem()).filter(|pem| !pem.is_empty()),
            certificate_sha256: Some(own.sha256()),
            public_key_sha256: Some(own.public_key().sha256()),
            root_certificate: Some(root.to_pem()),
            root_subject: Some(root.subject().to_string()),
            root_not_after: Some(root.not_after()),
            root_sha256: Some(root.sha256()),
            max_path_length,
            template_arns: templates.collect(),
            latest_not_after: Some(Horizon::of(chain).latest),
            ..self
        }
    }
}

/// Why no mesh could have its CA from this one now, in sentences.
fn obstacles(
    arn: &Arn,
    description: &Description,
    path: Option<&Result<Chain, ChainError>>,
    now: Timestamp,
) -> Vec<String> {
    let status = issue::examine_status(description).err();
    let found = match (status, path) {
        (Some(status), _) => vec![status],
        (None, Some(Ok(chain))) => {
            let authority = Authority {
                description: description.clone(),
                chain: chain.clone(),
            };
            issue::prospects(&authority, now)
        }
        (None, Some(Err(error))) => return vec![words::leads_nowhere(arn, error)],
        (None, None) => return vec![words::uncertified(arn)],
    };
    let told = found.iter();
    told.flat_map(|obstacle| words::cannot_issue(arn, obstacle))
        .collect()
}

fn short_lived(description: &Description) -> bool {
    description.usage_mode == UsageMode::ShortLived
}

/// The names are those of the API.
fn usage_mode(mode: UsageMode) -> &'static str {
    match mode {
        UsageMode::GeneralPurpose => "GENERAL_PURPOSE",
        UsageMode::ShortLived => "SHORT_LIVED_CERTIFICATE",
    }
}

fn type_name(ca_type: CaType) -> String {
    match ca_type {
        CaType::Root => "ROOT".to_owned(),
        CaType::Subordinate => "SUBORDINATE".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pca::{CaKeyAlgorithm, Status};
    use crate::pki::Certificate;
    use crate::pki::testing::{Ca, DAY, START, Spec};
    use crate::resources::issue::testing::{ARN, authority};

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(START + day * DAY).expect("a moment")
    }

    /// What is shown, on the first day, of an active CA by its path, and with what is changed of it.
    fn shown(path: &[&Ca], change: fn(&mut Description)) -> Outputs {
        let path: Vec<&Certificate> = path.iter().map(|ca| &ca.certificate).collect();
        let mut authority = authority(UsageMode::GeneralPurpose, &path);
        change(&mut authority.description);
        let arn = ARN.parse().expect("an ARN");
        Outputs::of(
            &arn,
            &authority.description,
            Some(&Ok(authority.chain)),
            day(1),
        )
    }

    fn ca(root_length: Option<u8>, length: Option<u8>, days: i64) -> (Ca, Ca) {
        let with = |spec: Spec, length: Option<u8>| match length {
            Some(length) => spec.path_length(length),
            None => spec,
        };
        let root = Ca::root(with(Spec::ca("root"), root_length));
        let ca = root.sign(with(Spec::ca("authority").days(days), length));
        (root, ca)
    }

    #[test]
    fn an_active_ca_shows_what_it_is_and_what_it_can_issue() {
        let (root, ca) = ca(None, Some(2), 100);
        let outputs = shown(&[&ca, &root], |description| {
            description.ca_type = Some(CaType::Subordinate);
        });
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(outputs.status, "ACTIVE");
        assert_eq!(outputs.r#type, text("SUBORDINATE"));
        assert_eq!(outputs.usage_mode, "GENERAL_PURPOSE");
        assert_eq!(outputs.key_algorithm, "EC_prime256v1");
        assert_eq!(outputs.subject, text("CN=authority"));
        assert_eq!(outputs.root_subject, text("CN=root"));
        assert_eq!(outputs.certificate_chain, Some(root.certificate.to_pem()));
        assert_eq!(outputs.not_after, Some(day(100)));
        let latest = day(100) - jiff::SignedDuration::from_secs(1);
        assert_eq!(outputs.latest_not_after, Some(latest));
        assert_eq!(
            (outputs.path_length, outputs.max_path_length),
            (Some(2), Some(1))
        );
        let templates: Vec<String> = outputs
            .template_arns
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            templates,
            [
                "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1",
                "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen1/V1",
            ]
        );
        let algorithms: Vec<&str> = outputs
            .signing_algorithms
            .iter()
            .map(|it| it.as_str())
            .collect();
        assert_eq!(algorithms, ["SHA256WITHECDSA", "SHA384WITHECDSA"]);
        assert_eq!(
            outputs.signing_algorithm,
            Some(SigningAlgorithm::Sha256WithEcdsa)
        );
        assert_eq!((outputs.can_issue, outputs.max_validity), (true, None));
        assert_eq!(outputs.cannot_issue_because, [""; 0]);
    }

    #[test]
    fn a_root_has_nothing_above_it() {
        let root = Ca::root(Spec::ca("root"));
        let outputs = shown(&[&root], |description| {
            description.ca_type = Some(CaType::Root);
            description.usage_mode = UsageMode::ShortLived;
        });
        assert_eq!(outputs.r#type.as_deref(), Some("ROOT"));
        assert_eq!(outputs.certificate_chain, None);
        assert_eq!(outputs.root_sha256, outputs.certificate_sha256);
        assert_eq!(
            (outputs.path_length, outputs.max_path_length),
            (None, Some(3))
        );
        assert_eq!(outputs.usage_mode, "SHORT_LIVED_CERTIFICATE");
        assert_eq!(outputs.max_validity.as_deref(), Some("7d"));
        assert!(outputs.can_issue);
    }

    #[test]
    fn a_ca_that_is_not_active_is_shown_as_what_it_is() {
        let (root, ca) = ca(None, Some(1), 100);
        for (change, status) in [
            (
                (|it| it.status = Status::Disabled) as fn(&mut Description),
                "DISABLED",
            ),
            (|it| it.status = Status::Expired, "EXPIRED"),
            (|it| it.status = Status::Deleted, "DELETED"),
        ] {
            let outputs = shown(&[&ca, &root], change);
            assert_eq!(
                (outputs.status.as_str(), outputs.can_issue),
                (status, false)
            );
            let [because] = &outputs.cannot_issue_because[..] else {
                panic!("{:?}", outputs.cannot_issue_because);
            };
            assert!(because.contains(&format!("is {status}.")), "{because}");
            assert_eq!(outputs.root_sha256, Some(root.certificate.sha256()));
        }
    }

    #[test]
    fn a_ca_without_a_certificate_shows_what_aws_says_of_it() {
        let (root, ca) = ca(None, Some(1), 100);
        let arn = ARN.parse().expect("an ARN");
        let known = authority(
            UsageMode::GeneralPurpose,
            &[&ca.certificate, &root.certificate],
        );
        let mut description = known.description;
        let outputs = Outputs::of(&arn, &description, None, day(1));
        assert_eq!(
            (outputs.certificate, outputs.not_after),
            (None, Some(day(100)))
        );
        assert!(
            !outputs.can_issue,
            "it is active, and yet has nothing to sign under"
        );
        description.status = Status::PendingCertificate;
        let outputs = Outputs::of(&arn, &description, None, day(1));
        assert!(outputs.cannot_issue_because[0].contains("Install the CA's own certificate"));
        let broken = Err(ChainError::Empty);
        description.status = Status::Active;
        let outputs = Outputs::of(&arn, &description, Some(&broken), day(1));
        assert!(outputs.cannot_issue_because[0].contains("do not lead from the CA to a root"));
        assert_eq!(outputs.template_arns, []);
    }

    #[test]
    fn path_lengths_count_all_the_way_up() {
        for (root_length, length, room) in [
            (None, None, Some(3)),
            (None, Some(0), None),
            (None, Some(1), Some(0)),
            (Some(1), Some(1), None),
            (Some(2), Some(3), Some(0)),
            (Some(9), Some(9), Some(3)),
        ] {
            let (root, ca) = ca(root_length, length, 100);
            let outputs = shown(&[&ca, &root], |_| {});
            assert_eq!(outputs.max_path_length, room, "{root_length:?} {length:?}");
            assert_eq!(
                outputs.can_issue,
                room.is_some(),
                "{root_length:?} {length:?}"
            );
        }
    }

    #[test]
    fn what_no_mesh_could_verify_cannot_issue() {
        let (root, ca) = ca(None, Some(1), 100);
        let outputs = shown(&[&ca, &root], |description| {
            description.key_algorithm = CaKeyAlgorithm::Unsupported("ML_DSA_65".to_owned());
        });
        assert_eq!(
            (outputs.can_issue, outputs.signing_algorithm),
            (false, None)
        );
        assert_eq!(outputs.signing_algorithms, []);
        assert!(outputs.cannot_issue_because[0].contains("ML_DSA_65"));
    }

    #[test]
    fn a_ca_whose_path_has_ended_cannot_issue() {
        let root = Ca::root(Spec::ca("root").days(0));
        let ca = root.sign(Spec::ca("authority").path_length(1).days(100));
        let outputs = shown(&[&ca, &root], |_| {});
        assert_eq!(outputs.path_not_after, Some(day(0)));
        assert!(!outputs.can_issue);
        let because = &outputs.cannot_issue_because[0];
        assert!(because.contains("ended at"), "{because}");
    }
}
