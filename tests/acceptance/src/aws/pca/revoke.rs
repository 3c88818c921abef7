//! `RevokeCertificate`: for good, once, and never a root.

use serde::Deserialize;

use super::super::World;
use super::super::answer::Failure;
use super::super::caller::Caller;
use super::super::x509::certificate::Serial;
use super::access::admitted;
use super::authority::wrong_state;
use super::required;

/// The request as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RevokeCertificate {
    certificate_authority_arn: Option<String>,
    certificate_serial: Option<String>,
    revocation_reason: Option<String>,
}

const REASONS: [&str; 8] = [
    "UNSPECIFIED",
    "KEY_COMPROMISE",
    "CERTIFICATE_AUTHORITY_COMPROMISE",
    "AFFILIATION_CHANGED",
    "SUPERSEDED",
    "CESSATION_OF_OPERATION",
    "PRIVILEGE_WITHDRAWN",
    "A_A_COMPROMISE",
];

/// Marks a certificate of this CA as revoked; the serial number is hex, with or without colons, in
/// either case.
pub(super) fn revoke(
    world: &World,
    caller: &Caller,
    request: &RevokeCertificate,
) -> Result<(), Failure> {
    let mut authorities = world.authorities();
    let ca = &request.certificate_authority_arn;
    let authority = admitted(&mut authorities, caller, "RevokeCertificate", ca, None)?;
    let (serial, reason) = (request.serial()?, request.reason()?);
    if !authority.status(world.now()).has_certificate() {
        return Err(wrong_state(authority, "to revoke certificates"));
    }
    if authority.parent.is_none() && authority.installed.serial == serial {
        return Err(invalid("Self-signed certificate can not be revoked"));
    }
    let issued = authority
        .issued
        .get_mut(&serial)
        .ok_or_else(|| not_found(serial))?;
    if issued.revoked.is_some() {
        let words = "Your request has already been completed.";
        return Err(Failure::of("RequestAlreadyProcessedException", words));
    }
    issued.revoked = Some(reason);
    Ok(())
}

impl RevokeCertificate {
    fn serial(&self) -> Result<Serial, Failure> {
        let text = required("CertificateSerial", &self.certificate_serial)?;
        Serial::from_hex(text)
            .ok_or_else(|| invalid(&format!("The serial number {text} is not valid.")))
    }

    fn reason(&self) -> Result<String, Failure> {
        let reason = required("RevocationReason", &self.revocation_reason)?;
        if REASONS.contains(&reason) {
            return Ok(reason.to_owned());
        }
        let set = format!("satisfy enum value set: [{}]", REASONS.join(", "));
        Err(Failure::unfit("RevocationReason", reason, &set))
    }
}

fn invalid(words: &str) -> Failure {
    Failure::of("InvalidRequestException", words)
}

fn not_found(serial: Serial) -> Failure {
    let words = format!(
        "Could not find a certificate with serial number {}",
        serial.hex()
    );
    Failure::of("ResourceNotFoundException", words)
}
