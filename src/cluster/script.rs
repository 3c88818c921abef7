//! A cluster whose API server is played by the test: it answers from a list and records what it was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use kube::client::Body;
use serde_json::Value;

use super::door::Door;
use super::wire::Patience;
use super::{Cluster, Fingerprint, Reach};

/// What was sent, in order.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<Mutex<Vec<Exchange>>>);

#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) line: String,
    pub(super) media_type: String,
    pub(super) body: Value,
}

impl Sent {
    pub(super) fn all(&self) -> Vec<Exchange> {
        self.0.lock().unwrap().clone()
    }

    /// Method and path of each request, the query apart.
    pub(super) fn lines(&self) -> Vec<String> {
        self.all().into_iter().map(|sent| sent.line).collect()
    }

    /// The body of the request at `place`.
    pub(super) fn body(&self, place: usize) -> Value {
        self.all()[place].body.clone()
    }
}

/// One answer: HTTP status and JSON.
pub(super) type Reply = (u16, Value);

/// A cluster that gives these texts, which need not be JSON.
pub(super) fn pages(replies: impl IntoIterator<Item = (u16, &'static str)>) -> (Cluster, Sent) {
    answering(
        replies
            .into_iter()
            .map(|(code, text)| (code, text.to_owned())),
    )
}

/// A cluster that gives these answers in this order, and what it was sent. A further request breaks the connection.
pub(super) fn cluster(replies: impl IntoIterator<Item = Reply>) -> (Cluster, Sent) {
    let texts = replies
        .into_iter()
        .map(|(code, json)| (code, json.to_string()));
    answering(texts)
}

fn answering(replies: impl Iterator<Item = (u16, String)>) -> (Cluster, Sent) {
    let mut replies: VecDeque<(u16, String)> = replies.collect();
    let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let sent = Sent::default();
    let log = sent.clone();
    tokio::spawn(async move {
        while let Some((request, send)) = handle.next_request().await {
            let recorded = record(request).await;
            log.0.lock().unwrap().push(recorded);
            match replies.pop_front() {
                Some(reply) => send.send_response(response(reply)),
                None => send.send_error(std::io::Error::other("the script is at its end")),
            }
        }
    });
    (over(kube::Client::new(service, "default")), sent)
}

/// A cluster over this client, impatient.
pub(super) fn over(client: kube::Client) -> Cluster {
    let brief = Duration::from_millis(2);
    let patience = Patience {
        each: Duration::from_secs(5),
        tries: 3,
        pause: brief,
        longest_pause: brief,
        look: brief,
    };
    let fingerprint = Fingerprint::Host("api.example.com:443".to_owned());
    Cluster {
        door: Door::Standing(client),
        fingerprint,
        host: "api.example.com:443".into(),
        reach: Reach::default(),
        patience,
    }
}

async fn record(request: Request<Body>) -> Exchange {
    let (parts, body) = request.into_parts();
    let media_type = parts
        .headers
        .get("content-type")
        .map_or("", |value| value.to_str().unwrap());
    let body = body.collect_bytes().await.unwrap();
    Exchange {
        line: format!("{} {}", parts.method, parts.uri),
        media_type: media_type.to_owned(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    }
}

fn response((code, text): (u16, String)) -> Response<Body> {
    Response::builder()
        .status(code)
        .body(Body::from(text.into_bytes()))
        .unwrap()
}

/// A refusal in the API server's form.
pub(super) fn status(code: u16, reason: &str, message: &str, details: Value) -> Reply {
    let mut status = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "reason": reason, "message": message,
    });
    status["details"] = details;
    (code, status)
}
