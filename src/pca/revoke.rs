//! RevokeCertificate.

use std::str::FromStr;

use aws_sdk_acmpca::types;

use super::error::{Error, Failure, Operation, failed};
use super::{Authority, Until};

/// Why a certificate is revoked, in the API's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationReason(types::RevocationReason);

/// A text that is no reason of the API's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{got:?} is no revocation reason, expected one such as KEY_COMPROMISE")]
pub struct NoReason {
    /// What was given.
    pub got: String,
}

impl FromStr for RevocationReason {
    type Err = NoReason;

    fn from_str(text: &str) -> Result<Self, NoReason> {
        let reason = types::RevocationReason::try_parse(text);
        reason.map(Self).map_err(|_| NoReason {
            got: text.to_owned(),
        })
    }
}

impl Authority {
    /// RevokeCertificate, by serial number in hex. One that is revoked already, or that AWS does not
    /// know (any more), counts as done.
    pub async fn revoke(
        &self,
        serial: &str,
        reason: &RevocationReason,
        until: Until<'_>,
    ) -> Result<(), Error> {
        let ask = || self.ask_to_revoke(serial, reason);
        let sent = self.sending.trying(until, ask).await;
        match sent.map_err(|failed| self.error(Operation::RevokeCertificate, failed)) {
            Err(Error::Refused(answer)) if answer.code == "RequestAlreadyProcessedException" => {
                Ok(())
            }
            Err(Error::NotFound(_)) => Ok(()),
            revoked => revoked,
        }
    }

    async fn ask_to_revoke(&self, serial: &str, reason: &RevocationReason) -> Result<(), Failure> {
        let ask = self.client().await?.revoke_certificate();
        let sent = ask
            .certificate_authority_arn(self.arn.to_string())
            .certificate_serial(serial)
            .revocation_reason(reason.0.clone())
            .send()
            .await;
        sent.map(drop)
            .map_err(|it| failed(Operation::RevokeCertificate, &it))
    }
}
