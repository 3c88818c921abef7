//! What stands where we want to write, and whose it is.

use super::Observed;
use super::writer::{Controller, controllers};

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

/// By what it is known that istiod made the Secret for its self-signed CA, if it did.
pub fn istiod_mark(observed: &Observed) -> Option<IstiodMark> {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::secret::samples::{foreign, observed, ours};
    use crate::cluster::secret::writer::Writer;

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
    fn what_a_controller_keeps_is_that_ones_whatever_is_in_it() {
        let found = foreign(|json| {
            json["metadata"]["annotations"]["cert-manager.io/certificate-name"] = json!("x");
        });
        let controller = Controller {
            writer: Writer::CertManager,
            mark: "cert-manager.io/certificate-name".to_owned(),
        };
        check(&found, true, &Finding::Controlled(vec![controller]));
    }

    #[test]
    fn a_mark_on_our_own_secret_does_not_make_it_anothers() {
        let found = owned_by("o-1", |json| {
            json["metadata"]["labels"]["argocd.argoproj.io/instance"] = json!("x")
        });
        check(&found, false, &Finding::Ours);
    }
}
