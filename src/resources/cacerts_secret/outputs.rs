//! What is known of the Secret beside the facts of its certificate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::takeup::{Owed, Unverified, Verified};
use super::trust::TrustedRoot;
use crate::cluster::ConfigMapName;
use crate::eks::ClusterArn;
use crate::pki::Fingerprint;
use crate::resources::issue::Notes;
use crate::terraform::schema::{Attribute, Kind, text, text_map};

/// The Secret as it was written, and in what it differs from that now.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(in crate::resources) struct Written {
    pub(super) uid: Option<String>,
    pub(super) cluster_fingerprint: Option<String>,
    pub(super) cluster_arn: Option<ClusterArn>,
    pub(super) owner_id: Option<String>,
    pub(super) labels_all: BTreeMap<String, String>,
    pub(super) files_sha256: BTreeMap<String, Fingerprint>,
    pub(super) trusted_roots: Vec<TrustedRoot>,
    pub(super) drift: Vec<String>,
    pub(super) issued_certificate: Option<String>,
    pub(super) issued_certificate_chain: Option<String>,
    pub(super) restart_reason: Option<String>,
    pub(super) verified: Option<Verified>,
}

/// Notes about the Secret.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::resources) struct SecretNotes {
    /// Those about the certificate that it issued.
    pub(super) certificate: Notes,
    /// The cluster that the provider speaks to now, where it is another one than the Secret's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elsewhere: Option<String>,
    /// Whether the private key in the Secret is gone or another one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) key_lost: bool,
    /// Whether what is live does not trust the roots that were written, in their order: writing them
    /// again need not yield the same bytes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) other_roots: bool,
    /// A restart of istiod that no plan has announced yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owed: Option<Owed>,
    /// Whether an istiod was seen that a renewal restarts: only a look can then tell what the next one does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) renewals_restart: bool,
    /// Left where the last apply wanted to see istiod use what was written, and did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unverified: Option<Unverified>,
    /// The ConfigMap in which the istiods beside the Secret publish their roots, where that is not the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) published_in: Option<String>,
}

impl SecretNotes {
    /// Where istiods were seen to publish their roots, for the next run: it need not ask for that.
    pub(super) fn published_in(&self) -> ConfigMapName {
        let noted = self.published_in.as_deref();
        noted.and_then(ConfigMapName::new).unwrap_or_default()
    }

    /// Notes it.
    pub(super) fn note_published_in(&mut self, name: &ConfigMapName) {
        let usual = *name == ConfigMapName::default();
        self.published_in = (!usual).then(|| name.to_string());
    }

    /// Whether istiod may have something else in memory than what the Secret held.
    pub(super) fn doubts_istiod(&self) -> bool {
        self.other_roots || self.unverified.is_some() || self.owed.is_some()
    }
}

pub(in crate::resources) const TRUSTED_ROOT: Kind = Kind::Object(&[
    ("sha256", Kind::String),
    ("subject", Kind::String),
    ("not_after", Kind::String),
    ("trusted_since", Kind::String),
    ("left_at", Kind::String),
    ("signing", Kind::Bool),
]);

const VERIFIED: Kind = Kind::Object(&[
    ("by", Kind::String),
    ("certificate_sha256", Kind::String),
    ("found", Kind::String),
    ("since", Kind::String),
]);

pub(super) const WRITTEN: [Attribute; 12] = [
    text("uid").says("UID of the Secret in the cluster."),
    text("cluster_fingerprint").says(
        "Which cluster the Secret is in: a digest of the API server's CA certificates, or its host \
         where there are none. Another one is another cluster, and the Secret is made there.",
    ),
    text("cluster_arn").says("ARN of the cluster, where EKS led to it."),
    text("owner_id").says("The id on the Secret that says that it is this resource's."),
    text_map("labels_all").says("All labels that are written: the resource's and the provider's."),
    Attribute::new("files_sha256", Kind::Map(&Kind::String)).says(
        "SHA-256 of each file as it was written, but for the private key's: there it is that of the \
         public key.",
    ),
    Attribute::new("trusted_roots", Kind::List(&TRUSTED_ROOT)).says(
        "The roots that the mesh trusts, in the order of the file: SHA-256, subject, end, since when \
         each is trusted, since when nothing is signed under it any more (RFC 3339), and whether the \
         certificate leads to it.",
    ),
    Attribute::new("drift", Kind::List(&Kind::String))
        .says("In what the live Secret differs from what was written, in words; empty when it does not."),
    text("issued_certificate").says("The certificate that `intermediate {}` issued, as PEM."),
    text("issued_certificate_chain")
        .says("The certificates above it as PEM, from the issuing CA to the root."),
    text("restart_reason").says(
        "Why the last write of the Secret called for a restart of istiod, null where it did not: `first_plug_in` \
         (istiod signs with a CA of its own and does not look at the Secret), `takes_the_secret_for_its_own` (and \
         would write to it), `roots` (the trusted roots change, which that istiod passes over), `layout` (other \
         names of the files), `no_reload` and `sub_path` (it takes up no change at all), or `always`.",
    ),
    Attribute::new("verified", VERIFIED).says(
        "What was seen of istiod after the last write: `by` which means (`pods`, `root` or `nothing`), of which \
         certificate (SHA-256), what was `found`, and `since` when it is so (RFC 3339).",
    ),
];
