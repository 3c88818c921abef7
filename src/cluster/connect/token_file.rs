//! Tokens in files that somebody else renews: a kubeconfig's `tokenFile`, and the one of a pod's service account.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use super::settings::SecretText;
use crate::cluster::door::{Issuer, NoPass, Obtaining, Pass};

/// Reads its file once a minute, as client-go does. While the file cannot be read, the token that was there before goes
/// on being used.
pub(super) struct TokenFile {
    path: PathBuf,
    last: Mutex<Option<SecretText>>,
}

impl TokenFile {
    /// The token in that file; `last` serves while it cannot be read.
    pub(super) fn new(path: PathBuf, last: Option<SecretText>) -> Self {
        Self {
            path,
            last: Mutex::new(last),
        }
    }

    async fn pass(&self) -> Result<Pass, NoPass> {
        let read = match self.read().await {
            Ok(bytes) => token(&bytes).ok_or_else(|| "is empty".to_owned()),
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let token = match (read, last.clone()) {
            (Ok(token), _) | (Err(_), Some(token)) => token,
            (Err(why), None) => {
                return Err(NoPass {
                    why: format!("the token file {} {why}", self.path.display()),
                    is_transient: false,
                });
            }
        };
        *last = Some(token.clone());
        Ok(Pass {
            token: Some(token),
            identity: None,
            lasts: FRESH,
        })
    }

    async fn read(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::new());
        let mut bounded = File::open(&self.path).await?.take(LONGEST);
        bounded.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }
}

/// The token in the bytes of a file, without the line break at its end.
pub(super) fn token(bytes: &[u8]) -> Option<SecretText> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.is_empty()).then(|| text.into())
}

impl Issuer for TokenFile {
    fn obtain(&self) -> Obtaining<'_, Result<Pass, NoPass>> {
        Box::pin(self.pass())
    }

    fn principal(&self) -> Obtaining<'_, Option<String>> {
        let name = format!("the token file {}", self.path.display());
        Box::pin(async { Some(name) })
    }
}

impl fmt::Debug for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenFile({})", self.path.display())
    }
}

const FRESH: Duration = Duration::from_secs(60);
/// No header takes more.
const LONGEST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file of its own that goes with the test.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let name = format!("istiopca-token-{}-{name}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    async fn obtained(file: &TokenFile) -> String {
        let pass = file.obtain().await.unwrap();
        assert!(pass.identity.is_none() && pass.lasts == Duration::from_secs(60));
        pass.token.unwrap().expose().to_owned()
    }

    #[tokio::test]
    async fn each_time_the_file_is_read_again() {
        let scratch = Scratch::new("rotates");
        fs::write(&scratch.0, "one\n").unwrap();
        let file = TokenFile::new(scratch.0.clone(), None);
        assert_eq!(obtained(&file).await, "one");
        fs::write(&scratch.0, "two\r\n").unwrap();
        assert_eq!(obtained(&file).await, "two");
    }

    #[tokio::test]
    async fn a_file_that_goes_or_is_emptied_leaves_its_last_token() {
        let scratch = Scratch::new("goes");
        fs::write(&scratch.0, "one").unwrap();
        let file = TokenFile::new(scratch.0.clone(), Some("static".into()));
        assert_eq!(obtained(&file).await, "one");
        fs::write(&scratch.0, " \n").unwrap();
        assert_eq!(obtained(&file).await, "one");
        fs::remove_file(&scratch.0).unwrap();
        assert_eq!(obtained(&file).await, "one");
        let never = TokenFile::new(scratch.0.clone(), Some("static".into()));
        assert_eq!(obtained(&never).await, "static");
    }

    #[tokio::test]
    async fn without_any_token_the_file_is_named() {
        let scratch = Scratch::new("absent");
        let file = TokenFile::new(scratch.0.clone(), None);
        let path = scratch.0.display();
        let absent = file.obtain().await.unwrap_err();
        assert_eq!(
            absent.why,
            format!("the token file {path} cannot be read: No such file or directory (os error 2)")
        );
        fs::write(&scratch.0, "\n").unwrap();
        let empty = file.obtain().await.unwrap_err();
        assert_eq!(empty.why, format!("the token file {path} is empty"));
    }

    #[test]
    fn debug_shows_the_path_alone() {
        let file = TokenFile::new(PathBuf::from("/a/token"), Some("hunter2".into()));
        assert_eq!(format!("{file:?}"), "TokenFile(/a/token)");
    }
}
