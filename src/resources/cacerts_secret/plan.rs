//! What becomes of the Secret's outputs: pure.

use super::settings::{Existing, RestartIstiod, Settings, given};
use super::{Prior, compose, home, instance, takeup};
use crate::pki::Certificate;
use crate::provider::{Policy, Renewals};
use crate::resources::home::Move;
use crate::resources::issue::{self, CERTIFICATE_OUTPUTS, Issuance, Issued, Reason, Standing};
use crate::resources::words;
use crate::terraform::value::Written as _;
use crate::terraform::{Ask, Dynamic, Verdict};

const ISSUED: &[&str] = &[
    "issued_certificate",
    "issued_certificate_chain",
    "files_sha256",
    "trusted_roots",
];

/// What follows from the bundle, whoever issues the certificate.
const COMPOSED: &[&str] = &["files_sha256", "trusted_roots"];

pub(super) fn create(ask: &Ask<'_, Policy>, settings: &Settings) -> Verdict {
    let mut verdict = Verdict::keep();
    if let Some(defaults) = &ask.policy.default_labels {
        verdict.becomes(
            "labels_all",
            texts(&compose::labels(defaults, &settings.labels)),
        );
    }
    if let Some(arn) = &settings.eks_cluster_arn {
        verdict.becomes("cluster_arn", arn.to_string());
    }
    verdict.becomes("drift", Dynamic::List(Vec::new()));
    if settings.restart_istiod == RestartIstiod::Never {
        verdict.becomes("restart_reason", Dynamic::Null);
    }
    if settings.issues().is_some() {
        // What is there may do, and then nothing is issued.
        if settings.on_existing != Existing::Adopt {
            verdict.becomes("issue_reason", "created");
        }
    } else {
        take_over(&mut verdict, &Issued::default(), settings);
    }
    verdict
}

pub(super) fn update(ask: &Ask<'_, Policy>, prior: &Prior, settings: &Settings) -> Verdict {
    if let Some(moved) = moved(prior, settings) {
        return moved;
    }
    let mut verdict = Verdict::keep();
    match (settings.issues(), prior.settings.issues()) {
        (Some(wanted), Some(was)) => {
            issue_when_due(ask, &mut verdict, prior, was, wanted, settings)
        }
        (Some(_), None) => issue_now(&mut verdict, "intermediate"),
        (None, Some(_)) => {
            verdict.unknown(CERTIFICATE_OUTPUTS);
            verdict.unknown(ISSUED);
            verdict.unknown(&["issue_reason"]);
        }
        (None, None) => take_over(&mut verdict, &prior.outputs.0, settings),
    }
    if composed_otherwise(&prior.settings, settings) {
        verdict.unknown(&["files_sha256"]);
    }
    if prior.settings.format != settings.format {
        // The type of a Secret that was taken over may demand files that go: then it is made anew.
        verdict.unknown(&["uid"]);
    }
    if prior.settings.additional_root_pems != settings.additional_root_pems {
        verdict.unknown(COMPOSED);
    }
    match &ask.policy.default_labels {
        Some(defaults) => {
            let labels = compose::labels(defaults, &settings.labels);
            if labels != prior.outputs.1.labels_all {
                verdict.becomes("labels_all", texts(&labels));
            }
        }
        None => verdict.unknown(&["labels_all"]),
    }
    let drifted = !prior.outputs.1.drift.is_empty();
    if drifted {
        verdict.becomes("drift", Dynamic::List(Vec::new()));
    }
    if prior.private.other_roots {
        verdict.unknown(COMPOSED);
    }
    // The run that ordered the certificate may have ended before there was a Secret.
    if drifted || prior.outputs.1.uid.is_none() {
        verdict.unknown(&["uid"]);
    }
    let roots = roots_may_change(&verdict, prior, settings);
    takeup::plan(&mut verdict, prior, settings, roots);
    verdict
}

/// Whether something could change for istiod beside the certificate under the same roots: a renewal alone does not.
fn roots_may_change(verdict: &Verdict, prior: &Prior, settings: &Settings) -> bool {
    let authority = |settings: &Settings| {
        let issued = settings.issues();
        issued.map(|it| it.certificate_authority_arn.clone())
    };
    let was = &prior.settings;
    let given = given(settings).and_then(Result::ok);
    let given = given.map(|chain| chain.root().sha256());
    verdict.opens("uid")
        || prior.private.other_roots
        || prior.private.unverified.is_some()
        || authority(settings) != authority(was)
        || given.is_some() && given != prior.outputs.0.root_sha256
        || settings.format != was.format
        || settings.additional_root_pems != was.additional_root_pems
}

/// The Secret is made in another cluster than it is in, where one is meant.
fn moved(prior: &Prior, settings: &Settings) -> Option<Verdict> {
    let mut verdict = Verdict::keep();
    let home = home(&prior.settings, &prior.outputs.1);
    let wanted = settings.eks_cluster_arn.as_ref();
    match home.moves(wanted, prior.private.elsewhere.as_ref())? {
        Move::Led { from, to } => {
            verdict.replace("cluster_fingerprint");
            verdict.tell(words::elsewhere(&instance(settings), &from, &to));
        }
        Move::Named => verdict.replace("eks_cluster_arn"),
    }
    Some(verdict)
}

fn issue_when_due(
    ask: &Ask<'_, Policy>,
    verdict: &mut Verdict,
    prior: &Prior,
    was: &Issuance,
    wanted: &Issuance,
    settings: &Settings,
) {
    let standing = standing(prior, was);
    let instance = instance(settings);
    issue::moves(verdict, &standing, wanted);
    match Reason::find(&standing, wanted, ask.now) {
        Some(Reason::Renewal) if ask.policy.renewals == Renewals::Warn => {
            let issued = &prior.outputs.0;
            verdict.tell(words::renewal(&instance, issued, false, ask.now));
        }
        Some(reason) => {
            issue_now(verdict, reason.word());
            if reason == Reason::Renewal {
                let issued = &prior.outputs.0;
                verdict.tell(words::renewal(&instance, issued, true, ask.now));
            }
        }
        None => issue::stands(verdict, &instance, &standing, wanted, ask.now),
    }
}

fn issue_now(verdict: &mut Verdict, reason: &str) {
    verdict.unknown(CERTIFICATE_OUTPUTS);
    verdict.unknown(ISSUED);
    verdict.becomes("issue_reason", reason);
}

/// The facts of a certificate that comes from elsewhere are known as soon as it is. One that does not go with its chain
/// is told of by the preflight: here one of the two may be the last one, given in place of what is not known yet.
fn take_over(verdict: &mut Verdict, prior: &Issued, settings: &Settings) {
    let Some(Ok(chain)) = given(settings) else {
        return;
    };
    let facts = Issued::facts(&chain);
    if facts == *prior {
        return;
    }
    let written = |issued: &Issued| issued.write().unwrap_or(Dynamic::Null);
    let (wanted, prior) = (written(&facts), written(prior));
    for output in issue::OUTPUTS.iter().map(|output| output.name) {
        let value = wanted.attribute(output);
        if value != prior.attribute(output) || prior.attribute(output).is_null() {
            verdict.becomes(output, value.clone());
        }
    }
    verdict.unknown(COMPOSED);
}

fn composed_otherwise(prior: &Settings, settings: &Settings) -> bool {
    let form = |settings: &Settings| (settings.format, settings.include_root_in_chain);
    form(prior) != form(settings)
}

pub(super) fn standing<'a>(prior: &'a Prior, was: &'a Issuance) -> Standing<'a> {
    let certificate = prior.outputs.1.issued_certificate.as_deref();
    Standing {
        settings: was,
        issued: &prior.outputs.0,
        certificate: certificate.and_then(|pem| Certificate::from_pem(pem).ok()),
        notes: &prior.private.certificate,
        key_lost: prior.private.key_lost,
        other_key: None,
    }
}

fn texts(entries: &std::collections::BTreeMap<String, String>) -> Dynamic {
    Dynamic::Map(
        entries
            .iter()
            .map(|(key, text)| (key.clone(), text.as_str().into()))
            .collect(),
    )
}
