//! The walk: from nothing to the first renewal, each step with its reason.

use super::made::Made;
use super::stage::shown;
use super::{Error, Narrator, Stage};
use crate::process::Run;

/// The certificate of the quick start is renewed in its last third, from day 60 of 90 on.
pub(super) const DAYS: i64 = 65;

const INIT: [&str; 3] = ["init", "-no-color", "-input=false"];
const PLAN: [&str; 4] = ["plan", "-no-color", "-input=false", "-detailed-exitcode"];
const APPLY: [&str; 4] = ["apply", "-no-color", "-input=false", "-auto-approve"];
const DESTROY: [&str; 4] = ["destroy", "-no-color", "-input=false", "-auto-approve"];

/// What `plan -detailed-exitcode` says of a plan that has work.
const WORK: i32 = 2;

/// Lets a mesh get its CA, shows that there is nothing to do then, lets days pass, and renews.
///
/// # Errors
///
/// When a command ends otherwise than it should, or what it has made is not what is promised here.
pub async fn walk(stage: &mut Stage, told: &mut Narrator<'_>) -> Result<(), Error> {
    introduce(stage, told);
    let first = first_apply(stage, told).await?;
    nothing_to_do(stage, told).await?;
    days_pass(stage, told).await?;
    renew(stage, told, &first).await?;
    nothing_to_do(stage, told).await
}

fn introduce(stage: &Stage, told: &mut Narrator<'_>) {
    told.chapter("Two emulators on this machine, instead of AWS and a cluster");
    told.fact(
        "AWS Private CA",
        &format!("{}, with a root and below it", stage.aws.endpoint()),
    );
    told.fact("", &stage.issuer.arn());
    told.fact(
        "Kubernetes API",
        &format!("{}, with nothing in it", stage.cluster.url()),
    );
    told.fact("working directory", &shown(&stage.dir.path()));
    told.fact("", "a copy of examples/terraform/quickstart");
}

async fn first_apply(stage: &mut Stage, told: &mut Narrator<'_>) -> Result<Made, Error> {
    told.chapter("A mesh gets its CA");
    told.say(
        "The apply makes a key, has AWS Private CA sign an intermediate certificate for it, and",
    );
    told.say(
        "writes both into the Secret from which istiod takes its CA. The key is nowhere else.",
    );
    stage.run(told, &INIT, 0).await?;
    stage.run(told, &APPLY, 0).await?;
    let made = Made::look(told, stage).await?;
    made.tell_certificate(told);
    made.tell_secret(told);
    Ok(made)
}

async fn nothing_to_do(stage: &mut Stage, told: &mut Narrator<'_>) -> Result<(), Error> {
    told.chapter("Nothing more to do");
    told.say(
        "This plan would exit with 2 if there were: run every night, it is the renewal scheduler.",
    );
    let run = stage.run(told, &PLAN, 0).await?;
    says(&run, "No changes.")
}

async fn days_pass(stage: &mut Stage, told: &mut Narrator<'_>) -> Result<(), Error> {
    told.chapter(&format!("{DAYS} days pass"));
    stage.let_days_pass(DAYS);
    let now = stage.now();
    told.say(&format!(
        "In the sandbox it is {now} now. The binary would look at the clock on the"
    ));
    told.say(
        "wall, so from here on the provider is served from its library under the sandbox's clock.",
    );
    told.say("A plan finds the certificate due. It would change one Secret, in place.");
    let save = [&PLAN[..], &["-out=renewal"]].concat();
    let run = stage.run(told, &save, WORK).await?;
    says(&run, "renewal is due")?;
    says(&run, "Plan: 0 to add, 1 to change, 0 to destroy.")
}

async fn renew(stage: &mut Stage, told: &mut Narrator<'_>, before: &Made) -> Result<(), Error> {
    told.chapter("The certificate is renewed");
    told.say("A new key and a new certificate take the place of the old ones, at once and in one");
    told.say("write. The old certificate is good for weeks yet, so no handshake breaks.");
    let saved = [&APPLY[..], &["renewal"]].concat();
    let run = stage.run(told, &saved, 0).await?;
    says(&run, "0 added, 1 changed, 0 destroyed")?;
    let after = Made::look(told, stage).await?;
    after.tell_certificate(told);
    after.tell_secret(told);
    told.fact("", "the same Secret as before, changed in place");
    renewed(before, &after)
}

/// What the words of the walk claim.
fn renewed(before: &Made, after: &Made) -> Result<(), Error> {
    let claims = [
        (
            before.secret.uid == after.secret.uid,
            "the Secret should be the same as before",
        ),
        (
            before.outputs.serial_number() != after.outputs.serial_number(),
            "the certificate should be another one",
        ),
        (
            after.issued == before.issued + 1,
            "AWS should have issued one more certificate",
        ),
    ];
    let broken = claims.iter().find(|(holds, _)| !holds);
    broken.map_or(Ok(()), |(_, claim)| {
        Err(Error::Unexpected((*claim).to_owned()))
    })
}

/// Takes away what the walk has made, and shows that the Secret outlives it.
///
/// # Errors
///
/// When the core cannot, or the Secret is gone.
pub async fn destroy(stage: &mut Stage, told: &mut Narrator<'_>) -> Result<(), Error> {
    told.chapter("Away with it");
    told.say(
        "The Secret outlives the resource unless `on_destroy` says otherwise: without it the next",
    );
    told.say("restart of istiod would make a new self-signed root.");
    stage.run(told, &DESTROY, 0).await?;
    let left = stage.cluster.secrets();
    let Some(secret) = left.first() else {
        let gone = "the Secret should have outlived the resource";
        return Err(Error::Unexpected(gone.to_owned()));
    };
    told.blank();
    told.say(&format!(
        "{}/{} is still in the cluster.",
        secret.namespace, secret.name
    ));
    Ok(())
}

fn says(run: &Run, wanted: &'static str) -> Result<(), Error> {
    if run.has_said(wanted) {
        return Ok(());
    }
    Err(Error::Untold {
        command: run.command().to_owned(),
        wanted,
    })
}
