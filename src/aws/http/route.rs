//! By which way a request leaves: by a proxy, or straight.

use std::fmt;
use std::sync::OnceLock;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use http::Uri;

use crate::aws::settings::Settings;

/// Where instances and containers get their credentials. Somebody else's proxy would answer with
/// its own.
const STRAIGHT: &[&str] = &[
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "[fd00:ec2::254]",
    "[fd00:ec2::23]",
];

/// The proxy for each kind of endpoint.
#[derive(Clone)]
pub(super) struct Proxies {
    http: ProxyConfig,
    https: ProxyConfig,
}

impl Proxies {
    /// What the settings say, and the environment of what they do not.
    pub(super) fn of(settings: &Settings, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let said = [&settings.http_proxy, &settings.https_proxy];
        if said.iter().all(|proxy| proxy.is_none()) && settings.no_proxy.is_none() {
            let (http, https) = (ProxyConfig::from_env(), ProxyConfig::from_env());
            return Self { http, https };
        }
        let either = |name: &str| variable(name).or_else(|| variable(&name.to_lowercase()));
        let no_proxy = settings.no_proxy.clone().or_else(|| either("NO_PROXY"));
        let [http, https] =
            [("HTTP_PROXY", said[0]), ("HTTPS_PROXY", said[1])].map(|(name, said)| {
                let environment = || {
                    either(name)
                        .or_else(|| either("ALL_PROXY"))
                        .map(with_scheme)
                };
                let said = said.as_ref().map(|proxy| proxy.expose().to_owned());
                let proxy = said.or_else(environment);
                let proxy = proxy.and_then(|url| ProxyConfig::all(url).ok());
                let proxy = proxy.unwrap_or_else(ProxyConfig::disabled);
                proxy.no_proxy(no_proxy.as_deref().unwrap_or_default())
            });
        Self { http, https }
    }
}

/// Variables often hold a host and a port only.
fn with_scheme(url: String) -> String {
    match url.contains("://") {
        true => url,
        false => format!("http://{url}"),
    }
}

/// By which proxy, if by any.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Http,
    Https,
    Straight,
}

fn way(address: &str) -> Way {
    let uri: Option<Uri> = address.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    match uri.as_ref().and_then(Uri::scheme_str) {
        _ if STRAIGHT.contains(&host) => Way::Straight,
        Some("http") => Way::Http,
        _ => Way::Https,
    }
}

/// Sends each request by the way that its address asks for.
struct Routes {
    proxies: Proxies,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
    context: TlsContext,
    /// By [`Way`]: each is opened when it is first taken.
    ways: [OnceLock<SharedHttpConnector>; 3],
}

pub(super) fn connector(
    proxies: &Proxies,
    settings: &HttpConnectorSettings,
    components: &RuntimeComponents,
    context: &TlsContext,
) -> SharedHttpConnector {
    SharedHttpConnector::new(Routes {
        proxies: proxies.clone(),
        settings: settings.clone(),
        components: components.clone(),
        context: context.clone(),
        ways: Default::default(),
    })
}

impl Routes {
    fn connector(&self, way: Way) -> &SharedHttpConnector {
        let proxy = || match way {
            Way::Http => self.proxies.http.clone(),
            Way::Https => self.proxies.https.clone(),
            Way::Straight => ProxyConfig::disabled(),
        };
        self.ways[way as usize].get_or_init(|| self.open(proxy()))
    }

    fn open(&self, proxy: ProxyConfig) -> SharedHttpConnector {
        let mut builder = Connector::builder()
            .connector_settings(self.settings.clone())
            .proxy_config(proxy);
        builder.set_sleep_impl(self.components.sleep_impl());
        let secured = builder
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(self.context.clone());
        SharedHttpConnector::new(secured.build())
    }
}

impl HttpConnector for Routes {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.connector(way(request.uri())).call(request)
    }
}

/// Neither proxies, which may hold a password, nor the SDK's components.
impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn shown(settings: &Settings, environment: &[(&str, &str)]) -> [String; 2] {
        let environment: BTreeMap<_, _> = environment.iter().copied().collect();
        let variable = |name: &str| environment.get(name).map(|&value| value.to_owned());
        let proxies = Proxies::of(settings, &variable);
        [proxies.http, proxies.https].map(|proxy| format!("{proxy:?}"))
    }

    #[test]
    fn settings_win_and_the_environment_says_the_rest() {
        let environment = [
            ("HTTP_PROXY", "plain.environment:3128"),
            ("https_proxy", "http://secure.environment:3128"),
            ("NO_PROXY", "internal.environment"),
        ];
        let settings = Settings {
            https_proxy: Some("http://user:word@secure.settings:3128".to_owned().into()),
            ..Settings::default()
        };
        let [http, https] = shown(&settings, &environment);
        assert!(http.contains("http://plain.environment:3128"), "{http}");
        assert!(https.contains("secure.settings:3128"), "{https}");
        for proxy in [http, https] {
            assert!(proxy.contains("internal.environment"), "{proxy}");
        }
        let settings = Settings {
            no_proxy: Some("internal.settings".to_owned()),
            ..Settings::default()
        };
        let [_, https] = shown(&settings, &environment);
        assert!(https.contains("secure.environment"), "{https}");
        assert!(https.contains("internal.settings") && !https.contains("internal.environment"));
        let all = [("ALL_PROXY", "http://all.environment")];
        let [http, https] = shown(&settings, &all);
        assert!(http.contains("all.environment") && https.contains("all.environment"));
    }

    #[test]
    fn metadata_and_containers_are_asked_without_a_proxy() {
        for (address, expected) in [
            ("http://169.254.169.254/latest/api/token", Way::Straight),
            ("http://[fd00:ec2::254]/latest/api/token", Way::Straight),
            ("http://169.254.170.23/v1/credentials", Way::Straight),
            ("http://169.254.170.2:80/v2/x?y=z", Way::Straight),
            ("http://127.0.0.1:4566/", Way::Http),
            ("https://sts.eu-west-1.amazonaws.com/", Way::Https),
        ] {
            assert_eq!(way(address), expected, "{address}");
        }
    }

    #[test]
    fn without_settings_the_sdk_reads_the_environment_itself() {
        let proxies = Proxies::of(&Settings::default(), &|_| None);
        assert!(proxies.http.is_from_env() && proxies.https.is_from_env());
    }
}
