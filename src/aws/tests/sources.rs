//! Each source of credentials, as the SDK asks it, over a scripted wire.

use super::*;
use crate::aws::wire::given_until;

const INSTANCE: &str = r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"AKIDNODE",
    "SecretAccessKey":"secret-of-node","Token":"t-node","Expiration":"2099-01-01T00:00:00Z"}"#;

fn keys(id: &str) -> String {
    format!(
        r#"{{"AccessKeyId":"{id}","SecretAccessKey":"secret-of-pod","Token":"t-pod",
            "Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}

#[tokio::test]
async fn keys_of_the_settings_win_over_those_of_the_environment() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    let test = "sources::keys_of_the_settings_win_over_those_of_the_environment";
    if !in_environment(test, &variables) {
        return;
    }
    let settings: Settings = serde_json::from_str(
        r#"{"access_key":"AKIDBLOCK","secret_key":"very-secret","token":"t-block"}"#,
    )
    .unwrap();
    assert!(!format!("{settings:?}").contains("very-secret"));
    let sign_in = over(&settings, &Wire::new([]));
    let found = credentials(&sign_in).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDBLOCK");
    assert_eq!(found.secret_access_key(), "very-secret");
    assert_eq!(found.session_token(), Some("t-block"));
    assert_eq!(sign_in.whose(), "the provider block (access_key)");
}

#[tokio::test]
async fn a_process_prints_credentials() {
    let config = File::holding(
        "process",
        r#"[profile proc]
credential_process = echo '{"Version":1,"AccessKeyId":"AKIDPROC","SecretAccessKey":"s"}'
[profile broken]
credential_process = sh -c 'echo vault is sealed >&2; exit 3'
"#,
    );
    let settings = |profile: &str| Settings {
        profile: Some(profile.to_owned()),
        shared_config_files: vec![config.path().to_owned()],
        shared_credentials_files: vec!["/dev/null".to_owned()],
        ..Settings::default()
    };
    let found = credentials(&over(&settings("proc"), &Wire::new([]))).await;
    assert_eq!(found.unwrap().access_key_id(), "AKIDPROC");
    let failed = credentials(&over(&settings("broken"), &Wire::new([]))).await;
    let told = failed.unwrap_err().to_string();
    let expected = "no AWS credentials: the profile \"broken\": ";
    assert!(
        told.starts_with(expected) && told.contains("sealed"),
        "{told}"
    );
}

/// A home with what `aws sso login` leaves there; the name of the file is the SHA-1 of the session's
/// name.
fn home_with_sso(name: &str, end: &str) -> std::path::PathBuf {
    let home = std::env::temp_dir().join(format!("istiopca-home-{}-{name}", std::process::id()));
    let cache = home.join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    let token = format!(
        r#"{{"accessToken":"sso-token","expiresAt":"{end}","region":"eu-west-1",
            "startUrl":"https://d-abc123.awsapps.com/start"}}"#
    );
    // printf corp | sha1sum
    let file = cache.join("ee0bfd2552fbd840c02cc48b6e823320543c450f.json");
    std::fs::write(file, token).unwrap();
    let config = "[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Mesh
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://d-abc123.awsapps.com/start
";
    std::fs::write(home.join(".aws/config"), config).unwrap();
    home
}

/// See [`in_environment`]: with a login of that end, in a home that goes with the test.
fn in_home_with_sso(test: &str, name: &str, ends: &str) -> bool {
    let home = home_with_sso(name, ends);
    let variables = [("HOME", home.to_str().unwrap()), ("AWS_PROFILE", "sso")];
    let inside = in_environment(test, &variables);
    let _ = std::fs::remove_dir_all(&home);
    inside
}

#[tokio::test]
async fn identity_center_gives_credentials_for_the_token_of_a_login() {
    let test = "sources::identity_center_gives_credentials_for_the_token_of_a_login";
    if !in_home_with_sso(test, "sso", "2099-01-01T00:00:00Z") {
        return;
    }
    let wire = Wire::new([Answer::ok(
        r#"{"roleCredentials":{"accessKeyId":"AKIDSSO","secretAccessKey":"s","sessionToken":"t",
            "expiration":4070908800000}}"#,
    )]);
    let sign_in = over(&Settings::default(), &wire);
    let found = credentials(&sign_in).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDSSO");
    let asked = wire.asked().remove(0);
    assert_eq!(
        asked.uri,
        "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials?role_name=Mesh&account_id=123456789012"
    );
    assert_eq!(asked.headers["x-amz-sso_bearer_token"], "sso-token");
    assert_eq!(sign_in.whose(), "the profile \"sso\"");
}

#[tokio::test]
async fn a_login_that_has_expired_ends_the_search_and_is_told() {
    let test = "sources::a_login_that_has_expired_ends_the_search_and_is_told";
    if !in_home_with_sso(test, "expired", "2020-01-01T00:00:00Z") {
        return;
    }
    let error = credentials(&over(&Settings::default(), &Wire::new([]))).await;
    let told = error.unwrap_err().to_string();
    assert_eq!(
        told,
        "no AWS credentials: the environment (AWS_ACCESS_KEY_ID): environment variable not set; a \
         web identity token (AWS_WEB_IDENTITY_TOKEN_FILE): $AWS_WEB_IDENTITY_TOKEN_FILE was not set; \
         the profile \"sso\": the SSO token has expired and cannot be refreshed"
    );
}

#[tokio::test]
async fn a_container_of_ecs_asks_its_agent() {
    let test = "sources::a_container_of_ecs_asks_its_agent";
    let relative = (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "/v2/credentials/x",
    );
    if !in_environment(test, &[relative]) {
        return;
    }
    let wire = Wire::new([Answer::ok(keys("AKIDTASK"))]);
    let sign_in = over(&Settings::default(), &wire);
    let found = credentials(&sign_in).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDTASK");
    assert_eq!(wire.asked()[0].uri, "http://169.254.170.2/v2/credentials/x");
    assert_eq!(sign_in.whose(), "the container's credentials");
}

#[tokio::test]
async fn a_pod_shows_the_token_that_eks_pod_identity_gave_it() {
    let token = File::holding("pod-token", "pod-token-1");
    let variables = [
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
        ),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.path()),
    ];
    let test = "sources::a_pod_shows_the_token_that_eks_pod_identity_gave_it";
    if !in_environment(test, &variables) {
        return;
    }
    let wire = Wire::new([Answer::ok(keys("AKIDPOD"))]);
    let found = credentials(&over(&Settings::default(), &wire)).await;
    assert_eq!(found.unwrap().access_key_id(), "AKIDPOD");
    let asked = wire.asked().remove(0);
    assert_eq!(asked.uri, "http://169.254.170.23/v1/credentials");
    assert_eq!(asked.authorization, "pod-token-1");
}

#[tokio::test]
async fn an_instance_is_asked_by_the_second_version_only() {
    let test = "sources::an_instance_is_asked_by_the_second_version_only";
    if !in_environment(test, &[("AWS_EC2_METADATA_DISABLED", "false")]) {
        return;
    }
    let token = Answer::ok("imds-token").with("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    let wire = Wire::new([token, Answer::ok("node-role"), Answer::ok(INSTANCE)]);
    let settings = Settings {
        ec2_metadata_service_endpoint_mode: Some("IPv6".to_owned()),
        ..Settings::default()
    };
    let found = credentials(&over(&settings, &wire)).await;
    let found = found.unwrap_or_else(|error| panic!("{error}: {:?}", wire.asked()));
    assert_eq!(found.access_key_id(), "AKIDNODE");
    let asked = wire.asked();
    let uris: Vec<_> = asked.iter().map(|it| it.uri.as_str()).collect();
    let roles = "http://[fd00:ec2::254]/latest/meta-data/iam/security-credentials/";
    assert_eq!(
        uris,
        [
            "http://[fd00:ec2::254]/latest/api/token",
            roles,
            &format!("{roles}node-role")
        ]
    );
    for request in &asked[1..] {
        assert_eq!(request.headers["x-aws-ec2-metadata-token"], "imds-token");
    }
}

#[tokio::test]
async fn an_instance_is_asked_where_the_settings_say_or_left_alone() {
    let test = "sources::an_instance_is_asked_where_the_settings_say_or_left_alone";
    if !in_environment(test, &[("AWS_EC2_METADATA_DISABLED", "false")]) {
        return;
    }
    let token = Answer::ok("imds-token").with("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    let wire = Wire::new([token, Answer::ok("node-role"), Answer::ok(INSTANCE)]);
    let mut settings = Settings {
        ec2_metadata_service_endpoint: Some("http://127.0.0.1:1338".to_owned()),
        ..Settings::default()
    };
    credentials(&over(&settings, &wire)).await.unwrap();
    assert_eq!(
        wire.asked()[0].uri,
        "http://127.0.0.1:1338/latest/api/token"
    );
    settings.skip_metadata_api_check = Some(true);
    let wire = Wire::new([]);
    match credentials(&over(&settings, &wire)).await.unwrap_err() {
        Error::Credentials { tried } => {
            let last = &tried.last().unwrap().source;
            assert_eq!(last, &Source::Container);
        }
        other => panic!("{other}"),
    }
    assert!(wire.asked().is_empty());
}

#[tokio::test]
async fn credentials_that_are_about_to_expire_are_asked_for_anew() {
    let file = File::new("anew");
    let wire = Wire::new([
        given_until("AKIDOLD", "2020-01-01T00:00:00Z"),
        caller_in("123456789012"),
        given("AKIDNEW"),
        caller_in("123456789012"),
        caller_in("123456789012"),
    ]);
    let sign_in = over(&file.settings(Some("ci"), vec![role("hub")]), &wire);
    for _ in 0..3 {
        let session = sign_in.session("eu-west-1").await.unwrap();
        caller::ask(&sts::client(&session, None)).await.unwrap();
    }
    let asked = wire.asked();
    let signers: Vec<_> = asked.iter().map(|it| it.signer()).collect();
    assert_eq!(
        signers,
        [
            "AKIDCI/eu-west-1/sts",
            "AKIDOLD/eu-west-1/sts",
            "AKIDCI/eu-west-1/sts",
            "AKIDNEW/eu-west-1/sts",
            "AKIDNEW/eu-west-1/sts",
        ]
    );
}

#[tokio::test]
async fn sts_is_told_who_is_asking() {
    let file = File::new("agent");
    let wire = Wire::new([given("AKIDHUB"), caller_in("123456789012")]);
    let agent = Agent {
        version: "0.1.0".to_owned(),
        terraform: Some("1.14.2".to_owned()),
        append: None,
    };
    let settings = file.settings(Some("ci"), vec![role("hub")]);
    let sign_in = sign_in(&settings, &agent).unwrap().over(&wire);
    sign_in.caller("eu-west-1").await.unwrap();
    for asked in wire.asked() {
        let shown = asked.user_agent;
        assert!(
            shown.contains("lib/terraform-provider-istiopca/0.1.0 lib/Terraform/1.14.2"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_fleet_over_many_accounts_assumes_each_role_once() {
    const ACCOUNTS: usize = 100;
    let file = File::new("fleet");
    let of_each = |nth| [given(&format!("AKID{nth}")), caller_in("123456789012")];
    let answers = (0..ACCOUNTS).flat_map(of_each);
    let wire = Wire::new(answers.chain((0..ACCOUNTS).map(|_| caller_in("123456789012"))));
    let hub = Arc::new(over(&file.settings(Some("ci"), Vec::new()), &wire));
    let accounts: Vec<_> = (0..ACCOUNTS)
        .map(|nth| hub.for_role(role(&format!("account-{nth}"))).unwrap())
        .collect();
    for _ in 0..2 {
        for account in &accounts {
            let session = account.session("eu-west-1").await.unwrap();
            caller::ask(&sts::client(&session, None)).await.unwrap();
        }
    }
    let assumed = wire.asked().into_iter();
    let assumed = assumed.filter(|it| it.body.contains("Action=AssumeRole"));
    assert_eq!(assumed.count(), ACCOUNTS);
}
