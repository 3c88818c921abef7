//! The built binary as a host starts it, without TLS, for stories about the process and the wire.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use hyper_util::rt::TokioIo;
use istiopca_acceptance::cli::provider_binary;
use istiopca_proto::tfplugin6::provider_client::ProviderClient;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

/// Shared by all hosts and providers.
const COOKIE: (&str, &str) = (
    "TF_PLUGIN_MAGIC_COOKIE",
    "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
);

/// A process of the provider that has said where it serves; it ends with this.
pub(crate) struct Plugin {
    child: Child,
    socket: PathBuf,
    /// The pipe that is its stdout must not break.
    _stdout: BufReader<ChildStdout>,
    /// Where it runs, and has its socket.
    pub(crate) place: TempDir,
}

impl Plugin {
    /// Starts it from a shell that has run `before`, and reads its line.
    pub(crate) fn start(before: &str) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let mut child = Command::new("sh")
            .args(["-c", &format!("{before}\nexec \"$0\"")])
            .arg(provider_binary())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", place.path())
            .env("TMPDIR", place.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env(COOKIE.0, COOKIE.1)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .current_dir(place.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let fields: Vec<&str> = line.trim_end().split('|').collect();
        let ["1", "6", "unix", socket, "grpc", ..] = fields[..] else {
            // Or it would live on.
            let _ = child.kill();
            panic!("not a handshake: {line:?}");
        };
        Self {
            child,
            socket: socket.into(),
            _stdout: stdout,
            place,
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Someone to call it.
    pub(crate) fn client(&self) -> ProviderClient<Channel> {
        let socket = self.socket.clone();
        let connector = service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel = endpoint.connect_with_connector_lazy(connector);
        ProviderClient::new(channel).max_decoding_message_size(usize::MAX)
    }

    /// Lets it crash, and says how it ended.
    pub(crate) fn crash(&mut self) -> ExitStatus {
        kill_process(Pid::from_child(&self.child), Signal::ABORT).expect("it runs");
        self.child.wait().expect("it ends")
    }
}

impl Drop for Plugin {
    fn drop(&mut self) {
        // Nothing is left to end where it has crashed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
