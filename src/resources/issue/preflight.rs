//! A look at the CA while planning, for messages only.

use super::Issuance;
use super::examine::{Last, examine};
use super::look::{Unseen, look};
use crate::clients::Clients;
use crate::pca::{self, Until};
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic, Severity};

/// Tells what would keep the CA from issuing.
///
/// Where AWS does not tell, the plan keeps silent: a role that may only plan needs no access to the
/// CA.
pub(in crate::resources) async fn preflight(
    call: &Call<'_, Clients>,
    instance: &Instance,
    settings: &Issuance,
    last: &Last,
    reason: &str,
) -> Vec<Diagnostic> {
    let Ok(client) = call.clients.authority(&settings.certificate_authority_arn) else {
        return Vec::new();
    };
    let seen = look(&client, Until::new(call.deadline, &call.stop)).await;
    let problems = match seen {
        Ok(authority) => match examine(&authority, settings, last, call.now) {
            Ok(_) => Vec::new(),
            Err(obstacles) => {
                let arn = client.arn();
                let told = obstacles
                    .iter()
                    .map(|obstacle| words::obstacle(instance, arn, obstacle));
                told.collect()
            }
        },
        Err(Unseen::Asked(error)) if !matches!(error, pca::Error::NotFound(_)) => Vec::new(),
        Err(unseen) => vec![unseen.told(instance, client.arn())],
    };
    problems
        .into_iter()
        .map(|problem| problem.with_severity(severity(reason)))
        .collect()
}

/// How much is made of what stands in the way of a certificate that is issued for this reason.
///
/// A renewal is warned about and fails when it is applied: the host plans updates also before it
/// destroys, and an error here would keep everybody from destroying.
pub(in crate::resources) fn severity(reason: &str) -> Severity {
    if reason == "renewal" {
        Severity::Warning
    } else {
        Severity::Error
    }
}
