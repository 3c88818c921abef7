//! The one gate to the API server: every call has a deadline, a few tries, and its failure classified.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use kube::client::Body;
use zeroize::Zeroizing;

use super::door::Key;
use super::error::{Action, Error, Problem};
use super::secret::Observed;
use super::transport::Cause;
use super::{Cluster, status};

/// One request. Its body is wiped once it is sent.
pub(super) struct Call {
    pub(super) action: Action,
    method: Method,
    path: String,
    content: Option<(&'static str, Bytes)>,
}

/// A success.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    body: Zeroizing<Vec<u8>>,
    action: Action,
}

/// How long calls may take, and how often they are tried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The longest that one try may take, connecting included.
    pub(super) each: Duration,
    /// How often a call is tried when the server is busy or a connection breaks.
    pub(super) tries: u32,
    /// The pause before the second try; each further one is twice as long.
    pub(super) pause: Duration,
    /// The longest pause, also when the server asks for a longer one.
    pub(super) longest_pause: Duration,
    /// How often is looked whether a deleted object has gone.
    pub(super) look: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            each: Duration::from_secs(45),
            tries: 4,
            pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(10),
            look: Duration::from_millis(500),
        }
    }
}

impl Patience {
    /// As long as the server asks for, or as planned; never longer than the longest pause.
    fn pause_before_next(&self, planned: Duration, asked: Option<Duration>) -> Duration {
        asked.unwrap_or(planned).min(self.longest_pause)
    }
}

impl Call {
    /// A request without a body.
    pub(super) fn new(action: Action, method: Method, path: impl Into<String>) -> Self {
        Self {
            action,
            method,
            path: path.into(),
            content: None,
        }
    }

    /// The same request with a body of this media type.
    pub(super) fn with(mut self, media_type: &'static str, body: Zeroizing<Vec<u8>>) -> Self {
        self.content = Some((media_type, Bytes::from_owner(body)));
        self
    }

    /// The same request with a body that holds nothing secret.
    pub(super) fn with_json(self, media_type: &'static str, body: &serde_json::Value) -> Self {
        self.with(media_type, Zeroizing::new(body.to_string().into_bytes()))
    }

    fn request(&self) -> http::Request<Body> {
        let request = http::Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            .header(header::ACCEPT, "application/json");
        let request = match &self.content {
            Some((media_type, body)) => request
                .header(header::CONTENT_TYPE, *media_type)
                .body(Body::from(body.clone())),
            None => request.body(Body::empty()),
        };
        request.expect("paths are made of checked names and fixed text")
    }
}

impl Cluster {
    /// Sends a request until it is answered, refused, or out of tries.
    ///
    /// Trying again is safe for every call of ours: reads change nothing, and writes name the state that they act on.
    /// A credential that does not last may be refused before its time; then another one is obtained, once.
    pub(super) async fn call(&self, call: &Call) -> Result<Answer, Error> {
        let key = self.key(call).await?;
        let answered = self.persist(call, &key).await;
        if !is_unauthorized(&answered) || !self.door.changes_lock(&key).await {
            return answered;
        }
        let key = self.key(call).await?;
        let mut answered = self.persist(call, &key).await;
        if let Err(Error {
            problem: Problem::Unauthorized { principal, .. },
            ..
        }) = &mut answered
        {
            *principal = self.door.principal().await;
        }
        answered
    }

    async fn key(&self, call: &Call) -> Result<Key, Error> {
        let key = self.door.key().await;
        key.map_err(|error| call.action.failed(Problem::NoCredential(error)))
    }

    async fn persist(&self, call: &Call, key: &Key) -> Result<Answer, Error> {
        let mut pause = self.patience.pause;
        for _ in 1..self.patience.tries {
            match self.attempt(call, key).await {
                Err(Error {
                    problem: Problem::Busy { retry_after, .. },
                    ..
                }) => {
                    tokio::time::sleep(self.patience.pause_before_next(pause, retry_after)).await;
                }
                Err(Error {
                    problem: Problem::Unreachable { cause, .. },
                    ..
                }) if cause.is_brief() => {
                    tokio::time::sleep(pause).await;
                }
                settled => return settled,
            }
            pause *= 2;
        }
        self.attempt(call, key).await
    }

    async fn attempt(&self, call: &Call, key: &Key) -> Result<Answer, Error> {
        let unreachable = |cause| {
            call.action.failed(Problem::Unreachable {
                host: self.host.to_string(),
                cause,
                reach: self.reach.clone(),
            })
        };
        let sent = tokio::time::timeout(self.patience.each, exchange(key, call.request())).await;
        let answered = sent.map_err(|_| unreachable(Cause::Deadline(self.patience.each)))?;
        let (parts, body) = answered.map_err(|error| unreachable(Cause::of(&error)))?;
        if !parts.status.is_success() {
            let code = parts.status.as_u16();
            let problem = status::problem(&call.action, code, retry_after(&parts.headers), &body);
            return Err(call.action.failed(problem));
        }
        Ok(Answer {
            status: parts.status,
            body,
            action: call.action.clone(),
        })
    }
}

impl Answer {
    /// The Secret in the answer.
    pub(super) fn secret(&self) -> Result<Observed, Error> {
        Observed::parse(&self.body).map_err(|why| self.unreadable(why.to_string()))
    }

    /// The answer as JSON of this form; not for Secrets, whose form is [`Observed`].
    pub(super) fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| {
            self.unreadable(format!(
                "the JSON differs at line {}, column {}",
                error.line(),
                error.column()
            ))
        })
    }

    /// The answer as text; not for Secrets.
    pub(super) fn text(&self) -> Result<&str, Error> {
        std::str::from_utf8(&self.body).map_err(|_| self.unreadable("it is no UTF-8".to_owned()))
    }

    pub(super) fn unreadable(&self, why: String) -> Error {
        self.action.failed(Problem::Unreadable { why })
    }
}

fn is_unauthorized(answered: &Result<Answer, Error>) -> bool {
    let problem = answered.as_ref().err().map(|error| &error.problem);
    matches!(problem, Some(Problem::Unauthorized { .. }))
}

async fn exchange(
    key: &Key,
    request: http::Request<Body>,
) -> Result<(http::response::Parts, Zeroizing<Vec<u8>>), kube::Error> {
    let (parts, body) = key.send(request).await?.into_parts();
    let body = match body.collect_bytes().await?.try_into_mut() {
        Ok(whole) => Zeroizing::new(Vec::from(whole)),
        Err(shared) => Zeroizing::new(shared.to_vec()),
    };
    Ok((parts, body))
}

fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
