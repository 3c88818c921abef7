//! The Deployment of an istiod, with what Istio's chart puts into it that anybody goes by.

use serde_json::{Value, json};

/// An istiod to be deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Istiod {
    /// The revision; `default` has the Deployment `istiod`, another one `istiod-REVISION`.
    pub revision: String,
    /// How many pods.
    pub replicas: u32,
    /// More environment variables of the container.
    pub settings: Vec<(String, String)>,
    /// Whether it has the Secret `cacerts` among its volumes, as in Istio's chart.
    pub mounts: bool,
    /// After how many seconds a rollout without progress counts as stuck.
    pub progress_deadline: u32,
    /// Files of the Secret that are mounted one by one; without any, all of it is, as a folder.
    pub sub_paths: Vec<String>,
}

/// Of the container that is istiod.
pub(super) const CONTAINER: &str = "discovery";

/// The release that the real istiod of these tests is of.
const IMAGE: &str = "docker.io/istio/pilot:1.31.0";

/// One pod of the revision `default`.
impl Default for Istiod {
    fn default() -> Self {
        Self {
            revision: "default".to_owned(),
            replicas: 1,
            settings: Vec::new(),
            mounts: true,
            progress_deadline: 600,
            sub_paths: Vec::new(),
        }
    }
}

impl Istiod {
    /// The same with an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same of another revision.
    #[must_use]
    pub fn of_revision(mut self, revision: &str) -> Self {
        revision.clone_into(&mut self.revision);
        self
    }

    /// The same with these files of the Secret mounted one by one, by `subPath`.
    #[must_use]
    pub fn of_single_files(mut self, names: &[&str]) -> Self {
        self.sub_paths = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// The Deployment's name.
    #[must_use]
    pub fn name(&self) -> String {
        match self.revision.as_str() {
            "default" => "istiod".to_owned(),
            revision => format!("istiod-{revision}"),
        }
    }

    pub(super) fn deployment(&self, namespace: &str) -> Value {
        let labels = json!({"app": "istiod", "istio.io/rev": self.revision, "istio": "pilot"});
        let selector = json!({"app": "istiod", "istio.io/rev": self.revision});
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": self.name(), "namespace": namespace, "labels": labels},
            "spec": {
                "replicas": self.replicas,
                "progressDeadlineSeconds": self.progress_deadline,
                "selector": {"matchLabels": selector},
                "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": "25%"}},
                "template": {"metadata": {"labels": labels}, "spec": self.pod()},
            },
        })
    }

    fn pod(&self) -> Value {
        let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
        let mut environment = vec![
            json!({"name": "REVISION", "value": self.revision}),
            json!({"name": "PILOT_CERT_PROVIDER", "value": "istiod"}),
            field("POD_NAME", "metadata.name"),
            field("POD_NAMESPACE", "metadata.namespace"),
        ];
        let settings = self.settings.iter();
        environment.extend(settings.map(|(name, value)| json!({"name": name, "value": value})));
        json!({
            "containers": [{
                "name": CONTAINER,
                "image": IMAGE,
                "args": ["discovery", "--monitoringAddr=:15014"],
                "env": environment,
                "ports": [{"containerPort": 8080}, {"containerPort": 15012}, {"containerPort": 15014}],
                "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
                "volumeMounts": self.volume_mounts(),
            }],
            "volumes": self.volumes(),
        })
    }

    fn volumes(&self) -> Vec<Value> {
        let secret = json!({"secretName": "cacerts", "optional": true});
        let volume = json!({"name": "cacerts", "secret": secret});
        Vec::from_iter(self.mounts.then_some(volume))
    }

    fn volume_mounts(&self) -> Vec<Value> {
        let place = "/etc/cacerts";
        if !self.mounts {
            return Vec::new();
        }
        if self.sub_paths.is_empty() {
            return vec![json!({"name": "cacerts", "mountPath": place, "readOnly": true})];
        }
        let single = |name: &String| {
            let place = format!("{place}/{name}");
            json!({"name": "cacerts", "mountPath": place, "subPath": name, "readOnly": true})
        };
        self.sub_paths.iter().map(single).collect()
    }
}
