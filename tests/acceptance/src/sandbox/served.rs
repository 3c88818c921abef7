//! The provider's library under a clock that is ahead of the wall's, in a process of its own.
//!
//! A process of its own because the library looks at its environment like the binary does, and here
//! that must be the sandbox's and not the user's. Its standard input is its leash and its clock:
//! each line says how many seconds it is ahead from then on, and with the end of it it ends.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::Error;
use crate::aws::Clock;
use crate::host::Host;
use crate::process::meddling;

/// The argument by which the sandbox's program knows that it is to [`serve`].
pub const SERVE: &str = "serve-provider";

/// A provider that is served until this is dropped.
#[derive(Debug)]
pub(super) struct Served {
    reattach: String,
    clock: ChildStdin,
    // Killed with the rest, should it not have ended by then.
    _process: Child,
}

impl Served {
    /// Starts `program`, which is the sandbox's, in this environment and so far ahead of the wall.
    pub(super) async fn start(
        program: &Path,
        environment: &BTreeMap<String, String>,
        ahead: SignedDuration,
    ) -> Result<Self, Error> {
        let mut command = Command::new(program);
        meddling().for_each(|name| _ = command.env_remove(name));
        let mut process = command
            .arg(SERVE)
            .envs(environment)
            // Ctrl-C in the sandbox's terminal is the sandbox's own affair.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::Served)?;
        let (clock, said) = (process.stdin.take(), process.stdout.take());
        let (Some(mut clock), Some(said)) = (clock, said) else {
            return Err(Error::Served(io::ErrorKind::BrokenPipe.into()));
        };
        set(&mut clock, ahead).await.map_err(Error::Served)?;
        let first = BufReader::new(said).lines().next_line().await;
        let reattach = first.map_err(Error::Served)?.ok_or_else(|| {
            Error::Served(io::Error::other("it ended before it said where it is"))
        })?;
        Ok(Self {
            reattach,
            clock,
            _process: process,
        })
    }

    /// The value of `TF_REATTACH_PROVIDERS`.
    pub(super) fn reattach(&self) -> &str {
        &self.reattach
    }

    /// Sets its clock.
    pub(super) async fn set_ahead(&mut self, ahead: SignedDuration) -> Result<(), Error> {
        set(&mut self.clock, ahead).await.map_err(Error::Served)
    }
}

async fn set(clock: &mut (impl AsyncWrite + Unpin), ahead: SignedDuration) -> io::Result<()> {
    clock
        .write_all(format!("{}\n", ahead.as_secs()).as_bytes())
        .await?;
    clock.flush().await
}

/// The other side: serves the provider to whoever attaches, once `orders` have said for the first
/// time how far ahead it is, and until they end. `told` is given the value of
/// `TF_REATTACH_PROVIDERS` on a line.
///
/// # Errors
///
/// When it cannot listen, or not say where, or an order is no number.
pub async fn serve(
    orders: impl AsyncRead + Unpin,
    mut told: impl AsyncWrite + Unpin,
) -> Result<(), Error> {
    let clock = Clock::running_from(Timestamp::now());
    let mut orders = BufReader::new(orders).lines();
    let mut host = None;
    while let Some(order) = orders.next_line().await.map_err(Error::Served)? {
        clock.set(Timestamp::now() + ahead(&order)?);
        if host.is_none() {
            let clock = clock.clone();
            let served = Host::start(move || clock.now()).await?;
            let line = served.reattach() + "\n";
            told.write_all(line.as_bytes())
                .await
                .map_err(Error::Served)?;
            told.flush().await.map_err(Error::Served)?;
            host = Some(served);
        }
    }
    Ok(())
}

fn ahead(order: &str) -> Result<SignedDuration, Error> {
    let seconds = order.trim().parse().map(SignedDuration::from_secs);
    seconds.map_err(|_| Error::Unexpected(format!("{order:?} is no number of seconds")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::cli::PROVIDER_SOURCE;

    #[tokio::test]
    async fn it_serves_from_the_first_order_to_the_last() {
        let (mut orders, taken) = tokio::io::duplex(64);
        let (told, heard) = tokio::io::duplex(4096);
        let serving = tokio::spawn(serve(taken, told));
        set(&mut orders, SignedDuration::from_hours(24))
            .await
            .unwrap();
        let line = BufReader::new(heard).lines().next_line().await.unwrap();
        let reattach: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let socket = reattach[PROVIDER_SOURCE]["Addr"]["String"]
            .as_str()
            .unwrap();
        assert!(Path::new(socket).exists());
        drop(orders);
        let ended = timeout(Duration::from_secs(20), serving).await.unwrap();
        ended.unwrap().unwrap();
    }

    #[tokio::test]
    async fn an_order_that_is_no_number_is_refused() {
        let error = serve(&b"soon\n"[..], Vec::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "\"soon\" is no number of seconds");
    }
}
