//! Which command line walks.

use std::path::{Path, PathBuf};

use super::stage::shown;
use super::{Error, Narrator};
use crate::cli::{Cli, Provider, Surroundings, Workdir};
use crate::parts::{self, PartError};

/// A core that is there to be run.
#[derive(Clone, Debug)]
pub struct Core {
    cli: Cli,
    program: PathBuf,
    version: String,
}

impl Core {
    /// Terraform from `PATH`, or OpenTofu from there, or else OpenTofu as it can be built here,
    /// which takes minutes and says so on standard error.
    ///
    /// # Errors
    ///
    /// When there is neither of them, or what there is does not run.
    pub async fn find(told: &mut Narrator<'_>) -> Result<Self, Error> {
        let (cli, program) = choose(parts::on_path, || {
            told.say(
                "Neither terraform nor tofu is on PATH: OpenTofu is taken from its Go module.",
            );
            parts::TOFU.path()
        })?;
        Self::at(cli, program).await
    }

    /// The core that is that program.
    ///
    /// # Errors
    ///
    /// When it does not say its version.
    pub async fn at(cli: Cli, program: PathBuf) -> Result<Self, Error> {
        let version = version(cli, &program).await?;
        Ok(Self {
            cli,
            program,
            version,
        })
    }

    /// Says which one it is.
    pub fn tell(&self, told: &mut Narrator<'_>) {
        let name = match self.cli {
            Cli::Terraform => "Terraform",
            Cli::OpenTofu => "OpenTofu",
        };
        told.say(&format!(
            "{name} {} from {}.",
            self.version,
            shown(&self.program)
        ));
    }

    /// An empty directory to work in, under `target/sandbox`.
    pub(super) fn workdir(&self, provider: Provider) -> Result<Workdir, Error> {
        Ok(workdir(self.cli, &self.program, provider)?)
    }
}

fn choose(
    on_path: impl Fn(&str) -> Option<PathBuf>,
    build: impl FnOnce() -> Result<PathBuf, PartError>,
) -> Result<(Cli, PathBuf), Error> {
    let there = [Cli::Terraform, Cli::OpenTofu]
        .into_iter()
        .find_map(|cli| Some((cli, on_path(cli.name())?)));
    there.map_or_else(
        || match build() {
            Ok(program) => Ok((Cli::OpenTofu, program)),
            Err(PartError::Go { .. }) => Err(Error::NoCore),
            Err(error) => Err(error.into()),
        },
        Ok,
    )
}

/// Both say it under Terraform's name.
async fn version(cli: Cli, program: &Path) -> Result<String, Error> {
    let dir = workdir(cli, program, Provider::None)?;
    let run = dir.run(&["version", "-json"]).await;
    let said: Option<serde_json::Value> = serde_json::from_str(run.stdout()).ok();
    let version = said.and_then(|said| Some(said["terraform_version"].as_str()?.to_owned()));
    version.ok_or_else(|| Error::NoVersion {
        program: program.to_owned(),
        said: format!("{}\n{}", run.outcome(), run.stderr())
            .trim()
            .to_owned(),
    })
}

fn workdir(
    cli: Cli,
    program: &Path,
    provider: Provider,
) -> Result<Workdir, crate::cli::WorkdirError> {
    Workdir::laid_out(
        cli,
        program.to_owned(),
        provider,
        "sandbox",
        Surroundings::Own,
    )
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn chosen(there: &[&str], build: Result<&str, PartError>) -> Result<(Cli, PathBuf), Error> {
        let on_path = |name: &str| there.contains(&name).then(|| PathBuf::from(name));
        choose(on_path, || build.map(PathBuf::from))
    }

    #[test]
    fn terraform_is_preferred_and_nothing_is_built_that_is_there() {
        let (cli, program) = chosen(&["tofu", "terraform"], Ok("built")).unwrap();
        assert_eq!((cli, program), (Cli::Terraform, "terraform".into()));
        let (cli, program) = chosen(&["tofu"], Ok("built")).unwrap();
        assert_eq!((cli, program), (Cli::OpenTofu, "tofu".into()));
        let (cli, program) = chosen(&[], Ok("built")).unwrap();
        assert_eq!((cli, program), (Cli::OpenTofu, "built".into()));
    }

    #[test]
    fn with_nothing_at_all_the_error_says_what_to_install() {
        let no_go = PartError::Go {
            part: "tofu".into(),
            source: io::ErrorKind::NotFound.into(),
        };
        let error = chosen(&[], Err(no_go)).unwrap_err().to_string();
        for name in ["`terraform`", "`tofu`", "`go`", "install"] {
            assert!(error.contains(name), "{error}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_no_core_is_named() {
        let error = Core::at(Cli::OpenTofu, "/bin/false".into()).await;
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "/bin/false does not say its version: exit code 1");
    }
}
