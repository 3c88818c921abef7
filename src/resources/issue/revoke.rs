//! Revoking a certificate, where the user asked for that.

use super::{Issuance, Issued};
use crate::clients::Clients;
use crate::pca::{Error, Until};
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic, Ending};

/// The serial number (hex) of the certificate that is to be revoked as its resource goes. One whose place another takes
/// is not: workloads may still use what it signed.
pub(in crate::resources) fn to_revoke<'a>(
    settings: &Issuance,
    issued: &'a Issued,
    ending: Ending,
) -> Option<&'a str> {
    let revokes = settings.revoke_on_destroy && ending == Ending::Destroyed;
    issued.serial_number.as_deref().filter(|_| revokes)
}

/// Revokes the certificate of that serial number (hex); one that is revoked already is fine. What AWS refuses is told in
/// the words of the caller, who knows what has gone before.
pub(in crate::resources) async fn revoke(
    call: &Call<'_, Clients>,
    instance: &Instance,
    settings: &Issuance,
    serial: &str,
    refused: impl FnOnce(&Instance, &str, &Error) -> Diagnostic,
) -> Result<(), Diagnostic> {
    let reason = settings.revocation_reason.parse();
    let reason = reason.expect("the schema admits the API's reasons only");
    let client = call.clients.authority(&settings.certificate_authority_arn);
    let client = client.map_err(|error| words::sign_in(instance, &error))?;
    let revoked = client
        .revoke(serial, &reason, Until::new(call.deadline, &call.stop))
        .await;
    revoked.map_err(|error| refused(instance, serial, &error))
}
