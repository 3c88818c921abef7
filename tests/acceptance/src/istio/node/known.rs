//! What a node is told, and what it knows of its pods; shared by all who run on it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Kubelet;

/// A pod as the node knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) replica_set: String,
    pub(super) address: Option<Ipv4Addr>,
    pub(super) words: String,
    pub(super) ended: bool,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) kubelet: Mutex<Kubelet>,
    pub(super) schedules: Mutex<bool>,
    pub(super) pods: Mutex<BTreeMap<String, Known>>,
}

impl Shared {
    pub(super) fn kubelet(&self) -> Kubelet {
        *locked(&self.kubelet)
    }

    pub(super) fn schedules(&self) -> bool {
        *locked(&self.schedules)
    }

    pub(super) fn has_address(&self, pod: &str, address: Ipv4Addr) {
        self.change(pod, |known| known.address = Some(address));
    }

    pub(super) fn said(&self, pod: &str, words: &str) {
        self.change(pod, |known| words.clone_into(&mut known.words));
    }

    pub(super) fn ended(&self, pod: &str) {
        self.change(pod, |known| known.ended = true);
    }

    fn change(&self, pod: &str, change: impl FnOnce(&mut Known)) {
        if let Some(known) = locked(&self.pods).get_mut(pod) {
            change(known);
        }
    }
}

impl Known {
    /// A ReplicaSet is named like its Deployment, with a hash behind it.
    pub(super) fn runs_for(&self, deployment: &str) -> bool {
        let of_it = self.replica_set.rsplit_once('-');
        !self.ended && of_it.is_some_and(|(name, _)| name == deployment)
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
