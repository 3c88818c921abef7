//! Adapter: Kubernetes. One cluster, in it one Secret that may be ours, beside it the istiods that load it, and one field
//! of who else would write it.
//!
//! [`secret`] decides, purely; the rest sends, waits and classifies. This room knows neither Terraform nor
//! certificates: the values of a Secret are opaque bytes, told apart by their SHA-256.

pub mod connect;
pub mod istiod;
pub mod secret;

mod access;
mod config_map;
mod custom;
mod door;
mod error;
mod namespace;
mod null;
mod put;
mod removal;
#[cfg(test)]
mod script;
mod sha256;
mod status;
mod transport;
mod wire;
mod write;

use std::sync::Arc;

use http::Method;

pub use access::{Access, Denied};
pub use config_map::{ConfigMap, ConfigMapName};
pub use connect::{
    Clock, ConnectError, EksCluster, Fingerprint, Found, Reach, Resolved, SecretText, Settings,
    SettingsError, Target, resolve, resolve_found,
};
pub use custom::{Custom, CustomName, Looked};
pub use door::{ClientIdentity, Issuer, NoPass, Obtaining, Pass};
pub use error::{Action, Error, Kind, Object, Problem, Verb};
pub use namespace::{NamespaceName, NamespaceState};
pub use put::{HowWritten, PutError, Written};
pub use removal::Parted;
pub use secret::{BadName, SecretName};
pub use sha256::{NotSha256, Sha256};
pub use transport::Cause;
pub use write::{Creation, WriteError};

use door::Door;
use secret::Observed;
use wire::{Call, Patience};

/// The name under which we hold fields of objects.
pub const FIELD_MANAGER: &str = "terraform-provider-istiopca";

/// A cluster, connected to on the first call; cheap to clone.
///
/// Every call ends: one try within 45 s, a busy server tried four times; what is waited for beside that is a credential
/// that has to be obtained.
#[derive(Clone)]
pub struct Cluster {
    door: Door,
    fingerprint: Fingerprint,
    host: Arc<str>,
    reach: Reach,
    patience: Patience,
}

impl Cluster {
    /// A client for `target`. Opens no connection yet, but must be called within a Tokio runtime.
    ///
    /// # Errors
    /// When the target's certificates or keys cannot be used.
    pub fn connect(target: &Target) -> Result<Self, ConnectError> {
        let door = Door::to(target)?;
        Ok(Self {
            door,
            fingerprint: target.fingerprint(),
            host: target.host().into(),
            reach: target.reach(),
            patience: Patience::default(),
        })
    }

    /// Which cluster this is.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Host and port of the API server, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Reads the Secret whole; `None` only when the API server itself says that there is none.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn read(&self, at: &SecretName) -> Result<Option<Observed>, Error> {
        let call = Call::new(
            Action::on_secret(Verb::Read, at),
            Method::GET,
            write::path(at),
        );
        match self.call(&call).await {
            Ok(answer) => answer.secret().map(Some),
            Err(Error {
                problem: Problem::Gone { .. },
                ..
            }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("host", &self.host)
            .field("fingerprint", &self.fingerprint)
            .finish()
    }
}

/// How often a state that passed is read and judged again.
const STALE_TRIES: u32 = 5;
