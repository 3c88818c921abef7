//! Speaks to the host, and knows nothing of certificates, clouds or clusters.
//!
//! A [`Resource`] is two structs, [`Settings`](Resource::Settings) and
//! [`Outputs`](Resource::Outputs), a [`Schema`](schema::Schema) that names their fields, and a
//! handful of functions. An [`Ephemeral`] object is the same with one function, and is stored
//! nowhere; a [`DataSource`] is the same with one function, and changes nothing. Everything between
//! them and the wire is here.

mod apply;
mod data_source;
mod diagnostic;
mod duration;
mod ephemeral;
mod fillable;
pub mod log;
mod managed;
mod plan;
pub mod plugin;
mod private;
mod provider;
mod resource;
pub mod schema;
mod service;
#[cfg(test)]
pub(crate) mod tests;
pub mod value;
mod wire;

pub use data_source::DataSource;
pub use diagnostic::{Diagnostic, Path, Severity, Step};
pub use duration::{Duration, NoDuration};
pub use ephemeral::Ephemeral;
pub use fillable::{Fillable, Filled, Manner, Opener, Reader};
pub use managed::{Boxed, Ended, Found, Managed, Object, Slot};
pub use provider::{Configuration, Configure, Configured, Provider};
pub use resource::{
    Ask, Call, Done, Ending, Intent, Planned, Reading, Resource, State, Unfinished, Verdict,
};
pub use service::{Clock, Service, wall_clock};
pub use value::{Dynamic, Number};
