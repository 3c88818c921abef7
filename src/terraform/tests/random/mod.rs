//! A provider made at random: its schema, its behaviour, and configurations for it.
//!
//! Whoever includes this directory, also from another crate by `#[path]`, puts beside it a module
//! `framework` that re-exports the public face of `terraform`; nothing else of it is used here.

mod dice;
mod model;
mod schema;
mod script;
mod spring;
mod values;

pub(crate) use dice::Dice;
pub(crate) use model::Model;
pub(crate) use schema::{Blueprint, blueprint};
pub(crate) use script::{Event, Fate, Script, Sight};
pub(crate) use spring::Spring;
pub(crate) use values::{canonical, config, json};
