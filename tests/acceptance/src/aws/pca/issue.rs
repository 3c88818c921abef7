//! `IssueCertificate`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use x509_cert::ext::Extension;
use x509_cert::name::Name;

use super::super::World;
use super::super::answer::Failure;
use super::super::caller::Caller;
use super::super::x509::certificate::{Draft, Serial};
use super::super::x509::csr::Csr;
use super::super::x509::encoding::der;
use super::super::x509::key::SigningAlgorithm;
use super::access::admitted;
use super::authority::{Authority, Delivery, Issued, Redeemed, Status, invalid_state};
use super::extensions::assembled;
use super::passthrough::ApiPassthrough;
use super::required;
use super::template::{self, Kind, Template};
use super::validity::{Period, term};

/// The request as it comes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct IssueCertificate {
    certificate_authority_arn: Option<String>,
    csr: Option<String>,
    signing_algorithm: Option<String>,
    template_arn: Option<String>,
    validity: Option<Period>,
    validity_not_before: Option<Period>,
    idempotency_token: Option<String>,
    api_passthrough: Option<ApiPassthrough>,
}

/// How long a token stands for the certificate that it was first sent with.
const IDEMPOTENCY_WINDOW: SignedDuration = SignedDuration::from_mins(5);
const LONGEST_TOKEN: usize = 36;
const LONGEST_CSR: usize = 32_768;

/// Gives the ARN at once; the certificate itself is delivered later.
pub(super) fn issue(
    world: &World,
    caller: &Caller,
    request: &IssueCertificate,
) -> Result<Value, Failure> {
    let now = world.now();
    let mut authorities = world.authorities();
    let delivery = authorities.next_delivery();
    let (ca, template) = (
        &request.certificate_authority_arn,
        request.template_arn.as_deref(),
    );
    let authority = admitted(&mut authorities, caller, "IssueCertificate", ca, template)?;
    request.token_is_fit()?;
    if let Some(before) = request.redeemed(authority, caller, now) {
        return Ok(json!({ "CertificateArn": before }));
    }
    if authority.status(now) != Status::Active {
        return Err(invalid_state(NOT_ACTIVE));
    }
    let (serial, issued) = request.issued(authority, delivery, now)?;
    authority.issued.insert(serial, issued);
    let certificate_arn = authority.arn.certificate(&serial.hex());
    request.redeem(authority, caller, now, &certificate_arn);
    authorities.delivery_planned();
    Ok(json!({ "CertificateArn": certificate_arn }))
}

const NOT_ACTIVE: &str =
    "The certificate authority is not in a valid state for issuing certificates.";

impl IssueCertificate {
    fn csr(&self) -> Result<Csr, Failure> {
        let text = required("Csr", &self.csr)?;
        let pem = STANDARD
            .decode(text)
            .map_err(|error| Failure::of("SerializationException", error.to_string()))?;
        if pem.is_empty() || pem.len() > LONGEST_CSR {
            return Err(Failure::unfit(
                "Csr",
                "java.nio.HeapByteBuffer",
                "have length between 1 and 32768",
            ));
        }
        Csr::parse(&pem).map_err(|error| {
            Failure::of(
                "MalformedCSRException",
                format!("The certificate signing request is invalid: {error}"),
            )
        })
    }

    fn token_is_fit(&self) -> Result<(), Failure> {
        match &self.idempotency_token {
            Some(token) if token.is_empty() || token.chars().count() > LONGEST_TOKEN => Err(
                Failure::unfit("IdempotencyToken", token, "have length between 1 and 36"),
            ),
            _ => Ok(()),
        }
    }

    fn token_of(&self, caller: &Caller) -> Option<(String, String)> {
        Some((
            caller.principal.account.clone(),
            self.idempotency_token.clone()?,
        ))
    }

    /// The certificate that the token stands for, whatever else the request says.
    fn redeemed(&self, authority: &Authority, caller: &Caller, now: Timestamp) -> Option<String> {
        let redeemed = authority.tokens.get(&self.token_of(caller)?)?;
        (now.duration_since(redeemed.at) < IDEMPOTENCY_WINDOW)
            .then(|| redeemed.certificate_arn.clone())
    }

    fn redeem(
        &self,
        authority: &mut Authority,
        caller: &Caller,
        now: Timestamp,
        certificate_arn: &str,
    ) {
        if let Some(token) = self.token_of(caller) {
            authority.tokens.insert(
                token,
                Redeemed {
                    at: now,
                    certificate_arn: certificate_arn.to_owned(),
                },
            );
        }
    }

    /// The certificate, once every rule is met.
    fn issued(
        &self,
        authority: &Authority,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<(Serial, Issued), Failure> {
        let name = template::name_in(self.template_arn.as_deref(), &authority.arn.partition)?;
        let template = Template::named(&name)?;
        let csr = self.csr()?;
        let algorithm = self.algorithm_for(authority)?;
        path_length_is_fit(template.kind, authority)?;
        let (end, begin) = (self.validity.as_ref(), self.validity_not_before.as_ref());
        let term = term(end, begin, authority, now)?;
        let (subject, extensions) = self.passed_by_api(template)?;
        let public_key = der(&csr.public_key);
        let draft = Draft {
            serial: Serial::random(),
            issuer: &authority.subject,
            not_before: term.not_before,
            not_after: term.not_after,
            subject: subject.as_ref().unwrap_or(&csr.subject),
            public_key: &public_key,
            extensions: assembled(template, authority, &csr, &public_key, &extensions),
        };
        let certificate = draft.sign(&authority.key, algorithm);
        let issued = Issued {
            certificate: certificate.ok_or_else(Failure::internal)?,
            chain: authority.path(),
            template: name,
            not_after: term.not_after,
            delivery,
            revoked: None,
        };
        Ok((draft.serial, issued))
    }

    /// What `ApiPassthrough` says, where the template heeds it.
    fn passed_by_api(&self, template: Template) -> Result<(Option<Name>, Vec<Extension>), Failure> {
        match self.api_passthrough.as_ref().filter(|_| template.api) {
            Some(api) => Ok((api.subject()?, api.extensions()?)),
            None => Ok((None, Vec::new())),
        }
    }

    fn algorithm_for(&self, authority: &Authority) -> Result<SigningAlgorithm, Failure> {
        let name = required("SigningAlgorithm", &self.signing_algorithm)?;
        let key = authority.key.algorithm();
        let possible = key.signing_algorithms();
        let known = SigningAlgorithm::named(name).filter(|algorithm| possible.contains(algorithm));
        known.ok_or_else(|| {
            let names: Vec<_> = possible.iter().map(|algorithm| algorithm.name()).collect();
            Failure::of(
                "InvalidArgsException",
                format!(
                    "Signing algorithm {name} cannot be used with key type {}. \
                     Valid signing algorithms are: {}.",
                    key.name(),
                    names.join(", ")
                ),
            )
        })
    }
}

/// A CA may only make CAs whose path is shorter than its own, and only a root's own key gets a
/// root's certificate.
fn path_length_is_fit(kind: Kind, authority: &Authority) -> Result<(), Failure> {
    match (kind, authority.installed.path_length) {
        (Kind::SubordinateCa { path_length, .. }, Some(own)) if path_length >= own => {
            Err(Failure::validation("Path length check failed for CA"))
        }
        (Kind::RootCa, _) => Err(Failure::validation(
            "A root CA certificate can only be issued for the root CA's own signing request.",
        )),
        _ => Ok(()),
    }
}
