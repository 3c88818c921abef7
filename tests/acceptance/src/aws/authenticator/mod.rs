//! EKS's judgement of a bearer token, as aws-iam-authenticator and STS make it between them: the
//! token's form, its signature by a key of the emulator's accounts, and the cluster's access
//! entries.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::accounts::Principal;
use super::answer::Protocol;
use super::caller::Caller;
use super::clock::Clock;
use super::eks::ClusterId;
use super::sigv4::Refusal;
use super::{World, sts};

mod token;

use token::{CLUSTER_HEADER, Token};

/// Judges the tokens that are shown to one cluster. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Authenticator {
    world: Arc<World>,
    cluster: ClusterId,
    book: Arc<Mutex<Book>>,
}

/// Whom a token is of, as Kubernetes is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user's name, from the access entry.
    pub username: String,
    /// The user's groups, from the access entry.
    pub groups: Vec<String>,
    /// `aws-iam-authenticator:<account>:<principal id>`.
    pub uid: String,
    /// The caller's ARN, as `GetCallerIdentity` tells it.
    pub arn: String,
    /// The IAM ARN behind it: of the user, or of the role whose session it is.
    pub canonical_arn: String,
}

/// Why a token opens nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unauthorized {
    /// It is not of the form that EKS takes.
    #[error("input token was not properly formatted: {0}")]
    Malformed(String),
    /// It was signed too long ago.
    #[error(
        "input token was not properly formatted: X-Amz-Date parameter is expired: signed at {signed_at}, now it is {now}"
    )]
    Expired {
        /// `X-Amz-Date`.
        signed_at: Timestamp,
        /// The authenticator's time.
        now: Timestamp,
    },
    /// STS does not take the signature as anybody's.
    #[error("error from AWS (expected 200, got 403). {code}: {message}")]
    Sts {
        /// Such as `SignatureDoesNotMatch`.
        code: String,
        /// The sentence beside it.
        message: String,
    },
    /// STS knows the caller, and the cluster does not.
    #[error("ARN is not mapped: {arn}")]
    NotMapped {
        /// The IAM ARN of the user or role.
        arn: String,
    },
}

/// A token that was shown, and what came of it.
#[derive(Clone, Debug)]
pub struct Review {
    /// When, by the authenticator's time.
    pub at: Timestamp,
    /// The token itself.
    pub token: String,
    /// Whom it is of.
    pub outcome: Result<Identity, Unauthorized>,
}

#[derive(Debug)]
struct Book {
    time: Time,
    lifetime: SignedDuration,
    reviews: Vec<Review>,
}

#[derive(Debug)]
enum Time {
    /// The real one, and how far ahead of it.
    Real(SignedDuration),
    Of(Clock),
}

/// How long a token is good, whatever its `X-Amz-Expires` says.
const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

impl Authenticator {
    pub(super) fn new(world: Arc<World>, cluster: ClusterId) -> Self {
        let book = Book {
            time: Time::Real(SignedDuration::ZERO),
            lifetime: LIFETIME,
            reviews: Vec::new(),
        };
        Self {
            world,
            cluster,
            book: Arc::new(Mutex::new(book)),
        }
    }

    /// Judges a bearer token now, and writes that down.
    ///
    /// # Errors
    /// Why it opens nothing; a real cluster says `Unauthorized` whatever the reason.
    pub fn authenticate(&self, token: &str) -> Result<Identity, Unauthorized> {
        let (now, lifetime) = {
            let book = self.book();
            (book.time.now(), book.lifetime)
        };
        let outcome = self.judge(token, lifetime, now);
        self.book().reviews.push(Review {
            at: now,
            token: token.to_owned(),
            outcome: outcome.clone(),
        });
        outcome
    }

    /// How long after `X-Amz-Date` a token is good; 15 minutes unless set, and never more. A new
    /// token is good for as long again, so a story sees one expire and the next one work.
    pub fn set_lifetime(&self, lifetime: SignedDuration) {
        self.book().lifetime = lifetime;
    }

    /// Puts its time that much ahead of the real one, or behind it: whoever shows it tokens has a
    /// clock that is wrong.
    pub fn set_ahead(&self, span: SignedDuration) {
        self.book().time = Time::Real(span);
    }

    /// Goes by this clock from now on, for a caller that does too.
    pub fn follow(&self, clock: Clock) {
        self.book().time = Time::Of(clock);
    }

    /// Every token that was shown, in order.
    pub fn reviews(&self) -> Vec<Review> {
        self.book().reviews.clone()
    }

    /// Whether the token may be for this cluster's AWS: its key is of there, or it names none that
    /// can be read.
    pub(crate) fn may_be_meant(&self, token: &str) -> bool {
        let key = token::access_key_id(token);
        key.is_none_or(|key| self.world.accounts().key(&key).is_some())
    }

    /// Whether the other is a clone of this one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.book, &other.book)
    }

    fn judge(
        &self,
        token: &str,
        lifetime: SignedDuration,
        now: Timestamp,
    ) -> Result<Identity, Unauthorized> {
        let token = Token::read(token, self.cluster.partition(), lifetime, now)?;
        // What the authenticator sends to STS: its own cluster's name, whatever was signed.
        let header = |name: &str| match name {
            "host" => Some(token.host.clone()),
            CLUSTER_HEADER => Some(self.cluster.name.clone()),
            _ => None,
        };
        let caller = Caller::by_query(&self.world, &token.presigned, &header, now)
            .map_err(|refusal| Unauthorized::of_sts(&refusal))?;
        self.mapped(&caller.principal)
    }

    fn mapped(&self, principal: &Principal) -> Result<Identity, Unauthorized> {
        let canonical_arn = principal.role.as_ref().unwrap_or(&principal.arn);
        let clusters = self.world.clusters();
        let entry = clusters
            .get(&self.cluster)
            .filter(|cluster| cluster.knows_access_entries())
            .and_then(|cluster| {
                let mut entries = cluster.entries.iter();
                entries.find(|entry| entry.principal_arn == *canonical_arn)
            })
            .ok_or_else(|| Unauthorized::NotMapped {
                arn: canonical_arn.clone(),
            })?;
        let session = principal.arn.rsplit('/').next().unwrap_or_default();
        Ok(Identity {
            username: entry
                .username
                .replace("{{AccountID}}", &principal.account)
                .replace("{{SessionName}}", &session.replace('@', "-")),
            groups: entry.groups.clone(),
            uid: format!(
                "aws-iam-authenticator:{}:{}",
                principal.account,
                principal.user_id.split(':').next().unwrap_or_default()
            ),
            arn: principal.arn.clone(),
            canonical_arn: canonical_arn.clone(),
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Each change is one assignment, so a panic elsewhere cannot have left it half done.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Unauthorized {
    fn of_sts(refusal: &Refusal) -> Self {
        let failure = refusal.failure(Protocol::Query);
        Self::Sts {
            code: failure.code,
            message: failure.message,
        }
    }
}

impl Time {
    fn now(&self) -> Timestamp {
        match self {
            Self::Real(ahead) => sts::real_now() + *ahead,
            Self::Of(clock) => clock.now(),
        }
    }
}
