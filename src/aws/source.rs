//! Where the first credentials come from.

use std::env;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::TokenError;
use aws_credential_types::provider::token::ProvideToken;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_runtime::env_config::section::EnvConfigSections;
use aws_runtime::env_config::source;
use aws_sdk_sts::config::IdentityCache;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

use super::chain::{Chain, Found, Place};
use super::home::at_home;
use super::http::timeouts;
use super::{Agent, PRODUCT, Settings, Source, agent, variable};

/// How many identities the SDK keeps at once: one for each role and region of STS. Its own bound
/// would have a fleet over many accounts assume the same roles again and again.
const IDENTITIES: usize = 4096;

const PROFILE: &str = "AWS_PROFILE";
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

/// What the settings, the environment and the shared files say, with credentials that are asked for
/// later. A source that must ask STS does so in `there` where nobody says a region. `found` learns
/// which source had them.
pub(super) async fn load(
    settings: &Settings,
    agent: &Agent,
    http: SharedHttpClient,
    there: Region,
    found: Arc<Found>,
) -> SdkConfig {
    let cache = IdentityCache::lazy()
        .load_timeout(Duration::from_secs(80))
        .max_partitions(IDENTITIES)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .no_credentials()
        .token_provider(NoToken)
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
    let loaded = loader.load().await;
    let chain = Chain::new(places(settings, &provider_config(&loaded, there)), found);
    let credentials = SharedCredentialsProvider::new(chain);
    loaded
        .into_builder()
        .credentials_provider(credentials)
        .build()
}

/// No service of ours takes bearer tokens. The SDK's own provider would ask the instance's metadata
/// for a region, if only to be made.
#[derive(Debug)]
struct NoToken;

impl ProvideToken for NoToken {
    fn provide_token<'a>(&'a self) -> future::ProvideToken<'a>
    where
        Self: 'a,
    {
        future::ProvideToken::ready(Err(TokenError::not_loaded("bearer tokens are not used")))
    }
}

/// What a profile says of that name; nothing where there is none, or where the files are broken,
/// which is told of when credentials are looked for in them.
pub(super) async fn of_profile(settings: &Settings, name: &str) -> Option<String> {
    let files = files(settings);
    let mut source = source::load(&Env::real(), &Fs::real(), &files).await.ok()?;
    if let Some(profile) = settings.profile.clone() {
        source.profile = profile.into();
    }
    let sections = EnvConfigSections::parse(source).ok()?;
    sections.get(name).map(str::to_owned)
}

/// Not the instance's metadata, which the SDK would ask as well: everywhere else that is seconds of
/// waiting, and where nothing is configured the CA's ARN says a region.
pub(super) fn region(settings: &Settings) -> RegionProviderChain {
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
        it.with_file(EnvConfigFileKind::Config, at_home(file))
    });
    let add = |it: aws_runtime::env_config::file::Builder, file: &String| {
        it.with_file(EnvConfigFileKind::Credentials, at_home(file))
    };
    credentials.iter().fold(named, add).build()
}

/// Keys or a profile that the settings name are the only place then: the SDK would let keys in the
/// environment win over a profile, hashicorp/aws does not.
fn places(settings: &Settings, config: &ProviderConfig) -> Vec<Place> {
    if let (Some(id), Some(key)) = (&settings.access_key, &settings.secret_key) {
        let token = settings
            .token
            .as_ref()
            .map(|token| token.expose().to_owned());
        let (id, key) = (id.expose(), key.expose());
        let keys = Credentials::new(id, key, token, None, PRODUCT);
        return vec![Place::new(Source::Keys, keys)];
    }
    let profile = Profile {
        settings: settings.clone(),
        config: config.clone(),
    };
    if let Some(name) = &settings.profile {
        return vec![Place::new(Source::Profile(Some(name.clone())), profile)];
    }
    usual(settings, config, profile)
}

/// The places of the SDK for Go in its order, which hashicorp/aws has: the Rust SDK asks a profile
/// before a web identity, and would be somebody else on a runner that has both.
fn usual(settings: &Settings, config: &ProviderConfig, profile: Profile) -> Vec<Place> {
    let environment = EnvironmentVariableCredentialsProvider::new();
    let token = WebIdentityTokenCredentialsProvider::builder()
        .configure(config)
        .build();
    let container = EcsCredentialsProvider::builder().configure(config).build();
    let named = variable(PROFILE);
    let (by_name, by_token) = (
        named.is_some().then_some(PROFILE),
        variable(TOKEN_FILE).map(|_| TOKEN_FILE),
    );
    let mut all = vec![
        Place::new(Source::Environment, environment),
        Place::new(Source::WebIdentity, token).wanted_by(by_token),
        Place::new(Source::Profile(named), profile).wanted_by(by_name),
        Place::new(Source::Container, container),
    ];
    // Set to nothing it is not set; the SDK would read the file of no name.
    let is_empty = env::var_os(TOKEN_FILE).is_some_and(|file| file.is_empty());
    all.retain(|place| !(is_empty && place.is(&Source::WebIdentity)));
    if settings.skip_metadata_api_check != Some(true) {
        all.push(Place::new(
            Source::InstanceMetadata,
            instance(settings, config),
        ));
    }
    all
}

fn provider_config(loaded: &SdkConfig, there: Region) -> ProviderConfig {
    let mut config = ProviderConfig::without_region()
        .with_region(Some(loaded.region().cloned().unwrap_or(there)))
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
    config
}

/// A profile, read anew whenever it is asked: the SDK's provider says only once what is wrong with
/// the files, and does not see them mended.
struct Profile {
    settings: Settings,
    config: ProviderConfig,
}

impl ProvideCredentials for Profile {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let mut profile = ProfileFileCredentialsProvider::builder()
            .configure(&self.config)
            .profile_files(files(&self.settings));
        if let Some(name) = &self.settings.profile {
            profile = profile.profile_name(name);
        }
        let profile = profile.build();
        future::ProvideCredentials::new(async move { profile.provide_credentials().await })
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Profile")
            .field(&self.settings.profile)
            .finish()
    }
}

/// By IMDSv2 only: the SDK knows no other.
fn instance(settings: &Settings, config: &ProviderConfig) -> ImdsCredentialsProvider {
    let mut client = imds::Client::builder().configure(config);
    let endpoint = settings.ec2_metadata_service_endpoint.as_ref();
    if let Some(named) = endpoint.and_then(|url| client.clone().endpoint(url).ok()) {
        client = named;
    }
    let mode = settings.ec2_metadata_service_endpoint_mode.as_ref();
    if let Some(mode) = mode.and_then(|mode| mode.parse().ok()) {
        client = client.endpoint_mode(mode);
    }
    let instance = ImdsCredentialsProvider::builder().configure(config);
    instance.imds_client(client.build()).build()
}
