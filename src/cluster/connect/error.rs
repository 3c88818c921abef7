//! Why settings do not lead to a cluster.

use super::address::BadAddress;
use super::exec::BadProgram;
use super::in_cluster::NotInCluster;
use super::kubeconfig::BadKubeconfig;
use super::pem::NotPem;
use super::proxy::BadProxy;
use super::settings::Named;

/// Why settings do not lead to a cluster; names the attributes to look at.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Nothing says which cluster. `KUBECONFIG`, localhost and the cluster around us are no answer.
    #[error(
        "no cluster is named: expected one of eks_cluster_name, eks_cluster_arn, host, config_path, config_paths, \
         in_cluster"
    )]
    NoTarget,
    /// More than one thing says which cluster.
    #[error(
        "expected one of eks_cluster_name, eks_cluster_arn, host, config_path, config_paths, in_cluster, got {}",
        list(named)
    )]
    ManyTargets {
        /// What does.
        named: Vec<Named>,
    },
    /// More than one credential.
    #[error(
        "expected one of token, exec, client_certificate, username, got {}",
        list(named)
    )]
    ManyCredentials {
        /// Which.
        named: Vec<Named>,
    },
    /// What EKS says by itself, beside a cluster of EKS.
    #[error("{named} cannot stand beside {eks}: EKS says it")]
    BesideEks {
        /// What names the cluster.
        eks: Named,
        /// What stands beside it.
        named: Named,
    },
    /// An endpoint or authority that EKS told, and that cannot be used.
    #[error("EKS describes the cluster in a way that cannot be used: {why}")]
    OddCluster {
        /// What is wrong.
        why: String,
    },
    /// One half of a pair.
    #[error("{has} needs {lacks} as well")]
    Half {
        /// The half that is there.
        has: Named,
        /// The attribute that is missing.
        lacks: &'static str,
    },
    /// An attribute that is set to nothing: whoever means nothing says null.
    #[error("{named} is empty, expected a value or null")]
    Empty {
        /// Which.
        named: Named,
    },
    /// A choice within kubeconfig files, without files.
    #[error("{named} has a meaning only with config_path or config_paths")]
    WithoutFiles {
        /// Which.
        named: Named,
    },
    /// Both an authority to verify, and the wish not to verify.
    #[error("{insecure} contradicts {authority}")]
    InsecureWithAuthority {
        /// `insecure`.
        insecure: Named,
        /// `cluster_ca_certificate`.
        authority: Named,
    },
    /// An environment variable that should be a boolean.
    #[error("{variable}: expected true or false, got {got:?}")]
    NotABoolean {
        /// The variable.
        variable: &'static str,
        /// Its value.
        got: String,
    },
    /// An address that is none, or one without TLS.
    #[error("{from}: {why}")]
    BadAddress {
        /// `host`, or the server of a kubeconfig's cluster.
        from: String,
        /// Why.
        why: BadAddress,
    },
    /// A name that no certificate can have.
    #[error("tls_server_name: expected a DNS name or an IP address, got {got:?}")]
    BadServerName {
        /// What was written.
        got: String,
    },
    /// A proxy that is none.
    #[error("{from}: {why}")]
    BadProxy {
        /// `proxy_url`, the variable, or the proxy-url of a kubeconfig's cluster.
        from: String,
        /// Why.
        why: BadProxy,
    },
    /// A certificate or key that is none.
    #[error("{named}: {why}")]
    BadPem {
        /// Which.
        named: Named,
        /// Why.
        why: NotPem,
    },
    /// A token that cannot be sent in a header.
    #[error("{named}: expected a token of printable characters")]
    BadToken {
        /// Which.
        named: Named,
    },
    /// A program that cannot be run like that.
    #[error("exec: {why}")]
    BadExec {
        /// Why.
        why: BadProgram,
    },
    /// No cluster around us, or none that we may speak to.
    #[error("in_cluster: {why}")]
    NotInCluster {
        /// Why.
        why: NotInCluster,
    },
    /// Kubeconfig files that do not lead to a cluster.
    #[error("{named}: {why}")]
    Kubeconfig {
        /// `config_path` or `config_paths`.
        named: Named,
        /// Why.
        why: Box<BadKubeconfig>,
    },
}

fn list(named: &[Named]) -> String {
    named
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" and ")
}
