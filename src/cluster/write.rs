//! Writing one Secret so that no race can lose or leak anything: each write names the state that it acts on.
//!
//! Why each is as it is was tried on a real API server: an apply without a guard silently merges into whatever came
//! between, an apply without `data` empties the Secret, a merge patch under our name conflicts with our own apply.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::json;
use zeroize::Zeroizing;

use super::error::{Action, Error, Problem, Verb};
use super::secret::{
    Desired, Field, Guard, NotKept, Observed, SecretName, adopted, release_document,
};
use super::wire::Call;
use super::{Cluster, FIELD_MANAGER};

/// What came of trying to make a Secret.
#[derive(Debug)]
pub enum Creation {
    /// It was made, as shown.
    Created(Observed),
    /// One was there, as shown; nothing was written.
    Existing(Observed),
}

/// Why a write that needs values from elsewhere was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The API server did not do it.
    #[error(transparent)]
    Failed(#[from] Error),
    /// A value that should be kept is not in the object that was read.
    #[error(transparent)]
    NotKept(#[from] NotKept),
}

impl Cluster {
    /// Makes the Secret, unless one is there.
    ///
    /// Server-side apply with a resourceVersion that no object has; anything but 201 is answered by looking what is
    /// there. Should that be gone by then, it is tried once more.
    ///
    /// # Errors
    /// When the API server does not do it, or a value is not at hand.
    pub async fn create(&self, desired: &Desired) -> Result<Creation, WriteError> {
        let action = Action::on_secret(Verb::Create, &desired.at);
        for _ in 0..CAME_BETWEEN {
            let document = desired.document(None, Guard::Absent)?;
            match self
                .call(&apply(action.clone(), &desired.at, document, false))
                .await
            {
                Ok(made) if made.status == StatusCode::CREATED => {
                    return Ok(Creation::Created(made.secret()?));
                }
                Ok(merged) => return Ok(Creation::Existing(merged.secret()?)),
                Err(error) if !says_it_exists(&error) => return Err(error.into()),
                Err(_) => {}
            }
            if let Some(existing) = self.read(&desired.at).await? {
                return Ok(Creation::Existing(existing));
            }
        }
        let message = "it came and went while it was being created".to_owned();
        Err(action.failed(Problem::Stale { message }).into())
    }

    /// Writes all keys over the very state that was read, whoever holds them; conflicts are judged before, on
    /// `observed`.
    ///
    /// # Errors
    /// When the API server does not do it (also when that state has passed), or a value to keep is not in `observed`.
    pub async fn update(
        &self,
        desired: &Desired,
        observed: &Observed,
    ) -> Result<Observed, WriteError> {
        let document = desired.document(Some(observed), Guard::exactly(observed))?;
        let action = Action::on_secret(Verb::Update, &desired.at);
        Ok(self
            .call(&apply(action, &desired.at, document, true))
            .await?
            .secret()?)
    }

    /// Makes our keys, and those to be pruned, ours alone, then writes as [`Cluster::update`] does.
    ///
    /// # Errors
    /// As [`Cluster::update`].
    pub async fn adopt(
        &self,
        desired: &Desired,
        observed: &Observed,
        pruned: &BTreeSet<String>,
    ) -> Result<Observed, WriteError> {
        let wanted = desired
            .fields()
            .into_iter()
            .chain(pruned.iter().cloned().map(Field::Data));
        let taken = wanted.filter(|field| observed.has(field)).collect();
        let patch = json!([
            // "add" replaces what is there, and does not mind when somebody wiped the list.
            {"op": "add", "path": "/metadata/managedFields",
             "value": adopted(&observed.holdings, &taken, FIELD_MANAGER)},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": observed.resource_version},
        ]);
        let action = Action::on_secret(Verb::Adopt, &desired.at);
        let path = format!("{}?fieldManager={FIELD_MANAGER}", path(&desired.at));
        let call =
            Call::new(action, Method::PATCH, path).with_json("application/json-patch+json", &patch);
        let moved = self.call(&call).await?.secret()?;
        self.update(desired, &moved).await
    }

    /// Marks the Secret as let go of, changing nothing else.
    ///
    /// # Errors
    /// When the API server does not do it, also when the state that was read has passed.
    pub async fn release(&self, observed: &Observed) -> Result<Observed, Error> {
        let action = Action::on_secret(Verb::Release, &observed.at);
        let document = release_document(observed);
        self.call(&apply(action, &observed.at, document, true))
            .await?
            .secret()
    }
}

fn apply(action: Action, at: &SecretName, document: Zeroizing<Vec<u8>>, force: bool) -> Call {
    let path = format!("{}?fieldManager={FIELD_MANAGER}&force={force}", path(at));
    Call::new(action, Method::PATCH, path).with("application/apply-patch+yaml", document)
}

/// The request path of a Secret.
pub(super) fn path(at: &SecretName) -> String {
    format!(
        "/api/v1/namespaces/{}/secrets/{}",
        at.namespace(),
        at.name()
    )
}

fn says_it_exists(error: &Error) -> bool {
    matches!(
        error.problem,
        Problem::Stale { .. } | Problem::Conflict { .. }
    )
}

/// How often a Secret may come and go while we try to make it.
const CAME_BETWEEN: u32 = 3;

#[cfg(test)]
mod tests;
