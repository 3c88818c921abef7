use std::collections::VecDeque;
use std::sync::Mutex as Lock;

use http::{Request, Response};
use serde_json::json;
use tower_test::mock::Handle;

use super::*;
use crate::cluster::connect::samples::{CA_ONE, IDENTITY};
use crate::cluster::secret::SecretName;
use crate::cluster::secret::samples::ours_json;
use crate::cluster::wire::Patience;
use crate::cluster::{Cluster, Fingerprint, Found, Problem, Reach, resolve_found};

/// Issues from a list; whoever asks beyond its end is told so.
#[derive(Debug, Default)]
struct Listed {
    passes: Lock<VecDeque<Result<Pass, NoPass>>>,
    asked: Lock<usize>,
}

impl Listed {
    fn of(passes: impl IntoIterator<Item = Result<Pass, NoPass>>) -> Arc<Self> {
        Arc::new(Self {
            passes: Lock::new(passes.into_iter().collect()),
            asked: Lock::default(),
        })
    }

    fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

impl Issuer for Listed {
    fn obtain(&self) -> Obtaining<'_, Result<Pass, NoPass>> {
        Box::pin(async {
            // Whoever comes in the meantime must wait for this one.
            tokio::time::sleep(Duration::from_millis(10)).await;
            *self.asked.lock().unwrap() += 1;
            let next = self.passes.lock().unwrap().pop_front();
            next.unwrap_or_else(|| Err(no_pass("the list is at its end")))
        })
    }

    fn principal(&self) -> Obtaining<'_, Option<String>> {
        Box::pin(async { Some("arn:aws:iam::111122223333:role/ci".to_owned()) })
    }
}

fn no_pass(why: &str) -> NoPass {
    NoPass {
        why: why.to_owned(),
        is_transient: false,
    }
}

fn token(text: &str, seconds: u64) -> Result<Pass, NoPass> {
    Ok(Pass {
        token: Some(text.into()),
        identity: None,
        lasts: Duration::from_secs(seconds),
    })
}

/// A cluster whose API server answers by the token that it is shown, and the tokens that it was shown.
fn cluster(
    issuer: &Arc<Listed>,
    accepts: &'static [&'static str],
) -> (Cluster, Arc<Lock<Vec<String>>>) {
    let (service, handle) = tower_test::mock::pair::<Request<Body>, Response<Body>>();
    let shown = Arc::new(Lock::new(Vec::new()));
    tokio::spawn(serve(handle, accepts, Arc::clone(&shown)));
    let renewed = Renewed {
        target: target(issuer),
        issuer: Arc::clone(issuer) as Arc<dyn Issuer>,
        held: Mutex::default(),
        unsigned: OnceLock::from(kube::Client::new(service, "default")),
    };
    let cluster = Cluster {
        door: Door::Renewed(Arc::new(renewed)),
        fingerprint: Fingerprint::Host("a".to_owned()),
        host: "a".into(),
        reach: Reach::default(),
        patience: Patience::default(),
    };
    (cluster, shown)
}

fn target(issuer: &Arc<Listed>) -> Target {
    let found = Found {
        endpoint: "https://a.example.com".to_owned(),
        authorities: CA_ONE.to_owned(),
        reach: Reach::default(),
        issuer: Arc::clone(issuer) as Arc<dyn Issuer>,
    };
    resolve_found(None, &|_| None, found).unwrap()
}

async fn serve(
    mut handle: Handle<Request<Body>, Response<Body>>,
    accepts: &'static [&'static str],
    shown: Arc<Lock<Vec<String>>>,
) {
    while let Some((request, send)) = handle.next_request().await {
        let header = request.headers().get("authorization");
        let token = header.map_or("", |value| value.to_str().unwrap());
        let known = accepts
            .iter()
            .any(|known| token == format!("Bearer {known}"));
        shown.lock().unwrap().push(token.to_owned());
        let refused =
            json!({"kind": "Status", "code": 401, "reason": "Unauthorized", "message": "no"});
        let (code, json) = if known {
            (200, ours_json())
        } else {
            (401, refused)
        };
        let body = Body::from(json.to_string().into_bytes());
        send.send_response(Response::builder().status(code).body(body).unwrap());
    }
}

async fn read(cluster: &Cluster) -> Result<(), Problem> {
    let at = SecretName::new("istio-system", "cacerts").unwrap();
    cluster
        .read(&at)
        .await
        .map(drop)
        .map_err(|error| error.problem)
}

#[tokio::test(start_paused = true)]
async fn a_token_serves_until_its_time_is_over() {
    let issuer = Listed::of([token("one", 600), token("two", 600)]);
    let (cluster, shown) = cluster(&issuer, &["one", "two"]);
    read(&cluster).await.unwrap();
    tokio::time::advance(Duration::from_secs(500)).await;
    read(&cluster).await.unwrap();
    assert_eq!(issuer.asked(), 1);
    tokio::time::advance(Duration::from_secs(101)).await;
    read(&cluster).await.unwrap();
    assert_eq!(
        *shown.lock().unwrap(),
        ["Bearer one", "Bearer one", "Bearer two"]
    );
}

#[tokio::test(start_paused = true)]
async fn calls_at_the_same_time_share_one_token() {
    let issuer = Listed::of([token("one", 600)]);
    let (cluster, _) = cluster(&issuer, &["one"]);
    let all = (0..20).map(|_| {
        let cluster = cluster.clone();
        tokio::spawn(async move { read(&cluster).await })
    });
    for answered in all.collect::<Vec<_>>() {
        answered.await.unwrap().unwrap();
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_before_its_time_is_obtained_anew_once() {
    let issuer = Listed::of([token("ended", 600), token("fresh", 600)]);
    let (cluster, shown) = cluster(&issuer, &["fresh"]);
    read(&cluster).await.unwrap();
    read(&cluster).await.unwrap();
    assert_eq!(
        *shown.lock().unwrap(),
        ["Bearer ended", "Bearer fresh", "Bearer fresh"]
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_is_refused_twice_is_named() {
    let issuer = Listed::of([token("one", 600), token("two", 600), token("three", 600)]);
    let (cluster, shown) = cluster(&issuer, &[]);
    let refused = read(&cluster).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the API server does not accept the credential of arn:aws:iam::111122223333:role/ci: no"
    );
    assert_eq!(shown.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn where_no_credential_is_to_be_had_nothing_is_sent() {
    let issuer = Listed::of([Err(no_pass("the role is gone")), token("one", 600)]);
    let (cluster, shown) = cluster(&issuer, &["one"]);
    let refused = read(&cluster).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no credential to sign in with: the role is gone"
    );
    assert!(shown.lock().unwrap().is_empty());
    read(&cluster).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_try_that_fails_does_not_wait_for_another() {
    let issuer = Listed::of([Err(no_pass("the program hangs")), token("one", 600)]);
    let (cluster, _) = cluster(&issuer, &["one"]);
    let all = (0..5).map(|_| {
        let cluster = cluster.clone();
        tokio::spawn(async move { read(&cluster).await })
    });
    for answered in all.collect::<Vec<_>>() {
        let refused = answered.await.unwrap().unwrap_err().to_string();
        assert!(refused.contains("the program hangs"), "{refused}");
    }
    assert_eq!(issuer.asked(), 1);
    read(&cluster).await.unwrap();
}

/// Never has anything to give.
#[derive(Debug)]
struct Hanging;

impl Issuer for Hanging {
    fn obtain(&self) -> Obtaining<'_, Result<Pass, NoPass>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_is_not_waited_for_for_ever() {
    let found = Found {
        endpoint: "https://a.example.com".to_owned(),
        authorities: CA_ONE.to_owned(),
        reach: Reach::default(),
        issuer: Arc::new(Hanging),
    };
    let target = resolve_found(None, &|_| None, found).unwrap();
    let refused = Door::to(&target)
        .unwrap()
        .key()
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(refused.to_string(), "none was given within 90 s");
    assert!(refused.is_transient);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_no_header_can_have_is_not_shown() {
    let issuer = Listed::of([token("s3cr\u{1}et", 600)]);
    let (cluster, _) = cluster(&issuer, &[]);
    let refused = read(&cluster).await.unwrap_err().to_string();
    assert!(
        refused.contains("no header can have") && !refused.contains("s3cr"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_certificate_makes_a_client_of_its_own_and_one_without_its_key_is_refused() {
    let signed = |key: &str| Pass {
        token: None,
        identity: Some(ClientIdentity {
            chain: Zeroizing::new(IDENTITY.certificate.clone()),
            key: key.into(),
        }),
        lasts: Duration::from_secs(600),
    };
    let issuer = Listed::of([Ok(signed(&IDENTITY.key)), Ok(signed("no key"))]);
    let door = Door::to(&target(&issuer)).unwrap();
    let key = door.key().await.unwrap();
    assert!(key.bearer.is_none());
    assert!(door.changes_lock(&key).await);
    let refused = door.key().await.map(drop).unwrap_err();
    assert!(refused.why.contains("client certificate"), "{refused}");
}
