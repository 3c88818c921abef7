//! Making the Secret what it should be. What can be checked is checked before a certificate is
//! issued; what exists is recorded before anything is waited for.

use super::compose::{self, Files};
use super::outputs::SecretNotes;
use super::settings::{Settings, given};
use super::{CacertsSecret, Outputs, Prior, at, instance, last};
use crate::clients::{self, Clients};
use crate::cluster::secret::{Claim, Observed, Policy, decide};
use crate::cluster::{Access, Cluster, NamespaceName, NamespaceState, PutError, SecretName};
use crate::pca::Until;
use crate::pki::{self, Certificate, Chain, Live, PrivateKey};
use crate::resources::issue::{self, Failed, Issuance, Issued, Notes, Obtained, Request};
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic, Done, Planned, Unfinished};

type Ended = Result<Done<CacertsSecret>, Unfinished<CacertsSecret>>;

/// Everything that one write works with.
struct Writing<'a> {
    call: &'a Call<'a, Clients>,
    prior: Option<&'a Prior>,
    settings: &'a Settings,
    planned: &'a Planned,
    instance: Instance,
    at: SecretName,
    cluster: &'a Cluster,
}

/// A certificate with its key, and what is known of it.
struct Material {
    chain: Chain,
    key: PrivateKey,
    outputs: Outputs,
    notes: Notes,
    warnings: Vec<Diagnostic>,
}

/// Creates or updates the Secret.
pub(super) async fn write(
    call: &Call<'_, Clients>,
    prior: Option<&Prior>,
    settings: &Settings,
    planned: &Planned,
) -> Ended {
    let instance = instance(settings);
    let cluster = call
        .clients
        .cluster()
        .map_err(|error| words::connection(&instance, &error))?;
    let writing = Writing {
        call,
        prior,
        settings,
        planned,
        instance,
        at: at(settings),
        cluster,
    };
    writing.make_ready().await?;
    let observed = cluster.read(&writing.at).await;
    let observed = observed.map_err(|error| words::trouble(&writing.instance, &error))?;
    let files = writing.files(observed.as_ref());
    let live = Live::read(&files);
    let base = writing.base();
    writing.judge(observed.as_ref(), &base)?;
    let material = writing.material(base, &files, &live).await?;
    writing.put(material, &live).await
}

impl Writing<'_> {
    /// Rights and namespace, before anything is issued for a Secret that could not be written.
    async fn make_ready(&self) -> Result<(), Diagnostic> {
        let mut rights: Vec<Access> = ["get", "create", "patch"]
            .map(|verb| Access::to_secret(verb, &self.at))
            .into();
        let namespace = NamespaceName::new(self.at.namespace())
            .expect("it is the namespace of a valid Secret name");
        if self.settings.create_namespace {
            rights.extend(
                ["get", "create", "patch"].map(|verb| Access::to_namespace(verb, &namespace)),
            );
        }
        let trouble = |error: &_| words::trouble(&self.instance, error);
        let denied = self
            .cluster
            .review_access(&rights)
            .await
            .map_err(|error| trouble(&error))?;
        if !denied.is_empty() {
            return Err(words::denied(&self.instance, &denied));
        }
        if self.settings.create_namespace {
            self.cluster
                .create_namespace(&namespace)
                .await
                .map_err(|error| trouble(&error))?;
            return Ok(());
        }
        match self.cluster.namespace(&namespace).await {
            Ok(NamespaceState::Absent) => Err(words::no_namespace(&self.instance, &namespace)),
            // A Role in the namespace cannot allow looking at it: the write will tell.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// What is there. Where somebody has put the other layout beside what was written here, that
    /// is still what counts.
    fn files(&self, observed: Option<&Observed>) -> Files {
        let files = Files::of(observed);
        let written = self.prior.map(|prior| prior.settings.layout());
        let present = Live::read(&files).layouts();
        match written.filter(|layout| present.contains(layout)) {
            Some(layout) => files.of_layout(layout),
            None => files,
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
        written.labels_all = self.planned.read("labels_all").unwrap_or_default();
        written.drift = Vec::new();
        outputs
    }

    /// Whether what is there may be written over.
    fn judge(&self, observed: Option<&Observed>, base: &Outputs) -> Result<(), Diagnostic> {
        let Some(observed) = observed else {
            return Ok(());
        };
        let outline = compose::outline(self.at.clone(), self.settings, base);
        let ours = |observed: &Observed| self.is_ours(observed, &base.0);
        let claim = Claim {
            owner: base.1.owner_id.as_deref().unwrap_or_default(),
            same_certificate: &ours,
        };
        let judged = decide(observed, &claim, &outline, self.policy());
        judged
            .map(drop)
            .map_err(|refusal| words::refusal(&self.instance, &refusal))
    }

    /// Whether it holds the certificate that we would write.
    fn is_ours(&self, observed: &Observed, issued: &Issued) -> bool {
        let wanted = given(self.settings)
            .and_then(Result::ok)
            .map(|chain| chain.certificate().sha256());
        let wanted = wanted.or(issued.certificate_sha256);
        let files = Files::of(Some(observed));
        let live = Live::read(&files);
        wanted.is_some() && live.certificate().map(Certificate::sha256) == wanted
    }

    fn policy(&self) -> Policy {
        Policy {
            on_existing: self.settings.existing(),
            force_conflicts: self.settings.force_conflicts,
            prune_keys: self.settings.prune_keys,
            replace_own: self.prior.is_some(),
        }
    }

    async fn material(
        &self,
        base: Outputs,
        files: &Files,
        live: &Live,
    ) -> Result<Material, Unfinished<CacertsSecret>> {
        match self.settings.issues() {
            None => Ok(self.given(base)?),
            Some(wanted) if self.prior.is_none() || self.planned.is_open("issued_certificate") => {
                self.root_is_trusted(wanted, live).await?;
                self.issued(base, wanted, files).await
            }
            Some(wanted) => Ok(self.kept(base, wanted, files)?),
        }
    }

    fn given(&self, mut outputs: Outputs) -> Result<Material, Diagnostic> {
        let instance = &self.instance;
        let chain = given(self.settings).ok_or_else(|| words::not_delivered(instance))?;
        let chain = chain.map_err(|problem| words::bad_chain(instance, &problem))?;
        let pem = self
            .settings
            .private_key_pem
            .as_ref()
            .ok_or_else(|| words::not_delivered(instance))?;
        let key = PrivateKey::from_pem(pem.expose());
        let key = key.map_err(|error| words::bad_key(instance, &error))?;
        outputs.0 = Issued::facts(&chain);
        outputs.1.issued_certificate = None;
        outputs.1.issued_certificate_chain = None;
        Ok(Material {
            chain,
            key,
            outputs,
            notes: Notes::default(),
            warnings: Vec::new(),
        })
    }

    /// Whether the mesh could follow to the root of the CA that is to issue, asked before it does. A
    /// root other than the last certificate's is judged with the order itself.
    async fn root_is_trusted(&self, wanted: &Issuance, live: &Live) -> Result<(), Diagnostic> {
        let instance = &self.instance;
        let authority = self
            .call
            .clients
            .authority(&wanted.certificate_authority_arn);
        let authority = authority.map_err(|error| words::sign_in(instance, &error))?;
        let until = Until::new(self.call.deadline, &self.call.stop);
        let seen = issue::look(&authority, until).await;
        let seen = seen.map_err(|unseen| unseen.told(instance, authority.arn()))?;
        let own = seen.chain.root();
        let last = self.prior.and_then(|prior| prior.outputs.0.root_sha256);
        if self.settings.allow_root_replacement || last.is_some_and(|last| last != own.sha256()) {
            return Ok(());
        }
        let roots = compose::trusted(self.settings, own, live);
        let roots = roots.map_err(|unfit| words::bad_bundle(instance, &unfit))?;
        let broken = compose::root_break(own, &roots, live);
        broken.map_or(Ok(()), |broken| Err(words::root_change(instance, &broken)))
    }

    async fn issued(
        &self,
        mut outputs: Outputs,
        wanted: &Issuance,
        files: &Files,
    ) -> Result<Material, Unfinished<CacertsSecret>> {
        let reason = self.planned.text("issue_reason").unwrap_or("created");
        let last = self
            .prior
            .map(|prior| last(self.settings, prior, reason))
            .unwrap_or_default();
        let notes = self.prior.map(|prior| &prior.private.certificate);
        let request = Request {
            settings: wanted,
            instance: &self.instance,
            key: self.key_to_keep(wanted, files),
            pending: notes.and_then(|notes| notes.pending.as_ref()),
            last,
            reason,
            keeps_key: false,
        };
        let obtained = match issue::obtain(self.call, request).await {
            Ok(obtained) => obtained,
            Err(Failed::Refused(diagnostics)) => {
                return Err(Unfinished {
                    left: None,
                    diagnostics,
                });
            }
            Err(Failed::UnderWay(pending, problem)) => {
                return Err(self.left_over(*pending, vec![problem]));
            }
        };
        let prior = self.prior.map(|prior| &prior.outputs.0);
        outputs.0 = obtained.issued(wanted, prior, reason);
        outputs.1.issued_certificate = Some(obtained.chain.certificate().to_pem());
        outputs.1.issued_certificate_chain = Some(obtained.chain.certificate_chain_pem());
        let warnings = obtained
            .orphan
            .iter()
            .map(|arn| words::orphan(&self.instance, arn));
        let (warnings, notes) = (warnings.collect(), obtained.notes());
        let Obtained { chain, key, .. } = obtained;
        Ok(Material {
            chain,
            key,
            outputs,
            notes,
            warnings,
        })
    }

    /// The certificate that was issued before, with the key from the Secret itself.
    fn kept(
        &self,
        mut outputs: Outputs,
        wanted: &Issuance,
        files: &Files,
    ) -> Result<Material, Diagnostic> {
        let instance = &self.instance;
        let written = &outputs.1;
        let stored = written
            .issued_certificate
            .as_ref()
            .zip(written.issued_certificate_chain.as_ref());
        let (certificate, chain) = stored.ok_or_else(|| words::not_delivered(instance))?;
        let read = || {
            Chain::among(
                Certificate::from_pem(certificate)?,
                Certificate::parse_all(chain)?,
            )
        };
        let read: Result<Chain, pki::ChainError> = read();
        let chain = read.map_err(|error| words::bad_chain(instance, &error.to_string()))?;
        let key = pki::private_key(files).and_then(Result::ok);
        let key = key.filter(|key| key.public_key() == chain.certificate().public_key());
        let key = key.ok_or_else(|| words::key_gone(instance))?;
        if let Some(prior) = self.prior {
            let was = prior.settings.issues().unwrap_or(wanted);
            outputs.0.renew_at = issue::renew_at(&super::plan::standing(prior, was), wanted);
        }
        let notes = self
            .prior
            .map(|prior| prior.private.certificate.clone())
            .unwrap_or_default();
        Ok(Material {
            chain,
            key,
            outputs,
            notes,
            warnings: Vec::new(),
        })
    }

    fn key_to_keep(&self, wanted: &Issuance, files: &Files) -> Option<PrivateKey> {
        let known = self
            .prior
            .and_then(|prior| prior.outputs.0.public_key_sha256)?;
        let key = pki::private_key(files)
            .filter(|_| !wanted.rotate_key)?
            .ok()?;
        let same = key.public_key().sha256() == known && key.algorithm() == wanted.key_algorithm;
        same.then_some(key)
    }

    async fn put(&self, material: Material, live: &Live) -> Ended {
        let Material {
            chain,
            key,
            mut outputs,
            mut notes,
            mut warnings,
        } = material;
        let placed = outputs
            .0
            .certificate_arn
            .clone()
            .filter(|_| self.planned.is_open("issued_certificate"));
        let written = self
            .write_bundle(&chain, &key, &mut outputs, live, &mut warnings)
            .await;
        match written {
            Ok(()) => {
                notes.pending = None;
                let private = SecretNotes {
                    certificate: notes,
                    ..SecretNotes::default()
                };
                Ok(Done {
                    outputs,
                    private,
                    warnings,
                })
            }
            Err(problem) => match placed {
                // Its key goes with this run, and the next one orders another.
                Some(certificate_arn) => Err(self.left_over(
                    issue::Pending {
                        certificate_arn,
                        order_sha256: pki::Fingerprint::of(b""),
                        reason: outputs.0.issue_reason.unwrap_or_default(),
                        ordered_at: self.call.now,
                        not_after: chain.certificate().not_after(),
                        private_key_pem: None,
                    },
                    vec![problem],
                )),
                None => Err(problem.into()),
            },
        }
    }

    async fn write_bundle(
        &self,
        chain: &Chain,
        key: &PrivateKey,
        outputs: &mut Outputs,
        live: &Live,
        warnings: &mut Vec<Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let instance = &self.instance;
        let cacerts = compose::bundle(self.settings, chain, key, live);
        let cacerts = cacerts.map_err(|unfit| words::bad_bundle(instance, &unfit))?;
        let bundle = cacerts.bundle();
        let broken = compose::root_break(bundle.chain().root(), bundle.roots(), live);
        if let Some(broken) = broken.filter(|_| !self.settings.allow_root_replacement) {
            return Err(words::root_change(instance, &broken));
        }
        outputs.1.files_sha256 = compose::files_sha256(&cacerts);
        let desired = compose::desired(self.at.clone(), self.settings, &cacerts, outputs);
        let issued = outputs.0.clone();
        let ours = |observed: &Observed| self.is_ours(observed, &issued);
        let claim = Claim {
            owner: &desired.owner,
            same_certificate: &ours,
        };
        let within = self
            .call
            .deadline
            .saturating_duration_since(tokio::time::Instant::now());
        let written = self
            .cluster
            .put(&desired, &claim, self.policy(), within)
            .await;
        let written = written.map_err(|error| match &error {
            PutError::Refused(refusal) => words::refusal(instance, refusal),
            PutError::Failed(error) => words::trouble(instance, error),
            PutError::Lost(error) => words::lost(instance, error),
        })?;
        warnings.extend(words::overwritten(instance, &written.how));
        outputs.1.uid = Some(written.secret.uid);
        Ok(())
    }

    /// What to record of a certificate that was ordered and is not in the Secret.
    fn left_over(
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
