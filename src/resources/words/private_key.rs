//! What there is to tell about a key of its own.

use super::Instance;
use crate::terraform::Diagnostic;

/// The machine could not make one; `problem` says what failed.
pub(in crate::resources) fn no_key(problem: &str) -> Diagnostic {
    Instance::private_key().error(
        "it could not be made",
        &[
            &format!(
                "The generator did not answer: {problem}. It draws on the operating system's randomness."
            ),
            "Nothing was changed. Try again; if it stays so, run on another machine.",
        ],
    )
}
