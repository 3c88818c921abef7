//! Serving without being started by a host: for debuggers, and for tests that live in the process.

use std::io::{self, Write as _};
use std::path::Path;
use std::process;

use istiopca_proto::tfplugin6::provider_server::Provider;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::about::About;
use super::error::Error;
use super::host::PROTOCOL;
use super::server::Door;
use super::socket::{Place, Socket};
use crate::terraform::log::{self, Level};

/// A provider that serves in this process, on a Unix socket without TLS, as cores demand of it.
///
/// Cores may come and go, and none of them can end it: [`Reattach::close`] does, or the drop.
#[derive(Debug)]
pub struct Reattach {
    socket: Socket,
    ended: CancellationToken,
    serving: JoinHandle<()>,
}

/// Starts to serve `provider` in tasks of the current runtime, for any number of hosts.
pub async fn serve_reattach<P: Provider>(provider: P) -> Result<Reattach, Error> {
    let (socket, listener) = Socket::listen(&Place::default())?;
    let ended = CancellationToken::new();
    let door = Door {
        listener,
        tls: None,
    };
    let serving = door.serve_until(provider, ended.clone());
    let serving = tokio::spawn(async move {
        if let Err(error) = serving.await {
            log::at(Level::Error, "could not serve", &[("error", &error)]);
        }
    });
    Ok(Reattach {
        socket,
        ended,
        serving,
    })
}

impl Reattach {
    /// The value of `TF_REATTACH_PROVIDERS` by which a core finds this process as the provider
    /// `address`. An address without a host means the core's own default host, which differs
    /// between Terraform and OpenTofu.
    pub fn json(&self, address: &str) -> String {
        let reattach = json!({
            "Protocol": "grpc",
            "ProtocolVersion": PROTOCOL,
            "Pid": process::id(),
            // "Not yours to kill".
            "Test": true,
            "Addr": { "Network": "unix", "String": self.socket.path().to_string_lossy() },
        });
        json!({ address: reattach }).to_string()
    }

    /// Where it listens, for clients that are no cores.
    pub fn socket_path(&self) -> &Path {
        self.socket.path()
    }

    /// Ends serving and waits for the calls in flight.
    pub async fn close(mut self) {
        self.ended.cancel();
        // It can only fail by a panic, which the panic hook has told by now.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for Reattach {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

/// Serves a developer's core, and tells on stdout how to attach it, until Ctrl-C.
pub(super) async fn debug<P: Provider>(about: About, provider: P) -> Result<(), Error> {
    // Before anybody can know that there is something to interrupt.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signal)?;
    let reattach = serve_reattach(provider).await?;
    let text = about.to_somebody_debugging(&reattach.json(about.address));
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(Error::Handshake)?;
    interrupt.recv().await;
    // A debugger may hold calls in flight for ever, so that they are not waited for.
    drop(reattach);
    Ok(())
}
