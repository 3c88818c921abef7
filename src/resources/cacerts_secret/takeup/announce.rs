//! What a plan foretells of restarts: a look at the cluster, for messages only.

use super::super::preflight::Planning;
use super::super::{at, compose, instance};
use super::{change, names, to_restart};
use crate::cluster::istiod::Deployment;
use crate::cluster::{Access, Cluster, NamespaceName};
use crate::pki::Certificate;
use crate::resources::cacerts_secret::present::Present;
use crate::resources::cacerts_secret::settings::RestartIstiod;
use crate::resources::mesh::{Reason, loads};
use crate::resources::words;
use crate::terraform::Diagnostic;

/// The restarts of these istiods that the apply will make, where that can be known, or may not make: under a CA that
/// leads to `own`.
pub(in crate::resources::cacerts_secret) async fn announced(
    planning: &Planning<'_>,
    cluster: &Cluster,
    istiods: &[Deployment],
    present: &Present,
    own: &Certificate,
) -> Option<Diagnostic> {
    let settings = planning.settings;
    let (names, reason) = needed(planning, istiods, present, own)?;
    let words = if may_restart(cluster, &NamespaceName::of(&at(settings)), &names).await {
        words::restart_announced
    } else {
        words::restart_forbidden
    };
    Some(words(&instance(settings), &names, reason.word()))
}

/// Whether the cluster allows it. Where it does not say, the restart will tell.
async fn may_restart(cluster: &Cluster, namespace: &NamespaceName, names: &[String]) -> bool {
    let patch = |name: &String| Access::to_deployments("patch", namespace, name);
    let rights: Vec<Access> = names.iter().map(patch).collect();
    let denied = cluster.review_access(&rights).await;
    denied.map_or(true, |denied| denied.is_empty())
}

fn needed(
    planning: &Planning<'_>,
    istiods: &[Deployment],
    present: &Present,
    own: &Certificate,
) -> Option<(Vec<String>, Reason)> {
    let settings = planning.settings;
    if settings.restart_istiod == RestartIstiod::Never {
        return None;
    }
    // Without either nobody has signed for this mesh yet.
    if present.published_pem.is_none() && present.layout().is_none() {
        return None;
    }
    let roots = compose::trusted(settings, own, &present.trust.roots).ok()?;
    let roots: String = roots.iter().map(Certificate::to_pem).collect();
    let at = at(settings);
    let change = change(present, settings, &at, &roots, true);
    let always = settings.restart_istiod == RestartIstiod::Always;
    let reason = |istiod: &Deployment| {
        let demanded = (always && loads(istiod, at.name())).then_some(Reason::Always);
        Reason::find(istiod, &change).or(demanded)
    };
    let needed = to_restart(istiods, reason);
    let reason = needed.iter().map(|(_, reason)| *reason).min()?;
    Some((names(&needed), reason))
}
