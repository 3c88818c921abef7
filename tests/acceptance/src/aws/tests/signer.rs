//! Signatures by AWS's own crate, which shares nothing with the emulator that checks them.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::{Credentials, sdk_credentials};

/// A presigned URL for EKS to be, as `aws eks get-token` makes it; what is wrong about it is
/// written into the fields.
#[derive(Clone)]
pub(crate) struct Presigning<'a> {
    pub(crate) keys: &'a Credentials,
    pub(crate) cluster: &'a str,
    pub(crate) host: &'a str,
    pub(crate) region: &'a str,
    pub(crate) at: Timestamp,
    pub(crate) expires: Duration,
    pub(crate) action: &'a str,
}

impl<'a> Presigning<'a> {
    pub(crate) fn new(keys: &'a Credentials, cluster: &'a str, region: &'a str) -> Self {
        Self {
            keys,
            cluster,
            host: match region {
                "eu-west-1" => "sts.eu-west-1.amazonaws.com",
                "us-east-1" => "sts.us-east-1.amazonaws.com",
                other => panic!("the host of {other} has to be said"),
            },
            region,
            at: Timestamp::now(),
            expires: Duration::from_secs(60),
            action: "GetCallerIdentity",
        }
    }

    pub(crate) fn url(&self) -> String {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(self.expires);
        let url = format!(
            "https://{}/?Action={}&Version=2011-06-15",
            self.host, self.action
        );
        let headers = [("x-k8s-aws-id", self.cluster)];
        let headers = headers
            .into_iter()
            .filter(|(_, cluster)| !cluster.is_empty());
        signed(
            "GET",
            &url,
            headers,
            settings,
            self.keys,
            self.region,
            "sts",
            self.at,
        )
        .uri()
        .to_string()
    }

    pub(crate) fn token(&self) -> String {
        token(&self.url())
    }
}

/// The bearer token of a presigned URL.
pub(crate) fn token(url: &str) -> String {
    format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url))
}

/// A signed `GET` of a path, ready for the wire.
pub(super) fn get(
    path: &str,
    host: &str,
    keys: &Credentials,
    region: &str,
    service: &str,
) -> String {
    let url = format!("http://{host}{path}");
    let settings = SigningSettings::default();
    let headers = std::iter::empty();
    let request = signed(
        "GET",
        &url,
        headers,
        settings,
        keys,
        region,
        service,
        Timestamp::now(),
    );
    let headers: String = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    format!("GET {path} HTTP/1.1\nhost: {host}\nconnection: close\n{headers}\n")
}

#[expect(
    clippy::too_many_arguments,
    reason = "they are what a signature is made of"
)]
fn signed<'a>(
    method: &'a str,
    url: &'a str,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    settings: SigningSettings,
    keys: &Credentials,
    region: &str,
    service: &str,
    at: Timestamp,
) -> http::Request<()> {
    let identity = sdk_credentials(keys).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::from(at))
        .settings(settings)
        .build()
        .unwrap();
    let signable = SignableRequest::new(method, url, headers, SignableBody::Bytes(b"")).unwrap();
    let (instructions, _) = sign(signable, &params.into()).unwrap().into_parts();
    let mut request = http::Request::builder()
        .method(method)
        .uri(url)
        .body(())
        .unwrap();
    instructions.apply_to_request_http1x(&mut request);
    request
}
