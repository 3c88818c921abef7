//! Connections of the host: accepted, authenticated, counted.

use std::fmt::Display;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use crate::terraform::log::{self, Level};

/// How long a peer may take to prove who it is.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// The pause after a failed accept, which is a lack of file descriptors most times.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How many connections there are, and whether there ever was one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Presence {
    /// Connections that are open now.
    pub(super) now: usize,
    /// Whether the host has come at all.
    pub(super) ever: bool,
}

/// Accepts in a task of its own, one more task for each handshake, until the stream is dropped.
///
/// With `tls` only authenticated connections come out, and only these count as presence.
pub(super) fn accept(
    listener: UnixListener,
    tls: Option<TlsAcceptor>,
) -> (
    ReceiverStream<io::Result<Connection>>,
    watch::Receiver<Presence>,
) {
    let (accepted, incoming) = mpsc::channel(1);
    let (presence, watched) = watch::channel(Presence::default());
    let admission = Admission {
        tls,
        presence,
        accepted,
    };
    tokio::spawn(admission.keep(listener));
    (ReceiverStream::new(incoming), watched)
}

#[derive(Clone)]
struct Admission {
    tls: Option<TlsAcceptor>,
    presence: watch::Sender<Presence>,
    accepted: mpsc::Sender<io::Result<Connection>>,
}

impl Admission {
    async fn keep(self, listener: UnixListener) {
        loop {
            let knock = tokio::select! {
                knock = listener.accept() => knock,
                () = self.accepted.closed() => return,
            };
            match knock {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().admit(stream))),
                Err(error) => {
                    let text = "could not accept a connection";
                    log::at(Level::Warn, text, &[("error", &error)]);
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn admit(self, stream: UnixStream) {
        let stream = match &self.tls {
            None => Either::Left(stream),
            Some(tls) => match timeout(HANDSHAKE_PATIENCE, tls.accept(stream)).await {
                Ok(Ok(stream)) => Either::Right(Box::new(stream)),
                Ok(Err(error)) => return refused(&error),
                Err(late) => return refused(&late),
            },
        };
        let connection = Connection {
            stream,
            _counted: Counted::new(self.presence),
        };
        // Nobody takes it any more once the server drains.
        let _ = self.accepted.send(Ok(connection)).await;
    }
}

fn refused(reason: &dyn Display) {
    let text = "refused a connection that is not the host's";
    log::at(Level::Warn, text, &[("error", &reason)]);
}

/// One connection, counted as long as it lives.
pub(super) struct Connection {
    stream: Either<UnixStream, Box<TlsStream<UnixStream>>>,
    _counted: Counted,
}

struct Counted(watch::Sender<Presence>);

impl Counted {
    fn new(presence: watch::Sender<Presence>) -> Self {
        presence.send_modify(|presence| {
            presence.now += 1;
            presence.ever = true;
        });
        Self(presence)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|presence| presence.now -= 1);
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }
}
