//! Pages of the documentation: a stale one fails its test and is rewritten by it.

use std::collections::BTreeSet;
use std::fs;

use super::{none, workspace};
use crate::clients::Clients;
use crate::provider::provider;
use crate::terraform::Fillable;
use crate::terraform::schema::{Schema, renew, schema_section};

/// The configuration that README and the provider's page show first.
const MINIMAL: &str = "examples/terraform/minimal/main.tf";
const OPENS: &str = "```terraform\n";
const CLOSES: &str = "\n```";

#[test]
fn every_page_shows_the_schema_as_it_is() {
    let provider = provider();
    let mut stale = vec![renewed("docs/index.md", &provider.schema)];
    let resources = provider.resources.iter();
    let resources = resources.map(|resource| (resource.name(), *resource.schema()));
    let filled = |table: &[Box<dyn Fillable<Clients>>]| -> Vec<_> {
        let pages = table.iter();
        pages.map(|each| (each.name(), *each.schema())).collect()
    };
    for (directory, pages) in [
        ("docs/resources", resources.collect()),
        ("docs/data-sources", filled(&provider.data_sources)),
        ("docs/ephemeral-resources", filled(&provider.ephemerals)),
    ] {
        let mut wanted = BTreeSet::new();
        for (name, schema) in pages {
            let name = name
                .trim_start_matches(provider.name)
                .trim_start_matches('_');
            let page = format!("{directory}/{name}.md");
            stale.push(renewed(&page, &schema));
            wanted.insert(page);
        }
        nothing_else(directory, &wanted);
    }
    none(
        "These pages were stale and have been rewritten; look at the difference and keep it:",
        stale.into_iter().flatten(),
    );
}

#[track_caller]
fn nothing_else(directory: &str, wanted: &BTreeSet<String>) {
    let there = fs::read_dir(workspace(directory)).expect("pages");
    let there = there.map(|entry| entry.expect("a page").file_name());
    let there = there.map(|name| format!("{directory}/{}", name.to_string_lossy()));
    none(
        "Pages of what is gone:",
        there.filter(|page| !wanted.contains(page)),
    );
}

#[test]
fn the_first_configuration_on_a_page_is_the_example() {
    let example = fs::read_to_string(workspace(MINIMAL)).expect("the minimal example");
    let stale = ["README.md", "docs/index.md"].into_iter().filter(|page| {
        let text = fs::read_to_string(workspace(page)).expect("a page");
        let (before, rest) = text.split_once(OPENS).expect("a configuration");
        let (shown, after) = rest.split_once(CLOSES).expect("the end of a configuration");
        let stale = shown != example.trim_end();
        if stale {
            let renewed = format!("{before}{OPENS}{}{CLOSES}{after}", example.trim_end());
            fs::write(workspace(page), renewed).expect("a page can be written");
        }
        stale
    });
    none(
        "These pages showed another configuration than examples/terraform/minimal and have been rewritten:",
        stale.map(str::to_owned),
    );
}

#[test]
fn links_within_the_repository_lead_somewhere() {
    let pages = [
        "README.md",
        "CHANGELOG.md",
        "docs/index.md",
        "docs/architecture.md",
        "docs/resources/intermediate.md",
        "docs/resources/cacerts_secret.md",
        "docs/data-sources/cacerts.md",
        "docs/data-sources/certificate_authority.md",
        "docs/resources/tse_handover.md",
        "docs/ephemeral-resources/private_key.md",
        "docs/guides/fleets.md",
        "docs/guides/from-apply-to-mtls.md",
        "docs/guides/messages.md",
        "docs/guides/renewal.md",
        "docs/guides/roots.md",
        "examples/terraform/ci/README.md",
        "examples/terraform/eks-blueprints/README.md",
        "examples/terraform/fleet-for-each/README.md",
        "examples/terraform/mesh-check/README.md",
        "examples/terraform/minimal/README.md",
        "examples/terraform/quickstart/README.md",
        "examples/terraform/renewal-pipeline/README.md",
        "examples/terraform/root-rotation/README.md",
        "examples/terraform/terragrunt-fleet/README.md",
        "examples/terraform/tse-handover/README.md",
    ];
    let dead = pages.into_iter().flat_map(|page| {
        let text =
            fs::read_to_string(workspace(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        let directory = workspace(page)
            .parent()
            .expect("a file is in a directory")
            .to_owned();
        let links: Vec<String> = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .map(str::to_owned)
            .collect();
        let local = links
            .into_iter()
            .filter(|link| !link.contains("://") && !link.starts_with('#'));
        let dead = local.filter(move |link| {
            let file = link.split('#').next().unwrap_or_default();
            // Registries serve pages without their ending.
            !directory.join(file).exists() && !directory.join(format!("{file}.md")).exists()
        });
        dead.map(move |link| format!("{page}: {link}"))
            .collect::<Vec<_>>()
    });
    none("Links that lead nowhere:", dead);
}

/// Rewrites a page whose generated part is not what the schema says; returns its name then.
#[track_caller]
fn renewed(page: &str, schema: &Schema) -> Option<String> {
    let path = workspace(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
    let renewed = renew(&text, &schema_section(schema));
    let renewed = renewed.unwrap_or_else(|| panic!("{page} has no place for the schema, or two"));
    renewed.stale.then(|| {
        fs::write(&path, renewed.page).unwrap_or_else(|error| panic!("{page}: {error}"));
        page.to_owned()
    })
}
