//! What there is before the Secret is written.

use super::compose::Files;
use super::{Prior, trust};
use crate::cluster::secret::Observed;
use crate::pki::Live;
use crate::pki::roots::{Published, Trust};

/// The Secret as it was read, if there is one.
pub(super) struct Present {
    pub(super) observed: Option<Observed>,
    /// Those files that count.
    pub(super) files: Files,
    /// What the mesh trusts; without a Secret nothing, until somebody has looked elsewhere.
    pub(super) trust: Trust,
}

impl Present {
    /// Where somebody has put the other layout beside what was written here, that is still what
    /// counts.
    pub(super) fn new(observed: Option<Observed>, prior: Option<&Prior>) -> Self {
        let files = Files::of(observed.as_ref());
        let written = prior.map(|prior| prior.settings.layout());
        let layouts = Live::read(&files).layouts();
        let files = match written.filter(|layout| layouts.contains(layout)) {
            Some(layout) => files.of_layout(layout),
            None => files,
        };
        let live = Live::read(&files);
        let trust = observed
            .as_ref()
            .map(|observed| trust::of_secret(observed, &live, prior));
        Self {
            trust: trust.unwrap_or_default(),
            observed,
            files,
        }
    }

    /// Takes in what an istiod publishes.
    pub(super) fn believe(&mut self, published: Option<Published>) {
        if self.observed.is_some() {
            self.trust.published = published;
        } else {
            self.trust = trust::of_published(published);
        }
    }
}
