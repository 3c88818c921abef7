//! The port that a cluster is reached by: opened, shut, and opened again in the same place.
//!
//! All clusters of a process are served by one runtime with threads of its own, so that hundreds
//! cost little and a test that waits for a program starves none.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::OnceLock;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A port of 127.0.0.1 that stays this cluster's own, whether it is served or not.
pub(super) struct Door {
    address: SocketAddr,
    acceptor: TlsAcceptor,
    app: Router,
    state: Mutex<State>,
}

enum State {
    /// Served by this task, which has the listener and every connection.
    Open(JoinHandle<()>),
    /// Bound and not listened on: whoever connects is refused, and nobody else gets the port.
    Shut(TcpSocket),
    /// Between the two.
    Neither,
}

const BACKLOG: u32 = 128;
const THREADS: usize = 2;

impl Door {
    /// Serves `app` on a free port.
    pub(super) fn open(acceptor: TlsAcceptor, app: Router) -> io::Result<Self> {
        let socket = bound((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = socket.local_addr()?;
        let serving = served(socket, acceptor.clone(), app.clone())?;
        Ok(Self {
            address,
            acceptor,
            app,
            state: Mutex::new(State::Open(serving)),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection and refuses new ones, until [`Door::reopen`].
    pub(super) async fn shut(&self) -> io::Result<()> {
        let mut state = self.state.lock().await;
        match std::mem::replace(&mut *state, State::Neither) {
            State::Open(serving) => {
                serving.abort();
                // Ended by us: its only outcome is that it was cancelled.
                _ = serving.await;
                *state = State::Shut(bound(self.address)?);
            }
            other => *state = other,
        }
        Ok(())
    }

    /// Serves again on the same port.
    pub(super) async fn reopen(&self) -> io::Result<()> {
        let mut state = self.state.lock().await;
        let socket = match std::mem::replace(&mut *state, State::Neither) {
            State::Shut(socket) => socket,
            State::Neither => bound(self.address)?,
            open @ State::Open(_) => {
                *state = open;
                return Ok(());
            }
        };
        let serving = served(socket, self.acceptor.clone(), self.app.clone())?;
        *state = State::Open(serving);
        Ok(())
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let State::Open(serving) = self.state.get_mut() {
            serving.abort();
        }
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn served(socket: TcpSocket, acceptor: TlsAcceptor, app: Router) -> io::Result<JoinHandle<()>> {
    let runtime = runtime()?;
    let listener = {
        // A listener belongs to the runtime in which it is made.
        let _inside = runtime.enter();
        socket.listen(BACKLOG)?
    };
    Ok(runtime.spawn(serve(listener, acceptor, app)))
}

/// Every connection in a task of its own, so that a slow handshake holds up nobody; all of them end
/// with this one.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor, app: Router) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, acceptor.clone(), app.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, app: Router) {
    let Ok(stream) = acceptor.accept(stream).await else {
        return;
    };
    let service = TowerToHyperService::new(app);
    // How a connection ends is the client's matter.
    _ = auto::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Made by whoever is first while the others wait: a second one could not be dropped from within a
/// test's own.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("sandbox clusters")
            .enable_all()
            .build()
    });
    made.as_ref()
        .map_err(|error| io::Error::new(error.kind(), error.to_string()))
}
