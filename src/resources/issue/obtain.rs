//! Ordering a certificate and waiting for it.
//!
//! What exists is written down before it is waited for: once AWS has named the certificate, no
//! failure forgets it.

use jiff::{SignedDuration, Timestamp};

use super::examine::{Authority, Last, examine};
use super::{Issuance, Pending, seen};
use crate::aws::Until;
use crate::clients::Clients;
use crate::pca::{self, CertificateArn, IssuedPem, Order, Patience, SigningAlgorithm};
use crate::pki::{Certificate, Chain, ChainError, Expectation, Horizon, check_issued};
use crate::resources::custody::{Again, Custody, Ready, listed};
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic};

/// What is to be ordered.
pub(in crate::resources) struct Request<'a> {
    /// What the certificate is to be like.
    pub(in crate::resources) settings: &'a Issuance,
    /// How messages call it.
    pub(in crate::resources) instance: &'a Instance,
    /// Who has the key.
    pub(in crate::resources) custody: &'a Custody<'a>,
    /// The last key, where it is to be used again; else a new one is made.
    pub(in crate::resources) again: Again,
    /// An earlier order that may still be good.
    pub(in crate::resources) pending: Option<&'a Pending>,
    /// The certificate that this one takes the place of.
    pub(in crate::resources) last: Last,
    /// Why it is ordered, in the word of `issue_reason`.
    pub(in crate::resources) reason: &'a str,
}

/// A certificate that was issued, checked against what was asked for.
pub(in crate::resources) struct Obtained {
    pub(in crate::resources) certificate_arn: CertificateArn,
    pub(in crate::resources) chain: Chain,
    pub(in crate::resources) key: Ready,
    pub(in crate::resources) signing_algorithm: SigningAlgorithm,
    pub(in crate::resources) ordered_at: Timestamp,
    pub(in crate::resources) short_lived: bool,
    /// Until when the CA can issue.
    pub(in crate::resources) horizon: Horizon,
    /// An earlier order that was given up.
    pub(in crate::resources) orphan: Option<CertificateArn>,
}

/// How an order can fail.
pub(in crate::resources) enum Failed {
    /// Nothing is to be had from it.
    Refused(Vec<Diagnostic>),
    /// AWS has named the certificate; it can still be fetched.
    UnderWay(Box<Pending>, Vec<Diagnostic>),
}

impl From<Diagnostic> for Failed {
    fn from(problem: Diagnostic) -> Self {
        Self::Refused(vec![problem])
    }
}

/// Gets the certificate: a pending one where it is for the same settings and its key is to be had,
/// else a new one.
pub(in crate::resources) async fn obtain(
    call: &Call<'_, Clients>,
    request: Request<'_>,
) -> Result<Obtained, Failed> {
    let Request {
        settings,
        instance,
        custody,
        again,
        pending,
        last,
        reason,
    } = request;
    let (client, authority) = seen(call, instance, settings).await?;
    let asking = Asking {
        call,
        client: &client,
        authority: &authority,
        settings,
        instance,
        custody,
        until: Until::new(call.deadline, &call.stop),
        now: at_second(call.now),
    };
    let wanted = settings.order_sha256();
    let resumable = pending.filter(|pending| pending.order_sha256 == wanted);
    if let Some(pending) = resumable
        && let Some(key) = custody.resume(call, instance, pending).await?
    {
        match asking.fetch(pending.clone(), key).await {
            Err(Failed::Refused(_)) => {}
            resumed => return resumed,
        }
    }
    let orphan = pending.map(|pending| pending.certificate_arn.clone());
    let (pending, key) = asking.order(again, &last, reason).await?;
    match asking.fetch(pending, key).await {
        Ok(obtained) => Ok(Obtained { orphan, ..obtained }),
        Err(Failed::UnderWay(pending, mut told)) => {
            // Its place in the notes is taken.
            told.extend(orphan.map(|arn| words::orphan(instance, &arn)));
            Err(Failed::UnderWay(pending, told))
        }
        Err(refused) => Err(refused),
    }
}

struct Asking<'a> {
    call: &'a Call<'a, Clients>,
    client: &'a pca::Authority,
    authority: &'a Authority,
    settings: &'a Issuance,
    instance: &'a Instance,
    custody: &'a Custody<'a>,
    until: Until<'a>,
    now: Timestamp,
}

impl Asking<'_> {
    async fn order(
        &self,
        again: Again,
        last: &Last,
        reason: &str,
    ) -> Result<(Pending, Ready), Failed> {
        let Self {
            call,
            settings,
            instance,
            custody,
            ..
        } = self;
        let arn = self.client.arn();
        let terms = examine(self.authority, settings, last, self.now).map_err(|obstacles| {
            let told = obstacles
                .iter()
                .map(|obstacle| words::obstacle(instance, arn, obstacle));
            Failed::Refused(told.collect())
        })?;
        let (key, csr_pem) = custody.prepare(call, instance, settings, again).await?;
        let order = Order {
            csr_pem,
            signing_algorithm: terms.signing_algorithm,
            template: settings.template(),
            not_after: terms.not_after,
            token: call.clients.token(),
        };
        let placed = self.client.issue(&order, self.until).await;
        let certificate_arn = placed.map_err(|error| words::not_ordered(instance, &error))?;
        let outlives = custody.outlives_the_run();
        let pending = Pending {
            certificate_arn,
            order_sha256: settings.order_sha256(),
            reason: reason.to_owned(),
            ordered_at: self.now,
            not_after: terms.not_after,
            public_key_sha256: outlives.then_some(key.public_key_sha256),
            kms_key_id: custody.kms_key_id().cloned(),
            kept: key.kept.clone(),
        };
        Ok((pending, key))
    }

    async fn fetch(&self, pending: Pending, key: Ready) -> Result<Obtained, Failed> {
        let instance = self.instance;
        let arn = &pending.certificate_arn;
        let fetched = self
            .client
            .fetch(arn, Patience::default(), self.until)
            .await;
        let pem = match fetched {
            Ok(pem) => pem,
            Err(error @ pca::Error::NotIssued { .. }) => {
                return Err(words::authority(instance, &error).into());
            }
            Err(error) => {
                let key_is_kept = self.custody.outlives_the_run();
                let problem = words::under_way(instance, arn, &error, key_is_kept);
                return Err(Failed::UnderWay(Box::new(pending), vec![problem]));
            }
        };
        let chain = self.believe(&pem, &pending, &key);
        let chain = chain.map_err(|problem| words::unusable(instance, arn, &problem))?;
        let terms = self.algorithm();
        Ok(Obtained {
            certificate_arn: pending.certificate_arn,
            chain,
            key,
            signing_algorithm: terms,
            ordered_at: pending.ordered_at,
            short_lived: self.authority.is_short_lived(),
            horizon: Horizon::of(&self.authority.chain),
            orphan: None,
        })
    }

    fn algorithm(&self) -> SigningAlgorithm {
        let key = &self.authority.description.key_algorithm;
        let chosen = SigningAlgorithm::choose(self.settings.signing_algorithm, key);
        chosen.expect("an order was placed with it")
    }

    /// Checks what AWS returned before anybody believes it. The chain is what AWS sent, completed
    /// from the CA's own where an imported one stops short.
    fn believe(&self, pem: &IssuedPem, pending: &Pending, key: &Ready) -> Result<Chain, String> {
        let settings = self.settings;
        let read = || -> Result<Chain, ChainError> {
            let certificate = Certificate::from_pem(&pem.certificate)?;
            let mut above = Certificate::parse_all(&pem.chain)?;
            above.extend(self.authority.chain.path().iter().cloned());
            Chain::among(certificate, above)
        };
        let chain = read().map_err(|error| error.to_string())?;
        let expected = Expectation {
            public_key_sha256: key.public_key_sha256,
            subject: None,
            path_length: settings
                .template_arn
                .is_none()
                .then_some(settings.path_length),
            issuer: self.authority.certificate(),
            not_after: pending.not_after,
            now: self.now,
            tolerance: TOLERANCE,
        };
        check_issued(&chain, &expected).map_err(|mismatches| listed(&mismatches))?;
        Ok(chain)
    }
}

/// Clocks may be apart by this much; AWS puts ends to the second.
pub(in crate::resources) const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// What a certificate can say of a moment; `renew_at` is reckoned from it.
fn at_second(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}
