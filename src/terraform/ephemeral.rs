//! What a kind of ephemeral object promises the framework.

use super::Diagnostic;
use super::fillable::Filled;
use super::resource::Call;
use super::schema::Schema;
use super::value::{Fields, Written};

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
    ) -> impl Future<Output = Result<Filled<Self::Outputs>, Diagnostic>> + Send;
}
