//! What there is to tell about others who write the Secret, or take it for their own: who they are, what that does to the
//! mesh's CA, and how to switch it off.

use super::{Instance, UNWRITTEN};
use crate::cluster::Error;
use crate::cluster::secret::{Bearing, Controller, Writer};
use crate::terraform::Diagnostic;

/// Something else keeps our own Secret as it wants it.
pub(in crate::resources) fn rivals(
    instance: &Instance,
    rivals: &[Controller],
) -> Option<Diagnostic> {
    if rivals.is_empty() {
        return None;
    }
    let told = format!(
        "Beside this resource, it is kept by {}. Whatever else is written into it takes the place of what is written here, \
         and istiod loads it.",
        named(rivals)
    );
    Some(instance.warning(
        "another writer keeps it, too",
        &[&told, &explained(rivals), "Let one of the two keep it. What is left of a writer that is gone, take off the Secret."],
    ))
}

/// Controllers by name and mark.
pub(super) fn named(controllers: &[Controller]) -> String {
    let names = controllers.iter();
    let names = names.map(|it| format!("{} ({})", it.writer, it.mark));
    names.collect::<Vec<_>>().join(", ")
}

/// What each of them does, and what ends it.
pub(super) fn explained(controllers: &[Controller]) -> String {
    let lines = controllers.iter().map(|it| {
        let (does, off) = described(&it.writer);
        format!("- {}: {does} To switch that off: {off}", it.writer)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn described(writer: &Writer) -> (String, &'static str) {
    let (does, off) = match writer {
        Writer::Istiod => (
            "it keeps the self-signed CA of its own here, and publishes what is in the Secret as the mesh's root.",
            "set USE_CACERTS_FOR_SELF_SIGNED_CA to `false` for it and restart it.",
        ),
        Writer::CertManager => (
            "at each renewal of its Certificate it puts a CA and a key of its own here; under another root workloads would \
             refuse each other.",
            "delete the Certificate that has this `secretName`, or give it another one.",
        ),
        Writer::Helm => (
            "an upgrade or a rollback of its release puts the chart's CA back, and an uninstall deletes the Secret.",
            "annotate the Secret with `helm.sh/resource-policy: keep`, then take it out of the chart.",
        ),
        Writer::ArgoCd => (
            "a sync puts back what the repository says, with self-healing at once, and pruning deletes the Secret.",
            "take it out of the Application without pruning (`Prune=false`), then take the mark off it.",
        ),
        Writer::Flux => (
            "each reconciliation puts back what the repository says, and pruning deletes the Secret.",
            "annotate it with `kustomize.toolkit.fluxcd.io/prune: disabled`, then take it out of the source.",
        ),
        Writer::ExternalSecrets => (
            "at each refresh it puts here what its store holds.",
            "delete the ExternalSecret that has it as its target, with `deletionPolicy: Retain`.",
        ),
        Writer::SealedSecrets => (
            "it writes back what it has unsealed, and the Secret goes with its SealedSecret.",
            "delete the SealedSecret with `--cascade=orphan`.",
        ),
        Writer::Reflector => (
            "it copies another Secret over this one.",
            "take this namespace out of those that the other Secret is reflected to.",
        ),
        Writer::Tetrate => (
            "it hands each cluster an intermediate CA of its own, and writes it here.",
            "take `spec.certIssuer.clusterIntermediateCAs` out of the ManagementPlane, and set \
             `spec.components.xcp.centralProvidedCaCert: false` in each cluster's ControlPlane.",
        ),
        Writer::Owner(owner) => {
            let does = format!(
                "the Secret is deleted together with {owner}, and whatever makes it from that object may write it again."
            );
            return (
                does,
                "take `metadata.ownerReferences` off the Secret, and stop what put it there.",
            );
        }
    };
    (does.to_owned(), off)
}

const DANGER: &str = "An istiod that has been told so keeps its own self-signed CA in a Secret of this name. One that runs \
                      takes the intermediate CA for that as soon as it is there, and publishes its certificate as the \
                      mesh's root: workloads then trust the intermediate alone, and refuse every other cluster of the \
                      mesh, and one another after its renewal.";

const SWITCH: &str = "Set that variable to `false` and restart that istiod (with Istio's chart: \
                      `pilot.env.USE_CACERTS_FOR_SELF_SIGNED_CA`)";

/// An istiod would make a root of what is to be written.
pub(in crate::resources) fn istiod_takes_it(
    instance: &Instance,
    bearings: &[Bearing],
) -> Diagnostic {
    instance.error(
        "istiod would take it for its own",
        &[
            &told(bearings),
            DANGER,
            UNWRITTEN,
            &format!("{SWITCH}, then apply again."),
        ],
    )
}

/// The same while planning: it may be switched off by then.
pub(in crate::resources) fn istiod_will_take_it(
    instance: &Instance,
    bearings: &[Bearing],
) -> Diagnostic {
    instance.warning(
        "istiod would take it for its own",
        &[
            &told(bearings),
            DANGER,
            "Applying this plan is refused and writes nothing, unless that has changed by then.",
            &format!("{SWITCH}."),
        ],
    )
}

/// The same of a Secret that was written before.
pub(in crate::resources) fn istiod_may_take_it(
    instance: &Instance,
    bearings: &[Bearing],
) -> Diagnostic {
    instance.warning(
        "istiod may take it for its own",
        &[
            &told(bearings),
            "An istiod that has been told so keeps its own self-signed CA in a Secret of this name. While it has loaded \
             this one at its start, it does not; one that starts when the Secret is not there, or not mounted, takes it \
             later and publishes the intermediate CA's certificate as the mesh's root.",
            &format!("{SWITCH}."),
        ],
    )
}

/// An istiod does not sign.
pub(in crate::resources) fn istiod_passes_it_over(
    instance: &Instance,
    bearings: &[Bearing],
) -> Diagnostic {
    instance.warning(
        "istiod does not sign with it",
        &[
            &told(bearings),
            "With that istiod leaves signing to somebody else, such as istio-csr: the workloads' certificates come from \
             there, and what this Secret holds is of no effect on them.",
            "If istiod is to sign by the CA in this Secret, take the variable out and restart it; if not, this resource is \
             not needed here.",
        ],
    )
}

fn told(bearings: &[Bearing]) -> String {
    let lines = bearings.iter().map(|it| {
        let Bearing {
            deployment,
            variable,
            value,
            ..
        } = it;
        format!("The Deployment {deployment} has {variable}={value:?} in the environment of its container.")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Nobody could say what the istiods are told.
pub(in crate::resources) fn istiods_unjudged(instance: &Instance, error: &Error) -> Diagnostic {
    instance.warning(
        "the istiods beside it could not be seen",
        &[
            &format!("How istiod is set up is not known: {error}."),
            "If it is told to keep its own CA in this Secret (USE_CACERTS_FOR_SELF_SIGNED_CA), it publishes the \
             intermediate CA as the mesh's root; if it is told not to sign, this Secret has no effect.",
            "Allow the verb `list` on `deployments` in the API group `apps` in this namespace to have that checked.",
        ],
    )
}
