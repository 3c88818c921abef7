//! The adapter over a scripted wire: the real SDK, AWS's answers from a list, time that jumps.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::aws::wire::{Answer as Wired, Asked, File, Wire, given, role};
use crate::aws::{self, Agent, Endpoints, Settings};

const CA: &str = "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/\
                  11111111-2222-3333-4444-555555555555";

/// An authority at the end of a scripted wire, and the profile it signs in with.
struct Stage {
    authority: Authority,
    wire: Wire,
    stop: CancellationToken,
    _file: File,
}

impl Stage {
    fn new(answers: impl IntoIterator<Item = Wired>) -> Self {
        Self::with(answers, |_| ())
    }

    fn with(answers: impl IntoIterator<Item = Wired>, change: impl Fn(&mut Settings)) -> Self {
        let wire = Wire::new(answers);
        let (file, settings) = settings(change);
        let sign_in = aws::sign_in(&settings, &agent()).unwrap().over(&wire);
        let authority = Authority::new(CA.parse().unwrap(), Arc::new(sign_in), 1);
        Self {
            authority,
            wire,
            stop: CancellationToken::new(),
            _file: file,
        }
    }

    fn within(&self, seconds: u64) -> Until<'_> {
        Until::within(Duration::from_secs(seconds), &self.stop)
    }

    async fn issue(&self) -> Result<CertificateArn, Error> {
        self.authority.issue(&order(), self.within(600)).await
    }

    async fn fetch(&self, seconds: u64) -> Result<IssuedPem, Error> {
        let (patience, until) = (Patience::default(), self.within(seconds));
        self.authority
            .fetch(&CertificateArn::new(issued_arn()), patience, until)
            .await
    }

    /// The requests' operations, in order.
    fn operations(&self) -> Vec<String> {
        let name = |asked: &Asked| asked.target.replace("ACMPrivateCA.", "");
        self.wire.asked().iter().map(name).collect()
    }
}

/// In another region than the CA, so that each test shows which one counts.
fn settings(change: impl Fn(&mut Settings)) -> (File, Settings) {
    let file = File::new(
        std::thread::current()
            .name()
            .unwrap()
            .replace("::", "-")
            .as_str(),
    );
    let mut settings = file.settings(Some("ci"), Vec::new());
    settings.region = Some("us-east-1".to_owned());
    change(&mut settings);
    (file, settings)
}

fn agent() -> Agent {
    Agent {
        version: "9.9.9".to_owned(),
        ..Agent::default()
    }
}

fn order() -> Order {
    Order {
        csr_pem: "-----BEGIN CERTIFICATE REQUEST-----\nMA==\n-----END CERTIFICATE REQUEST-----\n"
            .into(),
        signing_algorithm: SigningAlgorithm::Sha256WithEcdsa,
        template: TemplateArn::subordinate("aws", 0).unwrap(),
        not_after: "2027-02-20T10:11:12Z".parse().unwrap(),
        token: Token::new([7; 16]),
    }
}

fn issued_arn() -> String {
    format!("{CA}/certificate/0123456789abcdef0123456789abcdef")
}

fn issued() -> Wired {
    Wired::ok(json!({ "CertificateArn": issued_arn() }).to_string())
}

fn fetched() -> Wired {
    Wired::ok(json!({ "Certificate": "leaf", "CertificateChain": "ca\nroot" }).to_string())
}

fn stopped(error: &Error, during: Operation) -> bool {
    matches!(error, Error::Stopped(asked) if asked.operation == during)
}

fn described(status: &str) -> Wired {
    let description = json!({ "CertificateAuthority": {
        "Arn": CA, "OwnerAccount": "123456789012", "Type": "SUBORDINATE", "Status": status,
        "NotBefore": 1_700_000_000.0, "NotAfter": 1.9e9, "UsageMode": "SHORT_LIVED_CERTIFICATE",
        "CertificateAuthorityConfiguration": {
            "KeyAlgorithm": "EC_secp384r1", "SigningAlgorithm": "SHA384WITHECDSA", "Subject": {},
        },
    }});
    Wired::ok(description.to_string())
}

fn pending() -> Wired {
    Wired::refusal(
        "RequestInProgressException",
        "The certificate is still being issued",
    )
}

fn throttled() -> Wired {
    Wired::refusal("ThrottlingException", "Rate exceeded")
}

fn failed() -> Wired {
    Wired::refusal("RequestFailedException", "The request has failed")
}

fn refused(message: &str) -> Wired {
    Wired::refusal("AccessDeniedException", message)
}

#[tokio::test(start_paused = true)]
async fn an_order_is_sent_to_the_cas_region_with_template_end_token_and_algorithm() {
    let stage = Stage::new([issued()]);
    assert_eq!(stage.issue().await.unwrap().as_str(), issued_arn());
    let asked = stage.wire.asked().remove(0);
    assert_eq!(asked.uri, "https://acm-pca.eu-west-1.amazonaws.com/");
    assert_eq!(asked.signer(), "AKIDCI/eu-west-1/acm-pca");
    assert_eq!(asked.target, "ACMPrivateCA.IssueCertificate");
    for part in [
        "app/terraform-provider-istiopca",
        "lib/terraform-provider-istiopca/9.9.9",
    ] {
        assert!(asked.user_agent.contains(part), "{}", asked.user_agent);
    }
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let expected = json!({
        "CertificateAuthorityArn": CA,
        // printf -- '-----BEGIN …' | base64 -w0
        "Csr": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUE9PQotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K",
        "SigningAlgorithm": "SHA256WITHECDSA",
        "TemplateArn": "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1",
        "Validity": { "Type": "ABSOLUTE", "Value": 1_803_118_272 },
        "IdempotencyToken": "istiopca-BwcHBwcHBwcHBwcHBwcHBw",
    });
    assert_eq!(body, expected);
}

#[tokio::test(start_paused = true)]
async fn throttling_is_waited_out_with_the_same_token() {
    let (stage, began) = (
        Stage::new([throttled(), throttled(), issued()]),
        Instant::now(),
    );
    stage.issue().await.unwrap();
    let asked = stage.wire.asked();
    assert_eq!(asked.len(), 3);
    assert!(
        asked
            .iter()
            .all(|it| it.body == asked[0].body && it.body.contains("istiopca-"))
    );
    let waited = began.elapsed().as_secs_f64();
    assert!((0.75..1.6).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn throttling_without_end_is_given_up_after_the_users_bound() {
    let stage = Stage::with(vec![throttled(); 9], |it| it.max_retries = Some(2));
    match stage.issue().await.unwrap_err() {
        Error::Throttled(answer) => {
            assert_eq!(
                (answer.asked.attempts, answer.code.as_str()),
                (3, "ThrottlingException")
            );
        }
        other => panic!("{other}"),
    }
    assert_eq!(stage.wire.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_asked_exactly_once() {
    let limit = Wired::refusal(
        "LimitExceededException",
        "An ACM Private CA limit has been exceeded.",
    );
    let stage = Stage::new([limit, issued()]);
    let error = stage.issue().await.unwrap_err();
    assert!(matches!(error, Error::LimitExceeded(_)));
    let answer = error.answer().unwrap();
    assert_eq!(answer.message, "An ACM Private CA limit has been exceeded.");
    assert_eq!(
        (
            answer.asked.operation,
            answer.asked.authority.to_string().as_str()
        ),
        (Operation::IssueCertificate, CA)
    );
    assert_eq!(answer.request_id.as_deref(), Some("req-1"));
    assert_eq!(stage.wire.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_looked_for_until_it_is_there() {
    let stage = Stage::new([pending(), pending(), throttled(), pending(), fetched()]);
    let found = stage.fetch(60).await.unwrap();
    assert_eq!(
        (found.certificate.as_str(), found.chain.as_str()),
        ("leaf", "ca\nroot")
    );
    assert_eq!(stage.operations(), ["GetCertificate"; 5]);
    let body: Value = serde_json::from_str(&stage.wire.asked()[0].body).unwrap();
    assert_eq!(
        body,
        json!({ "CertificateAuthorityArn": CA, "CertificateArn": issued_arn() })
    );
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_looking_and_the_order_stands() {
    let (stage, began) = (Stage::new(vec![pending(); 99]), Instant::now());
    match stage.fetch(20).await.unwrap_err() {
        Error::StillPending {
            certificate,
            waited,
            ..
        } => {
            assert_eq!(certificate.as_str(), issued_arn());
            assert_eq!(waited, began.elapsed());
        }
        other => panic!("{other}"),
    }
    let waited = began.elapsed();
    assert!((16..=20).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cuts_an_answer_that_does_not_come() {
    let (stage, began) = (
        Stage::new([fetched().after(Duration::from_secs(60))]),
        Instant::now(),
    );
    let error = stage.fetch(20).await.unwrap_err();
    assert!(matches!(error, Error::StillPending { .. }));
    assert_eq!(began.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_at_once() {
    let (stage, began) = (Stage::new(vec![pending(); 99]), Instant::now());
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stage.stop.cancel();
    };
    let (fetched, ()) = tokio::join!(stage.fetch(600), stopping);
    assert!(stopped(&fetched.unwrap_err(), Operation::GetCertificate));
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_cut_an_order_that_has_left_but_the_wait_for_another_try() {
    let slow = Duration::from_secs(5);
    let stage = Stage::new([throttled().after(slow), issued()]);
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.stop.cancel();
    };
    let began = Instant::now();
    let (sent, ()) = tokio::join!(stage.issue(), stopping);
    assert!(stopped(&sent.unwrap_err(), Operation::IssueCertificate));
    assert_eq!((began.elapsed(), stage.wire.asked().len()), (slow, 1));

    let stage = Stage::new([issued().after(slow)]);
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stage.stop.cancel();
    };
    let (sent, ()) = tokio::join!(stage.issue(), stopping);
    assert_eq!(sent.unwrap().as_str(), issued_arn());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_a_stop_or_the_deadline() {
    let stage = Stage::new([issued()]);
    let late = stage
        .authority
        .issue(&order(), stage.within(0))
        .await
        .unwrap_err();
    assert!(matches!(late, Error::OutOfTime(_)) && !late.may_have_issued());
    stage.stop.cancel();
    assert!(matches!(
        stage.issue().await.unwrap_err(),
        Error::Stopped(_)
    ));
    assert!(matches!(
        stage.fetch(60).await.unwrap_err(),
        Error::Stopped(_)
    ));
    assert!(stage.wire.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_believed_after_a_few_looks() {
    let stage = Stage::new([failed(), failed(), pending(), failed(), fetched()]);
    assert_eq!(stage.fetch(60).await.unwrap().certificate, "leaf");

    let stage = Stage::new(vec![failed(); 9]);
    match stage.fetch(60).await.unwrap_err() {
        Error::NotIssued {
            certificate,
            answer,
        } => {
            assert_eq!(certificate.as_str(), issued_arn());
            assert_eq!(answer.message, "The request has failed");
        }
        other => panic!("{other}"),
    }
    assert_eq!(stage.wire.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_ca_is_described_once_however_many_ask_at_once() {
    let stage = Stage::new([described("ACTIVE").after(Duration::from_secs(2))]);
    let until = stage.within(60);
    let (one, two) = tokio::join!(
        stage.authority.describe(until),
        stage.authority.describe(until)
    );
    let known = stage.authority.describe(until).await.unwrap();
    assert!(std::ptr::eq(one.unwrap(), known) && std::ptr::eq(two.unwrap(), known));
    assert_eq!(stage.operations(), ["DescribeCertificateAuthority"]);
    let expected = Description {
        status: Status::Active,
        ca_type: Some(CaType::Subordinate),
        key_algorithm: CaKeyAlgorithm::EcSecp384r1,
        usage_mode: UsageMode::ShortLived,
        // date -u -d @1700000000, date -u -d @1900000000
        not_before: Some("2023-11-14T22:13:20Z".parse().unwrap()),
        not_after: Some("2030-03-17T17:46:40Z".parse().unwrap()),
        owner_account: Some("123456789012".to_owned()),
        failure_reason: None,
        restorable_until: None,
    };
    assert_eq!(*known, expected);
}

#[tokio::test(start_paused = true)]
async fn a_failed_description_is_asked_for_again() {
    let stage = Stage::new([refused("not authorized"), described("DISABLED")]);
    let until = stage.within(60);
    assert!(matches!(
        stage.authority.describe(until).await,
        Err(Error::AccessDenied(_))
    ));
    assert_eq!(
        stage.authority.describe(until).await.unwrap().status,
        Status::Disabled
    );
}

#[tokio::test(start_paused = true)]
async fn who_can_do_without_a_cas_certificate_asks_once_and_not_for_long() {
    let known = || Wired::ok(json!({ "Certificate": "ca" }).to_string());
    let stage = Stage::new([known().after(Duration::from_secs(60)), known()]);
    let (began, until) = (Instant::now(), stage.within(600));
    assert_eq!(stage.authority.glimpse(until).await, None);
    assert_eq!(began.elapsed().as_secs(), 15);
    assert_eq!(stage.authority.glimpse(until).await, None);
    assert_eq!(stage.operations(), ["GetCertificateAuthorityCertificate"]);

    let needed = stage.authority.certificate(until).await.unwrap();
    assert_eq!(stage.authority.glimpse(until).await, Some(needed));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_anothers_request_still_stops_at_its_own_deadline() {
    let stage = Stage::new([described("ACTIVE").after(Duration::from_secs(9))]);
    let began = Instant::now();
    let hasty = async {
        let asked = stage.authority.describe(stage.within(3)).await.map(drop);
        (asked, began.elapsed().as_secs())
    };
    let (patient, (hasty, after)) = tokio::join!(stage.authority.describe(stage.within(60)), hasty);
    assert!(patient.is_ok() && after == 3);
    let error = hasty.unwrap_err();
    assert!(
        matches!(error, Error::OutOfTime(asked) if asked.operation == Operation::DescribeCertificateAuthority)
    );
}

#[tokio::test(start_paused = true)]
async fn the_cas_own_certificate_is_kept_and_a_root_has_no_chain() {
    let root = Wired::ok(json!({ "Certificate": "root" }).to_string());
    let stage = Stage::new([root]);
    for _ in 0..2 {
        let found = stage.authority.certificate(stage.within(60)).await.unwrap();
        assert_eq!(
            *found,
            IssuerPem {
                certificate: "root".to_owned(),
                chain: None
            }
        );
    }
    assert_eq!(stage.operations(), ["GetCertificateAuthorityCertificate"]);
}

#[tokio::test(start_paused = true)]
async fn refusals_keep_their_kind_and_awss_words_and_are_not_repeated() {
    let kind = |error: &Error| match error {
        Error::AccessDenied(_) => "denied",
        Error::NotFound(_) => "not found",
        Error::InvalidState(_) => "state",
        Error::Invalid(_) => "invalid",
        Error::IdentityRefused { .. } => "identity",
        Error::Refused(_) => "refused",
        _ => "other",
    };
    for (code, expected) in [
        ("AccessDeniedException", "denied"),
        ("ResourceNotFoundException", "not found"),
        ("InvalidStateException", "state"),
        ("ValidationException", "invalid"),
        ("MalformedCSRException", "invalid"),
        ("UnrecognizedClientException", "identity"),
        ("BrandNewException", "refused"),
    ] {
        let stage = Stage::new([Wired::refusal(code, "in AWS's words"), issued()]);
        let error = stage.issue().await.unwrap_err();
        assert_eq!(
            (kind(&error), stage.wire.asked().len()),
            (expected, 1),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            format!("IssueCertificate of {CA} refused: {code}: in AWS's words")
        );
        assert!(!error.may_have_issued());
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateways_page_is_judged_by_its_status() {
    let page = |status| Wired::status(status, "<html>Bad Gateway</html>");
    let stage = Stage::new(vec![page(502); 9]);
    let error = stage.issue().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("IssueCertificate of {CA} refused: HTTP 502")
    );
    assert!(matches!(error, Error::Unavailable(_)) && error.may_have_issued());
    assert_eq!(stage.wire.asked().len(), 4);
    let stage = Stage::new([page(403)]);
    assert!(
        matches!(stage.issue().await.unwrap_err(), Error::Refused(answer) if answer.code == "HTTP 403")
    );
}

#[tokio::test(start_paused = true)]
async fn a_ca_just_activated_is_given_time_if_it_is_known_to_be_active() {
    let state = || {
        Wired::refusal(
            "InvalidStateException",
            "The certificate authority is not in a valid state",
        )
    };
    let stage = Stage::new([described("ACTIVE"), state(), state(), issued()]);
    stage.authority.describe(stage.within(60)).await.unwrap();
    stage.issue().await.unwrap();
    let stage = Stage::new([described("DISABLED"), state(), issued()]);
    stage.authority.describe(stage.within(60)).await.unwrap();
    assert!(matches!(
        stage.issue().await.unwrap_err(),
        Error::InvalidState(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_tried_again_and_leaves_open_what_was_issued() {
    let stage = Stage::new(vec![issued().after(Duration::from_secs(600)); 9]);
    let error = stage.issue().await.unwrap_err();
    assert!(error.may_have_issued(), "{error}");
    assert!(
        matches!(
            error,
            Error::Unreachable {
                how: Unreachable::Timeout,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.asked().attempts > 1);
    let stage = Stage::new([]);
    let error = stage.fetch(600).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unreachable {
                how: Unreachable::Connection,
                ..
            }
        ),
        "{error}"
    );
    assert!(!error.may_have_issued());
}

#[tokio::test(start_paused = true)]
async fn an_unclear_try_is_not_forgotten_over_a_later_clear_one() {
    let unclear = || Wired::status(500, "");
    let denied = Stage::new([unclear(), refused("no")])
        .issue()
        .await
        .unwrap_err();
    assert!(matches!(denied, Error::AccessDenied(_)) && denied.may_have_issued());

    let stage = Stage::new([unclear()]);
    let stopping = async {
        while stage.wire.asked().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        stage.stop.cancel();
    };
    let (sent, ()) = tokio::join!(stage.issue(), stopping);
    let error = sent.unwrap_err();
    assert!(stopped(&error, Operation::IssueCertificate) && error.may_have_issued());
}

#[tokio::test(start_paused = true)]
async fn no_order_is_repeated_when_its_token_may_be_forgotten() {
    let stage = Stage::with(vec![throttled(); 99], |it| it.max_retries = Some(90));
    let (began, until) = (Instant::now(), stage.within(3600));
    let error = stage.authority.issue(&order(), until).await.unwrap_err();
    assert!(matches!(error, Error::Throttled(_)));
    let waited = began.elapsed().as_secs();
    assert!((240..300).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_off_gets_one_more_try() {
    let skewed = || Wired::refusal("InvalidSignatureException", "Signature not yet current");
    Stage::new([skewed(), issued()]).issue().await.unwrap();
    let stage = Stage::new(vec![skewed(); 9]);
    match stage.issue().await.unwrap_err() {
        Error::IdentityRefused { whose, .. } => assert_eq!(whose, "the profile \"ci\""),
        other => panic!("{other}"),
    }
    assert_eq!(stage.wire.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn no_secret_shows_in_debug() {
    let stage = Stage::with([given("AKIDHUB"), issued()], |it| {
        it.assume_role = vec![role("hub")];
    });
    stage.issue().await.unwrap();
    let shown = format!("{:?} {:?}", stage.authority, stage.authority.sign_in);
    assert!(shown.contains("eu-west-1"));
    for secret in ["secret-of-ci", "secret-of-hub", "t-AKIDHUB"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_lacks_what_it_promises_says_so() {
    let bare = Wired::ok(json!({ "Certificate": "leaf", "CertificateChain": " " }).to_string());
    let error = Stage::new([bare]).fetch(60).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the answer to GetCertificate of {CA} lacks the certificate's chain")
    );
    let error = Stage::new([Wired::ok("{}")]).issue().await.unwrap_err();
    assert!(error.may_have_issued());
    let error = Stage::new(vec![Wired::ok("<html>"); 4])
        .issue()
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Unreachable {
                how: Unreachable::Garbled,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn roles_sign_the_calls_and_cas_share_their_credentials() {
    let answers = [given("AKIDHUB"), given("AKIDOWNER"), issued(), issued()];
    let stage = Stage::with(answers, |it| {
        it.assume_role = vec![role("hub"), role("owner")]
    });
    stage.issue().await.unwrap();
    let other = CA.replace("5555", "6666").parse().unwrap();
    let other = Authority::new(other, Arc::clone(&stage.authority.sign_in), 2);
    other.issue(&order(), stage.within(60)).await.unwrap();
    let signers: Vec<_> = stage.wire.asked().iter().map(Asked::signer).collect();
    let expected = [
        "AKIDCI/us-east-1/sts",
        "AKIDHUB/us-east-1/sts",
        "AKIDOWNER/eu-west-1/acm-pca",
        "AKIDOWNER/eu-west-1/acm-pca",
    ];
    assert_eq!(signers, expected);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_fails_is_told_apart_from_a_refusal() {
    let stage = Stage::with([], |it| it.profile = Some("nobody".to_owned()));
    match stage.issue().await.unwrap_err() {
        Error::NotSignedIn {
            source: aws::Error::Credentials { tried },
            ..
        } => {
            assert_eq!(
                tried[0].source,
                aws::Source::Profile(Some("nobody".to_owned()))
            );
        }
        other => panic!("{other}"),
    }
    let no = Wired::status(
        403,
        "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>",
    );
    let stage = Stage::with([no], |it| it.assume_role = vec![role("hub")]);
    let error = stage.issue().await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::NotSignedIn {
                source: aws::Error::RoleRefused { .. },
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(stage.wire.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_of_the_users_is_called_under_the_cas_region() {
    let stage = Stage::with([issued()], |it| {
        let acmpca = Some("http://127.0.0.1:4566".to_owned());
        it.endpoints = vec![Endpoints {
            acmpca,
            ..Endpoints::default()
        }];
        it.use_fips_endpoint = Some(true);
    });
    stage.issue().await.unwrap();
    let asked = stage.wire.asked().remove(0);
    assert_eq!(
        (asked.uri.as_str(), asked.signer().as_str()),
        ("http://127.0.0.1:4566/", "AKIDCI/eu-west-1/acm-pca")
    );
}

#[tokio::test(start_paused = true)]
async fn fips_and_dual_stack_have_endpoints_of_their_own() {
    for (fips, dualstack, uri) in [
        (true, false, "https://acm-pca-fips.eu-west-1.amazonaws.com/"),
        (false, true, "https://acm-pca.eu-west-1.api.aws/"),
        (true, true, "https://acm-pca-fips.eu-west-1.api.aws/"),
    ] {
        let stage = Stage::with([issued()], |it| {
            it.use_fips_endpoint = Some(fips);
            it.use_dualstack_endpoint = Some(dualstack);
        });
        stage.issue().await.unwrap();
        assert_eq!(stage.wire.asked()[0].uri, uri);
    }
}

/// Over real sockets: the connector that users get.
mod connected {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn authority(url: &str) -> (Authority, File) {
        let (file, settings) = settings(|it| {
            let acmpca = Some(url.to_owned());
            it.endpoints = vec![Endpoints {
                acmpca,
                ..Endpoints::default()
            }];
            it.max_retries = Some(0);
        });
        let sign_in = aws::sign_in(&settings, &agent()).unwrap();
        (
            Authority::new(CA.parse().unwrap(), Arc::new(sign_in), 1),
            file,
        )
    }

    async fn unreachable(url: &str) -> (Unreachable, String) {
        let (authority, _file) = authority(url);
        let stop = CancellationToken::new();
        let until = Until::within(Duration::from_secs(60), &stop);
        match authority.describe(until).await.unwrap_err() {
            Error::Unreachable { how, reason, .. } => (how, reason),
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_plain_http_endpoint_is_spoken_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (authority, _file) = authority(&format!("http://{}", listener.local_addr().unwrap()));
        let serving = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
            }
            let body = r#"{"Certificate":"root"}"#;
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            socket.write_all(answer.as_bytes()).await.unwrap();
        };
        let stop = CancellationToken::new();
        let asking = authority.certificate(Until::within(Duration::from_secs(60), &stop));
        let both = async { tokio::join!(asking, serving) };
        let (asked, ()) = tokio::time::timeout(PATIENCE, both)
            .await
            .expect("it is called");
        assert_eq!(asked.unwrap().certificate, "root");
    }

    #[tokio::test]
    async fn a_closed_port_an_unknown_name_and_a_broken_handshake_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let garbling = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket
                .write_all(b"this is no TLS at all, sorry")
                .await
                .unwrap();
            let _ = socket.read(&mut [0; 1024]).await;
        });
        assert_eq!(
            unreachable(&format!("https://{address}")).await.0,
            Unreachable::Tls
        );
        let garbled = tokio::time::timeout(PATIENCE, garbling).await;
        garbled.expect("it is called").unwrap();
        let (how, reason) = unreachable(&format!("http://{address}")).await;
        assert_eq!(
            (how, reason.contains("refused")),
            (Unreachable::Connection, true),
            "{reason}"
        );
        assert_eq!(
            unreachable("http://nowhere.invalid").await.0,
            Unreachable::Dns
        );
    }
}
