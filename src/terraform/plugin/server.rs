//! The life of a server: from the handshake to the end that somebody gives it.

use std::pin::pin;
use std::time::Duration;

use istiopca_proto::tfplugin6::provider_server::Provider;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::companions::{Services, Shutdown};
use super::connections::{self, Presence};
use super::error::Error;
use super::handshake::Handshake;
use super::host::{Host, PROTOCOL};
use super::socket::Socket;
use super::tls::Identity;
use crate::terraform::log::{self, Level};

/// How long calls in flight may take to end once the server has to.
pub(super) const DRAIN: Duration = Duration::from_secs(1);

/// How long to live on without a host: before its first connection, and after its last. A host that
/// was killed cannot say Shutdown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) before: Duration,
    pub(super) after: Duration,
}

/// A living host connects at once and never closes in between; one in a debugger may take a while.
const PATIENCE: Patience = Patience {
    before: Duration::from_secs(300),
    after: Duration::from_secs(10),
};

/// Serves the host that started this process, until it says Shutdown or is gone.
///
/// `stop` is called as soon as the end is known, before calls in flight are waited for.
pub(super) async fn serve<P: Provider>(
    host: &Host,
    mut handshake: Handshake,
    provider: P,
    stop: impl FnOnce(),
) -> Result<(), Error> {
    if !host.speaks_our_protocol {
        let text = "the host does not say that it speaks the protocol of this provider";
        log::at(Level::Warn, text, &[("tf_proto_version", &PROTOCOL)]);
    }
    let identity = host.client.clone().map(Identity::trusting).transpose()?;
    let (socket, listener) = Socket::listen(&host.place)?;
    let certificate = identity.as_ref().map(|identity| &identity.certificate);
    handshake
        .announce(socket.path(), certificate)
        .map_err(Error::Handshake)?;
    let door = Door {
        listener,
        tls: identity.map(|identity| identity.acceptor),
    };
    door.serve(provider, stop, PATIENCE).await
}

/// Where connections come in.
pub(super) struct Door {
    pub(super) listener: UnixListener,
    pub(super) tls: Option<TlsAcceptor>,
}

impl Door {
    /// Serves until Shutdown or until nobody is there any more.
    pub(super) async fn serve<P: Provider>(
        self,
        provider: P,
        stop: impl FnOnce(),
        patience: Patience,
    ) -> Result<(), Error> {
        let ended = CancellationToken::new();
        let (incoming, presence) = connections::accept(self.listener, self.tls);
        let services = Services::new(provider, Shutdown::Obeyed, &ended);
        let serving = Server::builder().serve_with_incoming_shutdown(
            services,
            incoming,
            ended.clone().cancelled_owned(),
        );
        let mut serving = pin!(serving);
        let served = tokio::select! {
            served = &mut serving => Some(served),
            () = ended.cancelled() => None,
            () = abandoned(presence, patience) => {
                log::at(Level::Warn, "the host is gone without a word", &[]);
                ended.cancel();
                None
            }
        };
        stop();
        let drained = match served {
            Some(served) => Ok(served),
            None => timeout(DRAIN, serving).await,
        };
        Ok(drained.unwrap_or_else(|_| {
            let text = "calls in flight did not end, and are dropped";
            log::at(Level::Warn, text, &[]);
            Ok(())
        })?)
    }

    /// Serves until `ended` is cancelled, whatever hosts come and go.
    pub(super) async fn serve_until<P: Provider>(
        self,
        provider: P,
        ended: CancellationToken,
    ) -> Result<(), Error> {
        let (incoming, _) = connections::accept(self.listener, self.tls);
        let services = Services::new(provider, Shutdown::Ignored, &ended);
        let end = ended.cancelled_owned();
        let serving = Server::builder().serve_with_incoming_shutdown(services, incoming, end);
        Ok(serving.await?)
    }
}

/// Ends when no connection has been there for too long.
async fn abandoned(mut presence: watch::Receiver<Presence>, patience: Patience) {
    loop {
        let Presence { now, ever } = *presence.borrow_and_update();
        let alone = match (now, ever) {
            (0, false) => patience.before,
            (0, true) => patience.after,
            _ => Duration::MAX,
        };
        tokio::select! {
            () = sleep(alone) => return,
            changed = presence.changed() => if changed.is_err() { return },
        }
    }
}
