//! What Istio itself makes of a `cacerts` Secret: the judge from outside, and bundles to be judged.
//!
//! [`keys`] and [`hierarchy`] make certificates of every kind, [`bundles`] puts them into files,
//! right ones and wrong ones, [`judge`] asks Istio's own code, and [`differential`] compares its
//! opinion with another judge's. [`istiod`] runs the real istiod beside the API server, and
//! [`handshake`] lets two of its workloads meet. Nothing here is shared with the provider.

pub mod bundles;
pub mod differential;
pub mod handshake;
pub mod hierarchy;
pub mod istiod;
pub mod judge;
pub mod keys;
pub mod node;
pub mod witness;

#[cfg(test)]
mod tests;
