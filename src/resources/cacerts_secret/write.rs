//! Making the Secret what it should be. What can be checked is checked before a certificate is
//! issued; what exists is recorded before anything is waited for.

use std::collections::BTreeMap;

use super::compose;
use super::judged::Case;
use super::material::Material;
use super::outputs::SecretNotes;
use super::present::Present;
use super::rivals::{self, Istiods};
use super::settings::Settings;
use super::takeup::{self, Wrote};
use super::trust::{self, TrustedRoot};
use super::{CacertsSecret, Outputs, Prior, at, connected, instance};
use crate::clients::{self, Clients};
use crate::cluster::secret::{Claim, Observed, Policy};
use crate::cluster::{Access, Cluster, Error, NamespaceName, NamespaceState, PutError, SecretName};
use crate::eks::ClusterArn;
use crate::pki::{self, CaCerts, Certificate, Chain, PrivateKey};
use crate::resources::custody::Kept;
use crate::resources::issue;
use crate::resources::mesh::Ends;
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic, Done, Planned, Unfinished};

/// What is there, the istiods beside it where they were looked for, and what is to be told of them.
type Ready = (Option<Observed>, Option<Istiods>, Option<Diagnostic>);

type Ended = Result<Done<CacertsSecret>, Unfinished<CacertsSecret>>;

/// Everything that one write works with.
pub(super) struct Writing<'a> {
    pub(super) call: &'a Call<'a, Clients>,
    pub(super) prior: Option<&'a Prior>,
    pub(super) settings: &'a Settings,
    pub(super) planned: &'a Planned,
    pub(super) instance: Instance,
    pub(super) at: SecretName,
    pub(super) cluster: &'a Cluster,
    eks: Option<&'a ClusterArn>,
}

/// Creates or updates the Secret.
pub(super) async fn write(
    call: &Call<'_, Clients>,
    prior: Option<&Prior>,
    settings: &Settings,
    planned: &Planned,
) -> Ended {
    let instance = instance(settings);
    let connected = connected(call, settings).await;
    let connected = connected.map_err(|error| words::connection(&instance, &error))?;
    let writing = Writing {
        call,
        prior,
        settings,
        planned,
        instance,
        at: at(settings),
        cluster: &connected.cluster,
        eks: connected.eks.as_ref(),
    };
    writing.is_where_it_was()?;
    let (observed, istiods, told) = writing.make_ready().await?;
    let mut present = Present::new(observed, prior);
    present.published_in = istiods
        .and_then(|istiods| istiods.published_in())
        .unwrap_or(present.published_in);
    let base = writing.base();
    writing.judge(present.observed.as_ref(), &base)?;
    let unseen = writing.look_for_roots(&mut present).await;
    let mut material = writing.material(base, &present).await?;
    material.warnings.extend(told.into_iter().chain(unseen));
    writing.put(material, &present).await
}

impl Writing<'_> {
    /// A plan is made for one cluster. What it says of the Secret there is wrong of any other.
    fn is_where_it_was(&self) -> Result<(), Diagnostic> {
        let known = self.prior.map(|prior| &prior.outputs.1.cluster_fingerprint);
        let now = self.cluster.fingerprint().to_string();
        match known.and_then(Option::as_ref) {
            Some(known) if *known != now => Err(words::pointed_elsewhere(&self.instance)),
            _ => Ok(()),
        }
    }

    /// Rights, namespace, what is there and who would take it, before anything is issued for a Secret that could not be
    /// written. All is asked at once, for clusters are far; the rights come first in what is told.
    async fn make_ready(&self) -> Result<Ready, Diagnostic> {
        let namespace = NamespaceName::of(&self.at);
        let rights = self.rights(&namespace);
        let trouble = |error: Error| words::trouble(&self.instance, &error);
        let (denied, state, observed, told) = tokio::join!(
            self.cluster.review_access(&rights),
            self.cluster.namespace(&namespace),
            self.cluster.read(&self.at),
            self.look_for_istiods(),
        );
        let denied = denied.map_err(trouble)?;
        if !denied.is_empty() {
            return Err(words::denied(&self.instance, &denied));
        }
        let (istiods, told) = told?;
        match state {
            seen if self.settings.create_namespace => {
                let seen = seen.map_err(trouble)?;
                let made = self.cluster.create_namespace(&namespace, seen).await;
                made.map_err(trouble)?;
            }
            Ok(NamespaceState::Absent) => {
                return Err(words::no_namespace(&self.instance, &namespace));
            }
            // A Role in the namespace cannot allow looking at it: the write will tell.
            Ok(_) | Err(_) => {}
        }
        Ok((observed.map_err(trouble)?, istiods, told))
    }

    /// Whether an istiod would take what is written for its own, before the first write.
    async fn look_for_istiods(&self) -> Result<(Option<Istiods>, Option<Diagnostic>), Diagnostic> {
        if !rivals::is_first(self.prior) {
            return Ok((None, None));
        }
        let istiods = Istiods::beside(self.cluster, &self.at).await;
        let unseen = istiods.admit(&self.instance)?;
        // Whoever looks at them again, once the Secret is written, tells of it then.
        let told = unseen.filter(|_| takeup::is_unasked(self.settings));
        Ok((Some(istiods), told))
    }

    fn rights(&self, namespace: &NamespaceName) -> Vec<Access> {
        let verbs = ["get", "create", "patch"];
        let mut rights: Vec<Access> = verbs.map(|verb| Access::to_secret(verb, &self.at)).into();
        if self.settings.create_namespace {
            rights.extend(verbs.map(|verb| Access::to_namespace(verb, namespace)));
        }
        rights
    }

    /// What an istiod publishes, where that matters; a warning where it cannot be seen.
    async fn look_for_roots(&self, present: &mut Present) -> Option<Diagnostic> {
        let doubted = self
            .prior
            .is_some_and(|prior| prior.private.doubts_istiod());
        if !present.depends_on_istiod() && !doubted {
            return None;
        }
        match trust::published(self.cluster, &self.at, &present.published_in).await {
            Ok(published) => {
                present.believe(published, self.prior, self.call.now);
                None
            }
            Err(error) => Some(words::roots_unseen(&self.instance, &error)),
        }
    }

    /// Whether live workloads, here and in the other clusters, would survive a CA that leads to `own`.
    pub(super) fn can_follow(
        &self,
        present: &Present,
        own: &Certificate,
    ) -> Result<(), Diagnostic> {
        let instance = &self.instance;
        let missteps = present.missteps(self.prior, self.settings, own, self.call.now);
        let missteps = missteps.map_err(|unfit| words::bad_bundle(instance, &unfit))?;
        if !missteps.is_empty() {
            let published = present.is_published();
            return Err(words::root_change(instance, &missteps, published));
        }
        let estranged = present.estranged(self.prior, self.settings, own, self.call.now);
        let estranged = estranged.map_err(|unfit| words::bad_bundle(instance, &unfit))?;
        match words::peers_refuse(instance, &estranged) {
            Some(refused) => Err(refused),
            None => Ok(()),
        }
    }

    /// What is known before there is a certificate.
    fn base(&self) -> Outputs {
        let mut outputs = self
            .prior
            .map(|prior| prior.outputs.clone())
            .unwrap_or_default();
        let written = &mut outputs.1;
        written.owner_id.get_or_insert_with(clients::random_id);
        written.cluster_fingerprint = Some(self.cluster.fingerprint().to_string());
        if self.prior.is_none() {
            written.cluster_arn = self.eks.cloned();
        }
        written.labels_all = self.planned.read("labels_all").unwrap_or_default();
        written.drift = Vec::new();
        outputs
    }

    /// Whether what is there may be written over.
    fn judge(&self, observed: Option<&Observed>, base: &Outputs) -> Result<(), Diagnostic> {
        let Some(observed) = observed else {
            return Ok(());
        };
        let judged = compose::judged(observed, self.settings, base, self.policy());
        judged
            .map(drop)
            .map_err(|refusal| words::refusal(&self.instance, &refusal))
    }

    /// One's own Secret is made anew only where the plan has said so.
    fn policy(&self) -> Policy {
        let announced = self.prior.is_some() && self.planned.is_open("uid");
        self.settings.policy(announced)
    }

    async fn put(&self, material: Material, present: &Present) -> Ended {
        let Material {
            chain,
            key,
            mut outputs,
            mut notes,
            ordered,
            mut warnings,
        } = material;
        let written = self
            .write_bundle(&chain, &key, &mut outputs, present, &mut warnings)
            .await;
        match written {
            Ok(wrote) => {
                notes.pending = None;
                let private = SecretNotes {
                    certificate: notes,
                    ..SecretNotes::default()
                };
                let done = Done {
                    outputs,
                    private,
                    warnings,
                };
                Ok(self.finish(done, wrote, present).await)
            }
            Err(problem) => match ordered {
                // Its key goes with this run, and the next one orders another.
                Some(certificate_arn) => Err(self.left_over(
                    issue::Pending {
                        certificate_arn,
                        order_sha256: pki::Fingerprint::of(b""),
                        reason: outputs.0.issue_reason.unwrap_or_default(),
                        ordered_at: self.call.now,
                        not_after: chain.certificate().not_after(),
                        public_key_sha256: None,
                        kms_key_id: None,
                        kept: Kept::default(),
                    },
                    vec![problem],
                )),
                None => Err(problem.into()),
            },
        }
    }

    /// The Secret is written, which nothing undoes: the settings hold, whatever istiod makes of it.
    async fn finish(
        &self,
        mut done: Done<CacertsSecret>,
        wrote: Wrote,
        present: &Present,
    ) -> Done<CacertsSecret> {
        if let Some(failure) = takeup::take_up(self, present, wrote, &mut done).await {
            done.warnings.insert(0, failure);
        }
        done
    }

    async fn write_bundle(
        &self,
        chain: &Chain,
        key: &PrivateKey,
        outputs: &mut Outputs,
        present: &Present,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<Wrote, Diagnostic> {
        let instance = &self.instance;
        let trust = &present.trust;
        self.can_follow(present, chain.root())?;
        let cacerts = compose::bundle(self.settings, chain, key, &trust.roots);
        let cacerts = cacerts.map_err(|unfit| words::bad_bundle(instance, &unfit))?;
        outputs.1.files_sha256 = compose::files_sha256(&cacerts);
        if self.prior.is_none() || self.planned.is_open("trusted_roots") {
            let roots = cacerts.bundle().roots();
            let tenures = trust.tenures_after(chain.root(), roots, self.call.now);
            outputs.1.trusted_roots = TrustedRoot::all(roots, &tenures, Some(chain.root()));
        }
        let desired = compose::desired(self.at.clone(), self.settings, &cacerts, outputs);
        let issued = outputs.0.clone();
        let ours = |observed: &Observed| compose::holds_ours(observed, self.settings, &issued);
        let claim = Claim {
            owner: &desired.owner,
            same_certificate: &ours,
        };
        let policy = self.policy();
        let case = Case {
            instance,
            settings: self.settings,
            desired: &desired,
            present,
            now: self.call.now,
        };
        let mut advice = case.warnings(&claim, policy)?;
        let within = self
            .call
            .deadline
            .saturating_duration_since(tokio::time::Instant::now());
        let seen = present.observed.clone();
        let written = self
            .cluster
            .put(seen, &desired, &claim, policy, within)
            .await;
        let written = written.map_err(|error| match &error {
            PutError::Refused(refusal) => words::refusal(instance, refusal),
            PutError::Failed(error) => words::trouble(instance, error),
            PutError::Lost(error) => words::lost(instance, error),
        })?;
        warnings.extend(words::overwritten(instance, &written.how));
        let unwatched = present.is_published() && trust.roots != cacerts.bundle().roots();
        if unwatched && !trust.roots.is_empty() {
            advice.push(words::unwatched(instance));
        }
        outputs.1.uid = Some(written.secret.uid);
        Ok(wrote(&cacerts, present, advice))
    }

    /// What to record of a certificate that was ordered and is not in the Secret.
    pub(super) fn left_over(
        &self,
        pending: issue::Pending,
        diagnostics: Vec<Diagnostic>,
    ) -> Unfinished<CacertsSecret> {
        let mut outputs = self.base();
        let mut private = self
            .prior
            .map(|prior| prior.private.clone())
            .unwrap_or_default();
        if let Some(prior) = self.prior {
            outputs = prior.outputs.clone();
        } else {
            outputs.0.certificate_arn = Some(pending.certificate_arn.clone());
            outputs.0.issue_reason = Some(pending.reason.clone());
        }
        private.certificate.pending = Some(pending);
        Unfinished {
            left: Some((outputs, private)),
            diagnostics,
        }
    }
}

/// The bundle as istiod will read it.
fn wrote(cacerts: &CaCerts, present: &Present, advice: Vec<Diagnostic>) -> Wrote {
    let bundle = cacerts.bundle();
    let (certificate, roots) = (bundle.chain().certificate(), bundle.roots());
    let root = roots.first().unwrap_or_else(|| bundle.chain().root());
    let files = bundle.public_files();
    let stays = |(name, text): (&&str, &String)| present.text(name) == Some(text.as_str());
    Wrote {
        certificate: certificate.sha256(),
        ends: Ends {
            chain: certificate.not_after(),
            root: root.not_after(),
        },
        digest: digest(&files),
        differs: !files.iter().all(stays),
        roots: roots.iter().map(Certificate::to_pem).collect(),
        advice,
    }
}

/// Tells one bundle from another.
fn digest(files: &BTreeMap<&'static str, String>) -> pki::Fingerprint {
    let all: String = files
        .iter()
        .map(|(name, text)| format!("{name}\n{text}"))
        .collect();
    pki::Fingerprint::of(all.as_bytes())
}
