//! Who else writes the Secret or takes it for its own, looked for before the first write and in each plan.

use super::Prior;
use crate::cluster::istiod::{Bearing, Deployment, Istiod, bearings};
use crate::cluster::secret::{Observed, SecretName, rivals};
use crate::cluster::{Cluster, ConfigMapName, Error, NamespaceName, Problem};
use crate::resources::mesh::Publishing;
use crate::resources::words::{self, Instance, Unseen};
use crate::terraform::Diagnostic;

/// The istiods beside the Secret, as far as anybody says.
pub(super) struct Istiods {
    listed: Result<Vec<Deployment>, Error>,
    /// What they make of the Secret.
    bearings: Vec<Bearing>,
    publishing: Publishing,
}

impl Istiods {
    pub(super) async fn beside(cluster: &Cluster, at: &SecretName) -> Self {
        let listed = cluster.istiods(&NamespaceName::of(at)).await;
        let bearings = bearings(listed.as_deref().unwrap_or_default(), at.name());
        let publishing = Publishing::of(listed.as_deref().unwrap_or_default(), at.name());
        Self {
            listed,
            bearings,
            publishing,
        }
    }

    /// All of them, where they could be seen.
    pub(super) fn listed(&self) -> Option<&[Deployment]> {
        self.listed.as_deref().ok()
    }

    /// Where they publish their roots, where they could be seen.
    pub(super) fn published_in(&self) -> Option<ConfigMapName> {
        self.listed().map(|_| self.publishing.name())
    }

    /// Before the first write. Who may not see them is told so; other trouble shows in the write itself.
    ///
    /// # Errors
    ///
    /// An istiod would make a root of what is written.
    pub(super) fn admit(&self, instance: &Instance) -> Result<Option<Diagnostic>, Diagnostic> {
        let takes = self.that(&[Istiod::Takes]);
        if !takes.is_empty() {
            return Err(words::istiod_takes_it(instance, &takes));
        }
        let unseen = self.listed.as_ref().err().filter(|it| is_forbidden(it));
        Ok(unseen.map(|error| words::istiods_unseen(instance, error, Unseen::BeforeTheFirst)))
    }

    /// What a plan says of them, before or after the Secret was written for the first time.
    pub(super) fn told(&self, instance: &Instance, written: bool) -> Vec<Diagnostic> {
        let takes = if written {
            words::istiod_may_take_it
        } else {
            words::istiod_will_take_it
        };
        type Words = fn(&Instance, &[Bearing]) -> Diagnostic;
        let all: [(&[Istiod], Words); 3] = [
            (&[Istiod::Takes], takes),
            (&[Istiod::PassesOver], words::istiod_passes_it_over),
            (
                &[
                    Istiod::MayTake,
                    Istiod::MayPassOver,
                    Istiod::MayPublishElsewhere,
                ],
                words::istiod_told_unseen,
            ),
        ];
        let all = all.into_iter().map(|(how, words)| (self.that(how), words));
        let told = all.filter(|(found, _)| !found.is_empty());
        let told = told.map(|(found, words)| words(instance, &found));
        let apart = match &self.publishing {
            Publishing::Apart(names) => Some(words::published_apart(instance, names)),
            Publishing::In(_) => None,
        };
        told.chain(apart).collect()
    }

    fn that(&self, how: &[Istiod]) -> Vec<Bearing> {
        let all = self.bearings.iter();
        all.filter(|it| how.contains(&it.istiod)).cloned().collect()
    }
}

/// Whether the Secret was never written before.
pub(super) fn is_first(prior: Option<&Prior>) -> bool {
    prior.is_none_or(|prior| prior.outputs.1.uid.is_none())
}

/// Others that keep our own Secret as they want it. Of what is not ours the refusal says whose it is.
pub(super) fn on_ours(
    instance: &Instance,
    observed: &Observed,
    owner: Option<&str>,
) -> Option<Diagnostic> {
    let ours = owner.is_some() && observed.owner() == owner;
    let found = if ours { rivals(observed) } else { Vec::new() };
    words::rivals(instance, &found)
}

fn is_forbidden(error: &Error) -> bool {
    matches!(error.problem, Problem::Forbidden { .. })
}
