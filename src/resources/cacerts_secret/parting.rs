//! Letting go of the Secret, and then of the certificate that was in it.

use super::settings::OnDestroy;
use super::{Prior, at, home, instance};
use crate::clients::Clients;
use crate::cluster::Parted;
use crate::resources::issue;
use crate::resources::words::{self, Instance};
use crate::terraform::{Call, Diagnostic, Ending};

/// What a plan says before the Secret goes.
pub(super) fn announce(prior: &Prior) -> Vec<Diagnostic> {
    let instance = instance(&prior.settings);
    if prior.settings.on_destroy == OnDestroy::Retain {
        return vec![words::retained(&instance)];
    }
    let revoked = prior.settings.issues();
    let revoked = revoked.and_then(|it| issue::to_revoke(it, &prior.outputs.0, Ending::Destroyed));
    let revoked = revoked.map(|serial| words::will_be_revoked(&instance, serial));
    let gone = words::will_be_gone(&instance);
    [gone].into_iter().chain(revoked).collect()
}

/// Deletes or releases the Secret, and revokes its certificate where the user wants that. What fails after the Secret
/// is gone is an error all the same: with it the host keeps the state, and the next destroy goes on from there.
pub(super) async fn part(
    call: &Call<'_, Clients>,
    state: &Prior,
    ending: Ending,
) -> Result<Vec<Diagnostic>, Diagnostic> {
    let instance = instance(&state.settings);
    let Parting { gone, told } = leave(call, state, &instance, ending).await?;
    let issuance = state.settings.issues();
    let revoked =
        issuance.and_then(|it| Some((it, issue::to_revoke(it, &state.outputs.0, ending)?)));
    let mut told = Vec::from_iter(told);
    match revoked {
        None => {}
        Some((issuance, serial)) if gone => {
            let refused = words::not_revoked_once_gone;
            issue::revoke(call, &instance, issuance, serial, refused).await?;
        }
        Some((_, serial)) => told.push(words::not_revoked_in_use(&instance, serial)),
    }
    Ok(told)
}

/// How the Secret was left.
struct Parting {
    /// Whether it is gone for sure, so that no istiod can load its CA any more.
    gone: bool,
    told: Option<Diagnostic>,
}

impl Parting {
    fn gone(told: Option<Diagnostic>) -> Self {
        Self { gone: true, told }
    }

    fn there(told: Option<Diagnostic>) -> Self {
        Self { gone: false, told }
    }
}

async fn leave(
    call: &Call<'_, Clients>,
    state: &Prior,
    instance: &Instance,
    ending: Ending,
) -> Result<Parting, Diagnostic> {
    let written = &state.outputs.1;
    let home = home(&state.settings, written);
    let cluster = match home.former(call).await {
        Ok(Some(connected)) => connected.cluster,
        Ok(None) => return Ok(Parting::there(Some(words::forgotten_elsewhere(instance)))),
        Err(error) if home.is_gone(&error) => {
            return Ok(Parting::gone(Some(words::cluster_gone(instance, &error))));
        }
        Err(error) => return Err(words::connection(instance, &error)),
    };
    let Some(owner) = &written.owner_id else {
        return Ok(Parting::there(None));
    };
    let delete = ending == Ending::Destroyed && state.settings.on_destroy == OnDestroy::Delete;
    let now = tokio::time::Instant::now();
    let within = call.deadline.saturating_duration_since(now);
    let at = at(&state.settings);
    match cluster.part(&at, owner, delete, within).await {
        Ok(Parted::Deleted | Parted::Absent) => Ok(Parting::gone(None)),
        Ok(Parted::Left { owner }) if ending == Ending::Destroyed => {
            let told = words::left_alone(instance, owner.as_deref());
            Ok(Parting::there(Some(told)))
        }
        Ok(Parted::Left { .. } | Parted::Released) => Ok(Parting::there(None)),
        Err(error) => Err(words::trouble(instance, &error)),
    }
}
