//! The steps in which a mesh goes from one root to another, and which of them may be taken when.
//!
//! Workloads learn of new roots, and get new certificates, within half the life of a certificate.
//! So a root is trusted for a while before anything is signed under it, and for as long after the
//! last certificate was.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::pki::{Certificate, Fingerprint};

/// How long a mesh has known a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenure {
    /// From when on it was trusted.
    pub since: Timestamp,
    /// From when on nothing was signed under it any more; nothing while it is, or if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Timestamp>,
}

impl Tenure {
    /// What holds of a root for sure, of which two witnesses tell different things.
    #[must_use]
    pub fn latest(self, other: Self) -> Self {
        Self {
            since: self.since.max(other.since),
            left: self.left.max(other.left),
        }
    }
}

/// What is known of the roots of a mesh, by their SHA-256.
pub type Tenures = BTreeMap<Fingerprint, Tenure>;

/// What the workloads of a mesh trust, and under which roots they have certificates.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trust {
    /// The live trust anchors; none where nothing is live.
    pub roots: Vec<Certificate>,
    /// The root that the live CA leads to. Without one it could be any of them.
    pub signing: Option<Certificate>,
    /// What is known of them.
    pub tenures: Tenures,
    /// What an istiod hands on of them, where that can be seen.
    pub published: Option<Published>,
}

/// The roots that an istiod has told its workloads of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Published {
    /// The roots.
    pub roots: Vec<Certificate>,
    /// Since when, as far as that is known.
    pub since: Option<Timestamp>,
}

/// A change of roots that live workloads would not survive.
#[derive(Debug, Clone, PartialEq)]
pub enum Misstep {
    /// Nobody trusts the root that the new CA leads to.
    Untrusted {
        /// That root.
        root: Certificate,
    },
    /// Not everybody may trust that root yet.
    NotYetTrusted {
        /// That root.
        root: Certificate,
        /// From when on its CA may sign.
        from: Timestamp,
    },
    /// That root is written, but istiod has not taken it up, so no workload knows of it.
    NotPublished {
        /// That root.
        root: Certificate,
    },
    /// The root that the live CA leads to would no longer be trusted.
    InUse {
        /// That root.
        root: Certificate,
    },
    /// Workloads may still have certificates under a root that would no longer be trusted.
    StillInUse {
        /// That root.
        root: Certificate,
        /// From when on it may go.
        from: Timestamp,
    },
}

impl Trust {
    /// What is wrong with trusting `roots`, in this order, under a CA that leads to `own`.
    ///
    /// `overlap` is how long every workload takes to follow: to learn of a root, and to give up its
    /// last certificate.
    pub fn missteps(
        &self,
        own: &Certificate,
        roots: &[Certificate],
        now: Timestamp,
        overlap: SignedDuration,
    ) -> Vec<Misstep> {
        if self.roots.is_empty() {
            return Vec::new();
        }
        let dropped = self.roots.iter().filter(|root| !roots.contains(root));
        let dropped = dropped.filter_map(|root| self.dropping(root, now, overlap));
        let mut found: Vec<Misstep> = self.signing_under(own, now, overlap).into_iter().collect();
        for misstep in dropped {
            if !found.contains(&misstep) {
                found.push(misstep);
            }
        }
        found
    }

    /// What is known of `roots` once they are written, under a CA that leads to `own`, at `now`.
    pub fn tenures_after(
        &self,
        own: &Certificate,
        roots: &[Certificate],
        now: Timestamp,
    ) -> Tenures {
        let tenures = roots.iter().map(|root| {
            let live = self.roots.contains(root);
            // Whoever learnt of a root before it went may have forgotten it since.
            let since = self.since(root).filter(|_| live).unwrap_or(now);
            let left = if root == own {
                None
            } else if live && self.may_sign_under(root) {
                Some(now)
            } else {
                self.tenures
                    .get(&root.sha256())
                    .and_then(|tenure| tenure.left)
            };
            (root.sha256(), Tenure { since, left })
        });
        tenures.collect()
    }

    fn may_sign_under(&self, root: &Certificate) -> bool {
        self.signing.as_ref().is_none_or(|signing| signing == root)
    }

    fn since(&self, root: &Certificate) -> Option<Timestamp> {
        let tenure = self.tenures.get(&root.sha256())?;
        Some(tenure.since)
    }

    fn signing_under(
        &self,
        own: &Certificate,
        now: Timestamp,
        overlap: SignedDuration,
    ) -> Option<Misstep> {
        let root = || own.clone();
        if self.signing.as_ref() == Some(own) {
            return None;
        }
        if !self.roots.contains(own) {
            return Some(Misstep::Untrusted { root: root() });
        }
        let published = self.published.as_ref();
        if published.is_some_and(|published| !published.roots.contains(own)) {
            return Some(Misstep::NotPublished { root: root() });
        }
        let since = published.and_then(|published| published.since);
        let from = after(
            self.since(own)?.max(since.unwrap_or(Timestamp::MIN)),
            overlap,
        );
        (from > now).then(|| Misstep::NotYetTrusted { root: root(), from })
    }

    fn dropping(
        &self,
        root: &Certificate,
        now: Timestamp,
        overlap: SignedDuration,
    ) -> Option<Misstep> {
        let in_use = self.may_sign_under(root);
        let root = || root.clone();
        if in_use {
            return Some(Misstep::InUse { root: root() });
        }
        // Of a root that nothing was ever signed under, nobody has a certificate.
        let left = self.tenures.get(&root().sha256())?.left?;
        let from = after(left, overlap);
        (from > now).then(|| Misstep::StillInUse { root: root(), from })
    }
}

pub(super) fn after(moment: Timestamp, overlap: SignedDuration) -> Timestamp {
    moment.checked_add(overlap).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::roots::merge;
    use crate::pki::testing::{Ca, Spec};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static ROOTS: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
        ["a", "b", "c"]
            .map(|name| Ca::root(Spec::ca(name)).certificate)
            .to_vec()
    });

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn root(letter: char) -> Certificate {
        ROOTS[usize::from(letter as u8 - b'a')].clone()
    }

    fn roots(letters: &str) -> Vec<Certificate> {
        letters.chars().map(root).collect()
    }

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hour * 3600).unwrap()
    }

    /// A mesh that trusts these roots, each since that hour, and signs under one of them.
    fn trust(known: &[(char, i64, Option<i64>)], signing: Option<char>) -> Trust {
        let tenures = known.iter().map(|(letter, since, left)| {
            let tenure = Tenure {
                since: hour(*since),
                left: left.map(hour),
            };
            (root(*letter).sha256(), tenure)
        });
        Trust {
            roots: known.iter().map(|(letter, ..)| root(*letter)).collect(),
            signing: signing.map(root),
            tenures: tenures.collect(),
            published: None,
        }
    }

    fn missteps(trust: &Trust, own: char, to: &str, at: i64) -> Vec<Misstep> {
        trust.missteps(&root(own), &roots(to), hour(at), DAY)
    }

    #[test]
    fn where_nothing_is_live_nothing_breaks() {
        assert_eq!(missteps(&Trust::default(), 'a', "a", 0), []);
    }

    #[test]
    fn a_further_root_may_come_at_any_time() {
        let live = trust(&[('a', 0, None)], Some('a'));
        assert_eq!(missteps(&live, 'a', "ab", 1), []);
    }

    #[test]
    fn under_a_root_that_nobody_trusts_nothing_is_signed() {
        let live = trust(&[('a', 0, None)], Some('a'));
        let untrusted = || Misstep::Untrusted { root: root('b') };
        assert_eq!(missteps(&live, 'b', "ab", 99), [untrusted()]);
        let in_use = Misstep::InUse { root: root('a') };
        assert_eq!(missteps(&live, 'b', "b", 99), [untrusted(), in_use]);
    }

    #[test]
    fn a_root_is_signed_under_once_everybody_has_had_time_to_learn_of_it() {
        let live = trust(&[('a', 0, None), ('b', 10, None)], Some('a'));
        let early = Misstep::NotYetTrusted {
            root: root('b'),
            from: hour(34),
        };
        assert_eq!(missteps(&live, 'b', "ab", 33), [early]);
        assert_eq!(missteps(&live, 'b', "ab", 34), []);
    }

    #[test]
    fn a_root_that_istiod_has_not_taken_up_is_known_to_nobody() {
        let mut live = trust(&[('a', 0, None), ('b', 10, None)], Some('a'));
        let mut publishes = |letters: &str, since: i64| {
            live.published = Some(Published {
                roots: roots(letters),
                since: Some(hour(since)),
            });
            missteps(&live, 'b', "ab", 99)
        };
        let unknown = Misstep::NotPublished { root: root('b') };
        assert_eq!(publishes("a", 0), [unknown]);
        // Its time counts from when istiod did.
        let early = Misstep::NotYetTrusted {
            root: root('b'),
            from: hour(104),
        };
        assert_eq!(publishes("ab", 80), [early]);
        assert_eq!(publishes("ab", 75), []);
    }

    #[test]
    fn a_root_goes_once_everybody_has_had_time_to_leave_it() {
        let live = trust(&[('a', 0, Some(34)), ('b', 10, None)], Some('b'));
        let early = Misstep::StillInUse {
            root: root('a'),
            from: hour(58),
        };
        assert_eq!(missteps(&live, 'b', "b", 57), [early]);
        assert_eq!(missteps(&live, 'b', "b", 58), []);
    }

    #[test]
    fn a_root_goes_at_once_that_nothing_was_signed_under() {
        let live = trust(&[('a', 0, None), ('b', 0, None)], Some('a'));
        assert_eq!(missteps(&live, 'a', "a", 0), []);
    }

    #[test]
    fn where_it_is_unknown_under_which_root_workloads_are_none_may_go() {
        let live = trust(&[('a', 0, None), ('b', 0, None)], None);
        let in_use = Misstep::InUse { root: root('a') };
        assert_eq!(missteps(&live, 'b', "b", 99), [in_use]);
        assert_eq!(missteps(&live, 'b', "ab", 99), []);
    }

    #[test]
    fn the_way_from_one_root_to_another_takes_three_steps() {
        let own = |letter| root(letter);
        let mut live = trust(&[('a', 0, None)], Some('a'));
        live.tenures = live.tenures_after(&own('a'), &roots("ab"), hour(10));
        live.roots = roots("ab");
        assert_eq!(live, trust(&[('a', 0, None), ('b', 10, None)], Some('a')));

        live.tenures = live.tenures_after(&own('b'), &roots("ab"), hour(40));
        live.signing = Some(root('b'));
        assert_eq!(
            live,
            trust(&[('a', 0, Some(40)), ('b', 10, None)], Some('b'))
        );

        // Whatever is written in between, the moments stay.
        let again = live.tenures_after(&own('b'), &roots("ab"), hour(50));
        assert_eq!(again, live.tenures);
        let last = live.tenures_after(&own('b'), &roots("b"), hour(70));
        assert_eq!(last, trust(&[('b', 10, None)], None).tenures);
    }

    #[test]
    fn a_root_that_is_signed_under_again_has_not_been_left() {
        let live = trust(&[('a', 0, Some(5)), ('b', 0, None)], Some('b'));
        let tenures = live.tenures_after(&root('a'), &roots("ab"), hour(6));
        assert_eq!(
            tenures,
            trust(&[('a', 0, None), ('b', 0, Some(6))], None).tenures
        );
    }

    #[test]
    fn a_root_that_was_away_is_trusted_anew() {
        let mut live = trust(&[('a', 0, None), ('b', 0, Some(5))], Some('a'));
        live.roots = roots("a");
        let tenures = live.tenures_after(&root('a'), &roots("ab"), hour(40));
        assert_eq!(tenures[&root('b').sha256()].since, hour(40));
        assert_eq!(tenures[&root('a').sha256()].since, hour(0));
    }

    #[test]
    fn where_it_is_unknown_under_which_root_workloads_are_all_others_are_left_now() {
        let live = trust(&[('a', 0, None), ('b', 0, Some(5)), ('c', 0, None)], None);
        let tenures = live.tenures_after(&root('a'), &roots("abc"), hour(40));
        let left = |letter| tenures[&root(letter).sha256()].left;
        let now = Some(hour(40));
        assert_eq!((left('a'), left('b'), left('c')), (None, now, now));
    }

    #[test]
    fn of_two_witnesses_the_later_one_counts() {
        let tenure = |since, left: Option<i64>| Tenure {
            since: hour(since),
            left: left.map(hour),
        };
        for (one, other, latest) in [
            (tenure(1, None), tenure(2, None), tenure(2, None)),
            (tenure(1, Some(5)), tenure(1, None), tenure(1, Some(5))),
            (tenure(3, Some(5)), tenure(1, Some(7)), tenure(3, Some(7))),
        ] {
            assert_eq!((one.latest(other), other.latest(one)), (latest, latest));
        }
    }

    proptest! {
        /// The rule behind the rules: workloads that took their last certificate and their roots at
        /// any two moments within the overlap trust each other.
        #[test]
        fn whoever_takes_no_missteps_breaks_no_trust(
            wishes in prop::collection::vec((0..3_usize, "[a-c]{0,3}", 1..20_i64), 1..40),
        ) {
            let mut live = Trust::default();
            let mut history: Vec<(Timestamp, Trust)> = Vec::new();
            let mut now = 0;
            for (own, others, pause) in wishes {
                now += pause;
                let own = ROOTS[own].clone();
                let mut wanted = vec![own.clone()];
                wanted.extend(roots(&others));
                let merged = merge(&live.roots, &wanted);
                if !live.missteps(&own, &merged, hour(now), DAY).is_empty() {
                    continue;
                }
                let tenures = live.tenures_after(&own, &merged, hour(now));
                live = Trust { roots: merged, signing: Some(own), tenures, published: None };
                history.push((hour(now), live.clone()));
                // A workload follows within the overlap: it may stand at any state that was live
                // within it.
                let since = hour(now) - DAY;
                let current = history.iter().enumerate().filter(|(place, _)| {
                    history.get(place + 1).is_none_or(|(ended, _)| *ended > since)
                });
                let states: Vec<&Trust> = current.map(|(_, (_, state))| state).collect();
                for one in &states {
                    for other in &states {
                        let signed_under = one.signing.as_ref().unwrap();
                        prop_assert!(other.roots.contains(signed_under));
                    }
                }
            }
        }
    }
}
