//! What a user says about the Secret.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::peers::{PEER_ROOT, PeerRoot};
use crate::cluster::secret::{OnExisting, Policy};
use crate::eks::ClusterArn;
use crate::kms::KeyId;
use crate::pki::roots::Peers;
use crate::pki::{Certificate, Chain, Format, SealedKey, SecretPem};
use crate::resources::custody;
use crate::resources::issue::{self, Issuance};
use crate::resources::metadata;
use crate::terraform::schema::{
    Attribute, Block, Check, Fallback, Kind, Partial, Rule, Timeouts, flag, number, text, text_map,
    texts,
};
use crate::terraform::{Diagnostic, Duration};

/// The settings of the Secret.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(in crate::resources) struct Settings {
    pub(super) eks_cluster_arn: Option<ClusterArn>,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) create_namespace: bool,
    pub(super) certificate: Option<String>,
    pub(super) certificate_chain: Option<String>,
    pub(super) private_key_pem: Option<SecretPem>,
    pub(super) private_key_sealed: Option<SealedKey>,
    pub(super) kms_key_id: Option<KeyId>,
    pub(super) kms_encryption_context: Option<BTreeMap<String, String>>,
    pub(super) private_key_pem_wo: Option<SecretPem>,
    pub(super) private_key_pem_wo_version: Option<i64>,
    pub(super) format: Layout,
    pub(super) include_root_in_chain: bool,
    pub(super) additional_root_pems: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) on_existing: Existing,
    pub(super) force_conflicts: bool,
    pub(super) prune_keys: bool,
    pub(super) min_trust_overlap: Duration,
    pub(super) peer_trust: Option<BTreeMap<String, Vec<PeerRoot>>>,
    pub(super) allow_root_replacement: bool,
    pub(super) on_destroy: OnDestroy,
    pub(super) restart_istiod: RestartIstiod,
    pub(super) verify: Verify,
    pub(super) on_verify_failure: OnVerifyFailure,
    pub(super) nudge_kubelet: bool,
    pub(super) intermediate: Vec<Issuance>,
}

/// `format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Layout {
    Istio,
    KubernetesTls,
}

/// `on_existing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Existing {
    Error,
    Adopt,
    Replace,
}

/// `on_destroy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnDestroy {
    Retain,
    Delete,
}

/// `restart_istiod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RestartIstiod {
    WhenRequired,
    Always,
    Never,
}

/// `verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verify {
    Pods,
    Root,
    None,
}

/// `on_verify_failure`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnVerifyFailure {
    Error,
    Warn,
}

impl Settings {
    /// The certificate that the Secret issues by itself, where it does.
    pub(super) fn issues(&self) -> Option<&Issuance> {
        self.intermediate.first()
    }

    /// What other clusters of the mesh make of the roots that they trust.
    pub(super) fn peers(&self) -> Peers {
        let peers = self.peer_trust.iter().flatten();
        let known = peers.map(|(name, roots)| {
            let roots = roots.iter().map(|root| (root.sha256, root.known()));
            (name.clone(), roots.collect())
        });
        known.collect()
    }

    /// Whether a Secret that was written for `prior` is as good for these: only what is known of other
    /// clusters, or what is never stored, has changed.
    pub(super) fn ask_for_the_same(&self, prior: &Self) -> bool {
        let without = |settings: &Self| Self {
            peer_trust: None,
            private_key_pem_wo: None,
            ..settings.clone()
        };
        self.peer_trust != prior.peer_trust && without(self) == without(prior)
    }

    /// The layout in the domain's terms.
    pub(super) fn layout(&self) -> Format {
        match self.format {
            Layout::Istio => Format::Istio,
            Layout::KubernetesTls => Format::KubernetesTls,
        }
    }

    /// What may be done to a Secret that is there, in the adapter's terms; `replace_own`: also to
    /// one's own.
    pub(super) fn policy(&self, replace_own: bool) -> Policy {
        let on_existing = match self.on_existing {
            Existing::Error => OnExisting::Error,
            Existing::Adopt => OnExisting::Adopt,
            Existing::Replace => OnExisting::Replace,
        };
        Policy {
            on_existing,
            force_conflicts: self.force_conflicts,
            prune_keys: self.prune_keys,
            replace_own,
        }
    }
}

const FILES: &[&str] = &["files_sha256", "restart_reason", "verified"];
const ROOTS: &[&str] = &[
    "files_sha256",
    "trusted_roots",
    "restart_reason",
    "verified",
];
const FACTS: &[&str] = &[
    "serial_number",
    "serial_number_decimal",
    "not_before",
    "not_after",
    "path_not_after",
    "root_certificate",
    "public_key_sha256",
    "certificate_sha256",
    "issuer_certificate_sha256",
    "root_sha256",
    "files_sha256",
    "trusted_roots",
    "restart_reason",
    "verified",
];
const ISSUED: &[&str] = &[
    "issued_certificate",
    "issued_certificate_chain",
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
    "issue_reason",
    "superseded_certificate_arns",
    "files_sha256",
    "trusted_roots",
    "restart_reason",
    "verified",
];

pub(super) const ATTRIBUTES: [Attribute; 28] = [
    text("eks_cluster_arn").optional().parses::<ClusterArn>().touches(&[]).says(
        "The EKS cluster that the Secret is in, instead of the provider's: one provider serves a whole \
         fleet by `for_each`. How to sign in is said in the provider block, so that roles may differ \
         between plan and apply. Another cluster makes another Secret.",
    ),
    text("namespace").or(Fallback::Text("istio-system")).replaces()
        .check(Check::Format(namespace_name))
        .says("Namespace of the istiod that loads the Secret. A change makes another Secret."),
    text("name").or(Fallback::Text("cacerts")).replaces()
        .check(Check::Format(secret_name))
        .says("Name of the Secret; istiod's chart mounts `cacerts`. A change makes another Secret."),
    flag("create_namespace").or(Fallback::Bool(false)).touches(&[])
        .says("Whether the namespace is created when it is absent. It is never removed."),
    text("certificate").optional().touches(FACTS).check(Check::Format(one_certificate)).says(
        "The intermediate CA certificate as PEM, from an `istiopca_intermediate` in this state or \
         another one.",
    ),
    text("certificate_chain").optional().touches(FACTS).check(Check::Format(certificates)).says(
        "The certificates above it as PEM, in any order, its root among them. The files are composed \
         here, and the root is split off here.",
    ),
    text("private_key_pem").optional().sensitive().touches(&[])
        .says("The private key of `certificate` as PEM (PKCS #8). It is kept in the state, in clear."),
    text("private_key_sealed").optional().parses::<SealedKey>().touches(&[]).says(
        "The private key of `certificate` as KMS sealed it, from an `istiopca_intermediate` with \
         `private_key_storage = \"kms\"`. It is opened during the apply, when the Secret does not hold that \
         key yet; no plan asks KMS.",
    ),
    text("kms_key_id").optional().parses::<KeyId>().touches(&[]).says(
        "The KMS key that opens `private_key_sealed`, where it is not the one that sealed it: a replica \
         of a multi-region key.",
    ),
    text_map("kms_encryption_context").optional().touches(&[]).says(
        "The encryption context under which `private_key_sealed` must have been sealed, such as this \
         cluster's name. Left out, it is taken from the sealed key.",
    ),
    text("private_key_pem_wo").optional().sensitive().write_only().says(
        "The private key of `certificate` as PEM (PKCS #8), such as from an ephemeral resource: it is in no \
         state and no plan. While the Secret holds the key of `certificate` another one that is supplied \
         is passed over.",
    ),
    number("private_key_pem_wo_version").optional().touches(&[]).check(Check::Between(0, i64::MAX)).says(
        "A number that says which key `private_key_pem_wo` is: the same as that of the \
         `istiopca_intermediate`. Another number has the Secret written with the key that is supplied then.",
    ),
    text("format").or(Fallback::Text("istio")).touches(FILES)
        .check(Check::OneOf(&["istio", "kubernetes_tls"]))
        .says(
            "Names of the files: `istio` writes `ca-cert.pem`, `ca-key.pem`, `cert-chain.pem` and \
             `root-cert.pem`; `kubernetes_tls` writes `tls.crt`, `tls.key` and `ca.crt`. Never both: \
             istiod would read the latter.",
        ),
    flag("include_root_in_chain").or(Fallback::Bool(true)).touches(FILES).says(
        "Whether the root also stands at the end of the chain, as Istio's own tools write it. It is \
         sent in every handshake.",
    ),
    texts("additional_root_pems").optional().touches(ROOTS).check(Check::Format(certificates)).says(
        "Roots that the mesh trusts besides the certificate's own: still, or already. Roots that are \
         live keep their place in the file, so that istiod takes the change.",
    ),
    text_map("labels").optional().touches(&["labels_all"])
        .says("Labels of the Secret. Only these are compared with what is live."),
    text_map("annotations").optional().touches(&[])
        .says("Annotations of the Secret. Only these are compared with what is live."),
    text("on_existing").or(Fallback::Text("error")).touches(&[])
        .check(Check::OneOf(&["error", "adopt", "replace"]))
        .says(
            "What to do with a Secret that is there and is not this resource's: `error` refuses and \
             says whose it is, `adopt` takes it over in place, `replace` deletes it and makes it anew. With \
             `adopt` and `intermediate {}` a live certificate that is of this CA, for these settings, sound and \
             not due is kept.",
        ),
    flag("force_conflicts").or(Fallback::Bool(false)).touches(&[]).says(
        "Whether fields are taken from another writer that declares them and will write them again.",
    ),
    flag("prune_keys").or(Fallback::Bool(false)).touches(&[])
        .says("Whether keys of the other layout, which would overrule this one, are removed."),
    text("min_trust_overlap").or(Fallback::Text("24h")).parses::<Duration>().touches(&[]).says(
        "How long every workload takes to follow a change of roots: a root is trusted for so long \
         before anything is signed under it, and for as long after the last certificate was. \
         Workloads renew at half the life of their certificate, 24 hours unless Istio was told \
         otherwise.",
    ),
    Attribute::new("peer_trust", Kind::Map(&Kind::List(&PEER_ROOT))).optional().touches(&[]).says(
        "What the other clusters of the mesh trust, by their names: `trusted_roots` of each one's `data \
         \"istiopca_cacerts\"`. Signing under a root that one of them does not trust yet, and for \
         `min_trust_overlap`, is refused and names it, before anything is issued; so is to take out a root \
         under which one of them still signs. A change of it alone writes nothing to the cluster.",
    ),
    flag("allow_root_replacement").or(Fallback::Bool(false)).touches(&[]).says(
        "Whether the trusted roots may change at once instead of in steps. Workloads that trust \
         only the old root refuse those with a certificate under the new one.",
    ),
    text("on_destroy").or(Fallback::Text("retain")).touches(&[])
        .check(Check::OneOf(&["retain", "delete"]))
        .says(
            "What becomes of the Secret when this resource is destroyed: `retain` leaves it, marked \
             as released; `delete` deletes it. Without it the next restart of istiod makes a new \
             self-signed root.",
        ),
    text("restart_istiod").or(Fallback::Text("when_required")).touches(&["restart_reason", "verified"])
        .check(Check::OneOf(&["when_required", "always", "never"]))
        .says(
            "Whether the Deployments of istiod beside the Secret (`app=istiod`, of all revisions) are restarted \
             once it is written, and waited for: `when_required` where a running istiod would not take it up by \
             itself, `always` whenever its files change, `never` leaves it to you. See `restart_reason`.",
        ),
    text("verify").or(Fallback::Text("pods")).touches(&["verified"])
        .check(Check::OneOf(&["pods", "root", "none"]))
        .says(
            "How the apply looks whether istiod uses what was written: `pods` asks each pod of istiod for its \
             metrics, `root` compares the roots that istiod hands on to its workloads, `none` does not look. \
             Where the right for `pods` is missing there is a warning, and `root` takes its place.",
        ),
    text("on_verify_failure").or(Fallback::Text("error")).touches(&[])
        .check(Check::OneOf(&["error", "warn"]))
        .says(
            "What becomes of an update whose certificate istiod does not use before the time is over, or whose \
             restart does not end: with `error` it fails, so that a wave of updates stops at its first cluster; \
             when the Secret is created it is a warning in any case. Either way the next plan looks again.",
        ),
    flag("nudge_kubelet").or(Fallback::Bool(false)).touches(&[]).says(
        "Whether the pods of istiod are touched by an annotation, so that kubelet brings their files up to date \
         at once instead of up to 90 seconds later.",
    ),
];

pub(super) const BLOCKS: [Block; 2] = [
    Block {
        body: crate::terraform::schema::Body {
            attributes: &issue::ATTRIBUTES,
            blocks: &issue::BLOCKS,
            rules: &issue::RULES,
        },
        ..Block::optional("intermediate", &[])
    }
    .touches(ISSUED)
    .says(
        "Issues the certificate here, instead of taking it from elsewhere: the private key is made \
         during the apply and is nowhere but in the Secret.",
    ),
    Timeouts::BLOCK,
];

pub(super) const RULES: [Rule; 9] = [
    Rule::ExactlyOne {
        of: &["certificate", "intermediate"],
        why: "`certificate`, `certificate_chain` and a key take them from an `istiopca_intermediate`; the \
              block `intermediate {}` issues here and keeps the key out of the state.\n\nIf `certificate` \
              refers to an `istiopca_intermediate`, AWS Private CA has not delivered its certificate yet: \
              apply again. Nothing was written, the mesh goes on with what it has.",
    },
    Rule::Together {
        all: &["certificate", "certificate_chain"],
        why: "istiod needs both. If they refer to an `istiopca_intermediate` whose certificate is not \
              delivered yet, apply again.",
    },
    Rule::ExactlyOne {
        of: &[
            "private_key_pem",
            "private_key_sealed",
            "private_key_pem_wo",
            "intermediate",
        ],
        why: "istiod needs the key of `certificate`, by the custody of its `istiopca_intermediate`:\n\
              - `private_key_sealed` takes it as KMS sealed it.\n\
              - `private_key_pem_wo` with `private_key_pem_wo_version` takes a key that is in no state and \
              no plan. Needs Terraform 1.11 or OpenTofu 1.11.\n\
              - `private_key_pem` takes it in clear, and it is in the state.\n\
              - The block `intermediate {}` makes a certificate and a key of its own, which is in the \
              Secret alone.\n\n\
              If it refers to an `istiopca_intermediate` and is null all the same, that one has another custody, \
              or its certificate is not delivered yet: then apply again.",
    },
    custody::SUPPLIED_WITH_ITS_NUMBER,
    Rule::Holds(custody::something_to_open),
    Rule::Holds(revokes_only_what_goes),
    Rule::Holds(custody::context),
    Rule::Holds(|settings| metadata::labels(settings, "labels")),
    Rule::Holds(|settings| metadata::annotations(settings, "annotations")),
];

/// Where the Secret stays, istiod goes on with the CA in it.
fn revokes_only_what_goes(settings: &Partial<'_>) -> Vec<Diagnostic> {
    if settings.read::<OnDestroy>("on_destroy") != Ok(OnDestroy::Retain) {
        return Vec::new();
    }
    let blocks = settings.blocks("intermediate");
    let revoking = blocks.filter(|block| block.read::<bool>("revoke_on_destroy") == Ok(true));
    let told = revoking.map(|block| {
        let why = "With `on_destroy = \"retain\"` the Secret stays, and an istiod that loads it would go on signing with \
                   a CA that is revoked: whoever looks at revocation lists would refuse its workloads.\n\nSet \
                   `on_destroy = \"delete\"`, by which the Secret goes before its certificate is revoked, or leave \
                   `revoke_on_destroy` out.";
        Diagnostic::error("The Secret would stay with a revoked CA", why)
            .at(block.path("revoke_on_destroy"))
    });
    told.collect()
}

fn one_certificate(text: &str) -> Result<(), String> {
    Certificate::from_pem(text)
        .map(drop)
        .map_err(|error| format!("Must be one certificate in PEM: {error}."))
}

fn certificates(text: &str) -> Result<(), String> {
    let read = Certificate::parse_all(text);
    read.map(drop)
        .map_err(|error| format!("Must be certificates in PEM: {error}."))
}

fn namespace_name(text: &str) -> Result<(), String> {
    let checked = crate::cluster::NamespaceName::new(text).map(drop);
    checked.map_err(|error| format!("Must be a namespace's name: {error}."))
}

fn secret_name(text: &str) -> Result<(), String> {
    let checked = crate::cluster::SecretName::new("default", text).map(drop);
    checked.map_err(|error| format!("Must be a Secret's name: {error}."))
}

/// The chain that the settings give.
pub(super) fn given(settings: &Settings) -> Option<Result<Chain, String>> {
    let (certificate, chain) = (
        settings.certificate.as_ref()?,
        settings.certificate_chain.as_ref()?,
    );
    let read = || {
        let certificate = Certificate::from_pem(certificate)?;
        Chain::among(certificate, Certificate::parse_all(chain)?)
    };
    Some(read().map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing;
    use super::*;
    use crate::pki::Fingerprint;

    fn with(change: impl FnOnce(&mut Settings)) -> Settings {
        let mut settings = testing::settings();
        change(&mut settings);
        settings
    }

    fn peers() -> BTreeMap<String, Vec<PeerRoot>> {
        let root = json!({
            "sha256": Fingerprint::of(b"root").to_string(), "trusted_since": "2026-03-01T00:00:00Z",
            "left_at": null, "signing": null,
        });
        let peers = json!({"mesh-2": [root], "mesh-3": []});
        serde_json::from_value(peers).expect("roots by cluster")
    }

    #[test]
    fn what_others_trust_and_a_key_that_is_handed_over_ask_for_nothing_new() {
        let before = testing::settings();
        let more = with(|settings| settings.peer_trust = Some(peers()));
        assert!(more.ask_for_the_same(&before) && before.ask_for_the_same(&more));
        let handed_over = with(|settings| {
            settings.peer_trust = Some(peers());
            settings.private_key_pem_wo = serde_json::from_value(json!("key")).ok();
        });
        assert!(handed_over.private_key_pem_wo.is_some() && handed_over.ask_for_the_same(&before));
    }

    #[test]
    fn whatever_else_changes_is_written() {
        let before = testing::settings();
        assert!(!before.ask_for_the_same(&before), "the state asks for it");
        let both = with(|settings| {
            settings.peer_trust = Some(peers());
            settings.prune_keys = true;
        });
        assert!(!both.ask_for_the_same(&before));
    }

    #[test]
    fn a_peer_without_a_mesh_is_known_as_such() {
        let known = with(|settings| settings.peer_trust = Some(peers())).peers();
        assert!(known["mesh-3"].is_empty());
        let known = known["mesh-2"][&Fingerprint::of(b"root")];
        assert_eq!(known.since, "2026-03-01T00:00:00Z".parse().ok());
        assert_eq!((known.left, known.signing), (None, None));
    }
}
