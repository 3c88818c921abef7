//! What a kubeconfig says about a user.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::config::AuthInfo;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{BadKubeconfig, ReadFile, data_or_file, load};
use crate::cluster::connect::credential::Means;
use crate::cluster::connect::exec::Program;
use crate::cluster::connect::pem;
use crate::cluster::connect::settings::SecretText;
use crate::cluster::connect::target::{Credential, Impersonation};
use crate::cluster::connect::token_file::{self, TokenFile};

/// How the user signs in. Of several credentials the one that the API server would look at first, and a program only
/// where there is nothing else, as client-go has it. `config` is what the cluster has for programs.
pub(super) fn means(
    name: &str,
    user: &AuthInfo,
    config: Option<Value>,
    read_file: ReadFile<'_>,
) -> Result<Means, BadKubeconfig> {
    if let Some(provider) = &user.auth_provider {
        return Err(BadKubeconfig::AuthProvider {
            user: name.to_owned(),
            provider: provider.name.clone(),
        });
    }
    if let Some(certificate) = certificate(name, user, read_file)? {
        return Ok(certificate.into());
    }
    match (token(user, read_file)?, basic(name, user)?) {
        (Some(_), Some(_)) => Err(BadKubeconfig::TokenAndPassword {
            user: name.to_owned(),
        }),
        (Some(only), None) | (None, Some(only)) => Ok(only.into()),
        (None, None) => program(name, user, config),
    }
}

/// As whom the user wants to be seen; to leave that out would be to act with other rights than asked for.
pub(super) fn impersonation(
    name: &str,
    user: &AuthInfo,
) -> Result<Option<Impersonation>, BadKubeconfig> {
    let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let extra = user.impersonate_user_extra.clone().unwrap_or_default();
    let whole = Impersonation {
        user: set(&user.impersonate),
        uid: set(&user.impersonate_uid),
        groups: user.impersonate_groups.clone().unwrap_or_default(),
        extra: extra.into_iter().collect(),
    };
    if whole.user.is_some() {
        return Ok(Some(whole));
    }
    let parts = [
        ("as-uid", whole.uid.is_some()),
        ("as-groups", !whole.groups.is_empty()),
        ("as-user-extra", !whole.extra.is_empty()),
    ];
    match parts.iter().find(|(_, set)| *set) {
        Some((has, _)) => Err(BadKubeconfig::AsNobody {
            user: name.to_owned(),
            has,
        }),
        None => Ok(None),
    }
}

fn program(name: &str, user: &AuthInfo, config: Option<Value>) -> Result<Means, BadKubeconfig> {
    let Some(exec) = &user.exec else {
        return Ok(Means::default());
    };
    let program = Program::of_user(exec, config);
    program.map(Means::from).map_err(|why| BadKubeconfig::Exec {
        user: name.to_owned(),
        why,
    })
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

/// A file goes before a token beside it, which serves while the file cannot be read.
fn token(user: &AuthInfo, read_file: ReadFile<'_>) -> Result<Option<Credential>, BadKubeconfig> {
    let token = user.token.as_ref();
    let token = token.and_then(|token| token_file::token(token.expose_secret().as_bytes()));
    let Some(file) = user.token_file.as_ref().filter(|file| !file.is_empty()) else {
        return Ok(token.map(Credential::Token));
    };
    let token = match load(Path::new(file), read_file) {
        Ok(bytes) => token_file::token(&bytes).or(token),
        Err(_) if token.is_some() => token,
        Err(error) => return Err(error),
    };
    let file = TokenFile::new(PathBuf::from(file), token);
    Ok(Some(Credential::Issued(Arc::new(file))))
}

fn basic(name: &str, user: &AuthInfo) -> Result<Option<Credential>, BadKubeconfig> {
    let half = |lacks| {
        Err(BadKubeconfig::Half {
            user: name.to_owned(),
            lacks,
        })
    };
    let username = user.username.as_ref().filter(|text| !text.is_empty());
    let password = user.password.as_ref().map(|text| text.expose_secret());
    match (username, password.filter(|text| !text.is_empty())) {
        (None, None) => Ok(None),
        (Some(_), None) => half("password"),
        (None, Some(_)) => half("username"),
        (Some(username), Some(password)) => Ok(Some(Credential::Basic {
            username: username.clone(),
            password: password.into(),
        })),
    }
}
