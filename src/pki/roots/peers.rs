//! What clusters of one mesh know of each other's trust: a certificate is good in another cluster only
//! once the workloads there trust its root, too.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::steps::{Published, Tenure, Tenures, Trust, after};
use crate::pki::{Certificate, Fingerprint};

/// Since when the workloads of a cluster trust each root, by its SHA-256; empty where there is no mesh
/// yet.
pub type Known = BTreeMap<Fingerprint, Timestamp>;

/// Why the workloads of a cluster would refuse certificates under a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estranged {
    /// They do not trust it.
    Never,
    /// Some may not have learnt of it yet.
    Until(Timestamp),
}

/// The clusters among `peers` whose workloads would refuse certificates under the root `own` at `now`.
///
/// `overlap` is how long every workload takes to learn of a root.
pub fn estranged<'a>(
    peers: &'a BTreeMap<String, Known>,
    own: Fingerprint,
    now: Timestamp,
    overlap: SignedDuration,
) -> Vec<(&'a str, Estranged)> {
    let meshes = peers.iter().filter(|(_, known)| !known.is_empty());
    let refusing = meshes.filter_map(|(name, known)| {
        let why = match known.get(&own) {
            None => Estranged::Never,
            Some(since) => Estranged::Until(after(*since, overlap)),
        };
        let over = matches!(why, Estranged::Until(from) if from <= now);
        (!over).then_some((name.as_str(), why))
    });
    refusing.collect()
}

impl Trust {
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

    fn peers(known: &[(&str, &[(&[u8], i64)])]) -> BTreeMap<String, Known> {
        let peers = known.iter().map(|(name, roots)| {
            let roots = roots
                .iter()
                .map(|(root, since)| (Fingerprint::of(root), hour(*since)));
            ((*name).to_owned(), roots.collect())
        });
        peers.collect()
    }

    fn found<'a>(
        peers: &'a BTreeMap<String, Known>,
        root: &[u8],
        at: i64,
    ) -> Vec<(&'a str, Estranged)> {
        estranged(peers, Fingerprint::of(root), hour(at), DAY)
    }

    #[test]
    fn a_root_is_good_once_every_peer_has_trusted_it_for_long_enough() {
        let peers = peers(&[
            ("a", &[(b"old", 0), (b"new", 0)]),
            ("b", &[(b"old", 0), (b"new", 2)]),
        ]);
        let early = |name, from| (name, Estranged::Until(hour(from)));
        assert_eq!(found(&peers, b"new", 3), [early("a", 24), early("b", 26)]);
        assert_eq!(found(&peers, b"new", 24), [early("b", 26)]);
        assert_eq!(found(&peers, b"new", 26), []);
        assert_eq!(found(&peers, b"old", 26), []);
    }

    #[test]
    fn a_root_that_a_peer_does_not_trust_is_never_good_there() {
        let peers = peers(&[("a", &[(b"old", 0)]), ("none yet", &[])]);
        assert_eq!(found(&peers, b"new", 99), [("a", Estranged::Never)]);
        assert_eq!(found(&BTreeMap::new(), b"new", 0), []);
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
