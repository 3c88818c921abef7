//! KMS asked by the real SDK.

mod access;

use std::collections::HashMap;

use aws_sdk_kms::Client as KmsClient;
use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::operation::generate_data_key::GenerateDataKeyOutput;
use aws_sdk_kms::types::{DataKeySpec, EncryptionAlgorithmSpec};

use super::*;
use crate::aws::{Failure, KeyKind, KeyState, Quotas};

const OWNER: &str = "111122223333";
const OTHER: &str = "444455556666";

/// What a call came to: an output, or code and words of a refusal.
type Came<T> = Result<T, (String, String)>;

/// Somebody who asks KMS.
struct Person(KmsClient);

impl Person {
    fn new(aws: &Aws, keys: &Credentials, region: &str) -> Self {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(aws.endpoint())
            .region(Region::new(region.to_owned()))
            .credentials_provider(sdk_credentials(keys))
            .http_client(http_client())
            .retry_config(RetryConfig::disabled())
            .build();
        Self(KmsClient::from_conf(config))
    }

    async fn data_key(&self, key: &str, context: &[(&str, &str)]) -> Came<GenerateDataKeyOutput> {
        let ask = self.0.generate_data_key().key_id(key);
        let ask = ask.key_spec(DataKeySpec::Aes256);
        let sent = ask.set_encryption_context(pairs(context)).send().await;
        sent.map_err(|error| said(Err::<(), _>(error)))
    }

    async fn open(
        &self,
        key: &str,
        sealed: &Blob,
        context: &[(&str, &str)],
    ) -> Came<DecryptOutput> {
        let ask = self.0.decrypt().key_id(key).ciphertext_blob(sealed.clone());
        let sent = ask.set_encryption_context(pairs(context)).send().await;
        sent.map_err(|error| said(Err::<(), _>(error)))
    }

    /// A data key and what it was sealed as.
    async fn made(&self, key: &str, context: &[(&str, &str)]) -> (Blob, Blob) {
        let made = self.data_key(key, context).await.unwrap();
        (made.plaintext.unwrap(), made.ciphertext_blob.unwrap())
    }
}

fn pairs(context: &[(&str, &str)]) -> Option<HashMap<String, String>> {
    let pairs = context.iter();
    Some(
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

fn refusal(code: &str, words: impl Into<String>) -> (String, String) {
    (code.to_owned(), words.into())
}

fn start() -> Aws {
    Aws::start(Clock::stopped_at(moment("2026-03-01T00:00:00Z"))).unwrap()
}

fn owner(aws: &Aws) -> Person {
    Person::new(aws, &aws.account(OWNER).user("owner"), REGION)
}

#[tokio::test]
async fn what_a_key_sealed_it_opens_under_the_same_context_alone() {
    let aws = start();
    let (key, owner) = (aws.kms_key().create(), owner(&aws));
    let context = [("cluster", "mesh-a"), ("id", "1")];
    let made = owner.data_key(&key.arn(), &context).await.unwrap();
    assert_eq!(made.key_id(), Some(key.arn().as_str()));
    assert_eq!(made.key_material_id().unwrap().len(), 64);
    let (plaintext, sealed) = (made.plaintext.unwrap(), made.ciphertext_blob.unwrap());
    assert_eq!(plaintext.as_ref().len(), 32);
    let hidden = |window: &[u8]| window != plaintext.as_ref();
    assert!(sealed.as_ref().windows(32).all(hidden));

    let turned = [("id", "1"), ("cluster", "mesh-a")];
    let opened = owner.open(key.id(), &sealed, &turned).await.unwrap();
    assert_eq!(opened.plaintext(), Some(&plaintext));
    assert_eq!(opened.key_id(), Some(key.arn().as_str()));
    let algorithm = EncryptionAlgorithmSpec::SymmetricDefault;
    assert_eq!(opened.encryption_algorithm(), Some(&algorithm));

    let unopened = refusal("InvalidCiphertextException", "");
    for other in [
        &[][..],
        &[("cluster", "mesh-a")],
        &[("cluster", "mesh-b"), ("id", "1")],
        &[("Cluster", "mesh-a"), ("id", "1")],
        &[("cluster", "mesh-a"), ("id", "1"), ("more", "x")],
        &[("clusterm", "esh-a"), ("id", "1")],
    ] {
        assert_eq!(
            owner.open(&key.arn(), &sealed, other).await.unwrap_err(),
            unopened
        );
    }
}

#[tokio::test]
async fn every_data_key_is_another_and_a_changed_blob_is_none() {
    let aws = start();
    let (key, owner) = (aws.kms_key().create(), owner(&aws));
    let (first, sealed) = owner.made(&key.arn(), &[]).await;
    let (second, _) = owner.made(&key.arn(), &[]).await;
    assert_ne!(first, second);
    let bytes = sealed.as_ref();
    for at in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let (code, _) = owner
            .open(&key.arn(), &Blob::new(changed), &[])
            .await
            .unwrap_err();
        // A changed name of the key is another key's.
        assert!(["InvalidCiphertextException", "IncorrectKeyException"].contains(&code.as_str()));
    }
    for junk in [&b""[..], b"x", &bytes[..bytes.len() - 1]] {
        let (code, _) = owner
            .open(&key.arn(), &Blob::new(junk), &[])
            .await
            .unwrap_err();
        assert_eq!(code, "InvalidCiphertextException");
    }
}

#[tokio::test]
async fn a_key_has_many_names_and_another_key_none_of_them() {
    let aws = start();
    let key = aws.kms_key().alias("mesh/ca").create();
    let (other, owner) = (aws.kms_key().create(), owner(&aws));
    let (plaintext, sealed) = owner.made("alias/mesh/ca", &[]).await;
    for name in [
        key.arn(),
        key.id().to_owned(),
        key.alias_arn("mesh/ca"),
        "alias/mesh/ca".to_owned(),
    ] {
        let opened = owner.open(&name, &sealed, &[]).await.unwrap();
        assert_eq!(opened.plaintext, Some(plaintext.clone()), "{name}");
    }
    let words =
        "The key ID in the request does not identify a CMK that can perform this operation.";
    let incorrect = refusal("IncorrectKeyException", words);
    assert_eq!(
        owner.open(&other.arn(), &sealed, &[]).await.unwrap_err(),
        incorrect
    );
    // An alias may mean another key tomorrow.
    other.take_alias("mesh/ca");
    assert_eq!(
        owner.open("alias/mesh/ca", &sealed, &[]).await.unwrap_err(),
        incorrect
    );
    // Without a name it is the one that the blob names.
    let opened = owner
        .0
        .decrypt()
        .ciphertext_blob(sealed)
        .send()
        .await
        .unwrap();
    assert_eq!(opened.plaintext, Some(plaintext));
}

#[tokio::test]
async fn what_is_not_there_is_not_found_in_awss_words() {
    let aws = start();
    let (key, owner) = (aws.kms_key().alias("mesh").create(), owner(&aws));
    let elsewhere = key.arn().replace(REGION, "us-east-1");
    let unknown = "00000000-0000-4000-8000-000000000000";
    for (name, words) in [
        (
            "alias/nobody".to_owned(),
            format!("Alias {} is not found.", key.alias_arn("nobody")),
        ),
        (
            unknown.to_owned(),
            format!("Key 'arn:aws:kms:eu-west-1:{OWNER}:key/{unknown}' does not exist"),
        ),
        (elsewhere, "Invalid arn us-east-1".to_owned()),
        ("mesh".to_owned(), "Invalid keyId mesh".to_owned()),
    ] {
        let expected = refusal("NotFoundException", words);
        assert_eq!(owner.data_key(&name, &[]).await.unwrap_err(), expected);
    }
    // Aliases and ids are those of the caller's account.
    let stranger = Person::new(&aws, &aws.account(OTHER).user("x"), REGION);
    let (code, _) = stranger.data_key("alias/mesh", &[]).await.unwrap_err();
    assert_eq!(code, "NotFoundException");
    key.delete();
    let gone = format!("Key '{}' does not exist", key.arn());
    let expected = refusal("NotFoundException", gone);
    assert_eq!(owner.data_key(&key.arn(), &[]).await.unwrap_err(), expected);
}

#[tokio::test]
async fn a_key_is_refused_in_the_state_it_is_in_and_as_the_kind_it_is() {
    let aws = start();
    let (key, owner) = (aws.kms_key().create(), owner(&aws));
    let (plaintext, sealed) = owner.made(&key.arn(), &[]).await;
    let arn = key.arn();
    for (state, code, words) in [
        (KeyState::Disabled, "DisabledException", "disabled"),
        (
            KeyState::PendingDeletion,
            "KMSInvalidStateException",
            "pending deletion",
        ),
        (
            KeyState::PendingImport,
            "KMSInvalidStateException",
            "pending import",
        ),
    ] {
        key.set_state(state);
        let expected = refusal(code, format!("{arn} is {words}."));
        assert_eq!(owner.data_key(&arn, &[]).await.unwrap_err(), expected);
        assert_eq!(owner.open(&arn, &sealed, &[]).await.unwrap_err(), expected);
    }
    key.set_state(KeyState::Enabled);
    let opened = owner.open(&arn, &sealed, &[]).await.unwrap();
    assert_eq!(opened.plaintext, Some(plaintext));

    for (kind, words) in [
        (KeyKind::Signing, "usage is SIGN_VERIFY"),
        (KeyKind::Hmac, "usage is GENERATE_VERIFY_MAC"),
        (KeyKind::Rsa, "spec is RSA_2048"),
    ] {
        let arn = aws.kms_key().kind(kind).create().arn();
        let words = format!("{arn} key {words} which is not valid for GenerateDataKey.");
        let expected = refusal("InvalidKeyUsageException", words);
        assert_eq!(owner.data_key(&arn, &[]).await.unwrap_err(), expected);
        let (code, _) = owner.open(&arn, &sealed, &[]).await.unwrap_err();
        assert_eq!(code, "InvalidKeyUsageException");
    }
}

#[tokio::test]
async fn replicas_open_what_each_other_sealed_and_live_on_their_own() {
    let aws = start();
    let primary = aws.kms_key().multi_region().create();
    let replica = primary.replicate("us-east-1");
    assert!(primary.id().starts_with("mrk-") && primary.id() == replica.id());
    let keys = aws.account(OWNER).user("owner");
    let (here, there) = (
        Person::new(&aws, &keys, REGION),
        Person::new(&aws, &keys, "us-east-1"),
    );
    let context = [("cluster", "a")];
    let (plaintext, sealed) = here.made(&primary.arn(), &context).await;
    let opened = there.open(&replica.arn(), &sealed, &context).await.unwrap();
    assert_eq!(
        (opened.key_id(), opened.plaintext()),
        (Some(replica.arn().as_str()), Some(&plaintext))
    );
    // Both have the new material: either seals with it, and the other opens.
    replica.rotate();
    for (sealer, opener, from, to) in [
        (&here, &there, &primary, &replica),
        (&there, &here, &replica, &primary),
    ] {
        let (plaintext, sealed) = sealer.made(&from.arn(), &context).await;
        let opened = opener.open(&to.arn(), &sealed, &context).await.unwrap();
        assert_eq!(opened.plaintext, Some(plaintext));
    }
    primary.set_state(KeyState::Disabled);
    assert!(here.open(&primary.arn(), &sealed, &context).await.is_err());
    assert!(there.open(&replica.arn(), &sealed, &context).await.is_ok());
    // Another multi-Region key is another key.
    let other = aws.kms_key().multi_region().create();
    let (code, _) = here
        .open(&other.arn(), &sealed, &context)
        .await
        .unwrap_err();
    assert_eq!(code, "IncorrectKeyException");
}

#[tokio::test]
async fn a_rotated_key_opens_what_it_sealed_before() {
    let aws = start();
    let (key, owner) = (aws.kms_key().create(), owner(&aws));
    let before = owner.data_key(&key.arn(), &[]).await.unwrap();
    key.rotate();
    let after = owner.data_key(&key.arn(), &[]).await.unwrap();
    assert_ne!(before.key_material_id, after.key_material_id);
    for made in [before, after] {
        let opened = owner
            .open(&key.arn(), &made.ciphertext_blob.unwrap(), &[])
            .await;
        let opened = opened.unwrap();
        assert_eq!(
            (opened.plaintext, opened.key_material_id),
            (made.plaintext, made.key_material_id)
        );
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_is_invalid() {
    let aws = start();
    let (key, owner) = (aws.kms_key().create(), owner(&aws));
    let invalid = refusal("ValidationException", "Invalid EncryptionContext");
    for context in [[("", "a")], [("a", "")]] {
        assert_eq!(
            owner.data_key(&key.arn(), &context).await.unwrap_err(),
            invalid
        );
    }
    let sent = owner.0.generate_data_key().key_id(key.arn()).send().await;
    let words = "Please specify either number of bytes or key spec.";
    assert_eq!(said(sent), refusal("ValidationException", words));
    let sent = owner
        .0
        .encrypt()
        .key_id(key.arn())
        .plaintext(Blob::new("x"))
        .send()
        .await;
    assert_eq!(said(sent).0, "UnknownOperationException");
}

#[tokio::test]
async fn it_can_be_throttled_break_down_and_be_repaired() {
    let aws = start();
    let (key, owner) = (aws.kms_key().create(), owner(&aws));
    aws.set_quotas(Quotas::default().limit("GenerateDataKey", 0.0001, 1.0));
    let (_, sealed) = owner.made(&key.arn(), &[]).await;
    let words =
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
    let expected = refusal("ThrottlingException", words);
    assert_eq!(owner.data_key(&key.arn(), &[]).await.unwrap_err(), expected);
    aws.set_quotas(Quotas::default());

    aws.break_down("Decrypt", &Failure::kms_internal());
    aws.fail_next("Decrypt", 1, &Failure::kms_throttling());
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(owner.open(&key.arn(), &sealed, &[]).await.unwrap_err().0);
    }
    let expected = [
        "ThrottlingException",
        "KMSInternalException",
        "KMSInternalException",
    ];
    assert_eq!(codes[..3], expected);
    owner.data_key(&key.arn(), &[]).await.unwrap();
    aws.repair("Decrypt");
    owner.open(&key.arn(), &sealed, &[]).await.unwrap();
}

#[tokio::test]
async fn calls_are_written_down_with_key_and_context_and_without_any_secret() {
    let aws = start();
    let (key, owner) = (aws.kms_key().alias("mesh").create(), owner(&aws));
    let context = [("cluster", "a")];
    let (plaintext, sealed) = owner.made("alias/mesh", &context).await;
    owner.open(&key.arn(), &sealed, &context).await.unwrap();
    owner.open(&key.arn(), &sealed, &[]).await.unwrap_err();
    let calls = aws.calls();
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call.operation.as_str(),
                call.key_id().unwrap(),
                call.key_arn.clone(),
            )
        })
        .collect();
    let arn = key.arn();
    let expected = [
        ("GenerateDataKey", "alias/mesh", Some(arn.clone())),
        ("Decrypt", arn.as_str(), Some(arn.clone())),
        ("Decrypt", arn.as_str(), None),
    ];
    assert_eq!(told, expected);
    let expected = pairs(&context).unwrap().into_iter().collect();
    assert_eq!(calls[0].encryption_context(), expected);
    assert!(calls[2].encryption_context().is_empty());
    assert_eq!(
        calls[2].error.as_deref(),
        Some("InvalidCiphertextException")
    );
    let who = format!("arn:aws:iam::{OWNER}:user/owner");
    assert_eq!(
        (aws.count("Decrypt"), calls[1].principal.as_deref()),
        (2, Some(who.as_str()))
    );

    let shown = format!("{calls:?} {aws:?}");
    let secret = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &plaintext);
    let bytes = format!("{:?}", &plaintext.as_ref()[..8]);
    assert!(!shown.contains(&secret) && !shown.contains(bytes.trim_matches(['[', ']'])));
}
