//! Game day: somebody has read our state file. What they can do with it under each custody, and what ends it.

use std::path::PathBuf;
use std::process::Command;

use aws_sdk_acmpca::types::RevocationReason;
use istiopca_acceptance::aws::ACCOUNT;
use istiopca_acceptance::cli::Cli;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::people::Person;
use super::thief::{Loot, Unsealed};
use super::{Custody, INTERMEDIATE, SECRET, kms_key, request_for};
use crate::hands::another_key;
use crate::planned::Planned;
use crate::world::World;

/// The setting by which a new certificate with a new key is issued now.
const ROTATED: &str = r#"renew_triggers = { leaked = "incident 42" }"#;

/// A workload's certificate that somebody signed with a mesh's CA key, as a file.
struct Forged {
    leaf: PathBuf,
    intermediate: PathBuf,
}

impl World {
    fn with_file(&self, name: &str, text: &str) -> PathBuf {
        self.dir.write(name, text);
        self.dir.path().join(name)
    }

    /// Has openssl sign for whoever the thief wants to be; `None` where key and certificate do not belong together.
    fn forge(&self, certificate: &str, key: &str) -> Option<Forged> {
        let intermediate = self.with_file("stolen.pem", certificate);
        let key = self.with_file("stolen.key", key);
        let extensions = "subjectAltName = critical, URI:spiffe://cluster.local/ns/bank/sa/vault\n\
                          keyUsage = critical, digitalSignature\n\
                          extendedKeyUsage = serverAuth, clientAuth\n\
                          basicConstraints = critical, CA:FALSE\n\
                          subjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid\n";
        let extensions = self.with_file("forged.ext", extensions);
        let (request, leaf) = (
            self.with_file("forged.csr", ""),
            self.with_file("forged.pem", ""),
        );
        let own_key = self.with_file("forged.key", "");
        let openssl = |arguments: &[&str], files: &[(&str, &PathBuf)]| {
            let mut command = Command::new("openssl");
            command.args(arguments);
            for (option, file) in files {
                command.arg(option).arg(file);
            }
            command.output().expect("openssl runs").status.success()
        };
        let new = [
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ];
        let asked = openssl(
            &[&new[..], &["-nodes", "-subj", "/"]].concat(),
            &[("-keyout", &own_key), ("-out", &request)],
        );
        assert!(asked, "anybody can make a request");
        let signed = openssl(
            &["x509", "-req", "-days", "365", "-set_serial", "42"],
            &[
                ("-in", &request),
                ("-CA", &intermediate),
                ("-CAkey", &key),
                ("-extfile", &extensions),
                ("-out", &leaf),
            ],
        );
        signed.then_some(Forged { leaf, intermediate })
    }

    /// Whether a workload that trusts the live root takes the forged certificate at that moment.
    async fn is_taken(&self, forged: &Forged, at: Timestamp) -> bool {
        let root = self.file("root-cert.pem").await;
        let chain = self.file("cert-chain.pem").await;
        let verify = Command::new("openssl")
            .args([
                "verify",
                "-x509_strict",
                "-attime",
                &at.as_second().to_string(),
            ])
            .arg("-CAfile")
            .arg(root)
            .arg("-untrusted")
            .arg(&forged.intermediate)
            .arg("-untrusted")
            .arg(chain)
            .arg(&forged.leaf)
            .output()
            .expect("openssl runs");
        verify.status.success()
    }

    /// Rotates the key by the trigger, under that custody.
    async fn rotates_under(&mut self, custody: &Custody) {
        self.configure(&self.mesh(&custody.with(ROTATED, "")));
        let plan = Planned::make(self, &[]).await;
        plan.run.exit_code(2);
        let change = plan.in_place(INTERMEDIATE).because("triggers");
        change.opens(&["certificate", "public_key_sha256", "private_key_sealed"]);
        change.lacks(&["private_key_pem"]);
        Planned::apply(self).await.succeeds();
        self.openssl_accepts_the_live_bundle().await;
        self.plan(&[]).await.exit_code(0);
    }

    /// The operator revokes what the state calls superseded, and nothing else.
    async fn revokes_the_superseded(&mut self, leaked: &Value) {
        let superseded = self.of_intermediate("superseded_certificate_arns").await;
        let arn = superseded[0].as_str().unwrap();
        assert_eq!(arn, leaked);
        let operator = Person::of(self, &self.aws.account(ACCOUNT).user("operator"));
        operator
            .revokes(&self.ca.arn(), arn, RevocationReason::KeyCompromise)
            .await;
        for issued in self.ca.issued() {
            let wanted = (issued.arn == arn).then(|| "KEY_COMPROMISE".to_owned());
            assert_eq!(issued.revoked, wanted, "{}", issued.arn);
        }
    }
}

/// Who asked KMS to open it, and whether they could: CloudTrail has them by the id in the envelope.
fn tried_to_open(world: &World, sealed: &Unsealed) -> Vec<(String, bool)> {
    let tried = world.calls_of("Decrypt").into_iter();
    let tried = tried.filter(|call| call.encryption_context()["istiopca:id"] == sealed.id);
    tried
        .map(|call| (call.principal.unwrap_or_default(), call.error.is_none()))
        .collect()
}

fn soon() -> Timestamp {
    Timestamp::now() + SignedDuration::from_mins(1)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_state_with_the_key_in_clear_is_the_meshs_ca_until_its_certificate_ends() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "leaked-state").await;
        world.configure(&world.mesh(&Custody::state()));
        world.apply(&[]).await.succeeds();
        let first = world.state(INTERMEDIATE).await;
        let loot = Loot::of(&world, "terraform.tfstate");
        let key = loot.key().expect("it is there in clear");
        let certificate = loot.text("istiopca_intermediate", "certificate");
        let forged = world.forge(&certificate, key).expect("it is the CA's key");
        assert!(
            world.is_taken(&forged, soon()).await,
            "they can be anybody in the mesh"
        );

        // What ends it: another custody and another key, in one apply.
        world
            .rotates_under(&Custody::kms(&kms_key(&world).arn()))
            .await;
        let now = Loot::of(&world, "terraform.tfstate");
        assert_eq!(now.key(), None);
        let renewed = now.text("istiopca_intermediate", "certificate");
        assert!(
            world.forge(&renewed, key).is_none(),
            "the stolen key is not the new one"
        );
        let forged = world
            .forge(&certificate, key)
            .expect("the old one still signs");
        // Earlier versions of the state are as they were: here the core's own copy.
        let backup = Loot::of(&world, "terraform.tfstate.backup");
        assert_eq!(
            backup.key(),
            Some(key),
            "it must be deleted wherever it is kept"
        );

        // A root vouches for what it signed: the old certificate is good until its end, or until peers learn that
        // it was revoked.
        assert!(world.is_taken(&forged, soon()).await);
        let end: Timestamp = first["not_after"].as_str().unwrap().parse().unwrap();
        let after = end + SignedDuration::from_secs(1);
        assert!(
            !world.is_taken(&forged, after).await,
            "its end is the last day of the leak"
        );

        // Once the workloads have followed.
        world
            .revokes_the_superseded(&first["certificate_arn"])
            .await;
        world.openssl_accepts_the_live_bundle().await;
        world.plan(&[]).await.exit_code(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_state_with_a_sealed_key_needs_kms_to_open_it_and_leaves_a_trace() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "leaked-kms").await;
        let kms = kms_key(&world);
        let custody = Custody::kms(&kms.arn());
        let custody = custody.with("kms_encryption_context = { cluster = \"a\" }", "");
        world.configure(&world.mesh(&custody));
        world.apply(&[]).await.succeeds();
        let loot = Loot::of(&world, "terraform.tfstate");
        assert_eq!(loot.key(), None, "there is no key in the file");
        let sealed = loot.text("istiopca_intermediate", "private_key_sealed");
        let sealed = Unsealed::read(&sealed);
        assert_eq!(sealed.kms_key_arn, kms.arn());

        let account = world.aws.account(ACCOUNT);
        let reader = Person::of(
            &world,
            &account.limited_user("reader", &["acm-pca:*", "s3:*"]),
        );
        let stranger = world.aws.account("444455556666").user("stranger");
        let stranger = Person::of(&world, &stranger);
        for outsider in [reader, stranger] {
            let refused = outsider.opens(&sealed, true).await;
            assert_eq!(refused.unwrap_err(), "AccessDeniedException");
        }
        // kms:Decrypt is the key of the house: who has it, and the file, has the mesh's key.
        let insider = Person::of(&world, &account.user("insider"));
        let refused = insider.opens(&sealed, false).await;
        assert_eq!(
            refused.unwrap_err(),
            "InvalidCiphertextException",
            "without its context"
        );
        let data_key = insider.opens(&sealed, true).await.expect("they may");
        let key = sealed.opened(&data_key);
        let certificate = loot.text("istiopca_intermediate", "certificate");
        let forged = world.forge(&certificate, &key).expect("it is the CA's key");
        assert!(world.is_taken(&forged, soon()).await);

        let user = |name: &str| format!("arn:aws:iam::{ACCOUNT}:user/{name}");
        let stranger = "arn:aws:iam::444455556666:user/stranger".to_owned();
        let wanted = [
            (user("ci"), true),
            (user("reader"), false),
            (stranger, false),
            (user("insider"), false),
            (user("insider"), true),
        ];
        assert_eq!(tried_to_open(&world, &sealed), wanted);

        // The same step ends it: what was sealed is then the key of a superseded certificate.
        world.rotates_under(&custody).await;
        let renewed = Loot::of(&world, "terraform.tfstate");
        let renewed = renewed.text("istiopca_intermediate", "certificate");
        assert!(world.forge(&renewed, &key).is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_state_beside_a_secret_that_issues_by_itself_has_nothing() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "leaked-block").await;
        world.issue("", "").await.succeeds();
        let loot = Loot::of(&world, "terraform.tfstate");
        assert_eq!(loot.key(), None);
        assert!(!loot.mentions("istiopca.sealed."), "nor a sealed one");
        // What there is, is public: every workload shows it in every handshake.
        let certificate = loot.text("istiopca_cacerts_secret", "issued_certificate");
        assert_eq!(
            world.file_text("ca-cert.pem").await.trim(),
            certificate.trim()
        );
        world.plan(&[]).await.exit_code(0);
        let state = world.state(SECRET).await;
        assert!(state["private_key_pem"].is_null());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_a_state_beside_a_key_of_the_users_has_nothing() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "leaked-users").await;
        let key = another_key(&world.dir.path());
        world.dir.set_env("TF_VAR_key", &key);
        let request = request_for(&world, &key, &[]);
        for custody in [Custody::supplied(1), Custody::requested(&request)] {
            world.configure(&world.mesh(&custody));
            world.apply(&[]).await.succeeds();
            let loot = Loot::of(&world, "terraform.tfstate");
            assert_eq!(loot.key(), None);
            assert!(!loot.mentions("istiopca.sealed."), "nor a sealed one");
        }
    }
}
