//! From the Secret to istiods that use it: restarting those that would not take it up, and looking whether they
//! have. What was written stays written, whatever comes of this.

mod announce;
mod plan;
mod record;
mod restart;
mod verify;

use std::time::Duration;

use tokio::time::Instant;

pub(super) use announce::announced;
pub(super) use plan::plan;
pub(super) use record::{Owed, Unverified, Verified};

use super::present::Present;
use super::rivals;
use super::settings::{OnVerifyFailure, RestartIstiod, Settings, Verify};
use super::write::Writing;
use super::{CacertsSecret, Prior};
use crate::clients::Clients;
use crate::cluster::istiod::Deployment;
use crate::cluster::{Cluster, Error, NamespaceName, SecretName};
use crate::pki::Fingerprint;
use crate::resources::mesh::{Change, Ends, Held, Reason, loads};
use crate::resources::words::{self, Instance, Unseen};
use crate::terraform::{Call, Diagnostic, Done};

use restart::Restarted;
use verify::{Found, Witnesses};

/// How often istiods are looked at while they change.
const LOOK: Duration = Duration::from_secs(2);

/// What was written, as an istiod will read it.
pub(super) struct Wrote {
    /// The file of the trust anchors.
    pub(super) roots: String,
    /// The signing certificate.
    pub(super) certificate: Fingerprint,
    /// All files but the key.
    pub(super) digest: Fingerprint,
    /// What the gauges of an istiod with it show.
    pub(super) ends: Ends,
    /// Whether any file that istiod reads is another one than before.
    pub(super) differs: bool,
    /// Told where nobody restarts istiod, or nobody knows whether it must be.
    pub(super) advice: Vec<Diagnostic>,
}

/// What is taken up, from what, and by whom.
struct Takeup<'a> {
    call: &'a Call<'a, Clients>,
    prior: Option<&'a Prior>,
    settings: &'a Settings,
    instance: &'a Instance,
    cluster: &'a Cluster,
    at: &'a SecretName,
    namespace: NamespaceName,
    present: &'a Present,
    wrote: &'a Wrote,
    /// Whether the plan was to write it, so that it has said what `always` means.
    planned: bool,
}

/// Whether the user wants istiods neither restarted nor looked at.
pub(super) fn is_unasked(settings: &Settings) -> bool {
    (settings.restart_istiod, settings.verify) == (RestartIstiod::Never, Verify::None)
}

/// Has the istiods of the namespace take up what was written, and notes in `done` what came of it. Returns the failure
/// of an update that must not pass as done.
pub(super) async fn take_up(
    writing: &Writing<'_>,
    present: &Present,
    mut wrote: Wrote,
    done: &mut Done<CacertsSecret>,
) -> Option<Diagnostic> {
    let advice = std::mem::take(&mut wrote.advice);
    done.private.note_published_in(&present.published_in);
    let settings = writing.settings;
    let unasked = is_unasked(settings);
    let opened = writing.prior.is_none() || writing.planned.is_open("verified");
    done.outputs.1.restart_reason = promised(writing);
    done.private.renewals_restart = (writing.prior).is_some_and(|it| it.private.renewals_restart);
    if unasked || !opened {
        done.warnings.extend(advice);
        if unasked {
            done.outputs.1.verified = None;
        } else {
            done.private.owed = writing.prior.and_then(|prior| prior.private.owed);
        }
        return None;
    }
    let takeup = Takeup {
        call: writing.call,
        prior: writing.prior,
        settings,
        instance: &writing.instance,
        cluster: writing.cluster,
        at: &writing.at,
        namespace: NamespaceName::of(&writing.at),
        present,
        wrote: &wrote,
        planned: writes(writing),
    };
    let unsaid = writing.prior.is_none() && !writing.planned.speaks_of("restart_reason");
    let open = unsaid || writing.planned.is_open("restart_reason");
    let announced = open || done.outputs.1.restart_reason.is_some();
    takeup.run(announced, open, advice, done).await
}

/// Whether the plan was to write files.
fn writes(writing: &Writing<'_>) -> bool {
    let planned = writing.planned;
    writing.prior.is_none() || planned.is_open("files_sha256") || planned.is_open("uid")
}

/// The reason that the plan gave, or the one of before where the plan said nothing of it.
fn promised(writing: &Writing<'_>) -> Option<String> {
    if writing.planned.speaks_of("restart_reason") {
        return writing.planned.text("restart_reason").map(str::to_owned);
    }
    let prior = writing.prior?;
    prior.outputs.1.restart_reason.clone()
}

impl Takeup<'_> {
    async fn run(
        &self,
        announced: bool,
        open: bool,
        advice: Vec<Diagnostic>,
        done: &mut Done<CacertsSecret>,
    ) -> Option<Diagnostic> {
        let istiods = match self.cluster.istiods(&self.namespace).await {
            Ok(istiods) => istiods,
            Err(error) => return self.without_istiods(&error, advice, done).await,
        };
        if !istiods.iter().any(|it| loads(it, self.at.name())) {
            done.warnings.extend(advice);
            let nobody = format!("no istiod in {} loads it yet", self.namespace);
            return self.left_undone(&nobody, done);
        }
        done.private.renewals_restart = self.renewals_restart(&istiods);
        let needed = self.needed(&istiods);
        let reason = needed.first().map(|(_, reason)| *reason);
        if open {
            done.outputs.1.restart_reason = reason.map(|reason| reason.word().to_owned());
        }
        let witnesses = Witnesses::among(&istiods, self.at.name());
        done.private.note_published_in(&witnesses.published_in);
        let Some(reason) = reason else {
            return self.verified(&witnesses, done).await;
        };
        if let Some(told) = self.withheld(&needed, reason, announced) {
            let never = self.settings.restart_istiod == RestartIstiod::Never;
            done.private.owed = (!never).then_some(Owed { reason });
            done.warnings.push(told);
            return self.left_undone("istiod is yet to be restarted", done);
        }
        self.restarted(&needed, reason, &witnesses, done).await
    }

    async fn without_istiods(
        &self,
        error: &Error,
        advice: Vec<Diagnostic>,
        done: &mut Done<CacertsSecret>,
    ) -> Option<Diagnostic> {
        // Where a restart is needed that nobody makes, there is nothing to wait for.
        let vain = !advice.is_empty();
        let when = match rivals::is_first(self.prior) {
            true => Unseen::AfterTheFirst,
            false => Unseen::After,
        };
        let unseen = words::istiods_unseen(self.instance, error, when);
        let told = words::istiods_unseen_to_restart(&unseen, &advice);
        done.warnings.push(told);
        if vain {
            self.left_undone("istiod is yet to be restarted", done)
        } else {
            let witnesses = Witnesses::unseen(&self.present.published_in);
            self.verified(&witnesses, done).await
        }
    }

    /// Why a restart is not made now that is needed, if it is not.
    fn withheld(
        &self,
        needed: &[(&Deployment, Reason)],
        reason: Reason,
        announced: bool,
    ) -> Option<Diagnostic> {
        let names = names(needed);
        if self.settings.restart_istiod == RestartIstiod::Never {
            return Some(words::restart_left(self.instance, &names, reason.word()));
        }
        let told = || words::restart_unannounced(self.instance, &names, reason.word());
        (!announced).then(told)
    }

    /// Restarts what was announced, and looks whether it uses the new CA once it serves.
    async fn restarted(
        &self,
        needed: &[(&Deployment, Reason)],
        reason: Reason,
        witnesses: &Witnesses<'_>,
        done: &mut Done<CacertsSecret>,
    ) -> Option<Diagnostic> {
        match self.restart(needed).await {
            Restarted::Serving => self.verified(witnesses, done).await,
            Restarted::Refused(error) => {
                let told = words::restart_refused(self.instance, &error, reason.word());
                done.warnings.push(told);
                self.left_undone("istiod is yet to be restarted", done)
            }
            Restarted::Unfinished(lines) => {
                let told = words::rollout_unfinished(self.instance, &lines);
                self.failed("the restart of istiod did not end", told, done)
            }
        }
    }

    /// The istiods that must be restarted, the most urgent reason first.
    fn needed<'i>(&self, istiods: &'i [Deployment]) -> Vec<(&'i Deployment, Reason)> {
        let (roots, differs) = (&self.wrote.roots, self.wrote.differs);
        let change = change(self.present, self.settings, self.at, roots, differs);
        let published = &self.present.published_pem;
        let always = self.planned && self.settings.restart_istiod == RestartIstiod::Always;
        let owed = self.prior.and_then(|prior| prior.private.owed);
        // What istiod publishes says by now whether it has been restarted since.
        let owed = owed.filter(|owed| published.is_none() || !owed.reason.shows_in_roots());
        let reason = |istiod: &Deployment| {
            let loads = loads(istiod, self.at.name());
            let demanded = always.then_some(Reason::Always);
            let owed = owed.map(|owed| owed.reason).or(demanded).filter(|_| loads);
            Reason::find(istiod, &change).or(owed)
        };
        let mut needed = to_restart(istiods, reason);
        needed.sort_by_key(|(_, reason)| *reason);
        needed
    }

    /// Whether one of them is not even to take up the next certificate under these roots.
    fn renewals_restart(&self, istiods: &[Deployment]) -> bool {
        let will = self.settings.layout();
        let renewal = Change {
            secret: self.at.name(),
            held: Held::Roots(&self.wrote.roots),
            roots: &self.wrote.roots,
            layouts: (Some(will), will),
            differs: true,
        };
        !to_restart(istiods, |istiod| Reason::find(istiod, &renewal)).is_empty()
    }

    async fn verified(
        &self,
        witnesses: &Witnesses<'_>,
        done: &mut Done<CacertsSecret>,
    ) -> Option<Diagnostic> {
        match self.verify(witnesses, &mut done.warnings).await {
            None => {
                done.outputs.1.verified = None;
                None
            }
            Some(Found::Taken { by, found }) => {
                done.outputs.1.verified = Some(self.found(by, found));
                None
            }
            Some(Found::Unknown { found }) => self.left_undone(&found, done),
            Some(Found::NotTaken { by, lines }) => {
                let told = words::not_taken_up(self.instance, by, &lines);
                self.failed("istiod does not use the new CA", told, done)
            }
        }
    }

    /// Nothing was verified, and nothing more is to be expected of this run.
    fn left_undone(&self, why: &str, done: &mut Done<CacertsSecret>) -> Option<Diagnostic> {
        done.outputs.1.verified = Some(self.nothing(why.to_owned()));
        None
    }

    /// A failure of an update is an error unless the user wants a warning, so that a wave of updates stops here; of a
    /// create it is a warning, because the host would taint the Secret. In any case the next plan looks again.
    fn failed(
        &self,
        found: &str,
        told: Diagnostic,
        done: &mut Done<CacertsSecret>,
    ) -> Option<Diagnostic> {
        done.outputs.1.verified = Some(self.nothing(found.to_owned()));
        let former = self.ends_before();
        done.private.unverified = Some(Unverified { former });
        if self.prior.is_some() && self.settings.on_verify_failure == OnVerifyFailure::Error {
            return Some(told);
        }
        done.warnings
            .push(told.with_severity(crate::terraform::Severity::Warning));
        None
    }

    /// Whether there is time for another look, after a pause.
    async fn may_look_again(&self) -> bool {
        let next = Instant::now() + LOOK;
        if next + LOOK > self.call.deadline {
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep_until(next) => true,
            () = self.call.stop.cancelled() => false,
        }
    }

    fn nothing(&self, found: String) -> Verified {
        self.found(record::NOTHING, found)
    }

    fn found(&self, by: &str, found: String) -> Verified {
        let certificate_sha256 = self.wrote.certificate;
        let now = Verified {
            by: by.to_owned(),
            certificate_sha256,
            found,
            since: self.call.now,
        };
        let before = self
            .prior
            .and_then(|prior| prior.outputs.1.verified.as_ref());
        now.since_it_is_so(before)
    }
}

/// What istiods go over to from what is present: to these roots, under these settings.
fn change<'a>(
    present: &'a Present,
    settings: &Settings,
    at: &'a SecretName,
    roots: &'a str,
    differs: bool,
) -> Change<'a> {
    Change {
        secret: at.name(),
        held: Held::by(present.published_pem.as_deref(), present.anchors()),
        roots,
        layouts: (present.layout(), settings.layout()),
        differs,
    }
}

/// Those that run and for which there is a reason.
fn to_restart(
    istiods: &[Deployment],
    reason: impl Fn(&Deployment) -> Option<Reason>,
) -> Vec<(&Deployment, Reason)> {
    let running = istiods.iter().filter(|it| it.runs());
    let needed = running.filter_map(|istiod| Some((istiod, reason(istiod)?)));
    needed.collect()
}

fn names(needed: &[(&Deployment, Reason)]) -> Vec<String> {
    needed
        .iter()
        .map(|(istiod, _)| istiod.name.clone())
        .collect()
}
