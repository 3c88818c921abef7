//! `data "istiopca_cacerts"`: what is live in a cluster, as far as it is public.

mod istiods;
mod outputs;
mod settings;

use super::cacerts_secret::{self, TrustedRoot};
use super::home;
use super::words::{self, Instance};
use crate::clients::Clients;
use crate::cluster::{Cluster, ConfigMapName, SecretName};
use crate::terraform::schema::{Attribute, Schema, joined};
use crate::terraform::{Call, DataSource, Diagnostic, Filled};
use outputs::{Outputs, Sight};
use settings::Settings;

/// See the module.
pub(super) struct Cacerts;

const ATTRIBUTES: [Attribute; 34] = joined(settings::ATTRIBUTES, outputs::OUTPUTS);

impl DataSource for Cacerts {
    type Clients = Clients;
    type Settings = Settings;
    type Outputs = Outputs;

    const NAME: &'static str = "istiopca_cacerts";
    const SCHEMA: Schema = Schema::new(
        "What is live of a mesh's CA in a cluster: the public facts of the Secret that istiod loads, whoever \
         wrote it, the roots that workloads trust, what is wrong with it, and what each istiod says that it \
         uses. The private key is never part of it. A Secret that is absent is told as such; one that cannot \
         be read is an error.",
        &ATTRIBUTES,
    );

    async fn read(
        call: &Call<'_, Clients>,
        settings: &Settings,
    ) -> Result<Filled<Outputs>, Diagnostic> {
        let Settings {
            eks_cluster_arn,
            namespace,
            name,
            look_at_istiods,
        } = settings;
        let instance = Instance::secret(namespace, name, eks_cluster_arn.as_ref());
        let connected = home::connected(call, eks_cluster_arn.as_ref()).await;
        let connected = connected.map_err(|error| words::connection(&instance, &error))?;
        let at = SecretName::new(namespace, name)
            .expect("the schema admits names of namespaces and Secrets only");
        let (sight, warnings) = look(&connected.cluster, &at, &instance, *look_at_istiods).await?;
        let mut outputs = Outputs::of(&sight, call.now);
        outputs.is_in(&connected.cluster, connected.eks);
        Ok(Filled { outputs, warnings })
    }
}

/// All that is to be seen, asked at once, for clusters are far; and what of it could not be.
async fn look(
    cluster: &Cluster,
    at: &SecretName,
    instance: &Instance,
    look_at_istiods: bool,
) -> Result<(Sight, Vec<Diagnostic>), Diagnostic> {
    let usual = ConfigMapName::default();
    let (observed, published, istiods) = tokio::join!(
        cluster.read(at),
        cacerts_secret::published(cluster, at, &usual),
        async {
            if look_at_istiods {
                Some(istiods::look(cluster, at).await)
            } else {
                None
            }
        },
    );
    let mut warnings = Vec::new();
    let observed = observed.map_err(|error| words::trouble(instance, &error))?;
    let published = published.unwrap_or_else(|error| {
        warnings.push(words::roots_unseen(instance, &error));
        None
    });
    let published = published.map(|(roots, _)| roots);
    let istiods = istiods.map_or_else(Vec::new, |seen| {
        warnings.extend(seen.unseen.map(|unseen| unseen.told(instance)));
        seen.istiods
    });
    let sight = Sight {
        observed,
        published,
        istiods,
    };
    Ok((sight, warnings))
}
