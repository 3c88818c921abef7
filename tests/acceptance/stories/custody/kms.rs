//! The key in the state, sealed by AWS KMS.

use istiopca_acceptance::aws::{ACCOUNT, REGION};
use istiopca_acceptance::cli::Cli;
use serde_json::{Value, json};

use super::{Custody, Held, INTERMEDIATE, SECRET, kms_key};
use crate::planned::Planned;
use crate::world::{World, days};

const NINE_DAYS: &str = r#"validity = "9d""#;

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_key_is_opened_by_the_secret_at_apply_and_no_plan_asks_kms() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms").await;
        let key = kms_key(&world);
        let custody = Custody::kms(&key.arn());
        let bound = custody.with("kms_encryption_context = { cluster = \"a\" }", "");
        world.configure(&world.mesh(&bound));
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).never_says("in clear");
        let made = plan.made(INTERMEDIATE).lacks(&["private_key_pem"]);
        made.opens(&["private_key_sealed"]);
        plan.made(SECRET)
            .lacks(&["private_key_pem", "private_key_pem_wo"]);
        world.asked_kms(0, 0);

        Planned::apply(&mut world).await.succeeds();
        world.asked_kms(1, 1);
        world.openssl_accepts_the_live_bundle().await;
        world.state_holds(Held::Sealed).await;
        let (made, opened) = (world.calls_of("GenerateDataKey"), world.calls_of("Decrypt"));
        let context = made[0].encryption_context();
        assert_eq!(context["cluster"], "a");
        assert_eq!(context.len(), 2, "and an id of its own: {context:?}");
        assert_eq!(opened[0].encryption_context(), context);
        assert_eq!(opened[0].key_arn, Some(key.arn()));
        world.plan(&[]).await.exit_code(0);
        world.asked_kms(1, 1);

        let labelled = bound.with("", r#"labels = { tier = "mesh" }"#);
        world.configure(&world.mesh(&labelled));
        let plan = Planned::make(&mut world, &[]).await;
        plan.untouched(INTERMEDIATE);
        plan.in_place(SECRET)
            .keeps(&["private_key_sealed", "files_sha256", "public_key_sha256"]);
        Planned::apply(&mut world).await.succeeds();
        assert_eq!(world.live().await["metadata"]["labels"]["tier"], "mesh");
        world.asked_kms(1, 1);

        // The state has the key, and so the lost Secret comes back without a new certificate.
        world.delete_secret().await;
        world
            .plan(&[])
            .await
            .exit_code(2)
            .says("cacerts: it is gone");
        world.asked_kms(1, 1);
        world.apply(&[]).await.succeeds();
        world.asked_kms(1, 2);
        world.ordered(1);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_seals_a_new_key_or_certifies_the_sealed_one_again() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-renewal").await;
        let key = kms_key(&world);
        let custody = Custody::kms(&key.arn()).with(NINE_DAYS, "");
        world.configure(&world.mesh(&custody));
        world.apply(&[]).await.succeeds();
        let first = world.state(INTERMEDIATE).await;

        world.aws.clock().advance(days(6));
        world.aws.forget_calls();
        let plan = Planned::make(&mut world, &[]).await;
        plan.run.exit_code(2).says("renewal is due");
        let change = plan.in_place(INTERMEDIATE).because("renewal");
        change.opens(&["private_key_sealed", "public_key_sha256"]);
        change.lacks(&["private_key_pem"]);
        world.asked_kms(0, 0);
        Planned::apply(&mut world).await.succeeds();
        world.asked_kms(1, 1);
        world.openssl_accepts_the_live_bundle().await;
        let second = world.state(INTERMEDIATE).await;
        assert_ne!(second["private_key_sealed"], first["private_key_sealed"]);
        assert_ne!(second["public_key_sha256"], first["public_key_sha256"]);

        let kept = custody.with("rotate_key = false", "");
        world.configure(&world.mesh(&kept));
        world.aws.clock().advance(days(6));
        world.aws.forget_calls();
        let plan = Planned::make(&mut world, &[]).await;
        let change = plan.in_place(INTERMEDIATE).because("renewal");
        change.opens(&["certificate"]);
        change.keeps(&["private_key_sealed", "public_key_sha256"]);
        plan.in_place(SECRET).keeps(&["private_key_sealed"]);
        Planned::apply(&mut world).await.succeeds();
        // It is opened to sign the request; the Secret has it already.
        world.asked_kms(0, 1);
        world.openssl_accepts_the_live_bundle().await;
        let third = world.state(INTERMEDIATE).await;
        assert_eq!(third["private_key_sealed"], second["private_key_sealed"]);
        assert_ne!(third["certificate"], second["certificate"]);
        world.state_holds(Held::Sealed).await;
        world.plan(&[]).await.exit_code(0);
    }
}

/// A key policy by which each cluster's role can use the key under its own context only.
pub(super) fn bound(roles: &[(&str, &str)]) -> Value {
    let statements = roles.iter().map(|(cluster, role)| {
        json!({
            "Effect": "Allow", "Principal": { "AWS": role }, "Resource": "*",
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
            "Condition": { "StringEquals": { "kms:EncryptionContext:cluster": cluster } },
        })
    });
    json!({ "Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_policy_keeps_one_clusters_role_from_anothers_key() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-bound").await;
        let account = world.aws.account(ACCOUNT);
        let role = |name: &str| {
            let role = account.role(name).trusting(ACCOUNT);
            role.allowing(&["acm-pca:*"]).create()
        };
        let roles = [("a", role("mesh-a")), ("b", role("mesh-b"))];
        let [(_, a), (_, b)] = &roles;
        let policy = bound(&[("a", a), ("b", b)]);
        let key = world.aws.kms_key().policy(&policy).create();
        let custody = Custody::kms(&key.arn());
        let of_a = custody.with("kms_encryption_context = { cluster = \"a\" }", "");
        let entered = |role: &str| format!("assume_role {{ role_arn = \"{role}\" }}");

        // Not even under its name can B have a key sealed for A.
        world.configure_with(&entered(b), &world.mesh(&of_a));
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("AWS denies access to the KMS key")
            .says("kms:GenerateDataKey")
            .says(&key.arn())
            .says("assumed-role/mesh-b/");
        world.ordered(0);
        world.configure_with(&entered(a), &world.mesh(&of_a));
        world.apply(&[]).await.succeeds();

        world.delete_secret().await;
        world.configure_with(&entered(b), &world.mesh(&of_a));
        world.plan(&[]).await.exit_code(2);
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("AWS denies access to the KMS key")
            .says("kms:Decrypt")
            .says(&key.arn())
            .says("assumed-role/mesh-b/")
            .says("kms_encryption_context");
        assert!(world.live().await.is_null());
        let sealed = world.of_intermediate("private_key_sealed").await;
        assert!(sealed.is_string(), "it is not dropped");

        // What the Secret expects is compared before anybody is asked.
        let as_b = of_a.with("", "kms_encryption_context = { cluster = \"b\" }");
        world.configure_with(&entered(a), &world.mesh(&as_b));
        world.aws.forget_calls();
        let refused = world.plan(&[]).await;
        refused
            .exit_code(1)
            .says("the key was sealed under another encryption context");
        world.asked_kms(0, 0);
        world.configure_with(&entered(a), &world.mesh(&of_a));
        world.apply(&[]).await.succeeds();
        world.ordered(0);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_kms_key_or_context_seals_the_same_key_anew() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-resealed").await;
        let (old, new) = (kms_key(&world), kms_key(&world));
        world.configure(&world.mesh(&Custody::kms(&old.arn())));
        world.apply(&[]).await.succeeds();
        let first = world.state(INTERMEDIATE).await;
        let live = world.live().await["data"].clone();

        let context = "kms_encryption_context = { cluster = \"a\" }";
        let steps = [
            Custody::kms(&new.arn()),
            Custody::kms(&new.arn()).with(context, ""),
        ];
        for custody in steps {
            let before = world.of_intermediate("private_key_sealed").await;
            world.configure(&world.mesh(&custody));
            world.aws.forget_calls();
            let plan = Planned::make(&mut world, &[]).await;
            plan.run.exit_code(2);
            let change = plan.in_place(INTERMEDIATE).opens(&["private_key_sealed"]);
            change.lacks(&["private_key_pem"]);
            change.keeps(&["certificate", "public_key_sha256", "issue_reason"]);
            Planned::apply(&mut world).await.succeeds();
            // Opened with the one and sealed with the other; the Secret has the key.
            world.asked_kms(1, 1);
            assert_eq!(
                world.calls_of("GenerateDataKey")[0].key_arn,
                Some(new.arn())
            );
            assert_ne!(world.of_intermediate("private_key_sealed").await, before);
            world.ordered(0);
            world.plan(&[]).await.exit_code(0);
        }
        assert!(
            world.live().await["data"] == live,
            "the Secret is as it was"
        );
        assert_eq!(
            world.of_intermediate("certificate").await,
            first["certificate"]
        );

        // The old key is needed no more.
        old.delete();
        world.delete_secret().await;
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kms_key_goes_by_id_alias_or_arn_and_the_same_key_by_another_name_is_no_reason() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-names").await;
        let key = world.aws.kms_key().alias("mesh").create();
        let here = format!("region = \"{REGION}\"");

        world.configure(&world.mesh(&Custody::kms("alias/mesh")));
        let nowhere = world.apply(&[]).await;
        nowhere
            .fails()
            .says("no region to look for the KMS key in")
            .says("alias/mesh");
        world.ordered(0);

        let names = ["alias/mesh", key.id(), &key.arn()];
        world.configure_with(&here, &world.mesh(&Custody::kms(names[0])));
        world.apply(&[]).await.succeeds();
        world.asked_kms(1, 1);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
        let sealed = world.of_intermediate("private_key_sealed").await;
        for name in &names[1..] {
            world.configure_with(&here, &world.mesh(&Custody::kms(name)));
            world.apply(&[]).await.succeeds();
            let now = world.of_intermediate("private_key_sealed").await;
            assert_eq!(now, sealed, "by the name {name}");
            world.plan(&[]).await.exit_code(0);
        }
        world.ordered(1);

        // Which key is behind an alias only KMS tells: by its name the key is sealed anew.
        world.configure_with(&here, &world.mesh(&Custody::kms(&key.alias_arn("mesh"))));
        world.apply(&[]).await.succeeds();
        let by_alias = world.of_intermediate("private_key_sealed").await;
        assert_ne!(by_alias, sealed);
        world.plan(&[]).await.exit_code(0);

        // Another key takes the alias: the one that sealed still opens, and nothing is to be done.
        let next = kms_key(&world);
        next.take_alias("mesh");
        world.plan(&[]).await.exit_code(0);
        world.delete_secret().await;
        world.aws.forget_calls();
        world.apply(&[]).await.succeeds();
        assert_eq!(world.calls_of("Decrypt")[0].key_arn, Some(key.arn()));
        world.openssl_accepts_the_live_bundle().await;

        // Whoever names the alias anew means the key that is behind it now.
        world.configure_with(&here, &world.mesh(&Custody::kms("alias/mesh")));
        world.apply(&[]).await.succeeds();
        let calls = world.calls_of("GenerateDataKey");
        assert_eq!(
            calls.last().and_then(|call| call.key_arn.clone()),
            Some(next.arn())
        );
        world.ordered(0);
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kms_key_may_be_in_another_region_and_a_replica_opens_it_where_the_cluster_is() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-regions").await;
        let primary = world.aws.kms_key().region("us-east-1");
        let primary = primary.multi_region().create();
        let replica = primary.replicate("ap-southeast-2");
        let custody = Custody::kms(&primary.arn());
        let opened_there = format!("kms_key_id = \"{}\"", replica.arn());
        world.configure(&world.mesh(&custody.with("", &opened_there)));
        world.apply(&[]).await.succeeds();
        let (made, opened) = (world.calls_of("GenerateDataKey"), world.calls_of("Decrypt"));
        let regions = |calls: &[istiopca_acceptance::aws::Call]| {
            let regions = calls.iter().map(|call| call.region.clone());
            regions.collect::<Vec<_>>()
        };
        assert_eq!(regions(&made), [Some("us-east-1".to_owned())]);
        assert_eq!(regions(&opened), [Some("ap-southeast-2".to_owned())]);
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);

        // Any other key cannot open it.
        let stranger = kms_key(&world);
        let by_stranger = format!("kms_key_id = \"{}\"", stranger.arn());
        world.configure(&world.mesh(&custody.with("", &by_stranger)));
        world.delete_secret().await;
        let refused = world.apply(&[]).await;
        refused
            .fails()
            .says("the key was sealed with another KMS key")
            .says(&stranger.arn());
        world.configure(&world.mesh(&custody));
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kms_is_asked_by_the_provider_itself_and_not_by_whom_the_ca_is_asked() {
    for cli in Cli::both() {
        let mut world = World::under_a_clock(cli, "kms-identity").await;
        let issuer = world.aws.account(ACCOUNT).role("issuer").trusting(ACCOUNT);
        let issuer = issuer.allowing(&["acm-pca:*"]).create();
        // The key is another team's, in an account of its own.
        let ci = format!("arn:aws:iam::{ACCOUNT}:user/ci");
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": ci }, "Resource": "*",
            "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        }]});
        let key = world.aws.kms_key().account("444455556666");
        let key = key.policy(&policy).create();
        let entered = format!("acmpca {{\n assume_role {{ role_arn = \"{issuer}\" }}\n }}");
        world.configure_with(&entered, &world.mesh(&Custody::kms(&key.arn())));
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        let who = |operation: &str| world.calls_of(operation)[0].principal.clone();
        assert_eq!(who("GenerateDataKey"), Some(ci.clone()));
        assert_eq!(who("Decrypt"), Some(ci));
        let ordered = who("IssueCertificate").unwrap_or_default();
        assert!(ordered.contains("assumed-role/issuer/"), "{ordered}");
        world.plan(&[]).await.exit_code(0);
    }
}
