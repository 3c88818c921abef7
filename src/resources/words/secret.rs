//! What there is to tell about the Secret.

use super::rivals::{explained, named};
use super::{Instance, UNWRITTEN};
use crate::cluster::secret::{Answer, Conflict, Finding, Immovable, IstiodMark, Refusal};
use crate::cluster::{Error, HowWritten};
use crate::pki::roots::Misstep;
use crate::pki::{Certificate, KeyError};
use crate::resources::cacerts_secret::Unfit;
use crate::terraform::{Diagnostic, Path};

/// The certificate that it shall hold does not exist yet.
pub(in crate::resources) fn not_delivered(instance: &Instance) -> Diagnostic {
    instance.error(
        "the certificate is not delivered yet",
        &[
            "AWS Private CA has taken the order and not delivered the certificate.",
            UNWRITTEN,
            "Apply again.",
        ],
    )
}

/// The certificate and those above it do not go together.
pub(in crate::resources) fn bad_chain(instance: &Instance, problem: &str) -> Diagnostic {
    let told = format!("The certificate and its chain do not lead to a root: {problem}.");
    let remedy = "Give the whole chain up to the root, such as `certificate_chain` of the \
                  `istiopca_intermediate` that the certificate comes from.";
    let problem = instance.error("the chain is not sound", &[&told, UNWRITTEN, remedy]);
    problem.at(Path::from("certificate_chain"))
}

/// The private key cannot be read. What it is, is nobody's business.
pub(in crate::resources) fn bad_key(instance: &Instance, error: &KeyError) -> Diagnostic {
    let told = format!("The private key cannot be used: {error}.");
    let remedy = "Give one unencrypted PKCS #8 key in PEM: EC on P-256 or P-384, or RSA.";
    let problem = instance.error("the private key is of no use", &[&told, UNWRITTEN, remedy]);
    problem.at(Path::from("private_key_pem"))
}

/// The bundle is none that istiod would load or peers would trust.
pub(in crate::resources) fn bad_bundle(instance: &Instance, unfit: &Unfit) -> Diagnostic {
    let (told, place) = match unfit {
        Unfit::Root(error) => (
            format!("One of `additional_root_pems` cannot be read: {error}."),
            "additional_root_pems",
        ),
        Unfit::Bundle(error) => (format!("{error}."), "certificate"),
        Unfit::Key => (
            "The private key is not the certificate's.".to_owned(),
            "private_key_pem",
        ),
    };
    let remedy = "Correct it and apply again. istiod would have refused this bundle, or signed what \
                  no workload accepts.";
    instance
        .error("this cannot be a mesh's CA", &[&told, UNWRITTEN, remedy])
        .at(Path::from(place))
}

/// Trust would break. `published` are roots that an istiod publishes while there is no Secret.
pub(in crate::resources) fn root_change(
    instance: &Instance,
    missteps: &[Misstep],
    published: bool,
) -> Diagnostic {
    let told: Vec<String> = missteps
        .iter()
        .map(|misstep| misstepped(misstep, published))
        .collect();
    let moments = missteps.iter().filter_map(|misstep| match misstep {
        Misstep::NotYetTrusted { from, .. } | Misstep::StillInUse { from, .. } => Some(*from),
        Misstep::Untrusted { .. } | Misstep::NotPublished { .. } | Misstep::InUse { .. } => None,
    });
    let ignored = missteps
        .iter()
        .any(|misstep| matches!(misstep, Misstep::NotPublished { .. }));
    let only_early = missteps.len() == moments.clone().count();
    let (what, remedy) = match moments.max().filter(|_| only_early) {
        Some(from) => (
            "it is too early for this step",
            format!(
                "Apply this from {from} on. Workloads that follow faster allow a shorter \
                 `min_trust_overlap`; to take the step at once all the same, set \
                 `allow_root_replacement = true`."
            ),
        ),
        None if ignored => ("istiod has not taken up the root", RESTART.to_owned()),
        None if published => ("the mesh has other roots", PLUG_IN.to_owned()),
        None => ("the trusted roots would change at once", STEPS.to_owned()),
    };
    let told = told.join("\n\n");
    let refused = instance.error(what, &[&told, UNWRITTEN, &remedy]);
    refused.at(Path::from("allow_root_replacement"))
}

const STEPS: &str = "Move in steps, and give every workload time to follow after each: first add the \
                     new root to `additional_root_pems`, then issue under it and keep the old one \
                     there, then take the old one out. To change at once all the same, set \
                     `allow_root_replacement = true`.";

const RESTART: &str = "Restart every istiod that loads this Secret: unless it runs with \
                       ISTIO_MULTIROOT_MESH=true it passes over a change of root-cert.pem. From then on \
                       give every workload `min_trust_overlap` to follow, and apply this again.";

const PLUG_IN: &str = "There is no Secret, and the ConfigMap `istio-ca-root-cert` shows which roots \
                       the workloads trust: most likely those of an istiod that signs by itself. \
                       Where no workload runs yet, or they may all be restarted, set \
                       `allow_root_replacement = true` for this apply, restart istiod and then the \
                       workloads, and take the setting out again. Keep the root from the ConfigMap in \
                       `additional_root_pems` until every workload has been restarted: those that \
                       have been still trust those that have not.";

fn misstepped(misstep: &Misstep, published: bool) -> String {
    let name = |root: &Certificate| format!("{} (SHA-256 {})", root.subject(), root.sha256());
    let live = if published {
        "the mesh"
    } else {
        "the live Secret"
    };
    match misstep {
        Misstep::Untrusted { root } => format!(
            "The certificate leads to the root {}, which {live} does not trust yet: workloads that \
             have not learnt of it would refuse every certificate under it.",
            name(root)
        ),
        Misstep::NotPublished { root } => format!(
            "The certificate leads to the root {}, which is in the Secret, but not in the ConfigMap \
             `istio-ca-root-cert`: istiod does not hand it on, so no workload knows of it.",
            name(root)
        ),
        Misstep::NotYetTrusted { root, from } => format!(
            "The certificate leads to the root {}, which has not been trusted for \
             `min_trust_overlap` yet: that is over at {from}. Until then workloads that have not \
             learnt of it would refuse every certificate under it.",
            name(root)
        ),
        Misstep::InUse { root } => format!(
            "Workloads have certificates under the root {}, which would no longer be trusted: they \
             would be refused.",
            name(root)
        ),
        Misstep::StillInUse { root, from } => format!(
            "The root {} would no longer be trusted, but signing has not left it for \
             `min_trust_overlap` yet: that is over at {from}. Until then workloads may have \
             certificates under it.",
            name(root)
        ),
    }
}

/// Nobody could say what the workloads trust.
pub(in crate::resources) fn roots_unseen(instance: &Instance, error: &Error) -> Diagnostic {
    instance.warning(
        "the roots of the mesh could not be seen",
        &[
            &format!("Which roots istiod hands on to its workloads is not known: {error}."),
            "If an istiod runs here that signs by itself, or was not restarted since the roots \
             changed, its workloads refuse those that get a certificate under another root.",
            "Allow the verb `get` on that ConfigMap to have this checked.",
        ],
    )
}

/// A root is written that no workload knows of, in a sentence.
pub(in crate::resources) fn not_handed_on(root: &Certificate) -> String {
    format!(
        "The root {} (SHA-256 {}) is in the Secret, but not in the ConfigMap `istio-ca-root-cert`: istiod \
         does not hand it on, so no workload knows of it. Restart every istiod that loads this Secret.",
        root.subject(),
        root.sha256()
    )
}

/// The key went between plan and apply.
pub(in crate::resources) fn key_gone(instance: &Instance) -> Diagnostic {
    instance.error(
        "the private key is not in the Secret any more",
        &[
            "The Secret was to be written with the key that it holds, but that key is gone or is \
             another one since the plan was made.",
            UNWRITTEN,
            "Plan again: the next plan issues a new certificate with a new key.",
        ],
    )
}

/// What is there must not be written over.
pub(in crate::resources) fn refusal(instance: &Instance, refusal: &Refusal) -> Diagnostic {
    let (what, told, remedy) = refused(refusal);
    instance.error(what, &[&told, UNWRITTEN, &remedy])
}

fn refused(refusal: &Refusal) -> (&'static str, String, String) {
    match refusal {
        Refusal::NotOurs { finding, answers } => (
            "a Secret is there and is not this resource's",
            whose(finding),
            answers.iter().map(|answer| answered(*answer)).collect::<Vec<_>>().join("\n"),
        ),
        Refusal::Istiod { mark } => (
            "istiod made the Secret that is there",
            match mark {
                IstiodMark::Type => "Its type is `istio.io/ca-root`: it holds istiod's self-signed CA.".to_owned(),
                IstiodMark::Key => "It has the key `istio-generated`: it holds istiod's self-signed CA.".to_owned(),
            },
            "It can only be replaced, with `on_existing = \"replace\"` and a restart of istiod right after: taken over \
             in place, a running istiod would publish the intermediate as the mesh's root. Set \
             USE_CACERTS_FOR_SELF_SIGNED_CA to `false` for it first, or it takes the next one, too."
                .to_owned(),
        ),
        Refusal::BeingDeleted { finalizers } => (
            "the Secret is being deleted",
            format!("It is held by the finalizers {}; what is written now goes with it.", finalizers.join(", ")),
            "Wait until it is gone, then apply again.".to_owned(),
        ),
        Refusal::Contested { conflicts } => (
            "another writer declares fields of this Secret",
            format!("These would write their values again:\n{}", listed(conflicts)),
            "Stop that writer. To take the fields from it all the same, set `force_conflicts = true`.".to_owned(),
        ),
        Refusal::OtherLayout { keys } => (
            "the Secret also holds the other layout",
            format!(
                "The keys {} are somebody else's, and with them istiod would not read what is written here.",
                keys.iter().cloned().collect::<Vec<_>>().join(", ")
            ),
            "Find out who wrote them. To remove them, set `prune_keys = true`.".to_owned(),
        ),
        Refusal::Immovable { why } => (
            "the Secret cannot be changed in place",
            match why {
                Immovable::Immutable { keys } => {
                    format!("It is marked immutable, and {} would change.", keys.join(", "))
                }
                Immovable::Type { type_, keys } => {
                    format!("Its type {type_} demands the keys {}, which would go.", keys.join(", "))
                }
            },
            "Set `on_existing = \"replace\"` to delete it and make it anew; for that moment istiod has no Secret."
                .to_owned(),
        ),
        Refusal::NotKept(_) => (
            "the Secret changed meanwhile",
            "A value that was to be kept is no longer there.".to_owned(),
            "Plan again.".to_owned(),
        ),
    }
}

fn whose(finding: &Finding) -> String {
    match finding {
        Finding::OtherOwner { owner } => {
            format!(
                "It carries the owner id {owner}: another resource of this provider, in another state, keeps it."
            )
        }
        Finding::Controlled(controllers) => {
            format!(
                "It is kept by {}, which would write it again.\n\n{}",
                named(controllers),
                explained(controllers)
            )
        }
        Finding::Foreign { managers } if managers.is_empty() => {
            "Nothing on it says who wrote it.".to_owned()
        }
        Finding::Foreign { managers } => format!("It was written by {}.", managers.join(", ")),
        Finding::Istiod(_)
        | Finding::Ours
        | Finding::Released { .. }
        | Finding::SameCertificate => "It is there.".to_owned(),
    }
}

fn answered(answer: Answer) -> String {
    match answer {
        Answer::Adopt => {
            "`on_existing = \"adopt\"` takes it over in place; what else is on it stays."
        }
        Answer::Replace => "`on_existing = \"replace\"` deletes it and makes it anew.",
        Answer::ForceConflicts => {
            "`force_conflicts = true` is needed besides; stop the other writer first."
        }
    }
    .to_owned()
}

fn listed(conflicts: &[Conflict]) -> String {
    let lines = conflicts.iter().map(|conflict| {
        let fields: Vec<String> = conflict.fields.iter().map(ToString::to_string).collect();
        format!("- {}: {}", conflict.by.manager, fields.join(", "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The old one is gone and the new one is not there.
pub(in crate::resources) fn lost(instance: &Instance, error: &Error) -> Diagnostic {
    instance.error(
        "the Secret was deleted and could not be made anew",
        &[
            &format!("It was deleted to be replaced, and then: {error}."),
            "There is no Secret now. A running istiod keeps the CA that it has in memory; if it \
             restarts before the Secret is back, it makes a self-signed root that no workload trusts.",
            "Apply again at once, and do not restart istiod before that.",
        ],
    )
}

/// Others' values were written over, as the user allowed.
pub(in crate::resources) fn overwritten(
    instance: &Instance,
    how: &HowWritten,
) -> Option<Diagnostic> {
    let (HowWritten::InPlace(decision) | HowWritten::Replaced(decision)) = how else {
        return None;
    };
    if decision.overwritten.is_empty() {
        return None;
    }
    Some(instance.warning(
        "values of other writers were replaced",
        &[
            &format!(
                "These had changed fields of this Secret:\n{}",
                listed(&decision.overwritten)
            ),
            "If they write again, the next plan shows it as drift.",
        ],
    ))
}

/// The live Secret is not what was written.
pub(in crate::resources) fn drifted(
    instance: &Instance,
    drift: &[String],
    key_lost: bool,
) -> Diagnostic {
    let lines: Vec<String> = drift.iter().map(|line| format!("- {line}")).collect();
    let repair = if key_lost {
        "The key is not to be had any more, so a new certificate is issued with a new key."
    } else {
        "Applying this plan writes it back."
    };
    instance.warning(
        "it was changed outside of this configuration",
        &[
            &lines.join("\n"),
            "istiod takes its CA from this Secret, at its next reload or restart at the latest.",
            repair,
        ],
    )
}

/// Nobody can change the Secret in place.
pub(in crate::resources) fn immutable(instance: &Instance) -> Diagnostic {
    instance.warning(
        "it was made immutable",
        &[
            "Somebody set `immutable: true` on the Secret, which cannot be taken back, and with which no \
             renewal could be written.",
            "Applying this plan deletes it and makes it anew. A running istiod goes on with what it has \
             in memory; one that restarts in that moment makes a self-signed root that no workload \
             trusts.",
            "Do not restart istiod while this is applied, and keep whoever did it from doing it again.",
        ],
    )
}

/// What is there would not be written over.
pub(in crate::resources) fn will_be_refused(instance: &Instance, refusal: &Refusal) -> Diagnostic {
    let (what, told, remedy) = refused(refusal);
    let refused =
        "Applying this plan is refused and writes nothing, unless that has changed by then.";
    instance.warning(what, &[&told, refused, &remedy])
}

/// The Secret is not there any more.
pub(in crate::resources) fn gone(instance: &Instance, issues: bool) -> Diagnostic {
    let repair = if issues {
        "Its key went with it: applying this plan issues a new certificate with a new key."
    } else {
        "Applying this plan writes it again."
    };
    instance.warning(
        "it is gone",
        &[
            "Somebody deleted the Secret.",
            "A running istiod keeps the CA that it has in memory; if it restarts before the Secret is \
             back, it makes a self-signed root that no workload trusts.",
            repair,
        ],
    )
}

/// A destroy that leaves the Secret.
pub(in crate::resources) fn retained(instance: &Instance) -> Diagnostic {
    instance.warning(
        "it stays in the cluster",
        &[
            "`on_destroy` is `retain`: destroying this resource leaves the Secret, marked as released. \
             Its certificate is not renewed any more, and the mesh goes down when it ends.",
            "To delete the Secret, set `on_destroy = \"delete\"` and apply that before you destroy.",
        ],
    )
}

/// A destroy that deletes the Secret.
pub(in crate::resources) fn will_be_gone(instance: &Instance) -> Diagnostic {
    instance.warning(
        "it will be deleted",
        &["`on_destroy` is `delete`. Without the Secret the next restart of istiod makes a self-signed \
           root, and workloads under it are not trusted by those that have certificates now."],
    )
}

/// The Secret carries no mark of ours, so it was left.
pub(in crate::resources) fn left_alone(instance: &Instance, owner: Option<&str>) -> Diagnostic {
    let owner = owner.map_or_else(
        || "It carries no owner id".to_owned(),
        |owner| format!("It carries the owner id {owner}"),
    );
    instance.warning(
        "it was left alone",
        &[&format!(
            "{owner}, so it is not this resource's (any more). It is still in the cluster."
        )],
    )
}
