//! Istio's own opinion of bundles: the client of the program `istio-judge`.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::bundles::{Case, Files};
use crate::parts::{ISTIO_JUDGE, PartError};
use crate::process::clean;

/// The program, running; it ends when this is dropped or the test process dies.
#[derive(Debug)]
pub struct Judge {
    child: Child,
    requests: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
    // Removed after the program has ended.
    place: tempfile::TempDir,
}

/// Why Istio has no opinion.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The program cannot be had.
    #[error(transparent)]
    Part(#[from] PartError),
    /// It cannot be started.
    #[error("istio-judge cannot be started: {0}")]
    Start(#[source] io::Error),
    /// It ended, or cannot be talked to.
    #[error("istio-judge does not answer ({source}); its last words:\n{last_words}")]
    Silent {
        /// What failed.
        source: io::Error,
        /// What it said.
        last_words: String,
    },
    /// It says what is no answer.
    #[error("istio-judge answered {answer:?}: {source}")]
    Answer {
        /// The line.
        answer: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// `ok`, or the text of Istio's error.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Verdict(Result<(), String>);

/// What one bundle, or one step between two, comes to. What was not reached is absent.
#[derive(Clone, Debug, Deserialize)]
pub struct Opinion {
    /// Whether istiod accepts the files.
    pub load: Verdict,
    /// Whether istiod gets up with them: its own certificate, its clients' roots.
    pub start: Option<Verdict>,
    /// Whether it signs a workload's certificate.
    pub sign: Option<Verdict>,
    /// Whether the workload's peers accept it.
    pub peers: Option<Roles>,
    /// What `util.VerifyCertificate` says of it.
    pub istio: Option<Verdict>,
    /// Whether workloads accept istiod itself.
    pub serving: Option<Verdict>,
    /// Whether istiod accepts the bundle before it.
    pub previous: Option<Verdict>,
    /// What an istiod that runs with the bundle before does about this one.
    pub reload: Option<Reload>,
    /// The time in which not every workload has its new certificate.
    pub cross: Option<Cross>,
    /// What the workload got, when asked for.
    pub workload: Option<Workload>,
}

/// A certificate in both roles.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Roles {
    /// Presented to a client.
    pub server: Verdict,
    /// Presented to a server.
    pub client: Verdict,
}

/// Reloading, by version and setting.
#[derive(Clone, Debug, Deserialize)]
pub struct Reload {
    /// Without `ISTIO_MULTIROOT_MESH`.
    pub plain: Verdict,
    /// With it, from 1.30 on.
    pub multiroot: Verdict,
    /// With it, up to 1.29.
    pub multiroot_129: Verdict,
}

/// Certificates of one bundle before the roots of the other.
#[derive(Clone, Debug, Deserialize)]
pub struct Cross {
    /// Who still has the old certificate, before whom already has the new roots.
    pub old_leaf_new_roots: Roles,
    /// The reverse.
    pub new_leaf_old_roots: Roles,
}

/// What istiod gives to a workload, as PEM.
#[derive(Clone, Debug, Deserialize)]
pub struct Workload {
    /// Its certificate, and what it presents with it.
    pub chain: String,
    /// Its key, PKCS#8.
    pub key: String,
    /// What it trusts: root-cert.pem as it is.
    pub roots: String,
}

/// What kind of key the workloads have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeafKey {
    /// P-256, as ztunnel has.
    #[default]
    Ecdsa,
    /// RSA with 2048 bits, as sidecars have.
    Rsa,
}

impl Judge {
    /// Starts the program, which is built first if it is not there yet: that blocks for minutes.
    ///
    /// # Errors
    ///
    /// When it cannot be built or started.
    pub fn start() -> Result<Self, JudgeError> {
        let program = ISTIO_JUDGE.path()?;
        Self::run(&program).map_err(JudgeError::Start)
    }

    fn run(program: &Path) -> io::Result<Self> {
        let place = in_memory()?;
        let mut command = Command::new(program);
        clean(&mut command, place.path());
        let mut child = command
            .arg(place.path())
            // It needs little memory, and would spend a tenth of its time on keeping it little.
            .env("GOGC", "400")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(words(&place))?)
            .spawn()?;
        let piped = || io::Error::other("a stream was not piped");
        Ok(Self {
            requests: BufWriter::new(child.stdin.take().ok_or_else(piped)?),
            answers: BufReader::new(child.stdout.take().ok_or_else(piped)?),
            child,
            place,
        })
    }

    /// An opinion of each case, in order.
    ///
    /// # Errors
    ///
    /// When the program ends or says nonsense; it cannot be asked again then.
    pub fn ask(&mut self, cases: &[Case]) -> Result<Vec<Opinion>, JudgeError> {
        let requests = cases
            .iter()
            .map(|case| request(&case.files, case.previous.as_ref()));
        self.ask_all(cases.len(), requests)
    }

    /// An opinion of one bundle, and the certificate of a workload with such a key.
    ///
    /// # Errors
    ///
    /// As [`ask`](Self::ask).
    pub fn ask_for_leaf(&mut self, files: &Files, key: LeafKey) -> Result<Opinion, JudgeError> {
        let mut asked = request(files, None);
        asked["leaf"] = json!(true);
        asked["leaf_key"] = json!(match key {
            LeafKey::Ecdsa => "ecdsa",
            LeafKey::Rsa => "rsa",
        });
        let mut opinions = self.ask_all(1, std::iter::once(asked))?;
        Ok(opinions.remove(0))
    }

    /// Writes on a thread of its own: the program answers while it is still being asked.
    fn ask_all(
        &mut self,
        count: usize,
        requests: impl Iterator<Item = Value> + Send,
    ) -> Result<Vec<Opinion>, JudgeError> {
        let (pipe, answers) = (&mut self.requests, &mut self.answers);
        let (written, lines) = thread::scope(|scope| {
            let writer = scope.spawn(move || write(pipe, requests));
            let lines: io::Result<Vec<String>> = (0..count).map(|_| line(answers)).collect();
            (writer.join(), lines)
        });
        let written = written.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked));
        let lines = written.and(lines).map_err(|source| JudgeError::Silent {
            source,
            last_words: std::fs::read_to_string(words(&self.place)).unwrap_or_default(),
        })?;
        lines.into_iter().map(parse).collect()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        // Both fail only when the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Opinion {
    /// What istiod or a peer does not accept of a bundle by itself, each with its reason; what a
    /// step to it breaks is not among it.
    pub fn refusals(&self) -> Vec<String> {
        let peers = self.peers.as_ref();
        let stages = [
            ("load", Some(&self.load)),
            ("start", self.start.as_ref()),
            ("sign", self.sign.as_ref()),
            ("server", peers.map(|peers| &peers.server)),
            ("client", peers.map(|peers| &peers.client)),
            ("istio", self.istio.as_ref()),
            ("serving", self.serving.as_ref()),
        ];
        named_refusals(&stages)
    }

    /// What a step to the bundle breaks although the bundle is right: an istiod that does not
    /// reload it whatever its version and setting is not among it, since it can be restarted.
    pub fn broken_between(&self) -> Vec<String> {
        let Some(cross) = &self.cross else {
            return Vec::new();
        };
        let (old, new) = (&cross.old_leaf_new_roots, &cross.new_leaf_old_roots);
        named_refusals(&[
            ("old leaf, new roots, server", Some(&old.server)),
            ("old leaf, new roots, client", Some(&old.client)),
            ("new leaf, old roots, server", Some(&new.server)),
            ("new leaf, old roots, client", Some(&new.client)),
        ])
    }
}

impl Verdict {
    /// Whether it is accepted.
    pub fn passed(&self) -> bool {
        self.0.is_ok()
    }

    /// Istio's words against it; none when it is accepted.
    pub fn words(&self) -> &str {
        match &self.0 {
            Ok(()) => "",
            Err(words) => words,
        }
    }
}

impl From<String> for Verdict {
    fn from(text: String) -> Self {
        Self(if text == "ok" { Ok(()) } else { Err(text) })
    }
}

impl fmt::Debug for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(()) => f.write_str("ok"),
            Err(words) => write!(f, "{words:?}"),
        }
    }
}

fn named_refusals(stages: &[(&str, Option<&Verdict>)]) -> Vec<String> {
    let refused = stages.iter().filter_map(|(stage, verdict)| {
        verdict
            .filter(|verdict| !verdict.passed())
            .map(|verdict| format!("{stage}: {}", verdict.words()))
    });
    refused.collect()
}

/// A directory without a disk behind it where there is such a place: every bundle is written out.
fn in_memory() -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("istio-judge-");
    builder
        .tempdir_in("/dev/shm")
        .or_else(|_| builder.tempdir())
}

fn words(place: &tempfile::TempDir) -> PathBuf {
    place.path().join("words")
}

fn request(files: &Files, previous: Option<&Files>) -> Value {
    let mut request = json!({"files": encoded(files)});
    if let Some(previous) = previous {
        request["previous"] = encoded(previous);
    }
    request
}

/// By name, in base64 as Go reads bytes.
fn encoded(files: &Files) -> Value {
    let encoded = files
        .iter()
        .map(|(name, content)| (name.clone(), Value::String(STANDARD.encode(content))));
    Value::Object(encoded.collect::<Map<_, _>>())
}

fn write(
    pipe: &mut BufWriter<ChildStdin>,
    requests: impl Iterator<Item = Value>,
) -> io::Result<()> {
    for request in requests {
        writeln!(pipe, "{request}")?;
    }
    pipe.flush()
}

fn line(answers: &mut BufReader<ChildStdout>) -> io::Result<String> {
    let mut line = String::new();
    match answers.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

fn parse(answer: String) -> Result<Opinion, JudgeError> {
    serde_json::from_str(&answer).map_err(|source| JudgeError::Answer { answer, source })
}
