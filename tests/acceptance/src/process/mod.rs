//! Programs that the tests start: each dies with the test that started it, however that ends.

mod daemon;
mod run;
mod running;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

pub use daemon::Daemon;
pub use run::{Outcome, Run, fold};
pub use running::Running;

/// Kills its program when standard input ends, which the kernel sees to when the test process is
/// gone.
///
/// Ctrl-C has its usual effect on the program also where it has none on us, as in a job that a
/// script runs in the background.
///
/// The program takes the shell's place, so that its process id, its exit code and its signals are
/// its own. The watcher is in the program's process group: as long as it lives, no other process
/// can be given that id.
const GUARD: &str = r#"
leftovers=$1
shift
exec 3<&0
(
    cat <&3
    kill -s KILL $$
    if [ -n "$leftovers" ]; then
        rm -rf -- "$leftovers" || { sleep 1; rm -rf -- "$leftovers"; }
        rmdir -- "${leftovers%/*}"
    fi
    kill -s KILL -- -$$
) >/dev/null 2>&1 &
exec env --default-signal=INT "$@" </dev/null 3<&-
"#;

/// A command that runs `program` in a process group of its own until it ends, or until the write
/// end of its standard input is closed.
///
/// Standard input is the leash: whoever spawns the command keeps it. `leftovers` is a directory
/// that is removed when the leash is let go, with the one above it if that is empty then.
pub fn guarded(program: &Path, leftovers: Option<&Path>) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", GUARD, "sh"])
        .arg(leftovers.map(Path::as_os_str).unwrap_or_default())
        .arg(program)
        .stdin(Stdio::piped())
        .process_group(0);
    command
}

/// Runs a [`guarded`] command to its end, or kills it at the deadline; `line` is the command as
/// messages show it.
pub async fn run(command: Command, line: &str, deadline: Duration) -> Run {
    match Running::start(command, line) {
        Ok(running) => running.wait(deadline).await,
        Err(error) => Run::not_started(line, &error),
    }
}

/// Takes away every environment variable but those without which no program runs; `home` becomes
/// the home directory.
///
/// What the developer's shell says about Terraform, AWS, Kubernetes or a proxy must not reach a
/// test.
pub fn clean(command: &mut Command, home: &Path) {
    command.env_clear().env("HOME", home);
    for kept in ["PATH", "TMPDIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
}

/// How the environment variables begin that change what a core, the AWS SDK or a Kubernetes client
/// does.
pub const MEDDLING: [&str; 5] = ["TF_", "TOFU_", "AWS_", "KUBE", "ISTIOPCA_"];

/// The variables that change whom they reach; in lower case too.
pub const PROXIES: [&str; 3] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// Whether a variable of that name is one of [`MEDDLING`] or [`PROXIES`].
#[must_use]
pub fn meddles(name: &str) -> bool {
    MEDDLING.iter().any(|start| name.starts_with(start))
        || PROXIES.iter().any(|proxy| proxy.eq_ignore_ascii_case(name))
}

/// The variables of this process that [`meddles`] is true of.
pub fn meddling() -> impl Iterator<Item = String> {
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| meddles(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_clients_meddles_and_what_finds_a_program_does_not() {
        for name in [
            "TF_LOG",
            "TF_VAR_mesh",
            "AWS_PROFILE",
            "KUBECONFIG",
            "KUBE_HOST",
            "https_proxy",
        ] {
            assert!(meddles(name), "{name}");
        }
        for name in ["PATH", "HOME", "TFENV_ROOT", "ASDF_DIR", "NO_PROXY"] {
            assert!(!meddles(name), "{name}");
        }
    }
}
