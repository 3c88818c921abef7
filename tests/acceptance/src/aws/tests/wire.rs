use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;

/// Sends one request as it is and gives status, headers and body.
pub(super) fn raw(aws: &Aws, request: &str) -> (u16, String, String) {
    let address = aws.endpoint().replace("http://", "");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream
        .write_all(request.replace('\n', "\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

fn post(headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST / HTTP/1.1\nhost: pca\nconnection: close\n\
         content-length: {length}\n{headers}\n\n{body}"
    )
}

#[test]
fn an_error_is_the_json_that_aws_sends_with_a_request_id() {
    let scene = Scene::new();
    let request = post(
        "content-type: application/x-amz-json-1.1\nx-amz-target: ACMPrivateCA.IssueCertificate",
        "{}",
    );
    let (status, head, body) = raw(&scene.aws, &request);
    assert_eq!(status, 400);
    let (code, words) = (
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    );
    assert_eq!(
        body,
        format!(r#"{{"__type":"{code}","message":"{words}"}}"#)
    );
    assert!(
        head.contains("content-type: application/x-amz-json-1.1"),
        "{head}"
    );
    assert!(head.contains("x-amzn-requestid: "), "{head}");
}

#[test]
fn an_error_of_sts_is_xml() {
    let scene = Scene::new();
    let request = post(
        "content-type: application/x-www-form-urlencoded",
        "Action=GetCallerIdentity&Version=2011-06-15",
    );
    let (status, _, body) = raw(&scene.aws, &request);
    assert_eq!(status, 403);
    assert!(
        body.contains("<Error><Type>Sender</Type><Code>MissingAuthenticationToken</Code>"),
        "{body}"
    );
}

#[test]
fn cbor_is_refused_loudly() {
    let scene = Scene::new();
    let (status, _, body) = raw(
        &scene.aws,
        &post(
            "content-type: application/cbor\nsmithy-protocol: rpc-v2-cbor",
            "x",
        ),
    );
    assert_eq!((status, body.contains("CBOR")), (415, true), "{body}");
}

#[test]
fn another_content_type_for_private_ca_is_refused() {
    let scene = Scene::new();
    let request = post(
        "content-type: application/json\nx-amz-target: ACMPrivateCA.IssueCertificate",
        "{}",
    );
    assert_eq!(raw(&scene.aws, &request).0, 415);
}

#[test]
fn what_is_for_neither_service_is_not_found() {
    let scene = Scene::new();
    assert_eq!(
        raw(&scene.aws, &post("content-type: text/plain", "hello")).0,
        404
    );
    assert_eq!(
        raw(
            &scene.aws,
            "GET / HTTP/1.1\nhost: pca\nconnection: close\n\n"
        )
        .0,
        404
    );
}

#[tokio::test]
async fn an_operation_that_is_not_emulated_is_unknown() {
    let scene = Scene::new();
    let answer = scene
        .client
        .delete_certificate_authority()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await;
    assert_eq!(said(answer).0, "UnknownOperationException");
    assert_eq!(scene.aws.count("DeleteCertificateAuthority"), 1);
}

#[tokio::test]
async fn a_malformed_arn_is_named_as_such() {
    let scene = Scene::new();
    let answer = scene
        .client
        .describe_certificate_authority()
        .certificate_authority_arn("arn:aws:acm-pca:nonsense")
        .send();
    assert_eq!(said(answer.await).0, "InvalidArnException");
}
