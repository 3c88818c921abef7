//! The real kube-controller-manager beside the API server, with the few controllers by which
//! Deployments roll.

use std::fs;
use std::io;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{ApiServer, identity};
use crate::parts::{KUBE_CONTROLLER_MANAGER, PartError};
use crate::process::{Daemon, clean, guarded};

/// A running kube-controller-manager, killed when it is dropped or when the test process dies.
#[derive(Debug)]
pub struct Controllers {
    daemon: Daemon,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum ControllersError {
    /// The program is missing.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Its files cannot be made.
    #[error("kube-controller-manager's files cannot be made in {dir}: {source}")]
    Files {
        /// Where.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Whom Kubernetes' own roles know as the controller manager.
const USER: &str = "system:kube-controller-manager";

/// The first two make Deployments roll; the third takes away what a deleted one has made.
const CONTROLLERS: &str =
    "--controllers=deployment-controller,replicaset-controller,garbage-collector-controller";

impl Controllers {
    /// Starts one beside the server. It has what controllers have in a cluster and no more: the roles
    /// that the server makes at its start, each controller by a service account of its own.
    ///
    /// # Errors
    ///
    /// When the program cannot be had or started.
    async fn beside(server: &ApiServer) -> Result<Self, ControllersError> {
        let program = match tokio::task::spawn_blocking(|| KUBE_CONTROLLER_MANAGER.path()).await {
            Ok(found) => found?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let dir = server.dir.join(server.unused_name("controllers"));
        let start = || {
            fs::create_dir_all(&dir)?;
            let kubeconfig = dir.join("kubeconfig");
            fs::write(&kubeconfig, server.kubeconfig_of_controllers().to_string())?;
            let mut command = guarded(&program, Some(&dir));
            clean(&mut command, &dir);
            command
                .arg(format!("--kubeconfig={}", kubeconfig.display()))
                .args([CONTROLLERS, "--use-service-account-credentials=true"])
                .args(["--leader-elect=false", "--secure-port=0"]);
            Daemon::start(&mut command, &dir.join("log"))
        };
        let daemon = start().map_err(|source| ControllersError::Files {
            dir: dir.clone(),
            source,
        })?;
        Ok(Self { daemon })
    }

    /// The end of its log.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.daemon.last_words(25)
    }
}

impl ApiServer {
    /// The controllers beside this server, started by whoever is first: a second manager would make
    /// everything twice.
    ///
    /// # Panics
    ///
    /// When they cannot be started, with the reason in words.
    pub async fn controllers(&self) -> &Controllers {
        let started = self.controllers.get_or_init(|| Controllers::beside(self));
        match started.await {
            Ok(controllers) => controllers,
            Err(error) => panic!("there are no controllers: {error}"),
        }
    }

    fn kubeconfig_of_controllers(&self) -> serde_json::Value {
        let client = self.client_certificate(USER, None);
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "controllers",
            "contexts": [{"name": "controllers",
                          "context": {"cluster": "tests", "user": "controllers"}}],
            "clusters": [{"name": "tests", "cluster": {
                "server": self.url,
                "certificate-authority": self.dir.join(identity::CA_FILE),
            }}],
            "users": [{"name": "controllers", "user": {
                "client-certificate-data": STANDARD.encode(client.certificate_pem),
                "client-key-data": STANDARD.encode(client.key_pem),
            }}],
        })
    }
}
