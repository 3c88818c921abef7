//! Reading and judging settings.

use std::time::Duration;

use super::form::role_arn;
use super::*;

#[track_caller]
fn refused(json: &str) -> String {
    let settings: Settings = serde_json::from_str(json).unwrap();
    settings.check().unwrap_err().to_string()
}

#[test]
fn nothing_set_is_fine_and_null_is_nothing() {
    let none: Settings = serde_json::from_str("{}").unwrap();
    let nulls: Settings = serde_json::from_str(
        r#"{"region":null,"shared_config_files":null,"assume_role":null,"endpoints":[{"sts":null}]}"#,
    )
    .unwrap();
    assert_eq!(none, Settings::default());
    assert_eq!(
        nulls,
        Settings {
            endpoints: vec![Endpoints::default()],
            ..Settings::default()
        }
    );
    none.check().unwrap();
    nulls.check().unwrap();
}

#[test]
fn a_full_role_is_read_and_accepted() {
    let settings: Settings = serde_json::from_str(
        r#"{"region":"us-gov-west-1","assume_role":[{"role_arn":"arn:aws-us-gov:iam::123456789012:role/ci/pca",
            "session_name":"ci@mesh","external_id":"x1","duration":"1h30m","policy":"{}","policy_arns":["arn:aws-us-gov:iam::aws:policy/a"],
            "tags":{"team":"mesh"},"transitive_tag_keys":["team"]}],
            "endpoints":[{"acmpca":"http://127.0.0.1:4566","sts":"https://sts.internal/x"}]}"#,
    )
    .unwrap();
    settings.check().unwrap();
    assert_eq!(
        length(settings.assume_role[0].duration.as_deref()),
        Some(Duration::from_secs(5400))
    );
    assert_eq!(settings.assume_role[0].tags["team"], "mesh");
}

#[test]
fn what_cannot_be_is_refused_with_its_path() {
    let role = |rest: &str| {
        let arn = "arn:aws:iam::123456789012:role/x";
        format!(r#"{{"assume_role":[{{"role_arn":"{arn}"}},{{"role_arn":"{arn}",{rest}}}]}}"#)
    };
    for (json, path, found) in [
        (
            r#"{"region":" eu-west-1"}"#.to_owned(),
            "region",
            " eu-west-1",
        ),
        (r#"{"region":""}"#.to_owned(), "region", ""),
        (r#"{"profile":" "}"#.to_owned(), "profile", " "),
        (
            r#"{"assume_role":[{}]}"#.to_owned(),
            "assume_role[0].role_arn",
            "",
        ),
        (
            role(r#""duration":"10m""#),
            "assume_role[1].duration",
            "10m",
        ),
        (
            role(r#""duration":"13h""#),
            "assume_role[1].duration",
            "13h",
        ),
        (
            role(r#""duration":"3600""#),
            "assume_role[1].duration",
            "3600",
        ),
        (
            role(r#""session_name":"a b""#),
            "assume_role[1].session_name",
            "a b",
        ),
        (
            r#"{"endpoints":[{"sts":"localhost:1"}]}"#.to_owned(),
            "endpoints[0].sts",
            "localhost:1",
        ),
        (
            r#"{"endpoints":[{"acmpca":"ftp://x"}]}"#.to_owned(),
            "endpoints[0].acmpca",
            "ftp://x",
        ),
    ] {
        let text = refused(&json);
        assert!(text.starts_with(&format!("{path}: expected ")), "{text}");
        assert!(text.ends_with(&format!("got {found:?}")), "{text}");
    }
}

#[test]
fn the_block_for_the_ca_names_itself_in_errors() {
    let block: AcmPca = serde_json::from_str(r#"{"assume_role":[{"role_arn":"pca"}]}"#).unwrap();
    let text = block.check().unwrap_err().to_string();
    assert!(
        text.starts_with("acmpca[0].assume_role[0].role_arn: "),
        "{text}"
    );
}

#[test]
fn role_arns_are_told_from_others() {
    for good in [
        "arn:aws:iam::123456789012:role/a",
        "arn:aws-cn:iam::123456789012:role/p/a",
    ] {
        assert_eq!(role_arn(good), Ok(()), "{good}");
    }
    for bad in [
        "arn:aws:iam::123456789012:user/a",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::12345:role/a",
        "arn:aws:sts::123456789012:assumed-role/a/b",
        "arn:aws:iam::123456789012:role/a ",
    ] {
        assert!(role_arn(bad).is_err(), "{bad}");
    }
}

#[test]
fn regions_of_every_partition_pass_and_look_alikes_do_not() {
    for good in [
        "eu-west-1",
        "us-gov-east-1",
        "cn-northwest-1",
        "us-iso-east-1",
        "eusc-de-east-1",
        "ap-southeast-7",
    ] {
        assert!(is_region(good), "{good}");
    }
    for bad in [
        "",
        "-",
        "eu-west",
        "eu-1",
        "EU-west-1",
        "eu-west-1a",
        "eu west 1",
        "eu--1",
        "us-east-1-",
        "é-west-1",
    ] {
        assert!(!is_region(bad), "{bad}");
    }
}
