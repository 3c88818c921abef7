//! Roles for tokens that somebody else has signed.

use super::*;

fn by_token(key: &str) -> Answer {
    Answer::ok(format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
         <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
         <SessionToken>t-{key}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>\
         </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
    ))
}

fn settings(block: WebIdentity, roles: Vec<AssumeRole>) -> Settings {
    Settings {
        region: Some("eu-west-1".to_owned()),
        assume_role_with_web_identity: vec![block],
        assume_role: roles,
        ..Settings::default()
    }
}

#[tokio::test]
async fn a_token_leads_to_a_role_before_all_others() {
    let block = WebIdentity {
        role_arn: Some(role("runner").role_arn),
        session_name: Some("run-7".to_owned()),
        web_identity_token: Some("ey.token".to_owned().into()),
        duration: Some("20m".to_owned()),
        policy: Some("{}".to_owned()),
        policy_arns: vec!["arn:aws:iam::aws:policy/p".to_owned()],
        ..WebIdentity::default()
    };
    let wire = Wire::new([by_token("AKIDRUN"), given("AKIDHUB")]);
    let sign_in = over(&settings(block, vec![role("hub")]), &wire);
    let found = credentials(&sign_in).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDHUB");
    let asked = wire.asked();
    assert_eq!(asked[0].authorization, "", "a token needs no signature");
    assert_eq!(asked[0].uri, "https://sts.eu-west-1.amazonaws.com/");
    let pairs: Vec<_> = asked[0].body.split('&').collect();
    for pair in [
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Frunner",
        "RoleSessionName=run-7",
        "WebIdentityToken=ey.token",
        "DurationSeconds=1200",
        "Policy=%7B%7D",
        "PolicyArns.member.1.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2Fp",
    ] {
        assert!(pairs.contains(&pair), "{pair} in {pairs:?}");
    }
    assert_eq!(asked[1].signer(), "AKIDRUN/eu-west-1/sts");
    let hub = role("hub").role_arn;
    let whose = format!("the token of assume_role_with_web_identity, then {hub}");
    assert_eq!(sign_in.whose(), whose);
}

#[tokio::test]
async fn the_file_with_the_token_is_read_anew_each_time() {
    let token = File::holding("token", "first\n");
    let block = WebIdentity {
        role_arn: Some(role("pod").role_arn),
        web_identity_token_file: Some(token.path().to_owned()),
        ..WebIdentity::default()
    };
    let wire = Wire::new([by_token("AKIDONE"), by_token("AKIDTWO")]);
    let sign_in = over(&settings(block, Vec::new()), &wire);
    credentials(&sign_in).await.unwrap();
    std::fs::write(token.path(), "second").unwrap();
    credentials(&sign_in).await.unwrap();
    for (asked, token) in wire.asked().iter().zip(["first", "second"]) {
        let sent = format!("WebIdentityToken={token}");
        assert!(
            asked.body.split('&').any(|pair| pair == sent),
            "{}",
            asked.body
        );
    }
    std::fs::write(token.path(), " \n").unwrap();
    let error = credentials(&sign_in).await.unwrap_err().to_string();
    assert!(error.ends_with("it is empty"), "{error}");
}

#[tokio::test]
async fn what_the_block_leaves_out_the_environment_says() {
    let test = "web::what_the_block_leaves_out_the_environment_says";
    let token = File::holding("env-token", "of-the-environment");
    let arn = role("pod").role_arn;
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.path()),
        ("AWS_ROLE_ARN", arn.as_str()),
        ("AWS_ROLE_SESSION_NAME", "pod-1"),
    ];
    if !in_environment(test, &variables) {
        return;
    }
    // Once by the block, once as one of the usual sources: IRSA.
    for settings in [
        settings(WebIdentity::default(), Vec::new()),
        Settings {
            region: Some("eu-west-1".to_owned()),
            ..Settings::default()
        },
    ] {
        let wire = Wire::new([by_token("AKIDPOD")]);
        let found = credentials(&over(&settings, &wire)).await.unwrap();
        assert_eq!(found.access_key_id(), "AKIDPOD");
        let asked = wire.asked().remove(0);
        for part in [
            "WebIdentityToken=of-the-environment",
            "role%2Fpod",
            "RoleSessionName=pod-1",
        ] {
            assert!(asked.body.contains(part), "{part} in {}", asked.body);
        }
        assert_eq!(asked.uri, "https://sts.eu-west-1.amazonaws.com/");
    }
}

#[tokio::test]
async fn what_nobody_says_is_asked_for_by_its_place() {
    if !in_environment("web::what_nobody_says_is_asked_for_by_its_place", &[]) {
        return;
    }
    let wire = Wire::new([]);
    let nothing = over(&settings(WebIdentity::default(), Vec::new()), &wire);
    let told = credentials(&nothing).await.unwrap_err().to_string();
    assert_eq!(
        told,
        "assume_role_with_web_identity[0].role_arn: expected the ARN of an IAM role, here or in \
         AWS_ROLE_ARN, got \"\""
    );
    let block = AcmPca {
        assume_role_with_web_identity: vec![WebIdentity {
            role_arn: Some(role("pod").role_arn),
            ..WebIdentity::default()
        }],
        ..AcmPca::default()
    };
    let within = Arc::new(nothing).for_acmpca(&block).unwrap();
    let told = credentials(&within).await.unwrap_err().to_string();
    assert!(
        told.starts_with("acmpca[0].assume_role_with_web_identity[0].web_identity_token_file: "),
        "{told}"
    );
}

#[tokio::test]
async fn a_refused_token_keeps_awss_words() {
    let body = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>No OpenIDConnect \
                provider found in your account</Message></Error></ErrorResponse>";
    let wire = Wire::new([Answer::status(400, body)]);
    let block = WebIdentity {
        role_arn: Some(role("runner").role_arn),
        web_identity_token: Some("ey.token".to_owned().into()),
        ..WebIdentity::default()
    };
    let error = credentials(&over(&settings(block, Vec::new()), &wire)).await;
    let told = error.unwrap_err().to_string();
    assert_eq!(
        told,
        "AWS did not let arn:aws:iam::123456789012:role/runner be assumed: InvalidIdentityToken: No \
         OpenIDConnect provider found in your account"
    );
    assert!(!told.contains("ey.token"));
}

#[tokio::test]
async fn the_block_for_the_ca_may_have_a_token_of_its_own() {
    let file = File::new("ca-token");
    let wire = Wire::new([by_token("AKIDCA"), caller_in("210987654321")]);
    let outer = Arc::new(over(&file.settings(Some("ci"), vec![role("hub")]), &wire));
    let block = AcmPca {
        region: Some("us-east-2".to_owned()),
        assume_role_with_web_identity: vec![WebIdentity {
            role_arn: Some(role("pca").role_arn),
            web_identity_token: Some("ey.token".to_owned().into()),
            ..WebIdentity::default()
        }],
        allowed_account_ids: vec!["210987654321".to_owned()],
        ..AcmPca::default()
    };
    let within = outer.for_acmpca(&block).unwrap();
    let found = credentials(&within).await.unwrap();
    assert_eq!(found.access_key_id(), "AKIDCA");
    let asked = wire.asked();
    assert_eq!(asked[0].uri, "https://sts.us-east-2.amazonaws.com/");
    assert_eq!(asked[1].signer(), "AKIDCA/us-east-2/sts");
}

#[tokio::test]
async fn where_nobody_says_a_region_sts_is_asked_in_that_of_the_service() {
    let test = "web::where_nobody_says_a_region_sts_is_asked_in_that_of_the_service";
    let token = File::holding("no-region", "of-the-environment");
    let arn = role("pod").role_arn;
    let variables = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.path()),
        ("AWS_ROLE_ARN", arn.as_str()),
    ];
    if !in_environment(test, &variables) {
        return;
    }
    let wire = Wire::new([by_token("AKIDPOD")]);
    credentials(&over(&Settings::default(), &wire))
        .await
        .unwrap();
    assert_eq!(
        wire.asked()[0].uri,
        "https://sts.eu-central-1.amazonaws.com/"
    );
}
