//! The address of an API server.

use std::net::IpAddr;

use http::Uri;

/// Why a text is not the address of an API server that we speak to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not a URL, or one with more than scheme, host, port and path.
    #[error("expected https://host or host:port, got {got:?}")]
    NotAUrl {
        /// What was written; userinfo is left out.
        got: String,
    },
    /// Without TLS and not this machine: the CA's key would travel in clear.
    #[error("{host} would be spoken to without TLS, expected https")]
    Unencrypted {
        /// The host.
        host: String,
    },
}

/// Reads a URL, or host and port, which then mean https.
pub(super) fn parse(text: &str) -> Result<Uri, BadAddress> {
    let text = text.trim();
    let url = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let bad = || {
        let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        BadAddress::NotAUrl {
            got: shown.to_owned(),
        }
    };
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let authority = uri.authority().ok_or_else(bad)?;
    let (whole, host) = (authority.as_str(), authority.host());
    // The parser takes any digits for a port.
    let odd_port = whole.len() > host.len() && authority.port_u16().is_none();
    if host.is_empty() || whole.contains('@') || odd_port || uri.query().is_some() {
        return Err(bad());
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_this_machine(host) => Ok(uri),
        Some("http") => Err(BadAddress::Unencrypted {
            host: host.to_owned(),
        }),
        _ => Err(bad()),
    }
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_url_or_host_and_port_is_an_address() {
        let address = |text: &str| parse(text).unwrap().to_string();
        assert_eq!(
            address("https://api.example.com"),
            "https://api.example.com/"
        );
        assert_eq!(
            address("api.example.com:6443\n"),
            "https://api.example.com:6443/"
        );
        assert_eq!(address("10.0.0.1"), "https://10.0.0.1/");
        assert_eq!(
            address("https://[fd00::1]:6443/k8s/c-1"),
            "https://[fd00::1]:6443/k8s/c-1"
        );
    }

    #[test]
    fn anything_else_is_refused_without_its_password() {
        for bad in [
            "https://",
            "ftp://a",
            "https://a?x=1",
            "https://u:hunter2@a",
            "a b",
            "a:99999999",
            "a:",
            "",
        ] {
            let words = parse(bad).unwrap_err().to_string();
            assert!(
                words.starts_with("expected https://host or host:port, got "),
                "{bad}: {words}"
            );
            assert!(!words.contains("hunter2"), "{words}");
        }
    }

    #[test]
    fn without_tls_only_this_machine_is_spoken_to() {
        let words = parse("http://api.example.com").unwrap_err().to_string();
        assert_eq!(
            words,
            "api.example.com would be spoken to without TLS, expected https"
        );
        for near in [
            "http://localhost:8080",
            "http://127.0.0.1:1",
            "http://[::1]:1",
        ] {
            assert!(parse(near).is_ok(), "{near}");
        }
        assert!(parse("http://localhost.example.com").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text: String, port in "[0-9]{0,8}") {
            let _ = parse(&text);
            let parsed = parse(&format!("a:{port}"));
            prop_assert_eq!(parsed.is_ok(), port.parse::<u16>().is_ok());
        }
    }
}
