//! AWS Private CA: the operations that an issuer of intermediates uses, with the rules that AWS
//! enforces.
//!
//! Where AWS's words for a refusal are known they are used; where only the code is documented the
//! sentence is our own.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::World;
use super::answer::Failure;
use super::caller::Caller;

mod access;
mod arn;
mod authority;
mod builder;
mod describe;
mod extensions;
mod handle;
mod install;
mod issue;
mod list;
mod passthrough;
mod read;
mod revoke;
mod template;
mod validity;

pub use access::RamPermission;
pub use authority::{Status, UsageMode};
pub use builder::CaBuilder;
pub use handle::{CaHandle, IssuedCertificate};

pub(crate) use authority::Authorities;

/// Carries out one operation on a request that has been authenticated.
pub(crate) fn operate(
    world: &World,
    caller: &Caller,
    operation: &str,
    request: &Value,
) -> Result<Value, Failure> {
    match operation {
        "DescribeCertificateAuthority" => describe::describe(world, caller, &read(request)?),
        "GetCertificateAuthorityCertificate" => {
            describe::certificate(world, caller, &read(request)?)
        }
        "IssueCertificate" => issue::issue(world, caller, &read(request)?),
        "GetCertificate" => read::certificate(world, caller, &read(request)?),
        "RevokeCertificate" => revoke::revoke(world, caller, &read(request)?).map(|()| json!({})),
        "ListCertificateAuthorities" => list::list(world, caller, &read(request)?),
        _ => Err(Failure::of("UnknownOperationException", "")),
    }
}

/// The request as the type that its operation reads; members that the model does not have are
/// ignored.
fn read<T: DeserializeOwned>(request: &Value) -> Result<T, Failure> {
    if !request.is_object() {
        return Err(Failure::of(
            "SerializationException",
            "Start of structure or map found where not expected.",
        ));
    }
    serde_json::from_value(request.clone())
        .map_err(|error| Failure::of("SerializationException", error.to_string()))
}

/// A member that must be there.
fn required<'a>(member: &str, value: &'a Option<String>) -> Result<&'a str, Failure> {
    value.as_deref().ok_or_else(|| Failure::absent(member))
}
