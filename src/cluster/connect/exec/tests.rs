use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;

use super::*;
use crate::cluster::connect::samples::{CA_ONE, IDENTITY, clock};
use crate::cluster::connect::settings::Settings;
use crate::cluster::{Cluster, Resolved, resolve};

/// The block that runs a script of the shell.
fn script(text: &str, env: &[(&str, &str)]) -> Exec {
    let env = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()));
    Exec {
        api_version: Some("client.authentication.k8s.io/v1".to_owned()),
        command: Some("/bin/sh".to_owned()),
        args: vec!["-c".to_owned(), text.to_owned()],
        env: env.collect(),
    }
}

fn target() -> Target {
    let settings = Settings {
        host: Some("https://a.example.com".to_owned()),
        cluster_ca_certificate: Some(CA_ONE.to_owned()),
        ..Settings::default()
    };
    let none = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    match resolve(&settings, &|_| None, &none, &clock()).unwrap() {
        Resolved::Target(target) => *target,
        other @ Resolved::Eks(_) => panic!("{other:?}"),
    }
}

fn runner(block: &Exec) -> Runner {
    Program::of_block(block)
        .unwrap()
        .for_target(&target(), clock())
}

async fn refused(block: &Exec) -> NoPass {
    runner(block).obtain().await.unwrap_err()
}

/// A directory of its own that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("istiopca-exec-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PRINTS: &str = r#"printf '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
"status": {"token": "%s", "expirationTimestamp": "2026-03-01T12:15:00Z"}}' "$GIVEN""#;

#[tokio::test]
async fn what_a_program_prints_is_the_credential_until_shortly_before_its_end() {
    let pass = runner(&script(PRINTS, &[("GIVEN", "hunter2")]))
        .obtain()
        .await
        .unwrap();
    assert_eq!(pass.token.unwrap().expose(), "hunter2");
    assert_eq!(pass.lasts, Duration::from_secs(14 * 60));
}

#[tokio::test]
async fn a_program_has_our_environment_and_its_own_and_nobody_to_ask() {
    let scratch = Scratch::new("environment");
    let out = scratch.0.display();
    let text = format!(
        "cd {out}; printf %s \"$PATH\" > path; printf %s \"$OWN\" > own; cat > stdin; \
         printf %s \"$KUBERNETES_EXEC_INFO\" > info; {PRINTS}"
    );
    let own = [
        ("OWN", "own"),
        ("GIVEN", "t"),
        ("KUBERNETES_EXEC_INFO", "mine"),
    ];
    runner(&script(&text, &own)).obtain().await.unwrap();
    assert_eq!(scratch.text("path"), std::env::var("PATH").unwrap());
    assert_eq!(scratch.text("own"), "own");
    assert_eq!(scratch.text("stdin"), "");
    let info: Value = serde_json::from_str(&scratch.text("info")).unwrap();
    let expected = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "spec": {"interactive": false},
    });
    assert_eq!(info, expected);
}

#[test]
fn a_program_that_wants_it_is_told_the_cluster_as_it_was_decided() {
    let exec = ExecConfig {
        api_version: Some("client.authentication.k8s.io/v1beta1".to_owned()),
        command: Some("login".to_owned()),
        provide_cluster_info: true,
        ..ExecConfig::default()
    };
    let told = |target: &Target, config| {
        let program = Program::of_user(&exec, config).unwrap();
        let info = program.for_target(target, clock()).info;
        serde_json::from_str::<Value>(&info).unwrap()
    };
    let mut target = target();
    let authority = base64::engine::general_purpose::STANDARD;
    let authority = base64::Engine::encode(&authority, CA_ONE);
    assert_eq!(
        told(&target, None),
        json!({
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "kind": "ExecCredential",
            "spec": {"interactive": false, "cluster": {
                "server": "https://a.example.com",
                "certificate-authority-data": authority,
            }},
        })
    );
    target.server = "https://gateway.example.com:8443/k8s/c-1".parse().unwrap();
    target.trust = crate::cluster::connect::target::Trust::Anything;
    target.tls_server_name = Some("api.internal".to_owned());
    target.proxy = crate::cluster::connect::Proxy::parse("http://u:p@proxy:3128").ok();
    assert_eq!(
        told(&target, Some(json!({"audience": "mesh"})))["spec"]["cluster"],
        json!({
            "server": "https://gateway.example.com:8443/k8s/c-1",
            "insecure-skip-tls-verify": true,
            "tls-server-name": "api.internal",
            "proxy-url": "http://u:p@proxy:3128",
            "config": {"audience": "mesh"},
        })
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_with_what_to_do() {
    let absent = Exec {
        command: Some("istiopca-no-such-program".to_owned()),
        ..script("", &[])
    };
    assert_eq!(
        refused(&absent).await.why,
        "the program \"istiopca-no-such-program\" is not there; a cluster of EKS needs none where eks_cluster_name \
         names it"
    );
    let exec = ExecConfig {
        api_version: Some("client.authentication.k8s.io/v1".to_owned()),
        command: Some("/no/such/program".to_owned()),
        install_hint: Some("\u{1b}[1mbrew install\u{1b}[0m it\n".to_owned()),
        ..ExecConfig::default()
    };
    let program = Program::of_user(&exec, None).unwrap();
    let refused = program
        .for_target(&target(), clock())
        .obtain()
        .await
        .unwrap_err();
    assert!(
        refused
            .why
            .starts_with("the program \"/no/such/program\" is not there (brew install it); "),
        "{refused}"
    );
    assert!(!refused.is_transient);
    let directory = Exec {
        command: Some("/".to_owned()),
        ..script("", &[])
    };
    assert_eq!(
        self::refused(&directory).await.why,
        "the program \"/\" cannot be run: Permission denied (os error 13)"
    );
}

#[tokio::test]
async fn a_program_that_fails_is_told_with_its_last_words_and_no_secret() {
    let text = format!("{PRINTS}; echo \"no profile for $OWN, got $GIVEN\" >&2; exit 3");
    let refused = refused(&script(
        &text,
        &[("OWN", "hunter2"), ("GIVEN", "token-0123456789")],
    ))
    .await;
    assert_eq!(
        refused.why,
        "the program \"/bin/sh\" failed (exit status: 3); its last words: no profile for (hidden), got (hidden)"
    );
    assert!(!refused.is_transient);
    let silent = self::refused(&script("kill -TERM $$", &[])).await;
    assert_eq!(
        silent.why,
        "the program \"/bin/sh\" failed (signal: 15 (SIGTERM)); it did not say why"
    );
}

#[tokio::test]
async fn a_program_that_prints_no_credential_is_told_without_what_it_printed() {
    let refused = refused(&script("echo hunter2", &[])).await;
    assert_eq!(
        refused.why,
        "the program \"/bin/sh\" printed something else than an ExecCredential in JSON (line 1, column 1)"
    );
    let much = self::refused(&script("exec cat /dev/zero", &[])).await;
    assert_eq!(
        much.why,
        "the program \"/bin/sh\" printed more than a credential can be long"
    );
}

/// Waits until no process of that number runs; one that nobody has waited for yet counts as ended.
fn ends(id: &str) {
    let stat = PathBuf::from(format!("/proc/{}/stat", id.trim()));
    let deadline = Instant::now() + Duration::from_secs(20);
    let runs = || fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
    while runs() {
        assert!(Instant::now() < deadline, "process {id} runs on");
        std::thread::yield_now();
    }
}

const HANGS: &str = "sleep 60 & echo $! > child; echo $$ > leader; echo waiting for a browser >&2; touch ready; wait";

#[tokio::test]
async fn a_program_that_hangs_is_stopped_with_all_that_it_started() {
    let scratch = Scratch::new("hangs");
    let text = format!("cd {}; {HANGS}", scratch.0.display());
    let runner = Runner {
        patience: Duration::from_millis(1500),
        ..runner(&script(&text, &[]))
    };
    let refused = runner.obtain().await.unwrap_err();
    assert_eq!(
        refused.why,
        "the program \"/bin/sh\" did not end within 1.5 s and was stopped; its last words: waiting for a browser"
    );
    assert!(refused.is_transient);
    ends(&scratch.text("leader"));
    ends(&scratch.text("child"));
}

#[tokio::test]
async fn whoever_stops_waiting_stops_the_program_with_all_that_it_started() {
    let scratch = Scratch::new("dropped");
    let text = format!("cd {}; {HANGS}", scratch.0.display());
    let runner = runner(&script(&text, &[]));
    let ready = async {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !scratch.0.join("ready").exists() {
            assert!(Instant::now() < deadline, "the program did not begin");
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        done = runner.obtain() => panic!("it should hang: {done:?}"),
        () = ready => {}
    }
    ends(&scratch.text("leader"));
    ends(&scratch.text("child"));
}

#[tokio::test]
async fn what_lives_on_behind_a_program_holds_nobody_up() {
    let text = format!("sleep 60 >/dev/null & echo $! >&2; {PRINTS}; exit 1");
    let refused = refused(&script(&text, &[("GIVEN", "t")])).await;
    let (_, id) = refused.why.split_once("its last words: ").unwrap();
    let id: i32 = id.parse().unwrap();
    let child = rustix::process::Pid::from_raw(id).unwrap();
    // It is not ours to stop, but for the test.
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_certificate_that_a_program_prints_signs_in() {
    let answer = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "clientCertificateData": IDENTITY.certificate,
            "clientKeyData": IDENTITY.key,
        },
    });
    let answer = answer.to_string();
    let pass = runner(&script("printf %s \"$ANSWER\"", &[("ANSWER", &answer)]));
    let pass = pass.obtain().await.unwrap();
    assert_eq!(pass.identity.unwrap().key.expose(), IDENTITY.key);
    assert!(pass.token.is_none());
}

#[tokio::test]
async fn the_block_leads_to_a_cluster_that_signs_in_by_the_program() {
    let settings = Settings {
        host: Some("https://a.example.com".to_owned()),
        exec: vec![script("exit 7", &[])],
        ..Settings::default()
    };
    let none = |_: &Path| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let Resolved::Target(target) = resolve(&settings, &|_| None, &none, &clock()).unwrap() else {
        panic!("it is no cluster of EKS");
    };
    let cluster = Cluster::connect(&target).unwrap();
    let at = crate::cluster::SecretName::new("istio-system", "cacerts").unwrap();
    let refused = cluster.read(&at).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("failed (exit status: 7)"), "{refused}");
    assert_eq!(
        format!("{:?}", target.issuer().unwrap()),
        "Runner(Program(\"/bin/sh\", …))"
    );
}

#[test]
fn nothing_of_a_program_but_its_name_is_shown() {
    let block = script("--secret hunter2", &[("A", "hunter2")]);
    let shown = format!("{block:?} {:?}", runner(&block));
    assert!(
        shown.contains("/bin/sh") && !shown.contains("hunter2"),
        "{shown}"
    );
}
