//! An HTTP proxy: it makes tunnels, passes plain requests on, counts both, and can demand a
//! password.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::loopback::Server;

/// A proxy on the loopback interface; it stops when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    desk: Arc<Desk>,
    server: Server,
}

/// What all connections share.
#[derive(Debug)]
struct Desk {
    /// `Proxy-Authorization` as it must be, if it must.
    authorization: Option<String>,
    passed: Mutex<Passed>,
}

#[derive(Debug, Default)]
struct Passed {
    tunnels: Vec<String>,
    forwarded: Vec<String>,
    unauthorized: usize,
}

/// The head of a request, up to the empty line.
struct Head {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

const LONGEST_HEAD: usize = 16 * 1024;

impl Proxy {
    /// Starts one that is open to everybody.
    ///
    /// # Errors
    ///
    /// When no port can be listened on.
    pub fn start() -> io::Result<Self> {
        Self::with(None)
    }

    /// Starts one that demands these of everybody (RFC 7617).
    ///
    /// # Errors
    ///
    /// When no port can be listened on.
    pub fn requiring(user: &str, password: &str) -> io::Result<Self> {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        Self::with(Some(format!("Basic {credentials}")))
    }

    fn with(authorization: Option<String>) -> io::Result<Self> {
        let desk = Arc::new(Desk {
            authorization,
            passed: Mutex::default(),
        });
        let shared = desk.clone();
        let server = Server::run("proxy", move |listener| accept(listener, shared))?;
        Ok(Self { desk, server })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:<port>`, for `proxy_url` and `HTTPS_PROXY`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// `host:port` of every tunnel that was made, in order.
    pub fn tunnels(&self) -> Vec<String> {
        self.desk.passed().tunnels.clone()
    }

    /// The URL of every plain request that was passed on, in order.
    pub fn forwarded(&self) -> Vec<String> {
        self.desk.passed().forwarded.clone()
    }

    /// How many requests were refused for want of the password.
    pub fn unauthorized(&self) -> usize {
        self.desk.passed().unauthorized
    }
}

impl Desk {
    fn passed(&self) -> MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        if let Ok((client, _)) = listener.accept().await {
            // However it ends, the client sees it.
            tokio::spawn(answer(client, desk.clone()));
        }
    }
}

async fn answer(mut client: TcpStream, desk: Arc<Desk>) -> io::Result<()> {
    let Some((head, rest)) = Head::read(&mut client).await? else {
        return client.write_all(BAD_REQUEST).await;
    };
    if desk.authorization.is_some() && desk.authorization != head.header("proxy-authorization") {
        desk.passed().unauthorized += 1;
        return client.write_all(UNAUTHORIZED).await;
    }
    let tunnel = head.method == "CONNECT";
    let Ok(mut server) = TcpStream::connect(head.place()).await else {
        return client.write_all(BAD_GATEWAY).await;
    };
    if tunnel {
        desk.passed().tunnels.push(head.target.clone());
        client.write_all(ESTABLISHED).await?;
    } else {
        desk.passed().forwarded.push(head.target.clone());
        server.write_all(head.passed_on().as_bytes()).await?;
    }
    server.write_all(&rest).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

impl Head {
    /// Reads it and what came right behind it; `None` if it is no head of a request.
    async fn read(client: &mut TcpStream) -> io::Result<Option<(Self, Vec<u8>)>> {
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if read.len() > LONGEST_HEAD || client.read_buf(&mut read).await? == 0 {
                return Ok(None);
            }
        };
        let rest = read.split_off(end + 4);
        let head = String::from_utf8(read)
            .ok()
            .and_then(|text| Self::parse(&text));
        Ok(head.map(|head| (head, rest)))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.trim_end().split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_ascii_lowercase(), value.trim().to_owned()))
            })
            .collect::<Option<_>>()?;
        Some(Self {
            method,
            target,
            headers,
        })
    }

    fn header(&self, name: &str) -> Option<String> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    /// `host:port`.
    fn place(&self) -> String {
        if self.method == "CONNECT" {
            return self.target.clone();
        }
        let (authority, _) = self.authority_and_path();
        match authority.rsplit_once(':') {
            Some(_) => authority.to_owned(),
            None => format!("{authority}:80"),
        }
    }

    /// Of the absolute form, which is how a proxy is asked (RFC 9112, section 3.2.2).
    fn authority_and_path(&self) -> (&str, &str) {
        let rest = self.target.strip_prefix("http://").unwrap_or_default();
        rest.split_at(rest.find('/').unwrap_or(rest.len()))
    }

    /// The head as the server is sent it: in origin form, and the connection is for this one
    /// request, since the next may be for another server.
    fn passed_on(&self) -> String {
        let (_, path) = self.authority_and_path();
        let path = if path.is_empty() { "/" } else { path };
        let own = ["proxy-authorization", "proxy-connection", "connection"];
        let headers: String = self
            .headers
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        format!(
            "{} {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n",
            self.method
        )
    }
}

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BAD_GATEWAY: &[u8] =
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const UNAUTHORIZED: &[u8] = b"HTTP/1.1 407 Proxy Authentication Required\r\n\
    proxy-authenticate: Basic realm=\"proxy\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::aws::{Aws, Clock};
    use crate::sandbox_cluster::SandboxCluster;

    /// The status and the body that curl gets through the proxy.
    async fn curl(proxy: &str, more: &[&str], url: &str) -> (String, String) {
        let output = tokio::process::Command::new("curl")
            .env_clear()
            .args(["-sk", "-o", "-", "-w", "\n%{http_connect} %{http_code}"])
            .args(["--noproxy", "", "--proxy", proxy])
            .args(more)
            .arg(url)
            .output()
            .await
            .expect("curl is on PATH");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, codes) = printed.rsplit_once('\n').unwrap();
        (codes.to_owned(), body.to_owned())
    }

    fn cluster() -> SandboxCluster {
        SandboxCluster::start(Timestamp::now).unwrap()
    }

    #[tokio::test]
    async fn a_tunnel_leads_to_the_server_and_is_counted() {
        let (proxy, cluster) = (Proxy::start().unwrap(), cluster());
        let bearer = format!("authorization: Bearer {}", cluster.token());
        let version = format!("{}/version", cluster.url());
        let (codes, body) = curl(&proxy.url(), &["-H", &bearer], &version).await;
        assert_eq!(codes, "200 200");
        assert!(body.contains("\"minor\""), "{body}");
        assert_eq!(proxy.tunnels(), [cluster.url().replace("https://", "")]);
        assert!(proxy.forwarded().is_empty());
    }

    #[tokio::test]
    async fn a_plain_request_is_passed_on_with_its_body() {
        let proxy = Proxy::start().unwrap();
        let aws = Aws::start(Clock::stopped_at(Timestamp::now())).unwrap();
        let body = "Action=GetCallerIdentity&Version=2011-06-15";
        let url = format!("{}/", aws.endpoint());
        let (codes, answer) = curl(&proxy.url(), &["-d", body], &url).await;
        assert_eq!(codes, "000 403");
        assert!(answer.contains("MissingAuthenticationToken"), "{answer}");
        assert_eq!(aws.count("GetCallerIdentity"), 1);
        assert_eq!((proxy.forwarded(), proxy.tunnels()), (vec![url], vec![]));
    }

    /// curl would send both over one connection to the proxy, if it were left open.
    #[tokio::test]
    async fn each_plain_request_goes_to_its_own_server() {
        let proxy = Proxy::start().unwrap();
        let servers = [0, 1].map(|_| Aws::start(Clock::stopped_at(Timestamp::now())).unwrap());
        let [first, second] = servers.each_ref().map(|aws| format!("{}/", aws.endpoint()));
        curl(
            &proxy.url(),
            &["-d", "Action=GetCallerIdentity", &first],
            &second,
        )
        .await;
        for aws in servers {
            assert_eq!(aws.count("GetCallerIdentity"), 1);
        }
        assert_eq!(proxy.forwarded(), [first, second]);
    }

    #[tokio::test]
    async fn a_password_may_be_demanded() {
        let (proxy, cluster) = (Proxy::requiring("ci", "p:w").unwrap(), cluster());
        let (codes, _) = curl(&proxy.url(), &[], cluster.url()).await;
        assert_eq!(codes, "407 000");
        let (codes, _) = curl(&proxy.url(), &["--proxy-user", "ci:other"], cluster.url()).await;
        assert_eq!(codes, "407 000");
        assert_eq!((proxy.unauthorized(), proxy.tunnels().len()), (2, 0));
        let (codes, _) = curl(&proxy.url(), &["--proxy-user", "ci:p:w"], cluster.url()).await;
        assert_eq!((codes.as_str(), proxy.tunnels().len()), ("200 401", 1));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_a_bad_gateway() {
        let (proxy, cluster) = (Proxy::start().unwrap(), cluster());
        cluster.take_down().await.unwrap();
        let (codes, _) = curl(&proxy.url(), &[], cluster.url()).await;
        assert_eq!(codes, "502 000");
        assert!(proxy.tunnels().is_empty());
    }
}
