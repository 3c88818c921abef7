//! What clusters of one mesh know of each other's trust: a certificate is good in another cluster only
//! once the workloads there trust its root, too.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::steps::{Published, Tenure, Trust, after};
use crate::pki::{Certificate, Fingerprint};

/// What a cluster of the mesh makes of a root that its workloads trust, or that its CA leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// From when on its workloads trust it; nothing while no istiod hands it on.
    pub since: Option<Timestamp>,
    /// From when on nothing was signed under it any more; nothing while it is, or if it never was.
    pub left: Option<Timestamp>,
    /// Whether that cluster's CA leads to it; nothing where nobody knows.
    pub signing: Option<bool>,
}

/// What a cluster makes of roots, by their SHA-256; nothing where there is no mesh yet.
pub type KnownRoots = BTreeMap<Fingerprint, Known>;

/// Other clusters of the mesh by name.
pub type Peers = BTreeMap<String, KnownRoots>;

/// A change of roots that workloads of another cluster would not survive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerMisstep {
    /// Which cluster.
    pub peer: String,
    /// The root that it is about.
    pub root: Certificate,
    /// What it makes of that.
    pub why: Estranged,
}

/// Why workloads of two clusters would refuse each other's certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estranged {
    /// The peer does not trust the root that the new CA leads to.
    Untrusted,
    /// Not everybody there may trust that root yet.
    NotYetTrusted {
        /// From when on its CA may sign.
        from: Timestamp,
    },
    /// The peer signs under a root that would no longer be trusted.
    InUse,
    /// Workloads there may still have certificates under it.
    StillInUse {
        /// From when on it may go.
        from: Timestamp,
    },
    /// Nobody can see what the peer will trust, and under which root it will sign: its Secret is not there.
    Unseen,
}

/// What stands against signing under the root where a peer knows these.
fn against_signing(
    known: &KnownRoots,
    root: &Certificate,
    now: Timestamp,
    overlap: SignedDuration,
) -> Option<Estranged> {
    let Some(since) = known.get(&root.sha256()).and_then(|known| known.since) else {
        return Some(Estranged::Untrusted);
    };
    let from = after(since, overlap);
    let early = (from > now).then_some(Estranged::NotYetTrusted { from });
    early.or_else(|| unseen(known))
}

/// What stands against trusting the root no longer where a peer knows these.
fn against_dropping(
    known: &KnownRoots,
    root: &Certificate,
    now: Timestamp,
    overlap: SignedDuration,
) -> Option<Estranged> {
    match known.get(&root.sha256()) {
        Some(known) => known.against_dropping(now, overlap),
        None => unseen(known),
    }
}

/// That of a peer which signs under nobody knows which root nothing can be said.
fn unseen(known: &KnownRoots) -> Option<Estranged> {
    let unseen = known.values().all(|known| known.signing.is_none());
    unseen.then_some(Estranged::Unseen)
}

impl Known {
    /// What stands against trusting the root no longer.
    fn against_dropping(self, now: Timestamp, overlap: SignedDuration) -> Option<Estranged> {
        match (self.signing, self.left) {
            (Some(true), _) | (None, None) => Some(Estranged::InUse),
            // Of a root that nothing was ever signed under, nobody has a certificate.
            (Some(false), None) => None,
            (_, Some(left)) => {
                let from = after(left, overlap);
                (from > now).then_some(Estranged::StillInUse { from })
            }
        }
    }
}

impl Trust {
    /// What workloads of other clusters would not survive of trusting `roots` here under a CA that
    /// leads to `own`.
    ///
    /// `overlap` is how long every workload takes to follow. Going on under the root that signs
    /// already changes nothing for anybody.
    pub fn peer_missteps(
        &self,
        peers: &Peers,
        own: &Certificate,
        roots: &[Certificate],
        now: Timestamp,
        overlap: SignedDuration,
    ) -> Vec<PeerMisstep> {
        let steps = self.signing.as_ref() != Some(own);
        let dropped = self.roots.iter().filter(|root| !roots.contains(root));
        let dropped: Vec<&Certificate> = dropped.collect();
        let meshes = peers.iter().filter(|(_, known)| !known.is_empty());
        let found = meshes.flat_map(|(peer, known)| {
            let signing = steps.then(|| (own, against_signing(known, own, now, overlap)));
            let dropping = |root| (root, against_dropping(known, root, now, overlap));
            let all = signing
                .into_iter()
                .chain(dropped.iter().copied().map(dropping));
            let found = all.filter_map(|(root, why)| {
                Some(PeerMisstep {
                    peer: peer.clone(),
                    root: root.clone(),
                    why: why?,
                })
            });
            found.collect::<Vec<_>>()
        });
        found.collect()
    }

    /// The trust in want of a Secret, by what an istiod publishes alone.
    pub fn of_published(published: &Published) -> Self {
        let since = published.since;
        let tenures = published.roots.iter().filter_map(|root| {
            let (since, left) = (since?, None);
            Some((root.sha256(), Tenure { since, left }))
        });
        Self {
            roots: published.roots.clone(),
            tenures: tenures.collect(),
            ..Self::default()
        }
    }

    /// What other clusters are to know: of each root that an istiod hands on, where that can be seen, and trusted for no
    /// longer than it does; and of the root that the CA leads to in any case, for that is what it signs under once istiod
    /// has taken it up.
    pub fn known(&self) -> KnownRoots {
        let published = self.published.as_ref();
        let published = published.and_then(|published| published.since);
        let published = published.unwrap_or(Timestamp::MIN);
        let unpublished = self.unpublished();
        let known = self.roots.iter().filter_map(|root| {
            let tenure = self.tenures.get(&root.sha256());
            let signing = self.signing.as_ref().map(|signing| signing == root);
            let handed_on = tenure.filter(|_| !unpublished.contains(&root));
            let known = Known {
                since: handed_on.map(|tenure| tenure.since.max(published)),
                left: tenure.and_then(|tenure| tenure.left),
                signing,
            };
            let counts = known.since.is_some() || signing == Some(true);
            counts.then(|| (root.sha256(), known))
        });
        known.collect()
    }

    /// The roots that are written and that no istiod hands on, so that no workload knows of them.
    pub fn unpublished(&self) -> Vec<&Certificate> {
        let Some(published) = &self.published else {
            return Vec::new();
        };
        let unknown = self.roots.iter();
        unknown
            .filter(|root| !published.roots.contains(root))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, Spec};

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + hour * 3600).expect("a moment")
    }

    fn known(since: i64, left: Option<i64>, signing: Option<bool>) -> Known {
        let (since, left) = (Some(hour(since)), left.map(hour));
        Known {
            since,
            left,
            signing,
        }
    }

    fn peer(name: &str, roots: &[(&Certificate, Known)]) -> (String, BTreeMap<Fingerprint, Known>) {
        let roots = roots.iter().map(|(root, known)| (root.sha256(), *known));
        (name.to_owned(), roots.collect())
    }

    /// A cluster that trusts both roots and signs under the first.
    fn trust(roots: &[&Certificate]) -> Trust {
        Trust {
            roots: roots.iter().map(|root| (*root).clone()).collect(),
            signing: roots.first().map(|root| (*root).clone()),
            ..Trust::default()
        }
    }

    fn found(
        trust: &Trust,
        peers: &Peers,
        own: &Certificate,
        to: &[&Certificate],
        at: i64,
    ) -> Vec<(String, Estranged)> {
        let to: Vec<Certificate> = to.iter().map(|root| (*root).clone()).collect();
        let found = trust
            .peer_missteps(peers, own, &to, hour(at), DAY)
            .into_iter();
        found
            .map(|PeerMisstep { peer, why, .. }| (peer, why))
            .collect()
    }

    #[test]
    fn a_root_signs_once_every_peer_has_trusted_it_for_long_enough() {
        let (old, new) = (root("old"), root("new"));
        let used = known(0, None, Some(true));
        let peers = Peers::from([
            peer("a", &[(&old, used), (&new, known(0, None, Some(false)))]),
            peer("b", &[(&old, used), (&new, known(2, None, None))]),
            peer("c", &[(&old, used)]),
            peer("none yet", &[]),
        ]);
        let live = trust(&[&old, &new]);
        let step = |at| found(&live, &peers, &new, &[&old, &new], at);
        let early = |name: &str, from| {
            let from = hour(from);
            (name.to_owned(), Estranged::NotYetTrusted { from })
        };
        let never = ("c".to_owned(), Estranged::Untrusted);
        assert_eq!(step(3), [early("a", 24), early("b", 26), never.clone()]);
        assert_eq!(step(24), [early("b", 26), never.clone()]);
        assert_eq!(step(26), [never]);
        assert_eq!(
            found(&live, &peers, &old, &[&old, &new], 0),
            [],
            "it goes on"
        );
        assert_eq!(found(&live, &Peers::new(), &new, &[&old, &new], 0), []);
    }

    #[test]
    fn a_root_goes_once_no_peer_has_anything_under_it() {
        let (old, new) = (root("old"), root("new"));
        let left = known(0, Some(9), Some(false));
        let peers = Peers::from([
            peer("signs", &[(&old, known(0, None, Some(true)))]),
            peer("may sign", &[(&old, known(0, None, None))]),
            peer(
                "left it",
                &[(&old, left), (&new, known(0, None, Some(true)))],
            ),
            peer("never did", &[(&old, known(0, None, Some(false)))]),
            peer("knows not", &[(&new, known(0, None, Some(true)))]),
        ]);
        let live = trust(&[&new, &old]);
        let drop = |at| found(&live, &peers, &new, &[&new], at);
        let in_use = |name: &str| (name.to_owned(), Estranged::InUse);
        let still = (
            "left it".to_owned(),
            Estranged::StillInUse { from: hour(33) },
        );
        assert_eq!(drop(32), [still, in_use("may sign"), in_use("signs")]);
        assert_eq!(drop(33), [in_use("may sign"), in_use("signs")]);
    }

    #[test]
    fn a_cluster_without_a_ca_of_its_own_joins_under_a_root_that_the_others_trust() {
        let (old, new) = (root("old"), root("new"));
        let peers = Peers::from([peer("a", &[(&old, known(0, None, Some(true)))])]);
        let nothing = Trust::default();
        assert_eq!(found(&nothing, &peers, &old, &[&old], 24), []);
        let never = ("a".to_owned(), Estranged::Untrusted);
        assert_eq!(found(&nothing, &peers, &new, &[&new], 24), [never]);
    }

    fn root(name: &str) -> Certificate {
        Ca::root(Spec::ca(name)).certificate
    }

    #[test]
    fn no_step_is_taken_while_nobody_sees_what_a_peer_will_make_of_it() {
        let (own, old, new) = (root("self-signed"), root("old"), root("new"));
        let peers = Peers::from([
            peer("signs by itself", &[(&own, known(0, None, None))]),
            peer("tells", &[(&new, known(0, None, Some(true)))]),
        ]);
        let live = trust(&[&new, &old]);
        let unseen = ("signs by itself".to_owned(), Estranged::Unseen);
        assert_eq!(found(&live, &peers, &new, &[&new], 99), [unseen]);
        assert_eq!(found(&live, &peers, &new, &[&new, &old], 99), []);
        let handed_on = known(0, None, None);
        let peers = Peers::from([peer("lost it", &[(&old, handed_on), (&new, handed_on)])]);
        let unseen = ("lost it".to_owned(), Estranged::Unseen);
        let step = |at| found(&live, &peers, &old, &[&new, &old], at);
        assert_eq!(step(24), [unseen]);
        let from = hour(24);
        let early = ("lost it".to_owned(), Estranged::NotYetTrusted { from });
        assert_eq!(step(23), [early]);
    }

    #[test]
    fn a_root_that_a_peer_will_sign_under_neither_goes_nor_counts_as_trusted_there() {
        let (old, new) = (root("old"), root("new"));
        let written = Known {
            since: None,
            ..known(0, None, Some(true))
        };
        let peers = Peers::from([peer("restarts", &[(&old, written)])]);
        let in_use = ("restarts".to_owned(), Estranged::InUse);
        let drops = found(&trust(&[&new, &old]), &peers, &new, &[&new], 99);
        assert_eq!(drops, [in_use]);
        let never = ("restarts".to_owned(), Estranged::Untrusted);
        let signs = found(&trust(&[&new, &old]), &peers, &old, &[&new, &old], 99);
        assert_eq!(signs, [never]);
    }

    #[test]
    fn a_root_counts_once_an_istiod_hands_it_on() {
        let (old, new) = (root("old"), root("new"));
        let tenure = |since| Tenure {
            since: hour(since),
            left: None,
        };
        let mut trust = Trust {
            roots: vec![old.clone(), new.clone()],
            tenures: [(old.sha256(), tenure(0)), (new.sha256(), tenure(5))].into(),
            ..Trust::default()
        };
        let since = |trust: &Trust| -> Vec<(Fingerprint, Option<Timestamp>)> {
            let known = trust.known().into_iter();
            known.map(|(root, known)| (root, known.since)).collect()
        };
        let expected = |mut roots: Vec<(&Certificate, Option<i64>)>| {
            roots.sort_by_key(|(root, _)| root.sha256());
            let roots = roots.into_iter();
            let roots = roots.map(|(root, since)| (root.sha256(), since.map(hour)));
            roots.collect::<Vec<_>>()
        };
        let all = expected(vec![(&old, Some(0)), (&new, Some(5))]);
        assert_eq!(since(&trust), all, "nobody says otherwise");
        let published = |roots: &[&Certificate], since| Published {
            roots: roots.iter().map(|root| (*root).clone()).collect(),
            since: Some(hour(since)),
        };
        trust.published = Some(published(&[&old], 1));
        assert_eq!(since(&trust), expected(vec![(&old, Some(1))]));
        assert_eq!(trust.unpublished(), [&new]);
        trust.signing = Some(new.clone());
        let both = expected(vec![(&old, Some(1)), (&new, None)]);
        assert_eq!(since(&trust), both, "the CA leads to it all the same");
        assert_eq!(trust.known()[&new.sha256()].signing, Some(true));
        trust.published = Some(published(&[&new, &old], 7));
        let both = expected(vec![(&old, Some(7)), (&new, Some(7))]);
        assert_eq!(since(&trust), both);
        assert!(trust.unpublished().is_empty());
    }

    #[test]
    fn without_a_secret_what_is_published_is_what_is_trusted() {
        let own = root("self-signed");
        let published = Published {
            roots: vec![own.clone()],
            since: Some(hour(3)),
        };
        let trust = Trust::of_published(&published);
        let known = Known {
            since: Some(hour(3)),
            left: None,
            signing: None,
        };
        assert_eq!(trust.known(), [(own.sha256(), known)].into());
        assert!(Trust::default().known().is_empty());
    }
}
