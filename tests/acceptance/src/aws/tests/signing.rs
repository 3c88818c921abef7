use super::*;
use crate::aws::answer::Protocol;
use crate::aws::sigv4::{Refusal, Signed};
use axum::http::Request;
use axum::http::request::Parts;

/// A request with the `Authorization` header that is given, dated like the scope of AWS's own
/// examples.
fn request(authorization: &str, date: &str) -> Parts {
    let request = Request::post("/")
        .header("host", "example.amazonaws.com")
        .header("x-amz-date", date)
        .header("authorization", authorization);
    request.body(()).unwrap().into_parts().0
}

fn header(scope: &str, signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed}, \
         Signature={signature}"
    )
}

#[track_caller]
fn refused(authorization: &str, because: &str) {
    let refusal = Signed::read(&request(authorization, "20150830T123600Z"), "service").unwrap_err();
    let words = refusal.failure(Protocol::Json).message;
    assert!(words.contains(because), "{words}");
}

const DIGITS: &str = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
const SCOPE: &str = "20150830/us-east-1/service/aws4_request";

/// The suite `post-vanilla` that AWS publishes for makers of SDKs: key `AKIDEXAMPLE`, its signature
/// taken from there.
#[test]
fn the_signature_of_the_published_example_holds() {
    let parts = request(
        &header(SCOPE, "host;x-amz-date", DIGITS),
        "20150830T123600Z",
    );
    let signed = Signed::read(&parts, "service").unwrap();
    assert_eq!(
        (
            signed.scope.access_key_id.as_str(),
            signed.scope.region.as_str()
        ),
        ("AKIDEXAMPLE", "us-east-1")
    );
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    assert_eq!(signed.verify(&parts, b"", secret), Ok(()));
    assert!(
        matches!(
            signed.verify(&parts, b"x", secret),
            Err(Refusal::Mismatch(_))
        ),
        "another body"
    );
    assert!(
        matches!(
            signed.verify(&parts, b"", "another"),
            Err(Refusal::Mismatch(_))
        ),
        "another secret"
    );
}

#[test]
fn an_authorization_header_out_of_form_is_refused_with_its_reason() {
    refused("Basic dXNlcg==", "AWS4-HMAC-SHA256");
    refused(
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00",
        "'Credential'",
    );
    refused(
        &header("20150830/us-east-1/aws4_request", "host;x-amz-date", DIGITS),
        "5 slash-delimited",
    );
    refused(
        &header(
            "20150830/us-east-1/service/aws5_request",
            "host;x-amz-date",
            DIGITS,
        ),
        "terminator",
    );
    refused(
        &header(
            "20150830/us-east-1/sts/aws4_request",
            "host;x-amz-date",
            DIGITS,
        ),
        "correct service: 'service'",
    );
    refused(
        &header("20150830//service/aws4_request", "host;x-amz-date", DIGITS),
        "valid region",
    );
    refused(
        &header(
            "20150831/us-east-1/service/aws4_request",
            "host;x-amz-date",
            DIGITS,
        ),
        "does not match",
    );
    refused(
        &header(SCOPE, "x-amz-date", DIGITS),
        "'host' must be a 'SignedHeader'",
    );
    refused(
        &header(SCOPE, "host", DIGITS),
        "'x-amz-date' must be a 'SignedHeader'",
    );
    refused(&header(SCOPE, "x-amz-date;host", DIGITS), "in order");
    refused(&header(SCOPE, "host;x-amz-date", "abc"), "64 hex digits");
}

#[test]
fn a_date_out_of_form_is_refused() {
    let parts = request(
        &header(SCOPE, "host;x-amz-date", DIGITS),
        "Sun, 30 Aug 2015 12:36:00 GMT",
    );
    assert!(matches!(
        Signed::read(&parts, "service"),
        Err(Refusal::Incomplete(_))
    ));
}

#[tokio::test]
async fn an_unknown_key_is_told_so() {
    let scene = Scene::new();
    let mut keys = scene.aws.account("111122223333").user("other");
    keys.access_key_id = "AKIAIOSFODNN7EXAMPLE".to_owned();
    let answer = client(&scene.aws, &keys, REGION)
        .list_certificate_authorities()
        .send()
        .await;
    assert_eq!(
        said(answer),
        (
            "UnrecognizedClientException".to_owned(),
            "The security token included in the request is invalid.".to_owned()
        )
    );
    assert_eq!(scene.aws.calls()[0].account, None);
}

#[tokio::test]
async fn a_wrong_secret_key_does_not_match() {
    let scene = Scene::new();
    let mut keys = scene.aws.account("111122223333").user("other");
    keys.secret_access_key = "wrong".to_owned();
    let answer = client(&scene.aws, &keys, REGION)
        .list_certificate_authorities()
        .send()
        .await;
    assert_eq!(said(answer).0, "InvalidSignatureException");
}
