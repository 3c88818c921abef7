//! What stands where we want to write, and whose it is.

use super::Observed;

/// By what we know a Secret of ours.
#[derive(Clone, Copy)]
pub struct Claim<'a> {
    /// Our owner id.
    pub owner: &'a str,
    /// Whether the Secret holds the very certificate that we would write.
    pub same_certificate: &'a (dyn Fn(&Observed) -> bool + Sync),
}

/// Whose a Secret is, the most telling answer first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// istiod made it for its self-signed CA. Never adopted: a running istiod would publish our intermediate as root.
    Istiod(IstiodMark),
    /// It carries our owner id.
    Ours,
    /// Something else keeps it in its own desired state, and would write it again.
    Controlled(Vec<Controller>),
    /// Another owner of this provider has let go of it.
    Released {
        /// The owner id that it still carries.
        owner: String,
    },
    /// It holds the same certificate, by whomever it was written.
    SameCertificate,
    /// It carries another owner id: another state manages it.
    OtherOwner {
        /// That owner id.
        owner: String,
    },
    /// None of the above: somebody wrote it, by these field managers.
    Foreign {
        /// Field managers, in the order of the object's own list.
        managers: Vec<String>,
    },
}

/// By what a Secret of istiod's own making is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IstiodMark {
    /// Its type is `istio.io/ca-root`.
    Type,
    /// It has the key `istio-generated`.
    Key,
}

/// A system that keeps Secrets as it wants them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Its name, as its users call it.
    pub name: String,
    /// The mark on the Secret that gives it away.
    pub mark: String,
}

/// Says whose the observed Secret is.
pub fn classify(observed: &Observed, claim: &Claim<'_>) -> Finding {
    if let Some(mark) = istiod_mark(observed) {
        return Finding::Istiod(mark);
    }
    if observed.owner() == Some(claim.owner) {
        return Finding::Ours;
    }
    let controllers = controllers(observed);
    if !controllers.is_empty() {
        return Finding::Controlled(controllers);
    }
    match observed.owner().map(str::to_owned) {
        Some(owner) if observed.is_released() => Finding::Released { owner },
        _ if (claim.same_certificate)(observed) => Finding::SameCertificate,
        Some(owner) => Finding::OtherOwner { owner },
        None => Finding::Foreign {
            managers: managers(observed),
        },
    }
}

fn istiod_mark(observed: &Observed) -> Option<IstiodMark> {
    if observed.type_ == "istio.io/ca-root" {
        return Some(IstiodMark::Type);
    }
    observed
        .data
        .contains_key("istio-generated")
        .then_some(IstiodMark::Key)
}

fn managers(observed: &Observed) -> Vec<String> {
    let mut managers: Vec<String> = Vec::new();
    for holding in &observed.holdings {
        if !managers.contains(&holding.manager) {
            managers.push(holding.manager.clone());
        }
    }
    managers
}

/// Labels and annotations that controllers put on what they keep; a name that ends in `/` stands for all under it.
const MARKS: &[(&str, &str)] = &[
    ("cert-manager", "cert-manager.io/certificate-name"),
    ("cert-manager", "cert-manager.io/issuer-name"),
    ("cert-manager", "controller.cert-manager.io/fao"),
    ("Argo CD", "argocd.argoproj.io/instance"),
    ("Argo CD", "argocd.argoproj.io/tracking-id"),
    ("Flux", "kustomize.toolkit.fluxcd.io/"),
    ("Flux", "helm.toolkit.fluxcd.io/"),
    ("Helm", "meta.helm.sh/release-name"),
    ("External Secrets", "reconcile.external-secrets.io/"),
    ("Reflector", "reflector.v1.k8s.emberstack.com/reflects"),
];

/// Field managers under whose name controllers write.
const MANAGERS: &[(&str, &str)] = &[
    ("cert-manager", "cert-manager-certificates-issuing"),
    ("Argo CD", "argocd-controller"),
    ("Argo CD", "argocd-application-controller"),
    ("Flux", "kustomize-controller"),
    ("Flux", "helm-controller"),
    ("Helm", "helm"),
    ("External Secrets", "external-secrets"),
    ("istiod", "pilot-discovery"),
];

/// Which controller writes under this field manager's name, if we know one.
pub(super) fn controller_of(manager: &str) -> Option<&'static str> {
    MANAGERS
        .iter()
        .find(|(_, known)| *known == manager)
        .map(|(name, _)| *name)
}

fn controllers(observed: &Observed) -> Vec<Controller> {
    let names = || observed.annotations.keys().chain(observed.labels.keys());
    let marks = MARKS.iter().filter_map(|(name, mark)| {
        let found = names()
            .find(|found| *found == mark || (mark.ends_with('/') && found.starts_with(mark)))?;
        Some(Controller {
            name: (*name).to_owned(),
            mark: found.clone(),
        })
    });
    let owners = observed.owners.iter().map(|owner| Controller {
        name: owner.clone(),
        mark: "metadata.ownerReferences".to_owned(),
    });
    let writers = observed
        .holdings
        .iter()
        .filter(|holding| holding.holds_data())
        .filter_map(|holding| {
            let name = controller_of(&holding.manager)?.to_owned();
            Some(Controller {
                name,
                mark: format!("field manager {}", holding.manager),
            })
        });
    marks.chain(owners).chain(writers).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::secret::samples::{foreign, observed, ours};

    #[track_caller]
    fn check(observed: &Observed, same_certificate: bool, expected: &Finding) {
        let claim = Claim {
            owner: "o-1",
            same_certificate: &|_| same_certificate,
        };
        assert_eq!(&classify(observed, &claim), expected);
    }

    fn owned_by(owner: &str, change: impl FnOnce(&mut Value)) -> Observed {
        observed(|json| {
            json["metadata"]["annotations"]["istiopca.io/owner"] = json!(owner);
            change(json);
        })
    }

    #[test]
    fn our_owner_id_makes_it_ours_also_when_we_released_it() {
        check(&ours(), false, &Finding::Ours);
        let released = |json: &mut Value| {
            json["metadata"]["annotations"]["istiopca.io/released"] = json!("true")
        };
        check(&owned_by("o-1", released), false, &Finding::Ours);
        check(
            &owned_by("o-2", released),
            true,
            &Finding::Released {
                owner: "o-2".to_owned(),
            },
        );
    }

    #[test]
    fn another_owner_id_is_another_state_unless_the_certificate_is_the_same() {
        check(
            &owned_by("o-2", |_| ()),
            false,
            &Finding::OtherOwner {
                owner: "o-2".to_owned(),
            },
        );
        check(&owned_by("o-2", |_| ()), true, &Finding::SameCertificate);
    }

    #[test]
    fn a_secret_of_somebody_is_foreign_and_its_managers_are_named() {
        let managers = vec!["kubectl-create".to_owned()];
        check(&foreign(|_| ()), false, &Finding::Foreign { managers });
        check(&foreign(|_| ()), true, &Finding::SameCertificate);
    }

    #[test]
    fn a_released_mark_without_an_owner_says_nothing() {
        let marked =
            foreign(|json| json["metadata"]["annotations"]["istiopca.io/released"] = json!("true"));
        let managers = vec!["kubectl-create".to_owned()];
        check(&marked, false, &Finding::Foreign { managers });
    }

    #[test]
    fn what_istiod_generated_is_istiods_whatever_else_it_carries() {
        let root = owned_by("o-1", |json| json["type"] = json!("istio.io/ca-root"));
        check(&root, true, &Finding::Istiod(IstiodMark::Type));
        let key = owned_by("o-1", |json| json["data"]["istio-generated"] = json!(""));
        check(&key, true, &Finding::Istiod(IstiodMark::Key));
    }

    #[test]
    fn controllers_are_known_by_their_marks() {
        let marks = [
            (
                "cert-manager",
                "annotations",
                "cert-manager.io/certificate-name",
            ),
            ("Argo CD", "labels", "argocd.argoproj.io/instance"),
            ("Argo CD", "annotations", "argocd.argoproj.io/tracking-id"),
            ("Flux", "labels", "kustomize.toolkit.fluxcd.io/name"),
            ("Helm", "annotations", "meta.helm.sh/release-name"),
            (
                "External Secrets",
                "labels",
                "reconcile.external-secrets.io/created-by",
            ),
            (
                "Reflector",
                "annotations",
                "reflector.v1.k8s.emberstack.com/reflects",
            ),
        ];
        for (name, place, mark) in marks {
            let found = foreign(|json| json["metadata"][place][mark] = json!("x"));
            let controller = Controller {
                name: name.to_owned(),
                mark: mark.to_owned(),
            };
            check(&found, true, &Finding::Controlled(vec![controller]));
        }
    }

    #[test]
    fn an_owner_reference_is_a_controllers_mark() {
        let found = foreign(|json| {
            json["metadata"]["ownerReferences"] =
                json!([{"kind": "SealedSecret", "name": "cacerts"}]);
        });
        let controller = Controller {
            name: "SealedSecret/cacerts".to_owned(),
            mark: "metadata.ownerReferences".to_owned(),
        };
        check(&found, false, &Finding::Controlled(vec![controller]));
    }

    #[test]
    fn a_controller_is_known_by_the_name_under_which_it_writes_data() {
        let written_by = |name: &str, fields: Value| {
            foreign(|json| {
                json["metadata"]["managedFields"][0]["manager"] = json!(name);
                json["metadata"]["managedFields"][0]["fieldsV1"] = fields;
            })
        };
        let found = written_by(
            "argocd-controller",
            json!({"f:data": {"f:ca-cert.pem": {}}}),
        );
        let mark = "field manager argocd-controller".to_owned();
        check(
            &found,
            false,
            &Finding::Controlled(vec![Controller {
                name: "Argo CD".to_owned(),
                mark,
            }]),
        );
        let found = written_by(
            "argocd-controller",
            json!({"f:metadata": {"f:labels": {"f:team": {}}}}),
        );
        check(
            &found,
            false,
            &Finding::Foreign {
                managers: vec!["argocd-controller".to_owned()],
            },
        );
    }

    #[test]
    fn what_users_write_on_a_secret_for_a_controller_is_no_mark_of_it() {
        let found = foreign(|json| {
            json["metadata"]["annotations"]["cert-manager.io/allow-direct-injection"] =
                json!("true");
        });
        check(
            &found,
            false,
            &Finding::Foreign {
                managers: vec!["kubectl-create".to_owned()],
            },
        );
    }

    #[test]
    fn a_mark_on_our_own_secret_does_not_make_it_anothers() {
        let found = owned_by("o-1", |json| {
            json["metadata"]["labels"]["argocd.argoproj.io/instance"] = json!("x")
        });
        check(&found, false, &Finding::Ours);
    }
}
