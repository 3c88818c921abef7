//! One cluster of a mesh: the Secret, kubelet, istiod and the workloads, and who works on it.

use std::fmt;
use std::rc::Rc;

use super::authority::{self, CaName, HOUR, Root, at};
use super::istiod::{Bundle, Istiod, Version};
use super::operator::Operator;
use super::provider::{Fixed, Secret};
use super::rules::Rules;
use super::workload::{HALF, Workload};
use crate::pki::roots::{KnownRoots, Peers, Published, Trust};

/// What a cluster is like from beginning to end.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    pub(super) version: Version,
    pub(super) multi_root: bool,
    /// How long files take to follow the Secret, in seconds.
    pub(super) kubelet: i64,
    /// Whether istiod ran before there was a Secret.
    pub(super) self_signed: bool,
    /// Whether somebody applies each day.
    pub(super) nightly: bool,
    /// How long an operator takes to restart istiod.
    pub(super) restarts_after: i64,
    pub(super) fixed: Fixed,
}

/// On one line.
impl fmt::Debug for Habits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            version,
            multi_root,
            kubelet,
            restarts_after,
            fixed,
            ..
        } = self;
        let roots = if *multi_root {
            "several roots"
        } else {
            "one root"
        };
        let since = if self.self_signed {
            ", self-signed at first"
        } else {
            ""
        };
        let nightly = if self.nightly { ", nightly runs" } else { "" };
        write!(
            f,
            "{version:?} with {roots}{since}, files after {kubelet}s, "
        )?;
        write!(f, "restarts after {restarts_after}s{nightly}, {fixed:?}")
    }
}

/// What is the same for all clusters of a mesh.
#[derive(Clone, Copy)]
pub(super) struct Surroundings {
    pub(super) rules: Rules,
    /// Whether the CAs that end have been renewed.
    pub(super) renewed: bool,
}

/// One cluster.
pub(super) struct Cluster {
    pub(super) number: u8,
    pub(super) habits: Habits,
    pub(super) istiod: Option<Istiod>,
    pub(super) secret: Option<Rc<Secret>>,
    /// What the ConfigMap `istio-ca-root-cert` shows.
    pub(super) published: Vec<Root>,
    /// What it is shown of the other clusters' trust; nothing where it does not look.
    pub(super) peers: Peers,
    pub(super) workloads: Vec<Workload>,
    pub(super) operator: Operator,
    /// When the files follow the Secret.
    follows: Option<i64>,
    /// Until when its workloads may be strangers to the others: since istiod was restarted without
    /// the Secret, until it was restarted with it and every workload has asked it once.
    pub(super) astray_until: i64,
    /// When istiod last went over to other roots or to a CA under another one.
    pub(super) moved: i64,
}

/// How many workloads a cluster has; they ask at different times.
const WORKLOADS: i64 = 3;

impl Cluster {
    /// A cluster that comes up at this moment; nothing is in it yet.
    pub(super) fn new(number: u8, habits: Habits, ca: CaName, now: i64) -> Self {
        let offset = |it: i64| now + it * (HALF / WORKLOADS) + i64::from(number) * 17 * 60 + 600;
        Self {
            number,
            habits,
            istiod: None,
            secret: None,
            published: Vec::new(),
            peers: Peers::new(),
            workloads: (0..WORKLOADS)
                .map(|it| Workload::joining(offset(it)))
                .collect(),
            operator: Operator::new(number, habits, ca, now),
            follows: None,
            astray_until: i64::MIN,
            moved: now,
        }
    }

    /// When something happens by itself.
    pub(super) fn next(&self) -> i64 {
        let workloads = self.workloads.iter().map(|workload| workload.asks);
        let others = [self.follows, self.operator.restarts, self.operator.applies];
        workloads
            .chain(others.into_iter().flatten())
            .min()
            .unwrap_or(i64::MAX)
    }

    /// Whether its workloads may be strangers to the others now.
    pub(super) fn is_astray(&self, now: i64) -> bool {
        now < self.astray_until
    }

    /// Each workload with its cluster.
    pub(super) fn with_workloads(&self) -> impl Iterator<Item = (&Self, &Workload)> {
        self.workloads.iter().map(move |workload| (self, workload))
    }

    /// Whether a workload is without a certificate because nobody applied in time.
    pub(super) fn has_missed(&self, workload: &Workload) -> bool {
        let last = workload.last_ca();
        last.is_some_and(|ca| self.operator.missed(ca, self.habits))
    }

    /// Whether a workload goes on with its last certificate because there was none to be had when it last asked, since
    /// nobody applied in time. It could not follow what was written meanwhile, and asks again within the hour.
    pub(super) fn was_left_behind(&self, workload: &Workload) -> bool {
        let refused_by = workload.refused_by();
        refused_by.is_some_and(|ca| self.operator.missed(ca, self.habits))
    }

    pub(super) fn files(&self) -> Option<&Rc<Bundle>> {
        self.secret.as_ref().map(|secret| &secret.bundle)
    }

    /// Writes the Secret, or loses it; the files follow.
    pub(super) fn put(&mut self, secret: Option<Secret>, now: i64) {
        self.secret = secret.map(Rc::new);
        self.follows.get_or_insert(now + self.habits.kubelet);
    }

    /// Starts istiod in a new pod, which sees the Secret as it is now.
    pub(super) fn start_istiod(&mut self, now: i64) {
        let Habits {
            version,
            multi_root,
            ..
        } = self.habits;
        let plugged = self.istiod.as_ref().is_some_and(|istiod| istiod.plugged);
        let started = Istiod::start(version, multi_root, self.files(), self.number, now);
        if !started.plugged && plugged {
            self.astray_until = i64::MAX;
        } else if started.plugged && started.memory.is_some() && self.astray_until == i64::MAX {
            self.astray_until = now + HALF + HOUR;
        }
        self.change_istiod(now, |istiod| *istiod = Some(started));
    }

    /// Does what happens by itself at this moment.
    pub(super) fn live(&mut self, around: Surroundings, now: i64) {
        if self.follows.is_some_and(|at| at <= now) {
            self.follows = None;
            self.look_at_files(now);
        }
        if self.operator.restarts.is_some_and(|at| at <= now) {
            self.operator.restarts = None;
            self.start_istiod(now);
        }
        if self.operator.applies.is_some_and(|at| at <= now) {
            self.operator.applies = Some(now + 24 * HOUR);
            self.apply(around, None, now);
        }
        let (istiod, files) = (self.istiod.as_ref(), self.files().cloned());
        for workload in self.workloads.iter_mut().filter(|it| it.asks <= now) {
            workload.ask(istiod, files.as_ref(), now);
        }
    }

    /// What is seen of it from outside: as `data "istiopca_cacerts"` shows it.
    pub(super) fn shown(&self, around: Surroundings, now: i64) -> KnownRoots {
        let mut trust = self.run(around, now).trust(None);
        let published = Published {
            roots: self
                .published
                .iter()
                .map(|root| authority::root(*root).clone())
                .collect(),
            since: Some(at(self.moved)),
        };
        if self.secret.is_none() {
            trust = Trust::of_published(&published);
        } else if self.istiod.is_some() {
            trust.published = Some(published);
        }
        trust.known()
    }

    fn look_at_files(&mut self, now: i64) {
        if self
            .istiod
            .as_ref()
            .is_some_and(|istiod| istiod.memory.is_none())
        {
            // It starts again and again until it comes up.
            return self.start_istiod(now);
        }
        let files = self.files().cloned();
        self.change_istiod(now, |istiod| {
            if let Some(istiod) = istiod {
                istiod.reload(files.as_ref(), now);
            }
        });
    }

    fn change_istiod(&mut self, now: i64, change: impl FnOnce(&mut Option<Istiod>)) {
        let what = |istiod: &Option<Istiod>| {
            let memory = istiod.as_ref().and_then(|istiod| istiod.memory.clone());
            memory.map(|memory| (memory.root, memory.roots.clone()))
        };
        let before = what(&self.istiod);
        change(&mut self.istiod);
        let after = what(&self.istiod);
        if before != after {
            self.moved = now;
        }
        if let Some((_, roots)) = after {
            self.published = roots;
        }
    }
}
