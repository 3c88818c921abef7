//! What the host says in the environment before it says anything else.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::error::Error;
use super::socket::Place;

/// Shared by all Terraform-like hosts and providers, and no secret: it only tells a host's start
/// from a human's.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// The only major version that we speak.
pub(super) const PROTOCOL: u32 = 6;

/// The environment of a plugin, parsed.
#[derive(Debug)]
pub(super) struct Host {
    /// Who alone may connect; `None` where the host has turned TLS off.
    pub(super) client: Option<CertificateDer<'static>>,
    /// Where the socket should be.
    pub(super) place: Place,
    /// Whether the host says that it speaks our protocol. If not, the handshake line makes it tell
    /// the user, so that this is not an error here.
    pub(super) speaks_our_protocol: bool,
}

impl Host {
    /// Reads every variable that a go-plugin host sets, through `variable`.
    pub(super) fn from_environment(
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Error> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        if variable(COOKIE.0).is_none_or(|value| value != COOKIE.1) {
            return Err(Error::NotStartedByAHost);
        }
        Ok(Self {
            client: variable("PLUGIN_CLIENT_CERT")
                .map(|pem| one_certificate(&pem))
                .transpose()?,
            place: Place {
                directory: variable("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
                group: variable("PLUGIN_UNIX_SOCKET_GROUP"),
            },
            speaks_our_protocol: variable("PLUGIN_PROTOCOL_VERSIONS")
                .is_none_or(|versions| contains_ours(&versions)),
        })
    }
}

fn one_certificate(pem: &OsStr) -> Result<CertificateDer<'static>, Error> {
    let wrong = |found: String| Error::ClientCertificate { found };
    let mut found = CertificateDer::pem_slice_iter(pem.as_encoded_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(format!("but does not parse: {error}")))?;
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(wrong("but holds none".to_owned())),
        (Some(_), more) => Err(wrong(format!("but holds {}", more + 1))),
    }
}

fn contains_ours(versions: &OsStr) -> bool {
    let versions = versions.to_string_lossy();
    versions
        .split(',')
        .any(|version| version.trim().parse() == Ok(PROTOCOL))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(variables: &[(&str, &str)]) -> Result<Host, Error> {
        let variables = [&[COOKIE], variables].concat();
        Host::from_environment(|name| {
            let found = variables.iter().rev().find(|(each, _)| *each == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn without_the_cookie_this_is_no_host() {
        let none = Host::from_environment(|_| None);
        assert!(matches!(none, Err(Error::NotStartedByAHost)));
        let wrong = host(&[(COOKIE.0, "d602")]);
        assert!(matches!(wrong, Err(Error::NotStartedByAHost)));
        assert!(host(&[]).is_ok());
    }

    #[test]
    fn our_protocol_is_found_in_any_order() {
        for (versions, ours) in [("5,6", true), ("6,5", true), ("5", false), ("16,x", false)] {
            let host = host(&[("PLUGIN_PROTOCOL_VERSIONS", versions)]).unwrap();
            assert_eq!(host.speaks_our_protocol, ours, "{versions}");
        }
        assert!(host(&[]).unwrap().speaks_our_protocol);
    }

    #[test]
    fn exactly_one_client_certificate_is_taken() {
        let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let one = host(&[("PLUGIN_CLIENT_CERT", pem)]).unwrap();
        assert_eq!(one.client.as_deref(), Some(&[0x30, 0x00][..]));

        let off = host(&[("PLUGIN_CLIENT_CERT", "")]).unwrap();
        assert_eq!(off.client, None);

        for (bad, found) in [
            ("no PEM", "but holds none"),
            (&pem.repeat(2), "but holds 2"),
            (&pem.replace("MAA=", "M"), "but does not parse: "),
        ] {
            let error = host(&[("PLUGIN_CLIENT_CERT", bad)]).unwrap_err();
            assert!(error.to_string().contains(found), "{error}");
        }
    }
}
