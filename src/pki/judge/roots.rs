//! The trust anchors: roots, and nothing else.

use super::finding::{Finding, Named};
use super::reading::Reading;

/// Each root by itself. Expired and unrelated ones may stand beside the chain's own, and one may be
/// there twice: that is how sidecars are made to renew at once.
pub(super) fn judge(bundle: &Reading) -> Vec<Finding> {
    let file = bundle.format.roots_file();
    let strange = bundle
        .roots
        .iter()
        .filter(|root| !root.is_ca() || !root.is_self_signed());
    let found = strange.map(|root| Finding::NotARoot {
        of: Named::new(file, root),
    });
    found.collect()
}
