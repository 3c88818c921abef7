//! Signing in over a scripted wire: the real SDK, STS answered from a list.

use std::process::Command;

use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;

use super::wire::{Answer, File, Wire, given, role};
use super::*;

mod order;
mod sources;
mod way;
mod web;

fn denied(message: &str) -> Answer {
    let error = format!("<Code>AccessDenied</Code><Message>{message}</Message>");
    Answer::status(
        403,
        &format!("<ErrorResponse><Error>{error}</Error></ErrorResponse>"),
    )
}

async fn credentials(sign_in: &SignIn) -> Result<Credentials, Error> {
    let session = sign_in.session("eu-central-1").await.unwrap();
    assert_eq!(session.region().unwrap().as_ref(), "eu-central-1");
    let provided = session
        .credentials_provider()
        .unwrap()
        .provide_credentials()
        .await;
    provided.map_err(|error| Error::behind(&error).expect("an error of ours"))
}

fn over(settings: &Settings, wire: &Wire) -> SignIn {
    sign_in(settings, &Agent::default()).unwrap().over(wire)
}

/// Runs the calling test again in a process of its own with these variables and no other of AWS's;
/// `true` in there.
fn in_environment(test: &str, variables: &[(&str, &str)]) -> bool {
    const MARK: &str = "ISTIOPCA_TEST_ENVIRONMENT";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        child.env_remove(name);
    }
    let quiet = [
        (MARK, "1"),
        ("HOME", "/nowhere"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    child.envs(quiet).envs(variables.iter().copied());
    let module = module_path!().split_once("::").unwrap().1;
    let ran = child
        .args(["--exact", &format!("{module}::{test}")])
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && report.contains("1 passed"),
        "{report}"
    );
    false
}

#[tokio::test]
async fn a_profile_is_enough() {
    let (file, wire) = (File::new("profile"), Wire::new([]));
    let found = credentials(&over(&file.settings(Some("ci"), Vec::new()), &wire))
        .await
        .unwrap();
    assert_eq!(found.access_key_id(), "AKIDCI");
    assert!(wire.asked().is_empty());
}

#[tokio::test]
async fn roles_are_assumed_one_from_the_other() {
    let file = File::new("chain");
    let wire = Wire::new([given("AKIDHUB"), given("AKIDOWNER")]);
    let settings = file.settings(Some("ci"), vec![role("hub"), role("owner")]);
    let found = credentials(&over(&settings, &wire)).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDOWNER");
    assert_eq!(found.session_token(), Some("t-AKIDOWNER"));
    let asked = wire.asked();
    let signers: Vec<_> = asked.iter().map(|it| it.signer()).collect();
    assert_eq!(signers, ["AKIDCI/eu-west-1/sts", "AKIDHUB/eu-west-1/sts"]);
    assert!(asked[0].body.contains("role%2Fhub") && asked[1].body.contains("role%2Fowner"));
    assert!(
        asked[0]
            .body
            .contains("RoleSessionName=terraform-provider-istiopca")
    );
    assert_eq!(asked[0].uri, "https://sts.eu-west-1.amazonaws.com/");
}

#[tokio::test]
async fn every_setting_of_a_role_reaches_sts() {
    let (file, wire) = (File::new("full"), Wire::new([given("AKID")]));
    let full = AssumeRole {
        session_name: Some("nightly".to_owned()),
        external_id: Some("xyz".to_owned()),
        duration: Some("30m".to_owned()),
        policy: Some("{}".to_owned()),
        policy_arns: vec!["arn:aws:iam::aws:policy/p".to_owned()],
        source_identity: Some("olga".to_owned()),
        tags: BTreeMap::from([("team".to_owned(), "mesh".to_owned())]),
        transitive_tag_keys: vec!["team".to_owned()],
        ..role("hub")
    };
    let mut settings = file.settings(Some("ci"), vec![full]);
    let sts = Some("http://127.0.0.1:9/sts".to_owned());
    settings.endpoints = vec![Endpoints {
        sts,
        ..Endpoints::default()
    }];
    credentials(&over(&settings, &wire)).await.unwrap();
    let asked = wire.asked().remove(0);
    assert!(
        asked.uri.starts_with("http://127.0.0.1:9/sts"),
        "{}",
        asked.uri
    );
    let pairs: Vec<_> = asked.body.split('&').collect();
    for pair in [
        "Action=AssumeRole",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fhub",
        "RoleSessionName=nightly",
        "ExternalId=xyz",
        "DurationSeconds=1800",
        "Policy=%7B%7D",
        "PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2Fp",
        "SourceIdentity=olga",
        "Tags.member.1.Key=team",
        "Tags.member.1.Value=mesh",
        "TransitiveTagKeys.member.1=team",
    ] {
        assert!(pairs.contains(&pair), "{pair} in {pairs:?}");
    }
}

#[tokio::test]
async fn a_refused_role_keeps_awss_words_and_is_not_covered_by_the_next() {
    let file = File::new("refused");
    let wire = Wire::new([denied("not authorized to perform sts:AssumeRole")]);
    let settings = file.settings(Some("ci"), vec![role("hub"), role("owner")]);
    let error = credentials(&over(&settings, &wire)).await.unwrap_err();
    let refused = Error::RoleRefused {
        role_arn: role("hub").role_arn,
        code: "AccessDenied".to_owned(),
        message: "not authorized to perform sts:AssumeRole".to_owned(),
        request_id: Some("req-1".to_owned()),
    };
    assert_eq!(error, refused);
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_named_with_its_reason() {
    let (file, wire) = (File::new("absent"), Wire::new([]));
    for (profile, part) in [
        ("nobody", "`nobody` was not defined"),
        ("empty", "no credentials"),
    ] {
        let settings = file.settings(Some(profile), Vec::new());
        let sign_in = over(&settings, &wire);
        // Whoever asks again hears the same.
        credentials(&sign_in).await.unwrap_err();
        match credentials(&sign_in).await.unwrap_err() {
            Error::Credentials { tried } => {
                let [Tried { source, said }] = &tried[..] else {
                    panic!("{tried:?}")
                };
                assert_eq!(source, &Source::Profile(Some(profile.to_owned())));
                assert!(said.contains(part), "{said}");
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn the_block_for_the_ca_goes_on_from_the_outer_identity() {
    let file = File::new("block");
    let wire = Wire::new([given("AKIDHUB"), given("AKIDPCAROLE")]);
    let outer = Arc::new(over(&file.settings(Some("ci"), vec![role("hub")]), &wire));
    let block = AcmPca {
        assume_role: vec![role("pca")],
        ..AcmPca::default()
    };
    let found = credentials(&outer.for_acmpca(&block).unwrap())
        .await
        .unwrap();
    assert_eq!(found.access_key_id(), "AKIDPCAROLE");
    let signers: Vec<_> = wire.asked().iter().map(|it| it.signer()).collect();
    assert_eq!(signers, ["AKIDCI/eu-west-1/sts", "AKIDHUB/eu-west-1/sts"]);
}

#[tokio::test]
async fn the_block_for_the_ca_starts_anew_from_a_profile_of_its_own() {
    let (file, wire) = (File::new("own"), Wire::new([given("AKIDPCAROLE")]));
    let outer = Arc::new(over(&file.settings(Some("ci"), vec![role("hub")]), &wire));
    let block = AcmPca {
        region: Some("us-east-2".to_owned()),
        profile: Some("pca".to_owned()),
        assume_role: vec![role("pca")],
        ..AcmPca::default()
    };
    credentials(&outer.for_acmpca(&block).unwrap())
        .await
        .unwrap();
    let signers: Vec<_> = wire.asked().iter().map(|it| it.signer()).collect();
    assert_eq!(signers, ["AKIDPCA/us-east-2/sts"]);
}

#[tokio::test]
async fn a_named_profile_wins_over_keys_in_the_environment() {
    let keys = [
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    if !in_environment("a_named_profile_wins_over_keys_in_the_environment", &keys) {
        return;
    }
    let (file, wire) = (File::new("wins"), Wire::new([]));
    let named = credentials(&over(&file.settings(Some("ci"), Vec::new()), &wire))
        .await
        .unwrap();
    assert_eq!(named.access_key_id(), "AKIDCI");
    let unnamed = credentials(&over(&file.settings(None, Vec::new()), &wire))
        .await
        .unwrap();
    assert_eq!(unnamed.access_key_id(), "AKIDENV");
}

#[tokio::test]
async fn without_any_source_every_source_is_named() {
    if !in_environment("without_any_source_every_source_is_named", &[]) {
        return;
    }
    let error = credentials(&over(&Settings::default(), &Wire::new([])))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "no AWS credentials: the environment (AWS_ACCESS_KEY_ID): environment variable not set; a \
         web identity token (AWS_WEB_IDENTITY_TOKEN_FILE): $AWS_WEB_IDENTITY_TOKEN_FILE was not set; \
         the profile of AWS_PROFILE or \"default\": it holds no credentials; the container's \
         credentials: ECS provider not configured; the instance's metadata: IMDS disabled by \
         AWS_EC2_METADATA_DISABLED env var set to `true`"
    );
}

#[tokio::test]
async fn sts_is_where_the_environment_says_and_the_settings_win() {
    let variables = [
        ("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:7"),
        ("AWS_REGION", "eu-north-1"),
    ];
    if !in_environment(
        "sts_is_where_the_environment_says_and_the_settings_win",
        &variables,
    ) {
        return;
    }
    let (file, wire) = (File::new("sts"), Wire::new([given("A"), given("B")]));
    let mut settings = file.settings(Some("ci"), vec![role("hub")]);
    settings.region = None;
    credentials(&over(&settings, &wire)).await.unwrap();
    let sts = Some("http://127.0.0.1:8".to_owned());
    settings.endpoints = vec![Endpoints {
        sts,
        ..Endpoints::default()
    }];
    credentials(&over(&settings, &wire)).await.unwrap();
    let asked: Vec<_> = wire
        .asked()
        .iter()
        .map(|it| (it.uri.clone(), it.signer()))
        .collect();
    let signer = || "AKIDCI/eu-north-1/sts".to_owned();
    assert_eq!(
        asked,
        [
            ("http://127.0.0.1:7/".to_owned(), signer()),
            ("http://127.0.0.1:8/".to_owned(), signer())
        ]
    );
}

#[test]
fn attempts_come_from_the_settings_before_the_environment() {
    let name = "attempts_come_from_the_settings_before_the_environment";
    if !in_environment(name, &[("AWS_MAX_ATTEMPTS", "7")]) {
        return;
    }
    let attempts = |max_retries| {
        let settings = Settings {
            max_retries,
            ..Settings::default()
        };
        sign_in(&settings, &Agent::default()).unwrap().attempts()
    };
    assert_eq!(
        [attempts(None), attempts(Some(0)), attempts(Some(2))],
        [Some(7), Some(1), Some(3)]
    );
}

#[tokio::test]
async fn a_broken_ca_bundle_is_an_error_of_the_session() {
    let broken = [("AWS_CA_BUNDLE", "/nowhere/ca.pem")];
    if !in_environment("a_broken_ca_bundle_is_an_error_of_the_session", &broken) {
        return;
    }
    let sign_in = sign_in(&Settings::default(), &Agent::default()).unwrap();
    let error = sign_in.session("eu-west-1").await.unwrap_err();
    assert!(
        matches!(error, Error::CaBundle { said: "AWS_CA_BUNDLE", path, .. } if path == "/nowhere/ca.pem")
    );
}

fn caller_in(account: &str) -> Answer {
    let arn = format!("arn:aws-us-gov:sts::{account}:assumed-role/hub/ci");
    Answer::ok(format!(
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{arn}</Arn><UserId>AROA:ci</UserId>\
         <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    ))
}

#[tokio::test]
async fn who_is_calling_is_asked_once_by_however_many() {
    let file = File::new("caller");
    let wire = Wire::new([given("AKIDHUB"), caller_in("123456789012")]);
    let sign_in = over(&file.settings(Some("ci"), vec![role("hub")]), &wire);
    let (one, other) = tokio::join!(sign_in.caller("eu-west-1"), sign_in.caller("us-east-1"));
    let expected = Caller {
        account: "123456789012".to_owned(),
        partition: "aws-us-gov".to_owned(),
        arn: "arn:aws-us-gov:sts::123456789012:assumed-role/hub/ci".to_owned(),
    };
    assert_eq!([one, other], [Ok(expected.clone()), Ok(expected)]);
    let asked = wire.asked();
    let signers: Vec<_> = asked.iter().map(|it| it.signer()).collect();
    assert_eq!(signers, ["AKIDCI/eu-west-1/sts", "AKIDHUB/eu-west-1/sts"]);
    assert!(asked[1].body.contains("Action=GetCallerIdentity"));
}

#[tokio::test]
async fn a_failure_to_say_who_is_calling_is_told_and_not_kept() {
    let expired = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token \
                   included in the request is expired</Message></Error></ErrorResponse>";
    let wire = Wire::new([Answer::status(403, expired), caller_in("123456789012")]);
    let file = File::new("unidentified");
    let sign_in = over(&file.settings(Some("ci"), Vec::new()), &wire);
    let failed = sign_in.caller("eu-west-1").await.unwrap_err();
    assert_eq!(
        failed.to_string(),
        "AWS did not say whose the credentials are: ExpiredToken: The security token included in \
         the request is expired"
    );
    sign_in.caller("eu-west-1").await.unwrap();
}

#[tokio::test]
async fn one_more_role_is_assumed_from_the_final_credentials() {
    let file = File::new("more");
    let wire = Wire::new([
        given("AKIDHUB"),
        given("AKIDEKS"),
        caller_in("123456789012"),
    ]);
    let mut settings = file.settings(Some("ci"), vec![role("hub")]);
    settings.endpoints = vec![Endpoints {
        eks: Some("http://127.0.0.1:9/eks".to_owned()),
        ..Endpoints::default()
    }];
    let hub = Arc::new(over(&settings, &wire));
    let eks = hub.for_role(role("eks")).unwrap();
    let found = credentials(&eks).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDEKS");
    let asked = wire.asked();
    let signers: Vec<_> = asked.iter().map(|it| it.signer()).collect();
    assert_eq!(signers, ["AKIDCI/eu-west-1/sts", "AKIDHUB/eu-west-1/sts"]);
    assert!(asked[1].body.contains("role%2Feks"));
    let endpoint = eks.eks_endpoint();
    assert_eq!(endpoint.as_deref(), Some("http://127.0.0.1:9/eks"));
    let error = hub.for_role(AssumeRole::default()).unwrap_err();
    assert!(
        error.to_string().starts_with("assume_role[0].role_arn: "),
        "{error}"
    );
}

#[tokio::test]
async fn credentials_of_another_account_are_not_handed_out() {
    let file = File::new("accounts");
    let lists = |allowed: &[&str], forbidden: &[&str]| Settings {
        allowed_account_ids: allowed.iter().map(ToString::to_string).collect(),
        forbidden_account_ids: forbidden.iter().map(ToString::to_string).collect(),
        ..file.settings(Some("ci"), Vec::new())
    };
    let arn = "arn:aws-us-gov:sts::123456789012:assumed-role/hub/ci";
    for (settings, named) in [
        (
            lists(&["210987654321", "999999999999"], &[]),
            "which is not in allowed_account_ids (210987654321, 999999999999)",
        ),
        (
            lists(&[], &["123456789012"]),
            "which is in forbidden_account_ids (123456789012)",
        ),
    ] {
        let wire = Wire::new([caller_in("123456789012")]);
        let sign_in = over(&settings, &wire);
        for _ in 0..2 {
            let error = credentials(&sign_in).await.unwrap_err().to_string();
            let expected =
                format!("the credentials of {arn} belong to account 123456789012, {named}");
            assert_eq!(error, expected);
        }
        assert_eq!(wire.asked().len(), 1);
    }
    for settings in [lists(&["123456789012"], &[]), lists(&[], &["210987654321"])] {
        let wire = Wire::new([caller_in("123456789012")]);
        let sign_in = over(&settings, &wire);
        credentials(&sign_in).await.unwrap();
        assert_eq!(sign_in.caller("eu-west-1").await.unwrap().arn, arn);
        assert_eq!(wire.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_guarded_sign_in_says_who_is_calling_without_waiting_for_itself() {
    let file = File::new("guarded");
    let settings = Settings {
        allowed_account_ids: vec!["123456789012".to_owned()],
        ..file.settings(Some("ci"), vec![role("hub")])
    };
    let answers = [
        given("AKIDHUB"),
        caller_in("123456789012"),
        caller_in("123456789012"),
    ];
    let wire = Wire::new(answers);
    let sign_in = over(&settings, &wire);
    assert_eq!(
        sign_in.caller("eu-west-1").await.unwrap().account,
        "123456789012"
    );
    sign_in.caller("eu-west-1").await.unwrap();
    assert_eq!(wire.asked().len(), 3);
}

#[tokio::test]
async fn sts_has_the_name_that_aws_gives_it_whatever_the_settings_say() {
    let (file, wire) = (File::new("host"), Wire::new([]));
    for (fips, dualstack, region, host) in [
        (None, None, "eu-west-1", "sts.eu-west-1.amazonaws.com"),
        (
            Some(true),
            None,
            "us-east-1",
            "sts-fips.us-east-1.amazonaws.com",
        ),
        (None, Some(true), "eu-west-1", "sts.eu-west-1.api.aws"),
        (
            Some(true),
            Some(true),
            "us-east-1",
            "sts-fips.us-east-1.api.aws",
        ),
        (
            Some(true),
            None,
            "us-gov-west-1",
            "sts.us-gov-west-1.amazonaws.com",
        ),
        (None, None, "cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
        (
            None,
            None,
            "eusc-de-east-1",
            "sts.eusc-de-east-1.amazonaws.eu",
        ),
    ] {
        let sts = Some("http://127.0.0.1:9".to_owned());
        let settings = Settings {
            use_fips_endpoint: fips,
            use_dualstack_endpoint: dualstack,
            endpoints: vec![Endpoints {
                sts,
                ..Endpoints::default()
            }],
            ..file.settings(Some("ci"), Vec::new())
        };
        let sign_in = over(&settings, &wire);
        assert_eq!(sign_in.sts_host(region).await.unwrap(), host);
    }
}

#[tokio::test]
async fn an_endpoint_of_ones_own_is_asked_though_fips_is_wanted() {
    let file = File::new("fips");
    let sts = Some("http://127.0.0.1:9".to_owned());
    let own = Settings {
        use_fips_endpoint: Some(true),
        use_dualstack_endpoint: Some(true),
        endpoints: vec![Endpoints {
            sts,
            ..Endpoints::default()
        }],
        ..file.settings(Some("ci"), vec![role("hub")])
    };
    let theirs = Settings {
        endpoints: Vec::new(),
        ..own.clone()
    };
    for (settings, uri) in [
        (own, "http://127.0.0.1:9/"),
        (theirs, "https://sts-fips.eu-west-1.api.aws/"),
    ] {
        let wire = Wire::new([given("AKIDHUB")]);
        credentials(&over(&settings, &wire)).await.unwrap();
        assert_eq!(wire.asked()[0].uri, uri);
    }
}

#[tokio::test]
async fn the_environment_may_want_fips_and_the_settings_may_not() {
    let test = "the_environment_may_want_fips_and_the_settings_may_not";
    let variables = [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
    ];
    if !in_environment(test, &variables) {
        return;
    }
    let sign_in = over(&Settings::default(), &Wire::new([]));
    let session = sign_in.session("eu-west-1").await.unwrap();
    assert_eq!(
        [session.use_fips(), session.use_dual_stack()],
        [Some(true); 2]
    );
    let settings = Settings {
        use_fips_endpoint: Some(false),
        use_dualstack_endpoint: Some(false),
        ..Settings::default()
    };
    let sign_in = over(&settings, &Wire::new([]));
    let session = sign_in.session("eu-west-1").await.unwrap();
    assert_eq!(
        [session.use_fips(), session.use_dual_stack()],
        [Some(false); 2]
    );
}

#[tokio::test]
async fn sts_is_asked_in_the_region_that_is_said_most_closely() {
    let test = "sts_is_asked_in_the_region_that_is_said_most_closely";
    if !in_environment(test, &[("AWS_REGION", "eu-north-1")]) {
        return;
    }
    let file = File::new("regions");
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    for (region, sts_region, within, expected) in [
        ("", "", "", ["eu-north-1", "eu-north-1"]),
        ("eu-west-1", "", "", ["eu-west-1", "eu-west-1"]),
        ("eu-west-1", "eu-west-2", "", ["eu-west-2", "eu-west-2"]),
        (
            "eu-west-1",
            "eu-west-2",
            "us-east-2",
            ["eu-west-2", "us-east-2"],
        ),
    ] {
        let settings = Settings {
            region: said(region),
            sts_region: said(sts_region),
            ..file.settings(Some("ci"), vec![role("hub")])
        };
        let block = AcmPca {
            region: said(within),
            assume_role: vec![role("pca")],
            ..AcmPca::default()
        };
        let wire = Wire::new([given("AKIDHUB"), given("AKIDPCA")]);
        let outer = Arc::new(over(&settings, &wire));
        credentials(&outer.for_acmpca(&block).unwrap())
            .await
            .unwrap();
        let asked = wire.asked();
        let hosts: Vec<_> = asked.iter().map(|it| it.uri.as_str()).collect();
        let expected = expected.map(|region| format!("https://sts.{region}.amazonaws.com/"));
        assert_eq!(hosts, expected);
    }
}
