//! What an authority returned, compared with what it was asked for, before anybody believes it.

use jiff::{SignedDuration, Timestamp};

use super::certificate::Certificate;
use super::chain::Chain;
use super::dn::DistinguishedName;
use super::fingerprint::Fingerprint;
use super::usage::ExtendedKeyUsage;

/// What a new certificate must be like.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// Digest of the request's key.
    pub public_key_sha256: Fingerprint,
    /// The request's subject; `None` where a template may set another.
    pub subject: Option<&'a DistinguishedName>,
    /// The path length that was asked for; `None` where a template of the user's decides.
    pub path_length: Option<u8>,
    /// The authority's own certificate.
    pub issuer: &'a Certificate,
    /// The end that was asked for.
    pub not_after: Timestamp,
    /// The present.
    pub now: Timestamp,
    /// How far clocks may be apart, and an end from the one that was asked for.
    pub tolerance: SignedDuration,
}

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A certificate over somebody else's key, as when an idempotency token was used twice.
    #[error("it is over the public key {got}, expected {expected}")]
    PublicKey {
        /// Digest of the request's key.
        expected: Fingerprint,
        /// Digest of the certificate's key.
        got: Fingerprint,
    },
    /// An end-entity certificate, as when the template was forgotten.
    #[error("it is not a CA certificate")]
    NotACa,
    /// Its own signer: no authority stands behind it.
    #[error("it is self-signed")]
    SelfSigned,
    /// Another path length.
    #[error("its path length is {}, expected {expected}", length(*got))]
    PathLength {
        /// Asked for.
        expected: u8,
        /// Found; `None` is no limit.
        got: Option<u8>,
    },
    /// keyUsage is there and lacks keyCertSign.
    #[error("its keyUsage lacks keyCertSign")]
    MayNotSign,
    /// extendedKeyUsage is there and lacks a role that every workload plays.
    #[error("its extendedKeyUsage lacks {missing:?}")]
    Role {
        /// The role.
        missing: ExtendedKeyUsage,
    },
    /// Another subject.
    #[error("its subject is {got}, expected {expected}")]
    Subject {
        /// The request's.
        expected: DistinguishedName,
        /// The certificate's.
        got: DistinguishedName,
    },
    /// Not valid yet, beyond what clocks may be apart.
    #[error("it is valid from {not_before} only")]
    NotYetValid {
        /// Its first second.
        not_before: Timestamp,
    },
    /// It ends at another time.
    #[error("it ends at {got}, expected {expected}")]
    NotAfter {
        /// Asked for.
        expected: Timestamp,
        /// Found.
        got: Timestamp,
    },
    /// Signed by another certificate than the authority's.
    #[error(
        "it was issued by {got} (SHA-256 {got_sha256}), \
         expected {expected} (SHA-256 {expected_sha256})"
    )]
    Issuer {
        /// The authority's subject.
        expected: DistinguishedName,
        /// Digest of the authority's certificate.
        expected_sha256: Fingerprint,
        /// The issuer's subject.
        got: DistinguishedName,
        /// Digest of the issuer's certificate.
        got_sha256: Fingerprint,
    },
}

/// Names everything about `chain`'s certificate that is not as `expected`.
///
/// Order, signatures and path lengths up to the root were checked when the chain was assembled.
pub fn check_issued(chain: &Chain, expected: &Expectation<'_>) -> Result<(), Vec<Mismatch>> {
    let mut mismatches = Vec::new();
    mismatches.extend(check_identity(chain.certificate(), expected));
    mismatches.extend(check_powers(chain.certificate(), expected));
    mismatches.extend(check_dates(chain.certificate(), expected));
    mismatches.extend(check_issuer(chain, expected));
    if mismatches.is_empty() {
        Ok(())
    } else {
        Err(mismatches)
    }
}

fn check_identity(
    certificate: &Certificate,
    expected: &Expectation<'_>,
) -> impl Iterator<Item = Mismatch> {
    let (wanted, got) = (
        expected.public_key_sha256,
        certificate.public_key().sha256(),
    );
    let key = (got != wanted).then_some(Mismatch::PublicKey {
        expected: wanted,
        got,
    });
    let other = expected
        .subject
        .filter(|subject| *subject != certificate.subject());
    let subject = other.map(|subject| Mismatch::Subject {
        expected: subject.clone(),
        got: certificate.subject().clone(),
    });
    key.into_iter().chain(subject)
}

fn check_powers(
    certificate: &Certificate,
    expected: &Expectation<'_>,
) -> impl Iterator<Item = Mismatch> {
    let got = certificate.path_length();
    let other = expected
        .path_length
        .filter(|length| certificate.is_ca() && Some(*length) != got);
    let missing = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth]
        .into_iter()
        .filter(|role| !certificate.allows(*role));
    [
        (!certificate.is_ca()).then_some(Mismatch::NotACa),
        other.map(|expected| Mismatch::PathLength { expected, got }),
        (!certificate.may_sign_certificates()).then_some(Mismatch::MayNotSign),
    ]
    .into_iter()
    .flatten()
    .chain(missing.map(|missing| Mismatch::Role { missing }))
}

fn check_dates(
    certificate: &Certificate,
    expected: &Expectation<'_>,
) -> impl Iterator<Item = Mismatch> {
    let (not_before, got) = (certificate.not_before(), certificate.not_after());
    let early = not_before.duration_since(expected.now) > expected.tolerance;
    let apart = got.duration_since(expected.not_after).abs() > expected.tolerance;
    let early = early.then_some(Mismatch::NotYetValid { not_before });
    early.into_iter().chain(apart.then_some(Mismatch::NotAfter {
        expected: expected.not_after,
        got,
    }))
}

fn check_issuer(chain: &Chain, expected: &Expectation<'_>) -> Option<Mismatch> {
    if chain.path().len() == 1 {
        return Some(Mismatch::SelfSigned);
    }
    let (wanted, got) = (expected.issuer, chain.issuer());
    (wanted != got).then(|| Mismatch::Issuer {
        expected: wanted.subject().clone(),
        expected_sha256: wanted.sha256(),
        got: got.subject().clone(),
        got_sha256: got.sha256(),
    })
}

fn length(of_path: Option<u8>) -> String {
    of_path.map_or_else(|| "unlimited".to_owned(), |length| length.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::testing::{Ca, DAY, START, Spec, certificates};
    use rcgen::{ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};

    const ISSUED: i64 = START + 3600;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn mesh() -> Spec {
        Spec::ca("mesh").path_length(0).days(90)
    }

    /// Issues by `spec` and tells everything that differs from what was asked for, as changed.
    fn told(spec: &Spec, change: impl FnOnce(&mut Expectation<'_>)) -> Vec<String> {
        let root = Ca::root(Spec::ca("root"));
        let wanted = root.sign(mesh());
        let got = root.certify(spec, &wanted.key);
        let chain = Chain::assemble(got, vec![root.certificate.clone()]).unwrap();
        let mut expected = Expectation {
            public_key_sha256: wanted.key.public_key().sha256(),
            subject: Some(wanted.certificate.subject()),
            path_length: Some(0),
            issuer: &root.certificate,
            not_after: at(START + 90 * DAY),
            now: at(ISSUED),
            tolerance: SignedDuration::from_secs(60),
        };
        change(&mut expected);
        let mismatches = check_issued(&chain, &expected).err().unwrap_or_default();
        mismatches.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_asked_for_is_believed() {
        assert!(told(&mesh(), |_| {}).is_empty());
    }

    #[test]
    fn every_single_difference_is_told() {
        let leaf = mesh().change(|spec| spec.is_ca = IsCa::ExplicitNoCa);
        assert_eq!(told(&leaf, |_| {}), ["it is not a CA certificate"]);
        assert_eq!(
            told(&mesh().path_length(1), |_| {}),
            ["its path length is 1, expected 0"]
        );
        let unlimited = Spec::ca("mesh").days(90);
        assert_eq!(
            told(&unlimited, |_| {}),
            ["its path length is unlimited, expected 0"]
        );
        let mute = mesh().change(|spec| spec.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
        assert_eq!(told(&mute, |_| {}), ["its keyUsage lacks keyCertSign"]);
        let server = mesh().change(|spec| spec.roles = vec![ExtendedKeyUsagePurpose::ServerAuth]);
        assert_eq!(
            told(&server, |_| {}),
            ["its extendedKeyUsage lacks ClientAuth"]
        );
        let other = mesh().change(|spec| spec.name = "other".to_owned());
        assert_eq!(
            told(&other, |_| {}),
            ["its subject is CN=other, expected CN=mesh"]
        );
        assert_eq!(
            told(&mesh().days(30), |_| {}),
            ["it ends at 2026-01-31T00:00:00Z, expected 2026-04-01T00:00:00Z"]
        );
    }

    #[test]
    fn what_the_users_template_decides_is_not_compared() {
        let spec = mesh()
            .path_length(2)
            .change(|spec| spec.name = "other".to_owned());
        let free = |expected: &mut Expectation<'_>| {
            (expected.subject, expected.path_length) = (None, None);
        };
        assert!(told(&spec, free).is_empty());
    }

    #[test]
    fn clocks_may_be_apart_by_the_tolerance_and_no_more() {
        let early = |second| move |expected: &mut Expectation<'_>| expected.now = at(second);
        assert!(told(&mesh(), early(START - 60)).is_empty());
        assert_eq!(
            told(&mesh(), early(START - 61)),
            ["it is valid from 2026-01-01T00:00:00Z only"]
        );
        let end = START + 90 * DAY;
        for (asked, differences) in [(end + 60, 0), (end - 60, 0), (end + 61, 1), (end - 61, 1)] {
            let told = told(&mesh(), |expected| expected.not_after = at(asked));
            assert_eq!(told.len(), differences);
        }
    }

    #[test]
    fn another_key_and_another_issuer_are_told_by_their_digests() {
        let stranger: &'static Ca = Box::leak(Box::new(Ca::root(Spec::ca("root"))));
        let told = told(&mesh(), |expected| {
            expected.public_key_sha256 = stranger.key.public_key().sha256();
            expected.issuer = &stranger.certificate;
        });
        assert_eq!(told.len(), 2);
        let key = stranger.key.public_key().sha256();
        assert!(
            told[0].starts_with("it is over the public key"),
            "{}",
            told[0]
        );
        assert!(told[0].ends_with(&format!("expected {key}")), "{}", told[0]);
        let issuer = format!(
            "expected CN=root (SHA-256 {})",
            stranger.certificate.sha256()
        );
        assert!(told[1].ends_with(&issuer), "{}", told[1]);
    }

    #[test]
    fn a_self_signed_certificate_was_issued_by_nobody() {
        let root = Ca::root(mesh());
        let chain = Chain::assemble(root.certificate.clone(), Vec::new()).unwrap();
        let expected = Expectation {
            public_key_sha256: root.key.public_key().sha256(),
            subject: None,
            path_length: Some(0),
            issuer: &certificates(std::slice::from_ref(&root))[0],
            not_after: root.certificate.not_after(),
            now: at(ISSUED),
            tolerance: SignedDuration::from_secs(60),
        };
        assert_eq!(
            check_issued(&chain, &expected),
            Err(vec![Mismatch::SelfSigned])
        );
    }
}
