//! Reading the Secret: whether it is still what was written, and if not, in what it differs.

use super::compose::{self, Files};
use super::outputs::SecretNotes;
use super::settings::Settings;
use super::{CacertsSecret, Outputs, Prior, at, instance, trust};
use crate::clients::Clients;
use crate::cluster::secret::{Difference, Expected, How, LastSeen, Observed, difference};
use crate::pki::{Certificate, Fingerprint, Live};
use crate::resources::issue;
use crate::resources::words::{self, Instance};
use crate::terraform::value::Both;
use crate::terraform::{Call, Diagnostic, Done, Reading, State};

/// Looks at the certificate, at the CA that issued it, and at the Secret.
pub(super) async fn look(
    call: &Call<'_, Clients>,
    mut state: Prior,
) -> Result<Reading<CacertsSecret>, Diagnostic> {
    let told = look_at_certificate(call, &mut state).await;
    let mut reading = look_at_secret(call, state).await?;
    if let Reading::Here(done) = &mut reading {
        done.warnings.extend(told);
    }
    Ok(reading)
}

async fn look_at_certificate(call: &Call<'_, Clients>, state: &mut Prior) -> Option<Diagnostic> {
    let instance = instance(&state.settings);
    let Both(issued, written) = &state.outputs;
    let notes = &mut state.private.certificate;
    notes.look_at_the_clock(issued, call.now);
    let wanted = state.settings.issues()?;
    let chain = written.issued_certificate_chain.as_deref();
    issue::look_at_issuer(call, &instance, wanted, issued, chain, notes).await
}

/// What differs from what was written goes into `drift`, and all else stays as it was.
async fn look_at_secret(
    call: &Call<'_, Clients>,
    state: Prior,
) -> Result<Reading<CacertsSecret>, Diagnostic> {
    let State {
        settings,
        mut outputs,
        mut private,
    } = state;
    let instance = instance(&settings);
    let cluster = match call.clients.cluster() {
        Ok(cluster) => cluster,
        // Before the cluster is known nothing can be said of the Secret, and nothing needs to be.
        Err(error) if error.is_not_known_yet() => return Ok(here(outputs, private, Vec::new())),
        Err(error) => {
            let problem = words::connection(&instance, &error);
            return passed_over(call, outputs, private, problem);
        }
    };
    let fingerprint = cluster.fingerprint().to_string();
    let known = outputs.1.cluster_fingerprint.clone();
    private.elsewhere = Some(fingerprint).filter(|now| known.is_some_and(|known| known != *now));
    if private.elsewhere.is_some() {
        return Ok(here(outputs, private, Vec::new()));
    }
    let observed = match cluster.read(&at(&settings)).await {
        Ok(observed) => observed,
        Err(error) => {
            let problem = words::trouble(&instance, &error);
            return passed_over(call, outputs, private, problem);
        }
    };
    let Some(observed) = observed else {
        return Ok(gone(&settings, outputs, private, &instance));
    };
    let (drift, key_lost) = drift(&settings, &outputs, &observed);
    outputs.1.drift = drift;
    private.key_lost = key_lost && settings.issues().is_some();
    private.other_roots = !trust::are(&live_roots(&settings, &observed), &outputs.1.trusted_roots);
    let drift = &outputs.1.drift;
    let warning = (!drift.is_empty()).then(|| words::drifted(&instance, drift, private.key_lost));
    Ok(here(outputs, private, warning.into_iter().collect()))
}

/// It stays in the state though it is gone. Its history is worth keeping: the roots that workloads
/// trust by it, whatever an istiod has published since; and the certificate, whose place the next one
/// takes.
fn gone(
    settings: &Settings,
    mut outputs: Outputs,
    mut private: SecretNotes,
    instance: &Instance,
) -> Reading<CacertsSecret> {
    let never_written = outputs.1.uid.is_none();
    if never_written {
        return here(outputs, private, Vec::new());
    }
    let issues = settings.issues().is_some();
    let warnings = vec![words::gone(instance, issues)];
    private.key_lost = issues;
    private.other_roots = true;
    outputs.1.drift = vec!["the Secret is gone".to_owned()];
    here(outputs, private, warnings)
}

fn passed_over(
    call: &Call<'_, Clients>,
    outputs: Outputs,
    private: SecretNotes,
    problem: Diagnostic,
) -> Result<Reading<CacertsSecret>, Diagnostic> {
    if call.clients.keeps_state_when_unreadable() {
        return Ok(here(outputs, private, vec![words::kept(problem)]));
    }
    Err(problem)
}

fn here(
    outputs: Outputs,
    private: SecretNotes,
    warnings: Vec<Diagnostic>,
) -> Reading<CacertsSecret> {
    Reading::Here(Done {
        outputs,
        private,
        warnings,
    })
}

/// In words what differs, and whether the key is gone or another one. The same for the same
/// Secret: it is compared from day to day.
fn drift(settings: &Settings, outputs: &Outputs, observed: &Observed) -> (Vec<String>, bool) {
    let Both(issued, written) = outputs;
    if written.uid.is_none() {
        return (Vec::new(), false);
    }
    let mut drift = Vec::new();
    if written.uid.as_ref() != Some(&observed.uid) {
        drift.push(format!(
            "the Secret was made anew, its UID is {}",
            observed.uid
        ));
    }
    if observed.deleting.is_some() {
        drift.push("the Secret is being deleted".to_owned());
    }
    let key_file = settings.layout().key_file();
    let files = Files::of(Some(observed)).of_layout(settings.layout());
    let live = Live::read(&files);
    let key = live.public_key().map(|key| key.sha256());
    let key_lost = key != issued.public_key_sha256;
    if key_lost {
        drift.push(about_key(key_file, key));
    }
    let differences = difference(&expected(settings, outputs), observed);
    drift.extend(differences.iter().map(described));
    let desired = compose::outline(observed.at.clone(), settings, outputs);
    let poison = observed
        .data
        .keys()
        .filter(|key| desired.never_beside.contains(*key));
    drift.extend(
        poison.map(|key| format!("{key} is there, and with it istiod reads another layout")),
    );
    (drift, key_lost)
}

fn live_roots(settings: &Settings, observed: &Observed) -> Vec<Certificate> {
    let files = Files::of(Some(observed)).of_layout(settings.layout());
    Live::read(&files).roots().to_vec()
}

fn expected(settings: &Settings, outputs: &Outputs) -> Expected {
    let written = &outputs.1;
    let key_file = settings.layout().key_file();
    let files = written
        .files_sha256
        .iter()
        .filter(|(name, _)| *name != key_file);
    let data =
        files.filter_map(|(name, sha256)| Some((name.clone(), sha256.to_string().parse().ok()?)));
    let mut desired = compose::outline(at(settings), settings, outputs);
    desired.facts = compose::facts(settings, outputs);
    Expected {
        data: data.collect(),
        labels: written.labels_all.clone(),
        annotations: desired.all_annotations(),
    }
}

fn about_key(file: &str, live: Option<Fingerprint>) -> String {
    match live {
        Some(live) => format!("{file} is another key (public key SHA-256 {live})"),
        None => format!("{file} holds no usable private key"),
    }
}

fn described(difference: &Difference) -> String {
    let Difference { field, how, by } = difference;
    let how = match how {
        How::Missing => "is missing",
        How::Changed => "was changed",
    };
    let by: Vec<String> = by.iter().map(seen).collect();
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(" (by {})", by.join(", "))
    };
    format!("{} {how}{by}", field.clone().into_name())
}

fn seen(by: &LastSeen) -> String {
    let manager = &by.manager;
    by.time.map_or_else(
        || manager.clone(),
        |time| format!("{manager}, last seen {time}"),
    )
}
