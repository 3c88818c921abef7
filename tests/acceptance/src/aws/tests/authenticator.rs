use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use super::signer::{Presigning, token};
use super::*;
use crate::aws::{Authenticator, ClusterHandle, ClusterStatus, Identity, Unauthorized};

const ACCOUNT: &str = "111122223333";

/// A cluster with an entry for a user, and that user's keys.
struct Gate {
    aws: Aws,
    cluster: ClusterHandle,
    authenticator: Authenticator,
    keys: Credentials,
}

impl Gate {
    fn new() -> Self {
        let aws = Aws::start(Clock::stopped_at(moment("2026-03-01T00:00:00Z"))).unwrap();
        let cluster = aws.cluster("mesh-a").create();
        let keys = aws.account(ACCOUNT).user("ci");
        let user = format!("arn:aws:iam::{ACCOUNT}:user/ci");
        cluster.access_entry(&user, "ci-user", &["mesh-admins"]);
        let authenticator = aws.authenticator(&cluster);
        Self {
            aws,
            cluster,
            authenticator,
            keys,
        }
    }

    fn presigning(&self) -> Presigning<'_> {
        Presigning::new(&self.keys, "mesh-a", REGION)
    }

    fn opens(&self, token: &str) -> Result<Identity, Unauthorized> {
        self.authenticator.authenticate(token)
    }

    /// Asserts that a URL is refused for its form, in these words.
    #[track_caller]
    fn refuses(&self, url: &str, words: &str) {
        let refused = self.opens(&token(url)).unwrap_err();
        assert!(
            matches!(&refused, Unauthorized::Malformed(said) if said.contains(words)),
            "{refused:?} for {url}"
        );
    }

    /// Asserts that STS would refuse it, with this code and these words.
    #[track_caller]
    fn sts_refuses(&self, token: &str, code: &str, words: &str) {
        match self.opens(token).unwrap_err() {
            Unauthorized::Sts {
                code: said,
                message,
            } => {
                assert_eq!(said, code, "{message}");
                assert!(message.contains(words), "{message}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_token_signed_by_the_sdk_opens_the_cluster_as_the_user_of_its_access_entry() {
    let gate = Gate::new();
    let identity = gate.opens(&gate.presigning().token()).unwrap();
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/ci");
    assert_eq!(identity.username, "ci-user");
    assert_eq!(identity.groups, ["mesh-admins"]);
    assert_eq!((&identity.arn, &identity.canonical_arn), (&arn, &arn));
    let uid = format!("aws-iam-authenticator:{ACCOUNT}:AIDA");
    assert!(identity.uid.starts_with(&uid), "{}", identity.uid);
}

/// The vector of the reference, whose signature `aws eks get-token` (AWS CLI 1.45.11) made.
#[test]
fn the_token_of_the_aws_cli_is_taken() {
    const SIGNATURE: &str = "76a8ba64734360243fa23a7c933dbbcbd1620da1fe187425df08a47ec0f98f3e";
    let url = |signature: &str| {
        format!(
            "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15\
             &X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIDEXAMPLE%2F20261121%2Feu-west-1%2Fsts%2Faws4_request\
             &X-Amz-Date=20261121T224302Z&X-Amz-Expires=60\
             &X-Amz-SignedHeaders=host%3Bx-k8s-aws-id\
             &X-Amz-Security-Token=FwoGZX%2F%2Babc%3D%3D&X-Amz-Signature={signature}"
        )
    };
    let gate = Gate::new();
    let keys = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: Some("FwoGZX/+abc==".to_owned()),
    };
    gate.aws.account(ACCOUNT).user_with("ci", &keys);
    gate.authenticator
        .follow(Clock::stopped_at(moment("2026-11-21T22:50:00Z")));
    let identity = gate.opens(&token(&url(SIGNATURE))).unwrap();
    assert_eq!(identity.username, "ci-user");
    let forged = SIGNATURE.replace("76a8", "76a9");
    gate.sts_refuses(
        &token(&url(&forged)),
        "SignatureDoesNotMatch",
        "does not match the signature you provided",
    );
}

#[test]
fn a_token_is_no_longer_than_4096_bytes_has_its_prefix_and_is_base64url_without_padding() {
    let gate = Gate::new();
    let good = gate.presigning().token();
    let refused = |token: &str| gate.opens(token).unwrap_err().to_string();
    let long = format!("k8s-aws-v1.{}", "A".repeat(4086));
    assert!(refused(&long).contains("token is too large"));
    let fits = format!("k8s-aws-v1.{}", "A".repeat(4085));
    assert!(!refused(&fits).contains("too large"));
    let other_prefix = good.replace("k8s-aws-v1.", "k8s-aws-v2.");
    assert!(refused(&other_prefix).contains("expected \"k8s-aws-v1.\" prefix"));
    let mut url = gate.presigning().url();
    while url.len().is_multiple_of(3) {
        url.push('&');
    }
    let padded = URL_SAFE.encode(&url);
    assert!(padded.ends_with('='), "{padded}");
    let refusal = refused(&format!("k8s-aws-v1.{padded}"));
    assert!(refusal.contains("not properly formatted"), "{refusal}");
}

#[test]
fn only_https_to_the_root_of_a_genuine_sts_of_the_partition_is_taken() {
    let gate = Gate::new();
    let url = gate.presigning().url();
    gate.refuses(&url.replace("https", "http"), "unexpected scheme \"http\"");
    gate.refuses(
        &url.replace("amazonaws.com/", "amazonaws.com/x"),
        "unexpected path",
    );
    gate.refuses(
        &url.replace("amazonaws.com/", "amazonaws.com"),
        "unexpected path",
    );
    for host in [
        "127.0.0.1:4566",
        "sts.eu-west-1.amazonaws.com:443",
        "sts.us-gov-west-1.amazonaws.com",
        "sts.cn-north-1.amazonaws.com.cn",
        "sts.eu-west-1.amazonaws.com.evil.example",
        "vpce-0a1b.sts.eu-west-1.vpce.amazonaws.com",
    ] {
        let there = Presigning {
            host,
            ..gate.presigning()
        };
        gate.refuses(&there.url(), &format!("unexpected hostname {host:?}"));
    }
    for (host, region) in [
        ("sts-fips.us-east-2.amazonaws.com", "us-east-2"),
        ("sts.eu-central-1.api.aws", "eu-central-1"),
        ("sts.amazonaws.com", "us-east-1"),
    ] {
        let there = Presigning {
            host,
            region,
            ..gate.presigning()
        };
        gate.opens(&there.token()).unwrap();
    }
}

#[test]
fn a_cluster_of_another_partition_wants_the_sts_of_its_own() {
    let gate = Gate::new();
    let cluster = gate.aws.cluster("mesh-a").region("us-gov-west-1").create();
    assert_eq!(
        cluster.arn(),
        format!("arn:aws-us-gov:eks:us-gov-west-1:{ACCOUNT}:cluster/mesh-a")
    );
    let keys = gate.aws.account_in("aws-us-gov", ACCOUNT).user("ci");
    let user = format!("arn:aws-us-gov:iam::{ACCOUNT}:user/ci");
    cluster.access_entry(&user, "ci-user", &[]);
    let authenticator = gate.aws.authenticator(&cluster);
    let presigning = Presigning {
        keys: &keys,
        host: "sts.us-gov-west-1.amazonaws.com",
        region: "us-gov-west-1",
        ..gate.presigning()
    };
    authenticator.authenticate(&presigning.token()).unwrap();
    let global = Presigning {
        host: "sts.amazonaws.com",
        ..presigning
    };
    authenticator.authenticate(&global.token()).unwrap_err();
}

#[test]
fn each_parameter_is_one_that_is_known_and_there_once() {
    let gate = Gate::new();
    let url = gate.presigning().url();
    gate.refuses(
        &format!("{url}&X-Evil=1"),
        "non-whitelisted query parameter \"X-Evil\"",
    );
    gate.refuses(&format!("{url}&Version=2011-06-15"), "multiple values");
    gate.refuses(&format!("{url}&version=2011-06-15"), "multiple values");
    let other = Presigning {
        action: "GetSessionToken",
        ..gate.presigning()
    };
    gate.refuses(&other.url(), "unexpected action");
}

#[test]
fn expires_is_from_0_to_900() {
    let gate = Gate::new();
    for seconds in [1, 900] {
        let presigning = Presigning {
            expires: std::time::Duration::from_secs(seconds),
            ..gate.presigning()
        };
        gate.opens(&presigning.token()).unwrap();
    }
    let long = Presigning {
        expires: std::time::Duration::from_secs(901),
        ..gate.presigning()
    };
    gate.refuses(&long.url(), "invalid X-Amz-Expires");
    let url = gate.presigning().url();
    gate.refuses(
        &url.replace("X-Amz-Expires=60", "X-Amz-Expires=-1"),
        "invalid X-Amz-Expires",
    );
    gate.refuses(
        &url.replace("&X-Amz-Expires=60", ""),
        "invalid X-Amz-Expires",
    );
}

#[test]
fn the_name_of_the_cluster_must_be_signed_and_be_this_ones() {
    let gate = Gate::new();
    let unbound = Presigning {
        cluster: "",
        ..gate.presigning()
    };
    gate.refuses(&unbound.url(), "did not sign the x-k8s-aws-id header");
    let of_another = Presigning {
        cluster: "mesh-b",
        ..gate.presigning()
    };
    gate.sts_refuses(
        &of_another.token(),
        "SignatureDoesNotMatch",
        "does not match",
    );
}

#[test]
fn the_region_of_the_scope_is_that_of_the_host() {
    let gate = Gate::new();
    let elsewhere = Presigning {
        region: "eu-central-1",
        ..gate.presigning()
    };
    gate.sts_refuses(&elsewhere.token(), "SignatureDoesNotMatch", "valid region");
}

#[test]
fn a_token_is_good_for_15_minutes_whatever_it_says_and_not_before_its_time() {
    let gate = Gate::new();
    let token = gate.presigning().token();
    let minutes = SignedDuration::from_mins;
    gate.authenticator.set_ahead(minutes(14));
    gate.opens(&token).unwrap();
    gate.authenticator.set_ahead(minutes(16));
    assert!(matches!(
        gate.opens(&token).unwrap_err(),
        Unauthorized::Expired { .. }
    ));
    gate.authenticator.set_ahead(-minutes(4));
    gate.opens(&token).unwrap();
    gate.authenticator.set_ahead(-minutes(6));
    gate.sts_refuses(&token, "SignatureDoesNotMatch", "Signature not yet current");
}

#[test]
fn a_shorter_life_ends_old_tokens_and_lets_new_ones_in() {
    let gate = Gate::new();
    gate.authenticator
        .set_lifetime(SignedDuration::from_secs(30));
    let signed = |ago| Presigning {
        at: Timestamp::now() - SignedDuration::from_secs(ago),
        ..gate.presigning()
    };
    assert!(matches!(
        gate.opens(&signed(40).token()).unwrap_err(),
        Unauthorized::Expired { .. }
    ));
    gate.opens(&signed(0).token()).unwrap();
}

#[test]
fn a_key_that_nobody_has_or_without_its_session_token_is_nobodys() {
    let gate = Gate::new();
    let stranger = Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        ..gate.keys.clone()
    };
    let token = Presigning::new(&stranger, "mesh-a", REGION).token();
    gate.sts_refuses(&token, "InvalidClientTokenId", "invalid");
    let with_another_secret = Credentials {
        secret_access_key: "another".to_owned(),
        ..gate.keys.clone()
    };
    let token = Presigning::new(&with_another_secret, "mesh-a", REGION).token();
    gate.sts_refuses(&token, "SignatureDoesNotMatch", "does not match");
    let with_a_session = Credentials {
        session_token: Some("made-up".to_owned()),
        ..gate.keys.clone()
    };
    let token = Presigning::new(&with_a_session, "mesh-a", REGION).token();
    gate.sts_refuses(&token, "InvalidClientTokenId", "invalid");
}

/// Temporary keys of a role, taken by the SDK's own client.
async fn session(aws: &Aws, keys: &Credentials, role: &str, name: &str) -> Credentials {
    sts::assume(aws, keys, role, |builder| builder.session_name(name))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_session_is_let_in_as_its_role_until_it_is_over() {
    let gate = Gate::new();
    let role = gate
        .aws
        .account(ACCOUNT)
        .role("apply")
        .trusting(ACCOUNT)
        .create();
    let keys = session(&gate.aws, &gate.keys, &role, "run-7@ci").await;
    let token = Presigning::new(&keys, "mesh-a", REGION).token();
    assert_eq!(
        gate.opens(&token).unwrap_err(),
        Unauthorized::NotMapped { arn: role.clone() }
    );
    gate.cluster
        .access_entry(&role, "apply:{{AccountID}}:{{SessionName}}", &[]);
    let identity = gate.opens(&token).unwrap();
    assert_eq!(identity.username, format!("apply:{ACCOUNT}:run-7-ci"));
    assert_eq!(
        identity.arn,
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/apply/run-7@ci")
    );
    assert_eq!(identity.canonical_arn, role);
    gate.aws.expire_sessions();
    gate.sts_refuses(&token, "ExpiredToken", "expired");
}

#[test]
fn an_access_entry_counts_as_long_as_it_is_there_and_the_cluster_goes_by_it() {
    let gate = Gate::new();
    let token = gate.presigning().token();
    let user = format!("arn:aws:iam::{ACCOUNT}:user/ci");
    gate.cluster.access_entry(&user, "renamed", &[]);
    assert_eq!(gate.opens(&token).unwrap().username, "renamed");
    gate.cluster.remove_access_entry(&user);
    let not_mapped = Unauthorized::NotMapped { arn: user.clone() };
    assert_eq!(gate.opens(&token).unwrap_err(), not_mapped);
    let by_config_map = gate
        .aws
        .cluster("mesh-a")
        .authentication_mode("CONFIG_MAP")
        .create();
    by_config_map.access_entry(&user, "ci-user", &[]);
    assert_eq!(gate.opens(&token).unwrap_err(), not_mapped);
    by_config_map.delete();
    assert_eq!(gate.opens(&token).unwrap_err(), not_mapped);
}

#[test]
fn what_was_shown_is_written_down_and_is_no_call_of_anybody() {
    let gate = Gate::new();
    let token = gate.presigning().token();
    gate.opens(&token).unwrap();
    gate.opens("nonsense").unwrap_err();
    let reviews = gate.authenticator.clone().reviews();
    let shown: Vec<_> = reviews.iter().map(|review| review.token.as_str()).collect();
    assert_eq!(shown, [token.as_str(), "nonsense"]);
    assert_eq!(reviews[0].outcome.as_ref().unwrap().username, "ci-user");
    assert!(reviews[1].outcome.is_err());
    assert!(gate.aws.calls().is_empty());
    gate.cluster.set_status(ClusterStatus::Updating);
    gate.opens(&token).unwrap();
}
