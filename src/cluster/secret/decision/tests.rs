use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::cluster::Sha256;
use crate::cluster::secret::samples::{desired, edited, foreign, observed, ours};

const ADOPT: Policy = Policy {
    on_existing: OnExisting::Adopt,
    force_conflicts: false,
    prune_keys: false,
    replace_own: false,
};
const REPLACE: Policy = Policy {
    on_existing: OnExisting::Replace,
    ..ADOPT
};
const ERROR: Policy = Policy {
    on_existing: OnExisting::Error,
    ..ADOPT
};

const fn forced(policy: Policy) -> Policy {
    Policy {
        force_conflicts: true,
        ..policy
    }
}

fn judge(observed: &Observed, policy: Policy) -> Result<Step, Refusal> {
    judge_for(&desired(), observed, policy)
}

fn judge_for(desired: &Desired, observed: &Observed, policy: Policy) -> Result<Step, Refusal> {
    let claim = Claim {
        owner: "o-1",
        same_certificate: &|_| false,
    };
    decide(observed, &claim, desired, policy).map(|decision| decision.step)
}

fn adopt() -> Step {
    Step::Adopt {
        pruned: BTreeSet::new(),
    }
}

fn answers(refused: Result<Step, Refusal>) -> Vec<Answer> {
    match refused {
        Err(Refusal::NotOurs { answers, .. }) => answers,
        other => panic!("expected a Secret of others, got {other:?}"),
    }
}

fn owned_by(owner: &str, released: bool) -> Observed {
    observed(|json| {
        json["metadata"]["annotations"]["istiopca.io/owner"] = json!(owner);
        if released {
            json["metadata"]["annotations"]["istiopca.io/released"] = json!("true");
        }
    })
}

fn with_argo(json: &mut Value) {
    json["metadata"]["labels"]["argocd.argoproj.io/instance"] = json!("mesh");
}

#[test]
fn our_own_secret_is_updated_whatever_the_policy() {
    for policy in [ERROR, ADOPT, REPLACE, forced(ERROR)] {
        assert_eq!(judge(&ours(), policy), Ok(Step::Update));
        assert_eq!(judge(&edited("kubectl-edit"), policy), Ok(Step::Update));
    }
}

#[test]
fn what_another_state_released_is_taken_over_without_a_gap() {
    for policy in [ERROR, ADOPT, REPLACE] {
        assert_eq!(judge(&owned_by("o-2", true), policy), Ok(Step::Update));
    }
}

#[test]
fn the_same_certificate_is_taken_over_also_from_a_stranger() {
    let claim = Claim {
        owner: "o-1",
        same_certificate: &|_| true,
    };
    let taken = decide(&foreign(|_| ()), &claim, &desired(), ERROR).unwrap();
    assert_eq!(
        (taken.finding, taken.step),
        (Finding::SameCertificate, adopt())
    );
    let taken = decide(&owned_by("o-2", false), &claim, &desired(), ERROR).unwrap();
    assert_eq!(taken.step, Step::Update);
}

#[test]
fn a_foreign_secret_is_refused_adopted_or_replaced_as_the_user_says() {
    let found = foreign(|_| ());
    assert_eq!(
        answers(judge(&found, ERROR)),
        [Answer::Adopt, Answer::Replace]
    );
    assert_eq!(judge(&found, ADOPT), Ok(adopt()));
    assert_eq!(judge(&found, REPLACE), Ok(Step::Replace { why: None }));
}

#[test]
fn another_states_secret_is_adopted_by_request_and_replaced_only_by_force() {
    let found = owned_by("o-2", false);
    assert_eq!(answers(judge(&found, ERROR)), [Answer::Adopt]);
    assert_eq!(judge(&found, ADOPT), Ok(Step::Update));
    assert_eq!(answers(judge(&found, REPLACE)), [Answer::ForceConflicts]);
    assert_eq!(
        judge(&found, forced(REPLACE)),
        Ok(Step::Replace { why: None })
    );
}

#[test]
fn what_a_controller_keeps_needs_force_as_well() {
    let found = foreign(with_argo);
    let all = [Answer::Adopt, Answer::Replace, Answer::ForceConflicts];
    assert_eq!(answers(judge(&found, ERROR)), all);
    assert_eq!(answers(judge(&found, forced(ERROR))), all);
    assert_eq!(answers(judge(&found, ADOPT)), [Answer::ForceConflicts]);
    assert_eq!(answers(judge(&found, REPLACE)), [Answer::ForceConflicts]);
    assert_eq!(judge(&found, forced(ADOPT)), Ok(adopt()));
    assert_eq!(
        judge(&found, forced(REPLACE)),
        Ok(Step::Replace { why: None })
    );
}

#[test]
fn what_istiod_generated_is_never_adopted() {
    let found = foreign(|json| json["type"] = json!("istio.io/ca-root"));
    for policy in [ERROR, ADOPT, forced(ADOPT)] {
        assert_eq!(
            judge(&found, policy),
            Err(Refusal::Istiod {
                mark: IstiodMark::Type
            })
        );
    }
    assert_eq!(judge(&found, REPLACE), Ok(Step::Replace { why: None }));
}

#[test]
fn nothing_is_written_into_a_secret_that_is_being_deleted() {
    let found = observed(|json| {
        json["metadata"]["deletionTimestamp"] = json!("2026-11-22T11:00:00Z");
        json["metadata"]["finalizers"] = json!(["example.com/hold"]);
    });
    let finalizers = vec!["example.com/hold".to_owned()];
    for policy in [ERROR, forced(ADOPT), forced(REPLACE)] {
        assert_eq!(
            judge(&found, policy),
            Err(Refusal::BeingDeleted {
                finalizers: finalizers.clone()
            })
        );
    }
}

#[test]
fn an_edit_by_hand_is_overwritten_and_told() {
    let claim = Claim {
        owner: "o-1",
        same_certificate: &|_| false,
    };
    let decision = decide(&edited("kubectl-edit"), &claim, &desired(), ERROR).unwrap();
    assert_eq!(decision.overwritten.len(), 1);
    assert_eq!(decision.overwritten[0].by.manager, "kubectl-edit");
    let fields = BTreeSet::from([Field::Data("ca-cert.pem".to_owned())]);
    assert_eq!(decision.overwritten[0].fields, fields);
}

#[test]
fn who_declares_our_key_with_another_value_is_overwritten_only_by_force() {
    let declared = |operation: &str, manager: &str| {
        let mut json = crate::cluster::secret::samples::edited_json(manager);
        json["metadata"]["managedFields"][1]["operation"] = json!(operation);
        Observed::parse(json.to_string().as_bytes()).unwrap()
    };
    for contested in [
        declared("Apply", "flux-ish"),
        declared("Update", "external-secrets"),
    ] {
        let refused = judge(&contested, ERROR).unwrap_err();
        assert!(
            matches!(&refused, Refusal::Contested { conflicts } if conflicts.len() == 1),
            "{refused:?}"
        );
        assert_eq!(judge(&contested, forced(ERROR)), Ok(Step::Update));
    }
}

#[test]
fn a_co_owner_with_our_value_is_no_conflict() {
    let mut json = crate::cluster::secret::samples::edited_json("kubectl");
    json["metadata"]["managedFields"][1]["operation"] = json!("Apply");
    json["data"]["ca-cert.pem"] = json!("Y2VydA==");
    let found = Observed::parse(json.to_string().as_bytes()).unwrap();
    assert_eq!(conflicts(&desired(), &found), []);
    assert_eq!(judge(&found, ERROR), Ok(Step::Update));
}

#[test]
fn keys_of_the_other_layout_go_only_when_the_user_says_so() {
    let found = foreign(|json| json["data"]["tls.crt"] = json!("eA=="));
    let keys = BTreeSet::from(["tls.crt".to_owned()]);
    assert_eq!(
        judge(&found, ADOPT),
        Err(Refusal::OtherLayout { keys: keys.clone() })
    );
    let pruning = Policy {
        prune_keys: true,
        ..ADOPT
    };
    assert_eq!(judge(&found, pruning), Ok(Step::Adopt { pruned: keys }));
    assert_eq!(judge(&found, REPLACE), Ok(Step::Replace { why: None }));
}

#[test]
fn keys_of_the_other_layout_that_are_ours_alone_go_by_themselves() {
    let switched = |co_owned: bool| {
        observed(|json| {
            json["data"]["tls.crt"] = json!("eA==");
            let ours = &mut json["metadata"]["managedFields"];
            ours[0]["fieldsV1"]["f:data"]["f:tls.crt"] = json!({});
            if co_owned {
                let theirs = json!({"manager": "x", "operation": "Update", "fieldsV1": {"f:data": {"f:tls.crt": {}}}});
                ours.as_array_mut().unwrap().push(theirs);
            }
        })
    };
    assert_eq!(judge(&switched(false), ERROR), Ok(Step::Update));
    let keys = BTreeSet::from(["tls.crt".to_owned()]);
    assert_eq!(
        judge(&switched(true), ERROR),
        Err(Refusal::OtherLayout { keys })
    );
    let pruning = Policy {
        prune_keys: true,
        ..ERROR
    };
    let keys = BTreeSet::from(["tls.crt".to_owned()]);
    assert_eq!(
        judge(&switched(true), pruning),
        Ok(Step::Adopt { pruned: keys })
    );
}

#[test]
fn an_immutable_secret_moves_only_by_replacement() {
    let same = observed(|json| json["immutable"] = json!(true));
    assert_eq!(judge(&same, ERROR), Ok(Step::Update), "labels may change");
    let changed = observed(|json| {
        json["immutable"] = json!(true);
        json["data"]["ca-cert.pem"] = json!("b2xk");
    });
    let why = Immovable::Immutable {
        keys: vec!["ca-cert.pem".to_owned()],
    };
    assert_eq!(
        judge(&changed, ERROR),
        Err(Refusal::Immovable { why: why.clone() })
    );
    let replaced = Ok(Step::Replace { why: Some(why) });
    assert_eq!(judge(&changed, REPLACE), replaced);
    assert_eq!(
        judge(
            &changed,
            Policy {
                replace_own: true,
                ..ERROR
            }
        ),
        replaced
    );
}

#[test]
fn our_own_that_was_made_immutable_is_made_anew_before_a_renewal_needs_it() {
    let same = observed(|json| json["immutable"] = json!(true));
    let own = Policy {
        replace_own: true,
        ..ERROR
    };
    let why = Immovable::Immutable { keys: Vec::new() };
    let anew = Ok(Step::Replace { why: Some(why) });
    assert_eq!(judge(&same, own), anew);
    assert_eq!(judge(&ours(), own), Ok(Step::Update));
}

#[test]
fn an_immutable_secret_cannot_lose_a_key_either() {
    let mut wanted = desired();
    wanted.data.remove("ca-cert.pem");
    let same = observed(|json| json["immutable"] = json!(true));
    let why = Immovable::Immutable {
        keys: vec!["ca-cert.pem".to_owned()],
    };
    assert_eq!(
        judge_for(&wanted, &same, ERROR),
        Err(Refusal::Immovable { why })
    );
}

fn tls(json: &mut Value) {
    json["type"] = json!("kubernetes.io/tls");
    json["data"]["tls.crt"] = json!("eA==");
    json["data"]["tls.key"] = json!("eA==");
}

#[test]
fn a_type_that_demands_keys_that_must_go_cannot_be_adopted() {
    let found = foreign(tls);
    let refused = judge(&found, ADOPT).unwrap_err();
    assert!(
        matches!(&refused, Refusal::Immovable { why: Immovable::Type { type_, .. } } if type_ == "kubernetes.io/tls")
    );
}

#[test]
fn replacing_our_own_does_not_let_us_replace_what_is_not_ours() {
    let found = foreign(tls);
    let policy = Policy {
        replace_own: true,
        ..ADOPT
    };
    assert!(matches!(
        judge(&found, policy),
        Err(Refusal::Immovable { .. })
    ));
}

#[test]
fn a_value_to_keep_must_be_there_unchanged() {
    let mut wanted = desired();
    wanted
        .data
        .insert("ca-key.pem".to_owned(), Wanted::Keep(Sha256::of(b"key")));
    assert_eq!(judge_for(&wanted, &ours(), ERROR), Ok(Step::Update));
    let changed = observed(|json| json["data"]["ca-key.pem"] = json!("eA=="));
    let refused = judge_for(&wanted, &changed, ERROR).unwrap_err();
    assert!(matches!(&refused, Refusal::NotKept(lost) if lost.found == Some(Sha256::of(b"x"))));
}

#[test]
fn ours_without_an_entry_of_ours_is_adopted_anew() {
    let wiped = observed(|json| json["metadata"]["managedFields"] = json!([]));
    assert_eq!(judge(&wiped, ERROR), Ok(adopt()));
}

fn policy() -> impl Strategy<Value = Policy> {
    let on_existing = prop::sample::select(vec![
        OnExisting::Error,
        OnExisting::Adopt,
        OnExisting::Replace,
    ]);
    (on_existing, any::<[bool; 3]>()).prop_map(|(on_existing, flags)| Policy {
        on_existing,
        force_conflicts: flags[0],
        prune_keys: flags[1],
        replace_own: flags[2],
    })
}

/// Secrets of every origin, in every odd state.
fn any_secret() -> impl Strategy<Value = Observed> {
    let facts = any::<[bool; 8]>();
    let owner = prop::option::of(prop::sample::select(vec!["o-1", "o-2"]));
    (facts, owner).prop_map(
        |(
            [
                released,
                argo,
                istiod,
                immutable,
                in_tls,
                poison,
                drift,
                wiped,
            ],
            owner,
        )| {
            let change = |json: &mut Value| {
                let annotations = &mut json["metadata"]["annotations"];
                *annotations = json!({});
                if let Some(owner) = owner {
                    annotations["istiopca.io/owner"] = json!(owner);
                }
                if released {
                    annotations["istiopca.io/released"] = json!("true");
                }
                if argo {
                    with_argo(json);
                }
                if istiod {
                    json["data"]["istio-generated"] = json!("");
                }
                if in_tls {
                    tls(json);
                }
                if poison {
                    json["data"]["tls.crt"] = json!("eA==");
                }
                if drift {
                    json["data"]["ca-cert.pem"] = json!("b2xk");
                }
                if wiped {
                    json["metadata"]["managedFields"] = json!([]);
                }
                json["immutable"] = json!(immutable);
            };
            if owner.is_some() {
                observed(change)
            } else {
                foreign(change)
            }
        },
    )
}

proptest! {
    #[test]
    fn whatever_is_there_these_hold(found in any_secret(), policy in policy(), same: bool) {
        let claim = Claim { owner: "o-1", same_certificate: &|_| same };
        let finding = classify(&found, &claim);
        let decided = decide(&found, &claim, &desired(), policy).map(|decision| decision.step);
        if let Ok(step) = &decided {
            let replaced = matches!(step, Step::Replace { .. });
            let ours = finding == Finding::Ours;
            prop_assert!(!replaced || policy.on_existing == OnExisting::Replace || (ours && policy.replace_own));
            prop_assert!(replaced || !matches!(finding, Finding::Istiod(_)));
            let strange = matches!(finding, Finding::Foreign { .. } | Finding::OtherOwner { .. }
                | Finding::Controlled(_));
            prop_assert!(!strange || policy.on_existing != OnExisting::Error);
            prop_assert!(policy.force_conflicts || !matches!(finding, Finding::Controlled(_)));
            // No write in place leaves a key of another layout, or asks for what the server must refuse.
            if let Step::Adopt { pruned } = step {
                prop_assert!(policy.prune_keys || pruned.is_empty());
            }
            prop_assert!(replaced || found.type_ != "kubernetes.io/tls");
        }
    }
}
