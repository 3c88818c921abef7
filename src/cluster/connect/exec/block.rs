//! The block `exec {}`, in the words of hashicorp/kubernetes.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::cluster::connect::settings::SecretText;
use crate::cluster::null::null_as_default;

/// The block `exec {}`: a program that prints a credential. `Debug` shows neither arguments nor environment.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Exec {
    /// `client.authentication.k8s.io/v1` or `client.authentication.k8s.io/v1beta1`.
    pub api_version: Option<String>,
    /// Name, looked for in `PATH`, or path.
    pub command: Option<String>,
    /// Its arguments.
    #[serde(deserialize_with = "null_as_default")]
    pub args: Vec<String>,
    /// What is set for it beside what is set for us.
    #[serde(deserialize_with = "null_as_default")]
    pub env: BTreeMap<String, SecretText>,
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec")
            .field("api_version", &self.api_version)
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}
