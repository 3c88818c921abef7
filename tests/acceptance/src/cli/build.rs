//! The provider's binary as this workspace builds it.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::provider::BINARY;
use crate::parts::target_dir;

/// What Cargo says on standard error while it builds. What went wrong it says in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing more.
    Quiet,
    /// What it compiles.
    Shown,
}

/// Why there is no binary.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no Cargo.
    #[error("the provider has to be built, and `cargo` cannot be run: {0}")]
    NoCargo(#[source] io::Error),
    /// It does not compile.
    #[error("the provider could not be built: cargo ended with {0}")]
    Failed(ExitStatus),
    /// Cargo built something else.
    #[error("cargo built the provider, but named no executable")]
    Nameless,
}

/// The provider's binary, brought up to date in the profile of the running executable.
///
/// Another one, such as a release build, is taken by its path in the environment variable
/// `ISTIOPCA_PROVIDER`. This blocks, for minutes where nothing is built yet.
///
/// # Errors
///
/// When Cargo cannot build it.
pub fn build_provider(progress: Progress) -> Result<PathBuf, BuildError> {
    env::var_os("ISTIOPCA_PROVIDER").map_or_else(|| build(progress), |given| Ok(given.into()))
}

/// [`build_provider`], once in each test process and without a word.
///
/// # Panics
///
/// When Cargo cannot build it: with Cargo's own words on standard error.
pub fn provider_binary() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| match build_provider(Progress::Quiet) {
        Ok(path) => path,
        Err(error) => panic!("there is no provider to test: {error}"),
    })
}

fn build(progress: Progress) -> Result<PathBuf, BuildError> {
    let mut cargo = cargo(&target_dir(), &profile());
    if progress == Progress::Quiet {
        cargo.arg("--quiet");
    }
    let built = cargo.output().map_err(BuildError::NoCargo)?;
    if !built.status.success() {
        return Err(BuildError::Failed(built.status));
    }
    executable(&String::from_utf8_lossy(&built.stdout)).ok_or(BuildError::Nameless)
}

/// The whole workspace is selected, though one binary is built: so its dependencies get the
/// features that they have for this crate, and are not compiled a second time.
fn cargo(target_dir: &Path, profile: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args([
            "build",
            "--workspace",
            "--bin",
            BINARY,
            "--message-format=json-render-diagnostics",
        ])
        .args(["--profile", profile])
        .arg("--target-dir")
        .arg(target_dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    cargo
}

/// Cargo's profile by the directory in which this executable lies: `target/debug/deps/stories-…`.
fn profile() -> String {
    let executable = env::current_exe().unwrap_or_default();
    let directory = executable
        .ancestors()
        .skip(1)
        .find(|above| !above.ends_with("deps"));
    match directory
        .and_then(Path::file_name)
        .and_then(|name| name.to_str())
    {
        Some("debug") | None => "dev".to_owned(),
        Some(profile) => profile.to_owned(),
    }
}

/// The executable that Cargo's messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|message| message["target"]["name"] == BINARY && message["executable"].is_string())
        .and_then(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_read_from_the_messages_of_cargo() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"terraform-provider-istiopca"},"executable":"/t/debug/x"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages), Some(PathBuf::from("/t/debug/x")));
        assert_eq!(executable("{\"reason\":\"build-finished\"}"), None);
    }
}
