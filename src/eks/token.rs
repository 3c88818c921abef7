//! The token that opens a cluster: a presigned question to STS, which the cluster's authenticator asks in
//! our place and thereby learns who we are. Minting is arithmetic; nobody is called.
//!
//! Format: `k8s-aws-v1.` and the URL in base64 for URLs without padding (aws-iam-authenticator).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::Eks;
use crate::aws::{self, presign};

/// A token, and for how long it should be used.
pub struct Minted {
    /// To be sent as bearer.
    pub token: Zeroizing<String>,
    /// From now on. Authenticators take it for a quarter of an hour, but never longer than the credentials
    /// live that it was signed with.
    pub lasts: Duration,
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Unminted {
    /// There is no identity to sign with.
    #[error(transparent)]
    NotSignedIn(#[from] aws::Error),
    /// It would be longer than authenticators take.
    #[error(
        "the token would be {length} bytes long, and a cluster takes at most 4096: the session's credentials are too \
         long, which many session tags make them"
    )]
    TooLong {
        /// In bytes.
        length: usize,
    },
}

/// The longest token that aws-iam-authenticator takes.
const LONGEST: usize = 4096;

/// How long one token is used, of the quarter of an hour that it is good for. Clusters cache who a token is by
/// the token, so that a new one each time would cost a question to STS each time.
const USED: Duration = Duration::from_secs(600);

/// Credentials that end sooner than this are asked for anew.
const MARGIN: SignedDuration = SignedDuration::from_secs(60);

/// The header that binds a token to one cluster.
const BOUND_TO: &str = "x-k8s-aws-id";

/// The credentials that were given last, whoever asked for them.
#[derive(Clone, Default)]
pub(super) struct Held(Arc<Mutex<Option<Credentials>>>);

/// Where the client that describes clusters has its credentials from: what it is given, tokens are
/// signed with too, so that one session serves both.
struct Noted {
    source: SharedCredentialsProvider,
    held: Held,
}

impl Held {
    /// The same source, but what it gives is held.
    pub(super) fn noting(&self, source: SharedCredentialsProvider) -> SharedCredentialsProvider {
        let held = self.clone();
        SharedCredentialsProvider::new(Noted { source, held })
    }
}

impl ProvideCredentials for Noted {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let noted = async {
            let given = self.source.provide_credentials().await?;
            *self.held.0.lock().await = Some(given.clone());
            Ok::<_, CredentialsError>(given)
        };
        future::ProvideCredentials::new(noted)
    }
}

/// Nothing of what is held.
impl fmt::Debug for Noted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted").finish_non_exhaustive()
    }
}

impl Eks {
    /// A token for the cluster of that [`super::Described::token_id`].
    ///
    /// # Errors
    /// When there are no credentials, or the token would be too long.
    pub async fn mint(&self, token_id: &str, now: Timestamp) -> Result<Minted, Unminted> {
        let credentials = self.credentials(now).await?;
        let host = self.sign_in.sts_host(&self.region).await?;
        let bound = (BOUND_TO, token_id);
        let url = presign::caller_identity(&credentials, &self.region, &host, bound, now)?;
        minted(&url, expiry(&credentials), now)
    }

    /// What was signed with was refused: the next token is signed with credentials that are asked for anew.
    pub fn forget_credentials(&self) {
        // Who holds the lock is asking for new ones.
        if let Ok(mut held) = self.held.0.try_lock() {
            *held = None;
        }
    }

    /// Those of the last time while they last: a fleet's tokens need one session and not hundreds.
    async fn credentials(&self, now: Timestamp) -> Result<Credentials, aws::Error> {
        let mut held = self.held.0.lock().await;
        let good =
            |known: &&Credentials| expiry(known).is_none_or(|end| end.duration_since(now) > MARGIN);
        if let Some(known) = held.as_ref().filter(good) {
            return Ok(known.clone());
        }
        let session = self.session().await?;
        let source = session.credentials_provider().ok_or_else(none)?;
        let given = source.provide_credentials().await;
        let given = given.map_err(|error| aws::Error::behind(&error).unwrap_or_else(none))?;
        *held = Some(given.clone());
        Ok(given)
    }
}

fn none() -> aws::Error {
    aws::Error::Credentials { tried: Vec::new() }
}

fn expiry(credentials: &Credentials) -> Option<Timestamp> {
    credentials.expiry().and_then(|end| end.try_into().ok())
}

fn minted(url: &str, expiry: Option<Timestamp>, now: Timestamp) -> Result<Minted, Unminted> {
    let token = Zeroizing::new(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url)));
    if token.len() > LONGEST {
        return Err(Unminted::TooLong {
            length: token.len(),
        });
    }
    let left = expiry.map(|end| end.duration_since(now).try_into().unwrap_or_default());
    Ok(Minted {
        token,
        lasts: left.unwrap_or(USED).min(USED),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn a_token_is_the_url_in_base64_without_padding() {
        let minted = minted("https://sts/?a=b", None, at(0)).unwrap();
        // printf 'https://sts/?a=b' | basenc --base64url | tr -d =
        assert_eq!(*minted.token, "k8s-aws-v1.aHR0cHM6Ly9zdHMvP2E9Yg");
        assert_eq!(minted.lasts, Duration::from_secs(600));
    }

    #[test]
    fn a_token_is_not_used_longer_than_its_credentials_live() {
        let lasts = |end| {
            minted("u", Some(at(end)), at(1000))
                .unwrap()
                .lasts
                .as_secs()
        };
        assert_eq!(lasts(1300), 300);
        assert_eq!(lasts(9999), 600);
        assert_eq!(lasts(900), 0);
    }

    #[test]
    fn a_token_that_no_cluster_takes_is_refused_with_its_length() {
        assert!(minted(&"u".repeat(3063), None, at(0)).is_ok());
        let refused = minted(&"u".repeat(3064), None, at(0)).err();
        assert_eq!(refused, Some(Unminted::TooLong { length: 4097 }));
    }
}
