//! What goes back over the wire: results and failures in AWS JSON 1.1, in REST-JSON, and in the XML
//! of the Query protocol.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

/// Which protocol a call speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// AWS JSON 1.1, as Private CA and KMS have it.
    Json,
    /// REST-JSON, as EKS has it.
    RestJson,
    /// The Query protocol with XML answers, as STS has it.
    Query,
}

/// An error as AWS sends it. Also what a test injects, see [`super::Aws::fail_next`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status; 400 for nearly everything.
    pub status: u16,
    /// The error's code, such as `InvalidStateException`.
    pub code: String,
    /// The sentence beside it.
    pub message: String,
}

/// What a call that worked gives back.
#[derive(Debug)]
pub(crate) enum Outcome {
    Json(Value),
    Xml(String),
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
const STS_NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

impl Failure {
    /// A failure of the caller's making: HTTP 400.
    pub fn of(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// The same with another HTTP status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Too many requests a second; every SDK tries again.
    pub fn throttling() -> Self {
        Self::of("ThrottlingException", "Rate exceeded")
    }

    /// Too many requests a second, as EKS says it: HTTP 429.
    pub fn too_many_requests() -> Self {
        Self::of("TooManyRequestsException", "Too Many Requests").with_status(429)
    }

    /// Too many requests a second, as KMS says it.
    pub fn kms_throttling() -> Self {
        Self::of(
            "ThrottlingException",
            "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
        )
    }

    /// KMS had a fault, for the moment: HTTP 500.
    pub fn kms_internal() -> Self {
        Self::of("KMSInternalException", "").with_status(500)
    }

    /// A quota of the CA is used up for good; trying again is in vain.
    pub fn limit_exceeded() -> Self {
        Self::of(
            "LimitExceededException",
            "The certificate authority has reached its limit of issued certificates.",
        )
    }

    /// Something went wrong on the way, or the issuance itself failed.
    pub fn request_failed() -> Self {
        Self::of(
            "RequestFailedException",
            "The request has failed for an unspecified reason.",
        )
    }

    /// AWS had a fault: HTTP 500.
    pub fn internal() -> Self {
        Self::of(
            "InternalFailure",
            "The request processing has failed because of an unknown error.",
        )
        .with_status(500)
    }

    /// The caller may not do this.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::of("AccessDeniedException", message)
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::of("ValidationException", message)
    }

    /// A member that the model requires is not there.
    pub(crate) fn absent(member: &str) -> Self {
        let shown = lower_first(member);
        Self::validation(format!(
            "1 validation error detected: Value null at '{shown}' failed to satisfy constraint: \
             Member must not be null"
        ))
    }

    /// A member breaks a constraint of the model.
    pub(crate) fn unfit(member: &str, value: &str, constraint: &str) -> Self {
        let shown = lower_first(member);
        Self::validation(format!(
            "1 validation error detected: Value '{value}' at '{shown}' failed to satisfy \
             constraint: Member must {constraint}"
        ))
    }
}

/// The HTTP response for the outcome of one call.
pub(crate) fn response(
    protocol: Protocol,
    request_id: &str,
    outcome: Result<Outcome, Failure>,
) -> Response<Body> {
    let status = outcome
        .as_ref()
        .map_or_else(|failure| failure.status, |_| 200);
    let mut response = Response::builder()
        .status(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .header(REQUEST_ID, request_id);
    if let (Protocol::RestJson, Err(failure)) = (protocol, &outcome) {
        response = response.header(ERROR_TYPE, &failure.code);
    }
    let (content_type, body) = match (protocol, outcome) {
        (Protocol::RestJson, Ok(Outcome::Json(value))) => (REST_JSON, value.to_string()),
        (_, Ok(Outcome::Json(value))) => (JSON, value.to_string()),
        (_, Ok(Outcome::Xml(result))) => (XML, result),
        (Protocol::Json, Err(failure)) => (JSON, json_error(&failure)),
        (Protocol::RestJson, Err(failure)) => {
            (REST_JSON, json!({ "message": failure.message }).to_string())
        }
        (Protocol::Query, Err(failure)) => (XML, xml_error(&failure, request_id)),
    };
    response
        .header(CONTENT_TYPE, content_type)
        .body(Body::from(body))
        .expect("status and headers are well-formed")
}

/// A text that is no answer of any service.
pub(crate) fn plain(status: StatusCode, words: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .body(Body::from(words.to_owned()))
        .expect("a status and a text make a response")
}

/// The answer of a Query operation: `<ActionResponse><ActionResult>result</ActionResult>…`.
pub(crate) fn xml_result(action: &str, request_id: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{STS_NAMESPACE}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
         </{action}Response>"
    )
}

/// `<name>text</name>`, the text escaped.
pub(crate) fn element(name: &str, text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<{name}>{text}</{name}>")
}

const JSON: &str = "application/x-amz-json-1.1";
const REST_JSON: &str = "application/json";
const XML: &str = "text/xml";

fn json_error(failure: &Failure) -> String {
    let mut error = json!({ "__type": failure.code });
    if !failure.message.is_empty() {
        error["message"] = json!(failure.message);
    }
    error.to_string()
}

fn xml_error(failure: &Failure, request_id: &str) -> String {
    let kind = if failure.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    let error = [
        element("Type", kind),
        element("Code", &failure.code),
        element("Message", &failure.message),
    ]
    .concat();
    format!(
        "<ErrorResponse xmlns=\"{STS_NAMESPACE}\"><Error>{error}</Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>"
    )
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_ascii_lowercase().to_string() + letters.as_str()
    })
}
