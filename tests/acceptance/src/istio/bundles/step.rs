//! From one bundle to the next.

use super::Noise;
use super::draft::Draft;
use super::recipe::{File, Item, Step, Stranger};
use crate::istio::hierarchy::DAY;
use crate::istio::keys::Owner;

const OURS: Item = Item::Of(0);
const OTHER: Item = Item::Stranger(Stranger::Root);

/// The serial number of a certificate that another one of the same CA has superseded.
const SUPERSEDED: u32 = 7;

/// The bundle before `next`, which becomes what follows on it.
pub(super) fn take(step: Step, next: &mut Draft) -> Draft {
    let mut previous = next.clone();
    match step {
        Step::Same => {}
        Step::Renewed => renew(&mut previous),
        Step::Reissued => reissued(&mut previous, next.path.len() - 1),
        Step::SubRenewed => renew_sub(&mut previous),
        Step::RootAppended => next.roots = vec![OURS, OTHER],
        Step::RootPrepended => next.roots = vec![OTHER, OURS],
        Step::RootsReordered => {
            previous.roots = vec![OURS, OTHER];
            next.roots = vec![OTHER, OURS];
        }
        Step::RootRepeated => {
            previous.roots = vec![OURS, OTHER];
            next.roots = vec![OURS, OTHER, OTHER];
        }
        Step::RootRemoved => previous.roots = vec![OURS, OTHER],
        Step::IssuerSwitched => {
            previous = next.under_the_stranger();
            // There, each is the other.
            previous.roots = vec![OTHER, OURS];
            next.roots = vec![OURS, OTHER];
        }
        Step::RootReplaced => previous = next.under_the_stranger(),
        Step::RootReissued => reissued(&mut previous, 0),
        Step::RootRewritten => previous.text.push((File::Roots, Noise::CrLf)),
    }
    previous
}

fn renew(draft: &mut Draft) {
    draft.intermediate().key.owner = Owner::EarlierIntermediate;
    draft.intermediate().serial = SUPERSEDED;
}

fn renew_sub(draft: &mut Draft) {
    let above = draft.path.len() - 2;
    if above == 0 {
        return renew(draft);
    }
    draft.path[above].key.owner = Owner::EarlierIntermediate;
    draft.path[above].serial = SUPERSEDED;
}

fn reissued(draft: &mut Draft, tier: usize) {
    draft.path[tier].serial = SUPERSEDED;
    draft.path[tier].last(-60 * DAY, 30 * DAY);
}
