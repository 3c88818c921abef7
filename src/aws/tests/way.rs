//! The way to AWS over real sockets: proxies, and whose certificates are believed.

use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// One request as it comes in, answered with this status line.
async fn receive(listener: &TcpListener, status: &str) -> String {
    let (socket, _) = listener.accept().await.unwrap();
    answered(socket, status).await
}

async fn answered(mut socket: impl AsyncRead + AsyncWrite + Unpin, status: &str) -> String {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    socket.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(request).unwrap()
}

/// Asks STS at `endpoint` who is calling, and gives the first line and the rest of what `listener`
/// got.
async fn asked(settings: Settings, endpoint: &str, listener: &TcpListener) -> String {
    let settings = Settings {
        endpoints: vec![Endpoints {
            sts: Some(endpoint.to_owned()),
            ..Endpoints::default()
        }],
        max_retries: Some(0),
        ..settings
    };
    let sign_in = sign_in(&settings, &Agent::default()).unwrap();
    let both = async {
        tokio::join!(
            sign_in.caller("eu-west-1"),
            receive(listener, "403 Forbidden")
        )
    };
    let (failed, request) = tokio::time::timeout(PATIENCE, both)
        .await
        .expect("it is called");
    failed.unwrap_err();
    request
}

#[tokio::test]
async fn a_proxy_of_the_settings_is_asked_to_connect_and_a_host_may_go_without() {
    let (file, proxy) = (
        File::new("proxy"),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    );
    let address = format!("http://office:word@{}", proxy.local_addr().unwrap());
    let settings = Settings {
        https_proxy: Some(address.clone().into()),
        ..file.settings(Some("ci"), Vec::new())
    };
    let request = asked(settings.clone(), "https://sts.invalid", &proxy).await;
    assert!(request.starts_with("CONNECT sts.invalid:443 "), "{request}");
    // printf office:word | base64
    let expected = "proxy-authorization: basic b2zmawnlondvcmq=";
    assert!(request.to_lowercase().contains(expected), "{request}");

    // What is not https goes by itself, and so does what is here or what no_proxy names.
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", server.local_addr().unwrap());
    let request = asked(settings.clone(), &endpoint, &server).await;
    assert!(request.starts_with("POST / "), "{request}");
    let plain = Settings {
        http_proxy: Some(address.into()),
        ..settings
    };
    let request = asked(plain.clone(), "http://sts.invalid", &proxy).await;
    assert!(
        request.starts_with("POST http://sts.invalid/ "),
        "{request}"
    );
    let request = asked(plain.clone(), &endpoint, &server).await;
    assert!(request.starts_with("POST / "), "{request}");
    // Of all addresses of this machine the only one that counts as another's.
    let unspecified = endpoint.replace("127.0.0.1", "0.0.0.0");
    let request = asked(plain.clone(), &unspecified, &proxy).await;
    assert!(request.starts_with("POST http://0.0.0.0"), "{request}");
    let without = Settings {
        no_proxy: Some("0.0.0.0".to_owned()),
        ..plain
    };
    let request = asked(without, &unspecified, &server).await;
    assert!(request.starts_with("POST / "), "{request}");
}

#[tokio::test]
async fn a_bundle_is_named_by_the_settings_before_the_environment_before_the_profile() {
    let test = "way::a_bundle_is_named_by_the_settings_before_the_environment_before_the_profile";
    if !in_environment(test, &[("AWS_CA_BUNDLE", "/nowhere/environment.pem")]) {
        return;
    }
    let config = File::holding(
        "bundle",
        "[profile office]\nca_bundle = /nowhere/profile.pem\n",
    );
    let mut settings = Settings {
        custom_ca_bundle: Some("/nowhere/settings.pem".to_owned()),
        profile: Some("office".to_owned()),
        shared_config_files: vec![config.path().to_owned()],
        shared_credentials_files: vec!["/dev/null".to_owned()],
        ..Settings::default()
    };
    let named = async |settings: &Settings| {
        let sign_in = sign_in(settings, &Agent::default()).unwrap();
        match sign_in.session("eu-west-1").await.unwrap_err() {
            Error::CaBundle { said, path, .. } => (said, path),
            other => panic!("{other}"),
        }
    };
    let expected = |said, path: &str| (said, path.to_owned());
    assert_eq!(
        named(&settings).await,
        expected("custom_ca_bundle", "/nowhere/settings.pem")
    );
    settings.custom_ca_bundle = None;
    assert_eq!(
        named(&settings).await,
        expected("AWS_CA_BUNDLE", "/nowhere/environment.pem")
    );
}

#[tokio::test]
async fn a_bundle_of_the_profile_is_heeded() {
    if !in_environment("way::a_bundle_of_the_profile_is_heeded", &[]) {
        return;
    }
    let config = File::holding(
        "ca-bundle",
        "[profile office]\nca_bundle = /nowhere/profile.pem\n",
    );
    let settings = Settings {
        profile: Some("office".to_owned()),
        shared_config_files: vec![config.path().to_owned()],
        shared_credentials_files: vec!["/dev/null".to_owned()],
        ..Settings::default()
    };
    let sign_in = sign_in(&settings, &Agent::default()).unwrap();
    let error = sign_in.session("eu-west-1").await.unwrap_err().to_string();
    assert!(
        error.starts_with("ca_bundle=/nowhere/profile.pem: No such file"),
        "{error}"
    );
}

/// A server under its own certificate, and that certificate as PEM.
fn self_signed() -> (TlsAcceptor, String) {
    let names = vec!["localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

#[tokio::test]
async fn a_server_under_a_ca_of_the_bundle_is_believed_and_no_other() {
    let (acceptor, pem) = self_signed();
    let (file, bundle) = (File::new("believed"), File::holding("bundle.pem", &pem));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let endpoint = Some(format!("https://localhost:{port}"));
    for (bundle, believed) in [(Some(bundle.path().to_owned()), true), (None, false)] {
        let settings = Settings {
            custom_ca_bundle: bundle,
            no_proxy: Some("localhost".to_owned()),
            max_retries: Some(0),
            endpoints: vec![Endpoints {
                sts: endpoint.clone(),
                ..Endpoints::default()
            }],
            ..file.settings(Some("ci"), Vec::new())
        };
        let sign_in = sign_in(&settings, &Agent::default()).unwrap();
        let serving = async {
            let (socket, _) = listener.accept().await.unwrap();
            let socket = acceptor.accept(socket).await.ok()?;
            Some(answered(socket, "403 Forbidden").await)
        };
        let both = async { tokio::join!(sign_in.caller("eu-west-1"), serving) };
        let (failed, request) = tokio::time::timeout(PATIENCE, both)
            .await
            .expect("it is called");
        let told = failed.unwrap_err().to_string();
        assert_eq!(request.is_some(), believed, "{told}");
        assert_eq!(told.contains("UnknownIssuer"), !believed, "{told}");
    }
}
