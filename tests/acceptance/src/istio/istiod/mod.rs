//! A real istiod beside the API server: it takes its CA from a Secret, as files, and signs for
//! workloads.
//!
//! What kubelet would do is done here: a pod's files are those of the Secret when it starts, and
//! follow it when [`Istiod::sync`] is called, which is the moment at which kubelet gets to it.

mod certify;
mod http;
pub(super) mod launch;
pub(super) mod mount;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::judge::Workload;
use crate::apiserver::ApiServer;
pub(super) use certify::Failure;
use certify::{Door, certificate};
use launch::{Deployment, Pod};
use mount::Files;

pub use launch::StartError;

/// An istiod in a namespace of its own; it knows no other namespace. Killed when it is dropped, or
/// when the test process dies.
#[derive(Debug)]
pub struct Istiod {
    cluster: &'static ApiServer,
    deployment: Deployment,
    pods: usize,
    pod: Pod,
}

/// When a certificate ends of which istiod reports it, as it is in its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The CA that it signs with; nothing is reported of one that it made itself.
    Authority,
    /// The first of the roots.
    Root,
}

/// What it logs when it has taken other files over without a restart.
pub const RELOADED: &str =
    "Istiod has detected the newly added intermediate CA and updated its key and certs accordingly";

/// What it logs when it drops other files because the roots differ.
pub const ROOTS_IGNORED: &str = "Multi root is disabled, updating new ROOT-CA not supported";

/// What it logs at its start with a CA from files.
pub const PLUGGED_IN: &str = "Use local CA certificate";

/// What it logs at its start without such files.
pub const SELF_SIGNED: &str = "Use self-signed certificate as the CA certificate";

/// The account of every workload.
const ACCOUNT: &str = "workload";

/// The Secret of a plugged-in CA.
pub(super) const SECRET: &str = "cacerts";

const DEADLINE: Duration = Duration::from_secs(30);

impl Istiod {
    /// Starts one in a namespace of the cluster, with the Secret as it is there now, and waits
    /// until it is ready. `settings` are more of its environment variables.
    ///
    /// # Errors
    ///
    /// When the program cannot be had, or does not come up: then with the end of its log.
    ///
    /// # Panics
    ///
    /// When the cluster cannot be asked.
    pub async fn start(
        cluster: &'static ApiServer,
        namespace: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self, StartError> {
        make_account(cluster, namespace).await;
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let deployment = Deployment {
            program: launch::program().await?,
            namespace: namespace.to_owned(),
            name: "istiod-0".to_owned(),
            address: None,
            kubeconfig: cluster.kubeconfig(cluster.admin()),
            settings: settings.iter().map(owned).collect(),
        };
        let pod = deployment.pod(1, files(cluster, namespace).await).await?;
        Ok(Self {
            cluster,
            deployment,
            pods: 1,
            pod,
        })
    }

    /// Replaces it by a new one, which starts with the Secret as it is now.
    ///
    /// # Errors
    ///
    /// When it does not come up: then with the end of its log.
    ///
    /// # Panics
    ///
    /// When the cluster cannot be asked.
    pub async fn restart(&mut self) -> Result<(), StartError> {
        self.pod.kill();
        self.pods += 1;
        let files = files(self.cluster, &self.deployment.namespace).await;
        self.pod = self.deployment.pod(self.pods, files).await?;
        Ok(())
    }

    /// Brings its files up to what the Secret is now, and waits until it has something to say
    /// about that.
    ///
    /// # Panics
    ///
    /// When it does not say `words` within half a minute, or the files cannot be written.
    pub async fn sync_until_it_says(&mut self, words: &str) {
        let before = self.pod.words().len();
        self.sync().await;
        self.until(&format!("should have said {words:?}"), |pod| {
            pod.words()
                .get(before..)
                .is_some_and(|new| new.contains(words))
        })
        .await;
    }

    /// Brings its files up to what the Secret is now.
    ///
    /// # Panics
    ///
    /// When the files cannot be written.
    pub async fn sync(&mut self) {
        let files = files(self.cluster, &self.deployment.namespace).await;
        if let Err(error) = self.pod.mount.set(files) {
            panic!("the files of istiod cannot be written: {error}");
        }
    }

    /// Whether it has logged these words since it was started last.
    #[must_use]
    pub fn has_said(&self, words: &str) -> bool {
        self.pod.words().contains(words)
    }

    /// What its metrics say about the end of what it has in memory, in seconds since 1970.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub async fn expiry(&self, of: Expiry) -> Option<i64> {
        let name = match of {
            Expiry::Authority => "citadel_server_cert_chain_expiry_timestamp",
            Expiry::Root => "citadel_server_root_cert_expiry_timestamp",
        };
        // These are whole numbers, and small ones for a float.
        http::gauge(&self.metrics().await, name).map(|value| value as i64)
    }

    /// All that it measures, in Prometheus' text format.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub async fn metrics(&self) -> String {
        match http::page(&self.pod.http, "/metrics").await {
            Ok(Some(page)) => page,
            other => panic!(
                "istiod has no metrics ({other:?})\n{}",
                self.pod.last_words()
            ),
        }
    }

    /// Waits until its metrics tell this end. What it says of a reload may be of one just before:
    /// it also looks when half of what kubelet does is done.
    ///
    /// # Panics
    ///
    /// When they do not within half a minute, or it cannot be asked.
    pub async fn until_it_has(&self, of: Expiry, end: i64) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let told = self.expiry(of).await;
            if told == Some(end) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "istiod has a certificate ({of:?}) until {told:?} instead of {end}\n{}",
                self.pod.last_words()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A new workload's certificate, which it asks for as Istio's agents do: it trusts the roots
    /// that istiod has published, and tries again until it is let in.
    ///
    /// # Panics
    ///
    /// When it has none after half a minute.
    pub async fn workload(&self) -> Workload {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.ask().await {
                Ok(workload) => return workload,
                Err(error) => assert!(
                    Instant::now() < end,
                    "no certificate for a workload: {error}\n{}",
                    self.pod.last_words()
                ),
            }
        }
    }

    async fn ask(&self) -> Result<Workload, Failure> {
        ask(self.cluster, &self.deployment.namespace, &self.pod.grpc).await
    }

    async fn until(&self, what: &str, holds: impl Fn(&Pod) -> bool) {
        let end = Instant::now() + DEADLINE;
        while !holds(&self.pod) {
            assert!(
                Instant::now() < end,
                "istiod {what}\n{}",
                self.pod.last_words()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Makes the account of every workload in a namespace.
pub(super) async fn make_account(cluster: &ApiServer, namespace: &str) {
    let account = ["create", "serviceaccount", ACCOUNT, "-n", namespace];
    cluster.kubectl(&account).await.succeeds();
}

/// A new workload's certificate by the istiod at this address, which the workload recognises by the
/// roots that are published.
pub(super) async fn ask(
    cluster: &ApiServer,
    namespace: &str,
    address: &str,
) -> Result<Workload, Failure> {
    let there = ["-n", namespace];
    let token = ["create", "token", ACCOUNT, "--audience=istio-ca"];
    let token = cluster.kubectl(&[&token[..], &there].concat()).await;
    let roots = ["get", "configmap", "istio-ca-root-cert", "-o", "json"];
    let roots = cluster.kubectl(&[&roots[..], &there].concat()).await;
    let published: Value = serde_json::from_str(roots.stdout())?;
    let roots = published["data"]["root-cert.pem"].as_str();
    certificate(&Door {
        address,
        name: &format!("istiod.{namespace}.svc"),
        roots: roots.ok_or("istiod has published no roots")?,
        token: token.succeeds().stdout().trim(),
    })
    .await
}

/// What the Secret holds now; where there is none, that is nothing, since it is optional.
async fn files(cluster: &ApiServer, namespace: &str) -> Files {
    let secret = ["get", "secret", SECRET, "-n", namespace, "-o", "json"];
    let run = cluster
        .kubectl(&[&secret[..], &["--ignore-not-found"]].concat())
        .await;
    if run.succeeds().stdout().trim().is_empty() {
        return Files::new();
    }
    let secret = run.json();
    let data = secret["data"].as_object().into_iter().flatten();
    data.map(|(name, content)| {
        let content = content.as_str().and_then(|text| STANDARD.decode(text).ok());
        (name.clone(), content.expect("a Secret's data is base64"))
    })
    .collect()
}
