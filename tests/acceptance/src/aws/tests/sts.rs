use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use std::time::{Duration, SystemTime};

use super::*;

const OWNER: &str = "111122223333";
const CI: &str = "444455556666";

pub(super) fn loaded(aws: &Aws) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(aws.endpoint())
        .region(Region::new(REGION))
        .http_client(http_client())
        .sleep_impl(aws_sdk_acmpca::config::SharedAsyncSleep::new(
            aws_smithy_async::rt::sleep::TokioSleep::new(),
        ))
        .time_source(aws_smithy_async::time::SystemTimeSource::new())
        .retry_config(RetryConfig::disabled())
        .build()
}

/// Assumes a role with the SDK's own provider.
pub(super) async fn assume(
    aws: &Aws,
    keys: &Credentials,
    role: &str,
    adapt: impl FnOnce(
        aws_config::sts::AssumeRoleProviderBuilder,
    ) -> aws_config::sts::AssumeRoleProviderBuilder,
) -> Result<Credentials, String> {
    let builder = adapt(
        AssumeRoleProvider::builder(role)
            .session_name("ci-run")
            .configure(&loaded(aws)),
    );
    let provider = builder
        .build_from_provider(SharedCredentialsProvider::new(sdk_credentials(keys)))
        .await;
    let given = provider
        .provide_credentials()
        .await
        .map_err(|error| words(&error))?;
    assert!(
        given.expiry().unwrap() > SystemTime::now() + Duration::from_secs(800),
        "{:?}",
        given.expiry()
    );
    Ok(Credentials {
        access_key_id: given.access_key_id().to_owned(),
        secret_access_key: given.secret_access_key().to_owned(),
        session_token: given.session_token().map(str::to_owned),
    })
}

fn words(error: &CredentialsError) -> String {
    aws_sdk_acmpca::error::DisplayErrorContext(error).to_string()
}

#[tokio::test]
async fn a_role_in_the_account_of_the_ca_is_assumed_from_another_account() {
    let scene = Scene::new();
    let role = scene
        .aws
        .account(OWNER)
        .role("mesh-ca")
        .trusting(CI)
        .create();
    let keys = scene.aws.account(CI).user("ci");
    let session = assume(&scene.aws, &keys, &role, |builder| builder)
        .await
        .unwrap();
    assert!(
        session.access_key_id.starts_with("ASIA") && session.session_token.is_some(),
        "{session:?}"
    );
    issue(&client(&scene.aws, &session, REGION), &scene.ca)
        .send()
        .await
        .unwrap();
    let call = scene.aws.calls().pop().unwrap();
    assert_eq!(call.account.as_deref(), Some(OWNER));
    assert_eq!(
        call.principal.unwrap(),
        format!("arn:aws:sts::{OWNER}:assumed-role/mesh-ca/ci-run")
    );
    let assumed = &scene.aws.calls()[0];
    assert_eq!(
        (assumed.operation.as_str(), assumed.role()),
        ("AssumeRole", Some(role.as_str()))
    );
    assert_eq!(assumed.account.as_deref(), Some(CI));
}

#[tokio::test]
async fn a_role_that_does_not_trust_the_caller_or_does_not_exist_is_denied() {
    let scene = Scene::new();
    let role = scene
        .aws
        .account(OWNER)
        .role("mesh-ca")
        .trusting("123456789012")
        .create();
    let keys = scene.aws.account(CI).user("ci");
    for role in [role, format!("arn:aws:iam::{OWNER}:role/nobody")] {
        let words = assume(&scene.aws, &keys, &role, |builder| builder)
            .await
            .unwrap_err();
        let expected = format!(
            "User: arn:aws:iam::{CI}:user/ci is not authorized to perform: \
             sts:AssumeRole on resource: {role}"
        );
        assert!(
            words.contains(&expected) && words.contains("AccessDenied"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn a_role_may_demand_an_external_id() {
    let scene = Scene::new();
    let role = scene
        .aws
        .account(OWNER)
        .role("mesh-ca")
        .trusting(CI)
        .external_id("mesh-1")
        .create();
    let keys = scene.aws.account(CI).user("ci");
    assume(&scene.aws, &keys, &role, |builder| builder)
        .await
        .unwrap_err();
    assume(&scene.aws, &keys, &role, |builder| {
        builder.external_id("mesh-2")
    })
    .await
    .unwrap_err();
    assume(&scene.aws, &keys, &role, |builder| {
        builder.external_id("mesh-1")
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn roles_can_be_chained_by_the_arn_of_the_role_behind_the_session() {
    let scene = Scene::new();
    let first = scene.aws.account(CI).role("hub").trusting(CI).create();
    let second = scene
        .aws
        .account(OWNER)
        .role("mesh-ca")
        .trusting(&first)
        .longest_session_seconds(7200)
        .create();
    let user = scene.aws.account(CI).user("ci");
    assume(&scene.aws, &user, &second, |builder| builder)
        .await
        .unwrap_err();
    let session = assume(&scene.aws, &user, &first, |builder| builder)
        .await
        .unwrap();
    assume(&scene.aws, &session, &second, |builder| builder)
        .await
        .unwrap();
    let too_long = assume(&scene.aws, &session, &second, |builder| {
        builder.session_length(Duration::from_secs(7200))
    });
    let words = too_long.await.unwrap_err();
    assert!(words.contains("1 hour session limit"), "{words}");
}

#[tokio::test]
async fn a_session_longer_than_the_role_allows_or_shorter_than_15_minutes_is_refused() {
    let scene = Scene::new();
    let role = scene
        .aws
        .account(OWNER)
        .role("mesh-ca")
        .trusting(OWNER)
        .create();
    let keys = scene.aws.account(OWNER).user("ci");
    for seconds in [3601, 899] {
        let asked = |builder: aws_config::sts::AssumeRoleProviderBuilder| {
            builder.session_length(Duration::from_secs(seconds))
        };
        let words = assume(&scene.aws, &keys, &role, asked).await.unwrap_err();
        assert!(words.contains("ValidationError"), "{words}");
    }
    assume(&scene.aws, &keys, &role, |builder| {
        builder.session_length(Duration::from_secs(900))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn temporary_keys_without_their_token_are_nobodys() {
    let scene = Scene::new();
    let role = scene
        .aws
        .account(OWNER)
        .role("mesh-ca")
        .trusting(OWNER)
        .create();
    let session = assume(
        &scene.aws,
        &scene.aws.account(OWNER).user("ci"),
        &role,
        |builder| builder,
    )
    .await
    .unwrap();
    let bare = Credentials {
        session_token: None,
        ..session
    };
    let answer = client(&scene.aws, &bare, REGION)
        .list_certificate_authorities()
        .send()
        .await;
    assert_eq!(said(answer).0, "UnrecognizedClientException");
}

#[tokio::test]
async fn a_session_that_is_over_has_expired() {
    let scene = Scene::new();
    let role = scene
        .aws
        .account(OWNER)
        .role("mesh-ca")
        .trusting(OWNER)
        .create();
    let session = assume(
        &scene.aws,
        &scene.aws.account(OWNER).user("ci"),
        &role,
        |builder| builder,
    )
    .await
    .unwrap();
    scene.aws.expire_sessions();
    let answer = client(&scene.aws, &session, REGION)
        .list_certificate_authorities()
        .send()
        .await;
    assert_eq!(said(answer).0, "ExpiredTokenException");
    scene
        .client
        .list_certificate_authorities()
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_role_with_a_policy_may_do_what_that_allows() {
    let scene = Scene::new();
    let plan = scene
        .aws
        .account(OWNER)
        .role("plan")
        .trusting(OWNER)
        .allowing(&["acm-pca:Describe*", "acm-pca:Get*"])
        .create();
    let session = assume(
        &scene.aws,
        &scene.aws.account(OWNER).user("ci"),
        &plan,
        |builder| builder,
    )
    .await
    .unwrap();
    let planner = client(&scene.aws, &session, REGION);
    planner
        .get_certificate_authority_certificate()
        .certificate_authority_arn(scene.ca.arn())
        .send()
        .await
        .unwrap();
    let (code, message) = said(issue(&planner, &scene.ca).send().await);
    assert_eq!(code, "AccessDeniedException");
    assert!(
        message.starts_with(&format!(
            "User: arn:aws:sts::{OWNER}:assumed-role/plan/ci-run is not"
        )),
        "{message}"
    );
}

#[tokio::test]
async fn unknown_keys_are_an_invalid_client_token_to_sts() {
    let scene = Scene::new();
    let mut keys = scene.aws.account(CI).user("ci");
    keys.access_key_id = "AKIAIOSFODNN7EXAMPLE".to_owned();
    let words = assume(
        &scene.aws,
        &keys,
        "arn:aws:iam::111122223333:role/any",
        |builder| builder,
    )
    .await
    .unwrap_err();
    assert!(words.contains("InvalidClientTokenId"), "{words}");
}

#[tokio::test]
async fn the_caller_is_told_who_it_is() {
    let scene = Scene::new();
    let keys = scene.aws.account(CI).user("ci");
    let config = aws_sdk_sts::config::Builder::from(&loaded(&scene.aws))
        .credentials_provider(sdk_credentials(&keys))
        .build();
    let answer = aws_sdk_sts::Client::from_conf(config)
        .get_caller_identity()
        .send()
        .await
        .unwrap();
    assert_eq!(answer.account(), Some(CI));
    assert_eq!(answer.arn().unwrap(), format!("arn:aws:iam::{CI}:user/ci"));
}

/// What STS tells whoever sends it this presigned URL.
fn told(aws: &Aws, presigning: &signer::Presigning<'_>, headers: &str) -> (u16, String) {
    let url = presigning.url();
    let path = url.strip_prefix(&format!("https://{}", presigning.host));
    let request = format!(
        "GET {} HTTP/1.1\nhost: {}\nconnection: close\n{headers}\n",
        path.unwrap(),
        presigning.host
    );
    let (status, _, body) = wire::raw(aws, &request);
    (status, body)
}

#[test]
fn a_presigned_url_tells_its_sender_who_signed_it() {
    let scene = Scene::new();
    let keys = scene.aws.account(CI).user("ci");
    let presigning = signer::Presigning::new(&keys, "mesh-a", REGION);
    let (status, body) = told(&scene.aws, &presigning, "x-k8s-aws-id: mesh-a\n");
    assert_eq!(status, 200, "{body}");
    let arn = format!("<Arn>arn:aws:iam::{CI}:user/ci</Arn>");
    assert!(body.contains(&arn), "{body}");
    let (status, body) = told(&scene.aws, &presigning, "x-k8s-aws-id: mesh-b\n");
    assert_eq!(status, 403);
    assert!(body.contains("SignatureDoesNotMatch"), "{body}");
    let old = signer::Presigning {
        at: Timestamp::now() - SignedDuration::from_mins(16),
        ..presigning
    };
    let (status, body) = told(&scene.aws, &old, "x-k8s-aws-id: mesh-a\n");
    assert_eq!(status, 403);
    assert!(body.contains("Signature expired"), "{body}");
    let calls = scene.aws.calls();
    assert_eq!(calls[0].operation, "GetCallerIdentity");
    assert_eq!(calls[0].account.as_deref(), Some(CI));
}
