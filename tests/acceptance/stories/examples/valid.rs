//! Every example is what a core accepts, however little of it can run here.

use std::fs;
use std::path::{Path, PathBuf};

use istiopca_acceptance::cli::{Cli, Provider, Workdir, provider_binary};
use istiopca_acceptance::sandbox::{example, examples};

/// What needs providers or modules of others, and is not validated as a whole for that.
const OF_OTHERS: [&str; 5] = [
    "eks-blueprints",
    "key-custody/secrets-manager",
    "key-custody/vault",
    "terragrunt-fleet/modules/eks",
    "terragrunt-fleet/modules/root-ca",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_configuration_that_needs_no_other_provider_is_valid() {
    let all = configurations(&examples());
    let (of_others, ours): (Vec<_>, Vec<_>) = all.iter().partition(|path| needs_others(path));
    let names: Vec<String> = of_others.into_iter().map(|path| name(path)).collect();
    assert_eq!(names, OF_OTHERS);
    let shown = [
        "minimal",
        "fleet-for-each",
        "key-custody/fresh-key",
        "key-custody/kms",
        "eks-blueprints/modules/mesh-ca",
    ];
    for example in shown.map(example) {
        assert!(ours.contains(&&example), "{}", example.display());
    }
    for cli in Cli::both() {
        for configuration in &ours {
            let provider = Provider::Mirror(provider_binary().to_owned());
            let dir = Workdir::new(cli, provider).unwrap();
            dir.copy(configuration).unwrap();
            dir.init(&[]).await.succeeds();
            let run = dir.validate(&[]).await;
            run.succeeds().says("Success! The configuration is valid.");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_are_formatted_as_either_cli_would() {
    let examples = examples().display().to_string();
    for cli in Cli::both() {
        let dir = Workdir::new(cli, Provider::None).unwrap();
        dir.run(&["fmt", "-check", "-diff", "-recursive", &examples])
            .await
            .succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_units_of_terragrunt_are_formatted_and_valid_as_terragrunt_has_it() {
    let dir = Workdir::new(Cli::Terraform, Provider::None).unwrap();
    dir.copy_tree(&example("terragrunt-fleet")).unwrap();
    dir.terragrunt(&["hcl", "fmt", "--check", "--diff"])
        .await
        .succeeds();
    dir.terragrunt(&["hcl", "validate"]).await.succeeds();
    let found = dir.terragrunt(&["find", "--dag"]).await;
    let units: Vec<_> = found.succeeds().stdout().lines().collect();
    let at = |unit: &str| units.iter().position(|line| *line == unit).expect(unit);
    assert!(at("root-ca") < at("canary/mesh-1/mesh-ca"), "{units:?}");
    assert!(
        at("canary/mesh-1/mesh-ca") < at("fleet/mesh-2/mesh-ca"),
        "{units:?}"
    );
    assert_eq!(units.len(), 7, "{units:?}");
}

#[test]
fn each_example_says_what_it_is() {
    for entry in fs::read_dir(examples()).unwrap() {
        let readme = entry.unwrap().path().join("README.md");
        assert!(readme.is_file(), "{} is missing", readme.display());
    }
}

/// The directories with a configuration, at any depth, in the order of their names.
fn configurations(below: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(below)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let is_terraform = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "tf");
    let here = files.iter().any(is_terraform).then(|| below.to_owned());
    let deeper = directories
        .iter()
        .flat_map(|directory| configurations(directory));
    let mut all: Vec<PathBuf> = here.into_iter().chain(deeper).collect();
    all.sort();
    all
}

fn needs_others(configuration: &Path) -> bool {
    let files = fs::read_dir(configuration)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files = files.filter(|file| file.is_file());
    files.any(|file| fs::read_to_string(file).unwrap().contains("\"hashicorp/"))
}

fn name(configuration: &Path) -> String {
    let name = configuration.strip_prefix(examples()).unwrap();
    name.display().to_string()
}
