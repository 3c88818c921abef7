//! Signing in to AWS: from the configuration and the environment to a configured SDK.
//!
//! Knows of no AWS service but STS, of no Terraform. Nothing is read or asked before the first
//! [`SignIn::session`], so that a provider can be configured where there are no credentials yet.

pub mod agent;
pub mod caller;
pub mod error;
pub mod failure;
pub mod patience;
pub mod presign;
pub mod refusal;
pub mod retry;
pub mod settings;

mod chain;
mod guard;
mod home;
mod http;
mod role;
mod source;
mod sts;
mod web_identity;
#[cfg(test)]
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::sync::OnceCell;

pub use agent::Agent;
pub use caller::Caller;
pub use error::{Error, Source, Tried};
pub use guard::Accounts;
pub use patience::{Patience, Until};
pub use refusal::Unreachable;
pub use settings::{
    AcmPca, AssumeRole, Endpoints, Secret, Settings, WebIdentity, is_account, is_partition,
    is_region,
};

use chain::Found;
use http::Http;

/// What we are called in user agents, and a role's session when the user gives it no name.
pub const PRODUCT: &str = "terraform-provider-istiopca";

/// An identity in AWS that has not been proven yet: shared by every client that acts under it.
pub struct SignIn {
    settings: Settings,
    agent: Agent,
    start: Start,
    http: Arc<Http>,
    base: OnceCell<SdkConfig>,
    /// By the region whose STS was asked: the credentials at the end of the roles.
    ends: Mutex<BTreeMap<String, Option<SharedCredentialsProvider>>>,
    caller: Arc<OnceCell<Caller>>,
    found: Arc<Found>,
    /// The block of a web identity, as errors name it.
    token: &'static str,
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
    let http = Arc::new(Http::new(settings));
    Ok(SignIn::new(
        settings.clone(),
        agent.clone(),
        Start::Sources,
        http,
    ))
}

impl SignIn {
    /// The sign-in of the `acmpca {}` block: its roles are assumed from what it begins with itself,
    /// or else from the identity that `self` ends in. The way to AWS stays that of `self`.
    pub fn for_acmpca(self: &Arc<Self>, block: &AcmPca) -> Result<Self, Error> {
        block.check()?;
        let start = match block.begins_anew() {
            true => Start::Sources,
            false => Start::Identity(Arc::clone(self)),
        };
        let (agent, http) = (self.agent.clone(), Arc::clone(&self.http));
        Ok(Self {
            token: "acmpca[0].assume_role_with_web_identity[0]",
            ..Self::new(block.within(&self.settings), agent, start, http)
        })
    }

    /// A sign-in that assumes one more role, from the identity that `self` ends in. Which accounts
    /// are allowed was said of that identity and not of the role. [`Error::Setting`] names its paths
    /// from `assume_role[0]` on; who knows better calls [`AssumeRole::check`] before.
    pub fn for_role(self: &Arc<Self>, role: AssumeRole) -> Result<Self, Error> {
        role.check("assume_role[0]")?;
        let (agent, http) = (self.agent.clone(), Arc::clone(&self.http));
        let start = Start::Identity(Arc::clone(self));
        Ok(Self::new(self.settings.with_role(role), agent, start, http))
    }

    /// The SDK's configuration for a service in `region`. Fails only on a broken bundle of CAs:
    /// credentials are asked for with the first call that needs them, and [`Error::behind`] finds
    /// in that call's error why there were none. A service that has an endpoint of its own takes
    /// neither the FIPS nor the dual-stack variant: the SDK refuses to combine them.
    pub async fn session(&self, region: &str) -> Result<SdkConfig, Error> {
        let there = Region::new(region.to_owned());
        let base = self.base(&there).await?;
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
        let there = Region::new(region.to_owned());
        let base = self.base(&there).await?;
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
        let there = Region::new(region.to_owned());
        sts::host(&self.base(&there).await?, region).await
    }

    /// The region that the settings, the environment or the profile say. Nothing is loaded for the
    /// answer, so that a session may still say where STS is to be asked.
    pub async fn region(&self) -> Result<Option<String>, Error> {
        if let Some(region) = &self.settings.region {
            return Ok(Some(region.clone()));
        }
        match &self.start {
            Start::Sources => {
                let region = source::region(&self.settings).region().await;
                Ok(region.map(|region| region.to_string()))
            }
            Start::Identity(other) => Box::pin(other.region()).await,
        }
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

    /// Whose credentials these are, in words: where the first were found, and the roles from there.
    pub fn whose(&self) -> String {
        let begin = match (
            &self.start,
            self.settings.assume_role_with_web_identity.first(),
        ) {
            (Start::Identity(other), _) => other.whose(),
            (Start::Sources, Some(_)) => "the token of assume_role_with_web_identity".to_owned(),
            (Start::Sources, None) => match self.found.get() {
                Some(source) => source.to_string(),
                None => "no source yet".to_owned(),
            },
        };
        let roles = self.settings.assume_role.iter();
        roles.fold(begin, |so_far, role| {
            format!("{so_far}, then {}", role.role_arn)
        })
    }

    fn new(settings: Settings, agent: Agent, start: Start, http: Arc<Http>) -> Self {
        Self {
            settings,
            agent,
            start,
            http,
            base: OnceCell::new(),
            ends: Mutex::default(),
            caller: Arc::default(),
            found: Arc::default(),
            token: "assume_role_with_web_identity[0]",
        }
    }

    /// All but region and credentials, with those of the sources.
    async fn base(&self, there: &Region) -> Result<SdkConfig, Error> {
        match &self.start {
            Start::Sources => {
                let load = || self.load(there.clone());
                self.base.get_or_try_init(load).await.cloned()
            }
            Start::Identity(other) => Box::pin(other.base(there)).await,
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
        let begin = self.settings.assume_role_with_web_identity.first();
        let begin = begin
            .map(|block| web_identity::exchange(block, self.token, config, endpoint.as_deref()));
        let mut first = config.to_builder();
        first.set_credentials_provider(begin.or_else(|| config.credentials_provider()));
        let config = &first.build();
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
        let (special, general) = (&self.settings.sts_region, &self.settings.region);
        let ours = special.clone().or_else(|| general.clone());
        ours.map(Region::new)
            .or_else(|| base.region().cloned())
            .unwrap_or_else(|| there.clone())
    }

    fn sts_endpoint(&self) -> Option<String> {
        self.settings.endpoint(|block| block.sts.as_ref())
    }

    async fn load(&self, there: Region) -> Result<SdkConfig, Error> {
        let (http, found) = (self.http.client().await?, Arc::clone(&self.found));
        Ok(source::load(&self.settings, &self.agent, http, there, found).await)
    }

    /// The same sign-in over a scripted wire.
    #[cfg(test)]
    pub(crate) fn over(self, wire: &wire::Wire) -> Self {
        Self {
            http: Arc::new(Http::over(wire.client())),
            ..self
        }
    }
}

/// A variable that is set but empty says nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
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
