//! Who else writes the Secret or takes it for its own, looked for before the first write and in each plan.

use super::Prior;
use crate::cluster::secret::{Bearing, Istiod, Observed, SecretName, bearings, rivals};
use crate::cluster::{Cluster, Error, NamespaceName, Problem};
use crate::resources::words::{self, Instance};
use crate::terraform::Diagnostic;

/// What the istiods beside the Secret make of it, as far as anybody says.
pub(super) struct Istiods(Result<Vec<Bearing>, Error>);

impl Istiods {
    pub(super) async fn beside(cluster: &Cluster, at: &SecretName) -> Self {
        let namespace = NamespaceName::of(at);
        let istiods = cluster.istiods(&namespace).await;
        Self(istiods.map(|istiods| bearings(&istiods, at.name())))
    }

    /// Before the first write. Who may not see them is told so; other trouble shows in the write itself.
    ///
    /// # Errors
    ///
    /// An istiod would make a root of what is written.
    pub(super) fn admit(&self, instance: &Instance) -> Result<Option<Diagnostic>, Diagnostic> {
        match &self.0 {
            Ok(_) => match self.that(Istiod::Takes) {
                takes if takes.is_empty() => Ok(None),
                takes => Err(words::istiod_takes_it(instance, &takes)),
            },
            Err(error) if is_forbidden(error) => Ok(Some(words::istiods_unjudged(instance, error))),
            Err(_) => Ok(None),
        }
    }

    /// What a plan says of them, before or after the Secret was written for the first time.
    pub(super) fn told(&self, instance: &Instance, written: bool) -> Vec<Diagnostic> {
        let takes = if written {
            words::istiod_may_take_it
        } else {
            words::istiod_will_take_it
        };
        type Words = fn(&Instance, &[Bearing]) -> Diagnostic;
        let all: [(Istiod, Words); 2] = [
            (Istiod::Takes, takes),
            (Istiod::PassesOver, words::istiod_passes_it_over),
        ];
        let all = all.into_iter().map(|(how, words)| (self.that(how), words));
        let told = all.filter(|(found, _)| !found.is_empty());
        told.map(|(found, words)| words(instance, &found)).collect()
    }

    fn that(&self, how: Istiod) -> Vec<Bearing> {
        let all = self.0.iter().flatten();
        all.filter(|it| it.istiod == how).cloned().collect()
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
