//! What a request asks for, as far as it can be told before it is believed.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::plain;
use super::service::Service;
use super::sigv4::Presigned;

/// An operation of one of the services, and its input.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) service: Service,
    pub(super) operation: String,
    pub(super) request: Value,
    pub(super) signature: Signature,
}

/// Where the request's signature is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signature {
    Header,
    Query,
    /// Nowhere: the input itself says who calls.
    None,
}

const PCA_TARGET: &str = "ACMPrivateCA.";
const KMS_TARGET: &str = "TrentService.";
const JSON_1_1: &str = "application/x-amz-json-1.1";
const FORM: &str = "application/x-www-form-urlencoded";
const CLUSTERS: &str = "/clusters/";

impl Asked {
    /// Reads what is asked for, or gives the answer for what is none of the services.
    pub(super) fn read(parts: &Parts, body: &[u8]) -> Result<Self, Box<Response<Body>>> {
        let content_type = text(parts, "content-type").unwrap_or_default();
        if content_type.starts_with("application/cbor") || text(parts, "smithy-protocol").is_some()
        {
            return Err(refusing(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "only AWS JSON 1.1, REST-JSON and the Query protocol are emulated, not CBOR",
            ));
        }
        let path = parts.uri.path();
        match (&parts.method, text(parts, "x-amz-target")) {
            (&Method::GET, None) => Self::of_get(path, parts.uri.query().unwrap_or_default()),
            (&Method::POST, _) if path != "/" => Err(unserved()),
            (&Method::POST, Some(target)) if content_type.starts_with(JSON_1_1) => {
                Ok(Self::of_target(&target, body))
            }
            (&Method::POST, Some(_)) => Err(refusing(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content type must be application/x-amz-json-1.1",
            )),
            (&Method::POST, None) if content_type.starts_with(FORM) => Ok(Self::of_sts(body)),
            (&Method::POST, None) => Err(refusing(
                StatusCode::NOT_FOUND,
                "neither X-Amz-Target nor a form: of none of the services here",
            )),
            _ => Err(unserved()),
        }
    }

    fn of_get(path: &str, query: &str) -> Result<Self, Box<Response<Body>>> {
        if path == "/" && Presigned::is_in(query) {
            return Ok(Self {
                signature: Signature::Query,
                ..Self::of_sts(query.as_bytes())
            });
        }
        match path.strip_prefix(CLUSTERS) {
            Some(name) if !name.is_empty() && !name.contains('/') => Ok(Self {
                service: Service::Eks,
                operation: "DescribeCluster".to_owned(),
                request: json!({ "name": decoded(name) }),
                signature: Signature::Header,
            }),
            _ => Err(unserved()),
        }
    }

    fn of_target(target: &str, body: &[u8]) -> Self {
        let (service, operation) = match target.strip_prefix(KMS_TARGET) {
            Some(operation) => (Service::Kms, operation),
            None => (
                Service::Pca,
                target.strip_prefix(PCA_TARGET).unwrap_or_default(),
            ),
        };
        Self {
            service,
            operation: operation.to_owned(),
            request: serde_json::from_slice(body).unwrap_or(Value::Null),
            signature: Signature::Header,
        }
    }

    fn of_sts(form: &[u8]) -> Self {
        let parameters = form_urlencoded::parse(form);
        let members: Map<_, _> = parameters
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect();
        let operation = members
            .get("Action")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let signature = match operation.as_str() {
            "AssumeRoleWithWebIdentity" => Signature::None,
            _ => Signature::Header,
        };
        Self {
            service: Service::Sts,
            operation,
            request: Value::Object(members),
            signature,
        }
    }
}

/// A header's text.
pub(super) fn text(parts: &Parts, header: &str) -> Option<String> {
    parts.headers.get(header)?.to_str().ok().map(str::to_owned)
}

/// A segment of a path without its `%XX`. A plus is a plus there.
fn decoded(segment: &str) -> String {
    let pair = format!("name={}", segment.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes())
        .map(|(_, value)| value.into_owned())
        .collect()
}

fn unserved() -> Box<Response<Body>> {
    refusing(
        StatusCode::NOT_FOUND,
        "only POST /, GET /clusters/{name} and presigned GET / are served",
    )
}

fn refusing(status: StatusCode, words: &str) -> Box<Response<Body>> {
    Box::new(plain(status, words))
}
