//! The provider's adapter to KMS against an AWS that enforces its rules: roles and key policies, names and
//! replicas, and every way in which a sealed key stays sealed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use istiopca::aws::{Agent, AssumeRole, Endpoints, Settings, Until, sign_in};
use istiopca::kms::{Error, KeyState, Kms};
use istiopca_acceptance::aws::{
    Aws, Clock, Credentials, Failure, KeyKind, KeyState as State, KmsKey,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

const OWNER: &str = "111122223333";
const CI: &str = "444455556666";

fn start() -> Aws {
    let begin = "2026-03-01T00:00:00Z".parse().unwrap();
    Aws::start(Clock::stopped_at(begin)).unwrap()
}

/// KMS of a region, as the provider asks it under these keys and roles.
fn kms(aws: &Aws, keys: &Credentials, region: &str, roles: &[&str]) -> Kms {
    let settings = Settings {
        region: Some("eu-west-1".to_owned()),
        access_key: Some(keys.access_key_id.clone().into()),
        secret_key: Some(keys.secret_access_key.clone().into()),
        endpoints: vec![Endpoints {
            kms: Some(aws.endpoint()),
            sts: Some(aws.endpoint()),
            ..Endpoints::default()
        }],
        assume_role: roles.iter().map(|role| assumed(role)).collect(),
        ..Settings::default()
    };
    let sign_in = sign_in(&settings, &Agent::default()).unwrap();
    Kms::new(Arc::new(sign_in), Some(region.to_owned()), 7)
}

fn assumed(role: &str) -> AssumeRole {
    AssumeRole {
        role_arn: role.to_owned(),
        ..AssumeRole::default()
    }
}

fn cluster(name: &str) -> BTreeMap<String, String> {
    [("cluster", name), ("istiopca:id", "0af1")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// What is sealed with `key` for mesh-a, and how `by` opens it under another name and context.
async fn sealed(by: &Kms, key: &str) -> Vec<u8> {
    let stop = CancellationToken::new();
    let until = Until::within(Duration::from_secs(60), &stop);
    let (named, context) = (key.parse().unwrap(), cluster("mesh-a"));
    let made = by.data_key(&named, &context, until).await.unwrap();
    assert_eq!(
        opened(by, key, &made.sealed, "mesh-a").await.unwrap(),
        *made.plaintext
    );
    made.sealed
}

async fn opened(by: &Kms, key: &str, sealed: &[u8], mesh: &str) -> Result<[u8; 32], Error> {
    let stop = CancellationToken::new();
    let until = Until::within(Duration::from_secs(60), &stop);
    let (named, context) = (key.parse().unwrap(), cluster(mesh));
    let opened = by.open(&named, sealed, &context, until).await;
    opened.map(|key| *key)
}

/// A key of the owner that lets one role use it for one cluster each.
fn bound(aws: &Aws, roles: &[(&str, &str)]) -> KmsKey {
    let statements: Vec<_> = roles
        .iter()
        .map(|(role, mesh)| {
            json!({
                "Effect": "Allow",
                "Principal": { "AWS": role },
                "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
                "Resource": "*",
                "Condition": { "StringEquals": { "kms:EncryptionContext:cluster": mesh } },
            })
        })
        .collect();
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    aws.kms_key().account(OWNER).policy(&policy).create()
}

#[tokio::test]
async fn a_clusters_role_opens_its_clusters_key_and_no_other() {
    let aws = start();
    let owner = aws.account(OWNER);
    let [first, second] = ["mesh-a", "mesh-b"].map(|name| {
        let nothing_by_iam = owner.role(name).trusting(CI).allowing(&[]);
        nothing_by_iam.create()
    });
    let key = bound(&aws, &[(&first, "mesh-a"), (&second, "mesh-b")]);
    let keys = aws.account(CI).user("ci");
    let (mine, others) = (
        kms(&aws, &keys, key.region(), &[&first]),
        kms(&aws, &keys, key.region(), &[&second]),
    );
    let sealed = sealed(&mine, &key.arn()).await;
    match opened(&others, &key.arn(), &sealed, "mesh-a").await {
        Err(Error::AccessDenied { denial, .. }) => {
            let who = denial.by.unwrap();
            assert!(
                who.starts_with(&format!("arn:aws:sts::{OWNER}:assumed-role/mesh-b/")),
                "{who}"
            );
            assert_eq!(denial.policy.as_deref(), Some("resource-based policy"));
        }
        other => panic!("{other:?}"),
    }
    // Under a context that its policy allows it has nothing of the other's.
    let under_its_own = opened(&others, &key.arn(), &sealed, "mesh-b").await;
    assert!(
        matches!(under_its_own, Err(Error::SealedOtherwise(_))),
        "{under_its_own:?}"
    );
}

#[tokio::test]
async fn every_name_leads_to_the_key_and_a_replica_opens_what_the_primary_sealed() {
    let aws = start();
    let primary = aws.kms_key().multi_region().alias("mesh/ca").create();
    let replica = primary.replicate("us-east-1");
    let keys = aws.account(OWNER).user("ci");
    let here = kms(&aws, &keys, primary.region(), &[]);
    let there = kms(&aws, &keys, replica.region(), &[]);
    let plain = sealed(&here, "alias/mesh/ca").await;
    for name in [
        primary.arn(),
        primary.id().to_owned(),
        primary.alias_arn("mesh/ca"),
    ] {
        opened(&here, &name, &plain, "mesh-a").await.unwrap();
    }
    primary.rotate();
    opened(&there, &replica.arn(), &plain, "mesh-a")
        .await
        .unwrap();
    // Another key behind the alias opens nothing of it.
    aws.kms_key().create().take_alias("mesh/ca");
    let other = opened(&here, "alias/mesh/ca", &plain, "mesh-a").await;
    assert!(matches!(other, Err(Error::OtherKey(_))), "{other:?}");
}

#[tokio::test]
async fn what_keeps_a_key_sealed_is_told_apart() {
    let aws = start();
    let key = aws.kms_key().create();
    let kms = kms(&aws, &aws.account(OWNER).user("ci"), key.region(), &[]);
    let sealed = sealed(&kms, &key.arn()).await;
    let open = async || {
        opened(&kms, &key.arn(), &sealed, "mesh-a")
            .await
            .unwrap_err()
    };

    key.set_state(State::Disabled);
    assert!(matches!(open().await, Error::Disabled(_)));
    for (state, told) in [
        (State::PendingDeletion, KeyState::PendingDeletion),
        (State::PendingImport, KeyState::PendingImport),
    ] {
        key.set_state(state);
        match open().await {
            Error::InvalidState { state, .. } => assert_eq!(state, told),
            other => panic!("{other}"),
        }
    }
    key.set_state(State::Enabled);
    let asymmetric = aws.kms_key().kind(KeyKind::Signing).create();
    let wrong = opened(&kms, &asymmetric.arn(), &sealed, "mesh-a").await;
    assert!(matches!(wrong, Err(Error::WrongKind(_))), "{wrong:?}");
    key.delete();
    assert!(matches!(open().await, Error::NotFound(_)));
}

#[tokio::test]
async fn trouble_of_kms_is_waited_out_or_told_as_passing() {
    let aws = start();
    let key = aws.kms_key().create();
    let kms = kms(&aws, &aws.account(OWNER).user("ci"), key.region(), &[]);
    aws.fail_next("GenerateDataKey", 1, &Failure::kms_throttling());
    aws.fail_next("Decrypt", 1, &Failure::kms_internal());
    let sealed = sealed(&kms, &key.arn()).await;
    assert_eq!((aws.count("GenerateDataKey"), aws.count("Decrypt")), (2, 2));

    aws.break_down("Decrypt", &Failure::kms_internal());
    let error = opened(&kms, &key.arn(), &sealed, "mesh-a")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    aws.repair("Decrypt");
    opened(&kms, &key.arn(), &sealed, "mesh-a").await.unwrap();
}
