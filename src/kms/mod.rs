//! Adapter to AWS KMS: a fresh data key, and one that was sealed before, opened again.
//!
//! Knows of no Terraform and of no envelope. Nothing is kept: what KMS gives in the clear is handed out in
//! memory that is wiped, and whoever asked has to let go of it. (The SDK's own buffers of an answer are
//! not wiped; no crate offers that.)

mod calls;
mod class;
pub mod context;
pub mod error;
pub mod key;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aws_sdk_kms::Client;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

pub use context::{RESERVED, check_context};
pub use error::{Answer, Asked, Denial, Error, KeyState, Operation};
pub use key::{KeyId, NotAKeyId};

use crate::aws::retry::Sending;
use crate::aws::{SignIn, Until};
use error::Failure;

/// KMS of one region under one sign-in, connected on first use.
pub struct Kms {
    sign_in: Arc<SignIn>,
    region: Option<String>,
    sending: Sending,
    connection: OnceCell<Connection>,
}

/// A data key that KMS made: what is sealed with it can be opened by whoever may have it opened.
pub struct DataKey {
    /// The key in the clear.
    pub plaintext: Zeroizing<[u8; 32]>,
    /// The same, sealed by KMS: for [`Kms::open`].
    pub sealed: Vec<u8>,
    /// ARN of the KMS key that sealed it, also where an alias named it.
    pub key_arn: String,
}

struct Connection {
    client: Client,
    region: String,
}

impl Kms {
    /// Asks nothing yet. Without a `region` it is the one that the settings, the environment or the profile
    /// say. `seed` is any number; it keeps this process's retries apart from others'.
    pub fn new(sign_in: Arc<SignIn>, region: Option<String>, seed: u64) -> Self {
        Self {
            sending: Sending::new(sign_in.attempts(), seed),
            sign_in,
            region,
            connection: OnceCell::new(),
        }
    }

    /// GenerateDataKey: AES-256, under that encryption context.
    ///
    /// # Errors
    /// When KMS gives none before the end.
    pub async fn data_key(
        &self,
        key: &KeyId,
        context: &BTreeMap<String, String>,
        until: Until<'_>,
    ) -> Result<DataKey, Error> {
        let ask = || until.cutting(self.ask_data_key(key, context));
        self.trying(Operation::GenerateDataKey, key, until, ask)
            .await
    }

    /// Decrypt: what [`data_key`](Self::data_key) gave as `sealed`, under the same context. Only that key
    /// opens it, and of a multi-region key any replica; what the sealed bytes say of themselves is not
    /// trusted.
    ///
    /// # Errors
    /// When KMS does not open it before the end.
    pub async fn open(
        &self,
        key: &KeyId,
        sealed: &[u8],
        context: &BTreeMap<String, String>,
        until: Until<'_>,
    ) -> Result<Zeroizing<[u8; 32]>, Error> {
        let ask = || until.cutting(self.ask_opened(key, sealed, context));
        self.trying(Operation::Decrypt, key, until, ask).await
    }

    async fn trying<T, F>(
        &self,
        operation: Operation,
        key: &KeyId,
        until: Until<'_>,
        attempt: impl Fn() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let sent = self.sending.trying(until, attempt).await;
        sent.map_err(|failed| {
            let connected = self.connection.get().map(|it| it.region.clone());
            let region = connected.or_else(|| self.region.clone());
            Error::of(failed, operation, key, region, || self.sign_in.whose())
        })
    }
}

/// The region only: the SDK's client shows the secret keys of every profile.
impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Kms");
        shown.field("region", &self.region).finish_non_exhaustive()
    }
}

/// Nothing of the key.
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("DataKey");
        shown
            .field("key_arn", &self.key_arn)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
