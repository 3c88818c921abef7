//! The Unix socket: a place that only the host can reach, and that is gone when we are.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process};

use tokio::net::UnixListener;

use super::error::Error;

/// The longest path that fits into `sun_path` with its final zero.
const LONGEST_PATH: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

/// Names that are tried before a directory is given up: others are left over from killed processes.
const ATTEMPTS: u32 = 100;

/// Where the host wants the socket. Only hosts that run plugins in another container say so.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The directory to put it into; else a fresh one of our own.
    pub(super) directory: Option<PathBuf>,
    /// A group, by name or number, that may connect too.
    pub(super) group: Option<OsString>,
}

/// A socket's path, and the directory made for it; both are removed on drop.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    own_directory: Option<PathBuf>,
}

impl Socket {
    /// Listens at `place`, reachable by this user and, if asked for, one group.
    pub(super) fn listen(place: &Place) -> Result<(Self, UnixListener), Error> {
        let group = place.group.as_deref().map(group_id).transpose()?;
        let mut failed = None;
        for base in bases(place) {
            let attempt = match &place.directory {
                Some(_) => first_free(&base, |path| Self::bare(path, group)),
                None => first_free(&base, |path| Self::in_own_directory(path, group)),
            };
            match attempt {
                Ok(listening) => return Ok(listening),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.expect("there is always one base"))
    }

    /// What a host has to connect to.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn in_own_directory(directory: &Path, group: Option<u32>) -> io::Result<(Self, UnixListener)> {
        DirBuilder::new().mode(0o700).create(directory)?;
        let socket = Self {
            path: directory.join("socket"),
            own_directory: Some(directory.to_owned()),
        };
        if group.is_some() {
            chown(directory, None, group)?;
            fs::set_permissions(directory, Permissions::from_mode(0o710))?;
        }
        socket.listening(group)
    }

    fn bare(path: &Path, group: Option<u32>) -> io::Result<(Self, UnixListener)> {
        // Looked for first, since what is there already must not be removed on drop.
        if fs::symlink_metadata(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let socket = Self {
            path: path.to_owned(),
            own_directory: None,
        };
        socket.listening(group)
    }

    fn listening(self, group: Option<u32>) -> io::Result<(Self, UnixListener)> {
        let listener = UnixListener::bind(&self.path)?;
        let mode = if group.is_some() { 0o660 } else { 0o600 };
        chown(&self.path, None, group)?;
        fs::set_permissions(&self.path, Permissions::from_mode(mode))?;
        Ok((self, listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What cannot be removed is a leftover, and harms nobody.
        let _ = fs::remove_file(&self.path);
        if let Some(directory) = &self.own_directory {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Directories to try, in order. A directory that the host chose has no alternative.
fn bases(place: &Place) -> Vec<PathBuf> {
    match &place.directory {
        Some(directory) => vec![directory.clone()],
        None => vec![env::temp_dir(), PathBuf::from("/tmp")],
    }
}

/// Tries names in `base` until one is free.
fn first_free<T>(base: &Path, mut take: impl FnMut(&Path) -> io::Result<T>) -> Result<T, Error> {
    let mut attempts = ATTEMPTS;
    loop {
        let path = base.join(fresh_name());
        match fits(&path).and_then(|()| take(&path)) {
            Ok(taken) => return Ok(taken),
            Err(error) if attempts > 0 && is_taken(&error) => attempts -= 1,
            Err(source) => return Err(Error::Listen { path, source }),
        }
    }
}

/// A name that this process has not used yet.
fn fresh_name() -> String {
    static USED: AtomicU32 = AtomicU32::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed);
    format!("plugin-{}-{number}", process::id())
}

fn fits(path: &Path) -> io::Result<()> {
    let longest = path.as_os_str().len() + "/socket".len();
    if longest <= LONGEST_PATH {
        return Ok(());
    }
    let text = format!("path of {longest} bytes, at most {LONGEST_PATH} fit");
    Err(io::Error::new(io::ErrorKind::InvalidFilename, text))
}

fn is_taken(error: &io::Error) -> bool {
    use io::ErrorKind::{AddrInUse, AlreadyExists};
    matches!(error.kind(), AddrInUse | AlreadyExists)
}

/// A group's number, looked up in `/etc/group` where it is a name.
fn group_id(group: &OsStr) -> Result<u32, Error> {
    let known = fs::read_to_string("/etc/group").unwrap_or_default();
    let found = group.to_str().and_then(|group| group_id_in(&known, group));
    found.ok_or_else(|| Error::NoSuchGroup(group.to_owned()))
}

/// Lines are `name:password:number:members`, see group(5).
fn group_id_in(known: &str, group: &str) -> Option<u32> {
    if let Ok(number) = group.parse() {
        return Some(number);
    }
    let mut lines = known.lines().map(|line| line.split(':'));
    let mut line = lines.find(|line| line.clone().next() == Some(group))?;
    line.nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn only_its_owner_can_reach_the_socket_and_it_goes_with_us() {
        let (socket, _listener) = Socket::listen(&Place::default()).unwrap();
        let path = socket.path().to_owned();
        let directory = path.parent().unwrap().to_owned();
        assert_eq!((mode(&directory), mode(&path)), (0o700, 0o600));
        drop(socket);
        assert!(!directory.exists());
    }

    #[tokio::test]
    async fn a_chosen_directory_holds_the_socket_itself_and_stays() {
        let (outer, _listener) = Socket::listen(&Place::default()).unwrap();
        let directory = outer.path().parent().unwrap().to_owned();
        let place = Place {
            directory: Some(directory.clone()),
            group: None,
        };
        let (first, _first) = Socket::listen(&place).unwrap();
        let (second, _second) = Socket::listen(&place).unwrap();
        assert_eq!(first.path().parent(), Some(&*directory));
        assert_ne!(first.path(), second.path());
        drop(second);
        assert!(first.path().exists());
    }

    #[tokio::test]
    async fn a_group_can_reach_the_socket_where_the_host_wants_it() {
        let own = rustix::process::getgid().as_raw();
        let place = Place {
            directory: None,
            group: Some(own.to_string().into()),
        };
        let (socket, _listener) = Socket::listen(&place).unwrap();
        let directory = socket.path().parent().unwrap();
        assert_eq!((mode(directory), mode(socket.path())), (0o710, 0o660));
    }

    #[test]
    fn a_path_that_does_not_fit_moves_on() {
        let deep = PathBuf::from(format!("/{}", "d".repeat(LONGEST_PATH)));
        let error = first_free(&deep, |_| Ok(())).unwrap_err();
        let Error::Listen { source, .. } = error else {
            panic!("{error}");
        };
        let told = format!("at most {LONGEST_PATH} fit");
        assert!(source.to_string().ends_with(&told), "{source}");
        assert_eq!(
            bases(&Place::default()).last(),
            Some(&PathBuf::from("/tmp"))
        );
    }

    #[test]
    fn groups_are_known_by_number_and_by_name() {
        let known = "root:x:0:\nmesh:x:1234:a,b\nbroken\n";
        assert_eq!(group_id_in(known, "77"), Some(77));
        assert_eq!(group_id_in(known, "mesh"), Some(1234));
        assert_eq!(group_id_in(known, "broken"), None);
        assert_eq!(group_id_in(known, "nobody"), None);
    }
}
