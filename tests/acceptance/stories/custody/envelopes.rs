//! What an envelope holds: a key of any size, under the context of its own cluster.

use istiopca_acceptance::apiserver::minimal_rules;
use istiopca_acceptance::aws::{ACCOUNT, KmsKey};
use istiopca_acceptance::cli::Cli;

use super::kms::bound;
use super::{Custody, Held, INTERMEDIATE, kms_key};
use crate::planned::Planned;
use crate::world::{World, days, openssl};

/// RSA keys, and what openssl calls them.
const RSA: [(&str, &str); 2] = [
    ("RSA_2048", "Private-Key: (2048 bit, 2 primes)"),
    ("RSA_4096", "Private-Key: (4096 bit, 2 primes)"),
];

/// KMS itself encrypts no more than 4096 bytes (Encrypt, KMS API reference); here it is given a data key's 32 at most.
#[tokio::test(flavor = "multi_thread")]
async fn an_rsa_key_of_any_size_is_sealed_renewed_and_opened() {
    for cli in Cli::both() {
        for (algorithm, kind) in RSA {
            let mut world = World::under_a_clock(cli, "kms-rsa").await;
            let settings = "validity = \"9d\"\n  rotate_key = false";
            let settings = format!("{settings}\n  key_algorithm = \"{algorithm}\"");
            let custody = Custody::kms(&kms_key(&world).arn()).with(&settings, "");
            world.configure(&world.mesh(&custody));
            world.apply(&[]).await.succeeds();
            world.asked_kms(1, 1);
            accepted(&mut world, kind).await;
            let first = world.state(INTERMEDIATE).await;
            let opened = &world.calls_of("Decrypt")[0].request["CiphertextBlob"];
            let length = opened.as_str().expect("it is base64").len();
            assert!(length < 1024, "a data key was opened, in {length} digits");

            world.aws.clock().advance(days(6));
            world.aws.forget_calls();
            let plan = Planned::make(&mut world, &[]).await;
            let change = plan.in_place(INTERMEDIATE).because("renewal");
            change.keeps(&["private_key_sealed", "public_key_sha256"]);
            Planned::apply(&mut world).await.succeeds();
            world.asked_kms(0, 1);
            accepted(&mut world, kind).await;
            let second = world.state(INTERMEDIATE).await;
            assert_eq!(second["private_key_sealed"], first["private_key_sealed"]);
            assert_ne!(second["certificate"], first["certificate"]);

            world.delete_secret().await;
            world.apply(&[]).await.succeeds();
            world.asked_kms(0, 2);
            accepted(&mut world, kind).await;
            world.plan(&[]).await.exit_code(0);
        }
    }
}

async fn accepted(world: &mut World, kind: &str) {
    world.state_holds(Held::Sealed).await;
    world.openssl_accepts_the_live_bundle().await;
    let key = world.file("ca-key.pem").await;
    let shown = openssl(&["pkey", "-noout", "-text", "-in"], &key);
    assert!(shown.contains(kind), "it should be of the kind {kind:?}");
}

/// Two clusters by `for_each`, each with its key under its own name.
struct Fleet {
    world: World,
    namespaces: [String; 2],
    key: KmsKey,
    /// The role that may have the keys of both.
    everyone: String,
    /// The role that may have A's.
    a_alone: String,
}

impl Fleet {
    async fn new(cli: Cli) -> Self {
        let world = World::under_a_clock(cli, "kms-fleet").await;
        let second = world.cluster.namespace("kms-fleet-b").await;
        let rules = minimal_rules("cacerts");
        let (cluster, user) = (world.cluster, &world.user);
        cluster.grant(user, Some(&second), &rules).await;
        let account = world.aws.account(ACCOUNT);
        let role = |name: &str| {
            let role = account.role(name).trusting(ACCOUNT);
            role.allowing(&["acm-pca:*"]).create()
        };
        let (everyone, a_alone) = (role("mesh-fleet"), role("mesh-a"));
        let policy = bound(&[("a", &everyone), ("b", &everyone), ("a", &a_alone)]);
        Self {
            namespaces: [world.namespace.clone(), second],
            key: world.aws.kms_key().policy(&policy).create(),
            world,
            everyone,
            a_alone,
        }
    }

    /// Applied by that role, with Secrets that want this key under this context, as HCL.
    fn configure(&self, role: &str, sealed: &str, bound: &str) {
        let [a, b] = &self.namespaces;
        let (key, ca) = (self.key.arn(), self.world.ca.arn());
        let meshes = format!(
            r#"
locals {{ clusters = {{ a = "{a}", b = "{b}" }} }}
resource "istiopca_intermediate" "mesh" {{
  for_each                  = local.clusters
  certificate_authority_arn = "{ca}"
  private_key_storage       = "kms"
  kms_key_id                = "{key}"
  kms_encryption_context    = {{ cluster = each.key }}
  subject {{ common_name = "istio-ca.${{each.key}}" }}
}}
resource "istiopca_cacerts_secret" "mesh" {{
  for_each               = local.clusters
  namespace              = each.value
  certificate            = istiopca_intermediate.mesh[each.key].certificate
  certificate_chain      = istiopca_intermediate.mesh[each.key].certificate_chain
  private_key_sealed     = istiopca_intermediate.mesh[{sealed}].private_key_sealed
  kms_encryption_context = {{ cluster = {bound} }}
}}
"#
        );
        let entered = format!("assume_role {{ role_arn = \"{role}\" }}");
        self.world.configure_with(&entered, &meshes);
    }

    /// Which clusters have their Secret; openssl accepts those.
    async fn live(&mut self) -> [bool; 2] {
        let mut there = [false; 2];
        for (namespace, there) in self.namespaces.iter().zip(&mut there) {
            self.world.namespace.clone_from(namespace);
            *there = !self.world.live().await.is_null();
            if *there {
                self.world.openssl_accepts_the_live_bundle().await;
            }
        }
        there
    }

    async fn lose_the_secrets(&mut self) {
        for namespace in &self.namespaces {
            self.world.namespace.clone_from(namespace);
            self.world.delete_secret().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_fleet_each_clusters_key_opens_only_under_its_own_context() {
    for cli in Cli::both() {
        let mut fleet = Fleet::new(cli).await;
        fleet.configure(&fleet.everyone, "each.key", "each.key");
        fleet.world.apply(&[]).await.succeeds();
        fleet.world.asked_kms(2, 2);
        for operation in ["GenerateDataKey", "Decrypt"] {
            let calls = fleet.world.calls_of(operation);
            let contexts = calls.iter().map(|call| call.encryption_context());
            let mut clusters: Vec<_> = contexts.map(|it| it["cluster"].clone()).collect();
            clusters.sort();
            assert_eq!(clusters, ["a", "b"], "{operation}");
        }
        assert_eq!(fleet.live().await, [true, true]);

        // Who may have A's key has A's, and not B's.
        fleet.lose_the_secrets().await;
        fleet.configure(&fleet.a_alone, "each.key", "each.key");
        let half = fleet.world.apply(&[]).await;
        half.fails()
            .says("AWS denies access to the KMS key")
            .says("kms:Decrypt")
            .says("assumed-role/mesh-a/");
        assert_eq!(fleet.live().await, [true, false]);

        // Neither the context of another cluster nor its key passes for one's own.
        let context = "the key was sealed under another encryption context";
        let key = "the sealed key is not the certificate's";
        for (sealed, told) in [("each.key", context), (r#""a""#, key)] {
            fleet.configure(&fleet.everyone, sealed, r#""a""#);
            fleet.world.aws.forget_calls();
            fleet.world.plan(&[]).await.exit_code(1).says(told);
            fleet.world.asked_kms(0, 0);
        }
        fleet.configure(&fleet.everyone, "each.key", "each.key");
        fleet.world.apply(&[]).await.succeeds();
        assert_eq!(fleet.live().await, [true, true]);
        fleet.world.ordered(0);
        fleet.world.plan(&[]).await.exit_code(0);
    }
}
