//! A program that runs beside the tests and writes a log.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A server in the background, killed when it is dropped or when the test process dies.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a [`guarded`](super::guarded) command whose output goes to the file `log`.
    ///
    /// # Errors
    ///
    /// When the log cannot be made or there is no shell.
    pub fn start(command: &mut Command, log: &Path) -> io::Result<Self> {
        let file = File::create(log)?;
        let child = command.stdout(file.try_clone()?).stderr(file).spawn()?;
        Ok(Self {
            child,
            log: log.to_owned(),
        })
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to end (SIGTERM) and waits until it has, or kills it at the deadline.
    pub async fn terminate(&mut self, grace: Duration) {
        let end = Instant::now() + grace;
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // An id that has been waited for may be somebody else's by now.
        if self.ended().is_none()
            && let Some(id) = id
        {
            let _ = kill_process(id, Signal::TERM);
        }
        while self.ended().is_none() && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let _ = self.child.kill();
    }

    /// The last `lines` lines of its log.
    #[must_use]
    pub fn last_words(&self, lines: usize) -> String {
        super::run::tail(&self.words(), lines)
    }

    /// Its log so far.
    #[must_use]
    pub fn words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Both fail only when the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::guarded;

    fn sleeper(dir: &Path, leftovers: Option<&Path>) -> Daemon {
        let mut command = guarded(Path::new("sh"), leftovers);
        command.args(["-c", "echo up; exec sleep 1000"]);
        let daemon = Daemon::start(&mut command, &dir.join("log")).unwrap();
        until("it is up", || daemon.last_words(1) == "up");
        daemon
    }

    #[track_caller]
    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !holds() {
            assert!(Instant::now() < end, "waited 20 s in vain until {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn alive(pid: u32) -> bool {
        Pid::from_raw(pid.cast_signed())
            .is_some_and(|pid| rustix::process::test_kill_process(pid).is_ok())
    }

    #[test]
    fn a_dropped_daemon_is_gone_and_so_are_its_leftovers() {
        let dir = tempfile::tempdir().unwrap();
        let leftovers = dir.path().join("leftovers");
        fs::create_dir(&leftovers).unwrap();
        let daemon = sleeper(dir.path(), Some(&leftovers));
        let pid = daemon.child.id();
        assert!(alive(pid));
        drop(daemon);
        assert!(!alive(pid));
        until("the leftovers are removed", || !leftovers.exists());
    }

    #[test]
    fn a_daemon_whose_leash_is_let_go_ends() {
        let dir = tempfile::tempdir().unwrap();
        let mut daemon = sleeper(dir.path(), None);
        assert_eq!(daemon.ended(), None);
        // What the kernel does with every file of a process that dies.
        drop(daemon.child.stdin.take());
        until("it is killed", || daemon.ended().is_some());
    }

    #[tokio::test]
    async fn a_daemon_may_say_goodbye_and_is_killed_if_it_says_nothing_else() {
        for (script, signal) in [
            ("trap 'echo bye; exit 3' TERM", false),
            ("trap '' TERM", true),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let mut command = guarded(Path::new("bash"), None);
            command.args([
                "-c",
                &format!("{script}; echo up; while :; do sleep 0.01; done"),
            ]);
            let mut daemon = Daemon::start(&mut command, &dir.path().join("log")).unwrap();
            until("it is up", || daemon.last_words(1) == "up");
            daemon.terminate(Duration::from_secs(1)).await;
            until("it has ended", || daemon.ended().is_some());
            let ended = daemon.ended().unwrap();
            assert_eq!(ended.code().is_none(), signal, "{ended}");
            assert_eq!(daemon.last_words(1) == "bye", !signal);
        }
    }

    #[test]
    fn a_daemon_that_fails_leaves_its_exit_code_and_its_words() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = guarded(Path::new("sh"), None);
        command.args(["-c", "echo one; echo two >&2; exit 7"]);
        let mut daemon = Daemon::start(&mut command, &dir.path().join("log")).unwrap();
        until("it has ended", || daemon.ended().is_some());
        assert_eq!(daemon.ended().and_then(|status| status.code()), Some(7));
        assert_eq!(daemon.last_words(5), "one\ntwo");
        assert_eq!(daemon.last_words(1), "two");
    }
}
