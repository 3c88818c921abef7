//! Kubeconfig files: what they say about one cluster and one user.

mod cluster;
mod error;
mod user;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use kube::config::{Context, Kubeconfig, KubeconfigError};
use zeroize::Zeroizing;

use super::credential::Means;
use super::settings::SecretText;
use super::target::{Impersonation, Trust};

pub use error::BadKubeconfig;

/// Reads a whole file.
pub type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// What files (or a pod's surroundings) say, before the block's own settings go over it.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) server: String,
    pub(super) trust: Trust,
    pub(super) tls_server_name: Option<String>,
    pub(super) proxy_url: Option<SecretText>,
    pub(super) means: Means,
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
///
/// Stricter than client-go where it would pass over something in silence: a file that is missing among several, a user
/// that no file has, documents after the first. What is missing could be what names the cluster.
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
    let mut config = parse(path, &bytes)?;
    check_names(path, &config)?;
    config.current_context = config.current_context.filter(|name| !name.is_empty());
    if let Some(folder) = path.parent() {
        root_in(folder, &mut config);
    }
    Ok(config)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Kubeconfig, BadKubeconfig> {
    let no_kubeconfig = |line| BadKubeconfig::Parse {
        path: path.to_owned(),
        line,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| no_kubeconfig(None))?;
    let text = text.trim_start_matches('\u{feff}');
    // The parser would merge them, kubectl reads the first.
    if let Some(line) = second_document(text) {
        let path = path.to_owned();
        return Err(BadKubeconfig::SecondDocument { path, line });
    }
    // The parser's own words show the lines around the fault, tokens included.
    Kubeconfig::from_yaml(text).map_err(|error| {
        no_kubeconfig(match error {
            KubeconfigError::Parse(error) => error.location().map(|location| location.line()),
            _ => None,
        })
    })
}

/// The line on which a second document begins, counted from one. A marker stands at the beginning of its line, and
/// nothing else in YAML can look like it there.
fn second_document(text: &str) -> Option<usize> {
    let is_content = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with(['#', '%']) && line != "..."
    };
    let is_marker = |line: &str| line == "---" || line.starts_with("--- ");
    let mut lines = text
        .lines()
        .enumerate()
        .skip_while(|(_, line)| !is_content(line) || *line == "---");
    // The first line of content, which may follow its marker on the same line.
    lines.next()?;
    let (at, _) = lines
        .by_ref()
        .find(|(_, line)| is_marker(line.trim_end()))?;
    let same_line = text
        .lines()
        .nth(at)
        .is_some_and(|line| line.trim_end() != "---");
    (same_line || lines.any(|(_, line)| is_content(line))).then_some(at + 1)
}

/// Two of the same name in one file are two answers to one question; the parser would take either.
fn check_names(path: &Path, config: &Kubeconfig) -> Result<(), BadKubeconfig> {
    let clusters = config.clusters.iter().map(|it| ("cluster", &it.name));
    let users = config.auth_infos.iter().map(|it| ("user", &it.name));
    let contexts = config.contexts.iter().map(|it| ("context", &it.name));
    let mut seen = BTreeSet::new();
    let mut all = clusters.chain(users).chain(contexts);
    match all.find(|named| !seen.insert(*named)) {
        Some((what, name)) => Err(BadKubeconfig::Twice {
            path: path.to_owned(),
            what,
            name: name.clone(),
        }),
        None => Ok(()),
    }
}

/// Relative paths in a file are relative to that file; a program's only if it is a path and no name for `PATH`.
fn root_in(folder: &Path, config: &mut Kubeconfig) {
    let root = |file: &mut Option<String>| {
        if let Some(file) = file.as_mut().filter(|file| !file.is_empty()) {
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
        if let Some(exec) = &mut user.exec
            && exec.command.as_deref().is_some_and(is_path)
        {
            root(&mut exec.command);
        }
    }
}

fn is_path(command: &str) -> bool {
    command.contains(std::path::MAIN_SEPARATOR)
}

fn pick(
    config: &Kubeconfig,
    overrides: Overrides<'_>,
    read_file: ReadFile<'_>,
) -> Result<Said, BadKubeconfig> {
    let context = context(config, overrides)?;
    let of_context = || context.as_ref().map(|context| context.cluster.as_str());
    let name = overrides.cluster.or_else(of_context);
    let name = name.filter(|name| !name.is_empty());
    let name = name.ok_or(BadKubeconfig::NoContext)?;
    let clusters = config.clusters.iter();
    let clusters = clusters.map(|named| (named.name.as_str(), named.cluster.as_ref()));
    let cluster = find("cluster", name, clusters)?;
    let mut said = cluster::said(name, &cluster, overrides, read_file)?;
    let of_context = || context.as_ref().and_then(|context| context.user.as_deref());
    let name = overrides.user.or_else(of_context);
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        let users = config.auth_infos.iter();
        let users = users.map(|named| (named.name.as_str(), named.auth_info.as_ref()));
        let user = find("user", name, users)?;
        said.impersonation = user::impersonation(name, &user)?;
        if !overrides.other_credential {
            said.means = user::means(name, &user, cluster::for_programs(&cluster), read_file)?;
        }
    }
    Ok(said)
}

fn context<'a>(
    config: &'a Kubeconfig,
    overrides: Overrides<'_>,
) -> Result<Option<Cow<'a, Context>>, BadKubeconfig> {
    let Some(name) = overrides.context.or(config.current_context.as_deref()) else {
        return Ok(None);
    };
    let contexts = config.contexts.iter();
    let contexts = contexts.map(|named| (named.name.as_str(), named.context.as_ref()));
    find("context", name, contexts).map(Some)
}

/// The one of that name. What is there without saying anything is one that says nothing.
fn find<'a, T: Clone + Default>(
    what: &'static str,
    name: &str,
    all: impl Iterator<Item = (&'a str, Option<&'a T>)>,
) -> Result<Cow<'a, T>, BadKubeconfig> {
    let all: BTreeMap<_, _> = all.collect();
    match all.get(name) {
        Some(Some(found)) => Ok(Cow::Borrowed(*found)),
        Some(None) => Ok(Cow::Owned(T::default())),
        None => Err(BadKubeconfig::Unknown {
            what,
            name: name.to_owned(),
            known: all.keys().map(|&name| name.to_owned()).collect(),
        }),
    }
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
