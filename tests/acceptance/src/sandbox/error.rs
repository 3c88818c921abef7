//! Why the sandbox ends early.

use std::io;
use std::path::PathBuf;

use istiopca::terraform::plugin;

use crate::cli::{BuildError, WorkdirError};
use crate::parts::PartError;
use crate::process::Outcome;
use crate::sandbox_cluster::StartError;

/// What was being done, and what came in between.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no Terraform, no OpenTofu, and nothing to build one with.
    #[error(
        "there is no Terraform and no OpenTofu: neither `terraform` nor `tofu` is on PATH, and \
         OpenTofu cannot be built here, because `go` is not on PATH either; install one of the \
         three and run it again (Terraform and OpenTofu from version 1.5 on)"
    )]
    NoCore,
    /// OpenTofu could not be built.
    #[error(transparent)]
    Part(#[from] PartError),
    /// What is on `PATH` under the name is no core.
    #[error("{program} does not say its version: {said}", program = program.display())]
    NoVersion {
        /// What was run.
        program: PathBuf,
        /// How it ended, or what it said instead.
        said: String,
    },
    /// There is no provider.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// There is nowhere to work.
    #[error(transparent)]
    Workdir(#[from] WorkdirError),
    /// The example could not be taken over.
    #[error("{} cannot be copied into the working directory: {source}", example.display())]
    Example {
        /// Its directory.
        example: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The emulator of AWS does not run.
    #[error("the emulated AWS cannot be started: {0}")]
    Aws(#[source] io::Error),
    /// The Kubernetes API does not run.
    #[error("the small Kubernetes API cannot be started: {0}")]
    Cluster(#[from] StartError),
    /// The library cannot be served.
    #[error("the provider cannot be served under the sandbox's clock: {0}")]
    Host(#[from] plugin::Error),
    /// The process that serves it does not run or listen.
    #[error("the provider under the sandbox's clock cannot be reached: {0}")]
    Served(#[source] io::Error),
    /// A command of the core did not end as the walk needs it.
    #[error(
        "`{command}` should have ended with exit code {wanted}: {outcome} (its output is above)"
    )]
    Ended {
        /// The command.
        command: String,
        /// The exit code with which the walk goes on.
        wanted: i32,
        /// How it ended.
        outcome: Outcome,
    },
    /// A command did what it should, but did not tell what it should.
    #[error("`{command}` should have said {wanted:?} (its output is above)")]
    Untold {
        /// The command.
        command: String,
        /// What the walk promises to show.
        wanted: &'static str,
    },
    /// The outputs are not those of the quick start.
    #[error("the outputs of the quick start cannot be read: {0}")]
    Outputs(String),
    /// What is in the emulators is not what the walk is about.
    #[error("{0}")]
    Unexpected(String),
    /// The environment for other terminals cannot be written.
    #[error("{} cannot be written: {source}", file.display())]
    Environment {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Signals cannot be heard.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(#[source] io::Error),
    /// The sandbox's own program cannot be found, to be started again.
    #[error("cannot find the program that is running: {0}")]
    Program(#[source] io::Error),
    /// Ctrl-C, or another signal that asks to end.
    #[error("interrupted")]
    Interrupted,
}
