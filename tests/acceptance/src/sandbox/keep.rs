//! The sandbox left up, for other terminals to use.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use super::served::Served;
use super::walk::DAYS;
use super::{Error, Narrator, Stage};
use crate::cli::Workdir;
use crate::process::{MEDDLING, PROXIES};

/// A stage with a provider for whoever comes, under the sandbox's clock.
pub struct Kept {
    stage: Stage,
    environment: PathBuf,
    served: Served,
}

impl Kept {
    /// Serves the provider and writes the environment by which other terminals find everything.
    ///
    /// # Errors
    ///
    /// When the provider cannot be served, or the target directory not be written.
    pub async fn open(mut stage: Stage) -> Result<Self, Error> {
        let served = stage.serve().await?;
        let place = stage.dir.place();
        let (environment, kubeconfig) = (place.join("environment"), place.join("kubeconfig"));
        let mut variables = stage.dir.environment();
        variables.insert("KUBECONFIG".to_owned(), kubeconfig.display().to_string());
        write(&kubeconfig, &stage.cluster.kubeconfig())?;
        write(&environment, &script(&variables, &stage.dir.path()))?;
        Ok(Self {
            stage,
            environment,
            served,
        })
    }

    /// Where the core works.
    #[must_use]
    pub fn dir(&self) -> &Workdir {
        self.stage.dir()
    }

    /// The file to be sourced by a shell: working directory and variables.
    #[must_use]
    pub fn environment(&self) -> &Path {
        &self.environment
    }

    /// Says how to go on in another terminal.
    pub fn tell(&self, told: &mut Narrator<'_>, can_pass_days: bool) {
        let core = self.stage.command();
        told.chapter("The sandbox stays up. In another terminal:");
        told.blank();
        told.say(&format!(
            ". {}",
            quoted(&self.environment.display().to_string())
        ));
        told.say(&format!("{core} plan"));
        told.blank();
        told.say(
            "The first line goes to the working directory and exports what the core, the provider",
        );
        told.say("and kubectl need. Change main.tf, or the Secret behind Terraform's back:");
        told.blank();
        told.say("kubectl -n istio-system delete secret cacerts");
        told.blank();
        if can_pass_days {
            told.say(&format!("Enter, here, lets {DAYS} more days pass."));
        }
        told.say("Ctrl-C, here, stops and removes everything.");
    }

    /// Lets more days pass, for the emulators and the provider alike.
    ///
    /// # Errors
    ///
    /// When the provider is no longer there.
    pub async fn let_days_pass(&mut self, told: &mut Narrator<'_>) -> Result<(), Error> {
        self.stage.let_days_pass(DAYS);
        self.served.set_ahead(self.stage.ahead()).await?;
        let now = self.stage.now();
        told.say(&format!(
            "{DAYS} days have passed: in the sandbox it is {now} now."
        ));
        Ok(())
    }

    /// Stays up until `stop`; days pass at each word of `later`.
    ///
    /// # Errors
    ///
    /// When the provider has not stayed up.
    pub async fn until(
        mut self,
        told: &mut Narrator<'_>,
        stop: impl Future<Output = ()>,
        mut later: UnboundedReceiver<()>,
    ) -> Result<(), Error> {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                Some(()) = later.recv() => self.let_days_pass(told).await?,
            }
        }
    }
}

/// Ends when somebody asks the process to: by Ctrl-C, `kill`, or a terminal that is closed. From
/// the call on, no such signal ends it by itself.
///
/// # Errors
///
/// When the signals cannot be listened to.
pub fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    fs::write(file, text).map_err(|source| Error::Environment {
        file: file.to_owned(),
        source,
    })
}

/// For any POSIX shell: forgets what would meddle, then sets what belongs to the sandbox.
fn script(variables: &BTreeMap<String, String>, directory: &Path) -> String {
    let starts = MEDDLING.join("|");
    let proxies = PROXIES.map(|name| format!("{name} {}", name.to_lowercase()));
    let mut lines = vec![
        format!(
            "for name in $(env | grep -oE '^({starts})[A-Za-z0-9_]*'); do unset \"$name\"; done"
        ),
        format!("unset name {}", proxies.join(" ")),
    ];
    let exports = variables.iter();
    lines.extend(exports.map(|(name, value)| format!("export {name}={}", quoted(value))));
    lines.push(format!("cd {}", quoted(&directory.display().to_string())));
    lines.join("\n") + "\n"
}

/// A word that a shell takes as it is.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_the_environment_as_it_was_meant() {
        let dir = tempfile::tempdir().unwrap();
        let value = "it's\n\"two\" $lines `of` \\ text";
        let variables = BTreeMap::from([("ISTIOPCA_SAID".to_owned(), value.to_owned())]);
        let script = script(&variables, dir.path());
        let run = Command::new("sh")
            .env("AWS_PROFILE", "somebody else's")
            .env("https_proxy", "somewhere")
            .arg("-c")
            .arg(
                script
                    + r#"printf '%s|%s|%s' "$ISTIOPCA_SAID" "${AWS_PROFILE-}${https_proxy-}" "$(pwd -P)""#,
            )
            .output()
            .unwrap();
        let here = dir.path().canonicalize().unwrap();
        let expected = format!("{value}||{}", here.display());
        assert_eq!(String::from_utf8(run.stdout).unwrap(), expected);
    }

    #[test]
    fn only_what_needs_quotes_has_them() {
        assert_eq!(quoted("/tmp/a-b_c.d"), "/tmp/a-b_c.d");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("a b"), "'a b'");
    }
}
