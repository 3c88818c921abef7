//! For tests: a Deployment and a pod of istiod as the API server shows them, taken from Istio's chart 1.24.

use serde_json::{Value, json};

use super::{Deployment, Pod, deployment, pod};

/// A Deployment whose rollout is over, after this change.
pub(crate) fn deployment_json(change: impl FnOnce(&mut Value)) -> Value {
    let mut json = json!({
        "metadata": {
            "name": "istiod", "namespace": "istio-system", "uid": "d-1", "resourceVersion": "41",
            "generation": 3,
            "labels": {"app": "istiod", "istio.io/rev": "default"},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "istiod", "istio.io/rev": "default"}},
            "template": {
                "metadata": {
                    "labels": {"app": "istiod", "istio.io/rev": "default"},
                    "annotations": {"prometheus.io/port": "15014"},
                },
                "spec": {
                    "containers": [{
                        "name": "discovery",
                        "image": "docker.io/istio/pilot:1.24.3-distroless",
                        "env": [
                            {"name": "REVISION", "value": "default"},
                            {"name": "PILOT_CERT_PROVIDER", "value": "istiod"},
                            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        ],
                        "volumeMounts": [
                            {"name": "cacerts", "mountPath": "/etc/cacerts", "readOnly": true},
                            {"name": "istio-csr-ca-configmap", "mountPath": "/var/run/secrets/istiod/ca"},
                        ],
                    }],
                    "volumes": [
                        {"name": "cacerts", "secret": {"secretName": "cacerts", "optional": true}},
                        {"name": "istio-kubeconfig", "secret": {"secretName": "istio-kubeconfig"}},
                        {"name": "istio-csr-ca-configmap", "configMap": {"name": "x"}},
                    ],
                },
            },
        },
        "status": {
            "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
            "availableReplicas": 2,
            "conditions": [{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}],
        },
    });
    change(&mut json);
    json
}

/// As [`deployment_json`], read.
pub(crate) fn deployment(change: impl FnOnce(&mut Value)) -> Deployment {
    let object = serde_json::from_value::<deployment::Object>(deployment_json(change));
    object.expect("a Deployment").into()
}

/// One of this image's tag, with exactly these variables in its environment.
pub(crate) fn told(tag: &str, env: &[(&str, &str)]) -> Deployment {
    deployment(|json| {
        let container = &mut json["spec"]["template"]["spec"]["containers"][0];
        container["image"] = json!(format!("istio/pilot{tag}"));
        let env = env
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}));
        container["env"] = env.collect();
    })
}

/// A pod that serves, after this change.
pub(crate) fn pod_json(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut json = json!({
        "metadata": {
            "name": name, "namespace": "istio-system", "uid": format!("uid-of-{name}"),
            "labels": {"app": "istiod", "istio.io/rev": "default", "pod-template-hash": "5b4f"},
        },
        "spec": {"containers": [{"name": "discovery", "image": "istio/pilot:1.24.3"}]},
        "status": {
            "phase": "Running", "startTime": "2026-03-01T08:00:00Z",
            "conditions": [
                {"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"},
            ],
            "containerStatuses": [{
                "name": "discovery", "ready": true, "restartCount": 1,
                "state": {"running": {"startedAt": "2026-03-01T09:00:00Z"}},
            }],
        },
    });
    change(&mut json);
    json
}

/// As [`pod_json`], read.
pub(crate) fn pod(name: &str, change: impl FnOnce(&mut Value)) -> Pod {
    let object = serde_json::from_value::<pod::Object>(pod_json(name, change));
    object.expect("a pod").into()
}
