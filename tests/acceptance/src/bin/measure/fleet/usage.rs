//! What the programs under us use: processor time, memory and files, as the kernel counts them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::super::memory::Memory;

/// What all processes of one program have used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Resident memory of the hungriest, in bytes: the most that it ever was.
    pub(super) memory: u64,
    /// Processor time of all of them together.
    pub(super) processor: Duration,
    /// Open files of the one that had the most.
    pub(super) files: usize,
}

impl Usage {
    /// What both use that run at the same time.
    pub(super) fn beside(self, other: Self) -> Self {
        Self {
            memory: self.memory + other.memory,
            processor: self.processor + other.processor,
            files: self.files + other.files,
        }
    }
}

/// One process, when it was last looked at.
struct Seen {
    program: usize,
    usage: Usage,
}

/// Looks at every process below this one that runs one of the programs, until told to stop.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    seen: JoinHandle<Vec<Usage>>,
}

/// Of each process the time since the last look is missing at its end: at most this.
const EVERY: Duration = Duration::from_millis(20);

/// The kernel counts for programs in hundredths of a second, on every architecture that we run on.
const TICK: Duration = Duration::from_millis(10);

impl Watch {
    /// Begins to look.
    pub(super) fn begin(programs: Vec<PathBuf>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let seen = thread::spawn(move || {
            let mut seen = BTreeMap::new();
            while !stopped.load(Ordering::Relaxed) {
                look(&programs, &mut seen);
                thread::sleep(EVERY);
            }
            (0..programs.len())
                .map(|program| total(program, &seen))
                .collect()
        });
        Self { stop, seen }
    }

    /// What was used, for each of the programs.
    pub(super) fn end(self) -> Vec<Usage> {
        self.stop.store(true, Ordering::Relaxed);
        self.seen.join().unwrap_or_default()
    }
}

fn total(program: usize, seen: &BTreeMap<u32, Seen>) -> Usage {
    let of_it = seen.values().filter(|seen| seen.program == program);
    of_it.fold(Usage::default(), |total, Seen { usage, .. }| Usage {
        memory: total.memory.max(usage.memory),
        processor: total.processor + usage.processor,
        files: total.files.max(usage.files),
    })
}

/// Others may run the same programs beside us: only our own descendants count.
fn look(programs: &[PathBuf], seen: &mut BTreeMap<u32, Seen>) {
    let parents = parents();
    for &pid in parents.keys() {
        if !descends(pid, &parents) {
            continue;
        }
        let Some(program) = programs.iter().position(|program| runs(pid, program)) else {
            continue;
        };
        let (Ok(memory), Some(processor)) = (Memory::of(pid), processor(pid)) else {
            continue;
        };
        let open = fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        let before = seen.get(&pid).map_or(0, |seen| seen.usage.files);
        let usage = Usage {
            memory: memory.most,
            processor,
            files: open.max(before),
        };
        seen.insert(pid, Seen { program, usage });
    }
}

fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, field(pid, PARENT)?.try_into().ok()?)))
        .collect()
}

fn descends(pid: u32, parents: &BTreeMap<u32, u32>) -> bool {
    let mut above = parents.get(&pid);
    while let Some(parent) = above {
        if *parent == process::id() {
            return true;
        }
        above = parents.get(parent);
    }
    false
}

/// A core runs a hard link to its provider, or a copy: the size tells.
fn runs(pid: u32, program: &Path) -> bool {
    let (running, wanted) = (
        fs::metadata(format!("/proc/{pid}/exe")),
        fs::metadata(program),
    );
    matches!((running, wanted), (Ok(one), Ok(other)) if one.len() == other.len())
}

fn processor(pid: u32) -> Option<Duration> {
    let ticks = field(pid, USER)? + field(pid, SYSTEM)?;
    Some(TICK * u32::try_from(ticks).ok()?)
}

// Places in /proc/<pid>/stat after the program's name, see proc_pid_stat(5).
const PARENT: usize = 1;
const USER: usize = 11;
const SYSTEM: usize = 12;

fn field(pid: u32, place: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold anything, also blanks and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_program_below_us_is_seen_and_its_time_counted() {
        // Busy until its input ends.
        let busy = "while ! read -t 0 line; do :; done";
        let watch = Watch::begin(vec!["/bin/bash".into(), "/bin/true".into()]);
        let mut child = Command::new("/bin/bash")
            .args(["-c", busy])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // Long enough for several looks.
        while processor(child.id()).is_none_or(|used| used < Duration::from_millis(300)) {
            thread::yield_now();
        }
        drop(child.stdin.take());
        child.kill().unwrap();
        child.wait().unwrap();
        let usage = watch.end();
        assert!(
            usage[0].processor >= Duration::from_millis(100),
            "{usage:?}"
        );
        assert!(
            usage[0].memory > 1_000_000 && usage[0].files >= 3,
            "{usage:?}"
        );
        assert_eq!(usage[1], Usage::default());
    }
}
