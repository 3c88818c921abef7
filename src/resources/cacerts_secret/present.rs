//! What there is before the Secret is written.

use jiff::Timestamp;

use super::compose::{Files, Unfit};
use super::settings::Settings;
use super::{Prior, trust};
use crate::cluster::ConfigMapName;
use crate::cluster::secret::{Observed, istiod_mark};
use crate::pki::roots::{Misstep, PeerMisstep, Published, Trust};
use crate::pki::{Certificate, Format, Live};

/// The Secret as it was read, if there is one.
pub(super) struct Present {
    pub(super) observed: Option<Observed>,
    /// Those files that count.
    pub(super) files: Files,
    /// What the mesh trusts; without a Secret nothing, until somebody has looked elsewhere.
    pub(super) trust: Trust,
    /// The roots that an istiod publishes, as they stand there, where somebody has looked.
    pub(super) published_pem: Option<String>,
    /// Where it publishes them: by what the last run saw, until this one has seen more.
    pub(super) published_in: ConfigMapName,
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
            published_pem: None,
            published_in: prior
                .map(|prior| prior.private.published_in())
                .unwrap_or_default(),
        }
    }

    /// What the files are, read.
    pub(super) fn live(&self) -> Live {
        Live::read(&self.files)
    }

    /// The layout that istiod would take.
    pub(super) fn layout(&self) -> Option<Format> {
        self.live().format()
    }

    /// One of the files that count, where it is text.
    pub(super) fn text(&self, file: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(file)?).ok()
    }

    /// The trust anchors that an istiod has read from the Secret, as they stand there. None of a Secret that an istiod
    /// made for its self-signed CA: that one has its own CA in memory, and no files of ours.
    pub(super) fn anchors(&self) -> Option<&str> {
        let observed = self.observed.as_ref();
        let of_istiod = observed.is_some_and(|observed| istiod_mark(observed).is_some());
        let layout = self.layout().filter(|_| !of_istiod)?;
        self.text(layout.roots_file())
    }

    /// Takes in what an istiod publishes at `now`.
    pub(super) fn believe(
        &mut self,
        published: Option<(Published, String)>,
        prior: Option<&Prior>,
        now: Timestamp,
    ) {
        let (published, pem) = published.unzip();
        self.published_pem = pem;
        if self.is_published() {
            let roots = published.map_or_else(Vec::new, |published| published.roots);
            self.trust = trust::of_published(roots, prior, now);
        } else {
            self.trust.published = published;
        }
    }

    /// Whether there is no Secret, so that only what an istiod publishes tells of the mesh's trust.
    pub(super) fn is_published(&self) -> bool {
        self.observed.is_none()
    }

    /// Whether it matters what an istiod publishes: without a Secret, and where the CA could go from
    /// one root to another that is trusted already.
    pub(super) fn depends_on_istiod(&self) -> bool {
        self.trust.roots.len() != 1
    }

    /// What workloads would not survive of a CA that leads to `own`.
    pub(super) fn missteps(
        &self,
        prior: Option<&Prior>,
        settings: &Settings,
        own: &Certificate,
        now: Timestamp,
    ) -> Result<Vec<Misstep>, Unfit> {
        trust::unfollowed(&self.trust, prior, settings, own, now)
    }

    /// What workloads of other clusters would not survive of it.
    pub(super) fn estranged(
        &self,
        prior: Option<&Prior>,
        settings: &Settings,
        own: &Certificate,
        now: Timestamp,
    ) -> Result<Vec<PeerMisstep>, Unfit> {
        trust::estranged(&self.trust, &settings.peers(), prior, settings, own, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::cacerts_secret::testing::{composed, mesh, nothing, observed, settings};

    #[test]
    fn the_anchors_of_a_secret_that_istiod_made_are_none_that_it_read() {
        let (root, ca) = mesh("Root");
        let cacerts = composed(&settings(), &root, &ca, &nothing());
        let anchors = |others: &[(&str, &str)], type_: &str| {
            let mut observed = observed(&cacerts, others);
            type_.clone_into(&mut observed.type_);
            let present = Present::new(Some(observed), None);
            present.anchors().map(str::to_owned)
        };
        let pem = root.certificate.to_pem();
        assert_eq!(anchors(&[], "Opaque"), Some(pem));
        assert_eq!(anchors(&[], "istio.io/ca-root"), None);
        assert_eq!(anchors(&[("istio-generated", "")], "Opaque"), None);
        assert_eq!(Present::new(None, None).anchors(), None);
    }
}
