//! What a kubeconfig says about a user.

use std::path::Path;

use kube::config::AuthInfo;
use secrecy::ExposeSecret as _;

use super::{BadKubeconfig, ReadFile, data_or_file, load};
use crate::cluster::connect::pem;
use crate::cluster::connect::settings::SecretText;
use crate::cluster::connect::target::{Credential, Impersonation};

/// The user's credential; of several, the one that the API server would look at first.
pub(super) fn credential(
    name: &str,
    user: &AuthInfo,
    read_file: ReadFile<'_>,
) -> Result<Credential, BadKubeconfig> {
    check_supported(name, user)?;
    if let Some(certificate) = certificate(name, user, read_file)? {
        return Ok(certificate);
    }
    if let Some(token) = token(user, read_file)? {
        return Ok(Credential::Token(token));
    }
    Ok(match (&user.username, &user.password) {
        (Some(username), Some(password)) => {
            let password = password.expose_secret().into();
            Credential::Basic {
                username: username.clone(),
                password,
            }
        }
        _ => Credential::None,
    })
}

/// As whom the user wants to be seen; to leave that out would be to act with other rights than asked for.
pub(super) fn impersonation(user: &AuthInfo) -> Option<Impersonation> {
    let extra = user.impersonate_user_extra.clone().unwrap_or_default();
    let whole = Impersonation {
        user: user.impersonate.clone(),
        uid: user.impersonate_uid.clone(),
        groups: user.impersonate_groups.clone().unwrap_or_default(),
        extra: extra.into_iter().collect(),
    };
    (whole != Impersonation::default()).then_some(whole)
}

fn check_supported(name: &str, user: &AuthInfo) -> Result<(), BadKubeconfig> {
    let name = name.to_owned();
    if let Some(exec) = &user.exec {
        let command = exec.command.clone().unwrap_or_default();
        return Err(BadKubeconfig::Exec {
            user: name,
            command,
        });
    }
    match &user.auth_provider {
        Some(provider) => Err(BadKubeconfig::AuthProvider {
            user: name,
            provider: provider.name.clone(),
        }),
        None => Ok(()),
    }
}

fn certificate(
    name: &str,
    user: &AuthInfo,
    read_file: ReadFile<'_>,
) -> Result<Option<Credential>, BadKubeconfig> {
    let data = user.client_certificate_data.as_deref();
    let chain = data_or_file(data, user.client_certificate.as_deref(), read_file)?;
    let data = user
        .client_key_data
        .as_ref()
        .map(|data| data.expose_secret());
    let key = data_or_file(data, user.client_key.as_deref(), read_file)?;
    let half = |lacks| {
        Err(BadKubeconfig::Half {
            user: name.to_owned(),
            lacks,
        })
    };
    let bad = |field| {
        move |source| BadKubeconfig::Pem {
            field,
            what: "user",
            name: name.to_owned(),
            source,
        }
    };
    match (chain, key) {
        (None, None) => Ok(None),
        (Some(_), None) => half("client-key"),
        (None, Some(_)) => half("client-certificate"),
        (Some(chain), Some(key)) => {
            let chain = pem::certificate_chain(&chain).map_err(bad("client-certificate"))?;
            let key = pem::private_key(&key).map_err(bad("client-key"))?;
            Ok(Some(Credential::Certificate {
                chain,
                key: SecretText::from(key.as_str()),
            }))
        }
    }
}

fn token(user: &AuthInfo, read_file: ReadFile<'_>) -> Result<Option<SecretText>, BadKubeconfig> {
    let file = user.token_file.as_ref().filter(|file| !file.is_empty());
    let token = match file {
        Some(file) => {
            let bytes = load(Path::new(file), read_file)?;
            Some(SecretText::from(String::from_utf8_lossy(&bytes).trim()))
        }
        None => user
            .token
            .as_ref()
            .map(|token| token.expose_secret().trim().into()),
    };
    Ok(token.filter(|token| !token.expose().is_empty()))
}
