//! Looking whether istiods use what was written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Takeup;
use crate::cluster::istiod::{Deployment, Pod};
use crate::cluster::{ConfigMapName, Error, Problem};
use crate::resources::cacerts_secret::settings::Verify;
use crate::resources::cacerts_secret::trust;
use crate::resources::mesh::{Asked, Ends, Publishing, Shown, Untold};
use crate::resources::words;
use crate::terraform::Diagnostic;

/// What a look found.
pub(super) enum Found {
    /// It is used, as far as this way of looking tells.
    Taken {
        /// `pods` or `root`.
        by: &'static str,
        /// In words, for the state.
        found: String,
    },
    /// Nothing could be found out.
    Unknown {
        /// In words, for the state.
        found: String,
    },
    /// It is not used, and the time is over.
    NotTaken {
        /// `pods` or `root`.
        by: &'static str,
        /// One line for each that does not.
        lines: Vec<String>,
    },
}

/// Where it shows what the istiods use.
pub(super) struct Witnesses<'a> {
    asked: Asked<'a>,
    /// The ConfigMap with the roots that they hand on.
    pub(super) published_in: ConfigMapName,
}

impl<'a> Witnesses<'a> {
    /// Those of these istiods that load the Secret.
    pub(super) fn among(istiods: &'a [Deployment], secret: &str) -> Self {
        Self {
            asked: Asked::by(istiods, secret),
            published_in: Publishing::of(istiods, secret).name(),
        }
    }

    /// Where nobody may see the istiods: all pods, and the ConfigMap that was known before.
    pub(super) fn unseen(published_in: &ConfigMapName) -> Self {
        Self {
            asked: Asked::All,
            published_in: published_in.clone(),
        }
    }
}

/// How long a pod may take to answer.
const EACH: Duration = Duration::from_secs(10);

/// How often a pod is asked that does not answer.
const TRIES: u32 = 3;

/// How often it is looked whether one that runs is ready: a minute and a half.
const UNREADY: u32 = 45;

/// What is known of one pod.
enum Told {
    Shows(Shown),
    Silent { tries: u32, error: String },
    Unready { looks: u32 },
}

impl Takeup<'_> {
    /// Looks in the way that the user wants, and in the next best where a right is missing; `None` if not at all.
    pub(super) async fn verify(
        &self,
        witnesses: &Witnesses<'_>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Option<Found> {
        match self.settings.verify {
            Verify::None => return None,
            Verify::Root => {}
            Verify::Pods => match self.by_pods(&witnesses.asked, warnings).await {
                Ok(Some(found)) => return Some(found),
                // The gauges cannot tell, as where only a root has come.
                Ok(None) => {}
                Err(error) => warnings.push(words::pods_unseen(self.instance, &error)),
            },
        }
        Some(self.by_root(&witnesses.published_in, warnings).await)
    }

    async fn by_pods(
        &self,
        asked: &Asked<'_>,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<Option<Found>, Error> {
        let mut told = BTreeMap::new();
        let mut nudge = self.settings.nudge_kubelet;
        loop {
            let pods = self.cluster.istiod_pods(&self.namespace).await?;
            let serving = pods.into_iter().filter(serves);
            let (pods, others): (Vec<Pod>, Vec<Pod>) = serving.partition(|pod| asked.is(pod));
            let others = others.len();
            told.retain(|uid: &String, _| pods.iter().any(|pod| pod.uid == *uid));
            for pod in &pods {
                if !told.get(&pod.uid).is_some_and(Told::is_settled) {
                    let before = told.remove(&pod.uid);
                    let mut now = self.ask(pod, before).await?;
                    if let Told::Shows(shown) = &mut now
                        && asked.may_sign_elsewhere(pod)
                    {
                        *shown = shown.if_it_signs();
                    }
                    told.insert(pod.uid.clone(), now);
                }
            }
            if told.values().all(Told::is_settled) {
                return Ok(summary(&pods, &told, others));
            }
            if std::mem::take(&mut nudge) {
                warnings.extend(self.nudge(&pods).await);
            }
            if !self.may_look_again().await {
                return Ok(summary(&pods, &told, others));
            }
        }
    }

    /// A missing right is everybody's; whatever else is wrong is this pod's.
    async fn ask(&self, pod: &Pod, before: Option<Told>) -> Result<Told, Error> {
        if !pod.ready {
            let looks = match before {
                Some(Told::Unready { looks }) => looks + 1,
                _ => 1,
            };
            return Ok(Told::Unready { looks });
        }
        let asked = self.cluster.istiod_expiries(&self.namespace, pod);
        let error = match tokio::time::timeout(EACH, asked).await {
            Ok(Ok(gauges)) => {
                let shown = Shown::by(&gauges, pod, self.wrote.ends, self.ends_before());
                return Ok(Told::Shows(shown));
            }
            Ok(Err(error)) if is_denied(&error) => return Err(error),
            Ok(Err(error)) => error.problem.to_string(),
            Err(_) => format!("no answer within {} s", EACH.as_secs()),
        };
        let tries = match before {
            Some(Told::Silent { tries, .. }) => tries + 1,
            _ => 1,
        };
        Ok(Told::Silent { tries, error })
    }

    /// What was there before the bundle that is looked for: before this write, or before that of the run that is
    /// looked after.
    pub(super) fn ends_before(&self) -> Option<Ends> {
        let unverified = self.prior.and_then(|prior| prior.private.unverified);
        if let Some(before) = unverified.filter(|_| !self.wrote.differs) {
            return before.former;
        }
        let live = self.present.live();
        Some(Ends {
            chain: live.certificate()?.not_after(),
            root: live.roots().first()?.not_after(),
        })
    }

    async fn nudge(&self, pods: &[Pod]) -> Option<Diagnostic> {
        for pod in pods {
            let nudged = self
                .cluster
                .nudge_istiod(&self.namespace, pod, self.call.now);
            if let Err(error) = nudged.await {
                return Some(words::not_nudged(self.instance, &error));
            }
        }
        None
    }

    /// Whether the roots that istiod hands on are those that were written. That it signs with the new certificate does
    /// not follow where the roots are the same.
    async fn by_root(&self, name: &ConfigMapName, warnings: &mut Vec<Diagnostic>) -> Found {
        loop {
            let published = trust::published(self.cluster, self.at, name).await;
            let shown = match published {
                Ok(Some((_, pem))) => Ok(pem),
                Ok(None) => {
                    let found = "no istiod has handed on any roots yet".to_owned();
                    return Found::Unknown { found };
                }
                Err(error) if is_denied(&error) => {
                    warnings.push(words::root_unseen(self.instance, &error));
                    let found = "what istiod uses could not be seen".to_owned();
                    return Found::Unknown { found };
                }
                Err(error) => Err(error.to_string()),
            };
            if shown.as_ref() == Ok(&self.wrote.roots) {
                let found = "istiod hands on the trusted roots".to_owned();
                return Found::Taken { by: "root", found };
            }
            if !self.may_look_again().await {
                let other = || format!("the ConfigMap {name} has other roots than root-cert.pem");
                let lines = vec![shown.err().unwrap_or_else(other)];
                return Found::NotTaken { by: "root", lines };
            }
        }
    }
}

impl Found {
    /// So many pods more were there, of istiods that do not load the Secret.
    fn beside(mut self, others: usize) -> Self {
        let told = match others {
            0 => return self,
            1 => "1 other was not asked, as its istiod does not load the Secret".to_owned(),
            _ => format!("{others} others were not asked, as their istiods do not load the Secret"),
        };
        match &mut self {
            Self::Taken { found, .. } | Self::Unknown { found } => {
                *found = format!("{found}; {told}");
            }
            // What is wrong is said of those that were asked.
            Self::NotTaken { .. } => {}
        }
        self
    }
}

impl Told {
    /// Whether asking again would tell nothing else.
    fn is_settled(&self) -> bool {
        match self {
            Self::Shows(shown) => !shown.may_follow(),
            Self::Silent { tries, .. } => *tries >= TRIES,
            Self::Unready { looks } => *looks >= UNREADY,
        }
    }
}

fn serves(pod: &Pod) -> bool {
    !pod.deleting && pod.phase == "Running"
}

fn is_denied(error: &Error) -> bool {
    matches!(error.problem, Problem::Forbidden { .. })
}

/// `None` where all pods that answer show ends that the former bundle had, too. Of the `others` is said that they were
/// not asked.
fn summary(pods: &[Pod], told: &BTreeMap<String, Told>, others: usize) -> Option<Found> {
    let shown = told.values().filter_map(|told| match told {
        Told::Shows(shown) => Some(*shown),
        Told::Silent { .. } | Told::Unready { .. } => None,
    });
    let alike = |shown: Shown| shown == Shown::Untold(Untold::SameEnds);
    let shown: Vec<Shown> = shown.collect();
    if !shown.is_empty() && shown.into_iter().all(alike) {
        return None;
    }
    Some(told_of(pods, told).beside(others))
}

fn told_of(pods: &[Pod], told: &BTreeMap<String, Told>) -> Found {
    let (mut new, mut silent, mut other) = (0_u32, Vec::new(), Vec::new());
    for pod in pods {
        let name = &pod.name;
        match told.get(&pod.uid) {
            Some(Told::Shows(Shown::New)) => new += 1,
            Some(Told::Shows(Shown::Untold(why))) => {
                silent.push(format!("{name} {}", untold(*why)))
            }
            Some(Told::Silent { error, .. }) => {
                silent.push(format!("{name} does not answer: {error}"))
            }
            Some(Told::Unready { .. }) => silent.push(format!("{name} is not ready")),
            Some(Told::Shows(shown)) => other.push(format!("{name} {}", shows(*shown))),
            None => {}
        }
    }
    if !other.is_empty() {
        let lines = [other, silent].concat();
        return Found::NotTaken { by: "pods", lines };
    }
    let counted = match new {
        1 => "1 pod of istiod uses the new CA".to_owned(),
        _ => format!("{new} pods of istiod use the new CA"),
    };
    match (new, silent.as_slice()) {
        (0, []) => Found::Unknown {
            found: "no pod of istiod that loads the Secret runs".to_owned(),
        },
        (0, silent) => Found::Unknown {
            found: silent.join("; "),
        },
        (_, []) => Found::Taken {
            by: "pods",
            found: counted,
        },
        (_, silent) => Found::Taken {
            by: "pods",
            found: format!("{counted}; {}", silent.join("; ")),
        },
    }
}

fn untold(why: Untold) -> &'static str {
    match why {
        Untold::SinceItsStart => "shows only what it started with, as releases before 1.24 do",
        Untold::SameEnds => "shows an end that the former CA had, too",
        Untold::MaySignElsewhere => {
            "shows no CA, and it cannot be seen whether it is told to leave signing to somebody else"
        }
    }
}

fn shows(shown: Shown) -> String {
    match shown {
        Shown::New | Shown::Untold(_) => "uses the new CA".to_owned(),
        Shown::Old => "still uses the former CA".to_owned(),
        Shown::SelfSigned => "signs with a CA of its own".to_owned(),
        Shown::Other(gauges) => {
            let end = |end: Option<jiff::Timestamp>| {
                end.map_or_else(|| "never".to_owned(), |end| end.to_string())
            };
            format!(
                "uses another CA, which ends at {}, with a root that ends at {}",
                end(gauges.chain),
                end(gauges.root)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::istiod::{Expiries, samples};

    /// What is concluded of pods of which this is known.
    fn concluded(told: Vec<Told>) -> Option<Found> {
        concluded_beside(0, told)
    }

    fn concluded_beside(others: usize, told: Vec<Told>) -> Option<Found> {
        let pods: Vec<Pod> = (0..told.len())
            .map(|place| samples::pod(&format!("istiod-{place}"), |_| {}))
            .collect();
        let told = pods.iter().map(|pod| pod.uid.clone()).zip(told).collect();
        summary(&pods, &told, others)
    }

    fn silent() -> Told {
        let error = "no route".to_owned();
        Told::Silent { tries: 3, error }
    }

    fn shows(shown: Shown) -> Told {
        Told::Shows(shown)
    }

    #[test]
    fn it_is_taken_up_only_if_no_pod_says_otherwise() {
        let taken = concluded(vec![shows(Shown::New), shows(Shown::New)]);
        assert!(matches!(taken, Some(Found::Taken { by: "pods", found })
            if found == "2 pods of istiod use the new CA"));
        let old = concluded(vec![shows(Shown::New), shows(Shown::Old), silent()]);
        let Some(Found::NotTaken { lines, .. }) = old else {
            panic!("one pod has the former CA")
        };
        let expected = [
            "istiod-1 still uses the former CA",
            "istiod-2 does not answer: no route",
        ];
        assert_eq!(lines, expected);
        let own = concluded(vec![shows(Shown::SelfSigned)]);
        assert!(matches!(own, Some(Found::NotTaken { .. })));
        let other = concluded(vec![shows(Shown::Other(Expiries::default()))]);
        assert!(matches!(other, Some(Found::NotTaken { .. })));
    }

    #[test]
    fn a_pod_that_says_nothing_is_told_and_proves_nothing() {
        let some = concluded(vec![shows(Shown::New), silent()]);
        assert!(matches!(some, Some(Found::Taken { found, .. })
            if found == "1 pod of istiod uses the new CA; istiod-1 does not answer: no route"));
        let start = Shown::Untold(Untold::SinceItsStart);
        for told in [vec![silent()], vec![shows(start)], Vec::new()] {
            assert!(matches!(concluded(told), Some(Found::Unknown { .. })));
        }
    }

    #[test]
    fn pods_that_were_not_asked_are_told_of_and_not_counted() {
        for (others, expected) in [
            (
                1,
                "1 pod of istiod uses the new CA; 1 other was not asked, as its istiod does not load the Secret",
            ),
            (
                2,
                "1 pod of istiod uses the new CA; 2 others were not asked, as their istiods do not load the Secret",
            ),
        ] {
            let Some(Found::Taken { found, .. }) =
                concluded_beside(others, vec![shows(Shown::New)])
            else {
                panic!("it is taken up")
            };
            assert_eq!(found, expected);
        }
        let none = concluded_beside(1, Vec::new());
        assert!(matches!(none, Some(Found::Unknown { found })
            if found.starts_with("no pod of istiod that loads the Secret runs; 1 other")));
    }

    #[test]
    fn bundles_that_end_alike_are_left_to_another_look() {
        let alike = || shows(Shown::Untold(Untold::SameEnds));
        assert!(concluded(vec![alike(), silent()]).is_none());
        assert!(concluded(vec![alike(), shows(Shown::Old)]).is_some());
    }
}
