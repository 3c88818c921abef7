//! What a user says of the other clusters of the mesh.

use jiff::Timestamp;
use serde::Deserialize;

use crate::pki::Fingerprint;
use crate::pki::roots::Known;
use crate::terraform::schema::Kind;

/// A root that another cluster trusts, or that its CA leads to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(in crate::resources) struct PeerRoot {
    pub(super) sha256: Fingerprint,
    pub(super) trusted_since: Option<Timestamp>,
    pub(super) left_at: Option<Timestamp>,
    pub(super) signing: Option<bool>,
}

impl PeerRoot {
    /// The same in the domain's terms.
    pub(super) fn known(&self) -> Known {
        Known {
            since: self.trusted_since,
            left: self.left_at,
            signing: self.signing,
        }
    }
}

pub(super) const PEER_ROOT: Kind = Kind::Object(&[
    ("sha256", Kind::String),
    ("trusted_since", Kind::String),
    ("left_at", Kind::String),
    ("signing", Kind::Bool),
]);
