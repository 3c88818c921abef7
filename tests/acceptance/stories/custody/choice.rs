//! Custody is chosen, once, in words: everything else is refused before anybody is asked, also while nothing but the
//! choice is known.

use istiopca_acceptance::cli::Cli;
use istiopca_acceptance::process::Run;

use super::request_for;
use crate::hands::another_key;
use crate::world::World;

/// What the refusal of an intermediate without one custody shows side by side.
const CHOICES: [&str; 5] = [
    "`private_key_storage = \"kms\"` with `kms_key_id`",
    "`private_key_pem_wo` with `private_key_pem_wo_version`",
    "`certificate_signing_request_pem` takes a request of yours",
    "`private_key_storage = \"state\"` keeps it in the state, in clear",
    "The block `intermediate {}` of `istiopca_cacerts_secret`",
];

/// The same of a Secret.
const WAYS: [&str; 4] = [
    "`private_key_sealed` takes it as KMS sealed it",
    "`private_key_pem_wo` with `private_key_pem_wo_version`",
    "`private_key_pem` takes it in clear",
    "The block `intermediate {}` makes a certificate and a key of its own",
];

/// Nothing of it is known while validating but which settings there are.
const UNKNOWN: &str = r#"
variable "arn" { type = string }
variable "name" { type = string }
variable "pem" { type = string }
variable "key" {
  type      = string
  ephemeral = true
}
"#;

const ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const STORAGE: &str = "private_key_storage = \"state\"";

const SUPPLIED: &str = "private_key_pem_wo = var.key\n  private_key_pem_wo_version = 1";

fn intermediate(custody: &str) -> String {
    format!(
        r#"{UNKNOWN}
resource "istiopca_intermediate" "mesh" {{
  certificate_authority_arn = var.arn
  subject {{ common_name = var.name }}
  {custody}
}}
"#
    )
}

fn secret(key: &str) -> String {
    format!(
        r#"{UNKNOWN}
resource "istiopca_cacerts_secret" "mesh" {{
  namespace         = var.name
  certificate       = var.pem
  certificate_chain = var.pem
  {key}
}}
"#
    )
}

async fn validated(world: &mut World, resources: &str) -> Run {
    world.configure(resources);
    world.cli(&["validate", "-no-color"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intermediate_has_one_custody_and_the_refusal_lays_them_side_by_side() {
    // What is unknown may turn out to be null, so that only what is there can be too much.
    let written = "private_key_pem_wo = \"x\"\n  private_key_pem_wo_version = 1";
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "choice").await;
        let own = another_key(&world.dir.path());
        let own = request_for(&world, &own, &[]);
        let own = format!(
            "certificate_signing_request_pem = <<EOT\n{}\nEOT\n",
            own.trim()
        );
        let (none, many) = ("Exactly one of \"private_key_storage\"", "Only one of");
        let wrong = [
            (String::new(), none),
            ("private_key_pem_wo_version = 1".to_owned(), none),
            (format!("kms_key_id = \"{ARN}\""), none),
            (format!("{STORAGE}\n  {written}"), many),
            (format!("{STORAGE}\n  {own}"), many),
            (format!("{written}\n  {own}"), many),
            (format!("{STORAGE}\n  {written}\n  {own}"), many),
        ];
        for (custody, told) in wrong {
            let refused = validated(&mut world, &intermediate(&custody)).await;
            refused.fails().says(told);
            for choice in CHOICES {
                refused.says(choice);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_custody_is_refused_with_what_it_lacks_and_a_whole_one_is_not() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "choice-half").await;
        let half = [
            (
                "private_key_pem_wo = \"x\"",
                "so \"private_key_pem_wo_version\" must be set",
            ),
            (
                "private_key_storage = \"kms\"",
                "`private_key_storage = \"kms\"` needs `kms_key_id`",
            ),
            (
                &format!("{STORAGE}\n  kms_key_id = \"{ARN}\""),
                "`kms_key_id` says how KMS seals a private key, and none is sealed here",
            ),
            (
                &format!("{SUPPLIED}\n  kms_encryption_context = {{ cluster = \"a\" }}"),
                "`kms_encryption_context` says how KMS seals a private key",
            ),
            (
                "private_key_storage = \"vault\"",
                "private_key_storage = \"vault\"",
            ),
        ];
        for (custody, told) in half {
            let refused = validated(&mut world, &intermediate(custody)).await;
            refused.fails().says(told);
        }
        let kms = format!("private_key_storage = \"kms\"\n  kms_key_id = \"{ARN}\"");
        let unknown = "private_key_storage = \"kms\"\n  kms_key_id = var.arn";
        let requested = "certificate_signing_request_pem = var.pem";
        for custody in [STORAGE, SUPPLIED, requested, &kms, unknown] {
            let fine = validated(&mut world, &intermediate(custody)).await;
            fine.succeeds();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_takes_the_key_in_one_way_and_the_refusal_lays_them_side_by_side() {
    let clear = "private_key_pem = var.pem";
    let sealed = "private_key_sealed = var.pem";
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "choice-secret").await;
        let (none, many) = ("Exactly one of \"private_key_pem\"", "Only one of");
        let written = "private_key_pem_wo = \"x\"\n  private_key_pem_wo_version = 1";
        let block = "intermediate {\n certificate_authority_arn = var.arn\n subject { common_name = var.name }\n }";
        let wrong = [
            (String::new(), none),
            (format!("kms_key_id = \"{ARN}\""), none),
            (format!("private_key_pem = \"x\"\n  {written}"), many),
            (format!("private_key_pem = \"x\"\n  {block}"), many),
            (format!("{written}\n  {block}"), many),
        ];
        for (key, told) in wrong {
            let refused = validated(&mut world, &secret(&key)).await;
            refused.fails().says(told);
            for way in WAYS {
                refused.says(way);
            }
        }
        let half = [
            (
                "private_key_pem_wo = \"x\"",
                "so \"private_key_pem_wo_version\" must be set",
            ),
            (
                &format!("{clear}\n  kms_key_id = \"{ARN}\""),
                "`kms_key_id` says how a sealed private key is opened, and there is none",
            ),
        ];
        for (key, told) in half {
            let refused = validated(&mut world, &secret(key)).await;
            refused.fails().says(told);
        }
        for key in [
            clear,
            sealed,
            SUPPLIED,
            &format!("{sealed}\n  kms_key_id = \"{ARN}\""),
        ] {
            let fine = validated(&mut world, &secret(key)).await;
            fine.succeeds();
        }
    }
}

/// An ephemeral key must not get to where it would be stored, which is for the core to see.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_lasts_a_run_cannot_be_put_where_it_stays() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "choice-ephemeral").await;
        let key = another_key(&world.dir.path());
        world.dir.set_env("TF_VAR_key", &key);
        let refused = validated(&mut world, &secret("private_key_pem = var.key")).await;
        refused
            .fails()
            .says("private_key_pem = var.key")
            .says("ephemeral")
            .never_says("PRIVATE KEY");
    }
}
