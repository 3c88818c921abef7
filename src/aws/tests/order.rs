//! Which source comes before which, and which one must not be passed over.

use super::*;

const CONTAINER: (&str, &str) = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "/v2/credentials/x",
);

const IRSA: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
                  <AccessKeyId>AKIDIRSA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                  <SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
                  </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";

/// A home with a `default` profile that has keys.
fn home(name: &str) -> std::path::PathBuf {
    let home = std::env::temp_dir().join(format!("istiopca-{}-{name}", std::process::id()));
    std::fs::create_dir_all(home.join(".aws")).unwrap();
    let default = "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n";
    std::fs::write(home.join(".aws/credentials"), default).unwrap();
    home
}

#[tokio::test]
async fn a_web_identity_of_the_environment_comes_before_the_default_profile() {
    let test = "order::a_web_identity_of_the_environment_comes_before_the_default_profile";
    let (home, token) = (home("irsa"), File::holding("irsa-token", "irsa-token-1"));
    let variables = [
        ("HOME", home.to_str().unwrap()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.path()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/irsa"),
    ];
    let inside = in_environment(test, &variables);
    let _ = std::fs::remove_dir_all(&home);
    if !inside {
        return;
    }
    let wire = Wire::new([Answer::ok(IRSA)]);
    let found = credentials(&over(&Settings::default(), &wire)).await;
    assert_eq!(found.unwrap().access_key_id(), "AKIDIRSA");
    assert!(wire.asked()[0].body.contains("role%2Firsa"));
}

#[tokio::test]
async fn a_token_without_a_role_is_not_passed_over() {
    let test = "order::a_token_without_a_role_is_not_passed_over";
    let home = home("roleless");
    let variables = [
        ("HOME", home.to_str().unwrap()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"),
    ];
    let inside = in_environment(test, &variables);
    if inside {
        let told = credentials(&over(&Settings::default(), &Wire::new([]))).await;
        let told = told.unwrap_err().to_string();
        assert!(told.ends_with(
            "AWS_ROLE_ARN environment variable must be set (AWS_WEB_IDENTITY_TOKEN_FILE is set, so \
             no further place is asked)"
        ), "{told}");
    }
    let _ = std::fs::remove_dir_all(&home);
}

#[tokio::test]
async fn a_token_file_that_is_set_to_nothing_is_not_set() {
    let test = "order::a_token_file_that_is_set_to_nothing_is_not_set";
    let home = home("no-token");
    let variables = [
        ("HOME", home.to_str().unwrap()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", ""),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/irsa"),
    ];
    if in_environment(test, &variables) {
        let found = credentials(&over(&Settings::default(), &Wire::new([]))).await;
        assert_eq!(found.unwrap().access_key_id(), "AKIDDEFAULT");
    }
    let _ = std::fs::remove_dir_all(&home);
}

#[tokio::test]
async fn a_profile_that_the_environment_names_must_be_there() {
    let test = "order::a_profile_that_the_environment_names_must_be_there";
    if !in_environment(test, &[("AWS_PROFILE", "prod"), CONTAINER]) {
        return;
    }
    let file = File::new("env");
    let missing = "profile `prod` was not defined";
    for (settings, said) in [
        (file.settings(None, Vec::new()), missing),
        // No file at all.
        (Settings::default(), "it holds no credentials"),
    ] {
        let wire = Wire::new([]);
        let error = credentials(&over(&settings, &wire)).await.unwrap_err();
        assert!(wire.asked().is_empty(), "the container is left alone");
        let Error::Credentials { tried } = error else {
            panic!("{error}")
        };
        let last = tried.last().unwrap();
        assert_eq!(last.source, Source::Profile(Some("prod".to_owned())));
        assert!(last.said.contains(said), "{last:?}");
        let ends = "(AWS_PROFILE is set, so no further place is asked)";
        assert!(last.said.ends_with(ends), "{last:?}");
    }
}

#[tokio::test]
async fn whoever_asks_for_a_region_first_does_not_take_it_from_the_web_identity() {
    let test = "order::whoever_asks_for_a_region_first_does_not_take_it_from_the_web_identity";
    let token = File::holding("regionless-token", "irsa-token-1");
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.path()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/irsa"),
    ];
    if !in_environment(test, &variables) {
        return;
    }
    let wire = Wire::new([Answer::ok(IRSA)]);
    let sign_in = over(&Settings::default(), &wire);
    assert_eq!(sign_in.region().await, Ok(None));
    let found = credentials(&sign_in).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDIRSA");
    let uri = &wire.asked()[0].uri;
    assert_eq!(uri, "https://sts.eu-central-1.amazonaws.com/");
}

#[tokio::test]
async fn files_of_the_settings_may_lie_in_the_home() {
    let test = "order::files_of_the_settings_may_lie_in_the_home";
    let home = home("tilde");
    let process = "[profile proc]\ncredential_process = echo \
                   '{\"Version\":1,\"AccessKeyId\":\"AKIDPROC\",\"SecretAccessKey\":\"s\"}'\n";
    std::fs::write(home.join("config"), process).unwrap();
    std::fs::write(
        home.join("keys"),
        "[k]\naws_access_key_id = AKIDK\naws_secret_access_key = s\n",
    )
    .unwrap();
    let path = home.to_str().unwrap().to_owned();
    if in_environment(test, &[("HOME", &path)]) {
        for (profile, id) in [("proc", "AKIDPROC"), ("k", "AKIDK")] {
            let settings = Settings {
                profile: Some(profile.to_owned()),
                shared_config_files: vec!["~/config".to_owned()],
                shared_credentials_files: vec!["~/keys".to_owned()],
                ..Settings::default()
            };
            let found = credentials(&over(&settings, &Wire::new([]))).await;
            assert_eq!(found.unwrap().access_key_id(), id);
        }
        let home = std::env::var("HOME").unwrap();
        let settings = Settings {
            custom_ca_bundle: Some("~/absent.pem".to_owned()),
            ..Settings::default()
        };
        let sign_in = sign_in(&settings, &Agent::default()).unwrap();
        let told = sign_in.session("eu-west-1").await.unwrap_err().to_string();
        assert!(told.contains(&format!("{home}/absent.pem: ")), "{told}");
        let token = WebIdentity {
            role_arn: Some(role("ci").role_arn),
            web_identity_token_file: Some("~/absent.token".to_owned()),
            ..WebIdentity::default()
        };
        let settings = Settings {
            assume_role_with_web_identity: vec![token],
            ..Settings::default()
        };
        let told = credentials(&over(&settings, &Wire::new([]))).await;
        let told = told.unwrap_err().to_string();
        assert!(told.contains(&format!("{home}/absent.token: ")), "{told}");
    }
    let _ = std::fs::remove_dir_all(&path);
}
