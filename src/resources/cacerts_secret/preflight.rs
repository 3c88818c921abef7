//! A look at the CA and the cluster while planning, for messages only.

use super::compose::{self, Files};
use super::present::Present;
use super::settings::{Settings, given};
use super::{CacertsSecret, Outputs, Prior, at, instance, last, trust};
use crate::clients::Clients;
use crate::cluster::secret::{Claim, Observed, decide};
use crate::pki::{Certificate, Live};
use crate::resources::{issue, words};
use crate::terraform::{Call, Diagnostic, Intent};

/// What a plan is about to do.
struct Planning<'a> {
    prior: Option<&'a Prior>,
    settings: &'a Settings,
    /// Whether a certificate is issued.
    issues: bool,
    /// Whether the trusted roots may change.
    roots: bool,
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
                drifted: !prior.outputs.1.drift.is_empty(),
                reason: planned.text("issue_reason").unwrap_or_default(),
            },
        }
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
    let mut told = Vec::new();
    if let Some(wanted) = settings.issues().filter(|_| planning.issues) {
        let last = prior.map(|prior| last(prior, reason)).unwrap_or_default();
        let instance = instance(settings);
        told.extend(issue::preflight(call, &instance, wanted, &last, reason).await);
    }
    if told.is_empty() && planning.drifted {
        told.extend(refusal(call, &planning).await);
    }
    if told.is_empty() && planning.roots {
        told.extend(roots(call, &planning).await);
    }
    told
}

/// What would keep a Secret that has drifted from being put right: whose it has become, and what
/// lets it be written all the same.
///
/// No more than a warning: nothing in the configuration has changed, and whoever destroys plans this,
/// too.
async fn refusal(call: &Call<'_, Clients>, planning: &Planning<'_>) -> Option<Diagnostic> {
    let (prior, settings) = (planning.prior?, planning.settings);
    let observed = call.clients.cluster().ok()?.read(&at(settings)).await;
    let observed = observed.ok()??;
    let outputs = &prior.outputs;
    let same = |observed: &Observed| {
        let live = Live::read(&Files::of(Some(observed)));
        let live = live.certificate().map(Certificate::sha256);
        live.is_some() && live == outputs.0.certificate_sha256
    };
    let claim = Claim {
        owner: outputs.1.owner_id.as_deref().unwrap_or_default(),
        same_certificate: &same,
    };
    let outline = compose::outline(at(settings), settings, outputs);
    let refusal = decide(&observed, &claim, &outline, settings.policy(true)).err()?;
    Some(words::will_be_refused(&instance(settings), &refusal))
}

/// A change of roots that workloads would not survive. Where neither the cluster nor AWS tells,
/// nothing is said.
///
/// A renewal is warned about, as when the CA is in the way: see [`issue::preflight`].
async fn roots(call: &Call<'_, Clients>, planning: &Planning<'_>) -> Option<Diagnostic> {
    let Planning {
        prior, settings, ..
    } = *planning;
    let own = own_root(call, planning).await?;
    let present = present(call, prior, settings).await?;
    let instance = instance(settings);
    let problem = match present.missteps(prior, settings, &own, call.now) {
        Ok(missteps) if missteps.is_empty() => return None,
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

/// What there is, but for a Secret that may not be written over anyway.
async fn present(
    call: &Call<'_, Clients>,
    prior: Option<&Prior>,
    settings: &Settings,
) -> Option<Present> {
    let cluster = call.clients.cluster().ok()?;
    let at = at(settings);
    let observed = cluster.read(&at).await.ok()?;
    let refused = |observed: &Observed| prior.is_none() && is_refused(observed, settings);
    if observed.as_ref().is_some_and(refused) {
        return None;
    }
    let mut present = Present::new(observed, prior);
    if present.depends_on_istiod() {
        let published = trust::published(cluster, &at).await.ok()?;
        present.believe(published, prior, call.now);
    }
    Some(present)
}

/// Whether a new Secret cannot take the place of this one; the apply says so, unless it is gone by
/// then.
fn is_refused(observed: &Observed, settings: &Settings) -> bool {
    let outline = compose::outline(at(settings), settings, &Outputs::default());
    let claim = Claim {
        owner: "",
        same_certificate: &|_| false,
    };
    decide(observed, &claim, &outline, settings.policy(false)).is_err()
}
