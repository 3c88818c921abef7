//! Keys, signing requests and certificates as the emulator makes them. Nothing here is shared with
//! the provider: a mistake of its encoder must not be repeated by what judges it.

pub(crate) mod certificate;
pub(crate) mod csr;
pub(crate) mod encoding;
pub(crate) mod extension;
pub(crate) mod key;
pub(crate) mod name;
