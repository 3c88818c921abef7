//! Making a Secret what it should be: decide, write, and over again from a new look where somebody came between.

use std::time::Duration;

use tokio::time::Instant;

use super::error::{Action, Error, Problem, Verb};
use super::secret::{
    Claim, Decision, Desired, Difference, Immovable, Observed, Policy, Refusal, Step, Wanted,
    decide, difference,
};
use super::write::{Creation, WriteError};
use super::{Cluster, STALE_TRIES};

/// A Secret that was written.
#[derive(Debug)]
pub struct Written {
    /// As the API server showed it after the write.
    pub secret: Observed,
    /// How it came about.
    pub how: HowWritten,
    /// What the API server made of it that we did not say: admission may change objects.
    pub altered: Vec<Difference>,
}

/// How a Secret came to be as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HowWritten {
    /// There was none.
    Created,
    /// In place, as decided.
    InPlace(Decision),
    /// Deleted and made anew, as decided.
    Replaced(Decision),
}

/// Why a Secret is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PutError {
    /// The user's settings do not allow it. Nothing was written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The API server did not do it.
    #[error(transparent)]
    Failed(#[from] Error),
    /// The old Secret was deleted, and the new one could not be made: there is none now.
    #[error("the Secret was deleted to be replaced, but its successor was not made: {0}")]
    Lost(#[source] Error),
}

impl Cluster {
    /// Makes the Secret as desired, as far as `policy` allows. `seen` is what was there when it was read last, if
    /// anything.
    ///
    /// Each round judges the object last read and writes over that very state; when the state has passed, it is read
    /// and judged anew, a bounded number of times. `within` is how long finalizers may hold a Secret that is replaced.
    ///
    /// # Errors
    /// When the policy forbids it, or the API server does not do it.
    pub async fn put(
        &self,
        mut seen: Option<Observed>,
        desired: &Desired,
        claim: &Claim<'_>,
        policy: Policy,
        within: Duration,
    ) -> Result<Written, PutError> {
        let mut wanted = desired.clone();
        for _ in 1..STALE_TRIES {
            let settled = self.round(seen, &mut wanted, claim, policy, within).await;
            match settled {
                Err(PutError::Failed(error)) if error.is_stale() => {}
                settled => return settled,
            }
            seen = self.read(&desired.at).await?;
        }
        self.round(seen, &mut wanted, claim, policy, within).await
    }

    async fn round(
        &self,
        seen: Option<Observed>,
        desired: &mut Desired,
        claim: &Claim<'_>,
        policy: Policy,
        within: Duration,
    ) -> Result<Written, PutError> {
        let here = match seen {
            Some(observed) => Creation::Existing(observed),
            None => self.create(desired).await?,
        };
        let observed = match here {
            Creation::Created(secret) => {
                return Ok(Written::new(secret, HowWritten::Created, desired));
            }
            Creation::Existing(observed) => observed,
        };
        let decision = decide(&observed, claim, desired, policy)?;
        let secret = match &decision.step {
            Step::Update => self.update(desired, &observed).await?,
            Step::Adopt { pruned } => self.adopt(desired, &observed, pruned).await?,
            Step::Replace { .. } => {
                carry_over(desired, &observed);
                let secret = self.replace(desired, &observed, within).await?;
                return Ok(Written::new(
                    secret,
                    HowWritten::Replaced(decision),
                    desired,
                ));
            }
        };
        Ok(Written::new(secret, HowWritten::InPlace(decision), desired))
    }

    /// Deletes the Secret that was read and makes it anew.
    async fn replace(
        &self,
        desired: &Desired,
        observed: &Observed,
        within: Duration,
    ) -> Result<Observed, PutError> {
        self.delete(observed, within).await?;
        match self.create_in_the_gap(desired, within).await {
            Ok(Creation::Created(secret)) => Ok(secret),
            // Somebody was faster; whose that is is for the next round to judge.
            Ok(Creation::Existing(other)) => Err(came_between(&other).into()),
            Err(WriteError::NotKept(lost)) => Err(Refusal::NotKept(lost).into()),
            Err(WriteError::Failed(error)) => Err(PutError::Lost(error)),
        }
    }

    /// Without the Secret the next start of istiod makes a root of its own, so this does not give up at once.
    async fn create_in_the_gap(
        &self,
        desired: &Desired,
        within: Duration,
    ) -> Result<Creation, WriteError> {
        let deadline = Instant::now() + within;
        loop {
            match self.create(desired).await {
                Err(WriteError::Failed(error))
                    if error.problem.is_transient() && Instant::now() < deadline =>
                {
                    tokio::time::sleep(self.patience.look).await;
                }
                settled => return settled,
            }
        }
    }
}

impl Written {
    fn new(secret: Observed, how: HowWritten, desired: &Desired) -> Self {
        let altered = difference(&desired.expected(), &secret);
        Self {
            secret,
            how,
            altered,
        }
    }
}

impl Step {
    /// Why an immutable part made a replacement necessary, if one did.
    pub fn immovable(&self) -> Option<&Immovable> {
        match self {
            Self::Replace { why } => why.as_ref(),
            Self::Update | Self::Adopt { .. } => None,
        }
    }
}

impl From<WriteError> for PutError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Failed(error) => Self::Failed(error),
            WriteError::NotKept(lost) => Self::Refused(Refusal::NotKept(lost)),
        }
    }
}

/// Takes the values that are to be kept from the object before it is deleted. They are there: that was decided on.
fn carry_over(desired: &mut Desired, observed: &Observed) {
    for (key, wanted) in &mut desired.data {
        if let (Wanted::Keep(_), Some(bytes)) = (&*wanted, observed.bytes(key)) {
            *wanted = Wanted::Bytes(bytes.clone());
        }
    }
}

fn came_between(observed: &Observed) -> Error {
    let action = Action::on_secret(Verb::Create, &observed.at);
    action.failed(Problem::Stale {
        message: "another one was made in its place".to_owned(),
    })
}

#[cfg(test)]
mod tests;
