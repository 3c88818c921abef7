//! The real programs that the stories run with: built once from the Go modules beside this crate,
//! or found on `PATH`.
//!
//! Each part has a small go.mod and go.sum of its own under `parts/`, pinned; the binary is kept in
//! the target directory by version, so that only a new version is built again.

use std::collections::VecDeque;
use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;

/// A program of a fixed version that can be built from a Go module.
#[derive(Debug)]
pub struct Part {
    /// The program's name.
    pub name: &'static str,
    /// The version of its module, without the leading `v`.
    pub version: &'static str,
    /// The directory of its go.mod under `parts/`.
    directory: &'static str,
    /// What is built there, as `go build` names it.
    package: &'static str,
    /// Whether the package is a directory of ours beside the go.mod, which changes as we do.
    ours: bool,
    /// Whether any version on `PATH` does as well.
    any: bool,
    /// The variable that the linker writes the version into, for a program that does not find it
    /// out by itself.
    version_in: Option<&'static str>,
    /// About how many minutes a first build takes on two cores.
    minutes: &'static str,
}

/// The store behind the API server.
pub const ETCD: Part = Part {
    name: "etcd",
    version: "3.6.5",
    directory: "etcd",
    package: "go.etcd.io/etcd/server/v3",
    ours: false,
    any: false,
    version_in: None,
    minutes: "2 minutes",
};

/// The real Kubernetes API server.
pub const KUBE_APISERVER: Part = Part {
    name: "kube-apiserver",
    version: "1.34.4",
    directory: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-apiserver",
    ours: false,
    any: false,
    version_in: None,
    minutes: "6 minutes",
};

/// What makes Deployments roll, beside the API server.
pub const KUBE_CONTROLLER_MANAGER: Part = Part {
    name: "kube-controller-manager",
    version: "1.34.4",
    directory: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    ours: false,
    any: false,
    version_in: None,
    minutes: "4 minutes",
};

/// The outside witness of what is in the cluster; the one on `PATH` where there is one.
pub const KUBECTL: Part = Part {
    name: "kubectl",
    version: "1.34.4",
    directory: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kubectl",
    ours: false,
    any: true,
    version_in: None,
    minutes: "2 minutes",
};

/// OpenTofu's command line.
pub const TOFU: Part = Part {
    name: "tofu",
    version: "1.12.6",
    directory: "opentofu",
    package: "github.com/opentofu/opentofu/cmd/tofu",
    ours: false,
    any: false,
    version_in: None,
    minutes: "7 minutes",
};

/// Runs a core over a fleet of configurations.
pub const TERRAGRUNT: Part = Part {
    name: "terragrunt",
    version: "1.0.0",
    directory: "terragrunt",
    package: "github.com/gruntwork-io/terragrunt",
    ours: false,
    any: false,
    version_in: Some("github.com/gruntwork-io/go-commons/version.Version"),
    minutes: "4 minutes",
};

/// What Istio's own code makes of a bundle: a small program of ours around it.
pub const ISTIO_JUDGE: Part = Part {
    name: "istio-judge",
    version: ISTIO,
    directory: "istio",
    package: "./judge",
    ours: true,
    any: false,
    version_in: None,
    minutes: "2 minutes",
};

/// The real istiod, of Istio 1.31.
pub const ISTIOD: Part = Part {
    name: "pilot-discovery",
    version: ISTIO,
    directory: "istio",
    package: "istio.io/istio/pilot/cmd/pilot-discovery",
    ours: false,
    any: false,
    version_in: None,
    minutes: "6 minutes",
};

/// Istio's tags are no versions to Go; this is a commit of the branch for 1.31.
const ISTIO: &str = "0.0.0-20260827124520-eed52ebb66ad";

/// Every part, in the order in which they are best built.
pub const ALL: [&Part; 8] = [
    &ETCD,
    &KUBE_APISERVER,
    &KUBE_CONTROLLER_MANAGER,
    &KUBECTL,
    &TOFU,
    &TERRAGRUNT,
    &ISTIO_JUDGE,
    &ISTIOD,
];

/// Why a part cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A program that is never built is not installed.
    #[error("{program} is not on PATH; these tests need {need}")]
    Missing {
        /// The program.
        program: &'static str,
        /// What would do.
        need: &'static str,
    },
    /// There is no Go to build with.
    #[error(
        "{part} has to be built, for which `go` must be on PATH, and it cannot be run: {source}"
    )]
    Go {
        /// Name and version.
        part: String,
        /// Why not.
        source: io::Error,
    },
    /// Go could not build it.
    #[error("{part} could not be built from {module} ({status}); its last words:\n{last_words}")]
    Build {
        /// Name and version.
        part: String,
        /// The directory of the go.mod.
        module: PathBuf,
        /// How `go build` ended.
        status: std::process::ExitStatus,
        /// The end of its output.
        last_words: String,
    },
    /// The place for the binary cannot be used.
    #[error("{part} cannot be kept in {directory}: {source}")]
    Keep {
        /// Name and version.
        part: String,
        /// Where.
        directory: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Part {
    /// The program, built first if it is not there yet; progress is told on standard error.
    ///
    /// Of several processes that need it at once, one builds and the others wait. This blocks, for
    /// minutes at worst.
    ///
    /// # Errors
    ///
    /// When there is no Go, the build fails, or the target directory cannot be written.
    pub fn path(&self) -> Result<PathBuf, PartError> {
        if self.any
            && let Some(path) = on_path(self.name)
        {
            return Ok(path);
        }
        let parts = target_dir().join("parts");
        let keep = |source| PartError::Keep {
            part: self.to_string(),
            directory: parts.clone(),
            source,
        };
        let directory = parts.join(self.kept_as().map_err(keep)?);
        let kept = directory.join(self.name);
        if kept.is_file() {
            return Ok(kept);
        }
        fs::create_dir_all(&directory).map_err(keep)?;
        let _lock = lock(&directory.with_file_name("lock")).map_err(keep)?;
        if !kept.is_file() {
            let unfinished = directory.join("unfinished");
            self.build(&unfinished)?;
            fs::rename(&unfinished, &kept).map_err(keep)?;
        }
        Ok(kept)
    }

    /// The name of its directory: another one whenever what is built would be another program.
    fn kept_as(&self) -> io::Result<String> {
        let name = format!("{}-{}", self.name, self.version);
        if !self.ours {
            return Ok(name);
        }
        let module = self.module();
        let mut files = vec![module.join("go.mod")];
        for entry in fs::read_dir(module.join(self.package))? {
            files.push(entry?.path());
        }
        files.sort();
        Ok(format!("{name}-{}", fingerprint(&files)?))
    }

    fn module(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("parts")
            .join(self.directory)
    }

    fn build(&self, output: &Path) -> Result<(), PartError> {
        let module = self.module();
        tell(format_args!(
            "building {self} from its Go module, about {} on two cores",
            self.minutes
        ));
        let begun = Instant::now();
        let mut go = self
            .go(&module, output)
            .spawn()
            .map_err(|source| PartError::Go {
                part: self.to_string(),
                source,
            })?;
        let last_words = go
            .stderr
            .take()
            .map(|words| self.follow(words, begun))
            .unwrap_or_default();
        let status = go.wait().map_err(|source| PartError::Go {
            part: self.to_string(),
            source,
        })?;
        if !status.success() {
            return Err(PartError::Build {
                part: self.to_string(),
                module,
                status,
                last_words,
            });
        }
        tell(format_args!(
            "built {self} in {} s",
            begun.elapsed().as_secs()
        ));
        Ok(())
    }

    /// `-mod=readonly`: what go.sum does not know is not fetched. `-v` names each package as it is
    /// compiled.
    fn go(&self, module: &Path, output: &Path) -> Command {
        let version = self
            .version_in
            .map(|variable| format!(" -X {variable}=v{}", self.version));
        let mut go = Command::new("go");
        go.args([
            "build",
            "-v",
            "-mod=readonly",
            "-trimpath",
            "-buildvcs=false",
        ])
        .arg(format!("-ldflags=-s -w{}", version.unwrap_or_default()))
        .arg("-o")
        .arg(output)
        .arg(self.package)
        .current_dir(module)
        .env("CGO_ENABLED", "0")
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
        go
    }

    /// Tells every half minute how far `go build` is; returns the end of what it said that is no
    /// progress.
    fn follow(&self, words: impl io::Read, begun: Instant) -> String {
        let (mut compiled, mut downloaded, mut told) = (0, 0, begun);
        let mut last: VecDeque<String> = VecDeque::new();
        for line in BufReader::new(words).lines().map_while(Result::ok) {
            match &line {
                line if line.starts_with("go: downloading ") => downloaded += 1,
                line if !line.contains(' ') => compiled += 1,
                _ => last.push_back(line),
            }
            last.drain(..last.len().saturating_sub(LAST_WORDS));
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let seconds = begun.elapsed().as_secs();
                tell(format_args!(
                    "building {self}: {seconds} s, {downloaded} modules, {compiled} packages"
                ));
            }
        }
        Vec::from(last).join("\n")
    }
}

/// Name and version.
impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Terraform's command line, which is only ever taken from `PATH`: its modules cannot be built from
/// outside.
///
/// # Errors
///
/// When it is not there.
pub fn terraform() -> Result<PathBuf, PartError> {
    on_path("terraform").ok_or(PartError::Missing {
        program: "terraform",
        need: "Terraform 1.11 or later",
    })
}

/// The workspace's target directory: the one in which this executable was built.
#[must_use]
pub fn target_dir() -> PathBuf {
    let built_in = || {
        let executable = env::current_exe().ok()?;
        executable
            .ancestors()
            .find(|above| above.join("CACHEDIR.TAG").is_file())
            .map(Path::to_owned)
    };
    built_in()
        .or_else(|| env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"))
}

/// Sixteen hex digits that change with the files.
fn fingerprint(files: &[PathBuf]) -> io::Result<String> {
    let mut digest = digest::Context::new(&digest::SHA256);
    for file in files {
        let content = fs::read(file)?;
        digest.update(
            &u64::try_from(content.len())
                .unwrap_or(u64::MAX)
                .to_be_bytes(),
        );
        digest.update(&content);
    }
    let bytes = digest.finish();
    Ok(bytes.as_ref()[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

/// The first file of that name in a directory of `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// One build at a time on a machine: a second Go build beside it would only slow down both.
fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            tell(format_args!(
                "waiting for another process that builds parts"
            ));
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    Ok(file)
}

/// A line of progress, past the test harness, which would keep it until the test ends.
fn tell(line: std::fmt::Arguments<'_>) {
    // Without a standard error nobody is there to be told.
    let _ = writeln!(io::stderr(), "parts: {line}");
}

const LAST_WORDS: usize = 20;
const TELL_EVERY: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_module_requires_the_version_that_the_part_names() {
        for part in ALL {
            let module = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("parts")
                .join(part.directory)
                .join("go.mod");
            let module = fs::read_to_string(module).unwrap();
            let direct = module
                .lines()
                .find_map(|line| line.strip_prefix("require ").filter(|rest| *rest != "("))
                .unwrap();
            assert!(
                direct.ends_with(&format!(" v{}", part.version)),
                "{part}: go.mod requires {direct}"
            );
        }
    }

    #[test]
    fn a_program_of_ours_is_kept_apart_from_what_it_was_before_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let directory: &'static str = Box::leak(dir.path().to_str().unwrap().into());
        let part = Part {
            directory,
            ..ISTIO_JUDGE
        };
        fs::write(dir.path().join("go.mod"), "module ours\n").unwrap();
        let judge = dir.path().join("judge");
        fs::create_dir(&judge).unwrap();
        let kept_with = |source: &str| {
            fs::write(judge.join("main.go"), source).unwrap();
            part.kept_as().unwrap()
        };
        let before = kept_with("package main\n");
        assert!(
            before.starts_with(&format!("istio-judge-{ISTIO}-")),
            "{before}"
        );
        assert_ne!(kept_with("package main \n"), before);
        assert_eq!(kept_with("package main\n"), before);
        fs::write(dir.path().join("go.mod"), "module other\n").unwrap();
        assert_ne!(kept_with("package main\n"), before);
    }

    #[test]
    fn a_part_that_does_not_compile_is_refused_with_the_words_of_the_compiler() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("go.mod"), "module broken\n\ngo 1.24\n").unwrap();
        fs::write(
            dir.path().join("main.go"),
            "package main\n\nfunc main() { undefined() }\n",
        )
        .unwrap();
        let directory: &'static str = Box::leak(dir.path().to_str().unwrap().into());
        let part = Part {
            name: "broken",
            version: "0",
            directory,
            package: ".",
            ours: true,
            any: false,
            version_in: None,
            minutes: "no time",
        };
        let error = part.build(&dir.path().join("out")).unwrap_err().to_string();
        assert!(error.contains("broken 0 could not be built"), "{error}");
        assert!(
            error.contains("main.go:3:15: undefined: undefined"),
            "{error}"
        );
    }

    #[test]
    fn progress_is_kept_out_of_the_last_words() {
        let said = "go: downloading k8s.io/api v0.34.4\nk8s.io/api/core/v1\n# broken\nmain.go:1:1: no such thing\n";
        assert_eq!(
            ETCD.follow(said.as_bytes(), Instant::now()),
            "# broken\nmain.go:1:1: no such thing"
        );
    }

    #[test]
    fn a_program_is_found_on_the_path() {
        assert!(on_path("sh").is_some());
        assert_eq!(on_path("no-such-program-anywhere"), None);
    }
}
