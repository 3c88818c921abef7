//! Revoking a certificate, where the user asked for that.

use super::Issuance;
use crate::clients::Clients;
use crate::pca::{RevocationReason, Until};
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic};

/// Revokes the certificate of that serial number (hex); one that is revoked already is fine.
pub(in crate::resources) async fn revoke(
    call: &Call<'_, Clients>,
    instance: &Instance,
    settings: &Issuance,
    serial: &str,
    reason: &RevocationReason,
) -> Result<(), Diagnostic> {
    let client = call.clients.authority(&settings.certificate_authority_arn);
    let client = client.map_err(|error| words::sign_in(instance, &error))?;
    let revoked = client
        .revoke(serial, reason, Until::new(call.deadline, &call.stop))
        .await;
    revoked.map_err(|error| words::not_revoked(instance, serial, &error))
}
