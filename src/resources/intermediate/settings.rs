//! What a user says about an intermediate beyond its certificate: who has its key.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::kms::KeyId;
use crate::pki::{ForeignRequest, SecretPem};
use crate::resources::custody::{self, Custody, Sealing};
use crate::resources::issue::Issuance;
use crate::terraform::Diagnostic;
use crate::terraform::schema::{Attribute, Check, Partial, Presence, Rule, number, text, text_map};

/// The settings beside those of the certificate.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::resources) struct Keeping {
    pub(super) private_key_storage: Option<Storage>,
    pub(super) kms_key_id: Option<KeyId>,
    pub(super) kms_encryption_context: BTreeMap<String, String>,
    pub(super) private_key_pem_wo: Option<SecretPem>,
    pub(super) private_key_pem_wo_version: Option<i64>,
    pub(super) certificate_signing_request_pem: Option<String>,
}

/// Where a key that is made here is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Storage {
    /// In the state, in clear.
    State,
    /// In the state, sealed by KMS.
    Kms,
}

/// Who has the key, as far as that is stored: what is write-only is not.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Keeper {
    /// The state.
    State,
    /// The state, under this seal; what seals may have turned out to be null.
    Kms(Option<Sealing>),
    /// The user, who says by a number when it is another one.
    Supplier(Option<i64>),
    /// The user, whose request this is.
    Requester(String),
}

impl Keeping {
    pub(super) fn keeper(&self) -> Keeper {
        let request = &self.certificate_signing_request_pem;
        match (self.private_key_storage, request) {
            (Some(Storage::Kms), _) => Keeper::Kms(self.sealing()),
            (Some(Storage::State), _) => Keeper::State,
            (None, Some(request)) => Keeper::Requester(canonical(request)),
            (None, None) => Keeper::Supplier(self.private_key_pem_wo_version),
        }
    }

    /// The same for an apply, which has what is write-only, and after what was there before.
    ///
    /// # Errors
    ///
    /// The setting that has turned out to be null: what a rule asks for may come from elsewhere.
    pub(super) fn custody(&self, prior: Option<&Self>) -> Result<Custody<'_>, &'static str> {
        let keeper = self.keeper();
        let changed = prior.is_some_and(|prior| prior.keeper() != keeper);
        match keeper {
            Keeper::State => Ok(Custody::State),
            Keeper::Kms(sealing) => {
                let sealing = sealing.ok_or("kms_key_id")?;
                Ok(Custody::Kms { sealing, changed })
            }
            Keeper::Supplier(_) => {
                let supplied = self.private_key_pem_wo.as_ref();
                supplied.map(Custody::Supplied).ok_or("private_key_pem_wo")
            }
            Keeper::Requester(pem) => Ok(Custody::Requested(pem)),
        }
    }

    /// Whether the key is made here, and can be used again.
    pub(super) fn makes_the_key(&self) -> bool {
        self.private_key_storage.is_some()
    }

    fn sealing(&self) -> Option<Sealing> {
        Some(Sealing {
            kms_key_id: self.kms_key_id.clone()?,
            context: self.kms_encryption_context.clone(),
        })
    }
}

/// The same request written otherwise is the same request.
fn canonical(pem: &str) -> String {
    ForeignRequest::rewritten(pem).unwrap_or_else(|| pem.to_owned())
}

/// Settings that have a say only in how the key is kept.
const SEALED: &[&str] = &["private_key_sealed"];

pub(super) const KEEPING: [Attribute; 6] = [
    text("private_key_storage").optional().check(Check::OneOf(&["state", "kms"])).says(
        "Where a private key that is made here is kept. `kms`: in the state, sealed by AWS KMS under \
         `kms_key_id`. `state`: in the state, in clear, marked sensitive; who can read the state can \
         sign for the mesh. One custody must be chosen, there is no default: see the guide on key \
         custody.",
    ),
    text("kms_key_id").optional().parses::<KeyId>().touches(SEALED).says(
        "The KMS key that seals the private key, with `private_key_storage = \"kms\"`: its ARN, an \
         alias ARN, `alias/name` or an id; without an ARN it is looked for in the provider's region. It \
         must be symmetric. Another one seals the same key anew, in place.",
    ),
    text_map("kms_encryption_context").optional().touches(SEALED).says(
        "What the sealed key is bound to, such as the cluster's name, by which policies can tell who \
         may open which. It is not secret: CloudTrail shows it.",
    ),
    text("private_key_pem_wo").optional().sensitive().write_only().says(
        "A private key of your own as PEM (PKCS #8), such as from an ephemeral resource. It signs the \
         request and is forgotten: it is in no state and no plan. A renewal certifies the key that is \
         supplied then.",
    ),
    number("private_key_pem_wo_version").optional().check(Check::Between(0, i64::MAX)).says(
        "A number that says which key `private_key_pem_wo` is. Another number has a certificate issued \
         for the key that is supplied then.",
    ),
    text("certificate_signing_request_pem").optional().check(Check::Format(one_request)).says(
        "Your own request (PKCS #10, PEM), whose key never comes here. Its signature is checked, and what \
         it asks for is compared with the settings. Another one has a certificate issued in place.",
    ),
];

pub(super) const RULES: [Rule; 5] = [
    Rule::ExactlyOne {
        of: &[
            "private_key_storage",
            "private_key_pem_wo",
            "certificate_signing_request_pem",
        ],
        why: "Where somebody can read the mesh's CA key is your decision, so it has no default:\n\
              - `private_key_storage = \"kms\"` with `kms_key_id` keeps it in the state, sealed by AWS \
              KMS: only who may use that KMS key can read it.\n\
              - `private_key_pem_wo` with `private_key_pem_wo_version` takes a key of yours that is in \
              no state and no plan. Needs Terraform 1.11 or OpenTofu 1.11.\n\
              - `certificate_signing_request_pem` takes a request of yours; the key never comes here.\n\
              - `private_key_storage = \"state\"` keeps it in the state, in clear: for states that are \
              encrypted and that few can read.\n\
              - The block `intermediate {}` of `istiopca_cacerts_secret`, instead of this resource, keeps \
              it in the cluster's Secret alone.",
    },
    custody::SUPPLIED_WITH_ITS_NUMBER,
    Rule::Holds(sealed_by_a_key),
    Rule::Holds(custody::context),
    Rule::Holds(request_asks_for_this),
];

fn one_request(text: &str) -> Result<(), String> {
    ForeignRequest::from_pem(text)
        .map(drop)
        .map_err(|error| format!("Must be one certificate signing request in PEM: {error}."))
}

/// A KMS key where KMS seals, and there only.
fn sealed_by_a_key(settings: &Partial<'_>) -> Vec<Diagnostic> {
    let Ok(storage) = settings.read::<Option<Storage>>("private_key_storage") else {
        return Vec::new();
    };
    let sealed = storage == Some(Storage::Kms);
    let key = settings.presence("kms_key_id");
    let missing = sealed && key == Presence::Absent;
    let missing = missing.then(|| {
        let why = "`private_key_storage = \"kms\"` needs `kms_key_id`: the KMS key that seals the private key.";
        Diagnostic::error("Missing setting", why).at(settings.path("private_key_storage"))
    });
    let idle = custody::something_to_seal(settings, sealed);
    missing.into_iter().chain(idle).collect()
}

fn request_asks_for_this(settings: &Partial<'_>) -> Vec<Diagnostic> {
    const NAME: &str = "certificate_signing_request_pem";
    let (Ok(Some(pem)), Ok(wanted)) = (
        settings.read::<Option<String>>(NAME),
        settings.read_whole::<Issuance>(),
    ) else {
        return Vec::new();
    };
    // That it can be read at all is checked with the value.
    let Ok(request) = ForeignRequest::from_pem(&pem) else {
        return Vec::new();
    };
    let problem = custody::asks_for(&request, &wanted).err().map(|departures| {
        let why = format!(
            "The request is not for what the settings say: {departures}. AWS Private CA takes subject and alternative \
             names from the request, and all else from the template.\n\nMake the request anew, or change the settings \
             to what it asks for."
        );
        Diagnostic::error("The request asks for something else", why).at(settings.path(NAME))
    });
    problem.into_iter().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::resources::intermediate::Intermediate;
    use crate::terraform::value::Unknown;
    use crate::terraform::{Dynamic, Resource as _};

    const CA: &str = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/11111111-2222-3333-4444-555555555555";

    /// What is said of a configuration: where, and how it begins.
    fn told(custody: &[(&str, Dynamic)]) -> Vec<String> {
        let mut config = Dynamic::from([
            ("certificate_authority_arn", CA.into()),
            (
                "subject",
                Dynamic::List(vec![Dynamic::from([(
                    "common_name",
                    Dynamic::from("mesh"),
                )])]),
            ),
        ]);
        if let Dynamic::Map(entries) = &mut config {
            entries.extend(
                custody
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone())),
            );
        }
        let problems = Intermediate::SCHEMA.judge(&config);
        let shown = problems
            .iter()
            .map(|it| format!("{}: {}", it.path, it.summary));
        shown.collect()
    }

    fn unknown() -> Dynamic {
        Dynamic::Unknown(Unknown::default())
    }

    #[test]
    fn one_custody_is_chosen_and_none_is_the_default() {
        assert_eq!(told(&[]), [": Missing setting"]);
        assert_eq!(
            told(&[("certificate_authority_arn", unknown())]),
            [": Missing setting"]
        );
        assert_eq!(told(&[("private_key_storage", "state".into())]), [""; 0]);
        assert_eq!(told(&[("private_key_storage", unknown())]), [""; 0]);
        let two = [
            ("private_key_storage", "state".into()),
            ("private_key_pem_wo", "a key".into()),
            ("private_key_pem_wo_version", Dynamic::from(1_i64)),
        ];
        assert_eq!(told(&two), ["private_key_pem_wo: Conflicting settings"]);
    }

    #[test]
    fn kms_needs_its_key_and_its_key_needs_kms() {
        let kms = ("private_key_storage", Dynamic::from("kms"));
        let key = ("kms_key_id", Dynamic::from("alias/mesh"));
        assert_eq!(told(&[kms.clone(), key.clone()]), [""; 0]);
        assert_eq!(told(&[kms.clone(), ("kms_key_id", unknown())]), [""; 0]);
        assert_eq!(
            told(std::slice::from_ref(&kms)),
            ["private_key_storage: Missing setting"]
        );
        let state = ("private_key_storage", Dynamic::from("state"));
        assert_eq!(
            told(&[state, key.clone()]),
            ["kms_key_id: Setting without effect"]
        );
        let ours = Dynamic::from([("istiopca:id", Dynamic::from("x"))]);
        let reserved = [kms, key, ("kms_encryption_context", ours)];
        assert_eq!(
            told(&reserved),
            ["kms_encryption_context: Invalid kms_encryption_context"]
        );
    }

    #[test]
    fn a_supplied_key_has_a_number() {
        let alone = [("private_key_pem_wo", Dynamic::from("a key"))];
        assert_eq!(told(&alone), ["private_key_pem_wo: Missing setting"]);
    }

    pub(in crate::resources::intermediate) fn keeping(change: &Value) -> Keeping {
        let mut all = json!({
            "kms_encryption_context": {},
        });
        let change = change.as_object().expect("an object").clone();
        all.as_object_mut().expect("an object").extend(change);
        serde_json::from_value(all).expect("settings")
    }

    #[test]
    fn a_key_never_falls_into_the_state_because_a_setting_turned_out_to_be_null() {
        let no_key = keeping(&json!({"private_key_storage": "kms"}));
        assert_eq!(no_key.keeper(), Keeper::Kms(None));
        assert_eq!(no_key.custody(None).err(), Some("kms_key_id"));
        let nothing = keeping(&json!({"private_key_pem_wo_version": 1}));
        assert_eq!(nothing.custody(None).err(), Some("private_key_pem_wo"));
    }
}
