//! A step that the other clusters of the mesh are not ready for.

use super::{Instance, UNWRITTEN};
use crate::pki::roots::{Estranged, PeerMisstep};
use crate::terraform::{Diagnostic, Path};

/// Workloads of other clusters would refuse those of this one, or the other way round; nothing where
/// none would.
pub(in crate::resources) fn peers_refuse(
    instance: &Instance,
    missteps: &[PeerMisstep],
) -> Option<Diagnostic> {
    if missteps.is_empty() {
        return None;
    }
    let told: Vec<String> = missteps.iter().map(of_a_peer).collect();
    let moments = missteps.iter().filter_map(|misstep| match misstep.why {
        Estranged::NotYetTrusted { from } | Estranged::StillInUse { from } => Some(from),
        Estranged::Untrusted | Estranged::InUse | Estranged::Unseen => None,
    });
    let only_early = missteps.len() == moments.clone().count();
    let (what, remedy) = match moments.max().filter(|_| only_early) {
        Some(from) => (
            "it is too early for the other clusters",
            format!("Apply this from {from} on; until then this cluster goes on as it is."),
        ),
        None => (
            "the other clusters are not ready for this step",
            PEER_STEPS.to_owned(),
        ),
    };
    let refused = instance.error(what, &[&told.join("\n\n"), UNWRITTEN, &remedy]);
    Some(refused.at(Path::from("peer_trust")))
}

fn of_a_peer(PeerMisstep { peer, root, why }: &PeerMisstep) -> String {
    let root = format!("{} (SHA-256 {})", root.subject(), root.sha256());
    match why {
        Estranged::Untrusted => format!(
            "The certificate leads to the root {root}, which the cluster {peer:?} does not trust: its workloads \
             would refuse every certificate under it."
        ),
        Estranged::NotYetTrusted { from } => format!(
            "The certificate leads to the root {root}, which workloads of the cluster {peer:?} may not all trust \
             before {from}."
        ),
        Estranged::InUse => format!(
            "The root {root} would no longer be trusted here, but the cluster {peer:?} may still sign under it: its \
             workloads would be refused."
        ),
        Estranged::StillInUse { from } => format!(
            "The root {root} would no longer be trusted here, but workloads of the cluster {peer:?} may have \
             certificates under it until {from}."
        ),
        Estranged::Unseen => format!(
            "The step is about the root {root}, and nobody can see what the cluster {peer:?} will make of it: its \
             istiod runs, and there is no Secret (`signing` is null for all roots of its list)."
        ),
    }
}

const PEER_STEPS: &str = "Take each step in every cluster before the next one in any: first add the new root to \
                          `additional_root_pems` everywhere, then, once each cluster has trusted it for \
                          `min_trust_overlap`, issue under it and keep the old one there, then take the old one \
                          out everywhere. A cluster that has lost its Secret, or was not given one yet, gets it \
                          first. To do without the other clusters' consent, leave them out of \
                          `peer_trust` or set `allow_root_replacement = true`.";
