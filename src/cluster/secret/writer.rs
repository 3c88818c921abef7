//! Who else writes the Secret, or takes it for its own: known by what such writers leave on the object, and by what an
//! istiod is told in its environment. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::{Field, Observed};
use crate::cluster::istiod::{Deployment, Env, Setting};

/// A system that keeps Secrets as it wants them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are those of the products")]
pub enum Writer {
    Istiod,
    CertManager,
    Helm,
    ArgoCd,
    Flux,
    ExternalSecrets,
    SealedSecrets,
    Reflector,
    Tetrate,
    /// Another object that this one belongs to, as `Kind/name`: it goes with that one.
    Owner(String),
}

/// A writer, and what gives it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controller {
    /// Who.
    pub writer: Writer,
    /// The mark on the Secret, as it stands there.
    pub mark: String,
}

/// What an istiod is told that keeps it from taking its CA out of the Secret as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearing {
    /// Which one, by its Deployment.
    pub deployment: String,
    /// The variable of its environment.
    pub variable: &'static str,
    /// What that is set to.
    pub value: String,
    /// What it makes of the Secret.
    pub istiod: Istiod,
}

/// What an istiod makes of the Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Istiod {
    /// It keeps its own self-signed CA there. One that runs takes what somebody else writes for that, and publishes the
    /// certificate in it as the root of the mesh.
    Takes,
    /// It does not sign: somebody else does, and nothing reads the Secret.
    PassesOver,
}

/// A mark on a Secret.
enum Mark {
    /// A label or annotation of this name.
    Named(&'static str),
    /// Any whose name begins so.
    Under(&'static str),
    /// Any whose name has this domain, or one below it.
    Of(&'static str),
    /// A label of this name with this value.
    Label(&'static str, &'static str),
}

/// Labels and annotations that controllers put on what they keep. What users write on a Secret for a controller to heed
/// is none of them.
const MARKS: &[(Writer, Mark)] = &[
    (
        Writer::CertManager,
        Mark::Named("cert-manager.io/certificate-name"),
    ),
    (
        Writer::CertManager,
        Mark::Named("cert-manager.io/issuer-name"),
    ),
    (
        Writer::CertManager,
        Mark::Named("controller.cert-manager.io/fao"),
    ),
    (Writer::ArgoCd, Mark::Named("argocd.argoproj.io/instance")),
    (
        Writer::ArgoCd,
        Mark::Named("argocd.argoproj.io/tracking-id"),
    ),
    (Writer::Flux, Mark::Under("kustomize.toolkit.fluxcd.io/")),
    (Writer::Flux, Mark::Under("helm.toolkit.fluxcd.io/")),
    (Writer::Helm, Mark::Named("meta.helm.sh/release-name")),
    (
        Writer::Helm,
        Mark::Label("app.kubernetes.io/managed-by", "Helm"),
    ),
    (
        Writer::ExternalSecrets,
        Mark::Under("reconcile.external-secrets.io/"),
    ),
    (
        Writer::Reflector,
        Mark::Named("reflector.v1.k8s.emberstack.com/reflects"),
    ),
    (Writer::Tetrate, Mark::Of("tetrate.io")),
];

/// Field managers under whose name controllers write; a name that ends in `-` stands for all that begin so.
const MANAGERS: &[(Writer, &str)] = &[
    (Writer::CertManager, "cert-manager-certificates-"),
    (Writer::ArgoCd, "argocd-controller"),
    (Writer::ArgoCd, "argocd-application-controller"),
    (Writer::Flux, "kustomize-controller"),
    (Writer::Flux, "helm-controller"),
    (Writer::Helm, "helm"),
    (Writer::ExternalSecrets, "external-secrets"),
    (Writer::Istiod, "pilot-discovery"),
    (Writer::Tetrate, "xcp-"),
    (Writer::Tetrate, "tsb-"),
];

/// Kinds of objects that controllers make Secrets from, and that own those.
const OWNERS: &[(Writer, &str)] = &[
    (Writer::SealedSecrets, "SealedSecret"),
    (Writer::ExternalSecrets, "ExternalSecret"),
    (Writer::CertManager, "Certificate"),
];

/// Which controller writes under this field manager's name, if we know one.
pub(super) fn controller_of(manager: &str) -> Option<Writer> {
    let known = |name: &str| name == manager || name.ends_with('-') && manager.starts_with(name);
    let found = MANAGERS.iter().find(|(_, name)| known(name));
    found.map(|(writer, _)| writer.clone())
}

/// Every controller that keeps the Secret, each by the first mark of it.
pub(super) fn controllers(observed: &Observed) -> Vec<Controller> {
    by_marks(observed, &BTreeSet::new())
}

/// Those that would write our own Secret. What we ourselves have put there is no mark of theirs: it is what the user
/// wants on it.
pub fn rivals(observed: &Observed) -> Vec<Controller> {
    by_marks(observed, &observed.held_by_us())
}

fn by_marks(observed: &Observed, ours: &BTreeSet<Field>) -> Vec<Controller> {
    let marks = MARKS.iter().filter_map(|(writer, mark)| {
        let mark = mark.on(observed, ours)?;
        Some((writer.clone(), mark))
    });
    let owners = observed.owners.iter().map(|owner| {
        let kind = owner.split('/').next().unwrap_or_default();
        let known = OWNERS.iter().find(|(_, known)| *known == kind);
        let writer = known.map_or_else(
            || Writer::Owner(owner.clone()),
            |(writer, _)| writer.clone(),
        );
        (writer, format!("owner {owner}"))
    });
    let holdings = observed.holdings.iter();
    let writing = holdings.filter(|holding| holding.holds_data());
    let writers = writing.filter_map(|holding| {
        let writer = controller_of(&holding.manager)?;
        Some((writer, format!("field manager {}", holding.manager)))
    });
    let mut found: Vec<Controller> = Vec::new();
    for (writer, mark) in marks.chain(owners).chain(writers) {
        if found.iter().all(|known| known.writer != writer) {
            found.push(Controller { writer, mark });
        }
    }
    found
}

impl Mark {
    /// As it stands on the Secret, if it does and is not one of `ours`.
    fn on(&self, observed: &Observed, ours: &BTreeSet<Field>) -> Option<String> {
        let labels = observed.labels.iter().map(|(name, value)| {
            let field = Field::Label(name.clone());
            (name, value, field, true)
        });
        let annotations = observed.annotations.iter().map(|(name, value)| {
            let field = Field::Annotation(name.clone());
            (name, value, field, false)
        });
        let mut all = annotations.chain(labels);
        let found = all.find(|(name, value, field, is_label)| {
            self.is(name, value, *is_label) && !ours.contains(field)
        });
        found.map(|(name, ..)| name.clone())
    }

    fn is(&self, name: &str, value: &str, is_label: bool) -> bool {
        match self {
            Self::Named(wanted) => name == *wanted,
            Self::Under(prefix) => name.starts_with(prefix),
            Self::Of(domain) => name.split_once('/').is_some_and(|(of, _)| {
                let above = of.strip_suffix(domain);
                above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
            }),
            Self::Label(wanted, expected) => is_label && name == *wanted && value == *expected,
        }
    }
}

/// What the istiods beside the Secret make of it, each of whom does not do as it should. A Secret of another name is
/// mounted by the user's own doing, and none that istiod would keep its own CA in.
pub fn bearings(istiods: &[Deployment], secret: &str) -> Vec<Bearing> {
    let there = istiods.iter().filter(|it| !it.deleting);
    let all = there.flat_map(|deployment| {
        let told = deployment.env.iter();
        told.filter_map(|(setting, value)| bearing(deployment, *setting, value))
    });
    let own = |it: &Bearing| it.istiod != Istiod::Takes || secret == ITS_OWN;
    all.filter(own).collect()
}

/// The name under which istiod keeps its own CA, when told to.
const ITS_OWN: &str = "cacerts";

fn bearing(deployment: &Deployment, setting: Setting, value: &Env) -> Option<Bearing> {
    let flag = value.flag();
    let Env::Text(value) = value else {
        return None;
    };
    let istiod = match setting {
        Setting::CacertsForSelfSigned if flag == Some(true) => Istiod::Takes,
        Setting::ExternalCa if !value.is_empty() => Istiod::PassesOver,
        Setting::CaServer if flag == Some(false) => Istiod::PassesOver,
        _ => return None,
    };
    Some(Bearing {
        deployment: deployment.name.clone(),
        variable: setting.name(),
        value: value.clone(),
        istiod,
    })
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Istiod => "istiod",
            Self::CertManager => "cert-manager",
            Self::Helm => "Helm",
            Self::ArgoCd => "Argo CD",
            Self::Flux => "Flux",
            Self::ExternalSecrets => "External Secrets",
            Self::SealedSecrets => "Sealed Secrets",
            Self::Reflector => "Reflector",
            Self::Tetrate => "Tetrate's control plane",
            Self::Owner(owner) => owner,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::istiod::samples::deployment;
    use crate::cluster::secret::samples::{foreign, observed};

    fn writers(found: &[Controller]) -> Vec<String> {
        let shown = found
            .iter()
            .map(|it| format!("{} by {}", it.writer, it.mark));
        shown.collect()
    }

    #[test]
    fn each_controller_is_known_by_what_it_leaves() {
        for (place, mark, value, writer) in [
            (
                "annotations",
                "cert-manager.io/certificate-name",
                "ca",
                "cert-manager",
            ),
            (
                "annotations",
                "cert-manager.io/issuer-name",
                "ca",
                "cert-manager",
            ),
            (
                "labels",
                "controller.cert-manager.io/fao",
                "true",
                "cert-manager",
            ),
            ("labels", "argocd.argoproj.io/instance", "mesh", "Argo CD"),
            (
                "annotations",
                "argocd.argoproj.io/tracking-id",
                "x",
                "Argo CD",
            ),
            ("labels", "kustomize.toolkit.fluxcd.io/name", "mesh", "Flux"),
            ("labels", "helm.toolkit.fluxcd.io/name", "mesh", "Flux"),
            ("annotations", "meta.helm.sh/release-name", "base", "Helm"),
            ("labels", "app.kubernetes.io/managed-by", "Helm", "Helm"),
            (
                "labels",
                "reconcile.external-secrets.io/created-by",
                "x",
                "External Secrets",
            ),
            (
                "annotations",
                "reflector.v1.k8s.emberstack.com/reflects",
                "a/b",
                "Reflector",
            ),
            (
                "labels",
                "xcp.tetrate.io/cluster",
                "a",
                "Tetrate's control plane",
            ),
            (
                "annotations",
                "tetrate.io/owner",
                "a",
                "Tetrate's control plane",
            ),
        ] {
            let found = foreign(|json| json["metadata"][place][mark] = json!(value));
            assert_eq!(
                writers(&controllers(&found)),
                [format!("{writer} by {mark}")]
            );
        }
    }

    #[test]
    fn what_users_write_and_what_others_mean_by_it_is_no_mark() {
        for (place, mark, value) in [
            (
                "annotations",
                "cert-manager.io/allow-direct-injection",
                "true",
            ),
            ("labels", "app.kubernetes.io/managed-by", "kustomize"),
            ("annotations", "app.kubernetes.io/managed-by", "Helm"),
            ("labels", "nottetrate.io/owner", "a"),
            ("labels", "tetrate.io.example.com/owner", "a"),
        ] {
            let found = foreign(|json| json["metadata"][place][mark] = json!(value));
            assert_eq!(controllers(&found), [], "{mark}");
        }
    }

    #[test]
    fn an_owner_is_known_by_its_kind_and_named_where_it_is_not() {
        for (kind, expected) in [
            (
                "SealedSecret",
                "Sealed Secrets by owner SealedSecret/cacerts",
            ),
            (
                "ExternalSecret",
                "External Secrets by owner ExternalSecret/cacerts",
            ),
            ("Certificate", "cert-manager by owner Certificate/cacerts"),
            (
                "VaultStaticSecret",
                "VaultStaticSecret/cacerts by owner VaultStaticSecret/cacerts",
            ),
        ] {
            let found = foreign(|json| {
                json["metadata"]["ownerReferences"] = json!([{"kind": kind, "name": "cacerts"}]);
            });
            assert_eq!(writers(&controllers(&found)), [expected]);
        }
    }

    #[test]
    fn a_manager_is_known_where_it_writes_data() {
        for (manager, expected) in [
            (
                "cert-manager-certificates-issuing",
                Some(Writer::CertManager),
            ),
            (
                "cert-manager-certificates-trigger",
                Some(Writer::CertManager),
            ),
            ("cert-manager", None),
            ("pilot-discovery", Some(Writer::Istiod)),
            ("kubectl-edit", None),
        ] {
            assert_eq!(controller_of(manager), expected, "{manager}");
            let by = |fields: serde_json::Value| {
                foreign(|json| {
                    json["metadata"]["managedFields"][0]["manager"] = json!(manager);
                    json["metadata"]["managedFields"][0]["fieldsV1"] = fields;
                })
            };
            let data = by(json!({"f:data": {"f:ca-cert.pem": {}}}));
            assert_eq!(!controllers(&data).is_empty(), expected.is_some());
            let labels = by(json!({"f:metadata": {"f:labels": {"f:team": {}}}}));
            assert_eq!(controllers(&labels), []);
        }
    }

    #[test]
    fn a_writer_with_several_marks_is_named_once() {
        let found = foreign(|json| {
            json["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!("base");
            json["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
        });
        let expected = ["Helm by meta.helm.sh/release-name"];
        assert_eq!(writers(&controllers(&found)), expected);
    }

    #[test]
    fn a_label_that_the_user_has_us_write_is_no_rivals() {
        let labelled = |ours: bool| {
            observed(|json| {
                json["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
                if ours {
                    let labels = json!({"f:app.kubernetes.io/managed-by": {}});
                    json["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"]["f:labels"] =
                        labels;
                }
            })
        };
        assert_eq!(rivals(&labelled(true)), []);
        assert_eq!(rivals(&labelled(false))[0].writer, Writer::Helm);
    }

    fn told(variable: &str, value: &str) -> Vec<Deployment> {
        let variable = json!({"name": variable, "value": value});
        let change = |json: &mut serde_json::Value| {
            json["spec"]["template"]["spec"]["containers"][0]["env"] = json!([variable]);
        };
        vec![deployment(change)]
    }

    #[test]
    fn an_istiod_is_judged_by_what_it_is_told_as_it_reads_it() {
        let (flag, external, server) = (
            "USE_CACERTS_FOR_SELF_SIGNED_CA",
            "EXTERNAL_CA",
            "ENABLE_CA_SERVER",
        );
        for (variable, value, expected) in [
            (flag, "true", Some(Istiod::Takes)),
            (flag, "1", Some(Istiod::Takes)),
            (flag, "false", None),
            (flag, "yes", None),
            (flag, "", None),
            (
                external,
                "ISTIOD_RA_KUBERNETES_API",
                Some(Istiod::PassesOver),
            ),
            (external, "", None),
            (server, "false", Some(Istiod::PassesOver)),
            (server, "true", None),
            (server, "no", None),
            ("ISTIO_MULTIROOT_MESH", "true", None),
        ] {
            let found = bearings(&told(variable, value), "cacerts");
            let found: Vec<_> = found.iter().map(|it| it.istiod).collect();
            assert_eq!(found, Vec::from_iter(expected), "{variable}={value}");
        }
    }

    #[test]
    fn an_istiod_that_goes_or_looks_elsewhere_is_none() {
        let mut istiods = told("USE_CACERTS_FOR_SELF_SIGNED_CA", "true");
        assert_eq!(bearings(&istiods, "another"), []);
        assert_eq!(bearings(&istiods, "cacerts").len(), 1);
        istiods[0].deleting = true;
        assert_eq!(bearings(&istiods, "cacerts"), []);
    }
}
