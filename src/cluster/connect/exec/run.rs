//! A child process that ends: by itself, at its deadline, or with whoever waits for it.

use std::io;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// What a child leaves.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// All of its standard output.
    pub(super) printed: Zeroizing<Vec<u8>>,
    /// The end of its standard error, in whole lines.
    pub(super) told: Zeroizing<Vec<u8>>,
}

/// A child that did not come to an end of its own.
pub(super) enum Unended {
    NotStarted(io::Error),
    Pipe(io::Error),
    Late { told: Zeroizing<Vec<u8>> },
    TooLong,
}

/// Runs a child that leads a group of its own and has pipes for its outputs. The group is killed when there is no end
/// in time, and when this is dropped.
pub(super) async fn run(command: &mut Command, patience: Duration) -> Result<Ended, Unended> {
    let mut child = command.spawn().map_err(Unended::NotStarted)?;
    let group = Group::of(&child);
    let told = Arc::new(Mutex::new(Tail::default()));
    // Aborted when it is dropped.
    let mut listening = JoinSet::new();
    if let Some(stderr) = child.stderr.take() {
        listening.spawn(listen(stderr, Arc::clone(&told)));
    }
    let ending = timeout(patience, ended(&mut child)).await;
    let Ok(ending) = ending else {
        let told = whole_lines(&told);
        return Err(Unended::Late { told });
    };
    let (printed, status) = ending?;
    group.ends_by_itself();
    // What it started may live on and hold the pipe.
    let _ = timeout(GRACE, listening.join_next()).await;
    Ok(Ended {
        status,
        printed,
        told: whole_lines(&told),
    })
}

/// The end of its output comes first: as long as it has not been waited for, its number is nobody else's.
async fn ended(child: &mut Child) -> Result<(Zeroizing<Vec<u8>>, ExitStatus), Unended> {
    let mut printed = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    if let Some(stdout) = child.stdout.take() {
        let most = u64::try_from(LONGEST).unwrap_or(u64::MAX) + 1;
        let mut bounded = stdout.take(most);
        let reading = bounded.read_to_end(&mut printed).await;
        reading.map_err(Unended::Pipe)?;
    }
    if printed.len() > LONGEST {
        return Err(Unended::TooLong);
    }
    let status = child.wait().await.map_err(Unended::Pipe)?;
    Ok((printed, status))
}

async fn listen(mut pipe: impl AsyncRead + Unpin, told: Arc<Mutex<Tail>>) {
    let mut piece = Zeroizing::new([0; 4096]);
    while let Ok(length @ 1..) = pipe.read(&mut *piece).await {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(&piece[..length]);
    }
}

fn whole_lines(told: &Mutex<Tail>) -> Zeroizing<Vec<u8>> {
    told.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .whole_lines()
}

/// The last bytes of a stream.
#[derive(Default)]
struct Tail {
    bytes: Zeroizing<Vec<u8>>,
    is_cut: bool,
}

impl Tail {
    fn push(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
        let excess = self.bytes.len().saturating_sub(TAIL);
        self.is_cut |= excess > 0;
        self.bytes.drain(..excess);
    }

    /// Without what is left of a line whose beginning is lost: a secret in it could not be told.
    fn whole_lines(&self) -> Zeroizing<Vec<u8>> {
        let mut whole: &[u8] = &self.bytes;
        if self.is_cut {
            let first = whole.iter().position(|&byte| byte == b'\n');
            whole = first.map_or(&[], |end| &whole[end + 1..]);
        }
        Zeroizing::new(whole.to_vec())
    }
}

/// All processes that a child started, as long as it has not been waited for.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.and_then(Pid::from_raw))
    }

    fn ends_by_itself(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It may have ended by now.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Longer than any ExecCredential.
const LONGEST: usize = 256 * 1024;
const TAIL: usize = 8 * 1024;
const GRACE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_bounded_and_begins_with_a_line() {
        let mut tail = Tail::default();
        tail.push(b"short\n");
        assert_eq!(tail.whole_lines().as_slice(), b"short\n");
        tail.push(&[b'x'; TAIL - 8]);
        tail.push(b"\nlast line\n");
        assert_eq!(tail.bytes.len(), TAIL);
        assert_eq!(tail.whole_lines().as_slice(), b"last line\n");
        tail.push(&[b'y'; TAIL]);
        assert_eq!(tail.whole_lines().as_slice(), b"");
    }
}
