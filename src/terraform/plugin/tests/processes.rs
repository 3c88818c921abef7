//! What only a process of its own can show: stdout, signals, panics, the exit.
//!
//! The process is this test binary again, told by a variable to be a plugin instead.

use std::io::{BufRead as _, BufReader, Read as _, read_to_string};
use std::process::{Child, ChildStdout, ExitStatus};
use std::thread::{JoinHandle, sleep, spawn};

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};

use super::host::COOKIE;
use super::*;
use crate::terraform::log;

const MODE: &str = "ISTIOPCA_TEST_PLUGIN";
const ABOUT: About = About {
    address: "example.com/acme/mesh",
    version: "1.2.3",
};

/// Not a test by itself: the body of the processes that the tests below start.
#[test]
fn being_the_plugin() {
    let Ok(mode) = env::var(MODE) else {
        return;
    };
    log::init(ABOUT.name(), || jiff::Timestamp::UNIX_EPOCH);
    log::tell_panics();
    let code = match mode.as_str() {
        "debug" => {
            run(reattach::debug(ABOUT, Stub)).unwrap();
            ExitCode::SUCCESS
        }
        "panics at the end" => serve(ABOUT, Stub, || panic!("a bug in main\nof two lines")),
        "tells its limits" => serve(ABOUT, Stub, tell_limits),
        _ => serve(ABOUT, Stub, || println!("junk at the end")),
    };
    let failed = format!("{code:?}") == format!("{:?}", ExitCode::FAILURE);
    std::process::exit(i32::from(failed));
}

fn tell_limits() {
    for (name, resource) in [("core", Resource::Core), ("files", Resource::Nofile)] {
        eprintln!("limit of {name}: {:?}", getrlimit(resource));
    }
    #[cfg(target_os = "linux")]
    eprintln!("{:?}", rustix::process::dumpable_behavior());
}

/// Few open files, as macOS has it, and core dumps as large as we may allow them.
const AS_STARTED: &str = r#"ulimit -Sn 256; ulimit -Sc "$(ulimit -Hc)"; exec "$@""#;

struct Plugin {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Read from the start: a full pipe would block the process.
    stderr: Option<JoinHandle<String>>,
}

/// How a process ended, and what it had printed.
struct Ended {
    status: ExitStatus,
    /// After the lines that a test has read.
    stdout: String,
    stderr: String,
}

impl Plugin {
    fn start(mode: &str, variables: &[(&str, &str)]) -> Self {
        let module = module_path!().split_once("::").unwrap().1;
        let mut child = Command::new("sh")
            .args(["-c", AS_STARTED, "sh"])
            .arg(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", "--test-threads=2"])
            .arg(format!("{module}::being_the_plugin"))
            .env_remove("TF_LOG")
            .env(MODE, mode)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = child.stderr.take().unwrap();
        Self {
            child,
            stdout,
            stderr: Some(spawn(|| read_to_string(stderr).unwrap())),
        }
    }

    /// The first line that begins so; what the test framework prints before is not the plugin's.
    fn line(&mut self, begin: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "no line that begins with {begin:?}");
            if let Some(at) = line.find(begin) {
                return line.split_off(at);
            }
        }
    }

    /// Waits for the end for a while.
    #[track_caller]
    fn end(mut self, patience: Duration) -> Ended {
        let asked = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(asked.elapsed() < patience, "the process lives on");
            sleep(Duration::from_millis(2));
        };
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        Ended {
            status,
            stdout,
            stderr: self.stderr.take().unwrap().join().unwrap(),
        }
    }

    fn interrupt(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // Nothing is left to kill where all went well.
        let _ = self.child.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stdout_holds_the_line_and_nothing_else_and_the_process_ends_in_time() {
    let host = Credentials::new();
    let started = [COOKIE, ("PLUGIN_CLIENT_CERT", &host.pem)];
    let mut plugin = Plugin::start("serves", &started);
    let line = Line::parse(&plugin.line("1|6|"));
    let channel = connect(&line, Some(&host));
    // More junk than a pipe holds, in one line that is longer than a host can read.
    schema(&channel).await.unwrap();
    // Work that nobody can cancel.
    read(&channel, "blocks").await.unwrap();
    shut_down(&channel).await.unwrap();
    drop(channel);

    let ended = plugin.end(KILLED_AFTER);
    assert!(ended.status.success(), "{}", ended.status);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("junk on stdout"));
    assert!(ended.stderr.contains("junk at the end"));
    assert!(!line.socket.parent().unwrap().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_is_the_hosts_business() {
    let mut plugin = Plugin::start("serves", &[COOKIE]);
    let line = Line::parse(&plugin.line("1|6|"));
    let channel = connect(&line, None);
    plugin.interrupt();
    read(&channel, "anything")
        .await
        .expect("the process lives on");
    shut_down(&channel).await.unwrap();
    drop(channel);
    assert!(plugin.end(PATIENCE).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_handler_is_a_log_line_and_one_in_main_a_crash() {
    let mut plugin = Plugin::start("panics at the end", &[COOKIE]);
    let line = Line::parse(&plugin.line("1|6|"));
    let channel = connect(&line, None);
    read(&channel, "panics").await.unwrap_err();
    read(&channel, "anything")
        .await
        .expect("the process lives on");
    // The answer may be lost in the crash.
    let _ = shut_down(&channel).await;
    drop(channel);
    let stderr = plugin.end(PATIENCE).stderr;
    let (before, crash) = stderr
        .split_once("panic: a bug in main\nof two lines\n")
        .unwrap();
    assert!(before.ends_with('\n'), "a crash begins a line");
    assert!(crash.contains("plugin/tests/processes.rs:"), "{crash}");
    let logged = before
        .lines()
        .find(|line| line.contains("a bug in a handler"));
    let logged: serde_json::Value = serde_json::from_str(logged.unwrap()).unwrap();
    assert_eq!(logged["@level"], "error");
    assert_eq!(logged["tf_resource_type"], "panics");
    assert_eq!(logged["@timestamp"], "1970-01-01T00:00:00.000000Z");
    let location = logged["panic_location"].as_str().unwrap();
    assert!(location.contains("plugin/tests/stub.rs:"), "{location}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_leaves_no_core_and_may_open_what_a_fleet_needs() {
    let mut plugin = Plugin::start("tells its limits", &[COOKIE]);
    let line = Line::parse(&plugin.line("1|6|"));
    let channel = connect(&line, None);
    shut_down(&channel).await.unwrap();
    drop(channel);
    let told = plugin.end(PATIENCE).stderr;
    let none = "limit of core: Rlimit { current: Some(0), maximum: Some(0) }";
    assert!(told.contains(none), "{told}");
    let hard = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    let raised = format!(
        "limit of files: Rlimit {{ current: Some({}), ",
        hard.min(4096)
    );
    assert!(told.contains(&raised), "{told}");
    #[cfg(target_os = "linux")]
    assert!(told.contains("Ok(NotDumpable)"), "{told}");
}

#[test]
fn somebody_who_starts_it_by_hand_is_told_what_it_is() {
    let ended = Plugin::start("serves", &[(COOKIE.0, "wrong")]).end(PATIENCE);
    assert_eq!(ended.status.code(), Some(1));
    assert!(!ended.stdout.contains('|'), "{}", ended.stdout);
    let told = ABOUT.to_somebody_by_hand();
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
}

#[test]
fn a_bad_certificate_is_told_as_an_error_line() {
    let started = [COOKIE, ("PLUGIN_CLIENT_CERT", "no PEM")];
    let Ended { status, stderr, .. } = Plugin::start("serves", &started).end(PATIENCE);
    assert_eq!(status.code(), Some(1));
    let told = "[ERROR] terraform-provider-mesh: PLUGIN_CLIENT_CERT should hold one PEM \
                certificate, but holds none\n";
    assert!(stderr.contains(told), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debugged_provider_prints_how_to_attach_and_ends_with_an_interrupt() {
    let mut plugin = Plugin::start("debug", &[]);
    let text = plugin.line("TF_REATTACH_PROVIDERS=");
    let json = text
        .trim_end()
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .unwrap();
    let json: serde_json::Value = serde_json::from_str(json.strip_suffix('\'').unwrap()).unwrap();
    let entry = &json[ABOUT.address];
    let line = Line {
        socket: entry["Addr"]["String"].as_str().unwrap().into(),
        certificate: None,
    };
    let channel = connect(&line, None);
    read(&channel, "anything").await.unwrap();
    plugin.interrupt();
    let status = plugin.end(PATIENCE).status;
    assert!(status.success(), "{status}");
    assert!(!line.socket.exists());
}
