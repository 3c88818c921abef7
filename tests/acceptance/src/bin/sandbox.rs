//! `cargo sandbox`: a mesh CA from nothing to its first renewal, on this machine alone.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::{env, thread};

use istiopca_acceptance::cli::{Progress, build_provider};
use istiopca_acceptance::sandbox::{
    Core, Error, Kept, Narrator, SERVE, Stage, destroy, interrupted, serve, walk,
};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const HELP: &str = "\
cargo sandbox [--keep]

Shows the provider at work on this machine: builds it, starts an emulated AWS Private CA and a
small Kubernetes API, runs a real `init` and `apply` of examples/terraform/quickstart, lets 65 days
pass, and renews the certificate. Then everything is stopped and removed.

It needs Rust, and Terraform or OpenTofu on PATH; with neither, OpenTofu is built if Go is there.
Neither an AWS account nor a cluster is touched, and nothing is written outside the target directory.

  --keep    leave everything up at the end, for another terminal, until Ctrl-C
  --help    this
";

/// What a shell expects of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;
const MISUSED: u8 = 2;

/// What the command line asks for.
enum Wish {
    Help,
    Walk {
        keep: bool,
    },
    /// What the sandbox starts itself for; no user's affair.
    Serve,
}

fn main() -> ExitCode {
    let tell = &mut |line: &str| {
        // Without anybody to read it, the exit code still tells.
        let _ = writeln!(io::stdout(), "{line}");
    };
    let told = &mut Narrator::new(tell);
    let arguments: Vec<_> = env::args().skip(1).collect();
    match wish(&arguments) {
        Ok(Wish::Help) => told.plain(HELP),
        Ok(Wish::Walk { keep }) => match sandbox(keep, told) {
            Ok(()) => told.end("Everything is stopped and removed."),
            Err(error) => return failed(&error),
        },
        Ok(Wish::Serve) => {
            if let Err(error) = serving() {
                let _ = writeln!(io::stderr(), "sandbox: {error}");
                return ExitCode::FAILURE;
            }
        }
        Err(unknown) => {
            let _ = write!(
                io::stderr(),
                "sandbox: {unknown:?} is unknown here\n\n{HELP}"
            );
            return ExitCode::from(MISUSED);
        }
    }
    ExitCode::SUCCESS
}

fn wish(arguments: &[String]) -> Result<Wish, String> {
    let mut keep = false;
    for argument in arguments {
        match argument.as_str() {
            "--keep" => keep = true,
            "--help" | "-h" => return Ok(Wish::Help),
            SERVE => return Ok(Wish::Serve),
            unknown => return Err(unknown.to_owned()),
        }
    }
    Ok(Wish::Walk { keep })
}

#[tokio::main]
async fn serving() -> Result<(), Error> {
    serve(tokio::io::stdin(), tokio::io::stdout()).await
}

/// What is to be removed is gone by now.
fn failed(error: &Error) -> ExitCode {
    let _ = writeln!(
        io::stderr(),
        "\nsandbox: {error}\nEverything is stopped and removed."
    );
    ExitCode::from(match error {
        Error::Interrupted => INTERRUPTED,
        _ => 1,
    })
}

#[tokio::main]
async fn sandbox(keep: bool, told: &mut Narrator<'_>) -> Result<(), Error> {
    told.plain(
        "A mesh CA from nothing to its first renewal. No AWS account and no cluster is touched.",
    );
    told.chapter("The provider, and a core to run it");
    let core = Core::find(told).await?;
    core.tell(told);
    told.say("The provider is built by cargo.");
    let provider = build_provider(Progress::Shown)?;
    // Until here Ctrl-C ends the process at once, since there is nothing to remove.
    let stop = interrupted().map_err(Error::Signals)?;
    tokio::pin!(stop);
    let stage = tokio::select! {
        walked = walked(&core, provider, told, keep) => walked?,
        () = &mut stop => return Err(Error::Interrupted),
    };
    if keep {
        let kept = Kept::open(stage).await?;
        let (later, can_pass_days) = enter();
        kept.tell(told, can_pass_days);
        kept.until(told, stop, later).await?;
    }
    Ok(())
}

async fn walked(
    core: &Core,
    provider: std::path::PathBuf,
    told: &mut Narrator<'_>,
    keep: bool,
) -> Result<Stage, Error> {
    let program = env::current_exe().map_err(Error::Program)?;
    let mut stage = Stage::set(core, provider, program).await?;
    walk(&mut stage, told).await?;
    if !keep {
        destroy(&mut stage, told).await?;
    }
    Ok(stage)
}

/// A word for each time that Enter is pressed, and whether it can be.
fn enter() -> (UnboundedReceiver<()>, bool) {
    let (pressed, later) = unbounded_channel();
    // From the background, reading a terminal would stop the process.
    let foreground = tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp());
    let can = io::stdin().is_terminal() && foreground;
    if can {
        thread::spawn(move || {
            let presses = io::stdin().lines().map_while(Result::ok);
            // Ends with the sandbox.
            presses.for_each(|_| _ = pressed.send(()));
        });
    }
    (later, can)
}
