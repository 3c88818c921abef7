//! What the mesh trusts now, and whether it could follow a change of its roots.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Prior;
use super::compose::{self, TRUSTED_ROOTS, Unfit};
use super::settings::Settings;
use crate::cluster::secret::{Field, Observed, annotation};
use crate::cluster::{Cluster, ConfigMap, Error, SecretName};
use crate::pki::roots::{Misstep, Published, Tenure, Tenures, Trust};
use crate::pki::{Certificate, Fingerprint, Live};

/// The ConfigMap in which an istiod publishes the roots that its workloads trust.
const PUBLISHED: &str = "istio-ca-root-cert";

/// The file in it.
const PUBLISHED_FILE: &str = "root-cert.pem";

/// A root that the mesh trusts, as the state shows it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct TrustedRoot {
    sha256: Fingerprint,
    subject: String,
    not_after: Timestamp,
    trusted_since: Timestamp,
    left_at: Option<Timestamp>,
}

impl TrustedRoot {
    /// The roots in their order, with what is known of each.
    pub(super) fn all(roots: &[Certificate], tenures: &Tenures) -> Vec<Self> {
        let known = |root: &Certificate| Some((root.clone(), *tenures.get(&root.sha256())?));
        let known = roots.iter().filter_map(known);
        let shown = known.map(|(root, Tenure { since, left })| Self {
            sha256: root.sha256(),
            subject: root.subject().to_string(),
            not_after: root.not_after(),
            trusted_since: since,
            left_at: left,
        });
        shown.collect()
    }
}

/// What is known of the roots once they are written; what the state knew of them counts, too, where
/// the Secret is gone.
pub(super) fn tenures_after(
    trust: &Trust,
    prior: Option<&Prior>,
    own: &Certificate,
    roots: &[Certificate],
    now: Timestamp,
) -> Tenures {
    let mut known = prior.map_or_else(Tenures::new, |prior| {
        tenures(&prior.outputs.1.trusted_roots)
    });
    known.extend(&trust.tenures);
    let trust = Trust {
        tenures: known,
        ..trust.clone()
    };
    trust.tenures_after(own, roots, now)
}

/// Whether these are the roots that the state shows, in their order.
pub(super) fn are(roots: &[Certificate], shown: &[TrustedRoot]) -> bool {
    let live = roots.iter().map(Certificate::sha256);
    live.eq(shown.iter().map(|root| root.sha256))
}

/// What is known of the roots that the state shows.
pub(super) fn tenures(shown: &[TrustedRoot]) -> Tenures {
    let tenures = shown.iter().map(|root| {
        let (since, left) = (root.trusted_since, root.left_at);
        (root.sha256, Tenure { since, left })
    });
    tenures.collect()
}

/// The trust under a live Secret. Where nothing was noted of a root, it is trusted since the file
/// was last written.
pub(super) fn of_secret(observed: &Observed, live: &Live, prior: Option<&Prior>) -> Trust {
    let noted = observed
        .annotations
        .get(&annotation::named(TRUSTED_ROOTS))
        .and_then(|json| serde_json::from_str::<Tenures>(json).ok());
    let mut known = noted.unwrap_or_default();
    known.extend(prior.map_or_else(Tenures::new, |prior| {
        tenures(&prior.outputs.1.trusted_roots)
    }));
    let roots = live.roots();
    let written = live
        .format()
        .and_then(|layout| last_written(observed, layout.roots_file()));
    for root in roots {
        if let Some(since) = written {
            known
                .entry(root.sha256())
                .or_insert(Tenure { since, left: None });
        }
    }
    Trust {
        roots: roots.to_vec(),
        signing: live.chain().ok().map(|chain| chain.root().clone()),
        tenures: known,
        published: None,
    }
}

/// No earlier than the last change of a file: whoever holds it may have changed something else
/// since.
fn last_written(observed: &Observed, file: &str) -> Option<Timestamp> {
    let field = Field::Data(file.to_owned());
    let holders = observed
        .holdings
        .iter()
        .filter(|holding| holding.holds(&field));
    holders
        .filter_map(|holding| holding.time)
        .max()
        .or(observed.created)
}

/// What an istiod of the Secret's namespace has told its workloads to trust.
pub(super) async fn published(
    cluster: &Cluster,
    at: &SecretName,
) -> Result<Option<Published>, Error> {
    let found = cluster.config_map_beside(at, PUBLISHED).await?;
    Ok(found.and_then(|ConfigMap { mut data, written }| {
        let pem = data.remove(PUBLISHED_FILE)?;
        Some(Published {
            roots: Certificate::parse_all(&pem).ok()?,
            since: written,
        })
    }))
}

/// The trust in want of a Secret: of an istiod that signs by itself, that in its own root; after
/// the Secret was lost, that in what it was.
pub(super) fn of_published(published: Option<Published>) -> Trust {
    Trust {
        roots: published.map_or_else(Vec::new, |published| published.roots),
        ..Trust::default()
    }
}

/// Whether it matters what an istiod publishes: without a Secret, and where the CA could go from
/// one root to another that is trusted already.
pub(super) fn depends_on_istiod(trust: &Trust) -> bool {
    trust.roots.len() != 1
}

/// Whether this is what an istiod has published, in want of a Secret.
pub(super) fn is_published(trust: &Trust) -> bool {
    trust.signing.is_none() && trust.tenures.is_empty()
}

/// Whether a Secret that is gone is only to be put back, under the root that it had.
pub(super) fn is_put_back(prior: Option<&Prior>, own: &Certificate) -> bool {
    prior.is_some_and(|prior| prior.outputs.0.root_sha256 == Some(own.sha256()))
}

/// What workloads would not survive of a change to these settings under a CA that leads to `own`.
pub(super) fn missteps(
    trust: &Trust,
    settings: &Settings,
    own: &Certificate,
    now: Timestamp,
) -> Result<Vec<Misstep>, Unfit> {
    if settings.replaces_roots() {
        return Ok(Vec::new());
    }
    let roots = compose::trusted(settings, own, &trust.roots)?;
    let overlap: SignedDuration = settings.min_trust_overlap.signed();
    Ok(trust.missteps(own, &roots, now, overlap))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, Spec};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    const WRITTEN: &str = "2026-03-01T00:00:00Z";
    const MADE: &str = "2026-01-01T00:00:00Z";

    /// A Secret under the first of these roots, as somebody else wrote it.
    fn observed(roots: &[&Ca], change: impl FnOnce(&mut Value)) -> (Observed, Live) {
        let mesh = roots[0].sign(Spec::ca("mesh").path_length(0));
        let pem = |ca: &Ca| ca.certificate.to_pem();
        let trusted: String = roots.iter().map(|root| pem(root)).collect();
        let mut secret = json!({
            "metadata": {
                "namespace": "istio-system", "name": "cacerts", "uid": "u", "resourceVersion": "1",
                "creationTimestamp": MADE,
                "managedFields": [{
                    "manager": "kubectl", "operation": "Update", "time": WRITTEN,
                    "fieldsV1": {"f:data": {"f:root-cert.pem": {}}},
                }],
            },
            "type": "Opaque",
            "data": {
                "ca-cert.pem": STANDARD.encode(pem(&mesh)),
                "cert-chain.pem": STANDARD.encode(pem(&mesh)),
                "root-cert.pem": STANDARD.encode(trusted),
            },
        });
        change(&mut secret);
        let observed = Observed::parse(secret.to_string().as_bytes()).expect("a Secret");
        let live = Live::read(&compose::Files::of(Some(&observed)));
        (observed, live)
    }

    fn since(trust: &Trust, root: &Ca) -> String {
        trust.tenures[&root.certificate.sha256()].since.to_string()
    }

    #[test]
    fn what_was_noted_of_a_root_counts_and_else_when_its_file_was_last_written() {
        let (first, second) = (Ca::root(Spec::ca("first")), Ca::root(Spec::ca("second")));
        let noted = json!({first.certificate.sha256().to_string(): {"since": MADE}}).to_string();
        let (secret, live) = observed(&[&first, &second], |secret| {
            secret["metadata"]["annotations"] = json!({"istiopca.io/trusted-roots": noted});
        });
        let trust = of_secret(&secret, &live, None);
        assert_eq!(trust.signing.as_ref(), Some(&first.certificate));
        assert_eq!(
            trust.roots,
            [first.certificate.clone(), second.certificate.clone()]
        );
        assert_eq!(
            (since(&trust, &first), since(&trust, &second)),
            (MADE.into(), WRITTEN.into())
        );
        assert!(!is_published(&trust));
    }

    #[test]
    fn where_nobody_holds_the_file_the_roots_are_as_old_as_the_secret() {
        let root = Ca::root(Spec::ca("root"));
        let (secret, live) = observed(&[&root], |secret| {
            secret["metadata"]["managedFields"] = json!([]);
        });
        assert_eq!(since(&of_secret(&secret, &live, None), &root), MADE);
    }

    #[test]
    fn a_note_that_cannot_be_read_is_none() {
        let root = Ca::root(Spec::ca("root"));
        let (secret, live) = observed(&[&root], |secret| {
            secret["metadata"]["annotations"] = json!({"istiopca.io/trusted-roots": "soon"});
        });
        assert_eq!(since(&of_secret(&secret, &live, None), &root), WRITTEN);
    }
}
