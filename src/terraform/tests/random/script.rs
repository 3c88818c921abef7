//! What befalls a random resource, and what it has seen.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::framework::{Dynamic, Ending};

/// What befalls the operations to come, and what has happened.
#[derive(Default)]
pub(crate) struct Script(Mutex<Scene>);

#[derive(Default)]
struct Scene {
    fate: Fate,
    sight: Sight,
    events: Vec<Event>,
    /// Counts what has been made, so that nothing is made twice alike.
    serial: usize,
}

/// What becomes of the next operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It succeeds.
    #[default]
    Succeeds,
    /// It fails and leaves nothing.
    Fails,
    /// It fails, and part of it is done.
    StopsHalfway,
    /// It hits a bug.
    Panics,
}

/// What the next look at the object finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sight {
    /// What it expects.
    #[default]
    Same,
    /// Outputs that somebody else has changed; its notes say which.
    Drifted,
    /// What it expects, but in another place; its notes say so.
    Elsewhere,
    /// Nothing.
    Gone,
    /// It cannot tell.
    Fails,
    /// It hits a bug.
    Panics,
}

/// What was asked of the resource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// A look before an operation; whether there is an object to change.
    Preflight {
        /// Whether there is one.
        update: bool,
    },
    /// A look at the object; the outputs that were found.
    Look(Dynamic),
    /// The object was to be made with these settings.
    Create(Dynamic),
    /// The object was to be changed to these settings.
    Update(Dynamic),
    /// The object was to go.
    Delete(Ending),
    /// An ephemeral object was to be opened, or a data source to be read, with these settings.
    Fill(Dynamic),
    /// The framework broke a promise of its own.
    Complaint(String),
}

impl Script {
    /// Says what becomes of operations from now on.
    pub(crate) fn set(&self, fate: Fate, sight: Sight) {
        let mut scene = self.scene();
        (scene.fate, scene.sight) = (fate, sight);
    }

    /// What has happened since the last time.
    pub(crate) fn events(&self) -> Vec<Event> {
        std::mem::take(&mut self.scene().events)
    }

    /// Notes what has happened.
    pub(super) fn note(&self, event: Event) {
        self.scene().events.push(event);
    }

    /// A number that has not been used yet.
    pub(super) fn serial(&self) -> usize {
        let mut scene = self.scene();
        scene.serial += 1;
        scene.serial
    }

    /// What becomes of the operation that is under way.
    pub(super) fn fate(&self) -> Fate {
        self.scene().fate
    }

    /// What the look that is under way finds.
    pub(super) fn sight(&self) -> Sight {
        self.scene().sight
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
