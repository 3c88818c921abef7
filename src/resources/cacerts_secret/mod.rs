//! `istiopca_cacerts_secret`: the Secret that istiod loads its CA from.

mod adopt;
mod compose;
mod drift;
#[cfg(test)]
mod fleet;
mod judged;
mod key;
mod look;
mod material;
mod outputs;
mod parting;
mod peers;
mod plan;
mod preflight;
mod present;
mod rivals;
mod settings;
mod takeup;
#[cfg(test)]
pub(super) mod testing;
mod trust;
mod write;

use std::time::Duration;

pub(super) use compose::{Files, Unfit};
use outputs::Written;
pub(in crate::resources) use outputs::{SecretNotes, TRUSTED_ROOT};
use settings::Settings;
pub(super) use trust::{TrustedRoot, of_secret, published};

use super::home::{self, Home};
use super::issue::{self, Issued, Last};
use super::words::Instance;
use crate::clients::{Clients, Connected, NoCluster};
use crate::cluster::SecretName;
use crate::provider::Policy;
use crate::terraform::schema::{Attribute, Schema, Timeouts, joined};
use crate::terraform::value::Both;
use crate::terraform::{
    Ask, Call, Diagnostic, Done, Ending, Intent, Planned, Reading, Resource, State, Unfinished,
    Verdict,
};

/// See the module.
pub(super) struct CacertsSecret;

type Outputs = Both<Issued, Written>;
type Prior = State<CacertsSecret>;

const OUTPUTS: [Attribute; 28] = joined(outputs::WRITTEN, issue::OUTPUTS);
const ATTRIBUTES: [Attribute; 56] = joined(settings::ATTRIBUTES, OUTPUTS);

impl Resource for CacertsSecret {
    type Clients = Clients;
    type Policy = Policy;
    type Settings = Settings;
    type Outputs = Outputs;
    type Private = SecretNotes;

    const NAME: &'static str = "istiopca_cacerts_secret";
    const SCHEMA: Schema = Schema::new(
        "Keeps the Secret from which istiod loads the CA of its mesh: written at once and in place, \
         compared with what is live in every plan, and never taken from somebody else without being \
         told to.",
        &ATTRIBUTES,
    )
    .blocks(&settings::BLOCKS)
    .rules(&settings::RULES);
    const TIMEOUTS: Timeouts = Timeouts {
        create: Duration::from_secs(300),
        update: Duration::from_secs(300),
        delete: Duration::from_secs(120),
    };

    fn plan_create(ask: &Ask<'_, Policy>, settings: &Settings) -> Verdict {
        plan::create(ask, settings)
    }

    fn plan_update(ask: &Ask<'_, Policy>, prior: &Prior, settings: &Settings) -> Verdict {
        plan::update(ask, prior, settings)
    }

    fn plan_destroy(_: &Ask<'_, Policy>, prior: &Prior) -> Vec<Diagnostic> {
        parting::announce(prior)
    }

    async fn preflight(call: &Call<'_, Clients>, intent: Intent<'_, Self>) -> Vec<Diagnostic> {
        preflight::preflight(call, &intent).await
    }

    async fn create(
        call: &Call<'_, Clients>,
        settings: &Settings,
        planned: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        write::write(call, None, settings, planned).await
    }

    async fn read(call: &Call<'_, Clients>, state: Prior) -> Result<Reading<Self>, Diagnostic> {
        look::look(call, state).await
    }

    async fn update(
        call: &Call<'_, Clients>,
        prior: Prior,
        settings: &Settings,
        planned: &Planned,
    ) -> Result<Done<Self>, Unfinished<Self>> {
        if settings.ask_for_the_same(&prior.settings) && planned.keeps(&prior.outputs) {
            return Ok(Done::new(prior.outputs, prior.private));
        }
        write::write(call, Some(&prior), settings, planned).await
    }

    async fn delete(
        call: &Call<'_, Clients>,
        state: Prior,
        ending: Ending,
    ) -> Result<Vec<Diagnostic>, Diagnostic> {
        parting::part(call, &state, ending).await
    }
}

/// What a certificate that takes the last one's place is measured by. Of its root more is known
/// here than what the last one was: what the mesh trusts.
fn last(prior: &Prior, reason: &str) -> Last {
    Last {
        root: None,
        ..prior.outputs.0.as_last(reason)
    }
}

/// The cluster that the Secret is to be in.
async fn connected(call: &Call<'_, Clients>, settings: &Settings) -> Result<Connected, NoCluster> {
    home::connected(call, settings.eks_cluster_arn.as_ref()).await
}

/// The cluster that the Secret is in.
fn home<'a>(settings: &'a Settings, written: &'a Written) -> Home<'a> {
    Home {
        named: settings.eks_cluster_arn.as_ref(),
        arn: written.cluster_arn.as_ref(),
        fingerprint: written.cluster_fingerprint.as_ref(),
    }
}

fn instance(settings: &Settings) -> Instance {
    let Settings {
        namespace,
        name,
        eks_cluster_arn,
        ..
    } = settings;
    Instance::secret(namespace, name, eks_cluster_arn.as_ref())
}

fn at(settings: &Settings) -> SecretName {
    SecretName::new(&settings.namespace, &settings.name)
        .expect("the schema admits names of namespaces and Secrets only")
}
