//! Workloads: a certificate, the roots that came with it, and the time to ask for the next.

use std::rc::Rc;

use super::authority::HOUR;
use super::istiod::{Bundle, Istiod};

/// How long a workload's certificate lives, unless istiod cuts it short.
pub(super) const LIFE: i64 = 24 * HOUR;

/// After what share of its life a certificate is renewed.
pub(super) const HALF: i64 = LIFE / 2;

/// How soon a workload asks again that got nothing.
const RETRY: i64 = HOUR;

/// No workload asks more often than this.
const SHORTEST: i64 = HOUR / 4;

/// A workload that serves and calls all others.
pub(super) struct Workload {
    /// Its certificate; none before it runs.
    pub(super) leaf: Option<Leaf>,
    /// When it next asks istiod.
    pub(super) asks: i64,
    /// The CA under which it got no other certificate when it last asked.
    refused: Option<Rc<Bundle>>,
}

/// A certificate with all that came with it.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// The CA under which it was signed, whose chain it is presented with.
    pub(super) under: Rc<Bundle>,
    /// Its last second.
    pub(super) end: i64,
    /// The roots that its workload trusts from now on.
    pub(super) trusts: u32,
}

impl Workload {
    pub(super) fn joining(at: i64) -> Self {
        Self {
            leaf: None,
            asks: at,
            refused: None,
        }
    }

    /// Asks for a certificate; goes on with the last one where there is none to be had.
    pub(super) fn ask(&mut self, istiod: Option<&Istiod>, files: Option<&Rc<Bundle>>, now: i64) {
        let signed = istiod.and_then(|istiod| istiod.sign(now));
        self.asks = match &signed {
            Some(leaf) => now + ((leaf.end - now) / 2).max(SHORTEST),
            None => now + RETRY,
        };
        let memory = istiod.and_then(|istiod| istiod.memory.as_ref());
        let refused = memory.or(files).filter(|_| signed.is_none());
        self.refused = refused.cloned();
        self.leaf = signed.or_else(|| self.leaf.take());
    }
}

impl Workload {
    /// The CA under which it got no certificate when it last asked.
    pub(super) fn refused_by(&self) -> Option<&Bundle> {
        self.refused.as_deref()
    }

    /// The CA that is to blame for an end without a new beginning.
    pub(super) fn last_ca(&self) -> Option<&Bundle> {
        let under = || self.leaf.as_ref().map(|leaf| &leaf.under);
        self.refused.as_ref().or_else(under).map(Rc::as_ref)
    }
}

impl Leaf {
    /// Whether anybody could believe it at all.
    pub(super) fn is_valid(&self, now: i64) -> bool {
        now <= self.end && now <= self.under.path_end
    }

    /// Whether the workload that holds it believes `other` while that is valid.
    pub(super) fn believes(&self, other: &Self) -> bool {
        self.trusts & bit(other.under.root) != 0
    }
}

pub(super) fn bit(root: u8) -> u32 {
    1 << root
}
