//! The credential that the block itself holds: at most one.

use std::sync::Arc;

use super::SettingsError;
use super::exec::Program;
use super::pem;
use super::settings::{Clock, Filled, SecretText, Settings};
use super::target::{Credential, Target};

/// How to sign in, before it is decided where.
#[derive(Debug)]
pub(super) enum Means {
    /// By this, wherever it is.
    Credential(Credential),
    /// By what a program prints, which may ask where.
    Program(Box<Program>),
}

impl Means {
    /// As it is for that target, whose own credential does not count.
    pub(super) fn for_target(self, target: &Target, clock: &Clock) -> Credential {
        match self {
            Self::Credential(credential) => credential,
            Self::Program(program) => {
                Credential::Issued(Arc::new(program.for_target(target, Arc::clone(clock))))
            }
        }
    }
}

impl Default for Means {
    fn default() -> Self {
        Self::Credential(Credential::None)
    }
}

impl From<Credential> for Means {
    fn from(credential: Credential) -> Self {
        Self::Credential(credential)
    }
}

impl From<Program> for Means {
    fn from(program: Program) -> Self {
        Self::Program(Box::new(program))
    }
}

/// The credential in the block, if there is one.
pub(super) fn of(filled: &Filled) -> Result<Option<Means>, SettingsError> {
    let all = [
        ("token", token(filled)?.map(Means::from)),
        ("exec", program(filled)?.map(Means::from)),
        ("client_certificate", certificate(filled)?.map(Means::from)),
        ("username", basic(filled)?.map(Means::from)),
    ];
    let mut given: Vec<_> = all
        .into_iter()
        .filter_map(|(name, given)| Some((name, given?)))
        .collect();
    if given.len() > 1 {
        let named = given
            .iter()
            .map(|(attribute, _)| filled.named(attribute))
            .collect();
        return Err(SettingsError::ManyCredentials { named });
    }
    Ok(given.pop().map(|(_, means)| means))
}

fn program(filled: &Filled) -> Result<Option<Program>, SettingsError> {
    let block = filled.settings.exec.first();
    let program = block.map(Program::of_block).transpose();
    program.map_err(|why| SettingsError::BadExec { why })
}

fn token(filled: &Filled) -> Result<Option<Credential>, SettingsError> {
    let Some(token) = &filled.settings.token else {
        return Ok(None);
    };
    let bad = || SettingsError::BadToken {
        named: filled.named("token"),
    };
    let token = printable(token.expose()).ok_or_else(bad)?;
    Ok(Some(Credential::Token(token.into())))
}

/// The token itself, if a header can hold it. One that was read from a file ends in a line break.
pub(super) fn printable(text: &str) -> Option<&str> {
    let token = text.trim();
    token.chars().all(|c| c.is_ascii_graphic()).then_some(token)
}

fn basic(filled: &Filled) -> Result<Option<Credential>, SettingsError> {
    match (&filled.settings.username, &filled.settings.password) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(filled, "username", "password")),
        (None, Some(_)) => Err(half(filled, "password", "username")),
        (Some(username), Some(password)) => Ok(Some(Credential::Basic {
            username: username.clone(),
            password: password.clone(),
        })),
    }
}

fn certificate(filled: &Filled) -> Result<Option<Credential>, SettingsError> {
    let bad = |attribute| {
        let named = filled.named(attribute);
        move |why| SettingsError::BadPem { named, why }
    };
    let Settings {
        client_certificate,
        client_key,
        ..
    } = &filled.settings;
    match (client_certificate, client_key) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(filled, "client_certificate", "client_key")),
        (None, Some(_)) => Err(half(filled, "client_key", "client_certificate")),
        (Some(chain), Some(key)) => {
            let chain =
                pem::certificate_chain(chain.as_bytes()).map_err(bad("client_certificate"))?;
            let key = pem::private_key(key.expose().as_bytes()).map_err(bad("client_key"))?;
            Ok(Some(Credential::Certificate {
                chain,
                key: SecretText::from(key.as_str()),
            }))
        }
    }
}

fn half(filled: &Filled, has: &'static str, lacks: &'static str) -> SettingsError {
    SettingsError::Half {
        has: filled.named(has),
        lacks,
    }
}
