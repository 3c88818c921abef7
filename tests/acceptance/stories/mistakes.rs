//! Half configured and misconfigured: each mistake is an error of the plan that names the
//! attribute, says what it means and what to do, and nothing is issued or written.

use istiopca_acceptance::aws::{Status, UsageMode};
use istiopca_acceptance::cli::Cli;

use crate::planned::Planned;
use crate::roots::another_hierarchy;
use crate::world::{World, days};

/// A configuration that is wrong, and what the plan must say of it.
struct Mistake {
    configuration: String,
    told: &'static [&'static str],
}

fn mistake(configuration: String, told: &'static [&'static str]) -> Mistake {
    Mistake {
        configuration,
        told,
    }
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
async fn settings_of_the_certificate_that_cannot_be_are_refused() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "settings").await;
        let inside = |settings: &str| world.issuing_secret("", settings);
        let arn = world.ca.arn();
        let mistakes = [
            mistake(
                inside("").replace(&arn, &format!("{arn} ")),
                &["certificate_authority_arn", "blanks"],
            ),
            mistake(
                inside("validity = \"ninety days\""),
                &["validity = \"ninety days\"", "\"90d\""],
            ),
            mistake(
                inside("validity = \"30d\"\n renew_before = \"30d\""),
                &[
                    "renew_before = \"30d\"",
                    "always be due",
                    "Choose a longer `validity` or renew later",
                ],
            ),
            mistake(
                inside("path_length = 4"),
                &["path_length = 4", "from 0 to 3"],
            ),
            mistake(
                inside("key_algorithm = \"EC_secp521r1\""),
                &["key_algorithm = \"EC_secp521r1\"", "EC_secp384r1"],
            ),
            mistake(
                inside("expected_root_sha256 = \"abc\""),
                &["expected_root_sha256 = \"abc\"", "64"],
            ),
            mistake(
                inside("valditiy = \"30d\""),
                &["Unsupported argument", "valditiy"],
            ),
        ];
        all_are_told(&mut world, &mistakes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_secret_that_cannot_be_are_refused() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "settings").await;
        let beside = |settings: &str| world.issuing_secret(settings, "");
        let mistakes = [
            mistake(
                beside("labels = { team = \"the mesh\" }"),
                &["labels = { team = \"the mesh\" }", "63"],
            ),
            mistake(
                beside("annotations = { \"not a key\" = \"x\" }"),
                &["annotations = {", "not a key"],
            ),
            mistake(
                beside("annotations = { \"istiopca.io/owner\" = \"x\" }"),
                &["annotations = {", "istiopca.io/"],
            ),
            mistake(
                beside("name = \"CaCerts\""),
                &["name = \"CaCerts\"", "lower-case"],
            ),
            mistake(
                beside("additional_root_pems = [\"none\"]"),
                &["additional_root_pems = [\"none\"]", "PEM"],
            ),
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
            "resource \"istiopca_cacerts_secret\" \"mesh\" {{\n namespace = \"{}\"\n}}",
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
        let twice = nothing.replace("\n}", &format!("\n{given}\n{block}\n}}"));
        let mistakes = [
            mistake(both.replace(custody, ""), &["private_key_storage"]),
            mistake(
                nothing,
                &[
                    "certificate",
                    "intermediate",
                    "keeps the key out of the state",
                ],
            ),
            mistake(
                twice,
                &[
                    "certificate",
                    "intermediate",
                    "keeps the key out of the state",
                ],
            ),
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
            mistake(
                template("arn:aws:acm-pca:::template/EndEntityCertificate/V1"),
                &[
                    "template_arn =",
                    "EndEntityCertificate",
                    "not a CA",
                    "or leave it out",
                ],
            ),
            mistake(
                template("arn:aws-us-gov:acm-pca:::template/SubordinateCACertificate_PathLen0/V1"),
                &[
                    "template_arn",
                    "another partition",
                    "aws-us-gov",
                    "arn:aws:acm-pca:::template/",
                ],
            ),
            mistake(
                template("SubordinateCACertificate_PathLen0/V1"),
                &["template_arn", "arn:aws:acm-pca:::template/<name>/V1"],
            ),
        ];
        all_are_told(&mut world, &mistakes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_that_cannot_issue_is_told_while_planning() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "unfit-cas").await;
        let subordinate = || world.aws.subordinate(&world.root);
        let disabled = subordinate().path_length(1).create();
        disabled.set_status(Status::Disabled);
        let last = subordinate().path_length(0).create();
        let purged = subordinate().path_length(1).create();
        purged.purge();
        let under = |arn: &str| world.issuing_secret("", "").replace(&world.ca.arn(), arn);
        let other_root = format!("expected_root_sha256 = \"{}\"", "0".repeat(64));

        let mistakes = [
            mistake(
                under(&disabled.arn()),
                &[
                    "certificate_authority_arn =",
                    "the CA cannot issue",
                    "Enable the CA again",
                ],
            ),
            mistake(
                under(&last.arn()),
                &[
                    "certificate_authority_arn =",
                    "path length",
                    "a greater path length",
                ],
            ),
            mistake(
                under(&purged.arn()),
                &["the CA does not exist", "Check the CA's ARN"],
            ),
            mistake(
                world.issuing_secret("", &other_root),
                &[
                    "expected_root_sha256 =",
                    "leads to another root than expected",
                    "Check the ARN",
                ],
            ),
        ];
        all_are_told(&mut world, &mistakes).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validity_that_the_ca_does_not_allow_is_told_while_planning() {
    for cli in Cli::both() {
        let mut world = World::with_binary(cli, "too-long").await;
        let subordinate = || world.aws.subordinate(&world.root).path_length(1);
        let ending = subordinate().valid_for(days(30)).create().arn();
        let short = subordinate()
            .usage_mode(UsageMode::ShortLivedCertificate)
            .create()
            .arn();
        let under = |arn: &str, validity: &str| {
            world
                .issuing_secret("", &format!("validity = \"{validity}\""))
                .replace(&world.ca.arn(), arn)
        };
        let allowed = under(&short, "7d");
        let mistakes = [
            mistake(
                under(&ending, "31d"),
                &[
                    "validity = \"31d\"",
                    "would outlive the CA",
                    "clamp_to_issuer = true",
                ],
            ),
            mistake(
                under(&short, "8d"),
                &["validity = \"8d\"", "seven days", "general-purpose CA"],
            ),
        ];
        all_are_told(&mut world, &mistakes).await;
        world.configure(&allowed);
        world.plan(&[]).await.exit_code(2);
    }
}

/// While one of the two is not known yet, the other is not held against what it was before.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_judged_once_both_it_and_its_certificate_are_known() {
    for cli in Cli::both() {
        for unknown in ["certificate", "certificate_chain"] {
            let mut world = World::with_binary(cli, "half-known").await;
            let (_, next) = another_hierarchy(&world);
            let (mesh, arn) = (world.intermediate_and_secret("", ""), world.ca.arn());
            let (one, secret) = mesh.split_at(mesh.find("resource \"istiopca_cac").unwrap());
            let other = one.replace("\"mesh\" {", "\"next\" {");
            let beside = format!("{one}\n{}", other.replace(&arn, &next.arn()));
            let said = |of: &str| {
                let said = format!("istiopca_intermediate.{of}.{unknown}");
                format!("resource \"terraform_data\" \"said\" {{ input = {said} }}\n")
            };
            let refer = |of: &str| {
                let own = format!("istiopca_intermediate.mesh.{unknown}\n");
                let secret = secret.replace(&own, "terraform_data.said.output\n");
                secret.replace(".mesh.", &format!(".{of}."))
            };
            world.configure(&format!("{beside}{}{}", said("mesh"), refer("mesh")));
            world.apply(&[]).await.succeeds();

            let whole =
                refer("next").replace("namespace", "allow_root_replacement = true\n  namespace");
            world.configure(&format!("{beside}{}{whole}", said("next")));
            let plan = Planned::make(&mut world, &[]).await;
            plan.in_place("istiopca_cacerts_secret.mesh")
                .opens(&["certificate_sha256", "root_sha256"]);
            Planned::apply(&mut world).await.succeeds();
            world.openssl_accepts_the_live_bundle().await;
            world.plan(&[]).await.exit_code(0);

            // What is known is judged, and here it does not go together.
            let mixed = whole.replace(
                "istiopca_intermediate.next.cert",
                "istiopca_intermediate.mesh.cert",
            );
            world.configure(&format!("{beside}{}{mixed}", said("next")));
            let refused = world.plan(&[]).await;
            refused.exit_code(1).says("the chain is not sound");
        }
    }
}
