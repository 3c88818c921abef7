//! Each rule by a configuration that breaks it, judged as `validate` does.

use super::KUBERNETES;
use crate::terraform::Dynamic;
use crate::terraform::schema::Schema;

const SCHEMA: Schema = Schema::new("", &[]).blocks(&[KUBERNETES]);

/// What is said of a block, each with its place within it.
fn told<const N: usize>(settings: [(&'static str, Dynamic); N]) -> Vec<String> {
    let config = Dynamic::from([("kubernetes", Dynamic::List(vec![Dynamic::from(settings)]))]);
    let problems = SCHEMA.judge(&config).into_iter();
    let told = problems.map(|problem| {
        let place = problem.path.to_string();
        let place = place
            .strip_prefix("kubernetes[0]")
            .unwrap_or(&place)
            .to_owned();
        let detail = problem.detail.split("\n\n").next().unwrap_or_default();
        format!("{}: {detail}", place.trim_start_matches('.'))
    });
    told.collect()
}

fn exec() -> Dynamic {
    Dynamic::List(vec![Dynamic::from([
        ("api_version", "client.authentication.k8s.io/v1".into()),
        ("command", "aws".into()),
        ("args", Dynamic::List(vec!["".into()])),
        ("env", Dynamic::from([("AWS_PROFILE", Dynamic::from("ci"))])),
    ])])
}

const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/mesh-1";

#[test]
fn each_way_to_name_a_cluster_stands_alone() {
    assert_eq!(told([("eks_cluster_name", "mesh-1".into())]), [""; 0]);
    assert_eq!(told([("eks_cluster_arn", ARN.into())]), [""; 0]);
    assert_eq!(
        told([("host", "https://a".into()), ("exec", exec())]),
        [""; 0]
    );
    assert_eq!(
        told([
            ("config_path", "~/.kube/config".into()),
            ("config_context", "a".into())
        ]),
        [""; 0]
    );
    assert_eq!(told([("in_cluster", true.into())]), [""; 0]);
    // The environment may name it.
    assert_eq!(
        told([("config_context", "a".into()), ("username", "u".into())]),
        [""; 0]
    );
    assert_eq!(told([]), [""; 0]);
}

#[test]
fn two_clusters_are_one_too_many() {
    assert_eq!(
        told([("host", "https://a".into()), ("config_path", "/a".into())]),
        [r#"config_path: Only one of "host" and "config_path" can be set."#]
    );
    assert_eq!(
        told([("in_cluster", true.into()), ("eks_cluster_arn", ARN.into())]),
        [r#"in_cluster: Only one of "eks_cluster_arn" and "in_cluster" can be set."#]
    );
    assert_eq!(
        told([("in_cluster", false.into()), ("host", "https://a".into())]),
        [""; 0],
        "false says nothing"
    );
    assert_eq!(
        told([
            ("in_cluster", Dynamic::UNKNOWN),
            ("host", Dynamic::UNKNOWN),
            ("config_path", "/a".into())
        ]),
        [""; 0],
        "what is unknown may be null"
    );
}

#[test]
fn two_credentials_are_one_too_many() {
    assert_eq!(
        told([
            ("host", "https://a".into()),
            ("token", "t".into()),
            ("exec", exec())
        ]),
        [r#"exec: Only one of "token" and "exec" can be set."#]
    );
    assert_eq!(
        told([("password", "p".into()), ("exec", exec())]),
        [r#"password: Only one of "exec" and "password" can be set."#]
    );
    assert_eq!(
        told([("username", "u".into()), ("password", "p".into())]),
        [""; 0]
    );
}

#[test]
fn what_eks_tells_cannot_be_said_beside_it() {
    let beside = |name: &'static str, value: Dynamic| {
        told([("eks_cluster_name", "mesh-1".into()), (name, value)])
    };
    for (name, value) in [
        ("token", "t".into()),
        ("exec", exec()),
        ("username", "u".into()),
        ("tls_server_name", "a".into()),
        ("config_context", "a".into()),
        ("insecure", true.into()),
    ] {
        assert_eq!(
            beside(name, value),
            [format!(
                r#"{name}: {name:?} cannot be set beside "eks_cluster_name"."#
            )]
        );
    }
    assert_eq!(
        beside("host", "https://a".into()),
        [r#"host: Only one of "eks_cluster_name" and "host" can be set."#]
    );
    assert_eq!(beside("proxy_url", "http://proxy:3128".into()), [""; 0]);
    assert_eq!(beside("insecure", false.into()), [""; 0]);
}

#[test]
fn a_context_is_looked_for_in_files() {
    assert_eq!(
        told([
            ("host", "https://a".into()),
            ("config_context_cluster", "a".into())
        ]),
        [
            r#"config_context_cluster: "config_context_cluster" has a meaning only beside "config_path" or "config_paths", and "host" is set."#
        ]
    );
    assert_eq!(
        told([("host", Dynamic::UNKNOWN), ("config_context", "a".into())]),
        [""; 0]
    );
}

#[test]
fn the_server_is_verified_or_not() {
    let authority = include_str!("../../resources/words/catalogue/root.pem");
    assert_eq!(
        told([
            ("insecure", true.into()),
            ("cluster_ca_certificate", authority.into())
        ]),
        [r#"insecure: Only one of "cluster_ca_certificate" and "insecure" can be set."#]
    );
}

#[test]
fn nothing_may_be_blank() {
    let blank = "Expected a value or null, got an empty text.";
    for name in [
        "host",
        "username",
        "password",
        "token",
        "client_certificate",
        "client_key",
        "cluster_ca_certificate",
        "tls_server_name",
        "proxy_url",
        "config_path",
        "config_context",
        "config_context_auth_info",
        "config_context_cluster",
    ] {
        assert!(
            told([(name, " ".into())]).contains(&format!("{name}: {blank}")),
            "{name}"
        );
    }
    let paths = Dynamic::List(vec!["/a".into(), "".into()]);
    assert_eq!(
        told([("config_paths", paths)]),
        [format!("config_paths[1]: {blank}")]
    );
    let named = told([("eks_cluster_name", "".into())]);
    assert!(
        named[0].starts_with("eks_cluster_name: Expected the name"),
        "{named:?}"
    );
}

#[test]
fn what_is_of_another_form_is_told_by_its_place() {
    assert_eq!(
        told([("host", "http://api.example.com".into())]),
        ["host: Api.example.com would be spoken to without TLS, expected https."]
    );
    assert_eq!(
        told([("cluster_ca_certificate", "LS0t".into())]),
        ["cluster_ca_certificate: Expected PEM, or base64 of PEM."]
    );
    assert_eq!(
        told([("proxy_url", "ftp://u:hunter2@x".into())]),
        ["proxy_url: Expected a URL of scheme http, https or socks5, got ftp."]
    );
    assert_eq!(
        told([("token", "hunter2 hunter3".into())]),
        ["token: Expected a token of printable characters."]
    );
}

#[test]
fn clusters_of_eks_have_names_and_arns() {
    for good in [
        ARN,
        "arn:aws-cn:eks:cn-north-1:111122223333:cluster/a",
        "arn:aws-us-gov:eks:us-gov-west-1:111122223333:cluster/A_b-1",
        "arn:aws-iso-b:eks:us-isob-east-1:111122223333:cluster/a",
    ] {
        assert_eq!(told([("eks_cluster_arn", good.into())]), [""; 0], "{good}");
    }
    for bad in [
        "",
        "mesh-1",
        "arn:aws:eks:eu-west-1:111122223333:cluster/",
        "arn:aws:eks:eu-west-1:111122223333:nodegroup/a",
        "arn:aws:eks:eu-west-1:11112222333:cluster/a",
        "arn:aws:eks::111122223333:cluster/a",
        "arn:azure:eks:eu-west-1:111122223333:cluster/a",
        "arn:aws:ec2:eu-west-1:111122223333:cluster/a",
        "arn:aws:eks:eu-west-1:111122223333:cluster/a:b",
    ] {
        let told = told([("eks_cluster_arn", bad.into())]);
        assert!(
            told[0].starts_with("eks_cluster_arn: Expected arn:aws:eks:"),
            "{told:?}"
        );
    }
    let long = "a".repeat(101);
    for bad in ["-a", "a.b", "a b", long.as_str()] {
        assert_eq!(told([("eks_cluster_name", bad.into())]).len(), 1, "{bad}");
    }
    let swapped = told([("eks_cluster_name", ARN.into())]);
    assert!(
        swapped[0].ends_with("An ARN belongs into eks_cluster_arn."),
        "{swapped:?}"
    );
}

#[test]
fn a_program_has_a_version_a_name_and_variables_with_names() {
    let with = |name: &'static str, value: Dynamic| {
        let mut block = [
            ("api_version", "client.authentication.k8s.io/v1beta1".into()),
            ("command", "aws".into()),
            ("env", Dynamic::Null),
        ];
        for setting in &mut block {
            if setting.0 == name {
                setting.1 = value.clone();
            }
        }
        told([("exec", Dynamic::List(vec![Dynamic::from(block)]))])
    };
    assert_eq!(with("", Dynamic::Null), [""; 0]);
    let alpha = with(
        "api_version",
        "client.authentication.k8s.io/v1alpha1".into(),
    );
    assert!(
        alpha[0].starts_with("exec[0].api_version: The API version")
            && alpha[0].contains("v1beta1"),
        "{alpha:?}"
    );
    assert_eq!(
        with("command", "".into()),
        ["exec[0].command: Expected a value or null, got an empty text."]
    );
    assert_eq!(
        with("env", Dynamic::from([("A=B", Dynamic::from("c"))])),
        [r#"exec[0].env["A=B"]: Expected the name of an environment variable, got "A=B"."#]
    );
}

#[test]
fn the_role_is_named_or_given_by_its_arn() {
    let role = |settings: Dynamic| {
        told([
            ("eks_cluster_name", "mesh-1".into()),
            ("eks_assume_role", Dynamic::List(vec![settings])),
        ])
    };
    assert_eq!(
        role(Dynamic::from([("role_name", Dynamic::from("ops/ci"))])),
        [""; 0]
    );
    let both = Dynamic::from([
        ("role_name", Dynamic::from("ci")),
        (
            "role_arn",
            Dynamic::from("arn:aws:iam::111122223333:role/ci"),
        ),
    ]);
    assert_eq!(
        role(both),
        [r#"eks_assume_role[0].role_name: Only one of "role_arn" and "role_name" can be set."#]
    );
    assert_eq!(
        role(Dynamic::from([("session_name", Dynamic::from("ci"))])),
        [r#"eks_assume_role[0]: Exactly one of "role_arn" or "role_name" must be set."#]
    );
    let swapped = role(Dynamic::from([(
        "role_name",
        Dynamic::from("arn:aws:iam::111122223333:role/ci"),
    )]));
    assert!(
        swapped[0].ends_with("An ARN belongs into role_arn."),
        "{swapped:?}"
    );
    // Resources may name their clusters by themselves.
    let alone = Dynamic::List(vec![Dynamic::from([("role_name", Dynamic::from("ci"))])]);
    assert_eq!(told([("eks_assume_role", alone)]), [""; 0]);
}
