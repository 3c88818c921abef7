//! From the user's settings to a client: exactly one cluster, at most one credential, nothing guessed.
//!
//! There is no fallback: no localhost, no `KUBECONFIG`, no cluster that we happen to run in. A mesh's CA key in the
//! wrong cluster is worse than an error.

mod address;
mod client;
mod credential;
mod error;
mod exec;
mod fingerprint;
pub mod form;
mod in_cluster;
mod kubeconfig;
mod pem;
mod proxy;
mod resolve;
#[cfg(test)]
pub(super) mod samples;
mod settings;
mod target;
mod token_file;

pub use address::BadAddress;
pub use client::ConnectError;
pub(super) use client::client;
pub use error::SettingsError;
pub use exec::{BadProgram, Exec};
pub use fingerprint::{Fingerprint, NotAFingerprint};
pub use in_cluster::NotInCluster;
pub use kubeconfig::{BadKubeconfig, ReadFile};
pub use pem::NotPem;
pub use proxy::{BadProxy, Proxy};
pub use resolve::{EksCluster, Found, Resolved, resolve, resolve_found};
pub use settings::{Clock, Environment, Filled, Named, SecretText, Settings};
pub use target::{Reach, Target};
