//! A Secret and the cluster that it is in.

use super::Instance;
use crate::terraform::Diagnostic;

/// The provider speaks to another cluster than the one the Secret is in.
pub(in crate::resources) fn elsewhere(
    instance: &Instance,
    written_in: &str,
    leads_to: &str,
) -> Diagnostic {
    instance.warning(
        "this is another cluster",
        &[
            &format!(
                "The provider leads to {leads_to}, and the Secret was written in {written_in}: the cluster was \
                 rebuilt, or the provider was pointed at another one."
            ),
            "The Secret is made in this cluster; the one in the other cluster is left as it is.",
            "If another cluster is not what you meant, correct the provider block before you apply.",
        ],
    )
}

/// The plan was made for a Secret in another cluster than the provider leads to now.
pub(in crate::resources) fn pointed_elsewhere(instance: &Instance) -> Diagnostic {
    instance.error(
        "this is another cluster than the plan was made for",
        &[
            "The cluster that the provider speaks to is not the one in which the Secret was written: \
             it was rebuilt, or the provider was pointed at another one, and the plan was made without \
             looking (`-refresh=false`, or a saved plan).",
            "Nothing was written in either of them.",
            "Plan again with a refresh: the plan then says what becomes of the Secret. If another \
             cluster is not what you meant, correct the provider block.",
        ],
    )
}

/// The Secret is in a cluster that is out of reach now.
pub(in crate::resources) fn forgotten_elsewhere(instance: &Instance) -> Diagnostic {
    instance.warning(
        "it was forgotten, not touched",
        &[
            "The provider speaks to another cluster than the one in which the Secret was written.",
            "If that cluster still exists, its Secret is still there.",
        ],
    )
}
