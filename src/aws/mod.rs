//! Signing in to AWS: from the configuration and the environment to a configured SDK.
//!
//! Knows of no AWS service but STS, of no Terraform. Nothing is read or asked before the first
//! [`SignIn::session`], so that a provider can be configured where there are no credentials yet.

pub mod agent;
pub mod caller;
pub mod error;
pub mod presign;
pub mod settings;

mod guard;
mod http;
mod role;
mod source;
mod sts;
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
pub use caller::Caller;
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
    ends: Mutex<BTreeMap<String, Option<SharedCredentialsProvider>>>,
    caller: Arc<OnceCell<Caller>>,
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
            allowed_account_ids: Vec::new(),
            forbidden_account_ids: Vec::new(),
            ..self.settings.clone()
        };
        let start = match block.profile {
            Some(_) => Start::Sources,
            None => Start::Identity(Arc::clone(self)),
        };
        let (agent, http) = (self.agent.clone(), Arc::clone(&self.http));
        Ok(Self::new(settings, agent, start, http))
    }

    /// A sign-in that assumes one more role, from the identity that `self` ends in. Which accounts
    /// are allowed was said of that identity and not of the role. [`Error::Setting`] names its paths
    /// from `assume_role[0]` on; who knows better calls [`AssumeRole::check`] before.
    pub fn for_role(self: &Arc<Self>, role: AssumeRole) -> Result<Self, Error> {
        role.check("assume_role[0]")?;
        let settings = Settings {
            assume_role: vec![role],
            allowed_account_ids: Vec::new(),
            forbidden_account_ids: Vec::new(),
            ..self.settings.clone()
        };
        let (agent, http) = (self.agent.clone(), Arc::clone(&self.http));
        let start = Start::Identity(Arc::clone(self));
        Ok(Self::new(settings, agent, start, http))
    }

    /// The SDK's configuration for a service in `region`. Fails only on a broken bundle of CAs:
    /// credentials are asked for with the first call that needs them, and [`Error::behind`] finds
    /// in that call's error why there were none. A service that has an endpoint of its own takes
    /// neither the FIPS nor the dual-stack variant: the SDK refuses to combine them.
    pub async fn session(&self, region: &str) -> Result<SdkConfig, Error> {
        let (base, there) = (self.base().await?, Region::new(region.to_owned()));
        let mut session = base.to_builder().region(there.clone());
        session.set_credentials_provider(self.end(&base, &there));
        Ok(session.build())
    }

    /// Whose the credentials are, by GetCallerIdentity, which needs no right. Asked once for a
    /// sign-in, whoever asks at the same time; a failure is not kept. `region` is where STS is asked
    /// if neither the settings nor the environment say one.
    pub async fn caller(&self, region: &str) -> Result<Caller, Error> {
        if let Some(known) = self.caller.get() {
            return Ok(known.clone());
        }
        let (base, there) = (self.base().await?, Region::new(region.to_owned()));
        let mut config = base.to_builder().region(self.region_of_sts(&base, &there));
        config.set_credentials_provider(self.end(&base, &there));
        let sts = sts::client(&config.build(), self.sts_endpoint().as_deref());
        if self.settings.accounts().is_some() {
            // On the way out the guard asks, too, and keeps the answer: in here it would wait for us.
            return caller::ask(&sts).await;
        }
        let asked = self.caller.get_or_try_init(|| caller::ask(&sts)).await;
        asked.cloned()
    }

    /// The name under which AWS itself has STS in `region`, FIPS and dual-stack heeded, whatever
    /// `endpoints {}` says: where a presigned request must point that others are to believe.
    pub async fn sts_host(&self, region: &str) -> Result<String, Error> {
        sts::host(&self.base().await?, region).await
    }

    /// The region that the settings, the environment or the profile say.
    pub async fn region(&self) -> Result<Option<String>, Error> {
        if let Some(region) = &self.settings.region {
            return Ok(Some(region.clone()));
        }
        let base = self.base().await?;
        Ok(base.region().map(ToString::to_string))
    }

    /// Whether services are asked at their FIPS endpoints, by the settings, the environment or the
    /// profile.
    pub async fn uses_fips(&self) -> Result<bool, Error> {
        Ok(self.base().await?.use_fips() == Some(true))
    }

    /// Whether services are asked at their dual-stack endpoints, by the settings, the environment or
    /// the profile.
    pub async fn uses_dualstack(&self) -> Result<bool, Error> {
        Ok(self.base().await?.use_dual_stack() == Some(true))
    }

    /// Where AWS Private CA is to be found, if not where AWS has it.
    pub fn acmpca_endpoint(&self) -> Option<String> {
        self.settings.endpoint(|block| block.acmpca.as_ref())
    }

    /// Where EKS is to be found, if not where AWS has it.
    pub fn eks_endpoint(&self) -> Option<String> {
        self.settings.endpoint(|block| block.eks.as_ref())
    }

    /// Where KMS is to be found, if not where AWS has it.
    pub fn kms_endpoint(&self) -> Option<String> {
        self.settings.endpoint(|block| block.kms.as_ref())
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
            ends: Mutex::default(),
            caller: Arc::default(),
        }
    }

    /// All but region and credentials, with those of the sources.
    async fn base(&self) -> Result<SdkConfig, Error> {
        match &self.start {
            Start::Sources => self.base.get_or_try_init(|| self.load()).await.cloned(),
            Start::Identity(other) => Box::pin(other.base()).await,
        }
    }

    /// The credentials at the end of the roles.
    fn end(&self, base: &SdkConfig, there: &Region) -> Option<SharedCredentialsProvider> {
        // One provider for each STS: the SDK caches credentials by provider, and CAs of one region
        // share.
        let region = self.region_of_sts(base, there);
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let begin = match &self.start {
                Start::Sources => base.credentials_provider(),
                Start::Identity(other) => other.end(base, there),
            };
            let mut config = base.to_builder().region(region.clone());
            config.set_credentials_provider(begin);
            self.walk(&config.build())
        };
        ends.entry(region.to_string()).or_insert_with(make).clone()
    }

    /// From the credentials of `config` to the last role, and past the guard.
    fn walk(&self, config: &SdkConfig) -> Option<SharedCredentialsProvider> {
        let endpoint = self.sts_endpoint();
        let end = role::assume(&self.settings.assume_role, config, endpoint.as_deref())?;
        let Some(accounts) = self.settings.accounts() else {
            return Some(end);
        };
        let (sts, caller) = (
            sts::config(config, endpoint.as_deref()),
            Arc::clone(&self.caller),
        );
        Some(guard::guarded(end, accounts, sts, caller))
    }

    fn region_of_sts(&self, base: &SdkConfig, there: &Region) -> Region {
        let ours = self.settings.region.clone().map(Region::new);
        ours.or_else(|| base.region().cloned())
            .unwrap_or_else(|| there.clone())
    }

    fn sts_endpoint(&self) -> Option<String> {
        self.settings.endpoint(|block| block.sts.as_ref())
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
