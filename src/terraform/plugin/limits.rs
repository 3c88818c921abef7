//! The limits under which the process runs: it writes no key to disk when it crashes, and may have
//! as many connections as a fleet has clusters.
//!
//! None of it is worth failing over: what cannot be set is told in the log.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::terraform::log::{self, Level};

/// Files that may be open at once: a fleet of 500 clusters has about 300, and macOS gives 256.
///
/// Not more, though systems may allow millions: what we start, such as a program that signs in to
/// a cluster, inherits the limit, and there are programs that close everything up to it first.
/// macOS refuses more than 10240 (`OPEN_MAX`).
const FILES: u64 = 4096;

/// Whether somebody may look into the process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Onlookers {
    /// Debuggers, which is what the process was started for.
    Welcome,
    /// Nobody but root.
    Unwanted,
}

/// Sets them all.
pub(super) fn set(onlookers: Onlookers) {
    told("core dumps cannot be limited", no_core_file());
    if onlookers == Onlookers::Unwanted {
        told("core dumps cannot be ruled out", not_dumpable());
    }
    told("the limit of open files cannot be raised", more_files());
}

fn told(text: &str, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        log::at(Level::Warn, text, &[("error", &error)]);
    }
}

/// No core file, and no way back for the process or for what it starts.
fn no_core_file() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(setrlimit(Resource::Core, none)?)
}

/// Linux does not ask the limit where cores go to a program (a `core_pattern` that begins with a
/// pipe, core(5)), but it does ask this, which also keeps other processes of the user from reading
/// the memory.
#[cfg(target_os = "linux")]
fn not_dumpable() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};

    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Elsewhere the limit is all that there is.
#[cfg(not(target_os = "linux"))]
fn not_dumpable() -> io::Result<()> {
    Ok(())
}

fn more_files() -> io::Result<()> {
    match raised(getrlimit(Resource::Nofile)) {
        Some(limit) => Ok(setrlimit(Resource::Nofile, limit)?),
        None => Ok(()),
    }
}

/// The limit of open files as it should be, if that is not what it is: never lower, and as near to
/// [`FILES`] as the hard limit lets us come. `None` within a limit is none.
fn raised(limit: Rlimit) -> Option<Rlimit> {
    let current = limit.current?;
    let wanted = limit.maximum.map_or(FILES, |maximum| maximum.min(FILES));
    (current < wanted).then_some(Rlimit {
        current: Some(wanted),
        ..limit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(current: Option<u64>, maximum: Option<u64>, raised: Option<u64>) {
        let limit = Rlimit { current, maximum };
        let expected = raised.map(|current| Rlimit {
            current: Some(current),
            maximum,
        });
        assert_eq!(super::raised(limit), expected);
    }

    #[test]
    fn open_files_are_raised_towards_the_hard_limit_and_never_lowered() {
        // macOS, and Linux as systemd sets it.
        check(Some(256), None, Some(4096));
        check(Some(1024), Some(524_288), Some(4096));
        check(Some(1024), Some(2048), Some(2048));
        check(Some(1024), Some(1024), None);
        check(Some(4096), Some(524_288), None);
        check(Some(20_000), Some(20_000), None);
        check(None, None, None);
    }
}
