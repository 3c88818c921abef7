//! What the walk happens on: the emulators, their clock, and a working directory.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::served::Served;
use super::{Core, Error, Narrator, example};
use crate::aws::{ACCOUNT, Aws, CaHandle, Clock, KeyAlgorithm};
use crate::cli::{Provider, Workdir};
use crate::parts::on_path;
use crate::process::{Outcome, Run};
use crate::sandbox_cluster::SandboxCluster;

/// An AWS with a CA, a cluster with nothing in it, and the quick start's configuration between
/// them. All of it is gone when this is dropped.
#[derive(Debug)]
pub struct Stage {
    pub(super) aws: Aws,
    pub(super) issuer: CaHandle,
    pub(super) cluster: SandboxCluster,
    pub(super) dir: Workdir,
    /// The program that serves the provider once time has moved.
    server: PathBuf,
    /// How far the sandbox's time is ahead of the wall's.
    ahead: SignedDuration,
}

/// Years of 365 days.
const fn years(years: i64) -> SignedDuration {
    SignedDuration::from_hours(years * 365 * 24)
}

impl Stage {
    /// Starts the emulators and lays the working directory out; the core finds `provider`, the
    /// built binary, in a filesystem mirror beside it. Time runs as on the wall; should it be moved,
    /// the provider is served by `server`, the sandbox's program.
    ///
    /// # Errors
    ///
    /// When a port, the target directory or the example cannot be used.
    pub async fn set(core: &Core, provider: PathBuf, server: PathBuf) -> Result<Self, Error> {
        let clock = Clock::running_from(Timestamp::now());
        let aws = Aws::start(clock.clone()).map_err(Error::Aws)?;
        let root = aws.root(KeyAlgorithm::EcPrime256v1).valid_for(years(10));
        let root = root.common_name("Sandbox Root CA").create();
        let issuer = aws.subordinate(&root).path_length(1).valid_for(years(5));
        let issuer = issuer.common_name("Sandbox Mesh CA").create();
        let cluster = SandboxCluster::start(move || clock.now())?;
        let dir = core.workdir(Provider::Mirror(provider))?;
        let secrets = cluster.secret_texts();
        dir.canary().watch(move || Ok(secrets()));
        let example = example("quickstart");
        dir.copy(&example)
            .map_err(|source| Error::Example { example, source })?;
        let mut stage = Self {
            aws,
            issuer,
            cluster,
            dir,
            server,
            ahead: SignedDuration::ZERO,
        };
        stage.set_variables();
        Ok(stage)
    }

    /// Where the core works.
    #[must_use]
    pub fn dir(&self) -> &Workdir {
        &self.dir
    }

    /// The cluster that the Secret is written to.
    #[must_use]
    pub fn cluster(&self) -> &SandboxCluster {
        &self.cluster
    }

    /// Lets time pass for the emulators, and from now on for the provider.
    pub(super) fn let_days_pass(&mut self, days: i64) {
        let span = SignedDuration::from_hours(24 * days);
        self.aws.clock().advance(span);
        self.ahead += span;
    }

    /// What time it is in the sandbox, in whole seconds.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.aws.clock().now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    /// How far that is ahead of the wall's.
    pub(super) fn ahead(&self) -> SignedDuration {
        self.ahead
    }

    /// A provider under the sandbox's clock, by which the runs from now on are served.
    pub(super) async fn serve(&mut self) -> Result<Served, Error> {
        let environment = self.dir.environment();
        let served = Served::start(&self.server, &environment, self.ahead).await?;
        let attached = Provider::Reattach(served.reattach().to_owned());
        self.dir.set_provider(attached)?;
        Ok(served)
    }

    /// Runs a command of the core, told before and after, that must end with that exit code.
    pub(super) async fn run(
        &mut self,
        told: &mut Narrator<'_>,
        args: &[&str],
        wanted: i32,
    ) -> Result<Run, Error> {
        told.command(&self.dir.line(args));
        let run = self.run_untold(args).await?;
        told.output(run.stdout());
        told.output(run.stderr());
        match run.outcome() {
            Outcome::Exited(code) if *code == wanted => Ok(run),
            outcome => Err(Error::Ended {
                command: run.command().to_owned(),
                wanted,
                outcome: outcome.clone(),
            }),
        }
    }

    /// Once time has moved, each run has a provider of its own, as with the binary: nothing that is
    /// kept in memory outlives a run.
    pub(super) async fn run_untold(&mut self, args: &[&str]) -> Result<Run, Error> {
        let _served = if self.ahead.is_zero() {
            None
        } else {
            Some(self.serve().await?)
        };
        Ok(self.dir.run(args).await)
    }

    /// The core as it is called in a terminal: by its name, where `PATH` leads to it.
    pub(super) fn command(&self) -> String {
        let (name, program) = (self.dir.cli().name(), self.dir.program());
        match on_path(name) {
            Some(found) if found == program => name.to_owned(),
            _ => program.display().to_string(),
        }
    }

    fn set_variables(&mut self) {
        let keys = self.aws.account(ACCOUNT).user("sandbox");
        let nowhere = |name: &str| {
            self.dir
                .place()
                .join("home")
                .join(name)
                .display()
                .to_string()
        };
        let variables = [
            ("AWS_ACCESS_KEY_ID", keys.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", keys.secret_access_key),
            // What the user's own profile says must not change what happens here.
            ("AWS_CONFIG_FILE", nowhere("aws-config")),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere("aws-credentials")),
            ("TF_VAR_acmpca_endpoint", self.aws.endpoint()),
            ("TF_VAR_certificate_authority_arn", self.issuer.arn()),
            ("TF_VAR_cluster_host", self.cluster.url().to_owned()),
            (
                "TF_VAR_cluster_ca_certificate",
                self.cluster.ca_pem().to_owned(),
            ),
            ("TF_VAR_cluster_token", self.cluster.token().to_owned()),
        ];
        for (name, value) in variables {
            self.dir.set_env(name, &value);
        }
    }
}

/// A path as it is shown: from the directory in which the user stands, where it is below that.
pub(super) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}
