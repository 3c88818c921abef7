//! What a plan foretells of restarts: a look at the cluster, for messages only.

use super::super::preflight::Planning;
use super::super::{at, compose, instance};
use crate::cluster::istiod::Deployment;
use crate::cluster::{Cluster, NamespaceName};
use crate::pki::Certificate;
use crate::resources::cacerts_secret::present::Present;
use crate::resources::cacerts_secret::settings::RestartIstiod;
use crate::resources::mesh::{Change, Held, Reason, loads};
use crate::resources::words;
use crate::terraform::Diagnostic;

/// The restarts that the apply will make, where that can be known: under a CA that leads to `own`.
pub(in crate::resources::cacerts_secret) async fn announced(
    planning: &Planning<'_>,
    cluster: &Cluster,
    present: &Present,
    own: &Certificate,
) -> Option<Diagnostic> {
    let settings = planning.settings;
    if settings.restart_istiod == RestartIstiod::Never {
        return None;
    }
    let was = present.layout();
    let published = present.published_pem.as_deref();
    let had = present.anchors();
    // Without either nobody has signed for this mesh yet.
    if published.is_none() && was.is_none() {
        return None;
    }
    let roots = compose::trusted(settings, own, &present.trust.roots).ok()?;
    let roots: String = roots.iter().map(Certificate::to_pem).collect();
    let at = at(settings);
    let change = Change {
        secret: at.name(),
        held: Held::by(published, had),
        roots: &roots,
        layouts: (was, settings.layout()),
        differs: true,
    };
    let namespace = NamespaceName::of(&at);
    let istiods = cluster.istiods(&namespace).await.ok()?;
    let always = settings.restart_istiod == RestartIstiod::Always;
    let reason = |istiod: &Deployment| {
        let demanded = (always && loads(istiod, at.name())).then_some(Reason::Always);
        Reason::find(istiod, &change).or(demanded)
    };
    let needed: Vec<_> = istiods
        .iter()
        .filter(|it| it.runs())
        .filter_map(|it| Some((it.name.clone(), reason(it)?)))
        .collect();
    let reason = needed.iter().map(|(_, reason)| *reason).min()?;
    let names: Vec<String> = needed.into_iter().map(|(name, _)| name).collect();
    Some(words::restart_announced(
        &instance(settings),
        &names,
        reason.word(),
    ))
}
