//! The services that a go-plugin host expects beside the provider's, and the way to each of them.

use std::convert::Infallible;
use std::task::{Context, Poll};

use istiopca_proto::plugin::grpc_broker_server::{GrpcBroker, GrpcBrokerServer};
use istiopca_proto::plugin::grpc_controller_server::{GrpcController, GrpcControllerServer};
use istiopca_proto::plugin::grpc_stdio_server::{GrpcStdio, GrpcStdioServer};
use istiopca_proto::plugin::{ConnInfo, Empty, StdioData};
use istiopca_proto::tfplugin6::provider_server::{Provider, ProviderServer};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService as _;
use tonic::{Request, Response, Status, Streaming};

/// What Go providers allow in both directions; a large configuration's values go far beyond tonic's
/// own limit.
const LARGEST_MESSAGE: usize = 256 << 20;

/// Whether a host's Shutdown ends the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    /// The host has started us, so it may.
    Obeyed,
    /// Somebody else has.
    Ignored,
}

/// Everything that we answer, told apart by the first part of a call's path.
#[derive(Clone)]
pub(super) struct Services<S> {
    provider: S,
    controller: GrpcControllerServer<Companions>,
    stdio: GrpcStdioServer<Companions>,
    broker: GrpcBrokerServer<Companions>,
}

impl<P: Provider> Services<ProviderServer<P>> {
    /// Serves `provider` and its companions. An obeyed Shutdown cancels `ended`, and whoever
    /// cancels it ends the streams that would otherwise stay open for ever.
    pub(super) fn new(provider: P, shutdown: Shutdown, ended: &CancellationToken) -> Self {
        let companions = || Companions {
            shutdown,
            ended: ended.clone(),
        };
        Self {
            provider: ProviderServer::new(provider)
                .max_decoding_message_size(LARGEST_MESSAGE)
                .max_encoding_message_size(LARGEST_MESSAGE),
            controller: GrpcControllerServer::new(companions()),
            stdio: GrpcStdioServer::new(companions()),
            broker: GrpcBrokerServer::new(companions()),
        }
    }
}

impl<P: Provider> Service<http::Request<Body>> for Services<ProviderServer<P>> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = request.uri().path().split('/').nth(1);
        match service.unwrap_or_default() {
            ProviderServer::<P>::NAME => self.provider.call(request),
            GrpcControllerServer::<Companions>::NAME => self.controller.call(request),
            GrpcStdioServer::<Companions>::NAME => self.stdio.call(request),
            GrpcBrokerServer::<Companions>::NAME => self.broker.call(request),
            other => {
                let unknown = Status::unimplemented(format!("there is no service {other:?} here"));
                Box::pin(async move { Ok(unknown.into_http()) })
            }
        }
    }
}

#[derive(Debug)]
struct Companions {
    shutdown: Shutdown,
    ended: CancellationToken,
}

#[tonic::async_trait]
impl GrpcController for Companions {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        if self.shutdown == Shutdown::Obeyed {
            self.ended.cancel();
        }
        Ok(Response::new(Empty {}))
    }
}

/// Silent: what this process prints goes to stderr, which the host reads itself.
#[tonic::async_trait]
impl GrpcStdio for Companions {
    type StreamStdioStream = ReceiverStream<Result<StdioData, Status>>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        let (quiet, stream) = mpsc::channel(1);
        let ended = self.ended.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = ended.cancelled() => {}
                () = quiet.closed() => {}
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Silent: neither side of a provider offers further connections.
#[tonic::async_trait]
impl GrpcBroker for Companions {
    type StartStreamStream = ReceiverStream<Result<ConnInfo, Status>>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let (quiet, stream) = mpsc::channel(1);
        let ended = self.ended.clone();
        let mut offers = request.into_inner();
        tokio::spawn(async move {
            let ignored = async { while let Ok(Some(_)) = offers.message().await {} };
            tokio::select! {
                () = ended.cancelled() => {}
                () = quiet.closed() => {}
                () = ignored => {}
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}
