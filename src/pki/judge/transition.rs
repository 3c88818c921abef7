//! From what is live to what is to come, while workloads of both meet.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::finding::Finding;
use super::leaf::{Bearer, Leaf, Role, reachable};
use super::reading::{Reading, format};
use crate::pki::roots::RootsChange;
use crate::pki::{Certificate, Live};

/// Has the leaves of each side verified against the roots of the other.
///
/// A leaf goes on for half a day with what it was given, and so do the roots that come with it.
/// Where the live CA's leaves are refused already, nothing is left to break.
pub(super) fn judge(new: &Reading, live: &Reading, now: Timestamp) -> Vec<Finding> {
    if !is_trusted(live, &live.roots, now) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !is_trusted(new, &live.roots, now) {
        let root = root_of(new);
        found.push(Finding::NewLeaves {
            file: live.format.roots_file(),
            root: root.subject().clone(),
            sha256: root.sha256(),
        });
    }
    if !is_trusted(live, &new.roots, now) {
        let root = root_of(live);
        found.push(Finding::OldLeaves {
            file: new.format.roots_file(),
            root: root.subject().clone(),
            sha256: root.sha256(),
        });
    }
    found
}

/// Whether a workload of that CA is trusted by those with these roots, as a server and as a client.
fn is_trusted(of: &Reading, roots: &[Certificate], now: Timestamp) -> bool {
    let roots = reachable(&of.chain, roots);
    let leaf = Leaf::sign(of, Bearer::Workload, now);
    leaf.is_ok_and(|leaf| {
        let mut roles = [Role::Server, Role::Client].into_iter();
        roles.all(|role| leaf.verify(&of.chain, &roots, role, now).is_ok())
    })
}

/// The root that the chain leads to, to name it.
fn root_of(bundle: &Reading) -> &Certificate {
    let own = bundle
        .roots
        .iter()
        .find(|root| !reachable(&bundle.chain, std::slice::from_ref(root)).is_empty());
    own.unwrap_or(&bundle.signing)
}

/// Whether a running istiod, which compares the bytes of its trust anchors, would drop the update.
pub(super) fn reload(
    files: &BTreeMap<String, Vec<u8>>,
    live: &BTreeMap<String, Vec<u8>>,
) -> Option<Finding> {
    let file = format(files).roots_file();
    let (new, old) = (files.get(file)?, live.get(format(live).roots_file())?);
    (new != old).then(|| Finding::RootsBytes {
        file,
        change: RootsChange::between(Live::read(live).roots(), Live::read(files).roots()),
    })
}
