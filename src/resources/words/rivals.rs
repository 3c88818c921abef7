//! What there is to tell about others who write the Secret, or take it for their own: who they are, what that does to the
//! mesh's CA, and how to switch it off.

use std::collections::BTreeSet;

use super::{Instance, UNWRITTEN};
use crate::cluster::istiod::{Bearing, Env};
use crate::cluster::secret::{Controller, Writer};
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
        match value {
            Env::Text(value) => format!(
                "The Deployment {deployment} has {variable}={value:?} in the environment of its container."
            ),
            Env::FromElsewhere => format!(
                "The container of the Deployment {deployment} has {variable}, or may have it, from another object \
                 (`valueFrom`, `envFrom`), which is not looked at."
            ),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Istiods beside each other publish their roots under different names.
pub(in crate::resources) fn published_apart(
    instance: &Instance,
    names: &BTreeSet<String>,
) -> Diagnostic {
    let named: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let told = format!(
        "The istiods that load it are told by PILOT_CA_CERT_CONFIGMAP to publish the roots in different ConfigMaps: {}. \
         Only one istiod of a cluster publishes at a time, under its own name, so that the others go stale.",
        named.join(", ")
    );
    instance.warning(
        "it is not known where istiod publishes its roots",
        &[
            &told,
            "None of these is followed: which roots istiod hands on is looked up in `istio-ca-root-cert`.",
            "Give all istiods of the namespace the same name.",
        ],
    )
}

/// What an istiod is told stands where nobody looks.
pub(in crate::resources) fn istiod_told_unseen(
    instance: &Instance,
    bearings: &[Bearing],
) -> Diagnostic {
    instance.warning(
        "what istiod is told cannot all be seen",
        &[
            &told(bearings),
            "An istiod with USE_CACERTS_FOR_SELF_SIGNED_CA=true keeps its own self-signed CA in a Secret of this name: one \
             that runs takes the intermediate CA for that, and publishes its certificate as the mesh's root. One with \
             EXTERNAL_CA, or with ENABLE_CA_SERVER=false, leaves signing to somebody else, and this Secret has no effect. \
             With PILOT_CA_CERT_CONFIGMAP it publishes its roots elsewhere than in `istio-ca-root-cert`. Here it is \
             supposed that none of these is so.",
            "Look what those objects say of these variables. Written into `env` by their values, as Istio's chart does with \
             `pilot.env`, they can be seen.",
        ],
    )
}
