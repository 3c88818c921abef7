//! A program while it runs: listened to, interrupted, killed, waited for.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::timeout;

use super::run::{Outcome, Run, fold};
use crate::canary::UnderWay;

/// How long after the program's end its streams may stay open in the hands of an orphan.
const ORPHANS: Duration = Duration::from_secs(2);

/// A program in a process group of its own; dropped, the whole group is killed.
#[derive(Debug)]
pub struct Running {
    command: String,
    child: Child,
    group: Pid,
    stdout: watch::Receiver<Vec<u8>>,
    stderr: watch::Receiver<Vec<u8>>,
    begun: Instant,
    /// Who looks at what it leaves.
    watched: Option<UnderWay>,
}

impl Running {
    /// Starts a [`guarded`](super::guarded) command; `line` is the command as messages show it.
    ///
    /// # Errors
    ///
    /// When the command cannot be spawned.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn start(command: Command, line: &str) -> io::Result<Self> {
        let begun = Instant::now();
        let mut child = tokio::process::Command::from(command)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            command: line.to_owned(),
            group: group.ok_or_else(|| io::Error::other("the program has no process id"))?,
            stdout: listen(child.stdout.take()),
            stderr: listen(child.stderr.take()),
            child,
            begun,
            watched: None,
        })
    }

    /// Has what it says, and what it leaves, looked at in the end.
    pub(crate) fn watched(mut self, by: UnderWay) -> Self {
        self.watched = Some(by);
        self
    }

    /// Waits until it has said `text` on either stream, as [`fold`] compares.
    ///
    /// # Panics
    ///
    /// When it ends, or `deadline` passes, without having said so.
    pub async fn until_it_says(&self, text: &str, deadline: Duration) {
        let text = fold(text);
        let said = |bytes: &Vec<u8>| fold(&String::from_utf8_lossy(bytes)).contains(&text);
        let (mut stdout, mut stderr) = (self.stdout.clone(), self.stderr.clone());
        let either = async {
            tokio::select! {
                Ok(_) = stdout.wait_for(said) => true,
                Ok(_) = stderr.wait_for(said) => true,
                else => false,
            }
        };
        if !timeout(deadline, either).await.unwrap_or(false) {
            let so_far = self.run(Outcome::TimedOut(deadline));
            panic!(
                "{so_far}\n`{}` should have said {text:?} while it ran",
                self.command
            );
        }
    }

    /// Sends SIGINT to the program alone, as most CI runners cancel a job.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Sends SIGINT to the program and everything that it started, as Ctrl-C in a terminal does.
    pub fn ctrl_c(&self) {
        // Fails only when nobody is left.
        let _ = kill_process_group(self.group, Signal::INT);
    }

    /// Kills the program and everything that it started, providers too, at once: a machine that
    /// loses power.
    pub fn kill(&self) {
        let _ = kill_process_group(self.group, Signal::KILL);
    }

    /// Kills the program alone; what it started lives on until [`wait`](Self::wait).
    pub fn kill_alone(&self) {
        self.signal(Signal::KILL);
    }

    /// Kills what it has started under a name that begins with `name`
    /// (`terraform-provider-istiopca`); says how many.
    pub fn kill_started(&self, name: &str) -> usize {
        let victims = group_members(self.group, name);
        victims
            .iter()
            .filter(|pid| kill_process(**pid, Signal::KILL).is_ok())
            .count()
    }

    /// Waits for its end, or kills it at the deadline.
    pub async fn wait(mut self, deadline: Duration) -> Run {
        // `wait` of tokio closes standard input, which is the leash.
        let leash = self.child.stdin.take();
        let outcome = match timeout(deadline, self.child.wait()).await {
            Ok(Ok(status)) => outcome(status),
            Ok(Err(error)) => Outcome::NotStarted(error.to_string()),
            Err(_) => Outcome::TimedOut(deadline),
        };
        let took = self.begun.elapsed();
        if matches!(outcome, Outcome::TimedOut(_)) {
            self.kill();
        }
        for stream in [&mut self.stdout, &mut self.stderr] {
            let _ = timeout(ORPHANS, stream.wait_for(|_| false)).await;
        }
        drop(leash);
        let run = Run {
            took,
            ..self.run(outcome)
        };
        if let Some(watched) = self.watched.take() {
            watched.ended(&run);
        }
        run
    }

    fn signal(&self, signal: Signal) {
        // An id that has been waited for may be somebody else's by now.
        if self.child.id().is_some() {
            let _ = kill_process(self.group, signal);
        }
    }

    fn run(&self, outcome: Outcome) -> Run {
        let text = |stream: &watch::Receiver<Vec<u8>>| {
            String::from_utf8_lossy(&stream.borrow()).into_owned()
        };
        Run {
            command: self.command.clone(),
            outcome,
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
            took: self.begun.elapsed(),
        }
    }
}

fn outcome(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(code), _) => Outcome::Exited(code),
        (None, signal) => Outcome::Killed(signal.unwrap_or_default()),
    }
}

/// Collects a stream until its end; the channel closes then.
fn listen(stream: Option<impl AsyncRead + Unpin + Send + 'static>) -> watch::Receiver<Vec<u8>> {
    let (heard, receiver) = watch::channel(Vec::new());
    let Some(mut stream) = stream else {
        return receiver;
    };
    tokio::spawn(async move {
        let mut chunk = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = stream.read(&mut chunk).await {
            heard.send_modify(|all| all.extend_from_slice(&chunk[..length]));
        }
    });
    receiver
}

/// The processes of a group whose program's file name begins with `name`, as Linux lists them.
fn group_members(group: Pid, name: &str) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .filter(|pid| group_of(*pid) == Some(group))
        .filter(|pid| {
            let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap_or_default();
            program
                .file_name()
                .is_some_and(|file| file.to_string_lossy().starts_with(name))
        })
        .collect()
}

/// The process group in `/proc/PID/stat`, the third field after the program's name in parentheses.
fn group_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    // A process that is being taken away is in group -1.
    let group: i32 = fields.split_whitespace().nth(2)?.parse().ok()?;
    Pid::from_raw(group.max(0))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::process::guarded;

    const SOON: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Running {
        let mut command = guarded(Path::new("bash"), None);
        command.args(["-c", script]);
        Running::start(command, script).unwrap()
    }

    #[tokio::test]
    async fn both_streams_and_the_exit_code_are_caught() {
        let run = shell("echo out; echo err >&2; exit 3").wait(SOON).await;
        assert_eq!((run.stdout(), run.stderr()), ("out\n", "err\n"));
        run.exit_code(3);
    }

    #[tokio::test]
    async fn standard_input_is_empty() {
        shell("read -r line || echo nothing")
            .wait(SOON)
            .await
            .succeeds()
            .says("nothing");
    }

    #[tokio::test]
    async fn more_output_than_a_pipe_holds_is_caught_whole() {
        let run = shell("head -c 300000 /dev/zero | tr '\\0' x")
            .wait(SOON)
            .await;
        assert_eq!(run.succeeds().stdout().len(), 300_000);
    }

    /// A parent and a child, each of which says when it is interrupted.
    const FAMILY: &str = r#"
        trap 'echo parent; exit 5' INT
        env --default-signal=INT bash -c "trap 'echo child; exit' INT; echo ready; sleep 1000 & wait" &
        wait
    "#;

    #[tokio::test]
    async fn an_interrupt_reaches_the_program_alone() {
        let running = shell(FAMILY);
        running.until_it_says("ready", SOON).await;
        running.interrupt();
        running
            .wait(SOON)
            .await
            .exit_code(5)
            .says("parent")
            .never_says("child");
    }

    #[tokio::test]
    async fn ctrl_c_reaches_what_the_program_started_too() {
        let running = shell(FAMILY);
        running.until_it_says("ready", SOON).await;
        running.ctrl_c();
        running
            .wait(SOON)
            .await
            .exit_code(5)
            .says("parent")
            .says("child");
    }

    #[tokio::test]
    async fn kill_reaches_what_the_program_started() {
        let running = shell("sleep 1000 & wait");
        until_asleep(running.group, true).await;
        running.kill();
        until_asleep(running.group, false).await;
        assert_eq!(*running.wait(SOON).await.outcome(), Outcome::Killed(9));
    }

    #[tokio::test]
    async fn what_a_program_killed_alone_has_started_lives_until_it_is_waited_for() {
        let running = shell("sleep 1000 & wait");
        let group = running.group;
        until_asleep(group, true).await;
        running.kill_alone();
        until_asleep(group, true).await;
        assert_eq!(*running.wait(SOON).await.outcome(), Outcome::Killed(9));
        until_asleep(group, false).await;
    }

    #[tokio::test]
    async fn what_it_started_can_be_killed_by_name() {
        let running = shell("sleep 1000; echo \"ended by $?\"");
        until_asleep(running.group, true).await;
        assert_eq!(running.kill_started("nothing-like-it"), 0);
        assert_eq!(running.kill_started("sleep"), 1);
        running.wait(SOON).await.succeeds().says("ended by 137");
    }

    /// Waits until the group has a process that sleeps, or has none.
    async fn until_asleep(group: Pid, asleep: bool) {
        let so = async {
            while group_members(group, "sleep").is_empty() == asleep {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, so).await.unwrap();
    }

    #[tokio::test]
    async fn a_program_past_its_deadline_is_killed_and_what_it_said_is_kept() {
        let run = shell("echo before; exec sleep 1000")
            .wait(Duration::from_millis(500))
            .await;
        assert_eq!(
            *run.outcome(),
            Outcome::TimedOut(Duration::from_millis(500))
        );
        run.says("before");
    }

    #[tokio::test]
    #[should_panic(expected = "should have said \"never\" while it ran")]
    async fn waiting_for_words_ends_with_the_program() {
        shell("echo something else")
            .until_it_says("never", SOON)
            .await;
    }
}
