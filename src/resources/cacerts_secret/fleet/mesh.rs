//! A mesh of clusters, its clock, and the demand that all workloads verify each other.

use super::authority::{CaName, HOUR, Root};
use super::cluster::{Cluster, Habits, Surroundings};
use super::rules::{Rule, Rules};
use super::workload::Leaf;

/// What happened that must not, and all runs until then.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

/// Clusters whose workloads talk to each other.
pub(super) struct Mesh {
    pub(super) now: i64,
    pub(super) clusters: Vec<Cluster>,
    pub(super) around: Surroundings,
    /// How far the fleet is on its way from the root A to the root B.
    step: usize,
    /// Whether each cluster looks at what the others trust.
    pub(super) peering: bool,
}

/// The way of a fleet: a CA, and the additional roots.
const WAY: [(CaName, &[Root]); 4] = [
    (CaName::A, &[]),
    (CaName::A, &[1]),
    (CaName::B, &[0]),
    (CaName::B, &[]),
];

/// When histories begin: a day after all certificates that do not come from a run.
const BEGIN: i64 = 24 * HOUR;

impl Mesh {
    /// Plugged in from the first minute, but for istiods that were there before.
    pub(super) fn new(rules: Rules, habits: &[Habits], ca: CaName) -> Self {
        let numbered = habits.iter().zip(0..);
        let clusters = numbered.map(|(habits, number)| Cluster::new(number, *habits, ca, BEGIN));
        let mut mesh = Self {
            now: BEGIN,
            clusters: clusters.collect(),
            around: Surroundings {
                rules,
                renewed: false,
            },
            step: 0,
            peering: false,
        };
        let around = mesh.around;
        for cluster in &mut mesh.clusters {
            if !cluster.habits.self_signed {
                cluster.apply(around, None, BEGIN);
            }
            cluster.start_istiod(BEGIN);
        }
        mesh
    }

    /// Lets time pass, with all that happens by itself.
    pub(super) fn pass(&mut self, seconds: i64) -> Result<(), Broken> {
        let until = self.now + seconds;
        loop {
            let next = self.clusters.iter().map(Cluster::next).min();
            let next = next.filter(|next| *next <= until);
            self.now = next.unwrap_or(until);
            for number in 0..self.clusters.len() {
                if self.clusters[number].next() <= self.now {
                    self.look_at_peers(number);
                    self.clusters[number].live(self.around, self.now);
                }
            }
            self.check()?;
            if next.is_none() {
                return Ok(());
            }
        }
    }

    /// Shows a cluster what the others trust at this moment.
    pub(super) fn look_at_peers(&mut self, number: usize) {
        if !self.peering {
            return;
        }
        let others = self.clusters.iter().enumerate();
        let others = others.filter(|(other, _)| *other != number);
        let shown = others.map(|(other, cluster)| {
            let shown = cluster.shown(self.around, self.now);
            (format!("cluster {other}"), shown)
        });
        let peers = shown.collect();
        self.clusters[number].peers = peers;
    }

    /// Takes one cluster a step on the way, or back, wherever the others are.
    pub(super) fn walk_alone(&mut self, number: usize, back: bool) {
        let operator = &mut self.clusters[number].operator;
        let wish = &mut operator.wish;
        let here = WAY
            .iter()
            .position(|(ca, extra)| (*ca, *extra) == (wish.ca, &wish.extra[..]));
        let here = here.unwrap_or_default();
        let next = if back {
            here.saturating_sub(1)
        } else {
            here + 1
        };
        let (ca, extra) = WAY[next.min(WAY.len() - 1)];
        (wish.ca, wish.extra) = (ca, extra.to_vec());
    }

    /// Takes the next step of the way everywhere, or the last one back; whoever has not taken the
    /// current one is told again.
    pub(super) fn walk(&mut self, back: bool) {
        if self.is_settled() || !self.around.rules.hold(Rule::Barrier) {
            let next = if back {
                self.step.saturating_sub(1)
            } else {
                self.step + 1
            };
            self.step = next.min(WAY.len() - 1);
        }
        let (ca, extra) = WAY[self.step];
        for cluster in &mut self.clusters {
            let wish = &mut cluster.operator.wish;
            (wish.ca, wish.extra) = (ca, extra.to_vec());
        }
    }

    /// Whether the current step has been taken everywhere, and for long enough.
    fn is_settled(&self) -> bool {
        let (ca, extra) = WAY[self.step];
        self.clusters.iter().all(|cluster| {
            // An apply that ended well: a create that could not write ends with a warning only.
            let stands = cluster.operator.stands.as_ref();
            let taken = stands.is_some_and(|stands| stands.ca == ca && stands.extra == extra);
            let memory = cluster
                .istiod
                .as_ref()
                .and_then(|istiod| istiod.memory.as_ref());
            let loaded = memory.is_some() && memory == cluster.files();
            let overlap = cluster.habits.fixed.overlap();
            let waited = self.now - cluster.moved >= overlap;
            let waited = waited || !self.around.rules.hold(Rule::Wait);
            taken && loaded && waited && !cluster.is_astray(self.now)
        })
    }

    /// That all live workloads verify each other, and that nothing else is amiss.
    pub(super) fn check(&self) -> Result<(), Broken> {
        for cluster in &self.clusters {
            if let Some(complaint) = &cluster.operator.complaint {
                return self.broken(&format!("cluster {}: {complaint}", cluster.number));
            }
        }
        if self.clusters.iter().any(|cluster| cluster.operator.allowed) {
            return Ok(());
        }
        let mut valid: Vec<(&Cluster, &Leaf)> = Vec::new();
        let known = self.clusters.iter().filter(|it| !it.is_astray(self.now));
        for (cluster, workload) in known.flat_map(Cluster::with_workloads) {
            match &workload.leaf {
                Some(_) if cluster.was_left_behind(workload) => {}
                Some(leaf) if leaf.is_valid(self.now) => valid.push((cluster, leaf)),
                Some(leaf) if !cluster.has_missed(workload) => {
                    return self.broken(&format!("{leaf:?} of {} is at its end", cluster.number));
                }
                _ => {}
            }
        }
        for (cluster, leaf) in &valid {
            let stranger = valid.iter().find(|(_, other)| !other.believes(leaf));
            if let Some((other, stranger)) = stranger {
                let (one, other) = (cluster.number, other.number);
                return self.broken(&format!("{leaf:?} of {one} meets {stranger:?} of {other}"));
            }
        }
        Ok(())
    }

    fn broken(&self, what: &str) -> Result<(), Broken> {
        let hours = |second: i64| second as f64 / HOUR as f64;
        let mut lines: Vec<(i64, String)> = Vec::new();
        for cluster in &self.clusters {
            let told = cluster.operator.log.iter();
            lines.extend(told.map(|(at, told)| (*at, format!("in {}: {told:?}", cluster.number))));
        }
        lines.sort();
        let lines = lines.into_iter();
        let lines = lines.map(|(at, line)| format!("  hour {:.1}, {line}\n", hours(at)));
        let lines: String = lines.collect();
        Err(Broken(format!(
            "in hour {:.1}: {what}\n{lines}",
            hours(self.now)
        )))
    }
}
