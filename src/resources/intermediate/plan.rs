//! What becomes of an intermediate's outputs: pure.

use super::settings::Keeper;
use super::{Intermediate, Settings, instance, standing};
use crate::provider::{Policy, Renewals};
use crate::resources::issue::{self, Issuance, Reason};
use crate::resources::words;
use crate::terraform::{Ask, Dynamic, State, Verdict};

const DELIVERED: &[&str] = &["certificate", "certificate_chain"];

/// How the key is kept, when who keeps it changes.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// As it was.
    Stay,
    /// The same key, kept otherwise.
    Keep,
    /// Another key, and so another certificate: because of this setting.
    Issue(&'static str),
}

impl Step {
    /// What follows from who had the key and who is to have it.
    pub(super) fn between(prior: &Keeper, wanted: &Keeper) -> Self {
        use Keeper::{Kms, Requester, State, Supplier};
        match (prior, wanted) {
            (prior, wanted) if prior == wanted => Self::Stay,
            (State | Kms(_), State | Kms(_)) => Self::Keep,
            (_, State | Kms(_)) => Self::Issue("private_key_storage"),
            (Supplier(_), Supplier(_)) => Self::Issue("private_key_pem_wo_version"),
            (_, Supplier(_)) => Self::Issue("private_key_pem_wo"),
            (_, Requester(_)) => Self::Issue("certificate_signing_request_pem"),
        }
    }

    /// The setting by which another key is wanted.
    pub(super) fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Issue(setting) => Some(setting),
            Self::Stay | Self::Keep => None,
        }
    }
}

pub(super) fn create(settings: &Settings) -> Verdict {
    let mut verdict = Verdict::keep();
    let keeper = settings.1.keeper();
    for (output, keeps) in kept(&keeper) {
        if !keeps {
            verdict.becomes(output, Dynamic::Null);
        }
    }
    if keeper == Keeper::State {
        verdict.tell(words::key_in_state(&instance(settings)));
    }
    verdict
}

pub(super) fn update(
    ask: &Ask<'_, Policy>,
    prior: &State<Intermediate>,
    settings: &Settings,
) -> Verdict {
    let (mut verdict, wanted) = (Verdict::keep(), &settings.0);
    let (before, keeper) = (prior.settings.1.keeper(), settings.1.keeper());
    let step = Step::between(&before, &keeper);
    let standing = standing(prior, &step);
    let instance = instance(settings);
    let issued = &prior.outputs.0;
    let mut key_changes = false;
    issue::moves(&mut verdict, &standing, wanted);
    match Reason::find(&standing, wanted, ask.now) {
        Some(Reason::Renewal) if ask.policy.renewals == Renewals::Warn => {
            verdict.tell(words::renewal(&instance, issued, false, ask.now));
        }
        Some(reason) => {
            verdict.unknown(issue::CERTIFICATE_OUTPUTS);
            verdict.unknown(DELIVERED);
            key_changes = may_change_key(prior, &step, &keeper, &reason, wanted);
            if !key_changes {
                verdict.keeps("public_key_sha256");
                may_rotate(&mut verdict, &keeper);
            }
            verdict.becomes("issue_reason", reason.word());
            if reason == Reason::Renewal {
                verdict.tell(words::renewal(&instance, issued, true, ask.now));
            }
        }
        None => issue::stands(&mut verdict, &instance, &standing, wanted, ask.now),
    }
    if key_changes || step != Step::Stay {
        keep_key(&mut verdict, prior, &keeper);
    }
    match (&before, &keeper) {
        (Keeper::State, Keeper::State) => {}
        (_, Keeper::State) => verdict.tell(words::key_in_state(&instance)),
        (Keeper::State, _) if step == Step::Keep && !key_changes => {
            verdict.tell(words::was_in_state(&instance));
        }
        (_, Keeper::Kms(_)) if waits_in_clear(prior) => {
            verdict.tell(words::was_in_state(&instance))
        }
        _ => {}
    }
    verdict
}

/// Whether the certificate may get another key than the last one: the first reason that is found need not be the only
/// one. A request that is as it was asks for the same key.
fn may_change_key(
    prior: &State<Intermediate>,
    step: &Step,
    keeper: &Keeper,
    reason: &Reason,
    wanted: &Issuance,
) -> bool {
    let unsettled = prior.private.pending.is_some() || prior.outputs.0.public_key_sha256.is_none();
    let other_kind = prior.settings.0.key_algorithm != wanted.key_algorithm;
    let by_keeper = match keeper {
        Keeper::Supplier(_) => true,
        Keeper::Requester(_) => reason.wants_another_key(),
        Keeper::State | Keeper::Kms(_) => reason.may_change_key(wanted),
    };
    step.setting().is_some() || unsettled || other_kind || by_keeper
}

/// An unknown `rotate_key` is given as it was, and may turn out otherwise.
fn may_rotate(verdict: &mut Verdict, keeper: &Keeper) {
    if matches!(keeper, Keeper::State | Keeper::Kms(_)) {
        let kept = kept(keeper).into_iter();
        let kept = kept.filter_map(|(output, keeps)| keeps.then_some(output));
        let key: Vec<_> = kept.chain(["public_key_sha256"]).collect();
        verdict.depend_on("rotate_key", &key);
    }
}

/// Whether the state has the key of an order that is under way in clear: it is finished with that key.
fn waits_in_clear(prior: &State<Intermediate>) -> bool {
    let pending = prior.private.pending.as_ref();
    pending.is_some_and(|pending| pending.kept.private_key_pem.is_some())
}

/// What the state keeps of the key is filled in where the keeper is, and gone from elsewhere.
fn keep_key(verdict: &mut Verdict, prior: &State<Intermediate>, keeper: &Keeper) {
    let delivered = &prior.outputs.1;
    let there = [
        delivered.private_key_pem.is_some(),
        delivered.private_key_sealed.is_some(),
    ];
    for ((output, keeps), there) in kept(keeper).into_iter().zip(there) {
        if keeps {
            verdict.unknown(&[output]);
        } else if there {
            verdict.becomes(output, Dynamic::Null);
        }
    }
}

/// Which outputs hold the key under that keeper.
fn kept(keeper: &Keeper) -> [(&'static str, bool); 2] {
    [
        ("private_key_pem", *keeper == Keeper::State),
        ("private_key_sealed", matches!(keeper, Keeper::Kms(_))),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::super::{Delivered, settings};
    use super::*;
    use crate::pca::CertificateArn;
    use crate::pki::Fingerprint;
    use crate::resources::custody::{Kept, Sealing};
    use crate::resources::issue::{Issued, Notes, Pending, testing};
    use crate::terraform::value::Both;

    fn kms(key: &str) -> Keeper {
        Keeper::Kms(Some(Sealing {
            kms_key_id: key.parse().expect("a key"),
            context: BTreeMap::new(),
        }))
    }

    #[test]
    fn a_key_moves_in_place_where_it_is_at_hand_and_is_another_one_where_it_is_not() {
        let (state, mesh, other) = (Keeper::State, kms("alias/mesh"), kms("alias/other"));
        let (supplied, again) = (Keeper::Supplier(Some(1)), Keeper::Supplier(Some(2)));
        let requested = |text: &str| Keeper::Requester(text.to_owned());
        let (request, anew) = (requested("one"), requested("another"));
        for same in [&state, &mesh, &supplied, &request] {
            assert_eq!(Step::between(same, same), Step::Stay);
        }
        for (before, after) in [(&state, &mesh), (&mesh, &other), (&mesh, &state)] {
            assert_eq!(
                Step::between(before, after),
                Step::Keep,
                "{before:?} {after:?}"
            );
        }
        let issued = |before, after, setting| {
            assert_eq!(Step::between(before, after), Step::Issue(setting));
        };
        issued(&supplied, &mesh, "private_key_storage");
        issued(&request, &state, "private_key_storage");
        issued(&mesh, &supplied, "private_key_pem_wo");
        issued(&request, &supplied, "private_key_pem_wo");
        issued(&supplied, &again, "private_key_pem_wo_version");
        issued(&state, &request, "certificate_signing_request_pem");
        issued(&request, &anew, "certificate_signing_request_pem");
    }

    /// Whether the plan leaves open which key it will be.
    fn leaves_the_key_open(before: (Value, Value), after: (Value, Value), pending: bool) -> bool {
        let settings = |(issuance, keeping): (Value, Value)| {
            Both(
                testing::settings(issuance),
                settings::tests::keeping(&keeping),
            )
        };
        let mut outputs = Both(Issued::default(), Delivered::default());
        outputs.0.public_key_sha256 = Some(Fingerprint::of(b"the last key"));
        let pending = pending.then(|| Pending {
            certificate_arn: CertificateArn::new("arn"),
            order_sha256: Fingerprint::of(b"an order"),
            reason: "renewal".to_owned(),
            ordered_at: Timestamp::UNIX_EPOCH,
            not_after: Timestamp::UNIX_EPOCH,
            public_key_sha256: None,
            kms_key_id: None,
            kept: Kept::default(),
        });
        let private = Notes {
            pending,
            ..Notes::default()
        };
        let prior = State {
            settings: settings(before),
            outputs,
            private,
        };
        let policy = Policy {
            default_labels: None,
            renewals: Renewals::Plan,
            refresh_failure: crate::provider::RefreshFailure::Error,
        };
        let ask = Ask {
            policy: &policy,
            now: Timestamp::UNIX_EPOCH,
        };
        let verdict = update(&ask, &prior, &settings(after));
        verdict.promised().is_open("public_key_sha256")
    }

    #[test]
    fn a_key_is_promised_to_stay_only_where_nothing_speaks_against_it() {
        let (same, days) = (|| json!({}), || json!({"validity": "30d"}));
        let csr = |text: &str| json!({"certificate_signing_request_pem": text});
        let state = || json!({"private_key_storage": "state"});
        let stays = |change: Value| {
            let mut change = change;
            change["rotate_key"] = false.into();
            change
        };
        let open = leaves_the_key_open;
        assert!(!open((same(), csr("one")), (days(), csr("one")), false));
        assert!(open((same(), csr("one")), (days(), csr("other")), false));
        assert!(open((same(), csr("one")), (days(), csr("one")), true));
        assert!(open((same(), state()), (days(), csr("one")), false));
        assert!(!open(
            (stays(same()), state()),
            (stays(days()), state()),
            false
        ));
        assert!(open(
            (stays(same()), state()),
            (stays(days()), state()),
            true
        ));
        assert!(open(
            (stays(same()), csr("one")),
            (stays(days()), state()),
            false
        ));
        let both = json!({"validity": "30d", "key_algorithm": "RSA_2048"});
        assert!(open(
            (stays(same()), state()),
            (stays(both), state()),
            false
        ));
        assert!(open((same(), state()), (days(), state()), false));
    }

    #[test]
    fn a_kms_key_that_is_not_known_yet_is_another_one() {
        assert_eq!(
            Step::between(&kms("alias/mesh"), &Keeper::Kms(None)),
            Step::Keep
        );
        assert_eq!(
            Step::between(&Keeper::State, &Keeper::Kms(None)),
            Step::Keep
        );
    }
}
