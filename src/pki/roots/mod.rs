//! The trust anchors of a mesh, which may only move in steps.
//!
//! istiod compares root-cert.pem byte for byte and drops a whole update when it changed (before
//! 1.30 even a superset in another order): the order of what is live is kept for ever.

mod peers;
mod steps;

use super::certificate::Certificate;

pub use peers::{Estranged, Known, KnownRoots, PeerMisstep, Peers};
pub use steps::{Misstep, Published, Tenure, Tenures, Trust};

/// The roots to write: live ones that are still wanted in their place, new ones behind them.
///
/// Each root once, by its DER. Merging the result with the same wish again changes nothing.
pub fn merge(live: &[Certificate], wanted: &[Certificate]) -> Vec<Certificate> {
    let kept = live.iter().filter(|root| wanted.contains(root));
    let mut merged: Vec<Certificate> = Vec::new();
    for root in kept.chain(wanted) {
        if !merged.contains(root) {
            merged.push(root.clone());
        }
    }
    merged
}

/// How one list of roots differs from another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RootsChange {
    /// In the second list only.
    pub added: Vec<Certificate>,
    /// In the first list only.
    pub removed: Vec<Certificate>,
    /// The roots in both come in another order, or one of them more or less often.
    pub rearranged: bool,
}

impl RootsChange {
    /// What has to happen to `from` to become `to`.
    pub fn between(from: &[Certificate], to: &[Certificate]) -> Self {
        let (kept_before, removed) = split(from, to);
        let (kept_after, added) = split(to, from);
        Self {
            added,
            removed,
            rearranged: kept_before != kept_after,
        }
    }

    /// Whether nothing changes at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn split(these: &[Certificate], those: &[Certificate]) -> (Vec<Certificate>, Vec<Certificate>) {
    these.iter().cloned().partition(|root| those.contains(root))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, Spec};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static ROOTS: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
        ["a", "b", "c", "d"]
            .map(|name| Ca::root(Spec::ca(name)).certificate)
            .to_vec()
    });

    fn roots(letters: &str) -> Vec<Certificate> {
        letters
            .bytes()
            .map(|letter| ROOTS[usize::from(letter - b'a')].clone())
            .collect()
    }

    fn letters(roots: &[Certificate]) -> String {
        let letter =
            |root: &Certificate| root.subject().as_str().trim_start_matches("CN=").to_owned();
        roots.iter().map(letter).collect()
    }

    #[test]
    fn live_roots_keep_their_place_and_new_ones_follow() {
        for (live, wanted, merged) in [
            ("", "ab", "ab"),
            ("a", "ba", "ab"),
            ("ab", "ba", "ab"),
            ("abc", "cda", "acd"),
            ("abb", "b", "b"),
            ("a", "bb", "b"),
            ("ab", "", ""),
        ] {
            let found = merge(&roots(live), &roots(wanted));
            assert_eq!(letters(&found), merged, "live {live}, wanted {wanted}");
        }
    }

    #[test]
    fn a_change_is_told_by_what_comes_what_goes_and_what_moves() {
        let change = |from, to| RootsChange::between(&roots(from), &roots(to));
        assert!(change("ab", "ab").is_empty());
        let grown = change("ab", "abc");
        assert_eq!(
            (letters(&grown.added), letters(&grown.removed)),
            ("c".into(), String::new())
        );
        assert!(!grown.rearranged && !grown.is_empty());
        let replaced = change("a", "b");
        assert_eq!(
            (letters(&replaced.added), letters(&replaced.removed)),
            ("b".into(), "a".into())
        );
        assert!(change("ab", "ba").rearranged && change("abb", "ab").rearranged);
        assert!(!change("ab", "ba").is_empty());
    }

    proptest! {
        #[test]
        fn merging_again_changes_nothing(live in "[a-d]{0,6}", wanted in "[a-d]{0,6}") {
            let once = merge(&roots(&live), &roots(&wanted));
            prop_assert_eq!(&merge(&once, &roots(&wanted)), &once);
            let mut reversed = roots(&wanted);
            reversed.reverse();
            prop_assert_eq!(&merge(&once, &reversed), &once);
        }

        #[test]
        fn the_result_is_the_wanted_set_and_grows_at_its_end(
            live in "[a-d]{0,6}", wanted in "[a-d]{0,6}",
        ) {
            let merged = letters(&merge(&roots(&live), &roots(&wanted)));
            for letter in "abcd".chars() {
                let times = usize::from(wanted.contains(letter));
                prop_assert_eq!(merged.matches(letter).count(), times);
            }
            let kept: String = merged.chars().take_while(|letter| live.contains(*letter)).collect();
            prop_assert!(merged[kept.len()..].chars().all(|letter| !live.contains(letter)));
        }
    }
}
