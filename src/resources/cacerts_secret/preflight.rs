//! A look at the CA and the cluster while planning, for messages only.

use super::compose;
use super::present::Present;
use super::rivals::{self, Istiods};
use super::settings::{Settings, given};
use super::{CacertsSecret, Outputs, Prior, at, connected, instance, key, last, takeup, trust};
use crate::clients::Clients;
use crate::cluster::Cluster;
use crate::cluster::secret::{Observed, Refusal};
use crate::pki::Certificate;
use crate::resources::{issue, words};
use crate::terraform::{Call, Diagnostic, Intent};

/// What a plan is about to do.
pub(super) struct Planning<'a> {
    prior: Option<&'a Prior>,
    pub(super) settings: &'a Settings,
    /// Whether a certificate is issued.
    issues: bool,
    /// Whether the trusted roots may change.
    roots: bool,
    /// Whether istiod may have to be restarted.
    restarts: bool,
    /// Whether the Secret is not what was written.
    drifted: bool,
    /// Why a certificate is issued, where one is.
    reason: &'a str,
}

impl<'a> Planning<'a> {
    fn new(intent: &Intent<'a, CacertsSecret>) -> Self {
        match *intent {
            Intent::Create { settings } => Self {
                prior: None,
                settings,
                issues: settings.issues().is_some(),
                roots: true,
                restarts: true,
                drifted: false,
                reason: "created",
            },
            Intent::Update {
                prior,
                settings,
                planned,
            } => Self {
                prior: Some(prior),
                settings,
                issues: settings.issues().is_some() && planned.is_open("issued_certificate"),
                roots: planned.is_open("trusted_roots"),
                restarts: planned.is_open("restart_reason")
                    || planned.text("restart_reason").is_some(),
                drifted: !prior.outputs.1.drift.is_empty(),
                reason: planned.text("issue_reason").unwrap_or_default(),
            },
        }
    }
}

impl Planning<'_> {
    /// Whether the Secret that is there may be in the way, or istiod have to be restarted.
    fn bears_on_the_secret(&self) -> bool {
        self.drifted || self.roots || self.restarts
    }

    /// Whether something is written that istiods could take for their own, or pass over.
    fn bears_on_istiods(&self) -> bool {
        self.prior.is_none() || self.issues || self.drifted || self.roots
    }
}

/// What would be refused when the plan is applied.
pub(super) async fn preflight(
    call: &Call<'_, Clients>,
    intent: &Intent<'_, CacertsSecret>,
) -> Vec<Diagnostic> {
    let planning = Planning::new(intent);
    let Planning {
        prior,
        settings,
        reason,
        ..
    } = planning;
    let mut told = Vec::from_iter(unsound(settings));
    if let Some(wanted) = settings.issues().filter(|_| planning.issues) {
        let last = prior.map(|prior| last(prior, reason)).unwrap_or_default();
        let instance = instance(settings);
        told.extend(issue::preflight(call, &instance, wanted, &last, reason).await);
    }
    let looks = told.is_empty() && planning.bears_on_the_secret();
    if looks || planning.bears_on_istiods() {
        told.extend(in_the_cluster(call, &planning, looks).await);
    }
    told
}

/// What there is to say of the Secret, if that is to be looked at, and of the istiods beside it. A plan with nothing to
/// do asks for neither: it is one call for each cluster.
async fn in_the_cluster(
    call: &Call<'_, Clients>,
    planning: &Planning<'_>,
    looks: bool,
) -> Vec<Diagnostic> {
    let (prior, settings) = (planning.prior, planning.settings);
    let instance = instance(settings);
    let cluster = match connected(call, settings).await {
        Ok(connected) => connected.cluster,
        // Who makes a Secret should know of a cluster that is not there yet.
        Err(error) if looks && prior.is_none() && error.may_come_yet() => {
            return vec![words::not_there_yet(&instance, &error)];
        }
        Err(_) => return Vec::new(),
    };
    let istiods = Istiods::beside(&cluster, &at(settings)).await;
    let mut told = Vec::new();
    if looks {
        told.extend(about_the_secret(call, planning, &cluster, &istiods).await);
    }
    if planning.bears_on_istiods() {
        told.extend(istiods.told(&instance, !rivals::is_first(prior)));
    }
    told
}

/// Why certificate, chain and sealed key cannot be meant together. Asked only here, where all is known: a plan may
/// suppose the last certificate beside a new chain or a new key.
fn unsound(settings: &Settings) -> Option<Diagnostic> {
    let instance = instance(settings);
    match given(settings)? {
        Ok(chain) => key::problem(&instance, settings, chain.certificate()),
        Err(problem) => Some(words::bad_chain(&instance, &problem)),
    }
}

/// What is to be said of the Secret that is there. Where the cluster does not tell, nothing is.
async fn about_the_secret(
    call: &Call<'_, Clients>,
    planning: &Planning<'_>,
    cluster: &Cluster,
    istiods: &Istiods,
) -> Option<Diagnostic> {
    let observed = cluster.read(&at(planning.settings)).await.ok()?;
    let refused = observed
        .as_ref()
        .and_then(|observed| refusal(planning, observed));
    match refused {
        Some(_) if planning.prior.is_none() => None,
        Some(refusal) if planning.drifted => {
            let instance = instance(planning.settings);
            Some(words::will_be_refused(&instance, &refusal))
        }
        _ if planning.roots || planning.restarts => {
            roots(call, planning, cluster, istiods, observed).await
        }
        _ => None,
    }
}

/// What would keep the Secret from being written: whose it is, or has become.
///
/// Of a new one the apply says so, unless what is in its place is gone by then. Of one that has
/// drifted it is told, as no more than a warning: nothing in the configuration has changed, and
/// whoever destroys plans this, too.
fn refusal(planning: &Planning<'_>, observed: &Observed) -> Option<Refusal> {
    let (settings, none) = (planning.settings, Outputs::default());
    let outputs = planning.prior.map_or(&none, |prior| &prior.outputs);
    let policy = settings.policy(planning.prior.is_some());
    compose::judged(observed, settings, outputs, policy).err()
}

/// A change of roots that workloads would not survive, or else the restarts that come with it. Where AWS does not tell,
/// nothing is said.
///
/// A renewal is warned about, as when the CA is in the way: see [`issue::preflight`].
async fn roots(
    call: &Call<'_, Clients>,
    planning: &Planning<'_>,
    cluster: &Cluster,
    istiods: &Istiods,
    observed: Option<Observed>,
) -> Option<Diagnostic> {
    let Planning {
        prior, settings, ..
    } = *planning;
    let own = own_root(call, planning).await?;
    let mut present = Present::new(observed, prior);
    present.published_in = istiods.published_in().unwrap_or(present.published_in);
    let doubted = prior.is_some_and(|prior| prior.private.doubts_istiod());
    if present.depends_on_istiod() || doubted {
        let at = at(settings);
        let published = trust::published(cluster, &at, &present.published_in);
        let published = published.await.ok()?;
        present.believe(published, prior, call.now);
    }
    let instance = instance(settings);
    let problem = match present.missteps(prior, settings, &own, call.now) {
        Ok(missteps) if missteps.is_empty() => {
            let estranged = present.estranged(prior, settings, &own, call.now).ok()?;
            match words::peers_refuse(&instance, &estranged) {
                Some(refused) => refused,
                None if planning.restarts => {
                    let istiods = istiods.listed()?;
                    return takeup::announced(planning, cluster, istiods, &present, &own).await;
                }
                None => return None,
            }
        }
        Ok(missteps) => words::root_change(&instance, &missteps, present.is_published()),
        Err(unfit) => words::bad_bundle(&instance, &unfit),
    };
    Some(problem.with_severity(issue::severity(planning.reason)))
}

/// The root that the Secret's CA will lead to.
async fn own_root(call: &Call<'_, Clients>, planning: &Planning<'_>) -> Option<Certificate> {
    let Planning {
        prior, settings, ..
    } = *planning;
    let Some(wanted) = settings.issues() else {
        let chain = given(settings)?.ok()?;
        return Some(chain.root().clone());
    };
    if planning.issues {
        let seen = issue::seen(call, &instance(settings), wanted).await.ok()?;
        return Some(seen.1.chain.root().clone());
    }
    let pem = prior?.outputs.0.root_certificate.as_deref()?;
    Certificate::from_pem(pem).ok()
}
