//! What the user said, judged: one target, one credential, one trust. Pure but for the files it is handed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Uri;
use rustls::pki_types::ServerName;

use super::credential::Means;
use super::kubeconfig::{self, Overrides, ReadFile, Said};
use super::proxy::{self, Proxy};
use super::settings::{Clock, Environment, Filled, Named, SecretText, Settings, present};
use super::target::{Credential, Reach, Target, Trust};
use super::{SettingsError, address, credential, in_cluster, pem};
use crate::cluster::door::Issuer;

/// What settings lead to.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// A cluster that can be connected to.
    Target(Box<Target>),
    /// One that EKS has to be asked for; then [`resolve_found`].
    Eks(EksCluster),
}

/// How settings name a cluster of EKS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EksCluster {
    /// By its name.
    Name(String),
    /// By its ARN.
    Arn(String),
}

/// A cluster as somebody who was asked described it.
#[derive(Debug)]
pub struct Found {
    /// URL of the API server.
    pub endpoint: String,
    /// Certificates of its authorities, PEM or base64 of it.
    pub authorities: String,
    /// From where the API server can be reached.
    pub reach: Reach,
    /// Who issues the credential.
    pub issuer: Arc<dyn Issuer>,
}

/// Finds the one cluster that the settings mean, with the environment filling what is null. The clock is for
/// credentials that say when they end.
///
/// # Errors
/// When they mean none, or several, or contradict themselves; the error names the attributes.
pub fn resolve(
    settings: &Settings,
    environment: Environment<'_>,
    read_file: ReadFile<'_>,
    clock: &Clock,
) -> Result<Resolved, SettingsError> {
    let filled = settings.with_environment(environment)?;
    check_empty(&filled)?;
    if let Some(cluster) = eks(&filled)? {
        return Ok(Resolved::Eks(cluster));
    }
    let own = Own {
        means: credential::of(&filled)?,
        trust: trust(&filled)?,
    };
    let said = said(&filled, &own, environment, read_file)?;
    let server = server(&filled, &said.server)?;
    let mut target = Target {
        proxy: proxy(&filled, &said, &server, environment)?,
        server,
        trust: own.trust.unwrap_or(said.trust),
        tls_server_name: server_name(filled.settings.tls_server_name.or(said.tls_server_name))?,
        credential: Credential::None,
        impersonation: said.impersonation,
        reach: Reach::default(),
    };
    let means = own.means.unwrap_or(said.means);
    target.credential = means.for_target(&target, clock);
    Ok(Resolved::Target(Box::new(target)))
}

/// The cluster that was found, by way of this proxy, or else the environment's.
///
/// # Errors
/// When the cluster was described in a way that cannot be used, or the proxy is none.
pub fn resolve_found(
    proxy_url: Option<&SecretText>,
    environment: Environment<'_>,
    found: Found,
) -> Result<Target, SettingsError> {
    let only_proxy = Settings {
        proxy_url: proxy_url.cloned(),
        ..Settings::default()
    };
    let odd = |why: String| SettingsError::OddCluster { why };
    let server = address::parse(&found.endpoint).map_err(|why| odd(why.to_string()))?;
    let authorities = pem::authorities(found.authorities.as_bytes());
    let filled = Filled::from(only_proxy);
    Ok(Target {
        proxy: proxy(&filled, &Said::default(), &server, environment)?,
        server,
        trust: Trust::Authorities(authorities.map_err(|why| odd(why.to_string()))?),
        tls_server_name: None,
        credential: Credential::Issued(found.issuer),
        impersonation: None,
        reach: found.reach,
    })
}

/// What the block itself says, which goes over what files say.
struct Own {
    means: Option<Means>,
    trust: Option<Trust>,
}

/// The one thing that says which cluster.
enum Way<'a> {
    Host(&'a str),
    Files(Named),
    Pod,
}

/// What is said where the settings point to.
fn said(
    filled: &Filled,
    own: &Own,
    environment: Environment<'_>,
    read_file: ReadFile<'_>,
) -> Result<Said, SettingsError> {
    match target(filled)? {
        Way::Host(host) => Ok(Said {
            server: host.to_owned(),
            ..Said::default()
        }),
        Way::Files(named) => {
            let paths = paths(&filled.settings, present(environment, "HOME").as_deref());
            let said = kubeconfig::read(&paths, overrides(&filled.settings, own), read_file);
            said.map_err(|why| SettingsError::Kubeconfig {
                named,
                why: why.into(),
            })
        }
        Way::Pod => {
            let (credential, trust) = (own.means.is_some(), own.trust.is_some());
            let said = in_cluster::said(environment, read_file, credential, trust);
            said.map_err(|why| SettingsError::NotInCluster { why })
        }
    }
}

/// An empty text is often a variable that was forgotten; taken as null it could lead to another cluster.
fn check_empty(filled: &Filled) -> Result<(), SettingsError> {
    let texts = filled.settings.texts();
    let empty = texts
        .iter()
        .find(|(_, text)| text.is_some_and(|text| text.trim().is_empty()));
    let empty_path = filled
        .settings
        .config_paths
        .iter()
        .any(|path| path.trim().is_empty());
    let attribute = empty
        .map(|(attribute, _)| *attribute)
        .or_else(|| empty_path.then_some("config_paths"));
    attribute.map_or(Ok(()), |attribute| {
        Err(SettingsError::Empty {
            named: filled.named(attribute),
        })
    })
}

/// The cluster of EKS that is named; what stands beside it could only contradict.
fn eks(filled: &Filled) -> Result<Option<EksCluster>, SettingsError> {
    let settings = &filled.settings;
    let cluster = match (&settings.eks_cluster_name, &settings.eks_cluster_arn) {
        (None, None) => return Ok(None),
        (Some(name), _) => EksCluster::Name(name.clone()),
        (None, Some(arn)) => EksCluster::Arn(arn.clone()),
    };
    let texts = settings.texts().into_iter();
    let texts = texts.filter(|(_, text)| text.is_some());
    let others = [
        ("config_paths", !settings.config_paths.is_empty()),
        ("in_cluster", settings.is_in_cluster()),
        ("insecure", settings.insecure == Some(true)),
        ("exec", !settings.exec.is_empty()),
    ];
    let others = others.into_iter().filter(|(_, set)| *set);
    let mut set = texts
        .map(|(name, _)| name)
        .chain(others.map(|(name, _)| name));
    let eks = filled.named(set.next().unwrap_or("eks_cluster_name"));
    match set.find(|name| *name != "proxy_url") {
        Some(other @ ("eks_cluster_arn" | "in_cluster")) => {
            let named = vec![eks, filled.named(other)];
            Err(SettingsError::ManyTargets { named })
        }
        Some(other) => {
            let named = filled.named(other);
            Err(SettingsError::BesideEks { eks, named })
        }
        None => Ok(Some(cluster)),
    }
}

fn target(filled: &Filled) -> Result<Way<'_>, SettingsError> {
    let settings = &filled.settings;
    let targets = [
        ("host", settings.host.is_some()),
        ("config_path", settings.config_path.is_some()),
        ("config_paths", !settings.config_paths.is_empty()),
        ("in_cluster", settings.is_in_cluster()),
    ];
    let named = targets
        .iter()
        .filter(|(_, set)| *set)
        .map(|(attribute, _)| filled.named(attribute));
    let named: Vec<Named> = named.collect();
    match (&named[..], &settings.host) {
        ([], _) => Err(SettingsError::NoTarget),
        ([_], Some(host)) => check_no_context(filled).map(|()| Way::Host(host)),
        ([_], None) if settings.is_in_cluster() => check_no_context(filled).map(|()| Way::Pod),
        ([files], None) => Ok(Way::Files(*files)),
        _ => Err(SettingsError::ManyTargets { named }),
    }
}

fn check_no_context(filled: &Filled) -> Result<(), SettingsError> {
    let texts = filled.settings.texts();
    let choice = texts
        .iter()
        .find(|(name, choice)| name.starts_with("config_context") && choice.is_some());
    choice.map_or(Ok(()), |(name, _)| {
        Err(SettingsError::WithoutFiles {
            named: filled.named(name),
        })
    })
}

fn trust(filled: &Filled) -> Result<Option<Trust>, SettingsError> {
    let insecure = filled.settings.insecure == Some(true);
    let Some(text) = &filled.settings.cluster_ca_certificate else {
        return Ok(insecure.then_some(Trust::Anything));
    };
    let authority = filled.named("cluster_ca_certificate");
    if insecure {
        let insecure = filled.named("insecure");
        return Err(SettingsError::InsecureWithAuthority {
            insecure,
            authority,
        });
    }
    let read = pem::authorities(text.as_bytes()).map(Trust::Authorities);
    read.map(Some).map_err(|why| SettingsError::BadPem {
        named: authority,
        why,
    })
}

fn paths(settings: &Settings, home: Option<&str>) -> Vec<PathBuf> {
    let written = settings.config_path.iter().chain(&settings.config_paths);
    let whole = written.map(|path| match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => PathBuf::from(path),
    });
    whole.collect()
}

fn overrides<'a>(settings: &'a Settings, own: &Own) -> Overrides<'a> {
    Overrides {
        context: settings.config_context.as_deref(),
        user: settings.config_context_auth_info.as_deref(),
        cluster: settings.config_context_cluster.as_deref(),
        other_credential: own.means.is_some(),
        other_trust: own.trust.is_some(),
        verify: settings.insecure == Some(false),
    }
}

fn server(filled: &Filled, text: &str) -> Result<Uri, SettingsError> {
    address::parse(text).map_err(|why| {
        let host = filled
            .settings
            .host
            .as_ref()
            .map(|_| filled.named("host").to_string());
        let from = host.unwrap_or_else(|| "the server in the kubeconfig".to_owned());
        SettingsError::BadAddress { from, why }
    })
}

fn proxy(
    filled: &Filled,
    said: &Said,
    server: &Uri,
    environment: Environment<'_>,
) -> Result<Option<Proxy>, SettingsError> {
    let bad = |from: String| move |why| SettingsError::BadProxy { from, why };
    if let Some(url) = &filled.settings.proxy_url {
        let from = filled.named("proxy_url").to_string();
        return Proxy::parse(url.expose()).map(Some).map_err(bad(from));
    }
    if let Some(url) = &said.proxy_url {
        let from = "the proxy-url in the kubeconfig".to_owned();
        return Proxy::parse(url.expose()).map(Some).map_err(bad(from));
    }
    proxy::from_environment(server, environment)
        .map_err(|(variable, why)| bad(variable.to_owned())(why))
}

fn server_name(name: Option<String>) -> Result<Option<String>, SettingsError> {
    match name {
        Some(got) if !is_server_name(&got) => Err(SettingsError::BadServerName { got }),
        checked => Ok(checked),
    }
}

/// Whether a certificate can have that name.
pub(super) fn is_server_name(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}

#[cfg(test)]
mod tests;
