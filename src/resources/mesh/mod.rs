//! What the istiods beside a Secret make of it: which of them must be restarted to take it up, what a pod's gauges
//! say of the CA that it uses, and how a rollout fares. Pure: who looks and who acts is elsewhere.
//!
//! The facts are those of istiod's source, `pilot/pkg/bootstrap/istio_ca.go` and `security/pkg/pki/ca`.

mod asked;
mod publishing;
mod reload;
mod rollout;
mod shown;

pub(super) use asked::Asked;
pub(super) use publishing::Publishing;
pub(super) use reload::{Change, Held, Reason, loads};
pub(super) use rollout::{Rollout, hindrances};
pub(super) use shown::{Ends, Shown, Untold};
