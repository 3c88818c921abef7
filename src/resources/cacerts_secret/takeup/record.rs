//! What is kept of it: in the state for users, in private state for the next run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::pki::Fingerprint;
use crate::resources::mesh::{Ends, Reason};

/// `by` where nothing was verified.
pub(super) const NOTHING: &str = "nothing";

/// What was found of the istiods when the Secret was written last; a constant until it is written again.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(in crate::resources::cacerts_secret) struct Verified {
    /// `pods`, `root` or `nothing`.
    pub(super) by: String,
    /// The certificate that istiod was to use.
    pub(super) certificate_sha256: Fingerprint,
    /// In words.
    pub(super) found: String,
    /// Since when it is so.
    pub(super) since: Timestamp,
}

impl Verified {
    /// The same finding as before is as old as it was.
    pub(super) fn since_it_is_so(self, before: Option<&Self>) -> Self {
        let what = |it: &Self| (it.by.clone(), it.certificate_sha256, it.found.clone());
        match before.filter(|before| what(before) == what(&self)) {
            Some(before) => before.clone(),
            None => self,
        }
    }
}

/// A restart that a plan has still to announce.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(in crate::resources::cacerts_secret) struct Owed {
    /// Why.
    pub(super) reason: Reason,
}

/// A look that is to be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(in crate::resources::cacerts_secret) struct Unverified {
    /// What the gauges show of an istiod that still has what was there before.
    pub(super) former: Option<Ends>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_as_old_as_the_first_run_that_had_it() {
        let finding = |found: &str, since: &str| Verified {
            by: "pods".to_owned(),
            certificate_sha256: Fingerprint::of(b"certificate"),
            found: found.to_owned(),
            since: since.parse().unwrap(),
        };
        let (first, later) = ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z");
        let before = finding("2 pods", first);
        let again = finding("2 pods", later).since_it_is_so(Some(&before));
        assert_eq!(again, before);
        let other = finding("3 pods", later).since_it_is_so(Some(&before));
        assert_eq!(other, finding("3 pods", later));
        assert_eq!(finding("3 pods", later).since_it_is_so(None), other);
    }
}
