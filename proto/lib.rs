//! The wire contract between a Terraform or OpenTofu core and a provider, as Rust types.
//!
//! Everything but two `Debug` impls is generated at build time from `tfplugin6.proto` and
//! `plugin.proto`, which are the pages to read. Servers implement
//! [`tfplugin6::provider_server::Provider`] in full; the client halves are there for tests. Maps are
//! ordered, so equal answers are equal bytes.

use std::fmt;

/// Protocol 6.11: the service `Provider`, its messages, and a client.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]
pub mod tfplugin6 {
    tonic::include_proto!("tfplugin6");
}

/// What go-plugin expects beside it: the services that end a plugin, carry its output, and broker
/// connections.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "generated code"
)]
pub mod plugin {
    tonic::include_proto!("plugin");
}

/// Shows sizes only: any value may be a secret.
impl fmt::Debug for tfplugin6::DynamicValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { msgpack, json } = self;
        write!(
            f,
            "DynamicValue(msgpack {} bytes, json {} bytes)",
            msgpack.len(),
            json.len()
        )
    }
}

/// Shows sizes only: any value may be a secret.
impl fmt::Debug for tfplugin6::RawState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { json, flatmap } = self;
        write!(
            f,
            "RawState(json {} bytes, flatmap {} entries)",
            json.len(),
            flatmap.len()
        )
    }
}

#[cfg(test)]
mod tests;
