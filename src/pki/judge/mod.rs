//! What becomes of the mesh when these files are in the Secret: judged before they are written.
//!
//! The judge believes nothing of how the files were made. First it reads them as strictly as the
//! strictest of their readers does (istiod's Go, Envoy's BoringSSL, ztunnel's rustls), then it
//! walks the path from the signing certificate to a root, then it signs a workload's certificate
//! with the key, as istiod would, and has it verified as a client's and as a server's, against
//! these roots and against those that are live. Whatever passes, istiod loads, and its leaves are
//! good with every peer; where a rule is stricter than istiod, its reason stands beside it.

mod certificate;
mod der;
mod extension;
mod finding;
mod form;
mod leaf;
mod line;
mod names;
mod path;
mod public_key;
mod reading;
mod revocation;
mod roots;
mod transition;

use std::collections::BTreeMap;

use jiff::Timestamp;

pub use certificate::CertificateFault;
pub use extension::ExtensionFault;
pub use finding::{Finding, Kind, Named};
pub use form::FormFault;
pub use leaf::{Bearer, Role};
pub use line::{Break, ChainFault};
pub use names::ConstraintFault;
pub use path::PathFault;
pub use public_key::UnfitKey;
pub use reading::KeyFault;
pub use revocation::RevocationFault;

use super::Chain;
use reading::Reading;

/// The data of a Secret: file names and bytes.
type Files = BTreeMap<String, Vec<u8>>;

/// Everything that is to be said about writing `files`, the private key among them, into the
/// Secret at `now`, where `live` is what it holds until then.
///
/// Nothing that stands in the way: no finding [refuses](Finding::refuses). A `live` that cannot be
/// read breaks nothing any more, so nothing is said about the way from it.
pub fn judge(files: &Files, live: Option<&Files>, now: Timestamp) -> Vec<Finding> {
    let mut findings = reading::layout(files);
    match Reading::strict(files) {
        Ok(bundle) => findings.extend(judge_bundle(&bundle, live, now)),
        Err(faults) => findings.extend(faults),
    }
    findings.extend(live.and_then(|live| transition::reload(files, live)));
    findings
}

/// What stands against a mesh's CA below `issuer`, before there is one: all that can be said of the
/// issuer and those above it, named by the files that they would be in.
pub fn judge_issuer(issuer: &Chain, now: Timestamp) -> Vec<Finding> {
    let mut findings = certificate::judge_issuer(issuer);
    if findings.is_empty() {
        findings.extend(path::judge_issuer(issuer, now));
    }
    findings
}

/// The later questions are only asked where the earlier ones have good answers: a leaf under a path
/// that is broken says nothing new.
fn judge_bundle(bundle: &Reading, live: Option<&Files>, now: Timestamp) -> Vec<Finding> {
    let mut findings = certificate::judge(bundle);
    findings.extend(roots::judge(bundle));
    if findings.is_empty() {
        findings.extend(path::judge(bundle, now));
    }
    if findings.is_empty() {
        findings.extend(leaf::judge(bundle, now));
    }
    let live = live.and_then(Reading::lenient);
    if let (true, Some(live)) = (findings.is_empty(), live) {
        findings.extend(transition::judge(bundle, &live, now));
    }
    findings
}

#[cfg(test)]
mod tests;
