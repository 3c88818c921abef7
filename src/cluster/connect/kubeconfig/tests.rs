use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::cluster::connect::samples::{CA_ONE, CA_TWO, IDENTITY};
use crate::cluster::connect::target::Credential;

/// Files by path; reading any other one fails as the system would.
fn files(all: &[(&str, &str)]) -> impl Fn(&Path) -> io::Result<Vec<u8>> + use<> {
    let all: BTreeMap<PathBuf, Vec<u8>> = all
        .iter()
        .map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()))
        .collect();
    move |path| {
        all.get(path)
            .cloned()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

fn read_with(all: &[(&str, &str)], overrides: Overrides<'_>) -> Result<Said, BadKubeconfig> {
    let paths: Vec<PathBuf> = all
        .iter()
        .map(|(path, _)| PathBuf::from(path))
        .filter(|path| path.starts_with("/kube"))
        .collect();
    read(&paths, overrides, &files(all))
}

fn read_one(text: &str) -> Result<Said, BadKubeconfig> {
    read_with(&[("/kube/config", text)], Overrides::default())
}

/// A file with the clusters a and b, the users a and b, and the contexts a and b; a is current.
fn two() -> String {
    "apiVersion: v1
kind: Config
current-context: a
clusters:
- {name: a, cluster: {server: 'https://a.example.com'}}
- {name: b, cluster: {server: 'https://b.example.com:6443', tls-server-name: b.internal, proxy-url: 'http://p:1'}}
users:
- {name: a, user: {token: token-a}}
- {name: b, user: {username: user-b, password: password-b}}
contexts:
- {name: a, context: {cluster: a, user: a}}
- {name: b, context: {cluster: b, user: b, namespace: x}}
"
    .to_owned()
}

fn user(fields: &str) -> String {
    two().replace("{token: token-a}", fields)
}

fn credential(said: &Said) -> &Credential {
    match &said.means {
        Means::Credential(credential) => credential,
        other => panic!("expected a credential, got {other:?}"),
    }
}

fn token(said: &Said) -> &str {
    match credential(said) {
        Credential::Token(token) => token.expose(),
        other => panic!("expected a token, got {other:?}"),
    }
}

#[test]
fn the_current_context_leads_to_a_cluster_and_a_user() {
    let said = read_one(&two()).unwrap();
    assert_eq!(
        (said.server.as_str(), token(&said)),
        ("https://a.example.com", "token-a")
    );
    assert!(said.trust == Trust::System && said.impersonation.is_none());
}

#[test]
fn context_cluster_and_user_can_each_be_chosen() {
    let by = |context, user, cluster| {
        let overrides = Overrides {
            context,
            user,
            cluster,
            ..Overrides::default()
        };
        read_with(&[("/kube/config", &two())], overrides).unwrap()
    };
    let b = by(Some("b"), None, None);
    assert_eq!(
        (b.server.as_str(), b.tls_server_name.as_deref()),
        ("https://b.example.com:6443", Some("b.internal"))
    );
    assert_eq!(
        b.proxy_url.as_ref().map(SecretText::expose),
        Some("http://p:1")
    );
    assert!(
        matches!(credential(&b), Credential::Basic { username, password }
        if username == "user-b" && password.expose() == "password-b")
    );
    let mixed = by(Some("b"), Some("a"), None);
    assert_eq!(
        (mixed.server.as_str(), token(&mixed)),
        ("https://b.example.com:6443", "token-a")
    );
    assert_eq!(
        by(None, None, Some("b")).server,
        "https://b.example.com:6443"
    );
}

#[test]
fn a_cluster_by_name_needs_no_context() {
    let text = two().replace("current-context: a\n", "current-context: ''\n");
    assert!(matches!(read_one(&text), Err(BadKubeconfig::NoContext)));
    let overrides = Overrides {
        cluster: Some("b"),
        user: Some("a"),
        ..Overrides::default()
    };
    let said = read_with(&[("/kube/config", &text)], overrides).unwrap();
    assert_eq!(
        (said.server.as_str(), token(&said)),
        ("https://b.example.com:6443", "token-a")
    );
}

#[test]
fn a_name_that_no_file_has_is_told_with_those_that_are_there() {
    let by = |context, user, cluster| {
        let overrides = Overrides {
            context,
            user,
            cluster,
            ..Overrides::default()
        };
        read_with(&[("/kube/config", &two())], overrides)
            .unwrap_err()
            .to_string()
    };
    let expected = |what: &str| format!("there is no {what} \"x\", the files have [\"a\", \"b\"]");
    assert_eq!(by(Some("x"), None, None), expected("context"));
    assert_eq!(by(None, Some("x"), None), expected("user"));
    assert_eq!(by(None, None, Some("x")), expected("cluster"));
    let dangling = two().replace(
        "context: {cluster: a, user: a}",
        "context: {cluster: a, user: x}",
    );
    assert_eq!(
        read_one(&dangling).unwrap_err().to_string(),
        expected("user")
    );
}

#[test]
fn of_several_files_the_first_to_say_something_is_right() {
    let first = "current-context: ''\nclusters: [{name: a, cluster: {server: 'https://first'}}]\n";
    let second = two();
    let third = two()
        .replace("current-context: a", "current-context: b")
        .replace("token-a", "third");
    let all = [
        ("/kube/1", first),
        ("/kube/2", &second),
        ("/kube/3", &third),
    ];
    let said = read_with(&all, Overrides::default()).unwrap();
    assert_eq!(
        (said.server.as_str(), token(&said)),
        ("https://first", "token-a")
    );
}

#[test]
fn a_missing_file_is_an_error_also_among_several() {
    let all = files(&[("/kube/1", &two())]);
    let paths = [PathBuf::from("/kube/1"), PathBuf::from("/kube/2")];
    let missing = read(&paths, Overrides::default(), &all).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read /kube/2");
}

#[test]
fn files_that_a_file_names_are_beside_it() {
    let with_files = two()
        .replace(
            "{server: 'https://a.example.com'}",
            "{server: 'https://a', certificate-authority: pki/ca.crt}",
        )
        .replace(
            "{token: token-a}",
            "{client-certificate: /abs/cert, client-key: ../key}",
        );
    let all = [
        ("/kube/config", with_files.as_str()),
        ("/kube/pki/ca.crt", CA_ONE),
        ("/abs/cert", &IDENTITY.certificate),
        ("/kube/../key", &IDENTITY.key),
    ];
    let said = read(
        &[PathBuf::from("/kube/config")],
        Overrides::default(),
        &files(&all),
    )
    .unwrap();
    assert!(matches!(&said.trust, Trust::Authorities(ders) if ders.len() == 1));
    assert!(
        matches!(credential(&said), Credential::Certificate { key, .. } if key.expose() == IDENTITY.key)
    );
}

#[test]
fn data_goes_before_files_and_is_base64() {
    let data = STANDARD.encode(CA_ONE);
    let cluster = format!(
        "{{server: 'https://a', certificate-authority-data: {data}, certificate-authority: gone}}"
    );
    let text = two().replace("{server: 'https://a.example.com'}", &cluster);
    assert!(matches!(read_one(&text).unwrap().trust, Trust::Authorities(ders) if ders.len() == 1));
}

#[test]
fn a_token_file_goes_before_a_token_and_is_beside_the_kubeconfig() {
    let text = user("{token: old, tokenFile: token}");
    let all = [("/kube/config", text.as_str()), ("/kube/token", "fresh\n")];
    let said = |all: &[(&str, &str)]| {
        let paths = [PathBuf::from("/kube/config")];
        read(&paths, Overrides::default(), &files(all))
    };
    let issued = |said: &Said| match credential(said) {
        Credential::Issued(issuer) => format!("{issuer:?}"),
        other => panic!("expected an issuer, got {other:?}"),
    };
    assert_eq!(issued(&said(&all).unwrap()), "TokenFile(/kube/token)");
    // It serves while the file cannot be read.
    assert_eq!(issued(&said(&all[..1]).unwrap()), "TokenFile(/kube/token)");
    let alone = user("{tokenFile: token}");
    let missing = said(&[("/kube/config", &alone)]).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read /kube/token");
}

#[test]
fn a_certificate_goes_before_a_token_as_on_the_server() {
    let (chain, key) = (
        STANDARD.encode(&IDENTITY.certificate),
        STANDARD.encode(&IDENTITY.key),
    );
    let both = format!("{{token: t, client-certificate-data: {chain}, client-key-data: {key}}}");
    assert!(matches!(
        credential(&read_one(&user(&both)).unwrap()),
        Credential::Certificate { .. }
    ));
    let half = read_one(&user(&format!("{{client-certificate-data: {chain}}}"))).unwrap_err();
    assert_eq!(half.to_string(), "the user \"a\" has no client-key");
}

const EXEC: &str =
    "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: null, env: null}";

fn program(said: &Said) -> String {
    match &said.means {
        Means::Program(program) => format!("{program:?}"),
        other => panic!("expected a program, got {other:?}"),
    }
}

#[test]
fn a_program_signs_in_where_nothing_else_does() {
    let by = |fields: &str| read_one(&user(fields)).unwrap();
    assert_eq!(program(&by(&format!("{{{EXEC}}}"))), "Program(\"aws\", …)");
    assert_eq!(token(&by(&format!("{{token: t, {EXEC}}}"))), "t");
    let empty = format!("{{token: '', tokenFile: '', username: '', password: '', {EXEC}}}");
    assert_eq!(program(&by(&empty)), "Program(\"aws\", …)");
    let (chain, key) = (
        STANDARD.encode(&IDENTITY.certificate),
        STANDARD.encode(&IDENTITY.key),
    );
    let both = format!("{{client-certificate-data: {chain}, client-key-data: {key}, {EXEC}}}");
    assert!(matches!(
        credential(&by(&both)),
        Credential::Certificate { .. }
    ));
}

#[test]
fn a_program_that_is_a_path_is_beside_its_file_and_a_name_is_looked_for_in_path() {
    let by = |command: &str| {
        let exec = EXEC.replace("command: aws", &format!("command: {command}"));
        program(&read_one(&user(&format!("{{{exec}}}"))).unwrap())
    };
    assert_eq!(by("./bin/login"), "Program(\"/kube/./bin/login\", …)");
    assert_eq!(by("bin/login"), "Program(\"/kube/bin/login\", …)");
    assert_eq!(by("/opt/login"), "Program(\"/opt/login\", …)");
    assert_eq!(by("login"), "Program(\"login\", …)");
}

#[test]
fn a_program_that_cannot_be_run_here_is_refused_in_words() {
    let refused = |from: &str, to: &str| {
        let exec = EXEC.replace(from, to);
        read_one(&user(&format!("{{{exec}}}")))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("args: null", "interactiveMode: Always"),
        "exec of the user \"a\": interactiveMode is Always, but there is no terminal to ask at, expected Never or \
         IfAvailable"
    );
    assert_eq!(
        refused("command: aws", "command: ''"),
        "exec of the user \"a\": expected a command"
    );
    let versions = "client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1";
    assert_eq!(
        refused("io/v1", "io/v1alpha1"),
        format!(
            "exec of the user \"a\": the API version client.authentication.k8s.io/v1alpha1 is gone since Kubernetes \
             1.24, expected {versions}: programs that knew it know v1beta1, as \"aws eks update-kubeconfig\" writes \
             it today"
        )
    );
    assert_eq!(
        refused("io/v1", "io/v2"),
        format!(
            "exec of the user \"a\": expected the API version {versions}, got \
             \"client.authentication.k8s.io/v2\""
        )
    );
    assert_eq!(
        refused("apiVersion: client.authentication.k8s.io/v1,", ""),
        format!("exec of the user \"a\": expected an API version, {versions}")
    );
    assert_eq!(
        refused("env: null", "env: [{name: 'A=B', value: c}]"),
        "exec of the user \"a\": expected the name of an environment variable, got \"A=B\""
    );
}

#[test]
fn what_is_not_used_is_not_judged() {
    let exec = user(&format!("{{{}}}", EXEC.replace("io/v1", "io/v1alpha1")));
    let overrides = Overrides {
        other_credential: true,
        ..Overrides::default()
    };
    assert!(read_with(&[("/kube/config", &exec)], overrides).is_ok());
}

#[test]
fn plugins_that_kubectl_has_dropped_are_refused() {
    for provider in ["{name: gcp}", "{name: gcp, config: {a: b}}"] {
        let plugin = read_one(&user(&format!("{{auth-provider: {provider}}}"))).unwrap_err();
        assert_eq!(
            plugin.to_string(),
            "the user \"a\" signs in by the auth-provider \"gcp\", which kubectl has dropped, expected exec or another \
             credential"
        );
    }
}

#[test]
fn a_token_beside_a_password_is_one_too_many_and_half_a_password_too_few() {
    let refused = |fields: &str| read_one(&user(fields)).unwrap_err().to_string();
    assert_eq!(
        refused("{token: t, username: u, password: p}"),
        "the user \"a\" has both a token and a username"
    );
    assert_eq!(refused("{username: u}"), "the user \"a\" has no password");
    assert_eq!(refused("{password: p}"), "the user \"a\" has no username");
}

#[test]
fn a_user_without_anything_signs_in_as_nobody() {
    for nobody in ["{}", "null", "{token: ''}"] {
        let said = read_one(&user(nobody)).unwrap();
        assert!(matches!(credential(&said), Credential::None), "{nobody}");
    }
    let no_user = two().replace("cluster: a, user: a", "cluster: a, user: ''");
    assert!(matches!(
        credential(&read_one(&no_user).unwrap()),
        Credential::None
    ));
}

#[test]
fn nobodys_groups_are_refused() {
    for (fields, has) in [
        ("{token: t, as-groups: [dev]}", "as-groups"),
        ("{token: t, as: '', as-uid: '7'}", "as-uid"),
        ("{token: t, as-user-extra: {a: [b]}}", "as-user-extra"),
    ] {
        assert_eq!(
            read_one(&user(fields)).unwrap_err().to_string(),
            format!("the user \"a\" has {has} without \"as\"")
        );
    }
    let empty = read_one(&user("{token: t, as: '', as-uid: '', as-groups: []}")).unwrap();
    assert_eq!(empty.impersonation, None);
}

#[test]
fn a_name_twice_in_one_file_is_two_answers() {
    for (what, entry) in [
        ("cluster", "- {name: b, cluster: {server"),
        ("user", "- {name: b, user: {username"),
        ("context", "- {name: b, context: {cluster"),
    ] {
        let twice = two().replace(entry, &entry.replace("name: b", "name: a"));
        assert_eq!(
            read_one(&twice).unwrap_err().to_string(),
            format!("/kube/config has two of the {what} \"a\"")
        );
    }
}

#[test]
fn a_second_document_is_refused_as_kubectl_would_not_read_it() {
    let second = format!("{}---\n{}", two(), two());
    assert_eq!(
        read_one(&second).unwrap_err().to_string(),
        "/kube/config has a second document (line 13), and kubectl reads the first only"
    );
    for first in [
        format!("---\n{}", two()),
        format!("# of ours\n%YAML 1.2\n---\n{}---\n", two()),
        format!("{}...\n", two()),
    ] {
        assert!(read_one(&first).is_ok(), "{first}");
    }
}

#[test]
fn a_context_without_a_cluster_names_none() {
    let text = two().replace("cluster: a, user: a", "cluster: '', user: a");
    assert!(matches!(read_one(&text), Err(BadKubeconfig::NoContext)));
    let null = two().replace("context: {cluster: a, user: a}", "context: null");
    assert!(matches!(read_one(&null), Err(BadKubeconfig::NoContext)));
    let null = two().replace(
        "cluster: {server: 'https://a.example.com'}",
        "cluster: null",
    );
    assert_eq!(
        read_one(&null).unwrap_err().to_string(),
        "the cluster \"a\" has no server"
    );
}

#[test]
fn what_does_not_concern_us_is_passed_over() {
    let text = two().replace(
        "{server: 'https://a.example.com'}",
        "{server: 'https://a', disable-compression: true, proxy-url: '', tls-server-name: '', \
         certificate-authority: '', certificate-authority-data: '', future: [1], \
         extensions: [{name: x, extension: {y: z}}]}",
    );
    let said = read_one(&text).unwrap();
    assert!(
        said.trust == Trust::System && said.proxy_url.is_none() && said.tls_server_name.is_none()
    );
    let empty = read_with(
        &[("/kube/1", ""), ("/kube/2", &two())],
        Overrides::default(),
    );
    assert_eq!(token(&empty.unwrap()), "token-a");
}

#[test]
fn data_goes_before_a_file_of_another_authority() {
    let cluster = format!(
        "{{server: 'https://a', certificate-authority-data: {}, certificate-authority: ca}}",
        STANDARD.encode(CA_ONE)
    );
    let text = two().replace("{server: 'https://a.example.com'}", &cluster);
    let all = [
        ("/kube/config", text.as_str()),
        ("/kube/ca", CA_TWO.as_str()),
    ];
    let paths = [PathBuf::from("/kube/config")];
    let said = read(&paths, Overrides::default(), &files(&all)).unwrap();
    let one = crate::cluster::connect::pem::authorities(CA_ONE.as_bytes()).unwrap();
    assert_eq!(said.trust, Trust::Authorities(one));
}

#[test]
fn as_whom_the_user_wants_to_be_seen_is_kept() {
    let said = read_one(&user(
        "{token: t, as: jane, as-groups: [dev], as-user-extra: {reason: [x]}}",
    ))
    .unwrap();
    let wanted = Impersonation {
        user: Some("jane".to_owned()),
        uid: None,
        groups: vec!["dev".to_owned()],
        extra: [("reason".to_owned(), vec!["x".to_owned()])].into(),
    };
    assert_eq!(said.impersonation, Some(wanted));
}

#[test]
fn an_insecure_cluster_with_an_authority_contradicts_itself() {
    let data = STANDARD.encode(CA_ONE);
    let cluster = format!(
        "{{server: 'https://a', insecure-skip-tls-verify: true, certificate-authority-data: {data}}}"
    );
    let text = two().replace("{server: 'https://a.example.com'}", &cluster);
    assert!(matches!(
        read_one(&text),
        Err(BadKubeconfig::InsecureWithAuthority { .. })
    ));
    let overrides = Overrides {
        other_trust: true,
        ..Overrides::default()
    };
    assert_eq!(
        read_with(&[("/kube/config", &text)], overrides)
            .unwrap()
            .trust,
        Trust::System
    );
    let overrides = Overrides {
        verify: true,
        ..Overrides::default()
    };
    let said = read_with(&[("/kube/config", &text)], overrides).unwrap();
    assert!(matches!(said.trust, Trust::Authorities(_)));
}

#[test]
fn a_cluster_without_a_server_is_named() {
    let text = two().replace("{server: 'https://a.example.com'}", "{server: ''}");
    assert_eq!(
        read_one(&text).unwrap_err().to_string(),
        "the cluster \"a\" has no server"
    );
}

#[test]
fn what_is_no_kubeconfig_is_told_by_file_and_line_and_not_shown() {
    let broken = two().replace("{token: token-a}", "{token: [hunter2}");
    let told = read_one(&broken).unwrap_err();
    let words = format!("{told} {told:?}");
    assert!(
        words.starts_with("/kube/config is no kubeconfig (line "),
        "{words}"
    );
    assert!(!words.contains("hunter2"), "{words}");
    let wrong_type = two().replace("{token: token-a}", "{token: {hunter2: 1}}");
    let told = read_one(&wrong_type).unwrap_err();
    assert!(!format!("{told} {told:?}").contains("hunter2"), "{told:?}");
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    assert!(read_one(&format!("\u{feff}{}", two())).is_ok());
}

#[test]
fn nothing_that_is_read_is_shown() {
    let said = read_one(&two().replace("token-a", "hunter2")).unwrap();
    assert!(!format!("{said:?}").contains("hunter2"));
}

proptest! {
    #[test]
    fn no_file_makes_reading_panic(text: String, cut in 0usize..900) {
        let _ = read_one(&text);
        let two = two();
        let _ = read_one(two.get(..cut.min(two.len())).unwrap_or_default());
    }
}

#[test]
fn what_the_parser_does_not_take_is_told_by_its_line() {
    // Go takes these for nothing; the parser that is used here takes the whole file for none.
    for (from, to) in [
        (
            "{token: token-a}",
            "{auth-provider: {name: gcp, config: null}}",
        ),
        (
            "context: {cluster: b, user: b, namespace: x}",
            "context: {user: b}",
        ),
    ] {
        let told = read_one(&two().replace(from, to)).unwrap_err().to_string();
        assert!(
            told.starts_with("/kube/config is no kubeconfig (line "),
            "{told}"
        );
    }
}
