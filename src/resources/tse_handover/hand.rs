//! Looking at a plane's object, and changing the one field.

use serde_json::Value;

use super::settings::{Notes, Outputs, Settings};
use super::{Prior, TseHandover, instance};
use crate::clients::{Clients, Connected};
use crate::cluster::{Cluster, Custom, Looked};
use crate::resources::{home, words};
use crate::terraform::{Call, Diagnostic, Done, Reading, Severity, State, Unfinished};

type Ended = Result<Done<TseHandover>, Unfinished<TseHandover>>;

/// Makes the plane leave `cacerts` alone; nothing is written if it does already.
pub(super) async fn over(call: &Call<'_, Clients>, settings: &Settings, known: &Outputs) -> Ended {
    let told = instance(settings);
    let connected = home::connected(call, settings.eks_cluster_arn.as_ref()).await;
    let connected = connected.map_err(|error| words::connection(&told, &error))?;
    if settings.home(known).elsewhere(&connected).is_some() {
        return Err(words::plane_pointed_elsewhere(&told).into());
    }
    let custom = handed(&connected.cluster, settings).await?;
    let Connected { cluster, eks } = connected;
    let outputs = Outputs {
        uid: Some(custom.uid),
        cluster_fingerprint: Some(cluster.fingerprint().to_string()),
        cluster_arn: known.cluster_arn.clone().or(eks),
        drift: Vec::new(),
    };
    Ok(Done::new(outputs, Notes::default()))
}

/// The object, once the field is as it shall be.
async fn handed(cluster: &Cluster, settings: &Settings) -> Result<Custom, Diagnostic> {
    let (told, of) = (instance(settings), settings.object());
    let rights = ["get", "patch"].map(|verb| of.access(verb));
    let denied = cluster.review_access(&rights).await;
    let denied = denied.map_err(|error| words::trouble(&told, &error))?;
    if !denied.is_empty() {
        return Err(words::plane_denied(&told, &denied));
    }
    let plane = settings.plane;
    let is_right = |object: &Value| plane.drift(object).is_none();
    let kept = cluster.keep(&of, is_right, &plane.patch()).await;
    match kept.map_err(|error| words::trouble(&told, &error))? {
        Looked::NotServed => Err(words::no_tse(&told, &of.kind())),
        Looked::Absent => Err(words::no_plane(&told, &of.kind())),
        Looked::There(custom) => match plane.drift(&custom.object) {
            None => Ok(custom),
            Some(drift) => Err(words::plane_insists(&told, &drift)),
        },
    }
}

/// Whether the plane still leaves `cacerts` alone.
pub(super) async fn look(
    call: &Call<'_, Clients>,
    state: Prior,
) -> Result<Reading<TseHandover>, Diagnostic> {
    let State {
        settings,
        mut outputs,
        private: _,
    } = state;
    let told = instance(&settings);
    let home = settings.home(&outputs);
    let connected = match home.known(call).await {
        Ok(connected) => connected,
        // Before the cluster is known nothing can be said of the plane, and nothing needs to be.
        Err(error) if error.not_known_yet().is_some() => return Ok(here(outputs, None, None)),
        Err(error) if home.is_gone(&error) => {
            let warnings = vec![words::plane_gone_with_cluster(&told, &error)];
            return Ok(Reading::Gone { warnings });
        }
        Err(error) if home.is_not(&error) => {
            let elsewhere = format!("another one, of which AWS says that {error}");
            return Ok(here(outputs, Some(elsewhere), None));
        }
        Err(error) => return passed_over(call, outputs, words::connection(&told, &error)),
    };
    if let Some(elsewhere) = home.elsewhere(&connected) {
        return Ok(here(outputs, Some(elsewhere), None));
    }
    let of = settings.object();
    match connected.cluster.custom(&of).await {
        Ok(Looked::There(custom)) => {
            outputs.uid = Some(custom.uid);
            outputs.cluster_arn = outputs.cluster_arn.or(connected.eks);
            outputs.drift = settings.plane.drift(&custom.object).into_iter().collect();
            let drift = outputs.drift.first();
            let warning = drift.map(|drift| words::taken_back(&told, settings.plane, drift));
            Ok(here(outputs, None, warning))
        }
        Ok(Looked::NotServed | Looked::Absent) => {
            let warnings = vec![words::plane_gone(&told, &of.kind())];
            Ok(Reading::Gone { warnings })
        }
        Err(error) => passed_over(call, outputs, words::trouble(&told, &error)),
    }
}

/// What an apply would answer, as a warning: the plane may come into being in the same run. Where the
/// cluster does not tell, nothing is said.
pub(super) async fn foresee(call: &Call<'_, Clients>, settings: &Settings) -> Vec<Diagnostic> {
    let (told, of) = (instance(settings), settings.object());
    let Ok(connected) = home::connected(call, settings.eks_cluster_arn.as_ref()).await else {
        return Vec::new();
    };
    let foreseen = match connected.cluster.custom(&of).await {
        Ok(Looked::NotServed) => words::no_tse(&told, &of.kind()),
        Ok(Looked::Absent) => words::no_plane(&told, &of.kind()),
        Ok(Looked::There(_)) | Err(_) => return Vec::new(),
    };
    vec![foreseen.with_severity(Severity::Warning)]
}

fn passed_over(
    call: &Call<'_, Clients>,
    outputs: Outputs,
    problem: Diagnostic,
) -> Result<Reading<TseHandover>, Diagnostic> {
    if call.clients.keeps_state_when_unreadable() {
        return Ok(here(outputs, None, Some(words::kept(problem))));
    }
    Err(problem)
}

fn here(
    outputs: Outputs,
    elsewhere: Option<String>,
    warning: Option<Diagnostic>,
) -> Reading<TseHandover> {
    Reading::Here(Done {
        outputs,
        private: Notes { elsewhere },
        warnings: Vec::from_iter(warning),
    })
}
