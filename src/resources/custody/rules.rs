//! What must hold between the settings by which a key is sealed and opened.

use std::collections::BTreeMap;

use crate::kms::check_context;
use crate::pki::SealedKey;
use crate::resources::words::{self, Instance};
use crate::terraform::Diagnostic;
use crate::terraform::schema::{Partial, Presence, Rule};

const CONTEXT: &str = "kms_encryption_context";
const SETTINGS: [&str; 2] = ["kms_key_id", CONTEXT];

/// A supplied key and the number that stands for it.
pub(in crate::resources) const SUPPLIED_WITH_ITS_NUMBER: Rule = Rule::Together {
    all: &["private_key_pem_wo", "private_key_pem_wo_version"],
    why: "The key itself is stored nowhere, so only the number shows that it is another one.",
};

/// Whether the context is one that KMS can be given.
pub(in crate::resources) fn context(settings: &Partial<'_>) -> Vec<Diagnostic> {
    let context = settings.read::<Option<BTreeMap<String, String>>>(CONTEXT);
    let context = context.ok().flatten();
    let refused = context.and_then(|it| check_context(&it).err());
    let problem = refused.map(|problem| {
        let why = format!("It cannot be an encryption context: {problem}.");
        Diagnostic::error(format!("Invalid {CONTEXT}"), why).at(settings.path(CONTEXT))
    });
    problem.into_iter().collect()
}

/// What is said of the opening of a sealed key is said for nothing where there is none.
pub(in crate::resources) fn something_to_open(settings: &Partial<'_>) -> Vec<Diagnostic> {
    if settings.presence("private_key_sealed") != Presence::Absent {
        return Vec::new();
    }
    idle(
        settings,
        "says how a sealed private key is opened, and there is none. Set `private_key_sealed`, or leave it out.",
    )
}

/// The same of the sealing.
pub(in crate::resources) fn something_to_seal(
    settings: &Partial<'_>,
    seals: bool,
) -> Vec<Diagnostic> {
    if seals {
        return Vec::new();
    }
    idle(
        settings,
        "says how KMS seals a private key, and none is sealed here. Set `private_key_storage = \"kms\"`, or leave it \
         out.",
    )
}

fn idle(settings: &Partial<'_>, why: &str) -> Vec<Diagnostic> {
    let written = SETTINGS.into_iter();
    let written = written.filter(|name| settings.presence(name) == Presence::Present);
    let told = written.map(|name| {
        let problem = Diagnostic::error("Setting without effect", format!("`{name}` {why}"));
        problem.at(settings.path(name))
    });
    told.collect()
}

/// Why a key that was sealed under its context cannot be meant where another one is wanted.
pub(in crate::resources) fn bound_otherwise(
    instance: &Instance,
    sealed: &SealedKey,
    wanted: Option<&BTreeMap<String, String>>,
) -> Option<Diagnostic> {
    let (found, wanted) = (sealed.context().user, wanted?);
    let other = found != *wanted;
    other.then(|| words::another_context(instance, &format!("{found:?}"), &format!("{wanted:?}")))
}
