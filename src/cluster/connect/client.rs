//! A target becomes a client.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::AuthInfo;
use secrecy::SecretString;

use super::target::{Credential, Impersonation, Target, Trust};

/// A target for which there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The client certificate and its key do not go together, or one of them is not understood.
    #[error("the client certificate and its key cannot be used: {why}")]
    Identity {
        /// The reason.
        why: String,
    },
    /// The server's certificate could not be verified: this machine has no authorities, for one.
    #[error("the trusted authorities cannot be used: {why}")]
    Trust {
        /// The reason.
        why: String,
    },
    /// Anything else.
    #[error("no client can be made: {why}")]
    Other {
        /// The reason.
        why: String,
    },
}

/// Makes the client; connects on first use. Retries are ours, so the client has none.
pub(in crate::cluster) fn client(target: &Target) -> Result<kube::Client, ConnectError> {
    let mut config = kube::Config::new(target.server.clone());
    config.connect_timeout = Some(Duration::from_secs(10));
    config.read_timeout = Some(Duration::from_secs(30));
    config.reset_reader_on_write = true;
    config.default_retry = false;
    config.proxy_url = target.proxy.as_ref().map(|proxy| proxy.uri().clone());
    config.tls_server_name = target.tls_server_name.clone();
    config.accept_invalid_certs = target.trust == Trust::Anything;
    config.root_cert = match &target.trust {
        // An empty list, for with none at all this machine's authorities are loaded, and there may be none.
        Trust::Anything => Some(Vec::new()),
        Trust::System => None,
        Trust::Authorities(ders) => Some(ders.clone()),
    };
    config.auth_info = auth_info(&target.credential, target.impersonation.as_ref());
    kube::Client::try_from(config).map_err(|error| refused(&error))
}

fn auth_info(credential: &Credential, impersonation: Option<&Impersonation>) -> AuthInfo {
    let mut info = AuthInfo::default();
    match credential {
        // What is issued goes with each call.
        Credential::None | Credential::Issued(_) => {}
        Credential::Token(token) => info.token = Some(token.expose().into()),
        Credential::Certificate { chain, key } => {
            info.client_certificate_data = Some(STANDARD.encode(chain.as_bytes()));
            info.client_key_data = Some(SecretString::from(STANDARD.encode(key.expose())));
        }
        Credential::Basic { username, password } => {
            info.username = Some(username.clone());
            info.password = Some(password.expose().into());
        }
    }
    if let Some(Impersonation {
        user,
        uid,
        groups,
        extra,
    }) = impersonation.cloned()
    {
        info.impersonate = user;
        info.impersonate_uid = uid;
        info.impersonate_groups = (!groups.is_empty()).then_some(groups);
        info.impersonate_user_extra = (!extra.is_empty()).then(|| HashMap::from_iter(extra));
    }
    info
}

fn refused(error: &kube::Error) -> ConnectError {
    use kube::client::RustlsTlsError as Tls;
    let why = |error: &dyn std::error::Error| error.to_string();
    match error {
        kube::Error::RustlsTls(
            tls @ (Tls::InvalidIdentityPem(_)
            | Tls::MissingPrivateKey
            | Tls::MissingCertificate
            | Tls::InvalidPrivateKey(_)
            | Tls::UnknownPrivateKeyFormat),
        ) => ConnectError::Identity { why: why(tls) },
        kube::Error::RustlsTls(
            tls @ (Tls::AddRootCertificate(_) | Tls::NoValidNativeRootCA(_)),
        ) => ConnectError::Trust { why: why(tls) },
        other => ConnectError::Other { why: why(other) },
    }
}
