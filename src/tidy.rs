//! House rules as tests: what the crate's own page says is absent stays absent, and what is written
//! twice stays the same.

mod absences;
mod dependencies;
mod directions;
mod house;
mod pages;
mod paths;
mod schemas;
mod shape;
mod source;

use std::path::{Path, PathBuf};

/// A place in the workspace.
fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Fails with every breach of a rule at once, each on a line of its own.
#[track_caller]
fn none(rule: &str, breaches: impl IntoIterator<Item = String>) {
    let breaches: Vec<String> = breaches.into_iter().collect();
    assert!(breaches.is_empty(), "{rule}\n  {}\n", breaches.join("\n  "));
}
