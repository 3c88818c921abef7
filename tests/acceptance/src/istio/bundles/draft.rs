//! A bundle between words and letters: whose certificates are in which file.

use super::recipe::{Change, Crl, Edit, Fault, File, Item, KeyForm, Layout, Shape};
use super::{Noise, Recipe, step};
use crate::istio::hierarchy::{Authority, Basic, DAY, HOUR};
use crate::istio::keys::{Hash, KeyId, Owner};

/// What will be written.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// From the root to Istio's CA.
    pub(super) path: Vec<Authority>,
    /// The root of another hierarchy.
    pub(super) stranger: Authority,
    pub(super) cert: Vec<Item>,
    pub(super) chain: Vec<Item>,
    pub(super) roots: Vec<Item>,
    pub(super) key: KeyForm,
    pub(super) text: Vec<(File, Noise)>,
    pub(super) crl: Option<Crl>,
    pub(super) layout: Layout,
    /// Files whose content does not matter.
    pub(super) empty: Vec<&'static str>,
}

impl Draft {
    /// The bundle of a recipe, and the one before it.
    pub(super) fn of(recipe: &Recipe) -> (Self, Option<Self>) {
        let mut draft = Self::new(&recipe.shape);
        let previous = recipe.step.map(|step| step::take(step, &mut draft));
        for change in &recipe.changes {
            draft.change(change);
        }
        (draft, previous)
    }

    fn new(shape: &Shape) -> Self {
        let tiers = shape.kinds.len();
        let owners = [Owner::Root, Owner::Sub, Owner::LowerSub];
        let mut path: Vec<Authority> = (0..tiers)
            .map(|tier| {
                let last = tier + 1 == tiers;
                let owner = if last {
                    Owner::Intermediate
                } else {
                    owners[tier]
                };
                let kind = shape.kinds[tier];
                let mut authority = Authority::new(NAMES[owner as usize], KeyId { kind, owner });
                authority.serial = u32::try_from(tier).unwrap_or(0) + 100;
                authority
            })
            .collect();
        if let Some(intermediate) = path.last_mut() {
            intermediate.ends = 90 * DAY;
            intermediate.basic = ca(shape.path_length);
        }
        let stranger = KeyId {
            kind: shape.kinds[0],
            owner: Owner::SecondRoot,
        };
        let below_root: Vec<Item> = (1..tiers).rev().map(Item::Of).collect();
        let mut chain = below_root.clone();
        chain.extend(shape.root_in_chain.then_some(Item::Of(0)));
        let cert = if shape.layout == Layout::Tls {
            below_root
        } else {
            vec![Item::Of(tiers - 1)]
        };
        Self {
            path,
            stranger: Authority::new("Second root", stranger),
            cert,
            chain,
            roots: vec![Item::Of(0)],
            key: KeyForm::Pkcs8,
            text: Vec::new(),
            crl: None,
            layout: shape.layout,
            empty: Vec::new(),
        }
    }

    /// The hierarchy under the other root, with a key for Istio's CA that is not this one's; the
    /// roots change places.
    #[must_use]
    pub(super) fn under_the_stranger(&self) -> Self {
        let mut other = self.clone();
        std::mem::swap(&mut other.path[0], &mut other.stranger);
        other.intermediate().key.owner = Owner::EarlierIntermediate;
        other
    }

    pub(super) fn intermediate(&mut self) -> &mut Authority {
        let last = self.path.len() - 1;
        &mut self.path[last]
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Authority(tier, fault) => self.make_odd(*tier, fault),
            Change::List(file, edit) => {
                let list = match file {
                    File::Cert => &mut self.cert,
                    File::Chain => &mut self.chain,
                    File::Roots => &mut self.roots,
                    File::Key => return,
                };
                edit.apply(list);
            }
            Change::Text(file, noise) => self.text.push((*file, *noise)),
            Change::Key(form) => self.key = *form,
            Change::Crl(crl) => self.crl = Some(*crl),
            Change::IstioGenerated => self.empty.push("istio-generated"),
            Change::UnknownFile => self.empty.push("notes.txt"),
        }
    }

    fn make_odd(&mut self, tier: usize, fault: &Fault) {
        let issuer = self.path.get(tier.saturating_sub(1)).cloned();
        let (Some(authority), Some(issuer)) = (self.path.get_mut(tier), issuer) else {
            return;
        };
        let stranger = KeyId {
            kind: issuer.key.kind,
            owner: Owner::Stranger,
        };
        match fault {
            Fault::PathLength(length) => authority.basic = ca(*length),
            Fault::NotCa => {
                authority.basic = Some(Basic {
                    ca: false,
                    path_length: None,
                });
            }
            Fault::NoBasic => authority.basic = None,
            Fault::Usage(usage) => authority.usage = *usage,
            Fault::Purposes(purposes) => authority.purposes.clone_from(purposes),
            Fault::Names(names) => authority.names = Some(names.clone()),
            Fault::Expired => authority.last(-30 * DAY, -DAY),
            Fault::NotYet => authority.last(DAY, 30 * DAY),
            Fault::EndsIn(hours) => authority.ends = hours * HOUR,
            Fault::Sha1 => authority.hash = Hash::Sha1,
            Fault::Identifiers(identifiers) => authority.identifiers = *identifiers,
            Fault::OtherIssuerName => authority.issuer_name = Some("Somebody".to_owned()),
            Fault::OtherSigner => authority.signed_by = Some(stranger),
            Fault::NamedLikeIssuer => authority.name = issuer.name,
            Fault::UnknownCritical => authority.unknown_critical = true,
        }
    }
}

impl Authority {
    /// Gives it a certificate for another time.
    pub(super) fn last(&mut self, begins: i64, ends: i64) {
        (self.begins, self.ends) = (begins, ends);
    }
}

impl Edit {
    fn apply(self, list: &mut Vec<Item>) {
        let has = |at: usize| at < list.len();
        match self {
            Self::Drop(at) if has(at) => {
                list.remove(at);
            }
            Self::Repeat(at) if has(at) => list.push(list[at]),
            Self::Swap(a, b) if has(a) && has(b) => list.swap(a, b),
            Self::Reverse => list.reverse(),
            Self::Append(item) => list.push(item),
            Self::Prepend(item) => list.insert(0, item),
            Self::Replace(at, item) if has(at) => list[at] = item,
            Self::Clear => list.clear(),
            Self::Drop(_) | Self::Repeat(_) | Self::Swap(..) | Self::Replace(..) => {}
        }
    }
}

/// By owner.
const NAMES: [&str; 4] = ["Root", "Sub", "Lower sub", "Istio CA"];

fn ca(path_length: Option<u8>) -> Option<Basic> {
    Some(Basic {
        ca: true,
        path_length,
    })
}
