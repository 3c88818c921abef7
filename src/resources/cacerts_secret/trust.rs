//! What the mesh trusts now, and whether it could follow a change of its roots.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Prior;
use super::compose::{self, TRUSTED_ROOTS, Unfit};
use super::settings::Settings;
use crate::cluster::secret::{Field, Observed, annotation};
use crate::cluster::{Cluster, ConfigMap, ConfigMapName, Error, SecretName};
use crate::pki::roots::{
    Estranged, Misstep, PeerMisstep, Peers, Published, Tenure, Tenures, Trust,
};
use crate::pki::{Certificate, Fingerprint, Live};

/// The file in the ConfigMap in which an istiod publishes the roots that its workloads trust.
const PUBLISHED_FILE: &str = "root-cert.pem";

/// A root that the mesh trusts, as the state shows it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(in crate::resources) struct TrustedRoot {
    sha256: Fingerprint,
    subject: String,
    not_after: Timestamp,
    /// Nothing where no istiod hands it on.
    trusted_since: Option<Timestamp>,
    left_at: Option<Timestamp>,
    /// Absent in states of earlier builds.
    #[serde(default)]
    signing: Option<bool>,
}

impl TrustedRoot {
    /// The roots in their order, with what is known of each.
    pub(super) fn all(
        roots: &[Certificate],
        tenures: &Tenures,
        signing: Option<&Certificate>,
    ) -> Vec<Self> {
        let trust = Trust {
            roots: roots.to_vec(),
            signing: signing.cloned(),
            tenures: tenures.clone(),
            published: None,
        };
        Self::known(&trust)
    }

    /// The roots that workloads trust, as far as that can be seen, and the one that the CA leads to.
    pub(in crate::resources) fn known(trust: &Trust) -> Vec<Self> {
        let known = trust.known();
        let roots = trust.roots.iter();
        let roots = roots.filter_map(|root| Some((root, known.get(&root.sha256())?)));
        let shown = roots.map(|(root, known)| Self {
            sha256: root.sha256(),
            subject: root.subject().to_string(),
            not_after: root.not_after(),
            trusted_since: known.since,
            left_at: known.left,
            signing: known.signing,
        });
        shown.collect()
    }
}

/// Whether these are the roots that the state shows, in their order.
pub(super) fn are(roots: &[Certificate], shown: &[TrustedRoot]) -> bool {
    let live = roots.iter().map(Certificate::sha256);
    live.eq(shown.iter().map(|root| root.sha256))
}

/// What is known of the roots that the state shows.
pub(super) fn tenures(shown: &[TrustedRoot]) -> Tenures {
    let tenures = shown.iter().filter_map(|root| {
        let (since, left) = (root.trusted_since?, root.left_at);
        Some((root.sha256, Tenure { since, left }))
    });
    tenures.collect()
}

/// The trust under a live Secret. Where nothing was noted of a root, it is trusted since the file
/// was last written.
pub(in crate::resources) fn of_secret(
    observed: &Observed,
    live: &Live,
    prior: Option<&Prior>,
) -> Trust {
    let noted = observed.annotations.get(&annotation::named(TRUSTED_ROOTS));
    let roots = live.roots();
    let written = live
        .format()
        .and_then(|layout| last_written(observed, layout.roots_file()));
    Trust {
        roots: roots.to_vec(),
        signing: live.chain().ok().map(|chain| chain.root().clone()),
        tenures: known(noted.map(String::as_str), prior, roots, written),
        published: None,
    }
}

/// What is known of `roots`: noted on the Secret, in the state, or else by when their file was
/// last written.
pub(super) fn known(
    noted: Option<&str>,
    prior: Option<&Prior>,
    roots: &[Certificate],
    written: Option<Timestamp>,
) -> Tenures {
    let noted = noted.and_then(|json| serde_json::from_str::<Tenures>(json).ok());
    let mut known = noted.unwrap_or_default();
    // A run that was broken off may have noted on the Secret what the state does not know.
    for (root, kept) in prior.map(in_state).unwrap_or_default() {
        let noted = known.entry(root).or_insert(kept);
        *noted = noted.latest(kept);
    }
    for root in roots {
        if let Some(since) = written {
            known
                .entry(root.sha256())
                .or_insert(Tenure { since, left: None });
        }
    }
    known
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

fn in_state(prior: &Prior) -> Tenures {
    tenures(&prior.outputs.1.trusted_roots)
}

/// What an istiod of the Secret's namespace has told its workloads to trust, and the file as it stands there.
pub(in crate::resources) async fn published(
    cluster: &Cluster,
    at: &SecretName,
    name: &ConfigMapName,
) -> Result<Option<(Published, String)>, Error> {
    let found = cluster.config_map_beside(at, name).await?;
    Ok(found.and_then(|ConfigMap { mut data, written }| {
        let pem = data.remove(PUBLISHED_FILE)?;
        let published = Published {
            roots: Certificate::parse_all(&pem).ok()?,
            since: written,
        };
        Some((published, pem))
    }))
}

/// The trust in want of a Secret: in roots of which an istiod says no more than that it trusts them.
/// Since when, the state may know; for one that is not among those that it knows, that is from now
/// on.
pub(super) fn of_published(
    roots: Vec<Certificate>,
    prior: Option<&Prior>,
    now: Timestamp,
) -> Trust {
    let mut tenures = prior.map(in_state).unwrap_or_default();
    let knows = !tenures.is_empty();
    for root in roots.iter().filter(|_| knows) {
        let seen = Tenure {
            since: now,
            left: None,
        };
        tenures.entry(root.sha256()).or_insert(seen);
    }
    Trust {
        roots,
        tenures,
        ..Trust::default()
    }
}

/// What workloads would not survive of a CA that leads to `own`.
pub(super) fn unfollowed(
    trust: &Trust,
    prior: Option<&Prior>,
    settings: &Settings,
    own: &Certificate,
    now: Timestamp,
) -> Result<Vec<Misstep>, Unfit> {
    let mut found = missteps(trust, settings, own, now)?;
    if trust.signing.is_none() && is_put_back(prior, own) && !has_gone_on(trust, prior, own) {
        // An istiod that signs by itself by now is stranger to everybody. One that still has in
        // memory what was lost has signed under its root all the time, and maybe under others.
        let remembered = trust.roots.contains(own);
        let dropped =
            |it: &Misstep| matches!(it, Misstep::InUse { .. } | Misstep::StillInUse { .. });
        found.retain(|misstep| remembered && dropped(misstep));
    }
    Ok(found)
}

/// Whether a Secret that is gone is only to be put back, under the root that it had.
fn is_put_back(prior: Option<&Prior>, own: &Certificate) -> bool {
    prior.is_some_and(|prior| prior.outputs.0.root_sha256 == Some(own.sha256()))
}

/// Whether istiod publishes roots of this mesh, but not the one that the state takes for its own: runs that were broken
/// off have led the mesh away from it, and the state does not know.
fn has_gone_on(trust: &Trust, prior: Option<&Prior>, own: &Certificate) -> bool {
    let known = prior.map(in_state).unwrap_or_default();
    let mut published = trust.roots.iter().map(Certificate::sha256);
    !trust.roots.contains(own) && published.any(|root| known.contains_key(&root))
}

/// What workloads would not survive of a change to these settings under a CA that leads to `own`.
pub(super) fn missteps(
    trust: &Trust,
    settings: &Settings,
    own: &Certificate,
    now: Timestamp,
) -> Result<Vec<Misstep>, Unfit> {
    if settings.allow_root_replacement {
        return Ok(Vec::new());
    }
    let roots = compose::trusted(settings, own, &trust.roots)?;
    let overlap: SignedDuration = settings.min_trust_overlap.signed();
    Ok(trust.missteps(own, &roots, now, overlap))
}

/// What workloads of other clusters would not survive of a change to these settings under a CA that
/// leads to `own`.
pub(super) fn estranged(
    trust: &Trust,
    peers: &Peers,
    prior: Option<&Prior>,
    settings: &Settings,
    own: &Certificate,
    now: Timestamp,
) -> Result<Vec<PeerMisstep>, Unfit> {
    if settings.allow_root_replacement || peers.is_empty() {
        return Ok(Vec::new());
    }
    let roots = compose::trusted(settings, own, &trust.roots)?;
    let lost = trust.signing.is_none();
    let former = prior.filter(|_| lost).map(former_roots).unwrap_or_default();
    let mut before = trust.clone();
    // Workloads trust what a lost Secret had until they are told otherwise.
    before.roots.extend(former.iter().cloned());
    let overlap = settings.min_trust_overlap.signed();
    let mut found = before.peer_missteps(peers, own, &roots, now, overlap);
    if lost && is_put_back(prior, own) {
        // Who puts back what was lost takes no step, and if all have lost it somebody has to begin.
        found.retain(|misstep| {
            let of_the_lost = former.contains(&misstep.root);
            misstep.root != *own && (of_the_lost || misstep.why != Estranged::Unseen)
        });
    }
    Ok(found)
}

/// The roots that were written last, as far as the state has more of them than digests.
fn former_roots(prior: &Prior) -> Vec<Certificate> {
    let own = prior.outputs.0.root_certificate.iter();
    let pems = own.chain(&prior.settings.additional_root_pems);
    pems.filter_map(|pem| Certificate::parse_all(pem).ok())
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::outputs::{SecretNotes, Written};
    use super::*;
    use crate::pki::testing::{Ca, Spec};
    use crate::resources::cacerts_secret::testing;
    use crate::resources::issue::Issued;
    use crate::terraform::State;
    use crate::terraform::value::Both;
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
    }

    /// A state that shows these roots, the first of which its certificate led to.
    fn prior(shown: &[(&Ca, Option<&str>)]) -> Prior {
        let moment = |text: &str| text.parse::<Timestamp>().expect("RFC 3339");
        let roots: Vec<Certificate> = shown.iter().map(|it| it.0.certificate.clone()).collect();
        let tenures = shown.iter().map(|(root, left)| {
            let (since, left) = (moment(MADE), left.map(moment));
            (root.certificate.sha256(), Tenure { since, left })
        });
        let issued = Issued {
            root_sha256: roots.first().map(Certificate::sha256),
            ..Issued::default()
        };
        let written = Written {
            trusted_roots: TrustedRoot::all(&roots, &tenures.collect(), roots.first()),
            ..Written::default()
        };
        State {
            settings: settings(&[]),
            outputs: Both(issued, written),
            private: SecretNotes::default(),
        }
    }

    fn settings(also: &[&Ca]) -> Settings {
        Settings {
            additional_root_pems: also.iter().map(|root| root.certificate.to_pem()).collect(),
            ..testing::settings()
        }
    }

    #[test]
    fn what_a_broken_off_run_noted_on_the_secret_counts_against_an_older_state() {
        let (old, new) = (Ca::root(Spec::ca("old")), Ca::root(Spec::ca("new")));
        let noted = json!({
            old.certificate.sha256().to_string(): {"since": MADE, "left": WRITTEN},
            new.certificate.sha256().to_string(): {"since": WRITTEN},
        });
        let state = prior(&[(&old, None), (&new, None)]);
        let roots = [old.certificate.clone(), new.certificate.clone()];
        let known = known(Some(&noted.to_string()), Some(&state), &roots, None);
        let told = |root: &Ca| {
            let Tenure { since, left } = known[&root.certificate.sha256()];
            (since.to_string(), left.map(|left| left.to_string()))
        };
        assert_eq!(told(&old), (MADE.into(), Some(WRITTEN.into())));
        assert_eq!(told(&new), (WRITTEN.into(), None));
    }

    #[test]
    fn a_lost_secret_is_put_back_with_all_roots_that_istiod_remembers() {
        let (own, other) = (Ca::root(Spec::ca("own")), Ca::root(Spec::ca("other")));
        let state = prior(&[(&own, None), (&other, None)]);
        let now = WRITTEN.parse().expect("RFC 3339");
        let found = |published: &[&Ca], settings: &Settings, root: &Ca| {
            let published = published.iter().map(|root| root.certificate.clone());
            let trust = of_published(published.collect(), Some(&state), now);
            unfollowed(&trust, Some(&state), settings, &root.certificate, now).expect("roots")
        };
        assert_eq!(found(&[&own, &other], &settings(&[&other]), &own), []);
        let root = other.certificate.clone();
        let in_use = Misstep::InUse { root };
        assert_eq!(found(&[&own, &other], &settings(&[]), &own), [in_use]);
        let self_signed = Ca::root(Spec::ca("self-signed"));
        assert_eq!(found(&[&self_signed], &settings(&[]), &own), []);
    }

    #[test]
    fn where_two_clusters_have_lost_their_secrets_the_first_is_put_back_without_the_other() {
        let (old, new) = (Ca::root(Spec::ca("old")), Ca::root(Spec::ca("new")));
        let (own, theirs) = (Ca::root(Spec::ca("own")), Ca::root(Spec::ca("theirs")));
        let state = State {
            settings: settings(&[&new]),
            ..prior(&[(&old, None), (&new, None)])
        };
        let state = with_root(state, &old);
        let now = WRITTEN.parse().expect("RFC 3339");
        let unseen = Trust::of_published(&Published {
            roots: vec![theirs.certificate.clone()],
            since: Some(now),
        });
        let peers = Peers::from([("mesh-2".to_owned(), unseen.known())]);
        let trust = of_published(vec![own.certificate.clone()], Some(&state), now);
        let found = |settings: &Settings| {
            let root = &old.certificate;
            estranged(&trust, &peers, Some(&state), settings, root, now).expect("roots")
        };
        assert_eq!(found(&settings(&[&new])), []);
        let dropped = PeerMisstep {
            peer: "mesh-2".to_owned(),
            root: new.certificate.clone(),
            why: Estranged::Unseen,
        };
        assert_eq!(found(&settings(&[])), [dropped], "a step besides");
    }

    /// The state with the certificate of this root in it.
    fn with_root(state: Prior, root: &Ca) -> Prior {
        let Both(issued, written) = state.outputs;
        let issued = Issued {
            root_certificate: Some(root.certificate.to_pem()),
            ..issued
        };
        State {
            outputs: Both(issued, written),
            ..state
        }
    }

    #[test]
    fn without_the_secret_the_state_says_since_when_a_root_is_trusted() {
        let (own, other) = (Ca::root(Spec::ca("own")), Ca::root(Spec::ca("other")));
        let state = prior(&[(&own, None), (&other, None)]);
        let published = vec![own.certificate.clone(), other.certificate.clone()];
        let (made, day): (Timestamp, _) = (MADE.parse().unwrap(), SignedDuration::from_hours(24));
        let found = |published: &Vec<Certificate>, now: Timestamp| {
            let trust = of_published(published.clone(), Some(&state), now);
            let to_other = settings(&[&own]);
            unfollowed(&trust, Some(&state), &to_other, &other.certificate, now).expect("roots")
        };
        let early = |root: &Ca, from: Timestamp| Misstep::NotYetTrusted {
            root: root.certificate.clone(),
            from,
        };
        let hour = SignedDuration::from_hours(1);
        assert_eq!(found(&published, made + hour), [early(&other, made + day)]);
        assert_eq!(found(&published, made + day), []);
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
