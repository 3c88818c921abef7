//! Signing in to AWS: from the configuration and the environment to a configured SDK.
//!
//! Knows of no AWS service but STS, of no Terraform. Nothing is read or asked before the first
//! [`SignIn::session`], so that a provider can be configured where there are no credentials yet.

pub mod agent;
pub mod error;
pub mod settings;

mod http;
mod role;
mod source;
#[cfg(test)]
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tokio::sync::OnceCell;

pub use agent::Agent;
pub use error::{Error, Source};
pub use settings::{AcmPca, AssumeRole, Endpoints, Settings, is_region};

/// What we are called in user agents, and a role's session when the user gives it no name.
pub const PRODUCT: &str = "terraform-provider-istiopca";

/// An identity in AWS that has not been proven yet: shared by every client that acts under it.
pub struct SignIn {
    settings: Settings,
    agent: Agent,
    start: Start,
    http: Arc<OnceLock<SharedHttpClient>>,
    base: OnceCell<SdkConfig>,
    /// By the region whose STS was asked: the credentials at the end of the roles.
    assumed: Mutex<BTreeMap<String, Option<SharedCredentialsProvider>>>,
}

/// Whose credentials the first role is assumed with.
enum Start {
    /// Those that the settings and the environment give.
    Sources,
    /// Those at the end of another sign-in.
    Identity(Arc<SignIn>),
}

/// Prepares a sign-in; the settings are judged here, AWS is asked when a session is.
pub fn sign_in(settings: &Settings, agent: &Agent) -> Result<SignIn, Error> {
    settings.check()?;
    Ok(SignIn::new(
        settings.clone(),
        agent.clone(),
        Start::Sources,
        Arc::default(),
    ))
}

impl SignIn {
    /// The sign-in of the `acmpca {}` block: its roles are assumed from its own profile, or else
    /// from the identity that `self` ends in. Endpoints, files and retries stay those of `self`.
    pub fn for_acmpca(self: &Arc<Self>, block: &AcmPca) -> Result<Self, Error> {
        block.check()?;
        let settings = Settings {
            region: block
                .region
                .clone()
                .or_else(|| self.settings.region.clone()),
            profile: block.profile.clone(),
            assume_role: block.assume_role.clone(),
            ..self.settings.clone()
        };
        let start = match block.profile {
            Some(_) => Start::Sources,
            None => Start::Identity(Arc::clone(self)),
        };
        Ok(Self::new(
            settings,
            self.agent.clone(),
            start,
            Arc::clone(&self.http),
        ))
    }

    /// The SDK's configuration for a service in `region`. Fails only on a broken `AWS_CA_BUNDLE`:
    /// credentials are asked for with the first call that needs them, and [`Error::behind`] finds
    /// in that call's error why there were none.
    pub async fn session(&self, region: &str) -> Result<SdkConfig, Error> {
        let below = match &self.start {
            Start::Sources => self.base.get_or_try_init(|| self.load()).await?.clone(),
            Start::Identity(other) => Box::pin(other.session(region)).await?,
        };
        let there = Region::new(region.to_owned());
        let ours = self.settings.region.clone().map(Region::new);
        let of_sts = ours
            .or_else(|| below.region().cloned())
            .unwrap_or_else(|| there.clone());
        let identity = self.identity(&below, &of_sts);
        let mut session = below.into_builder().region(there);
        session.set_credentials_provider(identity);
        Ok(session.build())
    }

    /// Where AWS Private CA is to be found, if not where AWS has it.
    pub fn acmpca_endpoint(&self) -> Option<String> {
        self.settings.endpoint(|block| block.acmpca.as_ref())
    }

    /// How often one call may be sent, from `max_retries` or `AWS_MAX_ATTEMPTS`; `None` leaves it
    /// to the adapter.
    pub fn attempts(&self) -> Option<u32> {
        let environment = || std::env::var("AWS_MAX_ATTEMPTS").ok()?.trim().parse().ok();
        let configured = self
            .settings
            .max_retries
            .map(|retries| retries.saturating_add(1));
        configured
            .or_else(environment)
            .map(|attempts: u32| attempts.max(1))
    }

    fn new(
        settings: Settings,
        agent: Agent,
        start: Start,
        http: Arc<OnceLock<SharedHttpClient>>,
    ) -> Self {
        Self {
            settings,
            agent,
            start,
            http,
            base: OnceCell::new(),
            assumed: Mutex::default(),
        }
    }

    fn identity(&self, below: &SdkConfig, region: &Region) -> Option<SharedCredentialsProvider> {
        // One provider for each STS: the SDK caches credentials by provider, and CAs of one region
        // share.
        let mut assumed = self.assumed.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let config = below.to_builder().region(region.clone()).build();
            let endpoint = self.settings.endpoint(|block| block.sts.as_ref());
            role::assume(&self.settings.assume_role, &config, endpoint.as_deref())
        };
        assumed
            .entry(region.to_string())
            .or_insert_with(make)
            .clone()
    }

    async fn load(&self) -> Result<SdkConfig, Error> {
        Ok(source::load(&self.settings, &self.agent, self.http_client()?).await)
    }

    fn http_client(&self) -> Result<SharedHttpClient, Error> {
        if let Some(ready) = self.http.get() {
            return Ok(ready.clone());
        }
        let made = http::client()?;
        Ok(self.http.get_or_init(|| made).clone())
    }

    /// The same sign-in over a scripted wire.
    #[cfg(test)]
    pub(crate) fn over(self, wire: &wire::Wire) -> Self {
        let scripted = wire.client();
        self.http.get_or_init(|| scripted);
        self
    }
}

/// The settings only: the SDK's configuration would show the secret keys of every profile.
impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SignIn");
        shown
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
