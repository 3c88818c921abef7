//! The certificate and the key to write: given, issued now, or kept from before.

use super::adopt::{Adopted, adopted};
use super::compose::Files;
use super::present::Present;
use super::settings::{Existing, given};
use super::write::Writing;
use super::{CacertsSecret, Outputs, last};
use crate::pca::CertificateArn;
use crate::pki::{self, Certificate, Chain, PrivateKey};
use crate::resources::custody::{Again, Custody};
use crate::resources::issue::{
    self, Authority, Failed, Issuance, Issued, Notes, Obtained, Request,
};
use crate::resources::words;
use crate::terraform::{Diagnostic, Unfinished};

/// A certificate with its key, and what is known of it.
pub(super) struct Material {
    pub(super) chain: Chain,
    pub(super) key: PrivateKey,
    pub(super) outputs: Outputs,
    pub(super) notes: Notes,
    /// The certificate, where this run has ordered it.
    pub(super) ordered: Option<CertificateArn>,
    pub(super) warnings: Vec<Diagnostic>,
}

impl Writing<'_> {
    pub(super) async fn material(
        &self,
        base: Outputs,
        present: &Present,
    ) -> Result<Material, Unfinished<CacertsSecret>> {
        match self.settings.issues() {
            None => Ok(self.given(base, &present.files).await?),
            Some(wanted) if self.prior.is_none() || self.planned.is_open("issued_certificate") => {
                let (_, authority) = issue::seen(self.call, &self.instance, wanted).await?;
                if let Some(adopted) = self.adopted(present, wanted, &authority) {
                    return Ok(self.keep_adopted(base, adopted));
                }
                // Whether the mesh could follow to its root is asked before it issues.
                self.can_follow(present, authority.chain.root())?;
                self.issued(base, wanted, &present.files).await
            }
            Some(wanted) => Ok(self.kept(base, wanted, &present.files)?),
        }
    }

    async fn given(&self, mut outputs: Outputs, files: &Files) -> Result<Material, Diagnostic> {
        let instance = &self.instance;
        let chain = given(self.settings).ok_or_else(|| words::not_delivered(instance))?;
        let chain = chain.map_err(|problem| words::bad_chain(instance, &problem))?;
        let key = self.given_key(chain.certificate(), files).await?;
        outputs.0 = Issued::facts(&chain);
        outputs.1.issued_certificate = None;
        outputs.1.issued_certificate_chain = None;
        Ok(Material {
            chain,
            key,
            outputs,
            notes: Notes::default(),
            ordered: None,
            warnings: Vec::new(),
        })
    }

    /// The live certificate, where the user wants what is there to be taken over.
    fn adopted(
        &self,
        present: &Present,
        wanted: &Issuance,
        authority: &Authority,
    ) -> Option<Adopted> {
        let takes_over = self.prior.is_none() && self.settings.on_existing == Existing::Adopt;
        let adopted = takes_over.then(|| adopted(present, wanted, authority, self.call.now));
        adopted.flatten()
    }

    fn keep_adopted(&self, mut outputs: Outputs, adopted: Adopted) -> Material {
        let Adopted {
            chain,
            key,
            issued,
            notes,
        } = adopted;
        let told = words::adopted(&self.instance, &issued);
        outputs.0 = issued;
        outputs.1.issued_certificate = Some(chain.certificate().to_pem());
        outputs.1.issued_certificate_chain = Some(chain.certificate_chain_pem());
        Material {
            chain,
            key,
            outputs,
            notes,
            ordered: None,
            warnings: vec![told],
        }
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
            .map(|prior| last(prior, reason))
            .unwrap_or_default();
        let notes = self.prior.map(|prior| &prior.private.certificate);
        let request = Request {
            settings: wanted,
            instance: &self.instance,
            custody: &Custody::Secret,
            again: self
                .key_to_keep(wanted, files)
                .map_or(Again::Never, Again::AtHand),
            pending: notes.and_then(|notes| notes.pending.as_ref()),
            last,
            reason,
        };
        let obtained = match issue::obtain(self.call, request).await {
            Ok(obtained) => obtained,
            Err(Failed::Refused(diagnostics)) => {
                return Err(Unfinished {
                    left: None,
                    diagnostics,
                });
            }
            Err(Failed::UnderWay(pending, told)) => {
                return Err(self.left_over(*pending, told));
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
        let Obtained {
            certificate_arn,
            chain,
            key,
            ..
        } = obtained;
        let key = key.key.expect("under this custody keys are made here");
        Ok(Material {
            chain,
            key,
            outputs,
            notes,
            ordered: Some(certificate_arn),
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
            ordered: None,
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
}
