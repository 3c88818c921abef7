//! What a kind of ephemeral object promises the framework.

use std::fmt;

use super::resource::Call;
use super::schema::Schema;
use super::value::{Fields, Written};
use super::{Diagnostic, Dynamic};

/// One kind of object that exists for the length of a run and is stored nowhere.
///
/// As with a [`Resource`](super::Resource), its [`Settings`](Self::Settings) are whole whenever it
/// sees them, and it has no way to change what the user wrote.
///
/// # Contract
///
/// 1. The host opens it in a plan *and again* in the apply, and while a validate or a plan knows
///    too little of its settings not at all. Two openings need not come to the same.
/// 2. Opening leaves nothing behind in the world: there is nothing to renew and nothing to close,
///    and it may be dropped half-way, when its time is over or the user interrupts the run.
pub trait Ephemeral: Sized + Send + Sync + 'static {
    /// What reaches the world.
    type Clients: Send + Sync + 'static;
    /// What the user writes.
    type Settings: Fields + Send + Sync;
    /// What only the provider can fill in; `None` is null.
    type Outputs: Fields + Written + Send + Sync;

    /// The type, with the provider's name in front; a managed resource may be called the same.
    const NAME: &'static str;
    /// Its attributes and blocks: the settings are the fields of `Settings`, the outputs those of
    /// `Outputs`. Nothing in it is write-only, replaces, or has timeouts.
    const SCHEMA: Schema;

    /// Fills in its outputs.
    fn open(
        call: &Call<'_, Self::Clients>,
        settings: &Self::Settings,
    ) -> impl Future<Output = Result<Opened<Self::Outputs>, Diagnostic>> + Send;
}

/// An object that was opened. Its `Debug` shows nothing, as most of them are secrets.
pub struct Opened<T> {
    /// What the provider filled in.
    pub outputs: T,
    /// What the user should know all the same.
    pub warnings: Vec<Diagnostic>,
}

impl<T> Opened<T> {
    /// An opened object with nothing to tell.
    pub fn new(outputs: T) -> Self {
        Self {
            outputs,
            warnings: Vec::new(),
        }
    }
}

impl<T> fmt::Debug for Opened<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(..)")
    }
}

impl<T: Written> Opened<T> {
    /// The same over a tree.
    pub(in crate::terraform) fn written(self) -> Result<Opened<Dynamic>, serde_json::Error> {
        Ok(Opened {
            outputs: self.outputs.write()?,
            warnings: self.warnings,
        })
    }
}
