//! From an empty directory to a ready API server.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

use super::ApiServer;
use super::audit::write_policy;
use super::identity::{Identity, users, write_users};
use super::programs::{Ports, Programs};
use super::webhook::Webhook;
use crate::parts::PartError;
use crate::process::Daemon;

/// Why there is no API server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A program is missing.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The directory cannot be used.
    #[error("the API server's files cannot be made in {dir}: {source}")]
    Files {
        /// Where.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its keys or certificates cannot be made.
    #[error("the API server's certificates cannot be made: {0}")]
    Certificates(#[from] rcgen::Error),
    /// It ended instead of serving.
    #[error(
        "{program} ended ({status}) before the API server was ready; its last words:\n{last_words}"
    )]
    Ended {
        /// Which of the two.
        program: &'static str,
        /// How.
        status: std::process::ExitStatus,
        /// The end of its log.
        last_words: String,
    },
    /// It runs and does not become ready.
    #[error("the API server was not ready after {} s:\n{last_words}", READY.as_secs())]
    NotReady {
        /// The end of its log, and what the last question was answered.
        last_words: String,
    },
}

const READY: Duration = Duration::from_secs(120);
const LAST_WORDS: usize = 25;

/// A port that was free may be taken before the server binds it.
const ATTEMPTS: usize = 3;

pub(super) async fn start(dir: &Path) -> Result<ApiServer, StartError> {
    let programs = Programs::find().await?;
    let mut attempt = 1;
    loop {
        // In a place of its own, since what the attempt before it left is still being removed.
        match launch(&programs, &dir.join(attempt.to_string())).await {
            Err(StartError::Ended { .. }) if attempt < ATTEMPTS => attempt += 1,
            result => return result,
        }
    }
}

async fn launch(programs: &Programs, dir: &Path) -> Result<ApiServer, StartError> {
    let files = |source| StartError::Files {
        dir: dir.to_owned(),
        source,
    };
    let identity = Identity::generate()?;
    let (admin, users) = users().map_err(files)?;
    let webhook = Webhook::start().map_err(files)?;
    identity
        .write(dir)
        .and_then(|()| write_users(dir, &admin, &users))
        .and_then(|()| write_policy(dir))
        .and_then(|()| webhook.write(dir))
        .map_err(files)?;
    let ports = Ports::free().map_err(files)?;
    let daemon = |mut command, log| Daemon::start(&mut command, &dir.join(log)).map_err(files);
    let etcd = daemon(programs.etcd(dir, &ports), "etcd.log")?;
    let server = daemon(programs.server(dir, &ports), "server.log")?;
    let mut server = ApiServer {
        url: format!("https://127.0.0.1:{}", ports.server),
        ca_pem: identity.ca_pem,
        clients: identity.clients,
        webhook,
        dir: dir.to_owned(),
        kubectl: programs.kubectl.clone(),
        admin,
        users,
        handed_out: AtomicUsize::new(0),
        named: AtomicUsize::new(0),
        controllers: OnceCell::const_new(),
        daemons: [("kube-apiserver", server), ("etcd", etcd)],
    };
    until_ready(&mut server).await?;
    Ok(server)
}

async fn until_ready(server: &mut ApiServer) -> Result<(), StartError> {
    let end = Instant::now() + READY;
    loop {
        // The server listens long before it answers.
        let answer = server
            .kubectl(&["get", "--raw", "/readyz", "--request-timeout=2s"])
            .await;
        if answer.stdout() == "ok" {
            return Ok(());
        }
        for (program, daemon) in &mut server.daemons {
            if let Some(status) = daemon.ended() {
                let last_words = daemon.last_words(LAST_WORDS);
                return Err(StartError::Ended {
                    program,
                    status,
                    last_words,
                });
            }
        }
        if Instant::now() > end {
            let [(_, daemon), _] = &server.daemons;
            let last_words = format!("{}\n{answer}", daemon.last_words(LAST_WORDS));
            return Err(StartError::NotReady { last_words });
        }
    }
}
