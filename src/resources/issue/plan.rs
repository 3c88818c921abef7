//! Whether a new certificate is needed, and why. Pure.

use jiff::Timestamp;

use super::{Issuance, Issued, Notes};
use crate::pki::{self, Certificate, Horizon};

/// A certificate as it stands.
pub(in crate::resources) struct Standing<'a> {
    /// The settings that it was issued with.
    pub(in crate::resources) settings: &'a Issuance,
    /// What is known of it.
    pub(in crate::resources) issued: &'a Issued,
    /// The certificate itself, where there is one.
    pub(in crate::resources) certificate: Option<Certificate>,
    /// What is noted beside it.
    pub(in crate::resources) notes: &'a Notes,
    /// Whether its key is nowhere to be had any more.
    pub(in crate::resources) key_lost: bool,
    /// The setting by which the user has another key certified.
    pub(in crate::resources) other_key: Option<&'static str>,
}

/// Why a certificate is issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Reason {
    /// A setting that makes the certificate what it is has changed.
    Changed(&'static str),
    /// A setting says that another key is to be certified.
    OtherKey(&'static str),
    /// The key is nowhere to be had any more.
    KeyLost,
    /// An order is under way, placed for this reason.
    UnderWay(String),
    /// Its time has come.
    Renewal,
}

impl Reason {
    /// The first reason that is there; a change that the user made goes before what time has done.
    pub(in crate::resources) fn find(
        standing: &Standing<'_>,
        wanted: &Issuance,
        now: Timestamp,
    ) -> Option<Self> {
        let pending = || standing.notes.pending.as_ref();
        changed(standing, wanted)
            .map(Self::Changed)
            .or_else(|| standing.other_key.map(Self::OtherKey))
            .or_else(|| standing.key_lost.then_some(Self::KeyLost))
            .or_else(|| pending().map(|pending| Self::UnderWay(pending.reason.clone())))
            .or_else(|| is_worth_renewing(standing, wanted, now).then_some(Self::Renewal))
    }

    /// The word for it in `issue_reason`.
    pub(in crate::resources) fn word(&self) -> &str {
        match self {
            Self::Changed(setting) | Self::OtherKey(setting) => setting,
            Self::KeyLost => "key_lost",
            Self::UnderWay(reason) => reason,
            Self::Renewal => "renewal",
        }
    }

    /// Whether the certificate may get another key than the last one. That of an order which is
    /// under way was chosen when it was placed.
    pub(in crate::resources) fn may_change_key(&self, wanted: &Issuance) -> bool {
        wanted.rotate_key || self.wants_another_key()
    }

    /// Whether it is such that the last key does not do.
    pub(in crate::resources) fn wants_another_key(&self) -> bool {
        matches!(
            self,
            Self::KeyLost | Self::OtherKey(_) | Self::UnderWay(_) | Self::Changed("key_algorithm")
        )
    }
}

/// From when on the certificate is due under the wanted settings.
///
/// Worked out anew only where they changed: a formula that changes with a version of the provider
/// must not show up as a difference in everybody's plan.
pub(in crate::resources) fn renew_at(
    standing: &Standing<'_>,
    wanted: &Issuance,
) -> Option<Timestamp> {
    let Standing {
        settings: prior,
        issued,
        notes,
        certificate,
        ..
    } = standing;
    let timing = |settings: &Issuance| (settings.renew_before, settings.renew_jitter);
    if timing(prior) == timing(wanted) {
        return issued.renew_at;
    }
    let (end, start) = (
        issued.path_not_after?,
        notes.issued_at.or(issued.not_before)?,
    );
    let serial = certificate.as_ref()?.serial();
    Some(
        wanted
            .renewal(notes.short_lived)
            .renew_at(start, end, serial),
    )
}

/// What ends so soon that a renewal would not help, where the certificate is due.
///
/// Time does not change the answer, so that a plan applied later still says what it said; it clears
/// when a look finds the CA renewed.
pub(super) fn beyond_renewal<'a>(
    standing: &Standing<'a>,
    wanted: &Issuance,
    now: Timestamp,
) -> Option<&'a Horizon> {
    horizon_reached(standing).filter(|_| is_due(standing, wanted, now))
}

fn is_worth_renewing(standing: &Standing<'_>, wanted: &Issuance, now: Timestamp) -> bool {
    is_due(standing, wanted, now) && horizon_reached(standing).is_none()
}

fn horizon_reached<'a>(standing: &Standing<'a>) -> Option<&'a Horizon> {
    let (end, horizon) = (
        standing.issued.path_not_after?,
        standing.notes.horizon.as_ref()?,
    );
    horizon.is_reached_by(end).then_some(horizon)
}

fn is_due(standing: &Standing<'_>, wanted: &Issuance, now: Timestamp) -> bool {
    let hold = standing.notes.hold.as_ref();
    renew_at(standing, wanted).is_some_and(|renew_at| pki::due(now, renew_at, hold))
}

fn changed(standing: &Standing<'_>, wanted: &Issuance) -> Option<&'static str> {
    let prior = standing.settings;
    let names = prior.alternative_names() != wanted.alternative_names();
    // A setting that is taken out leaves the choice to us, and ours may be what it was.
    let used = standing.issued.signing_algorithm_used;
    let algorithm = wanted.signing_algorithm.is_some() && wanted.signing_algorithm != used;
    [
        (
            "certificate_authority_arn",
            prior.certificate_authority_arn != wanted.certificate_authority_arn,
        ),
        ("subject", prior.subject != wanted.subject),
        ("alternative_names", names),
        ("key_algorithm", prior.key_algorithm != wanted.key_algorithm),
        ("signing_algorithm", used.is_some() && algorithm),
        ("template", prior.template() != wanted.template()),
        ("validity", prior.validity != wanted.validity),
        ("triggers", prior.renew_triggers != wanted.renew_triggers),
    ]
    .into_iter()
    .find_map(|(setting, differs)| differs.then_some(setting))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pca::SigningAlgorithm;
    use crate::pki::Hold;
    use crate::resources::custody::Kept;
    use crate::resources::issue::Pending;
    use crate::resources::issue::testing::{ARN, settings};

    fn moment(text: &str) -> Timestamp {
        text.parse().expect("RFC 3339")
    }

    fn issued() -> Issued {
        Issued {
            renew_at: Some(moment("2026-03-02T00:00:00Z")),
            path_not_after: Some(moment("2026-04-01T00:00:00Z")),
            not_before: Some(moment("2025-12-31T23:00:00Z")),
            signing_algorithm_used: Some(SigningAlgorithm::Sha256WithEcdsa),
            ..Issued::default()
        }
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the callers read better so")]
    fn check(notes: Notes, key_lost: bool, change: Value, now: &str, expected: Option<&str>) {
        let (prior, issued) = (settings(json!({})), issued());
        let standing = Standing {
            settings: &prior,
            issued: &issued,
            certificate: None,
            notes: &notes,
            key_lost,
            other_key: None,
        };
        let reason = Reason::find(&standing, &settings(change), moment(now));
        assert_eq!(reason.as_ref().map(Reason::word), expected);
    }

    const EARLY: &str = "2026-02-01T00:00:00Z";

    #[test]
    fn a_certificate_that_is_good_and_wanted_stands() {
        check(Notes::default(), false, json!({}), EARLY, None);
        check(
            Notes::default(),
            false,
            json!({"rotate_key": false}),
            EARLY,
            None,
        );
        check(
            Notes::default(),
            false,
            json!({"clamp_to_issuer": true}),
            EARLY,
            None,
        );
    }

    #[test]
    fn each_setting_that_makes_the_certificate_is_named_when_it_changes() {
        let other = ARN.replace("11111111", "99999999");
        for (change, word) in [
            (
                json!({"certificate_authority_arn": other}),
                "certificate_authority_arn",
            ),
            (json!({"subject": {"common_name": "another"}}), "subject"),
            (
                json!({"uris": ["spiffe://cluster.local"]}),
                "alternative_names",
            ),
            (json!({"key_algorithm": "RSA_2048"}), "key_algorithm"),
            (
                json!({"signing_algorithm": "SHA384WITHECDSA"}),
                "signing_algorithm",
            ),
            (json!({"path_length": 1}), "template"),
            (json!({"validity": "30d"}), "validity"),
            (json!({"renew_triggers": {"incident": "1"}}), "triggers"),
        ] {
            check(Notes::default(), false, change, EARLY, Some(word));
        }
    }

    #[test]
    fn the_same_said_otherwise_is_no_change() {
        check(
            Notes::default(),
            false,
            json!({"validity": "2160h"}),
            EARLY,
            None,
        );
        check(
            Notes::default(),
            false,
            json!({"signing_algorithm": "SHA256WITHECDSA"}),
            EARLY,
            None,
        );
        let template = "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1";
        check(
            Notes::default(),
            false,
            json!({"template_arn": template}),
            EARLY,
            None,
        );
    }

    #[test]
    fn renewal_begins_at_its_moment_and_a_hold_puts_it_off() {
        let renew_at = moment("2026-03-02T00:00:00Z");
        let until = moment("2026-03-09T00:00:00Z");
        let held = || Notes {
            hold: Some(Hold { renew_at, until }),
            ..Notes::default()
        };
        check(
            Notes::default(),
            false,
            json!({}),
            "2026-03-01T23:59:59Z",
            None,
        );
        check(
            Notes::default(),
            false,
            json!({}),
            "2026-03-02T00:00:00Z",
            Some("renewal"),
        );
        check(held(), false, json!({}), "2026-03-02T00:00:00Z", None);
        check(
            held(),
            false,
            json!({}),
            "2026-03-09T00:00:00Z",
            Some("renewal"),
        );
    }

    #[test]
    fn what_would_end_no_later_is_told_of_and_not_renewed() {
        let under = |latest: &str| Notes {
            horizon: Some(Horizon {
                subject: "CN=authority".to_owned(),
                ends: moment(latest),
                latest: moment(latest),
            }),
            ..Notes::default()
        };
        let (prior, issued, late) = (settings(json!({})), issued(), "2026-03-20T00:00:00Z");
        for (latest, now, told) in [
            ("2026-04-01T00:00:00Z", late, true),
            ("2026-04-01T00:00:00Z", EARLY, false),
            ("2026-04-01T00:00:01Z", late, false),
        ] {
            let notes = under(latest);
            let standing = Standing {
                settings: &prior,
                issued: &issued,
                certificate: None,
                notes: &notes,
                key_lost: false,
                other_key: None,
            };
            let beyond = beyond_renewal(&standing, &prior, moment(now));
            assert_eq!(beyond.is_some(), told, "{latest} at {now}");
        }
        let reached = || under("2026-04-01T00:00:00Z");
        check(reached(), false, json!({}), late, None);
        check(reached(), true, json!({}), late, Some("key_lost"));
        let renewed = under("2026-04-01T00:00:01Z");
        check(renewed, false, json!({}), late, Some("renewal"));
    }

    #[test]
    fn what_the_user_changed_goes_before_what_time_has_done() {
        let pending = || Notes {
            pending: Some(Pending {
                certificate_arn: crate::pca::CertificateArn::new("arn"),
                order_sha256: settings(json!({})).order_sha256(),
                reason: "renewal".to_owned(),
                ordered_at: moment(EARLY),
                not_after: moment(EARLY),
                public_key_sha256: None,
                kms_key_id: None,
                kept: Kept::default(),
            }),
            ..Notes::default()
        };
        let late = "2026-03-20T00:00:00Z";
        let subject = json!({"subject": {"common_name": "another"}});
        check(pending(), true, subject, late, Some("subject"));
        check(pending(), true, json!({}), late, Some("key_lost"));
        check(pending(), false, json!({}), EARLY, Some("renewal"));
    }

    #[test]
    fn a_key_is_kept_only_where_nothing_speaks_against_it() {
        let (kept, rotated) = (settings(json!({"rotate_key": false})), settings(json!({})));
        let may = |reason: Reason, wanted| reason.may_change_key(wanted);
        assert!(!may(Reason::Renewal, &kept));
        assert!(may(Reason::Renewal, &rotated));
        assert!(may(Reason::KeyLost, &kept));
        assert!(may(Reason::Changed("key_algorithm"), &kept));
        assert!(may(Reason::UnderWay("renewal".to_owned()), &kept));
    }

    #[test]
    fn an_order_is_known_again_by_what_makes_the_certificate() {
        let digest = |change: Value| settings(change).order_sha256();
        let plain = digest(json!({}));
        assert_eq!(
            plain,
            digest(json!({"renew_before": "10d", "validity": "2160h"}))
        );
        assert_ne!(plain, digest(json!({"validity": "30d"})));
        assert_ne!(plain, digest(json!({"dns_names": ["ca.example"]})));
        assert_ne!(plain, digest(json!({"path_length": 1})));
    }
}
