use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::cluster::connect::samples::{CA_ONE, IDENTITY};

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

fn token(said: &Said) -> &str {
    match &said.credential {
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
        matches!(&b.credential, Credential::Basic { username, password }
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
    assert!(matches!(said.trust, Trust::Authorities(ders) if ders.len() == 1));
    assert!(
        matches!(&said.credential, Credential::Certificate { key, .. } if key.expose() == IDENTITY.key)
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
fn a_token_file_is_read_and_its_line_break_is_no_part_of_the_token() {
    let text = user("{token: old, tokenFile: token}");
    let all = [("/kube/config", text.as_str()), ("/kube/token", "fresh\n")];
    let said = read(
        &[PathBuf::from("/kube/config")],
        Overrides::default(),
        &files(&all),
    )
    .unwrap();
    assert_eq!(token(&said), "fresh");
}

#[test]
fn a_certificate_goes_before_a_token_as_on_the_server() {
    let (chain, key) = (
        STANDARD.encode(&IDENTITY.certificate),
        STANDARD.encode(&IDENTITY.key),
    );
    let both = format!("{{token: t, client-certificate-data: {chain}, client-key-data: {key}}}");
    assert!(matches!(
        read_one(&user(&both)).unwrap().credential,
        Credential::Certificate { .. }
    ));
    let half = read_one(&user(&format!("{{client-certificate-data: {chain}}}"))).unwrap_err();
    assert_eq!(half.to_string(), "the user \"a\" has no client-key");
}

#[test]
fn programs_and_plugins_are_refused_in_words() {
    let exec = user(
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token]}}",
    );
    assert_eq!(
        read_one(&exec).unwrap_err().to_string(),
        "the user \"a\" signs in by running \"aws\", which is not supported"
    );
    let plugin = read_one(&user("{auth-provider: {name: gcp}}")).unwrap_err();
    assert_eq!(
        plugin.to_string(),
        "the user \"a\" signs in by the auth-provider \"gcp\", which is not supported"
    );
    let overrides = Overrides {
        other_credential: true,
        ..Overrides::default()
    };
    assert!(
        read_with(&[("/kube/config", &exec)], overrides).is_ok(),
        "the user's way in is not used"
    );
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
