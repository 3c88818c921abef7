//! Which proxy leads to the API server: decided here, as Go's network stack does, and nowhere else.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

use super::settings::{Environment, present};

/// A proxy. `Debug` leaves the credentials in its URL out.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Uri);

/// Why a text is not the URL of a proxy. The text may hold a password and is not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadProxy {
    /// Not a URL with a host.
    #[error("expected a URL such as http://proxy.example.com:3128")]
    NotAUrl,
    /// Not one of the kinds that we speak.
    #[error("expected a URL of scheme http, https or socks5, got {scheme}")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// A password for a SOCKS proxy, which cannot be sent.
    #[error("user and password are not supported for a socks5 proxy")]
    SocksPassword,
}

impl Proxy {
    /// Reads a proxy's URL; without a scheme it is an http proxy.
    pub(super) fn parse(text: &str) -> Result<Self, BadProxy> {
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        // Both mean that the proxy resolves names, as Go has it.
        let text = text
            .strip_prefix("socks5h://")
            .map_or_else(|| text.clone(), |rest| format!("socks5://{rest}"));
        let uri: Uri = text.parse().map_err(|_| BadProxy::NotAUrl)?;
        let authority = uri.authority().ok_or(BadProxy::NotAUrl)?;
        if authority.host().is_empty() {
            return Err(BadProxy::NotAUrl);
        }
        match uri.scheme_str().unwrap_or_default() {
            "http" | "https" => Ok(Self(uri)),
            "socks5" if authority.as_str().contains('@') => Err(BadProxy::SocksPassword),
            "socks5" => Ok(Self(uri)),
            other => Err(BadProxy::Scheme {
                scheme: other.to_owned(),
            }),
        }
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.host().unwrap_or_default();
        let port = self
            .0
            .port()
            .map_or_else(String::new, |port| format!(":{port}"));
        write!(
            f,
            "Proxy({}://{host}{port})",
            self.0.scheme_str().unwrap_or_default()
        )
    }
}

/// The proxy that the environment names for this server: `HTTPS_PROXY` or `HTTP_PROXY` by the server's scheme, unless
/// `NO_PROXY` excepts its host. Upper case goes before lower case; loopback is never proxied.
///
/// # Errors
/// The variable, and why its value is no proxy.
pub(super) fn from_environment(
    server: &Uri,
    environment: Environment<'_>,
) -> Result<Option<Proxy>, (&'static str, BadProxy)> {
    let variables = match server.scheme_str() {
        Some("https") => ["HTTPS_PROXY", "https_proxy"],
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    let named = variables
        .into_iter()
        .find_map(|name| Some((name, present(environment, name)?)));
    let Some((variable, url)) = named else {
        return Ok(None);
    };
    let excepted = ["NO_PROXY", "no_proxy"]
        .into_iter()
        .find_map(|name| present(environment, name));
    if is_excepted(server, &excepted.unwrap_or_default()) {
        return Ok(None);
    }
    Proxy::parse(&url).map(Some).map_err(|why| (variable, why))
}

/// Whether a list in the form of `NO_PROXY` excepts this server; loopback always is.
fn is_excepted(server: &Uri, list: &str) -> bool {
    let server = Server::of(server);
    let mut entries = list
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase());
    server.is_loopback() || entries.any(|entry| !entry.is_empty() && server.is_in(&entry))
}

struct Server {
    host: String,
    ip: Option<IpAddr>,
    port: u16,
}

impl Server {
    fn of(uri: &Uri) -> Self {
        let host = bare(uri.host().unwrap_or_default());
        let standard = if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        Self {
            ip: host.parse().ok(),
            host,
            port: uri.port_u16().unwrap_or(standard),
        }
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.ip.is_some_and(|ip| ip.is_loopback())
    }

    fn is_in(&self, entry: &str) -> bool {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            return self.ip.is_some_and(|ip| is_within(ip, network, bits));
        }
        let (name, port) = split_port(entry);
        let named = match bare(name).parse::<IpAddr>() {
            Ok(address) => self.ip == Some(address),
            Err(_) => is_domain_of(&self.host, name),
        };
        named && port.is_none_or(|port| port == self.port)
    }
}

/// `example.com` is itself and what is below it; `.example.com` and `*.example.com` only what is below.
fn is_domain_of(host: &str, name: &str) -> bool {
    let below = name.strip_prefix('*').unwrap_or(name);
    match below.strip_prefix('.') {
        Some(_) => host.ends_with(below) && host.len() > below.len(),
        None => {
            host == below
                || host
                    .strip_suffix(below)
                    .is_some_and(|rest| rest.ends_with('.'))
        }
    }
}

fn is_within(ip: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else {
        return false;
    };
    let as_bits = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let ((ip_bits, width), (network_bits, network_width)) = (as_bits(ip), as_bits(network));
    let differing = (ip_bits ^ network_bits).leading_zeros();
    width == network_width && bits <= width && differing >= bits
}

fn split_port(entry: &str) -> (&str, Option<u16>) {
    let unbracketed = !entry.contains("]:") && entry.matches(':').count() > 1;
    match entry.rsplit_once(':') {
        Some((name, port)) if !unbracketed && !entry.ends_with(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn bare(host: &str) -> String {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.')
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn excepted(server: &str, list: &str) -> bool {
        is_excepted(&server.parse().unwrap(), list)
    }

    // The rows are those of Go's documentation of httpproxy.Config.NoProxy.
    #[test]
    fn no_proxy_is_read_as_go_reads_it() {
        let cases = [
            ("https://api.example.com", "", false),
            ("https://api.example.com", "*", true),
            ("https://example.com", "example.com", true),
            ("https://API.example.com.", "example.com", true),
            ("https://badexample.com", "example.com", false),
            ("https://example.com", ".example.com", false),
            ("https://api.example.com", ".example.com", true),
            ("https://api.example.com", "*.example.com", true),
            ("https://api.example.com", "a.com, EXAMPLE.com", true),
            ("https://api.example.com:6443", "example.com:6443", true),
            ("https://api.example.com:6443", "example.com:443", false),
            ("https://api.example.com", "example.com:443", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://11.1.2.3", "10.0.0.0/8", false),
            ("https://10.1.2.3", "10.1.2.3", true),
            ("https://10.1.2.30", "10.1.2.3", false),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fd00::1]:6443", "fd00::1", true),
            ("https://[fd00::1]:6443", "[fd00::1]:443", false),
            ("https://[fd00::1]", "10.0.0.0/8", false),
            ("https://10.1.2.3", "0.0.0.0/0", true),
            ("https://10.1.2.3", "10.0.0.0/33,nonsense/x", false),
            ("https://localhost:6443", "", true),
            ("https://127.0.0.1:6443", "", true),
            ("https://[::1]:6443", "", true),
        ];
        for (server, list, expected) in cases {
            assert_eq!(excepted(server, list), expected, "{server} in {list:?}");
        }
    }

    fn chosen(
        server: &str,
        variables: &[(&str, &str)],
    ) -> Result<Option<String>, (&'static str, BadProxy)> {
        let environment = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let found = from_environment(&server.parse().unwrap(), &environment)?;
        Ok(found.map(|proxy| proxy.uri().to_string()))
    }

    #[test]
    fn the_scheme_of_the_server_chooses_the_variable() {
        let both = [
            ("HTTPS_PROXY", "http://secure:1"),
            ("http_proxy", "plain:2"),
        ];
        assert_eq!(
            chosen("https://a.example", &both),
            Ok(Some("http://secure:1/".to_owned()))
        );
        assert_eq!(
            chosen("http://a.example", &both),
            Ok(Some("http://plain:2/".to_owned()))
        );
        assert_eq!(
            chosen(
                "https://a.example",
                &[("HTTPS_PROXY", ""), ("https_proxy", "low")]
            ),
            Ok(Some("http://low/".to_owned()))
        );
    }

    #[test]
    fn no_proxy_is_matched_against_the_server_and_not_the_proxy() {
        let proxy = ("HTTPS_PROXY", "http://proxy.corp:3128");
        assert_eq!(
            chosen(
                "https://api.example.com",
                &[proxy, ("NO_PROXY", "example.com")]
            ),
            Ok(None)
        );
        let other = [proxy, ("NO_PROXY", "proxy.corp")];
        assert_eq!(
            chosen("https://api.example.com", &other),
            Ok(Some("http://proxy.corp:3128/".to_owned()))
        );
    }

    #[test]
    fn a_bad_proxy_is_named_by_its_variable_and_not_shown() {
        let (variable, why) =
            chosen("https://a.example", &[("https_proxy", "ftp://u:hunter2@x")]).unwrap_err();
        assert_eq!(
            (variable, why.to_string().contains("hunter2")),
            ("https_proxy", false)
        );
        assert_eq!(
            Proxy::parse("socks5://u:hunter2@x"),
            Err(BadProxy::SocksPassword)
        );
        assert_eq!(Proxy::parse("http://"), Err(BadProxy::NotAUrl));
        assert_eq!(Proxy::parse("http://a b"), Err(BadProxy::NotAUrl));
    }

    #[test]
    fn debug_leaves_the_password_out() {
        let proxy = Proxy::parse("http://user:hunter2@proxy.corp:3128").unwrap();
        assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy.corp:3128)");
    }

    #[test]
    fn socks_with_names_resolved_by_the_proxy_is_socks() {
        assert_eq!(
            Proxy::parse("socks5h://x:1080").unwrap().uri().to_string(),
            "socks5://x:1080/"
        );
    }

    proptest! {
        #[test]
        fn no_list_and_no_url_makes_it_panic(list: String, url: String) {
            let _ = excepted("https://[fd00::1]:6443", &list);
            let _ = excepted("https://api.example.com", &list);
            let _ = Proxy::parse(&url);
        }
    }
}
