//! The quick start: `cargo sandbox`, and the examples that it is made of.

use std::path::Path;
use std::time::Duration;

use istiopca_acceptance::cli::{Cli, provider_binary};
use istiopca_acceptance::parts::{KUBECTL, terraform};
use istiopca_acceptance::process::{Run, Running, guarded, run};
use istiopca_acceptance::sandbox::{Core, Kept, Narrator, Stage, destroy, walk};

const SANDBOX: &str = env!("CARGO_BIN_EXE_sandbox");
const SOON: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_walks_from_nothing_to_the_first_renewal() {
    for cli in Cli::both() {
        let mut stage = stage(cli).await;
        let mut lines = Vec::new();
        let mut tell = |line: &str| lines.push(line.to_owned());
        let told = &mut Narrator::new(&mut tell);
        walk(&mut stage, told).await.unwrap();
        destroy(&mut stage, told).await.unwrap();
        let text = lines.join("\n");
        for wanted in [
            format!("   $ {cli} init").as_str(),
            "Apply complete! Resources: 1 added, 0 changed, 0 destroyed.",
            "     subject           CN=istio-intermediate.quickstart,OU=Platform,O=Example, until 2",
            "     signed by         CN=Sandbox Mesh CA,O=Example Corp, until 2",
            "     root              CN=Sandbox Root CA,O=Example Corp, until 2",
            "     issued because    created",
            "     ever issued       1 by AWS Private CA",
            "Warning: Secret istio-system/cacerts: renewal is due",
            "issue_reason                = \"created\" -> \"renewal\"",
            "Plan: 0 to add, 1 to change, 0 to destroy.",
            "Apply complete! Resources: 0 added, 1 changed, 0 destroyed.",
            "     issued because    renewal",
            "     ever issued       2 by AWS Private CA",
            "Destroy complete! Resources: 1 destroyed.",
            "   istio-system/cacerts is still in the cluster.",
        ] {
            assert!(text.contains(wanted), "{wanted:?} is missing:\n{text}");
        }
        assert_eq!(text.matches("No changes.").count(), 2, "{text}");
        for file in [
            "ca-cert.pem",
            "ca-key.pem",
            "cert-chain.pem",
            "root-cert.pem",
        ] {
            let size = |line: &&String| line.contains(file) && line.ends_with(" bytes");
            assert_eq!(lines.iter().filter(size).count(), 2, "{file}:\n{text}");
        }
        let canary = stage.dir().canary();
        canary.left_elsewhere("what was told", text.as_bytes());
        let verdict = canary.verdict();
        assert!(verdict.is_clean(), "{verdict}");
        assert_eq!(
            verdict.keys, 2,
            "that of the first day, and the renewed one"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_sandbox_is_used_from_another_terminal_while_days_pass() {
    let mut stage = stage(Cli::Terraform).await;
    let mut nobody = |_: &str| ();
    let told = &mut Narrator::new(&mut nobody);
    walk(&mut stage, told).await.unwrap();
    let mut kept = Kept::open(stage).await.unwrap();
    let plan = "terraform plan -no-color -input=false -detailed-exitcode";
    terminal(&kept, plan).await.exit_code(0).says("No changes.");

    let kubectl = KUBECTL.path().unwrap();
    let delete = format!(
        "{} -n istio-system delete secret cacerts",
        kubectl.display()
    );
    terminal(&kept, &delete).await.succeeds();
    terminal(&kept, plan).await.exit_code(2);
    let apply = "terraform apply -no-color -input=false -auto-approve";
    terminal(&kept, apply).await.succeeds();
    terminal(&kept, plan).await.exit_code(0);

    kept.let_days_pass(told).await.unwrap();
    terminal(&kept, plan)
        .await
        .exit_code(2)
        .says("renewal is due");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_sandbox_leaves_nothing() {
    let mut command = guarded(Path::new(SANDBOX), None);
    command.env("ISTIOPCA_PROVIDER", provider_binary());
    let sandbox = Running::start(command, "sandbox").unwrap();
    sandbox.until_it_says("$ terraform apply", SOON).await;
    sandbox.interrupt();
    let run = sandbox.wait(SOON).await;
    run.exit_code(130)
        .says("interrupted Everything is stopped and removed.");
    let told = |line: &str| Some(line.strip_prefix("     working directory ")?.to_owned());
    let directory = run.stdout().lines().find_map(told).expect("it is told");
    let place = Path::new(&directory)
        .parent()
        .expect("it has a place around it");
    assert!(!place.exists(), "{} is left", place.display());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_says_what_it_does_and_what_it_does_not_know() {
    let sandbox = async |argument: &'static str| {
        let mut command = guarded(Path::new(SANDBOX), None);
        command.arg(argument);
        run(command, argument, SOON).await
    };
    sandbox("--help")
        .await
        .succeeds()
        .says("cargo sandbox [--keep]");
    sandbox("--kepe")
        .await
        .exit_code(2)
        .says("\"--kepe\" is unknown here")
        .says("cargo sandbox [--keep]");
}

async fn stage(cli: Cli) -> Stage {
    let core = Core::at(cli, cli.program().unwrap()).await.unwrap();
    Stage::set(&core, provider_binary().to_owned(), SANDBOX.into())
        .await
        .unwrap()
}

/// A command as typed into a shell that has read the environment first.
async fn terminal(kept: &Kept, line: &str) -> Run {
    let mut command = guarded(Path::new("sh"), None);
    let environment = kept.environment().display();
    let terraform = terraform().unwrap();
    let beside = terraform.parent().unwrap().display();
    // Something that a user may have set, and that would lead astray.
    command.env("AWS_SESSION_TOKEN", "of somebody else");
    command.args([
        "-c",
        &format!(". '{environment}' && PATH=\"{beside}:$PATH\" && {line}"),
    ]);
    kept.dir().run_beside(command, line, SOON).await
}
