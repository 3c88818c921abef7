//! The programs of an API server and the flags that they take.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::audit::{AUDIT_LOG, AUDIT_POLICY};
use super::identity::{
    ACCOUNTS_KEY, ACCOUNTS_PUBLIC, CLIENT_CA_FILE, SERVER_CERTIFICATE, SERVER_KEY, USERS_FILE,
};
use super::webhook::WEBHOOK_FILE;
use crate::parts::{self, PartError};
use crate::process::{clean, guarded};

/// Where the three programs are.
pub(super) struct Programs {
    etcd: PathBuf,
    server: PathBuf,
    pub(super) kubectl: PathBuf,
}

impl Programs {
    /// Builds what is not there, which can take minutes, away from the runtime's own threads.
    pub(super) async fn find() -> Result<Self, PartError> {
        let find = || {
            Ok(Self {
                etcd: parts::ETCD.path()?,
                server: parts::KUBE_APISERVER.path()?,
                kubectl: parts::KUBECTL.path()?,
            })
        };
        match tokio::task::spawn_blocking(find).await {
            Ok(found) => found,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }

    pub(super) fn etcd(&self, dir: &Path, ports: &Ports) -> Command {
        let data = dir.join("etcd");
        let (client, peer) = (ports.etcd_url(), format!("http://127.0.0.1:{}", ports.peer));
        let mut command = guarded(&self.etcd, Some(&data));
        clean(&mut command, dir);
        command
            .args(["--name=tests", "--unsafe-no-fsync", "--log-level=error"])
            .arg(format!("--data-dir={}", data.display()))
            .args([
                format!("--listen-client-urls={client}"),
                format!("--advertise-client-urls={client}"),
            ])
            .args([
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
            ])
            .arg(format!("--initial-cluster=tests={peer}"));
        command
    }

    /// There is no one to make service accounts, so that admission plugin would refuse every pod.
    /// With an advertised address and nothing to reconcile, the server also starts on a machine
    /// without a route. What the webhook says is not kept, beyond the ten seconds for which the
    /// server keeps every token that it took.
    pub(super) fn server(&self, dir: &Path, ports: &Ports) -> Command {
        let file = |flag: &str, name: &str| format!("--{flag}={}", dir.join(name).display());
        let mut command = guarded(&self.server, Some(dir));
        clean(&mut command, dir);
        command
            .arg(format!("--etcd-servers={}", ports.etcd_url()))
            .args([
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
            ])
            .arg(format!("--secure-port={}", ports.server))
            .args([
                file("tls-cert-file", SERVER_CERTIFICATE),
                file("tls-private-key-file", SERVER_KEY),
            ])
            .arg(file("service-account-key-file", ACCOUNTS_PUBLIC))
            .arg(file("service-account-signing-key-file", ACCOUNTS_KEY))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .args([file("token-auth-file", USERS_FILE), file("cert-dir", "")])
            .arg(file("client-ca-file", CLIENT_CA_FILE))
            .arg(file(
                "authentication-token-webhook-config-file",
                WEBHOOK_FILE,
            ))
            .args([
                "--authentication-token-webhook-version=v1",
                "--authentication-token-webhook-cache-ttl=0s",
            ])
            .args([
                file("audit-policy-file", AUDIT_POLICY),
                file("audit-log-path", AUDIT_LOG),
            ])
            .args([
                "--authorization-mode=RBAC",
                "--disable-admission-plugins=ServiceAccount",
            ])
            .arg("--service-cluster-ip-range=10.0.0.0/24");
        command
    }
}

/// Ports on the loopback address.
pub(super) struct Ports {
    pub(super) server: u16,
    etcd: u16,
    peer: u16,
}

impl Ports {
    /// Three that nobody listens on now.
    pub(super) fn free() -> io::Result<Self> {
        // All are held until the last is chosen, so that they differ.
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (server, etcd, peer) = (listen()?, listen()?, listen()?);
        let port = |listener: &TcpListener| Ok::<_, io::Error>(listener.local_addr()?.port());
        Ok(Self {
            server: port(&server)?,
            etcd: port(&etcd)?,
            peer: port(&peer)?,
        })
    }

    fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd)
    }
}
