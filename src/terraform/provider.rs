//! A provider as the framework sees it: its settings and its table of resources.

use tokio_util::sync::CancellationToken;

use super::fillable::{Fillable, Manner};
use super::managed::Managed;
use super::schema::Schema;
use super::{Diagnostic, Dynamic};

/// Everything that is served.
pub struct Provider<C, P> {
    /// The short name, the first part of every resource type.
    pub name: &'static str,
    /// The provider's own settings. All of its attributes are settings.
    pub schema: Schema,
    /// The managed resources.
    pub resources: Vec<Box<dyn Managed<C, P>>>,
    /// The ephemeral objects.
    pub ephemerals: Vec<Box<dyn Fillable<C>>>,
    /// The data sources.
    pub data_sources: Vec<Box<dyn Fillable<C>>>,
    /// From settings, of which any may still be unknown, to what operations and plans need.
    ///
    /// Reaches nobody: clients connect on first use, and what an unknown setting keeps from
    /// working fails then.
    pub configure: Configure<C, P>,
}

/// See [`Provider::configure`].
pub type Configure<C, P> = fn(&Configuration<'_>) -> Result<Configured<C, P>, Vec<Diagnostic>>;

/// How the user configured the provider.
pub struct Configuration<'a> {
    /// The settings with their defaults; unknown where only an apply will tell.
    pub settings: &'a Dynamic,
    /// The host's version as it states it. OpenTofu states one of Terraform's.
    pub terraform_version: &'a str,
    /// Cancelled when the user interrupts the run.
    pub stop: CancellationToken,
}

/// A configured provider.
pub struct Configured<C, P> {
    /// What reaches the world.
    pub clients: C,
    /// What plans depend on.
    pub policy: P,
}

impl<C, P> Provider<C, P> {
    /// The resource of that type.
    pub(in crate::terraform) fn resource(
        &self,
        type_name: &str,
    ) -> Result<&dyn Managed<C, P>, Diagnostic> {
        let found = self
            .resources
            .iter()
            .find(|resource| resource.name() == type_name);
        found
            .map(AsRef::as_ref)
            .ok_or_else(|| self.lacks("resource type", type_name))
    }

    /// The ephemeral object or the data source of that type.
    pub(in crate::terraform) fn fillable(
        &self,
        manner: Manner,
        type_name: &str,
    ) -> Result<&dyn Fillable<C>, Diagnostic> {
        let (table, what) = match manner {
            Manner::Opened => (&self.ephemerals, "ephemeral resource"),
            Manner::Read => (&self.data_sources, "data source"),
        };
        let found = table.iter().find(|fillable| fillable.name() == type_name);
        found
            .map(AsRef::as_ref)
            .ok_or_else(|| self.lacks(what, type_name))
    }

    fn lacks(&self, what: &str, type_name: &str) -> Diagnostic {
        let name = self.name;
        Diagnostic::error(
            format!("Unknown {what}"),
            format!("This version of the provider {name} has no {what} {type_name:?}."),
        )
    }
}
