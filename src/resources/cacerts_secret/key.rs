//! The key of a certificate that comes from elsewhere: in clear, sealed, supplied for this run, or
//! from the Secret that holds it already.

use super::Prior;
use super::compose::Files;
use super::settings::Settings;
use super::write::Writing;
use crate::pki::{self, Certificate, PrivateKey, SecretPem};
use crate::resources::custody;
use crate::resources::words::{self, Instance};
use crate::terraform::Diagnostic;

impl Writing<'_> {
    /// The key to write beside that certificate.
    pub(super) async fn given_key(
        &self,
        certificate: &Certificate,
        files: &Files,
    ) -> Result<PrivateKey, Diagnostic> {
        let Settings {
            private_key_pem,
            private_key_sealed,
            kms_key_id,
            private_key_pem_wo_version,
            ..
        } = self.settings;
        let instance = &self.instance;
        if let Some(pem) = private_key_pem {
            let key = PrivateKey::from_pem(pem.expose());
            return key.map_err(|error| words::bad_key(instance, &error));
        }
        if let Some(problem) = problem(instance, self.settings, certificate) {
            return Err(problem);
        }
        if let Some(sealed) = private_key_sealed {
            return match held(files, certificate) {
                Some(key) => Ok(key),
                None => custody::open(self.call, instance, sealed, kms_key_id.as_ref()).await,
            };
        }
        if private_key_pem_wo_version.is_none() {
            return Err(words::not_delivered(instance));
        }
        self.supplied(certificate, files)
    }

    /// The key that the user supplies for this run. Where that is another one, as one that is made
    /// for each run is, the Secret's own does, unless the user says that it is time for another.
    fn supplied(&self, certificate: &Certificate, files: &Files) -> Result<PrivateKey, Diagnostic> {
        let instance = &self.instance;
        let supplied = self.settings.private_key_pem_wo.as_ref().map(read);
        let supplied = supplied.transpose();
        let supplied = supplied.map_err(|error| words::bad_supplied_key(instance, &error))?;
        if let Some(key) = supplied.filter(|key| key.public_key() == certificate.public_key()) {
            return Ok(key);
        }
        let version = self.settings.private_key_pem_wo_version;
        let was = |prior: &Prior| prior.settings.private_key_pem_wo_version;
        let changed = self.prior.is_some_and(|prior| was(prior) != version);
        held(files, certificate)
            .filter(|_| !changed)
            .ok_or_else(|| words::another_key(instance))
    }
}

fn read(pem: &SecretPem) -> Result<PrivateKey, pki::KeyError> {
    PrivateKey::from_pem(pem.expose())
}

/// The key that the Secret holds, where it is the certificate's.
fn held(files: &Files, certificate: &Certificate) -> Option<PrivateKey> {
    let key = pki::private_key(files)?.ok()?;
    (key.public_key() == certificate.public_key()).then_some(key)
}

/// Why a sealed key cannot be meant, as far as can be seen without opening it.
pub(super) fn problem(
    instance: &Instance,
    settings: &Settings,
    certificate: &Certificate,
) -> Option<Diagnostic> {
    let sealed = settings.private_key_sealed.as_ref()?;
    if sealed.public_key_sha256() != certificate.public_key().sha256() {
        return Some(words::sealed_for_another(instance));
    }
    custody::bound_otherwise(instance, sealed, settings.kms_encryption_context.as_ref())
}
