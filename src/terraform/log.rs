//! Lines on stderr that a core understands: JSON in the form of go-hclog, and panics.
//!
//! What other crates trace does not come here, on purpose: a core's log ends up in public issues,
//! and only lines that were written for it are known to hold no secret.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::io::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::sync::OnceLock;
use std::{env, thread};

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde_json::Value;
use tokio::task;

/// How much a line matters, in the words of cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// What helps to understand a run afterwards.
    Debug,
    /// What an operator may want to know.
    Info,
    /// Something is not as it should be, and was coped with.
    Warn,
    /// Something failed.
    Error,
}

/// A name and a value that stand beside a line's message.
pub type Field<'a> = (&'a str, &'a dyn Display);

/// A core splits lines over 64 KiB and takes the pieces for plain text. Escaping makes one byte six
/// at most, so that with these two limits a line stays below.
const LONGEST_TEXT: usize = 4 << 10;
const NO_MORE_FIELDS: usize = 32 << 10;

/// Exactly six digits, or a core does not take the line for JSON.
const STAMP: DateTimePrinter = DateTimePrinter::new().precision(Some(6));

static LOG: OnceLock<Log> = OnceLock::new();

struct Log {
    least: Option<Level>,
    now: fn() -> Timestamp,
}

impl Log {
    fn wants(&self, level: Level) -> bool {
        self.least.is_some_and(|least| level >= least)
    }
}

tokio::task_local! {
    /// Fields of every line of the task, such as the request that it answers.
    static CONTEXT: Vec<(&'static str, String)>;
}

/// Sets up logging for the provider `name`; before it lines vanish, and a second call changes
/// nothing.
///
/// The level is read from `TF_LOG_PROVIDER_<NAME>`, `TF_LOG_PROVIDER` or `TF_LOG`, whichever is set
/// first in this order. Without any it is [`Level::Info`], which costs little and leaves the choice
/// to the host. Times come from `now`.
pub fn init(name: &str, now: fn() -> Timestamp) {
    let least = least_level(name, |variable| env::var(variable).ok());
    // The first call's settings stay, as documented.
    let _ = LOG.set(Log { least, now });
}

/// Writes one line, unless its level is below the one asked for.
pub fn at(level: Level, message: &str, fields: &[Field<'_>]) {
    let Some(log) = LOG.get().filter(|log| log.wants(level)) else {
        return;
    };
    let now = (log.now)();
    let line = CONTEXT.try_with(|context| {
        let context = context.iter();
        let context = context.map(|(key, value)| (*key, value as &dyn Display));
        let all: Vec<_> = context.chain(fields.iter().copied()).collect();
        rendered(now, level, message, &all)
    });
    write(&line.unwrap_or_else(|_| rendered(now, level, message, fields)));
}

/// Whether [`at`] would write a line of this level: for fields that cost something to make.
pub fn enabled(level: Level) -> bool {
    LOG.get().is_some_and(|log| log.wants(level))
}

/// Runs `work` with `context` on each of its lines, before their own fields. Tasks that it spawns
/// have none of it.
pub async fn within<T>(context: Vec<(&'static str, String)>, work: impl Future<Output = T>) -> T {
    CONTEXT.scope(context, work).await
}

/// Makes panics readable for hosts, in the form that fits what happens next.
///
/// A panic in a task of the runtime ends that task only: it becomes an error line, and its words
/// for the user are the business of whoever waits for the task. A panic elsewhere ends the process,
/// or a thread that somebody needs: it is told in the form of a crashed Go program, which makes cores
/// show it to the user even with logging off. (Told so of a task, it would make them report a crash
/// at the end of a run that went well.)
pub fn tell_panics() {
    panic::set_hook(Box::new(|panic| {
        let told = Panicked::from(panic);
        match task::try_id() {
            Some(_) => at(
                Level::Error,
                "panic in a task",
                &[("panic", &told.message), ("panic_location", &told.location)],
            ),
            None => write(&told.as_a_crash()),
        }
    }));
}

/// The little of a panic that helps its reader; a backtrace would need symbols, which a release has
/// not.
struct Panicked {
    message: String,
    location: String,
}

impl From<&PanicHookInfo<'_>> for Panicked {
    fn from(panic: &PanicHookInfo<'_>) -> Self {
        let message = panic.payload_as_str().unwrap_or("(no message)");
        let location = panic.location().map(ToString::to_string);
        Self {
            message: message.to_owned(),
            location: location.unwrap_or_else(|| "(nowhere)".to_owned()),
        }
    }
}

impl Panicked {
    /// Go's first words, by which cores know a crash, then lines that they keep with it.
    fn as_a_crash(&self) -> String {
        let thread = thread::current();
        let thread = thread.name().unwrap_or("without a name");
        let Self { message, location } = self;
        format!("panic: {message}\n\nat {location}\nin the thread {thread}\n")
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        })
    }
}

/// `None` means no line at all. Cores take what they do not understand as the wish for everything.
fn least_level(name: &str, variable: impl Fn(&str) -> Option<String>) -> Option<Level> {
    let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase().replace('-', "_"));
    let asked = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()));
    match asked.map(|level| level.to_uppercase()).as_deref() {
        None | Some("INFO") => Some(Level::Info),
        Some("OFF") => None,
        Some("ERROR") => Some(Level::Error),
        Some("WARN") => Some(Level::Warn),
        Some("DEBUG") => Some(Level::Debug),
        Some(_) => Some(Level::Trace),
    }
}

/// One line with its end. Every value is a string: of some keys a core crashes on anything else.
fn rendered(now: Timestamp, level: Level, message: &str, fields: &[Field<'_>]) -> String {
    let mut line = String::with_capacity(256);
    let stamp = STAMP.timestamp_to_string(&now);
    line.push_str(r#"{"@level":"#);
    push_json(&mut line, &level.to_string());
    line.push_str(r#","@message":"#);
    push_json(&mut line, message);
    line.push_str(r#","@module":"provider","@timestamp":"#);
    push_json(&mut line, &stamp);
    for (key, value) in fields {
        if line.len() > NO_MORE_FIELDS {
            break;
        }
        line.push(',');
        push_json(&mut line, key);
        line.push(':');
        push_json(&mut line, &value.to_string());
    }
    line.push_str("}\n");
    line
}

fn push_json(line: &mut String, text: &str) {
    line.push_str(&Value::String(shortened(text).into_owned()).to_string());
}

fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_TEXT {
        return text.into();
    }
    let (kept, rest) = text.split_at(text.floor_char_boundary(LONGEST_TEXT));
    format!("{kept}… ({} bytes more)", rest.len()).into()
}

/// In one write, so that lines of different threads do not mix.
fn write(text: &str) {
    // Without stderr there is nobody left to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn asked(variables: &[(&str, &str)]) -> Option<Level> {
        least_level("mesh-ca", |name| {
            let found = variables.iter().find(|(each, _)| *each == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_line_is_what_go_hclog_writes() {
        let line = rendered(
            stamp("2026-11-21T22:56:37.386Z"),
            Level::Debug,
            "asked \"twice\"",
            &[("tf_rpc", &"ReadResource"), ("attempt", &2)],
        );
        assert_eq!(
            line,
            concat!(
                r#"{"@level":"debug","@message":"asked \"twice\"","@module":"provider","#,
                r#""@timestamp":"2026-11-21T22:56:37.386000Z","#,
                r#""tf_rpc":"ReadResource","attempt":"2"}"#,
                "\n"
            )
        );
    }

    /// The form that the host's parser wants: `2006-01-02T15:04:05.000000Z07:00` in Go's words.
    #[test]
    fn every_time_has_exactly_six_digits() {
        for (time, written) in [
            ("2026-11-21T22:56:37Z", "2026-11-21T22:56:37.000000Z"),
            (
                "2026-11-21T22:56:37.123456789Z",
                "2026-11-21T22:56:37.123456Z",
            ),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z"),
        ] {
            let line = rendered(stamp(time), Level::Info, "", &[]);
            let parsed: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(parsed["@timestamp"], written);
        }
    }

    #[test]
    fn a_line_stays_one_line_of_strings_below_64_kib() {
        let nasty = "\u{1}\n\"ü".repeat(5_000);
        let fields: Vec<Field<'_>> = (0..40).map(|_| ("key", &nasty as &dyn Display)).collect();
        let line = rendered(stamp("2026-11-21T22:56:37Z"), Level::Error, &nasty, &fields);
        assert!(line.len() < 64 << 10, "{}", line.len());
        assert_eq!(line.find('\n'), Some(line.len() - 1));
        let parsed: serde_json::Map<_, _> = serde_json::from_str(&line).unwrap();
        assert!(parsed.values().all(Value::is_string));
        let message = parsed["@message"].as_str().unwrap();
        assert!(
            message.ends_with("… (20904 bytes more)"),
            "{}",
            &message[4090..]
        );
    }

    #[test]
    fn the_narrowest_variable_decides_the_level() {
        assert_eq!(asked(&[]), Some(Level::Info));
        assert_eq!(asked(&[("TF_LOG", "json")]), Some(Level::Trace));
        assert_eq!(asked(&[("TF_LOG", "nonsense")]), Some(Level::Trace));
        assert_eq!(asked(&[("TF_LOG", "")]), Some(Level::Info));
        let all = [
            ("TF_LOG", "trace"),
            ("TF_LOG_PROVIDER", "off"),
            ("TF_LOG_PROVIDER_MESH_CA", "warn"),
        ];
        assert_eq!(asked(&all[..1]), Some(Level::Trace));
        assert_eq!(asked(&all[..2]), None);
        assert_eq!(asked(&all), Some(Level::Warn));
    }
}
