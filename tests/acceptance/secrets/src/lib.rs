//! Private keys and other secrets, and whether they show in bytes, however they are spelled there.
//!
//! A crate of its own, since it is compiled with optimisation also where nothing else is: each story
//! is searched, with millions of bytes.

pub mod archives;
mod layers;
mod readers;
mod search;
mod secret;
mod windows;

pub use search::{Search, Seen};
pub use secret::{KeyError, Secret};

#[cfg(test)]
mod tests;
