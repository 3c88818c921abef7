//! The annotations under our prefix. They hold public facts only.

/// What every annotation of ours begins with.
pub const PREFIX: &str = "istiopca.io/";

/// Holds the id of the resource instance that wrote the Secret.
pub const OWNER: &str = "istiopca.io/owner";

/// Present once that owner has let go of the Secret, so that another may take it over.
pub const RELEASED: &str = "istiopca.io/released";

/// Name of the fact that tells which certificate the Secret holds: the SHA-256 of its DER.
pub const CERTIFICATE_SHA256: &str = "certificate-sha256";

/// The annotation that holds the fact `name`.
pub fn named(name: &str) -> String {
    format!("{PREFIX}{name}")
}
