//! What clusters of one mesh know of each other's trust: a certificate is good in another cluster only
//! once the workloads there trust its root, too.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::steps::{Published, Tenure, Tenures, Trust, after};
use crate::pki::{Certificate, Fingerprint};

/// What another cluster of the mesh makes of a root that its workloads trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// From when on they trust it.
    pub since: Timestamp,
    /// From when on nothing was signed under it any more; nothing while it is, or if it never was.
    pub left: Option<Timestamp>,
    /// Whether that cluster's CA leads to it; nothing where nobody knows.
    pub signing: Option<bool>,
}

/// Other clusters of the mesh by name, and what each makes of the roots that it trusts, by their
/// SHA-256; nothing of one where there is no mesh yet.
pub type Peers = BTreeMap<String, BTreeMap<Fingerprint, Known>>;

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
}

impl Known {
    /// What stands against signing under the root that this is known of.
    fn against_signing(
        this: Option<&Self>,
        now: Timestamp,
        overlap: SignedDuration,
    ) -> Option<Estranged> {
        let Some(known) = this else {
            return Some(Estranged::Untrusted);
        };
        let from = after(known.since, overlap);
        (from > now).then_some(Estranged::NotYetTrusted { from })
    }

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
            let of = |root: &Certificate| known.get(&root.sha256());
            let signing = steps.then(|| Known::against_signing(of(own), now, overlap));
            let signing = signing.flatten().map(|why| (own.clone(), why));
            let dropping = dropped.iter().filter_map(move |root| {
                let why = of(root)?.against_dropping(now, overlap)?;
                Some(((*root).clone(), why))
            });
            let missteps = signing.into_iter().chain(dropping);
            missteps.map(|(root, why)| PeerMisstep {
                peer: peer.clone(),
                root,
                why,
            })
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

    /// What is known of the roots that workloads trust: of those that an istiod hands on, where that
    /// can be seen, and no longer than it does.
    pub fn handed_on(&self) -> Tenures {
        let since = self
            .published
            .as_ref()
            .and_then(|published| published.since);
        let since = since.unwrap_or(Timestamp::MIN);
        let unpublished = self.unpublished();
        let roots = self.roots.iter().filter(|root| !unpublished.contains(root));
        let known = roots.filter_map(|root| {
            let tenure = *self.tenures.get(&root.sha256())?;
            let since = tenure.since.max(since);
            Some((root.sha256(), Tenure { since, ..tenure }))
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
        let (since, left) = (hour(since), left.map(hour));
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
            peer("knows not", &[(&new, known(0, None, None))]),
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
        assert_eq!(trust.handed_on(), trust.tenures, "nobody says otherwise");
        trust.published = Some(Published {
            roots: vec![old.clone()],
            since: Some(hour(1)),
        });
        assert_eq!(trust.handed_on(), [(old.sha256(), tenure(1))].into());
        assert_eq!(trust.unpublished(), [&new]);
        trust.published = Some(Published {
            roots: vec![new.clone(), old.clone()],
            since: Some(hour(7)),
        });
        let both = [(old.sha256(), tenure(7)), (new.sha256(), tenure(7))];
        assert_eq!(trust.handed_on(), both.into());
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
        assert_eq!(trust.handed_on()[&own.sha256()].since, hour(3));
        assert!(Trust::default().handed_on().is_empty());
    }
}
