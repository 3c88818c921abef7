//! What kubelet writes into a pod's status, as merge patches: pure.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::manifest::CONTAINER;

/// The node that all pods are on.
pub(super) const NODE: &str = "node-1";

/// How the container of a pod does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// The program runs, and is not ready yet.
    Starts,
    /// It is ready.
    Serves,
    /// It ended, and will be started again.
    Crashed {
        /// How, with the program's last words.
        why: String,
    },
}

/// The whole status at this moment, of a pod that has an address.
pub(super) fn status(doing: &Doing, address: Ipv4Addr, restarts: usize, now: Timestamp) -> Value {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let ready = *doing == Doing::Serves;
    let state = match doing {
        Doing::Starts | Doing::Serves => json!({"running": {"startedAt": now}}),
        Doing::Crashed { why } => {
            json!({"waiting": {"reason": "CrashLoopBackOff", "message": why}})
        }
    };
    let condition = |name: &str, holds: bool| {
        let holds = if holds { "True" } else { "False" };
        json!({"type": name, "status": holds, "lastTransitionTime": now})
    };
    json!({"status": {
        "phase": "Running",
        "hostIP": "10.77.0.1",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [
            condition("PodScheduled", true),
            condition("Initialized", true),
            condition("ContainersReady", ready),
            condition("Ready", ready),
        ],
        "containerStatuses": [{
            "name": CONTAINER,
            "image": "",
            "imageID": "",
            "ready": ready,
            "started": ready,
            "restartCount": restarts,
            "state": state,
        }],
    }})
}

/// What the scheduler writes when no node takes a pod.
pub(super) fn unschedulable(now: Timestamp) -> Value {
    let now = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({"status": {"phase": "Pending", "conditions": [{
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient memory.",
        "lastTransitionTime": now,
    }]}})
}
