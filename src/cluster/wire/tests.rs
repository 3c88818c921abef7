//! The gate itself: tries, pauses, deadlines, and real sockets behind a real client.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{Request, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::cluster::connect::samples::{CA_ONE, IDENTITY, clock};
use crate::cluster::script::{self, status};
use crate::cluster::secret::SecretName;
use crate::cluster::secret::samples::ours_json;
use crate::cluster::{Resolved, Settings, resolve};

fn at() -> SecretName {
    SecretName::new("istio-system", "cacerts").unwrap()
}

fn busy() -> script::Reply {
    status(429, "TooManyRequests", "slow down", json!({}))
}

async fn problem(cluster: &Cluster) -> Problem {
    cluster.read(&at()).await.unwrap_err().problem
}

async fn cause(cluster: &Cluster) -> Cause {
    match problem(cluster).await {
        Problem::Unreachable { cause, .. } => cause,
        other => panic!("expected no answer, got {other:?}"),
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_then_given_up() {
    let (cluster, sent) = script::cluster([busy(), busy(), (200, ours_json())]);
    assert!(cluster.read(&at()).await.unwrap().is_some());
    assert_eq!(sent.all().len(), 3);
    let (cluster, sent) = script::cluster((0..9).map(|_| busy()));
    let given_up = problem(&cluster).await;
    assert!(matches!(&given_up, Problem::Busy { code: 429, .. }) && given_up.is_transient());
    assert_eq!(sent.all().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() {
    let (cluster, sent) = script::cluster([status(403, "Forbidden", "no", json!({}))]);
    assert!(matches!(problem(&cluster).await, Problem::Forbidden { .. }));
    assert_eq!(sent.all().len(), 1);
}

#[test]
fn a_server_may_ask_for_a_pause_but_not_for_any() {
    let patience = Patience::default();
    let seconds = Duration::from_secs;
    assert_eq!(patience.pause_before_next(seconds(1), None), seconds(1));
    assert_eq!(
        patience.pause_before_next(seconds(1), Some(seconds(7))),
        seconds(7)
    );
    assert_eq!(
        patience.pause_before_next(seconds(1), Some(seconds(3600))),
        seconds(10)
    );
}

#[tokio::test]
async fn a_busy_server_is_asked_again_by_us_alone() {
    let (port, connections) = listen(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
    let plain = Settings {
        host: Some(format!("http://127.0.0.1:{port}")),
        ..Settings::default()
    };
    assert!(matches!(
        problem(&connect(&plain)).await,
        Problem::Busy { code: 503, .. }
    ));
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

#[test]
fn the_pause_that_a_server_asks_for_is_read() {
    let asked = |text: &str| {
        let headers = [(header::RETRY_AFTER, text.parse().unwrap())];
        retry_after(&headers.into_iter().collect())
    };
    assert_eq!(asked("7"), Some(Duration::from_secs(7)));
    assert_eq!(asked("Fri, 31 Dec 2027 23:59:59 GMT"), None);
    assert_eq!(asked("-1"), None);
}

#[tokio::test]
async fn a_call_without_an_end_ends_at_its_deadline() {
    let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let mut cluster = script::over(kube::Client::new(service, "default"));
    cluster.patience.each = Duration::from_millis(20);
    let held = tokio::spawn(async move { handle.next_request().await });
    let cause = cause(&cluster).await;
    assert_eq!(cause, Cause::Deadline(Duration::from_millis(20)));
    let words = cause.words("api.example.com:443");
    assert_eq!(
        words,
        "api.example.com:443: context deadline exceeded after 0.02 s"
    );
    drop(held.await);
}

#[tokio::test]
async fn a_success_that_is_no_secret_is_told_without_its_text() {
    let (cluster, _) = script::cluster([(200, json!({"token": "hunter2"}))]);
    let error = cluster.read(&at()).await.unwrap_err();
    assert!(matches!(error.problem, Problem::Unreadable { .. }));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

// From here on a real client, a real socket.

fn connect(settings: &Settings) -> Cluster {
    let Ok(Resolved::Target(target)) = resolve(settings, &|_| None, &|_| unreachable!(), &clock())
    else {
        panic!("the settings name a host");
    };
    let mut cluster = Cluster::connect(&target).unwrap();
    cluster.patience.pause = Duration::from_millis(1);
    cluster
}

fn settings(port: u16) -> Settings {
    Settings {
        host: Some(format!("https://127.0.0.1:{port}")),
        cluster_ca_certificate: Some(IDENTITY.certificate.clone()),
        token: Some("t0ken".into()),
        ..Settings::default()
    }
}

/// What a TLS server saw.
#[derive(Default)]
struct Seen {
    request: std::sync::Mutex<String>,
    server_name: std::sync::Mutex<Option<String>>,
    connections: AtomicUsize,
}

/// An API server on a free port that knows one Secret.
async fn serve() -> (u16, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let certificate = CertificateDer::from_pem_slice(IDENTITY.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(IDENTITY.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = config
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let seen = Arc::new(Seen::default());
    let log = seen.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            log.connections.fetch_add(1, Ordering::SeqCst);
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            *log.server_name.lock().unwrap() = stream.get_ref().1.server_name().map(str::to_owned);
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            *log.request.lock().unwrap() = String::from_utf8_lossy(&request[..read]).into_owned();
            let body = ours_json().to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            stream
                .write_all(format!("{head}{body}").as_bytes())
                .await
                .unwrap();
            stream.shutdown().await.ok();
        }
    });
    (port, seen)
}

#[tokio::test]
async fn a_real_client_reads_a_secret_over_tls_with_its_token() {
    let (port, seen) = serve().await;
    let cluster = connect(&settings(port));
    assert_eq!(cluster.read(&at()).await.unwrap().unwrap().uid, "u-1");
    let request = seen.request.lock().unwrap().to_lowercase();
    assert!(
        request.starts_with("get /api/v1/namespaces/istio-system/secrets/cacerts http/1.1"),
        "{request}"
    );
    assert!(request.contains("authorization: bearer t0ken"), "{request}");
    assert!(request.contains("accept: application/json"), "{request}");
}

#[tokio::test]
async fn the_path_of_a_gateway_goes_in_front() {
    let (port, seen) = serve().await;
    let host = Some(format!("https://127.0.0.1:{port}/k8s/clusters/c-1"));
    connect(&Settings {
        host,
        ..settings(port)
    })
    .read(&at())
    .await
    .unwrap();
    let request = seen.request.lock().unwrap().clone();
    assert!(
        request.starts_with("GET /k8s/clusters/c-1/api/v1/namespaces/"),
        "{request}"
    );
}

#[tokio::test]
async fn another_name_in_the_certificate_is_asked_for_and_verified() {
    let (port, seen) = serve().await;
    let name = |name: &str| Settings {
        tls_server_name: Some(name.to_owned()),
        ..settings(port)
    };
    assert!(
        connect(&name("kubernetes.default"))
            .read(&at())
            .await
            .is_ok()
    );
    assert_eq!(
        seen.server_name.lock().unwrap().as_deref(),
        Some("kubernetes.default")
    );
    let cause = cause(&connect(&name("elsewhere.example.com"))).await;
    assert!(
        matches!(&cause, Cause::Untrusted(why) if why.contains("elsewhere.example.com")),
        "{cause:?}"
    );
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let (port, seen) = serve().await;
    let other = Settings {
        cluster_ca_certificate: Some(CA_ONE.to_owned()),
        ..settings(port)
    };
    let cause = cause(&connect(&other)).await;
    assert!(
        matches!(cause, Cause::Untrusted(_)) && !cause.is_transient(),
        "{cause:?}"
    );
    assert_eq!(
        seen.connections.load(Ordering::SeqCst),
        1,
        "trying again would not help"
    );
    assert!(
        seen.request.lock().unwrap().is_empty(),
        "the token went nowhere"
    );
}

#[tokio::test]
async fn insecure_believes_any_certificate() {
    let (port, _) = serve().await;
    let insecure = Settings {
        cluster_ca_certificate: None,
        insecure: Some(true),
        ..settings(port)
    };
    assert!(connect(&insecure).read(&at()).await.is_ok());
}

#[tokio::test]
async fn a_key_of_another_certificate_makes_no_client() {
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let mixed = Settings {
        token: None,
        client_certificate: Some(IDENTITY.certificate.clone()),
        client_key: Some(other.as_str().into()),
        ..settings(1)
    };
    let Ok(Resolved::Target(target)) = resolve(&mixed, &|_| None, &|_| unreachable!(), &clock())
    else {
        panic!("the settings name a host");
    };
    let refused = Cluster::connect(&target).unwrap_err();
    assert!(
        matches!(refused, crate::cluster::ConnectError::Identity { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let cause = cause(&connect(&settings(port))).await;
    assert_eq!(cause, Cause::Refused);
    assert_eq!(
        cause.words("a:1"),
        "dial tcp a:1: connect: connection refused"
    );
}

/// A listener that treats each connection as `greet` says and counts them.
async fn listen(greeting: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = socket.read(&mut [0; 64]).await;
            socket.write_all(greeting).await.ok();
        }
    });
    (port, connections)
}

#[tokio::test]
async fn a_server_that_hangs_up_is_a_reset_and_tried_again() {
    let (port, connections) = listen(b"").await;
    let cause = cause(&connect(&settings(port))).await;
    assert_eq!(cause, Cause::Reset);
    assert!(cause.words("a:1").contains("connection reset by peer"));
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_server_without_tls_is_a_failed_handshake() {
    let (port, _) = listen(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let cause = cause(&connect(&settings(port))).await;
    assert!(matches!(cause, Cause::Tls(_)), "{cause:?}");
}

#[tokio::test]
async fn a_host_that_no_name_server_knows_is_named() {
    let unknown = Settings {
        host: Some("https://no-such-host.invalid".to_owned()),
        ..settings(1)
    };
    let cause = cause(&connect(&unknown)).await;
    assert_eq!(cause, Cause::UnknownHost);
    assert_eq!(
        cause.words("no-such-host.invalid:443"),
        "dial tcp: lookup no-such-host.invalid:443: no such host"
    );
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_host_and_its_refusal_is_told() {
    let (port, connections) = listen(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
    let proxied = Settings {
        host: Some("https://api.invalid".to_owned()),
        proxy_url: Some(format!("http://u:hunter2@127.0.0.1:{port}").into()),
        ..settings(1)
    };
    let cause = cause(&connect(&proxied)).await;
    assert!(
        matches!(&cause, Cause::Proxy(why) if !why.contains("hunter2")),
        "{cause:?}"
    );
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_error_page_of_something_else_is_no_cluster() {
    let (cluster, _) = script::cluster([(404, Value::from("<html>not found</html>"))]);
    assert_eq!(
        problem(&cluster).await,
        Problem::NotKubernetes { code: 404 }
    );
}
