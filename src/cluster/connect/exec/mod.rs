//! Programs that print a credential: the exec plugins of Kubernetes, run by ourselves, under a deadline.
//!
//! Source: the reference of client.authentication.k8s.io, v1 and v1beta1, and what client-go does.

mod answer;
mod block;
mod error;
mod info;
mod run;
mod tail;

use std::fmt;
use std::process::Stdio;
use std::time::Duration;

use kube::config::{ExecConfig, ExecInteractiveMode};
use serde_json::Value;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::settings::{Clock, SecretText};
use super::target::Target;
use crate::cluster::door::{Issuer, NoPass, Obtaining, Pass};

pub use block::Exec;
pub use error::BadProgram;
pub(super) use info::Version;

use error::{Failed, Why};
use run::{Ended, Unended, run};

/// A program and how it wants to be run; `Debug` shows neither arguments nor environment.
#[derive(Clone)]
pub(super) struct Program {
    version: Version,
    command: String,
    arguments: Vec<String>,
    environment: Vec<(String, SecretText)>,
    install_hint: Option<String>,
    wants_cluster: bool,
    /// What the kubeconfig's cluster has for such programs.
    config: Option<Value>,
}

/// Runs a program for one cluster.
pub(super) struct Runner {
    program: Program,
    /// The value of `KUBERNETES_EXEC_INFO`.
    info: Zeroizing<String>,
    clock: Clock,
    patience: Duration,
}

/// As long as a person would look at it. A login that needs a browser is refused before.
const PATIENCE: Duration = Duration::from_secs(60);

impl Program {
    /// The one of the block `exec {}`.
    pub(super) fn of_block(block: &Exec) -> Result<Self, BadProgram> {
        let variables = block.env.iter();
        Self {
            version: Version::parse(block.api_version.as_deref())?,
            command: block.command.clone().unwrap_or_default(),
            arguments: block.args.clone(),
            environment: variables.map(|(k, v)| (k.clone(), v.clone())).collect(),
            install_hint: None,
            wants_cluster: false,
            config: None,
        }
        .checked()
    }

    /// The one of a kubeconfig's user; `config` is what its cluster has for such programs.
    pub(super) fn of_user(exec: &ExecConfig, config: Option<Value>) -> Result<Self, BadProgram> {
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(BadProgram::Interactive);
        }
        let variables = exec.env.iter().flatten().map(|variable| {
            let text = |key| variable.get(key).cloned().unwrap_or_default();
            (text("name"), SecretText::from(text("value")))
        });
        Self {
            version: Version::parse(exec.api_version.as_deref())?,
            command: exec.command.clone().unwrap_or_default(),
            arguments: exec.args.clone().unwrap_or_default(),
            environment: variables.collect(),
            install_hint: exec.install_hint.clone().filter(|hint| !hint.is_empty()),
            wants_cluster: exec.provide_cluster_info,
            config,
        }
        .checked()
    }

    /// What runs it to sign in to `target`.
    pub(super) fn for_target(self, target: &Target, clock: Clock) -> Runner {
        let cluster = self
            .wants_cluster
            .then(|| info::cluster(target, self.config.as_ref()));
        Runner {
            info: info::text(self.version, cluster),
            program: self,
            clock,
            patience: PATIENCE,
        }
    }

    fn checked(self) -> Result<Self, BadProgram> {
        if self.command.trim().is_empty() {
            return Err(BadProgram::NoCommand);
        }
        let names = self.environment.iter().map(|(name, _)| name);
        let bad = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
        match names.into_iter().find(bad) {
            Some(name) => Err(BadProgram::Variable { name: name.clone() }),
            None => Ok(self),
        }
    }
}

impl Runner {
    async fn pass(&self) -> Result<Pass, Failed> {
        let failed = |why| Failed {
            command: self.program.command.clone(),
            why,
        };
        let ended = run(&mut self.command(), self.patience)
            .await
            .map_err(|unended| failed(self.why(unended)))?;
        if !ended.status.success() {
            return Err(failed(self.refusal(&ended)));
        }
        answer::pass(&ended.printed, self.program.version, (self.clock)())
            .map_err(|why| failed(Why::Answer(why)))
    }

    /// The child: our environment and its own, nothing to read from, and in a group of its own, so that whatever it
    /// starts can be stopped with it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program.command);
        let variables = self.program.environment.iter();
        command
            .args(&self.program.arguments)
            .envs(variables.map(|(name, value)| (name, value.expose())))
            .env("KUBERNETES_EXEC_INFO", self.info.as_str())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    fn why(&self, unended: Unended) -> Why {
        match unended {
            Unended::NotStarted(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Why::Missing {
                    hint: self.program.install_hint.as_deref().map(tail::one_line),
                }
            }
            Unended::NotStarted(error) | Unended::Pipe(error) => Why::NotRun { source: error },
            Unended::Late { told } => Why::Late {
                patience: self.patience,
                last_words: self.last_words(&told, b""),
            },
            Unended::TooLong => Why::TooLong,
        }
    }

    fn refusal(&self, ended: &Ended) -> Why {
        Why::Ended {
            how: ended.status,
            last_words: self.last_words(&ended.told, &ended.printed),
        }
    }

    fn last_words(&self, told: &[u8], printed: &[u8]) -> String {
        let values = self.program.environment.iter();
        let values: Vec<&str> = values.map(|(_, value)| value.expose()).collect();
        tail::last_words(told, &values, printed)
    }
}

impl Issuer for Runner {
    fn obtain(&self) -> Obtaining<'_, Result<Pass, NoPass>> {
        Box::pin(async { self.pass().await.map_err(NoPass::from) })
    }

    fn principal(&self) -> Obtaining<'_, Option<String>> {
        let name = format!("the program {:?}", self.program.command);
        Box::pin(async { Some(name) })
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Program({:?}, …)", self.command)
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Runner({:?})", self.program)
    }
}

#[cfg(test)]
mod tests;
