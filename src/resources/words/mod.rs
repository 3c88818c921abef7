//! Every failure that a user can meet, in words: what happened, what it means for the mesh, what
//! to do.

mod authority;
#[cfg(test)]
mod catalogue;
mod certificate;
mod cluster;
mod custody;
mod eks;
mod handover;
mod judged;
mod mesh;
mod obstacle;
mod peers;
mod place;
mod private_key;
mod rivals;
mod secret;
mod signing_in;

use std::fmt;

pub(super) use authority::{
    authority, authority_chain, leads_nowhere, no_request, not_ordered, not_revoked,
    not_revoked_in_use, not_revoked_once_gone, uncertified, under_way, unseen, unusable,
    will_be_revoked,
};
pub(super) use certificate::{adopted, beyond_renewal, issuer_changed, orphan, renewal};
pub(super) use cluster::{
    connection, denied, gauges_unseen, kept, no_namespace, pods_not_read, trouble,
};
pub(super) use custody::{
    another_context, another_key, bad_supplied_key, damaged_seal, key_in_state, kms, no_custody,
    other_supplied_key, sealed_for_another, was_in_state,
};
pub(super) use eks::{cluster_gone, not_there_yet};
pub(super) use handover::{
    no_plane, no_tse, plane_denied, plane_elsewhere, plane_gone, plane_gone_with_cluster,
    plane_insists, plane_pointed_elsewhere, stays_handed_over, taken_back,
};
pub(super) use judged::{finding, restart_needed, unsound, unwatched};
pub(super) use mesh::{
    Unseen, istiods_unseen, istiods_unseen_to_restart, not_nudged, not_taken_up, pods_unseen,
    restart_announced, restart_forbidden, restart_left, restart_refused, restart_unannounced,
    rollout_unfinished, root_unseen,
};
pub(super) use obstacle::{cannot_issue, obstacle};
pub(super) use peers::peers_refuse;
pub(super) use place::{elsewhere, forgotten_elsewhere, pointed_elsewhere};
pub(super) use private_key::no_key;
pub(super) use rivals::{
    istiod_may_take_it, istiod_passes_it_over, istiod_takes_it, istiod_told_unseen,
    istiod_will_take_it, published_apart, rivals,
};
pub(super) use secret::{
    bad_bundle, bad_chain, bad_key, drifted, gone, immutable, key_gone, left_alone, lost,
    not_delivered, not_handed_on, overwritten, refusal, retained, root_change, roots_unseen,
    will_be_gone, will_be_refused,
};
pub(super) use signing_in::sign_in;

use super::tse_handover::Plane;
use crate::eks::ClusterArn;
use crate::pca;
use crate::terraform::{Diagnostic, Path};

/// How messages call an object. The host folds equal summaries into one, so each begins with it.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    name: String,
    /// Where the settings of its certificate stand.
    settings: Path,
}

impl Instance {
    /// An intermediate, by its common name.
    pub(super) fn intermediate(common_name: &str) -> Self {
        Self {
            name: format!("Intermediate CA {common_name:?}"),
            settings: Path::root(),
        }
    }

    /// A CA that is looked at, by its id, account and region.
    pub(super) fn authority(arn: &pca::Arn) -> Self {
        let (id, account, region) = (arn.id(), arn.account(), arn.region());
        Self {
            name: format!("Private CA {id} ({account}, {region})"),
            settings: Path::root(),
        }
    }

    /// An ephemeral key, which has no name but the address that the host shows.
    pub(super) fn private_key() -> Self {
        Self {
            name: "Private key".to_owned(),
            settings: Path::root(),
        }
    }

    /// A Secret, by namespace and name, and by the cluster where it names one itself.
    pub(super) fn secret(namespace: &str, name: &str, cluster: Option<&ClusterArn>) -> Self {
        let settings = Path::from("intermediate").index(0);
        Self {
            name: format!("Secret {namespace}/{name}{}", in_cluster(cluster)),
            settings,
        }
    }

    /// A plane of Tetrate Service Express, in the same way.
    pub(super) fn plane(
        plane: Plane,
        namespace: &str,
        name: &str,
        cluster: Option<&ClusterArn>,
    ) -> Self {
        let plane = match plane {
            Plane::Management => "management",
            Plane::Control => "control",
        };
        Self {
            name: format!(
                "TSE {plane} plane {namespace}/{name}{}",
                in_cluster(cluster)
            ),
            settings: Path::root(),
        }
    }

    /// Where a setting of its certificate stands.
    fn setting(&self, name: &'static str) -> Path {
        self.settings.attribute(name)
    }

    /// A failure of this object.
    pub(super) fn error(&self, what: impl fmt::Display, detail: &[&str]) -> Diagnostic {
        Diagnostic::error(format!("{self}: {what}"), detail.join("\n\n"))
    }

    /// Something to know of this object.
    pub(super) fn warning(&self, what: impl fmt::Display, detail: &[&str]) -> Diagnostic {
        Diagnostic::warning(format!("{self}: {what}"), detail.join("\n\n"))
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

fn in_cluster(cluster: Option<&ClusterArn>) -> String {
    cluster.map_or_else(String::new, |arn| {
        let (name, account, region) = (arn.name(), arn.account(), arn.region());
        format!(" in {name} ({account}, {region})")
    })
}

/// The mesh goes on with what it has: the sentence that ends most failures of a renewal.
const UNTOUCHED: &str = "Nothing was issued and nothing in the mesh changed: the certificate that is in use goes on \
     serving until its end.";

/// Somebody only wanted to look.
const UNCHANGED: &str = "It was only to be looked at: nothing was changed.";

/// The same of a Secret.
const UNWRITTEN: &str = "Nothing was written: istiod goes on with what it has.";

/// A sentence that may end in somebody else's words, with one full stop.
fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end_matches(['.', ' ', '\n']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_ends_once() {
        for text in ["AWS said no", "AWS said no.", "AWS said no.. "] {
            assert_eq!(sentence(text), "AWS said no.");
        }
    }

    #[test]
    fn a_message_names_its_object_and_points_into_the_block_of_a_secret() {
        let secret = Instance::secret("istio-system", "cacerts", None);
        assert_eq!(
            secret.error("gone", &["A.", "B."]).summary,
            "Secret istio-system/cacerts: gone"
        );
        let arn = "arn:aws:eks:eu-west-1:111122223333:cluster/mesh-a"
            .parse()
            .unwrap();
        assert_eq!(
            Instance::secret("istio-system", "cacerts", Some(&arn)).to_string(),
            "Secret istio-system/cacerts in mesh-a (111122223333, eu-west-1)"
        );
        assert_eq!(
            secret.setting("validity").to_string(),
            "intermediate[0].validity"
        );
        assert_eq!(
            Instance::intermediate("x").setting("validity").to_string(),
            "validity"
        );
    }
}
