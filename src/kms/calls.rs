//! The two calls as the SDK makes them, each sent once.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::config::retry::RetryConfig;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::{DataKeySpec, EncryptionAlgorithmSpec};
use zeroize::Zeroizing;

use super::class::classify;
use super::error::{Failure, NoRegion};
use super::{Connection, DataKey, KeyId, Kms};

impl Kms {
    pub(super) async fn ask_data_key(
        &self,
        key: &KeyId,
        context: &BTreeMap<String, String>,
    ) -> Result<DataKey, Failure> {
        let ask = self.client().await?.generate_data_key();
        let sent = ask
            .key_id(key.to_string())
            .key_spec(DataKeySpec::Aes256)
            .set_encryption_context(pairs(context))
            .send()
            .await;
        let answer = sent.map_err(|failed| Failure::of(&failed, classify))?;
        let plaintext = exactly_32(answer.plaintext)?;
        let sealed = answer.ciphertext_blob.map(Blob::into_inner);
        let sealed = sealed.filter(|bytes| !bytes.is_empty());
        Ok(DataKey {
            plaintext,
            sealed: sealed.ok_or_else(|| Failure::incomplete("the sealed data key"))?,
            key_arn: answered_by(key, answer.key_id)?,
        })
    }

    pub(super) async fn ask_opened(
        &self,
        key: &KeyId,
        sealed: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Zeroizing<[u8; 32]>, Failure> {
        let ask = self.client().await?.decrypt();
        let sent = ask
            .key_id(key.to_string())
            .ciphertext_blob(Blob::new(sealed))
            .encryption_algorithm(EncryptionAlgorithmSpec::SymmetricDefault)
            .set_encryption_context(pairs(context))
            .send()
            .await;
        let answer = sent.map_err(|failed| Failure::of(&failed, classify))?;
        let plaintext = exactly_32(answer.plaintext)?;
        answered_by(key, answer.key_id)?;
        Ok(plaintext)
    }

    async fn client(&self) -> Result<&Client, Failure> {
        let connected = self.connection.get_or_try_init(|| self.connect()).await;
        connected.map(|connection| &connection.client)
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let region = match &self.region {
            Some(region) => Some(region.clone()),
            None => self
                .sign_in
                .region()
                .await
                .map_err(Failure::not_signed_in)?,
        };
        let region = region.ok_or_else(|| Failure::missing(NoRegion))?;
        let session = self.sign_in.session(&region).await;
        let session = session.map_err(Failure::not_signed_in)?;
        let mut config = Builder::from(&session).retry_config(RetryConfig::disabled());
        if let Some(url) = self.sign_in.kms_endpoint() {
            // What was said of this service by itself wins; the SDK refuses both together.
            config = config
                .endpoint_url(url)
                .use_fips(false)
                .use_dual_stack(false);
        }
        let client = Client::from_conf(config.build());
        Ok(Connection { client, region })
    }
}

fn pairs(context: &BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    let pairs = context.iter();
    let pairs = pairs.map(|(name, value)| (name.clone(), value.clone()));
    (!context.is_empty()).then(|| pairs.collect())
}

fn exactly_32(plaintext: Option<Blob>) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let plaintext = plaintext.ok_or_else(|| Failure::incomplete("the data key"))?;
    let bytes = Zeroizing::new(plaintext.into_inner());
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(Failure::incomplete("a data key of 32 bytes"));
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

/// The ARN of the key that KMS used.
fn answered_by(key: &KeyId, used: Option<String>) -> Result<String, Failure> {
    let used = used.filter(|used| key.may_be(used));
    used.ok_or_else(|| Failure::incomplete("the ARN of the key that was asked for"))
}
