//! Resident memory, as the kernel counts it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Resident memory of a process, in bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    /// Now.
    pub(super) resident: u64,
    /// The most that it ever was.
    pub(super) most: u64,
}

impl Memory {
    /// What `/proc/<pid>/status` says.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(kibibytes * 1024)
        };
        let read = || {
            Some(Self {
                resident: field("VmRSS:")?,
                most: field("VmHWM:")?,
            })
        };
        read().ok_or_else(|| io::Error::other(format!("{pid} has no memory any more")))
    }
}

/// Looks at every process of one program until told to stop.
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    seen: JoinHandle<Option<Memory>>,
}

impl Watch {
    /// Begins to look. A core starts a provider several times for one command; the hungriest counts.
    /// Others of the same name may run beside it, such as a test's: the size of the file tells them
    /// apart.
    pub(super) fn begin(program: &Path) -> io::Result<Self> {
        let size = fs::metadata(program)?.len();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let seen = thread::spawn(move || {
            let mut seen: Option<Memory> = None;
            while !stopped.load(Ordering::Relaxed) {
                for memory in processes(size).filter_map(|pid| Memory::of(pid).ok()) {
                    let most = seen.get_or_insert_default();
                    most.resident = most.resident.max(memory.resident);
                    most.most = most.most.max(memory.most);
                }
                thread::sleep(Duration::from_millis(2));
            }
            seen
        });
        Ok(Self { stop, seen })
    }

    /// What was seen, if there was such a process.
    pub(super) fn end(self) -> Option<Memory> {
        self.stop.store(true, Ordering::Relaxed);
        self.seen.join().ok().flatten()
    }
}

fn processes(size: u64) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(move |pid: &u32| {
        let executable = fs::metadata(format!("/proc/{pid}/exe"));
        executable.is_ok_and(|file| file.len() == size)
    })
}
