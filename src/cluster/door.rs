//! The way in: a client that signs by itself, or one whose credential ends and is obtained anew.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderValue, header};
use kube::client::Body;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::connect::{self, SecretText, Target};

/// What signs calls for a while.
#[derive(Debug)]
pub struct Pass {
    /// A bearer token.
    pub token: Option<SecretText>,
    /// A client certificate, for the handshake.
    pub identity: Option<ClientIdentity>,
    /// For how long it may be used, counted from now; after that another one is obtained.
    pub lasts: Duration,
}

/// A client certificate and its key, both PEM.
#[derive(Debug)]
pub struct ClientIdentity {
    /// The certificate, and those above it.
    pub chain: Zeroizing<String>,
    /// Its key.
    pub key: SecretText,
}

/// Why there is nothing to sign calls with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct NoPass {
    /// The reason, in words that hold nothing secret.
    pub why: String,
    /// Whether trying again later may help without anybody changing anything.
    pub is_transient: bool,
}

/// Where credentials come from that end.
pub trait Issuer: fmt::Debug + Send + Sync {
    /// Obtains another one; dropped after a minute and a half.
    fn obtain(&self) -> Obtaining<'_, Result<Pass, NoPass>>;

    /// The API server does not accept the last one, though its time is not over.
    fn refused(&self) {}

    /// As whom it signs in, for the message when the API server does not accept it.
    fn principal(&self) -> Obtaining<'_, Option<String>> {
        Box::pin(async { None })
    }
}

/// What an [`Issuer`] is about to answer.
pub type Obtaining<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How calls get in; cheap to clone.
#[derive(Clone)]
pub(super) enum Door {
    /// One client for good.
    Standing(kube::Client),
    /// A client whose credential ends.
    Renewed(Arc<Renewed>),
}

/// Calls that come at the same time wait for one credential and share it.
pub(super) struct Renewed {
    target: Target,
    issuer: Arc<dyn Issuer>,
    held: Mutex<Held>,
    /// The client for credentials that are no certificates: its connections outlive them.
    unsigned: OnceLock<kube::Client>,
}

#[derive(Default)]
struct Held {
    key: Option<(Key, Instant)>,
    /// How many there have been.
    count: u64,
    /// The last failure, and when it came.
    failed: Option<(NoPass, Instant)>,
}

/// What opens the door for one call.
#[derive(Clone)]
pub(super) struct Key {
    client: kube::Client,
    bearer: Option<HeaderValue>,
    /// Which one it is of those that there have been.
    number: u64,
}

impl Door {
    /// The way to `target`, of which nothing is asked yet.
    pub(super) fn to(target: &Target) -> Result<Self, connect::ConnectError> {
        match target.issuer() {
            None => connect::client(target).map(Self::Standing),
            Some(issuer) => Ok(Self::Renewed(Arc::new(Renewed {
                target: target.clone(),
                issuer,
                held: Mutex::default(),
                unsigned: OnceLock::new(),
            }))),
        }
    }

    /// What opens it now.
    pub(super) async fn key(&self) -> Result<Key, NoPass> {
        match self {
            Self::Standing(client) => Ok(Key {
                client: client.clone(),
                bearer: None,
                number: 0,
            }),
            Self::Renewed(renewed) => renewed.key().await,
        }
    }

    /// The API server does not accept that key. Whether another one may be had.
    pub(super) async fn changes_lock(&self, refused: &Key) -> bool {
        let Self::Renewed(renewed) = self else {
            return false;
        };
        let mut held = renewed.held.lock().await;
        let current = held.key.as_ref().map(|(key, _)| key.number);
        if current == Some(refused.number) {
            held.key = None;
            renewed.issuer.refused();
        }
        true
    }

    /// As whom calls are made, as far as whoever issues the credentials knows.
    pub(super) async fn principal(&self) -> Option<String> {
        match self {
            Self::Standing(_) => None,
            Self::Renewed(renewed) => renewed.issuer.principal().await,
        }
    }
}

impl Renewed {
    async fn key(&self) -> Result<Key, NoPass> {
        let asked = Instant::now();
        let mut held = self.held.lock().await;
        // Who has waited for a try that failed is not to wait for another one.
        if let Some((failed, _)) = held.failed.as_ref().filter(|(_, at)| *at > asked) {
            return Err(failed.clone());
        }
        let good = |until: &Instant| *until > Instant::now();
        if let Some((key, _)) = held.key.as_ref().filter(|(_, until)| good(until)) {
            return Ok(key.clone());
        }
        let begun = Instant::now();
        let pass = match self.obtained().await {
            Ok(pass) => pass,
            Err(failed) => {
                held.failed = Some((failed.clone(), Instant::now()));
                return Err(failed);
            }
        };
        let lasts = pass.lasts.min(LONGEST);
        held.count += 1;
        let key = self.made(pass, held.count)?;
        held.key = Some((key.clone(), begun + lasts));
        Ok(key)
    }

    async fn obtained(&self) -> Result<Pass, NoPass> {
        let obtained = tokio::time::timeout(PATIENCE, self.issuer.obtain()).await;
        obtained.unwrap_or_else(|_| {
            Err(NoPass {
                why: format!("none was given within {} s", PATIENCE.as_secs()),
                is_transient: true,
            })
        })
    }

    fn made(&self, pass: Pass, number: u64) -> Result<Key, NoPass> {
        let unusable = |error: connect::ConnectError| NoPass {
            why: error.to_string(),
            is_transient: false,
        };
        let client = match pass.identity {
            Some(identity) => connect::client(&self.target.with(identity)).map_err(unusable)?,
            None => match self.unsigned.get() {
                Some(client) => client.clone(),
                None => {
                    let made = connect::client(&self.target).map_err(unusable)?;
                    self.unsigned.get_or_init(|| made).clone()
                }
            },
        };
        let bearer = pass.token.as_ref().map(bearer).transpose()?;
        Ok(Key {
            client,
            bearer,
            number,
        })
    }
}

impl Key {
    /// Sends a request with it.
    pub(super) async fn send(
        &self,
        mut request: http::Request<Body>,
    ) -> Result<http::Response<Body>, kube::Error> {
        if let Some(bearer) = &self.bearer {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, bearer.clone());
        }
        self.client.send(request).await
    }
}

/// The longest that a credential is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// A day: no credential is trusted to be good for longer, and the clock cannot overflow.
const LONGEST: Duration = Duration::from_secs(86_400);

fn bearer(token: &SecretText) -> Result<HeaderValue, NoPass> {
    let text = Zeroizing::new(format!("Bearer {}", token.expose().trim()));
    let mut value = HeaderValue::try_from(text.as_str()).map_err(|_| NoPass {
        why: "the token holds characters that no header can have".to_owned(),
        is_transient: false,
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
