//! What can be known of a CA before anything is asked of it: pure.

use jiff::Timestamp;

use super::Issuance;
use crate::pca::{AlgorithmError, Description, IssuerPem, SigningAlgorithm, Status, UsageMode};
use crate::pki::{self, BeyondIssuer, Certificate, Chain, ChainError, Fingerprint};

/// A CA that could sign.
pub(in crate::resources) struct Authority {
    /// What AWS says about it.
    pub(in crate::resources) description: Description,
    /// Its certificate and the path above it.
    pub(in crate::resources) chain: Chain,
}

/// What matters of a certificate that is to be replaced.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::resources) struct Last {
    /// Its root.
    pub(in crate::resources) root: Option<Fingerprint>,
    /// The earliest end on its path, where the new one must end later to be of any use.
    pub(in crate::resources) ends: Option<Timestamp>,
}

/// What an order will say that the settings leave open.
#[derive(Debug, PartialEq)]
pub(in crate::resources) struct Terms {
    pub(in crate::resources) signing_algorithm: SigningAlgorithm,
    pub(in crate::resources) not_after: Timestamp,
}

/// Why a CA will not issue what is wanted, or should not.
#[derive(Debug, PartialEq)]
pub(in crate::resources) enum Obstacle {
    /// It is not active.
    Status(Status),
    /// Its key and the algorithm do not go together.
    Algorithm(AlgorithmError),
    /// It may not have that many CAs below it.
    PathLength { allowed: u8, wanted: u8 },
    /// It is of another partition than the template.
    Partition { authority: String, template: String },
    /// It ends too early.
    Beyond(BeyondIssuer),
    /// A CA above it ends too early.
    PathEnds { at: Timestamp },
    /// It issues for seven days at most.
    ShortLived,
    /// Under it a new certificate would end no later than the one that is in use.
    NotLater { new: Timestamp, old: Timestamp },
    /// It leads to another root than the one that is expected.
    Root {
        expected: Fingerprint,
        found: Fingerprint,
    },
    /// It leads to another root than the last certificate did.
    RootReplaced {
        last: Fingerprint,
        found: Fingerprint,
    },
}

/// AWS Private CA's limit for CAs in short-lived mode.
const SHORT_LIVED: i64 = 7 * 86_400;

impl Authority {
    /// Puts together what AWS says of a CA.
    ///
    /// # Errors
    ///
    /// When the CA's own certificates do not lead to a root.
    pub(in crate::resources) fn new(
        description: Description,
        pem: &IssuerPem,
    ) -> Result<Self, ChainError> {
        let certificate = Certificate::from_pem(&pem.certificate)?;
        let above = pem
            .chain
            .as_deref()
            .map(Certificate::parse_all)
            .transpose()?;
        let chain = Chain::assemble(certificate, above.unwrap_or_default())?;
        Ok(Self { description, chain })
    }

    /// Its own certificate.
    pub(in crate::resources) fn certificate(&self) -> &Certificate {
        self.chain.certificate()
    }

    /// Whether it issues for seven days at most.
    pub(in crate::resources) fn is_short_lived(&self) -> bool {
        self.description.usage_mode == UsageMode::ShortLived
    }
}

/// The terms of an order, or everything that stands in its way.
///
/// `last` is the certificate that the new one takes the place of.
pub(in crate::resources) fn examine(
    authority: &Authority,
    settings: &Issuance,
    last: &Last,
    now: Timestamp,
) -> Result<Terms, Vec<Obstacle>> {
    let mut obstacles = Vec::new();
    obstacles.extend(partition(settings));
    obstacles.extend(path_length(authority, settings));
    obstacles.extend(root(authority, settings, last.root));
    let key = &authority.description.key_algorithm;
    let algorithm = SigningAlgorithm::choose(settings.signing_algorithm, key);
    let not_after = end(authority, settings, now);
    obstacles.extend(
        not_after
            .as_ref()
            .ok()
            .and_then(|end| not_later(authority, last, *end)),
    );
    match (algorithm, not_after) {
        (Ok(signing_algorithm), Ok(not_after)) if obstacles.is_empty() => Ok(Terms {
            signing_algorithm,
            not_after,
        }),
        (algorithm, not_after) => {
            obstacles.extend(algorithm.err().map(Obstacle::Algorithm));
            obstacles.extend(not_after.err());
            Err(obstacles)
        }
    }
}

/// Whether the CA is in a state to issue at all; asked before its certificate is.
pub(in crate::resources) fn examine_status(description: &Description) -> Result<(), Obstacle> {
    match &description.status {
        Status::Active => Ok(()),
        other => Err(Obstacle::Status(other.clone())),
    }
}

fn partition(settings: &Issuance) -> Option<Obstacle> {
    let (template, authority) = (settings.template(), &settings.certificate_authority_arn);
    (template.partition() != authority.partition()).then(|| Obstacle::Partition {
        authority: authority.partition().to_owned(),
        template: template.partition().to_owned(),
    })
}

/// A template of the user's says in its name how long a path it allows.
fn path_length(authority: &Authority, settings: &Issuance) -> Option<Obstacle> {
    let template = settings.template();
    let named = template.name().split_once("PathLen").map(|(_, rest)| rest);
    let named = named
        .and_then(|rest| rest.chars().next())
        .and_then(|digit| digit.to_digit(10));
    let wanted = named
        .and_then(|digit| u8::try_from(digit).ok())
        .unwrap_or(settings.path_length);
    let allowed = authority.certificate().path_length()?;
    (allowed <= wanted).then_some(Obstacle::PathLength { allowed, wanted })
}

fn root(
    authority: &Authority,
    settings: &Issuance,
    last: Option<Fingerprint>,
) -> impl Iterator<Item = Obstacle> {
    let found = authority.chain.root().sha256();
    let expected = settings
        .expected_root_sha256
        .filter(|expected| *expected != found);
    let expected = expected.map(|expected| Obstacle::Root { expected, found });
    let last = last.filter(|last| *last != found && !settings.allow_root_replacement);
    expected
        .into_iter()
        .chain(last.map(|last| Obstacle::RootReplaced { last, found }))
}

fn end(authority: &Authority, settings: &Issuance, now: Timestamp) -> Result<Timestamp, Obstacle> {
    let validity = settings.validity.signed();
    let short = authority.is_short_lived();
    if short && validity.as_secs() > SHORT_LIVED && !settings.clamp_to_issuer {
        return Err(Obstacle::ShortLived);
    }
    let most = jiff::SignedDuration::from_secs(SHORT_LIVED);
    let validity = if short { validity.min(most) } else { validity };
    let issuer = authority.certificate().not_after();
    let end = pki::not_after(now, validity, issuer, settings.clamp_to_issuer)
        .map_err(Obstacle::Beyond)?;
    let path = authority.chain.path_not_after();
    if path <= now {
        Err(Obstacle::PathEnds { at: path })
    } else {
        Ok(end)
    }
}

/// A renewal that does not move the end would be due again at once, and for ever.
fn not_later(authority: &Authority, last: &Last, end: Timestamp) -> Option<Obstacle> {
    let (old, new) = (last.ends?, end.min(authority.chain.path_not_after()));
    (!pki::outlives(new, old)).then_some(Obstacle::NotLater { new, old })
}
