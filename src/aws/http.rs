//! The one HTTP client that every AWS call goes through, sign-in included.

mod bundle;
mod route;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::tls::TlsContext;
use aws_smithy_runtime_api::client::http::{SharedHttpClient, http_client_fn};
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::OnceCell;

use super::home::at_home;
use super::{Error, Settings, source, variable};
use bundle::Bundle;
use route::Proxies;

/// The way to AWS, shared by all sign-ins of a provider; opened when it is first needed.
pub(super) struct Http {
    settings: Settings,
    opened: OnceCell<SharedHttpClient>,
}

impl Http {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            opened: OnceCell::new(),
        }
    }

    pub(super) async fn client(&self) -> Result<SharedHttpClient, Error> {
        let opened = self.opened.get_or_try_init(|| open(&self.settings)).await;
        opened.cloned()
    }

    #[cfg(test)]
    pub(super) fn over(client: SharedHttpClient) -> Self {
        Self {
            settings: Settings::default(),
            opened: OnceCell::new_with(Some(client)),
        }
    }
}

/// TLS by rustls on aws-lc-rs. A bundle of CAs is trusted *instead of* the system's, as in the other
/// SDKs; the Rust SDK knows of none.
async fn open(settings: &Settings) -> Result<SharedHttpClient, Error> {
    let trusted = match bundle(settings).await {
        Some(bundle) => bundle.trust()?,
        None => Default::default(),
    };
    let context = TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .unwrap_or_default();
    let proxies = Proxies::of(settings, &|name| variable(name))?;
    let routes = Mutex::new(BTreeMap::new());
    Ok(http_client_fn(move |settings, components| {
        // The SDK asks again for each call; a connector is a pool of connections, so it is kept.
        let bounds = (settings.connect_timeout(), settings.read_timeout());
        let mut routes = routes.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || route::connector(&proxies, settings, components, &context);
        routes.entry(bounds).or_insert_with(make).clone()
    }))
}

/// The settings before the environment before the profile, as the AWS CLI has it.
async fn bundle(settings: &Settings) -> Option<Bundle> {
    let named = |said, path: Option<String>| path.map(|path| Bundle { said, path });
    let ours = settings.custom_ca_bundle.as_deref().map(at_home);
    let said = named("custom_ca_bundle", ours);
    let found = said.or_else(|| named("AWS_CA_BUNDLE", variable("AWS_CA_BUNDLE")));
    match found {
        Some(bundle) => Some(bundle),
        None => named("ca_bundle", source::of_profile(settings, "ca_bundle").await),
    }
}

/// Bounds of a single request. An attempt includes what must be asked of STS before it.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(20))
        .operation_attempt_timeout(Duration::from_secs(90))
        .build()
}
