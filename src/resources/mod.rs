//! The resources: the only place where the host, the domain and the world meet, and the only one
//! that puts a failure into words.

mod cacerts;
mod cacerts_secret;
mod certificate_authority;
mod custody;
mod home;
mod intermediate;
mod issue;
mod mesh;
pub(crate) mod metadata;
mod private_key;
mod tse_handover;
mod words;

use crate::clients::Clients;
use crate::provider::Policy;
use crate::terraform::{Fillable, Managed, Opener, Reader, Slot};

/// Every resource that the provider has.
pub fn all() -> Vec<Box<dyn Managed<Clients, Policy>>> {
    vec![
        Slot::<intermediate::Intermediate>::boxed(),
        Slot::<cacerts_secret::CacertsSecret>::boxed(),
        Slot::<tse_handover::TseHandover>::boxed(),
    ]
}

/// Every ephemeral resource that the provider has.
pub fn ephemerals() -> Vec<Box<dyn Fillable<Clients>>> {
    vec![Opener::<private_key::PrivateKey>::boxed()]
}

/// Every data source that the provider has.
pub fn data_sources() -> Vec<Box<dyn Fillable<Clients>>> {
    vec![
        Reader::<certificate_authority::CertificateAuthority>::boxed(),
        Reader::<cacerts::Cacerts>::boxed(),
    ]
}
