//! How a host starts us, finds us, trusts us and ends us: go-plugin's half of being a provider.
//!
//! A host (Terraform, OpenTofu) starts the binary with a cookie and a one-time certificate in the
//! environment, reads one line from its stdout, connects to the Unix socket named there, and calls
//! the gRPC services behind it until it says Shutdown. [`serve`] is all of that. [`serve_reattach`]
//! leaves the starting to somebody else: a debugger, or a test.
//!
//! Absent here: what a provider does. That is one generic parameter.

mod about;
mod companions;
mod connections;
mod error;
mod handshake;
mod host;
mod limits;
mod reattach;
mod server;
mod socket;
mod tls;

use std::env;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use istiopca_proto::tfplugin6::provider_server::Provider;
use tokio::runtime::{self, Runtime};
use tokio::signal::unix::{SignalKind, signal};

pub use about::About;
pub use error::Error;
pub use reattach::{Reattach, serve_reattach};

use handshake::Handshake;
use host::Host;
use limits::Onlookers;

/// How long tasks may linger when everything is said: together with the server's own drain it must
/// stay below the 2 s after which a host kills.
const LINGER: Duration = Duration::from_millis(300);

/// More worker threads only cost start-up time: a host has about ten calls in flight.
const MOST_WORKERS: usize = 4;

/// Serves `provider` to the host that started this process, until the host ends it; the whole of a
/// `main`.
///
/// `stop` is called once, when nobody waits for answers any more: after Shutdown, and when the host
/// died without a word. It should cancel what runs. With the argument `--debug` the provider serves
/// debuggers instead, until Ctrl-C. Started by hand it explains itself on stderr and fails.
///
/// The process leaves no core dump behind, and may have some thousand files open.
///
/// Logging ([`super::log::init`]) must have been set up before.
pub fn serve<P: Provider>(about: About, provider: P, stop: impl FnOnce()) -> ExitCode {
    let served = if env::args_os().any(|argument| argument == "--debug") {
        limits::set(Onlookers::Welcome);
        run(reattach::debug(about, provider))
    } else {
        limits::set(Onlookers::Unwanted);
        match Host::from_environment(|name| env::var_os(name)) {
            Ok(host) => start(&host, provider, stop),
            Err(Error::NotStartedByAHost) => return explain(about),
            Err(error) => Err(error),
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(about, &error),
    }
}

/// Takes stdout away before anything can print on it, and Ctrl-C, which reaches the whole process
/// group though it is the host that decides what it means.
fn start<P: Provider>(host: &Host, provider: P, stop: impl FnOnce()) -> Result<(), Error> {
    let handshake = Handshake::taking_stdout().map_err(Error::Handshake)?;
    run(async {
        let _swallowed = signal(SignalKind::interrupt()).map_err(Error::Signal)?;
        server::serve(host, handshake, provider, stop).await
    })
}

/// Runs `serving` on a runtime that ends with it, whatever tasks may linger.
fn run(serving: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let runtime = runtime().map_err(Error::Runtime)?;
    let served = runtime.block_on(serving);
    runtime.shutdown_timeout(LINGER);
    served
}

fn runtime() -> io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MOST_WORKERS))
        .enable_all()
        .build()
}

fn explain(about: About) -> ExitCode {
    say(&about.to_somebody_by_hand())
}

/// Tells why we could not serve, in a form that hosts log as an error.
fn complain(about: About, error: &Error) -> ExitCode {
    let mut text = format!("[ERROR] {}: {error}", about.binary());
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {inner}");
        cause = inner.source();
    }
    text.push('\n');
    say(&text)
}

fn say(text: &str) -> ExitCode {
    // Without stderr there is nobody left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests;
