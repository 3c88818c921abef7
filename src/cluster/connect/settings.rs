//! What the user says about the cluster, in the words of hashicorp/kubernetes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::SettingsError;
use super::exec::Exec;
use crate::cluster::null::null_as_default;

/// The `kubernetes {}` block. What is null may be filled from the environment, see [`Settings::with_environment`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Name of an EKS cluster.
    pub eks_cluster_name: Option<String>,
    /// ARN of an EKS cluster.
    pub eks_cluster_arn: Option<String>,
    /// Address of the API server: a URL, or host and port.
    pub host: Option<String>,
    /// User name for basic authentication.
    pub username: Option<String>,
    /// Password for basic authentication.
    pub password: Option<SecretText>,
    /// Bearer token.
    pub token: Option<SecretText>,
    /// Client certificate chain, PEM or base64 of it.
    pub client_certificate: Option<String>,
    /// Private key of the client certificate, PEM or base64 of it.
    pub client_key: Option<SecretText>,
    /// Certificates of the authorities that the API server's certificate may come from, PEM or base64 of it.
    pub cluster_ca_certificate: Option<String>,
    /// Whether the API server's certificate is believed unseen.
    pub insecure: Option<bool>,
    /// The name in the API server's certificate, where it is not the host's.
    pub tls_server_name: Option<String>,
    /// URL of a proxy that leads to the API server: http, https or socks5. It may hold a password. An https proxy is
    /// verified by the authorities that the API server is verified by.
    pub proxy_url: Option<SecretText>,
    /// A kubeconfig file.
    pub config_path: Option<String>,
    /// Several kubeconfig files, merged as kubectl does: the first to say something is right.
    #[serde(deserialize_with = "null_as_default")]
    pub config_paths: Vec<String>,
    /// The context to take from the files, instead of their current one.
    pub config_context: Option<String>,
    /// The user to take from the files, instead of the context's.
    pub config_context_auth_info: Option<String>,
    /// The cluster to take from the files, instead of the context's.
    pub config_context_cluster: Option<String>,
    /// Whether the cluster that we run in is meant, and the pod's service account. `false` says nothing.
    pub in_cluster: Option<bool>,
    /// A program that prints a credential: a block that occurs at most once.
    #[serde(deserialize_with = "null_as_default")]
    pub exec: Vec<Exec>,
}

/// Settings with what the environment adds, and a note of what that is.
#[derive(Debug, Clone)]
pub struct Filled {
    /// The settings as they count.
    pub settings: Settings,
    variables: BTreeMap<&'static str, &'static str>,
}

/// A text that is never shown and is wiped when dropped.
#[derive(Clone, Default)]
pub struct SecretText(Zeroizing<String>);

/// An attribute as an error names it, with the variable that filled it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The attribute of the block.
    pub attribute: &'static str,
    /// The environment variable it comes from; `None` when the configuration says it.
    pub variable: Option<&'static str>,
}

/// The environment, as a function of a variable's name.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The time, each time that it is asked for.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

impl Settings {
    /// Fills what is null from `KUBE_*`, but nothing where EKS is named, which says all of it; and never makes a
    /// contradiction: a target from the environment only where the configuration names none, a credential of another
    /// kind likewise, a context only beside a kubeconfig.
    ///
    /// # Errors
    /// When `KUBE_INSECURE` is no boolean.
    pub fn with_environment(&self, environment: Environment<'_>) -> Result<Filled, SettingsError> {
        let mut filled = Filled::from(self.clone());
        if self.names_eks() {
            return Ok(filled);
        }
        filled.fill_target(environment);
        filled.fill_credential(environment);
        filled.fill_trust(environment)?;
        filled.fill(
            "tls_server_name",
            "KUBE_TLS_SERVER_NAME",
            environment,
            |s| &mut s.tls_server_name,
        );
        filled.fill("proxy_url", "KUBE_PROXY_URL", environment, |s| {
            &mut s.proxy_url
        });
        Ok(filled)
    }

    /// Every attribute that is one text.
    pub(super) fn texts(&self) -> [(&'static str, Option<&str>); 15] {
        [
            ("eks_cluster_name", self.eks_cluster_name.as_deref()),
            ("eks_cluster_arn", self.eks_cluster_arn.as_deref()),
            ("host", self.host.as_deref()),
            ("username", self.username.as_deref()),
            ("password", self.password.as_ref().map(SecretText::expose)),
            ("token", self.token.as_ref().map(SecretText::expose)),
            ("client_certificate", self.client_certificate.as_deref()),
            (
                "client_key",
                self.client_key.as_ref().map(SecretText::expose),
            ),
            (
                "cluster_ca_certificate",
                self.cluster_ca_certificate.as_deref(),
            ),
            ("tls_server_name", self.tls_server_name.as_deref()),
            ("proxy_url", self.proxy_url.as_ref().map(SecretText::expose)),
            ("config_path", self.config_path.as_deref()),
            ("config_context", self.config_context.as_deref()),
            (
                "config_context_auth_info",
                self.config_context_auth_info.as_deref(),
            ),
            (
                "config_context_cluster",
                self.config_context_cluster.as_deref(),
            ),
        ]
    }

    /// Whether a cluster of EKS is the target.
    fn names_eks(&self) -> bool {
        self.eks_cluster_name.is_some() || self.eks_cluster_arn.is_some()
    }

    /// Whether the cluster around us is the target.
    pub(super) fn is_in_cluster(&self) -> bool {
        self.in_cluster == Some(true)
    }

    /// Whether kubeconfig files are the target.
    fn names_files(&self) -> bool {
        self.config_path.is_some() || !self.config_paths.is_empty()
    }
}

impl From<Settings> for Filled {
    /// Settings to which nothing is added.
    fn from(settings: Settings) -> Self {
        Self {
            settings,
            variables: BTreeMap::new(),
        }
    }
}

impl Filled {
    /// The attribute as an error names it.
    pub(super) fn named(&self, attribute: &'static str) -> Named {
        Named {
            attribute,
            variable: self.variables.get(attribute).copied(),
        }
    }

    fn fill_target(&mut self, environment: Environment<'_>) {
        if self.settings.host.is_none()
            && !self.settings.names_files()
            && !self.settings.is_in_cluster()
        {
            self.fill("host", "KUBE_HOST", environment, |s| &mut s.host);
            self.fill("config_path", "KUBE_CONFIG_PATH", environment, |s| {
                &mut s.config_path
            });
            if let Some(list) = present(environment, "KUBE_CONFIG_PATHS") {
                let paths = std::env::split_paths(&list).filter(|path| path != Path::new(""));
                self.settings.config_paths = paths
                    .map(|path| path.to_string_lossy().into_owned())
                    .collect();
                self.variables.insert("config_paths", "KUBE_CONFIG_PATHS");
            }
        }
        if self.settings.names_files() {
            self.fill("config_context", "KUBE_CTX", environment, |s| {
                &mut s.config_context
            });
            let (user, cluster) = ("config_context_auth_info", "config_context_cluster");
            self.fill(user, "KUBE_CTX_AUTH_INFO", environment, |s| {
                &mut s.config_context_auth_info
            });
            self.fill(cluster, "KUBE_CTX_CLUSTER", environment, |s| {
                &mut s.config_context_cluster
            });
        }
    }

    fn fill_credential(&mut self, environment: Environment<'_>) {
        let token = self.settings.token.is_some();
        let identity =
            self.settings.client_certificate.is_some() || self.settings.client_key.is_some();
        let basic = self.settings.username.is_some() || self.settings.password.is_some();
        let none = !token && !identity && !basic && self.settings.exec.is_empty();
        if none || token {
            self.fill("token", "KUBE_TOKEN", environment, |s| &mut s.token);
        }
        if none || identity {
            let (certificate, key) = ("client_certificate", "client_key");
            self.fill(certificate, "KUBE_CLIENT_CERT_DATA", environment, |s| {
                &mut s.client_certificate
            });
            self.fill(key, "KUBE_CLIENT_KEY_DATA", environment, |s| {
                &mut s.client_key
            });
        }
        if none || basic {
            self.fill("username", "KUBE_USER", environment, |s| &mut s.username);
            self.fill("password", "KUBE_PASSWORD", environment, |s| {
                &mut s.password
            });
        }
    }

    fn fill_trust(&mut self, environment: Environment<'_>) -> Result<(), SettingsError> {
        let variable = "KUBE_INSECURE";
        if let Some(got) = present(environment, variable)
            && self.settings.insecure.is_none()
            && self.settings.cluster_ca_certificate.is_none()
        {
            let insecure = parse_bool(&got).ok_or(SettingsError::NotABoolean { variable, got })?;
            self.settings.insecure = Some(insecure);
            self.variables.insert("insecure", variable);
        }
        if self.settings.insecure != Some(true) || self.variables.contains_key("insecure") {
            let (attribute, variable) = ("cluster_ca_certificate", "KUBE_CLUSTER_CA_CERT_DATA");
            self.fill(attribute, variable, environment, |s| {
                &mut s.cluster_ca_certificate
            });
        }
        Ok(())
    }

    fn fill<T: From<String>>(
        &mut self,
        attribute: &'static str,
        variable: &'static str,
        environment: Environment<'_>,
        place: fn(&mut Settings) -> &mut Option<T>,
    ) {
        if place(&mut self.settings).is_none()
            && let Some(value) = present(environment, variable)
        {
            *place(&mut self.settings) = Some(value.into());
            self.variables.insert(attribute, variable);
        }
    }
}

impl SecretText {
    /// The text itself, for those who must read it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.attribute)?;
        self.variable
            .map_or(Ok(()), |variable| write!(f, " (from {variable})"))
    }
}

/// A variable that is set but empty says nothing.
pub(super) fn present(environment: Environment<'_>, variable: &str) -> Option<String> {
    environment(variable).filter(|value| !value.is_empty())
}

/// As Go reads booleans, since users carry these variables over from Go providers.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment<'a>(
        variables: &'a [(&'a str, &'a str)],
    ) -> impl Fn(&str) -> Option<String> + use<'a> {
        |name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    fn filled(settings: &Settings, variables: &[(&str, &str)]) -> Settings {
        settings
            .with_environment(&environment(variables))
            .unwrap()
            .settings
    }

    const EVERYTHING: &[(&str, &str)] = &[
        ("KUBE_HOST", "https://env"),
        ("KUBE_USER", "u"),
        ("KUBE_PASSWORD", "p"),
        ("KUBE_INSECURE", "true"),
        ("KUBE_TLS_SERVER_NAME", "sni"),
        ("KUBE_CLIENT_CERT_DATA", "cert"),
        ("KUBE_CLIENT_KEY_DATA", "key"),
        ("KUBE_CLUSTER_CA_CERT_DATA", "ca"),
        ("KUBE_CONFIG_PATH", "/one"),
        ("KUBE_CONFIG_PATHS", "/one:/two"),
        ("KUBE_CTX", "context"),
        ("KUBE_CTX_AUTH_INFO", "user"),
        ("KUBE_CTX_CLUSTER", "cluster"),
        ("KUBE_TOKEN", "token"),
        ("KUBE_PROXY_URL", "http://proxy"),
    ];

    #[test]
    fn every_variable_fills_its_attribute_where_nothing_is_said() {
        let all = filled(&Settings::default(), EVERYTHING);
        let texts = [
            all.host,
            all.username,
            all.tls_server_name,
            all.client_certificate,
            all.cluster_ca_certificate,
            all.config_path,
            all.config_context,
            all.config_context_auth_info,
            all.config_context_cluster,
        ];
        let expected = [
            "https://env",
            "u",
            "sni",
            "cert",
            "ca",
            "/one",
            "context",
            "user",
            "cluster",
        ];
        assert_eq!(texts.map(Option::unwrap), expected);
        let secrets = [all.password, all.client_key, all.token, all.proxy_url];
        assert_eq!(
            secrets.map(|text| text.unwrap().expose().to_owned()),
            ["p", "key", "token", "http://proxy"]
        );
        assert_eq!(
            (all.insecure, all.config_paths),
            (Some(true), vec!["/one".to_owned(), "/two".to_owned()])
        );
        let said = Settings::default()
            .with_environment(&environment(EVERYTHING))
            .unwrap();
        assert_eq!(said.variables.len(), EVERYTHING.len());
        assert_eq!(said.named("host").to_string(), "host (from KUBE_HOST)");
    }

    #[test]
    fn a_target_that_is_said_is_the_only_one() {
        let host = Settings {
            host: Some("https://said".to_owned()),
            ..Settings::default()
        };
        let host = filled(&host, EVERYTHING);
        assert_eq!(host.host.as_deref(), Some("https://said"));
        assert!(!host.names_files() && host.config_context.is_none());
        let files = Settings {
            config_path: Some("/said".to_owned()),
            ..Settings::default()
        };
        let files = filled(&files, EVERYTHING);
        assert_eq!(
            (files.host, files.config_path.as_deref()),
            (None, Some("/said"))
        );
        assert!(files.config_paths.is_empty());
        assert_eq!(files.config_context.as_deref(), Some("context"));
    }

    #[test]
    fn a_credential_that_is_said_is_completed_but_gets_no_rival() {
        let half = Settings {
            client_certificate: Some("said".to_owned()),
            ..Settings::default()
        };
        let half = filled(&half, EVERYTHING);
        assert_eq!(half.client_certificate.as_deref(), Some("said"));
        assert!(half.client_key.is_some());
        assert!(half.token.is_none() && half.username.is_none() && half.password.is_none());
    }

    #[test]
    fn trust_that_is_said_is_not_contradicted() {
        let ca = Settings {
            cluster_ca_certificate: Some("said".to_owned()),
            ..Settings::default()
        };
        assert_eq!(filled(&ca, EVERYTHING).insecure, None);
        let insecure = Settings {
            insecure: Some(true),
            ..Settings::default()
        };
        assert_eq!(filled(&insecure, EVERYTHING).cluster_ca_certificate, None);
        let secure = Settings {
            insecure: Some(false),
            ..Settings::default()
        };
        let secure = filled(&secure, EVERYTHING);
        assert_eq!(
            (secure.insecure, secure.cluster_ca_certificate.as_deref()),
            (Some(false), Some("ca"))
        );
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        let empty = [("KUBE_HOST", ""), ("KUBE_INSECURE", "")];
        let said = Settings::default()
            .with_environment(&environment(&empty))
            .unwrap();
        assert!(said.variables.is_empty() && said.settings.host.is_none());
    }

    #[test]
    fn kubeconfig_and_in_cluster_variables_are_not_looked_at() {
        let asked = std::cell::RefCell::new(Vec::new());
        let spy = |name: &str| -> Option<String> {
            asked.borrow_mut().push(name.to_owned());
            None
        };
        Settings::default().with_environment(&spy).unwrap();
        assert!(
            asked.borrow().iter().all(|name| name.starts_with("KUBE_")),
            "{asked:?}"
        );
    }

    #[test]
    fn a_boolean_is_read_as_go_reads_it_or_refused() {
        let insecure = |text| {
            Settings::default()
                .with_environment(&environment(&[("KUBE_INSECURE", text)]))
                .map(|s| s.settings.insecure)
        };
        assert_eq!(insecure("T").unwrap(), Some(true));
        assert_eq!(insecure("0").unwrap(), Some(false));
        let refused = insecure("yes").unwrap_err().to_string();
        assert_eq!(
            refused,
            "KUBE_INSECURE: expected true or false, got \"yes\""
        );
    }

    #[test]
    fn a_block_is_read_and_shows_no_secret() {
        let json = r#"{"host": "https://a", "token": "hunter2", "password": "hunter2", "client_key": "hunter2",
            "proxy_url": "http://u:hunter2@p", "config_paths": null, "insecure": null}"#;
        let read: Settings = serde_json::from_str(json).unwrap();
        assert_eq!(read.token.as_ref().unwrap().expose(), "hunter2");
        assert!(!format!("{read:?}").contains("hunter2"));
    }
}
