//! A directory with a configuration, a state, and a core that works on them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::{Cli, Provider};
use crate::canary::Canary;
use crate::parts::{self, PartError};
use crate::process::{Run, Running, clean, guarded, meddling};

/// A working directory that is removed when it is dropped, and the environment in which its core
/// runs. What the runs leave behind is [searched for keys](crate::canary) then.
#[derive(Debug)]
pub struct Workdir {
    cli: Cli,
    program: PathBuf,
    surroundings: Surroundings,
    provider: Provider,
    environment: BTreeMap<String, String>,
    deadline: Duration,
    canary: Canary,
    // For whatever programs put aside; in the system's own, since the paths of sockets are short.
    scratch: TempDir,
    // Holds `work`, the working directory, beside the home directory and the CLI configuration.
    place: TempDir,
}

/// What a core finds around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// Nothing of the developer's own environment, and an empty home directory.
    Bare,
    /// The same without the trace that a story is searched in: it costs a core more than its work does.
    Untraced,
    /// The user's home and environment, by which a version manager finds the core that it stands
    /// for, without the variables that [`meddles`](crate::process::meddles) names.
    Own,
}

/// Why there is no working directory.
#[derive(Debug, thiserror::Error)]
pub enum WorkdirError {
    /// There is no core.
    #[error(transparent)]
    Part(#[from] PartError),
    /// It cannot be written.
    #[error("the working directory cannot be laid out: {0}")]
    Files(#[from] io::Error),
}

/// Longer than any run that is not stuck.
const DEADLINE: Duration = Duration::from_secs(180);

impl Workdir {
    /// An empty working directory whose core finds the provider as `provider` says. This blocks,
    /// for minutes, where the core has to be built first.
    ///
    /// # Errors
    ///
    /// When the core cannot be had, or the target directory not be written.
    pub fn new(cli: Cli, provider: Provider) -> Result<Self, WorkdirError> {
        let program = cli.program()?;
        Self::laid_out(cli, program, provider, "stories", Surroundings::Bare)
    }

    /// The same under `target/<directory>`, for a core that is there already.
    ///
    /// # Errors
    ///
    /// When the target directory cannot be written.
    pub fn laid_out(
        cli: Cli,
        program: PathBuf,
        provider: Provider,
        directory: &str,
        surroundings: Surroundings,
    ) -> Result<Self, WorkdirError> {
        let directory = parts::target_dir().join(directory);
        fs::create_dir_all(&directory)?;
        let place = tempfile::Builder::new()
            .prefix(&format!("{cli}-"))
            .tempdir_in(directory)?;
        for directory in ["work", "home", "traces"] {
            fs::create_dir(place.path().join(directory))?;
        }
        let scratch = tempfile::Builder::new().prefix("istiopca-").tempdir()?;
        let mut dir = Self {
            canary: Canary::over(&[place.path(), scratch.path()]),
            scratch,
            cli,
            program,
            surroundings,
            provider: Provider::None,
            environment: BTreeMap::new(),
            deadline: DEADLINE,
            place,
        };
        dir.set_provider(provider)?;
        Ok(dir)
    }

    /// Lets the runs from now on find the provider elsewhere; state and configuration stay.
    ///
    /// # Errors
    ///
    /// When the CLI configuration cannot be written.
    pub fn set_provider(&mut self, provider: Provider) -> Result<(), WorkdirError> {
        let configuration = provider.install(self.place.path())?;
        fs::write(self.cli_configuration(), configuration)?;
        self.provider = provider;
        Ok(())
    }

    /// Lets a run take longer, or less long, before it counts as stuck and is killed.
    pub fn set_deadline(&mut self, deadline: Duration) {
        self.deadline = deadline;
    }

    /// Sets an environment variable for the runs from now on.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Takes a variable away that [`set_env`](Self::set_env) had set.
    pub fn unset_env(&mut self, name: &str) {
        self.environment.remove(name);
    }

    /// Which core works here.
    #[must_use]
    pub fn cli(&self) -> Cli {
        self.cli
    }

    /// The core's file.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Where configuration and state are.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.place.path().join("work")
    }

    /// The place for whatever goes with the working directory, and is removed with it.
    #[must_use]
    pub fn place(&self) -> &Path {
        self.place.path()
    }

    /// Takes over the configuration in another directory: its `.tf` files.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or this one not be written.
    pub fn copy(&self, from: &Path) -> io::Result<()> {
        for entry in fs::read_dir(from)? {
            let file = entry?.path();
            if let (Some("tf"), Some(name)) =
                (file.extension().and_then(OsStr::to_str), file.file_name())
            {
                fs::copy(&file, self.path().join(name))?;
            }
        }
        Ok(())
    }

    /// Takes over a whole directory, with all that is below it.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or this one not be written.
    pub fn copy_tree(&self, from: &Path) -> io::Result<()> {
        copy_tree(from, &self.path())
    }

    /// Writes a file of the configuration, over an older one of that name; directories in the name
    /// are made.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        let file = self.path().join(name);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        if let Err(error) = made.and_then(|()| fs::write(&file, text)) {
            panic!("{} cannot be written: {error}", file.display());
        }
        self.canary.is_the_storys(&file);
    }

    /// What looks for keys here.
    #[must_use]
    pub fn canary(&self) -> &Canary {
        &self.canary
    }

    /// Runs any command of the core to its end.
    pub async fn run(&self, args: &[&str]) -> Run {
        self.run_beside(self.command(args), &self.line(args), self.deadline)
            .await
    }

    /// Runs another program, [guarded], that starts the core here, and kills it at the deadline;
    /// `line` is its command as messages show it.
    pub async fn run_beside(&self, command: Command, line: &str, deadline: Duration) -> Run {
        match self.start(command, line) {
            Ok(running) => running.wait(deadline).await,
            Err(error) => Run::not_started(line, &error),
        }
    }

    /// Starts any command, to be interrupted or killed.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn spawn(&self, args: &[&str]) -> io::Result<Running> {
        self.start(self.command(args), &self.line(args))
    }

    pub(super) fn start(&self, command: Command, line: &str) -> io::Result<Running> {
        let under_way = self.canary.begins(line);
        Ok(Running::start(command, line)?.watched(under_way))
    }

    /// A command of the core as messages show it.
    #[must_use]
    pub fn line(&self, args: &[&str]) -> String {
        format!("{} {}", self.cli, args.join(" "))
    }

    /// Every environment variable that the core is given here, besides its
    /// [surroundings](Surroundings).
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let configuration = self.cli_configuration().display().to_string();
        let mut all = BTreeMap::from([
            ("TF_CLI_CONFIG_FILE".to_owned(), configuration),
            ("CHECKPOINT_DISABLE".to_owned(), "1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
            // By which the AWS SDK would trace the answers of KMS, had it anybody to trace to.
            ("LOG_SENSITIVE_BODIES".to_owned(), "true".to_owned()),
        ]);
        if let Provider::Reattach(providers) = &self.provider {
            all.insert("TF_REATTACH_PROVIDERS".to_owned(), providers.clone());
        }
        if self.surroundings == Surroundings::Bare {
            let trace = self.canary.trace().display().to_string();
            all.insert("TF_LOG".to_owned(), "trace".to_owned());
            all.insert("TF_LOG_PATH".to_owned(), trace);
        }
        if self.surroundings != Surroundings::Own {
            let scratch = self.scratch.path().display().to_string();
            all.insert("TMPDIR".to_owned(), scratch);
        }
        all.extend(self.environment.clone());
        all
    }

    fn command(&self, args: &[&str]) -> Command {
        self.command_of(&self.program, args)
    }

    /// Nothing that the developer's environment says to others reaches the program, and nothing
    /// asks the network who it is.
    pub(super) fn command_of(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = guarded(program, None);
        match self.surroundings {
            Surroundings::Bare | Surroundings::Untraced => {
                clean(&mut command, &self.place().join("home"))
            }
            Surroundings::Own => meddling().for_each(|name| _ = command.env_remove(name)),
        }
        command
            .args(args)
            .current_dir(self.path())
            .envs(self.environment());
        command
    }

    fn cli_configuration(&self) -> PathBuf {
        self.place.path().join("cli.tfrc")
    }
}

/// The commands by name; `more` comes after what each needs to run without a terminal.
impl Workdir {
    /// Installs the provider, where it comes from a mirror.
    pub async fn init(&self, more: &[&str]) -> Run {
        self.run(&[&["init", "-no-color", "-input=false"], more].concat())
            .await
    }

    /// Judges the configuration alone.
    pub async fn validate(&self, more: &[&str]) -> Run {
        self.run(&[&["validate", "-no-color"], more].concat()).await
    }

    /// Says what apply would do; with `-detailed-exitcode`, 0 is nothing and 2 something.
    pub async fn plan(&self, more: &[&str]) -> Run {
        self.run(&[PLAN, more].concat()).await
    }

    /// Does it without asking; the file of a saved plan comes last in `more`.
    pub async fn apply(&self, more: &[&str]) -> Run {
        self.run(&[APPLY, more].concat()).await
    }

    /// Starts [`apply`](Self::apply), to be interrupted or killed.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn spawn_apply(&self, more: &[&str]) -> io::Result<Running> {
        self.spawn(&[APPLY, more].concat())
    }

    /// Takes everything away without asking.
    pub async fn destroy(&self, more: &[&str]) -> Run {
        self.run(
            &[
                &["destroy", "-no-color", "-input=false", "-auto-approve"],
                more,
            ]
            .concat(),
        )
        .await
    }

    /// The state, or the saved plan that `more` names, as JSON.
    pub async fn show_json(&self, more: &[&str]) -> Run {
        self.run(&[&["show", "-json"], more].concat()).await
    }

    /// What the provider says its blocks and attributes are, as JSON.
    pub async fn providers_schema(&self) -> Run {
        self.run(&["providers", "schema", "-json"]).await
    }

    /// Marks an instance to be replaced by the next apply.
    pub async fn taint(&self, address: &str) -> Run {
        self.run(&["taint", address]).await
    }

    /// Takes the mark away again.
    pub async fn untaint(&self, address: &str) -> Run {
        self.run(&["untaint", address]).await
    }

    /// `state list`, `state mv`, `state rm`, `state pull` …
    pub async fn state(&self, more: &[&str]) -> Run {
        self.run(&[&["state"], more].concat()).await
    }

    /// Every output of the root module, as JSON.
    pub async fn output_json(&self) -> Run {
        self.run(&["output", "-json"]).await
    }

    /// The bytes of a file that the core wrote (a plan, a state), to look for what must not be
    /// there.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let file = self.path().join(name);
        match fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) => panic!("{} cannot be read: {error}", file.display()),
        }
    }
}

/// Every story ends here, and fails here if a key is where it should not be. A story that has
/// failed already is not looked into.
impl Drop for Workdir {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let verdict = self.canary.verdict();
        assert!(
            verdict.is_clean(),
            "what was left in {}:\n{verdict}",
            self.place.path().display()
        );
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (file, copy) = (entry.path(), to.join(entry.file_name()));
        if file.is_dir() {
            copy_tree(&file, &copy)?;
        } else {
            fs::copy(&file, &copy)?;
        }
    }
    Ok(())
}

const PLAN: &[&str] = &["plan", "-no-color", "-input=false"];
const APPLY: &[&str] = &["apply", "-no-color", "-input=false", "-auto-approve"];

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_environment_of_the_developer_does_not_reach_the_core() {
        // Cargo sets it for every test; it stands for what a shell may have.
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
        let mut dir = Workdir::new(Cli::Terraform, Provider::Reattach("{}".into())).unwrap();
        dir.set_env("ISTIOPCA_SAID", "so");
        dir.set_env("ISTIOPCA_UNSAID", "so");
        dir.unset_env("ISTIOPCA_UNSAID");
        dir.program = "env".into();
        let run = dir.run(&[]).await;
        let mut names: Vec<_> = run
            .succeeds()
            .stdout()
            .lines()
            .filter_map(|line| Some(line.split_once('=')?.0))
            .collect();
        // The shell sets these for itself.
        names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
        names.sort_unstable();
        let known = [
            "AWS_EC2_METADATA_DISABLED",
            "CHECKPOINT_DISABLE",
            "HOME",
            "ISTIOPCA_SAID",
            "LOG_SENSITIVE_BODIES",
            "PATH",
            "TF_CLI_CONFIG_FILE",
            "TF_LOG",
            "TF_LOG_PATH",
            "TF_REATTACH_PROVIDERS",
            "TMPDIR",
        ];
        assert_eq!(names, known);
    }
}
