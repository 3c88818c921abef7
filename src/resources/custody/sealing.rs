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
    /// Whether it was sealed so, as far as the text itself tells. Which key is behind an alias it does not tell: where the
    /// seal is another one than it was to be, an alias counts as another key, and else as the one that it was.
    pub(super) fn has_sealed(&self, sealed: &SealedKey, changed: bool) -> bool {
        let Self {
            kms_key_id,
            context,
        } = self;
        let told = !changed || !kms_key_id.is_alias();
        told && sealed.context().user == *context && kms_key_id.may_be(sealed.kms_key_arn())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::KeyAlgorithm;

    const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn context(cluster: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("cluster".to_owned(), cluster.to_owned())])
    }

    #[test]
    fn a_seal_is_kept_unless_it_is_to_be_another_one() {
        let key = PrivateKey::generate(KeyAlgorithm::EcPrime256v1).expect("a key");
        let seal = Seal {
            data_key: &[7; 32],
            encrypted_data_key: b"sealed",
            kms_key_arn: ARN,
            context: &SealContext {
                user: context("a"),
                id: "1".to_owned(),
            },
            nonce: [0; 12],
        };
        let sealed = SealedKey::seal(&key, &seal);
        let kept = |id: &str, cluster: &str, changed: bool| {
            let sealing = Sealing {
                kms_key_id: id.parse().expect("a key"),
                context: context(cluster),
            };
            sealing.has_sealed(&sealed, changed)
        };
        let other = ARN.replace("1234abcd", "00000000");
        for (id, cluster, changed, expected) in [
            (ARN, "a", false, true),
            (ARN, "a", true, true),
            (&other, "a", true, false),
            (ARN, "b", true, false),
            ("1234abcd-12ab-34cd-56ef-1234567890ab", "a", true, true),
            // It may have been moved since, which is no reason to seal anew; but it may be another key's.
            ("alias/mesh", "a", false, true),
            ("alias/mesh", "a", true, false),
        ] {
            assert_eq!(
                kept(id, cluster, changed),
                expected,
                "{id} {cluster} {changed}"
            );
        }
    }
}
