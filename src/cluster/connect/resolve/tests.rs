use std::io;

use super::*;
use crate::cluster::connect::samples::{CA_ONE, CA_ONE_SHA256, CA_TWO, IDENTITY, clock};

const KUBECONFIG: &str = "
current-context: a
clusters: [{name: a, cluster: {server: 'https://a.example.com', insecure-skip-tls-verify: true}}]
users: [{name: a, user: {token: theirs}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
";

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    match path.to_str() {
        Some("/kube/config" | "/home/me/.kube/config") => Ok(KUBECONFIG.into()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

fn resolved_in(settings: &Settings, variables: &[(&str, &str)]) -> Result<Target, SettingsError> {
    let environment = |name: &str| {
        variables
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    match resolve(settings, &environment, &read_file, &clock())? {
        Resolved::Target(target) => Ok(*target),
        Resolved::Eks(cluster) => panic!("{cluster:?} has to be asked for"),
    }
}

fn resolved(settings: &Settings) -> Result<Target, SettingsError> {
    resolved_in(settings, &[])
}

fn refused(settings: &Settings) -> String {
    resolved(settings).unwrap_err().to_string()
}

fn host(text: &str) -> Settings {
    Settings {
        host: Some(text.to_owned()),
        ..Settings::default()
    }
}

fn files() -> Settings {
    Settings {
        config_path: Some("/kube/config".to_owned()),
        ..Settings::default()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_host_with_a_token_and_an_authority_is_a_target() {
    let settings = Settings {
        token: Some("t0ken\n".into()),
        cluster_ca_certificate: some(CA_ONE),
        ..host("api.example.com:6443")
    };
    let target = resolved(&settings).unwrap();
    assert_eq!(target.server.to_string(), "https://api.example.com:6443/");
    assert!(matches!(&target.credential, Credential::Token(token) if token.expose() == "t0ken"));
    assert_eq!(
        target.fingerprint().to_string(),
        format!("ca:sha256:{CA_ONE_SHA256}")
    );
}

#[test]
fn without_a_target_nothing_is_guessed() {
    let surroundings = [
        ("KUBECONFIG", "/kube/config"),
        ("HOME", "/home/me"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ];
    let error = resolved_in(&Settings::default(), &surroundings).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no cluster is named: expected one of eks_cluster_name, eks_cluster_arn, host, config_path, config_paths, \
         in_cluster"
    );
}

#[test]
fn two_targets_are_one_too_many_and_said_where_they_come_from() {
    let both = Settings {
        config_path: some("/kube/config"),
        ..host("https://a")
    };
    assert_eq!(
        refused(&both),
        "expected one of eks_cluster_name, eks_cluster_arn, host, config_path, config_paths, in_cluster, got host and config_path"
    );
    let variables = [
        ("KUBE_HOST", "https://a"),
        ("KUBE_CONFIG_PATHS", "/kube/config"),
    ];
    let error = resolved_in(&Settings::default(), &variables)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("got host (from KUBE_HOST) and config_paths (from KUBE_CONFIG_PATHS)"),
        "{error}"
    );
}

#[test]
fn two_credentials_are_one_too_many() {
    let both = Settings {
        token: Some("t".into()),
        username: some("u"),
        password: Some("p".into()),
        ..host("https://a")
    };
    assert_eq!(
        refused(&both),
        "expected one of token, exec, client_certificate, username, got token and username"
    );
}

#[test]
fn half_a_credential_names_the_other_half() {
    let cases = [
        (
            Settings {
                username: some("u"),
                ..host("https://a")
            },
            "username needs password as well",
        ),
        (
            Settings {
                password: Some("p".into()),
                ..host("https://a")
            },
            "password needs username as well",
        ),
        (
            Settings {
                client_certificate: some(&IDENTITY.certificate),
                ..host("https://a")
            },
            "client_certificate needs client_key as well",
        ),
        (
            Settings {
                client_key: Some(IDENTITY.key.as_str().into()),
                ..host("https://a")
            },
            "client_key needs client_certificate as well",
        ),
    ];
    for (settings, words) in cases {
        assert_eq!(refused(&settings), words);
    }
}

#[test]
fn a_client_certificate_and_its_key_sign_in() {
    let settings = Settings {
        client_certificate: some(&IDENTITY.certificate),
        client_key: Some(IDENTITY.key.as_str().into()),
        ..host("https://a")
    };
    assert!(matches!(
        resolved(&settings).unwrap().credential,
        Credential::Certificate { .. }
    ));
    let swapped = Settings {
        client_certificate: some(&IDENTITY.key),
        client_key: Some(IDENTITY.certificate.as_str().into()),
        ..host("https://a")
    };
    assert_eq!(
        refused(&swapped),
        "client_certificate: expected a certificate, got PRIVATE KEY"
    );
}

#[test]
fn nothing_set_to_nothing_is_taken_for_null() {
    assert_eq!(
        refused(&host("")),
        "host is empty, expected a value or null"
    );
    let context = Settings {
        config_context: some(" "),
        ..files()
    };
    assert_eq!(
        refused(&context),
        "config_context is empty, expected a value or null"
    );
    let paths = Settings {
        config_paths: vec![String::new()],
        ..Settings::default()
    };
    assert_eq!(
        refused(&paths),
        "config_paths is empty, expected a value or null"
    );
    let token = Settings {
        token: Some("".into()),
        ..host("https://a")
    };
    assert_eq!(refused(&token), "token is empty, expected a value or null");
}

#[test]
fn a_context_means_nothing_beside_a_host() {
    let context = Settings {
        config_context: some("a"),
        ..host("https://a")
    };
    assert_eq!(
        refused(&context),
        "config_context has a meaning only with config_path or config_paths"
    );
}

#[test]
fn an_address_that_is_none_is_named_by_where_it_comes_from() {
    assert_eq!(
        refused(&host("a b")),
        "host: expected https://host or host:port, got \"a b\""
    );
    let error = resolved_in(&Settings::default(), &[("KUBE_HOST", "http://a")])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "host (from KUBE_HOST): a would be spoken to without TLS, expected https"
    );
}

#[test]
fn an_authority_contradicts_insecure() {
    let both = Settings {
        insecure: Some(true),
        cluster_ca_certificate: some(CA_ONE),
        ..host("https://a")
    };
    assert_eq!(
        refused(&both),
        "insecure contradicts cluster_ca_certificate"
    );
    let variables = [
        ("KUBE_INSECURE", "1"),
        ("KUBE_CLUSTER_CA_CERT_DATA", CA_ONE),
    ];
    let error = resolved_in(&host("https://a"), &variables)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "insecure (from KUBE_INSECURE) contradicts cluster_ca_certificate (from KUBE_CLUSTER_CA_CERT_DATA)"
    );
}

#[test]
fn what_the_block_says_goes_over_what_the_files_say() {
    let target = resolved(&files()).unwrap();
    assert_eq!(target.trust, Trust::Anything);
    assert!(matches!(&target.credential, Credential::Token(token) if token.expose() == "theirs"));
    let over = Settings {
        token: Some("ours".into()),
        cluster_ca_certificate: some(&CA_TWO),
        tls_server_name: some("other.example.com"),
        ..files()
    };
    let target = resolved(&over).unwrap();
    assert!(matches!(target.trust, Trust::Authorities(_)));
    assert!(matches!(&target.credential, Credential::Token(token) if token.expose() == "ours"));
    assert_eq!(target.tls_server_name.as_deref(), Some("other.example.com"));
    let secure = Settings {
        insecure: Some(false),
        ..files()
    };
    assert_eq!(resolved(&secure).unwrap().trust, Trust::System);
}

#[test]
fn a_path_may_begin_at_home() {
    let home = Settings {
        config_path: some("~/.kube/config"),
        ..Settings::default()
    };
    assert!(resolved_in(&home, &[("HOME", "/home/me")]).is_ok());
    let error = resolved_in(&home, &[]).unwrap_err().to_string();
    assert_eq!(error, "config_path: cannot read ~/.kube/config");
}

#[test]
fn the_proxy_is_the_blocks_then_the_environments() {
    let variables = [("HTTPS_PROXY", "http://env:1"), ("NO_PROXY", ".internal")];
    let proxy = |settings: &Settings| {
        let target = resolved_in(settings, &variables).unwrap();
        target.proxy.map(|proxy| proxy.uri().to_string())
    };
    let said = |text: &str| Settings {
        proxy_url: Some("http://said:2".into()),
        ..host(text)
    };
    assert_eq!(
        proxy(&said("https://a.internal")).as_deref(),
        Some("http://said:2/")
    );
    assert_eq!(
        proxy(&host("https://a.example.com")).as_deref(),
        Some("http://env:1/")
    );
    assert_eq!(proxy(&host("https://a.internal")), None);
    let bad = Settings {
        proxy_url: Some("ftp://u:hunter2@x".into()),
        ..host("https://a")
    };
    assert_eq!(
        refused(&bad),
        "proxy_url: expected a URL of scheme http, https or socks5, got ftp"
    );
    let error = resolved_in(&host("https://a"), &[("https_proxy", "ftp://x")])
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "https_proxy: expected a URL of scheme http, https or socks5, got ftp"
    );
}

#[test]
fn a_name_that_no_certificate_can_have_is_refused() {
    let bad = Settings {
        tls_server_name: some("a b"),
        ..host("https://a")
    };
    assert_eq!(
        refused(&bad),
        "tls_server_name: expected a DNS name or an IP address, got \"a b\""
    );
}

#[test]
fn a_token_that_no_header_can_hold_is_refused_and_not_shown() {
    let bad = Settings {
        token: Some("hunter2\nhunter3".into()),
        ..host("https://a")
    };
    assert_eq!(
        refused(&bad),
        "token: expected a token of printable characters"
    );
}

#[test]
fn a_target_shows_no_secret() {
    let settings = Settings {
        username: some("u"),
        password: Some("hunter2".into()),
        proxy_url: Some("http://p:hunter2@proxy".into()),
        ..host("https://a")
    };
    let shown = format!("{:?}", resolved(&settings).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
    let key = Settings {
        client_certificate: some(&IDENTITY.certificate),
        client_key: Some(IDENTITY.key.as_str().into()),
        ..host("https://a")
    };
    let shown = format!("{:?}", resolved(&key).unwrap());
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
}

fn eks(name: &str) -> Settings {
    Settings {
        eks_cluster_name: some(name),
        ..Settings::default()
    }
}

#[test]
fn a_cluster_of_eks_is_asked_for_and_the_environment_does_not_meddle() {
    let variables = |name: &str| {
        let meddling = [
            "KUBE_HOST",
            "KUBE_TOKEN",
            "KUBE_CONFIG_PATH",
            "KUBE_INSECURE",
        ];
        meddling.contains(&name).then(|| "true".to_owned())
    };
    let by_name = resolve(&eks("mesh-a"), &variables, &read_file, &clock()).unwrap();
    assert!(matches!(by_name, Resolved::Eks(EksCluster::Name(name)) if name == "mesh-a"));
    let by_arn = Settings {
        eks_cluster_arn: some("arn:aws:eks:eu-west-1:111122223333:cluster/mesh-a"),
        proxy_url: Some("http://proxy.example.com:3128".into()),
        ..Settings::default()
    };
    let by_arn = resolve(&by_arn, &variables, &read_file, &clock()).unwrap();
    assert!(matches!(by_arn, Resolved::Eks(EksCluster::Arn(arn)) if arn.ends_with("/mesh-a")));
}

#[test]
fn what_eks_says_by_itself_cannot_be_said_beside_it() {
    let beside = |change: fn(&mut Settings)| {
        let mut settings = eks("mesh-a");
        change(&mut settings);
        resolve(&settings, &|_| None, &read_file, &clock())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        beside(|settings| settings.eks_cluster_arn = some("arn")),
        "expected one of eks_cluster_name, eks_cluster_arn, host, config_path, config_paths, in_cluster, got \
         eks_cluster_name and eks_cluster_arn"
    );
    let said = |name| format!("{name} cannot stand beside eks_cluster_name: EKS says it");
    assert_eq!(beside(|s| s.host = some("https://a")), said("host"));
    assert_eq!(beside(|s| s.token = Some("t".into())), said("token"));
    assert_eq!(
        beside(|s| s.config_paths = vec!["/a".into()]),
        said("config_paths")
    );
    assert_eq!(beside(|s| s.insecure = Some(true)), said("insecure"));
    assert_eq!(
        beside(|s| s.cluster_ca_certificate = some(CA_ONE)),
        said("cluster_ca_certificate")
    );
    assert_eq!(
        beside(|s| s.eks_cluster_name = some(" ")),
        "eks_cluster_name is empty, expected a value or null"
    );
}

#[derive(Debug)]
struct Nobody;

impl Issuer for Nobody {
    fn obtain(
        &self,
    ) -> crate::cluster::Obtaining<'_, Result<crate::cluster::Pass, crate::cluster::NoPass>> {
        unreachable!("no call is made")
    }
}

fn found(endpoint: &str, authorities: &str) -> Found {
    Found {
        endpoint: endpoint.to_owned(),
        authorities: authorities.to_owned(),
        reach: Reach::default(),
        issuer: Arc::new(Nobody),
    }
}

#[test]
fn a_found_cluster_is_known_by_its_authority_and_reached_through_the_proxy() {
    let settings = Settings {
        proxy_url: Some("http://proxy.example.com:3128".into()),
        ..eks("mesh-a")
    };
    let described = found("https://ABC.gr7.eu-west-1.eks.amazonaws.com", CA_ONE);
    let target = resolve_found(settings.proxy_url.as_ref(), &|_| None, described).unwrap();
    assert_eq!(target.host(), "abc.gr7.eu-west-1.eks.amazonaws.com:443");
    assert_eq!(
        target.fingerprint().to_string(),
        format!("ca:sha256:{CA_ONE_SHA256}")
    );
    assert_eq!(
        target.proxy.unwrap().uri().to_string(),
        "http://proxy.example.com:3128/"
    );
}

#[test]
fn the_proxy_of_a_found_cluster_may_come_from_the_environment_and_spare_it() {
    let variables = |spared: &'static str| {
        move |name: &str| match name {
            "HTTPS_PROXY" => some("http://office:3128"),
            "NO_PROXY" => some(spared),
            "KUBE_PROXY_URL" => some("http://of-another-cluster"),
            _ => None,
        }
    };
    let proxy = |spared| {
        let described = found("https://abc.eks.amazonaws.com", CA_ONE);
        let target = resolve_found(None, &variables(spared), described).unwrap();
        target.proxy.map(|proxy| proxy.uri().to_string())
    };
    assert_eq!(proxy("localhost").as_deref(), Some("http://office:3128/"));
    assert_eq!(proxy(".eks.amazonaws.com"), None);
}

#[test]
fn a_cluster_that_is_described_oddly_is_refused() {
    let refused = |endpoint, authorities| {
        resolve_found(None, &|_| None, found(endpoint, authorities))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("https://a", ""),
        "EKS describes the cluster in a way that cannot be used: expected PEM, or base64 of PEM"
    );
    assert!(refused("http://a.example.com", CA_ONE).contains("without TLS"));
}

fn in_pod(path: &Path) -> io::Result<Vec<u8>> {
    match path.file_name().and_then(|name| name.to_str()) {
        Some("ca.crt") => Ok(CA_ONE.into()),
        Some("token") => Ok("of-the-pod".into()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

fn pods_variables(name: &str) -> Option<String> {
    match name {
        "KUBERNETES_SERVICE_HOST" => some("10.96.0.1"),
        "KUBERNETES_SERVICE_PORT" => some("443"),
        "KUBE_HOST" => some("https://another.example.com"),
        _ => None,
    }
}

fn resolved_in_pod(settings: &Settings) -> Target {
    match resolve(settings, &pods_variables, &in_pod, &clock()).unwrap() {
        Resolved::Target(target) => *target,
        other @ Resolved::Eks(_) => panic!("{other:?}"),
    }
}

#[test]
fn the_cluster_around_us_is_meant_only_where_it_is_said() {
    let around = |in_cluster| Settings {
        in_cluster,
        ..Settings::default()
    };
    let target = resolved_in_pod(&around(Some(true)));
    assert_eq!(target.host(), "10.96.0.1:443");
    assert!(matches!(&target.credential, Credential::Issued(issuer)
        if format!("{issuer:?}").starts_with("TokenFile(/var/run/secrets/")));
    for nothing in [None, Some(false)] {
        assert_eq!(
            resolved_in_pod(&around(nothing)).host(),
            "another.example.com:443"
        );
    }
    let context = Settings {
        config_context: some("a"),
        ..around(Some(true))
    };
    assert_eq!(
        refused(&context),
        "config_context has a meaning only with config_path or config_paths"
    );
    let two = Settings {
        in_cluster: Some(true),
        ..host("https://a")
    };
    assert!(refused(&two).ends_with("in_cluster, got host and in_cluster"));
    assert_eq!(
        refused(&around(Some(true))),
        "in_cluster: this is no pod of a cluster: KUBERNETES_SERVICE_HOST is not set"
    );
}

#[test]
fn what_the_block_says_goes_over_what_the_pod_has() {
    let own = Settings {
        in_cluster: Some(true),
        token: Some("own".into()),
        insecure: Some(true),
        ..Settings::default()
    };
    let nothing = |_: &Path| -> io::Result<Vec<u8>> { unreachable!("nothing has to be read") };
    let resolved = resolve(&own, &pods_variables, &nothing, &clock()).unwrap();
    let Resolved::Target(target) = resolved else {
        panic!("{resolved:?}");
    };
    assert!(matches!(&target.credential, Credential::Token(token) if token.expose() == "own"));
    assert_eq!(target.trust, Trust::Anything);
}

fn exec() -> crate::cluster::connect::Exec {
    crate::cluster::connect::Exec {
        api_version: some("client.authentication.k8s.io/v1"),
        command: some("login"),
        ..Default::default()
    }
}

#[test]
fn a_program_is_a_credential_like_others() {
    let with = |settings: Settings| Settings {
        exec: vec![exec()],
        ..settings
    };
    let program = |target: Target| match target.credential {
        Credential::Issued(issuer) => format!("{issuer:?}"),
        other => panic!("expected a program, got {other:?}"),
    };
    let of_host = resolved_in(
        &with(host("https://a")),
        &[("KUBE_TOKEN", "t"), ("KUBE_USER", "u")],
    );
    assert_eq!(program(of_host.unwrap()), "Runner(Program(\"login\", …))");
    // It goes over the user of a kubeconfig.
    let of_files = resolved(&with(files())).unwrap();
    assert_eq!(program(of_files), "Runner(Program(\"login\", …))");
    let both = Settings {
        token: Some("t".into()),
        ..with(host("https://a"))
    };
    assert_eq!(
        refused(&both),
        "expected one of token, exec, client_certificate, username, got token and exec"
    );
    assert_eq!(
        refused(&with(eks("mesh-a"))),
        "exec cannot stand beside eks_cluster_name: EKS says it"
    );
    let mut alpha = with(host("https://a"));
    alpha.exec[0].api_version = some("client.authentication.k8s.io/v1alpha1");
    assert!(
        refused(&alpha)
            .starts_with("exec: the API version client.authentication.k8s.io/v1alpha1 is gone")
    );
    alpha.exec[0] = crate::cluster::connect::Exec {
        command: some(" "),
        ..exec()
    };
    assert_eq!(refused(&alpha), "exec: expected a command");
}
