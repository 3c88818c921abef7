//! From a certificate and its key to the Secret that istiod loads: pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use zeroize::Zeroize;

use super::settings::{Settings, given};
use super::{Outputs, trust};
use crate::cluster::SecretName;
use crate::cluster::secret::{
    Claim, Decision, Desired, Observed, Policy, Refusal, Step, Wanted, beside, decide,
};
use crate::pki::{
    Bundle, BundleError, CaCerts, Certificate, CertificateError, Chain, Contents, Fingerprint,
    Format, Live, PrivateKey, roots,
};
use crate::resources::issue::Issued;

/// The label on everything that a host of this kind manages.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "terraform");

/// The type of a Secret that is made here; one that is taken over keeps its own.
pub(super) const TYPE: &str = "Opaque";

/// The fact that says since when each root has been trusted.
pub(super) const TRUSTED_ROOTS: &str = "trusted-roots";

/// Copies of a Secret's files, wiped when dropped.
pub(in crate::resources) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Of a Secret as it was read; none where there is no Secret.
    pub(in crate::resources) fn of(observed: Option<&Observed>) -> Self {
        let keys = observed.into_iter().flat_map(|observed| {
            let bytes = |key: &String| Some((key.clone(), observed.bytes(key)?.expose().to_vec()));
            observed.data.keys().filter_map(bytes)
        });
        Self(keys.collect())
    }

    /// What will be in the Secret once `desired` was written over what is there.
    pub(super) fn once_written(
        desired: &Desired,
        observed: Option<&Observed>,
        step: Option<&Step>,
    ) -> Self {
        let mut files = Self::of(observed);
        let beside = match (observed, step) {
            (Some(observed), Some(step)) => beside(observed, desired, step),
            _ => BTreeSet::new(),
        };
        files.keep(|name| beside.contains(name));
        for (name, wanted) in &desired.data {
            if let Wanted::Bytes(bytes) = wanted {
                files.0.insert(name.clone(), bytes.expose().to_vec());
            }
        }
        files
    }

    /// Those of one layout alone. Beside the other one's files istiod would read those, but what
    /// was written is still there and can be kept.
    pub(super) fn of_layout(mut self, layout: Format) -> Self {
        let names = file_names(layout);
        self.keep(|name| names.contains(&name));
        self
    }

    fn keep(&mut self, kept: impl Fn(&str) -> bool) {
        self.0.retain(|name, bytes| {
            let kept = kept(name);
            if !kept {
                bytes.zeroize();
            }
            kept
        });
    }
}

impl Deref for Files {
    type Target = BTreeMap<String, Vec<u8>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

/// Why there is no bundle.
#[derive(Debug)]
pub(in crate::resources) enum Unfit {
    /// One of the additional roots cannot be read.
    Root(CertificateError),
    /// Chain and roots are no CA for a mesh.
    Bundle(BundleError),
    /// The key is not the certificate's.
    Key,
}

/// The bundle to write beside what is live: roots that stay keep their place.
pub(super) fn bundle(
    settings: &Settings,
    chain: &Chain,
    key: &PrivateKey,
    live: &[Certificate],
) -> Result<CaCerts, Unfit> {
    let roots = trusted(settings, chain.root(), live)?;
    let bundle = Bundle::new(
        chain.clone(),
        roots,
        settings.include_root_in_chain,
        settings.layout(),
    );
    CaCerts::new(bundle.map_err(Unfit::Bundle)?, key).map_err(|_| Unfit::Key)
}

/// The roots that the mesh is to trust under a CA that leads to `own`.
pub(super) fn trusted(
    settings: &Settings,
    own: &Certificate,
    live: &[Certificate],
) -> Result<Vec<Certificate>, Unfit> {
    let mut wanted = vec![own.clone()];
    for pem in &settings.additional_root_pems {
        wanted.extend(Certificate::parse_all(pem).map_err(Unfit::Root)?);
    }
    Ok(roots::merge(live, &wanted))
}

/// What to tell the cluster.
pub(super) fn desired(
    at: SecretName,
    settings: &Settings,
    cacerts: &CaCerts,
    outputs: &Outputs,
) -> Desired {
    let written = &outputs.1;
    let data = cacerts.files().into_iter().map(|(name, contents)| {
        let bytes = contents.expose().as_bytes().to_vec();
        (name.to_owned(), Wanted::Bytes(bytes.into()))
    });
    Desired {
        at,
        type_: TYPE.to_owned(),
        data: data.collect(),
        labels: written.labels_all.clone(),
        annotations: settings.annotations.clone(),
        facts: facts(settings, outputs),
        owner: written.owner_id.clone().unwrap_or_default(),
        never_beside: never_beside(settings.layout()),
    }
}

/// What can be said of the Secret before there is a certificate: enough to judge what is in its
/// place.
pub(super) fn outline(at: SecretName, settings: &Settings, outputs: &Outputs) -> Desired {
    let layout = settings.layout();
    let data = file_names(layout).map(|file| (file.to_owned(), Wanted::Bytes(Vec::new().into())));
    Desired {
        at,
        type_: TYPE.to_owned(),
        data: data.into_iter().collect(),
        labels: outputs.1.labels_all.clone(),
        annotations: settings.annotations.clone(),
        facts: BTreeMap::new(),
        owner: outputs.1.owner_id.clone().unwrap_or_default(),
        never_beside: never_beside(layout),
    }
}

/// Public facts for whoever watches the cluster between two runs; each becomes an annotation.
pub(super) fn facts(settings: &Settings, outputs: &Outputs) -> BTreeMap<String, String> {
    let issued = &outputs.0;
    let authority = settings
        .issues()
        .map(|wanted| wanted.certificate_authority_arn.to_string());
    let tenures = trust::tenures(&outputs.1.trusted_roots);
    let tenures = (!tenures.is_empty())
        .then(|| serde_json::to_string(&tenures).expect("a map of moments by digest is JSON"));
    let facts = [
        (
            "certificate-sha256",
            issued.certificate_sha256.map(|sha256| sha256.to_string()),
        ),
        ("serial", issued.serial_number.clone()),
        ("not-after", issued.path_not_after.map(|at| at.to_string())),
        ("renew-at", issued.renew_at.map(|at| at.to_string())),
        (
            "certificate-arn",
            issued.certificate_arn.as_ref().map(ToString::to_string),
        ),
        ("certificate-authority-arn", authority),
        (TRUSTED_ROOTS, tenures),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// Digests of the files, for the key its public half's.
pub(super) fn files_sha256(cacerts: &CaCerts) -> BTreeMap<String, Fingerprint> {
    let certificate = cacerts.bundle().chain().certificate();
    let files = cacerts.files().into_iter().map(|(name, contents)| {
        let digest = match &contents {
            Contents::Public(text) => Fingerprint::of(text.as_bytes()),
            Contents::Secret(_) => certificate.public_key().sha256(),
        };
        (name.to_owned(), digest)
    });
    files.collect()
}

/// The labels to write: the resource's own win over the provider's.
pub(super) fn labels(
    defaults: &BTreeMap<String, String>,
    own: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned())]);
    labels.extend(defaults.clone());
    labels.extend(own.clone());
    labels
}

/// Keys with which istiod would read another layout, or take the Secret for its own.
fn file_names(layout: Format) -> [&'static str; 4] {
    [
        layout.certificate_file(),
        layout.key_file(),
        layout.chain_file(),
        layout.roots_file(),
    ]
}

/// What is to be done with the Secret that is there, or why not: as the apply decides it before it
/// issues, and a plan foresees it.
pub(super) fn judged(
    observed: &Observed,
    settings: &Settings,
    outputs: &Outputs,
    policy: Policy,
) -> Result<Decision, Refusal> {
    let ours = |observed: &Observed| holds_ours(observed, settings, &outputs.0);
    let claim = Claim {
        owner: outputs.1.owner_id.as_deref().unwrap_or_default(),
        same_certificate: &ours,
    };
    let outline = outline(observed.at.clone(), settings, outputs);
    decide(observed, &claim, &outline, policy)
}

/// Whether a Secret holds the certificate that would be written.
pub(super) fn holds_ours(observed: &Observed, settings: &Settings, issued: &Issued) -> bool {
    let given = given(settings).and_then(Result::ok);
    let wanted = given.map(|chain| chain.certificate().sha256());
    let wanted = wanted.or(issued.certificate_sha256);
    let files = Files::of(Some(observed));
    let live = Live::read(&files);
    wanted.is_some() && live.certificate().map(Certificate::sha256) == wanted
}

fn never_beside(layout: Format) -> BTreeSet<String> {
    let other = match layout {
        Format::Istio => ["tls.crt", "tls.key", "ca.crt"].as_slice(),
        Format::KubernetesTls => [
            "ca-cert.pem",
            "ca-key.pem",
            "cert-chain.pem",
            "root-cert.pem",
        ]
        .as_slice(),
    };
    other
        .iter()
        .chain(&["istio-generated"])
        .map(|key| (*key).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, Spec};
    use crate::resources::cacerts_secret::testing::{composed, live, mesh, nothing, settings};

    #[test]
    fn a_renewal_under_the_same_root_keeps_its_bytes() {
        let (root, first) = mesh("root");
        let second = root.sign(Spec::ca("mesh").path_length(0).days(90));
        let before = composed(&settings(), &root, &first, &nothing());
        let after = composed(&settings(), &root, &second, &live(&before));
        let roots = |cacerts: &CaCerts| cacerts.bundle().public_files().remove("root-cert.pem");
        assert_eq!(roots(&before), roots(&after));
    }

    #[test]
    fn a_further_root_comes_behind_and_the_old_one_keeps_its_place() {
        let ((old, first), (new, second)) = (mesh("old"), mesh("new"));
        let both = |other: &Ca| Settings {
            additional_root_pems: vec![other.certificate.to_pem()],
            ..settings()
        };
        let announced = composed(&both(&new), &old, &first, &nothing());
        let moved = composed(&both(&old), &new, &second, &live(&announced));
        let order = [&old.certificate, &new.certificate];
        assert_eq!(moved.bundle().roots().iter().collect::<Vec<_>>(), order);
        let done = composed(&settings(), &new, &second, &live(&moved));
        assert_eq!(done.bundle().roots(), [new.certificate]);
    }

    #[test]
    fn the_resources_own_labels_win() {
        let map = |entries: &[(&str, &str)]| {
            entries
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let all = labels(
            &map(&[("team", "platform"), ("tier", "1")]),
            &map(&[("team", "mesh")]),
        );
        let expected: BTreeMap<String, String> = map(&[
            ("app.kubernetes.io/managed-by", "terraform"),
            ("team", "mesh"),
            ("tier", "1"),
        ]);
        assert_eq!(all, expected);
    }

    #[test]
    fn the_digest_of_the_key_file_is_that_of_the_public_key() {
        let (root, mesh) = mesh("root");
        let cacerts = composed(&settings(), &root, &mesh, &nothing());
        let digests = files_sha256(&cacerts);
        assert_eq!(
            digests["ca-key.pem"],
            mesh.certificate.public_key().sha256()
        );
        assert_eq!(
            digests["ca-cert.pem"],
            Fingerprint::of(mesh.certificate.to_pem().as_bytes())
        );
        assert_eq!(digests.len(), 4);
    }

    #[test]
    fn another_key_than_the_certificates_is_refused() {
        let ((root, mesh), (_, other)) = (mesh("root"), mesh("root"));
        let chain = Chain::assemble(mesh.certificate, vec![root.certificate]).expect("a chain");
        assert!(matches!(
            bundle(&settings(), &chain, &other.key, &[]),
            Err(Unfit::Key)
        ));
    }
}
