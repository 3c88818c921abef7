//! One life of an istiod: a directory with its files, and the program until it is killed.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::{Duration, Instant};

use serde_json::json;

use super::http;
use super::mount::{Files, Mount};
use crate::parts::{self, ISTIOD, PartError};
use crate::process::{Daemon, clean, guarded};

/// Why there is no istiod.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program is missing.
    #[error(transparent)]
    Part(#[from] PartError),
    /// Its directory cannot be used.
    #[error("istiod's files cannot be made in {dir}: {source}")]
    Files {
        /// Where.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It ended instead of serving.
    #[error("istiod ended ({status}) before it was ready; its last words:\n{last_words}")]
    Ended {
        /// How.
        status: process::ExitStatus,
        /// The end of its log.
        last_words: String,
    },
    /// It runs and does not become ready.
    #[error("istiod was not ready after {} s:\n{last_words}", READY.as_secs())]
    NotReady {
        /// The end of its log.
        last_words: String,
    },
}

/// A running istiod and what belongs to this life of it alone.
#[derive(Debug)]
pub(in crate::istio) struct Pod {
    pub(in crate::istio) mount: Mount,
    /// Where it serves `/ready`, and `/metrics` if it has no other address for that.
    pub(super) http: String,
    /// Where it signs for workloads, by TLS.
    pub(super) grpc: String,
    daemon: Option<Daemon>,
}

const READY: Duration = Duration::from_secs(60);
const LAST_WORDS: usize = 40;

/// What Kubernetes gives a pod to end by itself.
const GRACE: Duration = Duration::from_secs(30);

/// What it logs when it listens, before the address.
const HTTP: &str = "starting HTTP service at ";
const GRPC: &str = "starting secure gRPC discovery service at ";

/// The program, built first if it is not there, away from the runtime's own threads.
pub(in crate::istio) async fn program() -> Result<PathBuf, PartError> {
    match tokio::task::spawn_blocking(|| ISTIOD.path()).await {
        Ok(found) => found,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// What all lives of one istiod have in common.
#[derive(Clone, Debug)]
pub(in crate::istio) struct Deployment {
    pub(in crate::istio) program: PathBuf,
    pub(in crate::istio) namespace: String,
    /// The pod's name. It stays the same through all lives, so that it leads again at once where it
    /// led before.
    pub(in crate::istio) name: String,
    /// The pod's address with the ports that istiod has in a cluster; without one, the kernel
    /// chooses ports on the loopback address.
    pub(in crate::istio) address: Option<Ipv4Addr>,
    /// Of somebody whom nothing is refused.
    pub(in crate::istio) kubeconfig: PathBuf,
    /// More environment variables.
    pub(in crate::istio) settings: Vec<(String, String)>,
}

impl Deployment {
    /// Starts the `number`th life with these files and waits until it is ready.
    pub(in crate::istio) async fn pod(
        &self,
        number: usize,
        files: Files,
    ) -> Result<Pod, StartError> {
        let place = format!("{}-{}-{}", self.name, self.namespace, process::id());
        let dir = parts::target_dir()
            .join("stories")
            .join(place)
            .join(number.to_string());
        let failed = |source| StartError::Files {
            dir: dir.clone(),
            source,
        };
        let mount = Mount::new(&dir.join("etc/cacerts"), files).map_err(failed)?;
        self.write_mesh_config(&dir).map_err(failed)?;
        let mut daemon =
            Daemon::start(&mut self.command(&dir), &dir.join("log")).map_err(failed)?;
        let (http, grpc) = until_ready(&mut daemon).await?;
        Ok(Pod {
            mount,
            http,
            grpc,
            daemon: Some(daemon),
        })
    }

    /// It would otherwise publish its roots in the namespaces of other stories, too, whenever they
    /// change: to watch one namespace only is not enough against that.
    fn write_mesh_config(&self, dir: &Path) -> io::Result<()> {
        let here = json!({"matchLabels": {"kubernetes.io/metadata.name": self.namespace}});
        let config = dir.join("etc/istio/config");
        fs::create_dir_all(&config)?;
        fs::write(
            config.join("mesh"),
            json!({"discoverySelectors": [here]}).to_string(),
        )
    }

    /// Where it listens is found in the log.
    fn command(&self, dir: &Path) -> Command {
        let mut command = guarded(&self.program, Some(dir));
        clean(&mut command, dir);
        command
            .current_dir(dir)
            .env("POD_NAMESPACE", &self.namespace)
            .env("ISTIO_WATCH_NAMESPACE", &self.namespace)
            .envs([
                ("POD_NAME", self.name.as_str()),
                ("REVISION", "default"),
                ("CLUSTER_ID", "Kubernetes"),
                ("PILOT_CERT_PROVIDER", "istiod"),
                ("INJECT_ENABLED", "false"),
                ("VALIDATION_WEBHOOK_CONFIG_NAME", ""),
            ])
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .args(["discovery", "--kubeconfig"])
            .arg(&self.kubeconfig)
            .args(self.addresses())
            .args(["--httpsAddr=", "--grpcAddr="])
            .args(["--ctrlz_address=127.0.0.1", "--ctrlz_port=0"]);
        command
    }

    fn addresses(&self) -> [String; 3] {
        let (http, grpc, monitoring) = match self.address {
            Some(pod) => (
                format!("{pod}:8080"),
                format!("{pod}:15012"),
                format!("{pod}:15014"),
            ),
            // Of one port less, it serves its metrics with the rest.
            None => ("127.0.0.1:0".into(), "127.0.0.1:0".into(), String::new()),
        };
        [
            format!("--httpAddr={http}"),
            format!("--secureGRPCAddr={grpc}"),
            format!("--monitoringAddr={monitoring}"),
        ]
    }
}

impl Pod {
    /// Ends it at once; its log is gone with it.
    pub(super) fn kill(&mut self) {
        self.daemon = None;
    }

    /// Lets it say goodbye, as kubelet does, and ends it after that, or at the deadline.
    pub(in crate::istio) async fn terminate(mut self) {
        if let Some(daemon) = &mut self.daemon {
            daemon.terminate(GRACE).await;
        }
    }

    /// How it ended, when it has.
    pub(in crate::istio) fn ended(&mut self) -> Option<process::ExitStatus> {
        self.daemon.as_mut()?.ended()
    }

    /// Its log so far.
    pub(in crate::istio) fn words(&self) -> String {
        self.daemon.as_ref().map(Daemon::words).unwrap_or_default()
    }

    /// The end of its log.
    pub(in crate::istio) fn last_words(&self) -> String {
        let words = |daemon: &Daemon| daemon.last_words(LAST_WORDS);
        self.daemon.as_ref().map(words).unwrap_or_default()
    }
}

/// The two addresses at which it serves, once it says that it is ready.
async fn until_ready(daemon: &mut Daemon) -> Result<(String, String), StartError> {
    let end = Instant::now() + READY;
    loop {
        let words = daemon.words();
        if let (Some(http), Some(grpc)) = (address(&words, HTTP), address(&words, GRPC))
            && let Ok(Some(_)) = http::page(&http, "/ready").await
        {
            return Ok((http, grpc));
        }
        if let Some(status) = daemon.ended() {
            let last_words = daemon.last_words(LAST_WORDS);
            return Err(StartError::Ended { status, last_words });
        }
        if Instant::now() > end {
            let last_words = daemon.last_words(LAST_WORDS);
            return Err(StartError::NotReady { last_words });
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What follows these words in the log, when that line is complete.
fn address(log: &str, words: &str) -> Option<String> {
    let (_, after) = log.split_once(words)?;
    let (address, _) = after.split_once('\n')?;
    Some(address.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_from_a_whole_line_only() {
        let log = format!("a\nnow\tinfo\t{HTTP}127.0.0.1:40745\nb\n");
        assert_eq!(address(&log, HTTP).as_deref(), Some("127.0.0.1:40745"));
        assert_eq!(address(&log, GRPC), None);
        assert_eq!(address(&format!("{HTTP}127.0.0.1:40"), HTTP), None);
    }
}
