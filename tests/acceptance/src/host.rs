//! The provider's library under a clock of the test's own, attached to a CLI by
//! `TF_REATTACH_PROVIDERS`: how days pass without a hook in the product.

use std::sync::Arc;

use istiopca::provider::provider;
use istiopca::terraform::Service;
use istiopca::terraform::plugin::{Error, Reattach, serve_reattach};
use jiff::Timestamp;

use crate::cli::PROVIDER_SOURCE;

/// A provider that is served for one run of a CLI, until it is dropped. A second run gets a new
/// one, as with the binary: nothing that is kept in memory outlives a run.
pub struct Host(Reattach);

impl Host {
    /// Serves the provider; it takes the time from `clock`.
    ///
    /// # Errors
    ///
    /// When no socket can be made.
    pub async fn start(
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        serve_reattach(Service::new(provider(), Arc::new(clock)))
            .await
            .map(Self)
    }

    /// The value of `TF_REATTACH_PROVIDERS`.
    pub fn reattach(&self) -> String {
        self.0.json(PROVIDER_SOURCE)
    }
}
