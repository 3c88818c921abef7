//! What a program did, and what a test demands of it.

use std::fmt;
use std::io;
use std::time::Duration;

use serde_json::Value;

/// A finished program: how it ended and what it said.
///
/// The assertions panic with the command line, the outcome and the output, at the test's own line.
#[derive(Debug)]
pub struct Run {
    pub(super) command: String,
    pub(super) outcome: Outcome,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) took: Duration,
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// Not within its deadline; it was killed.
    TimedOut(Duration),
    /// It did not start; why.
    NotStarted(String),
}

/// How many lines of each stream a failed assertion shows.
const SHOWN: usize = 150;

impl Run {
    pub(crate) fn not_started(command: &str, why: &io::Error) -> Self {
        let outcome = Outcome::NotStarted(why.to_string());
        Self {
            command: command.to_owned(),
            outcome,
            stdout: String::new(),
            stderr: String::new(),
            took: Duration::ZERO,
        }
    }

    /// Demands exit code 0.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        self.exit_code(0)
    }

    /// Demands that it ended by itself with a code other than 0. Codes from 126 on do not count: by them a shell says
    /// that a program could not be run, or that a signal ended it.
    #[track_caller]
    pub fn fails(&self) -> &Self {
        self.demand(
            matches!(self.outcome, Outcome::Exited(1..126)),
            &"should have failed",
        )
    }

    /// Demands that SIGKILL ended it, and that before its deadline: the story's own doing.
    #[track_caller]
    pub fn is_killed(&self) -> &Self {
        self.demand(
            self.outcome == Outcome::Killed(9),
            &"should have been killed",
        )
    }

    /// Demands this exit code; of `plan -detailed-exitcode`, 2 is "there are changes".
    #[track_caller]
    pub fn exit_code(&self, code: i32) -> &Self {
        self.demand(
            self.outcome == Outcome::Exited(code),
            &format_args!("should have exited with code {code}"),
        )
    }

    /// Demands that `text` stands in what it said, on either stream, as [`fold`] compares.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        self.demand(
            self.has_said(text),
            &format_args!("should have said {text:?}"),
        )
    }

    /// Demands that `text` stands nowhere in what it said, as [`fold`] compares.
    #[track_caller]
    pub fn never_says(&self, text: &str) -> &Self {
        self.demand(
            !self.has_said(text),
            &format_args!("should not have said {text:?}"),
        )
    }

    /// Its standard output, read as one JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("{self}\nshould have printed JSON: {error}"),
        }
    }

    /// Its standard output, read as one JSON document in each line (`plan -json`, `apply -json`).
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        match self.stdout.lines().map(serde_json::from_str).collect() {
            Ok(values) => values,
            Err(error) => panic!("{self}\nshould have printed JSON lines: {error}"),
        }
    }

    /// The command as messages show it.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Its standard output, as it came.
    #[must_use]
    pub fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Its standard error, as it came.
    #[must_use]
    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// How long it ran.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// True when `text` stands in one of the streams, as [`fold`] compares.
    #[must_use]
    pub fn has_said(&self, text: &str) -> bool {
        let text = fold(text);
        [&self.stdout, &self.stderr]
            .into_iter()
            .any(|stream| fold(stream).contains(&text))
    }

    #[track_caller]
    fn demand(&self, holds: bool, what: &dyn fmt::Display) -> &Self {
        assert!(holds, "{self}\n`{}` {what}", self.command);
        self
    }
}

/// The whole run as a page: command, both streams (their last lines), outcome.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.trim().is_empty() {
                writeln!(f, "--- {name}\n{}", tail(stream, SHOWN))?;
            }
        }
        write!(f, "--- {}", self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exit code {code}"),
            Self::Killed(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut(after) => write!(
                f,
                "killed, since it did not end within {} s",
                after.as_secs()
            ),
            Self::NotStarted(why) => write!(f, "could not be started: {why}"),
        }
    }
}

/// Text without its layout: colours and the bars and corners of diagnostic boxes dropped, every run
/// of white space one blank.
///
/// The CLIs wrap a diagnostic at 78 columns and draw a bar before each of its lines, so a sentence
/// is seldom found as it was written.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after
            .split_once(|end: char| end.is_ascii_alphabetic())
            .map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    plain
        .split(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵'))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The last `lines` lines of `text`.
pub(super) fn tail(text: &str, lines: usize) -> String {
    let all: Vec<_> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(outcome: Outcome, stdout: &str, stderr: &str) -> Run {
        Run {
            command: "terraform plan".into(),
            outcome,
            stdout: stdout.into(),
            stderr: stderr.into(),
            took: Duration::ZERO,
        }
    }

    fn complaint(demand: impl FnOnce() + std::panic::UnwindSafe) -> String {
        *std::panic::catch_unwind(demand)
            .unwrap_err()
            .downcast::<String>()
            .unwrap()
    }

    const BOX: &str = "\u{1b}[31m╷\u{1b}[0m\n│ Error: The Secret istio-system/cacerts is \n│ somebody else's\n│ \n│   with \
                       istiopca_cacerts_secret.mesh,\n╵\n";

    #[test]
    fn a_sentence_is_found_across_the_lines_of_a_box() {
        let run = run(Outcome::Exited(1), "", BOX);
        run.fails()
            .exit_code(1)
            .says("The Secret istio-system/cacerts is somebody else's");
        run.says("Error: The\n  Secret")
            .says("somebody else's with istiopca_cacerts_secret.mesh,");
        run.never_says("cacerts is mine");
    }

    #[test]
    fn the_end_of_one_stream_and_the_start_of_the_other_are_no_sentence() {
        run(Outcome::Exited(0), "No", "changes")
            .succeeds()
            .never_says("No changes");
    }

    #[test]
    fn a_broken_demand_shows_command_output_and_outcome() {
        let said = complaint(|| {
            run(Outcome::Exited(2), "Plan: 1 to add", "").succeeds();
        });
        assert_eq!(
            said,
            "$ terraform plan\n--- stdout\nPlan: 1 to add\n--- exit code 2\n`terraform plan` should have exited with code 0"
        );
    }

    #[test]
    fn a_killed_program_has_not_failed() {
        for outcome in [
            Outcome::Killed(9),
            Outcome::TimedOut(Duration::from_secs(3)),
            Outcome::Exited(0),
            Outcome::Exited(127),
            Outcome::Exited(137),
        ] {
            let said = complaint(|| {
                run(outcome, "", "").fails();
            });
            assert!(said.ends_with("should have failed"), "{said}");
        }
    }

    #[test]
    fn only_a_kill_of_ours_is_one() {
        run(Outcome::Killed(9), "", "").is_killed();
        for outcome in [
            Outcome::Killed(15),
            Outcome::TimedOut(Duration::from_secs(3)),
            Outcome::Exited(137),
        ] {
            let said = complaint(|| {
                run(outcome, "", "").is_killed();
            });
            assert!(said.ends_with("should have been killed"), "{said}");
        }
    }

    #[test]
    fn each_demand_can_be_broken() {
        let broken: [fn(&Run); 4] = [
            |run| _ = run.says("Goodbye"),
            |run| _ = run.never_says("Hello  there"),
            |run| _ = run.exit_code(2),
            |run| _ = run.json(),
        ];
        for demand in broken {
            complaint(move || demand(&run(Outcome::Exited(0), "Hello\nthere", "")));
        }
    }

    #[test]
    fn json_is_read_from_standard_output_alone() {
        let run = run(Outcome::Exited(0), "{\"a\": 1}\n{\"a\": 2}\n", "a warning");
        let values: Vec<_> = run
            .json_lines()
            .iter()
            .map(|line| line["a"].clone())
            .collect();
        assert_eq!(values, [1, 2]);
    }
}
