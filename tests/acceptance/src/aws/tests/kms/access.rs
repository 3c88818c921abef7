//! Who may use a key, asked by the real SDK.

use serde_json::{Value, json};

use super::*;
use crate::aws::{GrantConstraint, KmsKey};

/// A key policy of these statements.
fn policy(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn letting(who: &str, actions: &[&str], condition: Option<Value>) -> Value {
    let mut statement = json!({
        "Effect": "Allow", "Principal": { "AWS": who }, "Action": actions, "Resource": "*",
    });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

fn denied(who: &str, action: &str, key: &KmsKey, because: &str) -> (String, String) {
    let words = format!(
        "User: {who} is not authorized to perform: {action} on resource: {} {because}",
        key.arn()
    );
    refusal("AccessDeniedException", words)
}

#[tokio::test]
async fn the_usual_policy_leaves_it_to_the_policies_of_the_account() {
    let aws = start();
    let key = aws.kms_key().create();
    let account = aws.account(OWNER);
    let sealer = account.limited_user("sealer", &["kms:GenerateDataKey"]);
    let sealer = Person::new(&aws, &sealer, REGION);
    let (_, sealed) = sealer.made(&key.arn(), &[]).await;
    let expected = denied(
        &format!("arn:aws:iam::{OWNER}:user/sealer"),
        "kms:Decrypt",
        &key,
        "because no identity-based policy allows the kms:Decrypt action",
    );
    assert_eq!(
        sealer.open(&key.arn(), &sealed, &[]).await.unwrap_err(),
        expected
    );
    // Under another's account it is nobody's.
    let stranger = Person::new(&aws, &aws.account(OTHER).user("x"), REGION);
    let expected = denied(
        &format!("arn:aws:iam::{OTHER}:user/x"),
        "kms:Decrypt",
        &key,
        "because no resource-based policy allows the kms:Decrypt action",
    );
    assert_eq!(
        stranger.open(&key.arn(), &sealed, &[]).await.unwrap_err(),
        expected
    );
}

#[tokio::test]
async fn a_key_policy_binds_a_role_to_its_clusters_context() {
    let aws = start();
    let account = aws.account(OWNER);
    let roles = ["mesh-a", "mesh-b"].map(|name| {
        // No policy of IAM lets it do anything.
        account.role(name).trusting(OWNER).allowing(&[]).create()
    });
    let uses = ["kms:GenerateDataKey", "kms:Decrypt"];
    let of = |name: &str, role: &str| {
        let condition = json!({
            "StringEquals": { "kms:EncryptionContext:cluster": name },
            "ForAllValues:StringEquals": { "kms:EncryptionContextKeys": ["cluster", "id"] },
        });
        letting(role, &uses, Some(condition))
    };
    let key = aws.kms_key();
    let key = key.policy(&policy(&[of("mesh-a", &roles[0]), of("mesh-b", &roles[1])]));
    let key = key.create();
    let keys = account.user("hub");
    let mut people = Vec::new();
    for role in &roles {
        let session = sts::assume(&aws, &keys, role, |builder| builder)
            .await
            .unwrap();
        people.push(Person::new(&aws, &session, REGION));
    }
    let context = [("cluster", "mesh-a"), ("id", "1")];
    let (_, sealed) = people[0].made(&key.arn(), &context).await;
    people[0].open(&key.arn(), &sealed, &context).await.unwrap();
    let expected = denied(
        &format!("arn:aws:sts::{OWNER}:assumed-role/mesh-b/ci-run"),
        "kms:Decrypt",
        &key,
        "because no resource-based policy allows the kms:Decrypt action",
    );
    assert_eq!(
        people[1]
            .open(&key.arn(), &sealed, &context)
            .await
            .unwrap_err(),
        expected
    );
    // A name that the policy does not know.
    let more = [("cluster", "mesh-a"), ("x", "1")];
    assert_eq!(
        people[0].data_key(&key.arn(), &more).await.unwrap_err().0,
        "AccessDeniedException"
    );
    // Whoever may do everything in the account is not let in by this key.
    let owner = owner(&aws);
    assert_eq!(
        owner
            .open(&key.arn(), &sealed, &context)
            .await
            .unwrap_err()
            .0,
        "AccessDeniedException"
    );
}

#[tokio::test]
async fn across_accounts_both_sides_must_agree() {
    let aws = start();
    let root = |account: &str| format!("arn:aws:iam::{account}:root");
    let statements = [
        letting(&root(OWNER), &["kms:*"], None),
        letting(&root(OTHER), &["kms:Decrypt"], None),
    ];
    let key = aws.kms_key().policy(&policy(&statements)).create();
    let (_, sealed) = owner(&aws).made(&key.arn(), &[]).await;
    let other = aws.account(OTHER);
    let statement = json!({ "Effect": "Allow", "Action": "kms:*", "Resource": key.arn() });
    let allowed = other.user_under("allowed", &policy(&[statement]));
    let allowed = Person::new(&aws, &allowed, REGION);
    allowed.open(&key.arn(), &sealed, &[]).await.unwrap();
    let (_, words) = allowed.data_key(&key.arn(), &[]).await.unwrap_err();
    assert!(
        words.ends_with("because no resource-based policy allows the kms:GenerateDataKey action")
    );
    let limited = Person::new(&aws, &other.limited_user("limited", &["acm-pca:*"]), REGION);
    let (_, words) = limited.open(&key.arn(), &sealed, &[]).await.unwrap_err();
    assert!(words.ends_with("because no identity-based policy allows the kms:Decrypt action"));
}

#[tokio::test]
async fn a_denial_of_either_side_wins_and_is_called_explicit() {
    let aws = start();
    let who = format!("arn:aws:iam::{OWNER}:user/owner");
    let root = format!("arn:aws:iam::{OWNER}:root");
    let deny = json!({
        "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
        "Condition": { "Null": { "kms:EncryptionContext:cluster": "true" } },
    });
    let key = aws.kms_key();
    let key = key
        .policy(&policy(&[letting(&root, &["kms:*"], None), deny]))
        .create();
    let owner = owner(&aws);
    let (_, sealed) = owner.made(&key.arn(), &[]).await;
    let because = "with an explicit deny in a resource-based policy";
    let expected = denied(&who, "kms:Decrypt", &key, because);
    assert_eq!(
        owner.open(&key.arn(), &sealed, &[]).await.unwrap_err(),
        expected
    );
    let context = [("cluster", "a")];
    let (_, sealed) = owner.made(&key.arn(), &context).await;
    owner.open(&key.arn(), &sealed, &context).await.unwrap();

    let statements = [
        json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }),
        json!({ "Effect": "Deny", "Action": "kms:*", "Resource": key.arn() }),
    ];
    let kept = aws.account(OWNER).user_under("kept", &policy(&statements));
    let kept = Person::new(&aws, &kept, REGION);
    let because = "with an explicit deny in an identity-based policy";
    let who = format!("arn:aws:iam::{OWNER}:user/kept");
    let expected = denied(&who, "kms:GenerateDataKey", &key, because);
    assert_eq!(kept.data_key(&key.arn(), &[]).await.unwrap_err(), expected);
}

#[tokio::test]
async fn a_grant_lets_somebody_in_as_far_as_it_goes() {
    let aws = start();
    let account = aws.account(OWNER);
    let (key, owner) = (aws.kms_key().create(), owner(&aws));
    let person = Person::new(&aws, &account.limited_user("ci", &[]), REGION);
    let who = format!("arn:aws:iam::{OWNER}:user/ci");
    let context = [("cluster", "a"), ("id", "1")];
    let (_, sealed) = owner.made(&key.arn(), &context).await;
    assert!(person.open(&key.arn(), &sealed, &context).await.is_err());
    let pair = |name: &str, value: &str| [(name.to_owned(), value.to_owned())].into();
    key.grant(
        &who,
        &["Decrypt"],
        GrantConstraint::Subset(pair("Cluster", "b")),
    );
    assert!(person.open(&key.arn(), &sealed, &context).await.is_err());
    // The case of a name does not count in a grant.
    key.grant(
        &who,
        &["Decrypt"],
        GrantConstraint::Subset(pair("Cluster", "a")),
    );
    person.open(&key.arn(), &sealed, &context).await.unwrap();
    let (code, _) = person.data_key(&key.arn(), &context).await.unwrap_err();
    assert_eq!(code, "AccessDeniedException");
    key.revoke_grants(&who);
    assert!(person.open(&key.arn(), &sealed, &context).await.is_err());
    key.grant(
        &who,
        &["Decrypt"],
        GrantConstraint::Equals(pair("cluster", "a")),
    );
    assert!(person.open(&key.arn(), &sealed, &context).await.is_err());
    let (_, sealed) = owner.made(&key.arn(), &context[..1]).await;
    person
        .open(&key.arn(), &sealed, &context[..1])
        .await
        .unwrap();
}
