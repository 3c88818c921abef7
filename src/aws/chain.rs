//! Asking one source of credentials after the other. Ours rather than the SDK's chain, which does not
//! let a source be left out and does not say what each had to say.

use std::sync::{Arc, OnceLock};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::error::words;
use super::{Error, Source, Tried};

/// The source that had credentials.
pub(super) type Found = OnceLock<Source>;

/// The sources in their order.
#[derive(Debug)]
pub(super) struct Chain {
    sources: Vec<(Source, SharedCredentialsProvider)>,
    found: Arc<Found>,
}

impl Chain {
    pub(super) fn new(
        sources: Vec<(Source, SharedCredentialsProvider)>,
        found: Arc<Found>,
    ) -> Self {
        Self { sources, found }
    }

    /// A source that is not there is passed over, one that is there and fails ends the search: who
    /// has set it up means it.
    async fn credentials(&self) -> Result<Credentials, Error> {
        let mut tried = Vec::new();
        for (source, provider) in &self.sources {
            let failed = match provider.provide_credentials().await {
                Ok(credentials) => {
                    self.found.get_or_init(|| source.clone());
                    return Ok(credentials);
                }
                Err(failed) => failed,
            };
            tried.push(Tried {
                source: source.clone(),
                said: words(&failed),
            });
            if !matches!(failed, CredentialsError::CredentialsNotLoaded(_)) {
                break;
            }
        }
        Err(Error::Credentials { tried })
    }
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let credentials = async {
            let found = self.credentials().await;
            found.map_err(CredentialsError::provider_error)
        };
        future::ProvideCredentials::new(credentials)
    }
}
