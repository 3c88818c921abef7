//! What a plan says of it: pure.

use crate::resources::cacerts_secret::Prior;
use crate::resources::cacerts_secret::settings::{RestartIstiod, Settings, Verify};
use crate::resources::mesh::Reason;
use crate::terraform::{Dynamic, Verdict};

/// Completes the verdict over an update that is complete otherwise. `roots_may_change`: whether something else than a
/// renewal is planned that could change the trust anchors or the names of the files.
pub(in crate::resources::cacerts_secret) fn plan(
    verdict: &mut Verdict,
    prior: &Prior,
    settings: &Settings,
    roots_may_change: bool,
) {
    let notes = &prior.private;
    let written = verdict.opens("files_sha256") || verdict.opens("uid");
    let was = (prior.settings.restart_istiod, prior.settings.verify);
    let asked = was != (settings.restart_istiod, settings.verify);
    if !written && notes.owed.is_none() && notes.unverified.is_none() && !asked {
        return;
    }
    if written || notes.owed.is_some() {
        match (settings.restart_istiod, notes.owed) {
            (RestartIstiod::Never, _) => says(verdict, prior, None),
            (_, Some(owed)) => says(verdict, prior, Some(owed.reason)),
            (RestartIstiod::Always, None) => says(verdict, prior, Some(Reason::Always)),
            (RestartIstiod::WhenRequired, None) if roots_may_change => {
                verdict.unknown(&["restart_reason"]);
            }
            (RestartIstiod::WhenRequired, None) => says(verdict, prior, None),
        }
    }
    let unasked = (RestartIstiod::Never, Verify::None);
    if (settings.restart_istiod, settings.verify) != unasked {
        verdict.unknown(&["verified"]);
    } else if prior.outputs.1.verified.is_some() {
        verdict.becomes("verified", Dynamic::Null);
    }
}

fn says(verdict: &mut Verdict, prior: &Prior, reason: Option<Reason>) {
    let word = reason.map(Reason::word);
    if prior.outputs.1.restart_reason.as_deref() != word {
        verdict.becomes("restart_reason", word.map_or(Dynamic::Null, Dynamic::from));
    }
}
