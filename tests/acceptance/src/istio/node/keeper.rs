//! Scheduler and kubelet: pods as they come, each with a life of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, ListParams};
use kube::{Client, Config, ResourceExt as _};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::interval;

use super::known::{Known, Shared, locked};
use super::life::{Life, Seen};
use crate::apiserver::ApiServer;
use crate::istio::istiod::SECRET;
use crate::istio::istiod::mount::Files;

/// Who keeps the pods of one namespace.
pub(super) struct Keeper {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) program: PathBuf,
    pub(super) kubeconfig: PathBuf,
    pub(super) shared: Arc<Shared>,
}

impl Keeper {
    /// Looks at pods and Secret, and lets each pod know.
    pub(super) async fn keep(self) {
        let mut lives: BTreeMap<String, watch::Sender<Seen>> = BTreeMap::new();
        let mut tasks = JoinSet::new();
        let mut ticks = interval(TICK);
        loop {
            ticks.tick().await;
            while let Some(ended) = tasks.try_join_next() {
                report(ended);
            }
            // The server ends before its node where a story ends.
            let (Ok(pods), Ok(files)) = (self.pods().await, self.files().await) else {
                continue;
            };
            for pod in pods {
                let seen = Seen {
                    deleting: pod.metadata.deletion_timestamp.is_some(),
                    annotations: pod.annotations().clone(),
                    files: if mounts(&pod) {
                        files.clone()
                    } else {
                        Files::default()
                    },
                };
                match lives.get(&pod.name_any()) {
                    Some(life) => {
                        life.send_if_modified(|known| {
                            let news = *known != seen;
                            *known = seen;
                            news
                        });
                    }
                    None => {
                        let (sender, receiver) = watch::channel(seen);
                        lives.insert(pod.name_any(), sender);
                        tasks.spawn(self.life(pod, receiver).live());
                    }
                }
            }
        }
    }

    fn life(&self, pod: Pod, seen: watch::Receiver<Seen>) -> Life {
        let owner = pod.owner_references().first();
        let known = Known {
            replica_set: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
            ..Known::default()
        };
        locked(&self.shared.pods).insert(pod.name_any(), known);
        Life {
            client: self.client.clone(),
            pod,
            program: self.program.clone(),
            kubeconfig: self.kubeconfig.clone(),
            shared: Arc::clone(&self.shared),
            seen,
        }
    }

    async fn pods(&self) -> kube::Result<Vec<Pod>> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let istiods = ListParams::default().labels("app=istiod");
        pods.list(&istiods).await.map(|list| list.items)
    }

    /// Of a Secret that is not there, none: the volume is optional.
    async fn files(&self) -> kube::Result<Files> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let secret = secrets.get_opt(SECRET).await?;
        let data = secret.and_then(|secret| secret.data).unwrap_or_default();
        Ok(data
            .into_iter()
            .map(|(name, text)| (name, text.0))
            .collect())
    }
}

/// Whether the Secret is among the pod's volumes.
fn mounts(pod: &Pod) -> bool {
    let volumes = pod
        .spec
        .iter()
        .flat_map(|spec| spec.volumes.iter().flatten());
    let mut secrets = volumes.filter_map(|volume| volume.secret.as_ref()?.secret_name.as_deref());
    secrets.any(|name| name == SECRET)
}

/// A pod whose life could not be written down is a story that hangs: it is said at once.
fn report(ended: Result<kube::Result<()>, JoinError>) {
    use std::io::Write as _;
    let why = match ended {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    let _ = writeln!(std::io::stderr(), "node: a pod is given up: {why}");
}

/// As the administrator.
pub(super) fn client(cluster: &ApiServer) -> Client {
    let made = || -> Result<Client, Box<dyn std::error::Error>> {
        let mut config = Config::new(cluster.url().parse()?);
        let ca = CertificateDer::from_pem_slice(cluster.ca_pem().as_bytes())?;
        config.root_cert = Some(vec![ca.to_vec()]);
        config.auth_info.token = Some(cluster.admin_token().to_owned().into());
        Ok(Client::try_from(config)?)
    };
    match made() {
        Ok(client) => client,
        Err(error) => panic!("the test cluster cannot be reached: {error}"),
    }
}

/// How often it looks at the API server.
const TICK: Duration = Duration::from_millis(100);
