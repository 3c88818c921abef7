//! The one door: every request is recognised, its caller found, faults applied, the call carried
//! out, written down, and answered, in this order.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use serde_json::{Map, Value};

use super::accounts::Principal;
use super::answer::{Failure, Outcome, Protocol, response};
use super::calls::Call;
use super::fault::Fault;
use super::sigv4::{Refusal, Signed};
use super::{World, pca, random, sts};

/// Who calls, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// The Region that the request was signed for: on AWS, whose endpoint it is.
    pub(crate) region: String,
}

/// What a request asks for, as far as it can be told before it is believed.
struct Asked {
    protocol: Protocol,
    operation: String,
    request: Value,
}

const LONGEST_BODY: usize = 1 << 20;
const PCA_TARGET: &str = "ACMPrivateCA.";
const JSON_1_1: &str = "application/x-amz-json-1.1";
const FORM: &str = "application/x-www-form-urlencoded";

/// The handler of the whole server.
pub(crate) async fn answer(State(world): State<Arc<World>>, request: Request) -> Response<Body> {
    let request_id = random::uuid();
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_BODY).await else {
        return plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is longer than 1 MiB",
        );
    };
    let asked = match asked(&parts, &body) {
        Ok(asked) => asked,
        Err(refused) => return *refused,
    };
    let caller = authenticated(&world, &parts, &body, asked.protocol);
    let outcome = match &caller {
        Ok(caller) => carried_out(&world, &asked, caller, &request_id),
        Err(refusal) => Err(refusal.failure(asked.protocol)),
    };
    world
        .calls
        .write(written(&world, &parts, &asked, caller.ok(), &outcome));
    world.faults.wait_until_answerable(&asked.operation).await;
    response(asked.protocol, &request_id, outcome)
}

/// Reads what is asked for, or gives the answer for what is neither of the two services.
fn asked(parts: &Parts, body: &[u8]) -> Result<Asked, Box<Response<Body>>> {
    let content_type = text(parts, "content-type").unwrap_or_default();
    if content_type.starts_with("application/cbor") || text(parts, "smithy-protocol").is_some() {
        return Err(refusing(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "only AWS JSON 1.1 and the Query protocol are emulated, not CBOR",
        ));
    }
    if parts.method != Method::POST || parts.uri.path() != "/" {
        return Err(refusing(StatusCode::NOT_FOUND, "only POST / is served"));
    }
    match text(parts, "x-amz-target") {
        Some(target) if content_type.starts_with(JSON_1_1) => Ok(asked_of_pca(&target, body)),
        Some(_) => Err(refusing(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the content type must be application/x-amz-json-1.1",
        )),
        None if content_type.starts_with(FORM) => Ok(asked_of_sts(body)),
        None => Err(refusing(
            StatusCode::NOT_FOUND,
            "neither X-Amz-Target nor a form: of none of the services here",
        )),
    }
}

fn asked_of_pca(target: &str, body: &[u8]) -> Asked {
    let operation = target
        .strip_prefix(PCA_TARGET)
        .unwrap_or_default()
        .to_owned();
    let request = serde_json::from_slice(body).unwrap_or(Value::Null);
    Asked {
        protocol: Protocol::Json,
        operation,
        request,
    }
}

fn asked_of_sts(body: &[u8]) -> Asked {
    let parameters = form_urlencoded::parse(body);
    let members: Map<_, _> = parameters
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    let operation = members
        .get("Action")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    Asked {
        protocol: Protocol::Query,
        operation,
        request: Value::Object(members),
    }
}

fn authenticated(
    world: &World,
    parts: &Parts,
    body: &[u8],
    protocol: Protocol,
) -> Result<Caller, Refusal> {
    let service = match protocol {
        Protocol::Json => "acm-pca",
        Protocol::Query => "sts",
    };
    let signed = Signed::read(parts, service)?;
    let key = world
        .accounts()
        .key(&signed.access_key_id)
        .cloned()
        .ok_or(Refusal::UnknownKey)?;
    if key.credentials.session_token != signed.session_token {
        return Err(Refusal::UnknownKey);
    }
    signed.verify(parts, body, &key.credentials.secret_access_key)?;
    if key.expires.is_some_and(|end| end <= sts::real_now()) {
        return Err(Refusal::Expired);
    }
    Ok(Caller {
        principal: key.principal,
        region: signed.region,
    })
}

fn carried_out(
    world: &World,
    asked: &Asked,
    caller: &Caller,
    request_id: &str,
) -> Result<Outcome, Failure> {
    let fault = world.faults.next(&asked.operation);
    if let Some(Fault::Refused(failure)) = fault {
        return Err(failure);
    }
    let outcome = match asked.protocol {
        Protocol::Json => pca::operate(world, caller, &asked.operation, &asked.request)
            .map(|result| Outcome::Json(world.faults.rewritten(&asked.operation, result))),
        Protocol::Query => {
            sts::operate(world, caller, &asked.operation, &asked.request, request_id)
                .map(Outcome::Xml)
        }
    };
    match fault {
        Some(_) => outcome.and_then(|_| Err(Failure::internal())),
        None => outcome,
    }
}

fn written(
    world: &World,
    parts: &Parts,
    asked: &Asked,
    caller: Option<Caller>,
    outcome: &Result<Outcome, Failure>,
) -> Call {
    let made = match outcome {
        Ok(Outcome::Json(result)) => result.get("CertificateArn"),
        _ => None,
    };
    let about = made
        .or_else(|| asked.request.get("CertificateArn"))
        .and_then(Value::as_str);
    let (region, principal) = caller
        .map(|caller| (caller.region, caller.principal))
        .unzip();
    Call {
        operation: asked.operation.clone(),
        at: world.clock.now(),
        account: principal
            .as_ref()
            .map(|principal| principal.account.clone()),
        principal: principal.map(|principal| principal.arn),
        region,
        user_agent: text(parts, "user-agent"),
        error: outcome.as_ref().err().map(|failure| failure.code.clone()),
        certificate_arn: about.map(str::to_owned),
        request: asked.request.clone(),
    }
}

fn text(parts: &Parts, header: &str) -> Option<String> {
    parts.headers.get(header)?.to_str().ok().map(str::to_owned)
}

fn refusing(status: StatusCode, words: &str) -> Box<Response<Body>> {
    Box::new(plain(status, words))
}

fn plain(status: StatusCode, words: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(words.to_owned()))
        .expect("a status and a text make a response")
}
