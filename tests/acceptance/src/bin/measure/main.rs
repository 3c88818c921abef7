//! `cargo measure`: how quick, how big and how hungry the release binary is, against its goals.
//!
//! The binary is started as core starts it, with the cookie and a one-time client certificate, and
//! is asked for its schema over mutual TLS; then a real core plans with it. Times are the best and
//! the median of many starts: what else runs on the machine only ever adds.
//!
//! `cargo measure fleet` does the work of a fleet instead, see [`fleet`].

mod fleet;
mod memory;
mod plugin;
mod report;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, fs};

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::parts::{self, target_dir};
use istiopca_acceptance::sandbox::{Core, Stage};

use memory::{Memory, Watch};
use plugin::{Credentials, Plugin};
use report::{Figure, Goal};

/// How often the binary is started.
const STARTS: usize = 40;

/// Why somebody else measures nothing of it: the process is not dumpable (prctl(2)).
const ONLY_ROOT: &str = "only root may look into its process";

/// What a step can fail of; nobody handles it.
type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match measured(&arguments).await {
        Ok(exit) => exit,
        Err(error) => {
            let _ = writeln!(io::stderr(), "measure: {error}");
            ExitCode::from(2)
        }
    }
}

async fn measured(arguments: &[String]) -> Result<ExitCode, Failure> {
    let figures = match arguments.split_first() {
        None => measure().await?,
        Some((mode, rest)) if mode == "fleet" => {
            fleet::fleet(&release_binary()?, rest).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Some((mode, _)) => return Err(format!("{mode} is not to be measured; fleet is").into()),
    };
    io::stdout().write_all(report::table(&figures).as_bytes())?;
    Ok(match figures.iter().all(Figure::is_good) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

async fn measure() -> Result<Vec<Figure>, Failure> {
    let binary = release_binary()?;
    let starts = starts(&binary).await?;
    let planned = plan(&binary).await?;
    let of = |pick: fn(&Start) -> Duration| starts.iter().map(pick).collect::<Vec<_>>();
    let kept = |pick: fn(&Start) -> u64| starts.iter().map(pick).max().unwrap_or_default();
    Ok(vec![
        Figure::time(
            "start to handshake",
            of(|start| start.handshake),
            Goal::Milliseconds(10),
        ),
        Figure::time(
            "start to an answered schema",
            of(|start| start.schema),
            Goal::Milliseconds(15),
        ),
        Figure::size("binary", fs::metadata(&binary)?.len(), Goal::Megabytes(14)),
        Figure::size(
            "resident at the handshake",
            kept(|start| start.at_handshake),
            Goal::Megabytes(12),
        ),
        Figure::size(
            "resident after a plan",
            planned.resident,
            Goal::Megabytes(25),
        ),
        Figure::size("the most of it, ever", planned.most, Goal::None),
    ])
}

/// One start of the binary.
struct Start {
    handshake: Duration,
    schema: Duration,
    at_handshake: u64,
}

async fn starts(binary: &Path) -> Result<Vec<Start>, Failure> {
    let host = Credentials::new()?;
    let mut starts = Vec::new();
    // The first one reads the binary from the disk.
    for _ in 0..=STARTS {
        let mut plugin = Plugin::start(binary, &host)?;
        let handshake = plugin.age();
        let at_handshake = Memory::of(plugin.pid())?.resident;
        let begun = plugin.age();
        plugin.schema(&host).await?;
        // What looking at the memory took is not the binary's.
        let schema = handshake + plugin.age().saturating_sub(begun);
        plugin.end()?;
        starts.push(Start {
            handshake,
            schema,
            at_handshake,
        });
    }
    Ok(starts.split_off(1))
}

/// What a core's plan of the quick start takes, with the Secret there.
async fn plan(binary: &Path) -> Result<Memory, Failure> {
    let core = Core::at(Cli::Terraform, parts::terraform()?).await?;
    let stage = Stage::set(&core, binary.to_owned(), env::current_exe()?).await?;
    let dir = stage.dir();
    dir.init(&[]).await.succeeds();
    dir.apply(&[]).await.succeeds();
    let watch = Watch::begin(binary)?;
    dir.plan(&[]).await.succeeds();
    watch
        .end()
        .ok_or_else(|| format!("the plan started no provider that we see; {ONLY_ROOT}").into())
}

/// The binary of the release profile as it is shipped, brought up to date; which takes minutes
/// where nothing is built yet.
fn release_binary() -> Result<PathBuf, Failure> {
    if let Some(given) = env::var_os("ISTIOPCA_PROVIDER") {
        return Ok(given.into());
    }
    let name = "terraform-provider-istiopca";
    let built = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            name,
            "--bin",
            name,
            "--target-dir",
        ])
        .arg(target_dir())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    if !built.success() {
        return Err(
            format!("the release binary could not be built: cargo ended with {built}").into(),
        );
    }
    Ok(target_dir().join("release").join(name))
}
