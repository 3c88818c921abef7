//! Whether a Secret that is taken over has a certificate that does: pure.

use jiff::Timestamp;

use super::compose::Files;
use super::present::Present;
use crate::pca::CertificateArn;
use crate::pki::{self, Chain, Expectation, Fingerprint, Horizon, Live, PrivateKey, check_issued};
use crate::resources::custody;
use crate::resources::issue::{Authority, Issuance, Issued, Notes, TOLERANCE, path_length_of};

/// A live certificate that is what would be issued, and is not due.
pub(super) struct Adopted {
    pub(super) chain: Chain,
    pub(super) key: PrivateKey,
    pub(super) issued: Issued,
    pub(super) notes: Notes,
}

/// What a certificate is called that was there before.
pub(super) const REASON: &str = "adopted";

/// AWS dates a certificate back by this much.
const DATED_BACK: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// The live certificate, if its key is beside it, the CA that would issue signed it for what the
/// settings say, and its time has not come.
pub(super) fn adopted(
    present: &Present,
    wanted: &Issuance,
    authority: &Authority,
    now: Timestamp,
) -> Option<Adopted> {
    let (chain, key) = live(&present.files, authority)?;
    let certificate = chain.certificate();
    let (subject, names) = custody::named(wanted).ok()?;
    let expected = Expectation {
        public_key_sha256: key.public_key().sha256(),
        subject: None,
        path_length: Some(path_length_of(wanted)),
        issuer: authority.certificate(),
        not_after: certificate.not_after(),
        now,
        tolerance: TOLERANCE,
    };
    let signed_with = certificate.signature_algorithm().to_string().parse().ok();
    let root = chain.root().sha256();
    let asked_for = certificate.is_for(&subject, &names)
        && key.algorithm() == wanted.key_algorithm
        && wanted
            .signing_algorithm
            .is_none_or(|wanted| Some(wanted) == signed_with)
        && wanted
            .expected_root_sha256
            .is_none_or(|wanted| wanted == root);
    if !asked_for || check_issued(&chain, &expected).is_err() {
        return None;
    }
    let issued_at = certificate.not_before() + DATED_BACK;
    let lasts = certificate.not_after().duration_since(issued_at);
    let policy = wanted.renewal(authority.is_short_lived());
    let renew_at = policy.renew_at(issued_at, chain.path_not_after(), certificate.serial());
    if renew_at <= now || lasts > wanted.validity.signed() + TOLERANCE {
        return None;
    }
    let issued = Issued {
        certificate_arn: known_as(present, certificate.sha256()),
        renew_at: Some(renew_at),
        signing_algorithm_used: signed_with,
        issue_reason: Some(REASON.to_owned()),
        ..Issued::facts(&chain)
    };
    let notes = Notes {
        issued_at: Some(issued_at),
        short_lived: authority.is_short_lived(),
        horizon: Some(Horizon::of(&authority.chain)),
        ..Notes::default()
    };
    Some(Adopted {
        chain,
        key,
        issued,
        notes,
    })
}

/// What istiod has loaded, and the path above it, of the CA's own where the Secret's stops short.
fn live(files: &Files, authority: &Authority) -> Option<(Chain, PrivateKey)> {
    let key = pki::private_key(files)?.ok()?;
    let live = Live::read(files);
    let certificate = live.certificate()?.clone();
    let chain = Chain::among(certificate, authority.chain.path().to_vec()).ok()?;
    Some((chain, key))
}

/// The name that AWS gave it, where somebody of ours has noted it on the Secret.
fn known_as(present: &Present, certificate: Fingerprint) -> Option<CertificateArn> {
    let observed = present.observed.as_ref()?;
    let noted = observed.fact("certificate-sha256")?;
    let same = noted == certificate.to_string();
    let arn = observed.fact("certificate-arn").filter(|_| same)?;
    Some(CertificateArn::new(arn))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pca::UsageMode;
    use crate::pki::testing::{Ca, DAY, START, Spec};
    use crate::resources::cacerts_secret::testing::{composed, nothing, observed, settings};
    use crate::resources::issue::testing::{self, authority};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    struct Case {
        root: Ca,
        mesh: Ca,
    }

    impl Case {
        fn new() -> Self {
            let root = Ca::root(Spec::ca("root"));
            let mesh = root.sign(Spec::ca("istio-ca").path_length(0).days(90));
            Self { root, mesh }
        }

        fn present(&self) -> Present {
            let cacerts = composed(&settings(), &self.root, &self.mesh, &nothing());
            Present::new(Some(observed(&cacerts, &[])), None)
        }

        fn adopted(&self, by: &Ca, change: Value, now: i64) -> Option<Adopted> {
            let authority = authority(UsageMode::GeneralPurpose, &[&by.certificate]);
            let wanted = testing::settings(change);
            adopted(&self.present(), &wanted, &authority, at(now))
        }
    }

    #[test]
    fn a_live_certificate_that_is_what_would_be_issued_is_kept_until_it_is_due() {
        let case = Case::new();
        let adopted = case
            .adopted(&case.root, json!({}), START + DAY)
            .expect("it does");
        assert_eq!(adopted.chain.certificate(), &case.mesh.certificate);
        assert_eq!(adopted.key.public_key(), case.mesh.key.public_key());
        assert_eq!(adopted.issued.issue_reason.as_deref(), Some("adopted"));
        assert_eq!(adopted.issued.certificate_arn, None);
        // A third of 90 days less the hour that AWS dates back, before the end.
        let renew_at = at(START + 90 * DAY - (90 * DAY - 3600) / 3);
        assert_eq!(adopted.issued.renew_at, Some(renew_at));
        let early = renew_at.as_second() - 1;
        assert!(case.adopted(&case.root, json!({}), early).is_some());
        assert!(case.adopted(&case.root, json!({}), early + 1).is_none());
    }

    #[test]
    fn another_cas_certificate_or_one_for_something_else_is_not_kept() {
        let case = Case::new();
        let other = Ca::root(Spec::ca("root"));
        assert!(case.adopted(&other, json!({}), START + DAY).is_none());
        for change in [
            json!({"subject": {"common_name": "another"}}),
            json!({"dns_names": ["ca.example"]}),
            json!({"path_length": 1}),
            json!({"validity": "30d"}),
            json!({"template_arn": "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen1/V1"}),
            json!({"key_algorithm": "EC_secp384r1"}),
            json!({"signing_algorithm": "SHA384WITHECDSA"}),
            json!({"expected_root_sha256": other.certificate.sha256()}),
        ] {
            let told = change.to_string();
            assert!(
                case.adopted(&case.root, change, START + DAY).is_none(),
                "{told}"
            );
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_not_kept() {
        let case = Case::new();
        let authority = authority(UsageMode::GeneralPurpose, &[&case.root.certificate]);
        let mut present = case.present();
        let observed = present.observed.as_mut().expect("a Secret");
        let stranger = Ca::root(Spec::ca("stranger")).key.to_pem();
        let bytes =
            crate::cluster::secret::SecretBytes::from(stranger.expose().as_bytes().to_vec());
        observed.data.insert("ca-key.pem".to_owned(), bytes.into());
        let present = Present::new(present.observed, None);
        let wanted = testing::settings(json!({}));
        assert!(adopted(&present, &wanted, &authority, at(START + DAY)).is_none());
        let absent = Present::new(None, None);
        assert!(adopted(&absent, &wanted, &authority, at(START + DAY)).is_none());
    }

    #[test]
    fn its_arn_is_known_where_it_was_noted_for_that_certificate() {
        let case = Case::new();
        let mut present = case.present();
        let sha256 = case.mesh.certificate.sha256();
        let noted = |present: &mut Present, name: &str, text: &str| {
            let annotations = &mut present.observed.as_mut().expect("a Secret").annotations;
            annotations.insert(format!("istiopca.io/{name}"), text.to_owned());
        };
        noted(&mut present, "certificate-arn", "arn:it");
        noted(&mut present, "certificate-sha256", "of another");
        assert_eq!(known_as(&present, sha256), None);
        noted(&mut present, "certificate-sha256", &sha256.to_string());
        assert_eq!(
            known_as(&present, sha256),
            Some(CertificateArn::new("arn:it"))
        );
    }
}
