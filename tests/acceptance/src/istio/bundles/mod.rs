//! Bundles to be judged: right ones, and ones in which something is wrong, drawn from a seed.
//!
//! A [`Recipe`] says in words what a bundle is: its shape, and the changes to it. The same seed
//! gives the same recipes; only keys, signatures and dates are new in each run. A recipe with fewer
//! changes is a smaller example of the same.

mod chance;
mod draft;
mod draw;
mod files;
mod noise;
mod recipe;
mod step;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

pub use noise::Noise;
pub use recipe::{
    Change, Crl, Edit, Fault, File, Item, Junk, KeyForm, Layout, Recipe, Shape, Step, Stranger,
};

/// What is in a Secret, by the names of its files.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A bundle to be judged, and the one that was there before it.
#[derive(Clone)]
pub struct Case {
    /// Its place in the run, from 0.
    pub number: u64,
    /// What it is.
    pub recipe: Recipe,
    /// What would be written.
    pub files: Files,
    /// What istiod runs with, if it runs; nothing is wrong with that one.
    pub previous: Option<Files>,
}

/// `n` cases in a row; they are made as they are asked for.
pub fn generate(seed: u64, n: u64, now: Timestamp) -> impl Iterator<Item = Case> {
    (0..n).map(move |number| Case::new(number, draw::recipe(seed, number), now))
}

impl Case {
    /// The case of a recipe; certificates are valid or not around `now`.
    pub fn new(number: u64, recipe: Recipe, now: Timestamp) -> Self {
        let (files, previous) = files::of(&recipe, now);
        Self {
            number,
            recipe,
            files,
            previous,
        }
    }

    /// The same with one thing less that is odd about it, in every way.
    pub fn smaller(&self, now: Timestamp) -> impl Iterator<Item = Self> {
        let number = self.number;
        self.recipe
            .smaller()
            .into_iter()
            .map(move |recipe| Self::new(number, recipe, now))
    }
}

/// The recipe alone: the files hold keys, and say little to a reader.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "case {}: {:?}", self.number, self.recipe)
    }
}

#[cfg(test)]
mod tests;
