//! Who else writes the Secret: known by what such writers leave on the object. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::{Field, Observed};

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
    // What Tetrate's operators and control plane make is labelled and annotated below this domain, such as
    // `platform.tsb.tetrate.io/component` and `xcp.tetrate.io/contentHash` (<https://docs.tetrate.io/service-bridge>).
    // Under which names they write fields is nowhere documented, so that nothing is concluded from those.
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
                "platform.tsb.tetrate.io/component",
                "xcp",
                "Tetrate's control plane",
            ),
            (
                "annotations",
                "xcp.tetrate.io/contentHash",
                "ea6e317d90873ee3",
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
            ("xcp-edge", None),
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
}
