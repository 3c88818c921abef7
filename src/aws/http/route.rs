//! By which way a request leaves: by a proxy, or straight.

use std::fmt;
use std::net::IpAddr;
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

use crate::aws::Error;
use crate::aws::settings::{Secret, Settings, form};

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
    /// What the settings say, and the environment of what they do not. A variable that names no
    /// proxy is an error: without one the request would leave by a way that nobody wants.
    pub(super) fn of(
        settings: &Settings,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Error> {
        let either = |name: &str| variable(name).or_else(|| variable(&name.to_lowercase()));
        let no_proxy = settings.no_proxy.clone().or_else(|| either("NO_PROXY"));
        let proxy = |setting, said: &Option<Secret>, name| {
            let environment = |name| Some((name, with_scheme(either(name)?)));
            let (place, url) = match said {
                Some(said) if said.expose().is_empty() => return Ok(ProxyConfig::disabled()),
                Some(said) => (setting, said.expose().to_owned()),
                None => match environment(name).or_else(|| environment("ALL_PROXY")) {
                    Some(named) => named,
                    None => return Ok(ProxyConfig::disabled()),
                },
            };
            let proxy = parsed(place, url)?;
            Ok(proxy.no_proxy(no_proxy.as_deref().unwrap_or_default()))
        };
        Ok(Self {
            http: proxy("http_proxy", &settings.http_proxy, "HTTP_PROXY")?,
            https: proxy("https_proxy", &settings.https_proxy, "HTTPS_PROXY")?,
        })
    }
}

/// The URL is not shown: it may hold a password.
fn parsed(place: &str, url: String) -> Result<ProxyConfig, Error> {
    let unusable = |expected| Error::Setting {
        path: place.to_owned(),
        found: "something else".to_owned(),
        expected,
    };
    form::url(&url).map_err(unusable)?;
    ProxyConfig::all(url).map_err(|_| unusable("the URL of a proxy"))
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
        _ if STRAIGHT.contains(&host) || is_loopback(host) => Way::Straight,
        Some("http") => Way::Http,
        _ => Way::Https,
    }
}

/// This machine, which no proxy reaches; Go never asks one for it.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
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
        let proxies = Proxies::of(settings, &variable).unwrap();
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
        let settings = Settings {
            https_proxy: Some(String::new().into()),
            ..Settings::default()
        };
        settings.check().unwrap();
        let [http, https] = shown(&settings, &environment);
        assert!(http.contains("plain.environment"), "{http}");
        assert!(https.contains("Disabled"), "{https}");
        let all = [("ALL_PROXY", "http://all.environment")];
        let [http, https] = shown(&Settings::default(), &all);
        assert!(http.contains("all.environment") && https.contains("all.environment"));
    }

    #[test]
    fn metadata_and_containers_are_asked_without_a_proxy() {
        for (address, expected) in [
            ("http://169.254.169.254/latest/api/token", Way::Straight),
            ("http://[fd00:ec2::254]/latest/api/token", Way::Straight),
            ("http://169.254.170.23/v1/credentials", Way::Straight),
            ("http://169.254.170.2:80/v2/x?y=z", Way::Straight),
            ("http://10.0.0.1:4566/", Way::Http),
            ("http://localhost.example.com/", Way::Http),
            ("https://sts.eu-west-1.amazonaws.com/", Way::Https),
        ] {
            assert_eq!(way(address), expected, "{address}");
        }
    }

    #[test]
    fn this_machine_is_asked_without_a_proxy() {
        for address in [
            "http://localhost:4566/",
            "https://LOCALHOST/",
            "http://127.0.0.1:4566/",
            "https://127.8.9.10/",
            "http://[::1]:4566/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert_eq!(way(address), Way::Straight, "{address}");
        }
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_told_without_its_password() {
        for (name, value) in [
            ("HTTPS_PROXY", "http://user:pass word@proxy:3128"),
            ("http_proxy", "socks5://user:pass@proxy:1080"),
            ("ALL_PROXY", "http://"),
        ] {
            let variable = |asked: &str| (asked == name).then(|| value.to_owned());
            let Err(error) = Proxies::of(&Settings::default(), &variable) else {
                panic!("{name} is taken")
            };
            let expected =
                "expected a URL with http:// or https:// and a host, got \"something else\"";
            assert_eq!(
                error.to_string(),
                format!("{}: {expected}", name.to_uppercase())
            );
        }
    }

    #[test]
    fn without_settings_the_environment_says_all() {
        let environment = [
            ("HTTPS_PROXY", "http://secure.environment:3128"),
            ("no_proxy", "internal.environment"),
        ];
        let [http, https] = shown(&Settings::default(), &environment);
        assert!(http.contains("Disabled"), "{http}");
        assert!(https.contains("secure.environment"), "{https}");
        assert!(https.contains("internal.environment"), "{https}");
    }
}
