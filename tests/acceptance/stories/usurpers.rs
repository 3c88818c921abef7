//! Something else makes the Secret: a plan says what by name, what an apply would answer, and what to
//! do.

use istiopca_acceptance::cli::Cli;
use serde_json::{Value, json};

use crate::hands::either_way;
use crate::world::{World, days};

/// A Secret that is not ours, and what a plan says of it.
struct Usurper {
    type_: &'static str,
    files: Value,
    annotation: Option<&'static str>,
    told: &'static [&'static str],
}

fn usurpers() -> [Usurper; 4] {
    let istio = json!({"ca-cert.pem": "x", "ca-key.pem": "x", "cert-chain.pem": "x",
                       "root-cert.pem": "x"});
    let tls = json!({"tls.crt": "x", "tls.key": "x", "ca.crt": "x"});
    [
        Usurper {
            type_: "kubernetes.io/tls",
            files: tls,
            annotation: Some("cert-manager.io/certificate-name=istio-ca"),
            told: &[
                "its type is kubernetes.io/tls and not Opaque",
                "tls.crt is there, and with it istiod reads another layout",
                "kept by cert-manager (cert-manager.io/certificate-name)",
                "at each renewal of its Certificate it puts a CA and a key of its own here",
                "delete the Certificate that has this `secretName`",
                "force_conflicts = true",
            ],
        },
        Usurper {
            type_: "Opaque",
            files: istio.clone(),
            annotation: Some("meta.helm.sh/release-name=istio-base"),
            told: &[
                "kept by Helm (meta.helm.sh/release-name)",
                "an uninstall deletes the Secret",
                "take it out of the chart",
            ],
        },
        Usurper {
            type_: "istio.io/ca-root",
            files: istio.clone(),
            annotation: None,
            told: &[
                "its type is istio.io/ca-root and not Opaque",
                "istiod made the Secret that is there",
                "on_existing = \"replace\"",
            ],
        },
        Usurper {
            type_: "Opaque",
            files: istio,
            annotation: Some("istiopca.io/owner=another"),
            told: &[
                "the owner id another: another resource of this provider",
                "on_existing = \"adopt\"",
            ],
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_secrets_place_is_told_by_name_with_the_remedy() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "usurped").await;
        world.configure(&world.intermediate_and_secret("", ""));
        world.apply(&[]).await.succeeds();
        for usurper in usurpers() {
            world.delete_secret().await;
            world.somebody_makes(usurper.type_, &usurper.files).await;
            if let Some(annotation) = usurper.annotation {
                world
                    .kubectl(&["annotate", "secret", "cacerts", annotation])
                    .await
                    .succeeds();
            }
            let before = world.live().await;
            let plan = world.plan(&[]).await;
            plan.exit_code(2)
                .says("the Secret was made anew, its UID is")
                .says("(by kubectl-create, last seen")
                .says("Applying this plan is refused and writes nothing");
            usurper.told.iter().for_each(|words| _ = plan.says(words));
            world.apply(&[]).await.fails();
            assert_eq!(world.live().await, before);
        }
        world.delete_secret().await;
        world.apply(&[]).await.succeeds();
        world.openssl_accepts_the_live_bundle().await;
        world.ordered(1);
        world.plan(&[]).await.exit_code(0);
    }
}

/// What cannot be changed is made anew while there is time, not in the night of a renewal.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_made_immutable_is_told_and_made_anew() {
    for (cli, issuing) in either_way() {
        let mut world = World::under_a_clock(cli, "immutable").await;
        world.configure_for_nine_days(issuing);
        world.apply(&[]).await.succeeds();
        // At any time, and when a renewal is due.
        for (later, ordered) in [(days(0), 1), (days(6), 2)] {
            let uid = world.uid().await;
            world.patch(&json!({"immutable": true})).await;
            world.aws.clock().advance(later);
            let plan = world.plan(&[]).await;
            plan.exit_code(2)
                .says("the Secret is marked immutable")
                .says("deletes it and makes it anew");
            world.apply(&[]).await.succeeds();
            world.ordered(ordered);
            assert_ne!(world.uid().await, uid);
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[]).await.exit_code(0).never_says("immutable");
        }
    }
}
