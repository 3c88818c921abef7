//! What istiod makes of the Secret, or not.

use super::Instance;
use crate::cluster::{Error, Problem};
use crate::terraform::{Diagnostic, Path};

const BY_HAND: &str = "Restart it by hand, as with `kubectl rollout restart deployment --selector app=istiod` in its \
                       namespace.";

/// The apply will restart istiod.
pub(in crate::resources) fn restart_announced(
    instance: &Instance,
    istiods: &[String],
    reason: &str,
) -> Diagnostic {
    let told = instance.warning(
        "istiod will be restarted",
        &[
            &format!(
                "Once the Secret is written, the apply restarts {} and waits until all pods serve: {}",
                listed(istiods),
                because(reason)
            ),
            "Its pods are replaced one after the other, as the Deployment's strategy says; workloads go on with the \
             certificates that they have.",
            "To restart it yourself, set `restart_istiod = \"never\"`.",
        ],
    );
    told.at(Path::from("restart_istiod"))
}

/// The heading of what is told twice, while planning and once it was tried: hosts show warnings with the same heading
/// as one.
const FORBIDDEN: &str = "istiod may not be restarted";

/// The apply would restart istiod, and may not.
pub(in crate::resources) fn restart_forbidden(
    instance: &Instance,
    istiods: &[String],
    reason: &str,
) -> Diagnostic {
    let told = instance.warning(
        FORBIDDEN,
        &[
            &format!(
                "Once the Secret is written, {} must be restarted to take it up: {}\nThe cluster does not allow it.",
                listed(istiods),
                because(reason)
            ),
            "The apply writes the Secret and restarts nothing; until somebody does, istiod goes on with the CA that it \
             has in memory.",
            &format!("{BY_HAND} {}", allowed("patch", "deployments")),
        ],
    );
    told.at(Path::from("restart_istiod"))
}

/// What a reason means, as a sentence.
fn because(reason: &str) -> &'static str {
    match reason {
        "first_plug_in" => {
            "it runs with a CA of its own, was started without the Secret, and never looks at it."
        }
        "takes_the_secret_for_its_own" => {
            "it runs with a CA of its own and with USE_CACERTS_FOR_SELF_SIGNED_CA, so that it would take the Secret \
             for its own and hand the intermediate on as the mesh's root."
        }
        "roots" => {
            "the trusted roots change, and as it is set up it would pass over the whole update without a word."
        }
        "layout" => "the files get other names, and it reads those that it found when it started.",
        "no_reload" => {
            "its release, or its settings, take up no change of the files while it runs."
        }
        "sub_path" => "it has the files by `subPath`, which kubelet never brings up to date.",
        _ => "`restart_istiod = \"always\"` asks for it.",
    }
}

fn listed(istiods: &[String]) -> String {
    let names: Vec<String> = istiods.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [one] => format!("the Deployment {one}"),
        _ => format!("the Deployments {}", names.join(", ")),
    }
}

/// When the Deployments of istiod could not be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Unseen {
    /// Before the first write, where nobody looks at them again.
    BeforeTheFirst,
    /// Once the Secret is written for the first time.
    AfterTheFirst,
    /// Once it is written again.
    After,
}

/// The Deployments of istiod could not be listed.
pub(in crate::resources) fn istiods_unseen(
    instance: &Instance,
    error: &Error,
    when: Unseen,
) -> Diagnostic {
    let seen = format!("Which istiods there are, and how they are set up, is not known: {error}.");
    let told = "If one is told to keep its own CA in this Secret (USE_CACERTS_FOR_SELF_SIGNED_CA), it publishes the \
                intermediate CA as the mesh's root; if it is told not to sign, this Secret has no effect.";
    let left = "The Secret is written, and none was restarted: one that does not take it up by itself goes on with the CA \
                that it has in memory.";
    let never = "Or set `restart_istiod = \"never\"` and restart it yourself where that is needed.";
    let (whats, otherwise) = match when {
        Unseen::BeforeTheFirst => (vec![told], ""),
        Unseen::AfterTheFirst => (vec![left, told], never),
        Unseen::After => (vec![left], never),
    };
    let rule = rule(error, otherwise);
    let mut paragraphs = vec![seen.as_str()];
    paragraphs.extend(whats);
    paragraphs.push(&rule);
    instance.warning("the istiods beside it could not be seen", &paragraphs)
}

/// The same where it is known, without seeing them, that they must be restarted: one warning, under the heading of what
/// was known.
pub(in crate::resources) fn istiods_unseen_to_restart(
    unseen: &Diagnostic,
    known: &[Diagnostic],
) -> Diagnostic {
    let summary = known.first().map_or(&unseen.summary, |it| &it.summary);
    let details = known.iter().chain([unseen]).map(|it| it.detail.as_str());
    let detail = details.collect::<Vec<_>>().join("\n\n");
    Diagnostic::warning(summary.clone(), detail)
}

/// An istiod that must be restarted could not be.
pub(in crate::resources) fn restart_refused(
    instance: &Instance,
    error: &Error,
    reason: &str,
) -> Diagnostic {
    let summary = match &error.problem {
        Problem::Forbidden { rbac: true, .. } => FORBIDDEN,
        _ => "istiod could not be restarted",
    };
    instance.warning(
        summary,
        &[
            &format!(
                "The Secret is written, and istiod must be restarted to take it up: {}\n{error}.",
                because(reason)
            ),
            "Until then it goes on with the CA that it has in memory.",
            &format!("{BY_HAND} {}", rule(error, "")),
        ],
    )
}

/// An istiod must be restarted, and the user does that.
pub(in crate::resources) fn restart_left(
    instance: &Instance,
    istiods: &[String],
    reason: &str,
) -> Diagnostic {
    instance.warning(
        "istiod is to be restarted by you",
        &[
            &format!(
                "The Secret is written, and {} must be restarted to take it up: {}",
                listed(istiods),
                because(reason)
            ),
            "Until then it goes on with the CA that it has in memory. `restart_istiod = \"never\"` leaves it to you.",
            BY_HAND,
        ],
    )
}

/// An istiod must be restarted, and no plan has said so.
pub(in crate::resources) fn restart_unannounced(
    instance: &Instance,
    istiods: &[String],
    reason: &str,
) -> Diagnostic {
    instance.warning(
        "istiod is yet to be restarted",
        &[
            &format!(
                "The Secret is written, and {} must be restarted to take it up: {}",
                listed(istiods),
                because(reason)
            ),
            "The plan could not know that, and nothing is restarted that no plan has announced. Until then istiod \
             goes on with the CA that it has in memory.",
            "Apply again: the next plan announces the restart.",
        ],
    )
}

/// The pods were being replaced, and do not all serve.
pub(in crate::resources) fn rollout_unfinished(
    instance: &Instance,
    lines: &[String],
) -> Diagnostic {
    instance.error(
        "the restart of istiod has not ended",
        &[
            &format!("The Secret is written and istiod restarted, but not all of its pods serve:\n{}", lined(lines)),
            "Old pods go on with the CA that they have in memory until new ones take their place.",
            "Find out what the pods wait for, as with `kubectl describe pod --selector app=istiod`; then apply again. \
             A longer time is given by `timeouts {}`; with `on_verify_failure = \"warn\"` this is a warning.",
        ],
    )
}

/// The time is over, and istiod uses something else.
pub(in crate::resources) fn not_taken_up(
    instance: &Instance,
    by: &str,
    lines: &[String],
) -> Diagnostic {
    let told = instance.error(
        "istiod does not use what was written",
        &[
            &format!("The Secret is written, and before the time was over not every istiod used it:\n{}", lined(lines)),
            "Workloads get certificates of the CA that their istiod uses. An istiod that refuses new files says why \
             in its log (`Failed to update new Plug-in CA certs`), and goes on with those that it has.",
            "Do not restart it before its log is understood: with files that it refuses it would not start again. \
             Where kubelet was merely late, apply again; `nudge_kubelet = true` hurries it. With \
             `on_verify_failure = \"warn\"` this is a warning.",
        ],
    );
    told.at(Path::from(if by == "pods" || by == "root" {
        "verify"
    } else {
        "restart_istiod"
    }))
}

/// The pods could not be asked.
pub(in crate::resources) fn pods_unseen(instance: &Instance, error: &Error) -> Diagnostic {
    let told = instance.warning(
        "which CA each istiod uses could not be seen",
        &[
            &format!("The Secret is written, and then: {error}."),
            "Instead it was looked which roots istiod hands on to its workloads, which says less: under the same roots \
             it does not tell one CA from the next.",
            &rule(error, "Or set `verify = \"root\"` to be content with that."),
        ],
    );
    told.at(Path::from("verify"))
}

/// The roots that istiod hands on could not be seen.
pub(in crate::resources) fn root_unseen(instance: &Instance, error: &Error) -> Diagnostic {
    let told = instance.warning(
        "which roots istiod hands on could not be seen",
        &[
            &format!("The Secret is written, and then: {error}."),
            "So it is not known whether istiod uses it.",
            &rule(error, "Or set `verify = \"none\"`."),
        ],
    );
    told.at(Path::from("verify"))
}

/// A pod could not be touched.
pub(in crate::resources) fn not_nudged(instance: &Instance, error: &Error) -> Diagnostic {
    let told = instance.warning(
        "kubelet could not be hurried",
        &[
            &format!("The Secret is written, and then: {error}."),
            "Kubelet brings the files up to date all the same, up to 90 seconds later, which was waited for.",
            &rule(error, "Or leave `nudge_kubelet` out."),
        ],
    );
    told.at(Path::from("nudge_kubelet"))
}

/// The rule that would allow it, where one is missing.
fn rule(error: &Error, otherwise: &str) -> String {
    let words = match &error.problem {
        Problem::Forbidden {
            verb,
            resource,
            rbac: true,
            ..
        } => {
            format!("{} {otherwise}", allowed(verb, resource))
        }
        _ => format!("Apply again later. {otherwise}"),
    };
    words.trim_end().to_owned()
}

fn allowed(verb: &str, resource: &str) -> String {
    let group = if resource == "deployments" {
        "apps"
    } else {
        ""
    };
    format!(
        "Allow it by this rule in a Role of the namespace: `{{apiGroups: [\"{group}\"], resources: [{resource}], \
         verbs: [{verb}]}}`."
    )
}

fn lined(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| format!("- {line}"));
    lines.collect::<Vec<_>>().join("\n")
}
