//! The documentation: what it shows is what a core accepts.

use std::fs;
use std::path::{Path, PathBuf};

use istiopca_acceptance::cli::{Cli, Provider, REQUIRED_PROVIDERS, Workdir, provider_binary};

#[tokio::test(flavor = "multi_thread")]
async fn every_configuration_in_the_documentation_is_valid() {
    let shown = pages().into_iter().flat_map(|page| {
        let text = fs::read_to_string(&page).unwrap();
        let found: Vec<String> = configurations(&text).map(str::to_owned).collect();
        assert!(
            !found.is_empty(),
            "{} shows no configuration",
            page.display()
        );
        found
    });
    for (at, configuration) in shown.enumerate() {
        let cli = Cli::both()[at % 2];
        let dir = workdir(cli);
        dir.write("main.tf", &configuration);
        if !configuration.contains("required_providers") {
            dir.write("versions.tf", REQUIRED_PROVIDERS);
        }
        dir.validate(&[]).await.succeeds();
    }
}

fn workdir(cli: Cli) -> Workdir {
    Workdir::new(cli, Provider::DevOverride(provider_binary().to_owned())).unwrap()
}

/// The README and the pages of the registry, guides among them; the page of messages has no
/// configuration to show.
fn pages() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![workspace.join("README.md"), workspace.join("docs/index.md")];
    for directory in [
        "docs/resources",
        "docs/data-sources",
        "docs/ephemeral-resources",
        "docs/guides",
    ] {
        let found = fs::read_dir(workspace.join(directory)).unwrap();
        pages.extend(found.map(|entry| entry.unwrap().path()));
    }
    pages.retain(|page| !page.ends_with("guides/messages.md"));
    pages
}

/// What stands between the fences; a fragment has another name behind its fence.
fn configurations(page: &str) -> impl Iterator<Item = &str> {
    let blocks = page.split("```terraform\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next())
}
