//! Restarting istiods and waiting for their rollouts.

use super::Takeup;
use crate::cluster::Error;
use crate::cluster::istiod::Deployment;
use crate::resources::mesh::{Reason, Rollout, hindrances};
use crate::terraform::log::{self, Level};

/// What came of it.
pub(super) enum Restarted {
    /// All of them serve with new pods.
    Serving,
    /// One could not be restarted; those before it were.
    Refused(Error),
    /// Not all serve: what they wait for, one line each.
    Unfinished(Vec<String>),
}

/// How often a state that passed is read again.
const STALE_TRIES: u32 = 5;

impl Takeup<'_> {
    /// Restarts them all, then waits until they serve.
    pub(super) async fn restart(&self, needed: &[(&Deployment, Reason)]) -> Restarted {
        let mut names = Vec::new();
        let what = self.wrote.digest.to_string();
        for (istiod, reason) in needed {
            // One that an earlier run has restarted for this very bundle is waited for, no more.
            let done = istiod.restarted_for() == Some(what.as_str());
            if !done && let Err(error) = self.restart_one(istiod, &what, *reason).await {
                return Restarted::Refused(error);
            }
            names.push(istiod.name.as_str());
        }
        self.rolled_out(&names).await
    }

    /// A Deployment changes with each step of a rollout, so that what was read may have passed.
    async fn restart_one(
        &self,
        istiod: &Deployment,
        what: &str,
        reason: Reason,
    ) -> Result<(), Error> {
        self.tell_restart(istiod, reason);
        let mut seen = istiod.clone();
        for _ in 1..STALE_TRIES {
            let restarted =
                self.cluster
                    .restart_istiod(&self.namespace, &seen, what, self.call.now);
            match restarted.await {
                Err(error) if error.is_stale() => {}
                settled => return settled.map(drop),
            }
            let istiods = self.cluster.istiods(&self.namespace).await?;
            match istiods.into_iter().find(|it| it.name == istiod.name) {
                // Made anew meanwhile, its pods have started with what was written.
                Some(now) if now.uid != istiod.uid => return Ok(()),
                None => return Ok(()),
                Some(now) => seen = now,
            }
        }
        let last = self
            .cluster
            .restart_istiod(&self.namespace, &seen, what, self.call.now);
        last.await.map(drop)
    }

    fn tell_restart(&self, istiod: &Deployment, reason: Reason) {
        let fields: [log::Field<'_>; 3] = [
            ("deployment", &istiod.name),
            ("namespace", &self.namespace),
            ("reason", &reason.word()),
        ];
        log::at(Level::Info, "restarting istiod", &fields);
    }

    async fn rolled_out(&self, names: &[&str]) -> Restarted {
        let mut told = Vec::new();
        loop {
            let lines = match self.cluster.istiods(&self.namespace).await {
                Ok(istiods) => {
                    let ours = istiods
                        .iter()
                        .filter(|it| names.contains(&it.name.as_str()));
                    let all: Vec<_> = ours.map(|it| (&it.name, Rollout::of(it))).collect();
                    if all.iter().all(|(_, rollout)| *rollout == Rollout::Done) {
                        return Restarted::Serving;
                    }
                    let stuck = !all.iter().any(|(_, rollout)| rollout.goes_on());
                    let behind = all.iter().filter(|(_, rollout)| *rollout != Rollout::Done);
                    let lines: Vec<String> =
                        behind.map(|(name, it)| format!("{name}: {it}")).collect();
                    if stuck {
                        return self.unfinished(lines).await;
                    }
                    lines
                }
                Err(error) => vec![error.to_string()],
            };
            if lines != told {
                let progress = lines.join("; ");
                log::at(
                    Level::Info,
                    "waiting for istiod",
                    &[("progress", &progress)],
                );
                told = lines;
            }
            if !self.may_look_again().await {
                return self.unfinished(told).await;
            }
        }
    }

    /// What the pods wait for says more than the counts do; without the right to list them the counts must do.
    async fn unfinished(&self, mut lines: Vec<String>) -> Restarted {
        match self.cluster.istiod_pods(&self.namespace).await {
            Ok(pods) => lines.extend(hindrances(&pods)),
            Err(error) => lines.push(format!("what its pods wait for is not known: {error}")),
        }
        Restarted::Unfinished(lines)
    }
}
