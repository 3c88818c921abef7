//! Half configured and misconfigured: each mistake is an error of the plan that names the
//! attribute, says what it means and what to do, and nothing is issued or written.

use istiopca_acceptance::aws::{Status, UsageMode};
use istiopca_acceptance::cli::Cli;

use crate::world::{World, days};

/// A configuration that is wrong, and what the plan must say of it.
struct Mistake {
    configuration: String,
    told: &'static [&'static str],
}

/// Plans each of them, and sees that nothing came of it.
async fn all_are_told(world: &mut World, mistakes: &[Mistake]) {
    for Mistake {
        configuration,
        told,
    } in mistakes
    {
        world.configure(configuration);
        let plan = world.plan(&[]).await;
        plan.exit_code(1)
            .never_says("panicked")
            .never_says("ServiceError");
        for words in *told {
            plan.says(words);
        }
    }
    world.ordered(0);
    assert!(world.live().await.is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_are_refused() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "settings").await;
        let inside = |settings: &str| world.issuing_secret("", settings);
        let beside = |settings: &str| world.issuing_secret(settings, "");
        let arn = world.ca.arn();
        let mistakes = [
            Mistake {
                configuration: inside("").replace(&arn, &format!("{arn} ")),
                told: &["certificate_authority_arn", "blanks"],
            },
            Mistake {
                configuration: inside("validity = \"ninety days\""),
                told: &["validity = \"ninety days\"", "\"90d\""],
            },
            Mistake {
                configuration: inside("validity = \"30d\"\n renew_before = \"30d\""),
                told: &[
                    "renew_before = \"30d\"",
                    "always be due",
                    "Choose a longer `validity` or renew later",
                ],
            },
            Mistake {
                configuration: inside("path_length = 4"),
                told: &["path_length = 4", "from 0 to 3"],
            },
            Mistake {
                configuration: inside("key_algorithm = \"EC_secp521r1\""),
                told: &["key_algorithm = \"EC_secp521r1\"", "EC_secp384r1"],
            },
            Mistake {
                configuration: inside("expected_root_sha256 = \"abc\""),
                told: &["expected_root_sha256 = \"abc\"", "64"],
            },
            Mistake {
                configuration: inside("valditiy = \"30d\""),
                told: &["Unsupported argument", "valditiy"],
            },
            Mistake {
                configuration: beside("labels = { team = \"the mesh\" }"),
                told: &["labels = { team = \"the mesh\" }", "63"],
            },
            Mistake {
                configuration: beside("annotations = { \"not a key\" = \"x\" }"),
                told: &["annotations = {", "not a key"],
            },
            Mistake {
                configuration: beside("annotations = { \"istiopca.io/owner\" = \"x\" }"),
                told: &["annotations = {", "istiopca.io/"],
            },
            Mistake {
                configuration: beside("name = \"CaCerts\""),
                told: &["name = \"CaCerts\"", "lower-case"],
            },
            Mistake {
                configuration: beside("additional_root_pems = [\"none\"]"),
                told: &["additional_root_pems = [\"none\"]", "PEM"],
            },
        ];
        all_are_told(&mut world, &mistakes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn custody_must_be_chosen_and_only_once() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "custody").await;
        let both = world.intermediate_and_secret("", "");
        let custody = "private_key_storage       = \"state\"";
        assert!(both.contains(custody));
        let nothing = format!(
            "resource \"istiopca_cacerts_secret\" \"mesh\" {{ namespace = \"{}\" }}",
            world.namespace
        );
        let block = format!(
            "intermediate {{\n certificate_authority_arn = \"{}\"\n subject {{ common_name = \"x\" }}\n }}",
            world.ca.arn()
        );
        let given = format!(
            "certificate = <<-EOT\n{}\nEOT\n",
            world.ca.certificate_pem()
        );
        let twice = nothing.replace(" }", &format!("\n{given}\n{block}\n}}"));
        let mistakes = [
            Mistake {
                configuration: both.replace(custody, ""),
                told: &["private_key_storage"],
            },
            Mistake {
                configuration: nothing,
                told: &[
                    "certificate",
                    "intermediate",
                    "keeps the key out of the state",
                ],
            },
            Mistake {
                configuration: twice,
                told: &[
                    "certificate",
                    "intermediate",
                    "keeps the key out of the state",
                ],
            },
            Mistake {
                configuration: both.replace(
                    "private_key_pem   = istiopca_intermediate.mesh.private_key_pem",
                    "",
                ),
                told: &["private_key_pem", "istiod needs all three"],
            },
        ];
        all_are_told(&mut world, &mistakes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_that_make_no_mesh_ca_are_refused() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "templates").await;
        let template = |arn: &str| world.issuing_secret("", &format!("template_arn = \"{arn}\""));
        let mistakes = [
            Mistake {
                configuration: template("arn:aws:acm-pca:::template/EndEntityCertificate/V1"),
                told: &[
                    "template_arn =",
                    "EndEntityCertificate",
                    "not a CA",
                    "or leave it out",
                ],
            },
            Mistake {
                configuration: template(
                    "arn:aws-us-gov:acm-pca:::template/SubordinateCACertificate_PathLen0/V1",
                ),
                told: &[
                    "template_arn",
                    "another partition",
                    "aws-us-gov",
                    "arn:aws:acm-pca:::template/",
                ],
            },
            Mistake {
                configuration: template("SubordinateCACertificate_PathLen0/V1"),
                told: &["template_arn", "arn:aws:acm-pca:::template/<name>/V1"],
            },
        ];
        all_are_told(&mut world, &mistakes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_cannot_issue_what_is_wanted_is_told_while_planning() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "unfit-cas").await;
        let under = |arn: &str, settings: &str| {
            world
                .issuing_secret("", settings)
                .replace(&world.ca.arn(), arn)
        };
        let subordinate = || world.aws.subordinate(&world.root);
        let disabled = subordinate().path_length(1).create();
        disabled.set_status(Status::Disabled);
        let last = subordinate().path_length(0).create();
        let ending = subordinate().path_length(1).valid_for(days(30)).create();
        let short = subordinate()
            .path_length(1)
            .usage_mode(UsageMode::ShortLivedCertificate)
            .create();
        let purged = subordinate().path_length(1).create();
        purged.purge();
        let other_root = "0".repeat(64);
        let mistakes = [
            Mistake {
                configuration: under(&disabled.arn(), ""),
                told: &[
                    "certificate_authority_arn =",
                    "the CA cannot issue",
                    "update-certificate-authority",
                ],
            },
            Mistake {
                configuration: under(&last.arn(), ""),
                told: &[
                    "certificate_authority_arn =",
                    "path length",
                    "Use a CA that was made with a greater",
                ],
            },
            Mistake {
                configuration: under(&ending.arn(), "validity = \"31d\""),
                told: &[
                    "validity = \"31d\"",
                    "would outlive the CA",
                    "clamp_to_issuer = true",
                ],
            },
            Mistake {
                configuration: under(&short.arn(), "validity = \"8d\""),
                told: &["validity = \"8d\"", "seven days", "general-purpose CA"],
            },
            Mistake {
                configuration: under(
                    &world.ca.arn(),
                    &format!("expected_root_sha256 = \"{other_root}\""),
                ),
                told: &[
                    "expected_root_sha256 =",
                    "leads to another root than expected",
                    "Check the ARN",
                ],
            },
            Mistake {
                configuration: under(&purged.arn(), ""),
                told: &["the CA does not exist", "Check `certificate_authority_arn`"],
            },
        ];
        all_are_told(&mut world, &mistakes).await;
        // Within its limits a CA is of use.
        let short = world
            .issuing_secret("", "validity = \"7d\"")
            .replace(&world.ca.arn(), &short.arn());
        world.configure(&short);
        world.plan(&[]).await.exit_code(2);
    }
}
