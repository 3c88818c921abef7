//! What a plan says of a certificate that is left as it is. Pure.

use jiff::Timestamp;

use super::Issuance;
use super::plan::{Standing, beyond_renewal, renew_at};
use crate::resources::words::{self, Instance};
use crate::terraform::Verdict;

/// Its moment of renewal may be another one under the wanted settings.
pub(in crate::resources) fn moves(
    verdict: &mut Verdict,
    standing: &Standing<'_>,
    wanted: &Issuance,
) {
    let moment = renew_at(standing, wanted).filter(|at| Some(*at) != standing.issued.renew_at);
    if let Some(renew_at) = moment {
        verdict.becomes("renew_at", renew_at.to_string());
    }
}

/// Where its time has come and no renewal would help, that is told: there is nothing that an apply could do.
pub(in crate::resources) fn stands(
    verdict: &mut Verdict,
    instance: &Instance,
    standing: &Standing<'_>,
    wanted: &Issuance,
    now: Timestamp,
) {
    if let Some(horizon) = beyond_renewal(standing, wanted, now) {
        let arn = &wanted.certificate_authority_arn;
        let issued = standing.issued;
        verdict.tell(words::beyond_renewal(instance, arn, issued, horizon, now));
    }
}
