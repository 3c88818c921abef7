//! One Secret: what is wanted, what is there, how they differ, and what may be done about it. Pure.

pub mod annotation;
mod bytes;
mod decision;
mod desired;
mod difference;
mod fields;
mod finding;
mod label;
mod name;
mod observed;
mod obstacle;
mod parting;
#[cfg(test)]
pub(in crate::cluster) mod samples;
mod writer;

pub use bytes::SecretBytes;
pub use decision::{
    Answer, Conflict, Decision, OnExisting, Policy, Refusal, Step, conflicts, decide,
};
pub use desired::{Desired, NotKept, Wanted};
pub(in crate::cluster) use desired::{Guard, release_document};
pub use difference::{Difference, Expected, How, LastSeen, difference, writers};
pub use fields::{Field, Holding, Operation, adopted};
pub use finding::{Claim, Finding, IstiodMark, classify, istiod_mark};
pub use label::{BadMetadata, check_annotation, check_label};
pub use name::{BadName, SecretName};
pub(in crate::cluster) use name::{is_label, is_subdomain};
pub use observed::{Datum, Deleting, NotASecret, Observed};
pub use obstacle::{Immovable, beside};
pub use parting::{Parting, part};
pub use writer::{Controller, Writer, rivals};
