//! Terraform and OpenTofu as a user runs them: real processes in directories of their own.

mod build;
mod provider;
mod terragrunt;
mod workdir;

use std::fmt;
use std::path::PathBuf;

use crate::parts::{self, PartError};

pub use build::{BuildError, Progress, build_provider, provider_binary};
pub use provider::{PROVIDER_SOURCE, PROVIDER_VERSION, Provider, REQUIRED_PROVIDERS};
pub use workdir::{Surroundings, Workdir, WorkdirError};

/// Which core runs the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cli {
    /// HashiCorp's, from `PATH`.
    Terraform,
    /// The Linux Foundation's, built from its module.
    OpenTofu,
}

impl Cli {
    /// Both, for a story that must hold on either.
    #[must_use]
    pub const fn both() -> [Self; 2] {
        [Self::Terraform, Self::OpenTofu]
    }

    /// The command, built first if it has to be.
    ///
    /// # Errors
    ///
    /// When it is not installed, or cannot be built.
    pub fn program(self) -> Result<PathBuf, PartError> {
        match self {
            Self::Terraform => parts::terraform(),
            Self::OpenTofu => parts::TOFU.path(),
        }
    }

    /// The command's name, which is a part of many of its messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terraform => "terraform",
            Self::OpenTofu => "tofu",
        }
    }
}

/// The command's name.
impl fmt::Display for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests;
