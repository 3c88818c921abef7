//! What can be known of a CA before anything is asked of it: pure.

use jiff::{SignedDuration, Timestamp};

use super::Issuance;
use crate::pca::{
    AlgorithmError, CaKeyAlgorithm, Description, IssuerPem, SigningAlgorithm, Status, UsageMode,
};
use crate::pki::judge::{Finding, judge_issuer};
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
    /// No mesh could live under it: what is wrong with it and those above it.
    Unfit(Vec<Finding>),
    /// It would sign in a way that not every verifier in a mesh knows.
    Sha512,
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
        let chain = path_of(pem)?;
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

/// A CA's own certificate with the path above it, from what AWS shows.
pub(in crate::resources) fn path_of(pem: &IssuerPem) -> Result<Chain, ChainError> {
    let certificate = Certificate::from_pem(&pem.certificate)?;
    let above = pem.chain.as_deref().map(Certificate::parse_all);
    Chain::assemble(certificate, above.transpose()?.unwrap_or_default())
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
    obstacles.extend(path_length(authority, path_length_of(settings)));
    obstacles.extend(root(authority, settings, last.root));
    let unknown_to_some = settings.signing_algorithm.is_some_and(is_unknown_to_some);
    obstacles.extend(unknown_to_some.then_some(Obstacle::Sha512));
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
        (Ok(signing_algorithm), Ok(not_after)) if obstacles.is_empty() => {
            let unfit = judge_issuer(&authority.chain, now);
            if unfit.is_empty() {
                Ok(Terms {
                    signing_algorithm,
                    not_after,
                })
            } else {
                Err(vec![Obstacle::Unfit(unfit)])
            }
        }
        (algorithm, not_after) => {
            obstacles.extend(algorithm.err().map(Obstacle::Algorithm));
            obstacles.extend(not_after.err());
            Err(obstacles)
        }
    }
}

/// What would keep a CA from issuing a mesh's CA of the least demands, whatever else is wanted of it.
pub(in crate::resources) fn prospects(authority: &Authority, now: Timestamp) -> Vec<Obstacle> {
    let key = &authority.description.key_algorithm;
    let algorithm = SigningAlgorithm::for_ca_key(key).err();
    let path_length = path_length(authority, 0);
    let in_the_way = algorithm.map(Obstacle::Algorithm).into_iter();
    let in_the_way = in_the_way.chain(path_length);
    let in_the_way = in_the_way.chain(path_ended(authority, now));
    let in_the_way: Vec<_> = in_the_way.collect();
    if !in_the_way.is_empty() {
        return in_the_way;
    }
    match judge_issuer(&authority.chain, now) {
        unfit if unfit.is_empty() => Vec::new(),
        unfit => vec![Obstacle::Unfit(unfit)],
    }
}

/// The greatest path length of a CA below this one, by every path length up to the root; `None` where
/// none fits. AWS Private CA has templates for 3 at most.
pub(in crate::resources) fn room_below(issuer: &Chain) -> Option<u8> {
    let path = issuer.path().iter().zip(0u8..);
    let left = path.filter_map(|(it, between)| Some((it.path_length()?, between)));
    let mut left = left.map(|(allowed, between)| allowed.checked_sub(between + 1));
    left.try_fold(3, |least, left| Some(least.min(left?)))
}

/// The algorithms that a CA with this key can be asked for, and that every verifier in a mesh knows.
pub(in crate::resources) fn algorithms_of(key: &CaKeyAlgorithm) -> Vec<SigningAlgorithm> {
    let all = key.family().into_iter();
    let all = all.flat_map(SigningAlgorithm::of_family);
    all.filter(|algorithm| !is_unknown_to_some(*algorithm))
        .collect()
}

fn is_unknown_to_some(algorithm: SigningAlgorithm) -> bool {
    algorithm == SigningAlgorithm::Sha512WithEcdsa
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

fn path_length(authority: &Authority, wanted: u8) -> Option<Obstacle> {
    let allowed = authority.certificate().path_length()?;
    (allowed <= wanted).then_some(Obstacle::PathLength { allowed, wanted })
}

/// The path length of what is issued: a template of the user's says in its name how long a path it allows.
pub(in crate::resources) fn path_length_of(settings: &Issuance) -> u8 {
    let template = settings.template();
    let named = template.name().split_once("PathLen").map(|(_, rest)| rest);
    let named = named
        .and_then(|rest| rest.chars().next())
        .and_then(|digit| digit.to_digit(10));
    named
        .and_then(|digit| u8::try_from(digit).ok())
        .unwrap_or(settings.path_length)
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
    // Whoever names the root that is found has decided on it; a Secret still takes it in steps.
    let meant = settings.allow_root_replacement || settings.expected_root_sha256 == Some(found);
    let last = last.filter(|last| *last != found && !meant);
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
    let most = SignedDuration::from_secs(SHORT_LIVED);
    let validity = if short { validity.min(most) } else { validity };
    let issuer = authority.certificate().not_after();
    let end = pki::not_after(now, validity, issuer, settings.clamp_to_issuer)
        .map_err(Obstacle::Beyond)?;
    match path_ended(authority, now) {
        Some(ended) => Err(ended),
        None => Ok(end),
    }
}

fn path_ended(authority: &Authority, now: Timestamp) -> Option<Obstacle> {
    let at = authority.chain.path_not_after();
    (at <= now).then_some(Obstacle::PathEnds { at })
}

/// A renewal that does not move the end would be due again at once, and for ever.
fn not_later(authority: &Authority, last: &Last, end: Timestamp) -> Option<Obstacle> {
    let (old, new) = (last.ends?, end.min(authority.chain.path_not_after()));
    (!pki::outlives(new, old)).then_some(Obstacle::NotLater { new, old })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pca::UsageMode;
    use crate::pki::testing::{Ca, DAY, START, Spec};
    use crate::resources::issue::testing::settings;
    use serde_json::{Value, json};

    /// An authority of that path length which ends after so many days, below a root.
    fn authority(path_length: u8, days: i64, change: fn(&mut Description)) -> Authority {
        let root = Ca::root(Spec::ca("root"));
        let ca = root.sign(Spec::ca("authority").path_length(path_length).days(days));
        let pem = IssuerPem {
            certificate: ca.certificate.to_pem().trim_end().to_owned(),
            chain: Some(root.certificate.to_pem().trim_end().to_owned()),
        };
        let mut description = Description {
            status: Status::Active,
            ca_type: None,
            key_algorithm: CaKeyAlgorithm::EcPrime256v1,
            usage_mode: UsageMode::GeneralPurpose,
            not_before: None,
            not_after: None,
            owner_account: None,
            failure_reason: None,
            restorable_until: None,
        };
        change(&mut description);
        Authority::new(description, &pem).expect("a sound chain")
    }

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(START + day * DAY).expect("a moment")
    }

    fn obstacles(
        authority: &Authority,
        change: Value,
        last: &Last,
        now: Timestamp,
    ) -> Vec<Obstacle> {
        examine(authority, &settings(change), last, now).expect_err("something is in the way")
    }

    #[test]
    fn the_terms_follow_from_the_authority_and_the_validity() {
        let terms = examine(
            &authority(1, 365, |_| {}),
            &settings(json!({})),
            &Last::default(),
            day(0),
        );
        let expected = Terms {
            signing_algorithm: SigningAlgorithm::Sha256WithEcdsa,
            not_after: day(90),
        };
        assert_eq!(terms, Ok(expected));
    }

    #[test]
    fn an_authority_without_room_below_it_is_refused() {
        let found = obstacles(
            &authority(0, 365, |_| {}),
            json!({}),
            &Last::default(),
            day(0),
        );
        assert_eq!(
            found,
            [Obstacle::PathLength {
                allowed: 0,
                wanted: 0
            }]
        );
        let template =
            "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen2_CSRPassthrough/V1";
        let found = obstacles(
            &authority(2, 365, |_| {}),
            json!({"template_arn": template}),
            &Last::default(),
            day(0),
        );
        assert_eq!(
            found,
            [Obstacle::PathLength {
                allowed: 2,
                wanted: 2
            }]
        );
    }

    #[test]
    fn an_end_beyond_the_authoritys_is_refused_or_shortened() {
        let short = authority(1, 60, |_| {});
        let beyond = BeyondIssuer {
            wanted: day(90),
            issuer_not_after: day(60),
        };
        assert_eq!(
            obstacles(&short, json!({}), &Last::default(), day(0)),
            [Obstacle::Beyond(beyond)]
        );
        let clamped = settings(json!({"clamp_to_issuer": true}));
        let terms = examine(&short, &clamped, &Last::default(), day(0)).expect("terms");
        assert_eq!(terms.not_after, day(60) - SignedDuration::from_secs(1));
    }

    #[test]
    fn a_short_lived_authority_issues_for_seven_days() {
        let short = || authority(1, 365, |ca| ca.usage_mode = UsageMode::ShortLived);
        assert_eq!(
            obstacles(&short(), json!({}), &Last::default(), day(0)),
            [Obstacle::ShortLived]
        );
        let week = examine(
            &short(),
            &settings(json!({"validity": "7d"})),
            &Last::default(),
            day(0),
        );
        assert_eq!(week.expect("terms").not_after, day(7));
        let clamped = settings(json!({"clamp_to_issuer": true}));
        let clamped = examine(&short(), &clamped, &Last::default(), day(0));
        assert_eq!(clamped.expect("terms").not_after, day(7));
    }

    #[test]
    fn a_renewal_that_would_end_no_later_is_refused() {
        let near_its_end = authority(1, 90, |_| {});
        let last = Last {
            root: None,
            ends: Some(day(90)),
        };
        let clamped = json!({"clamp_to_issuer": true});
        let new = day(90) - SignedDuration::from_secs(1);
        assert_eq!(
            obstacles(&near_its_end, clamped, &last, day(60)),
            [Obstacle::NotLater { new, old: day(90) }]
        );
    }

    #[test]
    fn another_root_than_expected_or_than_before_is_refused_unless_allowed() {
        let authority = authority(1, 365, |_| {});
        let found = authority.chain.root().sha256();
        let other = Fingerprint::of(b"another root");
        let expecting = json!({"expected_root_sha256": other.to_string()});
        assert_eq!(
            obstacles(&authority, expecting, &Last::default(), day(0)),
            [Obstacle::Root {
                expected: other,
                found
            }]
        );
        let last = Last {
            root: Some(other),
            ends: None,
        };
        assert_eq!(
            obstacles(&authority, json!({}), &last, day(0)),
            [Obstacle::RootReplaced { last: other, found }]
        );
        let found = found.to_string();
        for meant in [
            json!({"allow_root_replacement": true}),
            json!({"expected_root_sha256": found}),
        ] {
            assert!(examine(&authority, &settings(meant), &last, day(0)).is_ok());
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let authority = authority(0, 60, |ca| {
            ca.key_algorithm = CaKeyAlgorithm::from("ML_DSA_65")
        });
        let template = "arn:aws-cn:acm-pca:::template/SubordinateCACertificate_PathLen0/V1";
        let found = obstacles(
            &authority,
            json!({"template_arn": template}),
            &Last::default(),
            day(0),
        );
        assert_eq!(found.len(), 4, "{found:?}");
    }

    #[test]
    fn an_authority_under_which_no_mesh_could_live_is_refused() {
        let root = Ca::root(Spec::ca("root"));
        let roles = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
        let server = Spec::ca("authority").path_length(1);
        let server = root.sign(server.change(|spec| spec.roles = roles.clone()));
        let mut authority = authority(1, 365, |_| {});
        authority.chain =
            Chain::assemble(server.certificate, vec![root.certificate]).expect("a sound chain");
        let found = obstacles(&authority, json!({}), &Last::default(), day(0));
        assert!(
            matches!(&found[..], [Obstacle::Unfit(findings)] if findings.len() == 1),
            "{found:?}"
        );
    }

    #[test]
    fn a_signature_that_old_verifiers_do_not_know_is_refused() {
        let authority = authority(1, 365, |_| {});
        let sha512 = json!({"signing_algorithm": "SHA512WITHECDSA"});
        let found = obstacles(&authority, sha512, &Last::default(), day(0));
        assert_eq!(found, [Obstacle::Sha512]);
    }

    #[test]
    fn only_an_active_authority_is_looked_at_further() {
        let description = authority(1, 365, |ca| ca.status = Status::Disabled).description;
        assert_eq!(
            examine_status(&description),
            Err(Obstacle::Status(Status::Disabled))
        );
    }
}
