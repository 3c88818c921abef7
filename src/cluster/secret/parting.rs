//! What becomes of a Secret when its resource goes: pure.

use super::Observed;

/// What is to be done with the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// It is ours: delete it.
    Delete,
    /// It is ours: mark it released and leave it.
    Release,
    /// It is not ours (any more): leave it alone.
    Forget,
}

/// Decides what becomes of the observed Secret: only what carries our owner id is touched.
pub fn part(observed: &Observed, owner: &str, delete: bool) -> Parting {
    match observed.owner() {
        Some(live) if live == owner && delete => Parting::Delete,
        // What is being deleted takes no mark, and needs none.
        Some(live) if live == owner && observed.deleting.is_none() && !observed.is_released() => {
            Parting::Release
        }
        _ => Parting::Forget,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::secret::samples::{foreign, observed, ours};

    #[test]
    fn only_what_carries_our_owner_id_is_deleted_or_released() {
        assert_eq!(part(&ours(), "o-1", true), Parting::Delete);
        assert_eq!(part(&ours(), "o-1", false), Parting::Release);
        for delete in [true, false] {
            assert_eq!(part(&ours(), "o-2", delete), Parting::Forget);
            assert_eq!(part(&foreign(|_| ()), "o-1", delete), Parting::Forget);
        }
    }

    #[test]
    fn what_is_released_or_going_already_takes_no_second_mark() {
        assert_eq!(part(&released(), "o-1", false), Parting::Forget);
        assert_eq!(part(&released(), "o-1", true), Parting::Delete);
        let going =
            observed(|json| json["metadata"]["deletionTimestamp"] = json!("2026-11-22T11:00:00Z"));
        assert_eq!(part(&going, "o-1", false), Parting::Forget);
    }

    fn released() -> Observed {
        observed(|json| json["metadata"]["annotations"]["istiopca.io/released"] = json!("true"))
    }
}
