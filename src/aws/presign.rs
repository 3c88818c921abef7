//! Requests that somebody else sends: signed in their URL (SigV4 query authentication).

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::Error;

/// How long a URL says that it is good for. Those who check tokens of EKS let it be up to 900 s and go by the date.
const EXPIRES: Duration = Duration::from_secs(60);

/// The URL by which GetCallerIdentity is asked of STS at `host` with these credentials, by whoever sends it together
/// with `header`. It holds the session's token: whoever has it can be us for a quarter of an hour.
///
/// # Errors
/// When host or header are such that there is no request of them.
pub fn caller_identity(
    credentials: &Credentials,
    region: &str,
    host: &str,
    header: (&str, &str),
    now: Timestamp,
) -> Result<Zeroizing<String>, Error> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(EXPIRES);
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(now.into())
        .settings(settings)
        .build()
        .map_err(|error| Error::unsigned(&error))?;
    let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
    let body = SignableBody::Bytes(&[]);
    let request = SignableRequest::new("GET", &url, std::iter::once(header), body)
        .map_err(|error| Error::unsigned(&error))?;
    let signed = sign(request, &params.into()).map_err(|error| Error::unsigned(&error))?;
    let (instructions, _) = signed.into_parts();
    let mut unsent = http::Request::get(&url)
        .body(())
        .map_err(|error| Error::unsigned(&error))?;
    instructions.apply_to_request_http1x(&mut unsent);
    Ok(Zeroizing::new(unsent.uri().to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn signed(token: Option<&str>, cluster: &str) -> BTreeMap<String, String> {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            token.map(str::to_owned),
            None,
            "test",
        );
        let url = caller_identity(
            &credentials,
            "eu-west-1",
            "sts.eu-west-1.amazonaws.com",
            ("x-k8s-aws-id", cluster),
            "2026-11-21T22:43:02Z".parse().unwrap(),
        )
        .unwrap();
        let (address, query) = url.split_once('?').unwrap();
        assert_eq!(address, "https://sts.eu-west-1.amazonaws.com/");
        let parameters = query.split('&').map(|pair| pair.split_once('=').unwrap());
        let map: BTreeMap<_, _> = parameters
            .clone()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(
            map.len(),
            parameters.count(),
            "a parameter stands there twice"
        );
        map
    }

    /// The signature is that of `aws eks get-token` for the same inputs.
    #[test]
    fn a_token_is_signed_as_the_aws_cli_signs_it() {
        let query = signed(Some("FwoGZX/+abc=="), "mesh-a");
        assert_eq!(
            query["X-Amz-Signature"],
            "76a8ba64734360243fa23a7c933dbbcbd1620da1fe187425df08a47ec0f98f3e"
        );
        assert_eq!(query["X-Amz-SignedHeaders"], "host%3Bx-k8s-aws-id");
        assert_eq!(query["X-Amz-Expires"], "60");
        assert_eq!(query["X-Amz-Date"], "20261121T224302Z");
        assert_eq!(query["X-Amz-Security-Token"], "FwoGZX%2F%2Babc%3D%3D");
        assert_eq!(
            query["X-Amz-Credential"],
            "AKIDEXAMPLE%2F20261121%2Feu-west-1%2Fsts%2Faws4_request"
        );
        assert_eq!(
            (query["Action"].as_str(), query["Version"].as_str()),
            ("GetCallerIdentity", "2011-06-15")
        );
    }

    #[test]
    fn keys_of_users_need_no_session_token() {
        let query = signed(None, "mesh-a");
        assert!(!query.contains_key("X-Amz-Security-Token"));
        assert_ne!(
            query["X-Amz-Signature"],
            signed(None, "mesh-b")["X-Amz-Signature"]
        );
    }
}
