//! Kubeconfig files: what they say about one cluster and one user.

mod cluster;
mod error;
mod user;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use kube::config::{Context, Kubeconfig, KubeconfigError};
use zeroize::Zeroizing;

use super::settings::SecretText;
use super::target::{Credential, Impersonation, Trust};

pub use error::BadKubeconfig;

/// Reads a whole file.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// What the files say, before the block's own settings go over it.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) server: String,
    pub(super) trust: Trust,
    pub(super) tls_server_name: Option<String>,
    pub(super) proxy_url: Option<SecretText>,
    pub(super) credential: Credential,
    pub(super) impersonation: Option<Impersonation>,
}

/// What to take from the files instead of what they point at themselves, and what not to take from them.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Overrides<'a> {
    pub(super) context: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) cluster: Option<&'a str>,
    /// Whether the block itself holds a credential.
    pub(super) other_credential: bool,
    /// Whether the block itself says what is trusted, be it anything.
    pub(super) other_trust: bool,
    /// Whether the block insists on verifying, whatever the files say.
    pub(super) verify: bool,
}

/// Reads and merges the files, the first to say something being right, and picks one cluster and one user.
pub(super) fn read(
    paths: &[PathBuf],
    overrides: Overrides<'_>,
    read_file: ReadFile<'_>,
) -> Result<Said, BadKubeconfig> {
    let mut merged = Kubeconfig::default();
    for path in paths {
        let next = read_one(path, read_file)?;
        merged = merged.merge(next).map_err(|_| BadKubeconfig::Mixed)?;
    }
    pick(&merged, overrides, read_file)
}

fn read_one(path: &Path, read_file: ReadFile<'_>) -> Result<Kubeconfig, BadKubeconfig> {
    let bytes = load(path, read_file)?;
    let no_kubeconfig = |line| BadKubeconfig::Parse {
        path: path.to_owned(),
        line,
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| no_kubeconfig(None))?;
    // The parser's own words show the lines around the fault, tokens included.
    let mut config =
        Kubeconfig::from_yaml(text.trim_start_matches('\u{feff}')).map_err(|error| {
            no_kubeconfig(match error {
                KubeconfigError::Parse(error) => error.location().map(|location| location.line()),
                _ => None,
            })
        })?;
    config.current_context = config.current_context.filter(|name| !name.is_empty());
    if let Some(folder) = path.parent() {
        root_in(folder, &mut config);
    }
    Ok(config)
}

/// Relative paths in a file are relative to that file.
fn root_in(folder: &Path, config: &mut Kubeconfig) {
    let root = |file: &mut Option<String>| {
        if let Some(file) = file {
            *file = folder.join(&*file).to_string_lossy().into_owned();
        }
    };
    for cluster in config
        .clusters
        .iter_mut()
        .filter_map(|named| named.cluster.as_mut())
    {
        root(&mut cluster.certificate_authority);
    }
    for user in config
        .auth_infos
        .iter_mut()
        .filter_map(|named| named.auth_info.as_mut())
    {
        root(&mut user.client_certificate);
        root(&mut user.client_key);
        root(&mut user.token_file);
    }
}

fn pick(
    config: &Kubeconfig,
    overrides: Overrides<'_>,
    read_file: ReadFile<'_>,
) -> Result<Said, BadKubeconfig> {
    let context = context(config, overrides)?;
    let cluster = overrides
        .cluster
        .or_else(|| context.map(|context| context.cluster.as_str()));
    let cluster = cluster.ok_or(BadKubeconfig::NoContext)?;
    let clusters = config
        .clusters
        .iter()
        .map(|named| (named.name.as_str(), named.cluster.as_ref()));
    let mut said = cluster::said(
        cluster,
        find("cluster", cluster, clusters)?,
        overrides,
        read_file,
    )?;
    let user = overrides
        .user
        .or_else(|| context.and_then(|context| context.user.as_deref()));
    if let Some(name) = user.filter(|name| !name.is_empty()) {
        let users = config
            .auth_infos
            .iter()
            .map(|named| (named.name.as_str(), named.auth_info.as_ref()));
        let user = find("user", name, users)?;
        said.impersonation = user::impersonation(user);
        if !overrides.other_credential {
            said.credential = user::credential(name, user, read_file)?;
        }
    }
    Ok(said)
}

fn context<'a>(
    config: &'a Kubeconfig,
    overrides: Overrides<'_>,
) -> Result<Option<&'a Context>, BadKubeconfig> {
    let Some(name) = overrides.context.or(config.current_context.as_deref()) else {
        return Ok(None);
    };
    let contexts = config
        .contexts
        .iter()
        .map(|named| (named.name.as_str(), named.context.as_ref()));
    find("context", name, contexts).map(Some)
}

fn find<'a, T>(
    what: &'static str,
    name: &str,
    all: impl Iterator<Item = (&'a str, Option<&'a T>)>,
) -> Result<&'a T, BadKubeconfig> {
    let all: BTreeMap<_, _> = all.collect();
    all.get(name)
        .copied()
        .flatten()
        .ok_or_else(|| BadKubeconfig::Unknown {
            what,
            name: name.to_owned(),
            known: all.keys().map(|&name| name.to_owned()).collect(),
        })
}

/// A value that is in the file itself, or in another one that it names; the former goes before the latter.
fn data_or_file(
    data: Option<&str>,
    file: Option<&str>,
    read_file: ReadFile<'_>,
) -> Result<Option<Zeroizing<Vec<u8>>>, BadKubeconfig> {
    let set = |text: &&str| !text.is_empty();
    match (data.filter(set), file.filter(set)) {
        (Some(data), _) => Ok(Some(data.as_bytes().to_vec().into())),
        (None, Some(file)) => load(Path::new(file), read_file).map(Some),
        (None, None) => Ok(None),
    }
}

fn load(path: &Path, read_file: ReadFile<'_>) -> Result<Zeroizing<Vec<u8>>, BadKubeconfig> {
    let read = read_file(path).map(Into::into);
    read.map_err(|source| BadKubeconfig::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests;
