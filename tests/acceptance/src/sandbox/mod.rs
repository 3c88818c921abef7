//! `cargo sandbox`: the quick start's configuration from nothing to its first renewal, on one
//! machine, in about a minute.
//!
//! The first `init`, `apply` and `plan` are the built binary's, at the time on the wall. Then days
//! pass: the emulators' clock is moved, and from there on the provider's library is [served](serve)
//! under a clock that is as far ahead, since the product has no switch for it.

mod certificates;
mod core;
mod error;
mod keep;
mod made;
mod narrator;
mod served;
mod stage;
mod walk;

use std::path::{Path, PathBuf};

pub use self::core::Core;
pub use error::Error;
pub use keep::{Kept, interrupted};
pub use narrator::Narrator;
pub use served::{SERVE, serve};
pub use stage::Stage;
pub use walk::{destroy, walk};

/// A configuration of `examples/terraform`, by its directory's name.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    examples().join(name)
}

/// The directory of all examples.
#[must_use]
pub fn examples() -> PathBuf {
    // Without the detour, because people read it.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = here.ancestors().nth(2).unwrap_or(here);
    workspace.join("examples/terraform")
}
