//! Policies by examples in the manner of AWS's guides.

use serde_json::json;

use super::*;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn facts(context: &[(&str, &str)]) -> Facts {
    let mut facts = Facts::default();
    for (name, value) in context {
        facts.add(&format!("kms:EncryptionContext:{name}"), *value);
        facts.add("kms:EncryptionContextKeys", *name);
    }
    facts
}

/// What a statement that allows kms:Decrypt under `condition` says.
fn under(condition: &Value, context: &[(&str, &str)]) -> Verdict {
    let policy = json!({ "Statement": {
        "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition,
    }});
    let facts = facts(context);
    Policy::read(&policy).unwrap().judge(&Request {
        action: "kms:Decrypt",
        resource: KEY,
        facts: &facts,
    })
}

#[test]
fn actions_and_resources_are_patterns() {
    let policy = json!({ "Version": "2012-10-17", "Id": "p", "Statement": [{
        "Sid": "Use",
        "Effect": "Allow",
        "Action": ["kms:GenerateDataKey*", "KMS:decrypt"],
        "Resource": "arn:aws:kms:*:111122223333:key/*",
    }]});
    let policy = Policy::read(&policy).unwrap();
    let facts = Facts::default();
    let judge = |action, resource| {
        policy.judge(&Request {
            action,
            resource,
            facts: &facts,
        })
    };
    assert_eq!(judge("kms:Decrypt", KEY), Verdict::Allowed);
    assert_eq!(judge("kms:GenerateDataKey", KEY), Verdict::Allowed);
    assert_eq!(judge("kms:Encrypt", KEY), Verdict::Unsaid);
    let other = KEY.replace("111122223333", "444455556666");
    assert_eq!(judge("kms:Decrypt", &other), Verdict::Unsaid);
}

#[test]
fn a_denial_wins_wherever_it_stands() {
    let deny = json!({ "Effect": "Deny", "Action": "*", "Resource": "*" });
    let allow = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    for statements in [[&allow, &deny], [&deny, &allow]] {
        let policy = Policy::read(&json!({ "Statement": statements })).unwrap();
        let request = Request {
            action: "kms:Decrypt",
            resource: KEY,
            facts: &Facts::default(),
        };
        assert_eq!(policy.judge(&request), Verdict::Denied);
    }
}

#[test]
fn a_pair_of_the_context_is_asked_for_with_its_value() {
    let cluster =
        json!({ "StringEquals": { "kms:EncryptionContext:cluster": ["mesh-a", "mesh-b"] } });
    let judge = |context| under(&cluster, context);
    assert_eq!(
        judge(&[("cluster", "mesh-a"), ("x", "y")]),
        Verdict::Allowed
    );
    // The case of a condition's key does not count, that of a value does.
    assert_eq!(judge(&[("Cluster", "mesh-b")]), Verdict::Allowed);
    assert_eq!(judge(&[("cluster", "Mesh-a")]), Verdict::Unsaid);
    assert_eq!(judge(&[("x", "mesh-a")]), Verdict::Unsaid);
    assert_eq!(judge(&[]), Verdict::Unsaid);
}

#[test]
fn the_names_of_a_context_are_many_values() {
    let only =
        json!({ "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["cluster", "id"] } });
    assert_eq!(under(&only, &[("cluster", "a")]), Verdict::Allowed);
    assert_eq!(under(&only, &[]), Verdict::Allowed);
    assert_eq!(
        under(&only, &[("cluster", "a"), ("x", "y")]),
        Verdict::Unsaid
    );
    let some = json!({ "ForAnyValue:StringLike": { "kms:EncryptionContextKeys": "clus*" } });
    assert_eq!(
        under(&some, &[("cluster", "a"), ("x", "y")]),
        Verdict::Allowed
    );
    assert_eq!(under(&some, &[("x", "y")]), Verdict::Unsaid);
}

#[test]
fn operators_do_what_they_are_called() {
    let key = "kms:EncryptionContext:cluster";
    let holds = |operator: &str, wanted: &str, context: &[(&str, &str)]| {
        let condition = json!({ operator: { key: wanted } });
        under(&condition, context) == Verdict::Allowed
    };
    let there: &[_] = &[("cluster", "mesh-a")];
    for (operator, wanted, with, without) in [
        ("StringEquals", "mesh-a", true, false),
        ("StringEqualsIfExists", "mesh-a", true, true),
        ("StringEqualsIfExists", "mesh-b", false, true),
        ("StringNotEquals", "mesh-a", false, true),
        ("StringEqualsIgnoreCase", "MESH-A", true, false),
        ("StringLike", "mesh-*", true, false),
        ("StringNotLike", "mesh-*", false, true),
        ("Null", "true", false, true),
        ("Null", "false", true, false),
    ] {
        assert_eq!(holds(operator, wanted, there), with, "{operator} {wanted}");
        assert_eq!(holds(operator, wanted, &[]), without, "{operator} {wanted}");
    }
}

#[test]
fn what_is_not_emulated_is_refused_when_it_is_read() {
    let statement = |name: &str, value: Value| {
        let mut statement = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        statement[name] = value;
        json!({ "Statement": [statement] })
    };
    for document in [
        json!([]),
        json!({}),
        json!({ "Statement": [], "Else": 1 }),
        statement("Effect", json!("Maybe")),
        statement("NotAction", json!("kms:*")),
        statement("Action", json!([])),
        statement("Principal", json!({ "Service": "s3.amazonaws.com" })),
        statement("Resource", json!("arn:aws:s3:::${aws:username}")),
        statement(
            "Condition",
            json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } }),
        ),
        statement("Condition", json!("x")),
    ] {
        assert!(Policy::read(&document).is_err(), "{document}");
    }
}
