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

/// A source, and who gives its credentials.
#[derive(Debug)]
pub(super) struct Place {
    source: Source,
    provider: SharedCredentialsProvider,
    /// The variable that asks for just this source, where one does.
    wanted_by: Option<&'static str>,
}

impl Place {
    pub(super) fn new(source: Source, provider: impl ProvideCredentials + 'static) -> Self {
        Self {
            source,
            provider: SharedCredentialsProvider::new(provider),
            wanted_by: None,
        }
    }

    /// A place that the environment names must have credentials: with those of a later one we
    /// would be somebody else than who was asked for.
    pub(super) fn wanted_by(self, variable: Option<&'static str>) -> Self {
        Self {
            wanted_by: variable,
            ..self
        }
    }

    pub(super) fn is(&self, source: &Source) -> bool {
        self.source == *source
    }

    fn tried(&self, failed: &CredentialsError) -> Tried {
        let said = match self.wanted_by.filter(|_| is_absent(failed)) {
            Some(variable) => format!(
                "{} ({variable} is set, so no further place is asked)",
                words(failed)
            ),
            None => words(failed),
        };
        let source = self.source.clone();
        Tried { source, said }
    }
}

fn is_absent(failed: &CredentialsError) -> bool {
    matches!(failed, CredentialsError::CredentialsNotLoaded(_))
}

/// The sources in their order.
#[derive(Debug)]
pub(super) struct Chain {
    places: Vec<Place>,
    found: Arc<Found>,
}

impl Chain {
    pub(super) fn new(places: Vec<Place>, found: Arc<Found>) -> Self {
        Self { places, found }
    }

    /// A source that is not there is passed over, unless a variable names it. One that is there and
    /// fails ends the search: who has set it up means it.
    async fn credentials(&self) -> Result<Credentials, Error> {
        let mut tried = Vec::new();
        for place in &self.places {
            let failed = match place.provider.provide_credentials().await {
                Ok(credentials) => {
                    self.found.get_or_init(|| place.source.clone());
                    return Ok(credentials);
                }
                Err(failed) => failed,
            };
            tried.push(place.tried(&failed));
            if !is_absent(&failed) || place.wanted_by.is_some() {
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
