//! Calls that got no answer: why, told in words that retry rules know.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No connection within the time for it; TCP and TLS together.
    ConnectTimeout,
    /// The port is closed.
    Refused,
    /// The connection broke before the answer was complete.
    Reset,
    /// The host's name cannot be resolved.
    UnknownHost,
    /// The server's certificate is not one that we trust for this host.
    Untrusted(String),
    /// TLS failed for another reason; also when the server does not take our client certificate.
    Tls(String),
    /// Connected, but nothing came within the time for an answer.
    ReadTimeout,
    /// The call as a whole took longer than it may.
    Deadline(Duration),
    /// The proxy did not lead to the host.
    Proxy(String),
    /// Anything else, in the words of the last link.
    Other(String),
}

impl Cause {
    /// The cause in the words of Go's network stack, which the retry rules of Terragrunt and of CI systems match.
    pub fn words(&self, host: &str) -> String {
        match self {
            Self::ConnectTimeout => {
                format!(
                    "dial tcp {host}: i/o timeout (tcp connect timeout or TLS handshake timeout)"
                )
            }
            Self::Refused => format!("dial tcp {host}: connect: connection refused"),
            Self::Reset => {
                format!("tcp {host}: connection reset by peer before the answer was complete")
            }
            Self::UnknownHost => format!("dial tcp: lookup {host}: no such host"),
            Self::Untrusted(why) => {
                format!("the certificate of {host} cannot be trusted: {why}")
            }
            Self::Tls(why) => format!("the TLS handshake with {host} failed: {why}"),
            Self::ReadTimeout => format!("read tcp {host}: i/o timeout"),
            Self::Deadline(limit) => {
                format!(
                    "{host}: context deadline exceeded after {} s",
                    limit.as_secs_f32()
                )
            }
            Self::Proxy(why) => format!("the proxy did not connect to {host}: {why}"),
            Self::Other(why) => format!("no answer from {host}: {why}"),
        }
    }

    /// Whether trying again later may help without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Untrusted(_) | Self::Tls(_))
    }

    /// Whether trying again at once may help: a pooled connection had gone stale.
    pub(super) fn is_brief(&self) -> bool {
        *self == Self::Reset
    }

    /// Finds the cause in a chain of errors.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Self {
        let chain = Chain(links(error));
        match chain.tls() {
            Some(rustls::Error::InvalidCertificate(why)) => Self::Untrusted(why.to_string()),
            Some(other) => Self::Tls(other.to_string()),
            None if chain.says("tunnel error") || chain.says("SOCKS error") => {
                Self::Proxy(chain.last())
            }
            None if chain.says("dns error") => Self::UnknownHost,
            None => chain.io().unwrap_or_else(|| Self::Other(chain.last())),
        }
    }
}

/// An error and all that led to it.
struct Chain<'a>(Vec<&'a (dyn StdError + 'static)>);

impl Chain<'_> {
    fn tls(&self) -> Option<&rustls::Error> {
        self.0.iter().find_map(|link| link.downcast_ref())
    }

    fn io(&self) -> Option<Cause> {
        let connecting = self.says("(Connect)");
        let kinds = self
            .0
            .iter()
            .filter_map(|link| Some(link.downcast_ref::<io::Error>()?.kind()));
        let cut_off = self
            .says("connection closed before message completed")
            .then_some(Cause::Reset);
        kinds
            .filter_map(|kind| of_kind(kind, connecting))
            .next()
            .or(cut_off)
    }

    fn says(&self, what: &str) -> bool {
        self.0.iter().any(|link| link.to_string().contains(what))
    }

    fn last(&self) -> String {
        self.0.last().map(ToString::to_string).unwrap_or_default()
    }
}

fn of_kind(kind: io::ErrorKind, connecting: bool) -> Option<Cause> {
    match kind {
        io::ErrorKind::TimedOut if connecting => Some(Cause::ConnectTimeout),
        io::ErrorKind::TimedOut => Some(Cause::ReadTimeout),
        io::ErrorKind::ConnectionRefused => Some(Cause::Refused),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(Cause::Reset),
        _ => None,
    }
}

/// An `io::Error` does not name what it wraps as its source.
fn links<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut links = vec![error];
    while let Some(link) = links.last().copied() {
        let inner = link
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match inner
            .map(|inner| inner as &(dyn StdError + 'static))
            .or_else(|| link.source())
        {
            Some(next) if links.len() < LONGEST_CHAIN => links.push(next),
            _ => break,
        }
    }
    links
}

/// No real chain is nearly as long; a chain that leads back to itself ends here.
const LONGEST_CHAIN: usize = 32;
