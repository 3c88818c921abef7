//! Whoever applies in a cluster, and what they keep between two runs.

use std::rc::Rc;

use super::authority::{CaName, HOUR, Root, at, second};
use super::cluster::{Cluster, Habits, Surroundings};
use super::istiod::Bundle;
use super::provider::{Kept, Run, Secret, Wanted, Wish};
use super::rules::Rule;
use super::workload::HALF;
use super::write::{Interruption, Left, Refusal};
use crate::pki::Hold;
use crate::terraform::Planned;

/// An operator with the configuration and the state.
pub(super) struct Operator {
    pub(super) wish: Wish,
    pub(super) kept: Option<Rc<Kept>>,
    /// The last configuration that was applied to its end.
    pub(super) stands: Option<Wish>,
    /// Whether a run was killed since whose Secret the state does not know.
    behind: bool,
    saved: Option<Saved>,
    /// When the next nightly run is.
    pub(super) applies: Option<i64>,
    /// When istiod is to be restarted.
    pub(super) restarts: Option<i64>,
    /// What went wrong that must not.
    pub(super) complaint: Option<String>,
    /// Whether `allow_root_replacement` was ever applied.
    pub(super) allowed: bool,
    /// What its runs came to, and when.
    pub(super) log: Vec<(i64, Told)>,
    /// When the standing configuration was applied, and what end a renewal could have got then.
    chances: Vec<(i64, i64)>,
}

/// What a run came to.
#[derive(Debug)]
pub(super) enum Told {
    /// There was nothing to do.
    Nothing,
    /// The Secret was written.
    Wrote(#[expect(dead_code, reason = "it is read where it is printed")] Rc<Bundle>),
    /// It ended early.
    Stopped(#[expect(dead_code, reason = "it is read where it is printed")] Interruption),
    /// This configuration was refused.
    Refused(
        #[expect(dead_code, reason = "it is read where it is printed")] Wish,
        #[expect(dead_code, reason = "it is read where it is printed")] Refusal,
    ),
}

/// A plan in a file.
struct Saved {
    made: i64,
    /// The state under it, before and after its refresh.
    base: Option<Rc<Kept>>,
    refreshed: Option<Kept>,
    promised: Planned,
    wanted: Wanted,
}

impl Operator {
    pub(super) fn new(number: u8, habits: Habits, ca: CaName, now: i64) -> Self {
        let night = now + 24 * HOUR + i64::from(number) * 2 * HOUR;
        Self {
            wish: Wish {
                ca,
                extra: Vec::new(),
                allow: false,
                label: 0,
            },
            kept: None,
            stands: None,
            behind: false,
            saved: None,
            applies: habits.nightly.then_some(night),
            restarts: None,
            complaint: None,
            allowed: false,
            log: Vec::new(),
            chances: Vec::new(),
        }
    }

    /// Whether nobody applied while a renewal of that CA was due and could still have been in time
    /// for every workload. A run in which the CAs above could give no later end does not count.
    pub(super) fn missed(&self, ca: &Bundle, habits: Habits) -> bool {
        let share = if ca.is_short_lived { 2 } else { 3 };
        let before = (ca.path_end - ca.issued) / share;
        // A hold puts a renewal off by a quarter of that.
        let due = ca.path_end - before + before / 4;
        let late = ca.path_end - HALF - habits.restarts_after - HOUR;
        let chance = |(at, end): &(i64, i64)| (due..=late).contains(at) && *end > ca.path_end;
        !self.chances.iter().any(chance)
    }

    fn complain(&mut self, what: &str) {
        self.complaint.get_or_insert_with(|| what.to_owned());
    }
}

impl Cluster {
    /// A plan into a file.
    pub(super) fn save_plan(&mut self, around: Surroundings, now: i64) {
        let run = self.run(around, now);
        let base = self.operator.kept.clone();
        let refreshed = base.as_deref().map(|kept| run.refreshed(kept));
        let wanted = self.wanted();
        let promised = run.plan(refreshed.as_ref(), &wanted);
        self.operator.saved = promised.map(|promised| Saved {
            made: now,
            base,
            refreshed,
            promised,
            wanted,
        });
    }

    /// Applies the plan in the file, unless the state has gone on since.
    pub(super) fn apply_saved(
        &mut self,
        around: Surroundings,
        stopped: Option<Interruption>,
        now: i64,
    ) {
        let Some(saved) = self.operator.saved.take() else {
            return;
        };
        let Saved {
            base,
            refreshed,
            promised,
            wanted,
            made,
        } = saved;
        let identity = |kept: &Option<Rc<Kept>>| kept.as_ref().map(Rc::as_ptr);
        if identity(&base) != identity(&self.operator.kept) {
            return;
        }
        let (run, kept) = (self.run(around, now), refreshed.as_ref());
        let later = run.plan(kept, &wanted);
        let Some(later) = later.filter(|later| promised.allows(later)) else {
            let moments = kept.and_then(Kept::moments);
            let held = moments.and_then(|(renew, end)| Hold::after_read(at(made), renew, end));
            if held.is_some_and(|held| now < second(held.until)) {
                let what = "a plan made shortly before a renewal does not hold after it";
                self.operator.complain(what);
            }
            return;
        };
        let ended = run.apply(kept, &wanted, &later, stopped);
        self.conclude(around, &wanted.wish, ended, stopped, now);
    }

    /// Plans and applies.
    pub(super) fn apply(&mut self, around: Surroundings, stopped: Option<Interruption>, now: i64) {
        let run = self.run(around, now);
        let kept = self.operator.kept.as_deref();
        let kept = kept.map(|kept| run.refreshed(kept));
        let wanted = self.wanted();
        let Some(planned) = run.plan(kept.as_ref(), &wanted) else {
            self.note_chance(around, now);
            self.operator.log.push((now, Told::Nothing));
            self.operator.kept = kept.map(Rc::new);
            return;
        };
        let ended = run.apply(kept.as_ref(), &wanted, &planned, stopped);
        let done = stopped.is_none() && ended.is_ok();
        self.conclude(around, &wanted.wish, ended, stopped, now);
        if done && self.is_restless(around, &wanted, now) {
            let what = "something is due right after an apply";
            self.operator.complain(what);
        }
    }

    /// An accident: the Secret is deleted. What was applied before has not helped.
    pub(super) fn lose_secret(&mut self, now: i64) {
        self.operator.chances.clear();
        self.put(None, now);
    }

    pub(super) fn run(&self, around: Surroundings, now: i64) -> Run<'_> {
        Run {
            rules: around.rules,
            fixed: self.habits.fixed,
            now,
            secret: self.secret.as_deref(),
            published: &self.published,
            peers: &self.peers,
            renewed: around.renewed,
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted::new(self.operator.wish.clone(), self.habits.fixed)
    }

    fn conclude(
        &mut self,
        around: Surroundings,
        wish: &Wish,
        ended: Result<Left, Refusal>,
        stopped: Option<Interruption>,
        now: i64,
    ) {
        self.operator.allowed |= wish.allow;
        let stood = self.operator.stands.as_ref() == Some(wish);
        let hindered = matches!(ended, Err(Refusal::Obstacles { .. }));
        if stopped.is_none() && (ended.is_ok() || (stood && hindered)) {
            self.note_chance(around, now);
        }
        match ended {
            Ok(left) => self.take(around, wish, left, stopped, now),
            Err(refusal) => {
                let behind = self.operator.behind || self.is_lost_for_good();
                if stood && !hindered && !behind {
                    let what = format!("the standing configuration is refused: {refusal:?}");
                    self.operator.complain(&what);
                }
                // What is refused is taken back.
                let stands = self.operator.stands.clone();
                self.operator.wish = stands.unwrap_or_else(|| wish.clone());
                let told = Told::Refused(wish.clone(), refusal);
                self.operator.log.push((now, told));
            }
        }
    }

    fn take(
        &mut self,
        around: Surroundings,
        wish: &Wish,
        left: Left,
        stopped: Option<Interruption>,
        now: i64,
    ) {
        if left.pointless {
            self.operator.complain("a renewal that ends no later");
        }
        if let Some(stopped) = stopped {
            self.operator.behind |= stopped == Interruption::Written;
            self.operator.log.push((now, Told::Stopped(stopped)));
        } else {
            self.operator.behind = false;
            self.operator.stands = Some(wish.clone());
        }
        if let Some(kept) = left.kept {
            self.operator.kept = Some(Rc::new(kept));
        }
        if let Some(secret) = left.secret {
            self.write(around, secret, now);
        }
    }

    /// Writes the Secret. What istiod will not take by itself needs a restart.
    fn write(&mut self, around: Surroundings, secret: Secret, now: i64) {
        let written = self.files().map(|files| &files.certificate);
        if written != Some(&secret.bundle.certificate) && !secret.bundle.loads(now) {
            let what = "a bundle that istiod does not load";
            self.operator.complain(what);
        }
        let sorted = |bundle: &Bundle| {
            let mut roots = bundle.roots.clone();
            roots.sort_unstable();
            roots
        };
        let before = self.files().map(|files| sorted(files));
        let moved = before != Some(sorted(&secret.bundle));
        if moved && self.istiod.is_some() && around.rules.hold(Rule::Restart) {
            self.operator.restarts = Some(now + self.habits.restarts_after);
        }
        let told = Told::Wrote(Rc::clone(&secret.bundle));
        self.operator.log.push((now, told));
        self.put(Some(secret), now);
    }

    fn is_restless(&self, around: Surroundings, wanted: &Wanted, now: i64) -> bool {
        let run = self.run(around, now);
        let kept = self.operator.kept.as_deref();
        let kept = kept.map(|kept| run.refreshed(kept));
        kept.is_some_and(|kept| run.plan(Some(&kept), wanted).is_some())
    }

    /// Whether the Secret is gone and cannot simply be put back: the state is gone, too, or istiod
    /// still trusts roots that it was to forget and for all that is known signs under them.
    fn is_lost_for_good(&self) -> bool {
        let Operator { kept, wish, .. } = &self.operator;
        let wanted = |root: &Root| wish.extra.contains(root) || wish.ca.root() == *root;
        self.secret.is_none() && (kept.is_none() || !self.published.iter().all(wanted))
    }

    fn note_chance(&mut self, around: Surroundings, now: i64) {
        let end = self.run(around, now).best_end(self.operator.wish.ca);
        self.operator.chances.extend(end.map(|end| (now, end)));
    }
}
