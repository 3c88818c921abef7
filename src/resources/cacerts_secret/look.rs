//! Reading the Secret: whether it is still what was written, and if not, in what it differs.

use super::compose::Files;
use super::drift::drift;
use super::outputs::SecretNotes;
use super::rivals;
use super::settings::Settings;
use super::{CacertsSecret, Outputs, Prior, at, home, instance, trust};
use crate::clients::{Clients, Connected};
use crate::cluster::secret::Observed;
use crate::pki::Live;
use crate::resources::issue;
use crate::resources::words;
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
    let home = home(&settings, &outputs.1);
    let connected = match home.known(call).await {
        Ok(connected) => connected,
        // Before the cluster is known nothing can be said of the Secret, and nothing needs to be.
        Err(error) if error.not_known_yet().is_some() => {
            return Ok(here(outputs, private, Vec::new()));
        }
        Err(error) if home.is_gone(&error) => {
            let warnings = vec![words::cluster_gone(&instance, &error)];
            return Ok(Reading::Gone { warnings });
        }
        Err(error) if home.is_not(&error) => {
            private.elsewhere = Some(format!("another one, of which AWS says that {error}"));
            return Ok(here(outputs, private, Vec::new()));
        }
        Err(error) => {
            let problem = words::connection(&instance, &error);
            return passed_over(call, outputs, private, problem);
        }
    };
    private.elsewhere = home.elsewhere(&connected);
    if private.elsewhere.is_some() {
        return Ok(here(outputs, private, Vec::new()));
    }
    let Connected { cluster, eks } = connected;
    // It may have been written by another way than by EKS.
    outputs.1.cluster_arn = outputs.1.cluster_arn.or(eks);
    let at = at(&settings);
    let observed = match cluster.read(&at).await {
        Ok(observed) => observed,
        Err(error) => {
            let problem = words::trouble(&instance, &error);
            return passed_over(call, outputs, private, problem);
        }
    };
    Ok(match observed {
        Some(observed) => there(&settings, outputs, private, &observed),
        None => gone(&settings, outputs, private),
    })
}

/// What is live, compared with what was written.
fn there(
    settings: &Settings,
    mut outputs: Outputs,
    mut private: SecretNotes,
    observed: &Observed,
) -> Reading<CacertsSecret> {
    let instance = instance(settings);
    let live = Live::read(&Files::of(Some(observed)).of_layout(settings.layout()));
    let (drift, key_lost) = drift(settings, &outputs, observed, &live);
    outputs.1.drift = drift;
    private.key_lost = key_lost && settings.issues().is_some();
    private.other_roots = !trust::are(live.roots(), &outputs.1.trusted_roots);
    let drift = &outputs.1.drift;
    let drifted = (!drift.is_empty()).then(|| words::drifted(&instance, drift, private.key_lost));
    let immutable = observed.immutable.then(|| words::immutable(&instance));
    let rival = rivals::on_ours(&instance, observed, outputs.1.owner_id.as_deref());
    let told = drifted.into_iter().chain(immutable).chain(rival);
    here(outputs, private, told.collect())
}

/// It stays in the state though it is gone. Its history is worth keeping: the roots that workloads
/// trust by it, whatever an istiod has published since; and the certificate, whose place the next one
/// takes.
fn gone(
    settings: &Settings,
    mut outputs: Outputs,
    mut private: SecretNotes,
) -> Reading<CacertsSecret> {
    let never_written = outputs.1.uid.is_none();
    if never_written {
        return here(outputs, private, Vec::new());
    }
    let issues = settings.issues().is_some();
    let told = vec![words::gone(&instance(settings), issues)];
    private.key_lost = issues;
    private.other_roots = true;
    outputs.1.drift = vec!["the Secret is gone".to_owned()];
    here(outputs, private, told)
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
