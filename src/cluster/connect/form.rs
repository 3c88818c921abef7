//! The forms of settings, each judged by itself: what can be told before anything is read or asked.
//!
//! Each type stands for texts that can be parsed as it. The texts themselves are read again when they are used.

use std::str::FromStr;

use super::address::{self, BadAddress};
use super::exec::{BadProgram, Version};
use super::pem::{self, NotPem};
use super::proxy::{BadProxy, Proxy};
use super::{credential, resolve};

/// Why a text is not of the form that its setting has. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadForm {
    /// Nothing: whoever means nothing says null.
    #[error("expected a value or null, got an empty text")]
    Empty,
    /// Not the address of an API server.
    #[error(transparent)]
    Address(BadAddress),
    /// Not a proxy.
    #[error(transparent)]
    Proxy(BadProxy),
    /// Not the PEM that it should be.
    #[error(transparent)]
    Pem(NotPem),
    /// Not a token.
    #[error("expected a token of printable characters")]
    Token,
    /// Not a name that a certificate can have.
    #[error("expected a DNS name or an IP address, got {got:?}")]
    ServerName {
        /// What was written.
        got: String,
    },
    /// Not a version that programs can be asked in.
    #[error(transparent)]
    Program(BadProgram),
}

/// Any text but an empty one.
#[derive(Debug)]
pub struct NotBlank;

/// The address of an API server: a URL, or host and port.
#[derive(Debug)]
pub struct Host;

/// The URL of a proxy.
#[derive(Debug)]
pub struct ProxyUrl;

/// A bearer token.
#[derive(Debug)]
pub struct Token;

/// Certificates of authorities, PEM or base64 of it.
#[derive(Debug)]
pub struct Authorities;

/// A certificate chain, PEM or base64 of it.
#[derive(Debug)]
pub struct CertificateChain;

/// A private key without a password, PEM or base64 of it.
#[derive(Debug)]
pub struct PrivateKey;

/// A name in a certificate.
#[derive(Debug)]
pub struct ServerName;

/// The API version of an ExecCredential.
#[derive(Debug)]
pub struct ExecVersion;

impl FromStr for NotBlank {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        if text.trim().is_empty() {
            Err(BadForm::Empty)
        } else {
            Ok(Self)
        }
    }
}

impl FromStr for Host {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        address::parse(text).map_err(BadForm::Address)?;
        Ok(Self)
    }
}

impl FromStr for ProxyUrl {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        Proxy::parse(text).map_err(BadForm::Proxy)?;
        Ok(Self)
    }
}

impl FromStr for Token {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        credential::printable(text).ok_or(BadForm::Token)?;
        Ok(Self)
    }
}

impl FromStr for Authorities {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        pem::authorities(text.as_bytes()).map_err(BadForm::Pem)?;
        Ok(Self)
    }
}

impl FromStr for CertificateChain {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        pem::certificate_chain(text.as_bytes()).map_err(BadForm::Pem)?;
        Ok(Self)
    }
}

impl FromStr for PrivateKey {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        pem::private_key(text.as_bytes()).map_err(BadForm::Pem)?;
        Ok(Self)
    }
}

impl FromStr for ServerName {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        if resolve::is_server_name(text) {
            Ok(Self)
        } else {
            let got = text.to_owned();
            Err(BadForm::ServerName { got })
        }
    }
}

impl FromStr for ExecVersion {
    type Err = BadForm;

    fn from_str(text: &str) -> Result<Self, BadForm> {
        text.parse::<NotBlank>()?;
        Version::parse(Some(text)).map_err(BadForm::Program)?;
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::connect::samples::{CA_ONE, IDENTITY};

    fn refused<T: FromStr<Err = BadForm> + std::fmt::Debug>(text: &str) -> String {
        text.parse::<T>().unwrap_err().to_string()
    }

    #[test]
    fn every_form_refuses_nothing() {
        let empty = BadForm::Empty.to_string();
        for blank in ["", " ", "\n"] {
            let words = [
                refused::<NotBlank>(blank),
                refused::<Host>(blank),
                refused::<ProxyUrl>(blank),
                refused::<Token>(blank),
                refused::<Authorities>(blank),
                refused::<CertificateChain>(blank),
                refused::<PrivateKey>(blank),
                refused::<ServerName>(blank),
                refused::<ExecVersion>(blank),
            ];
            assert_eq!(words, [empty.as_str(); 9]);
        }
    }

    #[test]
    fn what_is_of_its_form_passes() {
        assert!("a:6443".parse::<Host>().is_ok());
        assert!("socks5://a:1080".parse::<ProxyUrl>().is_ok());
        assert!("t0ken\n".parse::<Token>().is_ok());
        assert!(CA_ONE.parse::<Authorities>().is_ok());
        assert!(IDENTITY.certificate.parse::<CertificateChain>().is_ok());
        assert!(IDENTITY.key.parse::<PrivateKey>().is_ok());
        assert!("api.internal".parse::<ServerName>().is_ok());
        assert!(
            "client.authentication.k8s.io/v1"
                .parse::<ExecVersion>()
                .is_ok()
        );
    }

    #[test]
    fn what_is_not_is_told_without_secrets() {
        assert!(refused::<Host>("ftp://a").starts_with("expected https://host or host:port"));
        assert!(refused::<ProxyUrl>("ftp://u:hunter2@a").ends_with("got ftp"));
        assert_eq!(
            refused::<Token>("hunter2 hunter3"),
            "expected a token of printable characters"
        );
        assert_eq!(
            refused::<PrivateKey>("hunter2"),
            "expected PEM, or base64 of PEM"
        );
        assert_eq!(
            refused::<Authorities>(&IDENTITY.key),
            "expected a certificate, got PRIVATE KEY"
        );
        assert!(refused::<CertificateChain>("a").starts_with("expected PEM"));
        assert!(refused::<ServerName>("a b").ends_with("got \"a b\""));
        assert!(refused::<ExecVersion>("v1").ends_with("got \"v1\""));
    }
}
