//! What runs leave behind: every version of every file, and every word.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Something that a run has left.
pub(super) struct Left {
    /// Where it was, and by which run.
    pub(super) place: String,
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
}

/// What may be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A state, or what is said of one when it is asked for: `state pull`, `show -json`.
    State,
    /// A plan's file.
    Plan,
    /// What core and provider log.
    Trace,
    /// Everything else.
    Other,
}

/// What a file was like when it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

/// Directories of which every change is noticed.
#[derive(Debug)]
pub(super) struct Places {
    roots: Vec<PathBuf>,
    known: HashMap<PathBuf, Stamp>,
}

/// The directory for traces, in a root.
pub(super) const TRACES: &str = "traces";

impl Places {
    pub(super) fn new(roots: Vec<PathBuf>) -> Self {
        Self {
            roots,
            known: HashMap::new(),
        }
    }

    /// The files that have changed since they were last looked at, with what is in them.
    pub(super) fn changed(&mut self) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut changed = Vec::new();
        for root in self.roots.clone() {
            self.walk(&root, &mut changed)?;
        }
        Ok(changed)
    }

    /// Takes a file for one that has been looked at.
    pub(super) fn is_known(&mut self, file: &Path) {
        if let Ok(metadata) = fs::symlink_metadata(file) {
            self.known.insert(file.to_owned(), Stamp::of(&metadata));
        }
    }

    fn walk(&mut self, directory: &Path, changed: &mut Vec<(PathBuf, Vec<u8>)>) -> io::Result<()> {
        let Some(entries) = unless_gone(fs::read_dir(directory))? else {
            return Ok(());
        };
        for entry in entries {
            let path = entry?.path();
            // Not through links, which lead to what is elsewhere or is seen here anyhow.
            let Some(metadata) = unless_gone(fs::symlink_metadata(&path))? else {
                continue;
            };
            if metadata.is_dir() {
                self.walk(&path, changed)?;
            } else if metadata.is_file() && !is_the_provider(&path) {
                let stamp = Stamp::of(&metadata);
                if self.known.get(&path) == Some(&stamp) {
                    continue;
                }
                if let Some(bytes) = unless_gone(fs::read(&path))? {
                    self.known.insert(path.clone(), stamp);
                    changed.push((path, bytes));
                }
            }
        }
        Ok(())
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Kind {
    /// Of a file, by its name and what it begins with.
    pub(super) fn of_file(path: &Path, bytes: &[u8]) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.iter().any(|part| part == TRACES) {
            Self::Trace
        } else if name.contains("tfstate") {
            Self::State
        } else if bytes.starts_with(b"PK\x03\x04") {
            Self::Plan
        } else {
            Self::Other
        }
    }

    /// Of what a command prints.
    pub(super) fn of_words(command: &str) -> Self {
        let has = |word: &str| command.split(' ').any(|part| part == word);
        if has("pull") || (has("show") && has("-json")) {
            Self::State
        } else {
            Self::Other
        }
    }
}

/// The provider's own program, which is installed and not written.
fn is_the_provider(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("terraform-provider-") && !name.contains('.')
        || name.starts_with("terraform-provider-istiopca_v")
}

/// What is removed while it is looked at was not left.
fn unless_gone<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}
