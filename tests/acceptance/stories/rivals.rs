//! Others that write the Secret or take it for their own: whoever marks the Secret is named in each plan, what
//! istiods are told before each write, and where the mesh's trust is at stake nothing is written.

use istiopca_acceptance::apiserver::minimal_rules;
use istiopca_acceptance::cli::Cli;
use serde_json::{Value, json};

use crate::hands::until_allowed;
use crate::world::World;

const FLAG: &str = "USE_CACERTS_FOR_SELF_SIGNED_CA";

impl World {
    /// Makes or changes the Deployment of an istiod, as Istio's chart lays it out, with that in its environment.
    async fn istiod_is_told(&self, name: &str, variable: &str, value: &str) {
        let env =
            json!([{"name": "REVISION", "value": "default"}, {"name": variable, "value": value}]);
        self.istiod_has(name, &json!({"env": env})).await;
    }

    /// The same with these fields in its container.
    async fn istiod_has(&self, name: &str, fields: &Value) {
        let labels = json!({"app": "istiod", "istio.io/rev": "default"});
        let mut container = json!({"name": "discovery", "image": "docker.io/istio/pilot:1.24.3"});
        for (field, value) in fields.as_object().unwrap() {
            container[field] = value.clone();
        }
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": self.namespace, "labels": labels},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        });
        self.cluster.apply(&deployment).await.succeeds();
    }

    /// Marks the Secret as a controller does.
    async fn marked(&self, metadata: &Value) {
        self.patch(&json!({"metadata": metadata})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_issued_for_an_istiod_that_would_make_a_root_of_the_intermediate() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-takes").await;
        let told = format!("The Deployment istiod-1-24 has {FLAG}=\"true\"");
        world.istiod_is_told("istiod-1-24", FLAG, "true").await;
        world.configure(&world.issuing_secret("", ""));
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("Warning: Secret")
            .says("istiod would take it for its own")
            .says(&told)
            .says("Applying this plan is refused and writes nothing");
        // Not even where it is told to write over what is there.
        for secret in [
            "",
            "on_existing = \"replace\"\n  allow_root_replacement = true",
        ] {
            let refused = world.issue(secret, "").await;
            refused
                .fails()
                .says("Error: Secret")
                .says("istiod would take it for its own")
                .says(&told)
                .says("publishes its certificate as the mesh's root")
                .says("Set that variable to `false` and restart that istiod");
            assert!(world.live().await.is_null());
            world.ordered(0);
        }

        world.istiod_is_told("istiod-1-24", FLAG, "false").await;
        let done = world.issue("", "").await;
        done.succeeds().never_says("for its own");
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0).never_says("for its own");

        // Told so afterwards it has loaded its CA already, and a renewal must not wait for anybody.
        world.istiod_is_told("istiod-1-24", FLAG, "true").await;
        let again = "renew_triggers = { incident = \"42\" }";
        world.configure(&world.issuing_secret("", again));
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("istiod may take it for its own")
            .says(&told);
        world.apply(&[]).await.succeeds();
        world.ordered(2);
        world.openssl_accepts_the_live_bundle().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_istiod_that_does_not_sign_is_told_of_before_the_secret_is_written() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-passes").await;
        world
            .istiod_is_told("istiod", "ENABLE_CA_SERVER", "false")
            .await;
        world
            .istiod_is_told("istiod-canary", "EXTERNAL_CA", "ISTIOD_RA_KUBERNETES_API")
            .await;
        world.configure(&world.issuing_secret("", ""));
        let plan = world.plan(&[]).await;
        plan.exit_code(2)
            .says("istiod does not sign with it")
            .says("The Deployment istiod has ENABLE_CA_SERVER=\"false\"")
            .says("The Deployment istiod-canary has EXTERNAL_CA=\"ISTIOD_RA_KUBERNETES_API\"")
            .says("such as istio-csr");
        world.apply(&[]).await.succeeds();
        // A plan with nothing to do asks for the Secret alone.
        let plan = world.plan(&[]).await;
        plan.exit_code(0).never_says("does not sign");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_istiod_is_told_by_other_objects_is_said_to_be_unseen_and_refuses_nothing() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-elsewhere").await;
        let key = json!({"configMapKeyRef": {"name": "switches", "key": "own", "optional": true}});
        let named = json!({"env": [{"name": FLAG, "valueFrom": key}]});
        let whole = json!({"envFrom": [{"configMapRef": {"name": "switches", "optional": true}}]});
        world.istiod_has("istiod", &named).await;
        world.istiod_has("istiod-canary", &whole).await;
        world.configure(&world.issuing_secret("", ""));
        let plan = world.plan(&[]).await;
        let seen = plan
            .stdout()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        plan.exit_code(2)
            .says("what istiod is told cannot all be seen");
        assert_eq!(
            plan.stdout().matches("Warning: Secret ").count(),
            1,
            "{plan}"
        );
        for (name, variable) in [
            ("istiod", FLAG),
            ("istiod-canary", FLAG),
            ("istiod-canary", "EXTERNAL_CA"),
            ("istiod-canary", "ENABLE_CA_SERVER"),
        ] {
            let told =
                format!("The container of the Deployment {name} has {variable}, or may have it");
            assert!(seen.contains(&told), "{told}: {plan}");
        }
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        let plan = world.plan(&[]).await;
        plan.exit_code(0).never_says("cannot all be seen");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_the_istiods_is_told_once_and_the_secret_is_written() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "istiod-unseen").await;
        let user = world.cluster.user();
        let rules = &minimal_rules("cacerts")[..2];
        world
            .cluster
            .grant(&user, Some(&world.namespace), rules)
            .await;
        until_allowed(world.cluster, &user, "patch", &world.namespace).await;
        world.user = user;
        let alone = "restart_istiod = \"never\"\n  verify = \"none\"";
        let done = world.issue(alone, "").await;
        done.succeeds()
            .says("the istiods beside it could not be seen")
            .says("{apiGroups: [\"apps\"], resources: [deployments], verbs: [list]}")
            .says("USE_CACERTS_FOR_SELF_SIGNED_CA");
        assert_eq!(done.stdout().matches("could not be seen").count(), 1);
        world.openssl_accepts_the_live_bundle().await;
        world
            .plan(&[])
            .await
            .exit_code(0)
            .never_says("could not be seen");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_else_keeps_our_secret_is_named_in_each_plan_until_its_mark_is_gone() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "rivals").await;
        // A label that the user wants on it is nobody's mark.
        let labelled = "labels = { \"app.kubernetes.io/managed-by\" = \"Helm\" }";
        world.issue(labelled, "").await.succeeds();
        let quiet = world.plan(&[]).await;
        quiet.exit_code(0).never_says("another writer keeps it");

        let owner = json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                           "name": "cacerts", "uid": "7f1c1a52-0000-4000-8000-000000000000"});
        let tracking = "mesh:/Secret:istio-system/cacerts";
        world
            .marked(&json!({
                "annotations": {"argocd.argoproj.io/tracking-id": tracking},
                "ownerReferences": [owner],
            }))
            .await;
        let plan = world.plan(&[]).await;
        plan.exit_code(0)
            .says("another writer keeps it, too")
            .says("Argo CD (argocd.argoproj.io/tracking-id), External Secrets (owner ExternalSecret/cacerts)")
            .says("with self-healing at once")
            .says("with `deletionPolicy: Retain`")
            .never_says("Helm");
        world
            .marked(&json!({
                "annotations": {"argocd.argoproj.io/tracking-id": null},
                "ownerReferences": null,
            }))
            .await;
        let quiet = world.plan(&[]).await;
        quiet.exit_code(0).never_says("another writer keeps it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_keeps_a_secret_that_is_there_is_named_before_the_first_write() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "rivals-first").await;
        world
            .somebody_makes("Opaque", &json!({"ca-cert.pem": "x"}))
            .await;
        let owner = json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "cacerts",
                           "uid": "7f1c1a52-0000-4000-8000-000000000000"});
        world.marked(&json!({"ownerReferences": [owner]})).await;
        let before = world.live().await;
        for secret in ["", "on_existing = \"adopt\""] {
            let refused = world.issue(secret, "").await;
            refused
                .fails()
                .says("It is kept by Sealed Secrets (owner SealedSecret/cacerts)")
                .says("it writes back what it has unsealed")
                .says("delete the SealedSecret with `--cascade=orphan`")
                .says("force_conflicts = true");
        }
        assert_eq!(world.live().await, before);
        world.ordered(0);
    }
}
