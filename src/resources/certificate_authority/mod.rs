//! `data "istiopca_certificate_authority"`: a CA as AWS shows it, and what it can issue for a mesh.

mod outputs;

use serde::Deserialize;

use super::words::{self, Instance};
use crate::clients::Clients;
use crate::pca::{self, Arn, Description, Error, Status, Until};
use crate::pki::{Chain, ChainError};
use crate::resources::issue::path_of;
use crate::terraform::schema::{Attribute, Schema, joined, text};
use crate::terraform::{Call, DataSource, Diagnostic, Filled};
use outputs::Outputs;

/// See the module.
pub(super) struct CertificateAuthority;

/// Which CA.
#[derive(Deserialize)]
pub(super) struct Settings {
    arn: Arn,
}

const SETTINGS: [Attribute; 1] = [text("arn").required().parses::<Arn>().says(
    "ARN of the CA. Where it is and whose it is stand in it; the account that owns it is signed in to by \
     the provider's `acmpca {}`, where that is another one.",
)];

const ATTRIBUTES: [Attribute; 31] = joined(SETTINGS, outputs::OUTPUTS);

impl DataSource for CertificateAuthority {
    type Clients = Clients;
    type Settings = Settings;
    type Outputs = Outputs;

    const NAME: &'static str = "istiopca_certificate_authority";
    const SCHEMA: Schema = Schema::new(
        "A CA of AWS Private CA: what it is, until when, and what it can issue for a mesh. A CA that is \
         disabled, expired or deleted is told as such; only one that is absent or may not be looked at \
         is an error.",
        &ATTRIBUTES,
    );

    async fn read(
        call: &Call<'_, Clients>,
        settings: &Settings,
    ) -> Result<Filled<Outputs>, Diagnostic> {
        let instance = Instance::authority(&settings.arn);
        let client = call.clients.authority(&settings.arn);
        let client = client.map_err(|error| words::sign_in(&instance, &error))?;
        let until = Until::new(call.deadline, &call.stop);
        let described = client.describe(until).await;
        let description = described.map_err(|error| words::unseen(&instance, &error))?;
        let path = certified(&client, description, until).await;
        let path = path.map_err(|error| words::unseen(&instance, &error))?;
        let outputs = Outputs::of(&settings.arn, description, path.as_ref(), call.now);
        Ok(Filled::new(outputs))
    }
}

/// The path from the CA to its root, where the CA has a certificate at all.
async fn certified(
    client: &pca::Authority,
    description: &Description,
    until: Until<'_>,
) -> Result<Option<Result<Chain, ChainError>>, Error> {
    let never = [Status::Creating, Status::PendingCertificate];
    if never.contains(&description.status) {
        return Ok(None);
    }
    match client.certificate(until).await {
        Ok(pem) => Ok(Some(path_of(pem))),
        // A CA that is none any more, or never became one, need not have anything to show.
        Err(Error::InvalidState(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
