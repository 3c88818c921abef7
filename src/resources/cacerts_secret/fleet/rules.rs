//! The rules that keep meshes whole, each of which can be switched off.

use crate::pki::roots::Misstep;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Nothing is signed under a root that nobody trusts.
    Trusted,
    /// A root is trusted for a while before anything is signed under it.
    OverlapBeforeSigning,
    /// The root that the live CA leads to stays.
    InUse,
    /// A root stays for a while after it was left.
    OverlapBeforeDropping,
    /// Live roots keep their place in the file.
    Place,
    /// Where there is no Secret the mesh trusts what istiod has published.
    Published,
    /// A lost Secret is put back, whatever istiod has published since.
    PutBack,
    /// Since when a root is trusted is noted on the Secret, not in the state alone.
    Noted,
    /// A certificate is made anew before its end.
    Renewal,
    /// What counts is the earliest end on the path, not the certificate's own.
    PathEnd,
    /// A renewal moves the end.
    LaterEnd,
    /// A plan that was made shortly before a renewal is due holds after it.
    Hold,
    /// A Secret that lost its key gets a certificate with another one.
    KeyLost,
    /// An operator restarts istiod after each change of the roots.
    Restart,
    /// A fleet takes each step everywhere before it takes the next.
    Barrier,
    /// And it waits after the last cluster has taken it.
    Wait,
    /// Or each cluster looks at what the others trust before it takes a step.
    Peers,
}

/// Which rules hold: all but one at most.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    off: Option<Rule>,
}

impl Rules {
    pub(super) fn without(rule: Rule) -> Self {
        Self { off: Some(rule) }
    }

    pub(super) fn hold(self, rule: Rule) -> bool {
        self.off != Some(rule)
    }

    /// Whether a misstep counts as one.
    pub(super) fn see(self, misstep: &Misstep) -> bool {
        self.hold(match misstep {
            // What a live Secret holds and istiod does not hand on is not looked at here: operators
            // restart it.
            Misstep::Untrusted { .. } | Misstep::NotPublished { .. } => Rule::Trusted,
            Misstep::NotYetTrusted { .. } => Rule::OverlapBeforeSigning,
            Misstep::InUse { .. } => Rule::InUse,
            Misstep::StillInUse { .. } => Rule::OverlapBeforeDropping,
        })
    }
}
