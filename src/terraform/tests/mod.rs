//! The framework as a core meets it: through its service, with a core's own demands as the oracle.

mod broken;
mod cores;
mod filling;
pub(in crate::terraform) mod flame;
mod fuzz;
pub(in crate::terraform) mod gauge;
mod host;
pub(in crate::terraform) mod lamp;
mod life;
mod lives;
mod oracle;
pub(in crate::terraform) mod random;
mod veil;

/// What [`random`] uses of the framework; another crate puts its own here.
mod framework {
    pub(super) use crate::terraform::*;
}

/// So many cases, unless the environment asks for another number; failures are printed, not filed.
pub(crate) fn cases(usual: u32) -> proptest::prelude::ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    proptest::prelude::ProptestConfig {
        cases: asked.and_then(|cases| cases.parse().ok()).unwrap_or(usual),
        failure_persistence: None,
        max_shrink_iters: 4096,
        ..Default::default()
    }
}
