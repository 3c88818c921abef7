//! The server as its hosts meet it, in this process and in processes of its own.

mod host;
mod processes;
mod stub;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use istiopca_proto::plugin::grpc_broker_client::GrpcBrokerClient;
use istiopca_proto::plugin::grpc_controller_client::GrpcControllerClient;
use istiopca_proto::plugin::grpc_stdio_client::GrpcStdioClient;
use istiopca_proto::plugin::{ConnInfo, Empty};
use istiopca_proto::tfplugin6::provider_client::ProviderClient;
use istiopca_proto::tfplugin6::{
    DynamicValue, get_provider_schema, read_resource, validate_provider_config,
};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::server::{Door, Patience};
use super::socket::{Place, Socket};
use super::*;
use host::{Credentials, Line, Served, connect, refusal};
use stub::Stub;

/// After this a call is taken for lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a host waits for the end of a process before it kills.
const KILLED_AFTER: Duration = Duration::from_secs(2);

async fn schema(channel: &Channel) -> Result<get_provider_schema::Response, Status> {
    let mut provider = ProviderClient::new(channel.clone());
    let answer = provider.get_provider_schema(get_provider_schema::Request {});
    let answer = timeout(PATIENCE, answer).await.expect("an answer");
    Ok(answer?.into_inner())
}

async fn read(channel: &Channel, type_name: &str) -> Result<(), Status> {
    let mut provider = ProviderClient::new(channel.clone());
    let request = read_resource::Request {
        type_name: type_name.to_owned(),
        ..Default::default()
    };
    provider.read_resource(request).await.map(drop)
}

async fn shut_down(channel: &Channel) -> Result<(), Status> {
    let mut controller = GrpcControllerClient::new(channel.clone());
    controller.shutdown(Empty {}).await.map(drop)
}

#[tokio::test]
async fn the_host_whose_certificate_is_pinned_gets_in() {
    let host = Credentials::new();
    let served = Served::to(Some(&host.pem)).await;
    let channel = connect(&served.line, Some(&host));
    assert!(schema(&channel).await.unwrap().provider.is_some());
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let host = Credentials::new();
    let served = Served::to(Some(&host.pem)).await;

    let nameless = refusal(&served.line, None).await;
    assert!(nameless.contains("CertificateRequired"), "{nameless}");
    let stranger = refusal(&served.line, Some(&Credentials::new())).await;
    assert!(stranger.contains("AccessDenied"), "{stranger}");
    let in_clear = Line {
        certificate: None,
        ..served.line.clone()
    };
    assert!(schema(&connect(&in_clear, None)).await.is_err());

    let channel = connect(&served.line, Some(&host));
    assert!(schema(&channel).await.is_ok(), "the host must still get in");
}

/// Another TLS library as the witness, with a P-521 certificate that it made itself.
#[tokio::test(flavor = "multi_thread")]
async fn openssl_agrees_on_trust_and_on_h2() {
    let (directory, _listener) = Socket::listen(&Place::default()).unwrap();
    let directory = directory.path().parent().unwrap().to_owned();
    let openssl = |arguments: &str| {
        let run = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&directory)
            .stdin(Stdio::null())
            .output();
        let run = run.unwrap();
        String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned()
    };
    let made = openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-521 -sha512 -nodes \
         -subj /O=HashiCorp/CN=localhost -keyout key.pem -out host.pem",
    );
    let pem = fs::read_to_string(directory.join("host.pem")).expect(&made);
    let served = Served::to(Some(&pem)).await;
    let der = served.line.certificate.as_ref().unwrap();
    fs::write(directory.join("server.der"), der).unwrap();
    openssl("x509 -inform DER -in server.der -out server.pem");

    // Up to TLS 1.2 a handshake ends only after the server has judged the client.
    let session = format!(
        "s_client -unix {} -tls1_2 -alpn h2 -CAfile server.pem -verify_hostname localhost \
         -verify_return_error",
        served.line.socket.display()
    );
    let known = openssl(&format!("{session} -cert host.pem -key key.pem"));
    let nameless = openssl(&session);
    fs::remove_dir_all(&directory).unwrap();
    assert!(known.contains("ALPN protocol: h2"), "{known}");
    assert!(known.contains("Verify return code: 0 (ok)"), "{known}");
    assert!(!known.contains("alert"), "{known}");
    assert!(nameless.contains("alert"), "{nameless}");
}

#[tokio::test]
async fn with_tls_off_the_line_says_so_and_anybody_of_this_user_gets_in() {
    let served = Served::to(None).await;
    assert_eq!(served.line.certificate, None);
    assert!(schema(&connect(&served.line, None)).await.is_ok());
}

#[tokio::test]
async fn large_messages_pass_both_ways() {
    const SIZE: usize = 8 << 20;
    let host = Credentials::new();
    let served = Served::to(Some(&host.pem)).await;
    let channel = connect(&served.line, Some(&host));
    let mut provider = ProviderClient::new(channel).max_decoding_message_size(2 * SIZE);
    let config = DynamicValue {
        msgpack: vec![0; SIZE],
        json: vec![],
    };
    let request = validate_provider_config::Request {
        config: Some(config),
    };
    let answer = provider.validate_provider_config(request).await.unwrap();
    assert_eq!(answer.into_inner().diagnostics[0].detail.len(), SIZE);
}

#[tokio::test]
async fn what_is_not_served_is_unimplemented() {
    let served = Served::to(None).await;
    let channel = connect(&served.line, None);
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/grpc.health.v1.Health/Check");
    let codec = tonic_prost::ProstCodec::<Empty, Empty>::default();
    let answer = client
        .unary(tonic::Request::new(Empty {}), path, codec)
        .await;
    assert_eq!(answer.unwrap_err().code(), Code::Unimplemented);
}

#[tokio::test]
async fn shutdown_ends_everything_and_removes_the_socket() {
    let host = Credentials::new();
    let served = Served::to(Some(&host.pem)).await;
    let channel = connect(&served.line, Some(&host));
    let mut stdio = GrpcStdioClient::new(channel.clone());
    let mut output = stdio.stream_stdio(()).await.unwrap().into_inner();
    let mut broker = GrpcBrokerClient::new(channel.clone());
    let offers = tokio_stream::pending::<ConnInfo>();
    let mut offered = broker.start_stream(offers).await.unwrap().into_inner();
    let hanging = tokio::spawn({
        let channel = channel.clone();
        async move { read(&channel, "hangs").await }
    });
    assert!(!served.stopped.load(Ordering::SeqCst));

    shut_down(&channel).await.unwrap();
    let all = async {
        assert!(output.message().await.unwrap().is_none());
        assert!(offered.message().await.unwrap().is_none());
        served.ended.await.unwrap().unwrap();
    };
    timeout(PATIENCE, all).await.expect("the end");
    assert!(served.stopped.load(Ordering::SeqCst));
    assert!(!served.line.socket.exists());
    assert!(!served.line.socket.parent().unwrap().exists());
    hanging.abort();
}

#[test]
fn the_end_comes_before_a_host_kills() {
    assert!(server::DRAIN + LINGER < KILLED_AFTER * 3 / 4);
}

#[tokio::test]
async fn a_host_that_is_gone_without_a_word_ends_the_server() {
    let patience = Patience {
        before: Duration::from_secs(60),
        after: Duration::from_millis(20),
    };
    let (line, ended, stopped) = lonely(patience);
    let channel = connect(&line, None);
    schema(&channel).await.unwrap();
    assert!(!stopped.load(Ordering::SeqCst));
    drop(channel);
    let ended = timeout(PATIENCE, ended).await.expect("the end");
    ended.unwrap().unwrap();
    assert!(stopped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_host_that_never_comes_ends_the_server() {
    let patience = Patience {
        before: Duration::from_millis(20),
        after: Duration::from_secs(60),
    };
    let (_, ended, stopped) = lonely(patience);
    let ended = timeout(PATIENCE, ended).await.expect("the end");
    ended.unwrap().unwrap();
    assert!(stopped.load(Ordering::SeqCst));
}

/// A server with another patience than the real one's.
fn lonely(
    patience: Patience,
) -> (
    Line,
    tokio::task::JoinHandle<Result<(), Error>>,
    std::sync::Arc<AtomicBool>,
) {
    let (socket, listener) = Socket::listen(&Place::default()).unwrap();
    let line = Line {
        socket: socket.path().to_owned(),
        certificate: None,
    };
    let stopped = std::sync::Arc::new(AtomicBool::new(false));
    let stop = stopped.clone();
    let ended = tokio::spawn(async move {
        let _socket = socket;
        let door = Door {
            listener,
            tls: None,
        };
        let stop = || stop.store(true, Ordering::SeqCst);
        door.serve(Stub, stop, patience).await
    });
    (line, ended, stopped)
}

#[tokio::test]
async fn hosts_come_and_go_where_the_provider_is_reattached() {
    let reattach = serve_reattach(Stub).await.unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&reattach.json("example.com/acme/mesh")).unwrap();
    let entry = &json["example.com/acme/mesh"];
    assert_eq!(
        (
            &entry["Protocol"],
            &entry["ProtocolVersion"],
            &entry["Test"]
        ),
        (&"grpc".into(), &6.into(), &true.into())
    );
    assert_eq!(entry["Pid"], std::process::id());
    assert_eq!(entry["Addr"]["Network"], "unix");
    let line = Line {
        socket: entry["Addr"]["String"].as_str().unwrap().into(),
        certificate: None,
    };
    for _ in 0..2 {
        let channel = connect(&line, None);
        schema(&channel).await.unwrap();
        shut_down(&channel).await.unwrap();
        schema(&channel)
            .await
            .expect("nobody but its owner ends it");
    }
    let closing = timeout(PATIENCE, reattach.close());
    closing.await.expect("the end");
    assert!(!line.socket.exists());
}

#[tokio::test]
async fn a_reattached_provider_that_is_dropped_is_gone() {
    let reattach = serve_reattach(Stub).await.unwrap();
    let line = Line {
        socket: reattach.socket_path().to_owned(),
        certificate: None,
    };
    let channel = connect(&line, None);
    schema(&channel).await.unwrap();
    drop(reattach);
    assert!(!line.socket.exists());
    let gone = async { while schema(&channel).await.is_ok() {} };
    timeout(PATIENCE, gone).await.unwrap();
}
