//! Where the first credentials come from.

use std::error::Error as _;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::ProviderChainError;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_sts::config::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;

use super::error::words;
use super::http::timeouts;
use super::{Agent, Error, Settings, Source, agent};

/// What the settings, the environment and the shared files say, with credentials that are asked for
/// later.
pub(super) async fn load(settings: &Settings, agent: &Agent, http: SharedHttpClient) -> SdkConfig {
    let cache = IdentityCache::lazy()
        .load_timeout(Duration::from_secs(80))
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .timeout_config(timeouts())
        .identity_cache(cache)
        .app_name(agent::app_name())
        .profile_files(files(settings))
        .region(region(settings));
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(retries) = settings.max_retries {
        let attempts = retries.saturating_add(1);
        loader = loader.retry_config(RetryConfig::standard().with_max_attempts(attempts));
    }
    if let Some(fips) = settings.use_fips_endpoint {
        loader = loader.use_fips(fips);
    }
    if let Some(dualstack) = settings.use_dualstack_endpoint {
        loader = loader.use_dual_stack(dualstack);
    }
    for product in agent.products() {
        loader = loader.framework_metadata(product);
    }
    in_words(settings, &loader.load().await)
}

/// Not the instance's metadata, which the SDK would ask as well: everywhere else that is seconds of
/// waiting, and where nothing is configured the CA's ARN says a region.
fn region(settings: &Settings) -> RegionProviderChain {
    let mut profile = ProfileFileRegionProvider::builder().profile_files(files(settings));
    if let Some(name) = &settings.profile {
        profile = profile.profile_name(name);
    }
    RegionProviderChain::first_try(settings.region.clone().map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(profile.build())
}

/// The shared files: those that the settings name, each kind by itself, else the usual ones.
fn files(settings: &Settings) -> EnvConfigFiles {
    let (config, credentials) = (
        &settings.shared_config_files,
        &settings.shared_credentials_files,
    );
    let named = EnvConfigFiles::builder()
        .include_default_config_file(config.is_empty())
        .include_default_credentials_file(credentials.is_empty());
    let named = config.iter().fold(named, |it, file| {
        it.with_file(EnvConfigFileKind::Config, file)
    });
    let add = |it: aws_runtime::env_config::file::Builder, file| {
        it.with_file(EnvConfigFileKind::Credentials, file)
    };
    credentials.iter().fold(named, add).build()
}

/// The loaded configuration with credentials whose failure can say where they were looked for. A
/// profile that the settings name is the only place then: the SDK would let keys in the environment
/// win over it, hashicorp/aws does not.
fn in_words(settings: &Settings, loaded: &SdkConfig) -> SdkConfig {
    let chain = loaded.credentials_provider();
    let (inner, tried) = match &settings.profile {
        Some(name) => {
            let named = SharedCredentialsProvider::new(profile(settings, name, loaded));
            (Some(named), vec![Source::Profile(Some(name.clone()))])
        }
        None => (chain, chained(std::env::var("AWS_PROFILE").ok())),
    };
    let worded = inner.map(|inner| SharedCredentialsProvider::new(Worded { inner, tried }));
    let mut config = loaded.to_builder();
    config.set_credentials_provider(worded);
    config.build()
}

/// The SDK's default chain, in its order.
fn chained(profile: Option<String>) -> Vec<Source> {
    vec![
        Source::Environment,
        Source::Profile(profile),
        Source::WebIdentity,
        Source::Container,
        Source::InstanceMetadata,
    ]
}

fn profile(settings: &Settings, name: &str, loaded: &SdkConfig) -> ProfileFileCredentialsProvider {
    let mut config = ProviderConfig::without_region()
        .with_region(loaded.region().cloned())
        .with_behavior_version(loaded.behavior_version())
        .with_use_fips(loaded.use_fips())
        .with_use_dual_stack(loaded.use_dual_stack());
    if let Some(http) = loaded.http_client() {
        config = config.with_http_client(http);
    }
    if let Some(timeouts) = loaded.timeout_config() {
        config = config.with_timeout_config(timeouts.clone());
    }
    if let Some(retries) = loaded.retry_config() {
        config = config.with_retry_config(retries.clone());
    }
    let profile = ProfileFileCredentialsProvider::builder().configure(&config);
    profile
        .profile_files(files(settings))
        .profile_name(name)
        .build()
}

#[derive(Debug)]
struct Worded {
    inner: SharedCredentialsProvider,
    tried: Vec<Source>,
}

impl Worded {
    fn error(&self, failed: &CredentialsError) -> Error {
        let tried = self.tried.clone();
        let reason = match (failed, &tried[..]) {
            // Nothing anywhere. What is worth telling is what became of a profile that was asked
            // for.
            (CredentialsError::CredentialsNotLoaded(_), [_, Source::Profile(named), ..]) => {
                named.as_ref().and_then(|_| of_profile(failed))
            }
            _ => Some(words(failed)),
        };
        Error::Credentials { tried, reason }
    }
}

fn of_profile(failed: &CredentialsError) -> Option<String> {
    let exhausted = failed
        .source()?
        .downcast_ref::<ProviderChainError<CredentialsError>>()?;
    let mut attempts = exhausted.attempts().iter();
    attempts
        .find(|attempt| attempt.name() == "Profile")
        .map(|attempt| words(attempt.error()))
}

impl ProvideCredentials for Worded {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let worded = |failed| CredentialsError::provider_error(self.error(&failed));
        let inner = self.inner.provide_credentials();
        future::ProvideCredentials::new(async move { inner.await.map_err(worded) })
    }
}
