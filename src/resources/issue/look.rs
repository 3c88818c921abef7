//! What AWS says of a CA, asked once for all that ask in this process.

use std::sync::Arc;

use super::Issuance;
use super::examine::{Authority, Obstacle, examine_status};
use crate::clients::Clients;
use crate::pca::{self, Until};
use crate::pki::ChainError;
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic};

/// The CA that the settings name, and what AWS says of it; in words, where that is nothing.
pub(in crate::resources) async fn seen(
    call: &Call<'_, Clients>,
    instance: &Instance,
    settings: &Issuance,
) -> Result<(Arc<pca::Authority>, Authority), Diagnostic> {
    let client = call.clients.authority(&settings.certificate_authority_arn);
    let client = client.map_err(|error| words::sign_in(instance, &error))?;
    let authority = look(&client, Until::new(call.deadline, &call.stop)).await;
    let authority = authority.map_err(|unseen| unseen.told(instance, client.arn()))?;
    Ok((client, authority))
}

/// Why nothing is known of a CA that could be used.
pub(super) enum Unseen {
    /// AWS was asked and did not tell.
    Asked(pca::Error),
    /// It is in no state to issue.
    Obstacle(Obstacle),
    /// Its certificates lead nowhere.
    Chain(ChainError),
}

impl Unseen {
    /// The same in words.
    pub(super) fn told(&self, instance: &Instance, arn: &pca::Arn) -> Diagnostic {
        match self {
            Self::Asked(error) => words::authority(instance, error),
            Self::Obstacle(obstacle) => words::obstacle(instance, arn, obstacle),
            Self::Chain(error) => words::authority_chain(instance, arn, error),
        }
    }
}

/// What AWS says of a CA.
pub(super) async fn look(client: &pca::Authority, until: Until<'_>) -> Result<Authority, Unseen> {
    let description = client.describe(until).await.map_err(Unseen::Asked)?;
    examine_status(description).map_err(Unseen::Obstacle)?;
    let pem = client.certificate(until).await.map_err(Unseen::Asked)?;
    Authority::new(description.clone(), pem).map_err(Unseen::Chain)
}
