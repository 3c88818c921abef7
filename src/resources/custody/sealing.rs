//! Sealing a key by KMS and opening it again: a data key of KMS, used once.

use std::collections::BTreeMap;

use crate::aws::Until;
use crate::clients::{self, Clients};
use crate::kms::KeyId;
use crate::pki::{PrivateKey, Seal, SealContext, SealedKey};
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic};

/// By what the user has a key sealed.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::resources) struct Sealing {
    pub(in crate::resources) kms_key_id: KeyId,
    pub(in crate::resources) context: BTreeMap<String, String>,
}

impl Sealing {
    /// Whether it was sealed so, as far as the text itself tells: an alias may have been moved since, and that is no
    /// reason to seal a key again.
    pub(super) fn has_sealed(&self, sealed: &SealedKey) -> bool {
        sealed.context().user == self.context && self.kms_key_id.may_be(sealed.kms_key_arn())
    }

    pub(super) async fn seal(
        &self,
        call: &Call<'_, Clients>,
        instance: &Instance,
        key: &PrivateKey,
    ) -> Result<SealedKey, Diagnostic> {
        let kms = call.clients.kms(self.kms_key_id.region());
        let kms = kms.map_err(|error| words::sign_in(instance, &error))?;
        let context = SealContext {
            user: self.context.clone(),
            id: clients::random_id(),
        };
        let until = Until::new(call.deadline, &call.stop);
        let data_key = kms
            .data_key(&self.kms_key_id, &context.whole(), until)
            .await
            .map_err(|error| words::kms(instance, &error))?;
        let seal = Seal {
            data_key: &data_key.plaintext,
            encrypted_data_key: &data_key.sealed,
            kms_key_arn: &data_key.key_arn,
            context: &context,
            nonce: clients::random(),
        };
        Ok(SealedKey::seal(key, &seal))
    }
}

/// Has KMS open a sealed key; `by` another key than it was sealed by, such as a replica in another region.
pub(in crate::resources) async fn open(
    call: &Call<'_, Clients>,
    instance: &Instance,
    sealed: &SealedKey,
    by: Option<&KeyId>,
) -> Result<PrivateKey, Diagnostic> {
    let own: Result<KeyId, _> = sealed.kms_key_arn().parse();
    let own = own.map_err(|error| words::damaged_seal(instance, &error.to_string()))?;
    let key_id = by.unwrap_or(&own);
    let kms = call.clients.kms(key_id.region());
    let kms = kms.map_err(|error| words::sign_in(instance, &error))?;
    let (context, until) = (
        sealed.context().whole(),
        Until::new(call.deadline, &call.stop),
    );
    let opened = kms
        .open(key_id, sealed.encrypted_data_key(), &context, until)
        .await;
    let data_key = opened.map_err(|error| words::kms(instance, &error))?;
    let opened = sealed.open(&data_key);
    opened.map_err(|error| words::damaged_seal(instance, &error.to_string()))
}
