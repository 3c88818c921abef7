//! The cluster that we run in, signed in to as the pod's service account: only when asked for by name.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::kubeconfig::{ReadFile, Said};
use super::pem::{self, NotPem};
use super::settings::{Environment, present};
use super::target::{Credential, Trust};
use super::token_file::{self, TokenFile};

/// Why there is no cluster around us.
#[derive(Debug, thiserror::Error)]
pub enum NotInCluster {
    /// A variable that every pod has.
    #[error("this is no pod of a cluster: {variable} is not set")]
    NoVariable {
        /// Its name.
        variable: &'static str,
    },
    /// A port that is none.
    #[error("KUBERNETES_SERVICE_PORT: expected a port, got {got:?}")]
    BadPort {
        /// Its value.
        got: String,
    },
    /// A file that a pod with a service account has.
    #[error(
        "cannot read {}, which a pod has where automountServiceAccountToken is not false",
        path.display()
    )]
    NoFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A token file that is there and holds none.
    #[error("{} holds no token", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
    /// An authority that is none.
    #[error("{}: {source}", path.display())]
    BadAuthority {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NotPem,
    },
}

/// What Kubernetes tells its pods about the API server, and the token that it gives them. Of the parts that the block
/// says by itself nothing is read.
pub(super) fn said(
    environment: Environment<'_>,
    read_file: ReadFile<'_>,
    other_credential: bool,
    other_trust: bool,
) -> Result<Said, NotInCluster> {
    let said = Said {
        server: server(environment)?,
        ..Said::default()
    };
    let trust = if other_trust {
        Trust::default()
    } else {
        let path = Path::new(AUTHORITY);
        let bytes = load(path, read_file)?;
        let authorities = pem::authorities(&bytes);
        Trust::Authorities(authorities.map_err(|source| NotInCluster::BadAuthority {
            path: path.to_owned(),
            source,
        })?)
    };
    let credential = if other_credential {
        Credential::None
    } else {
        Credential::Issued(Arc::new(account(read_file)?))
    };
    Ok(Said {
        trust,
        means: credential.into(),
        ..said
    })
}

fn account(read_file: ReadFile<'_>) -> Result<TokenFile, NotInCluster> {
    let path = PathBuf::from(TOKEN);
    let token = token_file::token(&load(&path, read_file)?);
    match token {
        Some(token) => Ok(TokenFile::new(path, Some(token))),
        None => Err(NotInCluster::NoToken { path }),
    }
}

fn server(environment: Environment<'_>) -> Result<String, NotInCluster> {
    let variable =
        |variable| present(environment, variable).ok_or(NotInCluster::NoVariable { variable });
    let host = variable("KUBERNETES_SERVICE_HOST")?;
    let got = variable("KUBERNETES_SERVICE_PORT")?;
    let port: u16 = match got.parse() {
        Ok(port) => port,
        Err(_) => return Err(NotInCluster::BadPort { got }),
    };
    Ok(match host.parse() {
        Ok(IpAddr::V6(address)) => format!("https://[{address}]:{port}"),
        _ => format!("https://{host}:{port}"),
    })
}

fn load(path: &Path, read_file: ReadFile<'_>) -> Result<zeroize::Zeroizing<Vec<u8>>, NotInCluster> {
    let read = read_file(path).map(Into::into);
    read.map_err(|source| NotInCluster::NoFile {
        path: path.to_owned(),
        source,
    })
}

const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const AUTHORITY: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::connect::credential::Means;
    use crate::cluster::connect::samples::CA_ONE;

    const POD: &[(&str, &str)] = &[
        ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ];

    fn in_pod(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Said, NotInCluster> {
        let environment = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let read_file = |path: &Path| {
            let found = files.iter().find(|(known, _)| Path::new(known) == path);
            let text = found.map(|(_, text)| text.as_bytes().to_vec());
            text.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        said(&environment, &read_file, false, false)
    }

    fn files() -> Vec<(&'static str, &'static str)> {
        vec![(TOKEN, "t0ken\n"), (AUTHORITY, CA_ONE)]
    }

    #[test]
    fn a_pod_knows_its_server_its_authority_and_its_token() {
        let said = in_pod(POD, &files()).unwrap();
        assert_eq!(said.server, "https://10.96.0.1:443");
        assert!(matches!(said.trust, Trust::Authorities(ders) if ders.len() == 1));
        let Means::Credential(Credential::Issued(issuer)) = said.means else {
            panic!("expected an issuer, got {:?}", said.means);
        };
        assert_eq!(
            format!("{issuer:?}"),
            "TokenFile(/var/run/secrets/kubernetes.io/serviceaccount/token)"
        );
    }

    #[test]
    fn an_address_of_ipv6_is_put_in_brackets() {
        let six = [("KUBERNETES_SERVICE_HOST", "fd00:10:96::1"), POD[1]];
        assert_eq!(
            in_pod(&six, &files()).unwrap().server,
            "https://[fd00:10:96::1]:443"
        );
    }

    #[test]
    fn outside_of_a_pod_what_is_missing_is_named() {
        let refused = |variables: &[(&str, &str)], files: &[(&str, &str)]| {
            in_pod(variables, files).unwrap_err().to_string()
        };
        let missing = |name| format!("this is no pod of a cluster: {name} is not set");
        assert_eq!(refused(&[], &files()), missing("KUBERNETES_SERVICE_HOST"));
        assert_eq!(
            refused(&POD[..1], &files()),
            missing("KUBERNETES_SERVICE_PORT")
        );
        assert_eq!(
            refused(&[POD[0], ("KUBERNETES_SERVICE_PORT", "https")], &files()),
            "KUBERNETES_SERVICE_PORT: expected a port, got \"https\""
        );
        let folder = "/var/run/secrets/kubernetes.io/serviceaccount";
        assert_eq!(
            refused(POD, &files()[1..]),
            format!(
                "cannot read {folder}/token, which a pod has where automountServiceAccountToken is not false"
            )
        );
        assert!(refused(POD, &files()[..1]).starts_with(&format!("cannot read {folder}/ca.crt,")));
        assert_eq!(
            refused(POD, &[(TOKEN, "\n"), (AUTHORITY, CA_ONE)]),
            format!("{folder}/token holds no token")
        );
        assert_eq!(
            refused(POD, &[(TOKEN, "t"), (AUTHORITY, "no")]),
            format!("{folder}/ca.crt: expected PEM, or base64 of PEM")
        );
    }
}
