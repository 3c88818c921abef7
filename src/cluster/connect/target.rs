//! A cluster to talk to, with everything decided: address, trust, credential, proxy.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Uri;
use zeroize::Zeroizing;

use super::fingerprint::Fingerprint;
use super::proxy::Proxy;
use super::settings::SecretText;
use crate::cluster::door::{ClientIdentity, Issuer};

/// Where a cluster is and how to sign in; `Debug` shows no credential.
#[derive(Debug, Clone)]
pub struct Target {
    /// Scheme, host, port, and the path in front of the API's own.
    pub(super) server: Uri,
    pub(super) trust: Trust,
    pub(super) tls_server_name: Option<String>,
    pub(super) credential: Credential,
    pub(super) impersonation: Option<Impersonation>,
    pub(super) proxy: Option<Proxy>,
    pub(super) reach: Reach,
}

/// From where an API server can be reached, as far as somebody has said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reach {
    /// Nobody has.
    #[default]
    Unsaid,
    /// Only from inside the cluster's network.
    Inside,
    /// From these blocks of addresses.
    From(Vec<String>),
}

/// What makes the API server's certificate believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing is checked.
    Anything,
    /// The authorities that this machine trusts.
    #[default]
    System,
    /// These authorities, DER, sorted, each once.
    Authorities(Vec<Vec<u8>>),
}

/// How we sign in.
#[derive(Debug, Clone, Default)]
pub(super) enum Credential {
    /// As nobody.
    #[default]
    None,
    /// By a bearer token.
    Token(SecretText),
    /// By a certificate; both PEM.
    Certificate {
        chain: Zeroizing<String>,
        key: SecretText,
    },
    /// By name and password.
    Basic {
        username: String,
        password: SecretText,
    },
    /// By what somebody issues for a while, and issues anew.
    Issued(Arc<dyn Issuer>),
}

/// As whom a kubeconfig's user wants to be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Impersonation {
    pub(super) user: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) extra: BTreeMap<String, Vec<String>>,
}

impl Target {
    /// Host and port, for messages.
    pub fn host(&self) -> String {
        format!("{}:{}", bare_host(&self.server), port(&self.server))
    }

    /// From where the API server can be reached.
    pub(in crate::cluster) fn reach(&self) -> Reach {
        self.reach.clone()
    }

    /// Who issues the credential, where it does not last.
    pub(in crate::cluster) fn issuer(&self) -> Option<Arc<dyn Issuer>> {
        match &self.credential {
            Credential::Issued(issuer) => Some(Arc::clone(issuer)),
            _ => None,
        }
    }

    /// The same, signed in to by that certificate.
    pub(in crate::cluster) fn with(&self, identity: ClientIdentity) -> Self {
        let ClientIdentity { chain, key } = identity;
        Self {
            credential: Credential::Certificate { chain, key },
            ..self.clone()
        }
    }

    /// Which cluster this is: by its authorities, if they are verified and stand for this cluster alone.
    ///
    /// A server with a path is a gateway to many clusters, and its authorities are the gateway's.
    pub fn fingerprint(&self) -> Fingerprint {
        let path = self.server.path().trim_end_matches('/');
        match &self.trust {
            Trust::Authorities(sorted) if path.is_empty() => Fingerprint::of_authorities(sorted),
            _ => Fingerprint::Host(format!("{}{path}", self.host())),
        }
    }
}

/// The host in lower case, without the dot that ends a fully qualified name.
fn bare_host(server: &Uri) -> String {
    server
        .host()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_ascii_lowercase()
}

fn port(server: &Uri) -> u16 {
    let standard = if server.scheme_str() == Some("http") {
        80
    } else {
        443
    };
    server.port_u16().unwrap_or(standard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::connect::pem;
    use crate::cluster::connect::samples::{CA_ONE, CA_ONE_SHA256, CA_TWO};

    fn target(server: &str, trust: Trust) -> Target {
        Target {
            server: server.parse().unwrap(),
            trust,
            tls_server_name: None,
            credential: Credential::default(),
            impersonation: None,
            proxy: None,
            reach: Reach::default(),
        }
    }

    fn trusting(text: &str) -> Trust {
        Trust::Authorities(pem::authorities(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_cluster_is_known_by_its_authority_whatever_its_address() {
        let by_name = target("https://api.example.com", trusting(CA_ONE)).fingerprint();
        let by_ip = target("https://10.0.0.1:6443", trusting(CA_ONE)).fingerprint();
        assert_eq!(by_name.to_string(), format!("ca:sha256:{CA_ONE_SHA256}"));
        assert_eq!(by_name, by_ip);
        assert_ne!(
            by_name,
            target("https://api.example.com", trusting(&CA_TWO)).fingerprint()
        );
    }

    #[test]
    fn the_order_of_authorities_makes_no_other_cluster() {
        let there = target("https://a", trusting(&format!("{CA_ONE}{}", *CA_TWO))).fingerprint();
        let back = target(
            "https://a",
            trusting(&format!("{}\n{CA_ONE}{CA_ONE}", *CA_TWO)),
        )
        .fingerprint();
        assert_eq!(there, back);
    }

    #[test]
    fn without_an_authority_of_its_own_a_cluster_is_known_by_its_address() {
        let host = |server, trust| target(server, trust).fingerprint().to_string();
        assert_eq!(
            host("https://API.example.com.", Trust::System),
            "host:api.example.com:443"
        );
        assert_eq!(
            host("https://api.example.com:443/", Trust::Anything),
            "host:api.example.com:443"
        );
        assert_eq!(host("http://127.0.0.1", Trust::System), "host:127.0.0.1:80");
        assert_eq!(host("https://[::1]:6443", Trust::System), "host:[::1]:6443");
    }

    #[test]
    fn behind_a_gateway_the_path_tells_clusters_apart() {
        let one = target(
            "https://rancher.example.com/k8s/clusters/c-1",
            trusting(CA_ONE),
        )
        .fingerprint();
        let two = target(
            "https://rancher.example.com/k8s/clusters/c-2/",
            trusting(CA_ONE),
        )
        .fingerprint();
        assert_eq!(
            one.to_string(),
            "host:rancher.example.com:443/k8s/clusters/c-1"
        );
        assert_ne!(one, two);
    }
}
