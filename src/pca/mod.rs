//! Adapter to AWS Private CA: one [`Authority`] for each CA, which describes itself, takes orders
//! and hands out what it issued.
//!
//! Knows of no Terraform, reads no clock (waiting is by the runtime's timer), believes nothing:
//! whether a certificate is what was ordered is for `pki` to judge. Certificates and requests are
//! PEM text here.

pub mod algorithm;
pub mod arn;
mod calls;
pub mod description;
pub mod error;
pub mod request;
pub mod retry;
mod revoke;

use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_acmpca::Client;
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub use algorithm::{AlgorithmError, CaKeyAlgorithm, Family, SigningAlgorithm};
pub use arn::{Arn, ArnError, CertificateArn, TemplateArn};
pub use description::{CaType, Description, Status, UsageMode};
pub use error::{Answer, Asked, Error, Operation};
pub use request::{Order, Token};
pub use revoke::{NoReason, RevocationReason};

use crate::aws::SignIn;
use crate::aws::patience::Ended;
use crate::aws::retry::{Course, Failing as _, Sending};
pub use crate::aws::{Patience, Unreachable, Until};
use error::Failure;
use retry::{Class, Own};

/// How often AWS may call an ordered certificate failed before that is believed: the same answer is
/// also given for trouble on the way to it.
const FAILURES_BELIEVED: u32 = 4;

/// How long somebody waits who can do without the answer.
const GLIMPSE: Duration = Duration::from_secs(15);

/// A private CA, connected on first use. What it says about itself is asked once and kept for the
/// process; callers at the same time share one request, and a failure is not kept.
pub struct Authority {
    arn: Arn,
    sign_in: Arc<SignIn>,
    sending: Sending,
    client: OnceCell<Client>,
    description: OnceCell<Description>,
    certificate: OnceCell<IssuerPem>,
    glimpsed: OnceCell<()>,
}

/// The CA's own certificate, each text in PEM as AWS wrote it: without a newline at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerPem {
    /// What the CA signs with.
    pub certificate: String,
    /// From its issuer up; `None` for a root.
    pub chain: Option<String>,
}

/// A certificate that was issued, each text in PEM as AWS wrote it: without a newline at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedPem {
    /// What was ordered.
    pub certificate: String,
    /// From the CA up; mostly to the root, which is not promised.
    pub chain: String,
}

impl Authority {
    /// Asks nothing yet. `seed` is any number; it keeps this process's retries apart from others'.
    pub fn new(arn: Arn, sign_in: Arc<SignIn>, seed: u64) -> Self {
        Self {
            arn,
            sending: Sending::new(sign_in.attempts(), seed),
            sign_in,
            client: OnceCell::new(),
            description: OnceCell::new(),
            certificate: OnceCell::new(),
            glimpsed: OnceCell::new(),
        }
    }

    /// Which CA this is.
    pub fn arn(&self) -> &Arn {
        &self.arn
    }

    /// DescribeCertificateAuthority.
    pub async fn describe(&self, until: Until<'_>) -> Result<&Description, Error> {
        let operation = Operation::DescribeCertificateAuthority;
        self.once(&self.description, operation, until, || {
            self.ask_description()
        })
        .await
    }

    /// GetCertificateAuthorityCertificate.
    pub async fn certificate(&self, until: Until<'_>) -> Result<&IssuerPem, Error> {
        let operation = Operation::GetCertificateAuthorityCertificate;
        self.once(&self.certificate, operation, until, || {
            self.ask_certificate()
        })
        .await
    }

    /// The certificate of [`certificate`](Self::certificate) for those who can do without it: it is
    /// asked for a short time only, and who fails once is not asked again in this process.
    pub async fn glimpse(&self, until: Until<'_>) -> Option<&IssuerPem> {
        let ask = || async {
            // Why it failed is told to those who cannot do without.
            let _ = self.certificate(until.at_most(GLIMPSE)).await;
        };
        self.glimpsed.get_or_init(ask).await;
        self.certificate.get()
    }

    /// IssueCertificate: the name of what will be issued, to be written down before anything else,
    /// since processing goes on at AWS. A request that has left is never cut off, neither by the
    /// deadline nor by a stop; waits between tries are, and no try begins when PCA could have
    /// forgotten the order's token.
    pub async fn issue(&self, order: &Order, until: Until<'_>) -> Result<CertificateArn, Error> {
        let remembered = until.at_most(Token::REMEMBERED);
        let sent = self.sending.trying(remembered, || self.place(order)).await;
        sent.map_err(|failed| self.error(Operation::IssueCertificate, failed))
    }

    /// GetCertificate, until it is there.
    pub async fn fetch(
        &self,
        certificate: &CertificateArn,
        patience: Patience,
        until: Until<'_>,
    ) -> Result<IssuedPem, Error> {
        let (began, mut failures, mut looks) = (Instant::now(), 0, 0);
        let pending = |error| match error {
            Error::OutOfTime(asked) => {
                let (certificate, waited) = (certificate.clone(), began.elapsed());
                Error::StillPending {
                    asked,
                    certificate,
                    waited,
                }
            }
            other => other,
        };
        loop {
            let looked = self.look(certificate, &mut failures, until).await;
            if let Some(issued) = looked.map_err(pending)? {
                return Ok(issued);
            }
            looks += 1;
            let waited = match patience.next(looks - 1, until.left()) {
                ControlFlow::Continue(wait) => until.pause(wait).await,
                ControlFlow::Break(()) => Err(Ended::Deadline),
            };
            let course = Course {
                tries: looks,
                open: false,
            };
            let failed = |ended| Failure::from(ended).after(course);
            let error = |failed| self.error(Operation::GetCertificate, failed);
            waited.map_err(failed).map_err(error).map_err(pending)?;
        }
    }

    /// `None` while the certificate is being made.
    async fn look(
        &self,
        certificate: &CertificateArn,
        failures: &mut u32,
        until: Until<'_>,
    ) -> Result<Option<IssuedPem>, Error> {
        let ask = || until.cutting(self.ask_issued(certificate));
        let failed = match self.sending.trying(until, ask).await {
            Ok(issued) => return Ok(Some(issued)),
            Err(failed) => failed,
        };
        let (class, unmade) = (failed.class, Class::Own(Own::Failed));
        *failures += u32::from(class == unmade);
        match class {
            Class::Own(Own::Pending) => Ok(None),
            Class::Own(Own::Failed) if *failures < FAILURES_BELIEVED => Ok(None),
            _ => match self.error(Operation::GetCertificate, failed) {
                Error::Unavailable(answer) if class == unmade => Err(Error::NotIssued {
                    certificate: certificate.clone(),
                    answer,
                }),
                other => Err(other),
            },
        }
    }

    async fn once<'c, T, F>(
        &self,
        kept: &'c OnceCell<T>,
        operation: Operation,
        until: Until<'_>,
        ask: impl Fn() -> F,
    ) -> Result<&'c T, Error>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        if let Some(known) = kept.get() {
            return Ok(known);
        }
        // Cut from outside too: the one request may be under way for somebody with another
        // deadline.
        let asking = kept.get_or_try_init(|| self.sending.trying(until, &ask));
        let asked = until.cutting(asking).await;
        asked.map_err(|failed| self.error(operation, failed))
    }

    /// What a failure is when no more tries follow.
    fn error(&self, operation: Operation, failed: Failure) -> Error {
        Error::of(failed, operation, &self.arn, || self.sign_in.whose())
    }
}

/// The name only: the SDK's client shows the secret keys of every profile.
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Authority");
        shown.field("arn", &self.arn).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
