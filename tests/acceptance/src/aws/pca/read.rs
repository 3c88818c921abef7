//! `GetCertificate`: delivery.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::World;
use super::super::answer::Failure;
use super::super::caller::Caller;
use super::super::x509::certificate::{Serial, armoured, armoured_chain};
use super::access::admitted;
use super::arn::{CaArn, malformed};
use super::authority::{Issued, wrong_state};
use super::required;

/// The request as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetCertificate {
    certificate_authority_arn: Option<String>,
    certificate_arn: Option<String>,
}

/// The certificate by itself and its chain, the root last; revoked and expired ones too.
pub(super) fn certificate(
    world: &World,
    caller: &Caller,
    request: &GetCertificate,
) -> Result<Value, Failure> {
    let certificate_arn = required("CertificateArn", &request.certificate_arn)?;
    let mut authorities = world.authorities();
    let held = authorities.deliveries_held;
    let ca = &request.certificate_authority_arn;
    let authority = admitted(&mut authorities, caller, "GetCertificate", ca, None)?;
    if !authority.status(world.now()).has_certificate() {
        return Err(wrong_state(authority, "to have issued certificates"));
    }
    let serial = serial_in(&authority.arn, certificate_arn)?;
    let issued = serial.and_then(|serial| authority.issued.get_mut(&serial));
    issued
        .ok_or_else(|| not_found(certificate_arn))?
        .deliver(certificate_arn, held)
}

impl Issued {
    fn deliver(&mut self, arn: &str, held: bool) -> Result<Value, Failure> {
        if held {
            return Err(in_progress(arn));
        }
        if self.delivery.polls_left > 0 {
            self.delivery.polls_left -= 1;
            return Err(in_progress(arn));
        }
        if self.delivery.fails {
            return Err(Failure::request_failed());
        }
        Ok(json!({
            "Certificate": armoured(&self.certificate),
            "CertificateChain": armoured_chain(&self.chain),
        }))
    }
}

/// The serial number at the end of a certificate's ARN; `None` if it cannot be one of this CA.
fn serial_in(authority: &CaArn, certificate: &str) -> Result<Option<Serial>, Failure> {
    let (owner, serial) = certificate
        .rsplit_once("/certificate/")
        .ok_or_else(|| malformed(certificate))?;
    Ok(Serial::from_hex(serial).filter(|_| owner == authority.to_string()))
}

fn in_progress(arn: &str) -> Failure {
    Failure::of(
        "RequestInProgressException",
        format!("The request to issue certificate {arn} is still in progress. Try again later."),
    )
}

fn not_found(arn: &str) -> Failure {
    Failure::of(
        "ResourceNotFoundException",
        format!("Could not find certificate {arn}"),
    )
}
