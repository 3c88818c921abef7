//! What there is to tell about the planes of Tetrate Service Express.

use super::{Instance, sentence};
use crate::clients::NoCluster;
use crate::cluster::Denied;
use crate::resources::tse_handover::Plane;
use crate::terraform::Diagnostic;

/// The same of a plane's object as of a Secret that was not written.
const UNTOLD: &str = "Nothing was changed.";

/// The cluster knows no such kind of object.
pub(in crate::resources) fn no_tse(instance: &Instance, kind: &str) -> Diagnostic {
    instance.error(
        "Tetrate Service Express is not in this cluster",
        &[
            &format!("No version of the API has {kind}: its CRD is not installed."),
            UNTOLD,
            "If no Tetrate writes `cacerts` here, take this resource out. If it is installed in the same run, let this \
             resource depend on it. If it is in another cluster (the management plane is in one, each control plane in \
             its own), name that one by `eks_cluster_arn`.",
        ],
    )
}

/// The CRD is there, and the object is not.
pub(in crate::resources) fn no_plane(instance: &Instance, kind: &str) -> Diagnostic {
    instance.error(
        "there is no such plane",
        &[
            &format!("The cluster has the kind {kind}, and no object of that namespace and name."),
            UNTOLD,
            &format!(
                "Look for it with `kubectl get {kind} --all-namespaces`, and write its `namespace` and `name`. It is \
                 never made here: an object that Tetrate's operator does not expect would install a plane."
            ),
        ],
    )
}

/// Rights are missing, found before anything was done.
pub(in crate::resources) fn plane_denied(instance: &Instance, denied: &[Denied]) -> Diagnostic {
    let rights = denied.iter().map(|denied| format!("- {}", denied.access));
    let rights: Vec<String> = rights.collect();
    let rule = denied.first().map(|denied| &denied.access);
    let rule = rule.map_or_else(String::new, |access| {
        format!(
            "{{apiGroups: [{}], resources: [{}], resourceNames: [{}], verbs: [get, patch]}}",
            access.group, access.resource, access.name
        )
    });
    instance.error(
        "rights are missing in the cluster",
        &[
            &format!("The cluster does not allow:\n{}", rights.join("\n")),
            UNTOLD,
            &format!("Add this rule to the Role in that namespace: `{rule}`."),
        ],
    )
}

/// It was accepted, and is as it was all the same.
pub(in crate::resources) fn plane_insists(instance: &Instance, drift: &str) -> Diagnostic {
    instance.error(
        "the cluster undoes the handover",
        &[
            &format!("The change was accepted, and afterwards {drift}."),
            "A webhook of the cluster, or the schema of the CRD, changes what is written: the plane goes on writing \
             `cacerts`.",
            "Find what changes it, or whether this version of Tetrate has the field at another place.",
        ],
    )
}

/// The plane writes again, or would.
pub(in crate::resources) fn taken_back(
    instance: &Instance,
    plane: Plane,
    drift: &str,
) -> Diagnostic {
    let consequence = match plane {
        Plane::Management => {
            "The management plane issues intermediate CAs for workload clusters again."
        }
        Plane::Control => {
            "The control plane may write the CA that it is given over `cacerts`: workloads would then get \
             certificates under another root."
        }
    };
    instance.warning(
        "Tetrate writes the CA again",
        &[
            &format!("It was handed over, and now {drift}: somebody has changed it back."),
            consequence,
            "The plan hands it over again. If it is changed back once more, take the field out of where it comes from, \
             such as the values of a Helm release or a repository that is synchronised.",
        ],
    )
}

/// The object, or its CRD, is gone.
pub(in crate::resources) fn plane_gone(instance: &Instance, kind: &str) -> Diagnostic {
    instance.warning(
        "the plane is gone",
        &[
            &format!("There is no such object of {kind} any more, and so nothing that would write `cacerts`."),
            "It leaves the state, and the plan would hand it over again, which fails as long as it is not there.",
            "If Tetrate was removed for good, take this resource out of the configuration.",
        ],
    )
}

/// The cluster went, and the plane with it.
pub(in crate::resources) fn plane_gone_with_cluster(
    instance: &Instance,
    error: &NoCluster,
) -> Diagnostic {
    instance.warning(
        "its cluster is gone",
        &[
            &sentence(&format!("AWS says: {error}")),
            "The plane went with it and leaves the state.",
        ],
    )
}

/// What a destroy does not do.
pub(in crate::resources) fn stays_handed_over(instance: &Instance, plane: Plane) -> Diagnostic {
    let field = plane.field();
    instance.warning(
        "it will be forgotten and stays as it is",
        &[
            &format!("`{field}` keeps the value by which Tetrate leaves the mesh's CA alone."),
            "What Tetrate issued before is not known here, and to switch it on beside a `cacerts` that is in use would \
             change the mesh's root.",
            "To give the CA back to Tetrate, remove `istiopca_cacerts_secret` first, and then set the field yourself, \
             as Tetrate's documentation has it.",
        ],
    )
}

/// The provider speaks to another cluster than the one that the plane is in.
pub(in crate::resources) fn plane_elsewhere(
    instance: &Instance,
    from: &str,
    to: &str,
) -> Diagnostic {
    instance.warning(
        "this is another cluster",
        &[
            &format!(
                "The provider leads to {to}, and the plane that was handed over is in {from}: the cluster was rebuilt, \
                 or the provider was pointed at another one."
            ),
            "The plane of this cluster is handed over; the one in the other cluster is left as it is.",
            "If another cluster is not what you meant, correct the provider block before you apply.",
        ],
    )
}

/// The plan was made for a plane in another cluster than the provider leads to now.
pub(in crate::resources) fn plane_pointed_elsewhere(instance: &Instance) -> Diagnostic {
    instance.error(
        "this is another cluster than the plan was made for",
        &[
            "The cluster that the provider speaks to is not the one whose plane was handed over, and the plan was made \
             without looking (`-refresh=false`, or a saved plan).",
            UNTOLD,
            "Plan again with a refresh. If another cluster is not what you meant, correct the provider block.",
        ],
    )
}
