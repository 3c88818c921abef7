//! `istiopca_tse_handover`: Tetrate Service Express is told once, and kept told, that the mesh's CA is
//! not its business. One field of one object is all that is ever touched of it.

mod hand;
mod plane;
mod settings;

use std::time::Duration;

pub(super) use plane::Plane;
use settings::{Notes, Outputs, Settings};

use super::home::Move;
use super::words::{self, Instance};
use crate::clients::Clients;
use crate::provider::Policy;
use crate::terraform::schema::{Schema, Timeouts};
use crate::terraform::{
    Ask, Call, Diagnostic, Done, Dynamic, Ending, Intent, Planned, Reading, Resource, State,
    Unfinished, Verdict,
};

/// See the module.
pub(super) struct TseHandover;

type Prior = State<TseHandover>;

impl Resource for TseHandover {
    type Clients = Clients;
    type Policy = Policy;
    type Settings = Settings;
    type Outputs = Outputs;
    type Private = Notes;

    const NAME: &'static str = "istiopca_tse_handover";
    const SCHEMA: Schema = Schema::new(
        "Switches Tetrate Service Express off as a writer of the mesh's CA, in one field of its management plane or \
         of a control plane, and watches that it stays so.",
        &settings::ATTRIBUTES,
    )
    .blocks(&settings::BLOCKS);
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_secs(120),
        update: Duration::from_secs(120),
        delete: Duration::from_secs(60),
    };

    fn plan_create(_: &Ask<'_, Policy>, settings: &Settings) -> Verdict {
        let mut verdict = Verdict::keep();
        verdict.becomes("drift", Dynamic::List(Vec::new()));
        if let Some(arn) = &settings.eks_cluster_arn {
            verdict.becomes("cluster_arn", arn.to_string());
        }
        verdict
    }

    fn plan_update(_: &Ask<'_, Policy>, prior: &Prior, settings: &Settings) -> Verdict {
        let mut verdict = Verdict::keep();
        let home = prior.settings.home(&prior.outputs);
        let wanted = settings.eks_cluster_arn.as_ref();
        match home.moves(wanted, prior.private.elsewhere.as_ref()) {
            Some(Move::Led { from, to }) => {
                verdict.replace("cluster_fingerprint");
                verdict.tell(words::plane_elsewhere(&instance(settings), &from, &to));
            }
            Some(Move::Named) => verdict.replace("eks_cluster_arn"),
            None if !prior.outputs.drift.is_empty() => {
                verdict.becomes("drift", Dynamic::List(Vec::new()));
                // It may be made anew before it is written.
                verdict.unknown(&["uid"]);
            }
            None => {}
        }
        verdict
    }

    fn plan_destroy(_: &Ask<'_, Policy>, prior: &Prior) -> Vec<Diagnostic> {
        let plane = prior.settings.plane;
        vec![words::stays_handed_over(&instance(&prior.settings), plane)]
    }

    async fn preflight(call: &Call<'_, Clients>, intent: Intent<'_, Self>) -> Vec<Diagnostic> {
        match intent {
            Intent::Create { settings } => hand::foresee(call, settings).await,
            Intent::Update { .. } => Vec::new(),
        }
    }

    async fn create(
        call: &Call<'_, Clients>,
        settings: &Settings,
        _: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        hand::over(call, settings, &Outputs::default()).await
    }

    async fn read(call: &Call<'_, Clients>, state: Prior) -> Result<Reading<Self>, Diagnostic> {
        hand::look(call, state).await
    }

    async fn update(
        call: &Call<'_, Clients>,
        prior: Prior,
        settings: &Settings,
        planned: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        // Another name for the same cluster changes nothing in it.
        if !planned.is_open("uid") {
            return Ok(Done::new(prior.outputs, prior.private));
        }
        hand::over(call, settings, &prior.outputs).await
    }

    /// What is TSE's again is for TSE to say.
    async fn delete(
        _: &Call<'_, Clients>,
        _: Prior,
        _: Ending,
    ) -> Result<Vec<Diagnostic>, Diagnostic> {
        Ok(Vec::new())
    }
}

fn instance(settings: &Settings) -> Instance {
    let (namespace, name) = settings.place();
    let cluster = settings.eks_cluster_arn.as_ref();
    Instance::plane(settings.plane, namespace, name, cluster)
}

#[cfg(test)]
mod tests;
