use aws_sdk_sts::Client;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityOutput;

use super::*;
use crate::aws::IdentityProvider;

const OWNER: &str = "111122223333";
const ISSUER: &str = "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE";
const SUBJECT: &str = "system:serviceaccount:ci:runner";
const AUDIENCE: &str = "sts.amazonaws.com";

struct Irsa {
    aws: Aws,
    issuer: IdentityProvider,
    role: String,
}

impl Irsa {
    fn new() -> Self {
        let aws = Aws::start(Clock::stopped_at(moment("2026-03-01T00:00:00Z"))).unwrap();
        let issuer = aws.identity_provider(ISSUER);
        let role = aws
            .account(OWNER)
            .role("irsa")
            .trusting_tokens_of(&issuer, SUBJECT, AUDIENCE)
            .create();
        Self { aws, issuer, role }
    }

    /// Asks with the SDK's own client, which signs nothing here.
    async fn assume(
        &self,
        role: &str,
        token: &str,
    ) -> Result<AssumeRoleWithWebIdentityOutput, (String, String)> {
        let config = aws_sdk_sts::config::Builder::from(&sts::loaded(&self.aws)).build();
        let answer = Client::from_conf(config)
            .assume_role_with_web_identity()
            .role_arn(role)
            .role_session_name("pod-1")
            .web_identity_token(token)
            .send()
            .await;
        answer.map_err(|error| said(Err::<(), _>(error)))
    }

    #[track_caller]
    fn refused(
        answer: Result<AssumeRoleWithWebIdentityOutput, (String, String)>,
        expected: &str,
        words: &str,
    ) {
        let (code, message) = answer.unwrap_err();
        assert_eq!(code, expected, "{message}");
        assert!(message.contains(words), "{message}");
    }
}

#[tokio::test]
async fn a_token_gets_the_keys_of_the_role_that_trusts_its_subject() {
    let irsa = Irsa::new();
    let token = irsa.issuer.token(SUBJECT, AUDIENCE);
    let output = irsa.assume(&irsa.role, &token).await.unwrap();
    let arn = format!("arn:aws:sts::{OWNER}:assumed-role/irsa/pod-1");
    assert_eq!(output.assumed_role_user().unwrap().arn(), arn);
    assert_eq!(output.subject_from_web_identity_token(), Some(SUBJECT));
    let keys = output.credentials().unwrap();
    let keys = Credentials {
        access_key_id: keys.access_key_id().to_owned(),
        secret_access_key: keys.secret_access_key().to_owned(),
        session_token: Some(keys.session_token().to_owned()),
    };
    client(&irsa.aws, &keys, REGION)
        .list_certificate_authorities()
        .send()
        .await
        .unwrap();
    let calls = irsa.aws.calls();
    assert_eq!(calls[0].operation, "AssumeRoleWithWebIdentity");
    assert_eq!(
        (calls[0].role(), &calls[0].account),
        (Some(&*irsa.role), &None)
    );
    assert_eq!(calls[1].principal.as_deref(), Some(&*arn));
}

#[tokio::test]
async fn a_token_that_is_none_or_that_another_key_has_signed_is_invalid() {
    let irsa = Irsa::new();
    Irsa::refused(
        irsa.assume(&irsa.role, "no-token").await,
        "InvalidIdentityToken",
        "not a valid JWT",
    );
    let good = irsa.issuer.token(SUBJECT, AUDIENCE);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let other = irsa.aws.identity_provider("https://issuer.example");
    let foreign = other.token(SUBJECT, AUDIENCE);
    let (_, signature) = foreign.rsplit_once('.').unwrap();
    Irsa::refused(
        irsa.assume(&irsa.role, &format!("{signed}.{signature}"))
            .await,
        "InvalidIdentityToken",
        "verify the token's signature",
    );
    Irsa::refused(
        irsa.assume(&irsa.role, &foreign).await,
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://issuer.example",
    );
}

#[tokio::test]
async fn a_token_that_is_over_has_expired() {
    let irsa = Irsa::new();
    let end = Timestamp::now() - SignedDuration::from_secs(1);
    let token = irsa.issuer.token_until(SUBJECT, AUDIENCE, end);
    Irsa::refused(
        irsa.assume(&irsa.role, &token).await,
        "ExpiredTokenException",
        "must be before the expiration date/time",
    );
}

#[tokio::test]
async fn the_audience_is_the_issuers_and_the_subject_is_the_roles() {
    let irsa = Irsa::new();
    let elsewhere = irsa.issuer.token(SUBJECT, "vault");
    Irsa::refused(
        irsa.assume(&irsa.role, &elsewhere).await,
        "InvalidIdentityToken",
        "Incorrect token audience",
    );
    let denied = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
    let other = irsa
        .issuer
        .token("system:serviceaccount:ci:other", AUDIENCE);
    Irsa::refused(
        irsa.assume(&irsa.role, &other).await,
        "AccessDenied",
        denied,
    );
    let good = irsa.issuer.token(SUBJECT, AUDIENCE);
    let nobody = format!("arn:aws:iam::{OWNER}:role/nobody");
    Irsa::refused(irsa.assume(&nobody, &good).await, "AccessDenied", denied);
    let signed_keys_only = irsa.aws.account(OWNER).role("hub").trusting(OWNER).create();
    Irsa::refused(
        irsa.assume(&signed_keys_only, &good).await,
        "AccessDenied",
        denied,
    );
    let stranger = irsa
        .aws
        .account("444455556666")
        .role("irsa")
        .trusting("444455556666")
        .create();
    Irsa::refused(
        irsa.assume(&stranger, &good).await,
        "InvalidIdentityToken",
        "No OpenIDConnect provider found",
    );
}

#[tokio::test]
async fn a_role_may_trust_every_subject_that_begins_alike() {
    let irsa = Irsa::new();
    let role = irsa
        .aws
        .account(OWNER)
        .role("all-of-ci")
        .trusting_tokens_of(&irsa.issuer, "system:serviceaccount:ci:*", AUDIENCE)
        .create();
    let token = irsa
        .issuer
        .token("system:serviceaccount:ci:other", AUDIENCE);
    irsa.assume(&role, &token).await.unwrap();
    let token = irsa
        .issuer
        .token("system:serviceaccount:prod:other", AUDIENCE);
    irsa.assume(&role, &token).await.unwrap_err();
}

/// Openssl reads the key that the issuer would publish, so that "signed" does not only mean what
/// our own check takes.
#[test]
fn openssl_verifies_the_signature_of_a_token() {
    let irsa = Irsa::new();
    let token = irsa.issuer.token(SUBJECT, AUDIENCE);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature)
            .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (key, signature_file) = (dir.path().join("key.pem"), dir.path().join("signature"));
    std::fs::write(&key, irsa.issuer.public_key_pem()).unwrap();
    std::fs::write(&signature_file, signature).unwrap();
    let verified = openssl(
        "dgst",
        &[
            "-sha256",
            "-verify",
            key.to_str().unwrap(),
            "-signature",
            signature_file.to_str().unwrap(),
        ],
        signed.as_bytes(),
    );
    assert!(verified.contains("Verified OK"), "{verified}");
}
