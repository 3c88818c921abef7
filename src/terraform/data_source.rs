//! What a kind of data source promises the framework.

use super::Diagnostic;
use super::fillable::Filled;
use super::resource::Call;
use super::schema::Schema;
use super::value::{Fields, Written};

/// One kind of thing that is looked at and never changed.
///
/// As with a [`Resource`](super::Resource), its [`Settings`](Self::Settings) are whole whenever it
/// sees them, and it has no way to change what the user wrote.
///
/// # Contract
///
/// 1. The host reads it in each plan. Where settings are unknown, or something that it depends on
///    is about to change, it is read in the apply instead, and only then.
/// 2. Reading leaves nothing behind in the world, and may be dropped half-way, when its time is over
///    or the user interrupts the run.
/// 3. What it fills in is stored in clear, also what is sensitive: no secret is an output. What
///    changes by itself from one read to the next makes a plan of everything that uses it.
pub trait DataSource: Sized + Send + Sync + 'static {
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

    /// Looks, and fills in its outputs.
    fn read(
        call: &Call<'_, Self::Clients>,
        settings: &Self::Settings,
    ) -> impl Future<Output = Result<Filled<Self::Outputs>, Diagnostic>> + Send;
}
