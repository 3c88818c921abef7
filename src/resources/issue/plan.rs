//! Whether a new certificate is needed, and why. Pure.

use jiff::Timestamp;

use super::{Issuance, Issued, Notes};
use crate::pki::{self, Certificate};

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
}

/// Why a certificate is issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resources) enum Reason {
    /// A setting that makes the certificate what it is has changed.
    Changed(&'static str),
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
            .or_else(|| standing.key_lost.then_some(Self::KeyLost))
            .or_else(|| pending().map(|pending| Self::UnderWay(pending.reason.clone())))
            .or_else(|| is_due(standing, wanted, now).then_some(Self::Renewal))
    }

    /// The word for it in `issue_reason`.
    pub(in crate::resources) fn word(&self) -> &str {
        match self {
            Self::Changed(setting) => setting,
            Self::KeyLost => "key_lost",
            Self::UnderWay(reason) => reason,
            Self::Renewal => "renewal",
        }
    }

    /// Whether the certificate may get another key than the last one. That of an order which is
    /// under way was chosen when it was placed.
    pub(in crate::resources) fn may_change_key(&self, wanted: &Issuance) -> bool {
        let another = matches!(
            self,
            Self::KeyLost | Self::UnderWay(_) | Self::Changed("key_algorithm")
        );
        wanted.rotate_key || another
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
