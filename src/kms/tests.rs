//! The adapter over a scripted wire: the real SDK, KMS's answers from a list, time that jumps.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::aws::wire::{Answer as Wired, File, Wire, given, role};
use crate::aws::{self, Agent, Endpoints, Settings, Unreachable};

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// 32 bytes, as KMS would give them.
const PLAIN: [u8; 32] = *b"thirty-two bytes, never to see..";

/// KMS at the end of a scripted wire, and the profile it signs in with.
struct Stage {
    kms: Kms,
    wire: Wire,
    stop: CancellationToken,
    _file: File,
}

impl Stage {
    fn new(answers: impl IntoIterator<Item = Wired>) -> Self {
        Self::with(answers, Some("eu-central-1"), |_| ())
    }

    fn with(
        answers: impl IntoIterator<Item = Wired>,
        region: Option<&str>,
        change: impl Fn(&mut Settings),
    ) -> Self {
        let wire = Wire::new(answers);
        let test = std::thread::current().name().unwrap().replace("::", "-");
        let file = File::new(&test);
        let mut settings = file.settings(Some("ci"), Vec::new());
        change(&mut settings);
        let agent = Agent {
            version: "9.9.9".to_owned(),
            ..Agent::default()
        };
        let sign_in = aws::sign_in(&settings, &agent).unwrap().over(&wire);
        Self {
            kms: Kms::new(Arc::new(sign_in), region.map(str::to_owned), 1),
            wire,
            stop: CancellationToken::new(),
            _file: file,
        }
    }

    async fn data_key(&self) -> Result<DataKey, Error> {
        self.data_key_within(600).await
    }

    async fn data_key_within(&self, seconds: u64) -> Result<DataKey, Error> {
        let until = Until::within(Duration::from_secs(seconds), &self.stop);
        self.kms.data_key(&key(KEY), &context(), until).await
    }

    async fn open(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let until = Until::within(Duration::from_secs(600), &self.stop);
        self.kms.open(&key(KEY), b"sealed", &context(), until).await
    }
}

fn key(text: &str) -> KeyId {
    text.parse().unwrap()
}

fn context() -> BTreeMap<String, String> {
    [("cluster", "mesh-a"), ("istiopca:id", "0af1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn made() -> Value {
    json!({
        "KeyId": KEY,
        "Plaintext": STANDARD.encode(PLAIN),
        // printf sealed | base64
        "CiphertextBlob": "c2VhbGVk",
        "KeyMaterialId": "0".repeat(64),
    })
}

fn opened() -> Value {
    json!({
        "KeyId": KEY,
        "Plaintext": STANDARD.encode(PLAIN),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    })
}

fn ok(body: &Value) -> Wired {
    Wired::ok(body.to_string())
}

fn changed(mut body: Value, name: &str, value: Value) -> Wired {
    body[name] = value;
    ok(&body)
}

fn throttled() -> Wired {
    let words =
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
    Wired::refusal("ThrottlingException", words)
}

/// How opening ends when KMS says no in these words.
async fn refused(code: &str, message: &str) -> Error {
    let stage = Stage::new([Wired::refusal(code, message), ok(&opened())]);
    let error = stage.open().await.unwrap_err();
    assert_eq!(stage.wire.asked().len(), 1, "{error}");
    error
}

#[tokio::test(start_paused = true)]
async fn a_data_key_is_asked_for_in_the_keys_region_under_the_context() {
    let stage = Stage::new([ok(&made())]);
    let made = stage.data_key().await.unwrap();
    assert_eq!(*made.plaintext, PLAIN);
    assert_eq!(
        (&made.sealed[..], made.key_arn.as_str()),
        (&b"sealed"[..], KEY)
    );
    let asked = stage.wire.asked().remove(0);
    assert_eq!(asked.uri, "https://kms.eu-central-1.amazonaws.com/");
    assert_eq!(asked.signer(), "AKIDCI/eu-central-1/kms");
    assert_eq!(asked.target, "TrentService.GenerateDataKey");
    for part in [
        "app/terraform-provider-istiopca",
        "lib/terraform-provider-istiopca/9.9.9",
    ] {
        assert!(asked.user_agent.contains(part), "{}", asked.user_agent);
    }
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let expected = json!({
        "KeyId": KEY,
        "KeySpec": "AES_256",
        "EncryptionContext": { "cluster": "mesh-a", "istiopca:id": "0af1" },
    });
    assert_eq!(body, expected);
}

#[tokio::test(start_paused = true)]
async fn opening_names_the_key_the_algorithm_and_the_context() {
    let stage = Stage::new([ok(&opened())]);
    assert_eq!(*stage.open().await.unwrap(), PLAIN);
    let asked = stage.wire.asked().remove(0);
    assert_eq!(asked.target, "TrentService.Decrypt");
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let expected = json!({
        "KeyId": KEY,
        "CiphertextBlob": "c2VhbGVk",
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "EncryptionContext": { "cluster": "mesh-a", "istiopca:id": "0af1" },
    });
    assert_eq!(body, expected);
}

#[tokio::test(start_paused = true)]
async fn without_a_region_it_is_the_providers_own() {
    let stage = Stage::with([ok(&made())], None, |_| ());
    stage.data_key().await.unwrap();
    assert_eq!(stage.wire.asked()[0].signer(), "AKIDCI/eu-west-1/kms");

    // Whoever runs the tests may have one in the environment.
    let stage = Stage::with([ok(&made())], None, |it| it.region = None);
    let own = stage.kms.sign_in.region().await.unwrap();
    match (own, stage.data_key().await) {
        (None, Err(Error::NoRegion(asked))) => {
            assert_eq!((asked.attempts, &asked.region), (0, &None))
        }
        (Some(_), Ok(_)) => {}
        (own, outcome) => panic!("{own:?} {outcome:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_where_the_settings_say_it_is_and_through_their_roles() {
    let elsewhere = Endpoints {
        kms: Some("https://vpce-1.kms.example".to_owned()),
        ..Endpoints::default()
    };
    let stage = Stage::with(
        [given("AKIDHUB"), ok(&made())],
        Some("eu-central-1"),
        |it| {
            it.endpoints = vec![elsewhere.clone()];
            it.use_fips_endpoint = Some(true);
            it.assume_role = vec![role("hub")];
        },
    );
    stage.data_key().await.unwrap();
    let asked = stage.wire.asked().remove(1);
    assert_eq!(asked.uri, "https://vpce-1.kms.example/");
    assert_eq!(asked.signer(), "AKIDHUB/eu-central-1/kms");

    let stage = Stage::with([ok(&made())], Some("us-east-1"), |it| {
        it.use_fips_endpoint = Some(true);
    });
    // Of another region than the key: what is asked is what was said.
    stage.data_key().await.unwrap();
    assert_eq!(
        stage.wire.asked()[0].uri,
        "https://kms-fips.us-east-1.amazonaws.com/"
    );
}

#[tokio::test(start_paused = true)]
async fn throttling_and_passing_trouble_are_waited_out() {
    let trouble = [
        throttled(),
        Wired::refusal("KMSInternalException", "KMS internal error."),
        Wired::status(503, "no healthy upstream"),
        ok(&opened()),
    ];
    let (stage, began) = (Stage::new(trouble), Instant::now());
    assert_eq!(*stage.open().await.unwrap(), PLAIN);
    let asked = stage.wire.asked();
    assert_eq!(asked.len(), 4);
    let same: Vec<Value> = asked
        .iter()
        .map(|it| serde_json::from_str(&it.body).unwrap())
        .collect();
    assert!(same.iter().all(|body| *body == same[0]), "{same:?}");
    let waited = began.elapsed().as_secs_f64();
    assert!((1.75..3.6).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn trouble_without_end_is_given_up_with_the_number_of_tries() {
    for code in ["DependencyTimeoutException", "KeyUnavailableException"] {
        let stage = Stage::new(vec![Wired::refusal(code, "later"); 9]);
        let error = stage.data_key().await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        assert_eq!((error.asked().attempts, stage.wire.asked().len()), (4, 4));
    }
    let stage = Stage::with(vec![throttled(); 9], Some("eu-central-1"), |it| {
        it.max_retries = Some(5);
    });
    let error = stage.data_key().await.unwrap_err();
    assert!(matches!(error, Error::Throttled(_)), "{error}");
    assert_eq!(error.asked().attempts, 6);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_and_a_stop_end_every_wait() {
    let late = ok(&made()).after(Duration::from_secs(60));
    let (stage, began) = (Stage::new([late.clone()]), Instant::now());
    let error = stage.data_key_within(20).await.unwrap_err();
    assert!(matches!(error, Error::OutOfTime(_)), "{error}");
    assert_eq!(began.elapsed().as_secs(), 20);

    let (stage, began) = (Stage::new([late]), Instant::now());
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stage.stop.cancel();
    };
    let (ended, ()) = tokio::join!(stage.open(), stopping);
    assert!(
        matches!(ended.unwrap_err(), Error::Stopped(asked) if asked.operation == Operation::Decrypt)
    );
    assert_eq!(began.elapsed().as_secs(), 5);
    // Nothing leaves any more.
    assert!(matches!(stage.open().await, Err(Error::Stopped(_))));
    assert_eq!(stage.wire.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_there_or_not_usable_is_told_apart() {
    let gone = refused("NotFoundException", &format!("Key '{KEY}' does not exist")).await;
    assert!(
        matches!(&gone, Error::NotFound(answer) if answer.request_id.as_deref() == Some("req-1"))
    );
    assert_eq!(
        gone.to_string(),
        format!(
            "Decrypt with the KMS key {KEY} refused: NotFoundException: Key '{KEY}' does not exist"
        )
    );
    let disabled = refused("DisabledException", &format!("{KEY} is disabled.")).await;
    assert!(matches!(disabled, Error::Disabled(_)));
    for (said, expected) in [
        ("pending deletion.", KeyState::PendingDeletion),
        ("pending import.", KeyState::PendingImport),
    ] {
        match refused("KMSInvalidStateException", &format!("{KEY} is {said}")).await {
            Error::InvalidState { state, .. } => assert_eq!(state, expected),
            other => panic!("{other}"),
        }
    }
    let words = format!("{KEY} key usage is SIGN_VERIFY which is not valid for GenerateDataKey.");
    let kind = refused("InvalidKeyUsageException", &words).await;
    assert!(matches!(kind, Error::WrongKind(_)));
}

#[tokio::test(start_paused = true)]
async fn what_was_sealed_otherwise_is_told_from_what_was_sealed_with_another_key() {
    // AWS says nothing more.
    let stage = Stage::new([Wired::status(
        400,
        r#"{"__type":"InvalidCiphertextException"}"#,
    )]);
    let error = stage.open().await.unwrap_err();
    assert!(matches!(&error, Error::SealedOtherwise(answer) if answer.message.is_empty()));
    assert_eq!(
        error.to_string(),
        format!("Decrypt with the KMS key {KEY} refused: InvalidCiphertextException")
    );
    let other =
        "The key ID in the request does not identify a CMK that can perform this operation.";
    assert!(matches!(
        refused("IncorrectKeyException", other).await,
        Error::OtherKey(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_denial_says_who_is_kept_from_what_and_by_which_policy() {
    let who = "arn:aws:sts::444455556666:assumed-role/mesh-a/ci";
    let words = format!(
        "User: {who} is not authorized to perform: kms:Decrypt on resource: {KEY} because no resource-based policy \
         allows the kms:Decrypt action"
    );
    match refused("AccessDeniedException", &words).await {
        Error::AccessDenied { denial, answer } => {
            assert_eq!(denial.by.as_deref(), Some(who));
            assert_eq!(denial.policy.as_deref(), Some("resource-based policy"));
            assert!(!denial.explicit);
            assert_eq!(answer.asked.operation.to_string(), "Decrypt");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_identity_that_aws_refuses_is_told_with_whose_it_is_and_one_line() {
    let words =
        "The security token included in the request is expired\n\nx-amz-security-token:secret";
    match refused("ExpiredTokenException", words).await {
        Error::IdentityRefused { whose, answer } => {
            assert_eq!(whose, "the profile \"ci\"");
            assert!(!answer.message.contains("secret"), "{}", answer.message);
        }
        other => panic!("{other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn without_credentials_nothing_is_sent_to_kms() {
    let stage = Stage::with([ok(&made())], Some("eu-central-1"), |it| {
        it.profile = Some("empty".to_owned());
        it.skip_metadata_api_check = Some(true);
    });
    let error = stage.data_key().await.unwrap_err();
    assert!(matches!(error, Error::NotSignedIn { .. }), "{error}");
    assert!(stage.wire.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_gives_no_answer_or_nonsense_is_no_refusal() {
    // The script is at its end at once.
    let silent = Stage::new([]).data_key().await.unwrap_err();
    assert!(
        matches!(
            silent,
            Error::Unreachable {
                how: Unreachable::Connection,
                ..
            }
        ),
        "{silent}"
    );
    let page = vec![Wired::ok("<html>welcome</html>"); 4];
    let garbled = Stage::new(page).data_key().await.unwrap_err();
    assert!(
        matches!(
            garbled,
            Error::Unreachable {
                how: Unreachable::Garbled,
                ..
            }
        ),
        "{garbled}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_believed_only_when_it_is_whole_and_of_that_key() {
    let other = KEY.replace("1234abcd", "00000000");
    for (answer, missing) in [
        (changed(made(), "Plaintext", Value::Null), "the data key"),
        (
            changed(made(), "Plaintext", json!("AAAA")),
            "a data key of 32 bytes",
        ),
        (
            changed(made(), "CiphertextBlob", json!("")),
            "the sealed data key",
        ),
        (
            changed(made(), "KeyId", json!(other)),
            "the ARN of the key that was asked for",
        ),
        (
            changed(made(), "KeyId", Value::Null),
            "the ARN of the key that was asked for",
        ),
    ] {
        match Stage::new([answer]).data_key().await.unwrap_err() {
            Error::Incomplete { missing: found, .. } => assert_eq!(found, missing),
            other => panic!("{other}"),
        }
    }
    let opened = Stage::new([changed(opened(), "KeyId", json!(other))])
        .open()
        .await;
    assert!(matches!(opened, Err(Error::Incomplete { .. })));
}

#[tokio::test(start_paused = true)]
async fn nothing_shows_a_data_key() {
    let stage = Stage::new([ok(&made())]);
    let made = stage.data_key().await.unwrap();
    let shown = format!("{made:?} {made:#?} {:?}", stage.kms);
    for form in [
        String::from_utf8_lossy(&PLAIN).into_owned(),
        STANDARD.encode(PLAIN),
        format!("{:?}", &PLAIN[..4])
            .trim_matches(['[', ']'])
            .to_owned(),
    ] {
        assert!(!shown.contains(&form), "{shown}");
    }
    assert!(shown.contains(KEY), "{shown}");
}
