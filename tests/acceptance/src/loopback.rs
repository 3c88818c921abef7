//! A server on the loopback interface, on a thread and a runtime of its own: a test that
//! waits for a child process does not starve it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

/// A server that listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `app` on a free port of 127.0.0.1; `name` is the thread's.
    pub(crate) fn start(name: &str, app: Router) -> io::Result<Self> {
        Self::run(name, |listener| async {
            _ = axum::serve(listener, app).await;
        })
    }

    /// Runs whatever serves the listener.
    pub(crate) fn run<F: Future>(
        name: &str,
        serve: impl FnOnce(TcpListener) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = {
            // A listener belongs to the runtime in which it is made; no block_on, the caller may be
            // in one of its own.
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || until(&runtime, stopped, || serve(listener)))?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // A panic there has already been printed; a second one here would abort the test run.
            _ = thread.join();
        }
    }
}

/// Serves until `stopped` resolves, whichever way; open connections and held answers are dropped
/// then, with the runtime.
fn until<F: Future>(runtime: &Runtime, stopped: oneshot::Receiver<()>, serve: impl FnOnce() -> F) {
    runtime.block_on(async {
        tokio::select! {
            _ = stopped => {}
            _ = serve() => {}
        }
    });
}
