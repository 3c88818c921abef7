//! The block `exec {}`: a program that prints a credential.

use std::collections::BTreeMap;

use crate::cluster::connect::form;
use crate::terraform::Diagnostic;
use crate::terraform::schema::{Attribute, Block, Partial, Rule, text, text_map, texts};

pub(super) const EXEC: Block = Block::optional("exec", &ATTRIBUTES)
    .rules(&[Rule::Holds(variables_have_names)])
    .says(
        "A program that prints a credential, as in hashicorp/kubernetes. It is run when a call needs one and \
         again when that has ended, without a terminal, and must end within a minute.",
    );

const ATTRIBUTES: [Attribute; 4] = [
    text("api_version")
        .required()
        .parses::<form::ExecVersion>()
        .says(
            "Form in which the program answers: `client.authentication.k8s.io/v1` or \
             `client.authentication.k8s.io/v1beta1`.",
        ),
    text("command")
        .required()
        .parses::<form::NotBlank>()
        .says("The program: a name to look for in `PATH`, or a path."),
    texts("args").optional().says("Its arguments."),
    text_map("env").optional().sensitive().says(
        "Environment variables for it, beside those of the provider. Their values are hidden wherever \
         the program's complaints are told.",
    ),
];

fn variables_have_names(exec: &Partial<'_>) -> Vec<Diagnostic> {
    let env = exec.read::<Option<BTreeMap<String, String>>>("env");
    let names = env.ok().flatten().unwrap_or_default().into_keys();
    let bad = names.filter(|name| name.is_empty() || name.contains(['=', '\0']));
    let told = bad.map(|name| {
        let detail = format!("Expected the name of an environment variable, got {name:?}.");
        Diagnostic::error("Invalid env", detail).at(exec.path("env").key(name))
    });
    told.collect()
}
